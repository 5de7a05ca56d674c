//! A strict EC2 in front of the emulator: a process of its own on a free port, gone with its guard.
//!
//! It adds what AWS does and the emulator does not; which rules there are, and the fact behind
//! each, stands in `strict/`. Some of it comes with time or with reads, so a test tells it the
//! time, and how late reads are.

use crate::forks::Forked;
use crate::moto::Moto;
use crate::process::Running;
use crate::{http, ports, workspace};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::ExitStatus;
use std::time::Duration;

/// How long a start or an end may take on a busy machine.
const BOUND: Duration = Duration::from_secs(60);

/// A running strict proxy.
#[derive(Debug)]
pub struct Strict {
    port: u16,
    process: Running,
}

/// A call of a client, as the proxy logged it. Its own questions to the emulator are not logged.
#[derive(Clone, Debug, Deserialize)]
pub struct Call {
    /// When it was answered, on the told clock.
    pub at: String,
    /// When it came in, by the machine's clock.
    pub began: String,
    /// Whose keys signed it; tells hands of one account apart.
    pub access_key: String,
    /// The caller's account; `None` when the emulator could not be asked.
    pub account: Option<String>,
    /// Where the call went.
    pub region: String,
    /// `ec2` or `sts`, for instance.
    pub service: String,
    /// `CreateRoute`, for instance.
    pub action: String,
    /// Whether it asked to change nothing.
    pub dry_run: bool,
    /// What was said, flat: `VpcId.1` and the like.
    pub parameters: BTreeMap<String, String>,
    /// The HTTP status, 0 when there was no answer.
    pub status: u16,
    /// `ok`, or the error's code.
    pub outcome: String,
    /// The access key that the caller was given, where it entered a role: whose later calls are.
    pub issued: Option<String>,
}

/// A peering as it is, whoever may see it and however late.
#[derive(Clone, Debug, Deserialize)]
pub struct Peering {
    /// `pcx-…`.
    pub id: String,
    /// `pending-acceptance`, for instance.
    pub state: String,
    /// Who asked.
    pub requester: crate::oracle::End,
    /// Who was asked.
    pub accepter: crate::oracle::End,
}

impl Strict {
    /// Starts it in front of `moto` and waits until it answers.
    ///
    /// # Panics
    /// When it does not start; the message carries what it printed.
    pub async fn start(moto: &Moto) -> Self {
        let port = ports::free();
        let program = workspace::root().join("tests/strict/strict.py");
        let wanted = Forked {
            program: program.to_str().expect("a path that is text"),
            arguments: &["--upstream", &moto.endpoint(), "--port", &port.to_string()],
            environment: BTreeMap::new(),
        };
        let mut process = Running::fork("strict", &wanted);
        let healthy = || async move {
            let (status, _) = http::ask(port, "GET", "/_strict/health", "").await?;
            (status == 200).then_some(())
        };
        process.until_ready(BOUND, healthy).await;
        Self { port, process }
    }

    /// What to give as the endpoint of every AWS service.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Lets time pass on the told clock: expiry, visibility, and phases that end with time.
    ///
    /// # Panics
    /// When it does not take it, as after every call here.
    pub async fn advance(&self, span: Duration) {
        let _: Value = self
            .tell("clock", &json!({"advance_seconds": span.as_secs_f64()}))
            .await;
    }

    /// Turns a rule off, by the name it has in `strict/`.
    pub async fn turn_off(&self, rule: &str) {
        let _: Value = self.tell("rules", &json!({ rule: false })).await;
    }

    /// Turns a rule on again.
    pub async fn turn_on(&self, rule: &str) {
        let _: Value = self.tell("rules", &json!({ rule: true })).await;
    }

    /// Changes a setting, `provisioning_reads` for instance.
    pub async fn set(&self, setting: &str, value: u32) {
        let _: Value = self.tell("settings", &json!({ setting: value })).await;
    }

    /// From now on nothing is late and no state is passed through: for tests about something else.
    pub async fn at_once(&self) {
        for setting in [
            "unseen_reads",
            "initiating_reads",
            "provisioning_reads",
            "deleting_reads",
        ] {
            self.set(setting, 0).await;
        }
    }

    /// From now on `account` is refused `action`; `*` stands for any.
    pub async fn deny(&self, account: &str, action: &str) {
        let _: Value = self
            .tell("deny", &json!({"account": account, "action": action}))
            .await;
    }

    /// Takes a denial back.
    pub async fn permit(&self, account: &str, action: &str) {
        let _: Value = self
            .tell(
                "deny",
                &json!({"account": account, "action": action, "lift": true}),
            )
            .await;
    }

    /// From now on `account` sees this network of `owner`, who shares it.
    pub async fn share(&self, owner: &str, network: &str, account: &str) {
        let body = json!({"owner": owner, "network": network, "account": account});
        let _: Value = self.tell("share", &body).await;
    }

    /// The next such call of `account` fails so, by the name that the failure has in `strict/`:
    /// `throttled`, `answer-lost`, `malformed` …
    pub async fn fail_next(&self, account: &str, action: &str, how: &str) {
        let body = json!({"account": account, "action": action, "how": how});
        let _: Value = self.tell("fail", &body).await;
    }

    /// Every call since the start, or since the last [`forget_calls`](Self::forget_calls).
    pub async fn calls(&self) -> Vec<Call> {
        let log: Value = self.ask("GET", "calls", "").await;
        serde_json::from_value(log["calls"].clone()).expect("calls as the proxy logs them")
    }

    /// How many of those calls there were, by action.
    pub async fn counts(&self) -> BTreeMap<String, usize> {
        let log: Value = self.ask("GET", "calls", "").await;
        serde_json::from_value(log["counts"].clone()).expect("counts as the proxy gives them")
    }

    /// Begins the log anew.
    pub async fn forget_calls(&self) {
        let _: Value = self.ask("DELETE", "calls", "").await;
    }

    /// Every peering as it is.
    pub async fn peerings(&self) -> Vec<Peering> {
        self.ask("GET", "peerings", "").await
    }

    /// Everything as at the start; the emulator keeps what it has.
    pub async fn reset(&self) {
        let _: Value = self.tell("reset", &json!({})).await;
    }

    /// Asks it to end, as an operator would, and waits until it has.
    pub async fn stop(mut self) -> ExitStatus {
        self.process.signal("TERM");
        self.process.finished(BOUND).await
    }

    async fn tell<T: DeserializeOwned>(&self, what: &str, body: &Value) -> T {
        self.ask("POST", what, &body.to_string()).await
    }

    async fn ask<T: DeserializeOwned>(&self, method: &str, what: &str, body: &str) -> T {
        let answer = http::ask(self.port, method, &format!("/_strict/{what}"), body).await;
        let (status, text) = answer.unwrap_or_else(|| {
            panic!(
                "no answer to {method} {what}. It printed:\n{}",
                self.process.output()
            )
        });
        assert_eq!(status, 200, "{method} {what} {body}: {text}");
        serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{method} {what}: {error}: {text}"))
    }
}
