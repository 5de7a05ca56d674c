//! `drift`: what was found otherwise than it was left, what came of it, and when it is of no more
//! account.

use super::{At, Projection, firewall, routes, upkeep};
use crate::rows::{json, maybe, time, to_json};
use chrono::{DateTime, Utc};
use domain::{
    PeeringId, Range, Side,
    network::{DriftAdopted, DriftDetected, DriftKind, DriftRepaired, FIGHT_WINDOW, NetworkEvent},
};
use rusqlite::{OptionalExtension, params};

pub(super) struct Drift;

impl Projection for Drift {
    const TABLES: &'static str = "
CREATE TABLE drift (
    network_id TEXT NOT NULL,
    peering_id TEXT NOT NULL,
    finding TEXT NOT NULL, -- JSON
    subject TEXT NOT NULL, -- what it is about, whatever was found of it
    since TEXT, -- NULL unless it is so now
    repairs INTEGER NOT NULL, -- how often its subject was put right within a day of the time before, if this was put right last
    repaired_at TEXT,
    adopted_at TEXT, -- since when it is how it should be
    PRIMARY KEY (peering_id, network_id, finding)
) WITHOUT ROWID;
";

    fn apply(at: &At<'_>, event: &NetworkEvent) -> rusqlite::Result<()> {
        match event {
            NetworkEvent::DriftDetected(it) => detected(at, it),
            NetworkEvent::DriftRepaired(it) => repaired(at, it),
            NetworkEvent::DriftAdopted(it) => adopted(at, it),
            NetworkEvent::NetworkRegistered(_)
            | NetworkEvent::NetworkPolicySet(_)
            | NetworkEvent::DriftCheckRequested(_)
            | NetworkEvent::NetworkRetired(_)
            | NetworkEvent::PeeringRequested(_)
            | NetworkEvent::PeeringAdopted(_)
            | NetworkEvent::RouteAccepted(_)
            | NetworkEvent::RouteWithdrawn(_)
            | NetworkEvent::FirewallRestricted(_)
            | NetworkEvent::ConnectorIngressAllowed(_)
            | NetworkEvent::ConnectorIngressRevoked(_)
            | NetworkEvent::DnsResolutionSet(_)
            | NetworkEvent::PeeringRemovalRequested(_)
            | NetworkEvent::PeeringAbandoned(_)
            | NetworkEvent::PeeringInitiationStarted(_)
            | NetworkEvent::PeeringInitiationRefused(_)
            | NetworkEvent::PeeringInitiated(_)
            | NetworkEvent::PeeringExpiryNear(_)
            | NetworkEvent::PeeringAccepted(_)
            | NetworkEvent::PeeringActivated(_)
            | NetworkEvent::PeeringRejected(_)
            | NetworkEvent::PeeringExpired(_)
            | NetworkEvent::PeeringRenewed(_)
            | NetworkEvent::PeeringFailed(_)
            | NetworkEvent::PeeringDeadlinePassed(_)
            | NetworkEvent::PeeringSurveyed(_)
            | NetworkEvent::LinkRemoved(_)
            | NetworkEvent::PeeringRemoved(_)
            | NetworkEvent::RouteInstalled(_)
            | NetworkEvent::RouteRemoved(_)
            | NetworkEvent::RouteConflicted(_)
            | NetworkEvent::FirewallGroupCreated(_)
            | NetworkEvent::FirewallGroupRemoved(_)
            | NetworkEvent::FirewallRuleAuthorized(_)
            | NetworkEvent::FirewallRuleRevoked(_)
            | NetworkEvent::FirewallEnforced(_)
            | NetworkEvent::FirewallExposed(_)
            | NetworkEvent::ExposureCleared(_)
            | NetworkEvent::DnsResolutionApplied(_)
            | NetworkEvent::ProvisioningBlocked(_)
            | NetworkEvent::ProvisioningUnblocked(_) => Ok(()),
        }
    }
}

fn detected(at: &At<'_>, it: &DriftDetected) -> rusqlite::Result<()> {
    let (network, peering) = at.key(it.peering_id);
    at.execute(
        "INSERT INTO drift VALUES (?1, ?2, ?3, ?4, ?5, 0, NULL, NULL) ON CONFLICT DO UPDATE SET since = excluded.since",
        params![network, peering, to_json(&it.finding)?, subject(&it.finding), time(&it.detected_at)],
    )
}

