//! What is delivered in order: the records of a network, or of a peering.

use domain::{PeeringId, connector::Lanes};
use journal::{Body, Recorded};
use serde_json::Value;

/// The lane of a record. What is no network's record is in the lane of its stream.
pub(crate) fn lane(lanes: Lanes, recorded: &Recorded) -> String {
    let stream = recorded
        .network_id
        .map_or_else(|| recorded.stream.clone(), |network| network.to_string());
    match lanes {
        Lanes::Network => stream,
        Lanes::Peering => match peering(recorded) {
            Some(peering) => format!("{stream}/{peering}"),
            None => stream,
        },
    }
}

/// The peering that a record is about.
pub(crate) fn peering(recorded: &Recorded) -> Option<PeeringId> {
    match &recorded.body {
        Body::Event(event) => event.peering_id(),
        Body::Undecodable { .. } => {
            let data: Value = serde_json::from_slice(&recorded.data).ok()?;
            data.get("peering_id")?.as_str()?.parse().ok()
        }
    }
}
