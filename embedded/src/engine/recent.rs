//! The ids that streams have recently been given, to tell a repeated append that names no revision.
//!
//! Bounded and in memory only: a repeat from before a restart, or of long ago, is written again, as on a real server.

use quick_cache::unsync::Cache;
use uuid::Uuid;

use crate::model::StreamName;

/// How many ids are kept: at some 80 bytes each, 8 MB.
const KEPT: usize = 100_000;

#[derive(Debug)]
pub(super) struct RecentIds {
    kept: Cache<(StreamName, Uuid), u64>,
}

impl RecentIds {
    pub(super) fn new() -> Self {
        Self { kept: Cache::new(KEPT) }
    }

    pub(super) fn get(&self, stream: &StreamName, id: Uuid) -> Option<u64> {
        self.kept.get(&(stream.clone(), id)).copied()
    }

    /// Keeps an id, unless the stream was given it before: a repeat is answered with the first number.
    pub(super) fn keep(&mut self, stream: StreamName, id: Uuid, number: u64) {
        let key = (stream, id);
        if self.kept.get(&key).is_none() {
            self.kept.insert(key, number);
        }
    }
}
