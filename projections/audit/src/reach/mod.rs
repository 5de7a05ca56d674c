//! Who could reach an address: over which link, by which routes and rules, and by whose decision.
//!
//! The answer is made of what the log says was seen: a rule counts once it was seen in its group,
//! and until it was seen to be gone; a route likewise. What was not looked at is undetermined,
//! never closed. The words are those of Google's connectivity tests.
//!
//! What the engine denies in front of subnets is taken away again from what is admitted, before
//! the addresses where it was seen to be kept out, and no further: where entries stand of which
//! that was not seen, or is not true any more, it cannot be told.

mod denials;
mod traffic;

use crate::{
    Past, Place,
    decision::{Decision, Opening},
};
use denials::Denials;
use domain::{
    PeeringId, Range, Side,
    network::{Connection, Denial, InboundRule, Life, LinkTrace, Peering, Registered, Routing},
    text::{FirewallRule, Link, RouteTable},
};
use std::{collections::BTreeSet, net::IpAddr, sync::Arc};
use traffic::{Traffic, left};

/// Whether packets get there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They do, as far as the engine looked.
    Reachable,
    /// They do not.
    Unreachable(Drop),
    /// It cannot be told.
    Undetermined(Unknown),
}

/// Why packets do not get there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drop {
    /// No link stands.
    NoLink,
    /// The side that sends has no route to the address over the link.
    NoRoute,
    /// The side that answers has no route back over the link.
    NoRouteBack,
    /// No rule admits it.
    NotAdmitted,
    /// A rule would admit it, and its group is attached to no interface.
    NotAttached,
    /// A rule admits it, and entries of the engine's in front of the address's subnet deny it.
    Denied,
}

/// Why it cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// The side is its owner's to keep, and the engine does not look at its routes.
    RoutesOfOwner,
    /// The side is its owner's to keep, and the engine does not look at its rules.
    RulesOfOwner,
    /// A rule of the engine's admits what carries a group of the other network, and which addresses
    /// that has is not on record.
    MembersOfGroup,
    /// A rule of others admits what cannot be read.
    RuleOfOthers,
    /// Entries of the engine's deny it in front of subnets, and it was not seen whether the address
    /// is in one of those, or whether all of them are kept.
    PerhapsDenied,
}

/// One peering that leads to the address.
#[derive(Clone, Debug)]
pub struct Way {
    /// The peering.
    pub peering: PeeringId,
    /// The side that the address is on; the other one sends.
    pub side: Side,
    /// Whether packets get there.
    pub verdict: Verdict,
    /// The ranges that packets can come from, on the side that sends; what rules admit of the
    /// members of a group is beside that.
    pub sources: BTreeSet<Range>,
    /// The link.
    pub link: Option<Link>,
    /// The route tables that lead there, on the side that sends.
    pub tables: BTreeSet<RouteTable>,
    /// The engine's rules that admit it.
    pub rules: Vec<(InboundRule, FirewallRule)>,
    /// Rules of others that admit it, or may.
    pub exposures: Vec<FirewallRule>,
    /// The engine's entries in front of subnets that deny some of it, or may.
    pub denials: Vec<Denial>,
    /// Whose word it goes back to, in the order of the log.
    pub decisions: Vec<Arc<Decision>>,
    /// The last event that the engine recorded about this peering, of what it did or saw: what came
    /// later was not seen.
    pub seen: Option<Place>,
}

/// Every peering of this network that leads to the address, with a verdict on each.
pub fn who_can_reach(past: &Past, address: IpAddr, port: Option<u16>) -> Vec<Way> {
    let Some(network) = past.registered() else {
        return Vec::new();
    };
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let Ok(target) = format!("{address}/{bits}").parse::<Range>() else {
        return Vec::new();
    };
    let mut ways = Vec::new();
    for connection in network.connections.live() {
        let Connection::Peering(peering) = connection;
        let asked = Asked {
            past,
            network,
            peering,
            target,
            port,
        };
        if network.ranges().iter().any(|it| it.contains(&target)) {
            ways.push(asked.way(Side::Local));
        }
        if peering.peer.ranges.iter().any(|it| it.contains(&target)) {
            ways.push(asked.way(Side::Remote));
        }
    }
    ways
}

struct Asked<'a> {
    past: &'a Past,
    network: &'a Registered,
    peering: &'a Peering,
    target: Range,
    port: Option<u16>,
}

