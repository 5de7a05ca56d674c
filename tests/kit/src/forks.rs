//! Python servers as forks of one process that has read their libraries: see `forks.py`.

use crate::{venv, workspace};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, ExitStatus, Stdio};
use std::sync::OnceLock;

/// What is started, and how.
#[derive(Debug)]
pub struct Forked<'a> {
    /// A console script of the Python environment, or a file that ends in `.py`.
    pub program: &'a str,
    /// What it is given.
    pub arguments: &'a [&'a str],
    /// Variables beside those of this process.
    pub environment: BTreeMap<&'a str, &'a str>,
}

/// One of the servers, by its process id.
#[derive(Debug)]
pub(crate) struct Fork {
    id: u32,
    ended: Option<ExitStatus>,
}

impl Fork {
    /// Starts it, with both its outputs in this file.
    pub(crate) fn start(wanted: &Forked<'_>, output: &Path) -> Self {
        let answer = ask(&json!({
            "start": wanted.program,
            "arguments": wanted.arguments,
            "environment": wanted.environment,
            "output": output,
        }));
        let id = answer["id"].as_u64().and_then(|it| u32::try_from(it).ok());
        Self {
            id: id.expect("a process id"),
            ended: None,
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = status(&ask(&json!({"ended": self.id})));
        }
        self.ended
    }

    /// Kills it hard; it is gone afterwards.
    pub(crate) fn kill(&mut self) {
        if self.ended.is_none() {
            self.ended = status(&ask(&json!({"kill": self.id})));
        }
    }
}

fn status(answer: &Value) -> Option<ExitStatus> {
    let raw = answer["status"].as_i64()?;
    Some(ExitStatus::from_raw(raw.try_into().expect("a status")))
}

/// The process that forks. It lives as long as this one: its end is the end of its standard input.
#[derive(Debug)]
struct Forks {
    _process: Child,
    wishes: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Forks {
    fn start() -> Self {
        let mut command = venv::command("python");
        command.arg(workspace::root().join("tests/kit/forks.py"));
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start the process that forks");
        Self {
            wishes: process.stdin.take().expect("its standard input"),
            answers: BufReader::new(process.stdout.take().expect("its standard output")),
            _process: process,
        }
    }
}

fn ask(wish: &Value) -> Value {
    static FORKS: OnceLock<Mutex<Forks>> = OnceLock::new();
    let mut forks = FORKS.get_or_init(|| Mutex::new(Forks::start())).lock();
    writeln!(forks.wishes, "{wish}").expect("the process that forks listens");
    let mut line = String::new();
    let read = forks.answers.read_line(&mut line);
    read.expect("an answer of the process that forks");
    serde_json::from_str(&line).unwrap_or_else(|_| panic!("it ended at {wish}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Running;
    use std::time::Duration;
    use tempfile::TempDir;

    const BOUND: Duration = Duration::from_secs(30);

    fn script(text: &str) -> (TempDir, String) {
        let folder = TempDir::new().expect("a temporary folder");
        let file = folder.path().join("script.py");
        std::fs::write(&file, text).expect("a script");
        let file = file.to_str().expect("a path that is text").to_owned();
        (folder, file)
    }

    fn wanted<'a>(program: &'a str, environment: &[(&'a str, &'a str)]) -> Forked<'a> {
        Forked {
            program,
            arguments: &["one", "two"],
            environment: environment.iter().copied().collect(),
        }
    }

    #[tokio::test]
    async fn a_fork_has_its_own_arguments_and_variables_and_shows_its_output_and_status() {
        let said = "import os, sys\nprint(sys.argv[1:], os.environ['SAID'])\nsys.exit(3)";
        let (_folder, file) = script(said);
        for said in ["first", "second"] {
            let mut fork = Running::fork("talker", &wanted(&file, &[("SAID", said)]));
            assert_eq!(fork.finished(BOUND).await.code(), Some(3));
            assert_eq!(fork.output(), format!("['one', 'two'] {said}\n"));
        }
    }

    #[tokio::test]
    async fn two_forks_do_not_have_the_same_random_numbers() {
        let (_folder, file) = script(
            "import random\nfrom moto.moto_api._internal import mock_random\nprint(random.random(), mock_random.random())",
        );
        let mut outputs = Vec::new();
        for _ in 0..2 {
            let mut fork = Running::fork("gambler", &wanted(&file, &[]));
            assert_eq!(fork.finished(BOUND).await.code(), Some(0));
            let numbers = fork.output();
            outputs.extend(numbers.split_whitespace().map(str::to_owned));
        }
        outputs.sort();
        outputs.dedup();
        assert_eq!(outputs.len(), 4, "{outputs:?}");
    }

    #[tokio::test]
    async fn a_fork_is_gone_with_its_guard_and_one_that_fails_says_why() {
        let (_folder, file) =
            script("import threading\nprint('up', flush=True)\nthreading.Event().wait()");
        let mut fork = Running::fork("stayer", &wanted(&file, &[]));
        let up = crate::wait::within(BOUND, || {
            let up = fork.output() == "up\n";
            async move { up.then_some(()) }
        });
        assert!(up.await.is_some());
        assert_eq!(fork.ended(), None);
        let id = fork.id();
        drop(fork);
        assert!(!Path::new(&format!("/proc/{id}")).exists());
        let (_folder, file) = script("raise ValueError('went wrong')");
        let mut fork = Running::fork("failing", &wanted(&file, &[]));
        assert_eq!(fork.finished(BOUND).await.code(), Some(1));
        assert!(fork.output().contains("went wrong"));
    }
}
