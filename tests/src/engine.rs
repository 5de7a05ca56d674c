//! A `peerage serve` of its own for a test, and the command line beside it: what a user has, and
//! nothing else.
//!
//! Every child gets an environment without the developer's own settings, so that a test means the
//! same on every machine.

use crate::binary;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use testkit::ports;
use testkit::process::{Running, without_settings};
use testkit::wait;
use tonic::transport::Channel;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_secs(60);

/// How long any single command may take on a busy machine.
const COMMAND: Duration = Duration::from_secs(60);

/// The program with a clean environment.
#[must_use]
pub fn peerage() -> Command {
    let mut command = without_settings(
        binary::peerage(),
        &["PEERAGE_", "AWS_", "OTEL_", "TRACEPARENT"],
    );
    // Keys for an emulator, and no look at this machine's profile or metadata service.
    command.envs([
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ]);
    command.envs([
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ]);
    command
}

/// What a command printed, and how it ended.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// The answer.
    pub stdout: String,
    /// Complaints and logs.
    pub stderr: String,
}

impl Finished {
    /// The answer of a command that had to succeed.
    ///
    /// # Panics
    /// When it did not.
    #[must_use]
    pub fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        self.stdout
    }

    /// The same as JSON.
    ///
    /// # Panics
    /// When it failed or printed something else.
    #[must_use]
    pub fn json(self) -> Value {
        let text = self.done();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("no JSON ({error}):\n{text}"))
    }
}

/// Runs the program to its end.
///
/// # Panics
/// When it does not start, or does not end in time.
pub async fn run(arguments: &[&str]) -> Finished {
    let mut command = peerage();
    command.args(arguments);
    finish(command).await
}

