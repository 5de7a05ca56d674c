//! Child processes that cannot outlive their test: killed and reaped when the guard goes, their
//! output kept for the report.

use crate::forks::{Fork, Forked};
use crate::wait;
use std::ffi::OsStr;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A command for `program` without the developer's own settings, so that a test means the same on
/// every machine: variables that begin with one of `prefixes` are not handed on.
#[must_use]
pub fn without_settings(program: impl AsRef<OsStr>, prefixes: &[&str]) -> Command {
    let mut command = Command::new(program);
    let foreign = std::env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        prefixes.iter().any(|prefix| name.starts_with(prefix))
    });
    foreign.for_each(|name| {
        command.env_remove(name);
    });
    command
}

/// A running child. Dropping it kills it hard.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Held,
    output: PathBuf,
    _folder: TempDir,
}

/// Whose child it is: ours, or that of the process that forks.
#[derive(Debug)]
enum Held {
    Child(Child),
    Fork(Fork),
}

impl Running {
    /// Starts `command`; both its outputs go to one file, see [`Running::output`].
    ///
    /// # Panics
    /// When the program cannot be started.
    #[must_use]
    pub fn start(name: &str, command: &mut Command) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let output = folder.path().join("output");
        let file = File::create(&output).expect("a file for the output");
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("the output file twice"))
            .stderr(file)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {command:?}: {error}"));
        Self {
            name: name.to_owned(),
            child: Held::Child(child),
            output,
            _folder: folder,
        }
    }

    /// Starts a Python server from a process that has read its libraries.
    ///
    /// # Panics
    /// When there is no such process.
    #[must_use]
    pub fn fork(name: &str, wanted: &Forked<'_>) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let output = folder.path().join("output");
        Self {
            name: name.to_owned(),
            child: Held::Fork(Fork::start(wanted, &output)),
            output,
            _folder: folder,
        }
    }

    /// The process id, for signals.
    #[must_use]
    pub fn id(&self) -> u32 {
        match &self.child {
            Held::Child(child) => child.id(),
            Held::Fork(fork) => fork.id(),
        }
    }

    /// Everything the child has printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        let bytes = std::fs::read(&self.output).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until it has printed `words`: what it tells over its doors may be ahead of its log.
    ///
    /// # Panics
    /// When it has not within [`SOON`](wait::SOON); the message carries its output.
    pub async fn prints(&self, words: &str) {
        let printed = wait::within(wait::SOON, || {
            let printed = self.output().contains(words).then_some(());
            async move { printed }
        });
        assert!(
            printed.await.is_some(),
            "{} does not print {words:?}. It printed:\n{}",
            self.name,
            self.output()
        );
    }

    /// How it ended, or `None` while it runs.
    ///
    /// # Panics
    /// When the operating system does not know the child.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        match &mut self.child {
            Held::Child(child) => child.try_wait().expect("state of a child process"),
            Held::Fork(fork) => fork.ended(),
        }
    }

    /// Sends it a signal by name: `TERM`, `STOP`, `CONT`.
    ///
    /// # Panics
    /// When it is not there any more.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args(["-s", signal, &self.id().to_string()])
            .status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "{} takes no {signal}. It printed:\n{}",
            self.name,
            self.output()
        );
    }

    /// The processor time that it has used so far, over all its threads.
    ///
    /// # Panics
    /// When it is not there any more.
    #[must_use]
    pub fn processor_time(&self) -> Duration {
        processor_time(&self.id().to_string())
    }

    /// Kills it hard, as a crash would, and waits until it is gone.
    pub fn kill(&mut self) {
        match &mut self.child {
            Held::Child(child) => {
                let _ = child.kill();
                let _ = child.wait();
            }
            Held::Fork(fork) => fork.kill(),
        }
    }

    /// Waits for it to end by itself.
    ///
    /// # Panics
    /// When it still runs after `bound`; the message carries its output.
    pub async fn finished(&mut self, bound: Duration) -> ExitStatus {
        let ended = wait::within(bound, || {
            let ended = self.ended();
            async move { ended }
        });
        match ended.await {
            Some(status) => status,
            None => panic!(
                "{} still runs after {bound:?}. It printed:\n{}",
                self.name,
                self.output()
            ),
        }
    }

    /// Waits until `ready` answers, and fails at once when the child ends instead.
    ///
    /// # Panics
    /// When the child ends, or is not ready within `bound`; the message carries its output.
    pub async fn until_ready<T, P, F>(&mut self, bound: Duration, mut ready: P) -> T
    where
        P: FnMut() -> F,
        F: Future<Output = Option<T>>,
    {
        let answer = wait::within(bound, || {
            let (ended, ready) = (self.ended(), ready());
            async move { ready.await.map(Ok).or(ended.map(Err)) }
        });
        match answer.await {
            Some(Ok(found)) => found,
            Some(Err(status)) => panic!(
                "{} ended ({status}) before it was ready. It printed:\n{}",
                self.name,
                self.output()
            ),
            None => panic!(
                "{} was not ready within {bound:?}. It printed:\n{}",
                self.name,
                self.output()
            ),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- output of {} ---\n{}", self.name, self.output());
        }
    }
}

/// The processor time that a process has used so far, over all its threads; by its id, or `self`.
///
/// # Panics
/// When it is not there any more.
#[must_use]
pub fn processor_time(process: &str) -> Duration {
    // proc(5): fields 14 and 15 are ticks in user and kernel mode, a hundred a second on every
    // Linux there is. The second field is the name in parentheses, which may itself hold anything.
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))
        .expect("statistics of a running process");
    let (_, rest) = stat.rsplit_once(')').expect("a name in parentheses");
    let ticks: u64 = rest
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().expect("ticks"))
        .sum();
    Duration::from_millis(ticks * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn a_child_that_ends_shows_its_status_and_output() {
        let mut child = Running::start("talker", &mut shell("echo out; echo err >&2; exit 3"));
        assert_eq!(
            child.finished(Duration::from_secs(10)).await.code(),
            Some(3)
        );
        assert_eq!(child.output(), "out\nerr\n");
    }

    #[tokio::test]
    async fn a_dropped_guard_leaves_no_process() {
        let mut child = Running::start("stayer", &mut shell("exec tail -f /dev/null"));
        let running = child.until_ready(Duration::from_secs(10), || async { Some(()) });
        running.await;
        assert!(child.ended().is_none());
        let id = child.id();
        drop(child);
        assert!(!std::path::Path::new(&format!("/proc/{id}")).exists());
    }

    #[tokio::test]
    #[should_panic(expected = "went wrong at once")]
    async fn a_child_that_ends_before_it_is_ready_is_reported_with_its_output() {
        let mut child = Running::start("failing", &mut shell("echo went wrong at once; exit 1"));
        child
            .until_ready(Duration::from_secs(10), || async { None::<()> })
            .await;
    }
}
