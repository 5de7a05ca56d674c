//! Peerings for people.

use super::{
    cause,
    in_place::{in_place, open_drift},
    leftovers::leftovers_of,
    network::{at, chosen, fault, faulty, hold, quarantine, stand_in},
    or_dash, short,
    table::{
        Column::{Whole, Wrapped},
        facts, one_line, plain, rest_of, table, wrapped,
    },
    time::{when, with_time_left},
    word,
};
use crate::{
    api::v1::{
        AcceptedBy, Advisory, Block, Consent, GetPeeringResponse, Instruction, InstructionLanguage,
        LinkOption, Origin, Peering, PeeringState, removal,
    },
    cli::states::has_ended,
};
use chrono::{DateTime, Utc};

/// Who answers for the peering.
fn owner(it: &Peering) -> String {
    it.tenure.clone().unwrap_or_default().owner
}

/// When it ends by itself, and whether that time has come.
fn ends(it: &Peering, now: DateTime<Utc>) -> String {
    let tenure = it.tenure.clone().unwrap_or_default();
    match (&it.ended_at, &tenure.expires_at) {
        (Some(at), _) => format!(
            "{}, which has come; the policy only reports it",
            when(Some(at))
        ),
        (None, Some(_)) if has_ended(it.state()) => when(tenure.expires_at.as_ref()),
        (None, at) => with_time_left(at.as_ref(), now),
    }
}

/// The peer's ranges, and which of them the cloud was not seen to show yet.
fn ranges(all: &[String], unconfirmed: &[String]) -> String {
    let each = all.iter().map(|it| {
        if unconfirmed.contains(it) {
            format!("{it} (not seen at the peer yet)")
        } else {
            it.clone()
        }
    });
    each.collect::<Vec<_>>().join(", ")
}

/// The state, and what lies over it.
pub(in crate::cli) fn state(peering: &Peering) -> String {
    let state = held(peering, word(peering.state()));
    let is_active = peering.state() == PeeringState::Active;
    let is_under_way = is_active && !peering.converged && peering.history_fault.is_none();
    match (&peering.block, is_under_way) {
        (Some(block), _) => format!("{state}, blocked: {}", word(block.cause())),
        (None, true) if open_drift(peering).count() > 0 => {
            format!("{state}, drift: {}", open_drift(peering).count())
        }
        (None, true) => format!("{state}, in progress"),
        (None, false) => state,
    }
}

