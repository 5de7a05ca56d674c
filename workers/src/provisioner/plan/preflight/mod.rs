//! Preflight: everything that can be known before the first write, each check with a typed reason.
//!
//! The same checks stop a peering before anything is asked of the cloud, and are shown by `peering
//! plan`.

mod room;

use super::{Draft, Facts, Query, exposure};
use crate::provisioner::sides;
use cloud::{LinkView, Rehearsed, RouteState, RouteTarget};
use domain::{
    Range, Side,
    network::{BlockCause, ExposurePolicy},
    text::{Account, Subnet},
};
use ipnet::IpNet;
use room::{denial_room, link_quota, managed, route_room, rule_room};

/// One check, and what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::provisioner) struct CheckReport {
    pub(in crate::provisioner) check: &'static str,
    pub(in crate::provisioner) side: Option<Side>,
    pub(in crate::provisioner) outcome: CheckOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::provisioner) enum CheckOutcome {
    Passed,
    Failed {
        cause: BlockCause,
        message: String,
        remedy: Vec<String>,
    },
    /// Nothing speaks against it, and there is something to know.
    Noted {
        message: String,
    },
    Skipped {
        why: &'static str,
    },
}

const NOT_OURS: CheckOutcome = CheckOutcome::Skipped {
    why: "the peer's owner keeps this side",
};

fn failed(cause: BlockCause, message: String, remedy: impl Into<String>) -> CheckOutcome {
    CheckOutcome::Failed {
        cause,
        message,
        remedy: vec![remedy.into()],
    }
}

/// Whether nothing speaks against the first write; if something does, the peering is blocked by it.
pub(super) fn passes(facts: &Facts<'_>, draft: &mut Draft) -> bool {
    let Some(reports) = checks(facts, draft) else {
        return false;
    };
    let mut passed = true;
    for report in reports {
        if let CheckOutcome::Failed {
            cause,
            message,
            remedy,
        } = report.outcome
        {
            passed = false;
            draft.block(
                facts,
                cause,
                report.side.unwrap_or(Side::Local),
                message,
                remedy,
            );
        }
    }
    passed
}

