//! Faults between the engine and an EC2 emulator: `microburst` on a free port, gone with its guard.
//!
//! It is not ours, so its faults are not made to measure: throttles, refusals and lost answers in
//! AWS's own wire format.

use crate::process::Running;
use crate::{http, ports, venv};
use serde_json::Value;
use std::time::Duration;

/// A running fault proxy.
#[derive(Debug)]
pub struct Microburst {
    port: u16,
    _process: Running,
}

impl Microburst {
    /// Starts it in front of `upstream` and waits until it answers.
    ///
    /// # Panics
    /// When it does not start; the message carries what it printed.
    pub async fn start(upstream: &str) -> Self {
        let port = ports::free();
        let mut command = venv::command("microburst");
        command.args([
            "--host",
            "127.0.0.1",
            "--upstream",
            upstream,
            "--port",
            &port.to_string(),
            "--no-resign",
        ]);
        let mut process = Running::start("microburst", &mut command);
        let healthy = || async move {
            let (status, _) = http::ask(port, "GET", "/_microburst/health", "").await?;
            (status == 200).then_some(())
        };
        process.until_ready(Duration::from_secs(60), healthy).await;
        Self {
            port,
            _process: process,
        }
    }

    /// What to give as the endpoint of every AWS service.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Sets the rules from now on; an empty list lets everything pass.
    ///
    /// # Panics
    /// When it does not take them.
    pub async fn rules(&self, rules: &Value) {
        let answer = http::ask(self.port, "POST", "/_microburst/rules", &rules.to_string()).await;
        let (status, body) = answer.expect("an answer of microburst");
        assert_eq!(status, 200, "{body}");
    }

    /// How many faults it has made so far.
    ///
    /// # Panics
    /// When it does not say.
    pub async fn fired(&self) -> usize {
        let (_, body) = http::ask(self.port, "GET", "/_microburst/fired?limit=10000", "")
            .await
            .expect("an answer of microburst");
        let events: Vec<Value> =
            serde_json::from_str(body.trim()).unwrap_or_else(|error| panic!("{error}: {body}"));
        events.len()
    }
}
