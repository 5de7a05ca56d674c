//! The command line and the engine: names and prefixes, several servers, answers that are lost,
//! watches that go on, and what is printed of all that.

use crate::support::SOON;
use peerage_tests::engine::{Engine, Finished, Launch, ask, finish, peerage, run};
use serde_json::Value;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{
    io::Read as _,
    process::{Command, Stdio},
    sync::Arc,
};
use tempfile::TempDir;
use testkit::{forwarder::Door, ports, process::Running, wait};
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
    sync::Notify,
};

const OWN: [&str; 8] = [
    "--region",
    "eu-west-1",
    "--account",
    "111122223333",
    "--vpc",
    "vpc-0a1b2c3d",
    "--range",
    "10.20.0.0/16",
];

async fn engine() -> (Engine, TempDir) {
    let data = TempDir::new().unwrap();
    (Launch::new(data.path()).start().await, data)
}

fn register<'a>(name: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    static NETWORKS: AtomicU32 = AtomicU32::new(1);
    let number = NETWORKS.fetch_add(1, Ordering::Relaxed);
    // Told once for each network of a test, and no more than that.
    let vpc: &'static str = format!("vpc-0a1b{number:08x}").leak();
    let mut own = OWN;
    let place = own.iter().position(|it| it.starts_with("vpc-")).unwrap();
    own[place] = vpc;
    [&["network", "register", "--name", name][..], &own, more].concat()
}

/// Requests a peering of this network with the peer of this number.
fn request<'a>(network: &'a str, vpc: &'a str, range: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let peer = [
        "--region",
        "us-east-1",
        "--account",
        "444455556666",
        "--vpc",
        vpc,
    ];
    let network = ["peering", "request", "--network", network, "--range", range];
    [&network[..], &peer, more].concat()
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("a text, not {value}"))
        .to_owned()
}

fn failed(finished: &Finished, words: &[&str]) {
    assert_eq!(finished.code, Some(1), "{finished:?}");
    for word in words {
        assert!(finished.stderr.contains(word), "{word} in {finished:?}");
    }
}

#[tokio::test]
async fn a_name_or_the_first_characters_of_an_id_are_taken_wherever_an_id_is() {
    let (engine, _data) = engine().await;
    let network = text(&engine.json(&register("orders", &[])).await["networkId"]);
    engine
        .json(&register("billing", &["--project", "payments"]))
        .await;
    let requested = engine
        .json(&request("orders", "vpc-0d4c3b2a", "10.30.0.0/16", &[]))
        .await;
    assert_eq!(requested["networkId"], network.as_str());
    let peering = text(&requested["peeringId"]);
    for named in [
        &peering,
        &peering[..8],
        "vpc-0d4c3b2a",
        "444455556666/vpc-0d4c3b2a",
    ] {
        let shown = engine.json(&["peering", "show", named]).await;
        assert_eq!(shown["peering"]["peeringId"], peering.as_str(), "{named}");
    }
    for named in ["orders", "default/orders", &network, &network[..8]] {
        let listed = engine.json(&["peering", "list", "--network", named]).await;
        assert_eq!(listed[0]["peeringId"], peering.as_str(), "{named}");
    }
    let accept = ["--side", "local", "--destination", "10.30.0.0/16"];
    let route = [&["route", "accept", "vpc-0d4c3b2a"][..], &accept].concat();
    assert_eq!(engine.json(&route).await["peeringId"], peering.as_str());
    let allow = [
        "--target",
        "10.30.7.0/24",
        "--port",
        "5432",
        "--reason",
        "a sink",
        "--from",
        "10.20.1.0/24",
        "--no-expiry",
    ];
    let allow = [&["firewall", "allow", &peering[..8]][..], &allow].concat();
    let ingress = text(&engine.json(&allow).await["ingressId"]);
    engine
        .json(&["firewall", "revoke", &peering, "10.30.7.0/24:5432"])
        .await;
    failed(
        &engine
            .cli(&["firewall", "revoke", &peering, &ingress])
            .await,
        &["INGRESS_UNKNOWN"],
    );
    engine.stop().await;
}

