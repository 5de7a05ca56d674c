//! The audit as people read it: what happened in sentences, found by what is asked for.

use crate::support::{REGISTER, REQUEST, SOON};
use peerage_tests::engine::{Engine, Launch, peerage, run};
use serde_json::{Value, json};
use std::process::Stdio;
use tempfile::TempDir;
use testkit::wait;
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// What is asked for with it, by whom and why.
const MORE: [&str; 4] = ["--ticket", "OPS-7", "--reason", "the orders team moves"];

/// The types of these events, in their order.
fn types(events: &Value) -> Vec<&str> {
    let events = events.as_array().unwrap().iter();
    events.map(|it| it["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_log_tells_in_sentences_who_did_what_and_why_and_is_found_by_ticket_account_and_range()
{
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let _ = engine.cli(&REGISTER).await.done();
    let requested = engine.json(&[&REQUEST[..], &MORE].concat()).await;
    let peering = requested["peeringId"].as_str().unwrap().to_owned();
    let _ = engine.cli(&["peering", "watch", &peering]).await.done();

    let told = engine.cli(&["audit", "log"]).await.done();
    // However it was wrapped.
    let plain = told.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "registered network default/orders with 10.20.0.0/16 (aws vpc-0a1b2c3d in eu-west-1)",
        "requested a peering with 444455556666/vpc-0d4c3b2a (10.30.0.0/16)",
        "reason: the orders team moves; ticket: OPS-7",
        "default/orders",
        "is active",
    ] {
        assert!(plain.contains(words), "{words} in\n{told}");
    }
    for line in told.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    let place = |words: &str| told.find(words).unwrap();
    assert!(
        place("requested a peering") < place("is active"),
        "the newest last"
    );

    let of_ticket = engine.json(&["audit", "log", "--ticket", "OPS-7"]).await;
    assert_eq!(types(&of_ticket)[0], "PeeringRequested");
    assert!(types(&of_ticket).iter().all(|it| *it != "PeeringActivated"));
    let of_account = engine
        .json(&["audit", "log", "--account", "444455556666"])
        .await;
    assert!(types(&of_account).contains(&"PeeringActivated"));
    assert!(!types(&of_account).contains(&"NetworkRegistered"));
    // Both ways: what contains the range, and what is a part of it.
    let around = engine.json(&["audit", "log", "--range", "10.20.5.5"]).await;
    assert_eq!(types(&around)[0], "NetworkRegistered");
    let within = engine
        .json(&["audit", "log", "--range", "10.24.0.0/13"])
        .await;
    assert_eq!(types(&within)[0], "PeeringRequested");
    let elsewhere = engine
        .json(&["audit", "log", "--range", "192.168.0.0/16"])
        .await;
    assert_eq!(types(&elsewhere), Vec::<&str>::new());

    let last_two = engine.json(&["audit", "log", "--limit", "2"]).await;
    let all = engine.json(&["audit", "log"]).await;
    assert_eq!(types(&last_two), types(&all)[types(&all).len() - 2..]);
    let first = all[0]["position"].as_str().unwrap();
    let up_to_first = engine.json(&["audit", "log", "--up-to", first]).await;
    assert_eq!(types(&up_to_first), ["NetworkRegistered"]);
    let told = engine.cli(&["audit", "log", "--limit", "2"]).await;
    assert!(
        told.stderr.contains("earlier ones are left out"),
        "{told:?}"
    );
    // A position between two events is one to begin behind, also for an export.
    let (commit, _) = first.split_once('/').unwrap();
    let between = commit.parse::<u64>().unwrap() + 1;
    let between = format!("{between}/{between}");
    let out = data.path().join("part.jsonl").display().to_string();
    let export = ["audit", "export", "--out", &out, "--from", &between];
    let part = engine.cli(&export).await.done();
    let rest = types(&all).len() - 1;
    assert!(part.starts_with(&format!("{rest} events")), "{part}");
    // What changed between two places names the command that the engine's part of it goes back to.
    let diff = ["audit", "diff", first, "0s", "--network", "orders"];
    let changes = engine.json(&diff).await;
    let mut events = changes["events"].as_array().unwrap().iter();
    let accepted = events.find(|it| it["type"] == "PeeringActivated").unwrap();
    assert_eq!(accepted["causeCommandId"], requested["commandId"]);
    for nothing in ["--ticket", "--actor", "--range"] {
        let asked = engine.cli(&["audit", "log", nothing, ""]).await;
        assert_eq!(asked.code, Some(2), "{nothing}: {asked:?}");
    }
    // What the engine recorded names the command that it goes back to.
    let active = all.as_array().unwrap().iter();
    let active = active.clone().find(|it| it["type"] == "PeeringActivated");
    let cause = active.unwrap()["causeCommandId"].as_str().unwrap();
    assert_eq!(cause, requested["commandId"]);
    assert!(plain.contains(&format!("caused by command {cause}")));
    assert_eq!(all[0]["causeCommandId"], "");
    let wrong = ["audit", "log", "--range", "10.20.0.1/16"];
    let wrong = engine.cli(&wrong).await;
    assert_eq!(wrong.code, Some(1));
    assert!(
        wrong.stderr.contains("did you mean 10.20.0.0/16?"),
        "{}",
        wrong.stderr
    );
    engine.stop().await;
}

#[tokio::test]
async fn a_log_that_is_followed_tells_what_is_new_and_nothing_twice() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let _ = engine.cli(&REGISTER).await.done();
    let mut command = tokio::process::Command::from(peerage());
    let arguments = ["audit", "log", "--follow", "--output", "json", "--server"];
    let mut follower = command
        .args(arguments)
        .arg(engine.server())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut next = async || {
        let line = wait::soon(lines.next_line()).await;
        serde_json::from_str::<Value>(&line.unwrap().unwrap()).unwrap()
    };
    assert_eq!(next().await["type"], "NetworkRegistered");
    let _ = engine
        .cli(&["freeze", "--network", "orders", "--reason", "an incident"])
        .await
        .done();
    let _ = engine
        .cli(&["thaw", "--network", "orders", "--reason", "it is over"])
        .await
        .done();
    let mut told = vec![next().await, next().await];
    while told.last().unwrap()["type"] != "NetworkThawed" {
        told.push(next().await);
    }
    let mut places: Vec<_> = told.iter().map(|it| it["position"].to_string()).collect();
    places.dedup();
    assert_eq!(places.len(), told.len());
    assert!(told.iter().any(|it| it["type"] == "NetworkFrozen"));
    follower.kill().await.unwrap();
    engine.stop().await;
}

/// What is on the way to being so is told by a read; this is how it is now.
async fn now(engine: &Engine, network: &str) -> (String, Value) {
    let shown = engine.json(&["network", "show", network]).await;
    let log = engine.json(&["audit", "log", "--network", network]).await;
    let last = log.as_array().unwrap().last().unwrap();
    (
        last["position"].as_str().unwrap().to_owned(),
        shown["network"].clone(),
    )
}

#[tokio::test]
async fn a_network_is_shown_as_it_was_and_what_changed_since_names_its_command() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let _ = engine.cli(&REGISTER).await.done();
    let mut states = vec![now(&engine, "orders").await];
    for command in [
        &["freeze", "--network", "orders", "--reason", "an incident"][..],
        &["thaw", "--network", "orders", "--reason", "it is over"],
        &[
            "network", "policy", "orders", "--drift", "report", "--reason", "a trial",
        ],
    ] {
        let _ = engine.cli(command).await.done();
        states.push(now(&engine, "orders").await);
    }
    for (position, shown) in &states {
        let at = ["audit", "at", "--network", "orders", "--position", position];
        let at = engine.json(&at).await;
        assert_eq!(at[0]["network"], *shown, "at {position}");
        assert_eq!(at[0]["last"]["position"], **position);
    }
    let told = engine.cli(&["audit", "at", "--time", "0s"]).await.done();
    assert!(told.contains("orders") && told.contains("as of"), "{told}");
    let whole = engine.cli(&["audit", "at", "--time", "0s", "--network", "orders"]);
    let whole = whole.await.done();
    for words in ["as of", "10.20.0.0/16", "drift", "report", "revision"] {
        assert!(whole.contains(words), "{words} in {whole}");
    }

    let (from, to) = (&states[0].0, &states[1].0);
    let diff = ["audit", "diff", from, to, "--network", "orders"];
    let found = engine.json(&diff).await;
    assert_eq!(found["changes"][0]["pointer"], "/frozen");
    assert_eq!(found["events"][0]["type"], "NetworkFrozen");
    let told = engine.cli(&diff).await.done();
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    let command = found["events"][0]["commandId"].as_str().unwrap();
    for words in ["/frozen nothing →", "froze the network", command] {
        assert!(told.contains(words), "{words} in {told}");
    }
    let same = ["audit", "diff", to, to, "--network", "orders"];
    assert!(engine.cli(&same).await.done().contains("(nothing changed)"));

    // Of all networks, those that changed; one that came later is no error.
    let mut later = REGISTER;
    for (word, other) in [("orders", "later"), ("vpc-0a1b2c3d", "vpc-0a1b2c99")] {
        let place = later.iter_mut().find(|it| **it == word).unwrap();
        *place = other;
    }
    let _ = engine.cli(&later).await.done();
    let all = engine.json(&["audit", "diff", from, to]).await;
    assert_eq!(all.as_array().unwrap().len(), 1, "{all:#}");
    assert_eq!(all[0], found);
    assert_eq!(found["networkName"], "default/orders");
    let none = engine.cli(&["audit", "diff", to, to]).await.done();
    assert!(none.contains("(nothing changed)"), "{none}");
    let told = engine.cli(&["audit", "diff", to, "0s"]).await.done();
    let place = |words: &str| told.find(words);
    let named = (place("default/orders\n"), place("default/later\n"));
    assert!(named.0.is_some() && named.0 < named.1, "{told}");

    for (arguments, complaint) in [
        (
            &[
                "audit",
                "at",
                "--network",
                "orders",
                "--position",
                "999999999/999999999",
            ][..],
            "beyond the log",
        ),
        (
            &["audit", "at", "--network", "orders", "--position", "1/1"],
            "before the network's first event",
        ),
        (
            &[
                "audit",
                "at",
                "--network",
                "orders",
                "--time",
                "2020-01-01T00:00:00Z",
            ],
            "before the network's first event",
        ),
        (
            &[
                "audit",
                "at",
                "--network",
                "orders",
                "--time",
                "2999-01-01T00:00:00Z",
            ],
            "in the future",
        ),
        (
            &["audit", "at", "--network", "nobody", "--time", "0s"],
            "nobody",
        ),
        (
            &["audit", "diff", to, from, "--network", "orders"],
            "lies behind",
        ),
    ] {
        let refused = engine.cli(arguments).await;
        assert_eq!(refused.code, Some(1), "{arguments:?}: {}", refused.stdout);
        assert!(refused.stderr.contains(complaint), "{}", refused.stderr);
    }
    assert_eq!(engine.cli(&["audit", "at"]).await.code, Some(2));
    assert_eq!(
        engine
            .cli(&["audit", "diff", "x", "y", "--network", "orders"])
            .await
            .code,
        Some(2)
    );
    let before = ["audit", "at", "--position", "1/1"];
    let refused = engine.cli(&before).await;
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(refused.stderr.contains("no network was on record then"));
    let (position, _) = now(&engine, "orders").await;
    assert_eq!(position, states.last().unwrap().0, "nothing was written");
    engine.stop().await;
}

