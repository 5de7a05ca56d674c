//! The store's vocabulary: names, positions, revisions, records and stream metadata. Plain values
//! without behaviour of the wire or of the disk, so that the rules in [`engine`](crate::engine) can
//! be read and tested on their own.

mod event;
mod expected;
mod metadata;
mod name;
mod position;
mod record;

pub(crate) use event::{
    EventType, NewEvent, STREAM_DELETED, STREAM_METADATA, TOMBSTONE_NUMBER, Ticks,
};
pub(crate) use expected::Expected;
pub(crate) use metadata::{Acl, StreamMetadata, soft_deleted, with_truncate_before};
pub(crate) use name::{MAX_NAME, StreamName};
pub(crate) use position::Position;
pub(crate) use record::{Record, RecordError, encode_event, encode_marker};
