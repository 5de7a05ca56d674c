//! What the store knows of each stream without reading it: its last number, whether it has ended,
//! its metadata.
//!
//! The heads of recently used streams are kept, also of streams that are not there: most have no
//! metadata stream, and to find that out costs more the larger the log is. Others are looked up in
//! the log's index. Only the writer adds to what is kept, when it looks one up and after a group is
//! committed, so that a kept head is never older than the log.

use std::sync::Arc;

use quick_cache::sync::Cache;

use crate::{
    log::{Log, LogError},
    model::{STREAM_METADATA, StreamMetadata, StreamName, TOMBSTONE_NUMBER},
};

/// How many heads are kept, two for most streams: at some 150 bytes each, a few megabytes.
const KEPT: usize = 40_000;

/// A stream as its newest record leaves it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Head {
    /// The number of the last event, the tombstone apart.
    pub(crate) last: Option<u64>,
    pub(crate) tombstoned: bool,
    /// For a metadata stream: what its newest event says, and the data that says it.
    pub(crate) describes: Option<Arc<Description>>,
}

/// The newest event of a metadata stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) metadata: StreamMetadata,
    pub(crate) data: bytes::Bytes,
}

impl Description {
    pub(crate) fn of(event_type: &str, is_json: bool, data: bytes::Bytes) -> Self {
        let metadata = if is_json && event_type == STREAM_METADATA {
            StreamMetadata::parse(&data)
        } else {
            StreamMetadata::default()
        };
        Self { metadata, data }
    }
}

impl Head {
    /// The metadata that this head, of a metadata stream, gives the stream it describes.
    pub(crate) fn metadata(&self) -> StreamMetadata {
        self.describes
            .as_ref()
            .map(|description| description.metadata.clone())
            .unwrap_or_default()
    }
}

/// The heads of all streams.
#[derive(Debug)]
pub(crate) struct Heads {
    kept: Cache<StreamName, Head>,
    log: Arc<dyn Log>,
}

impl Heads {
    pub(crate) fn new(log: Arc<dyn Log>) -> Self {
        Self {
            kept: Cache::new(KEPT),
            log,
        }
    }

    pub(crate) fn get(&self, stream: &StreamName) -> Result<Head, LogError> {
        match self.kept.get(stream) {
            Some(head) => Ok(head),
            None => self.look_up(stream),
        }
    }

    /// The same for the writer, who keeps what it looks up.
    pub(super) fn get_and_keep(&self, stream: &StreamName) -> Result<Head, LogError> {
        if let Some(head) = self.kept.get(stream) {
            return Ok(head);
        }
        let head = self.look_up(stream)?;
        self.kept.insert(stream.clone(), head.clone());
        Ok(head)
    }

    /// The head of a recently used stream, without a look at the log.
    pub(crate) fn kept(&self, stream: &StreamName) -> Option<Head> {
        self.kept.get(stream)
    }

    /// The metadata that applies to a stream. A metadata stream's own is fixed: only its newest
    /// event is visible.
    pub(crate) fn metadata(&self, stream: &StreamName) -> Result<StreamMetadata, LogError> {
        if stream.is_metadata() {
            return Ok(StreamMetadata {
                max_count: Some(1),
                ..StreamMetadata::default()
            });
        }
        Ok(self.get(&stream.metadata_stream())?.metadata())
    }

    /// Keeps a head that has just been committed.
    pub(super) fn keep(&self, stream: StreamName, head: Head) {
        self.kept.insert(stream, head);
    }

    /// Forgets what is kept: the log may hold more than was committed.
    pub(super) fn forget(&self) {
        self.kept.clear();
    }

    fn look_up(&self, stream: &StreamName) -> Result<Head, LogError> {
        let Some(newest) = self.log.last_of(stream, TOMBSTONE_NUMBER)? else {
            return Ok(Head::default());
        };
        if newest.number == TOMBSTONE_NUMBER {
            let last = self.log.last_of(stream, TOMBSTONE_NUMBER - 1)?;
            return Ok(Head {
                last: last.map(|entry| entry.number),
                tombstoned: true,
                describes: None,
            });
        }
        let describes = if stream.is_metadata() {
            self.log.record(newest.position)?.map(|record| {
                Arc::new(Description::of(
                    record.event_type(),
                    record.is_json,
                    record.data(),
                ))
            })
        } else {
            None
        };
        Ok(Head {
            last: Some(newest.number),
            tombstoned: false,
            describes,
        })
    }
}
