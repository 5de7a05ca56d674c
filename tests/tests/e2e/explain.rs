//! Why something is as it is, and what is open: from the command to the calls at the cloud, and
//! what a review finds, confirms and closes.

use crate::support::{REGISTER, REQUEST};
use peerage_tests::{
    engine::{Engine, Launch},
    venv, workspace,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What is asked for with it, by whom and why.
const MORE: [&str; 8] = [
    "--admit",
    "10.30.0.0/16:2113",
    "--owner",
    "team-orders",
    "--ticket",
    "OPS-7",
    "--reason",
    "the orders team moves",
];

/// A network with a peering that is in place, and the peering's id.
async fn in_place(engine: &Engine) -> String {
    let _ = engine.cli(&REGISTER).await.done();
    let requested = engine.json(&[&REQUEST[..], &MORE].concat()).await;
    let peering = requested["peeringId"].as_str().unwrap().to_owned();
    let _ = engine.cli(&["peering", "watch", &peering]).await.done();
    peering
}

fn list<'a>(of: &'a Value, name: &str) -> Vec<&'a Value> {
    of[name].as_array().into_iter().flatten().collect()
}

#[tokio::test]
async fn a_peering_is_explained_from_its_command_to_every_call_at_the_cloud() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let peering = in_place(&engine).await;
    let told = engine.json(&["audit", "explain", &peering]).await;
    assert_eq!(told["networkName"], "default/orders");
    let commands = list(&told, "commands");
    assert_eq!(commands[0]["name"], "RequestPeering");
    let decisions = list(commands[0], "decisions");
    assert_eq!(decisions[0]["event"]["type"], "PeeringRequested");
    assert_eq!(decisions[0]["event"]["ticket"], "OPS-7");
    let outcomes: Vec<_> = decisions
        .iter()
        .flat_map(|it| list(it, "outcomes"))
        .collect();
    let of_type = |name: &str| {
        let found = outcomes.iter().find(|it| it["event"]["type"] == name);
        *found.unwrap_or_else(|| panic!("{name}"))
    };
    let intent = of_type("PeeringInitiationStarted");
    assert_eq!(intent["answers"][0]["answer"], "CALL_ANSWER_ON_RECORD");
    let seen = of_type("PeeringInitiated");
    assert_eq!(intent["answers"][0]["revision"], seen["event"]["revision"]);
    let made = &seen["calls"][0];
    assert_eq!(
        (&made["operation"], &made["outcome"], &made["attempt"]),
        (&json!("create_link"), &json!("ok"), &json!(1))
    );
    assert_eq!(made["account"], "111122223333");
    let calls: Vec<_> = outcomes.iter().flat_map(|it| list(it, "calls")).collect();
    for operation in ["accept_link", "create_group", "authorize_rule"] {
        assert!(
            calls.iter().any(|it| it["operation"] == operation),
            "{operation}"
        );
    }
    // One event: what led to it, and nothing else.
    let position = seen["event"]["position"].as_str().unwrap();
    let around = engine.json(&["audit", "explain", position]).await;
    let decisions: Vec<_> = list(&around, "commands")
        .into_iter()
        .flat_map(|it| list(it, "decisions"))
        .collect();
    let types: Vec<_> = decisions
        .iter()
        .flat_map(|it| list(it, "outcomes"))
        .map(|it| it["event"]["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["PeeringInitiationStarted", "PeeringInitiated"]);

    let text = engine.cli(&["audit", "explain", &peering]).await.done();
    for words in [
        "RequestPeering, command",
        "├─ ",
        "create_link",
        "answered, with",
    ] {
        assert!(text.contains(words), "{words} in\n{text}");
    }
    assert!(text.lines().all(|it| it.chars().count() <= 100), "{text}");
    engine.stop().await;
}

#[tokio::test]
async fn what_cannot_be_explained_is_said_and_changes_nothing() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let _ = in_place(&engine).await;
    let before = engine.json(&["audit"]).await;
    for (about, words) in [
        ("3f0c6a3e-6c5b-4a57-9d4e-0d1c2b3a4f5e", "is on record"),
        ("999999999/999999999", "lies beyond the log"),
        ("1/1", "is the place of no event that is audited"),
        ("nothing-like-it", "no peering"),
    ] {
        let wrong = engine.cli(&["audit", "explain", about]).await;
        assert_eq!(wrong.code, Some(1), "{about}");
        assert!(wrong.stderr.contains(words), "{about}: {}", wrong.stderr);
    }
    assert_eq!(engine.json(&["audit"]).await, before);
    engine.stop().await;
}

