//! Peerings for people.

use super::{
    brief, cause, notes,
    table::{
        Column::{Whole, Wrapped},
        facts, table,
    },
    time_left,
};
use crate::api::v0::{Blocked, Drift, Exposure, Instruction, Peering};

/// Life, and what lies over it.
pub(in crate::cli) fn state(peering: &Peering) -> String {
    let life = peering.life.replace('_', " ");
    match (&peering.blocked, life.as_str(), peering.converged) {
        (Some(blocked), life, _) => format!("{life}, blocked: {}", blocked.cause),
        (None, "active", false) if open_drift(peering) > 0 => {
            format!("active, {} otherwise than it was left", open_drift(peering))
        }
        (None, "active", false) => "active, in progress".to_owned(),
        (None, life, _) => life.to_owned(),
    }
}

fn open_drift(peering: &Peering) -> usize {
    peering
        .drift
        .iter()
        .filter(|it| !it.since.is_empty())
        .count()
}

pub(in crate::cli) fn peerings(peerings: &[Peering]) -> String {
    let rows = peerings.iter().map(|it| {
        let peer = it.peer.clone().unwrap_or_default();
        let exposed = if it.exposures.is_empty() {
            String::new()
        } else {
            format!(", exposed: {}", it.exposures.len())
        };
        let state = format!("{}{exposed}", state(it));
        [
            it.peering_id.clone(),
            state,
            or_dash(&it.link),
            peer.account,
            peer.region,
            peer.cloud_network,
            peer.ranges.join(", "),
        ]
    });
    table(
        [
            Whole("peering"),
            Wrapped("state"),
            Wrapped("link"),
            Wrapped("account"),
            Wrapped("region"),
            Wrapped("peer"),
            Wrapped("ranges"),
        ],
        rows,
    )
}

fn or_dash(text: &str) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text.to_owned()
    }
}

/// One peering with everything about it: who is waited for first, then what is in place, and what
/// has to be done last, where it can be copied from.
pub(in crate::cli) fn peering(peering: &Peering) -> String {
    let mut parts = vec![format!(
        "{}\n{}",
        peerings(std::slice::from_ref(peering)),
        own_facts(peering)
    )];
    if !super::super::peering::ended(peering) {
        parts.extend(in_place(peering));
    }
    parts.extend(peering.blocked.as_ref().map(blocked));
    parts.extend(instructions(&peering.instructions));
    parts.join("\n\n")
}

fn in_place(peering: &Peering) -> Vec<String> {
    let mut parts = vec![
        format!("routes\n{}", routes(peering)),
        format!("firewall\n{}", firewall(peering)),
    ];
    parts.extend(
        (!peering.ingress.is_empty())
            .then(|| format!("the private network may reach\n{}", ingress(peering))),
    );
    parts.extend((!peering.exposures.is_empty()).then(|| {
        format!(
            "exposed by somebody else's rules\n{}",
            exposures(&peering.exposures)
        )
    }));
    let open: Vec<_> = peering
        .drift
        .iter()
        .filter(|it| !it.since.is_empty())
        .cloned()
        .collect();
    parts.extend(
        (!open.is_empty()).then(|| format!("otherwise than it was left\n{}", drift(&open))),
    );
    parts.extend(notes(&peering.advisories));
    parts
}

fn own_facts(it: &Peering) -> String {
    facts([
        ("network", it.network_id.clone()),
        ("waits for", waits_for(it)),
        ("expires", with_time_left(&it.expires_at)),
        ("terms", terms(it)),
        ("accepted", accepted(it)),
        (parting(it), removal(it)),
        (
            "left behind",
            if it.removal.is_some() && super::super::peering::ended(it) {
                leftovers(it)
            } else {
                String::new()
            },
        ),
        ("the cloud says", cause(&it.failure)),
        ("names resolve", dns(it)),
        ("external id", it.external_id.clone()),
        (
            "found with it",
            it.found
                .iter()
                .map(|it| format!("{} in {}", it.destination, it.route_table))
                .collect::<Vec<_>>()
                .join(", "),
        ),
        ("past links", it.past_links.join(", ")),
    ])
}

