//! Where a peering is in its life, as columns of `peerings`: each state has its own, and none of
//! another's.

use super::{At, drift, peerings::unblocked};
use crate::{
    LifeName,
    rows::{maybe, time, to_json},
};
use chrono::{DateTime, Utc};
use domain::{
    PeeringId,
    network::{
        ACCEPTANCE_WINDOW, PeeringAbandoned, PeeringAccepted, PeeringInitiated,
        PeeringInitiationRefused, PeeringInitiationStarted, PeeringRemoved,
    },
    text::{Link, Reason},
};
use rusqlite::params;

/// The columns of one state; those that it does not have are empty.
#[derive(Default)]
struct Columns<'a> {
    life: &'static str,
    link: Option<&'a Link>,
    expires_at: Option<String>,
    failure: Option<&'a str>,
}

fn enter(at: &At<'_>, peering: PeeringId, it: Columns<'_>) -> rusqlite::Result<()> {
    let (network, peering) = at.key(peering);
    at.execute(
        "UPDATE peerings SET life = ?3, link = ?4, expires_at = ?5, failure = ?6, attempt = NULL, started_at = NULL, open_attempt = 0,
             warned = 0
         WHERE network_id = ?1 AND peering_id = ?2",
        params![network, peering, it.life, it.link.map(Link::as_str), it.expires_at, it.failure],
    )
}

pub(super) fn requested(at: &At<'_>, peering: PeeringId) -> rusqlite::Result<()> {
    enter(
        at,
        peering,
        Columns {
            life: "requested",
            ..Columns::default()
        },
    )
}

/// An attempt that was never answered is not forgotten when another begins.
pub(super) fn initiating(at: &At<'_>, it: &PeeringInitiationStarted) -> rusqlite::Result<()> {
    let (network, peering) = at.key(it.peering_id);
    at.execute(
        "UPDATE peerings SET open_attempt = max(open_attempt, started_at IS NOT NULL), life = 'initiating', attempt = ?3, started_at = ?4
         WHERE network_id = ?1 AND peering_id = ?2
             AND (life = 'requested' OR life = 'initiating' AND (started_at IS NULL OR attempt <> ?3))",
        params![network, peering, it.attempt, time(&it.started_at)],
    )
}

/// The answer to this attempt says nothing of an earlier one that was never answered.
pub(super) fn initiation_refused(
    at: &At<'_>,
    it: &PeeringInitiationRefused,
) -> rusqlite::Result<()> {
    let (network, peering) = at.key(it.peering_id);
    at.execute(
        "UPDATE peerings SET started_at = NULL WHERE network_id = ?1 AND peering_id = ?2 AND life = 'initiating' AND attempt = ?3",
        params![network, peering, it.attempt],
    )?;
    at.execute(
        "UPDATE peerings SET link_may_exist = open_attempt, open_attempt = 0
         WHERE network_id = ?1 AND peering_id = ?2 AND life = 'removing' AND link_may_exist",
        params![network, peering],
    )
}

/// A link waits for its accepter for as long as the cloud says, or else for as long as the cloud
/// does since it was asked for.
pub(super) fn initiated(at: &At<'_>, it: &PeeringInitiated) -> rusqlite::Result<()> {
    let (network, peering) = at.key(it.peering_id);
    at.execute(
        "UPDATE peerings SET link = ?3, link_may_exist = 0, open_attempt = 0
         WHERE network_id = ?1 AND peering_id = ?2 AND life = 'removing' AND link_may_exist",
        params![network, peering, it.link.as_str()],
    )?;
    if let Some(started_at) = attempt_started_at(at, it.peering_id)? {
        awaiting(
            at,
            it.peering_id,
            &it.link,
            &it.expires_at.unwrap_or(started_at + ACCEPTANCE_WINDOW),
        )?;
    }
    Ok(())
}

/// When the attempt that is under way began.
fn attempt_started_at(at: &At<'_>, peering: PeeringId) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let mut select = at.rows.prepare_cached(
        "SELECT started_at FROM peerings WHERE network_id = ?1 AND peering_id = ?2",
    )?;
    select.query_row(at.key(peering), |row| maybe(row, "started_at"))
}

pub(super) fn awaiting(
    at: &At<'_>,
    peering: PeeringId,
    link: &Link,
    expires_at: &DateTime<Utc>,
) -> rusqlite::Result<()> {
    let expires_at = Some(time(expires_at));
    enter(
        at,
        peering,
        Columns {
            life: "awaiting_acceptance",
            link: Some(link),
            expires_at,
            ..Columns::default()
        },
    )
}