#[tokio::test]
async fn a_review_lists_what_is_open_confirms_it_and_closes_it_on_record() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let peering = in_place(&engine).await;
    let allow = [
        "firewall",
        "allow",
        &peering,
        "--target",
        "10.30.7.0/24",
        "--port",
        "5432",
        "--from",
        "10.20.1.0/24",
        "--no-expiry",
        "--reason",
        "nightly export",
    ];
    let _ = engine.cli(&allow).await.done();
    let open = engine.json(&["audit", "review"]).await;
    let kinds: Vec<_> = open
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["kind"].clone())
        .collect();
    assert_eq!(
        kinds,
        [
            "OPENING_KIND_PEERING",
            "OPENING_KIND_ADMISSION",
            "OPENING_KIND_INGRESS"
        ]
    );
    assert_eq!(open[0]["tenure"]["owner"], "team-orders");
    assert_eq!(open[1]["opened"]["ticket"], "OPS-7");
    assert_eq!(open[1]["rule"]["source"], "10.30.0.0/16");
    assert_eq!(open[2]["opened"]["reason"], "nightly export");
    assert!(open[2]["confirmedAt"].is_null());
    // Nothing is due on its first day, and everything is older than no time.
    let due = engine.json(&["audit", "review", "--due"]).await;
    assert_eq!(due, json!([]));
    let older = engine
        .json(&["audit", "review", "--older-than", "0s"])
        .await;
    assert_eq!(older.as_array().unwrap().len(), 3);

    let confirm = [
        "audit",
        "review",
        "confirm",
        &peering,
        "--admit",
        "10.30.0.0/16:2113",
        "--ticket",
        "REVIEW-1",
    ];
    let _ = engine.cli(&confirm).await.done();
    let open = engine
        .json(&["audit", "review", "--network", "orders"])
        .await;
    assert_eq!(open[1]["confirmed"]["ticket"], "REVIEW-1");
    assert_eq!(open[1]["confirmedAt"], open[1]["confirmed"]["time"]);
    assert!(open[0]["confirmedAt"].is_null());
    let told = engine
        .cli(&["audit", "log", "--type", "OpeningConfirmed"])
        .await
        .done();
    let plain = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        plain.contains("confirmed that TCP 2113 from 10.30.0.0/16 is still needed"),
        "{told}"
    );

    let close = [
        "audit",
        "review",
        "close",
        &peering,
        "--admit",
        "10.30.0.0/16:2113",
        "--reason",
        "unused",
    ];
    let _ = engine.cli(&close).await.done();
    let close = [
        "audit",
        "review",
        "close",
        &peering,
        "--ingress",
        "10.30.7.0/24:5432",
        "--reason",
        "unused",
    ];
    let _ = engine.cli(&close).await.done();
    let open = engine.json(&["audit", "review"]).await;
    assert_eq!(open.as_array().unwrap().len(), 1);
    let table = engine.cli(&["audit", "review"]).await.done();
    assert!(table.contains("team-orders"), "{table}");
    assert!(table.lines().all(|it| it.chars().count() <= 100), "{table}");

    let before = said(&engine).await;
    let not_admitted = [
        "audit",
        "review",
        "confirm",
        &peering,
        "--admit",
        "10.30.0.0/16:9",
    ];
    let twice = [
        "audit",
        "review",
        "close",
        &peering,
        "--admit",
        "10.30.0.0/16:2113",
        "--reason",
        "unused",
    ];
    let unknown = [
        "audit",
        "review",
        "--network",
        "3f0c6a3e-6c5b-4a57-9d4e-0d1c2b3a4f5e",
    ];
    for (wrong, words) in [
        (&not_admitted[..], "does not admit"),
        (&twice[..], "is not admitted"),
        (&unknown[..], "no such network"),
    ] {
        let refused = engine.cli(wrong).await;
        assert_eq!(refused.code, Some(1), "{wrong:?}");
        assert!(
            refused.stderr.contains(words),
            "{wrong:?}: {}",
            refused.stderr
        );
    }
    for usage in [
        &["audit", "review", "--older-than", "soon"][..],
        &["audit", "review", "--due", "--older-than", "1d"][..],
        &["audit", "review", "close", &peering][..],
    ] {
        assert_eq!(engine.cli(usage).await.code, Some(2), "{usage:?}");
    }
    assert_eq!(said(&engine).await, before);
    engine.stop().await;
}

