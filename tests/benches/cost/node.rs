//! The event store as a process of its own, so that its processor time is told apart. The process
//! is this same program.

use embedded::EmbeddedNode;
use peerage_tests::process::processor_time;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The argument that makes this program a node.
pub(crate) const ARGUMENT: &str = "node";

/// Serves until the other process goes away.
pub(crate) async fn serve(data: &str) {
    let node = EmbeddedNode::builder()
        .data_dir(data)
        .start()
        .await
        .unwrap();
    println!("{}", node.connection_string());
    tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0]))
        .await
        .unwrap()
        .unwrap();
    node.shutdown().await;
}

pub(crate) struct NodeProcess {
    child: Child,
    pub(crate) connection_string: String,
}

impl NodeProcess {
    pub(crate) fn start(data: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .arg(ARGUMENT)
            .arg(data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            child,
            connection_string: line.trim().to_owned(),
        }
    }

    /// Processor time so far.
    pub(crate) fn cpu(&self) -> Duration {
        processor_time(&self.child.id().to_string())
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(mut self) {
        drop(self.child.stdin.take());
        tokio::task::spawn_blocking(move || self.child.wait())
            .await
            .unwrap()
            .unwrap();
    }
}
