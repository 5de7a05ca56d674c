//! Where a record stands in the log.

/// A record's place in the log. Strictly increasing, with gaps; 0 is before every record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Position(u64);

impl Position {
    /// Before every record. No record stands here: a subscription's start is exclusive and would
    /// hide it.
    pub(crate) const START: Self = Self(0);
    /// After every record.
    pub(crate) const END: Self = Self(u64::MAX);
    /// Where the first record of an empty log goes.
    pub(crate) const FIRST: Self = Self(64);

    pub(crate) const fn new(value: u64) -> Self {
        Self(value)
    }

    pub(crate) const fn get(self) -> u64 {
        self.0
    }

    /// The place after a record of `len` bytes that stands here. Counting bytes leaves gaps, so
    /// that a position that a client made up is told from one it was given.
    pub(crate) const fn after(self, len: usize) -> Self {
        Self(self.0 + len as u64)
    }

    /// The next number: the smallest position that is greater than this one.
    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}
