//! A log of many events, written straight into the store: what commands would have made of it.

use domain::{
    CloudMode, CommandId, Digest, NetworkId, Provider, Region,
    network::{DriftPolicy, NetworkEvent, NetworkPolicySet, NetworkRegistered, Policy},
};
use embedded::EmbeddedNode;
use journal::{Metadata, SCHEMA_VERSION, encode};
use kurrentdb::{AppendToStreamOptions, Client, EventData, StreamState};
use uuid::Uuid;

fn text<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn event(network_id: NetworkId, number: u64, n: u64) -> NetworkEvent {
    if n > 0 {
        let drift = DriftPolicy::ALL[(n % 2) as usize];
        let policy = Policy {
            drift,
            ..Policy::default()
        };
        return NetworkPolicySet { network_id, policy }.into();
    }
    NetworkRegistered {
        network_id,
        project: text("filled"),
        name: text(&format!("network-{number}")),
        provider: Provider::Aws,
        region: Region::of(Provider::Aws, "eu-west-1").unwrap(),
        account: text("111122223333"),
        cloud_network: text(&format!("vpc-{number:017x}")),
        range: text("10.20.0.0/16"),
        ipv6_ranges: Vec::new(),
        subnets: Vec::new(),
        cloud: Some(CloudMode::Simulated),
        generation: None,
    }
    .into()
}

fn data(event: &NetworkEvent, id: Uuid) -> EventData {
    let metadata = Metadata {
        correlation_id: id,
        causation_id: id,
        command_id: CommandId(id),
        command_digest: Digest::of(event).unwrap(),
        actor: text("somebody"),
        schema_version: SCHEMA_VERSION,
        traceparent: None,
        time: Some(chrono::Utc::now()),
        reason: None,
        ticket: None,
        command: None,
        cloud: None,
        term: None,
        cloud_calls: None,
    };
    let encoded = encode(event, metadata).unwrap();
    EventData::json(encoded.event_type, &encoded.data)
        .and_then(|it| it.metadata_as_json(&encoded.metadata))
        .unwrap()
        .id(id)
}

/// Registers so many networks, each with so many events in all.
pub(super) async fn fill(node: &EmbeddedNode, networks: u64, events: u64) {
    let client = Client::new(node.connection_string().parse().unwrap()).unwrap();
    for number in 0..networks {
        let id = NetworkId(Uuid::new_v5(&Uuid::nil(), &number.to_be_bytes()));
        let of = |n: u64| {
            let own = Uuid::new_v5(&id.0, &n.to_be_bytes());
            data(&event(id, number, n), own)
        };
        let options = AppendToStreamOptions::default().stream_state(StreamState::NoStream);
        let all: Vec<_> = (0..events).map(of).collect();
        client
            .append_to_stream(id.stream(), &options, all)
            .await
            .unwrap();
    }
}
