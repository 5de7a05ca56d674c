//! What people do to a cloud behind the engine's back: permissions, outages, networks built, links
//! ended, things put where ours should be.

mod firewall;
mod links;
mod networks;

use super::{SimulatedCloud, State};
use chrono::{DateTime, Utc};
use cloud::Operation;
use domain::text::{Account, ExternalId};

/// Hands in a simulated cloud. Nothing here waits, is refused or gets lost, and everybody sees it
/// at once.
#[derive(Clone, Debug)]
pub struct Hands {
    cloud: SimulatedCloud,
}

impl Hands {
    pub(super) fn of(cloud: SimulatedCloud) -> Self {
        Self { cloud }
    }

    /// One deed, on the world as it is by now.
    fn reach<T>(&self, deed: impl FnOnce(&mut State, DateTime<Utc>) -> T) -> T {
        let state = &mut *self.cloud.state();
        let now = (self.cloud.inner.clock)();
        state.world.pass_time(now);
        deed(state, now)
    }

    /// From now on nothing may be changed in this account.
    pub fn deny(&self, account: &Account) {
        self.cloud.state().gate.denied.insert(account.clone());
    }

    /// Whatever was denied in this account is not.
    pub fn allow(&self, account: &Account) {
        let gate = &mut self.cloud.state().gate;
        gate.denied.remove(account);
        gate.denied_calls.retain(|(denied, _)| denied != account);
    }

    /// From now on this kind of call is not permitted in this account.
    pub fn deny_call(&self, account: &Account, operation: Operation) {
        self.cloud
            .state()
            .gate
            .denied_calls
            .insert((account.clone(), operation));
    }

    /// From now on whoever enters this account must show this, or nothing.
    pub fn demand(&self, account: &Account, external_id: Option<ExternalId>) {
        let demanded = &mut self.cloud.state().gate.external_ids;
        match external_id {
            Some(external_id) => demanded.insert(account.clone(), external_id),
            None => demanded.remove(account),
        };
    }

    /// From now on the credentials for one account act in the other.
    pub fn mix_up(&self, expected: &Account, actual: &Account) {
        self.cloud
            .state()
            .impostors
            .insert(expected.clone(), actual.clone());
    }

    pub fn sort_out(&self, expected: &Account) {
        self.cloud.state().impostors.remove(expected);
    }

    /// From now on nothing answers.
    pub fn cut(&self) {
        self.cloud.state().gate.down = true;
    }

    pub fn mend(&self) {
        self.cloud.state().gate.down = false;
    }
}
