//! A door in front of a TCP port: closed, nobody answers behind it; open, everything passes.
//!
//! So an endpoint can be down, come up and go away, while what is behind it keeps its state.

use crate::ports;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A door to `127.0.0.1:{behind}`.
#[derive(Debug)]
pub struct Door {
    port: u16,
    behind: u16,
    open: Option<JoinHandle<()>>,
}

impl Door {
    /// A closed door: connections to its port are refused.
    #[must_use]
    pub fn closed(behind: u16) -> Self {
        Self {
            port: ports::free(),
            behind,
            open: None,
        }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it is.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Opens it.
    ///
    /// # Panics
    /// When somebody took the port meanwhile.
    pub async fn open(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port))
            .await
            .expect("the door's port");
        let behind = self.behind;
        let task = tokio::spawn(async move {
            // Dropped with this task: connections do not outlive the door.
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                connections.spawn(pass(near, behind));
            }
        });
        self.open = Some(task);
    }

    /// Breaks open connections; whoever comes again finds what is at this port.
    ///
    /// # Panics
    /// When somebody took the port meanwhile.
    pub async fn reopen(&mut self, behind: u16) {
        self.behind = behind;
        if let Some(task) = self.open.take() {
            task.abort();
            // It has the port until it has ended.
            let _ = task.await;
        }
        self.open().await;
    }

    /// Shuts it; open connections break.
    pub fn close(&mut self) {
        if let Some(task) = self.open.take() {
            task.abort();
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.close();
    }
}

/// What comes is passed on at once; what is acknowledged, and when, is the kernel's affair.
async fn pass(mut near: TcpStream, behind: u16) {
    if let Ok(mut far) = TcpStream::connect(("127.0.0.1", behind)).await {
        let _ = near.set_nodelay(true).and(far.set_nodelay(true));
        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_door_refuses_until_it_is_open_and_again_when_it_is_shut() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let mut door = Door::closed(listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                stream.write_all(b"hello").await.unwrap();
            }
        });
        let knock = || TcpStream::connect(("127.0.0.1", door.port));
        assert!(knock().await.is_err());
        let mut text = String::new();
        door.open().await;
        TcpStream::connect(("127.0.0.1", door.port))
            .await
            .unwrap()
            .read_to_string(&mut text)
            .await
            .unwrap();
        assert_eq!(text, "hello");
        door.close();
        let port = door.port;
        wait::until("a shut door", Duration::from_secs(5), || async move {
            TcpStream::connect(("127.0.0.1", port)).await.err()
        })
        .await;
    }
}
