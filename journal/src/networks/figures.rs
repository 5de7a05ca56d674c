//! What loading and storing networks came to, counted since the journal was opened.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

macro_rules! figures {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What loading and storing networks came to since the journal was opened, and what the
        /// cache holds now.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Figures {
            /// How many folded networks are kept in memory now.
            pub cached_networks: u64,
            /// How much memory they take, roughly.
            pub cached_bytes: u64,
            /// How much they may take.
            pub cache_limit: u64,
            $($(#[$doc])* pub $name: u64,)*
        }

        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $(pub(super) $name: Counter,)*
        }

        impl Counters {
            pub(super) fn read(&self) -> Figures {
                Figures {
                    $($name: self.$name.0.load(Relaxed),)*
                    ..Figures::default()
                }
            }
        }
    };
}

figures! {
    /// Networks that the cache had to give up for others.
    evicted,
    /// Loads that began at a snapshot.
    loaded_from_snapshot,
    /// Loads that began at the first event.
    loaded_from_start,
    /// Snapshots that were written.
    snapshots_written,
    /// Snapshots that were not written because they would have been too large.
    snapshots_too_large,
    /// Snapshots that could not be written: the store refused, or another engine was first.
    snapshots_failed,
    /// Snapshots that were of another version of the fold.
    snapshots_of_another_fold,
    /// Snapshots that could not be read.
    snapshots_damaged,
    /// Snapshots of an event that the log does not have.
    snapshots_of_another_log,
    /// Snapshots that were used and have been compared with the fold of all events.
    snapshots_checked,
    /// Those of them that were not the same. Nothing is opened in such a network.
    snapshots_wrong,
    /// Snapshots that were used and are still to be compared.
    snapshots_to_check,
}

#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    pub(super) fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }
}
