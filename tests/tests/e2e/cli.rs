//! The command line: what scripts see of it. Codes, one clear line for each mistake, JSON
//! everywhere, and an end in good order.

use crate::support::SOON;
use crate::support::api::{self, Api, Command};
use peerage::api::v1::{WatchPeeringsRequest, watch_peerings_request::Scope};
use peerage_tests::engine::{Engine, Finished, Launch, finish, peerage, run};
use peerage_tests::node::NodePlace;
use serde_json::Value;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::timeout;
use tonic::Code;
use uuid::Uuid;

async fn engine() -> (Engine, TempDir) {
    let data = TempDir::new().unwrap();
    (Launch::new(data.path()).start().await, data)
}

/// One line on standard error, hints apart, nothing on standard output, this code, and all of these
/// words.
fn assert_one_line(finished: &Finished, code: i32, words: &[&str]) {
    assert_eq!(finished.code, Some(code), "{finished:?}");
    assert_eq!(finished.stdout, "", "{finished:?}");
    let lines: Vec<_> = finished
        .stderr
        .lines()
        .filter(|it| !it.starts_with("hint: "))
        .collect();
    assert_eq!(lines.len(), 1, "{finished:?}");
    assert!(lines[0].starts_with("error: "), "{finished:?}");
    for word in words {
        assert!(lines[0].contains(word), "{word} in {finished:?}");
    }
}

#[tokio::test]
async fn the_exit_code_is_0_for_done_1_for_refused_or_failed_and_2_for_a_wrong_call() {
    let (engine, _data) = engine().await;
    assert_eq!(engine.cli(&["network", "list"]).await.code, Some(0));
    let register = [
        "network",
        "register",
        "--name",
        "n",
        "--region",
        "eu-west-1",
        "--account",
        "111122223333",
        "--vpc",
        "vpc-0a1b2c3d",
    ];
    let refused = engine
        .cli(&[&register[..], &["--range", "10.0.0.0/26"]].concat())
        .await;
    assert_one_line(&refused, 1, &["range: ", "10.0.0.0/26", "/25"]);
    let several = engine
        .cli(&[
            "network",
            "register",
            "--name",
            "",
            "--region",
            "x",
            "--account",
            "1",
            "--vpc",
            "v",
            "--range",
            "r",
        ])
        .await;
    assert_eq!(
        (several.code, several.stderr.lines().count()),
        (Some(1), 3),
        "a line for each wrong field: {several:?}"
    );
    let register =
        "network register --name a --account 111122223333 --vpc vpc-0a1b2c3d --range 10.20.0.0/16";
    let peer = "--network a --account 444455556666 --vpc vpc-0d4c3b2a --range 10.30.0.0/16";
    for (line, like) in [
        (register.to_owned(), "eu-west-1"),
        (format!("{register} --provider azure"), "westeurope"),
        (format!("peering request {peer}"), "eu-west-1"),
        (
            format!("peering adopt {peer} --link pcx-0a1b2c3d"),
            "eu-west-1",
        ),
        (format!("peering plan {peer}"), "eu-west-1"),
    ] {
        let line: Vec<_> = line.split(' ').collect();
        assert_one_line(&engine.cli(&line).await, 2, &["--region REGION", like]);
    }
    let unknown = Uuid::new_v4().to_string();
    assert_one_line(
        &engine.cli(&["peering", "show", &unknown]).await,
        1,
        &["is on record", "[PEERING_UNKNOWN]"],
    );
    let nobody = run(&["network", "list", "--server", "http://127.0.0.1:9"]).await;
    assert_one_line(&nobody, 1, &["http://127.0.0.1:9"]);
    assert!(
        nobody.stderr.contains("hint: `peerage serve` starts one"),
        "{nobody:?}"
    );
    for wrong in [
        &["network", "lst"][..],
        &["peering", "show", ""],
        &["--nonsense"],
        &[],
        &["route", "accept", &unknown, "--side", "left"],
    ] {
        let finished = run(wrong).await;
        assert_eq!(finished.code, Some(2), "{wrong:?}: {finished:?}");
        assert!(!finished.stderr.is_empty(), "{wrong:?}");
    }
    for asked in [&["--help"][..], &["--version"], &["peering", "--help"]] {
        assert!(!run(asked).await.done().is_empty(), "{asked:?}");
    }
}

#[tokio::test]
async fn an_unknown_key_in_a_file_a_flag_or_the_environment_is_one_clear_line_and_exit_2() {
    let data = TempDir::new().unwrap();
    let file = data.path().join("peerage.toml");
    std::fs::write(&file, "[api]\nlsten = \"127.0.0.1:0\"\n").unwrap();
    let file = file.display().to_string();
    assert_one_line(
        &run(&["serve", "--config", &file]).await,
        2,
        &[
            "api.lsten",
            "unknown key",
            &file,
            "did you mean api.listen?",
        ],
    );
    assert_one_line(
        &run(&["serve", "--set", "store.conection_string=x"]).await,
        2,
        &["did you mean store.connection_string?"],
    );
    let mut command = peerage();
    command
        .arg("serve")
        .env("PEERAGE_API__LISTN", "127.0.0.1:0");
    assert_one_line(
        &finish(command).await,
        2,
        &["api.listn", "unknown key", "did you mean api.listen?"],
    );
    assert_one_line(
        &run(&["serve", "--set", "api.listen=nowhere"]).await,
        2,
        &["api.listen"],
    );
    assert_one_line(
        &run(&["serve", "--config", "no/such/file.toml"]).await,
        2,
        &["no/such/file.toml"],
    );
    let both = run(&["serve", "--set", "api.lsten=1", "--set", "log.formt=json"]).await;
    assert_eq!(
        (both.code, both.stderr.lines().count()),
        (Some(2), 2),
        "every mistake at once: {both:?}"
    );
}

