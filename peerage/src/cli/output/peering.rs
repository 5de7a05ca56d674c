//! Peerings for people.

use super::{
    cause, or_dash, short,
    table::{
        Column::{Whole, Wrapped},
        facts, one_line, plain, table, wrapped,
    },
    time::{when, with_time_left},
    word,
};
use crate::{
    api::v1::{
        AcceptedBy, Advisory, Block, Consent, Drift, Exposure, GetPeeringResponse, Instruction,
        InstructionLanguage, Leftover, Origin, Peering, PeeringState, Side, drift::Drift as What,
        leftover::Leftover as Left, removal,
    },
    cli::resolve::has_ended,
};

/// The state, and what lies over it.
pub(in crate::cli) fn state(peering: &Peering) -> String {
    let state = word(peering.state());
    let is_active = peering.state() == PeeringState::Active;
    match (&peering.block, is_active && !peering.converged) {
        (Some(block), _) => format!("{state}, blocked: {}", word(block.cause())),
        (None, true) if open_drift(peering).count() > 0 => {
            format!("{state}, drift: {}", open_drift(peering).count())
        }
        (None, true) => format!("{state}, in progress"),
        (None, false) => state,
    }
}

/// Drift that is open now.
fn open_drift(peering: &Peering) -> impl Iterator<Item = &Drift> {
    peering.drift.iter().filter(|it| it.since.is_some())
}

