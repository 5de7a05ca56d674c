//! What comes into a network because nothing denies it: at Azure the default rule AllowVnetInBound
//! admits every network that this one has a half with, open or not. Only a denial keeps it out, and
//! a network without a network security group has none.

use super::{World, firewall::SimulatedGroup};
use chrono::{DateTime, Utc};
use cloud::{GroupView, NetworkRef, RuleView, Source, Traffic, owner_by_name};
use domain::{Unspoken, network::ExposedBy};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

/// What stands before the machines of a network, where that is what keeps others out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// A network security group that the engine may write its denials into.
    #[default]
    SecurityGroup,
    /// Nothing.
    Nothing,
}

impl World {
    /// What is admitted to this network by default, as a read of its groups shows it; nothing where
    /// a cloud keeps out what no rule speaks of.
    pub(crate) fn by_default(&self, of: &NetworkRef, now: DateTime<Utc>) -> Option<GroupView> {
        if of.at.provider.firewall().unspoken == Unspoken::KeptOut {
            return None;
        }
        let network = self.network(of)?;
        let (what, sources) = match network.guard {
            Guard::SecurityGroup => (
                "everything from VirtualNetwork: AllowVnetInBound, and no denial before it",
                self.undenied(of, &network.groups, now),
            ),
            Guard::Nothing => (
                "everything from everywhere: there is no network security group",
                vec![Ipv4Net::default().into(), Ipv6Net::default().into()],
            ),
        };
        if sources.is_empty() {
            return None;
        }
        let group = format!("{}/default", of.network);
        Some(GroupView {
            network: of.network.clone(),
            group: group.parse().ok()?,
            name: "default rules".to_owned(),
            belongs_to: format!("{} (default rules)", of.at.account),
            owner: None,
            rules: vec![RuleView {
                id: format!("{group}/AllowVnetInBound").parse().ok()?,
                rule: None,
                admits: Traffic {
                    source: Source::Ranges(sources),
                    target: None,
                    protocol: None,
                    ports: None,
                },
                text: what.to_owned(),
                owner: None,
                what: ExposedBy::Default,
            }],
        })
    }

    /// The ranges of the networks that this one has a half with, but for those that a denial keeps
    /// out: one comes with the group that the engine has for the half's peering.
    fn undenied(
        &self,
        of: &NetworkRef,
        groups: &[SimulatedGroup],
        now: DateTime<Utc>,
    ) -> Vec<IpNet> {
        let is_denied = |peering| {
            let of_peering =
                |it: &&SimulatedGroup| it.owner.is_some_and(|it| it.peering == peering);
            groups.iter().filter(of_peering).any(|it| it.shown.by(now))
        };
        let open = self.halves_of(of).filter(|half| {
            let owner = owner_by_name(&half.name);
            !owner.is_some_and(|it| is_denied(it.peering))
        });
        let told = open.flat_map(|half| match half.synced.as_slice() {
            [] => self.network(&half.other).map(|it| it.ranges.clone()),
            synced => Some(synced.to_vec()),
        });
        told.flatten().collect()
    }
}
