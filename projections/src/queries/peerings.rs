//! Peerings: the peer, the terms, the life, what stands in the way, and whether all that was asked
//! for is in place.

use super::{LifeName, Order, Select, page};
use crate::{
    Page, PageRequest, Projections, QueryError,
    rows::{json, maybe, maybe_json, text},
};
use chrono::{DateTime, Utc};
use domain::{
    NetworkId, PeeringId, Side,
    network::{BlockCause, Evidence, FoundRoute, Leftover, Peer, Terms},
    text::{ExternalId, Link, Reason},
};
use rusqlite::{Row, types::Value};
use serde::{Deserialize, Serialize};

/// A peering on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeeringView {
    pub id: PeeringId,
    pub network_id: NetworkId,
    pub peer: Peer,
    /// When it was requested, or adopted.
    pub requested_at: DateTime<Utc>,
    pub origin: Origin,
    /// The routes that an adopted link had when it was first looked at; `None` until then.
    pub found: Option<Vec<FoundRoute>>,
    /// On what terms it was asked for. `renew` is spent once it was asked for again.
    pub terms: Terms,
    pub external_id: Option<ExternalId>,
    pub life: LifeName,
    /// Which attempt it is, while the link is being initiated.
    pub attempt: Option<u32>,
    /// The provider's id of the link, once seen.
    pub link: Option<Link>,
    /// Links of this peering that nobody accepted in time.
    pub past_links: Vec<Link>,
    /// When the link expires unless it is accepted, while it waits for that.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether it is on record that this is near.
    pub expiry_near: bool,
    pub accepted_at: Option<DateTime<Utc>>,
    /// How it is known that the link was accepted.
    pub evidence: Option<Evidence>,
    /// Why it failed, in the provider's words.
    pub failure: Option<String>,
    pub removal: Option<Removal>,
    /// What was left at the cloud when it was removed or abandoned.
    pub left_behind: Vec<Leftover>,
    pub blocked: Option<Block>,
    pub routes: RouteCounts,
    /// How many of somebody else's rules let the private network in.
    pub exposures: u64,
    /// How many things are otherwise than they were left.
    pub drifting: u64,
    /// Whether the log says that everything asked for is in place, as far as it is the engine's to
    /// keep.
    pub converged: bool,
    /// The revision of the last event about it, and when the store wrote it.
    pub revision: u64,
    pub changed_at: DateTime<Utc>,
}

/// How a peering came to be on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The engine makes the link.
    Requested,
    /// Somebody else made it, and it is never removed.
    Adopted,
}

/// How a peering is, or was, taken back or given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Removal {
    pub since: DateTime<Utc>,
    /// Why, if somebody asked for it.
    pub reason: Option<Reason>,
    /// The deadline that passed, if that is why.
    pub deadline_passed: Option<DateTime<Utc>>,
    /// When the link was seen to be gone.
    pub link_removed_at: Option<DateTime<Utc>>,
}

/// What the engine waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Block {
    pub cause: BlockCause,
    /// The side whose owner must act.
    pub side: Side,
    pub message: String,
    pub remedy: Vec<String>,
    pub since: DateTime<Utc>,
}

/// How many routes a peering has, on both sides together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RouteCounts {
    pub accepted: u64,
    /// Of those, how many were seen in a route table.
    pub installed: u64,
    /// Of those, how many some route table sends elsewhere.
    pub in_conflict: u64,
    /// How many were withdrawn and still stand.
    pub going: u64,
}

/// Which peerings are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PeeringFilter {
    pub network: Option<NetworkId>,
    /// Any of these; none means all.
    pub lives: Vec<LifeName>,
}

/// What is pending are the things that are not yet as asked, on the sides that the engine keeps.
const SELECT: &str = "
SELECT p.*,
    (SELECT count(*) FROM routes r WHERE r.peering_id = p.peering_id AND r.network_id = p.network_id AND r.state = 'kept') AS accepted,
    (SELECT count(*) FROM routes r WHERE r.peering_id = p.peering_id AND r.network_id = p.network_id AND r.state = 'going') AS going,
    (SELECT count(DISTINCT r.side || r.destination) FROM routes r JOIN route_tables t USING (network_id, peering_id, side, destination)
        WHERE r.peering_id = p.peering_id AND r.network_id = p.network_id AND r.state = 'kept' AND t.target IS NULL) AS installed,
    (SELECT count(DISTINCT r.side || r.destination) FROM routes r JOIN route_tables t USING (network_id, peering_id, side, destination)
        WHERE r.peering_id = p.peering_id AND r.network_id = p.network_id AND r.state = 'kept' AND t.target IS NOT NULL) AS in_conflict,
    (SELECT count(*) FROM exposures e WHERE e.peering_id = p.peering_id AND e.network_id = p.network_id) AS exposures,
    (SELECT count(*) FROM drift d
        WHERE d.peering_id = p.peering_id AND d.network_id = p.network_id AND d.since IS NOT NULL) AS drifting,
    (SELECT count(*) FROM firewalls f WHERE f.peering_id = p.peering_id AND f.network_id = p.network_id
        AND (f.side = 'local' OR p.consent = 'delegated') AND f.enforced_at IS NULL)
    + (SELECT count(*) FROM dns_resolution n WHERE n.peering_id = p.peering_id AND n.network_id = p.network_id
        AND (n.side = 'local' OR p.consent = 'delegated') AND n.wanted <> n.applied)
    + (SELECT count(*) FROM routes r WHERE r.peering_id = p.peering_id AND r.network_id = p.network_id
        AND (r.side = 'local' OR p.consent = 'delegated')
        AND (r.state = 'going' OR r.state = 'kept' AND (
            NOT EXISTS (SELECT 1 FROM route_tables t WHERE t.peering_id = r.peering_id AND t.network_id = r.network_id
                AND t.side = r.side AND t.destination = r.destination AND t.target IS NULL)
            OR EXISTS (SELECT 1 FROM route_tables t WHERE t.peering_id = r.peering_id AND t.network_id = r.network_id
                AND t.side = r.side AND t.destination = r.destination AND t.target IS NOT NULL)))) AS pending
