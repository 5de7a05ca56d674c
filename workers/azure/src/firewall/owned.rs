//! Writes the engine's own rules, and no others: a name that the engine gives is looked for before
//! anything is put, and every change of a group is waited for before the next one there.

use super::{Given, Guarded, Look, all_rules, rules, rules::Told, views, views::Denial, vnet_of};
use crate::{
    arm::{
        Arm, Failure, ResourceId,
        model::{RuleProperties, SecurityGroup, SecurityRule},
    },
    managers,
    refusals::Asked,
};
use cloud::{
    AccountRegion, CloudError, CloudErrorKind, FirewallPart, NetworkRef, Operation, Owner,
    Rehearsed,
};
use domain::{
    PeeringId,
    network::InboundRule,
    text::{FirewallGroup, FirewallRule, Link},
};
use std::collections::BTreeSet;

/// Puts the peering's denial into every group that is the engine's to write into. `link` is one
/// that somebody else made.
pub(crate) async fn create(
    (arm, given): (&Arm, &Given),
    network: &NetworkRef,
    owner: Owner,
    link: Option<&Link>,
) -> Result<FirewallGroup, CloudError> {
    let asked = Asked::of(Operation::CreateGroup, &network.at);
    let id = asked.vnet(&network.network)?;
    let vnet = vnet_of(arm, &asked, &id).await?;
    let guarded = Guarded::read(arm, &asked, &vnet, (given, Look::WhereNeeded)).await?;
    let link = link.map(|it| rules::digest_of(it.as_str()));
    let told = Told { owner, link };
    let put = put_denials(arm, &asked, given, (&id, &guarded), &told).await?;
    let group = rules::group_id(network.network.as_str(), owner.peering)
        .ok_or_else(|| asked.missing(network.network.as_str()))?;
    if put == 0 {
        let message = format!("`{group}` is there already");
        return Err(asked.error(CloudErrorKind::AlreadyThere).message(message));
    }
    Ok(group)
}

/// Whether there is a group that the denial could be put into; and if there is, what is to be known
/// of the network besides.
pub(crate) async fn rehearse(
    arm: &Arm,
    given: &Given,
    network: &NetworkRef,
) -> Result<Rehearsed, CloudError> {
    let asked = Asked::of(Operation::Rehearse, &network.at);
    let id = asked.vnet(&network.network)?;
    let vnet = vnet_of(arm, &asked, &id).await?;
    let guarded = Guarded::read(arm, &asked, &vnet, (given, Look::WhereNeeded)).await?;
    if guarded.given(given).next().is_none() {
        return Ok(Rehearsed::NowhereToWrite {
            message: nowhere(&id),
        });
    }
    let found = managers::findings(arm, &asked, network).await?;
    Ok(match found.is_empty() {
        true => Rehearsed::NotAvailable,
        false => Rehearsed::ToBeKnown {
            message: found.join("; "),
        },
    })
}

fn nowhere(id: &ResourceId) -> String {
    format!(
        "no subnet of {id}, and no interface in one, has a network security group that the engine \
         may write into; associate one, and name it under cloud.azure.security_groups"
    )
}

