//! What people do to their own half of a link, where each side has one.

use super::{super::world::SimulatedHalf, OutOfBand};
use cloud::NetworkRef;
use domain::{
    network::LinkOption,
    text::{Account, Link},
};

impl OutOfBand {
    /// The owner of this network makes a half of a link to the other one, under a name of theirs.
    pub fn make_half(&self, network: &NetworkRef, other: &NetworkRef, name: &Link) {
        let half = SimulatedHalf::new(name.clone(), network, other);
        self.reach(|state, now| {
            state.world.halves.push(half);
            state.world.halves_pass_time(now);
        });
    }

    /// The next change of a half in this account is begun, and ends with this error.
    pub fn fail_next_operation(&self, account: &Account, error: &str) {
        let failing = (account.clone(), error.to_owned());
        self.reach(|state, _| state.world.failing.push(failing));
    }

    /// The owner of this network switches an option of the half of this name.
    pub fn switch(&self, network: &NetworkRef, name: &Link, option: LinkOption, enabled: bool) {
        let is_it = |it: &SimulatedHalf| it.name == *name && it.network.is_same(network);
        self.reach(|state, _| {
            for half in state.world.halves.iter_mut().filter(|it| is_it(it)) {
                half.switch(option, enabled);
            }
        });
    }

    /// The owner of this network removes the half of this name.
    pub fn remove_half(&self, network: &NetworkRef, name: &Link) {
        let is_it = |it: &SimulatedHalf| it.name == *name && it.network.is_same(network);
        self.reach(|state, _| state.world.halves.retain(|it| !is_it(it)));
    }
}
