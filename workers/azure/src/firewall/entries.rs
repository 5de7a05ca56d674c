//! Rules as entries that are tried by priority. What a denial does not deny for certain it is not
//! taken to deny, and what an allowance may admit it is taken to admit.

use crate::arm::{model::RuleProperties, same};
use cloud::{AccessEntry, Direction, Source, Traffic};
use ipnet::IpNet;
use std::net::IpAddr;

/// Everything.
const EVERYWHERE: [&str; 2] = ["0.0.0.0/0", "::/0"];

/// Where the platform's probes come from.
const LOAD_BALANCER: &str = "168.63.129.16/32";

/// Whether the rule allows.
pub(super) fn allows(rule: &RuleProperties) -> bool {
    same(&rule.access, "Allow")
}

pub(super) fn is_inbound(rule: &RuleProperties) -> bool {
    same(&rule.direction, "Inbound")
}

/// The entries of a rule; `tagged` is what the tag `VirtualNetwork` covers. A denial that is not in
/// force yet is none, and one that is aimed at what cannot be read, or at some source ports, denies
/// nothing for certain.
pub(super) fn of(rule: &RuleProperties, tagged: &[IpNet]) -> Vec<AccessEntry> {
    let allow = allows(rule);
    let target = match target(rule) {
        Aimed::Everywhere => None,
        Aimed::At(ranges) => Some(ranges),
        Aimed::Unread if allow => None,
        Aimed::Unread => return Vec::new(),
    };
    let is_in_force = same(&rule.provisioning_state, "Succeeded");
    let is_certain = is_in_force && is_of_every_source_port(rule);
    if !allow && !is_certain {
        return Vec::new();
    }
    let direction = match is_inbound(rule) {
        true => Direction::Inbound,
        false => Direction::Outbound,
    };
    let mut entries = Vec::new();
    for source in sources(rule, tagged) {
        for ports in ports(&rule.destination_port_range, &rule.destination_port_ranges) {
            entries.push(AccessEntry {
                direction,
                priority: rule.priority,
                traffic: Traffic {
                    source: source.clone(),
                    target: target.clone(),
                    protocol: protocol(rule),
                    ports,
                },
                allow,
            });
        }
    }
    entries
}

/// One traffic that covers all that the rule admits.
pub(super) fn admitted(rule: &RuleProperties, tagged: &[IpNet]) -> Traffic {
    let all = ports(&rule.destination_port_range, &rule.destination_port_ranges);
    let target = match target(rule) {
        Aimed::At(ranges) => Some(ranges),
        Aimed::Everywhere | Aimed::Unread => None,
    };
    let mut sources = sources(rule, tagged);
    let source = match (sources.pop(), sources.is_empty()) {
        (Some(source), true) => source,
        (Some(Source::Ranges(_)), false) | (None, _) => Source::Ranges(everywhere()),
        // Ranges, and something beside them that cannot be read: it may be anything.
        (Some(named), false) => named,
    };
    Traffic {
        source,
        target,
        protocol: protocol(rule),
        ports: match all.as_slice() {
            [one] => *one,
            _ => None,
        },
    }
}

/// The rule for people, like `tcp 443 from Internet`.
pub(super) fn text(rule: &RuleProperties) -> String {
    let protocol = protocol(rule).unwrap_or_else(|| "everything".to_owned());
    let list = |one: &Option<String>, many: &[String]| words(one, many).join(",");
    let ports = list(&rule.destination_port_range, &rule.destination_port_ranges);
    let to = list(
        &rule.destination_address_prefix,
        &rule.destination_address_prefixes,
    );
    let groups = rule.source_application_security_groups.iter();
    let mut from = words(&rule.source_address_prefix, &rule.source_address_prefixes);
    from.extend(groups.map(|it| it.id.as_str()));
    let mut text = protocol;
    for (word, value) in [("", ports), ("to ", to)] {
        if !value.is_empty() && value != "*" {
            text += &format!(" {word}{value}");
        }
    }
    match from.join(",") {
        it if it.is_empty() || it == "*" => text + " from everywhere",
        it => format!("{text} from {it}"),
    }
}

