//! Whether openings and repairs rest: somebody has stopped the provisioner for a time.
//!
//! It goes on looking, puts on record what it sees, and closes what is to be closed. What opens or
//! repairs is held back, as in a network that is frozen, but in every network, and without a trace
//! in any of them: the stop is on record by itself.

use async_trait::async_trait;
use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether somebody has stopped the provisioner.
#[async_trait]
pub trait Rest: Send + Sync + fmt::Debug {
    /// Whether it is stopped now, or that is not known yet.
    fn is_stopped(&mut self) -> bool;

    /// Returns when that may have changed, by a command or since the time of the stop is over.
    async fn changed(&mut self);
}

/// Nobody ever stops it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Never;

#[async_trait]
impl Rest for Never {
    fn is_stopped(&mut self) -> bool {
        false
    }

    async fn changed(&mut self) {
        std::future::pending().await
    }
}

/// Whether openings rest now, for whoever is about to open something.
#[derive(Debug, Default)]
pub(super) struct Resting(AtomicBool);

impl Resting {
    /// Says whether that is another than before.
    pub(super) fn set(&self, rests: bool) -> bool {
        self.0.swap(rests, Ordering::AcqRel) != rests
    }

    pub(super) fn now(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
