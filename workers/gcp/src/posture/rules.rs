//! A network's own rules: what each entry of one admits or denies.

use crate::{
    Asked,
    compute::model::{Firewall, Protocol},
    owned::owner_of,
};
use cloud::{AccessEntry, CloudError, Direction, RuleView, Source, Traffic};
use domain::{
    network::{ExposedBy, InboundRule},
    text::{CloudNetwork, FirewallRule},
};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// A protocol and a span of ports; each absent for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) protocol: Option<String>,
    pub(crate) ports: Option<(u16, u16)>,
    /// What is written there, if it is understood.
    pub(crate) is_read: bool,
}

impl Entry {
    pub(crate) fn of(protocol: &str, ports: Option<&str>) -> Self {
        let span = ports.map(span);
        Self {
            protocol: named(protocol),
            ports: span.flatten(),
            is_read: span != Some(None),
        }
    }

    /// The same as a rule has it.
    pub(crate) fn protocol(&self) -> Protocol {
        let ports = self.ports.map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        });
        Protocol {
            protocol: self.protocol.clone().unwrap_or_else(|| "all".to_owned()),
            ports: ports.into_iter().collect(),
        }
    }
}

/// The entries of a rule, one for each protocol and span of ports.
pub(crate) fn entries(protocols: &[Protocol]) -> Vec<Entry> {
    let of = |it: &Protocol| {
        if it.ports.is_empty() {
            return vec![Entry::of(&it.protocol, None)];
        }
        let each = it
            .ports
            .iter()
            .map(|port| Entry::of(&it.protocol, Some(port)));
        each.collect()
    };
    protocols.iter().flat_map(of).collect()
}

/// The id of an entry: the rule's own name, where it has one entry alone.
pub(crate) fn entry_id(name: &str, entry: &Entry, of: usize) -> String {
    if of == 1 {
        return name.to_owned();
    }
    let protocol = entry.protocol.as_deref().unwrap_or("all");
    match entry.ports {
        Some((first, last)) => format!("{name}/{protocol}/{first}-{last}"),
        None => format!("{name}/{protocol}"),
    }
}

/// A protocol by its name, where it has one; `all` is none.
fn named(protocol: &str) -> Option<String> {
    let name = match protocol {
        "all" => return None,
        "1" => "icmp",
        "6" => "tcp",
        "17" => "udp",
        "132" => "sctp",
        other => other,
    };
    Some(name.to_ascii_lowercase())
}

/// `2113`, or `8000-9000`.
fn span(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let span = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (span.0 <= span.1).then_some(span)
}

/// Everywhere, for a rule that names no source.
pub(crate) fn anywhere() -> Vec<IpNet> {
    vec![IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())]
}

/// Ranges as they are written; nothing if one of them is no range.
pub(crate) fn ranges(texts: &[String]) -> Option<Vec<IpNet>> {
    texts.iter().map(|it| it.parse().ok()).collect()
}

fn is_inbound(rule: &Firewall) -> bool {
    rule.direction != "EGRESS" && !rule.disabled
}

/// Where a rule's traffic comes from; nothing where it is about the network's own machines alone,
/// which is said otherwise.
fn source(rule: &Firewall) -> Option<Source> {
    let names_machines = !rule.source_tags.is_empty() || !rule.source_service_accounts.is_empty();
    match (rule.source_ranges.as_slice(), names_machines) {
        ([], true) => None,
        ([], false) => Some(Source::Ranges(anywhere())),
        (texts, _) => {
            Some(ranges(texts).map_or_else(|| Source::Named(texts.join(",")), Source::Ranges))
        }
    }
}

fn target(rule: &Firewall) -> Option<Vec<IpNet>> {
    let written = Some(&rule.destination_ranges).filter(|it| !it.is_empty());
    written.and_then(|it| ranges(it))
}

fn traffic(source: Source, rule: &Firewall, entry: &Entry) -> Traffic {
    Traffic {
        source,
        target: target(rule),
        protocol: entry.protocol.clone(),
        ports: entry.ports,
    }
}

