//! Records for the tests of this crate.

use crate::{
    message::{Delivery, Replay, SystemHeaders},
    record::{Actor, Cloud, Named, Record},
};
use serde_json::json;
use uuid::Uuid;

pub(crate) fn record(revision: u64) -> Record {
    Record {
        id: Uuid::from_u128(0x0a11_ce00 + u128::from(revision)),
        event_type: "PeeringRequested".to_owned(),
        schema_version: 1,
        data: json!({"peering_id": "p-1", "ranges": ["10.101.0.0/16"]}),
        metadata: [("correlation", "café 1"), ("$causation", "x")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        stream: "network-1".to_owned(),
        revision,
        position: 1000 + revision,
        time: "2026-03-01T09:30:15Z".parse().unwrap(),
        redacted: false,
        network: Some(Named {
            id: "n-1".to_owned(),
            name: Some("prod".to_owned()),
        }),
        peering: Some(Named {
            id: "p-1".to_owned(),
            name: None,
        }),
        account: Some("444455556601".to_owned()),
        cloud: Some(Cloud {
            mode: "emulator".to_owned(),
            endpoint: Some("http://127.0.0.1:5000/".to_owned()),
        }),
        actor: Some(Actor {
            name: "ann".to_owned(),
            claimed: true,
        }),
        reason: Some("audit".to_owned()),
        ticket: Some("CHG-1".to_owned()),
        command_id: Some(Uuid::from_u128(0xc0)),
    }
}

pub(crate) fn delivery() -> Delivery {
    Delivery {
        connector_id: "billing-hook".to_owned(),
        request_id: Uuid::from_u128(0x4e),
        lane: "network-1".to_owned(),
        lane_sequence: 7,
        replay: Replay::Live,
        system_headers: SystemHeaders::Ignored,
    }
}