pub(super) fn expiry_near(at: &At<'_>, peering: PeeringId) -> rusqlite::Result<()> {
    at.execute("UPDATE peerings SET warned = 1 WHERE network_id = ?1 AND peering_id = ?2 AND life = 'awaiting_acceptance'", at.key(peering))
}

pub(super) fn accepted(at: &At<'_>, it: &PeeringAccepted) -> rusqlite::Result<()> {
    if at.life(it.peering_id)? != Some(LifeName::AwaitingAcceptance) {
        return Ok(());
    }
    enter(
        at,
        it.peering_id,
        Columns {
            life: "provisioning",
            link: Some(&it.link),
            ..Columns::default()
        },
    )?;
    let (network, peering) = at.key(it.peering_id);
    at.execute(
        "UPDATE peerings SET accepted_at = ?3, evidence = ?4 WHERE network_id = ?1 AND peering_id = ?2",
        params![network, peering, at.created(), it.evidence.as_ref().map(to_json).transpose()?],
    )
}

pub(super) fn active(at: &At<'_>, peering: PeeringId, link: &Link) -> rusqlite::Result<()> {
    if at.life(peering)? != Some(LifeName::Provisioning) {
        return Ok(());
    }
    enter(
        at,
        peering,
        Columns {
            life: "active",
            link: Some(link),
            ..Columns::default()
        },
    )
}

/// The link's own end. While a peering is being removed, that is a step of it and no ending.
pub(super) fn ended(
    at: &At<'_>,
    peering: PeeringId,
    life: &'static str,
    link: Option<&Link>,
    failure: Option<&str>,
) -> rusqlite::Result<()> {
    if at.life(peering)? == Some(LifeName::Removing) {
        return Ok(());
    }
    over(at, peering)?;
    enter(
        at,
        peering,
        Columns {
            life,
            link,
            failure,
            ..Columns::default()
        },
    )
}

/// What is being taken back, or has ended, waits for nobody and is nowhere that it should not be.
fn over(at: &At<'_>, peering: PeeringId) -> rusqlite::Result<()> {
    unblocked(at, peering)?;
    drift::over(at, peering)
}

/// It is being taken back from here on: what is known of its link stays known.
pub(super) fn removing(
    at: &At<'_>,
    peering: PeeringId,
    reason: Option<&Reason>,
    deadline: Option<&DateTime<Utc>>,
) -> rusqlite::Result<()> {
    if at.life(peering)? == Some(LifeName::Removing) {
        return Ok(());
    }
    over(at, peering)?;
    let (network, peering) = at.key(peering);
    at.execute(
        "UPDATE peerings SET life = 'removing', link_may_exist = link IS NULL AND (started_at IS NOT NULL OR open_attempt),
             attempt = NULL, started_at = NULL, expires_at = NULL, warned = 0,
             removal_at = ?3, removal_reason = ?4, deadline_passed = ?5
         WHERE network_id = ?1 AND peering_id = ?2",
        params![network, peering, at.created(), reason.map(Reason::as_str), deadline.map(time)],
    )
}

pub(super) fn link_removed(at: &At<'_>, peering: PeeringId, link: &Link) -> rusqlite::Result<()> {
    let (network, peering) = at.key(peering);
    at.execute(
        "UPDATE peerings SET link = ?3, link_may_exist = 0, link_removed_at = ?4
         WHERE network_id = ?1 AND peering_id = ?2 AND life = 'removing'",
        params![network, peering, link.as_str(), at.created()],
    )
}

pub(super) fn removed(at: &At<'_>, it: &PeeringRemoved) -> rusqlite::Result<()> {
    if at.life(it.peering_id)? != Some(LifeName::Removing) {
        return Ok(());
    }
    over(at, it.peering_id)?;
    let (network, peering) = at.key(it.peering_id);
    at.execute(
        "UPDATE peerings SET life = 'removed', left_behind = ?3 WHERE network_id = ?1 AND peering_id = ?2",
        params![network, peering, to_json(&it.left_behind)?],
    )
}

pub(super) fn abandoned(at: &At<'_>, it: &PeeringAbandoned) -> rusqlite::Result<()> {
    over(at, it.peering_id)?;
    let (network, peering) = at.key(it.peering_id);
    at.execute(
        "UPDATE peerings SET life = 'abandoned', attempt = NULL, started_at = NULL, expires_at = NULL, warned = 0,
             left_behind = ?3, removal_at = ?4, removal_reason = ?5, deadline_passed = NULL
         WHERE network_id = ?1 AND peering_id = ?2",
        params![network, peering, to_json(&it.left_behind)?, at.created(), it.reason.as_str()],
    )
}
