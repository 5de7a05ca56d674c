//! Network security groups: what they let in, and the rules in them that are the engine's.
//!
//! A group of the port's is the set of rules that the engine has for one peering in one VNet: a
//! denial of all that comes from the other network, and before it what is declared. It stands in
//! every network security group that the settings give the engine and that a subnet of the VNet
//! has, or an interface in a subnet that has none of those. The engine never makes a network
//! security group and never associates one.
//!
//! Packets pass the group of the subnet and that of the interface, and both have to let them in.
//! Interfaces are read only where no group of the engine's stands before their subnet: where one
//! does, what stands behind it can only deny more.

mod entries;
mod interfaces;
mod owned;
mod rules;
mod views;

pub(crate) use owned::{authorize, create, delete, rehearse, revoke, tag};
pub(crate) use views::{groups, lists};

use crate::{
    arm::{
        Arm, ResourceId,
        model::{Half, Reference, SecurityGroup, SecurityRule, Subnet, Vnet},
    },
    links::{Seen, ranges, remote_ranges},
    refusals::Asked,
};
use cloud::{AccessEntry, CloudError, CloudErrorKind, LetsIn, Source, Traffic, lets_in_through};
use domain::PeeringId;
use interfaces::Interfaces;
use ipnet::IpNet;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

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

    fn stands_before(&self, subnet: &Subnet) -> bool {
        group_of(subnet).is_some_and(|it| self.has(it))
    }
}

/// The id of a subnet's group.
fn group_of(subnet: &Subnet) -> Option<&str> {
    let group: &Reference = subnet.properties.network_security_group.as_ref()?;
    Some(&group.id)
}

/// Which interfaces are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// Those in subnets before which no group of the engine's stands: what it takes to judge.
    WhereNeeded,
    /// All: a rule of the engine's may stand where it is not needed any more.
    Everywhere,
}

/// A VNet with the network security groups of its subnets and of interfaces in them.
#[derive(Debug)]
pub(crate) struct Guarded<'a> {
    pub(crate) vnet: &'a Vnet,
    groups: BTreeMap<String, SecurityGroup>,
    interfaces: Interfaces,
}

/// What packets pass on their way to some of what is in a subnet.
#[derive(Clone, Copy, Debug)]
struct Way<'g> {
    /// The subnet's group.
    front: Option<&'g SecurityGroup>,
    /// The interface's.
    back: Option<&'g SecurityGroup>,
}

impl<'g> Way<'g> {
    fn groups(self) -> impl Iterator<Item = &'g SecurityGroup> {
        self.front.into_iter().chain(self.back)
    }
}

impl<'a> Guarded<'a> {
    /// Reads them, each once.
    async fn read(
        arm: &Arm,
        asked: &Asked<'_>,
        vnet: &'a Vnet,
        (given, look): (&Given, Look),
    ) -> Result<Self, CloudError> {
        let used = vnet.properties.subnets.iter();
        let used = used.filter(|it| it.has_interfaces());
        let is_looked_at = |it: &&Subnet| look == Look::Everywhere || !given.stands_before(it);
        let interfaces = Interfaces::read(arm, asked, used.clone().filter(is_looked_at)).await?;
        let before_subnets = vnet.properties.subnets.iter().filter_map(group_of);
        let before_interfaces = used.flat_map(|it| interfaces.groups_in(it));
        let ids: BTreeMap<_, _> = before_subnets
            .chain(before_interfaces.flatten())
            .map(|id| (id.to_ascii_lowercase(), id))
            .collect();
        let mut groups = BTreeMap::new();
        for (key, id) in ids {
            let Some(resource) = ResourceId::of("networkSecurityGroups", id) else {
                continue;
            };
            let read = arm.get::<SecurityGroup>(asked.by(), &resource).await;
            if let Some(group) = read.map_err(|error| asked.failed(error))? {
                groups.insert(key, group);
            }
        }
        Ok(Self {
            vnet,
            groups,
            interfaces,
        })
    }

    /// The ways to what is in a subnet, which differ by the interfaces' groups. Behind a group of
    /// the engine's none is looked for.
    fn ways(&self, subnet: &Subnet, given: &Given) -> Vec<Way<'_>> {
        let front = group_of(subnet).and_then(|it| self.group(it));
        if given.stands_before(subnet) {
            return vec![Way { front, back: None }];
        }
        let behind = self.interfaces.groups_in(subnet).into_iter();
        let behind = behind.map(|it| it.and_then(|id| self.group(id)));
        // A group that is not there keeps nothing out: the same as none.
        let mut seen = BTreeSet::new();
        behind
            .filter(|it| seen.insert(it.map(|it| it.id.as_str())))
            .map(|back| Way { front, back })
            .collect()
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
    given: &Given,
    asked: &Asked<'_>,
    id: &ResourceId,
    half: &Half,
) -> Result<(), CloudError> {
    let vnet = vnet_of(arm, asked, id).await?;
    let guarded = Guarded::read(arm, asked, &vnet, (given, Look::WhereNeeded)).await?;
    let peering = views::peering_of(&guarded, given, half);
    let open = open_subnets(&guarded, given, &remote_ranges(half), peering);
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

/// The subnets that would let any of these addresses in, to some of what is in them.
fn open_subnets(
    guarded: &Guarded<'_>,
    given: &Given,
    from: &[IpNet],
    peering: Option<PeeringId>,
) -> Vec<String> {
    let tagged = guarded.tagged();
    let any = Traffic {
        source: Source::Ranges(from.to_vec()),
        target: None,
        protocol: None,
        ports: None,
    };
    let entries = |group: &SecurityGroup| -> Vec<AccessEntry> {
        let others = all_rules(group).filter(|it| !rules::admits_for(it, peering));
        others
            .flat_map(|it| entries::of(&it.properties, &tagged))
            .collect()
    };
    let is_open = |way: &Way<'_>| {
        let lists: Vec<_> = way.groups().map(entries).collect();
        let lists: Vec<_> = lists.iter().map(Vec::as_slice).collect();
        from.is_empty() || lets_in_through(&lists, &any, from) != LetsIn::No
    };
    let subnets = guarded.vnet.properties.subnets.iter();
    let open = subnets.filter(|it| it.has_interfaces());
    let open = open.filter(|it| guarded.ways(it, given).iter().any(is_open));
    open.map(|it| it.name.clone()).collect()
}

/// The networks as they were read, each with its groups.
pub(crate) async fn guarded<'a>(
    arm: &Arm,
    given: &Given,
    asked: &Asked<'_>,
    seen: &'a [Seen],
) -> Result<Vec<(&'a Seen, Guarded<'a>)>, CloudError> {
    let (mut all, look) = (Vec::new(), Look::WhereNeeded);
    for it in seen {
        all.push((
            it,
            Guarded::read(arm, asked, &it.vnet, (given, look)).await?,
        ));
    }
    Ok(all)
}
