//! What an outage leaves in the log of the process. Alone in its file: which lines are wanted is
//! settled once per process.
#![allow(clippy::unwrap_used)]

mod support;

use parking_lot::Mutex;
use peerage_journal::{Followed, Follower, Signal};
use std::sync::Arc;
use support::Server;
use testkit::wait::{holds, soon};

async fn caught_up(follower: &mut Follower) {
    while soon(follower.next()).await.unwrap() != Signal::CaughtUp {}
}

/// The lines that are logged on this thread while it is held.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_outage_is_one_warning_and_one_all_clear() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::INFO)
        .with_writer(move || writer.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let mut server = Server::start();
    let mut follower = server.journal().follow(None, Followed::Networks);
    caught_up(&mut follower).await;
    server.kill();
    server.shared.log().not_ready = true;
    server.restart();
    holds("it was asked several times", || {
        server.shared.log().subscriptions.len() > 4
    })
    .await;
    server.shared.log().not_ready = false;
    caught_up(&mut follower).await;
    let logged = String::from_utf8(lines.0.lock().clone()).unwrap();
    let ours: Vec<_> = logged
        .lines()
        .filter(|line| line.contains(" peerage_journal::"))
        .collect();
    assert_eq!(ours.len(), 2, "{logged}");
    assert!(
        ours[0].contains("WARN") && ours[1].contains("INFO"),
        "{logged}"
    );
}
