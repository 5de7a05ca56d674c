//! What sentences are put together from: names of sides and things, lists that stay short, times
//! that people read.

use chrono::{DateTime, Utc};
use domain::{
    Range, Side,
    network::{
        AcceptedBy, AttachTo, DriftKind, Evidence, InboundRule, Leftover, NetworkQuotasSeen,
        OrphanThing, QuarantineScope, Thing, Where,
    },
};

/// How many things a list names before it counts the rest.
const NAMED: usize = 2;

/// A sentence that is longer is cut.
pub(super) const WIDTH: usize = 98;

/// A side, in the middle of a sentence.
pub(super) fn side(side: Side) -> &'static str {
    match side {
        Side::Local => "the local side",
        Side::Remote => "the remote side",
    }
}

/// A time to the minute, as people write it.
pub(super) fn until(time: DateTime<Utc>) -> String {
    time.format("%-d %b %Y %H:%MZ").to_string()
}

/// The first of them, and how many more there are.
pub(super) fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let all: Vec<_> = items.into_iter().map(|it| it.to_string()).collect();
    match &*all {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [one, other] => format!("{one} and {other}"),
        more => {
            let named = more.get(..NAMED).unwrap_or_default().join(", ");
            format!("{named} and {} more", more.len() - NAMED)
        }
    }
}

/// So many of these.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {many}")
    }
}

pub(super) fn quotas(it: &NetworkQuotasSeen) -> String {
    let told = it.quotas;
    let all = [
        (told.links, "links"),
        (told.pending_links, "links that wait"),
        (told.routes, "routes of a table"),
        (told.rules, "rules of a firewall group"),
        (told.groups_of_interface, "firewall groups of an interface"),
    ];
    let all = all.into_iter();
    let told = all.filter_map(|(most, what)| Some(format!("{} {what}", most?)));
    let (account, region) = (&it.account, &it.region);
    format!(
        "saw that account {account} in {region} allows {}",
        list(told)
    )
}

pub(super) fn rule(rule: &InboundRule) -> String {
    match rule.target {
        None => format!("TCP {} from {}", rule.port, rule.source),
        Some(target) => format!("TCP {} to {target} from {}", rule.port, rule.source),
    }
}

pub(super) fn rules(rules: &[InboundRule]) -> String {
    list(rules.iter().map(rule))
}

/// What an ingress lets in, like `TCP 5432 of 10.30.7.0/24 to 10.20.0.0/16`.
pub(super) fn ingress<'a>(
    target: Range,
    rules: impl Iterator<Item = &'a InboundRule> + Clone,
) -> String {
    let port = rules
        .clone()
        .next()
        .map(|it| format!("TCP {} of ", it.port));
    let sources = list(rules.map(|it| it.source));
    format!("{}{target} to {sources}", port.unwrap_or_default())
}

pub(super) fn ranges(ranges: &[Range]) -> String {
    list(ranges)
}

pub(super) fn at(place: &Where) -> String {
    match place {
        Where::Table(table) => table.to_string(),
        Where::Exchange => "the exchange of routes".to_owned(),
    }
}

/// The first of them, and how many more there are: each is long.
pub(super) fn things(things: &[Thing]) -> String {
    match things {
        [] => "nothing".to_owned(),
        [one] => thing(one),
        [one, more @ ..] => format!("{} and {} more", thing(one), more.len()),
    }
}

pub(super) fn thing(thing: &Thing) -> String {
    match thing {
        Thing::Route {
            at: place,
            destination,
        } => format!("a route to {destination} in {}", at(place)),
        Thing::Group => "a firewall group".to_owned(),
        Thing::Rule {
            source,
            port,
            target,
        } => format!(
            "a rule for {}",
            rule(&InboundRule {
                source: *source,
                port: *port,
                target: *target,
            })
        ),
        Thing::Attachment { interface } => format!("an attachment to {interface}"),
        Thing::Denial { denial } => format!("denial {} in {}", denial.number, denial.list),
        Thing::Option { option } => option.title().to_owned(),
    }
}

pub(super) fn attached(to: &AttachTo) -> String {
    match to {
        AttachTo::Interfaces { interfaces } => list(interfaces),
        AttachTo::Tag {
            key,
            value,
            followed,
        } => {
            let when = if *followed { "now and later" } else { "now" };
            format!("interfaces tagged {key}={value}, {when}")
        }
    }
}

pub(super) fn scope(scope: &QuarantineScope) -> String {
    match scope {
        QuarantineScope::Everything => "every peering".to_owned(),
        QuarantineScope::PeerAccount { account } => format!("the peerings of account {account}"),
        QuarantineScope::PeerNetwork { cloud_network } => {
            format!("the peerings of {cloud_network}")
        }
    }
}

