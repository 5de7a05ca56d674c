//! Faults between the engine and an EC2 emulator: `microburst` on a free port, gone with its guard.
//!
//! It is not ours, so its faults are not made to measure: throttles, refusals and lost answers in
//! AWS's own wire format.

use crate::forks::Forked;
use crate::process::Running;
use crate::{http, ports};
use serde_json::Value;
use std::collections::BTreeMap;
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
        let wanted = Forked {
            program: "microburst",
            arguments: &[
                "--host",
                "127.0.0.1",
                "--upstream",
                upstream,
                "--port",
                &port.to_string(),
                "--no-resign",
            ],
            environment: BTreeMap::new(),
        };
        let mut process = Running::fork("microburst", &wanted);
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

    /// From now on, calls in this region that the rule matches are broken in its way, beside what
    /// was told before: for tests that share one proxy, each in a region of its own.
    ///
    /// # Panics
    /// When it does not take it.
    pub async fn rule(&self, region: &str, mut rule: Value) {
        rule["region"] = region.into();
        let rules = Value::from(vec![rule]);
        let answer = http::ask(self.port, "PATCH", "/_microburst/rules", &rules.to_string()).await;
        let (status, body) = answer.expect("an answer of microburst");
        assert!((200..300).contains(&status), "{status} {body}");
    }

    /// The operations that have been broken in this region so far, in order.
    ///
    /// # Panics
    /// When it does not say.
    pub async fn broken(&self, region: &str) -> Vec<String> {
        let here = |fault: &&Value| fault["region"] == region;
        let faults = self.faults().await;
        let operations = faults
            .iter()
            .filter(here)
            .map(|it| it["operation"].as_str());
        operations
            .map(|it| it.unwrap_or_default().to_owned())
            .collect()
    }

    /// How many faults it has made so far.
    ///
    /// # Panics
    /// When it does not say.
    pub async fn fired(&self) -> usize {
        self.faults().await.len()
    }

    async fn faults(&self) -> Vec<Value> {
        let (_, body) = http::ask(self.port, "GET", "/_microburst/fired?limit=10000", "")
            .await
            .expect("an answer of microburst");
        serde_json::from_str(body.trim()).unwrap_or_else(|error| panic!("{error}: {body}"))
    }
}