fn protocol(rule: &RuleProperties) -> Option<String> {
    let any = rule.protocol.is_empty() || rule.protocol == "*";
    (!any).then(|| rule.protocol.to_ascii_lowercase())
}

fn words<'r>(one: &'r Option<String>, many: &'r [String]) -> Vec<&'r str> {
    let one = one.iter().filter(|it| !it.is_empty());
    one.chain(many).map(String::as_str).collect()
}

pub(super) fn everywhere() -> Vec<IpNet> {
    EVERYWHERE.iter().filter_map(|it| it.parse().ok()).collect()
}

/// A range, or one address.
fn range(text: &str) -> Option<IpNet> {
    let address = || Some(IpNet::from(text.parse::<IpAddr>().ok()?));
    text.parse().ok().or_else(address)
}

/// Where a rule's traffic comes from: what is told in ranges, and each thing that is named.
fn sources(rule: &RuleProperties, tagged: &[IpNet]) -> Vec<Source> {
    let (mut ranges, mut named) = (Vec::new(), Vec::new());
    for word in words(&rule.source_address_prefix, &rule.source_address_prefixes) {
        match word {
            "*" => ranges.extend(everywhere()),
            _ if same(word, "VirtualNetwork") => ranges.extend_from_slice(tagged),
            _ if same(word, "AzureLoadBalancer") => ranges.extend(range(LOAD_BALANCER)),
            _ => match range(word) {
                Some(range) => ranges.push(range),
                None => named.push(Source::Named(word.to_owned())),
            },
        }
    }
    let groups = rule.source_application_security_groups.iter();
    named.extend(groups.map(|it| Source::Named(it.id.clone())));
    let ranges = (!ranges.is_empty()).then_some(Source::Ranges(ranges));
    ranges.into_iter().chain(named).collect()
}

/// Where it goes.
enum Aimed {
    Everywhere,
    At(Vec<IpNet>),
    Unread,
}

fn target(rule: &RuleProperties) -> Aimed {
    let words = words(
        &rule.destination_address_prefix,
        &rule.destination_address_prefixes,
    );
    if words
        .iter()
        .any(|it| *it == "*" || same(it, "VirtualNetwork"))
    {
        return Aimed::Everywhere;
    }
    let ranges: Option<Vec<IpNet>> = words.iter().map(|it| range(it)).collect();
    match ranges {
        Some(ranges)
            if !ranges.is_empty() && rule.destination_application_security_groups.is_empty() =>
        {
            Aimed::At(ranges)
        }
        Some(_) | None => Aimed::Unread,
    }
}

/// The spans of ports; one that is every port if there is none, or one that cannot be read.
fn ports(one: &Option<String>, many: &[String]) -> Vec<Option<(u16, u16)>> {
    let words = words(one, many);
    let spans: Option<Vec<_>> = words.iter().map(|it| span(it)).collect();
    match spans {
        Some(spans) if !spans.is_empty() => spans,
        Some(_) | None => vec![None],
    }
}

