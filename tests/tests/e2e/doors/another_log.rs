//! The store becomes another one under a running engine: an older state of itself, an empty one, or
//! a longer one of somebody else's. Whoever acts on clouds notices as well, does nothing on the
//! strength of what is gone, and works on what there is.

use super::network;
use crate::support::SOON;
use peerage_tests::{
    engine::{Engine, Launch, peerage},
    node::NodePlace,
    process::Running,
    wait,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const NOTICED: &str = "this is another log than the one that was followed";

/// A network of this name, with a peering that the engine has joined.
async fn joined(engine: &Engine, name: &str, peer: &str, range: &str) -> String {
    let at = name.len();
    let (vpc, own) = (format!("vpc-0a1b2c3{at:x}"), format!("10.2{at}.0.0/16"));
    let mut register = network(name, "payments").map(str::to_owned).to_vec();
    for (flag, value) in [("--vpc", vpc), ("--range", own)] {
        let there = register.iter().position(|it| it == flag).unwrap();
        register[there + 1] = value;
    }
    let register: Vec<_> = register.iter().map(String::as_str).collect();
    let _ = engine.json(&register).await;
    let asked = engine
        .json(&[
            "peering",
            "request",
            "--network",
            name,
            "--region",
            "us-east-1",
            "--account",
            "444455556666",
            "--vpc",
            peer,
            "--range",
            range,
        ])
        .await;
    let peering = asked["peeringId"].as_str().unwrap().to_owned();
    let converged = || async {
        let shown = engine.json(&["peering", "show", &peering]).await;
        (shown["peering"]["converged"] == true).then_some(())
    };
    wait::until("the peering", SOON, converged).await;
    peering
}

async fn names(engine: &Engine) -> Option<BTreeSet<String>> {
    let listed = engine.cli(&["network", "list", "--output", "json"]).await;
    let listed: Value = serde_json::from_str(&listed.stdout).ok()?;
    let names = listed.as_array()?.iter();
    Some(
        names
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect(),
    )
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.unwrap().success());
}

/// Everything that a store of its own wrote for a while, more than the other one has.
async fn longer(data: &Path) -> PathBuf {
    let place = NodePlace::new(&data.join("theirs"));
    let node = place.start().await;
    let launch = Launch::new(&data.join("their-engine")).store(&place.connection_string());
    let engine = launch.start().await;
    let _ = joined(&engine, "the-others", "vpc-0d4c3b2f", "10.33.0.0/16").await;
    for _ in 0..60 {
        let _ = engine
            .cli(&["freeze", "--network", "the-others", "--reason", "x"])
            .await;
        let _ = engine.cli(&["thaw", "--network", "the-others"]).await;
    }
    engine.stop().await;
    drop(node);
    data.join("theirs")
}

#[tokio::test]
async fn a_store_that_becomes_another_one_under_a_running_engine_is_worked_on_as_it_is() {
    for becomes in ["older", "empty", "longer"] {
        let data = tempfile::tempdir().unwrap();
        let (folder, kept) = (data.path().join("store"), data.path().join("kept"));
        let place = NodePlace::new(&folder);
        let mut node = place.start().await;
        let launch = Launch::new(&data.path().join("engine")).store(&place.connection_string());
        let engine = launch.start().await;
        let before = joined(&engine, "orders", "vpc-0d4c3b2a", "10.30.0.0/16").await;
        let (other, expected) = match becomes {
            "older" => {
                node.signal("TERM");
                node.finished(SOON).await;
                copy(&folder, &kept);
                node = place.start().await;
                (Some(kept), ["orders"].as_slice())
            }
            "empty" => (None, [].as_slice()),
            _ => (Some(longer(data.path()).await), ["the-others"].as_slice()),
        };
        let gone = joined(&engine, "lost", "vpc-0d4c3b2b", "10.31.0.0/16").await;

        node.signal("TERM");
        node.finished(SOON).await;
        fs::remove_dir_all(&folder).unwrap();
        if let Some(other) = other {
            copy(&other, &folder);
        }
        let node = place.start().await;
        engine.process.prints(NOTICED).await;
        let expected: BTreeSet<_> = expected.iter().map(|it| (*it).to_owned()).collect();
        wait::until(becomes, SOON, || async {
            (names(&engine).await? == expected).then_some(())
        })
        .await;
        // Until it is known that the log is another one, whoever asks is told to ask again.
        wait::until("what is gone is unknown", SOON, || async {
            let told = engine.cli(&["peering", "show", &gone]).await;
            let told = told.stderr;
            let is_behind = told.contains("[READ_MODEL_BEHIND]");
            assert!(is_behind || told.contains("[PEERING_UNKNOWN]"), "{told}");
            (!is_behind).then_some(())
        })
        .await;

        // It goes on: with what the log has, and with what comes.
        let _ = joined(&engine, "fresh", "vpc-0d4c3b2c", "10.32.0.0/16").await;
        if becomes == "older" {
            let closes = ["peering", "remove", &before, "--reason", "no longer needed"];
            let _ = engine.cli(&closes).await.done();
            wait::until("it is removed", SOON, || async {
                let shown = engine.json(&["peering", "show", &before]).await;
                (shown["peering"]["state"] == "PEERING_STATE_REMOVED").then_some(())
            })
            .await;
        }
        assert!(
            engine.process.output().matches(NOTICED).count() == 1,
            "{becomes}"
        );
        engine.stop().await;
        drop(node);
    }
}