/// The state with what holds the peering.
fn held(peering: &Peering, state: String) -> String {
    let over = [
        stand_in(peering.cloud.as_ref()),
        faulty(peering.history_fault.as_ref()),
        (!peering.quarantines.is_empty()).then_some("in quarantine"),
        peering.frozen.as_ref().map(|_| "frozen"),
        (!peering.suspended_routes.is_empty()).then_some("routes suspended"),
        peering.ended_at.as_ref().map(|_| "past its end"),
    ];
    std::iter::once(state)
        .chain(over.into_iter().flatten().map(str::to_owned))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A list: each peering on a line, with the network where there are several.
pub(in crate::cli) fn peerings(peerings: &[Peering]) -> String {
    let short = short(peerings.iter().map(|it| it.peering_id.as_str()));
    let several = peerings
        .iter()
        .any(|it| it.network_id != peerings[0].network_id);
    let rows = peerings.iter().map(|it| {
        let peer = it.peer.clone().unwrap_or_default();
        let known = it.exposures.iter().filter(|it| !it.cannot_tell);
        let state = match known.count() {
            0 => state(it),
            exposed => format!("{}, exposed: {exposed}", state(it)),
        };
        let link = if several {
            it.network_name.clone()
        } else {
            or_dash(&it.link)
        };
        let tenure = it.tenure.clone().unwrap_or_default();
        let state = match &tenure.expires_at {
            Some(at) if !has_ended(it.state()) && it.ended_at.is_none() => {
                format!("{state}, ends {}", when(Some(at)))
            }
            Some(_) | None => state,
        };
        let state = match tenure.owner.as_str() {
            "" => state,
            owner => format!("{state}, of {owner}"),
        };
        [
            short(&it.peering_id),
            state,
            link,
            peer_name(it),
            peer.region,
            peer.ranges.join(", "),
        ]
    });
    let link = if several { "network" } else { "link" };
    let columns = ["state", link, "peer", "region", "ranges"].map(Wrapped);
    let [state, link, peer, region, ranges] = columns;
    table([Whole("peering"), state, link, peer, region, ranges], rows)
}

/// The name by which a peer is taken: account and network.
fn peer_name(it: &Peering) -> String {
    let peer = it.peer.clone().unwrap_or_default();
    format!("{}/{}", peer.account, peer.cloud_network)
}

/// One peering with everything about it: who is waited for first, then what is in place, and what
/// has to be done last, where it can be copied from.
pub(in crate::cli) fn peering(it: &GetPeeringResponse) -> String {
    let peering = it.peering.clone().unwrap_or_default();
    let mut parts = vec![bare(&peering, Utc::now())];
    if !has_ended(peering.state()) {
        parts.extend(notes(&it.advisories));
    }
    parts.extend(peering.block.as_ref().map(blocked));
    parts.extend(instructions(&it.instructions));
    parts.join("\n\n")
}

/// One peering by itself, as it was at this moment.
pub(super) fn bare(peering: &Peering, now: DateTime<Utc>) -> String {
    let mut parts = vec![own_facts(peering, now)];
    if !has_ended(peering.state()) {
        parts.extend(in_place(peering, now));
    }
    parts.join("\n\n")
}

/// What is good to know, a paragraph for each.
pub(super) fn notes(advisories: &[Advisory]) -> Option<String> {
    let rows: Vec<_> = advisories
        .iter()
        .map(|it| [word(it.code()), it.message.clone()])
        .collect();
    (!rows.is_empty()).then(|| format!("notes\n{}", plain([Whole(""), Wrapped("")], &rows)))
}

fn own_facts(it: &Peering, now: DateTime<Utc>) -> String {
    let peer = it.peer.clone().unwrap_or_default();
    let found = it
        .found_routes
        .iter()
        .map(|it| format!("{} in {}", it.destination, it.route_table));
    let left = it.removal.is_some() && has_ended(it.state());
    facts([
        ("peering", it.peering_id.clone()),
        ("state", state(it)),
        ("cloud", at(it.cloud.as_ref())),
        ("LEFT ALONE", it.left_alone.clone()),
        ("HISTORY", fault(it.history_fault.as_ref())),
        ("waits for", waits_for(it)),
        ("frozen", it.frozen.as_ref().map(hold).unwrap_or_default()),
        (
            "quarantine",
            it.quarantines
                .iter()
                .map(quarantine)
                .collect::<Vec<_>>()
                .join("; "),
        ),
        ("suspended", suspended(it)),
        ("network", network(it)),
        (
            "peer",
            format!(
                "{} in {} {}",
                peer_name(it),
                word(peer.provider()),
                peer.region
            ),
        ),
        ("immutable id", it.peer_immutable_id.clone()),
        ("ranges", ranges(&peer.ranges, &it.unconfirmed_ranges)),
        ("subnets", chosen(&peer.subnets)),
        ("link", it.link.clone()),
        ("expires", with_time_left(it.expires_at.as_ref(), now)),
        ("owner", owner(it)),
        ("ends", ends(it, now)),
        ("terms", terms(it, now)),
        ("accepted", accepted(it)),
        (parting(it), removal(it)),
        (
            "left behind",
            if left {
                leftovers_of(it)
            } else {
                String::new()
            },
        ),
        ("the cloud says", cause(&it.failure)),
        ("names resolve", dns(it)),
        ("options", options(it)),
        ("external id", it.external_id.clone()),
        ("found routes", found.collect::<Vec<_>>().join(", ")),
        ("past links", it.past_links.join(", ")),
        ("changed", when(it.changed_at.as_ref())),
    ])
}

fn network(it: &Peering) -> String {
    match it.network_name.as_str() {
        "" => it.network_id.clone(),
        name => format!("{} ({name})", it.network_id),
    }
}

/// Who has to act next, if a person has to.
fn waits_for(it: &Peering) -> String {
    let owner = it
        .peer
        .as_ref()
        .map(|it| it.account.as_str())
        .unwrap_or_default();
    if let Some(block) = &it.block {
        return format!("the owner of the {} side, see below", word(block.side()));
    }
    if it.state() != PeeringState::AwaitingAcceptance {
        return String::new();
    }
    match (it.origin(), it.consent()) {
        (Origin::Adopted, _) => "the engine's survey of the link".to_owned(),
        (_, Consent::Owner) => {
            format!("the owner of account {owner}, who accepts the link; see below")
        }
        (_, Consent::Delegated | Consent::Unspecified) => {
            format!("the engine's own acceptance in account {owner}")
        }
    }
}

fn terms(it: &Peering, now: DateTime<Utc>) -> String {
    let consent = match (it.origin(), it.consent()) {
        (Origin::Adopted, Consent::Owner) => "adopted link; the peer's owner keeps that side",
        (Origin::Adopted, _) => "adopted link; the engine keeps both sides",
        (_, Consent::Owner) => "the peer's owner accepts, and keeps that side",
        (_, Consent::Delegated | Consent::Unspecified) => {
            "the engine accepts, and keeps both sides"
        }
    };
    let is_pending = !has_ended(it.state())
        && !matches!(it.state(), PeeringState::Active | PeeringState::Removing);
    let deadline = match (&it.deadline, is_pending) {
        (None, _) => String::new(),
        (Some(at), true) => format!("; active by {}", with_time_left(Some(at), now)),
        (Some(at), false) => format!("; active by {}", when(Some(at))),
    };
    let renew = if it.renew {
        "; requested once more if not accepted in time"
    } else {
        ""
    };
    let open = match it.accept_open.as_str() {
        "" => String::new(),
        why => format!("; open though nothing may deny what comes over it: {why}"),
    };
    format!("{consent}{deadline}{renew}{open}")
}

fn accepted(it: &Peering) -> String {
    let Some(seen) = &it.acceptance else {
        return String::new();
    };
    if seen.account.is_empty() {
        return when(seen.accepted_at.as_ref());
    }
    let by = match seen.accepted_by() {
        AcceptedBy::Engine => "the engine",
        AcceptedBy::Owner => "its owner",
        AcceptedBy::EngineOrOwner | AcceptedBy::Unspecified => "the engine or its owner",
    };
    let (side, account, shown) = (word(seen.seen_from()), &seen.account, &seen.cloud_state);
    let at = when(seen.seen_at.as_ref());
    format!("by {by} in account {account}; seen {at} from the {side} side as `{shown}`")
}

fn parting(it: &Peering) -> &'static str {
    match it.state() {
        PeeringState::Removed => "removed",
        PeeringState::Abandoning => "being abandoned",
        PeeringState::Abandoned => "abandoned",
        PeeringState::Unspecified
        | PeeringState::Requested
        | PeeringState::Initiating
        | PeeringState::AwaitingAcceptance
        | PeeringState::Provisioning
        | PeeringState::Active
        | PeeringState::Removing
        | PeeringState::Rejected
        | PeeringState::Expired
        | PeeringState::Failed => "being removed",
    }
}

