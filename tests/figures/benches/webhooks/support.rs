//! The parts as each figure needs them.

use aws_lc_rs::rand::SystemRandom;
use connectors::{SIGNING, SigningKey, secrets::MasterKeys};
use peerage_figures::{
    engine, node,
    receiver::{self, Asker},
    role::Role,
    store::Store,
};
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;

/// A store, a receiver, and a folder with an engine's keys.
pub(crate) struct Ground {
    _node: Role,
    pub(crate) connection_string: String,
    pub(crate) receiver: Role,
    pub(crate) asker: Asker,
    pub(crate) store: Store,
    folder: TempDir,
    keys: MasterKeys,
}

impl Ground {
    pub(crate) fn new() -> Self {
        let (node, connection_string) = Role::start([node::ROLE]);
        let (receiver, port) = Role::start([receiver::ROLE]);
        let folder = TempDir::new().unwrap();
        let file = folder.path().join(engine::KEYS);
        let keys = MasterKeys::create(&file, "one", &SystemRandom::new()).unwrap();
        Self {
            _node: node,
            store: Store::at(&connection_string),
            connection_string,
            receiver,
            asker: Asker::new(&port),
            folder,
            keys,
        }
    }

    /// The engine's connectors, in a process.
    pub(crate) fn engine(&self) -> Role {
        let folder = self.folder.path().to_str().unwrap();
        let (engine, said) = Role::start([engine::ROLE, &self.connection_string, folder]);
        assert_eq!(said, "ready");
        engine
    }

    /// The settings of a webhook to the receiver, signed as Standard Webhooks has it.
    pub(crate) fn webhook(&self, id: &str, other: &Value) -> Value {
        let random = SystemRandom::new();
        let secret = SigningKey::generate_secret(&random).unwrap();
        let sealer = self.keys.sealer(id, &random).unwrap();
        let sealed = sealer.seal(SIGNING, &secret, &random).unwrap();
        let mut all = json!({
            "sink": {
                "type": "webhook", "url": self.asker.url(), "allowed_hosts": ["127.0.0.1"],
                "signing": [{
                    "scheme": "v1", "key": { "sealed": sealed.sealed, "print": sealed.print },
                }],
            },
            "initial_position": "earliest",
        });
        for (key, value) in other.as_object().unwrap() {
            all[key] = value.clone();
        }
        all
    }
}

/// The one in the middle.
pub(crate) fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// So much of it, each in microseconds.
pub(crate) fn micros(all: Duration, many: usize) -> f64 {
    all.as_secs_f64() * 1e6 / many as f64
}
