//! Observation: what a pass has read, by account and region. One call of a kind serves every
//! peering that shares them.
//!
//! A read stays good until an action of the same pass touches what it showed
//! ([`Observation::forget`]), or until it is too old.

use super::{apply::Touches, observe::Query, sides};
use cloud::{
    AccessListView, AccountRegion, Cloud, CloudError, DnsSupport, GroupView, LinkView, NetworkRef,
    NetworkView, Rehearsal, Rehearsed, RouteTableView, SubnetView,
};
use domain::{
    Side,
    network::{Peering, Registered},
    text::{Account, CloudNetwork},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::Instant;

/// For how long what was read may be decided on.
const GOOD_FOR: Duration = Duration::from_secs(10);

/// Everything that was read in a pass.
#[derive(Debug, Default)]
pub(super) struct Observation {
    pub(super) identities: BTreeMap<AccountRegion, Account>,
    pub(super) networks: BTreeMap<AccountRegion, Vec<NetworkView>>,
    pub(super) subnets: BTreeMap<AccountRegion, Vec<SubnetView>>,
    pub(super) links: BTreeMap<AccountRegion, Vec<LinkView>>,
    pub(super) tables: BTreeMap<AccountRegion, Vec<RouteTableView>>,
    pub(super) groups: BTreeMap<AccountRegion, Vec<GroupView>>,
    pub(super) lists: BTreeMap<AccountRegion, Vec<AccessListView>>,
    pub(super) dns: BTreeMap<NetworkRef, DnsSupport>,
    pub(super) rehearsed: BTreeMap<(domain::PeeringId, Query), Rehearsed>,
    since: Option<Instant>,
}

/// A read that failed, and on which side.
#[derive(Clone, Debug)]
pub(super) struct Unseen {
    pub(super) side: Side,
    pub(super) error: CloudError,
}

impl Observation {
    /// Forgets everything once it is too old to be decided on.
    pub(super) fn freshen(&mut self) {
        if self.age() >= GOOD_FOR {
            *self = Self::default();
        }
    }

    /// How long ago the first of all that was read was asked for.
    pub(super) fn age(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Reads what was asked for and was not read yet.
    pub(super) async fn look(
        &mut self,
        cloud: &dyn Cloud,
        network: &Registered,
        peering: &Peering,
        queries: &BTreeSet<Query>,
    ) -> Result<(), Unseen> {
        self.since.get_or_insert_with(Instant::now);
        for query in queries {
            let side = query.side();
            self.one(cloud, network, peering, *query)
                .await
                .map_err(|error| Unseen { side, error })?;
        }
        Ok(())
    }

    async fn one(
        &mut self,
        cloud: &dyn Cloud,
        network: &Registered,
        peering: &Peering,
        query: Query,
    ) -> Result<(), CloudError> {
        let side = query.side();
        let at = sides::of(network, peering, side);
        let of = networks_at(network, &at);
        match query {
            Query::Identity(_) => drop(
                self.identities
                    .insert(at.clone(), cloud.identity(&at).await?),
            ),
            Query::Network(_) => drop(
                self.networks
                    .insert(at.clone(), cloud.networks(&at, &of).await?),
            ),
            Query::Subnets(_) => drop(
                self.subnets
                    .insert(at.clone(), cloud.subnets(&at, &of).await?),
            ),
            Query::Links(_) => drop(self.links.insert(at.clone(), cloud.links(&at, &of).await?)),
            Query::Tables(_) => drop(
                self.tables
                    .insert(at.clone(), cloud.route_tables(&at, &of).await?),
            ),
            Query::Groups(_) => drop(
                self.groups
                    .insert(at.clone(), cloud.firewall_groups(&at, &of).await?),
            ),
            Query::AccessLists(_) => drop(
                self.lists
                    .insert(at.clone(), cloud.access_lists(&at, &of).await?),
            ),
            Query::Dns(_) => {
                let of = sides::network(network, peering, side);
                let support = cloud.dns_support(&of).await?;
                self.dns.insert(of, support);
            }
            Query::MayCreateLink => {
                let said = cloud
                    .rehearse(&Rehearsal::CreateLink(sides::link(network, peering)))
                    .await?;
                self.rehearsed.insert((peering.id, query), said);
            }
            Query::MayCreateGroup(_) => {
                let rehearsal = Rehearsal::CreateGroup {
                    network: sides::network(network, peering, side),
                    peering: peering.id,
                };
                self.rehearsed
                    .insert((peering.id, query), cloud.rehearse(&rehearsal).await?);
            }
        }
        Ok(())
    }

    /// Forgets what a change on this side of the peering may have made untrue.
    pub(super) fn forget(
        &mut self,
        network: &Registered,
        peering: &Peering,
        side: Side,
        touches: Touches,
    ) {
        let at = sides::of(network, peering, side);
        match touches {
            Touches::Links => self.links.clear(),
            Touches::Tables => drop(self.tables.remove(&at)),
            Touches::Groups => drop(self.groups.remove(&at)),
        }
    }
}

/// The networks that this network's peerings have in an account and region.
fn networks_at(network: &Registered, at: &AccountRegion) -> Vec<CloudNetwork> {
    let local = (sides::local(network) == *at).then(|| network.cloud_network.clone());
    let peers = network
        .live_peerings()
        .filter(|peering| sides::of(network, peering, Side::Remote) == *at);
    let all: BTreeSet<CloudNetwork> = local
        .into_iter()
        .chain(peers.map(|peering| peering.peer.cloud_network.clone()))
        .collect();
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provisioner::testing::{Log, clock, cloud};
    use simulated::SimulatedSettings;

    #[tokio::test(start_paused = true)]
    async fn a_survey_is_as_old_as_its_first_read_was_when_it_was_asked_for() {
        let second = Duration::from_secs(1);
        let cloud = cloud(
            SimulatedSettings {
                latency: second..=second,
                ..SimulatedSettings::instant(1)
            },
            &clock(),
        );
        let (network, peering, mut observation) = (
            Log::with_a_peering().network(),
            Log::with_a_peering().peering(),
            Observation::default(),
        );
        assert_eq!(observation.age(), Duration::ZERO);
        for (query, age) in [
            (Query::Links(Side::Local), second),
            (Query::Tables(Side::Local), second * 2),
        ] {
            observation
                .look(&cloud, &network, &peering, &BTreeSet::from([query]))
                .await
                .expect("a look");
            assert_eq!(observation.age(), age);
        }
    }
}
