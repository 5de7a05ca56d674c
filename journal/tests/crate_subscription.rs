//! Why following is not the crate's: its subscription never returns from a stream that ends without
//! a status, and takes its thread with it. The day this test fails, a release of the crate has
//! mended that, and `follow` can go.
#![allow(clippy::unwrap_used)]

mod support;

use kurrentdb::{Client, StreamPosition, SubscribeToStreamOptions};
use peerage_journal::{Followed, Signal};
use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};
use support::{Ending, Server, network_of};
use testkit::wait::soon;

const CHILD: &str = "the_crates_subscription_in_a_process_of_its_own";

#[test]
fn a_server_that_ends_streams_without_a_status_hangs_the_crates_subscription() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            CHILD,
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (found, finding) = mpsc::channel();
    std::thread::spawn(move || {
        output
            .lines()
            .map_while(Result::ok)
            .filter(|it| it.contains("VERDICT"))
            .try_for_each(|it| found.send(it))
    });
    let verdict = finding.recv_timeout(Duration::from_secs(60));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        verdict.as_ref().is_ok_and(|it| it.contains("HUNG")),
        "{verdict:?}"
    );
}

#[test]
#[ignore = "hangs by design: the test above runs it as a child and kills it"]
fn the_crates_subscription_in_a_process_of_its_own() {
    let server = Server::start();
    server.shared.put("network-x", "Tested", "", "{}");
    let (beats, ended) = (
        Arc::new(AtomicU64::default()),
        Arc::new(AtomicBool::default()),
    );
    watch(Arc::clone(&beats), Arc::clone(&ended));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async move {
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_millis(10));
            loop {
                tick.tick().await;
                beats.fetch_add(1, Ordering::SeqCst);
            }
        });
        let client = Client::new(server.connection_string().parse().unwrap()).unwrap();
        let options = SubscribeToStreamOptions::default().start_from(StreamPosition::Start);
        let mut subscription = client.subscribe_to_stream("network-x", &options).await;
        subscription.next().await.unwrap();
        server.shared.end_subscriptions(Ending::WithoutStatus);
        ended.store(true, Ordering::SeqCst);
        let next = tokio::time::timeout(Duration::from_millis(500), subscription.next()).await;
        println!("VERDICT: it returned: {next:?}");
    });
}

/// Says from another thread when the runtime's own thread has stopped beating.
fn watch(beats: Arc<AtomicU64>, ended: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        // Nobody ever sends: what comes is the end of each beat.
        let (_silent, beat) = mpsc::channel::<()>();
        let mut unchanged = 0;
        let mut last = 0;
        while unchanged < 30 {
            let _ = beat.recv_timeout(Duration::from_millis(100));
            let now = beats.load(Ordering::SeqCst);
            unchanged = if now == last && ended.load(Ordering::SeqCst) {
                unchanged + 1
            } else {
                0
            };
            last = now;
        }
        println!("VERDICT: HUNG");
    });
}

#[tokio::test(flavor = "current_thread")]
async fn the_same_server_does_not_hang_ours() {
    let server = Server::start();
    let stream = network_of(1).stream();
    server.shared.put(&stream, "Tested", "", "{}");
    let mut follower = server
        .journal()
        .follow(None, Followed::Stream(stream.clone()));
    while soon(follower.next()).await.unwrap() != Signal::CaughtUp {}
    server.shared.end_subscriptions(Ending::WithoutStatus);
    server.shared.put(&stream, "Tested", "", "{}");
    assert_eq!(soon(follower.next()).await.unwrap(), Signal::Resumed);
    let event = loop {
        match soon(follower.next()).await.unwrap() {
            Signal::Event(event) => break event,
            // It may have gone on before the event was there.
            Signal::CaughtUp => {}
            other @ (Signal::Checkpoint(_) | Signal::Resumed) => panic!("{other:?}"),
        }
    };
    assert_eq!(event.revision, 1);
}
