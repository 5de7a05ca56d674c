//! The official clients of other languages against the embedded store: the same behaviours,
//! sampled.
//!
//! The scripts in `clients/` take any connection string and print one line per behaviour. The Node
//! part needs Node.js and npm and says so where they are not installed; the packages are those of
//! its lock file.
#![allow(clippy::unwrap_used)]

use embedded::EmbeddedNode;
use peerage_tests::process::Running;
use peerage_tests::{store, venv, workspace};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Installing the packages of a language takes most of it, and once only.
const LONG: Duration = Duration::from_secs(300);

fn folder(language: &str) -> PathBuf {
    workspace::root().join("tests/clients").join(language)
}

/// Runs a script with the connection string of the store under test, and gives what it printed.
async fn converse(name: &str, mut command: Command) -> String {
    let (node, connection_string) = match store::from_environment() {
        Some(connection_string) => (None, connection_string),
        None => {
            let node = EmbeddedNode::builder().in_memory().start().await.unwrap();
            let connection_string = node.connection_string().to_string();
            (Some(node), connection_string)
        }
    };
    let mut running = Running::start(name, command.arg(connection_string));
    let status = running.finished(LONG).await;
    let output = running.output();
    println!("{output}");
    assert!(status.success(), "{name}: {status}");
    if let Some(node) = node {
        node.shutdown().await;
    }
    output
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_client_finds_what_it_relies_on() {
    let mut python = venv::command("python");
    python.arg(folder("python").join("conversation.py"));
    let output = converse("the Python client", python).await;
    assert!(
        output
            .lines()
            .filter(|line| line.starts_with("ok: "))
            .count()
            >= 12
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_node_client_finds_what_it_relies_on() {
    let is_there = |program: &str| {
        Command::new(program)
            .arg("--version")
            .output()
            .is_ok_and(|ran| ran.status.success())
    };
    if !is_there("node") || !is_there("npm") {
        eprintln!("stands aside: Node.js and npm are not installed");
        return;
    }
    install().await;
    let mut node = Command::new("node");
    node.arg(folder("node").join("conversation.mjs"));
    let output = converse("the Node client", node).await;
    assert!(
        output
            .lines()
            .filter(|line| line.starts_with("ok: "))
            .count()
            >= 12
    );
}

/// `npm ci`, unless the installed packages are those of the lock file already.
async fn install() {
    let (lock, installed) = (
        folder("node").join("package-lock.json"),
        folder("node").join("node_modules/.installed"),
    );
    let wanted = std::fs::read(lock).unwrap();
    if std::fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(folder("node"));
    let mut running = Running::start("npm ci", &mut npm);
    let status = running.finished(LONG).await;
    assert!(status.success(), "npm ci: {status}\n{}", running.output());
    std::fs::write(installed, wanted).unwrap();
}
