//! Network security groups: what they let in, and the rules in them that are the engine's.
//!
//! A group of the port's is the set of rules that the engine has for one peering in one VNet: a
//! denial of all that comes from the other network, and before it what is declared. It stands in
//! every network security group that the settings give the engine and that a subnet of the VNet
//! has. The engine never makes a network security group and never associates one. What stands
//! before interfaces alone is not read: it can only deny more.

mod entries;
mod owned;
mod rules;
mod views;

pub(crate) use owned::{authorize, create, delete, rehearse, revoke, tag};
pub(crate) use views::{groups, lists};

use crate::{
    arm::{
        Arm, ResourceId,
        model::{Half, SecurityGroup, SecurityRule, Vnet},
    },
    links::{Seen, ranges, remote_ranges},
    refusals::Asked,
};
use cloud::{
    AccessEntry, CloudError, CloudErrorKind, LetsIn, Source, Traffic, lets_in, owner_by_name,
};
use domain::PeeringId;
use ipnet::IpNet;
use std::{collections::BTreeMap, ops::RangeInclusive};

/// What the settings give the engine to write into.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) groups: Vec<String>,
    pub(crate) priorities: RangeInclusive<u16>,
}

impl Given {
    fn has(&self, id: &str) -> bool {
        self.groups.iter().any(|it| crate::arm::same(it, id))
    }
}

/// A VNet with the network security groups of its subnets.
#[derive(Debug)]
pub(crate) struct Guarded<'a> {
    pub(crate) vnet: &'a Vnet,
    groups: BTreeMap<String, SecurityGroup>,
}

impl<'a> Guarded<'a> {
    /// Reads them, each once.
    pub(crate) async fn read(
        arm: &Arm,
        asked: &Asked<'_>,
        vnet: &'a Vnet,
    ) -> Result<Self, CloudError> {
        let mut groups = BTreeMap::new();
        let subnets = vnet.properties.subnets.iter();
        for id in subnets.filter_map(|it| it.properties.network_security_group.as_ref()) {
            let key = id.id.to_ascii_lowercase();
            let Some(resource) = ResourceId::of("networkSecurityGroups", &id.id) else {
                continue;
            };
            if groups.contains_key(&key) {
                continue;
            }
            let read = arm.get::<SecurityGroup>(asked.by(), &resource).await;
            if let Some(group) = read.map_err(|error| asked.failed(error))? {
                groups.insert(key, group);
            }
        }
        Ok(Self { vnet, groups })
    }

    /// The group of this id.
    fn group(&self, id: &str) -> Option<&SecurityGroup> {
        self.groups.get(&id.to_ascii_lowercase())
    }

    /// Those that the engine may write into.
    fn given<'g>(&'g self, given: &'g Given) -> impl Iterator<Item = &'g SecurityGroup> {
        self.groups.values().filter(|it| given.has(&it.id))
    }

    /// What the tag `VirtualNetwork` covers: the network itself, and every other that it has a half
    /// with, which is counted whether it is open or not.
    fn tagged(&self) -> Vec<IpNet> {
        let of = &self.vnet.properties;
        let halves = of.virtual_network_peerings.iter();
        let mut all = ranges(&of.address_space);
        all.extend(halves.flat_map(remote_ranges));
        all
    }
}

/// Every rule of a group, the default ones last.
fn all_rules(group: &SecurityGroup) -> impl Iterator<Item = &SecurityRule> {
    let of = &group.properties;
    of.security_rules.iter().chain(&of.default_security_rules)
}

/// A VNet by its id, with its security groups, for a call that changes something there.
async fn vnet_of(arm: &Arm, asked: &Asked<'_>, id: &ResourceId) -> Result<Vnet, CloudError> {
    let read = arm.get::<Vnet>(asked.by(), id).await;
    read.map_err(|error| asked.failed(error))?
        .ok_or_else(|| asked.missing(id.as_str()))
}

/// Whether the other network would be kept out of every subnet with an interface in it, but for
/// what the engine's own rules admit for this peering. If not, that is a precondition, with the
/// subnets' names.
pub(crate) async fn is_closed(
    arm: &Arm,
    asked: &Asked<'_>,
    id: &ResourceId,
    half: &Half,
) -> Result<(), CloudError> {
    let vnet = vnet_of(arm, asked, id).await?;
    let guarded = Guarded::read(arm, asked, &vnet).await?;
    let name = half.name.parse().ok();
    let peering = name.as_ref().and_then(owner_by_name).map(|it| it.peering);
    let open = open_subnets(&guarded, &remote_ranges(half), peering);
    if open.is_empty() {
        return Ok(());
    }
    let message = format!(
        "`{}` stays closed: nothing denies what comes from {} at {}",
        half.name,
        half.properties.remote_virtual_network.id,
        open.join(", ")
    );
    Err(asked.error(CloudErrorKind::Precondition).message(message))
}

/// The subnets that would let any of these addresses in.
fn open_subnets(guarded: &Guarded<'_>, from: &[IpNet], peering: Option<PeeringId>) -> Vec<String> {
    let tagged = guarded.tagged();
    let any = Traffic {
        source: Source::Ranges(from.to_vec()),
        target: None,
        protocol: None,
        ports: None,
    };
    let is_open = |entries: &[AccessEntry]| lets_in(entries, &any, from) != LetsIn::No;
    let subnets = guarded.vnet.properties.subnets.iter();
    let open = subnets.filter(|subnet| {
        let id = subnet.properties.network_security_group.as_ref();
        let group = id.and_then(|it| guarded.group(&it.id));
        let is_guarded = group.is_some_and(|group| {
            let others = all_rules(group).filter(|it| !rules::admits_for(it, peering));
            let entries: Vec<_> = others
                .flat_map(|it| entries::of(&it.properties, &tagged))
                .collect();
            !from.is_empty() && !is_open(&entries)
        });
        subnet.has_interfaces() && !is_guarded
    });
    open.map(|it| it.name.clone()).collect()
}

/// The networks as they were read, each with its groups.
pub(crate) async fn guarded<'a>(
    arm: &Arm,
    asked: &Asked<'_>,
    seen: &'a [Seen],
) -> Result<Vec<(&'a Seen, Guarded<'a>)>, CloudError> {
    let mut all = Vec::new();
    for it in seen {
        all.push((it, Guarded::read(arm, asked, &it.vnet).await?));
    }
    Ok(all)
}
