//! Data directories that earlier releases wrote, each in `histories/{release}`: they open, show
//! what they showed, and answer each recorded command sent again as it was answered then.
//!
//! `recorded.json` holds the commands with their answers, and what the release showed. What is
//! compared is facts, not the form in which they are shown.
#![allow(clippy::unwrap_used)]

mod folded;
mod reach;
mod rehearsal;

use chrono::{DateTime, Utc};
use domain::{
    CommandId, PeeringId, Side,
    network::{Leftover, Peering},
};
use embedded::EmbeddedNode;
use journal::{Journal, JournalSettings};
use peerage::api::v1::{self, peering_service_client::PeeringServiceClient};
use peerage_tests::engine::{Launch, ask_json};
use projections::{
    NetworkFilter, NetworkView, PageRequest, PeeringFilter, PeeringView, Projections,
    TimelineEntry, TimelineQuery,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tempfile::TempDir;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const RELEASE: &str = "0.1";

/// How long anything here may take on a busy machine.
const BOUND: Duration = Duration::from_secs(60);

fn folder() -> PathBuf {
    folder_of(RELEASE)
}

fn folder_of(release: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("histories")
        .join(release)
}

fn recorded() -> Value {
    let json = std::fs::read(folder().join("recorded.json")).unwrap();
    serde_json::from_slice(&json).unwrap()
}

/// A copy of the data directory.
fn data(into: &TempDir) -> PathBuf {
    let status = Command::new("tar")
        .arg("-xzf")
        .arg(folder().join("data.tar.gz"))
        .arg("-C")
        .arg(into.path())
        .status()
        .unwrap();
    assert!(status.success());
    into.path().join("peerage-data")
}

/// What read models show that are built from the log alone.
struct Shown {
    networks: Vec<NetworkView>,
    peerings: BTreeMap<PeeringId, PeeringView>,
    audit: Vec<TimelineEntry>,
}

async fn shown(journal: &Journal) -> Shown {
    let projections = Projections::in_memory().unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (projections, journal, stop) = (projections.clone(), journal.clone(), stop.clone());
        async move { projections.run(&journal, stop).await }
    });
    let mut whole = projections.caught_up();
    timeout(BOUND, whole.wait_for(|it| *it))
        .await
        .unwrap()
        .unwrap();
    let everything = PageRequest {
        size: 1_000,
        ..PageRequest::default()
    };
    let all = (
        NetworkFilter::default(),
        PeeringFilter::default(),
        TimelineQuery::default(),
    );
    let networks = projections.list_networks(&all.0, &everything);
    let networks = networks.await.unwrap().items;
    let peerings = projections.list_peerings(&all.1, &everything);
    let peerings = peerings.await.unwrap().items;
    let audit = projections.timeline(&all.2, &everything);
    let audit = audit.await.unwrap().items;
    stop.cancel();
    running.await.unwrap().unwrap();
    Shown {
        networks,
        peerings: peerings.into_iter().map(|it| (it.peering.id, it)).collect(),
        audit,
    }
}

async fn node(data: &Path) -> (EmbeddedNode, Journal) {
    let node = EmbeddedNode::builder()
        .data_dir(data)
        .start()
        .await
        .unwrap();
    let journal = Journal::open(JournalSettings::new(node.connection_string())).unwrap();
    (node, journal)
}

