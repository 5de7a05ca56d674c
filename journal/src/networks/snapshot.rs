//! A folded network on its way into its snapshot stream, and back.
//!
//! A snapshot only ever shortens a load. It says by which fold it was made, and the id of the last
//! event in it: one of another fold, of another log, or that was damaged is as good as none.

use super::Loaded;
use crate::codec::Raw;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    Digest, EventId, NetworkId,
    network::{FOLD_VERSION, Network},
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The type of an event that holds a snapshot.
pub(super) const SNAPSHOT_TYPE: &str = "NetworkSnapshot";

/// The most bytes that a snapshot may take: half of what the older servers take at once.
pub(super) const LARGEST: usize = 512 << 10;

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
}

/// A snapshot that may be believed, if the log has its last event.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) revision: u64,
    pub(super) event: EventId,
    pub(super) digest: Digest,
    pub(super) network: Network,
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

/// The JSON of a snapshot of this network.
pub(super) fn write(loaded: &Loaded) -> Result<Vec<u8>, NotWritten> {
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
    };
    let written = serde_json::to_vec(&stored)?;
    if written.len() > LARGEST || state.len() > LARGEST_STATE {
        return Err(NotWritten::TooLarge(written.len()));
    }
    Ok(written)
}

/// The revision of a snapshot that this version would use.
pub(super) fn revision_of(raw: &Raw) -> Option<u64> {
    let stored = parse(raw).ok()?;
    (stored.fold == FOLD_VERSION).then_some(stored.revision)
}

pub(super) fn read(raw: &Raw) -> Result<Snapshot, Unusable> {
    let stored = parse(raw)?;
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
    let network = serde_json::from_slice(&state).or(Err(Unusable::Damaged))?;
    Ok(Snapshot {
        revision: stored.revision,
        event: stored.event,
        digest: stored.digest,
        network,
    })
}

fn parse(raw: &Raw) -> Result<Stored<'_>, Unusable> {
    if raw.event_type != SNAPSHOT_TYPE {
        return Err(Unusable::Damaged);
    }
    serde_json::from_slice(&raw.data).or(Err(Unusable::Damaged))
}

impl From<Snapshot> for Loaded {
    fn from(snapshot: Snapshot) -> Self {
        Self {
            network: snapshot.network,
            revision: Some(snapshot.revision),
            last_event: Some(snapshot.event),
            ..Self::default()
        }
    }
}
