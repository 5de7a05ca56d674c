//! Attempts against receivers of every temper.
#![allow(clippy::unwrap_used)]

#[path = "../receiver/mod.rs"]
mod receiver;

mod answers;
mod encrypted;
mod proxies;
mod tokens;

use chrono::{DateTime, Utc};
use peerage_webhook::{
    Delivery, Endpoint, Format, Message, Named, Record, Replay, Settings, SigningKeys,
    SystemHeaders, Transport,
};
use secrecy::SecretString;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

fn secret(text: &str) -> SecretString {
    text.to_owned().into()
}

/// The time of all attempts here.
fn now() -> DateTime<Utc> {
    "2026-11-29T12:00:00Z".parse().unwrap()
}

fn keys() -> SigningKeys {
    let written = [secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")];
    SigningKeys::parse(&written).unwrap()
}

/// To a receiver on this machine, with little patience.
fn to(url: &str) -> Settings {
    Settings {
        allow: vec!["127.0.0.1".to_owned(), "hooks.internal".to_owned()],
        plain_http: true,
        timeout: Duration::from_secs(10),
        ..Settings::to(url)
    }
}

fn impatient(url: &str) -> Settings {
    Settings {
        timeout: Duration::from_millis(300),
        ..to(url)
    }
}

fn endpoint(settings: Settings) -> Endpoint {
    Endpoint::new(settings, &Transport::default()).unwrap()
}

fn message() -> Message {
    let record = Record {
        id: Uuid::from_u128(7),
        event_type: "PeeringRequested".to_owned(),
        schema_version: 1,
        data: json!({"n": 1}),
        metadata: BTreeMap::new(),
        stream: "network-1".to_owned(),
        revision: 3,
        position: 1003,
        time: now(),
        redacted: false,
        network: Some(Named {
            id: "n-1".to_owned(),
            name: Some("prod/eu".to_owned()),
        }),
        peering: None,
        account: None,
        cloud: None,
        actor: None,
        reason: None,
        ticket: None,
        command_id: None,
    };
    let delivery = Delivery {
        connector_id: "hook".to_owned(),
        request_id: Uuid::from_u128(8),
        lane: "network-1".to_owned(),
        lane_sequence: 1,
        replay: Replay::Live,
        system_headers: SystemHeaders::Ignored,
    };
    Message::new(Format::Envelope, &[record], &delivery).unwrap()
}