/// What a rule admits, entry by entry. One that is not enforced admits nothing.
pub(super) fn views(
    asked: &Asked<'_>,
    network: &CloudNetwork,
    rule: &Firewall,
) -> Result<Vec<RuleView>, CloudError> {
    if !is_inbound(rule) {
        return Ok(Vec::new());
    }
    let all = entries(&rule.allowed);
    let of_machines = || {
        let names = rule.source_tags.iter().chain(&rule.source_service_accounts);
        Source::Group {
            group: names.cloned().collect::<Vec<_>>().join(","),
            network: Some(network.clone()),
        }
    };
    let view = |entry: &Entry| {
        let source = source(rule).unwrap_or_else(of_machines);
        let admits = traffic(source, rule, entry);
        let id: FirewallRule =
            asked.name("firewall rule", &entry_id(&rule.name, entry, all.len()))?;
        Ok(RuleView {
            id,
            rule: in_our_words(rule, entry),
            text: text(&admits),
            admits,
            owner: owner_of(rule),
            what: ExposedBy::Rule,
        })
    };
    all.iter().map(view).collect()
}

/// The entry as the engine would make it, if it could: one port, from one range, to whatever
/// machine.
fn in_our_words(rule: &Firewall, entry: &Entry) -> Option<InboundRule> {
    let is_aimed = !rule.target_tags.is_empty() || !rule.target_service_accounts.is_empty();
    let names_machines = !rule.source_tags.is_empty() || !rule.source_service_accounts.is_empty();
    let [source] = rule.source_ranges.as_slice() else {
        return None;
    };
    let target = match rule.destination_ranges.as_slice() {
        [] => None,
        [one] => Some(one.parse().ok()?),
        [_, _, ..] => return None,
    };
    let (first, last) = entry.ports?;
    let is_ours = first == last && entry.protocol.as_deref() == Some("tcp");
    (is_ours && !is_aimed && !names_machines).then_some(InboundRule {
        source: source.parse().ok()?,
        port: first,
        target,
    })
}

/// What is admitted, for people.
pub(super) fn text(admits: &Traffic) -> String {
    let protocol = admits.protocol.as_deref().unwrap_or("everything");
    let ports = match admits.ports {
        None => String::new(),
        Some((first, last)) if first == last => format!(" {first}"),
        Some((first, last)) => format!(" {first} to {last}"),
    };
    let listed = |ranges: &[IpNet]| {
        let each = ranges.iter().map(ToString::to_string);
        each.collect::<Vec<_>>().join(",")
    };
    let target = admits
        .target
        .as_deref()
        .map(|it| format!(" to {}", listed(it)));
    let source = match &admits.source {
        Source::Ranges(ranges) => listed(ranges),
        Source::Group { group, .. } => group.clone(),
        Source::Named(name) => name.clone(),
    };
    format!(
        "{protocol}{ports}{} from {source}",
        target.unwrap_or_default()
    )
}

/// The entries of a rule in the list of its network.
pub(super) fn access(rule: &Firewall) -> Vec<AccessEntry> {
    let Some(source) = source(rule).filter(|_| is_inbound(rule)) else {
        return Vec::new();
    };
    let is_aimed = !rule.target_tags.is_empty() || !rule.target_service_accounts.is_empty();
    let of = |protocols: &[Protocol], allow: bool| {
        let mut all = entries(protocols);
        // A denial for some machines keeps nobody from the others, and one that is not understood
        // keeps nobody from anything.
        let denies_all =
            !is_aimed && (rule.destination_ranges.is_empty() || target(rule).is_some());
        all.retain(|it| allow || denies_all && it.is_read);
        let entry = |it: Entry| AccessEntry {
            direction: Direction::Inbound,
            priority: rule.priority,
            traffic: traffic(source.clone(), rule, &it),
            allow,
        };
        all.into_iter().map(entry).collect::<Vec<_>>()
    };
    let mut entries = of(&rule.denied, false);
    entries.extend(of(&rule.allowed, true));
    entries
}