/// A command that goes on until it is told otherwise.
fn begun(engine: &Engine, arguments: &[&str]) -> Running {
    let mut command = peerage();
    let server = engine.server();
    command
        .args(arguments)
        .args(["--output", "json", "--server", &server]);
    Running::start(arguments[1], &mut command)
}

#[tokio::test]
async fn who_reads_on_in_a_log_that_became_another_one_is_told_so_and_given_nothing_of_it() {
    for becomes in ["older", "longer"] {
        let data = tempfile::tempdir().unwrap();
        let (folder, kept) = (data.path().join("store"), data.path().join("kept"));
        let place = NodePlace::new(&folder);
        let mut node = place.start().await;
        let launch = Launch::new(&data.path().join("engine")).store(&place.connection_string());
        let engine = launch.start().await;
        let _ = joined(&engine, "orders", "vpc-0d4c3b2a", "10.30.0.0/16").await;
        let other = if becomes == "older" {
            node.signal("TERM");
            node.finished(SOON).await;
            copy(&folder, &kept);
            node = place.start().await;
            kept
        } else {
            longer(data.path()).await
        };
        let gone = joined(&engine, "lost", "vpc-0d4c3b2b", "10.31.0.0/16").await;

        // A file that was left unfinished behind the last event.
        let file = data.path().join("log.jsonl");
        let out = file.to_str().unwrap();
        let export = ["audit", "export", "--out", out];
        let _ = engine.cli(&export).await.done();
        let written = fs::read(&file).unwrap();
        let all = ["audit", "log", "--limit", "1"];
        let last = engine.json(&all).await[0].clone();
        let text = |name: &str| last[name].as_str().unwrap().to_owned();
        let revision: u64 = text("revision").parse().unwrap();
        let progress = json!({
            "format": "jsonl", "from": {}, "to": {}, "position": text("position"),
            "index": 1, "events": 1, "bytes": written.len(),
            "known": {
                "position": text("position"), "stream": text("stream"),
                "revision": revision, "event_id": text("eventId"),
            },
        });
        fs::write(data.path().join("log.jsonl.progress"), progress.to_string()).unwrap();
        let mut follower = begun(&engine, &["audit", "log", "--follow"]);
        follower.prints(&gone).await;
        let mut watch = begun(&engine, &["peering", "watch", &gone, "--follow"]);
        watch.prints("converged").await;
        let marked = begun(&engine, &["network", "watch", "--no-events"]);
        let bookmark = wait::until("a bookmark", SOON, || async {
            let printed = marked.output();
            let mut lines = printed.lines().filter_map(|it| {
                let line: Value = serde_json::from_str(it).ok()?;
                line.get("bookmark").cloned()
            });
            lines.find(|it| it["knownEvent"].is_object())
        })
        .await;
        let whole = bookmark.to_string();
        let resumes = ["network", "watch", "--after", &whole];
        let same = begun(&engine, &resumes);
        same.prints("\"bookmark\"").await;
        drop(same);

        node.signal("TERM");
        node.finished(SOON).await;
        fs::remove_dir_all(&folder).unwrap();
        copy(&other, &folder);
        let node = place.start().await;
        for (name, process) in [("follower", &mut follower), ("watch", &mut watch)] {
            let ended = process.finished(SOON).await;
            let told = process.output();
            assert!(
                !ended.success() && told.contains("[ANOTHER_LOG]"),
                "{name}: {told}"
            );
        }
        let resumed = engine.cli(&[&export[..], &["--resume"]].concat()).await;
        assert!(resumed.stderr.contains("[ANOTHER_LOG]"), "{resumed:?}");
        assert_eq!(fs::read(&file).unwrap(), written, "{becomes}");
        // What says nothing of its log is taken as it always was.
        wait::until("the read models", SOON, || async {
            let expected = if becomes == "older" {
                "orders"
            } else {
                "the-others"
            };
            (names(&engine).await? == [expected.to_owned()].into()).then_some(())
        })
        .await;
        let mut refused = begun(&engine, &resumes);
        let ended = refused.finished(SOON).await;
        let told = refused.output();
        assert!(!ended.success() && told.contains("[ANOTHER_LOG]"), "{told}");
        let position = bookmark["position"].as_str().unwrap();
        let older = begun(&engine, &["network", "watch", "--after", position]);
        older.prints("\"bookmark\"").await;
        drop(older);
        engine.stop().await;
        drop(node);
    }
}
