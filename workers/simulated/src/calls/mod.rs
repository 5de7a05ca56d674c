//! What each call does to the simulated world, once it has arrived.

mod firewall;
mod halves;
mod links;
mod lists;
mod networks;
mod options;
mod routes;

use super::{
    State,
    faults::{after, prefixes},
    settings::{SimulatedSettings, Unknown},
    world::{Shown, SimulatedNetwork, bare, bare_network},
};
use chrono::{DateTime, Utc};
use cloud::{AccountRegion, CloudError, CloudErrorKind, Limits, NetworkRef, Operation};
use domain::{
    SeenQuotas,
    text::{Account, CloudNetwork},
};
use ipnet::IpNet;
use std::time::Duration;

/// A call that has arrived: everything it may touch.
pub(super) struct Call<'a> {
    pub(super) settings: &'a SimulatedSettings,
    pub(super) state: &'a mut State,
    pub(super) operation: Operation,
    pub(super) at: &'a AccountRegion,
    pub(super) now: DateTime<Utc>,
}

impl Call<'_> {
    fn error(&self, kind: CloudErrorKind, code: &str, message: impl Into<String>) -> CloudError {
        CloudError::new(self.operation, self.at, kind)
            .code(code)
            .message(message)
    }

    fn not_found(&self, what: &impl ToString) -> CloudError {
        self.error(
            CloudErrorKind::NotFound,
            "NotFound",
            format!("`{}` does not exist", what.to_string()),
        )
    }

    /// What there may be where the call goes to.
    fn limits(&self) -> Limits {
        self.limits_at(self.at)
    }

    /// What there may be in this account and region.
    fn limits_at(&self, at: &AccountRegion) -> Limits {
        let set = self.state.world.quotas_at(at).unwrap_or_default();
        self.settings.limits().seeing(&set.into())
    }

    /// What somebody has set.
    pub(super) fn quotas(&mut self, of: &CloudNetwork) -> Result<SeenQuotas, CloudError> {
        let world = &self.state.world;
        let own = world.quotas_of(self.at, of);
        let set = own.or_else(|| world.quotas_at(self.at));
        set.ok_or_else(|| self.error(CloudErrorKind::Unsupported, "NotServed", "none are set"))
    }

    /// When reads will see what happens now.
    fn soon(&mut self) -> Shown {
        let from = after(self.now, self.state.faults.draw(&self.settings.visibility));
        Shown {
            from,
            missed_by: self.state.faults.count(&self.settings.stale_reads),
        }
    }

    pub(super) fn identity(&mut self) -> Result<Account, CloudError> {
        Ok(self
            .state
            .impostors
            .get(&self.at.account)
            .unwrap_or(&self.at.account)
            .clone())
    }

    /// Whether the credentials for this account are those of another, where nothing of it is to be
    /// seen.
    fn is_elsewhere(&self) -> bool {
        self.state.impostors.contains_key(&self.at.account)
    }

    /// Brings a network into being that nobody had heard of, where the settings say so; and tells
    /// its ranges, if nobody has yet.
    fn know(&mut self, network: &NetworkRef, ranges: &[IpNet]) {
        if self.settings.unknown_networks == Unknown::Refused {
            return;
        }
        match self.state.world.network_mut(network) {
            Some(known) if known.ranges.is_empty() => {
                ranges.iter().for_each(|range| known.widen(*range))
            }
            Some(_) => {}
            None => {
                let main = self.state.faults.id(prefixes(network.at.provider).table);
                let made = SimulatedNetwork::new(bare_network(network), ranges.to_vec(), main);
                self.state.world.networks.insert(network.to_string(), made);
            }
        }
    }

    /// What one look at each of these networks shows, for those that are there. In a lenient cloud
    /// all are, and the new ones have not told anything yet.
    fn look<T>(
        &mut self,
        of: &[CloudNetwork],
        mut look: impl FnMut(&mut SimulatedNetwork, DateTime<Utc>) -> Vec<T>,
    ) -> Vec<T> {
        if self.is_elsewhere() {
            return Vec::new();
        }
        for network in of {
            self.know(
                &NetworkRef {
                    at: bare(self.at),
                    network: network.clone(),
                },
                &[],
            );
        }
        let mut seen = Vec::new();
        self.state
            .world
            .each(self.at, of, |network| seen.extend(look(network, self.now)));
        seen
    }

    /// Begins an operation on both networks; each does one at a time.
    fn occupy(&mut self, one: &NetworkRef, other: &NetworkRef) -> Result<(), CloudError> {
        self.occupy_for(Duration::ZERO, one, other)
    }

    /// The same, for as long as the operation takes.
    fn occupy_for(
        &mut self,
        takes: Duration,
        one: &NetworkRef,
        other: &NetworkRef,
    ) -> Result<(), CloudError> {
        let busy = self.state.faults.draw(&self.settings.busy);
        let until = after(self.now, busy.max(takes));
        let both = [one, other];
        if both.into_iter().any(|it| {
            self.state
                .world
                .network(it)
                .is_some_and(|network| network.busy_until > self.now)
        }) {
            return Err(self.error(
                CloudErrorKind::Busy,
                "OperationInProgress",
                "There is a peering operation in progress. Try again later.",
            ));
        }
        for it in both {
            if let Some(network) = self.state.world.network_mut(it) {
                network.busy_until = until;
            }
        }
        Ok(())
    }
}