/// What people have put on record; the engine may still be at work on it.
async fn said(engine: &Engine) -> Vec<Value> {
    let events = engine.json(&["audit"]).await;
    let events = events.as_array().unwrap().iter();
    let by_people = events.filter(|it| it["actor"]["subject"] != "provisioner");
    by_people.cloned().collect()
}

#[tokio::test]
async fn the_past_is_played_again_with_a_picture_of_its_links_and_evidence_of_it_is_one_file() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let peering = in_place(&engine).await;
    let played = engine
        .cli(&["audit", "replay", "--speed", "100000x"])
        .await
        .done();
    for words in [
        "default/orders: requested a peering with 444455556666/vpc-0d4c3b2a",
        "default/orders · · · · 444455556666/vpc-0d4c3b2a",
        "default/orders ═══════ 444455556666/vpc-0d4c3b2a",
    ] {
        assert!(played.contains(words), "{words} in\n{played}");
    }
    assert!(
        played.lines().all(|it| it.chars().count() <= 100),
        "{played}"
    );
    let all = engine.json(&["audit", "log"]).await;
    // What was asked for earlier is drawn before the first event that is played.
    let mut requested = all.as_array().unwrap().iter();
    let requested = requested.rfind(|it| it["type"] == "PeeringRequested");
    let from = requested.unwrap()["position"].as_str().unwrap();
    let later = ["audit", "replay", "--speed", "100000x", "--from", from];
    let later = engine.cli(&later).await.done();
    assert!(!later.contains("requested a peering"), "{later}");
    let drawn = later.lines().next().unwrap_or_default();
    assert!(drawn.contains("· · · ·"), "{later}");
    assert!(later.contains("═══════"), "{later}");
    let told = played
        .lines()
        .filter(|it| it.contains("default/orders: "))
        .count();
    // What the engine sees meanwhile is added to the log.
    assert!(
        (10..=all.as_array().unwrap().len()).contains(&told),
        "each event once"
    );

    let (out, event) = (
        data.path().join("ticket.json"),
        data.path().join("event.json"),
    );
    let (out, event) = (out.to_str().unwrap(), event.to_str().unwrap());
    let refused = engine
        .cli(&["audit", "evidence", "--ticket", "OPS-7", "--out", out])
        .await;
    assert_eq!(refused.code, Some(1), "the server has no key to sign with");
    assert!(
        refused.stderr.contains("--without-proofs"),
        "{}",
        refused.stderr
    );
    let bare = ["audit", "evidence", "--without-proofs"];
    let made = ["--ticket", "OPS-7", "--out", out];
    let _ = engine.cli(&[&bare[..], &made].concat()).await.done();
    let file: Value = serde_json::from_slice(&std::fs::read(out).unwrap()).unwrap();
    assert_eq!(file["events"][0]["type"], "PeeringRequested");
    // What the engine did because of it carries no ticket, and is evidence all the same.
    let mut events = file["events"].as_array().unwrap().iter();
    assert!(events.any(|it| it["type"] == "PeeringActivated"));
    assert_eq!(file["explained"][0]["peeringId"], json!(peering));
    assert_eq!(file["networks"][0]["before"]["peerings"], json!([]));
    assert_eq!(
        file["networks"][0]["after"]["peerings"][0]["peeringId"],
        json!(peering)
    );
    let first = all[0]["position"].as_str().unwrap();
    let made = ["--event", first, "--out", event];
    let _ = engine.cli(&[&bare[..], &made].concat()).await.done();
    let file: Value = serde_json::from_slice(&std::fs::read(event).unwrap()).unwrap();
    assert_eq!(file["events"].as_array().unwrap().len(), 1);
    assert!(file["networks"][0]["before"]["network"].is_null());

    let other = data.path().join("other.json");
    let other = other.to_str().unwrap();
    for (wrong, code, words) in [
        (["--ticket", "OPS-7", "--out", out], 2, "is there already"),
        (
            ["--ticket", "OPS-8", "--out", other],
            1,
            "nothing is on record",
        ),
        (
            ["--event", "1/1", "--out", other],
            1,
            "nothing is on record",
        ),
        (["--event", "first", "--out", other], 2, "or its position"),
        (
            ["--peering", "nothing-like-it", "--out", other],
            1,
            "no peering",
        ),
    ] {
        let refused = engine
            .cli(&[&["audit", "evidence"][..], &wrong[..]].concat())
            .await;
        assert_eq!(refused.code, Some(code), "{wrong:?}: {}", refused.stderr);
        assert!(
            refused.stderr.contains(words),
            "{wrong:?}: {}",
            refused.stderr
        );
    }
    assert!(
        !std::path::Path::new(other).exists(),
        "nothing is left of what failed"
    );
    for wrong in [
        &["audit", "replay", "--speed", "0"][..],
        &["audit", "replay", "--from", "yesterday"][..],
        &["audit", "replay", "--from", "9/9", "--to", "7/7"][..],
        &["audit", "evidence", "--out", other][..],
        &["audit", "evidence", "--ticket", "", "--out", other],
    ] {
        assert_eq!(engine.cli(wrong).await.code, Some(2), "{wrong:?}");
    }
    engine.stop().await;
}