FROM peerings p";

impl Projections {
    /// The peerings in the order in which they were requested or adopted.
    pub async fn list_peerings(
        &self,
        filter: &PeeringFilter,
        request: &PageRequest,
    ) -> Result<Page<PeeringView>, QueryError> {
        let mut select = Select::from(SELECT).and_maybe("network_id = ?", filter.network);
        if !filter.lives.is_empty() {
            let wanted = vec!["?"; filter.lives.len()].join(", ");
            select = select.and(
                &format!("life IN ({wanted})"),
                filter
                    .lives
                    .iter()
                    .map(|life| Value::Text(life.to_string())),
            );
        }
        page(
            &self.store,
            "list peerings",
            filter,
            request,
            (select, Order::OldestFirst),
            read,
        )
        .await
    }

    pub async fn peering(&self, id: PeeringId) -> Result<Option<PeeringView>, QueryError> {
        let select = Select::from(SELECT)
            .and_maybe("peering_id = ?", Some(id))
            .ordered(Order::NewestFirst);
        Ok(self
            .answer("show peering", |rows| select.all(rows, read))
            .await?
            .pop())
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<PeeringView> {
    let life: LifeName = text(row, "life")?;
    let blocked = maybe(row, "blocked_cause")?
        .map(|cause| block(row, cause))
        .transpose()?;
    let drifting = row.get("drifting")?;
    let in_place = row.get::<_, u64>("pending")? == 0 && drifting == 0;
    Ok(PeeringView {
        id: text(row, "peering_id")?,
        network_id: text(row, "network_id")?,
        peer: peer(row)?,
        requested_at: text(row, "requested_at")?,
        origin: text(row, "origin")?,
        found: maybe_json(row, "found")?,
        terms: Terms {
            consent: text(row, "consent")?,
            deadline: maybe(row, "deadline")?,
            renew: row.get("renew")?,
        },
        external_id: maybe(row, "external_id")?,
        converged: life == LifeName::Active && blocked.is_none() && in_place,
        life,
        attempt: row.get("attempt")?,
        link: maybe(row, "link")?,
        past_links: json(row, "past_links")?,
        expires_at: maybe(row, "expires_at")?,
        expiry_near: row.get("warned")?,
        accepted_at: maybe(row, "accepted_at")?,
        evidence: maybe_json(row, "evidence")?,
        failure: row.get("failure")?,
        removal: maybe(row, "removal_at")?
            .map(|since| removal(row, since))
            .transpose()?,
        left_behind: json(row, "left_behind")?,
        blocked,
        routes: routes(row)?,
        exposures: row.get("exposures")?,
        drifting,
        revision: row.get("revision")?,
        changed_at: text(row, "changed_at")?,
    })
}

fn routes(row: &Row<'_>) -> rusqlite::Result<RouteCounts> {
    Ok(RouteCounts {
        accepted: row.get("accepted")?,
        installed: row.get("installed")?,
        in_conflict: row.get("in_conflict")?,
        going: row.get("going")?,
    })
}

fn removal(row: &Row<'_>, since: DateTime<Utc>) -> rusqlite::Result<Removal> {
    Ok(Removal {
        since,
        reason: maybe(row, "removal_reason")?,
        deadline_passed: maybe(row, "deadline_passed")?,
        link_removed_at: maybe(row, "link_removed_at")?,
    })
}

fn peer(row: &Row<'_>) -> rusqlite::Result<Peer> {
    Ok(Peer {
        provider: text(row, "peer_provider")?,
        account: text(row, "peer_account")?,
        region: text(row, "peer_region")?,
        cloud_network: text(row, "peer_cloud_network")?,
        ranges: json(row, "peer_ranges")?,
        subnets: json(row, "peer_subnets")?,
    })
}

fn block(row: &Row<'_>, cause: BlockCause) -> rusqlite::Result<Block> {
    Ok(Block {
        cause,
        side: text(row, "blocked_side")?,
        message: row.get("blocked_message")?,
        remedy: json(row, "blocked_remedy")?,
        since: text(row, "blocked_at")?,
    })
}