/// One check of one side.
type Check = fn(&Facts<'_>, Side) -> CheckOutcome;

/// All checks, once everything that they need has been seen.
pub(super) fn checks(facts: &Facts<'_>, draft: &mut Draft) -> Option<Vec<CheckReport>> {
    for side in facts.peering.kept_sides() {
        draft.require(facts.seen.network.get(side), Query::Network(side));
        draft.require(facts.seen.links.get(side), Query::Links(side));
        draft.require(facts.seen.tables.get(side), Query::Tables(side));
        draft.require(
            facts.seen.may_create_group.get(side),
            Query::MayCreateGroup(side),
        );
        draft.require(facts.seen.subnets.get(side), Query::Subnets(side));
        if facts.peering.firewall.get(side).denials.wanted.is_some() {
            draft.require(facts.seen.lists.get(side), Query::AccessLists(side));
        }
    }
    if facts.network.policy.exposure == ExposurePolicy::Block
        && facts.peering.is_ours_to_keep(Side::Remote)
    {
        exposure::open(facts, Side::Remote, draft);
    }
    // A link that somebody else made is never made again, and one that is there need not be: no
    // policy that is printed then grants it.
    if facts.peering.made_the_link() && facts.peering.life.link().is_none() {
        draft.require(&facts.seen.may_create_link, Query::MayCreateLink);
    }
    if !draft.needs.is_empty() {
        return None;
    }
    let per_side: [(&'static str, Check); 11] = [
        ("network", network),
        ("ranges_on_record", ranges_on_record),
        ("subnets", subnets),
        ("tables", tables),
        ("neighbours", neighbours),
        ("link_quota", link_quota),
        ("route_room", route_room),
        ("rule_room", rule_room),
        ("denial_room", denial_room),
        ("permissions", permissions),
        ("exposures", exposures),
    ];
    let mut reports = vec![CheckReport {
        check: "ranges_disjoint",
        side: None,
        outcome: ranges_disjoint(facts),
    }];
    for (check, judge) in per_side {
        for side in Side::BOTH {
            let outcome = if facts.peering.is_ours_to_keep(side) {
                judge(facts, side)
            } else {
                NOT_OURS
            };
            reports.push(CheckReport {
                check,
                side: Some(side),
                outcome,
            });
        }
    }
    reports.push(CheckReport {
        check: "shared_peer",
        side: Some(Side::Remote),
        outcome: shared_peer(facts),
    });
    Some(reports)
}

/// The ranges of this side: as the cloud shows them, or those on record where nobody may look.
fn known_ranges(facts: &Facts<'_>, side: Side) -> Vec<IpNet> {
    let shown = facts
        .seen
        .network
        .get(side)
        .iter()
        .flatten()
        .flat_map(|view| view.ranges.clone())
        .collect::<Vec<_>>();
    if shown.is_empty() {
        sides::ranges(facts.network, facts.peering, side)
    } else {
        shown
    }
}

pub(super) fn overlap(one: &IpNet, other: &IpNet) -> bool {
    one.contains(other) || other.contains(one)
}

fn network(facts: &Facts<'_>, side: Side) -> CheckOutcome {
    let shown = facts.seen.network.get(side).iter().flatten();
    let owners: Vec<_> = shown.map(|view| view.shared_by.as_ref()).collect();
    if owners.contains(&None) {
        return managed(facts, side);
    }
    if let Some(owner) = owners.into_iter().flatten().next() {
        return shared(facts, side, owner);
    }
    let network = sides::network(facts.network, facts.peering, side);
    failed(
        BlockCause::NotFound,
        format!("{network} is not there"),
        format!("check that {network} exists; if not, request a peering that names one that does"),
    )
}

/// A network belongs to one account, which may share it with others: only its owner can join it.
fn shared(facts: &Facts<'_>, side: Side, owner: &Account) -> CheckOutcome {
    let own = sides::network(facts.network, facts.peering, side);
    let (network, account) = (&own.network, &own.at.account);
    let message = format!(
        "{network} belongs to account {owner}, which shares it with {account}; only its owner can join it with another network"
    );
    let remedy = match side {
        Side::Local => format!("register {network} with account {owner}, its owner"),
        Side::Remote => format!("request a peering with account {owner}, which owns {network}"),
    };
    failed(BlockCause::NotFound, message, remedy)
}

fn ranges_on_record(facts: &Facts<'_>, side: Side) -> CheckOutcome {
    let shown = known_ranges(facts, side);
    let recorded = sides::ranges(facts.network, facts.peering, side);
    let Some(missing) = recorded
        .iter()
        .find(|range| !shown.iter().any(|shown| shown.contains(*range)))
    else {
        return CheckOutcome::Passed;
    };
    let (network, has) = (
        sides::network(facts.network, facts.peering, side),
        list(&shown),
    );
    let remedy = format!("request a peering that names ranges of {network}, which has {has}");
    failed(
        BlockCause::RangeMismatch,
        format!("{missing} is on record for {network}, which has {has}"),
        remedy,
    )
}

/// AWS: no block of either network may overlap any of the other's, secondary and unused ones too.
fn ranges_disjoint(facts: &Facts<'_>) -> CheckOutcome {
    let (local, remote) = (
        known_ranges(facts, Side::Local),
        known_ranges(facts, Side::Remote),
    );
    let pair = local.iter().find_map(|one| {
        remote
            .iter()
            .find(|other| overlap(one, other))
            .map(|other| (one, other))
    });
    match pair {
        None => CheckOutcome::Passed,
        Some((one, other)) => failed(
            BlockCause::RangeOverlap,
            format!(
                "{one} of the private network and {other} of the peer overlap; such networks cannot be joined"
            ),
            "take the overlapping range off one of the networks, or join another one",
        ),
    }
}

/// Tables serve subnets; a subnet that is not there has none.
fn subnets(facts: &Facts<'_>, side: Side) -> CheckOutcome {
    let (chosen, shown) = (
        sides::subnets(facts.network, facts.peering, side),
        facts.seen.subnets.get(side),
    );
    let told = facts
        .seen
        .network
        .get(side)
        .iter()
        .flatten()
        .any(|view| !view.ranges.is_empty());
    let unknown = chosen
        .iter()
        .filter(|_| told && !Subnet::are_all(chosen))
        .find(|subnet| !shown.iter().flatten().any(|view| view.subnet == **subnet));
    let Some(unknown) = unknown else {
        return CheckOutcome::Passed;
    };
    let network = sides::network(facts.network, facts.peering, side);
    failed(
        BlockCause::NotFound,
        format!("{unknown} is no subnet of {network}"),
        format!("name subnets that {network} has"),
    )
}

/// Whose tables serve what: routes are of use to the subnets that use those tables.
fn tables(facts: &Facts<'_>, side: Side) -> CheckOutcome {
    let chosen = sides::subnets(facts.network, facts.peering, side);
    let (Some(tables), Some(subnets)) = (facts.seen.tables.get(side), facts.seen.subnets.get(side))
    else {
        return CheckOutcome::Passed;
    };
    let each = super::routes::serving(tables, chosen).map(|table| {
        let main = if table.main { " (main)" } else { "" };
        match super::routes::served(table, tables, subnets).as_slice() {
            [] => format!("{}{main} serves no subnet", table.table),
            some => format!("{}{main} serves {}", table.table, told(some)),
        }
    });
    let each: Vec<String> = each.collect();
    let mut message = each.join("; ");
    if super::routes::idle(tables, chosen, subnets)
        .next()
        .is_some()
    {
        message.push_str("; name subnets with --subnet, or all with --subnets all, so that clients have the route");
    }
    if each.is_empty() {
        return CheckOutcome::Passed;
    }
    CheckOutcome::Noted { message }
}

/// Some names, and how many there are beside them.
fn told(names: &[&Subnet]) -> String {
    const MOST: usize = 6;
    let some: Vec<&str> = names.iter().take(MOST).map(|it| it.as_str()).collect();
    match names.len().saturating_sub(MOST) {
        0 => some.join(", "),
        more => format!("{} and {more} more", some.join(", ")),
    }
}

/// A destination is reached over one link. What the tables of this side that serve send over
/// another one, this peering cannot have; blocks that two neighbours have and nobody routes to are
/// no obstacle.
fn neighbours(facts: &Facts<'_>, side: Side) -> CheckOutcome {
    let own = sides::network(facts.network, facts.peering, side);
    let live: Vec<&LinkView> = facts
        .seen
        .neighbours
        .get(side)
        .iter()
        .flatten()
        .filter(|link| link.state.is_live())
        .collect();
    let chosen = sides::subnets(facts.network, facts.peering, side);
    let tables = facts
        .seen
        .tables
        .get(side)
        .iter()
        .flat_map(|tables| super::routes::serving(tables, chosen).collect::<Vec<_>>());
    let taken = tables.flat_map(|table| table.routes.iter().map(move |route| (table, route)));
    for (table, route) in taken {
        let RouteTarget::Link(link) = &route.target else {
            continue;
        };
        let is_a_neighbours = live.iter().any(|it| it.link == *link);
        let mut wanted = facts.peering.routes.get(side).keys();
        let wanted = wanted.find(|it| it.net().contains(&route.destination));
        if let Some(wanted) =
            wanted.filter(|_| is_a_neighbours && route.state == RouteState::Active)
        {
            let (table, destination) = (&table.table, &route.destination);
            let message = format!(
                "{wanted} is asked for, and {table} sends {destination} over {link} already"
            );
            let remedy =
                format!("remove the route to {destination} from {table}, or withdraw {wanted}");
            return failed(BlockCause::RangeOverlap, message, remedy);
        }
    }
    let ranges = known_ranges(facts, side.other());
    let shared = live.iter().find_map(|link| {
        let far = far_end(link, &own)?;
        let pair = ranges.iter().find_map(|one| {
            let other = far.iter().find(|it| overlap(one, it))?;
            Some((one, other))
        });
        pair.map(|(one, other)| (one, other, &link.link))
    });
    match shared {
        None => CheckOutcome::Passed,
        Some((one, other, link)) => CheckOutcome::Noted {
            message: format!(
                "{one} overlaps {other} behind {link}: {own} can send each address over one of the links only"
            ),
        },
    }
}

fn far_end<'a>(link: &'a LinkView, own: &cloud::NetworkRef) -> Option<&'a [IpNet]> {
    let end = if link.first.network.is_same(own) {
        &link.second
    } else {
        &link.first
    };
    Some(end.ranges.as_slice()).filter(|ranges| !ranges.is_empty())
}