fn span(text: &str) -> Option<Option<(u16, u16)>> {
    if text == "*" {
        return Some(None);
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let first: u16 = first.trim().parse().ok()?;
    let last: u16 = last.trim().parse().ok()?;
    Some(Some((first, last)))
}

fn is_of_every_source_port(rule: &RuleProperties) -> bool {
    let spans = ports(&rule.source_port_range, &rule.source_port_ranges);
    let words = words(&rule.source_port_range, &rule.source_port_ranges);
    let is_all = |it: &Option<(u16, u16)>| it.is_none_or(|span| span == (0, u16::MAX));
    // A denial whose ports cannot be read denies for certain only where there are none.
    let is_read = words.iter().all(|it| span(it).is_some());
    is_read && spans.iter().any(is_all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloud::{LetsIn, lets_in};

    const PEER: &str = "10.2.0.0/16";

    fn rule(access: &str, priority: u32, source: &str) -> RuleProperties {
        let any = Some("*".to_owned());
        RuleProperties {
            provisioning_state: "Succeeded".to_owned(),
            protocol: "*".to_owned(),
            access: access.to_owned(),
            direction: "Inbound".to_owned(),
            priority,
            source_address_prefix: Some(source.to_owned()),
            source_port_range: any.clone(),
            destination_address_prefix: any.clone(),
            destination_port_range: any,
            ..RuleProperties::default()
        }
    }

    fn lets(rules: &[RuleProperties]) -> LetsIn {
        let peer: Vec<IpNet> = vec![PEER.parse().unwrap()];
        let tagged: Vec<IpNet> = vec!["10.1.0.0/16".parse().unwrap(), peer[0]];
        let entries: Vec<_> = rules.iter().flat_map(|it| of(it, &tagged)).collect();
        let any = Traffic {
            source: Source::Ranges(peer.clone()),
            target: None,
            protocol: None,
            ports: None,
        };
        lets_in(&entries, &any, &peer)
    }

    fn defaults() -> Vec<RuleProperties> {
        vec![
            rule("Allow", 65000, "VirtualNetwork"),
            rule("Allow", 65001, "AzureLoadBalancer"),
            rule("Deny", 65500, "*"),
        ]
    }

    fn with(first: RuleProperties) -> Vec<RuleProperties> {
        let mut rules = defaults();
        rules.push(first);
        rules
    }

    #[test]
    fn the_default_rules_let_a_peered_network_in_and_a_denial_before_them_keeps_it_out() {
        assert_eq!(lets(&defaults()), LetsIn::Yes);
        assert_eq!(lets(&with(rule("Deny", 999, PEER))), LetsIn::No);
        assert_eq!(lets(&with(rule("Deny", 999, "VirtualNetwork"))), LetsIn::No);
        assert_eq!(lets(&with(rule("Deny", 999, "10.2.0.0/17"))), LetsIn::Yes);
    }

    #[test]
    fn a_denial_that_is_not_in_force_or_does_not_cover_all_denies_nothing_for_certain() {
        let denial = rule("Deny", 999, PEER);
        let some = |text: &str| Some(text.to_owned());
        for it in [
            RuleProperties {
                provisioning_state: "Updating".to_owned(),
                ..denial.clone()
            },
            RuleProperties {
                source_port_range: some("1024-65535"),
                ..denial.clone()
            },
            RuleProperties {
                destination_address_prefix: some("Storage"),
                ..denial.clone()
            },
            RuleProperties {
                destination_address_prefix: some("10.1.0.4"),
                ..denial.clone()
            },
            RuleProperties {
                protocol: "Tcp".to_owned(),
                ..denial.clone()
            },
            RuleProperties {
                direction: "Outbound".to_owned(),
                ..denial
            },
        ] {
            assert_eq!(lets(&with(it.clone())), LetsIn::Yes, "{it:?}");
        }
    }

    #[test]
    fn what_is_allowed_from_something_that_is_named_may_be_anybody() {
        let mut rules = with(rule("Deny", 999, PEER));
        rules.push(rule("Allow", 100, "Internet"));
        assert_eq!(lets(&rules), LetsIn::CannotTell);
    }

    #[test]
    fn a_rule_reads_as_a_line_with_its_ports_and_sources() {
        let web = RuleProperties {
            protocol: "Tcp".to_owned(),
            destination_port_range: None,
            destination_port_ranges: vec!["80".to_owned(), "443-444".to_owned()],
            ..rule("Allow", 100, "Internet")
        };
        assert_eq!(text(&web), "tcp 80,443-444 from Internet");
        assert_eq!(text(&defaults()[2]), "everything from everywhere");
    }
}