/// Who has to act next, if somebody has to.
fn waits_for(it: &Peering) -> String {
    let owner = it
        .peer
        .as_ref()
        .map(|it| it.account.as_str())
        .unwrap_or_default();
    match (&it.blocked, it.life.as_str(), it.consent.as_str()) {
        (Some(blocked), _, _) => format!("the owner of the {} side, see below", blocked.side),
        (None, "awaiting_acceptance", _) if it.origin == "adopted" => {
            "the engine's look at what the link really is".to_owned()
        }
        (None, "awaiting_acceptance", "owner") => {
            format!("the owner of account {owner}, who accepts the link; see below")
        }
        (None, "awaiting_acceptance", _) => {
            format!("the engine's own acceptance in account {owner}")
        }
        _ => String::new(),
    }
}

fn with_time_left(at: &str) -> String {
    time_left(at)
        .map(|left| format!("{at} ({left})"))
        .unwrap_or_default()
}

fn terms(it: &Peering) -> String {
    let consent = match (it.origin.as_str(), it.consent.as_str()) {
        ("adopted", "owner") => "adopted link; the peer's side is its owner's to keep",
        ("adopted", _) => "adopted link; the engine keeps both sides",
        (_, "owner") => "the peer's owner accepts, and keeps that side",
        _ => "the engine accepts, and keeps both sides",
    };
    let not_yet = [
        "requested",
        "initiating",
        "awaiting_acceptance",
        "provisioning",
    ]
    .contains(&it.life.as_str());
    let deadline = match it.deadline.as_str() {
        "" => String::new(),
        _ if not_yet => format!("; active by {}", with_time_left(&it.deadline)),
        deadline => format!("; active by {deadline}"),
    };
    let renew = if it.renew {
        "; asked for once more if nobody accepts in time"
    } else {
        ""
    };
    format!("{consent}{deadline}{renew}")
}

fn accepted(it: &Peering) -> String {
    match &it.evidence {
        Some(seen) => {
            let by = match seen.accepted_by.as_str() {
                "engine" => "the engine",
                "owner" => "its owner",
                _ => "the engine or its owner",
            };
            let (side, account, at, shown) =
                (&seen.seen_from, &seen.account, &seen.seen_at, &seen.shown);
            format!("by {by} in account {account}; seen {at} from the {side} side as `{shown}`")
        }
        None => it.accepted_at.clone(),
    }
}

fn parting(it: &Peering) -> &'static str {
    match it.life.as_str() {
        "removed" => "removed",
        "abandoned" => "abandoned",
        _ => "being removed",
    }
}

fn removal(it: &Peering) -> String {
    let Some(removal) = &it.removal else {
        return String::new();
    };
    let why = match (removal.reason.as_str(), removal.deadline_passed.as_str()) {
        ("", deadline) => format!("the deadline {deadline} passed"),
        (reason, _) => reason.to_owned(),
    };
    let link = &removal.link_removed_at;
    let link = if link.is_empty() {
        String::new()
    } else {
        format!("; the link was seen to be gone {link}")
    };
    format!("{} for this reason: {why}{link}", removal.since)
}

/// What stays at the cloud, for the last line about a peering.
pub(in crate::cli) fn left_behind(it: &Peering) -> String {
    format!("left behind: {}", leftovers(it))
}

fn leftovers(it: &Peering) -> String {
    if it.left_behind.is_empty() {
        return "nothing".to_owned();
    }
    let named = it
        .left_behind
        .iter()
        .map(|it| format!("{} {}", it.kind.replace('_', " "), brief(&it.facts)));
    named
        .map(|it| it.trim().to_owned())
        .collect::<Vec<_>>()
        .join("; ")
}

fn dns(it: &Peering) -> String {
    let told = it
        .dns
        .iter()
        .filter(|it| it.wanted || it.applied)
        .map(|it| match (it.wanted, it.applied) {
            (true, true) => format!("{} side: privately", it.side),
            (true, false) => format!("{} side: privately, not yet", it.side),
            (false, _) => format!("{} side: publicly, not yet", it.side),
        });
    told.collect::<Vec<_>>().join("; ")
}

