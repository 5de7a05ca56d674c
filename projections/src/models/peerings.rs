//! `peerings`: each peering, on what terms it was asked for, where it is in its life, and whether
//! it waits for a person.

use super::{At, Projection, drift, life};
use crate::rows::{json, time, to_json};
use chrono::{DateTime, Utc};
use domain::{
    PeeringId,
    network::{
        ACCEPTANCE_WINDOW, NetworkEvent, Peer, PeeringAdopted, PeeringRenewed, PeeringRequested,
        PeeringSurveyed, ProvisioningBlocked, Terms,
    },
    text::{ExternalId, Link},
};
use rusqlite::params;
use std::collections::BTreeSet;

pub(super) struct Peerings;

impl Projection for Peerings {
    const TABLES: &'static str = "
CREATE TABLE peerings (
    network_id TEXT NOT NULL,
    peering_id TEXT NOT NULL,
    peer_provider TEXT NOT NULL,
    peer_account TEXT NOT NULL,
    peer_region TEXT NOT NULL,
    peer_cloud_network TEXT NOT NULL,
    peer_ranges TEXT NOT NULL, -- JSON list
    peer_subnets TEXT NOT NULL, -- JSON list
    requested_at TEXT NOT NULL,
    commit_position INTEGER NOT NULL, -- of its request or adoption
    prepare_position INTEGER NOT NULL,
    origin TEXT NOT NULL, -- requested or adopted
    found TEXT, -- JSON list of the routes that an adopted link had; NULL until somebody has looked
    consent TEXT NOT NULL,
    deadline TEXT,
    renew INTEGER NOT NULL,
    external_id TEXT,
    past_links TEXT NOT NULL DEFAULT '[]', -- JSON list
    life TEXT NOT NULL,
    attempt INTEGER, -- while it is being initiated
    started_at TEXT, -- of the attempt that is under way
    open_attempt INTEGER NOT NULL DEFAULT 0, -- whether an earlier attempt was never answered
    link TEXT,
    link_may_exist INTEGER NOT NULL DEFAULT 0, -- while it is being removed: whether an attempt may have made a link
    link_removed_at TEXT, -- when it was seen to be gone
    expires_at TEXT, -- while it waits for its accepter
    warned INTEGER NOT NULL DEFAULT 0, -- whether it is on record that this is near
    accepted_at TEXT,
    evidence TEXT, -- JSON: how it is known that the link was accepted
    failure TEXT, -- the provider's words
    removal_at TEXT, -- since when it is being taken back, or was given up
    removal_reason TEXT, -- why, if somebody asked for it
    deadline_passed TEXT, -- the deadline, if that is why
    left_behind TEXT NOT NULL DEFAULT '[]', -- JSON list
    blocked_cause TEXT,
    blocked_side TEXT,
    blocked_message TEXT,
    blocked_remedy TEXT, -- JSON list
    blocked_at TEXT,
    revision INTEGER NOT NULL, -- of the last event about it
    changed_at TEXT NOT NULL,
    PRIMARY KEY (peering_id, network_id)
);
CREATE INDEX peerings_of_network ON peerings (network_id, commit_position, prepare_position);
CREATE INDEX peerings_in_order ON peerings (commit_position, prepare_position);
";