#[tokio::test]
async fn who_can_reach_an_address_is_told_with_its_decisions_now_and_for_before() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let _ = engine.cli(&REGISTER).await.done();
    let (registered, _) = now(&engine, "orders").await;
    let requested = engine.json(&[&REQUEST[..], &MORE].concat()).await;
    let peering = requested["peeringId"].as_str().unwrap().to_owned();
    for (side, destination) in [("local", "10.30.0.0/16"), ("remote", "10.20.0.0/16")] {
        let route = ["route", "accept", &peering, "--side", side];
        let route = [&route[..], &["--destination", destination]].concat();
        let _ = engine.cli(&route).await.done();
    }
    let restrict = ["firewall", "restrict", &peering, "--side", "local"];
    let restrict = [&restrict[..], &["--admit", "10.30.0.0/16:2113"]].concat();
    let _ = engine.cli(&restrict).await.done();

    let ask = ["audit", "who-can-reach", "10.20.0.5:2113"];
    let found = wait::until("rules and routes", SOON, || async {
        let found = engine.json(&ask).await;
        // Nothing carries the group yet: that is what keeps packets out, and nothing else.
        let is_all_but_attached = found["ways"][0]["reason"] == "REACH_REASON_NOT_ATTACHED";
        is_all_but_attached.then_some(found)
    });
    let found = found.await;
    let way = &found["ways"][0];
    assert_eq!(way["reachability"], "REACHABILITY_UNREACHABLE");
    assert_eq!(way["rules"][0]["source"], "10.30.0.0/16");
    assert_eq!(way["routeTables"].as_array().map(Vec::len), Some(1));
    let decided = types(&way["decisions"]);
    assert!(decided.contains(&"PeeringRequested"), "{decided:?}");
    assert!(decided.contains(&"FirewallRestricted"), "{decided:?}");
    assert_eq!(way["decisions"][0]["ticket"], "OPS-7");
    let told = engine.cli(&ask).await.done();
    for words in [
        "not attached",
        "444455556666/vpc-0d4c3b2a",
        "OPS-7",
        "as of",
    ] {
        assert!(told.contains(words), "{words} in\n{told}");
    }
    // Another port, the other direction, and nobody's address.
    for (target, reason) in [
        ("10.20.0.5:22", "REACH_REASON_NOT_ADMITTED"),
        ("10.30.0.5:443", "REACH_REASON_NOT_ADMITTED"),
        ("10.20.0.5:2113", "REACH_REASON_NOT_ATTACHED"),
    ] {
        let found = engine.json(&["audit", "who-can-reach", target]).await;
        assert_eq!(found["ways"][0]["reason"], reason, "{found:#}");
    }
    let nobody = engine
        .json(&["audit", "who-can-reach", "192.168.1.1"])
        .await;
    assert_eq!(nobody["ways"], json!([]));
    let before = [&ask[..], &["--at", &registered]].concat();
    assert_eq!(engine.json(&before).await["ways"], json!([]));
    assert_eq!(
        engine.cli(&["audit", "who-can-reach", "orders"]).await.code,
        Some(2)
    );

    // What was taken back leads nowhere any more, and still did before.
    let (open, _) = now(&engine, "orders").await;
    let remove = ["peering", "remove", &peering, "--reason", "moved"];
    let _ = engine.cli(&remove).await.done();
    let closed = wait::until("a removal", SOON, || async {
        let found = engine.json(&ask).await;
        (found["ways"] == json!([])).then_some(found)
    });
    let _ = closed.await;
    let then = engine.json(&[&ask[..], &["--at", &open]].concat()).await;
    assert_eq!(then["ways"][0]["reason"], "REACH_REASON_NOT_ATTACHED");
    engine.stop().await;
}

