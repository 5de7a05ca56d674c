//! What the clones of a simulated cloud share: its temper, and everything that changes.

use super::{
    admission::Admission, faults::Faults, persistence::Persistence, settings::SimulatedSettings,
    world::World,
};
use domain::{Clock, text::Account};
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// What the clones of a simulated cloud share.
pub(super) struct Inner {
    pub(super) settings: SimulatedSettings,
    pub(super) clock: Clock,
    pub(super) persistence: Option<Persistence>,
    pub(super) state: Mutex<State>,
}

/// Everything that changes.
pub(super) struct State {
    pub(super) world: World,
    pub(super) faults: Faults,
    pub(super) admission: Admission,
    /// Whose credentials are really used where.
    pub(super) impostors: BTreeMap<Account, Account>,
}
