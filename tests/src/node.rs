//! A `peerage node` of its own for a test: the event store as a process that can be killed, frozen
//! and started again.

use crate::engine::peerage;
use protocol::server_features::server_features_client::ServerFeaturesClient;
use std::path::{Path, PathBuf};
use std::time::Duration;
use testkit::ports;
use testkit::process::Running;
use tonic::transport::Channel;

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_secs(60);

/// An event store's place: its port and its folder. It is there whether it runs or not.
#[derive(Debug, Clone)]
pub struct NodePlace {
    port: u16,
    data: PathBuf,
}

impl NodePlace {
    /// On a free port, with its events under `data`.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Self {
            port: ports::free(),
            data: data.to_path_buf(),
        }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The way to it.
    #[must_use]
    pub fn connection_string(&self) -> String {
        format!("kurrentdb://127.0.0.1:{}?tls=false", self.port)
    }

    /// Starts the store there and waits until it answers.
    ///
    /// # Panics
    /// When it does not; the message carries what it printed.
    pub async fn start(&self) -> Running {
        let mut command = peerage();
        command.args([
            "node",
            "--listen",
            &format!("127.0.0.1:{}", self.port),
            "--data",
            &self.data.display().to_string(),
        ]);
        let mut process = Running::start("peerage node", &mut command);
        process.until_ready(START, || answers(self.port)).await;
        process
    }
}

async fn answers(port: u16) -> Option<()> {
    let channel = Channel::from_shared(format!("http://127.0.0.1:{port}"))
        .expect("a URL")
        .connect()
        .await
        .ok()?;
    ServerFeaturesClient::new(channel)
        .get_supported_methods(())
        .await
        .ok()
        .map(|_| ())
}
