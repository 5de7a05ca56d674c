//! A node as a process of its own, which can be killed. The process is this very test binary, told
//! by its environment to run the one test below, so that nothing else has to be built.

use embedded::EmbeddedNode;
use peerage_tests::process::Running;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Where the child keeps its events; only set in the child.
const DATA: &str = "PEERAGE_TEST_NODE_DATA";
/// Comes before the connection string in the child's output.
const READY: &str = "the node serves ";

/// A running node.
#[derive(Debug)]
pub struct NodeProcess {
    process: Running,
    pub connection_string: String,
}

impl NodeProcess {
    /// Starts a node on the events in a folder, and waits until it serves.
    pub async fn start(data: &Path) -> Self {
        Self::start_by(Command::new(env::current_exe().unwrap()), data).await
    }

    /// The same, where a write that makes a file longer than is allowed fails instead of ending the
    /// process.
    pub async fn start_where_long_files_are_errors(data: &Path) -> Self {
        let mut command = Command::new("sh");
        command
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
            .arg(env::current_exe().unwrap());
        Self::start_by(command, data).await
    }

    /// The same with these variables in its environment.
    pub async fn start_with(data: &Path, variables: &[(&str, PathBuf)]) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        Self::start_by(command, data).await
    }

    async fn start_by(mut command: Command, data: &Path) -> Self {
        command
            .args([
                "--exact",
                "node_process::a_process_of_this_binary_can_be_a_node",
                "--nocapture",
            ])
            .env(DATA, data);
        let mut process = Running::start("node", &mut command);
        let connection_string = loop {
            let output = process.output();
            if let Some(found) = output.lines().find_map(|line| line.split_once(READY)) {
                break found.1.to_owned();
            }
            assert!(
                process.ended().is_none(),
                "the node ended before it served:\n{output}"
            );
            peerage_tests::wait::elapse(Duration::from_millis(5)).await;
        };
        Self {
            process,
            connection_string,
        }
    }

    /// Kills it as a crash would.
    pub fn kill(&mut self) {
        assert!(
            self.process.ended().is_none(),
            "the node ended by itself:\n{}",
            self.process.output()
        );
        self.process.kill();
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it printed.
    pub fn output(&self) -> String {
        self.process.output()
    }
}

#[test]
fn a_process_of_this_binary_can_be_a_node() {
    let Some(data) = env::var_os(DATA) else {
        return;
    };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let node = EmbeddedNode::builder()
            .data_dir(data)
            .start()
            .await
            .unwrap();
        println!("{READY}{}", node.connection_string());
        std::future::pending::<()>().await;
    });
}
