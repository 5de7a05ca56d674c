//! What the real service answered, replayed against the fake: statuses and members, but for what is
//! made anew each time.

use gcp_fake::{FakeCompute, Half, Temper};
use serde_json::{Value, json};

/// What is made anew each time, or was made a constant by who recorded it.
const MADE_ANEW: [&str; 10] = [
    "id",
    "name-of-operation",
    "insertTime",
    "startTime",
    "endTime",
    "creationTimestamp",
    "targetId",
    "user",
    "selfLinkWithId",
    "fingerprint",
];

fn recording(text: &str) -> Vec<Value> {
    let whole: Value = serde_json::from_str(text).unwrap();
    whole["exchanges"].as_array().unwrap().clone()
}

/// An answer without what is made anew, in one form: operations have the name of their order.
fn plain(answer: &Value, of: &[(String, String)]) -> Value {
    match answer {
        Value::Object(members) => {
            let kept = members
                .iter()
                .filter(|(member, _)| !MADE_ANEW.contains(&member.as_str()));
            kept.map(|(member, value)| (member.clone(), plain(value, of)))
                .collect()
        }
        Value::Array(all) => all.iter().map(|it| plain(it, of)).collect(),
        Value::String(text) => Value::String(named(text, of)),
        Value::Null | Value::Bool(_) | Value::Number(_) => answer.clone(),
    }
}

/// The text without its time, with the operations' names of the fake.
fn named(text: &str, of: &[(String, String)]) -> String {
    let text = match (text.starts_with('['), text.split_once("]: ")) {
        (true, Some((_, words))) => words,
        _ => text,
    };
    let mut text = text.to_owned();
    for (recorded, ours) in of {
        text = text.replace(recorded, ours);
    }
    text
}

/// Looking for a member makes one that is null.
fn without_null(mut answer: Value) -> Value {
    if let Some(members) = answer.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    answer
}

fn play(fake: &FakeCompute, exchange: &Value, operations: &mut Vec<(String, String)>) {
    play_without(fake, exchange, operations, &[]);
}

/// The same, without members that the service has shown only since.
fn play_without(
    fake: &FakeCompute,
    exchange: &Value,
    operations: &mut Vec<(String, String)>,
    newer: &[&str],
) {
    let text = |member: &str| exchange[member].as_str().unwrap_or_default();
    let path = named(text("path"), operations);
    let query = exchange["query"].as_object().into_iter().flatten();
    let query: Vec<_> = query
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    let url = format!("{path}?{}", query.join("&"));
    let body = Some(&exchange["request_body"]).filter(|it| !it.is_null());
    let body = body.map(ToString::to_string).unwrap_or_default();
    let reply = fake.answer(text("method"), &url, body.as_bytes());
    let what = format!("exchange {}: {} {path}", exchange["n"], text("method"));
    assert_eq!(Value::from(reply.status), exchange["status"], "{what}");
    let recorded = &exchange["response_body"];
    if recorded["kind"] == "compute#operation" {
        let name = |of: &Value| of["name"].as_str().unwrap_or_default().to_owned();
        let pair = (name(recorded), name(&reply.body));
        if !operations.contains(&pair) {
            operations.push(pair);
        }
    }
    // A text in place of an error is the recorder's own.
    if recorded.get("$text").is_none() {
        let mut ours = plain(&reply.body, &[]);
        for half in ours["peerings"].as_array_mut().into_iter().flatten() {
            if let Some(members) = half.as_object_mut() {
                members.retain(|member, _| !newer.contains(&member.as_str()));
            }
        }
        assert_eq!(without_null(ours), plain(recorded, operations), "{what}");
    }
}

#[tokio::test]
async fn one_half_is_made_waits_and_is_removed_as_the_service_does_it() {
    let exchanges = recording(include_str!("../recordings/peering-one-half-2026.json"));
    assert_eq!(exchanges.len(), 20);
    let temper = Temper {
        looks: 1,
        ..Temper::default()
    };
    let fake = FakeCompute::start(temper).await;
    fake.project("project-1");
    let mut operations = Vec::new();
    for exchange in &exchanges {
        play(&fake, exchange, &mut operations);
    }
    assert_eq!(operations.len(), 6);
}

#[tokio::test]
async fn a_connected_half_is_shown_as_the_service_shows_it() {
    let exchanges = recording(include_str!("../recordings/peering-active-2025.json"));
    let fake = FakeCompute::start(Temper::default()).await;
    let half = |name: &str, network: &str| Half {
        exports_public: false,
        ..Half::new(name, network)
    };
    fake.network("project-1", "network-1");
    fake.network("producer-project-1", "servicenetworking");
    let own = "projects/project-1/global/networks/network-1";
    let others = "projects/producer-project-1/global/networks/servicenetworking";
    fake.half(
        "project-1",
        "network-1",
        half("servicenetworking-googleapis-com", others),
    );
    fake.half(
        "producer-project-1",
        "servicenetworking",
        half("theirs", own),
    );
    play(&fake, &exchanges[0], &mut Vec::new());
}

#[tokio::test]
async fn a_half_is_removed_by_its_projects_number_and_its_network_deleted_meanwhile() {
    let exchanges = recording(include_str!("../recordings/service-networking-2024.json"));
    let temper = Temper {
        looks: 1,
        ..Temper::default()
    };
    let fake = FakeCompute::start(temper).await;
    fake.project_with_number("example-project", "123456789");
    let network = "computenetwork-1er1cbmiy6owv";
    let mut operations = Vec::new();
    for exchange in &exchanges {
        if exchange["n"] == 4 {
            let routing = json!({ "routingMode": "REGIONAL" });
            fake.set_network("example-project", network, "routingConfig", routing);
        }
        // Beyond what is recorded of Compute: another service makes both halves.
        if exchange["n"] == 35 {
            let half = |name: &str, network: &str| Half {
                exports_public: false,
                ..Half::new(name, network)
            };
            fake.network("producer-project-1", "servicenetworking");
            let others = "projects/producer-project-1/global/networks/servicenetworking";
            let own = format!("projects/example-project/global/networks/{network}");
            fake.half(
                "example-project",
                network,
                half("servicenetworking-googleapis-com", others),
            );
            fake.half(
                "producer-project-1",
                "servicenetworking",
                half("theirs", &own),
            );
        }
        play_without(
            &fake,
            exchange,
            &mut operations,
            &["connectionStatus", "updateStrategy"],
        );
    }
}
