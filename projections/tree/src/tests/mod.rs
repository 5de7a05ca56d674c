//! A log in memory, and what is proved of it.

mod bounds;
mod files;
mod keys;
mod leaves;
mod merkle;
mod verify;
mod witness;

use crate::{
    Checkpoint, EventProof, ExportHeader, Growth, GrowthProof, Hash, Leaf, LeafRecord, Purpose,
    SignedCheckpoint, SigningKey, SigningKeys, TileId, Tiled, Tiles, VerifierKey, consistency,
    inclusion, origin_of, root,
};
use std::{collections::BTreeMap, convert::Infallible};
use uuid::Uuid;

pub(crate) const LOG: &str = "example.com/log";
pub(crate) const WITNESS: &str = "witness.example/w1";

#[derive(Debug, Default)]
pub(crate) struct Kept(pub(crate) BTreeMap<TileId, Vec<u8>>);

impl Tiles for Kept {
    type Error = Infallible;

    fn tile(&self, id: TileId) -> Result<Vec<u8>, Infallible> {
        Ok(self.0.get(&id).cloned().unwrap_or_default())
    }
}

impl Kept {
    /// Adds leaves, as a follower does: a few at a time, each time from what is kept.
    pub(crate) fn grow(&mut self, from: u64, leaves: &[Hash]) {
        let mut growth = Growth::behind(from, self).expect("the edge");
        leaves.iter().for_each(|it| growth.push(*it));
        self.0.extend(growth.tiles());
    }
}

/// A log of so many events.
pub(crate) struct Log {
    pub(crate) leaves: Vec<Leaf>,
    kept: Kept,
    keys: SigningKeys,
    epoch: u64,
}

impl Log {
    pub(crate) fn of(events: u64) -> Self {
        let mut log = Self {
            leaves: Vec::new(),
            kept: Kept::default(),
            keys: keys(LOG, Purpose::Log, &[1]),
            epoch: 1,
        };
        log.grow(events, "");
        log
    }

    pub(crate) fn grow(&mut self, events: u64, said: &str) {
        let from = self.leaves.len() as u64;
        let new: Vec<_> = (from..from + events).map(|it| leaf(it, said)).collect();
        let hashes: Vec<_> = new.iter().map(Leaf::hash).collect();
        self.kept.grow(from, &hashes);
        self.leaves.extend(new);
    }

    pub(crate) fn with_keys(mut self, seeds: &[u8]) -> Self {
        self.keys = keys(LOG, Purpose::Log, seeds);
        self
    }

    pub(crate) fn in_epoch(mut self, epoch: u64) -> Self {
        self.epoch = epoch;
        self
    }

    pub(crate) fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    pub(crate) fn checkpoint(&self, size: u64) -> SignedCheckpoint {
        let checkpoint = Checkpoint {
            origin: origin_of(LOG, self.epoch),
            size,
            root: root(&Tiled::new(&self.kept), size).expect("a root"),
        };
        checkpoint.sign(&self.keys)
    }

    pub(crate) fn event(&self, index: u64, size: u64) -> EventProof {
        let at = usize::try_from(index).expect("a place");
        EventProof {
            leaf: Some(self.leaves[at].bytes()),
            index,
            hashes: inclusion(&Tiled::new(&self.kept), index, size).expect("a proof"),
            checkpoint: self.checkpoint(size),
        }
    }

    pub(crate) fn growth(&self, old: u64, new: u64) -> GrowthProof {
        GrowthProof {
            old,
            hashes: consistency(&Tiled::new(&self.kept), old, new).expect("a proof"),
            checkpoint: self.checkpoint(new),
        }
    }

    pub(crate) fn records(&self) -> Vec<LeafRecord> {
        let leaves = (0..).zip(self.leaves.iter().cloned());
        leaves.map(|(at, leaf)| LeafRecord::of(at, leaf)).collect()
    }

    pub(crate) fn export(&self) -> String {
        export(Some(self.checkpoint(self.size())), &self.records())
    }
}

pub(crate) fn export(checkpoint: Option<SignedCheckpoint>, records: &[LeafRecord]) -> String {
    let header = ExportHeader::new(checkpoint.map(|it| it.to_string()));
    let header = serde_json::to_string(&header).expect("a header");
    let lines = records
        .iter()
        .map(|it| serde_json::to_string(it).expect("a line"));
    let lines = std::iter::once(header).chain(lines);
    lines.map(|it| it + "\n").collect()
}

pub(crate) fn leaf(number: u64, said: &str) -> Leaf {
    Leaf {
        stream: format!("network-{}", Uuid::from_u128(u128::from(number % 3))),
        revision: number / 3,
        id: Uuid::from_u128(u128::from(number) << 64),
        event_type: "RouteAccepted".to_owned(),
        data: format!("{{\"n\": {number}, \"said\": \"{said}\"}}").into_bytes(),
        metadata: b"{\"actor\":\"ada\"}".to_vec(),
    }
}

pub(crate) fn keys(name: &str, purpose: Purpose, seeds: &[u8]) -> SigningKeys {
    use secrecy::ExposeSecret as _;
    let lines = seeds.iter().map(|seed| {
        let line = SigningKey::line(name, purpose, &[*seed; 32]).expect("a key");
        line.expose_secret().to_owned() + "\n"
    });
    let text = lines.collect::<String>();
    SigningKeys::parse(&text.into()).expect("keys")
}

pub(crate) fn public(keys: &SigningKeys) -> Vec<VerifierKey> {
    keys.keys().iter().map(|it| it.public().clone()).collect()
}

pub(crate) fn log_key() -> VerifierKey {
    public(&keys(LOG, Purpose::Log, &[1])).remove(0)
}
