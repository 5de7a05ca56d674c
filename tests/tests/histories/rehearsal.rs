//! The rehearsal: every command of the committed histories goes through today's decisions, on the
//! network as it was when the command came. What would be decided otherwise is listed in
//! `histories/rehearsed.txt`, and nothing else may be.
//!
//! A command is taken from the log where its body is on record. Where it is not, it is made from
//! what it put on record and believed if it has the recorded digest. What cannot be had in either
//! way is counted.

use crate::{folder_of, node_command};
use domain::{
    Digest, NetworkId,
    actor::Context,
    cloud_mode::ServedClouds,
    ids::Ids,
    network::{Network, NetworkCommand, NetworkEvent, Refusal, decide, evolve},
};
use journal::{Body, Metadata, decode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};
use tempfile::TempDir;

/// A line of an export.
#[derive(Debug, Deserialize)]
struct Line {
    stream: String,
    revision: u64,
    #[serde(rename = "type")]
    event_type: String,
    created: chrono::DateTime<chrono::Utc>,
    data: Value,
    metadata: Value,
}

/// What one command put on record at once.
pub(crate) struct Said {
    revision: u64,
    event_types: Vec<String>,
    data: Vec<Value>,
    pub(crate) events: Vec<NetworkEvent>,
    metadata: Metadata,
    pub(crate) at: chrono::DateTime<chrono::Utc>,
}

/// What came of it all.
#[derive(Default)]
struct Rehearsed {
    alike: usize,
    otherwise: Vec<String>,
    /// What nothing is known of but its events: how many of each kind.
    bodies_missing: BTreeMap<String, usize>,
}

/// The lines of an export of this history's store.
pub(crate) async fn lines(release: &str, folder: &TempDir) -> String {
    let there = folder_of(release);
    let export = there.join("export.jsonl.gz");
    if export.exists() {
        let unpacked = Command::new("gzip")
            .arg("-dc")
            .arg(export)
            .output()
            .unwrap();
        assert!(unpacked.status.success());
        return String::from_utf8(unpacked.stdout).unwrap();
    }
    let (store, out) = (
        crate::data(folder).join("events"),
        folder.path().join("out"),
    );
    let texts = [&store, &out].map(|it| it.display().to_string());
    node_command(&["export", "--data", &texts[0], "--to", &texts[1]]).await;
    fs::read_to_string(out).unwrap()
}

/// What each network's commands put on record, in order.
pub(crate) fn networks(lines: &str) -> BTreeMap<NetworkId, Vec<Said>> {
    let mut all: BTreeMap<NetworkId, Vec<Said>> = BTreeMap::new();
    for line in lines.lines().skip(1) {
        let line: Line = serde_json::from_str(line).unwrap();
        let Some(id) = NetworkId::from_stream(&line.stream) else {
            continue;
        };
        let metadata: Metadata = serde_json::from_value(line.metadata).unwrap();
        let data = line.data.to_string();
        let event = match decode(&line.event_type, metadata.schema_version, data.as_bytes()) {
            Body::Event(event) => event,
            Body::Undecodable { problem, .. } => panic!("{}: {problem}", line.event_type),
        };
        let of_network = all.entry(id).or_default();
        let last = of_network.last_mut();
        if let Some(said) = last.filter(|it| it.metadata.command_id == metadata.command_id) {
            said.event_types.push(line.event_type);
            said.data.push(line.data);
            said.events.push(event);
            continue;
        }
        // Releases that kept no time beside an event had some events tell it.
        let told = line.data["requested_at"].as_str();
        let told = told.and_then(|it| it.parse().ok());
        of_network.push(Said {
            revision: line.revision,
            event_types: vec![line.event_type],
            data: vec![line.data],
            events: vec![event],
            at: metadata.time.or(told).unwrap_or(line.created),
            metadata,
        });
    }
    all
}

/// The command, from the log or from what it put on record.
fn command(said: &Said) -> Option<NetworkCommand> {
    let digest = &said.metadata.command_digest;
    let read = |it: Value| {
        let command: NetworkCommand = serde_json::from_value(it).ok()?;
        (Digest::of(&command).ok()? == *digest).then_some(command)
    };
    if let Some(body) = said.metadata.command.clone() {
        return Some(read(body).expect("a command on record is read, with its digest"));
    }
    let (event_type, data) = (said.event_types.first()?, said.data.first()?);
    candidates(event_type, data).into_iter().find_map(read)
}

