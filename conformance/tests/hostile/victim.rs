//! The server under attack, seen from outside.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Mutex,
};

use crate::KIB;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sio_conformance");

/// It listens on two addresses.
const LISTENERS: usize = 2;

/// `sio_conformance`, in a process of its own that ends with this.
pub(crate) struct Victim {
    process: Mutex<Child>,
    pub(crate) address: SocketAddr,
    /// What the system tells of the process.
    proc: PathBuf,
}

impl Victim {
    /// Starts it with settings on top of these: sessions that say nothing are over after less than three seconds.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        Self::run(Command::new(PROGRAM), settings)
    }

    /// Starts it with so few descriptors.
    pub(crate) fn start_with_descriptors(most: usize, settings: &[(&str, &str)]) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -n {most}; exec \"$0\""), PROGRAM]);
        Self::run(shell, settings)
    }

    fn run(mut command: Command, settings: &[(&str, &str)]) -> Self {
        let defaults = [
            ("PORT", "0"),
            ("PING_INTERVAL", "300"),
            ("PING_TIMEOUT", "2000"),
            // The allocator would learn to keep large pieces, and hide what the server keeps.
            ("MALLOC_MMAP_THRESHOLD_", "131072"),
            ("MALLOC_TRIM_THRESHOLD_", "131072"),
        ];
        command.envs(defaults).envs(settings.iter().copied()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("the program is there");
        let mut line = String::new();
        let output = process.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut line).expect("it says where it listens");
        let address = line.split_whitespace().find_map(|word| word.parse().ok());
        let address = address.unwrap_or_else(|| panic!("{line:?} in place of an address"));
        let proc = PathBuf::from(format!("/proc/{}", process.id()));
        Self { process: Mutex::new(process), address, proc }
    }

    pub(crate) fn is_alive(&self) -> bool {
        let mut process = self.process.lock().expect("nobody panics with it");
        process.try_wait().expect("it is our own").is_none()
    }

    /// Connections that it holds.
    pub(crate) fn connections(&self) -> usize {
        let descriptors = fs::read_dir(self.proc.join("fd")).expect("the server is alive");
        let targets = descriptors.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
        let sockets = targets.filter(|target| target.to_string_lossy().starts_with("socket:"));
        sockets.count().saturating_sub(LISTENERS)
    }

    /// Memory that it takes, in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.status("VmRSS:")
    }

    /// The most memory that it has ever taken, in bytes.
    pub(crate) fn peak(&self) -> usize {
        self.status("VmHWM:")
    }

    /// Memory that it has asked for, in bytes, whether it has used it or not.
    pub(crate) fn claimed(&self) -> usize {
        self.status("VmData:")
    }

    fn status(&self, field: &str) -> usize {
        let status = fs::read_to_string(self.proc.join("status")).expect("the server is alive");
        let value = status.lines().find_map(|line| line.strip_prefix(field));
        let kilobytes = value.and_then(|value| value.split_whitespace().next()?.parse().ok());
        kilobytes
            .map_or_else(|| panic!("no {field} in {status}"), |kilobytes: usize| kilobytes * KIB)
    }

    /// Time of the processor that it has taken, in hundredths of a second.
    pub(crate) fn processor_time(&self) -> u64 {
        let stat = fs::read_to_string(self.proc.join("stat")).expect("the server is alive");
        // The name of the program comes before it and may hold anything; behind it are user and system time.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let process = self.process.get_mut().expect("nobody panics with it");
        // It may have ended already, which the test has noticed then.
        let _ = process.kill();
        let _ = process.wait();
    }
}