#[tokio::test]
async fn what_nothing_can_be_on_record_of_is_refused_and_is_no_empty_answer() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let _ = engine.cli(&REGISTER).await.done();
    let out = data.path().join("audit.jsonl");
    let out = out.to_str().unwrap();
    let (beyond, later) = ("99999999/99999999", "2999-01-01T00:00:00Z");
    let of_log: [&[&str]; 6] = [
        &["log", "--since", "1h", "--until", "2h"],
        &["log", "--type", "NetworkRegistered,NetworkRegistred"],
        &["log", "--after", beyond],
        &["log", "--up-to", beyond],
        &["log", "--since", later],
        &["log", "--type", "NetworkRegistred"],
    ];
    let of_others: [&[&str]; 4] = [
        &["replay", "--from", beyond],
        &["replay", "--from", later],
        &["export", "--out", out, "--from", beyond],
        &["export", "--out", out, "--from", later],
    ];
    for asked in of_log.into_iter().chain(of_others) {
        let told = engine.cli(&[&["audit"], asked].concat()).await;
        assert!(told.code.is_some_and(|it| it > 0), "{asked:?}: {told:?}");
        let cause = [
            "lies beyond the log",
            "lies in the future",
            "lies behind --until",
            "did you mean",
        ];
        let is_told = cause.iter().any(|it| told.stderr.contains(it));
        assert!(is_told, "{asked:?}: {told:?}");
        assert_eq!(told.stdout, "", "{asked:?}");
    }
    assert!(!std::path::Path::new(out).exists());
    // A type that is known and of which there is none is an answer.
    let none = engine.cli(&["audit", "log", "--type", "PeeringRequested"]);
    assert_eq!(none.await.done(), "(none)\n");
    engine.stop().await;
}

