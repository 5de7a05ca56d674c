//! Stream names, and the pairing of each stream with the stream that holds its metadata.

use std::{borrow::Borrow, fmt, sync::Arc};

/// The prefix that turns a stream's name into that of its metadata stream.
const METADATA_PREFIX: &str = "$$";

/// The name of a stream. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct StreamName(Arc<str>);

impl StreamName {
    pub(crate) fn new(name: &str) -> Self {
        Self(name.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
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
