//! This same program, started again to play one part.

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};
use testkit::process::processor_time;

/// A process that plays a part. It ends when this is dropped.
#[derive(Debug)]
pub struct Role {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Role {
    /// Starts one; it has said this, in one line.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> (Self, String) {
        let program = std::env::current_exe().expect("this program's path");
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts");
        let to = child.stdin.take().expect("a pipe");
        let from = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut this = Self { child, to, from };
        let said = this.hear();
        (this, said)
    }

    /// Tells it one line.
    ///
    /// # Panics
    /// When it has ended.
    pub fn tell(&mut self, line: &str) {
        writeln!(self.to, "{line}").expect("it listens");
    }

    /// Its next line.
    ///
    /// # Panics
    /// When it has ended.
    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        let read = self.from.read_line(&mut line).expect("a line");
        assert!(read > 0, "a process ended before its line");
        line.trim_end().to_owned()
    }

    /// The processor time that it has used so far.
    #[must_use]
    pub fn processor_time(&self) -> Duration {
        processor_time(&self.child.id().to_string())
    }

    /// How much memory it holds, in MB.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("a process's status");
        let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|it| it.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kilobytes.expect("its memory") / 1_024
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says a line to whoever started this process.
pub fn say(line: &str) {
    println!("{line}");
}

/// Waits until whoever started this process has gone.
///
/// # Panics
/// When standard input cannot be read.
pub async fn left_alone() {
    let reading = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0]));
    let _ = reading.await.expect("a thread").expect("standard input");
}