fn seconds(at: chrono::DateTime<chrono::Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// The facts of a peering in the words of the release.
fn facts(it: &Peering) -> Value {
    let sides = Side::BOTH.into_iter();
    let mut routes: Vec<_> = sides
        .clone()
        .flat_map(|side| {
            it.routes.get(side).iter().map(move |(to, route)| {
                let tables: Vec<_> = route.installed.keys().map(ToString::to_string).collect();
                json!({ "side": side, "destination": to, "installed_in": tables })
            })
        })
        .collect();
    routes.sort_by_key(ToString::to_string);
    let firewall: Vec<_> = sides
        .clone()
        .map(|side| {
            let firewall = it.firewall.get(side);
            let group = firewall.group.as_ref().map(ToString::to_string);
            json!({
                "side": side, "admit": firewall.admit, "enforced": firewall.is_enforced(),
                "group": group.unwrap_or_default(),
            })
        })
        .collect();
    let ingress: Vec<_> = it
        .ingress
        .iter()
        .map(|(id, ingress)| {
            json!({
                "ingress_id": id, "target": ingress.target, "rule": ingress.rule,
                "reason": ingress.reason, "allowed_at": seconds(ingress.allowed_at),
            })
        })
        .collect();
    let left: &[Leftover] = it.life.ending().map_or(&[], |ending| ending.left_behind());
    json!({
        "life": it.life.as_str(),
        "link": it.life.link().map(ToString::to_string).unwrap_or_default(),
        "converged": it.is_converged(),
        "blocked": it.blocked.is_some(),
        "routes": routes,
        "firewall": firewall,
        "ingress": ingress,
        "requested_at": seconds(it.requested_at),
        "accepted_at": it.accepted_at.map(seconds).unwrap_or_default(),
        "external_id": it.external_id,
        "removed_since": it.removal.as_ref().map(|it| seconds(it.since)),
        "left_behind": left.len(),
        "drift": it.drift.len() + it.repairs.len() + it.accepted_drift.len(),
    })
}

/// The same facts as the release showed them.
fn facts_shown(peering: &Value) -> Value {
    let only = |value: &Value, fields: &[&str]| -> Value {
        let fields = fields
            .iter()
            .map(|it| ((*it).to_owned(), value[it].clone()));
        Value::Object(fields.collect())
    };
    let list = |name: &str, fields: &[&str]| -> Vec<Value> {
        let all = peering[name].as_array().unwrap().iter();
        all.map(|it| only(it, fields)).collect()
    };
    let mut routes = list("routes", &["side", "destination", "installed_in"]);
    routes.sort_by_key(ToString::to_string);
    json!({
        "life": peering["life"],
        "link": peering["link"],
        "converged": peering["converged"],
        "blocked": !peering["blocked"].is_null(),
        "routes": routes,
        "firewall": list("firewall", &["side", "admit", "enforced", "group"]),
        "ingress": list("ingress", &["ingress_id", "target", "rule", "reason", "allowed_at"]),
        "requested_at": peering["requested_at"],
        "accepted_at": peering["accepted_at"],
        "external_id": peering["external_id"],
        "removed_since": peering["removal"].get("since").unwrap_or(&Value::Null),
        "left_behind": peering["left_behind"].as_array().unwrap().len(),
        "drift": peering["drift"].as_array().unwrap().len(),
    })
}

#[tokio::test]
async fn a_history_of_the_release_before_shows_what_it_showed() {
    let folder = TempDir::new().unwrap();
    let (node, journal) = node(&data(&folder).join("events")).await;
    let shown = shown(&journal).await;
    node.shutdown().await;
    let before = &recorded()["shown"];

    let networks = before["networks"].as_array().unwrap();
    assert_eq!(shown.networks.len(), networks.len());
    for (now, then) in shown.networks.iter().zip(networks) {
        let network = &now.network;
        let retired = network.retired.as_ref();
        let facts = json!({
            "network_id": network.id, "name": network.name, "project": network.project,
            "range": network.range, "revision": now.revision,
            "registered_at": seconds(network.registered_at), "live": now.peerings.live,
            "drift": network.policy.drift,
            "retired_at": retired.map(|it| seconds(it.at)).unwrap_or_default(),
            "retired_reason": retired.map(|it| it.reason.to_string()).unwrap_or_default(),
        });
        let showed = json!({
            "network_id": then["network_id"], "name": then["name"], "project": then["project"],
            "range": then["range"], "revision": then["revision"],
            "registered_at": then["registered_at"], "live": then["live_peerings"],
            "drift": then["policy"]["drift"], "retired_at": then["retired_at"],
            "retired_reason": then["retired_reason"],
        });
        assert_eq!(facts, showed);
    }

    let peerings = before["show"].as_object().unwrap();
    assert_eq!(shown.peerings.len(), peerings.len());
    for (id, then) in peerings {
        let now = &shown.peerings[&id.parse().unwrap()];
        assert_eq!(facts(&now.peering), facts_shown(then), "{id}");
    }

    let audit = before["audit"].as_array().unwrap();
    assert_eq!(shown.audit.len(), audit.len());
    for (now, then) in shown.audit.iter().zip(audit) {
        let data: Value = serde_json::from_str(then["data"].as_str().unwrap()).unwrap();
        let facts = json!({
            "position": now.position.to_string(), "stream": now.stream, "revision": now.revision,
            "type": now.event_type, "created": seconds(now.time),
            "actor": now.actor.as_ref().map(ToString::to_string),
            "command_id": now.command_id, "data": now.data,
        });
        let showed = json!({
            "position": then["position"], "stream": then["stream"], "revision": then["revision"],
            "type": then["type"], "created": then["created"], "actor": then["actor"],
            "command_id": then["command_id"], "data": data,
        });
        assert_eq!(facts, showed);
        let actor = now.actor.as_ref().unwrap();
        assert_eq!(actor.subject, None, "what was only claimed stays a claim");
    }
}

/// The first value under any of these names, however deep.
fn fact<'a>(value: &'a Value, names: &[&str]) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => names
            .iter()
            .find_map(|name| fields.get(*name))
            .or_else(|| fields.values().find_map(|it| fact(it, names))),
        Value::Array(all) => all.iter().find_map(|it| fact(it, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// A number, which JSON may have as a text.
fn number(value: Option<&Value>) -> Option<u64> {
    let value = value?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Runs `peerage node …` to its end.
async fn node_command(arguments: &[&str]) -> String {
    let all = [&["node"], arguments].concat();
    peerage_tests::engine::run(&all).await.done()
}

#[tokio::test]
async fn a_history_that_moves_to_another_store_shows_the_same_there_positions_apart() {
    let folder = TempDir::new().unwrap();
    let (from, to) = (data(&folder).join("events"), folder.path().join("moved"));
    let export = folder.path().join("export.jsonl");
    let texts = [&from, &to, &export].map(|it| it.display().to_string());
    let [from_text, to_text, export_text] = &texts;
    let arguments = ["export", "--data", from_text, "--to", export_text];
    node_command(&arguments).await;
    let import = ["import", "--data", to_text, "--from", export_text];
    node_command(&import).await;
    let again = node_command(&[&import[..], &["--output", "json"]].concat()).await;
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["appended"], 0, "{again}");

    let (node_before, journal) = node(&from).await;
    let before = shown(&journal).await;
    node_before.shutdown().await;
    let (node_after, journal) = node(&to).await;
    let after = shown(&journal).await;
    node_after.shutdown().await;

    let nowhere = journal::Position::START;
    let positions_apart =
        |shown: Shown| -> (Vec<NetworkView>, Vec<PeeringView>, Vec<TimelineEntry>) {
            let networks = shown.networks.into_iter().map(|it| NetworkView {
                as_of: nowhere,
                ..it
            });
            let peerings = shown.peerings.into_values().map(|it| PeeringView {
                as_of: nowhere,
                ..it
            });
            let audit = shown.audit.into_iter().map(|it| TimelineEntry {
                position: nowhere,
                created: it.time,
                ..it
            });
            (networks.collect(), peerings.collect(), audit.collect())
        };
    assert_eq!(positions_apart(before), positions_apart(after));
}

/// The revision of the last event that each command left.
fn left_by_commands(recorded: &Value) -> BTreeMap<&str, u64> {
    let events = recorded["shown"]["audit"].as_array().unwrap().iter();
    events
        .map(|it| {
            let command = it["command_id"].as_str().unwrap();
            (command, it["revision"].as_u64().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn each_command_of_the_release_before_is_answered_again_as_it_was() {
    let folder = TempDir::new().unwrap();
    let engine = Launch::new(&data(&folder)).start().await;
    let recorded = recorded();
    let left = left_by_commands(&recorded);
    for command in recorded["commands"].as_array().unwrap() {
        let mut arguments: Vec<_> = command["arguments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it.as_str().unwrap())
            .collect();
        let then = &command["answer"];
        let id = arguments.iter().position(|it| *it == "--command-id");
        let revision = left[arguments[id.unwrap() + 1]];
        if then["revision"].is_null() {
            // What was waited for ended with the peering: here the command's own answer is asked
            // for.
            arguments.push("--no-wait");
        } else {
            assert_eq!(then["revision"], revision, "{arguments:?}: {then}");
        }
        if arguments[1] == "abandon" {
            // It took one step then, and is waited for now.
            arguments.push("--no-wait");
        }
        let now = if arguments[..2] == ["firewall", "allow"] {
            allowed_as_then(&engine.server(), &arguments).await
        } else {
            ask_json(&engine.server(), &arguments).await
        };
        let repeated = fact(&now, &["repeated"]).and_then(Value::as_bool);
        assert_eq!(repeated, Some(true), "{arguments:?}: {now}");
        assert_eq!(
            number(fact(&now, &["revision"])),
            Some(revision),
            "{arguments:?}: {now}"
        );
        let network = fact(&now, &["network_id", "networkId"]);
        assert_eq!(network, Some(&then["network_id"]), "{arguments:?}: {now}");
        let peering = then.get("peering_id").and_then(Value::as_str);
        if let Some(peering) = peering.filter(|it| !it.is_empty()) {
            let now_peering = fact(&now, &["peering_id", "peeringId"]);
            assert_eq!(now_peering, Some(&json!(peering)), "{arguments:?}: {now}");
        }
    }
}

/// Over the API, which takes the form of then: the command line says now from where and until when.
async fn allowed_as_then(server: &str, arguments: &[&str]) -> Value {
    let given = |name: &str| {
        let at = arguments.iter().position(|it| *it == name)?;
        Some(arguments[at + 1].to_owned())
    };
    let expires = given("--expires").map(|at| at.parse::<DateTime<Utc>>().unwrap());
    let request = v1::AllowConnectorIngressRequest {
        context: Some(v1::CommandContext {
            command_id: given("--command-id").unwrap(),
            actor: given("--actor").unwrap(),
            ..v1::CommandContext::default()
        }),
        peering_id: arguments[2].to_owned(),
        target: given("--target").unwrap(),
        port: given("--port").unwrap().parse().unwrap(),
        reason: given("--reason").unwrap(),
        expires_at: expires.map(|at| prost_types::Timestamp {
            seconds: at.timestamp(),
            nanos: 0,
        }),
        ..v1::AllowConnectorIngressRequest::default()
    };
    let mut client = PeeringServiceClient::connect(server.to_owned())
        .await
        .unwrap();
    let answer = client.allow_connector_ingress(request).await.unwrap();
    let answer = answer.into_inner();
    json!({
        "repeated": answer.repeated,
        "revision": answer.revision,
        "networkId": answer.network_id,
        "peeringId": answer.peering_id,
    })
}

#[tokio::test]
async fn a_command_id_of_the_release_before_with_another_body_is_refused() {
    let folder = TempDir::new().unwrap();
    let (node, journal) = node(&data(&folder).join("events")).await;
    let recorded = recorded();
    let first = &recorded["shown"]["audit"][0];
    let id: domain::NetworkId = first["network_id"].as_str().unwrap().parse().unwrap();
    let command_id: CommandId = first["command_id"].as_str().unwrap().parse().unwrap();
    let caller = journal::Caller::new(command_id, "somebody".parse().unwrap());
    let other = domain::network::NetworkCommand::from(domain::network::CheckDrift {});
    let executed = journal
        .networks()
        .execute(id, &other, &caller, chrono::Utc::now())
        .await;
    assert!(
        matches!(executed, Err(journal::ExecuteError::CommandIdReused { .. })),
        "{executed:?}"
    );
    node.shutdown().await;
}
