//! An EC2 emulator of its own for a test: `moto_server` on a free port, gone with its guard.

use crate::forks::Forked;
use crate::process::Running;
use crate::{http, ports};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use tempfile::TempDir;

/// A running emulator. It keeps everything in memory and forgets it when dropped.
#[derive(Debug)]
pub struct Moto {
    port: u16,
    process: Running,
    folder: TempDir,
}

impl Moto {
    /// Starts an emulator and waits until it answers.
    ///
    /// # Panics
    /// When it does not start; the message carries what it printed.
    pub async fn start() -> Self {
        let port = ports::free();
        let folder = TempDir::new().expect("a temporary folder");
        let recording = folder.path().join("recording");
        let wanted = Forked {
            program: "moto_server",
            arguments: &["-H", "127.0.0.1", "-p", &port.to_string()],
            environment: BTreeMap::from([
                // Loading the catalogue of machine images takes a second, and no test here starts
                // a machine.
                ("MOTO_EC2_LOAD_DEFAULT_AMIS", "false"),
                (
                    "MOTO_RECORDER_FILEPATH",
                    recording.to_str().expect("a path that is text"),
                ),
            ]),
        };
        let mut process = Running::fork("moto_server", &wanted);
        let answers = || async move {
            let (status, _) = http::ask(port, "GET", "/moto-api/data.json", "").await?;
            (status == 200).then_some(())
        };
        process.until_ready(Duration::from_secs(60), answers).await;
        Self {
            port,
            process,
            folder,
        }
    }

    /// What to give as the endpoint of every AWS service.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes it forget everything, sessions too.
    ///
    /// # Panics
    /// When the emulator does not answer.
    pub async fn reset(&self) {
        let answer = http::ask(self.port, "POST", "/moto-api/reset", "").await;
        assert_eq!(answer.map(|(status, _)| status), Some(200));
    }

    /// Notes every call from now on.
    ///
    /// # Panics
    /// When the emulator does not answer.
    pub async fn record(&self) {
        let answer = http::ask(self.port, "POST", "/moto-api/recorder/start-recording", "").await;
        assert_eq!(
            answer.map(|(status, _)| status),
            Some(200),
            "{}",
            self.process.output()
        );
    }

    /// The names of the calls noted so far, `DescribeVpcs` for instance.
    ///
    /// # Panics
    /// When the emulator's notes cannot be read.
    #[must_use]
    pub fn recorded(&self) -> Vec<String> {
        let notes =
            std::fs::read_to_string(self.folder.path().join("recording")).unwrap_or_default();
        // The last line may be half there: the emulator may be writing it.
        let entries = notes
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        entries.filter_map(|entry| action(&entry)).collect()
    }

    /// The processor time that it has used so far.
    ///
    /// # Panics
    /// When it is not there any more.
    #[must_use]
    pub fn processor_time(&self) -> Duration {
        self.process.processor_time()
    }

    /// Kills the emulator, as an outage would. Everything in it is lost.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}

fn action(entry: &Value) -> Option<String> {
    let body = entry["body"].as_str()?;
    let decoded = STANDARD
        .decode(body)
        .ok()
        .filter(|_| entry["body_encoded"] == true);
    let body = decoded.map_or_else(
        || body.to_owned(),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    );
    let (_, rest) = body.split_once("Action=")?;
    rest.split('&').next().map(str::to_owned)
}
