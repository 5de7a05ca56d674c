//! What people do to a cloud behind the engine's back: permissions, outages, networks built, links
//! ended, things put where ours should be.

mod firewall;
mod halves;
mod links;
mod networks;

use super::{NextCall, SimulatedCloud, State};
use chrono::{DateTime, Utc};
use cloud::Operation;
use domain::text::{Account, ExternalId};

/// Changes out of band in a simulated cloud. Nothing here waits, is refused or gets lost, and
/// everybody sees it at once.
#[derive(Clone, Debug)]
pub struct OutOfBand {
    cloud: SimulatedCloud,
}

impl OutOfBand {
    pub(super) fn of(cloud: SimulatedCloud) -> Self {
        Self { cloud }
    }

    /// One change, on the world as it is by now.
    fn reach<T>(&self, call: impl FnOnce(&mut State, DateTime<Utc>) -> T) -> T {
        let state = &mut *self.cloud.state();
        let now = (self.cloud.inner.clock)();
        state.world.pass_time(now);
        call(state, now)
    }

    /// From now on nothing may be changed in this account.
    pub fn deny(&self, account: &Account) {
        self.cloud.state().admission.denied.insert(account.clone());
    }

    /// Whatever was denied in this account is not.
    pub fn allow(&self, account: &Account) {
        let admission = &mut self.cloud.state().admission;
        admission.denied.remove(account);
        admission
            .denied_calls
            .retain(|(denied, _)| denied != account);
    }

    /// From now on this kind of call is not permitted in this account.
    pub fn deny_call(&self, account: &Account, operation: Operation) {
        self.cloud
            .state()
            .admission
            .denied_calls
            .insert((account.clone(), operation));
    }

    /// The next call of this kind in this account has this happen to it; prepared several times,
    /// one after the other.
    pub fn prepare(&self, account: &Account, operation: Operation, happens: NextCall) {
        let armed = (account.clone(), operation, happens);
        self.cloud.state().admission.armed.push(armed);
    }

    /// From now on whoever enters this account must show this, or nothing.
    pub fn demand(&self, account: &Account, external_id: Option<ExternalId>) {
        let demanded = &mut self.cloud.state().admission.external_ids;
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

    /// The credentials for this account act in it again.
    pub fn sort_out(&self, expected: &Account) {
        self.cloud.state().impostors.remove(expected);
    }

    /// From now on nothing answers.
    pub fn cut(&self) {
        self.cloud.state().admission.down = true;
    }

    /// From now on everything answers again.
    pub fn mend(&self) {
        self.cloud.state().admission.down = false;
    }
}