#[tokio::test]
async fn a_long_log_is_told_page_by_page_in_its_order_with_none_too_many() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let _ = engine.cli(&REGISTER).await.done();
    engine.stop().await;
    let of_store = |it: &str| data.path().join(it).to_str().unwrap().to_owned();
    let (events, history) = (of_store("events"), of_store("history.jsonl"));
    let export = ["node", "export", "--data", &events, "--to", &history];
    let _ = run(&export).await.done();
    let exported = std::fs::read_to_string(&history).unwrap();
    let registered = exported
        .lines()
        .map(|it| serde_json::from_str::<Value>(it).unwrap())
        .find(|it| it["type"] == "NetworkRegistered")
        .unwrap();
    // The same network is frozen and thawed for years.
    let id = registered["data"]["network_id"].clone();
    let mut lines = exported.lines().map(str::to_owned).collect::<Vec<_>>();
    for number in 1..=1_200_u32 {
        let is_frozen = number % 2 == 1;
        let mut event = registered.clone();
        event["type"] = json!(if is_frozen {
            "NetworkFrozen"
        } else {
            "NetworkThawed"
        });
        event["id"] = json!(format!("00000000-0000-4000-8000-{number:012}"));
        event["revision"] = json!(number);
        event["data"] = json!({ "network_id": id, "reason": "an exercise" });
        let metadata = event["metadata"].as_object_mut().unwrap();
        metadata.remove("command");
        lines.push(event.to_string());
    }
    std::fs::write(&history, lines.join("\n") + "\n").unwrap();
    let grown = TempDir::new().unwrap();
    let events = grown.path().join("events");
    let events = events.to_str().unwrap();
    let import = ["node", "import", "--data", events, "--from", &history];
    let _ = run(&import).await.done();

    let engine = Launch::new(grown.path()).start().await;
    let revisions = |told: &Value| -> Vec<u32> {
        let told = told.as_array().unwrap().iter();
        told.map(|it| it["revision"].as_str().unwrap().parse().unwrap())
            .collect()
    };
    let log = ["audit", "log", "--network", "orders", "--limit"];
    for (limit, first) in [("9", 1_192), ("1000", 201), ("1001", 200), ("99999", 0)] {
        let asked = [&log[..], &[limit]].concat();
        let told = engine.json(&asked).await;
        assert_eq!(revisions(&told), (first..=1_200).collect::<Vec<_>>());
    }
    let asked = [&log[..], &["1100"]].concat();
    let told = engine.cli(&asked).await;
    let (all, cut) = (told.stdout.lines(), &told.stderr);
    assert_eq!(
        all.filter(|it| it.starts_with("    Network")).count(),
        1_100
    );
    assert!(cut.contains("earlier ones are left out"), "{cut}");
    // Up to a place, from a place on, and nothing.
    let all = engine.json(&[&log[..], &["99999"]].concat()).await;
    let position = |at: usize| all[at]["position"].as_str().unwrap();
    let (from, to) = (position(50), position(1_150));
    let between = [&log[..], &["99999", "--after", from, "--up-to", to]].concat();
    let told = engine.json(&between).await;
    assert_eq!(revisions(&told), (51..=1_150).collect::<Vec<_>>());
    let none = engine
        .json(&["audit", "log", "--type", "PeeringRequested"])
        .await;
    assert_eq!(none, json!([]));
    engine.stop().await;
}
