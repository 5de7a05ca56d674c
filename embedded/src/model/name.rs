//! Stream names, and the pairing of each stream with the stream that holds its metadata.

use std::{borrow::Borrow, fmt, sync::Arc};

/// The prefix that turns a stream's name into that of its metadata stream.
const METADATA_PREFIX: &str = "$$";

/// The name of a stream. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct StreamName(Arc<str>);

/// The longest name that a client may say, in bytes.
pub(crate) const MAX_NAME: usize = 8 * 1024;

/// The longest name that is written down, in bytes: what the store makes of names that clients say
/// is longer than those. The log's index can hold no more than twice as much.
pub(crate) const MAX_KEPT_NAME: usize = 32 * 1024;

impl StreamName {
    pub(crate) fn new(name: &str) -> Self {
        Self(name.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a client can ask for this stream.
    pub(crate) fn can_be_said(&self) -> bool {
        self.0.len() <= MAX_NAME
    }

    /// Whether there can be such a stream at all.
    pub(crate) fn can_be_kept(&self) -> bool {
        self.0.len() <= MAX_KEPT_NAME
    }

    /// Whether this stream holds the metadata of another.
    pub(crate) fn is_metadata(&self) -> bool {
        self.0.starts_with(METADATA_PREFIX)
    }

    /// The stream that holds this stream's metadata.
    pub(crate) fn metadata_stream(&self) -> Self {
        Self(format!("{METADATA_PREFIX}{}", self.0).into())
    }

    /// The stream whose metadata this stream holds, if it is a metadata stream.
    pub(crate) fn described_stream(&self) -> Option<Self> {
        self.0.strip_prefix(METADATA_PREFIX).map(Self::new)
    }
}

impl Borrow<str> for StreamName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}
