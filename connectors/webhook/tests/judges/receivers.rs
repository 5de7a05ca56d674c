//! The receivers of `docs/receivers`, each told the same story.

use super::{Judge, Keys, delivery, endpoint, now, record, signing};
use peerage_webhook::{
    Attempt, Endpoint, Format, Message, Outcome, Record, Replay, SigningKeys, send,
};
use std::process::Command;
use testkit::{venv, workspace};

#[path = "../../../../docs/receivers/receiver.rs"]
#[allow(unreachable_pub, reason = "it is a program of its own")]
mod in_rust;

/// One delivery, and what the receiver says to it.
async fn said(
    endpoint: &Endpoint,
    keys: &SigningKeys,
    records: &[Record],
    sequence: u64,
    replay: Replay,
) -> String {
    let message = Message::new(Format::Envelope, records, &delivery(sequence, replay)).unwrap();
    let Attempt {
        outcome,
        status,
        body,
        fault,
        ..
    } = send(endpoint, keys, &message, now()).await;
    assert_eq!(outcome, Outcome::Delivered, "{status:?} {fault:?} {body:?}");
    body.text
}

/// The story. The receiver knows the secret and the public key.
async fn tells_it_right(endpoint: &Endpoint, keys: &Keys) {
    let both = signing([&keys.secret, &keys.private]);
    let live = |records: Vec<Record>, sequence| {
        let both = &both;
        async move { said(endpoint, both, &records, sequence, Replay::Live).await }
    };
    assert_eq!(live(vec![record(1)], 1).await, "accepted");
    assert_eq!(
        live(vec![record(1)], 1).await,
        "repeat",
        "the same id is taken once"
    );
    assert_eq!(live(vec![record(2)], 2).await, "accepted");
    assert_eq!(
        live(vec![record(4)], 4).await,
        "accepted after a gap: expected 3"
    );
    assert_eq!(live(vec![record(5)], 5).await, "accepted");
    assert_eq!(
        live(vec![record(6), record(7), record(8)], 8).await,
        "accepted",
        "a batch ends at 8"
    );
    assert_eq!(
        live(vec![record(8), record(9)], 9).await,
        "accepted",
        "one is new"
    );
    let replayed = |number, sequence| {
        let both = &both;
        async move {
            said(
                endpoint,
                both,
                &[record(number)],
                sequence,
                Replay::Replayed,
            )
            .await
        }
    };
    assert_eq!(replayed(1, 1).await, "repeat");
    assert_eq!(
        replayed(3, 3).await,
        "accepted",
        "a replay is outside of the order"
    );
    assert_eq!(live(vec![record(10)], 10).await, "accepted");

    let message = |number| {
        Message::new(
            Format::Envelope,
            &[record(number)],
            &delivery(number, Replay::Live),
        )
        .unwrap()
    };
    let other = Keys::generate();
    let changing = signing([&other.secret, &keys.secret]);
    assert_eq!(
        send(endpoint, &changing, &message(11), now())
            .await
            .body
            .text,
        "accepted",
        "a key is being changed"
    );
    let asymmetric = signing([&keys.private]);
    assert_eq!(
        send(endpoint, &asymmetric, &message(12), now())
            .await
            .body
            .text,
        "accepted"
    );

    let refused = |attempt: Attempt, status| {
        let told = (attempt.status, attempt.outcome);
        assert_eq!(
            told,
            (Some(status), Outcome::EndpointRefused),
            "{:?}",
            attempt.body
        );
    };
    refused(
        send(
            endpoint,
            &signing([&other.secret, &other.private]),
            &message(13),
            now(),
        )
        .await,
        401,
    );
    refused(
        send(endpoint, &SigningKeys::default(), &message(13), now()).await,
        401,
    );
    for minutes in [-6, 6] {
        let then = now() + chrono::TimeDelta::minutes(minutes);
        refused(send(endpoint, &both, &message(13), then).await, 401);
    }
    let mut broken = message(13);
    broken.body = "{".into();
    let broken = send(endpoint, &both, &broken, now()).await;
    assert_eq!(
        (broken.status, broken.outcome),
        (Some(400), Outcome::RecordRefused)
    );
    let mut large = message(13);
    large.body = vec![b' '; 1024 * 1024 + 1].into();
    let large = send(endpoint, &both, &large, now()).await;
    assert_eq!(
        (large.status, large.outcome),
        (Some(413), Outcome::RecordRefused),
        "{large:?}"
    );
    assert_eq!(
        send(endpoint, &both, &message(13), now()).await.body.text,
        "accepted"
    );
}

async fn process_tells_it_right(name: &str, mut command: Command, file: &str) {
    let keys = Keys::generate();
    let path = workspace::root().join("docs/receivers").join(file);
    command
        .arg(path)
        .env("WEBHOOK_KEYS", format!("{} {}", keys.secret(), keys.public))
        .env("PORT", "0");
    let judge = Judge::start(name, &mut command).await;
    tells_it_right(&judge.endpoint, &keys).await;
}

#[tokio::test]
async fn the_receiver_in_python_verifies_and_keeps_order_in_sight() {
    process_tells_it_right(
        "the receiver in Python",
        venv::command("python"),
        "receiver.py",
    )
    .await;
}

#[tokio::test]
async fn the_receiver_in_node_verifies_and_keeps_order_in_sight() {
    process_tells_it_right("the receiver in Node", Command::new("node"), "receiver.mjs").await;
}

#[tokio::test]
async fn the_receiver_in_rust_verifies_and_keeps_order_in_sight() {
    let keys = Keys::generate();
    let known = [keys.secret(), &keys.public].map(|key| in_rust::Key::parse(key).unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(in_rust::serve(listener, known.into()));
    tells_it_right(&endpoint(port), &keys).await;
    serving.abort();
}