/// Repairs of one subject count while each follows the one before within a day, whatever was found
/// of it each time.
fn repaired(at: &At<'_>, it: &DriftRepaired) -> rusqlite::Result<()> {
    let (network, peering) = at.key(it.peering_id);
    let subject = subject(&it.finding);
    let (count, last) = repairs(at, it.peering_id, &subject)?;
    let again = last.is_some_and(|last| it.repaired_at - last < FIGHT_WINDOW);
    let count = if again { count.saturating_add(1) } else { 1 };
    at.execute(
        "UPDATE drift SET repairs = 0, repaired_at = NULL WHERE network_id = ?1 AND peering_id = ?2 AND subject = ?3",
        params![network, peering, subject],
    )?;
    at.execute(
        "INSERT INTO drift VALUES (?1, ?2, ?3, ?4, NULL, ?5, ?6, NULL)
         ON CONFLICT DO UPDATE SET since = NULL, repairs = excluded.repairs, repaired_at = excluded.repaired_at",
        params![network, peering, to_json(&it.finding)?, subject, count, time(&it.repaired_at)],
    )?;
    sweep(at, it.peering_id)
}

fn repairs(
    at: &At<'_>,
    peering: PeeringId,
    subject: &str,
) -> rusqlite::Result<(u32, Option<DateTime<Utc>>)> {
    let (network, peering) = at.key(peering);
    let sql = "SELECT repairs, repaired_at FROM drift
               WHERE network_id = ?1 AND peering_id = ?2 AND subject = ?3 AND repaired_at IS NOT NULL";
    let mut select = at.rows.prepare_cached(sql)?;
    let read = |row: &rusqlite::Row<'_>| Ok((row.get("repairs")?, maybe(row, "repaired_at")?));
    Ok(select
        .query_row(params![network, peering, subject], read)
        .optional()?
        .unwrap_or_default())
}

fn adopted(at: &At<'_>, it: &DriftAdopted) -> rusqlite::Result<()> {
    let (network, peering) = at.key(it.peering_id);
    at.execute(
        "INSERT INTO drift VALUES (?1, ?2, ?3, ?4, NULL, 0, NULL, ?5)
         ON CONFLICT DO UPDATE SET since = NULL, adopted_at = excluded.adopted_at",
        params![
            network,
            peering,
            to_json(&it.finding)?,
            subject(&it.finding),
            at.created()
        ],
    )
}

/// Nothing is otherwise any more.
pub(super) fn over(at: &At<'_>, peering: PeeringId) -> rusqlite::Result<()> {
    at.execute(
        "UPDATE drift SET since = NULL WHERE network_id = ?1 AND peering_id = ?2",
        at.key(peering),
    )?;
    sweep(at, peering)
}

pub(super) fn forget_repairs(at: &At<'_>, peering: PeeringId) -> rusqlite::Result<()> {
    at.execute("UPDATE drift SET repairs = 0, repaired_at = NULL WHERE network_id = ?1 AND peering_id = ?2", at.key(peering))?;
    sweep(at, peering)
}

/// A finding of which nothing is left to tell goes.
fn sweep(at: &At<'_>, peering: PeeringId) -> rusqlite::Result<()> {
    at.execute(
        "DELETE FROM drift WHERE network_id = ?1 AND peering_id = ?2 AND since IS NULL AND repaired_at IS NULL AND adopted_at IS NULL",
        at.key(peering),
    )
}

/// Another route is asked for: what was found of this one, in whatever table, is of no more
/// account.
pub(super) fn forget_route(
    at: &At<'_>,
    peering: PeeringId,
    side: Side,
    destination: Range,
) -> rusqlite::Result<()> {
    let destination = destination.to_string();
    forget(
        at,
        peering,
        |finding| matches!(Subject::of(finding), Subject::Route(of, _, to) if of == side && to == destination),
    )
}

/// The same of the engine's own firewall group on one side, and of what is in it.
pub(super) fn forget_firewall(at: &At<'_>, peering: PeeringId, side: Side) -> rusqlite::Result<()> {
    forget(at, peering, |finding| match Subject::of(finding) {
        Subject::Group(of)
        | Subject::GroupTag(of)
        | Subject::Rule(of, _, _)
        | Subject::RuleTag(of, _)
        | Subject::ExtraRule(of, _) => of == side,
        Subject::Link | Subject::LinkTag | Subject::Dns(_) | Subject::Route(..) => false,
    })
}

