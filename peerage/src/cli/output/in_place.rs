//! What is in place of a peering, and what differs from what should be, a table for each.

use super::{
    cause,
    network::stood_in,
    or_dash, short,
    table::{
        Column::{Whole, Wrapped},
        table,
    },
    time::{when, with_time_left},
    word,
};
use crate::api::v1::{
    AttachTo, Consent, DiscoveredLink, Drift, ExposedBy, Exposure, Firewall, InboundRule, Orphan,
    Peering, RuleAim, RuleVerdicts, Side, attach_to::To, drift::Drift as What,
};
use chrono::{DateTime, Utc};

/// Drift that is open now.
pub(super) fn open_drift(peering: &Peering) -> impl Iterator<Item = &Drift> {
    peering.drift.iter().filter(|it| it.since.is_some())
}

pub(super) fn in_place(peering: &Peering, now: DateTime<Utc>) -> Vec<String> {
    let mut parts = vec![
        format!("routes\n{}", routes(peering)),
        format!(
            "posture: what a side lets in from the link{}\n{}",
            abilities(peering),
            posture(peering)
        ),
        format!("firewall\n{}", firewall(peering)),
    ];
    parts.extend(
        attachment(peering).map(|it| format!("attachment: where the engine's groups admit\n{it}")),
    );
    parts.extend(
        denials(peering).map(|it| format!("denials: what is kept out in front of subnets\n{it}")),
    );
    parts.extend((!peering.ingress.is_empty()).then(|| {
        format!(
            "connector ingress: what the private network may reach\n{}",
            ingress(peering, now)
        )
    }));
    parts.extend((!peering.exposures.is_empty()).then(|| {
        format!(
            "exposures: other owners' rules that admit the other side, or may\n{}",
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

fn routes(peering: &Peering) -> String {
    let rows = peering.routes.iter().map(|it| {
        let conflicts = it.conflicts.iter().map(|it| {
            let whose = match it.left_by.as_str() {
                "" => "not ours".to_owned(),
                peering => format!("left behind by peering {peering}"),
            };
            format!("{} → {} ({whose})", it.route_table, it.target)
        });
        let installed: Vec<_> = it.installed_in.iter().cloned().chain(conflicts).collect();
        let state = match (&it.withdrawn_at, it.replaced_by.as_str()) {
            (None, _) if it.exchanged => "exchanged",
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
            .map(|rule| {
                let end = until(peering, it.side(), rule);
                format!("{} → TCP {}{end}", rule.source, rule.port)
            })
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

/// Until when a source is admitted, and who answers for it, where that is said.
fn until(peering: &Peering, side: Side, rule: &InboundRule) -> String {
    let mut said = peering.admissions.iter();
    let said = said.find(|it| side == Side::Local && it.rule.as_ref() == Some(rule));
    let tenure = said.and_then(|it| it.tenure.clone()).unwrap_or_default();
    let end = tenure.expires_at.as_ref();
    let end = end.map(|at| format!(" until {}", when(Some(at))));
    let owner = Some(tenure.owner).filter(|it| !it.is_empty());
    let owner = owner.map(|it| format!(" of {it}"));
    format!("{}{}", end.unwrap_or_default(), owner.unwrap_or_default())
}

/// What the cloud's firewall can do and cannot, in brackets; it is the same on both sides.
fn abilities(peering: &Peering) -> String {
    let Some(can) = peering.firewall.iter().find_map(|it| it.abilities) else {
        return String::new();
    };
    let what = match can.rules() {
        RuleVerdicts::OnlyAllow => Some("rules only allow"),
        RuleVerdicts::OnlyDeny => Some("rules only deny"),
        RuleVerdicts::AllowAndDeny => Some("rules allow and deny"),
        RuleVerdicts::Unspecified => None,
    };
    let aim = match can.aim() {
        RuleAim::Attachment => Some("where their group is"),
        RuleAim::Addresses => Some("to addresses"),
        RuleAim::Unspecified => None,
    };
    let lists = match can.lists() {
        RuleVerdicts::OnlyAllow | RuleVerdicts::Unspecified => None,
        RuleVerdicts::OnlyDeny | RuleVerdicts::AllowAndDeny => Some("lists can deny"),
    };
    let default = can
        .open_by_default
        .then_some("what nothing denies comes in");
    let all: Vec<_> = [what, aim, lists, default].into_iter().flatten().collect();
    format!(" ({})", all.join("; "))
}

fn posture(peering: &Peering) -> String {
    let rows = peering.firewall.iter();
    let rows = rows.map(|it| [word(it.side()), or_dash(&it.posture_text)]);
    table([Whole("side"), Wrapped("posture")], rows)
}

/// What the groups are attached to, where there is one.
fn attachment(peering: &Peering) -> Option<String> {
    let with_group = |it: &&Firewall| !it.group.is_empty() && it.attachment.is_some();
    let rows: Vec<_> = peering
        .firewall
        .iter()
        .filter(with_group)
        .map(|it| {
            let attachment = it.attachment.clone().unwrap_or_default();
            let seen = match attachment.interfaces {
                None => "cannot tell".to_owned(),
                Some(count) => format!("{count}, {}", when(attachment.seen_at.as_ref())),
            };
            let left = attachment
                .left_alone
                .iter()
                .map(|it| format!("not {}: {}", it.interface, it.why));
            let by_engine = attachment.attached_by_engine.iter().cloned().chain(left);
            [
                word(it.side()),
                it.group.clone(),
                seen,
                wanted(attachment.wanted.as_ref()),
                or_dash(&by_engine.collect::<Vec<_>>().join(", ")),
            ]
        })
        .collect();
    let columns = [
        Whole("side"),
        Whole("group"),
        Wrapped("interfaces"),
        Wrapped("the engine attaches it to"),
        Wrapped("attached by the engine"),
    ];
    (!rows.is_empty()).then(|| table(columns, rows))
}

/// What is denied in front of subnets, where that was asked for or something of it is left.
fn denials(peering: &Peering) -> Option<String> {
    let rows: Vec<_> = peering
        .firewall
        .iter()
        .filter_map(|it| {
            let denials = it.denials.as_ref()?;
            let entries = denials.entries.iter();
            let entries = entries.map(|it| format!("{} {}: {}", it.list, it.number, it.denies));
            let state = match (denials.subnets.is_empty(), denials.lists.is_empty()) {
                (true, _) => "going",
                (false, true) => "not yet",
                (false, false) => "enforced",
            };
            Some([
                word(it.side()),
                or_dash(&denials.subnets.join("\n")),
                or_dash(&denials.denies.join("\n")),
                or_dash(&entries.collect::<Vec<_>>().join("\n")),
                state.to_owned(),
            ])
        })
        .collect();
    let columns = [
        Whole("side"),
        Wrapped("before subnets"),
        Wrapped("denies"),
        Wrapped("the engine's entries"),
        Whole("state"),
    ];
    (!rows.is_empty()).then(|| table(columns, rows))
}

fn wanted(to: Option<&AttachTo>) -> String {
    match to.and_then(|it| it.to.as_ref()) {
        None => "nothing".to_owned(),
        Some(To::Interfaces(it)) => it.ids.join(", "),
        Some(To::Tag(it)) => {
            let how = if it.followed {
                "followed"
            } else {
                "chosen once"
            };
            format!("tag {}={}, {how}", it.key, it.value)
        }
    }
}

fn ingress(peering: &Peering, now: DateTime<Utc>) -> String {
    let short = short(peering.ingress.iter().map(|it| it.ingress_id.as_str()));
    let rows = peering.ingress.iter().map(|it| {
        let port = it.rule.as_ref().map(|rule| rule.port).unwrap_or_default();
        let rules = it.rule.iter().chain(&it.also);
        let from: Vec<_> = rules.map(|rule| rule.source.as_str()).collect();
        let is_aimed = it.rule.as_ref().is_some_and(|it| !it.target.is_empty());
        let others: Vec<_> = it.kept_open_by.iter().map(|id| short(id)).collect();
        let reach = match (is_aimed, others.as_slice()) {
            (true, []) => "the target".to_owned(),
            (false, []) => "where the group is attached".to_owned(),
            (_, others) => format!("open as long as {} is", others.join(", ")),
        };
        let until = match &it.expires_at {
            None => "revoked by hand".to_owned(),
            Some(at) => with_time_left(Some(at), now),
        };
        [
            short(&it.ingress_id),
            format!("{}:{port}", it.target),
            from.join(", "),
            reach,
            until,
            cause(&it.reason),
        ]
    });
    table(
        [
            Whole("ingress"),
            Whole("target"),
            Wrapped("from"),
            Wrapped("admits to"),
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
        let doubt = if it.cannot_tell {
            "\ncannot tell whom"
        } else {
            ""
        };
        let by = match it.what() {
            ExposedBy::Default => "\nby default: deny it before that",
            ExposedBy::Rule | ExposedBy::Unspecified => "",
        };
        [
            short(&it.peering_id),
            stood_in(word(it.side()), it.cloud.as_ref()),
            format!("{}\n{}{by}{doubt}", it.admits, it.rule_id),
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

/// The links that the cloud shows, each with the network at which it stands.
pub(in crate::cli) fn links(links: &[(String, DiscoveredLink)]) -> String {
    let rows = links.iter().map(|(network, it)| {
        let peer = it.peer.clone().unwrap_or_default();
        let record = match (it.peering_id.as_str(), it.adoptable) {
            ("", true) => "no; it can be adopted".to_owned(),
            ("", false) => "no".to_owned(),
            (id, _) => format!("peering {}", id.get(..8).unwrap_or(id)),
        };
        let asked = if it.asked_by_peer {
            "the peer"
        } else {
            "this side"
        };
        [
            it.link.clone(),
            network.clone(),
            format!("{}/{} in {}", peer.account, peer.cloud_network, peer.region),
            peer.ranges.join(", "),
            format!(
                "{}, asked for by {asked}",
                stood_in(word(it.state()), it.cloud.as_ref())
            ),
            record,
        ]
    });
    table(
        [
            Whole("link"),
            Whole("network"),
            Wrapped("peer"),
            Wrapped("ranges"),
            Wrapped("state"),
            Wrapped("on record"),
        ],
        rows,
    )
}

pub(in crate::cli) fn orphans(orphans: &[Orphan]) -> String {
    let short = short(orphans.iter().map(|it| it.peering_id.as_str()));
    let rows = orphans.iter().map(|it| {
        let removal = match (&it.removal_requested_at, it.removal_failed.as_str()) {
            (None, _) if it.copied => "a copy: never removed by the engine".to_owned(),
            (None, _) => String::new(),
            (Some(at), "") => format!("requested {}", when(Some(at))),
            (Some(_), failed) => format!("failed: {}", cause(failed)),
        };
        let place = format!("{} in {}/{}", it.cloud_network, it.account, it.region);
        [
            it.orphan.clone(),
            word(it.kind()).to_owned(),
            short(&it.peering_id),
            stood_in(place, it.cloud.as_ref()),
            when(it.since.as_ref()),
            removal,
        ]
    });
    table(
        [
            Whole("orphan"),
            Whole("kind"),
            Whole("peering"),
            Wrapped("where"),
            Whole("since"),
            Wrapped("removal"),
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
            stood_in(kind.to_owned(), it.cloud.as_ref()),
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
        What::LinkOptionFlipped(it) => ("option flipped", word(it.option())),
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
        What::GroupDetached(it) => ("group detached", it.interface.clone()),
        What::DenialMissing(it) => (
            "denial missing",
            format!("entry {} in {}: {}", it.number, it.list, it.denies),
        ),
        What::NetworkReplaced(it) => (
            "network replaced",
            format!("{}, and {} is on record", it.seen, it.recorded),
        ),
        What::RuleExtra(it) => ("rule extra", format!("{}: {}", it.rule_id, it.admits)),
    }
}
