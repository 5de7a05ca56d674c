//! Where a peering is in its life, as columns of `peerings`: each state has its own, and none of another's.

use super::{At, peerings::unblocked};
use crate::rows::{maybe, text, time, to_json};
use chrono::{DateTime, Utc};
use domain::{
    PeeringId,
    network::{
        ACCEPTANCE_WINDOW, PeeringAbandoned, PeeringAccepted, PeeringInitiated, PeeringInitiationRefused, PeeringInitiationStarted,
        PeeringRemoved,
    },
    text::{Link, Reason},
};
use rusqlite::params;

/// The columns of one state; those that it does not have are empty.
#[derive(Default)]
struct Columns<'a> {
    life: &'static str,
    attempt: Option<u32>,
    started_at: Option<String>,
    link: Option<&'a Link>,
    expires_at: Option<String>,
    failure: Option<&'a str>,
}

fn enter(at: &At<'_>, peering: PeeringId, it: Columns<'_>) -> rusqlite::Result<()> {
    let (network, peering) = at.key(peering);
    at.execute(
        "UPDATE peerings SET life = ?3, attempt = ?4, started_at = ?5, link = ?6, expires_at = ?7, failure = ?8, warned = 0,
             link_removed_at = NULL, removal_at = NULL, removal_reason = NULL, deadline_passed = NULL, left_behind = '[]'
         WHERE network_id = ?1 AND peering_id = ?2",
        params![network, peering, it.life, it.attempt, it.started_at, it.link.map(Link::as_str), it.expires_at, it.failure],
    )
}

pub(super) fn requested(at: &At<'_>, peering: PeeringId) -> rusqlite::Result<()> {
    enter(at, peering, Columns { life: "requested", ..Columns::default() })
}

pub(super) fn initiating(at: &At<'_>, it: &PeeringInitiationStarted) -> rusqlite::Result<()> {
    let (attempt, started_at) = (Some(it.attempt), Some(time(&it.started_at)));
    enter(at, it.peering_id, Columns { life: "initiating", attempt, started_at, ..Columns::default() })
}

/// An answer to the last attempt of a peering that is being taken back: there is no link.
pub(super) fn initiation_refused(at: &At<'_>, it: &PeeringInitiationRefused) -> rusqlite::Result<()> {
    if removing_with(at, it.peering_id, None, None)? {
        return Ok(());
    }
    enter(at, it.peering_id, Columns { life: "initiating", attempt: Some(it.attempt), ..Columns::default() })
}

/// A link waits for its accepter for as long as the cloud says, or else for as long as the cloud does since it was asked for.
pub(super) fn initiated(at: &At<'_>, it: &PeeringInitiated) -> rusqlite::Result<()> {
    if removing_with(at, it.peering_id, Some(&it.link), None)? {
        return Ok(());
    }
    let expires_at = match it.expires_at {
        Some(expires_at) => expires_at,
        None => asked_at(at, it.peering_id)? + ACCEPTANCE_WINDOW,
    };
    awaits(at, it.peering_id, &it.link, &expires_at)
}

/// A link of somebody else's making, as it is taken until somebody has looked.
pub(super) fn awaiting(at: &At<'_>, peering: PeeringId, link: &Link, since: &DateTime<Utc>) -> rusqlite::Result<()> {
    awaits(at, peering, link, &(*since + ACCEPTANCE_WINDOW))
}

fn awaits(at: &At<'_>, peering: PeeringId, link: &Link, expires_at: &DateTime<Utc>) -> rusqlite::Result<()> {
    let expires_at = Some(time(expires_at));
    enter(at, peering, Columns { life: "awaiting_acceptance", link: Some(link), expires_at, ..Columns::default() })?;
    at.execute("UPDATE peerings SET accepted_at = NULL, evidence = NULL WHERE network_id = ?1 AND peering_id = ?2", at.key(peering))
}

/// When the cloud was last asked for the link, as far as the log says.
fn asked_at(at: &At<'_>, peering: PeeringId) -> rusqlite::Result<DateTime<Utc>> {
    let mut select = at.rows.prepare_cached("SELECT started_at, requested_at FROM peerings WHERE network_id = ?1 AND peering_id = ?2")?;
    select.query_row(at.key(peering), |row| match maybe(row, "started_at")? {
        Some(started_at) => Ok(started_at),
        None => text(row, "requested_at"),
    })
}

