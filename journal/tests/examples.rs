//! The examples do what they say.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "its `main` is for the shell")]
#[path = "../examples/follow.rs"]
mod follow;
mod support;

use support::{Server, caller, network_of, now, register};
use testkit::wait::soon;

#[tokio::test]
async fn the_log_is_followed_and_each_event_is_a_line() {
    let server = Server::start();
    let journal = server.journal();
    let networks = journal.networks();
    for command in [1, 2] {
        let wanted = register(&format!("clusters-{command}"));
        let caller = caller(command);
        soon(networks.execute(network_of(command), &wanted, &caller, now()))
            .await
            .unwrap();
    }
    let (store, mut printed) = (server.connection_string(), Vec::new());
    soon(follow::follow(&store, true, &mut printed))
        .await
        .unwrap();
    let printed = String::from_utf8(printed).unwrap();
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 2, "{printed}");
    assert!(
        lines
            .iter()
            .all(|line| line.ends_with(" 0 NetworkRegistered")),
        "{printed}"
    );
    assert!(lines[1].contains(&network_of(2).stream()), "{printed}");
}
