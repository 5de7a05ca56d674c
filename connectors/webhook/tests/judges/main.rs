//! Deliveries before judges that are none of ours: signatures and events read by packages of
//! others, and the receivers of the documents.
#![allow(clippy::unwrap_used)]

mod receivers;
mod strangers;

use aws_lc_rs::rand::SystemRandom;
use chrono::{DateTime, Utc};
use peerage_webhook::{
    Actor, Attempt, Delivery, Endpoint, Format, Message, Named, Record, Replay, Settings,
    SigningKey, SigningKeys, SystemHeaders, Transport, send,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use std::path::PathBuf;
use std::process::Command;
use testkit::process::Running;
use testkit::wait;
use uuid::Uuid;

/// Long enough for an interpreter to start on a busy machine.
const STARTED: std::time::Duration = std::time::Duration::from_secs(60);

/// Judges hold a delivery's time against their own clock.
#[expect(clippy::disallowed_methods, reason = "judges have no other clock")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

fn record(number: u64) -> Record {
    Record {
        id: Uuid::from_u128(0xe000 + u128::from(number)),
        event_type: "PeeringRequested".to_owned(),
        schema_version: 1,
        data: json!({"peering_id": "p-1", "ranges": ["10.101.0.0/16"], "note": "Übung № 7"}),
        metadata: [("$correlationId".to_owned(), "c-1".to_owned())].into(),
        stream: "network-1".to_owned(),
        revision: number,
        position: 1000 + number,
        time: "2026-03-01T09:30:15.25Z".parse().unwrap(),
        redacted: false,
        network: Some(Named {
            id: "n-1".to_owned(),
            name: Some("prod".to_owned()),
        }),
        peering: Some(Named {
            id: "p-1".to_owned(),
            name: Some("to billing".to_owned()),
        }),
        account: Some("444455556601".to_owned()),
        cloud: None,
        actor: Some(Actor {
            name: "Zoë".to_owned(),
            claimed: false,
        }),
        reason: Some("50 % \"more\"".to_owned()),
        ticket: None,
        command_id: Some(Uuid::from_u128(0xc0)),
    }
}

fn delivery(lane_sequence: u64, replay: Replay) -> Delivery {
    Delivery {
        connector_id: "hook".to_owned(),
        request_id: Uuid::from_u128(0x4e),
        lane: "network-1".to_owned(),
        lane_sequence,
        replay,
        system_headers: SystemHeaders::Ignored,
    }
}

/// A secret and a private key with its public half, in their written forms.
struct Keys {
    secret: SecretString,
    private: SecretString,
    public: String,
}

impl Keys {
    fn generate() -> Self {
        let random = SystemRandom::new();
        let private = SigningKey::generate_private_key(&random).unwrap();
        let public = SigningKey::parse(&private).unwrap().public_key().unwrap();
        Self {
            secret: SigningKey::generate_secret(&random).unwrap(),
            private,
            public,
        }
    }

    fn secret(&self) -> &str {
        self.secret.expose_secret()
    }
}

fn signing<'a>(written: impl IntoIterator<Item = &'a SecretString>) -> SigningKeys {
    SigningKeys::parse(written).unwrap()
}

/// A receiver that runs as a process of its own, and an endpoint that leads to it.
struct Judge {
    _process: Running,
    endpoint: Endpoint,
}

impl Judge {
    async fn start(name: &str, command: &mut Command) -> Self {
        let mut process = Running::start(name, command);
        let port = wait::within(STARTED, || {
            let output = process.output();
            let line = output
                .lines()
                .find_map(|line| line.strip_prefix("listening on "));
            let port = line.and_then(|port| port.parse::<u16>().ok());
            // An interpreter that ended will say no port.
            let ended = process.ended().map(|_| 0);
            async move { port.or(ended) }
        })
        .await
        .unwrap_or_default();
        assert_ne!(port, 0, "{name} does not listen:\n{}", process.output());
        Self {
            _process: process,
            endpoint: endpoint(port),
        }
    }

    async fn sent(&self, keys: &SigningKeys, message: &Message) -> Attempt {
        send(&self.endpoint, keys, message, now()).await
    }
}

fn endpoint(port: u16) -> Endpoint {
    let settings = Settings {
        allow: vec!["127.0.0.1".to_owned()],
        plain_http: true,
        ..Settings::to(format!("http://127.0.0.1:{port}/hook"))
    };
    Endpoint::new(settings, &Transport::default()).unwrap()
}

fn folder() -> PathBuf {
    testkit::workspace::root().join("connectors/webhook/tests/judges")
}

fn message(format: Format, records: &[Record]) -> Message {
    Message::new(format, records, &delivery(1, Replay::Live)).unwrap()
}
