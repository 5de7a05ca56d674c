//! Survey: what a visit has read, place by place. One call of a kind serves every peering that
//! shares the place.
//!
//! A read stays good until an action of the same visit touches what it showed ([`Survey::forget`]),
//! or until it is too old.

use super::{apply::Touches, observe::Sight, place};
use cloud::{
    AccessListView, Cloud, CloudError, DnsSupport, GroupView, LinkView, NetworkRef, NetworkView,
    Place, Rehearsal, Rehearsed, RouteTableView, SubnetView,
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

/// Everything that was read in a visit.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) identities: BTreeMap<Place, Account>,
    pub(super) networks: BTreeMap<Place, Vec<NetworkView>>,
    pub(super) subnets: BTreeMap<Place, Vec<SubnetView>>,
    pub(super) links: BTreeMap<Place, Vec<LinkView>>,
    pub(super) tables: BTreeMap<Place, Vec<RouteTableView>>,
    pub(super) groups: BTreeMap<Place, Vec<GroupView>>,
    pub(super) lists: BTreeMap<Place, Vec<AccessListView>>,
    pub(super) dns: BTreeMap<NetworkRef, DnsSupport>,
    pub(super) rehearsed: BTreeMap<(domain::PeeringId, Sight), Rehearsed>,
    since: Option<Instant>,
}

/// A read that failed, and on which side.
#[derive(Clone, Debug)]
pub(super) struct Unseen {
    pub(super) side: Side,
    pub(super) error: CloudError,
}

impl Survey {
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
        sights: &BTreeSet<Sight>,
    ) -> Result<(), Unseen> {
        self.since.get_or_insert_with(Instant::now);
        for sight in sights {
            let side = sight.side();
            self.one(cloud, network, peering, *sight)
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
        sight: Sight,
    ) -> Result<(), CloudError> {
        let side = sight.side();
        let at = place::of(network, peering, side);
        let of = networks_at(network, &at);
        match sight {
            Sight::Identity(_) => drop(
                self.identities
                    .insert(at.clone(), cloud.identity(&at).await?),
            ),
            Sight::Network(_) => drop(
                self.networks
                    .insert(at.clone(), cloud.networks(&at, &of).await?),
            ),
            Sight::Subnets(_) => drop(
                self.subnets
                    .insert(at.clone(), cloud.subnets(&at, &of).await?),
            ),
            Sight::Links(_) => drop(self.links.insert(at.clone(), cloud.links(&at, &of).await?)),
            Sight::Tables(_) => drop(
                self.tables
                    .insert(at.clone(), cloud.route_tables(&at, &of).await?),
            ),
            Sight::Groups(_) => drop(
                self.groups
                    .insert(at.clone(), cloud.firewall_groups(&at, &of).await?),
            ),
            Sight::AccessLists(_) => drop(
                self.lists
                    .insert(at.clone(), cloud.access_lists(&at, &of).await?),
            ),
            Sight::Dns(_) => {
                let of = place::network(network, peering, side);
                let support = cloud.dns_support(&of).await?;
                self.dns.insert(of, support);
            }
            Sight::MayCreateLink => {
                let said = cloud
                    .rehearse(&Rehearsal::CreateLink(place::link(network, peering)))
                    .await?;
                self.rehearsed.insert((peering.id, sight), said);
            }
            Sight::MayCreateGroup(_) => {
                let rehearsal = Rehearsal::CreateGroup {
                    network: place::network(network, peering, side),
                    peering: peering.id,
                };
                self.rehearsed
                    .insert((peering.id, sight), cloud.rehearse(&rehearsal).await?);
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
        let at = place::of(network, peering, side);
        match touches {
            Touches::Links => self.links.clear(),
            Touches::Tables => drop(self.tables.remove(&at)),
            Touches::Groups => drop(self.groups.remove(&at)),
        }
    }
}

/// The networks that this network's peerings have at a place.
fn networks_at(network: &Registered, at: &Place) -> Vec<CloudNetwork> {
    let local = (place::local(network) == *at).then(|| network.cloud_network.clone());
    let peers = network
        .live_peerings()
        .filter(|peering| place::of(network, peering, Side::Remote) == *at);
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
        let (network, peering, mut survey) = (
            Log::with_a_peering().network(),
            Log::with_a_peering().peering(),
            Survey::default(),
        );
        assert_eq!(survey.age(), Duration::ZERO);
        for (sight, age) in [
            (Sight::Links(Side::Local), second),
            (Sight::Tables(Side::Local), second * 2),
        ] {
            survey
                .look(&cloud, &network, &peering, &BTreeSet::from([sight]))
                .await
                .expect("a look");
            assert_eq!(survey.age(), age);
        }
    }
}