#[tokio::test]
async fn a_taken_port_a_used_directory_and_a_wrong_store_are_one_clear_line_and_exit_2() {
    let (engine, data) = engine().await;
    let (other, address) = (
        TempDir::new().unwrap(),
        engine.server().replace("http://", ""),
    );
    let (used, free) = (
        data.path().display().to_string(),
        other.path().display().to_string(),
    );
    let taken = run(&["serve", "--listen", &address, "--data-dir", &free]).await;
    assert_one_line(&taken, 2, &[&address, "--listen"]);
    let in_use = run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", &used]).await;
    assert_one_line(
        &in_use,
        2,
        &[&used, "in use by another process", "--data-dir"],
    );
    let store = run(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        &free,
        "--store",
        "postgres://db",
        "--cloud",
        "simulated",
    ])
    .await;
    assert_one_line(&store, 2, &["connection string"]);
    let unsaid = run(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--store",
        "kurrentdb://127.0.0.1:1?tls=false",
    ])
    .await;
    assert_one_line(&unsaid, 2, &["cloud.mode", "or simulated"]);
    let both = run(&[
        "serve",
        "--cloud",
        "simulated",
        "--aws-endpoint",
        "http://127.0.0.1:1",
    ])
    .await;
    assert_one_line(&both, 2, &["--aws-endpoint", "leave out one"]);
    let nowhere = run(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        "/dev/null/x",
    ])
    .await;
    assert_one_line(&nowhere, 2, &["/dev/null/x"]);
    assert_eq!(
        engine.cli(&["network", "list"]).await.code,
        Some(0),
        "the first is none the worse"
    );
}

#[tokio::test]
async fn a_node_says_the_same_of_its_port_and_its_directory() {
    let folder = TempDir::new().unwrap();
    let place = NodePlace::new(&folder.path().join("events"));
    let _node = place.start().await;
    let address = place
        .connection_string()
        .replace("kurrentdb://", "")
        .split('?')
        .next()
        .unwrap()
        .to_owned();
    let (used, free) = (
        folder.path().join("events").display().to_string(),
        folder.path().join("other").display().to_string(),
    );
    let taken = run(&["node", "--listen", &address, "--data", &free]).await;
    assert_one_line(&taken, 2, &[&address]);
    let in_use = run(&["node", "--listen", "127.0.0.1:0", "--data", &used]).await;
    assert_one_line(&in_use, 2, &[&used]);
}

#[tokio::test]
async fn every_command_prints_json_when_asked_to() {
    let (engine, _data) = engine().await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let place = [
        "--region",
        "eu-west-1",
        "--account",
        "111122223333",
        "--vpc",
        "vpc-0a1b2c3d",
        "--range",
        "10.20.0.0/16",
    ];
    let registered = engine
        .json(&[&["network", "register", "--name", "orders"][..], &place[..]].concat())
        .await;
    let network = text(&registered["networkId"]);
    let place = [
        "--region",
        "us-east-1",
        "--account",
        "444455556666",
        "--vpc",
        "vpc-0d4c3b2a",
        "--range",
        "10.30.0.0/16",
    ];
    let requested = engine
        .json(
            &[
                &["peering", "request", "--network", &network][..],
                &place[..],
            ]
            .concat(),
        )
        .await;
    let peering = text(&requested["peeringId"]);
    assert_eq!(requested["eventTypes"][0], "PeeringRequested");
    let accepted = engine
        .json(&[
            "route",
            "accept",
            &peering,
            "--side",
            "local",
            "--destination",
            "10.30.0.0/16",
        ])
        .await;
    assert_eq!(accepted["eventTypes"][0], "RouteAccepted");
    let restricted = engine
        .json(&["firewall", "restrict", &peering, "--admit", "10.30.0.0/16"])
        .await;
    assert_eq!(restricted["eventTypes"][0], "FirewallRestricted");

    let watched = engine
        .cli(&["peering", "watch", &peering, "--output", "json"])
        .await
        .done();
    let lines: Vec<Value> = watched
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        lines.last().unwrap()["peering"]["converged"],
        true,
        "{watched}"
    );
    assert_eq!(engine.json(&["network", "list"]).await[0]["name"], "orders");
    let shown = engine.json(&["network", "show", &network]).await;
    assert!(
        shown.to_string().contains(&peering) && shown.to_string().contains("orders"),
        "{shown:#}"
    );
    assert_eq!(
        engine.json(&["peering", "list"]).await[0]["peeringId"],
        peering.as_str()
    );
    assert_eq!(
        engine.json(&["peering", "show", &peering]).await["peering"]["firewall"][0]["admit"][0]["port"],
        2113
    );
    let events = engine.json(&["audit", "--network", &network]).await;
    let types: Vec<_> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|it| text(&it["type"]))
        .collect();
    assert_eq!(
        (types[0].as_str(), types.len() > 10),
        ("NetworkRegistered", true),
        "{types:?}"
    );
    assert_eq!(
        engine
            .json(&["audit", "--limit", "3", "--newest-first"])
            .await
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    let command = text(&events[1]["commandId"]);
    assert_eq!(
        engine
            .json(&["audit", "--command", &command])
            .await
            .as_array()
            .map(Vec::len),
        Some(3)
    );
}

