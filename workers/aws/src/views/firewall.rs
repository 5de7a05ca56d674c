//! Security groups with their rules, and network ACLs.

use super::{
    super::{NAME_TAG, refusals::Asked},
    home, owner,
};
use crate::ec2::{
    IpNet, NetworkAcl, NetworkAclEntry, PrefixListId, RuleSource, SecurityGroup, SecurityGroupId,
    SecurityGroupRule, VpcId,
};
use cloud::{
    AccessEntry, AccessListView, CloudError, Direction, GroupView, RuleView, Source, Traffic,
};
use domain::network::{ExposedBy, InboundRule};
use ipnet::{Ipv4Net, Ipv6Net};
use std::collections::{BTreeMap, BTreeSet};

/// EC2's word for every protocol.
pub(in super::super) const EVERY_PROTOCOL: &str = "-1";

/// The blocks of the prefix lists that rules name, as far as they can be read.
pub(in super::super) type Lists = BTreeMap<PrefixListId, Vec<IpNet>>;

/// The VPCs of the groups that rules name, as far as they are known.
pub(in super::super) type Homes = BTreeMap<SecurityGroupId, VpcId>;

/// The groups that inbound rules name and whose VPC is told neither by the rule nor by the groups
/// that were found.
pub(in super::super) fn homeless(
    found: &[SecurityGroup],
    rules: &[SecurityGroupRule],
) -> BTreeSet<SecurityGroupId> {
    let inbound = rules.iter().filter(|rule| !rule.egress);
    let named = inbound.filter_map(|rule| match &rule.source {
        RuleSource::Group {
            group, vpc: None, ..
        } => Some(group),
        RuleSource::Group { .. }
        | RuleSource::Cidr(_)
        | RuleSource::PrefixList(_)
        | RuleSource::Other(_) => None,
    });
    named
        .filter(|id| !found.iter().any(|group| group.id == **id))
        .cloned()
        .collect()
}

/// The VPCs of these groups.
pub(in super::super) fn homes(found: &[SecurityGroup]) -> Homes {
    let homes = found
        .iter()
        .filter_map(|group| Some((group.id.clone(), group.vpc.clone()?)));
    homes.collect()
}

/// The lists that inbound rules name.
pub(in super::super) fn named_lists(rules: &[SecurityGroupRule]) -> BTreeSet<&PrefixListId> {
    let sources = rules
        .iter()
        .filter(|rule| !rule.egress)
        .map(|rule| &rule.source);
    sources
        .filter_map(|source| {
            if let RuleSource::PrefixList(list) = source {
                Some(list)
            } else {
                None
            }
        })
        .collect()
}

/// The groups, each with those of the rules that are its own and inbound.
pub(in super::super) fn groups(
    asked: &Asked<'_>,
    found: &[SecurityGroup],
    rules: &[SecurityGroupRule],
    lists: &Lists,
    homes: &Homes,
) -> Result<Vec<GroupView>, CloudError> {
    let inbound = |group: &SecurityGroup| -> Result<Vec<RuleView>, CloudError> {
        let own = rules
            .iter()
            .filter(|rule| !rule.egress && rule.group.as_ref() == Some(&group.id));
        own.map(|found| rule(asked, found, lists, homes)).collect()
    };
    let view = |found: &SecurityGroup| {
        let name = found.tags.get(NAME_TAG).unwrap_or(&found.name);
        Ok(GroupView {
            network: home(asked, found.vpc.as_ref())?,
            group: asked.name("security group", found.id.as_str())?,
            name: found.name.clone(),
            belongs_to: format!("{} ({name})", found.account),
            owner: owner(&found.tags),
            rules: inbound(found)?,
        })
    };
    found.iter().map(view).collect()
}

