//! An EC2 emulator of its own for a test: `moto_server` on a free port, gone with its guard.

use crate::process::Running;
use crate::{ports, venv};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A running emulator. It keeps everything in memory and forgets it when dropped.
#[derive(Debug)]
pub struct Moto {
    port: u16,
    process: Running,
}

impl Moto {
    /// Starts an emulator and waits until it answers.
    ///
    /// # Panics
    /// When it does not start; the message carries what it printed.
    pub async fn start() -> Self {
        let port = ports::free();
        let mut command = venv::command("moto_server");
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        // Loading the catalogue of machine images takes a second, and no test here starts a machine.
        command.env("MOTO_EC2_LOAD_DEFAULT_AMIS", "false");
        let mut process = Running::start("moto_server", &mut command);
        let ready = process.until_ready(Duration::from_secs(60), || answers(port, "/moto-api/data.json"));
        ready.await;
        Self { port, process }
    }

    /// What to give as the endpoint of every AWS service.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Kills the emulator, as an outage would. Everything in it is lost.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}

/// `Some` once a GET of `path` answers 200.
async fn answers(port: u16, path: &str) -> Option<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut head = [0_u8; 15];
    stream.read_exact(&mut head).await.ok()?;
    (&head[8..12] == b" 200").then_some(())
}