#[tokio::test]
async fn what_is_unknown_or_ambiguous_is_told_with_what_was_expected_and_what_it_may_be() {
    let (engine, _data) = engine().await;
    engine.json(&register("orders", &[])).await;
    engine
        .json(&register("orders", &["--project", "payments"]))
        .await;
    let unknown = engine.cli(&["network", "show", "order"]).await;
    failed(
        &unknown,
        &[
            "no network is known as `order`",
            "a UUID",
            "did you mean `orders`?",
        ],
    );
    let both = engine.cli(&["network", "show", "orders"]).await;
    failed(
        &both,
        &[
            "more than one network",
            "default/orders",
            "payments/orders",
            "hint: ",
        ],
    );
    engine.json(&["network", "show", "payments/orders"]).await;
    let unknown = engine.cli(&["peering", "show", "nonsense"]).await;
    failed(
        &unknown,
        &[
            "no peering is known as `nonsense`",
            "a UUID",
            "ACCOUNT/CLOUD_NETWORK",
        ],
    );
    engine.stop().await;
}

#[tokio::test]
async fn a_command_brings_a_whole_peering_with_who_and_why_and_can_be_tried_without_a_trace() {
    let (engine, _data) = engine().await;
    engine.json(&register("orders", &[])).await;
    let opens = [
        "--local-route",
        "10.30.0.0/16",
        "--remote-route",
        "10.20.0.0/16",
        "--admit",
        "10.30.0.0/16",
        "--reason",
        "the orders team moves",
        "--ticket",
        "OPS-1",
        "--actor",
        "ada",
    ];
    let line = request("orders", "vpc-0d4c3b2a", "10.30.0.0/16", &opens);
    let before = engine.json(&["audit"]).await;
    let tried = engine
        .json(&[&line[..], &["--validate-only"]].concat())
        .await;
    assert_eq!(tried["validatedOnly"], true, "{tried:#}");
    assert_eq!(tried["eventTypes"][0], "PeeringRequested", "{tried:#}");
    assert_eq!(engine.json(&["audit"]).await, before, "nothing was written");

    let done = engine.json(&line).await;
    assert_eq!(done["eventTypes"], tried["eventTypes"], "{done:#}");
    let events = engine
        .json(&["audit", "--command", done["commandId"].as_str().unwrap()])
        .await;
    let events = events.as_array().unwrap();
    let types: Vec<_> = events.iter().map(|it| text(&it["type"])).collect();
    for wanted in ["PeeringRequested", "RouteAccepted", "FirewallRestricted"] {
        assert!(types.iter().any(|it| it == wanted), "{wanted} in {types:?}");
    }
    for event in events {
        let why = (
            &event["reason"],
            &event["ticket"],
            &event["actor"]["claimed"],
        );
        let given = (
            &"the orders team moves".into(),
            &"OPS-1".into(),
            &"ada".into(),
        );
        assert_eq!(why, given, "{event:#}");
    }
    let told = engine
        .cli(&["audit", "--actor", "ada", "--type", "PeeringRequested"])
        .await
        .done();
    // However it was wrapped.
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in [
        "ada (claimed)",
        "reason: the orders team moves",
        "ticket: OPS-1",
    ] {
        assert!(told.contains(word), "{word} in\n{told}");
    }
    let peering = text(&done["peeringId"]);
    assert!(
        engine
            .cli(&["peering", "watch", &peering])
            .await
            .done()
            .contains("PeeringActivated")
    );
    let active = engine
        .json(&["peering", "list", "--state", "active", "--blocked=false"])
        .await;
    assert_eq!(active.as_array().map(Vec::len), Some(1), "{active:#}");
    for nothing in [
        &["peering", "list", "--state", "removed,failed"][..],
        &["peering", "list", "--account", "999999999999"],
        &["peering", "list", "--since", "2099-01-01T00:00:00Z"],
        &["network", "list", "--state", "retired"],
        &["audit", "--actor", "eve"],
    ] {
        let found = engine.json(nothing).await;
        assert_eq!(
            found.as_array().map(Vec::len),
            Some(0),
            "{nothing:?}: {found:#}"
        );
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_policy_may_require_a_ticket_and_the_refusal_says_how_to_give_one() {
    let (engine, _data) = engine().await;
    engine.json(&register("orders", &[])).await;
    engine
        .json(&["network", "policy", "orders", "--require-ticket=OPS-[0-9]+"])
        .await;
    let line = request("orders", "vpc-0d4c3b2a", "10.30.0.0/16", &[]);
    failed(&engine.cli(&line).await, &["[TICKET_REQUIRED]", "--ticket"]);
    let wrong = [&line[..], &["--ticket", "HR-1"]].concat();
    failed(&engine.cli(&wrong).await, &["[TICKET_MALFORMED]"]);
    let taken = engine
        .cli(&[&line[..], &["--ticket", "OPS-17"]].concat())
        .await
        .done();
    assert!(taken.contains("PeeringRequested"), "{taken}");
    let shown = engine.cli(&["network", "show", "orders"]).await.done();
    assert!(shown.contains("a ticket like /OPS-[0-9]+/"), "{shown}");
    engine.stop().await;
}

#[tokio::test]
async fn where_one_server_does_not_answer_the_next_is_asked() {
    let (engine, _data) = engine().await;
    let nobody = format!("http://127.0.0.1:{}", ports::free());
    let both = format!("{nobody},{}", engine.server());
    let registered = ask(
        &both,
        &[&register("orders", &[])[..], &["--output", "json"]].concat(),
    )
    .await;
    let told = registered.stderr.clone();
    assert!(
        told.contains(&nobody) && told.contains(&engine.server()),
        "{told}"
    );
    assert_eq!(registered.json()["repeated"], false);
    assert!(
        ask(&both, &["network", "list"])
            .await
            .done()
            .contains("default/orders")
    );
    let status = ask(&both, &["status"]).await;
    assert_eq!(
        status.code,
        Some(1),
        "one of the two does not answer: {status:?}"
    );
    assert!(
        status.stdout.contains("at the end of the log"),
        "{status:?}"
    );
    let info = engine.json(&["server", "info"]).await;
    assert_eq!(info["store"], "STORE_KIND_EMBEDDED", "{info:#}");
    assert_eq!(info["catchingUp"], false, "{info:#}");
    assert!(
        engine
            .cli(&["status"])
            .await
            .done()
            .contains(&engine.server())
    );
    engine.stop().await;
}

/// A server that takes one command and keeps its answer: once `done` is told, the connection
/// breaks, and from then on everything passes.
async fn loses_one_answer(behind: u16, done: Arc<Notify>) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (near, _) = listener.accept().await.unwrap();
        let far = TcpStream::connect(("127.0.0.1", behind)).await.unwrap();
        let (mut from_near, keeps_near) = near.into_split();
        let (mut from_far, mut to_far) = far.into_split();
        let there = tokio::spawn(async move { tokio::io::copy(&mut from_near, &mut to_far).await });
        let nowhere = tokio::spawn(async move {
            let mut swallowed = Vec::new();
            from_far.read_to_end(&mut swallowed).await
        });
        done.notified().await;
        there.abort();
        nowhere.abort();
        drop(keeps_near);
        while let Ok((mut near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut far = TcpStream::connect(("127.0.0.1", behind)).await.unwrap();
                tokio::io::copy_bidirectional(&mut near, &mut far).await
            });
        }
    });
    url
}

