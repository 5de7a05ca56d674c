//! Whether there is room: for one more link, for its routes, and for its rules.

use super::{CheckOutcome, failed};
use crate::provisioner::{
    plan::{Facts, denial},
    sides,
};
use cloud::{LinkState, LinkView, Rehearsed, RouteTableView};
use domain::{Family, Range, Side, network::BlockCause};

pub(super) fn link_quota(facts: &Facts<'_>, side: Side) -> CheckOutcome {
    let limits = facts.limits.get(side);
    let seen = [facts.seen.links.get(side), facts.seen.neighbours.get(side)];
    let live: Vec<&LinkView> = seen
        .into_iter()
        .flatten()
        .flatten()
        .filter(|link| link.state.is_live())
        // The peering's own link is there: it takes no more room.
        .filter(|link| facts.peering.life.link() != Some(&link.link))
        .collect();
    let waiting = live
        .iter()
        .filter(|link| matches!(link.state, LinkState::Pending | LinkState::Initiating))
        .count();
    let network = sides::network(facts.network, facts.peering, side);
    let (used, most, what) = if live.len() >= limits.links {
        (live.len(), limits.links, "links")
    } else if waiting >= limits.pending_links {
        (
            waiting,
            limits.pending_links,
            "links that wait for acceptance",
        )
    } else {
        return CheckOutcome::Passed;
    };
    failed(
        BlockCause::QuotaExceeded,
        format!("{network} has {used} {what} of {most}"),
        format!("raise the quota of {what}, or end some of them"),
    )
}

/// Whether all can be denied that is to be.
pub(super) fn denial_room(facts: &Facts<'_>, side: Side) -> CheckOutcome {
    let wanted = facts.peering.firewall.get(side).denials.wanted.as_ref();
    let (Some(wanted), Some(lists)) = (wanted, facts.seen.lists.get(side)) else {
        return CheckOutcome::Passed;
    };
    match denial::problem(facts, side, wanted, lists) {
        None => CheckOutcome::Passed,
        Some(it) => CheckOutcome::Failed {
            cause: it.cause,
            message: it.message,
            remedy: it.remedy,
        },
    }
}

pub(super) fn route_room(facts: &Facts<'_>, side: Side) -> CheckOutcome {
    let most = facts.limits.get(side).routes;
    let wanted = facts.peering.routes.get(side);
    let Some(tables) = facts.seen.tables.get(side) else {
        return CheckOutcome::Passed;
    };
    // A table has as many routes of each family (AWS: the quota is enforced for each by itself).
    let has = |table: &RouteTableView, family: Family| {
        let routes = table.routes.iter();
        let routes =
            routes.filter(|it| it.destination.addr().is_ipv6() == (family == Family::Ipv6));
        routes.count()
    };
    let mut serving = crate::provisioner::plan::routes::serving(
        tables,
        sides::subnets(facts.network, facts.peering, side),
    );
    let full = serving.find_map(|table| {
        let is_there = |to: &Range| {
            let mut routes = table.routes.iter();
            routes.any(|route| route.destination == to.net())
        };
        let mut families = Family::BOTH.into_iter();
        let family = families.find(|family| {
            let wanted = wanted.keys().filter(|it| it.family() == *family);
            has(table, *family) + wanted.filter(|it| !is_there(it)).count() > most
        })?;
        Some((table, family))
    });
    match full {
        None => CheckOutcome::Passed,
        Some((table, family)) => failed(
            BlockCause::QuotaExceeded,
            format!(
                "{} has {} {family} routes of {most}, and {} more are asked for",
                table.table,
                has(table, family),
                wanted.keys().filter(|it| it.family() == family).count()
            ),
            format!(
                "raise the quota of routes per table, or take some off {}",
                table.table
            ),
        ),
    }
}

/// The group will be the engine's own, so what it is to admit is all that it will hold.
pub(super) fn rule_room(facts: &Facts<'_>, side: Side) -> CheckOutcome {
    if let Some(Rehearsed::NowhereToWrite { message }) = facts.seen.may_create_group.get(side) {
        if facts.peering.terms.accept_open.is_some() {
            return CheckOutcome::Skipped {
                why: "the request accepts that nothing keeps the other side out",
            };
        }
        return CheckOutcome::Failed {
            cause: BlockCause::OptionPrecondition,
            message: message.clone(),
            remedy: vec![
                format!(
                    "give every subnet of {} that has an interface a network security group that the engine may write into",
                    sides::network(facts.network, facts.peering, side)
                ),
                "or request the peering anew with --accept-open REASON: nothing but its own rules then keeps the other side out".to_owned(),
            ],
        };
    }
    let admit = &facts.peering.firewall.get(side).admit;
    let of = |family| admit.iter().filter(move |it| it.source.counts_as(family));
    let wanted = Family::BOTH.into_iter().map(|it| of(it).count()).max();
    let (most, wanted) = (facts.limits.get(side).rules, wanted.unwrap_or_default());
    if wanted <= most {
        return CheckOutcome::Passed;
    }
    failed(
        BlockCause::QuotaExceeded,
        format!("{wanted} rules are asked for, and a firewall group holds {most}"),
        "raise the quota of rules per group, or admit wider ranges in their place",
    )
}

/// What others who manage the network have in force there (Azure: network managers).
pub(super) fn managed(facts: &Facts<'_>, side: Side) -> CheckOutcome {
    if let Some(Rehearsed::ToBeKnown { message }) = facts.seen.may_create_group.get(side) {
        return CheckOutcome::Noted {
            message: message.clone(),
        };
    }
    CheckOutcome::Passed
}