/// Puts the denial where it is not in force, and says how many were put.
async fn put_denials(
    arm: &Arm,
    asked: &Asked<'_>,
    given: &Given,
    (id, guarded): (&ResourceId, &Guarded<'_>),
    told: &Told,
) -> Result<usize, CloudError> {
    let owner = told.owner;
    let from = views::others(guarded, owner.peering, told.link.as_deref());
    if from.is_empty() {
        let message = "no half of this peering tells the ranges that are to be kept out";
        return Err(asked.error(CloudErrorKind::Precondition).message(message));
    }
    let groups: Vec<_> = guarded.given(given).collect();
    if groups.is_empty() {
        return Err(asked
            .error(CloudErrorKind::Precondition)
            .message(nowhere(id)));
    }
    let name = rules::denial(owner.peering);
    let is_taken = |it: &&&SecurityGroup| {
        existing(it, &name).is_some_and(|rule| !rules::is_denial_of(rule, owner.peering))
    };
    if let Some(taken) = groups.iter().find(is_taken) {
        let message = format!(
            "{} has a rule `{name}` that the engine did not make",
            taken.id
        );
        return Err(asked.error(CloudErrorKind::Conflict).message(message));
    }
    let mut put = 0;
    for group in groups {
        if views::denial(group, owner.peering, &from) != Denial::Missing {
            continue;
        }
        let priority = match existing(group, &name) {
            Some(rule) => rule.properties.priority,
            None => free(asked, given, group, Place::Last)?,
        };
        let says = rules::deny(&from, priority, told);
        put_rule(arm, asked, group, &name, says).await?;
        put += 1;
    }
    Ok(put)
}

/// Removes a peering's rules, the denial last, and not while a half that it guards is open.
pub(crate) async fn delete(
    arm: &Arm,
    given: &Given,
    at: &AccountRegion,
    group: &FirewallGroup,
) -> Result<(), CloudError> {
    let asked = Asked::of(Operation::DeleteGroup, at);
    let (id, peering) = rules::read_group(group).ok_or_else(|| asked.missing(group.as_str()))?;
    let vnet = vnet_of(arm, &asked, &id).await?;
    let guarded = Guarded::read(arm, &asked, &vnet, (given, Look::Everywhere)).await?;
    if views::is_open(&guarded, peering) {
        let message = format!("`{group}` guards a half that is open");
        return Err(asked.error(CloudErrorKind::InUse).message(message));
    }
    let (mut admissions, mut denials) = (BTreeSet::new(), BTreeSet::new());
    for rule in guarded.given(given).flat_map(all_rules) {
        match rules::owner(&rule.name) {
            Some((of, false)) if of == peering => drop(admissions.insert(rule.name.clone())),
            Some((of, true)) if of == peering && rules::is_denial_of(rule, peering) => {
                let _ = denials.insert(rule.name.clone());
            }
            Some(_) | None => {}
        }
    }
    let mut removed = 0;
    for name in admissions.iter().chain(&denials) {
        removed += remove_everywhere(arm, &asked, given, &guarded, name).await?;
    }
    match removed {
        0 => Err(asked.missing(group.as_str())),
        _ => Ok(()),
    }
}

/// Admits one port in every group that is the engine's to write into.
pub(crate) async fn authorize(
    arm: &Arm,
    given: &Given,
    at: &AccountRegion,
    group: &FirewallGroup,
    (rule, owner): (InboundRule, Owner),
) -> Result<FirewallRule, CloudError> {
    let asked = Asked::of(Operation::AuthorizeRule, at);
    let (id, peering) = rules::read_group(group).ok_or_else(|| asked.missing(group.as_str()))?;
    let vnet = vnet_of(arm, &asked, &id).await?;
    let guarded = Guarded::read(arm, &asked, &vnet, (given, Look::WhereNeeded)).await?;
    let name = rules::admission(peering, rule);
    let link = views::link_told(&guarded, given, peering);
    let told = Told { owner, link };
    let (mut put, mut groups) = (0, 0);
    for into in guarded.given(given).filter(|it| is_made(it, peering)) {
        groups += 1;
        if existing(into, &name).is_none() {
            let priority = free(&asked, given, into, Place::First)?;
            let says = rules::admit(rule, priority, &told);
            put_rule(arm, &asked, into, &name, says).await?;
            put += 1;
        }
    }
    let made = rules::rule_id(group, &name).filter(|_| groups > 0);
    let made = made.ok_or_else(|| asked.missing(group.as_str()))?;
    match put {
        0 => {
            let message = format!("`{made}` is there already");
            Err(asked.error(CloudErrorKind::AlreadyThere).message(message))
        }
        _ => Ok(made),
    }
}

/// Whether the peering has its denial in this group: nothing is admitted where it has none.
fn is_made(group: &SecurityGroup, peering: PeeringId) -> bool {
    let made = existing(group, &rules::denial(peering));
    made.is_some_and(|it| rules::is_denial_of(it, peering))
}

/// Removes one rule: of the engine's everywhere, of somebody else's the one that is named. What
/// stands for a missing denial is removed by putting it.
pub(crate) async fn revoke(
    arm: &Arm,
    given: &Given,
    at: &AccountRegion,
    group: &FirewallGroup,
    rule: &FirewallRule,
) -> Result<(), CloudError> {
    let asked = Asked::of(Operation::RevokeRule, at);
    let Some((id, peering)) = rules::read_group(group) else {
        return revoke_others(arm, &asked, group, rule).await;
    };
    let name = rule.as_str().rsplit('/').next().unwrap_or_default();
    let vnet = vnet_of(arm, &asked, &id).await?;
    let guarded = Guarded::read(arm, &asked, &vnet, (given, Look::Everywhere)).await?;
    if name == rules::OPEN {
        let told = Told {
            owner: owner_there(&guarded, given, peering),
            link: views::link_told(&guarded, given, peering),
        };
        let put = put_denials(arm, &asked, given, (&id, &guarded), &told).await?;
        return match put {
            0 => Err(asked.missing(rule.as_str())),
            _ => Ok(()),
        };
    }
    let is_ours = rules::owner(name) == Some((peering, false));
    let removed = match is_ours {
        true => remove_everywhere(arm, &asked, given, &guarded, name).await?,
        false => 0,
    };
    match removed {
        0 => Err(asked.missing(rule.as_str())),
        _ => Ok(()),
    }
}

/// The owner that is told by what is there of the peering's rules.
fn owner_there(guarded: &Guarded<'_>, given: &Given, peering: PeeringId) -> Owner {
    let mut rules = guarded.given(given).flat_map(all_rules);
    let one = rules.find(|it| rules::owner(&it.name).is_some_and(|(of, _)| of == peering));
    one.map_or(Owner::before_networks(peering), |it| {
        rules::owner_of(it, peering)
    })
}

async fn revoke_others(
    arm: &Arm,
    asked: &Asked<'_>,
    group: &FirewallGroup,
    rule: &FirewallRule,
) -> Result<(), CloudError> {
    let nsg = ResourceId::of("networkSecurityGroups", group.as_str())
        .ok_or_else(|| asked.missing(group.as_str()))?;
    let name = rule.as_str().rsplit('/').next().unwrap_or_default();
    let own = nsg.child("securityRules", name);
    let Some(own) = own.filter(|it| it.is(rule.as_str())) else {
        let message = format!("`{rule}` is a default rule, and cannot be removed: deny it");
        return Err(asked.error(CloudErrorKind::Precondition).message(message));
    };
    match remove_rule(arm, asked, &own).await? {
        true => Ok(()),
        false => Err(asked.missing(rule.as_str())),
    }
}

/// Says in the descriptions of a peering's rules whose they are.
pub(crate) async fn tag(
    arm: &Arm,
    given: &Given,
    at: &AccountRegion,
    part: &FirewallPart,
    owner: Owner,
) -> Result<(), CloudError> {
    let asked = Asked::of(Operation::TagFirewall, at);
    let (FirewallPart::Group(group) | FirewallPart::Rule { group, .. }) = part;
    let (id, peering) = rules::read_group(group).ok_or_else(|| asked.missing(group.as_str()))?;
    let name = match part {
        FirewallPart::Group(_) => rules::denial(peering),
        FirewallPart::Rule { rule, .. } => {
            let last = rule.as_str().rsplit('/').next();
            last.unwrap_or_default().to_owned()
        }
    };
    let vnet = vnet_of(arm, &asked, &id).await?;
    let guarded = Guarded::read(arm, &asked, &vnet, (given, Look::WhereNeeded)).await?;
    let is_ours = rules::owner(&name).is_some_and(|(of, _)| of == peering);
    let link = views::link_told(&guarded, given, peering);
    let mut found = false;
    for group in guarded.given(given).filter(|_| is_ours) {
        let Some(rule) = existing(group, &name) else {
            continue;
        };
        found = true;
        let link = link.clone();
        let description = Some(Told { owner, link }.to_string());
        if rule.properties.description != description {
            let says = RuleProperties {
                description,
                ..rule.properties.clone()
            };
            put_rule(arm, &asked, group, &name, says).await?;
        }
    }
    match found {
        true => Ok(()),
        false => Err(asked.missing(part.id())),
    }
}

fn existing<'g>(group: &'g SecurityGroup, name: &str) -> Option<&'g SecurityRule> {
    let mut rules = group.properties.security_rules.iter();
    rules.find(|it| it.name.eq_ignore_ascii_case(name))
}