/// The same for links that other private networks in this log have with the peer, whether or not
/// the cloud shows them yet.
fn shared_peer(facts: &Facts<'_>) -> CheckOutcome {
    let own = facts.network.ranges();
    let behind = facts.graph.behind(&facts.peering.peer, facts.network.id);
    let pairs = own.iter().flat_map(|own| {
        let taken = behind.iter().filter(|it| own.overlaps(&it.range));
        taken.map(move |taken| (own, taken))
    });
    let is_wanted = |it: &Range| {
        let mut wanted = facts.peering.routes.remote.keys();
        wanted.any(|wanted| wanted.overlaps(it))
    };
    // One that a route is asked for into tells more than one that is only there.
    let Some((own, taken)) = pairs.max_by_key(|(_, it)| is_wanted(&it.range)) else {
        return CheckOutcome::Passed;
    };
    let message = format!(
        "{own} overlaps {}, which the peer reaches over peering {} of network {}",
        taken.range, taken.peering_id, taken.network_id
    );
    if !is_wanted(&taken.range) {
        return CheckOutcome::Noted { message };
    }
    failed(
        BlockCause::RangeOverlap,
        message,
        format!("remove peering {}, or join another peer", taken.peering_id),
    )
}

fn permissions(facts: &Facts<'_>, side: Side) -> CheckOutcome {
    let link = facts
        .seen
        .may_create_link
        .as_ref()
        .filter(|_| side == Side::Local && facts.peering.life.link().is_none());
    let group = facts.seen.may_create_group.get(side).as_ref();
    let said: Vec<&Rehearsed> = link.into_iter().chain(group).collect();
    let refused = said.iter().find_map(|it| {
        if let Rehearsed::Refused { message } = it {
            Some(message)
        } else {
            None
        }
    });
    if let Some(message) = refused {
        let at = sides::of(facts.network, facts.peering, side);
        let remedy = format!(
            "give Peerage's identity in account {} what `peerage peering show` lists",
            at.account
        );
        return failed(BlockCause::PermissionDenied, message.clone(), remedy);
    }
    let is_untold = |it: &&Rehearsed| {
        matches!(
            it,
            Rehearsed::NotAvailable
                | Rehearsed::NowhereToWrite { .. }
                | Rehearsed::ToBeKnown { .. }
        )
    };
    if said.into_iter().all(|it| is_untold(&it)) {
        return CheckOutcome::Skipped {
            why: "this endpoint is not known to honour dry runs",
        };
    }
    CheckOutcome::Passed
}