pub(super) fn forget_dns(at: &At<'_>, peering: PeeringId, side: Side) -> rusqlite::Result<()> {
    forget(
        at,
        peering,
        |finding| matches!(Subject::of(finding), Subject::Dns(of) if of == side),
    )
}

/// Whatever is forgotten while it was so, or was to stay so, is taken for true: what was found
/// missing is not there.
fn forget(
    at: &At<'_>,
    peering: PeeringId,
    is_about: impl Fn(&DriftKind) -> bool,
) -> rusqlite::Result<()> {
    let (network, id) = at.key(peering);
    let sql = "SELECT finding, since IS NOT NULL OR adopted_at IS NOT NULL AS stands FROM drift WHERE network_id = ?1 AND peering_id = ?2";
    let mut select = at.rows.prepare_cached(sql)?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok((
            json::<DriftKind>(row, "finding")?,
            row.get::<_, bool>("stands")?,
        ))
    };
    let known = select
        .query_map(params![network, id], read)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for (finding, stands) in known.iter().filter(|(finding, _)| is_about(finding)) {
        at.execute(
            "DELETE FROM drift WHERE network_id = ?1 AND peering_id = ?2 AND finding = ?3",
            params![network, id, to_json(finding)?],
        )?;
        if *stands {
            take_for_true(at, peering, finding)?;
        }
    }
    Ok(())
}

fn take_for_true(at: &At<'_>, peering: PeeringId, finding: &DriftKind) -> rusqlite::Result<()> {
    match finding {
        DriftKind::RouteMissing {
            side,
            route_table,
            destination,
        }
        | DriftKind::RouteForeign {
            side,
            route_table,
            destination,
            ..
        } => routes::not_installed(at, peering, *side, *destination, route_table),
        DriftKind::GroupMissing { side, group } => {
            firewall::group_missing(at, peering, *side, group)
        }
        DriftKind::RuleMissing { side, rule } => firewall::forget_rule(at, peering, *side, *rule),
        DriftKind::DnsResolutionFlipped { side } => upkeep::dns_flipped(at, peering, *side),
        DriftKind::LinkEnded { .. }
        | DriftKind::LinkTagMissing
        | DriftKind::RouteBlackhole { .. }
        | DriftKind::RouteExtra { .. }
        | DriftKind::GroupTagMissing { .. }
        | DriftKind::RuleTagMissing { .. }
        | DriftKind::RuleExtra { .. } => Ok(()),
    }
}

/// What a finding is about, whatever was found of it.
#[derive(Debug)]
#[expect(dead_code, reason = "what is not matched on is written")]
enum Subject<'a> {
    Link,
    LinkTag,
    Dns(Side),
    Route(Side, &'a str, String),
    Group(Side),
    GroupTag(Side),
    Rule(Side, Range, u16),
    RuleTag(Side, &'a str),
    /// A rule that nobody asked for, by what it admits: made again it has another id.
    ExtraRule(Side, &'a str),
}

impl<'a> Subject<'a> {
    fn of(finding: &'a DriftKind) -> Self {
        match finding {
            DriftKind::LinkEnded { .. } => Self::Link,
            DriftKind::LinkTagMissing => Self::LinkTag,
            DriftKind::DnsResolutionFlipped { side } => Self::Dns(*side),
            DriftKind::RouteMissing {
                side,
                route_table,
                destination,
            }
            | DriftKind::RouteForeign {
                side,
                route_table,
                destination,
                ..
            }
            | DriftKind::RouteBlackhole {
                side,
                route_table,
                destination,
            } => Self::Route(*side, route_table.as_str(), destination.to_string()),
            DriftKind::RouteExtra {
                side,
                route_table,
                destination,
            } => Self::Route(*side, route_table.as_str(), destination.clone()),
            DriftKind::GroupMissing { side, .. } => Self::Group(*side),
            DriftKind::GroupTagMissing { side, .. } => Self::GroupTag(*side),
            DriftKind::RuleMissing { side, rule } => Self::Rule(*side, rule.source, rule.port),
            DriftKind::RuleTagMissing { side, rule_id } => Self::RuleTag(*side, rule_id.as_str()),
            DriftKind::RuleExtra { side, admits, .. } => Self::ExtraRule(*side, admits),
        }
    }
}

/// The same as a text: equal for equal matters.
fn subject(finding: &DriftKind) -> String {
    format!("{:?}", Subject::of(finding))
}
