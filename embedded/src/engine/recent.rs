//! The ids that streams have recently been given, to tell a repeated append that names no revision.
//!
//! Bounded and in memory only: a repeat from before a restart, or of long ago, is written again, as
//! on a real server. Nothing is kept of a stream but a hash of its name: for one stream to be taken
//! for another, both must have been given the same id, and their names the same 64 bits under a key
//! that is new with each process.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    mem,
};

use uuid::Uuid;

use crate::model::StreamName;

/// So many ids at least are kept, and at most twice as many: at 33 bytes each, some 4 MB.
const KEPT: usize = 50_000;

/// A hash of the stream, and the id.
type Key = (u64, Uuid);

/// Two generations: when the younger is full, the elder goes.
#[derive(Debug)]
pub(super) struct RecentIds {
    younger: HashMap<Key, u64>,
    elder: HashMap<Key, u64>,
    names: RandomState,
}

impl RecentIds {
    pub(super) fn new() -> Self {
        // Room from the start: a table that grows leaves a hole in memory where it was.
        let (younger, elder) = (HashMap::with_capacity(KEPT), HashMap::with_capacity(KEPT));
        Self {
            younger,
            elder,
            names: RandomState::new(),
        }
    }

    pub(super) fn get(&self, stream: &StreamName, id: Uuid) -> Option<u64> {
        let key = self.key(stream, id);
        self.younger
            .get(&key)
            .or_else(|| self.elder.get(&key))
            .copied()
    }

    /// Keeps an id, unless the stream was given it before: a repeat is answered with the first
    /// number.
    pub(super) fn keep(&mut self, stream: &StreamName, id: Uuid, number: u64) {
        let key = self.key(stream, id);
        if self.younger.contains_key(&key) || self.elder.contains_key(&key) {
            return;
        }
        if self.younger.len() == KEPT {
            mem::swap(&mut self.younger, &mut self.elder);
            self.younger.clear();
        }
        self.younger.insert(key, number);
    }

    fn key(&self, stream: &StreamName, id: Uuid) -> Key {
        (self.names.hash_one(stream.as_str()), id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_known_by_its_stream_with_its_first_number() {
        let mut recent = RecentIds::new();
        let (one, other, id) = (
            StreamName::new("one"),
            StreamName::new("other"),
            Uuid::from_u128(1),
        );
        recent.keep(&one, id, 3);
        recent.keep(&one, id, 7);
        assert_eq!(
            (recent.get(&one, id), recent.get(&other, id)),
            (Some(3), None)
        );
        recent.keep(&other, id, 9);
        assert_eq!(
            (recent.get(&one, id), recent.get(&other, id)),
            (Some(3), Some(9))
        );
    }

    #[test]
    fn the_newest_are_kept_and_the_oldest_go() {
        let mut recent = RecentIds::new();
        let stream = StreamName::new("s");
        let given = 3 * KEPT as u64;
        (0..given).for_each(|number| recent.keep(&stream, Uuid::from_u128(number.into()), number));
        let known = |number: u64| recent.get(&stream, Uuid::from_u128(number.into()));
        assert!((given - KEPT as u64..given).all(|number| known(number) == Some(number)));
        assert_eq!(known(0), None);
        assert!(recent.younger.len() + recent.elder.len() <= 2 * KEPT);
    }
}