fn rule(
    asked: &Asked<'_>,
    found: &SecurityGroupRule,
    lists: &Lists,
    homes: &Homes,
) -> Result<RuleView, CloudError> {
    let source = match &found.source {
        RuleSource::Cidr(cidr) => Source::Ranges(vec![*cidr]),
        RuleSource::PrefixList(list) => lists
            .get(list)
            .cloned()
            .map_or_else(|| Source::Named(list.to_string()), Source::Ranges),
        RuleSource::Group { group, vpc, .. } => Source::Group {
            group: group.to_string(),
            network: vpc
                .as_ref()
                .or_else(|| homes.get(group))
                .map(|vpc| asked.name("VPC", vpc.as_str()))
                .transpose()?,
        },
        RuleSource::Other(other) => Source::Named(other.clone()),
    };
    let admits = traffic(source, &found.protocol, found.ports);
    Ok(RuleView {
        id: asked.name("security group rule", found.id.as_str())?,
        rule: in_our_words(asked, found, &admits),
        text: text(&admits, &found.source),
        admits,
        owner: owner(&found.tags),
        what: ExposedBy::Rule,
    })
}

/// The list with its entries, of both directions.
pub(in super::super) fn access_list(
    asked: &Asked<'_>,
    found: &NetworkAcl,
) -> Result<AccessListView, CloudError> {
    let entry = |found: &NetworkAclEntry| AccessEntry {
        direction: if found.egress {
            Direction::Outbound
        } else {
            Direction::Inbound
        },
        priority: u32::try_from(found.rule_number).unwrap_or(u32::MAX),
        traffic: if found.egress {
            let from_anywhere = [IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())];
            Traffic {
                target: Some(vec![found.cidr]),
                ..traffic(
                    Source::Ranges(from_anywhere.to_vec()),
                    &found.protocol,
                    found.ports,
                )
            }
        } else {
            traffic(
                Source::Ranges(vec![found.cidr]),
                &found.protocol,
                found.ports,
            )
        },
        allow: found.allow,
    };
    Ok(AccessListView {
        network: home(asked, found.vpc.as_ref())?,
        list: Some(asked.name("network ACL", found.id.as_str())?),
        subnets: found
            .subnets
            .iter()
            .map(|subnet| asked.name("subnet", subnet.as_str()))
            .collect::<Result<_, _>>()?,
        entries: found.entries.iter().map(entry).collect(),
        behind: None,
    })
}

fn traffic(source: Source, protocol: &str, ports: Option<(i32, i32)>) -> Traffic {
    let protocol = protocol_name(protocol);
    let port = |number: i32| u16::try_from(number).ok();
    let has_ports = protocol
        .as_deref()
        .is_some_and(|name| matches!(name, "tcp" | "udp"));
    let ports = ports
        .filter(|_| has_ports)
        .and_then(|(first, last)| port(first).zip(port(last)));
    Traffic {
        source,
        protocol,
        ports,
        target: None,
    }
}

/// Security groups name these protocols and network ACLs number them (IANA).
fn protocol_name(found: &str) -> Option<String> {
    let name = match found {
        EVERY_PROTOCOL => return None,
        "1" => "icmp",
        "6" => "tcp",
        "17" => "udp",
        "58" => "icmpv6",
        other => other,
    };
    Some(name.to_owned())
}

/// The rule in our words, if we could have made it: TCP, one port, one range that may be peered or
/// one group.
fn in_our_words(
    asked: &Asked<'_>,
    found: &SecurityGroupRule,
    admits: &Traffic,
) -> Option<InboundRule> {
    let source = match &found.source {
        RuleSource::Cidr(cidr) => cidr.to_string(),
        RuleSource::Group { group, account, .. } => {
            let account = account.as_deref().unwrap_or(asked.account());
            format!("{account}/{group}")
        }
        RuleSource::PrefixList(_) | RuleSource::Other(_) => return None,
    };
    let source = source.parse().ok()?;
    let (first, last) = admits.ports?;
    (first == last && admits.protocol.as_deref() == Some("tcp")).then_some(InboundRule {
        source,
        port: first,
        target: None,
    })
}

fn text(admits: &Traffic, source: &RuleSource) -> String {
    let protocol = admits.protocol.as_deref().unwrap_or("everything");
    let ports = match admits.ports {
        None => String::new(),
        Some((first, last)) if first == last => format!(" {first}"),
        Some((first, last)) => format!(" {first} to {last}"),
    };
    let source = match source {
        RuleSource::Cidr(cidr) => cidr.to_string(),
        RuleSource::Group { group, .. } => group.to_string(),
        RuleSource::PrefixList(list) => list.to_string(),
        RuleSource::Other(other) => other.clone(),
    };
    format!("{protocol}{ports} from {source}")
}
