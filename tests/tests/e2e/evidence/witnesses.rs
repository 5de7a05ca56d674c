//! A witness of a process of its own, and a store that is put back to an older state.

use super::{LOG, Place, happen, text};
use crate::support::SOON;
use peerage_tests::engine::{peerage, run};
use std::{fs, path::Path};
use testkit::{ports, process::Running, wait};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
    sync::mpsc,
};

const WITNESS: &str = "witness.example/w1";

/// A witness of this log, its address and its public key.
async fn witness(place: &Place) -> (Running, String, String) {
    let (key, state) = (place.path("witness.key"), place.path("witness.json"));
    if !key.exists() {
        let made = [
            "audit",
            "key",
            "new",
            "--for",
            "witness",
            "--name",
            WITNESS,
            "--out",
            text(&key),
        ];
        let _ = run(&made).await.done();
    }
    let public = run(&["audit", "key", "show", text(&key)])
        .await
        .done()
        .trim()
        .to_owned();
    let address = format!("127.0.0.1:{}", ports::free());
    let mut command = peerage();
    command.args([
        "witness",
        "--listen",
        &address,
        "--key",
        text(&key),
        "--state",
        text(&state),
    ]);
    command.args(["--log", &place.key]);
    let running = Running::start("peerage witness", &mut command);
    wait::until("a witness", SOON, || {
        let said = running.output();
        async move { said.contains("on http://").then_some(()) }
    })
    .await;
    (running, format!("http://{address}"), public)
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copied(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn a_witness_cosigns_what_grows_and_a_store_that_was_put_back_begins_a_new_epoch() {
    let place = Place::new().await;
    let (running, url, key) = witness(&place).await;
    let witnesses = |url: &str| format!("[{{ url = \"{url}\", key = \"{key}\" }}]");
    let launch = |url: &str| place.launch("data").set("audit.witnesses", &witnesses(url));
    let engine = launch(&url).start().await;
    let events = happen(&engine, &["a-1", "b-1"]).await;
    let first = place.checkpoint(&engine, "first.checkpoint").await;
    let proof = place.path("one.tlog-proof");
    let _ = engine
        .cli(&["audit", "prove", &events[0], "--out", text(&proof)])
        .await
        .done();
    for file in [&first, &proof] {
        let told = place.verify(file, &["--witness", &key]).await.done();
        assert!(
            told.contains("cosigned   witness.example/w1 at 2"),
            "{told}"
        );
        assert!(!told.contains("SELF-ATTESTED"), "{told}");
        let alone = place.verify(file, &[]).await.done();
        assert!(
            alone.contains("SELF-ATTESTED") && alone.contains("did not name"),
            "{alone}"
        );
    }
    engine.stop().await;
    copied(&place.path("data").join("events"), &place.path("older"));

    // The witness remembers, whatever becomes of its process.
    drop(running);
    let (running, url, _) = witness(&place).await;
    let engine = launch(&url).start().await;
    happen(&engine, &["c-1"]).await;
    let second = place.checkpoint(&engine, "second.checkpoint").await;
    let told = place.verify(&second, &["--witness", &key]).await.done();
    assert!(told.contains("cosigned"), "{told}\n{}", running.output());
    engine.stop().await;

    fs::remove_dir_all(place.path("data").join("events")).unwrap();
    copied(&place.path("older"), &place.path("data").join("events"));
    let engine = launch(&url).start().await;
    let third = place.path("third.checkpoint");
    let told = engine
        .cli(&["audit", "checkpoint", "--out", text(&third)])
        .await
        .done();
    assert!(
        told.contains("epoch 2: the store lost events of epoch 1"),
        "{told}"
    );
    let signed = fs::read_to_string(&third).unwrap();
    assert!(signed.starts_with(&format!("{LOG}/epoch-2\n")), "{signed}");
    let told = place.verify(&third, &["--witness", &key]).await.done();
    assert!(told.contains("cosigned"), "{told}\n{}", running.output());
    // What was signed before is of another epoch, and is said to be.
    let refused = engine
        .cli(&["audit", "checkpoint", "--older", text(&second)])
        .await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("epoch-2"), "{}", refused.stderr);
    let refused = place.verify(&third, &["--older", text(&second)]).await;
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("another epoch"),
        "{}",
        refused.stderr
    );
    engine.stop().await;

    // Without the tree's file nothing here remembers; the witness does.
    for file in [
        "audit-tree.sqlite",
        "audit-tree.sqlite-wal",
        "audit-tree.sqlite-shm",
    ] {
        let _ = fs::remove_file(place.path("data").join(file));
    }
    let engine = launch(&url).start().await;
    let told = engine.cli(&["audit", "checkpoint"]).await;
    let told = format!("{}{}", told.stdout, told.stderr);
    assert!(
        told.contains("not cosigned by witness.example/w1"),
        "{told}"
    );
    engine.stop().await;
}

