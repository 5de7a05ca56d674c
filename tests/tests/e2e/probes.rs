//! Probes and scrapers, on a port of their own.

use crate::support::SOON;
use crate::support::http::{Answer, Head, Version, ask};
use peerage_tests::{
    engine::{Engine, Launch},
    node::NodePlace,
    ports, wait,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tempfile::TempDir;

async fn get(port: u16, path: &str) -> Answer {
    let server = format!("http://127.0.0.1:{port}");
    let head = Head::new("GET", path).host("peerage-0.peerage.svc");
    ask(&server, Version::Http1, &head, "").await
}

async fn until(port: u16, ready: u16) -> Answer {
    wait::until("readiness", SOON, || async {
        let answer = get(port, "/health/ready").await;
        (answer.status.as_u16() == ready).then_some(answer)
    })
    .await
}

async fn register(engine: &Engine) {
    register_named(engine, "orders").await;
}

async fn register_named(engine: &Engine, name: &str) -> Value {
    let register = [
        "network",
        "register",
        "--name",
        name,
        "--account",
        "111122223333",
    ];
    let own = [
        "--region",
        "eu-west-1",
        "--vpc",
        "vpc-0a1b2c3d",
        "--range",
        "10.20.0.0/16",
    ];
    engine.json(&[&register[..], &own[..]].concat()).await
}

#[tokio::test]
async fn figures_of_the_engine_are_there_for_whoever_reaches_the_port_and_the_api_is_not() {
    let (folder, port) = (TempDir::new().unwrap(), ports::free());
    let launch = Launch::new(folder.path()).own_store();
    let engine = launch
        .set("probes.listen", &format!("127.0.0.1:{port}"))
        .start()
        .await;
    until(port, 200).await;
    register(&engine).await;
    let shown = || async {
        let answer = get(port, "/metrics").await;
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        text.contains("\npeerage_networks 1\n").then_some(text)
    };
    let text = wait::until("the network's figure", SOON, shown).await;
    let followers = [
        "read-models",
        "audit-tree",
        "provisioner",
        "deliveries",
        "connectors",
        "approvals",
        "policies",
        "retention",
    ];
    wait::until("each follower to be at the log's end", SOON, || async {
        let text = shown().await?;
        let is_there = |it: &str| {
            text.contains(&format!(
                "\npeerage_follower_lag_events{{follower=\"{it}\"}} 0\n"
            )) && text.contains(&format!(
                "\npeerage_follower_lag_seconds{{follower=\"{it}\"}} 0.0\n"
            ))
        };
        followers.iter().all(|it| is_there(it)).then_some(())
    })
    .await;
    for wanted in [
        "\npeerage_read_models_whole 1\n",
        "\npeerage_exposures 0\n",
        "\npeerage_provisioner_passes_total ",
        "\npeerage_connector_active_total ",
        "\n# TYPE peerage_cloud_call_seconds histogram\n",
        "\npeerage_provisioner_queue 0\n",
        "\npeerage_store_up 1\n",
        "\npeerage_data_free_bytes ",
        "\nprocess_resident_memory_bytes ",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is missing in {text}");
    }
    assert!(
        text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1,
        "{text}"
    );
    let info = "/peerage.v1.ServerService/GetServerInfo";
    assert_eq!(get(port, info).await.status.as_u16(), 404);
    engine.stop().await;
}

/// The names of figures in a text of rules or panels, with the labels that are asked for.
fn asked(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut asked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let is_part = |it: char| it.is_ascii_alphanumeric() || it == '_';
    for (at, _) in text.match_indices("peerage_") {
        if text[..at].ends_with(is_part) {
            continue;
        }
        let rest = &text[at..];
        let end = rest.find(|it| !is_part(it)).unwrap_or(rest.len());
        let labels = asked.entry(rest[..end].to_owned()).or_default();
        let selected = rest[end..].strip_prefix('{');
        let selected = selected.and_then(|it| it.split_once('}')).map(|it| it.0);
        for pair in selected.into_iter().flat_map(|it| it.split(',')) {
            labels.insert(pair.split(['=', '!']).next().unwrap().trim().to_owned());
        }
    }
    asked
}

/// What is exposed: the kind of each figure, and the labels that its lines have.
#[derive(Debug, Default)]
struct Exposed {
    kinds: BTreeMap<String, String>,
    labels: BTreeMap<String, BTreeSet<String>>,
}

impl Exposed {
    fn of(text: &str) -> Self {
        let mut exposed = Self::default();
        for line in text.lines() {
            let words: Vec<_> = line.split(' ').collect();
            if let ["#", "TYPE", name, kind] = words[..] {
                exposed.kinds.insert(name.to_owned(), kind.to_owned());
            }
            if let Some((name, rest)) = line.split_once('{')
                && !line.starts_with('#')
            {
                let (labels, _) = rest.split_once('}').unwrap();
                let keys = labels.split("\",").filter_map(|it| it.split_once("=\""));
                let keys = keys.map(|it| it.0.to_owned());
                let all = exposed.labels.entry(name.to_owned()).or_default();
                all.extend(keys);
            }
        }
        exposed
    }

    /// Whether a query for this name finds something.
    fn has(&self, name: &str) -> bool {
        let kind = |it: &str| self.kinds.get(it).map(String::as_str);
        let ends = |ends: &[&str], of: &str| {
            let mut bare = ends.iter().filter_map(|it| name.strip_suffix(it));
            bare.any(|it| kind(it) == Some(of))
        };
        kind(name) == Some("gauge")
            || ends(&["_total"], "counter")
            || ends(&["_bucket", "_sum", "_count"], "histogram")
            || ends(&["_info"], "info")
    }
}

/// What is exposed only where there is something of it: a certificate, a connector, a block. Of
/// connectors `webhooks.rs` has them.
const WHERE_THERE_IS_SOMETHING: &[&str] = &[
    "peerage_certificate_expires_timestamp_seconds",
    "peerage_connector_lag_seconds",
    "peerage_connector_parked_records",
    "peerage_connector_retrying",
    "peerage_connector_state",
    "peerage_messaging_consumer_lag",
    "peerage_peerings_blocked",
];

#[tokio::test]
async fn every_name_of_the_rules_and_the_dashboard_is_exposed_and_no_label_names_what_grows() {
    let (folder, port) = (TempDir::new().unwrap(), ports::free());
    let launch = Launch::new(folder.path()).own_store();
    let engine = launch
        .set("probes.listen", &format!("127.0.0.1:{port}"))
        .start()
        .await;
    until(port, 200).await;
    let made = register_named(&engine, "orders").await;
    let request = [
        "peering",
        "request",
        "--network",
        "orders",
        "--region",
        "us-east-1",
        "--account",
        "444455556666",
        "--vpc",
        "vpc-0d4c3b2a",
        "--range",
        "10.30.0.0/16",
    ];
    let asked_for = engine.json(&request).await;
    let text = wait::until("the peering's figure", SOON, || async {
        let text = get(port, "/metrics").await.body.to_vec();
        let text = String::from_utf8(text).unwrap();
        let is_there = text.contains("state=\"active\"} 1\n");
        is_there.then_some(text)
    })
    .await;
    let exposed = Exposed::of(&text);
    let (root, mut missing) = (peerage_tests::workspace::root(), BTreeSet::new());
    for file in ["ops/alerts.yaml", "ops/dashboard.json"] {
        let asked = asked(&std::fs::read_to_string(root.join(file)).unwrap());
        assert!(asked.len() > 15, "{file}: {asked:?}");
        for (name, labels) in asked {
            if !exposed.has(&name) {
                missing.insert(name);
                continue;
            }
            let Some(known) = exposed.labels.get(&name) else {
                continue;
            };
            assert!(
                labels.is_subset(known),
                "{file}: {name} {labels:?}, not {known:?}"
            );
        }
    }
    let missing: Vec<_> = missing.iter().map(String::as_str).collect();
    assert_eq!(missing, WHERE_THERE_IS_SOMETHING);
    // What there is more and more of would make more and more series.
    let grows = [
        made["networkId"].as_str().unwrap(),
        asked_for["peeringId"].as_str().unwrap(),
        "orders",
        "444455556666",
        "vpc-0d4c3b2a",
        "10.30.0.0",
    ];
    for it in grows {
        assert!(!text.contains(it), "{it} is in {text}");
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_store_that_is_away_makes_the_process_unready_and_never_dead() {
    let (folder, port) = (TempDir::new().unwrap(), ports::free());
    let place = NodePlace::new(&folder.path().join("events"));
    let node = place.start().await;
    let launch = Launch::new(&folder.path().join("data")).store(&place.connection_string());
    let engine = launch
        .set("probes.listen", &format!("127.0.0.1:{port}"))
        .start()
        .await;
    until(port, 200).await;
    drop(node);
    let told = until(port, 503).await.json().to_string();
    assert!(told.contains("the event store"), "{told}");
    assert_eq!(get(port, "/health/live").await.status.as_u16(), 200);
    let node = place.start().await;
    until(port, 200).await;
    engine.stop().await;
    drop(node);
}