/// Commands and outcomes that may have put this on record: the digest says whether one did.
fn candidates(event_type: &str, data: &Value) -> Vec<Value> {
    const COMMANDS: [(&str, &str); 12] = [
        ("NetworkRegistered", "RegisterNetwork"),
        ("NetworkPolicySet", "SetPolicy"),
        ("NetworkRetired", "RetireNetwork"),
        ("PeeringRequested", "RequestPeering"),
        ("PeeringAdopted", "AdoptPeering"),
        ("RouteAccepted", "AcceptRoute"),
        ("RouteWithdrawn", "WithdrawRoute"),
        ("FirewallRestricted", "RestrictFirewall"),
        ("ConnectorIngressAllowed", "AllowConnectorIngress"),
        ("ConnectorIngressRevoked", "RevokeConnectorIngress"),
        ("PeeringRemovalRequested", "RemovePeering"),
        ("PeeringAbandoned", "AbandonPeering"),
    ];
    let of = COMMANDS.iter().filter(|(it, _)| *it == event_type);
    let commands = of.map(|(_, command)| json!({ "command": command, "body": data }));
    let bare = ["Peering", "Provisioning", "Network", "Link", "Peer"]
        .into_iter()
        .filter_map(|it| event_type.strip_prefix(it));
    let outcomes = [event_type].into_iter().chain(bare).map(
        |outcome| json!({ "command": "Record", "body": { "outcome": outcome, "body": data } }),
    );
    commands.chain(outcomes).collect()
}

/// The clouds that the engine served, as far as this shows: a registration says so.
fn clouds(said: &Said) -> Option<Arc<ServedClouds>> {
    let NetworkEvent::NetworkRegistered(it) = said.events.first()? else {
        return None;
    };
    let mode = it.cloud.clone()?;
    Some(Arc::new([(it.provider, mode)].into_iter().collect()))
}

fn again(
    state: &Network,
    id: NetworkId,
    said: &Said,
    command: &NetworkCommand,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let context = Context {
        reason: said.metadata.reason.clone(),
        ticket: said.metadata.ticket.clone(),
        clouds: clouds(said),
        ..Context::default()
    };
    let ids = Ids::of(said.metadata.command_id);
    let ids = match said.events.first() {
        Some(NetworkEvent::NetworkRegistered(it)) => match it.generation {
            Some(generation) => ids.registering(id, generation),
            None => ids,
        },
        Some(_) | None => ids,
    };
    decide(state, command, &context, said.at, ids)
}

fn rehearse(networks: &BTreeMap<NetworkId, Vec<Said>>) -> Rehearsed {
    let mut rehearsed = Rehearsed::default();
    for (id, all) in networks {
        let mut state = Network::default();
        for said in all {
            match command(said) {
                None => {
                    let kind = said.event_types[0].clone();
                    *rehearsed.bodies_missing.entry(kind).or_default() += 1;
                }
                Some(command) => match again(&state, *id, said, &command) {
                    Ok(events) if events == said.events => rehearsed.alike += 1,
                    decided => {
                        let line = otherwise(*id, said, &command, &decided);
                        rehearsed.otherwise.push(line);
                    }
                },
            }
            for event in &said.events {
                state = evolve(state, event, said.at);
            }
        }
    }
    rehearsed
}

fn otherwise(
    id: NetworkId,
    said: &Said,
    command: &NetworkCommand,
    decided: &Result<Vec<NetworkEvent>, Refusal>,
) -> String {
    let today = match decided {
        Ok(events) => {
            let names: Vec<_> = events.iter().map(NetworkEvent::name).collect();
            let differs = events
                .iter()
                .zip(&said.events)
                .find(|(now, then)| now != then);
            let first = differs.map(|(now, then)| {
                let [now, then] = [now, then].map(|it| serde_json::to_string(it).unwrap());
                format!("\n    then {then}\n    now  {now}")
            });
            format!("{}{}", names.join(", "), first.unwrap_or_default())
        }
        Err(refusal) => format!("refused: {refusal}"),
    };
    let then = said.event_types.join(", ");
    let name = command.name();
    format!("{id} {} {name}: {then} then, today {today}", said.revision)
}

fn releases() -> Vec<String> {
    let all = fs::read_dir(root()).unwrap();
    let folders = all.map(|it| it.unwrap()).filter(|it| it.path().is_dir());
    let mut names: Vec<_> = folders
        .map(|it| it.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("histories")
}

#[tokio::test]
async fn what_was_commanded_in_committed_histories_would_be_decided_as_then_but_for_what_is_listed()
{
    let mut made = String::new();
    let releases = releases();
    assert!(releases.len() > 1, "{releases:?}");
    for release in releases {
        let folder = TempDir::new().unwrap();
        let networks = networks(&lines(&release, &folder).await);
        let total: usize = networks.values().map(Vec::len).sum();
        let Rehearsed {
            alike,
            otherwise,
            bodies_missing,
        } = rehearse(&networks);
        let missing: usize = bodies_missing.values().sum();
        assert_eq!(alike + otherwise.len() + missing, total, "{release}");
        writeln!(
            made,
            "{release}: {alike} of {total} commands and outcomes are decided as then"
        )
        .unwrap();
        for (kind, many) in bodies_missing {
            writeln!(made, "  without a body: {many} × {kind}").unwrap();
        }
        for line in otherwise {
            writeln!(made, "  otherwise: {line}").unwrap();
        }
    }
    let expected = root().join("rehearsed.txt");
    if std::env::var_os("PEERAGE_UPDATE_GOLDEN").is_some() {
        fs::write(&expected, &made).unwrap();
    }
    assert_eq!(fs::read_to_string(&expected).unwrap_or_default(), made);
}