fn removal(it: &Peering) -> String {
    let Some(removal) = &it.removal else {
        return String::new();
    };
    let why = match &removal.cause {
        Some(removal::Cause::DeadlinePassed(at)) => {
            format!("the deadline {} passed", when(Some(at)))
        }
        Some(removal::Cause::ExpiryPassed(at)) => {
            format!("its end, {}, has come", when(Some(at)))
        }
        Some(removal::Cause::Reason(reason)) => reason.clone(),
        None => String::new(),
    };
    let link = match &removal.link_removed_at {
        None => String::new(),
        Some(at) => format!("; the link was seen to be gone {}", when(Some(at))),
    };
    format!("since {}: {why}{link}", when(removal.since.as_ref()))
}

/// The sides whose routes are withdrawn while an exposure stands.
fn suspended(it: &Peering) -> String {
    let sides = it.suspended_routes.iter().map(|it| {
        format!(
            "routes of the {} side, for {}, since {}",
            word(it.side()),
            it.rule_ids.join(", "),
            when(it.since.as_ref())
        )
    });
    sides.collect::<Vec<_>>().join("; ")
}

fn dns(it: &Peering) -> String {
    let told = it
        .dns
        .iter()
        .filter(|it| it.requested || it.enabled)
        .map(|it| {
            let how = match (it.requested, it.enabled) {
                (true, true) => "privately",
                (true, false) => "privately, not yet",
                (false, _) => "publicly, not yet",
            };
            format!("{} side: {how}", word(it.side()))
        });
    told.collect::<Vec<_>>().join("; ")
}