pub(super) fn expiry_near(at: &At<'_>, peering: PeeringId) -> rusqlite::Result<()> {
    at.execute("UPDATE peerings SET warned = 1 WHERE network_id = ?1 AND peering_id = ?2 AND life = 'awaiting_acceptance'", at.key(peering))
}

pub(super) fn accepted(at: &At<'_>, it: &PeeringAccepted) -> rusqlite::Result<()> {
    enter(at, it.peering_id, Columns { life: "provisioning", link: Some(&it.link), ..Columns::default() })?;
    let (network, peering) = at.key(it.peering_id);
    at.execute(
        "UPDATE peerings SET accepted_at = ?3, evidence = ?4 WHERE network_id = ?1 AND peering_id = ?2",
        params![network, peering, at.created(), it.evidence.as_ref().map(to_json).transpose()?],
    )
}

pub(super) fn active(at: &At<'_>, peering: PeeringId, link: &Link) -> rusqlite::Result<()> {
    enter(at, peering, Columns { life: "active", link: Some(link), ..Columns::default() })
}

/// The link's own end.
pub(super) fn ended(
    at: &At<'_>,
    peering: PeeringId,
    life: &'static str,
    link: Option<&Link>,
    failure: Option<&str>,
) -> rusqlite::Result<()> {
    unblocked(at, peering)?;
    enter(at, peering, Columns { life, link, failure, ..Columns::default() })
}

/// It is being taken back from here on: what is known of its link stays known.
pub(super) fn removing(at: &At<'_>, peering: PeeringId, reason: Option<&Reason>, deadline: Option<&DateTime<Utc>>) -> rusqlite::Result<()> {
    unblocked(at, peering)?;
    let (network, peering) = at.key(peering);
    at.execute(
        "UPDATE peerings SET life = 'removing', attempt = NULL, started_at = NULL, expires_at = NULL, warned = 0, failure = NULL,
             removal_at = ?3, removal_reason = ?4, deadline_passed = ?5, left_behind = '[]'
         WHERE network_id = ?1 AND peering_id = ?2",
        params![network, peering, at.created(), reason.map(Reason::as_str), deadline.map(time)],
    )
}

pub(super) fn link_removed(at: &At<'_>, peering: PeeringId, link: &Link) -> rusqlite::Result<()> {
    removing_with(at, peering, Some(link), Some(at.created())).map(drop)
}

/// Notes what is known of the link, if the peering is being taken back; says whether it is.
fn removing_with(at: &At<'_>, peering: PeeringId, link: Option<&Link>, removed_at: Option<String>) -> rusqlite::Result<bool> {
    let (network, peering) = at.key(peering);
    at.changed(
        "UPDATE peerings SET link = ?3, link_removed_at = ?4 WHERE network_id = ?1 AND peering_id = ?2 AND life = 'removing'",
        params![network, peering, link.map(Link::as_str), removed_at],
    )
}

pub(super) fn removed(at: &At<'_>, it: &PeeringRemoved) -> rusqlite::Result<()> {
    unblocked(at, it.peering_id)?;
    let (network, peering) = at.key(it.peering_id);
    at.execute(
        "UPDATE peerings SET life = 'removed', attempt = NULL, started_at = NULL, expires_at = NULL, warned = 0, failure = NULL,
             left_behind = ?3
         WHERE network_id = ?1 AND peering_id = ?2",
        params![network, peering, to_json(&it.left_behind)?],
    )
}

pub(super) fn abandoned(at: &At<'_>, it: &PeeringAbandoned) -> rusqlite::Result<()> {
    unblocked(at, it.peering_id)?;
    let (network, peering) = at.key(it.peering_id);
    at.execute(
        "UPDATE peerings SET life = 'abandoned', attempt = NULL, started_at = NULL, expires_at = NULL, warned = 0, failure = NULL,
             left_behind = ?3, removal_at = ?4, removal_reason = ?5, deadline_passed = NULL
         WHERE network_id = ?1 AND peering_id = ?2",
        params![network, peering, to_json(&it.left_behind)?, at.created(), it.reason.as_str()],
    )
}