#[tokio::test]
async fn the_log_is_exported_whole_in_three_forms_and_a_stranger_finds_one_to_be_ocsf() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let _ = in_place(&engine).await;
    let connector = [
        "connector",
        "create",
        "to-auditors",
        "--url",
        "https://hooks.example.com/peerage",
    ];
    let _ = engine.cli(&connector).await.done();
    // Not of networks alone.
    let created = ["audit", "log", "--type", "ConnectorCreated"];
    let created = engine.json(&created).await;
    let place = created[0]["position"].as_str().unwrap();
    let by_id = created[0]["eventId"].as_str().unwrap();
    for event in [place, by_id] {
        let out = data.path().join(format!("{}.json", event.len()));
        let out = out.display().to_string();
        let evidence = ["audit", "evidence", "--without-proofs", "--event", event];
        let evidence = [&evidence[..], &["--out", &out]].concat();
        let _ = engine.cli(&evidence).await.done();
        let made: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
        assert_eq!(made["events"][0]["eventId"], by_id);
        let explained = engine.json(&["audit", "explain", event]).await;
        let commands = list(&explained, "commands");
        assert_eq!(commands.len(), 1);
        let decisions = list(commands[0], "decisions");
        assert_eq!(decisions.len(), 1, "{explained:#}");
        assert_eq!(decisions[0]["event"]["eventId"], by_id);
        let told = engine.cli(&["audit", "explain", event]).await.done();
        for words in ["connector-to-auditors", "created connector to-auditors"] {
            assert!(told.contains(words), "{words} in {told}");
        }
    }
    let export = async |form: &str, more: &[&str]| {
        let out = data.path().join(format!("audit-{}.{form}", more.len()));
        let out = out.to_str().unwrap().to_owned();
        let asked = [
            &["audit", "export", "--format", form, "--out", &out][..],
            more,
        ]
        .concat();
        let _ = engine.cli(&asked).await.done();
        out
    };
    // What the engine sees meanwhile is added to the log.
    let count = async || {
        let told = engine.json(&["audit", "log", "--of", "networks"]).await;
        told.as_array().unwrap().len()
    };
    let before = count().await;
    let lines = export("jsonl", &[]).await;
    let lines = std::fs::read_to_string(lines).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    assert_eq!(lines[0]["format"], "peerage audit");
    for (index, line) in lines[1..].iter().enumerate() {
        assert_eq!(line["index"], json!(index));
    }
    let of = |stream: &str| {
        let of = lines[1..].iter();
        of.filter(|it| it["stream"].as_str().unwrap().starts_with(stream))
            .count()
    };
    let networks = engine.json(&["audit", "log", "--of", "networks"]).await;
    assert!((before..=count().await).contains(&of("network-")));
    assert!(of("connector-") > 0 && of("networkSnapshot") == 0);

    let ocsf = export("ocsf", &[]).await;
    let events = std::fs::read_to_string(&ocsf).unwrap().lines().count();
    assert!(events >= lines.len() - 1);
    let judge = workspace::root().join("tests/ocsf/judge.py");
    let judged = venv::command("python")
        .arg(judge)
        .arg(&ocsf)
        .output()
        .unwrap();
    let (said, wrong) = (
        String::from_utf8_lossy(&judged.stdout),
        String::from_utf8_lossy(&judged.stderr),
    );
    assert!(judged.status.success(), "{wrong}");
    assert!(
        said.contains(&format!("{events} events of OCSF 1.7.0")),
        "{said}"
    );

    let first = networks[0]["position"].as_str().unwrap();
    let rest = export("csv", &["--from", first]).await;
    let rest = std::fs::read_to_string(rest).unwrap();
    assert!(rest.starts_with("\"position\",\"time\""), "{rest}");
    let (heads, rows) = rest.split_once("\r\n").unwrap();
    assert!(heads.ends_with("\"network_id\",\"peering_id\""), "{heads}");
    let (network, peering) = (&networks[0]["networkId"], &networks[1]["peeringId"]);
    let ends = format!(",{network},{peering}");
    assert!(
        rows.lines().any(|it| it.ends_with(&ends)),
        "{ends} in {rows}"
    );
    assert!(rest.contains("created connector to-auditors to https://hooks.example.com/peerage"));
    assert!(!rest.contains("NetworkRegistered"));

    let told = engine
        .cli(&["audit", "log", "--of", "connectors"])
        .await
        .done();
    assert!(told.contains("created connector to-auditors"), "{told}");
    let access = engine.json(&["audit", "log", "--of", "access"]).await;
    assert!(access.is_array());

    let (out, there) = (data.path().join("wrong.csv"), ocsf.as_str());
    let out = out.to_str().unwrap();
    for (wrong, code, words) in [
        (&["--out", there][..], 2, "is there already"),
        (
            &["--out", there, "--resume"][..],
            2,
            "is whole, or was not begun",
        ),
        (
            &["--out", out, "--to", "999999999/999999999"][..],
            1,
            "lies beyond the log",
        ),
        (&["--out", out, "--format", "xml"][..], 2, "xml"),
        (&["--out", out, "--from", "yesterday"][..], 2, "yesterday"),
    ] {
        let refused = engine
            .cli(&[&["audit", "export"][..], wrong].concat())
            .await;
        assert_eq!(refused.code, Some(code), "{wrong:?}: {}", refused.stderr);
        assert!(
            refused.stderr.contains(words),
            "{wrong:?}: {}",
            refused.stderr
        );
    }
    assert!(!std::path::Path::new(out).exists());
    // What only networks have, nothing else is found by.
    let of_networks = [
        "audit",
        "log",
        "--of",
        "connectors",
        "--range",
        "10.0.0.0/8",
    ];
    assert_eq!(engine.json(&of_networks).await, json!([]));
    let connector = ["audit", "log", "--type", "ConnectorCreated"];
    let found = engine.json(&connector).await;
    assert_eq!(found[0]["stream"], "connector-to-auditors");
    engine.stop().await;
}
