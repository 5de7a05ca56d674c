//! An event store that is there and cannot be used as it is configured: no waiting mends that, so a
//! start ends at once, says why, and has a code of its own.

use crate::support::SOON;
use kurrentdb::{AppendToStreamOptions, Client, EventData};
use peerage_tests::{
    engine::{Finished, Launch, finish, peerage},
    pki::Pki,
    ports,
    process::Running,
};
use serde_json::json;
use std::{fs::Permissions, os::unix::fs::PermissionsExt as _, path::Path};
use tempfile::TempDir;

/// As it stands in the file of users, and as it stands in a URL.
const PASSWORD: &str = "a@b:c/d?e#f\"g\\h i\u{e9}%";
const ENCODED: &str = "a%40b%3Ac%2Fd%3Fe%23f%22g%5Ch%20i%C3%A9%25";

/// A node with TLS and users.
struct Node {
    pki: Pki,
    port: u16,
    _process: Running,
}

impl Node {
    async fn start() -> Self {
        let pki = Pki::new();
        pki.server();
        pki.authority("strangers");
        let users = pki.path("users");
        std::fs::write(&users, format!("admin:{PASSWORD}\nops:second\n")).unwrap();
        std::fs::set_permissions(&users, Permissions::from_mode(0o600)).unwrap();
        let port = ports::free();
        let mut command = peerage();
        command
            .args(["node", "--memory", "--listen", &format!("127.0.0.1:{port}")])
            .args(["--tls-cert", &pki.text("server.crt")])
            .args(["--tls-key", &pki.text("server.key")])
            .args(["--users", &pki.text("users")]);
        let mut process = Running::start("peerage node", &mut command);
        process
            .until_ready(SOON, || async {
                let opened = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
                opened.ok().map(drop)
            })
            .await;
        Self {
            pki,
            port,
            _process: process,
        }
    }

    /// The connection string of this user.
    fn at(&self, user: &str) -> String {
        self.with(user, &format!("tlsCaFile={}", self.pki.text("ca.crt")))
    }

    fn with(&self, user: &str, rest: &str) -> String {
        let port = self.port;
        format!("kurrentdb://{user}@127.0.0.1:{port}?discoveryInterval=0&{rest}")
    }
}

/// What a start on this store comes to that is not expected to serve.
async fn start(store: &str, data: &Path) -> Finished {
    let mut command = peerage();
    command
        .args(["serve", "--cloud", "simulated", "--listen", "127.0.0.1:0"])
        .args(["--store", store, "--data-dir"])
        .arg(data)
        .env("PEERAGE_STORE__STARTUP_TIMEOUT", "50s");
    finish(command).await
}

#[tokio::test]
async fn what_no_waiting_mends_ends_a_start_with_its_reason_and_a_code_of_its_own() {
    let (node, data) = (Node::start().await, TempDir::new().unwrap());
    let admin = format!("admin:{ENCODED}");
    let strangers = format!("tlsCaFile={}", node.pki.text("strangers.crt"));
    for (store, why) in [
        (node.with(&admin, &strangers), "signed by no authority"),
        (node.with(&admin, "tls=false"), "speaks TLS"),
        (node.at("admin:wrong"), "denies access"),
        (node.at("ops:second"), "$all"),
    ] {
        let ended = start(&store, &data.path().join("data")).await;
        assert_eq!(ended.code, Some(4), "{why}: {ended:?}");
        assert!(ended.stderr.contains(why), "{why}: {ended:?}");
        // No part of a password is told, whatever form the string has.
        for secret in [ENCODED, PASSWORD, "wrong@", "second"] {
            assert!(!ended.stderr.contains(secret), "{ended:?}");
        }
    }
    let plain = ports::free();
    let listen = format!("127.0.0.1:{plain}");
    let mut command = peerage();
    command.args(["node", "--memory", "--listen", &listen]);
    let mut process = Running::start("peerage node", &mut command);
    process
        .until_ready(SOON, || async {
            let opened = tokio::net::TcpStream::connect(("127.0.0.1", plain)).await;
            opened.ok().map(drop)
        })
        .await;
    let store = format!("kurrentdb://{listen}?tls=true&tlsVerifyCert=false");
    let ended = start(&store, &data.path().join("data")).await;
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stderr.contains("speaks no TLS"), "{ended:?}");
}

#[tokio::test]
async fn who_is_to_wait_all_the_same_goes_on_once_a_right_is_granted_and_needs_no_more_than_that() {
    let (node, data) = (Node::start().await, TempDir::new().unwrap());
    let launch = Launch::new(data.path())
        .store(&node.at("ops:second"))
        .set("store.wait", "true");
    let starting = launch.start();
    let granted = async {
        // Let it be denied for longer than it would have been believed.
        let denied = start(&node.at("ops:second"), &data.path().join("other")).await;
        assert!(denied.stderr.contains("docs/store-rights.md"), "{denied:?}");
        let text = denied
            .stderr
            .find("{\"$acl\"")
            .map(|at| &denied.stderr[at..]);
        assert!(text.is_some_and(|it| it.contains("$admins")), "{denied:?}");
        // The official client sends passwords as they stand: this one is handed over by itself.
        let admin = Client::new(node.at(&format!("admin:{ENCODED}")).parse().unwrap()).unwrap();
        let acl = json!({ "$acl": { "$r": ["$admins", "$ops"] } });
        let event = EventData::json("$metadata", &acl).unwrap();
        let options = AppendToStreamOptions::default()
            .authenticated(kurrentdb::Credentials::new("admin", PASSWORD));
        admin
            .append_to_stream("$$$all", &options, event)
            .await
            .unwrap();
    };
    let (engine, ()) = tokio::join!(starting, granted);
    let made = engine.cli(&super::network("orders", "payments")).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let listed = engine.json(&["network", "list"]).await;
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    engine.stop().await;
}
