//! What the server tells whoever watches it, through the crate `tracing`, where the feature of that name is on.
//!
//! The targets are part of what users rely on: `siomio::server`, `siomio::http`, `siomio::engine`, `siomio::socket`,
//! `siomio::websocket` and `siomio::handler`. What a client can cause at will is told at the levels `DEBUG` and `TRACE`.
//!
//! Whoever listens is code of the application: nothing of a shard's state may be borrowed where something is told.

use std::{fmt, time::Duration};

/// Tells something: `log!(DEBUG, "siomio::socket", "connected", id = …)`. Every value is shown as its `Display` does. Values are
/// computed only if somebody listens.
#[cfg(feature = "tracing")]
macro_rules! log {
    ($level:ident, $target:literal, $message:literal $(, $name:ident = $value:expr)* $(,)?) => {
        ::tracing::event!(target: $target, ::tracing::Level::$level, $($name = %$value,)* $message)
    };
}

/// Nobody listens: the arguments are checked, and nothing is left of it.
#[cfg(not(feature = "tracing"))]
macro_rules! log {
    ($level:ident, $target:literal, $message:literal $(, $name:ident = $value:expr)* $(,)?) => {
        if false {
            let _: (&str, &str, &[&dyn ::std::fmt::Display]) = ($target, $message, &[$(&$value),*]);
        }
    };
}

pub(crate) use log;

/// The beginning of a secret: enough to tell two apart, and not to use one.
pub(crate) struct Brief<'s>(pub(crate) &'s str);

/// Characters of a secret that may be seen, and never more than a quarter of it.
const SEEN: usize = 4;

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = SEEN.min(self.0.chars().count() / 4);
        for character in self.0.chars().take(seen) {
            write!(f, "{}", character.escape_debug())?;
        }
        f.write_str("…")
    }
}

/// How long something took.
pub(crate) struct Took(pub(crate) Duration);

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_secret_little_is_seen() {
        for (secret, seen) in [
            ("abcdefghijklmnopqrst", "abcd…"),
            ("abcdefgh", "ab…"),
            ("abc", "…"),
            ("", "…"),
            ("äöüß", "ä…"),
            ("\n234", "\\n…"),
        ] {
            assert_eq!(Brief(secret).to_string(), seen);
        }
    }
}