/// Where the policy blocks routes into an exposed peer, there is no link to make for it.
fn exposures(facts: &Facts<'_>, side: Side) -> CheckOutcome {
    match (side, &facts.network.policy.exposure) {
        (Side::Local, _) => CheckOutcome::Skipped {
            why: "exposures of this side are reported once the link is active",
        },
        (Side::Remote, ExposurePolicy::Report | ExposurePolicy::Enforce { .. }) => {
            CheckOutcome::Skipped {
                why: "exposures are reported, or revoked, once the link is active",
            }
        }
        (Side::Remote, ExposurePolicy::Block) => {
            let mut open = exposure::open(facts, side, &mut Draft::default()).unwrap_or_default();
            open.retain(|it| !it.cannot_tell);
            if open.is_empty() {
                return CheckOutcome::Passed;
            }
            let rules = open
                .iter()
                .take(10)
                .map(|it| format!("{} in {} ({})", it.rule.id, it.group.group, it.rule.text))
                .collect::<Vec<_>>()
                .join(", ");
            failed(
                BlockCause::Conflict,
                format!(
                    "{} rules at the peer let the private network in, and the policy blocks its routes: {rules}",
                    open.len()
                ),
                format!(
                    "take these rules away, or let exposures be reported: peerage network policy {} --exposure report",
                    facts.network.id
                ),
            )
        }
    }
}

fn list(ranges: &[IpNet]) -> String {
    ranges
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