impl Asked<'_> {
    fn way(&self, side: Side) -> Way {
        let from = side.other();
        let mut way = Way {
            peering: self.peering.id,
            side,
            verdict: Verdict::Unreachable(Drop::NoLink),
            sources: self.ranges(from),
            link: link(&self.peering.life).cloned(),
            tables: BTreeSet::new(),
            rules: Vec::new(),
            exposures: Vec::new(),
            denials: Vec::new(),
            decisions: Vec::new(),
            seen: self.past.observed.get(&self.peering.id).copied(),
        };
        if way.link.is_some() {
            way.verdict = self.judge(side, &mut way);
        }
        way.decisions = self.decisions(&way);
        way
    }

    fn judge(&self, side: Side, way: &mut Way) -> Verdict {
        let from = side.other();
        let mut unknown = None;
        match self.routes(from) {
            Routes::Unknown => unknown = Some(Unknown::RoutesOfOwner),
            Routes::Exchanged => {}
            Routes::Seen(routes) => {
                let there = routes.iter().filter(|(to, _)| to.contains(&self.target));
                way.tables = there.map(|(_, table)| table.clone()).collect();
                if way.tables.is_empty() {
                    return Verdict::Unreachable(Drop::NoRoute);
                }
            }
        }
        match self.routes(side) {
            Routes::Unknown => unknown = unknown.or(Some(Unknown::RoutesOfOwner)),
            Routes::Exchanged => {}
            Routes::Seen(routes) => {
                let back = routes.into_iter().map(|(to, _)| to).collect();
                way.sources = meet(&way.sources, &back);
                if way.sources.is_empty() {
                    return Verdict::Unreachable(Drop::NoRouteBack);
                }
            }
        }
        let admitted = self.admit(side, way);
        match (admitted, unknown) {
            (Verdict::Reachable, Some(unknown)) => Verdict::Undetermined(unknown),
            (other, _) => other,
        }
    }

    /// What the target's side admits; the sources are what is left of them.
    fn admit(&self, side: Side, way: &mut Way) -> Verdict {
        let firewall = self.peering.firewall.get(side);
        // A rule without a target admits to whatever carries its group.
        let is_asked_for = |rule: &InboundRule| {
            self.port.is_none_or(|port| rule.port == port)
                && rule.target.is_none_or(|it| it.contains(&self.target))
        };
        let rules = firewall.rules.iter().filter(|(rule, _)| is_asked_for(rule));
        let rules = rules.filter(|(rule, _)| {
            way.sources
                .iter()
                .any(|it| rule.source.may_overlap(&(*it).into()))
        });
        way.rules = rules.map(|(rule, id)| (*rule, id.clone())).collect();
        let is_detached = firewall.attachment.count() == Some(0);
        let attached = || way.rules.iter().filter(|_| !is_detached);
        let mut open: Vec<_> = attached().filter_map(|(rule, _)| of_rule(rule)).collect();
        let of_groups = attached().filter(|(rule, _)| rule.source.group().is_some());
        let ports_of_groups: BTreeSet<u16> = of_groups.map(|(rule, _)| rule.port).collect();
        let mut unread = false;
        for (id, exposed) in &firewall.exposures {
            match admits(&exposed.exposure.admits, self.port) {
                _ if exposed.exposure.cannot_tell => unread = true,
                Some(None) => continue,
                Some(Some(open)) if !way.sources.iter().any(|it| it.overlaps(&open.source)) => {
                    continue;
                }
                Some(Some(more)) => open.push(more),
                None => unread = true,
            }
            way.exposures.push(id.clone());
        }
        let open = within(&way.sources, &open);
        let any = self.port.map_or((1, u16::MAX), |port| (port, port));
        let everything = way.sources.iter().map(|source| Traffic {
            source: *source,
            ports: any,
        });
        let everything: Vec<_> = everything.filter(|_| unread).collect();
        let members: Vec<_> = (way.sources.iter())
            .flat_map(|source| {
                let ports = ports_of_groups.iter();
                ports.map(|port| of_port(*source, *port))
            })
            .collect();
        let denials = Denials::before(self.peering, side, &self.target);
        way.denials = denials.that_meet(open.iter().chain(&members).chain(&everything));
        let let_in = left(open.iter().copied(), &denials.seen);
        if !let_in.is_empty() {
            way.sources = let_in.iter().map(|it| it.source).collect();
            let for_certain = left(let_in, &denials.perhaps);
            return match for_certain.is_empty() {
                true => Verdict::Undetermined(Unknown::PerhapsDenied),
                false => Verdict::Reachable,
            };
        }
        if !left(members.iter().copied(), &denials.seen).is_empty() {
            return Verdict::Undetermined(Unknown::MembersOfGroup);
        }
        if !left(everything.iter().copied(), &denials.seen).is_empty() {
            return Verdict::Undetermined(Unknown::RuleOfOthers);
        }
        if !self.peering.is_ours_to_keep(side) {
            return Verdict::Undetermined(Unknown::RulesOfOwner);
        }
        if !open.is_empty() || !members.is_empty() || !everything.is_empty() {
            return Verdict::Unreachable(Drop::Denied);
        }
        let is_idle = is_detached && !way.rules.is_empty();
        Verdict::Unreachable(if is_idle {
            Drop::NotAttached
        } else {
            Drop::NotAdmitted
        })
    }

    /// The ranges of this side from which packets can come: those of the address's family.
    fn ranges(&self, side: Side) -> BTreeSet<Range> {
        let all = self.network.ranges_of(self.peering, side).into_iter();
        all.filter(|it| it.family() == self.target.family())
            .collect()
    }

    /// What this side was seen to send over the link.
    fn routes(&self, side: Side) -> Routes {
        if !self.peering.is_ours_to_keep(side) {
            return Routes::Unknown;
        }
        match Routing::of(self.network.provider) {
            Routing::Exchanged { .. } => return Routes::Exchanged,
            Routing::PerTable => {}
        }
        let kept = self.peering.routes.get(side).iter();
        let kept = kept.map(|(to, route)| (to, &route.installed));
        let going = self.peering.withdrawn.get(side).iter();
        let going = going.map(|(to, route)| (to, &route.installed));
        let all = kept.chain(going);
        Routes::Seen(
            all.flat_map(|(to, tables)| tables.keys().map(|table| (*to, table.clone())))
                .collect(),
        )
    }

    fn decisions(&self, way: &Way) -> Vec<Arc<Decision>> {
        let (side, from) = (way.side, way.side.other());
        let routes = |side: Side, meets: &dyn Fn(&Range) -> bool| {
            let kept = self.peering.routes.get(side).keys().copied();
            kept.filter(|it| meets(it))
                .map(move |it| Opening::Route(side, it))
                .collect::<Vec<_>>()
        };
        let there = routes(from, &|it| it.contains(&self.target));
        let back = routes(side, &|it| way.sources.iter().any(|from| from.overlaps(it)));
        let rules = way.rules.iter().map(|(rule, _)| Opening::Rule(side, *rule));
        let others = way
            .exposures
            .iter()
            .cloned()
            .map(|id| Opening::Exposure(side, id));
        let all = [Opening::Link]
            .into_iter()
            .chain(there)
            .chain(back)
            .chain(rules)
            .chain(others)
            .chain((!way.denials.is_empty()).then_some(Opening::Denial(side)));
        let mut found: Vec<_> = all
            .filter_map(|it| self.past.decisions.on(self.peering.id, it).cloned())
            .collect();
        found.sort_by_key(|it| it.position);
        found.dedup_by_key(|it| it.event_id);
        found
    }
}