pub(super) fn orphan(thing: &OrphanThing) -> String {
    match thing {
        OrphanThing::Link { link } => format!("link {link}"),
        OrphanThing::FirewallGroup { group } => format!("firewall group {group}"),
        OrphanThing::FirewallRule { group, rule_id } => format!("rule {rule_id} in group {group}"),
        OrphanThing::Route {
            route_table,
            destination,
            ..
        } => {
            format!("a route to {destination} in {route_table}")
        }
        OrphanThing::Denial { denial } => format!("denial {} in {}", denial.number, denial.list),
    }
}

pub(super) fn leftover(left: &Leftover) -> String {
    match left {
        Leftover::PossibleLink => "perhaps a link".to_owned(),
        Leftover::Link { link } => format!("link {link}"),
        Leftover::Half { side, link } => match link {
            Some(link) => format!("half {link} of {}", self::side(*side)),
            None => format!("the owner's half of {}", self::side(*side)),
        },
        Leftover::PossibleHalf { link, .. } => format!("perhaps half {link}"),
        Leftover::Route {
            route_table,
            destination,
            ..
        } => {
            format!("a route to {destination} in {route_table}")
        }
        Leftover::OtherRoute {
            route_table,
            destination,
            ..
        } => {
            format!("a route of others to {destination} in {route_table}")
        }
        Leftover::FirewallGroup { group, .. } => format!("group {group}"),
        Leftover::FirewallRule { rule_id, .. } => format!("rule {rule_id}"),
        Leftover::Denial { denial, .. } => format!("denial {} in {}", denial.number, denial.list),
        Leftover::PossibleThing { thing, .. } => format!("perhaps {}", self::thing(thing)),
    }
}

/// What differs, without a verb: it was found, repaired, or taken over.
pub(super) fn drift(kind: &DriftKind) -> String {
    match kind {
        DriftKind::LinkEnded { state } => format!("the link ended at the cloud ({state})"),
        DriftKind::LinkTagMissing => "the link's tag is missing".to_owned(),
        DriftKind::DnsResolutionFlipped { side } => {
            format!("name resolution was changed on {}", self::side(*side))
        }
        DriftKind::LinkOptionFlipped { side, option } => {
            format!("{} was changed on {}", option.title(), self::side(*side))
        }
        DriftKind::RouteMissing {
            route_table,
            destination,
            ..
        } => {
            format!("the route to {destination} is missing in {route_table}")
        }
        DriftKind::RouteForeign {
            route_table,
            destination,
            target,
            ..
        } => {
            format!("{route_table} sends {destination} to {target}")
        }
        DriftKind::RouteBlackhole {
            route_table,
            destination,
            ..
        } => {
            format!("the route to {destination} in {route_table} leads nowhere")
        }
        DriftKind::RouteExtra {
            route_table,
            destination,
            ..
        } => {
            format!("{route_table} has a route to {destination} that nobody accepted")
        }
        DriftKind::GroupMissing { group, .. } => format!("firewall group {group} is missing"),
        DriftKind::GroupTagMissing { group, .. } => format!("the tag of group {group} is missing"),
        DriftKind::RuleMissing { rule, .. } => {
            format!("the rule for {} is missing", self::rule(rule))
        }
        DriftKind::RuleTagMissing { rule_id, .. } => {
            format!("the tag of rule {rule_id} is missing")
        }
        DriftKind::RuleExtra {
            rule_id, admits, ..
        } => {
            format!("rule {rule_id} admits {admits}, which nobody asked for")
        }
        DriftKind::DenialMissing { denial, .. } => {
            format!("denial {} is missing in {}", denial.number, denial.list)
        }
        DriftKind::NetworkReplaced { recorded, seen, .. } => {
            format!("the network was made again: its immutable id is {seen}, and was {recorded}")
        }
        DriftKind::GroupDetached { interface, .. } => {
            format!("the firewall group is detached from {interface}")
        }
    }
}

/// Chosen subnets.
pub(super) fn subnets<T: ToString>(subnets: &[T]) -> String {
    if subnets.is_empty() {
        "none, the main route table".to_owned()
    } else {
        list(subnets.iter().map(ToString::to_string))
    }
}

/// Who accepted, and from which account.
pub(super) fn accepted_by(evidence: &Evidence) -> String {
    let by = match evidence.accepted_by {
        AcceptedBy::Engine => "by the engine",
        AcceptedBy::Owner => "by the peer's owner",
        AcceptedBy::EngineOrOwner => "by the engine or the peer's owner",
    };
    format!(" {by}, account {}", evidence.account)
}

/// A stored name as words.
pub(super) fn plain(name: &str) -> String {
    name.replace('_', " ")
}
