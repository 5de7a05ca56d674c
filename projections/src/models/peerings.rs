//! `peerings`: each peering, where it is in its life, and whether it waits for a person.

use super::{At, Projection};
use crate::rows::{time, to_json};
use domain::{
    PeeringId,
    network::{NetworkEvent, PeeringRequested, ProvisioningBlocked},
    text::Link,
};
use rusqlite::params;

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
    commit_position INTEGER NOT NULL, -- of its request
    prepare_position INTEGER NOT NULL,
    life TEXT NOT NULL,
    attempt INTEGER, -- while it is being initiated
    link TEXT,
    expires_at TEXT,
    failure TEXT, -- the provider's words
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
            NetworkEvent::PeeringInitiationStarted(it) => initiating(at, it.peering_id, it.attempt)?,
            NetworkEvent::PeeringInitiationRefused(it) => initiating(at, it.peering_id, it.attempt)?,
            NetworkEvent::PeeringInitiated(it) => {
                let expires_at = it.expires_at.as_ref().map(time);
                linked(at, it.peering_id, "initiated", &it.link, expires_at)?;
            }
            NetworkEvent::PeeringAccepted(it) => linked(at, it.peering_id, "accepted", &it.link, None)?,
            NetworkEvent::PeeringActivated(it) => linked(at, it.peering_id, "active", &it.link, None)?,
            NetworkEvent::PeeringRejected(it) => ended(at, it.peering_id, "rejected", Some(&it.link), None)?,
            NetworkEvent::PeeringExpired(it) => ended(at, it.peering_id, "expired", Some(&it.link), None)?,
            NetworkEvent::PeeringFailed(it) => ended(at, it.peering_id, "failed", it.link.as_ref(), Some(&it.message))?,
            NetworkEvent::ProvisioningBlocked(it) => blocked(at, it)?,
            NetworkEvent::ProvisioningUnblocked(it) => unblocked(at, it.peering_id)?,
            NetworkEvent::NetworkRegistered(_)
            | NetworkEvent::RouteAccepted(_)
            | NetworkEvent::FirewallRestricted(_)
            | NetworkEvent::RouteInstalled(_)
            | NetworkEvent::RouteConflicted(_)
            | NetworkEvent::FirewallGroupCreated(_)
            | NetworkEvent::FirewallRuleAuthorized(_)
            | NetworkEvent::FirewallRuleRevoked(_)
            | NetworkEvent::FirewallEnforced(_) => {}
        }
        event.peering_id().map_or(Ok(()), |peering| touch(at, peering))
    }
}

fn requested(at: &At<'_>, it: &PeeringRequested) -> rusqlite::Result<()> {
    let peer = &it.peer;
    let position = at.recorded.position;
    at.execute(
        "INSERT OR REPLACE INTO peerings (network_id, peering_id, peer_provider, peer_account, peer_region, peer_cloud_network,
             peer_ranges, peer_subnets, requested_at, commit_position, prepare_position, life, revision, changed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'requested', ?12, ?13)",
        params![
            at.id(),
            it.peering_id.to_string(),
            peer.provider.as_str(),
            peer.account.as_str(),
            peer.region.as_str(),
            peer.cloud_network.as_str(),
            to_json(&peer.ranges)?,
            to_json(&peer.subnets)?,
            time(&it.requested_at),
            position.commit,
            position.prepare,
            at.recorded.revision,
            at.created(),
        ],
    )
}

fn initiating(at: &At<'_>, peering: PeeringId, attempt: u32) -> rusqlite::Result<()> {
    let (network, peering) = at.key(peering);
    at.execute(
        "UPDATE peerings SET life = 'initiating', attempt = ?3, link = NULL, expires_at = NULL, failure = NULL
         WHERE network_id = ?1 AND peering_id = ?2",
        params![network, peering, attempt],
    )
}

fn linked(at: &At<'_>, peering: PeeringId, life: &str, link: &Link, expires_at: Option<String>) -> rusqlite::Result<()> {
    let (network, peering) = at.key(peering);
    at.execute(
        "UPDATE peerings SET life = ?3, attempt = NULL, link = ?4, expires_at = ?5, failure = NULL
         WHERE network_id = ?1 AND peering_id = ?2",
        params![network, peering, life, link.as_str(), expires_at],
    )
}

fn ended(at: &At<'_>, peering: PeeringId, life: &str, link: Option<&Link>, failure: Option<&str>) -> rusqlite::Result<()> {
    unblocked(at, peering)?;
    let (network, peering) = at.key(peering);
    at.execute(
        "UPDATE peerings SET life = ?3, attempt = NULL, link = ?4, expires_at = NULL, failure = ?5
         WHERE network_id = ?1 AND peering_id = ?2",
        params![network, peering, life, link.map(Link::as_str), failure],
    )
}

fn blocked(at: &At<'_>, it: &ProvisioningBlocked) -> rusqlite::Result<()> {
    let (network, peering) = at.key(it.peering_id);
    at.execute(
        "UPDATE peerings SET blocked_cause = ?3, blocked_side = ?4, blocked_message = ?5, blocked_remedy = ?6, blocked_at = ?7
         WHERE network_id = ?1 AND peering_id = ?2",
        params![network, peering, it.cause.as_str(), it.side.as_str(), it.message, to_json(&it.remedy)?, at.created()],
    )
}

fn unblocked(at: &At<'_>, peering: PeeringId) -> rusqlite::Result<()> {
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