/// Runs a prepared command to its end, its two outputs apart.
///
/// # Panics
/// When it does not start, or does not end in time.
pub async fn finish(command: Command) -> Finished {
    let shown = format!("{command:?}");
    let mut command = tokio::process::Command::from(command);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let output = tokio::time::timeout(COMMAND, command.output()).await;
    let output = output
        .unwrap_or_else(|_| panic!("{shown} did not end within {COMMAND:?}"))
        .expect("start the program");
    Finished {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs a command of the command line against the engine at this URL.
///
/// # Panics
/// As [`run`].
pub async fn ask(server: &str, arguments: &[&str]) -> Finished {
    run(&[arguments, &["--server", server]].concat()).await
}

/// The same, with its answer as JSON.
///
/// # Panics
/// When it fails or prints something else.
pub async fn ask_json(server: &str, arguments: &[&str]) -> Value {
    ask(server, &[arguments, &["--output", "json"]].concat())
        .await
        .json()
}

/// An engine to be started, as often as a test likes, on the same port and data.
#[derive(Debug, Clone)]
pub struct Launch {
    port: u16,
    /// Where it listens, if not on its port of loopback.
    listen: Option<String>,
    data: String,
    /// A store outside of the process.
    store: Option<String>,
    keys: Vec<(String, String)>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Launch {
    /// With everything that lasts under `data`, and patience that suits tests. Its store is the one
    /// that the environment names, which may hold other networks; or else the one inside the
    /// process.
    #[must_use]
    ///
    /// # Panics
    /// When tests share a store and run side by side: each one's engine would work on the networks
    /// of all of them, on its own cloud.
    pub fn new(data: &Path) -> Self {
        let store = testkit::store::from_environment();
        assert!(
            store.is_none() || std::env::var("RUST_TEST_THREADS").is_ok_and(|it| it == "1"),
            "{}: tests that share a store run one after the other, with RUST_TEST_THREADS=1",
            testkit::store::VARIABLE
        );
        let launch = Self {
            store,
            port: ports::free(),
            listen: None,
            data: data.display().to_string(),
            keys: Vec::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
        };
        launch
            .set("provisioner.poll_interval", "200ms")
            .set("provisioner.visibility_window", "2s")
            .set("provisioner.retry_ceiling", "500ms")
            .set("provisioner.refusal_pause", "500ms")
            .set("provisioner.block_patience", "1s")
            .set("cloud.mode", "simulated")
            .set("log.filter", "info")
    }

    /// On an event store outside of the process.
    #[must_use]
    pub fn store(mut self, connection_string: &str) -> Self {
        self.store = Some(connection_string.to_owned());
        self
    }

    /// On the store inside the process, whatever the environment names: for a test of that store,
    /// or of a log that holds nothing else.
    #[must_use]
    pub fn own_store(mut self) -> Self {
        self.store = None;
        self
    }

    /// On an EC2-compatible endpoint.
    #[must_use]
    pub fn aws(self, endpoint: &str) -> Self {
        self.with(&["--aws-endpoint", endpoint])
    }

    /// With one key of the configuration set.
    #[must_use]
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.keys.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Listening elsewhere than on its port of loopback.
    #[must_use]
    pub fn listening(mut self, listen: &str) -> Self {
        self.listen = Some(listen.to_owned());
        self
    }

    /// The port that it has on loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// With more arguments.
    #[must_use]
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(|it| (*it).to_owned()));
        self
    }

    /// With one more variable of the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The command that starts it.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = peerage();
        command.args([
            "serve",
            "--data-dir",
            &self.data,
            "--listen",
            &self.listen(),
        ]);
        command
            .args(
                self.keys
                    .iter()
                    .map(|(key, value)| format!("--set={key}={value}")),
            )
            .args(&self.arguments)
            .envs(self.environment.iter().cloned());
        if let Some(store) = &self.store {
            command.args(["--store", store]);
        }
        command
    }

    /// The same as keys of the configuration, for an engine in the test's own process.
    /// [`with`](Self::with) adds none.
    #[must_use]
    pub fn keys(&self) -> Vec<(String, String)> {
        let own = [
            ("data.dir", Some(&self.data)),
            ("api.listen", Some(&self.listen())),
            ("store.connection_string", self.store.as_ref()),
        ];
        own.into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?.clone())))
            .chain(self.keys.iter().cloned())
            .collect()
    }

    fn listen(&self) -> String {
        let usual = || format!("127.0.0.1:{}", self.port);
        self.listen.clone().unwrap_or_else(usual)
    }

    /// Starts it and waits until its API says that it serves.
    ///
    /// # Panics
    /// When it does not; the message carries what it printed.
    pub async fn start(&self) -> Engine {
        let mut engine = self.spawn();
        let server = engine.server();
        engine
            .process
            .until_ready(START, || serves(server.clone()))
            .await;
        engine
    }

    /// Starts it and waits until it says in its log that it serves: for an API that does not answer
    /// everybody.
    ///
    /// # Panics
    /// When it does not; the message carries what it printed.
    pub async fn start_guarded(&self) -> Engine {
        let mut engine = self.spawn();
        wait::until("the engine serves, or has ended", START, || {
            let output = engine.process.output();
            let known = output.contains("serving") || engine.process.ended().is_some();
            async move { known.then_some(()) }
        })
        .await;
        let output = engine.process.output();
        assert!(engine.process.ended().is_none(), "it ended:\n{output}");
        engine
    }

    /// Starts it and does not wait.
    #[must_use]
    pub fn spawn(&self) -> Engine {
        Engine {
            port: self.port,
            process: Running::start("peerage serve", &mut self.command()),
        }
    }
}

/// `Some` once the health service of this API answers that it serves.
pub async fn serves(server: String) -> Option<()> {
    serves_as(server, "peerage.v1.NetworkService").await
}

/// Whether the engine at this URL says that it serves under this name.
///
/// # Panics
/// When it is no URL.
pub async fn serves_as(server: String, service: &str) -> Option<()> {
    let channel = Channel::from_shared(server)
        .expect("a URL")
        .connect()
        .await
        .ok()?;
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    let answer = HealthClient::new(channel).check(request).await.ok()?;
    (answer.into_inner().status() == ServingStatus::Serving).then_some(())
}

/// A running engine. Dropping it kills it hard.
#[derive(Debug)]
pub struct Engine {
    port: u16,
    /// The child itself: for signals, its output and its end.
    pub process: Running,
}

impl Engine {
    /// The URL of its API.
    #[must_use]
    pub fn server(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Runs a command of the command line against it.
    pub async fn cli(&self, arguments: &[&str]) -> Finished {
        ask(&self.server(), arguments).await
    }

    /// The same, with its answer as JSON.
    ///
    /// # Panics
    /// When it fails or prints something else.
    pub async fn json(&self, arguments: &[&str]) -> Value {
        ask_json(&self.server(), arguments).await
    }

    /// Asks it to stop, as a service manager does, and waits until it has.
    ///
    /// # Panics
    /// When it ends otherwise than with 0, or not in time.
    pub async fn stop(mut self) {
        self.process.signal("TERM");
        let status = self.process.finished(Duration::from_secs(30)).await;
        assert_eq!(status.code(), Some(0), "{}", self.process.output());
    }
}