#[tokio::test]
async fn a_command_whose_answer_is_lost_is_asked_for_again_and_done_once() {
    let (engine, _data) = engine().await;
    let port = engine.server().rsplit_once(':').unwrap().1.parse().unwrap();
    let done = Arc::new(Notify::new());
    let url = loses_one_answer(port, done.clone()).await;
    let line = [&register("orders", &[])[..], &["--output", "json"]].concat();
    let breaks = async {
        wait::until("the command on record", SOON, || async {
            let networks = engine.json(&["network", "list"]).await;
            networks
                .as_array()
                .is_some_and(|it| it.len() == 1)
                .then_some(())
        })
        .await;
        done.notify_one();
    };
    let (finished, ()) = tokio::join!(ask(&url, &line), breaks);
    let told = finished.stderr.clone();
    let answer = finished.json();
    assert_eq!(answer["repeated"], true, "{answer:#}");
    let id = text(&answer["commandId"]);
    assert!(
        told.contains(&format!("asking again as command {id}")),
        "{told}"
    );
    let events = engine.json(&["audit"]).await;
    assert_eq!(events.as_array().map(Vec::len), Some(1), "{events:#}");
    assert_eq!(events[0]["commandId"], id.as_str());
    engine.stop().await;
}

#[tokio::test]
async fn a_watch_goes_on_where_it_was_when_the_connection_breaks() {
    let (engine, _data) = engine().await;
    let port = engine.server().rsplit_once(':').unwrap().1.parse().unwrap();
    let mut door = Door::closed(port);
    door.open().await;
    let mut command = peerage();
    command.args([
        "network",
        "watch",
        "--output",
        "json",
        "--server",
        &door.endpoint(),
    ]);
    let watch = Running::start("peerage network watch", &mut command);
    let tells = |what: &'static str| {
        let watch = &watch;
        wait::until(what, SOON, move || async move {
            watch.output().contains(what).then_some(())
        })
    };
    // It follows: what was there before is shown as a state, without its event.
    tells("\"bookmark\"").await;
    engine.json(&register("orders", &[])).await;
    tells("\"NetworkRegistered\"").await;
    door.close();
    engine
        .json(&register("billing", &["--project", "payments"]))
        .await;
    door.open().await;
    tells("billing").await;
    watch.prints("the watch broke").await;
    let told = watch.output();
    let of = |name: &str| {
        let lines = told
            .lines()
            .filter(|it| it.contains("\"NetworkRegistered\""));
        lines
            .filter(|it| it.contains(&format!("\"{name}\"")))
            .count()
    };
    assert_eq!(
        (of("orders"), of("billing")),
        (1, 1),
        "each event once: {told}"
    );
    engine.stop().await;
}