/// Takes requests one by one, and answers what it is told; gives the bodies.
async fn receiver(answers: Vec<u16>) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/checkpoints", listener.local_addr().unwrap());
    let (send, bodies) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut answers = answers.into_iter();
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let (mut line, mut length) = (String::new(), 0);
            while stream.read_line(&mut line).await.is_ok_and(|it| it > 2) {
                let lower = line.to_ascii_lowercase();
                if let Some(told) = lower.strip_prefix("content-length:") {
                    length = told.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            if stream.read_exact(&mut body).await.is_err() {
                continue;
            }
            let status = answers.next().unwrap_or(200);
            let head =
                format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = send.send(String::from_utf8(body).unwrap());
        }
    });
    (url, bodies)
}

#[tokio::test]
async fn the_newest_checkpoint_is_posted_until_it_is_taken_whatever_another_address_does() {
    let place = Place::new().await;
    let (url, mut bodies) = receiver(vec![503]).await;
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    let publish = format!("[\"{silent}\", \"{url}\"]");
    let launch = place.launch("data").set("audit.publish", &publish);
    let engine = launch.start().await;
    happen(&engine, &["a-1"]).await;
    let mut next = async || {
        let posted = tokio::time::timeout(SOON, bodies.recv()).await;
        posted.expect("a checkpoint in time").unwrap()
    };
    let (refused, taken) = (next().await, next().await);
    assert_eq!(refused.lines().next(), Some(LOG));
    assert_eq!(taken.lines().next(), Some(LOG));
    happen(&engine, &["b-1"]).await;
    let own = place.checkpoint(&engine, "own.checkpoint").await;
    let size = |note: &str| note.lines().nth(1).unwrap().parse::<u64>().unwrap();
    let own = size(&fs::read_to_string(own).unwrap());
    let posted = loop {
        let posted = next().await;
        if size(&posted) >= own {
            break posted;
        }
    };
    let file = place.path("posted.checkpoint");
    fs::write(&file, posted).unwrap();
    let told = place.verify(&file, &[]).await.done();
    assert!(told.contains("VERIFIED"), "{told}");
    engine.stop().await;
}

#[tokio::test]
async fn a_witness_needs_its_own_key_and_state_and_has_the_state_for_itself() {
    let place = Place::new().await;
    let (_running, _, _) = witness(&place).await;
    let (key, state) = (place.path("witness.key"), place.path("witness.json"));
    let listen = ["--listen", "127.0.0.1:0"];
    let start = async |key: &Path, state: &Path, log: &str| {
        let own = [
            "witness",
            "--key",
            text(key),
            "--state",
            text(state),
            "--log",
            log,
        ];
        run(&[&own[..], &listen[..]].concat()).await
    };
    let second = start(&key, &state, &place.key).await;
    assert_eq!(second.code, Some(2));
    assert!(
        second.stderr.contains("in use by another witness"),
        "{}",
        second.stderr
    );
    let other = start(
        &place.path("audit.key"),
        &place.path("new.json"),
        &place.key,
    )
    .await;
    assert_eq!(other.code, Some(2));
    assert!(other.stderr.contains("another purpose"), "{}", other.stderr);
    let damaged = place.path("damaged.json");
    fs::write(&damaged, "{}").unwrap();
    let refused = start(&key, &damaged, &place.key).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("damaged"), "{}", refused.stderr);
}
