//! What these tests stand on: an EC2 emulator (moto), a proxy that breaks calls on demand
//! (microburst), both third parties', so that neither the answers nor the faults are of our making;
//! and a small server for what neither of them does.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::disallowed_methods
)]

use peerage_aws::ec2::{BaseCredentials, Ec2, Ec2Settings, Place, StaticKeys};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Names another virtual environment than `.venv` in the workspace's root.
const VARIABLE: &str = "PEERAGE_TEST_VENV";
/// How long a server may take to answer its first request; a loaded machine is slow at starting
/// Python.
const START: Duration = Duration::from_secs(60);

pub const LOCAL: &str = "111111111111";
pub const REMOTE: &str = "222222222222";

pub fn local() -> Place {
    Place::new(LOCAL, "eu-west-1")
}

pub fn remote() -> Place {
    Place::new(REMOTE, "us-east-1")
}

/// A child process on a port of its own, killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// An empty EC2 that forgets everything at the end.
    pub async fn moto() -> Self {
        // The catalogue of machine images takes a second to load, and nothing here starts a
        // machine.
        let quick = [("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")];
        Self::start(
            "moto_server",
            &["-H", "127.0.0.1", "-p"],
            &[],
            &quick,
            "/moto-api/data.json",
        )
        .await
    }

    /// A proxy in front of `upstream`, breaking nothing until [`Server::rule`].
    pub async fn microburst(upstream: &Self) -> Self {
        let to = upstream.endpoint();
        let proxy = Self::start(
            "microburst",
            &["--host", "127.0.0.1", "--port"],
            &["--upstream", &to],
            &[],
            "/_microburst/health",
        )
        .await;
        // It reads a large model at its first EC2 request. That is not what a timeout in a test
        // should measure.
        let warm = ec2(&settings(&proxy.endpoint()));
        warm.describe_vpcs(&local(), &["vpc-1".into()])
            .await
            .unwrap();
        proxy
    }

    /// From now on, calls in this region that the rule matches are broken in its way.
    pub async fn rule(&self, region: &str, mut rule: serde_json::Value) {
        rule["region"] = region.into();
        let (status, body) = http(
            self.port,
            "PATCH",
            "/_microburst/rules",
            &serde_json::json!([rule]).to_string(),
        )
        .await
        .unwrap();
        assert!((200..300).contains(&status), "{status} {body}");
    }

    /// The operations that have been broken in this region so far.
    pub async fn broken(&self, region: &str) -> Vec<String> {
        let (_, body) = http(self.port, "GET", "/_microburst/fired", "")
            .await
            .unwrap();
        let fired: serde_json::Value = serde_json::from_str(&body).unwrap();
        let fired = fired
            .as_array()
            .or_else(|| fired["fired"].as_array())
            .unwrap_or_else(|| panic!("{body}"))
            .clone();
        let here = fired.iter().filter(|fault| fault["region"] == region);
        here.map(|fault| fault["operation"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// Makes moto forget everything, sessions too.
    pub async fn reset(&self) {
        assert_eq!(
            http(self.port, "POST", "/moto-api/reset", "")
                .await
                .unwrap()
                .0,
            200
        );
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    async fn start(
        program: &str,
        before: &[&str],
        after: &[&str],
        environment: &[(&str, &str)],
        ready: &str,
    ) -> Self {
        let path = program_of_the_venv(program);
        // Between finding a free port and the server's taking it, somebody else may have; then it
        // ends, and another is tried.
        for _ in 0..5 {
            let port = free_port();
            let mut command = Command::new(&path);
            command
                .args(before)
                .arg(port.to_string())
                .args(after)
                .envs(environment.iter().copied());
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let mut server = Self {
                child: command
                    .spawn()
                    .unwrap_or_else(|error| panic!("{program} does not start: {error}")),
                port,
            };
            if server.is_ready(ready).await {
                return server;
            }
        }
        panic!("{program} does not get a port");
    }

    async fn is_ready(&mut self, path: &str) -> bool {
        let end = Instant::now() + START;
        let mut look = tokio::time::interval(Duration::from_millis(25));
        while Instant::now() < end {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if let Ok((200, _)) = http(self.port, "GET", path, "").await {
                return true;
            }
            look.tick().await;
        }
        panic!("no answer from {path} within {START:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client for `endpoint` that enters every account by a role.
pub fn settings(endpoint: &str) -> Ec2Settings {
    Ec2Settings {
        endpoint: Some(endpoint.to_owned()),
        credentials: BaseCredentials::Static(StaticKeys {
            access_key_id: "AKIATEST".to_owned(),
            secret_access_key: "test".to_owned(),
            session_token: None,
        }),
        role_name: Some("peerage".to_owned()),
        read_timeout: Duration::from_secs(60),
        ..Ec2Settings::default()
    }
}

/// The same without roles: the first request is the call itself.
pub fn directly(endpoint: &str) -> Ec2Settings {
    Ec2Settings {
        role_name: None,
        ..settings(endpoint)
    }
}

pub fn ec2(settings: &Ec2Settings) -> Ec2 {
    Ec2::new(settings.clone())
}

pub fn tags<const N: usize>(tags: [(&str, &str); N]) -> peerage_aws::ec2::Tags {
    tags.into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Reads one whole request; `None` when the client has gone.
pub async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            });
            if body.len() >= length.unwrap_or(0) {
                return Some(body.to_owned());
            }
        }
        let mut more = [0; 4096];
        match stream.read(&mut more).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&more[..count]),
        }
    }
}

/// Serves the answers in order, one connection each, and gives the bodies of the requests.
pub async fn serve(answers: Vec<(u16, String)>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let mut asked = Vec::new();
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            asked.push(request(&mut stream).await.unwrap());
            let head = format!(
                "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Type: text/xml\r\nx-amzn-RequestId: req-1\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all((head + &body).as_bytes()).await.unwrap();
        }
        asked
    });
    (endpoint, serving)
}

/// An error as EC2 writes it.
pub fn error_body(code: &str, message: &str) -> String {
    format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>req-1</RequestID></Response>"
    )
}

async fn http(port: u16, method: &str, path: &str, body: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all((head + body).as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0);
    Ok((
        status,
        answer
            .split_once("\r\n\r\n")
            .map(|(_, body)| body.to_owned())
            .unwrap_or_default(),
    ))
}

fn program_of_the_venv(program: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .find(|folder| folder.join("Cargo.lock").exists())
        .unwrap();
    let venv = std::env::var_os(VARIABLE).map_or_else(|| root.join(".venv"), PathBuf::from);
    let path = venv.join("bin").join(program);
    assert!(
        path.exists(),
        "{} is missing: run ./test.sh once, it makes the environment (or point {VARIABLE} at one)",
        path.display()
    );
    path
}
