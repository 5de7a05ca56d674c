//! Security groups and lists as the port shows them.

use super::{Given, Guarded, all_rules, entries, rules};
use crate::{
    arm::model::{Half, RuleProperties, SecurityGroup, SecurityRule, Subnet},
    links::{Seen, remote_ranges},
    refusals::Asked,
};
use cloud::{
    AccessEntry, AccessListView, CloudError, Direction, GroupView, LetsIn, RuleView, Source,
    Traffic, group_name, lets_in,
};
use domain::{PeeringId, network::ExposedBy};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// The network security groups of a VNet with what they allow, one for each subnet with something
/// in it that has none before it, and the engine's rules, one group for each peering.
pub(crate) fn groups(
    asked: &Asked<'_>,
    seen: &Seen,
    guarded: &Guarded<'_>,
    given: &Given,
) -> Result<Vec<GroupView>, CloudError> {
    let tagged = guarded.tagged();
    let mut views = Vec::new();
    for group in guarded.groups.values() {
        let is_given = given.has(&group.id);
        let of = &group.properties;
        let made = of.security_rules.iter().map(|it| (it, ExposedBy::Rule));
        let defaults = of.default_security_rules.iter();
        let all = made.chain(defaults.map(|it| (it, ExposedBy::Default)));
        let others = all.filter(|(it, _)| {
            let is_ours = is_given && rules::owner(&it.name).is_some();
            let of = &it.properties;
            !is_ours && entries::is_inbound(of) && entries::allows(of)
        });
        let rules = others.map(|(it, what)| rule(asked, it, what, &tagged));
        views.push(GroupView {
            network: seen.network.clone(),
            group: asked.name("network security group", &group.id)?,
            name: group.name.clone(),
            belongs_to: format!("{} ({})", asked.tenant(), group.name),
            owner: None,
            rules: rules.collect::<Result<_, _>>()?,
        });
    }
    views.extend(unguarded(asked, seen, guarded, given)?);
    for peering in peerings(guarded, given) {
        views.extend(own(asked, seen, guarded, given, peering)?);
    }
    Ok(views)
}

fn rule(
    asked: &Asked<'_>,
    rule: &SecurityRule,
    what: ExposedBy,
    tagged: &[IpNet],
) -> Result<RuleView, CloudError> {
    let of = &rule.properties;
    Ok(RuleView {
        id: asked.name("rule", &rule.id)?,
        rule: rules::in_our_words(of),
        admits: entries::admitted(of, tagged),
        text: entries::text(of),
        owner: None,
        what,
    })
}

/// Everything, from everywhere.
fn everything() -> Traffic {
    Traffic {
        source: Source::Ranges(entries::everywhere()),
        target: None,
        protocol: None,
        ports: None,
    }
}

/// Subnets with interfaces before which no network security group stands, nor before the subnet,
/// let everything in.
fn unguarded(
    asked: &Asked<'_>,
    seen: &Seen,
    guarded: &Guarded<'_>,
    given: &Given,
) -> Result<Vec<GroupView>, CloudError> {
    let subnets = seen.vnet.properties.subnets.iter();
    let is_bare = |it: &&Subnet| {
        let ways = guarded.ways(it, given);
        it.has_interfaces() && ways.into_iter().any(|it| it.groups().next().is_none())
    };
    let bare = subnets.filter(is_bare);
    let views = bare.map(|subnet| {
        let id = format!("{}/{}", subnet.id, rules::OPEN);
        Ok(GroupView {
            network: seen.network.clone(),
            group: asked.name("subnet", &subnet.id)?,
            name: subnet.name.clone(),
            belongs_to: format!("{} ({})", asked.tenant(), subnet.name),
            owner: None,
            rules: vec![RuleView {
                id: asked.name("rule", &id)?,
                rule: None,
                admits: everything(),
                text: "everything from everywhere: the subnet has no network security group, and \
                       something in it has none of its own"
                    .to_owned(),
                owner: None,
                what: ExposedBy::Default,
            }],
        })
    });
    views.collect()
}

