//! What the engine is given from outside.

use crate::source::{Clock, NewId};

/// Whether the links of the system projections are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum SystemProjections {
    #[default]
    Off,
    On,
    /// As the store has it so far.
    AsFound,
}

/// What the engine is given from outside.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) clock: Clock,
    pub(crate) new_id: NewId,
    pub(crate) projections: SystemProjections,
}
