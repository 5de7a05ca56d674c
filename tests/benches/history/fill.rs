//! Histories written straight into the store, far faster than commands could make them, and event
//! by event what commands would have made.

use chrono::{DateTime, Utc};
use domain::{
    CommandId, Digest, NetworkId, PeeringId, Provider, Region, Side,
    network::{
        BlockCause, DriftPolicy, Life, Network, NetworkCommand, NetworkEvent, NetworkPolicySet,
        NetworkRegistered, Outcome, Peer, PeeringFailed, PeeringInitiationRefused,
        PeeringInitiationStarted, PeeringRequested, Policy, ProvisioningBlocked,
        ProvisioningUnblocked, SetPolicy, Terms,
    },
};
use embedded::EmbeddedNode;
use journal::{Caller, Metadata, SCHEMA_VERSION, encode};
use kurrentdb::{AppendToStreamOptions, Client, EventData, StreamState};
use uuid::Uuid;

/// How many events go into one append.
const BATCH: usize = 1_000;

pub(crate) fn network(n: u64) -> NetworkId {
    NetworkId(Uuid::new_v5(&Uuid::nil(), &n.to_be_bytes()))
}

pub(crate) fn client(node: &EmbeddedNode) -> Client {
    Client::new(
        node.connection_string()
            .parse()
            .expect("a connection string"),
    )
    .expect("a client")
}

fn peering(id: NetworkId) -> PeeringId {
    PeeringId(Uuid::new_v5(&id.0, b"peering"))
}

fn command_id(n: u64) -> CommandId {
    CommandId(Uuid::new_v5(&Uuid::max(), &n.to_be_bytes()))
}

fn text<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a valid text")
}

/// Event `n` of such a history: people change a policy back and forth, and a worker finds itself
/// blocked and not.
fn event(id: NetworkId, number: u64, n: u64) -> NetworkEvent {
    let at = Utc::now();
    match n {
        0 => NetworkRegistered {
            network_id: id,
            project: text("bench"),
            name: text(&format!("network-{number}")),
            provider: Provider::Aws,
            region: Region::of(Provider::Aws, "eu-west-1").expect("a region"),
            account: text("111122223333"),
            cloud_network: text(&format!("vpc-{number:017x}")),
            range: text("10.20.0.0/16"),
            ipv6_ranges: Vec::new(),
            subnets: Vec::new(),
            cloud: Some(domain::CloudMode::Simulated),
            generation: None,
        }
        .into(),
        1 => PeeringRequested {
            peering_id: peering(id),
            peer: Peer {
                provider: Provider::Aws,
                account: text("444455556666"),
                region: Region::of(Provider::Aws, "us-east-1").expect("a region"),
                cloud_network: text(&format!("vpc-{:017x}", (1_u64 << 40) + number)),
                ranges: vec![text("10.101.0.0/16")],
                subnets: Vec::new(),
            },
            requested_at: at,
            terms: Terms::default(),
            external_id: None,
        }
        .into(),
        // Of many networks all but those that have no more than this are as they should be.
        2 if number > 0 => PeeringFailed {
            peering_id: peering(id),
            link: None,
            message: "not wanted".to_owned(),
        }
        .into(),
        n if n % 2 == 0 => NetworkPolicySet {
            network_id: id,
            policy: policy(n),
        }
        .into(),
        n if n % 4 == 1 => block(peering(id)).into(),
        _ => ProvisioningUnblocked {
            peering_id: peering(id),
        }
        .into(),
    }
}

fn policy(n: u64) -> Policy {
    Policy {
        drift: DriftPolicy::ALL[(n / 2 % 2) as usize],
        ..Policy::default()
    }
}

fn block(peering_id: PeeringId) -> ProvisioningBlocked {
    let block = serde_json::json!({
        "peering_id": peering_id, "cause": BlockCause::PermissionDenied, "side": Side::Remote,
        "message": "creating a link: not authorized", "remedy": ["allow it"],
    });
    serde_json::from_value(block).expect("a block")
}

/// Command `n` of a person, as it is sent.
pub(crate) fn command(n: u64) -> (NetworkCommand, Caller) {
    let command = SetPolicy { policy: policy(n) }.into();
    (command, Caller::new(command_id(n), text("somebody")))
}

/// What a worker says next of a link that is tried again and again.
pub(crate) fn outcome(n: u64, network: &Network) -> (NetworkCommand, Caller) {
    let peering_id = peering(self::network(0));
    let life = match network {
        Network::Registered(network) => network.peerings().get(&peering_id).map(|it| &it.life),
        Network::Unregistered | Network::Retired(_) | Network::Marked(_) => None,
    };
    let started = |attempt| PeeringInitiationStarted {
        peering_id,
        attempt,
        started_at: Utc::now(),
    };
    let outcome: Outcome = match life {
        Some(Life::Initiating { attempt, .. }) => PeeringInitiationRefused {
            peering_id,
            attempt: *attempt,
            cause: None,
        }
        .into(),
        Some(Life::InitiationRefused { attempt }) => started(attempt + 1).into(),
        _ => started(1).into(),
    };
    let caller = Caller::new(command_id(n), text("provisioner"));
    (NetworkCommand::Record(outcome), caller)
}