    fn apply(at: &At<'_>, event: &NetworkEvent) -> rusqlite::Result<()> {
        match event {
            NetworkEvent::PeeringRequested(it) => requested(at, it)?,
            NetworkEvent::PeeringAdopted(it) => adopted(at, it)?,
            NetworkEvent::PeeringSurveyed(it) => surveyed(at, it)?,
            NetworkEvent::PeeringInitiationStarted(it) => life::initiating(at, it)?,
            NetworkEvent::PeeringInitiationRefused(it) => life::initiation_refused(at, it)?,
            NetworkEvent::PeeringInitiated(it) => life::initiated(at, it)?,
            NetworkEvent::PeeringExpiryNear(it) => life::expiry_near(at, it.peering_id)?,
            NetworkEvent::PeeringAccepted(it) => life::accepted(at, it)?,
            NetworkEvent::PeeringActivated(it) => life::active(at, it.peering_id, &it.link)?,
            NetworkEvent::PeeringRejected(it) => {
                life::ended(at, it.peering_id, "rejected", Some(&it.link), None)?
            }
            NetworkEvent::PeeringExpired(it) => {
                life::ended(at, it.peering_id, "expired", Some(&it.link), None)?
            }
            NetworkEvent::PeeringFailed(it) => life::ended(
                at,
                it.peering_id,
                "failed",
                it.link.as_ref(),
                Some(&it.message),
            )?,
            NetworkEvent::PeeringRenewed(it) => renewed(at, it)?,
            NetworkEvent::PeeringRemovalRequested(it) => {
                life::removing(at, it.peering_id, Some(&it.reason), None)?
            }
            NetworkEvent::PeeringDeadlinePassed(it) => {
                life::removing(at, it.peering_id, None, Some(&it.deadline))?
            }
            NetworkEvent::LinkRemoved(it) => life::link_removed(at, it.peering_id, &it.link)?,
            NetworkEvent::PeeringRemoved(it) => life::removed(at, it)?,
            NetworkEvent::PeeringAbandoned(it) => life::abandoned(at, it)?,
            NetworkEvent::ProvisioningBlocked(it) => blocked(at, it)?,
            NetworkEvent::ProvisioningUnblocked(it) => released(at, it.peering_id)?,
            NetworkEvent::NetworkRegistered(_)
            | NetworkEvent::NetworkPolicySet(_)
            | NetworkEvent::DriftCheckRequested(_)
            | NetworkEvent::NetworkRetired(_)
            | NetworkEvent::RouteAccepted(_)
            | NetworkEvent::RouteWithdrawn(_)
            | NetworkEvent::FirewallRestricted(_)
            | NetworkEvent::ConnectorIngressAllowed(_)
            | NetworkEvent::ConnectorIngressRevoked(_)
            | NetworkEvent::DnsResolutionSet(_)
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
            | NetworkEvent::DriftDetected(_)
            | NetworkEvent::DriftRepaired(_)
            | NetworkEvent::DriftAdopted(_) => {}
        }
        event
            .peering_id()
            .map_or(Ok(()), |peering| touch(at, peering))
    }
}

/// What a request and an adoption both say.
struct Beginning<'a> {
    peering: PeeringId,
    peer: &'a Peer,
    at: &'a DateTime<Utc>,
    terms: Terms,
    external_id: Option<&'a ExternalId>,
    origin: &'static str,
}

fn requested(at: &At<'_>, it: &PeeringRequested) -> rusqlite::Result<()> {
    let (terms, external_id) = (it.terms.clone(), it.external_id.as_ref());
    begun(
        at,
        &Beginning {
            peering: it.peering_id,
            peer: &it.peer,
            at: &it.requested_at,
            terms,
            external_id,
            origin: "requested",
        },
    )
}

/// What an adopted link really is, the next look records.
fn adopted(at: &At<'_>, it: &PeeringAdopted) -> rusqlite::Result<()> {
    let terms = Terms {
        consent: it.consent,
        ..Terms::default()
    };
    let external_id = it.external_id.as_ref();
    begun(
        at,
        &Beginning {
            peering: it.peering_id,
            peer: &it.peer,
            at: &it.adopted_at,
            terms,
            external_id,
            origin: "adopted",
        },
    )?;
    life::awaiting(
        at,
        it.peering_id,
        &it.link,
        &(it.adopted_at + ACCEPTANCE_WINDOW),
    )
}