#[tokio::test]
async fn a_command_can_follow_another_at_once() {
    // The second command looks the peering up before it sends anything: it must find what the first
    // has just made.
    let (engine, _data) = engine().await;
    let place = [
        "--region",
        "eu-west-1",
        "--account",
        "111122223333",
        "--vpc",
        "vpc-0a1b2c3d",
        "--range",
        "10.20.0.0/16",
    ];
    let registered = engine
        .json(&[&["network", "register", "--name", "orders"][..], &place[..]].concat())
        .await;
    let network = registered["networkId"].as_str().unwrap();
    let api = Api::connect(&engine.server()).await;
    for number in 30..50 {
        let requested = api
            .done(&Command::Request(api::request(network, number)))
            .await;
        let range = format!("10.{number}.0.0/16");
        let peering = api.peering(&requested.peering_id, "").await;
        assert!(peering.is_ok(), "peering {number}: {peering:?}");
        let accept = [
            "route",
            "accept",
            &requested.peering_id,
            "--side",
            "local",
            "--destination",
            &range,
        ];
        if number == 30 {
            let answer = engine.cli(&accept).await.done();
            assert!(answer.contains("RouteAccepted"), "{answer}");
        }
    }
}

#[tokio::test]
async fn the_same_command_id_on_the_command_line_changes_nothing_the_second_time() {
    let (engine, _data) = engine().await;
    let id = Uuid::new_v4().to_string();
    let place = [
        "--region",
        "eu-west-1",
        "--account",
        "111122223333",
        "--vpc",
        "vpc-0a1b2c3d",
        "--range",
        "10.20.0.0/16",
    ];
    let register = [
        &[
            "network",
            "register",
            "--name",
            "orders",
            "--command-id",
            &id,
            "--actor",
            "ada",
        ][..],
        &place[..],
    ]
    .concat();
    let first = engine.json(&register).await;
    let second = engine.json(&register).await;
    assert_eq!(
        (first["repeated"].as_bool(), second["repeated"].as_bool()),
        (Some(false), Some(true))
    );
    assert_eq!(first["networkId"], second["networkId"]);
    assert_eq!(
        (&first["commandId"], &second["commandId"]),
        (&id.clone().into(), &id.clone().into())
    );
    let events = engine.json(&["audit"]).await;
    assert_eq!(events.as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&events[0]["actor"]["claimed"], &events[0]["commandId"]),
        (&Value::from("ada"), &Value::from(id))
    );
}

#[tokio::test]
async fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell]).await.done();
        for word in ["peerage", "firewall", "restrict"] {
            assert!(script.contains(word), "{word} for {shell}");
        }
    }
}

#[tokio::test]
async fn asked_to_stop_it_ends_open_watches_with_a_word_and_itself_with_0() {
    for signal in ["TERM", "INT"] {
        let (mut engine, data) = engine().await;
        let api = Api::connect(&engine.server()).await;
        let network = api
            .done(&Command::Register(api::register()))
            .await
            .network_id;
        let peering = api
            .done(&Command::Request(api::request(&network, 30)))
            .await;
        api.peering(&peering.peering_id, &peering.position)
            .await
            .unwrap();
        let request = WatchPeeringsRequest {
            scope: Some(Scope::PeeringId(peering.peering_id.clone())),
            ..Default::default()
        };
        let mut watch = api
            .peerings
            .clone()
            .watch_peerings(request)
            .await
            .unwrap()
            .into_inner();
        engine.process.signal(signal);
        let end = timeout(SOON, async {
            loop {
                match watch.message().await {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("a watch ended without a status"),
                    Err(status) => return status,
                }
            }
        });
        let status = end.await.expect("the end of the watch");
        assert_eq!(
            api::reason(&status),
            (Code::Unavailable, "STOPPING".to_owned()),
            "{status:?}"
        );
        let ended = engine.process.finished(Duration::from_secs(30)).await;
        assert_eq!(ended.code(), Some(0), "{}", engine.process.output());

        let engine = Launch::new(data.path()).start().await;
        let api = Api::connect(&engine.server()).await;
        api.converged(&peering.peering_id).await;
        engine.stop().await;
    }
}
