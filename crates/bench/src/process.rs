//! Servers in processes of their own, and what these take.

use std::{
    ffi::OsStr,
    fs, io,
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A process that is measured.
#[derive(Clone, Copy, Debug)]
pub struct Process(pub u32);

impl Process {
    /// CPU time of all its threads, those included that have ended.
    ///
    /// # Errors
    /// When it is gone.
    pub fn cpu(self) -> io::Result<Duration> {
        let mut nanos = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.0))? {
            // A thread may end meanwhile.
            let text = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
            nanos += text.split_whitespace().next().and_then(|it| it.parse().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Resident memory in bytes.
    ///
    /// # Errors
    /// When it is gone.
    pub fn resident(self) -> io::Result<u64> {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.0))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Rss:"));
        let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
        kilobytes.map(|it| it * 1024).ok_or_else(|| io::Error::other("no Rss"))
    }

    /// How many descriptors it has open.
    ///
    /// # Errors
    /// When it is gone.
    pub fn descriptors(self) -> io::Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.0))?.count())
    }
}

/// A server that was started to be measured, and ends with this.
#[derive(Debug)]
pub struct Subject {
    child: Child,
    address: SocketAddr,
}

impl Subject {
    /// Starts a program on these cores, the first is 0, with its port in the environment, and waits until it listens.
    ///
    /// # Errors
    /// When it cannot be started, or does not listen within ten seconds.
    pub fn start<S: AsRef<OsStr>>(
        program: &[S],
        cores: &str,
        port: u16,
        environment: &[(&str, String)],
    ) -> io::Result<Self> {
        let mut command = Command::new("taskset");
        command.args(["-c", cores]).args(program.iter().map(AsRef::as_ref));
        command.env("PORT", port.to_string()).stdout(Stdio::null());
        command.envs(environment.iter().map(|(name, value)| (*name, value)));
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut subject = Self { child: command.spawn()?, address };
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            if let Some(status) = subject.child.try_wait()? {
                return Err(io::Error::other(format!("the server has ended: {status}")));
            }
            if Instant::now() > until {
                return Err(io::ErrorKind::TimedOut.into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(subject)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process: `taskset` has become the program.
    pub fn process(&self) -> Process {
        Process(self.child.id())
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
