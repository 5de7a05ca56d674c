//! Issuers of tokens for tests, each a process of its own that is not made of our code: a provider
//! as it is on PyPI, and one that also makes what a good provider never would.

use crate::{http, ports, process::Running, venv, workspace};
use serde_json::{Value, json};
use std::time::Duration;

/// How long an issuer may take to start on a busy machine.
const START: Duration = Duration::from_secs(60);

/// An OpenID provider.
#[derive(Debug)]
pub struct Provider {
    port: u16,
    _process: Running,
}

impl Provider {
    /// Starts one and waits until it answers.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        let port = ports::free();
        let mut command = venv::command("oidc-provider-mock");
        command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        let mut process = Running::start("oidc-provider-mock", &mut command);
        until_ready(&mut process, port).await;
        Self {
            port,
            _process: process,
        }
    }

    /// Its URL, as its tokens have it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The id token of somebody who logs in for a client.
    ///
    /// # Panics
    /// When the login fails.
    #[must_use]
    pub fn login(&self, client: &str, subject: &str) -> String {
        let script = workspace::root().join("tests/oidc/login.py");
        let mut python = venv::command("python");
        let output = python
            .arg(script)
            .args([&self.url(), client, subject])
            .output()
            .expect("start python");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

/// An issuer that does what it is told.
#[derive(Debug)]
pub struct Issuer {
    port: u16,
    process: Running,
}

impl Issuer {
    /// Starts one and waits until it answers.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        let port = ports::free();
        let mut command = venv::command("python");
        command.arg(workspace::root().join("tests/oidc/issuer.py"));
        command.arg(port.to_string());
        let mut process = Running::start("issuer.py", &mut command);
        until_ready(&mut process, port).await;
        Self { port, process }
    }

    /// Its URL, as its tokens have it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A token with these claims instead of the usual ones, made in this way.
    ///
    /// # Panics
    /// When the issuer does not answer.
    pub async fn token(&self, how: &str, claims: Value) -> String {
        let told = self
            .told(&json!({ "op": "token", "how": how, "claims": claims }))
            .await;
        told["token"].as_str().expect("a token").to_owned()
    }

    /// Puts another key in place of the one that is published.
    pub async fn rotate(&self) {
        self.told(&json!({ "op": "rotate" })).await;
    }

    /// Answers so from now on.
    pub async fn mode(&self, mode: &str) {
        self.told(&json!({ "op": "mode", "mode": mode })).await;
    }

    /// How often its keys were asked for.
    ///
    /// # Panics
    /// When the issuer does not answer.
    pub async fn asked(&self) -> u64 {
        self.told(&json!({ "op": "asked" })).await["asked"]
            .as_u64()
            .expect("a number")
    }

    /// Ends it.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    async fn told(&self, message: &Value) -> Value {
        let answer = http::ask(self.port, "POST", "/control", &message.to_string()).await;
        let (status, body) = answer.expect("the issuer's answer");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).expect("JSON")
    }
}

async fn until_ready(process: &mut Running, port: u16) {
    let answers = || async move {
        let path = "/.well-known/openid-configuration";
        let (status, _) = http::ask(port, "GET", path, "").await?;
        (status == 200).then_some(())
    };
    process.until_ready(START, answers).await;
}