/// A list: each peering on a line, with the network where there are several.
pub(in crate::cli) fn peerings(peerings: &[Peering]) -> String {
    let short = short(peerings.iter().map(|it| it.peering_id.as_str()));
    let several = peerings
        .iter()
        .any(|it| it.network_id != peerings[0].network_id);
    let rows = peerings.iter().map(|it| {
        let peer = it.peer.clone().unwrap_or_default();
        let state = match it.exposures.len() {
            0 => state(it),
            exposed => format!("{}, exposed: {exposed}", state(it)),
        };
        let link = if several {
            it.network_name.clone()
        } else {
            or_dash(&it.link)
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
    let mut parts = vec![bare(&peering)];
    if !has_ended(peering.state()) {
        parts.extend(notes(&it.advisories));
    }
    parts.extend(peering.block.as_ref().map(blocked));
    parts.extend(instructions(&it.instructions));
    parts.join("\n\n")
}

/// One peering by itself.
pub(super) fn bare(peering: &Peering) -> String {
    let mut parts = vec![own_facts(peering)];
    if !has_ended(peering.state()) {
        parts.extend(in_place(peering));
    }
    parts.join("\n\n")
}

fn in_place(peering: &Peering) -> Vec<String> {
    let mut parts = vec![
        format!("routes\n{}", routes(peering)),
        format!("firewall\n{}", firewall(peering)),
    ];
    parts.extend((!peering.ingress.is_empty()).then(|| {
        format!(
            "connector ingress: what the private network may reach\n{}",
            ingress(peering)
        )
    }));
    parts.extend((!peering.exposures.is_empty()).then(|| {
        format!(
            "exposures: other owners' rules that admit the private network\n{}",
            exposures(&peering.exposures)
        )
    }));
    let open: Vec<_> = open_drift(peering).cloned().collect();
    parts.extend((!open.is_empty()).then(|| {
        format!(
            "drift: what differs from the desired state\n{}",
            drift(&open)
        )
    }));
    parts
}

/// What is good to know, a paragraph for each.
pub(super) fn notes(advisories: &[Advisory]) -> Option<String> {
    let rows: Vec<_> = advisories
        .iter()
        .map(|it| [word(it.code()), it.message.clone()])
        .collect();
    (!rows.is_empty()).then(|| format!("notes\n{}", plain([Whole(""), Wrapped("")], &rows)))
}

fn own_facts(it: &Peering) -> String {
    let peer = it.peer.clone().unwrap_or_default();
    let found = it
        .found_routes
        .iter()
        .map(|it| format!("{} in {}", it.destination, it.route_table));
    let left = it.removal.is_some() && has_ended(it.state());
    facts([
        ("peering", it.peering_id.clone()),
        ("state", state(it)),
        ("waits for", waits_for(it)),
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
        ("ranges", peer.ranges.join(", ")),
        ("subnets", peer.subnets.join(", ")),
        ("link", it.link.clone()),
        ("expires", with_time_left(it.expires_at.as_ref())),
        ("terms", terms(it)),
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

fn terms(it: &Peering) -> String {
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
        (Some(at), true) => format!("; active by {}", with_time_left(Some(at))),
        (Some(at), false) => format!("; active by {}", when(Some(at))),
    };
    let renew = if it.renew {
        "; requested once more if not accepted in time"
    } else {
        ""
    };
    format!("{consent}{deadline}{renew}")
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
        Some(removal::Cause::Reason(reason)) => reason.clone(),
        None => String::new(),
    };
    let link = match &removal.link_removed_at {
        None => String::new(),
        Some(at) => format!("; the link was seen to be gone {}", when(Some(at))),
    };
    format!("since {}: {why}{link}", when(removal.since.as_ref()))
}

/// What stays at the cloud, for the last line about a peering.
pub(in crate::cli) fn leftovers(it: &Peering) -> String {
    format!("left behind: {}", leftovers_of(it))
}

fn leftovers_of(it: &Peering) -> String {
    if it.leftovers.is_empty() {
        return "nothing".to_owned();
    }
    it.leftovers
        .iter()
        .map(leftover)
        .collect::<Vec<_>>()
        .join("; ")
}

fn leftover(it: &Leftover) -> String {
    match &it.leftover {
        Some(Left::PossibleLink(_)) => "possible link".to_owned(),
        Some(Left::Link(it)) => format!("link {}", it.link),
        Some(Left::Route(it)) => {
            format!(
                "route to {} in {} ({})",
                it.destination,
                it.route_table,
                word(it.side())
            )
        }
        Some(Left::FirewallGroup(it)) => {
            format!("firewall group {} ({})", it.group, word(it.side()))
        }
        Some(Left::FirewallRule(it)) => {
            format!("firewall rule {} ({})", it.rule_id, word(it.side()))
        }
        None => "something that this version does not know".to_owned(),
    }
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

fn blocked(it: &Block) -> String {
    let head = format!(
        "blocked on the {} side since {} ({})\n{}",
        word(it.side()),
        when(it.since.as_ref()),
        word(it.cause()),
        wrapped(&cause(&it.message), 2)
    );
    std::iter::once(head)
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
    (!blocks.is_empty()).then(|| {
        format!(
            "for the peer's owner to do\n\n{}",
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
        let state = match (&it.withdrawn_at, it.replaced_by.as_str()) {
            (None, _) if installed.is_empty() && is_owners(peering, it.side()) => {
                "its owner's to install"
            }
            (None, _) if installed.is_empty() => "not yet",
            (None, _) if !it.conflicts.is_empty() => "in conflict",
            (None, _) => "in place",
            (Some(_), "") => "going",
            (Some(_), other) => &format!("going once {other} is in place"),
        };
        [
            word(it.side()),
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
fn is_owners(peering: &Peering, side: Side) -> bool {
    side == Side::Remote && peering.consent() == Consent::Owner
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
            false if is_owners(peering, it.side()) => "its owner's to enforce",
            false => "not yet",
        };
        [word(it.side()), admit, or_dash(&it.group), state.to_owned()]
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
    let short = short(peering.ingress.iter().map(|it| it.ingress_id.as_str()));
    let rows = peering.ingress.iter().map(|it| {
        let port = it.rule.as_ref().map(|rule| rule.port).unwrap_or_default();
        let until = match &it.expires_at {
            None => "revoked by hand".to_owned(),
            Some(at) => with_time_left(Some(at)),
        };
        [
            short(&it.ingress_id),
            format!("{}:{port}", it.target),
            until,
            cause(&it.reason),
        ]
    });
    table(
        [
            Whole("ingress"),
            Whole("target"),
            Wrapped("until"),
            Wrapped("reason"),
        ],
        rows,
    )
}

pub(in crate::cli) fn exposures(exposures: &[Exposure]) -> String {
    let short = short(exposures.iter().map(|it| it.peering_id.as_str()));
    let rows = exposures.iter().map(|it| {
        // Ids stay whole, each on a line of its own: people copy them.
        let named = |it: &str, name: &str| match name {
            "" => it.to_owned(),
            name => format!("{it}\n({name})"),
        };
        [
            short(&it.peering_id),
            word(it.side()),
            format!("{}\n{}", it.admits, it.rule_id),
            format!("{}\nof {}", named(&it.group, &it.group_name), it.owner),
            when(it.since.as_ref()),
        ]
    });
    table(
        [
            Whole("peering"),
            Whole("side"),
            Wrapped("rule"),
            Wrapped("group"),
            Whole("since"),
        ],
        rows,
    )
}

pub(in crate::cli) fn drift(drift: &[Drift]) -> String {
    let rows = drift.iter().map(|it| {
        let state = match (&it.since, &it.accepted_at) {
            (Some(since), _) => format!("since {}", when(Some(since))),
            (None, Some(at)) => format!("accepted {}", when(Some(at))),
            (None, None) => format!("repaired {}", when(it.repaired_at.as_ref())),
        };
        let repairs = if it.repairs == 0 {
            "-".to_owned()
        } else {
            format!("{}×", it.repairs)
        };
        let (kind, subject) = it
            .drift
            .as_ref()
            .map_or(("unknown", String::new()), what_differs);
        [
            word(it.side()),
            kind.to_owned(),
            or_dash(&subject),
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
            Whole("repairs"),
        ],
        rows,
    )
}

/// What differs, and where.
fn what_differs(it: &What) -> (&'static str, String) {
    let route = |destination: &str, table: &str| format!("{destination} in {table}");
    match it {
        What::LinkEnded(it) => ("link ended", it.cloud_state.clone()),
        What::LinkTagMissing(_) => ("link tag missing", String::new()),
        What::DnsResolutionFlipped(_) => ("dns resolution flipped", String::new()),
        What::RouteMissing(it) => ("route missing", route(&it.destination, &it.route_table)),
        What::RouteForeign(it) => (
            "route foreign",
            format!(
                "{} → {}",
                route(&it.destination, &it.route_table),
                it.target
            ),
        ),
        What::RouteBlackhole(it) => ("route blackhole", route(&it.destination, &it.route_table)),
        What::RouteExtra(it) => ("route extra", route(&it.destination, &it.route_table)),
        What::GroupMissing(it) => ("group missing", it.group.clone()),
        What::GroupTagMissing(it) => ("group tag missing", it.group.clone()),
        What::RuleMissing(it) => {
            let rule = it.rule.clone().unwrap_or_default();
            (
                "rule missing",
                format!("{} → TCP {}", rule.source, rule.port),
            )
        }
        What::RuleTagMissing(it) => ("rule tag missing", it.rule_id.clone()),
        What::RuleExtra(it) => ("rule extra", format!("{}: {}", it.rule_id, it.admits)),
    }
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