fn metadata(event: &NetworkEvent, n: u64, at: DateTime<Utc>) -> Metadata {
    let command_id = command_id(n);
    let is_command = matches!(event, NetworkEvent::NetworkPolicySet(_));
    let body = is_command.then(|| serde_json::to_value(command(n).0).expect("JSON"));
    let command = if body.is_some() {
        Digest::of(&command(n).0)
    } else {
        Digest::of(event)
    };
    Metadata {
        correlation_id: command_id.0,
        causation_id: command_id.0,
        command_id,
        command_digest: command.expect("a digest"),
        actor: text("somebody"),
        schema_version: SCHEMA_VERSION,
        traceparent: None,
        time: Some(at),
        reason: None,
        ticket: None,
        command: body,
        cloud_calls: None,
        cloud: None,
        term: None,
    }
}

fn data(event: &NetworkEvent, n: u64, at: DateTime<Utc>) -> EventData {
    let metadata = metadata(event, n, at);
    let encoded = encode(event, metadata).expect("JSON");
    EventData::json(encoded.event_type, &encoded.data)
        .and_then(|it| it.metadata_as_json(&encoded.metadata))
        .expect("JSON")
        .id(Uuid::new_v4())
}

/// A history that many networks share but for their ids, written down once: to make each event's
/// JSON anew takes longer than to store it.
pub(crate) struct Script(Vec<Line>);

struct Line {
    event_type: String,
    data: String,
    metadata: bytes::Bytes,
}

/// So many events at the beginning say more of their network than its ids.
const OWN: u64 = 3;

impl Script {
    pub(crate) fn of(size: u64) -> Self {
        let id = network(0);
        let line = |n| {
            let (event, metadata) = (event(id, 1, n), metadata(&event(id, 1, n), n, Utc::now()));
            let encoded = encode(&event, metadata).expect("JSON");
            Line {
                event_type: encoded.event_type.to_owned(),
                data: encoded.data.to_string(),
                metadata: serde_json::to_vec(&encoded.metadata).expect("JSON").into(),
            }
        };
        Self((0..size).map(line).collect())
    }

    fn event(&self, id: NetworkId, number: u64, n: u64) -> EventData {
        let line = &self.0[n as usize];
        if n < OWN {
            return data(&event(id, number, n), n, Utc::now());
        }
        let (ours, theirs) = (network(0), |text: NetworkId| text.0.to_string());
        let data = line
            .data
            .replace(&theirs(ours), &theirs(id))
            .replace(&peering(ours).0.to_string(), &peering(id).0.to_string());
        EventData::binary(line.event_type.clone(), data.into())
            .metadata(line.metadata.clone())
            .id(Uuid::new_v4())
    }

    /// Appends until the network has so many events.
    pub(crate) async fn play(&self, client: &Client, id: NetworkId, number: u64) {
        let (stream, size) = (id.stream(), self.0.len() as u64);
        let options = AppendToStreamOptions::default().stream_state(StreamState::Any);
        let mut next = end(client, &stream).await;
        while next < size {
            let to = size.min(next + BATCH as u64);
            let batch = (next..to).map(|n| self.event(id, number, n)).collect();
            append(client, &stream, &options, batch).await;
            next = to;
        }
    }
}

/// How often a batch is sent again: the store is kept busy, and may not answer in time.
const TRIES: u32 = 5;

/// Appends until the network has so many events.
pub(crate) async fn grow(client: &Client, id: NetworkId, number: u64, size: u64) {
    let (stream, any) = (id.stream(), StreamState::Any);
    let options = AppendToStreamOptions::default().stream_state(any);
    let mut next = end(client, &stream).await;
    while next < size {
        let to = size.min(next + BATCH as u64);
        let batch: Vec<_> = (next..to)
            .map(|n| data(&event(id, number, n), n, Utc::now()))
            .collect();
        append(client, &stream, &options, batch).await;
        next = to;
    }
}

/// Appends a batch. Sent again it has the same ids, and is written once.
async fn append(
    client: &Client,
    stream: &str,
    options: &AppendToStreamOptions,
    batch: Vec<EventData>,
) {
    for tries in 1.. {
        let appended = client.append_to_stream(stream, options, batch.clone());
        match appended.await {
            Ok(_) => return,
            Err(error) => assert!(tries < TRIES, "an append: {error}"),
        }
    }
}

/// Whether there is such a network.
pub(crate) async fn exists(client: &Client, id: NetworkId) -> bool {
    end(client, &id.stream()).await > 0
}

/// How many events a stream has.
async fn end(client: &Client, stream: &str) -> u64 {
    let options = kurrentdb::ReadStreamOptions::default()
        .backwards()
        .position(kurrentdb::StreamPosition::End)
        .max_count(1);
    let Ok(mut read) = client.read_stream(stream, &options).await else {
        return 0;
    };
    match read.next().await {
        Ok(Some(event)) => event.get_original_event().revision + 1,
        Ok(None) | Err(_) => 0,
    }
}

/// The next process finds neither a snapshot nor receipts.
pub(crate) async fn forget_snapshots(node: &EmbeddedNode, id: NetworkId) {
    let client = client(node);
    for category in ["networkSnapshot", "networkReceipts"] {
        let stream = format!("{category}-{}", id.0);
        // There may be none.
        let _ = client.delete_stream(stream, &Default::default()).await;
    }
}