/// All options but name resolution, which has a line of its own.
fn options(it: &Peering) -> String {
    let told = it
        .options
        .iter()
        .filter(|it| it.option() != LinkOption::DnsResolution)
        .filter(|it| it.requested || it.enabled)
        .map(|it| {
            let how = match (it.requested, it.enabled) {
                (true, true) => "",
                (true, false) => ", not yet",
                (false, _) => ", to go",
            };
            let waits = match (it.waits_for_other_side, it.in_effect) {
                (true, _) => ", without effect until the other side allows it as well",
                (false, Some(true)) => ", in effect",
                (false, Some(false) | None) => "",
            };
            let option = word(it.option());
            format!("{} side: {option}{how}{waits}", word(it.side()))
        });
    told.collect::<Vec<_>>().join("; ")
}

fn blocked(it: &Block) -> String {
    let head = format!(
        "blocked on the {} side since {} ({})\n{}",
        word(it.side()),
        when(it.since.as_ref()),
        word(it.cause()),
        wrapped(&cause(&it.message), 2)
    );
    let rest = Some(rest_of(&it.message)).filter(|it| !it.is_empty());
    let rest = rest.map(|it| format!("  ({it})"));
    std::iter::once(head)
        .chain(rest)
        .chain(it.remedy.iter().map(|line| format!("  {line}")))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Each body as it is, so that it can be copied.
fn instructions(all: &[Instruction]) -> Option<String> {
    let blocks = all.iter().zip(1..).map(|(it, number)| {
        let language = match it.language() {
            InstructionLanguage::Shell => " (sh)",
            InstructionLanguage::Json => " (json)",
            InstructionLanguage::Text | InstructionLanguage::Unspecified => "",
        };
        format!(
            "{number}. {}{language}\n\n{}\n",
            it.title,
            it.body.trim_end()
        )
    });
    let blocks: Vec<_> = blocks.collect();
    (!blocks.is_empty()).then(|| format!("to do\n\n{}", blocks.join("\n").trim_end()))
}

/// What a peering is after a change: one line, and what a person has to do, if anything.
pub(in crate::cli) fn peering_update(it: &Peering, several: bool) -> String {
    let who = if several {
        format!("{}  ", peer_name(it))
    } else {
        String::new()
    };
    let mut lines = vec![one_line(&format!("{:>20}  {who}{}", "now", state(it)))];
    if let Some(block) = &it.block {
        let told = format!(
            "{:>20}  {} side: {}",
            "",
            word(block.side()),
            cause(&block.message)
        );
        lines.push(one_line(&told));
        lines.extend(block.remedy.iter().map(|it| format!("{:>20}  $ {it}", "")));
    }
    if it.state() == PeeringState::AwaitingAcceptance && it.consent() == Consent::Owner {
        let id = &it.peering_id;
        lines.push(format!(
            "{:>20}  `peerage peering show {id}` prints what to run",
            ""
        ));
    }
    lines.join("\n")
}
