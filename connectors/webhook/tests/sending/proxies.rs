//! The variables that name a proxy mean nothing here.

use super::receiver::Receiver;
use super::{endpoint, keys, message, now, to};
use peerage_webhook::{Outcome, send};
use std::process::Command;

const TARGET: &str = "PEERAGE_TEST_RECEIVER";

/// The part that runs in a process with the variables set, started by the other test.
#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "the variable is of the other test, which is about variables"
)]
async fn with_a_proxy_in_the_environment() {
    let Some(url) = std::env::var(TARGET).ok() else {
        return;
    };
    let attempt = send(&endpoint(to(&url)), &keys(), &message(), now()).await;
    assert_eq!(attempt.outcome, Outcome::Delivered);
}

#[tokio::test]
async fn no_proxy_is_asked() {
    let (proxy, receiver) = (
        Receiver::answering(502).await,
        Receiver::answering(200).await,
    );
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "proxies::with_a_proxy_in_the_environment"])
        .env(TARGET, receiver.url());
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(name, proxy.url());
    }
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert_eq!((proxy.connections(), receiver.seen().len()), (0, 1));
}