/// The peerings that have rules in the groups that are the engine's to write into.
fn peerings(guarded: &Guarded<'_>, given: &Given) -> BTreeSet<PeeringId> {
    let rules = guarded.given(given).flat_map(all_rules);
    let peering = |it: &SecurityRule| {
        let (peering, is_denial) = rules::owner(&it.name)?;
        (!is_denial || rules::is_denial_of(it, peering)).then_some(peering)
    };
    rules.filter_map(peering).collect()
}

/// The engine's rules for one peering. Where its denial is not in force everywhere, that shows as a
/// rule that admits all that the denial should keep out. Nothing, while a denial that was put comes
/// into force and nobody is let in yet.
fn own(
    asked: &Asked<'_>,
    seen: &Seen,
    guarded: &Guarded<'_>,
    given: &Given,
    peering: PeeringId,
) -> Result<Option<GroupView>, CloudError> {
    let name = group_name(peering);
    let group = asked.name("group", &format!("{}/{name}", seen.network))?;
    let mut owner = None;
    let mut shown: BTreeMap<&str, RuleView> = BTreeMap::new();
    for rule in guarded.given(given).flat_map(all_rules) {
        match rules::owner(&rule.name) {
            Some((of, true)) if of == peering && rules::is_denial_of(rule, peering) => {
                owner = Some(rules::owner_of(rule, peering));
            }
            Some((of, false)) if of == peering => {
                owner.get_or_insert_with(|| rules::owner_of(rule, peering));
                let of = &rule.properties;
                let id = asked.name("rule", &format!("{group}/{}", rule.name))?;
                shown.entry(&rule.name).or_insert_with(|| RuleView {
                    id,
                    rule: rules::in_our_words(of),
                    admits: entries::admitted(of, &[]),
                    text: entries::text(of),
                    owner: Some(rules::owner_of(rule, peering)),
                    what: ExposedBy::Rule,
                });
            }
            Some(_) | None => {}
        }
    }
    let mut rules: Vec<_> = shown.into_values().collect();
    let link = link_told(guarded, given, peering);
    let from = others(guarded, peering, link.as_deref());
    let (mut open, mut is_coming) = (Vec::new(), false);
    for group in guarded.given(given).filter(|_| !from.is_empty()) {
        match denial(group, peering, &from) {
            Denial::InForce => {}
            Denial::Coming => is_coming = true,
            Denial::Missing => open.push(group.name.as_str()),
        }
    }
    let is_shut = !halves(guarded, peering, link.as_deref()).any(lets_through);
    if is_coming && open.is_empty() && is_shut {
        return Ok(None);
    }
    if !open.is_empty() {
        rules.push(RuleView {
            id: asked.name("rule", &format!("{group}/{}", rules::OPEN))?,
            rule: None,
            admits: Traffic {
                source: Source::Ranges(from),
                ..everything()
            },
            text: format!("everything: no denial in {}", open.join(", ")),
            // It stands for a rule of the engine's.
            owner,
            what: ExposedBy::Default,
        });
    }
    Ok(Some(GroupView {
        network: seen.network.clone(),
        group,
        name,
        belongs_to: format!("{} ({})", asked.tenant(), seen.id.name()),
        owner,
        rules,
    }))
}

/// Whether the half has a name of this peering's.
fn is_named_after(half: &Half, peering: PeeringId) -> bool {
    let name = half.name.parse().ok();
    let owner = name.as_ref().and_then(cloud::owner_by_name);
    owner.is_some_and(|it| it.peering == peering)
}

/// The link of somebody else's that the peering has, as its rules tell it.
pub(super) fn link_told(
    guarded: &Guarded<'_>,
    given: &Given,
    peering: PeeringId,
) -> Option<String> {
    let rules = guarded.given(given).flat_map(all_rules);
    let told = rules.filter_map(rules::Told::by);
    told.filter(|it| it.owner.peering == peering)
        .find_map(|it| it.link)
}

/// The peering that a half belongs to: by its name, or as the engine's rules tell it.
pub(super) fn peering_of(guarded: &Guarded<'_>, given: &Given, half: &Half) -> Option<PeeringId> {
    let name = half.name.parse().ok();
    let by_name = name.as_ref().and_then(cloud::owner_by_name);
    let digest = rules::digest_of(&half.name);
    let by_rules = || {
        let rules = guarded.given(given).flat_map(all_rules);
        let ours = rules.filter(|it| rules::owner(&it.name).is_some());
        let mut told = ours.filter_map(rules::Told::by);
        told.find(|it| it.link.as_ref() == Some(&digest))
    };
    by_name
        .map(|it| it.peering)
        .or_else(|| by_rules().map(|it| it.owner.peering))
}

