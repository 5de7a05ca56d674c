//! What one process remembers of a network between two passes.

use super::memory::Memory;
use chrono::{DateTime, Utc};
use domain::PeeringId;
use std::{
    collections::BTreeMap,
    ops::{Deref, DerefMut},
};
use tokio::time::Instant;

/// What one process remembers of a network.
#[derive(Debug, Default)]
pub(super) struct Memories {
    /// Of its peerings.
    peerings: BTreeMap<PeeringId, Memory>,
    /// Of the looks at it while it has none.
    pub(super) idle: IdleLook,
}

impl Deref for Memories {
    type Target = BTreeMap<PeeringId, Memory>;

    fn deref(&self) -> &Self::Target {
        &self.peerings
    }
}

impl DerefMut for Memories {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.peerings
    }
}

/// When a network without live peerings is looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct IdleLook {
    pub(super) due: Option<Instant>,
    /// The check that somebody had asked for at the last look.
    pub(super) checked: Option<DateTime<Utc>>,
}
