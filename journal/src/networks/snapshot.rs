//! A folded network on its way into its snapshot stream, and back.
//!
//! A snapshot only ever shortens a load. It says by which fold it was made, and the id of the last
//! event in it: one of another fold, of another log, or that was damaged is as good as none.

use super::Loaded;
use crate::{
    Fence,
    document::{Kind, Written},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    Digest, EventId, NetworkId,
    network::{FOLD_VERSION, Network},
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The type of an event that holds a snapshot.
pub(super) const SNAPSHOT_TYPE: &str = "NetworkSnapshot";

/// What the stream holds.
pub(super) const KIND: Kind = Kind {
    whole: SNAPSHOT_TYPE,
    part: "NetworkSnapshotPart",
};

/// No network that fits into a snapshot unfolds to more.
const LARGEST_STATE: usize = 64 << 20;

/// The stream of a network's snapshots, of which the last two are kept.
pub(super) fn stream(id: NetworkId) -> String {
    format!("{}-{}", domain::ids::SNAPSHOT_CATEGORY, id.0)
}

/// A snapshot as it stands in the stream.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stored<'a> {
    /// The number of the last event in it.
    pub(super) revision: u64,
    /// The id of that event.
    event: EventId,
    /// The fold's version.
    fold: Cow<'a, str>,
    /// Of the state's JSON.
    digest: Digest,
    /// How long that is.
    bytes: usize,
    /// The state's JSON, compressed (an LZ4 block); base64.
    state: String,
    /// The term under which an outcome was recorded last, and its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    term: Option<(Fence, Digest)>,
}

/// A snapshot that may be believed, if the log has its last event.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) revision: u64,
    pub(super) event: EventId,
    pub(super) digest: Digest,
    pub(super) network: Network,
    pub(super) term: Option<Fence>,
}

/// Why a snapshot is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    OtherFold,
    Damaged,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotWritten {
    #[error("it would take {0} bytes")]
    TooLarge(usize),
    #[error("there is nothing to write")]
    Nothing,
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// A snapshot of this network.
pub(super) fn write(loaded: &Loaded) -> Result<Written, NotWritten> {
    let (Some(revision), Some(event)) = (loaded.revision, loaded.last_event) else {
        return Err(NotWritten::Nothing);
    };
    let state = serde_json::to_vec(&loaded.network)?;
    let stored = Stored {
        revision,
        event,
        fold: FOLD_VERSION.into(),
        digest: Digest::of_json(&state),
        bytes: state.len(),
        state: STANDARD.encode(lz4_flex::block::compress(&state)),
        term: match loaded.term {
            Some(term) => Some((term, Digest::of(&term)?)),
            None => None,
        },
    };
    if state.len() > LARGEST_STATE {
        return Err(NotWritten::TooLarge(stored.state.len()));
    }
    let document = serde_json::to_string(&stored)?;
    let bytes = document.len();
    Written::of(KIND, document)?.or(Err(NotWritten::TooLarge(bytes)))
}

/// The last event in a snapshot that this version would use.
pub(super) fn last_event(document: &[u8]) -> Option<(u64, EventId)> {
    let stored = parse(document).ok()?;
    (stored.fold == FOLD_VERSION).then_some((stored.revision, stored.event))
}

pub(super) fn read(document: &[u8]) -> Result<Snapshot, Unusable> {
    let stored = parse(document)?;
    if stored.fold != FOLD_VERSION {
        return Err(Unusable::OtherFold);
    }
    if stored.bytes > LARGEST_STATE {
        return Err(Unusable::Damaged);
    }
    let damaged = |_| Unusable::Damaged;
    let compressed = STANDARD.decode(&stored.state).or(Err(Unusable::Damaged))?;
    let state = lz4_flex::block::decompress(&compressed, stored.bytes).map_err(damaged)?;
    if Digest::of_json(&state) != stored.digest {
        return Err(Unusable::Damaged);
    }
    let term = match stored.term {
        Some((term, digest)) if Digest::of(&term).is_ok_and(|it| it == digest) => Some(term),
        Some(_) => return Err(Unusable::Damaged),
        None => None,
    };
    let network = serde_json::from_slice(&state).or(Err(Unusable::Damaged))?;
    Ok(Snapshot {
        revision: stored.revision,
        event: stored.event,
        digest: stored.digest,
        network,
        term,
    })
}

fn parse(document: &[u8]) -> Result<Stored<'_>, Unusable> {
    serde_json::from_slice(document).or(Err(Unusable::Damaged))
}

impl From<Snapshot> for Loaded {
    fn from(snapshot: Snapshot) -> Self {
        Self {
            network: snapshot.network,
            revision: Some(snapshot.revision),
            last_event: Some(snapshot.event),
            term: snapshot.term,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::network::{NetworkEvent, NetworkRegistered};
    use uuid::Uuid;

    fn loaded(subnets: u128) -> Loaded {
        let network = NetworkId(Uuid::from_u128(1));
        let subnet = |n: u128| {
            format!(
                "subnet-{}",
                Uuid::new_v5(&network.0, &n.to_be_bytes()).simple()
            )
        };
        let event: NetworkRegistered = serde_json::from_value(serde_json::json!({
            "network_id": network, "project": "payments", "name": "orders", "provider": "aws",
            "region": "eu-west-1", "account": "111122223333",
            "cloud_network": "vpc-0a1b2c3d", "range": "10.20.0.0/16",
            "subnets": (0..subnets).map(subnet).collect::<Vec<_>>(),
        }))
        .unwrap();
        let mut loaded = Loaded::default();
        loaded.evolve(&NetworkEvent::from(event), chrono::DateTime::UNIX_EPOCH);
        loaded.revision = Some(0);
        loaded.last_event = Some(EventId(Uuid::from_u128(2)));
        loaded.term = Some(Fence {
            lease: Uuid::from_u128(3),
            number: 7,
        });
        loaded
    }

    fn document(loaded: &Loaded) -> Vec<u8> {
        write(loaded).unwrap().whole().unwrap()
    }

    #[test]
    fn a_network_comes_back_from_its_snapshot_as_it_was() {
        let loaded = loaded(1_000);
        let written = document(&loaded);
        let snapshot = read(&written).unwrap();
        assert_eq!(last_event(&written), Some((0, snapshot.event)));
        assert_eq!(Loaded::from(snapshot), loaded);
    }

    #[test]
    fn a_snapshot_of_more_than_512_kilobytes_is_written_in_parts_and_of_nothing_there_is_none() {
        let written = write(&loaded(25_000)).unwrap();
        assert!(written.bytes() > 512 << 10 && written.whole().is_none());
        assert!(matches!(
            write(&Loaded::default()),
            Err(NotWritten::Nothing)
        ));
    }

    #[test]
    fn whatever_byte_is_damaged_no_other_network_comes_back() {
        let loaded = loaded(3);
        let written = document(&loaded);
        for at in 0..written.len() {
            let mut damaged = written.clone();
            damaged[at] ^= 0x11;
            if let Ok(snapshot) = read(&damaged) {
                assert_eq!(snapshot.network, loaded.network, "byte {at}");
                // Without one the next outcome brings it.
                assert!(
                    snapshot.term == loaded.term || snapshot.term.is_none(),
                    "byte {at}"
                );
            }
        }
    }
}