/// Where in the band a rule stands.
enum Place {
    First,
    Last,
}

/// A priority of the band that no inbound rule has: admissions come first, denials last.
fn free(
    asked: &Asked<'_>,
    given: &Given,
    group: &SecurityGroup,
    place: Place,
) -> Result<u32, CloudError> {
    let rules = group.properties.security_rules.iter();
    let taken: BTreeSet<u32> = rules
        .filter(|it| super::entries::is_inbound(&it.properties))
        .map(|it| it.properties.priority)
        .collect();
    let mut band = given.priorities.clone().map(u32::from);
    let free = |it: &u32| !taken.contains(it);
    let found = match place {
        Place::First => band.find(free),
        Place::Last => band.rev().find(free),
    };
    found.ok_or_else(|| {
        let (first, last) = (given.priorities.start(), given.priorities.end());
        let message = format!(
            "no priority from {first} to {last} is free in {}",
            group.name
        );
        asked.error(CloudErrorKind::Quota).message(message)
    })
}

async fn put_rule(
    arm: &Arm,
    asked: &Asked<'_>,
    group: &SecurityGroup,
    name: &str,
    properties: RuleProperties,
) -> Result<(), CloudError> {
    let id = rule_of(asked, group, name)?;
    let body = SecurityRule {
        id: String::new(),
        name: name.to_owned(),
        properties,
    };
    let put = async {
        let began = arm.put(asked.by(), &id, "", &body).await?;
        arm.settle(asked.by(), began).await
    };
    put.await.map_err(|mut error| {
        // Somebody took the priority in between: the next try takes another.
        if error.failure == Failure::Conflict {
            error.failure = Failure::Busy;
        }
        asked.failed(error)
    })
}

/// Removes the rule from each group that has it, and says from how many.
async fn remove_everywhere(
    arm: &Arm,
    asked: &Asked<'_>,
    given: &Given,
    guarded: &Guarded<'_>,
    name: &str,
) -> Result<usize, CloudError> {
    let mut removed = 0;
    for group in guarded.given(given) {
        if existing(group, name).is_some() {
            let id = rule_of(asked, group, name)?;
            removed += usize::from(remove_rule(arm, asked, &id).await?);
        }
    }
    Ok(removed)
}

async fn remove_rule(arm: &Arm, asked: &Asked<'_>, id: &ResourceId) -> Result<bool, CloudError> {
    let remove = async {
        match arm.delete(asked.by(), id).await? {
            Some(began) => arm.settle(asked.by(), began).await.map(|()| true),
            None => Ok(false),
        }
    };
    remove.await.map_err(|error| asked.failed(error))
}

fn rule_of(asked: &Asked<'_>, group: &SecurityGroup, name: &str) -> Result<ResourceId, CloudError> {
    let id = ResourceId::of("networkSecurityGroups", &group.id);
    let id = id.and_then(|it| it.child("securityRules", name));
    id.ok_or_else(|| asked.missing(name))
}