fn begun(at: &At<'_>, it: &Beginning<'_>) -> rusqlite::Result<()> {
    let position = at.recorded.position;
    at.execute(
        "INSERT INTO peerings (network_id, peering_id, peer_provider, peer_account, peer_region, peer_cloud_network,
             peer_ranges, peer_subnets, requested_at, commit_position, prepare_position, origin, consent, deadline, renew,
             external_id, life, revision, changed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, 'requested', ?17, ?18)",
        params![
            at.id(),
            it.peering.to_string(),
            it.peer.provider.as_str(),
            it.peer.account.as_str(),
            it.peer.region.as_str(),
            it.peer.cloud_network.as_str(),
            to_json(&it.peer.ranges)?,
            to_json(&it.peer.subnets)?,
            time(it.at),
            position.commit,
            position.prepare,
            it.origin,
            it.terms.consent.as_str(),
            it.terms.deadline.as_ref().map(time),
            it.terms.renew,
            it.external_id.map(ExternalId::as_str),
            at.recorded.revision,
            at.created(),
        ],
    )
}

fn surveyed(at: &At<'_>, it: &PeeringSurveyed) -> rusqlite::Result<()> {
    let (network, peering) = at.key(it.peering_id);
    let found: BTreeSet<_> = it.routes.iter().collect();
    at.execute(
        "UPDATE peerings SET found = ?3 WHERE network_id = ?1 AND peering_id = ?2 AND origin = 'adopted'",
        params![network, peering, to_json(&found)?],
    )
}

/// It is asked for once more, and not again after that.
fn renewed(at: &At<'_>, it: &PeeringRenewed) -> rusqlite::Result<()> {
    let (network, peering) = at.key(it.peering_id);
    let mut select = at.rows.prepare_cached(
        "SELECT past_links FROM peerings WHERE network_id = ?1 AND peering_id = ?2",
    )?;
    let mut past: BTreeSet<Link> =
        select.query_row(params![network, peering], |row| json(row, "past_links"))?;
    past.insert(it.expired.clone());
    at.execute(
        "UPDATE peerings SET renew = 0, open_attempt = 0, past_links = ?3 WHERE network_id = ?1 AND peering_id = ?2",
        params![network, peering, to_json(&past)?],
    )?;
    life::requested(at, it.peering_id)
}

fn blocked(at: &At<'_>, it: &ProvisioningBlocked) -> rusqlite::Result<()> {
    let (network, peering) = at.key(it.peering_id);
    at.execute(
        "UPDATE peerings SET blocked_cause = ?3, blocked_side = ?4, blocked_message = ?5, blocked_remedy = ?6, blocked_at = ?7
         WHERE network_id = ?1 AND peering_id = ?2",
        params![network, peering, it.cause.as_str(), it.side.as_str(), it.message, to_json(&it.remedy)?, at.created()],
    )
}

/// Who ends a fight ends its count too: the next repair is the first one again.
fn released(at: &At<'_>, peering: PeeringId) -> rusqlite::Result<()> {
    let fight =
        at.exists("SELECT 1 FROM peerings WHERE network_id = ?1 AND peering_id = ?2 AND blocked_cause = 'repair_undone'", at.key(peering))?;
    if fight {
        drift::forget_repairs(at, peering)?;
    }
    unblocked(at, peering)
}

pub(super) fn unblocked(at: &At<'_>, peering: PeeringId) -> rusqlite::Result<()> {
    at.execute(
        "UPDATE peerings SET blocked_cause = NULL, blocked_side = NULL, blocked_message = NULL, blocked_remedy = NULL,
             blocked_at = NULL
         WHERE network_id = ?1 AND peering_id = ?2",
        at.key(peering),
    )
}

fn touch(at: &At<'_>, peering: PeeringId) -> rusqlite::Result<()> {
    let (network, peering) = at.key(peering);
    at.execute(
        "UPDATE peerings SET revision = ?3, changed_at = ?4 WHERE network_id = ?1 AND peering_id = ?2",
        params![network, peering, at.recorded.revision, at.created()],
    )
}
