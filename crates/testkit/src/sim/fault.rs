//! Calls of the operating system that fail.

use std::io::{self, ErrorKind};

use super::Random;

/// What a connection holds in store: one call of the server that fails, and what follows from it.
///
/// ```text
///   Coming ── after so many calls ──► (the call fails) ─┬─► Over       the connection has not suffered
///                                                       └─► Lasting    every further call fails, too
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Fault {
    Coming {
        /// Which calls can fail.
        on: On,
        /// How many of them go well before.
        left: usize,
        error: Failure,
    },
    Lasting(Failure),
    #[default]
    Over,
}

/// The calls of a server on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Read,
    Write,
    Shutdown,
}

/// Which calls a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum On {
    Reads,
    Writes,
    Any,
}

/// An error by its number, as systems have them, or by its kind.
#[derive(Clone, Copy, Debug)]
pub(super) enum Failure {
    Number(i32),
    Kind(ErrorKind),
}

/// Numbers of Linux: EIO, ENOMEM, EPIPE, EMFILE, ENFILE, ENETDOWN, ENETUNREACH, ECONNABORTED, ECONNRESET, ENOBUFS, ENOTCONN, ETIMEDOUT,
/// EHOSTUNREACH; elsewhere they are some errors or other.
const NUMBERS: [i32; 13] = [5, 12, 32, 24, 23, 100, 101, 103, 104, 105, 107, 110, 113];

/// Most calls that go well before the one that fails.
const MOST: usize = 120;

impl Fault {
    /// Any error.
    pub(super) fn any(random: &mut Random) -> Self {
        let error = match random.below(NUMBERS.len() + 1) {
            0 => Failure::Kind(ErrorKind::Other),
            number => Failure::Number(NUMBERS[number - 1]),
        };
        Self::sometime(error, random)
    }

    /// A signal.
    pub(super) fn interruption(random: &mut Random) -> Self {
        Self::sometime(Failure::Kind(ErrorKind::Interrupted), random)
    }

    fn sometime(error: Failure, random: &mut Random) -> Self {
        let on = *random.pick(&[On::Reads, On::Writes, On::Any]);
        // Early ones are as likely as all later ones together: there is more to come upon.
        let most = *random.pick(&[4, 16, MOST]);
        Self::Coming { on, left: random.below(most), error }
    }

    /// Whether this call fails.
    ///
    /// # Errors
    /// If it does.
    pub(super) fn strike(&mut self, call: Call) -> io::Result<()> {
        match self {
            Self::Over => Ok(()),
            Self::Lasting(error) => Err(error.make()),
            Self::Coming { on, left, error } => {
                let concerns = match on {
                    On::Reads => call == Call::Read,
                    On::Writes => call != Call::Read,
                    On::Any => true,
                };
                // Ending a half does not wait, so no signal interrupts it.
                let cannot = call == Call::Shutdown && error.is_harmless();
                if !concerns || cannot {
                    return Ok(());
                }
                if *left > 0 {
                    *left -= 1;
                    return Ok(());
                }
                let error = *error;
                *self = if error.is_harmless() { Self::Over } else { Self::Lasting(error) };
                Err(error.make())
            }
        }
    }

    /// Whether it has struck, for good.
    pub(super) const fn is_lasting(&self) -> bool {
        matches!(self, Self::Lasting(_))
    }
}

impl Failure {
    fn make(self) -> io::Error {
        match self {
            Self::Number(number) => io::Error::from_raw_os_error(number),
            Self::Kind(kind) => kind.into(),
        }
    }

    /// It says nothing about the connection: the same call will do.
    fn is_harmless(self) -> bool {
        self.make().kind() == ErrorKind::Interrupted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_that_fails_is_the_one_that_was_said() {
        let error = Failure::Number(104);
        let mut fault = Fault::Coming { on: On::Writes, left: 1, error };
        let calls = [Call::Write, Call::Read, Call::Shutdown, Call::Read, Call::Write];
        let went_well = calls.map(|call| fault.strike(call).is_ok());
        assert_eq!(went_well, [true, true, false, false, false]);
        let mut fault =
            Fault::Coming { on: On::Reads, left: 0, error: Failure::Kind(ErrorKind::Interrupted) };
        let went_well =
            [Call::Write, Call::Read, Call::Read].map(|call| fault.strike(call).is_ok());
        assert_eq!(went_well, [true, false, true], "the same call again does not fail");
    }
}