enum Routes {
    /// Nobody looks.
    Unknown,
    /// The cloud gives each side the other's ranges.
    Exchanged,
    /// These, each with a table that has it.
    Seen(Vec<(Range, RouteTable)>),
}

/// The link that stands, as far as was seen.
fn link(life: &Life) -> Option<&Link> {
    match life {
        Life::Active { link } => Some(link),
        Life::Removing { trace } | Life::Abandoning { trace } => match trace {
            LinkTrace::Seen(link) => Some(link),
            LinkTrace::Never | LinkTrace::Perhaps { .. } | LinkTrace::Gone(_) => None,
        },
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::AwaitingAcceptance { .. }
        | Life::Provisioning { .. }
        | Life::Ended(_) => None,
    }
}

/// The parts that two sets of ranges have in common: of two that meet, the smaller one.
fn meet(these: &BTreeSet<Range>, those: &BTreeSet<Range>) -> BTreeSet<Range> {
    let pairs = these
        .iter()
        .flat_map(|this| those.iter().map(move |that| (this, that)));
    pairs
        .filter_map(
            |(this, that)| match (this.contains(that), that.contains(this)) {
                (true, _) => Some(*that),
                (false, true) => Some(*this),
                (false, false) => None,
            },
        )
        .collect()
}

/// What of this traffic comes from these sources.
fn within(sources: &BTreeSet<Range>, all: &[Traffic]) -> Vec<Traffic> {
    let parts = all.iter().flat_map(|it| {
        let met = meet(sources, &BTreeSet::from([it.source]));
        met.into_iter().map(move |source| Traffic { source, ..*it })
    });
    parts.collect()
}

/// What a rule admits from addresses that it names.
fn of_rule(rule: &InboundRule) -> Option<Traffic> {
    Some(of_port(rule.source.range()?, rule.port))
}

fn of_port(source: Range, port: u16) -> Traffic {
    Traffic {
        source,
        ports: (port, port),
    }
}

/// What such a text of a cloud admits of the port that is asked for: `tcp 22 from 10.0.0.0/8`. The
/// outer `None` is a text that cannot be read, the inner one another port.
#[expect(
    clippy::option_option,
    reason = "unreadable and another port are two things"
)]
fn admits(text: &str, port: Option<u16>) -> Option<Option<Traffic>> {
    let words: Vec<_> = text.split_whitespace().collect();
    let ["tcp", ports, "from", source] = *words else {
        return None;
    };
    let source = source.parse().ok()?;
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
    let ports = match port {
        None => (first, last),
        Some(port) if (first..=last).contains(&port) => (port, port),
        Some(_) => return Some(None),
    };
    Some(Some(Traffic { source, ports }))
}