/// Starts the program and leaves as soon as something was read.
fn read_and_leave(arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = peerage();
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = [0; 1];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    // The pipe is closed now; whatever else is printed meets nobody.
    let ended = child.wait_with_output().unwrap();
    (
        ended.status.code(),
        String::from_utf8_lossy(&ended.stderr).into_owned(),
    )
}

#[tokio::test]
async fn a_reader_who_leaves_early_is_no_error_and_no_panic() {
    // The script is longer than a pipe holds: the end of it is written when the reader is gone.
    let left = tokio::task::spawn_blocking(|| read_and_leave(&["completions", "bash"]));
    assert_eq!(left.await.unwrap(), (Some(0), String::new()));
    // What would have been waited for is not told to have come.
    let left = tokio::task::spawn_blocking(|| read_and_leave(&["demo"]));
    assert_eq!(left.await.unwrap(), (Some(141), String::new()));
}

#[tokio::test]
async fn what_is_printed_fits_a_hundred_columns_and_holds_no_character_that_a_terminal_obeys() {
    let (engine, _data) = engine().await;
    engine.json(&register("orders", &[])).await;
    let hidden = "a\u{1b}[31m\u{202e}b\u{200b}";
    let line = request(
        "orders",
        "vpc-0d4c3b2a",
        "10.30.0.0/16",
        &["--consent", "owner", "--actor", hidden, "--reason", hidden],
    );
    // Whether it is taken or refused, it is told without what it hides.
    engine.cli(&line).await;
    engine
        .cli(&request(
            "orders",
            "vpc-0d4c3b2b",
            "10.31.0.0/16",
            &["--reason", "plain"],
        ))
        .await;
    for asked in [
        &["network", "list"][..],
        &["network", "show", "orders"],
        &["peering", "list"],
        &["peering", "show", "vpc-0d4c3b2b"],
        &["audit"],
        &["audit", "--output", "json"],
        &["peering", "show", hidden],
    ] {
        let finished = engine.cli(asked).await;
        for printed in [&finished.stdout, &finished.stderr] {
            let harmful =
                |it: char| it.is_control() && it != '\n' || "\u{202e}\u{200b}".contains(it);
            assert!(!printed.contains(harmful), "{asked:?}: {printed:?}");
        }
        if !asked.contains(&"json") && asked.get(1) != Some(&"show") {
            let wide: Vec<_> = finished
                .stdout
                .lines()
                .filter(|it| it.chars().count() > 100)
                .collect();
            assert!(wide.is_empty(), "{asked:?}: {wide:#?}");
        }
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_wrong_server_is_a_wrong_call() {
    let finished = run(&["network", "list", "--server", "ftp://127.0.0.1:1"]).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    let mut command: Command = peerage();
    command
        .args(["network", "list"])
        .env("PEERAGE_SERVER", "http://127.0.0.1:9,http://127.0.0.1:10");
    failed(
        &finish(command).await,
        &["http://127.0.0.1:9, http://127.0.0.1:10"],
    );
}