fn blocked(it: &Blocked) -> String {
    let head = format!(
        "blocked on the {} side since {}: {} ({})",
        it.side,
        it.since,
        cause(&it.message),
        it.cause
    );
    std::iter::once(head)
        .chain(it.remedy.iter().map(|line| format!("  {line}")))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Each body as it is, so that it can be copied.
fn instructions(all: &[Instruction]) -> Option<String> {
    let blocks = all.iter().zip(1..).map(|(it, number)| {
        format!(
            "{number}. {} ({})\n\n{}\n",
            it.title,
            it.language,
            it.body.trim_end()
        )
    });
    let blocks: Vec<_> = blocks.collect();
    (!blocks.is_empty()).then(|| {
        format!(
            "what the peer's owner has to do\n\n{}",
            blocks.join("\n").trim_end()
        )
    })
}

fn routes(peering: &Peering) -> String {
    let rows = peering.routes.iter().map(|it| {
        let conflicts = it
            .conflicts
            .iter()
            .map(|it| format!("{} → {} (not ours)", it.route_table, it.target));
        let installed: Vec<_> = it.installed_in.iter().cloned().chain(conflicts).collect();
        let state = match (it.withdrawn_at.is_empty(), it.replaced_by.as_str()) {
            (true, _) if installed.is_empty() && is_owners(peering, &it.side) => {
                "its owner's to install"
            }
            (true, _) if installed.is_empty() => "not yet",
            (true, _) if !it.conflicts.is_empty() => "in conflict",
            (true, _) => "in place",
            (false, "") => "going",
            (false, other) => &format!("going once {other} is in place"),
        };
        [
            it.side.clone(),
            it.destination.clone(),
            state.to_owned(),
            or_dash(&installed.join(", ")),
        ]
    });
    table(
        [
            Whole("side"),
            Whole("destination"),
            Wrapped("state"),
            Wrapped("route tables"),
        ],
        rows,
    )
}

/// Whether a side is kept by its owner, not by the engine.
fn is_owners(peering: &Peering, side: &str) -> bool {
    side == "remote" && peering.consent == "owner"
}

fn firewall(peering: &Peering) -> String {
    let rows = peering.firewall.iter().map(|it| {
        let admit: Vec<_> = it
            .admit
            .iter()
            .map(|rule| format!("{} → TCP {}", rule.source, rule.port))
            .collect();
        let admit = if admit.is_empty() {
            "nothing".to_owned()
        } else {
            admit.join(", ")
        };
        let state = match it.enforced {
            true => "enforced",
            false if is_owners(peering, &it.side) => "its owner's to enforce",
            false => "not yet",
        };
        [it.side.clone(), admit, or_dash(&it.group), state.to_owned()]
    });
    table(
        [
            Whole("side"),
            Wrapped("admits from the link"),
            Wrapped("group"),
            Wrapped("state"),
        ],
        rows,
    )
}

fn ingress(peering: &Peering) -> String {
    let rows = peering.ingress.iter().map(|it| {
        let target = format!(
            "{} TCP {}",
            it.target,
            it.rule.as_ref().map(|rule| rule.port).unwrap_or_default()
        );
        let until = if it.expires_at.is_empty() {
            "closed by hand".to_owned()
        } else {
            with_time_left(&it.expires_at)
        };
        [it.ingress_id.clone(), target, until, it.reason.clone()]
    });
    table(
        [
            Whole("ingress"),
            Wrapped("target"),
            Wrapped("until"),
            Wrapped("why"),
        ],
        rows,
    )
}

pub(in crate::cli) fn exposures(exposures: &[Exposure]) -> String {
    let rows = exposures.iter().map(|it| {
        let group = format!("{} ({})", it.group, it.group_name);
        [
            it.peering_id.clone(),
            it.side.clone(),
            group,
            it.rule_id.clone(),
            it.admits.clone(),
            it.owner.clone(),
            it.since.clone(),
        ]
    });
    table(
        [
            Whole("peering"),
            Wrapped("side"),
            Wrapped("group"),
            Wrapped("rule"),
            Wrapped("admits"),
            Wrapped("owner"),
            Wrapped("since"),
        ],
        rows,
    )
}

pub(in crate::cli) fn drift(drift: &[Drift]) -> String {
    let rows = drift.iter().map(|it| {
        let state = match (it.since.as_str(), it.adopted_at.as_str()) {
            ("", "") => format!("put right {}", it.repaired_at),
            ("", adopted) => format!("adopted {adopted}"),
            (since, _) => format!("since {since}"),
        };
        let repairs = if it.repairs == 0 {
            "-".to_owned()
        } else {
            format!("{}×", it.repairs)
        };
        [
            it.side.clone(),
            it.kind.replace('_', " "),
            brief(&it.finding),
            state,
            repairs,
        ]
    });
    table(
        [
            Whole("side"),
            Wrapped("what"),
            Wrapped("where"),
            Wrapped("state"),
            Whole("put right"),
        ],
        rows,
    )
}