/// The halves of this peering in the VNet; `link` is the digest of one that somebody else made.
fn halves<'g>(
    guarded: &Guarded<'g>,
    peering: PeeringId,
    link: Option<&str>,
) -> impl Iterator<Item = &'g Half> {
    let halves = guarded.vnet.properties.virtual_network_peerings.iter();
    halves.filter(move |half| {
        is_named_after(half, peering)
            || link.is_some_and(|link| rules::digest_of(&half.name) == link)
    })
}

fn lets_through(half: &Half) -> bool {
    let of = &half.properties;
    of.flags.allow_virtual_network_access && of.peering_state != "Disconnected"
}

/// Whether a half of this peering is open that the engine made: one of somebody else's is what they
/// make of it.
pub(super) fn is_open(guarded: &Guarded<'_>, peering: PeeringId) -> bool {
    halves(guarded, peering, None).any(lets_through)
}

/// The ranges on the other side of this peering's halves.
pub(super) fn others(guarded: &Guarded<'_>, peering: PeeringId, link: Option<&str>) -> Vec<IpNet> {
    let all = halves(guarded, peering, link).flat_map(remote_ranges);
    all.collect::<BTreeSet<IpNet>>().into_iter().collect()
}

/// Where the denial of a peering is in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denial {
    InForce,
    /// It was put, and is not in force yet.
    Coming,
    Missing,
}

/// Whether the peering's denial is in force in this group, for all of these ranges.
pub(super) fn denial(group: &SecurityGroup, peering: PeeringId, from: &[IpNet]) -> Denial {
    let mut rules = group.properties.security_rules.iter();
    let Some(rule) = rules.find(|it| rules::owner(&it.name) == Some((peering, true))) else {
        return Denial::Missing;
    };
    if denies(&rule.properties, from) {
        return Denial::InForce;
    }
    let in_force = RuleProperties {
        provisioning_state: "Succeeded".to_owned(),
        ..rule.properties.clone()
    };
    let is_put = ["Updating", "Creating"].contains(&rule.properties.provisioning_state.as_str());
    match is_put && denies(&in_force, from) {
        true => Denial::Coming,
        false => Denial::Missing,
    }
}

fn denies(rule: &RuleProperties, from: &[IpNet]) -> bool {
    let mut entries = entries::of(rule, &[]);
    entries.push(admits_all());
    let any = Traffic {
        source: Source::Ranges(from.to_vec()),
        ..everything()
    };
    lets_in(&entries, &any, from) == LetsIn::No
}

/// What stands where nothing denies.
fn admits_all() -> AccessEntry {
    AccessEntry {
        direction: Direction::Inbound,
        priority: u32::MAX,
        traffic: everything(),
        allow: true,
    }
}

/// What stands before each subnet with interfaces and before those, default rules and all, but for
/// what the engine admits itself: somebody else's rule that admits the same behind a denial lets
/// nobody in.
pub(crate) fn lists(
    asked: &Asked<'_>,
    seen: &Seen,
    guarded: &Guarded<'_>,
    given: &Given,
) -> Result<Vec<AccessListView>, CloudError> {
    let tagged = guarded.tagged();
    let entries = |group: &SecurityGroup| -> Vec<AccessEntry> {
        let admits = |it: &&SecurityRule| matches!(rules::owner(&it.name), Some((_, false)));
        let is_given = given.has(&group.id);
        let others = all_rules(group).filter(|it| !(is_given && admits(it)));
        others
            .flat_map(|it| entries::of(&it.properties, &tagged))
            .collect()
    };
    let mut views = Vec::new();
    let subnets = seen.vnet.properties.subnets.iter();
    for subnet in subnets.filter(|it| it.has_interfaces()) {
        for way in guarded.ways(subnet, given) {
            views.push(AccessListView {
                list: None,
                network: seen.network.clone(),
                subnets: vec![asked.name("subnet", &subnet.id)?],
                entries: way.front.map_or_else(|| vec![admits_all()], &entries),
                behind: way.back.map(&entries),
            });
        }
    }
    Ok(views)
}
