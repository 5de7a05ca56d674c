//! What a network's firewall admits: its rules, the policies that count for it, and what is denied
//! since nothing admits it.
//!
//! Every rule that admits something is shown as one of a group: the engine's by their own, each
//! other one by itself. All of them together, in the order in which they are tried, are the list in
//! front of all subnets; what none covers is denied there, as it is by the service.
//!
//! Where a thing cannot be put in a list it is taken for what admits more: a denial that is aimed
//! at some machines alone keeps nobody from the others, and one behind a rule that hands over to
//! the next level need not be reached. Tags and service accounts of a source are the network's own,
//! and never a peer's.

mod policies;
mod rules;

pub(crate) use rules::{Entry, entries, entry_id};

use crate::{
    AT_ONCE, Asked,
    compute::{
        Compute, ComputeError, NetworkName,
        model::{EffectiveFirewalls, Firewall, Network},
    },
    owned::{Part, owner_of, part_of_name},
};
use cloud::{AccessEntry, AccessListView, CloudError, GroupView};
use domain::text::{CloudNetwork, Subnet};
use futures::{StreamExt as _, TryStreamExt as _, stream};

/// A network with all that its firewall is made of.
struct Seen {
    network: CloudNetwork,
    shown: Network,
    firewalls: Vec<Firewall>,
    effective: EffectiveFirewalls,
}

async fn look(
    compute: &Compute,
    asked: &Asked<'_>,
    of: &[CloudNetwork],
) -> Result<Vec<Seen>, CloudError> {
    let there = crate::networks::found(compute, asked, of).await?;
    if there.is_empty() {
        return Ok(Vec::new());
    }
    let all = compute.firewalls(asked.project()).await;
    let all = all.map_err(|error| asked.failed(error))?;
    let subnets = compute.subnetworks(asked.project()).await;
    let subnets = subnets.map_err(|error| asked.failed(error))?;
    let one = |(network, shown): (CloudNetwork, Network)| {
        let name = asked.network(&network);
        let is_own =
            |it: &&Firewall| NetworkName::of(&it.network, &name.project).as_ref() == Some(&name);
        let firewalls = all.iter().filter(is_own).cloned().collect();
        let regions = crate::networks::regions(&subnets, &name);
        async move {
            let mut effective = compute.effective_firewalls(&name).await?;
            for region in &regions {
                let more = compute.regional_firewalls(&name, region).await?;
                policies::add_regional(&mut effective, more, region);
            }
            Ok(Seen {
                network,
                shown,
                firewalls,
                effective,
            })
        }
    };
    let all: Vec<_> = there.into_iter().map(one).collect();
    let all = stream::iter(all).buffered(AT_ONCE);
    let all: Result<_, ComputeError> = all.try_collect().await;
    all.map_err(|error| asked.failed(error))
}

/// The groups of these networks.
pub(crate) async fn groups(
    compute: &Compute,
    asked: &Asked<'_>,
    of: &[CloudNetwork],
) -> Result<Vec<GroupView>, CloudError> {
    let mut views = Vec::new();
    for seen in look(compute, asked, of).await? {
        let held = |name: &str| {
            let holds = |it: &Firewall| part_of_name(&it.name) == Some(Part::Group(name));
            seen.firewalls.iter().any(holds)
        };
        let mut members = Vec::new();
        let first = views.len();
        for rule in &seen.firewalls {
            match part_of_name(&rule.name) {
                Some(Part::Rule(group)) if held(group) => {
                    members.push((group, rules::views(asked, &seen.network, rule)?));
                }
                Some(Part::Group(_) | Part::Rule(_)) | None => {
                    views.push(group(asked, &seen.network, rule)?);
                }
            }
        }
        for view in views.iter_mut().skip(first) {
            for (group, rules) in &mut members {
                if view.name == *group {
                    view.rules.append(rules);
                }
            }
        }
        views.extend(policies::groups(asked, &seen.network, &seen.effective)?);
    }
    Ok(views)
}

fn group(
    asked: &Asked<'_>,
    network: &CloudNetwork,
    rule: &Firewall,
) -> Result<GroupView, CloudError> {
    Ok(GroupView {
        network: network.clone(),
        group: asked.name("firewall rule", &rule.name)?,
        name: rule.name.clone(),
        belongs_to: format!("{} ({})", asked.project(), rule.name),
        owner: owner_of(rule),
        rules: rules::views(asked, network, rule)?,
    })
}

/// The list in front of each of these networks.
pub(crate) async fn access_lists(
    compute: &Compute,
    asked: &Asked<'_>,
    of: &[CloudNetwork],
) -> Result<Vec<AccessListView>, CloudError> {
    let mut lists = Vec::new();
    for seen in look(compute, asked, of).await? {
        let all: Subnet = asked.name("subnet", "*")?;
        lists.push(AccessListView {
            list: None,
            entries: in_order(asked, &seen),
            network: seen.network,
            subnets: vec![all],
            behind: None,
        });
    }
    Ok(lists)
}

/// All entries of a network, numbered in the order in which they are tried: the policies of those
/// above it, then its own rules and its own policies, which of them first it says itself, and what
/// the policies of its regions admit. Those are about some of its machines alone: each is taken to
/// admit wherever none of the others denies. What the engine admits itself is left out: somebody
/// else's rule that admits the same behind a denial lets nobody in.
fn in_order(asked: &Asked<'_>, seen: &Seen) -> Vec<AccessEntry> {
    let network = asked.network(&seen.network);
    let above = policies::entries(&seen.effective, &network, policies::Level::Above);
    let own = policies::entries(&seen.effective, &network, policies::Level::Network);
    let regional = policies::entries(&seen.effective, &network, policies::Level::Region);
    let others = seen.firewalls.iter().filter(|it| {
        let is_member = matches!(part_of_name(&it.name), Some(Part::Rule(_)));
        !(is_member && owner_of(it).is_some())
    });
    let mut of_rules: Vec<_> = others.flat_map(rules::access).collect();
    of_rules.sort_by_key(|it: &AccessEntry| (it.priority, it.allow));
    let order = seen
        .shown
        .network_firewall_policy_enforcement_order
        .as_deref();
    let (first, second) = if order == Some("BEFORE_CLASSIC_FIREWALL") {
        (own, of_rules)
    } else {
        (of_rules, own)
    };
    let all = above.into_iter().chain(first).chain(second);
    let mut all: Vec<_> = all.chain(regional).collect();
    for (number, entry) in all.iter_mut().enumerate() {
        entry.priority = u32::try_from(number).unwrap_or(u32::MAX);
    }
    all
}

#[cfg(test)]
mod tests;
