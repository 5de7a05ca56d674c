//! Peerings: the peer, the life, what stands in the way, and whether all that was asked for is in place.

use super::{Order, Select, page};
use crate::{
    Page, PageRequest, Projections, QueryError,
    rows::{json, maybe, text},
};
use chrono::{DateTime, Utc};
use domain::{
    NetworkId, PeeringId, Side,
    network::{BlockCause, Peer},
    text::Link,
};
use rusqlite::{Row, types::Value};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A peering on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeeringView {
    pub id: PeeringId,
    pub network_id: NetworkId,
    pub peer: Peer,
    pub requested_at: DateTime<Utc>,
    pub life: LifeName,
    /// Which attempt it is, while the link is being initiated.
    pub attempt: Option<u32>,
    /// The provider's id of the link, once seen.
    pub link: Option<Link>,
    /// When the link expires unless it is accepted, where the provider says so.
    pub expires_at: Option<DateTime<Utc>>,
    /// Why it failed, in the provider's words.
    pub failure: Option<String>,
    pub blocked: Option<Block>,
    pub routes: RouteCounts,
    /// Whether the log says that everything asked for is in place.
    pub converged: bool,
    /// The revision of the last event about it, and when the store wrote it.
    pub revision: u64,
    pub changed_at: DateTime<Utc>,
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
}

/// Which peerings are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PeeringFilter {
    pub network: Option<NetworkId>,
    /// Any of these; none means all.
    pub lives: Vec<LifeName>,
}

macro_rules! lives {
    ($($name:ident = $text:literal),* $(,)?) => {
        /// Where a peering is in its life, by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum LifeName { $($name,)* }

        impl LifeName {
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            pub fn as_str(&self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

lives! {
    Requested = "requested",
    Initiating = "initiating",
    Initiated = "initiated",
    Accepted = "accepted",
    Active = "active",
    Rejected = "rejected",
    Expired = "expired",
    Failed = "failed",
}

impl LifeName {
    /// Whether a peering with this life has not ended.
    pub fn is_live(&self) -> bool {
        match self {
            Self::Requested | Self::Initiating | Self::Initiated | Self::Accepted | Self::Active => true,
            Self::Rejected | Self::Expired | Self::Failed => false,
        }
    }
}

impl fmt::Display for LifeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no life.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a peering is requested, initiating, initiated, accepted, active, rejected, expired or failed")]
pub struct NotALife;

impl FromStr for LifeName {
    type Err = NotALife;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().find(|life| life.as_str() == text).copied().ok_or(NotALife)
    }
}

const SELECT: &str = "
SELECT p.*,
    (SELECT count(*) FROM routes r WHERE r.peering_id = p.peering_id AND r.network_id = p.network_id) AS accepted,
    (SELECT count(DISTINCT t.side || t.destination) FROM route_tables t
        WHERE t.peering_id = p.peering_id AND t.network_id = p.network_id AND t.target IS NULL) AS installed,
    (SELECT count(DISTINCT t.side || t.destination) FROM route_tables t
        WHERE t.peering_id = p.peering_id AND t.network_id = p.network_id AND t.target IS NOT NULL) AS in_conflict,
    (SELECT count(*) FROM firewalls f
        WHERE f.peering_id = p.peering_id AND f.network_id = p.network_id AND f.enforced_at IS NULL) AS unenforced
FROM peerings p";

impl Projections {
    /// The peerings in the order in which they were requested.
    pub async fn list_peerings(&self, filter: &PeeringFilter, request: &PageRequest) -> Result<Page<PeeringView>, QueryError> {
        let mut select = Select::from(SELECT).and_maybe("network_id = ?", filter.network);
        if !filter.lives.is_empty() {
            let wanted = vec!["?"; filter.lives.len()].join(", ");
            select = select.and(&format!("life IN ({wanted})"), filter.lives.iter().map(|life| Value::Text(life.to_string())));
        }
        page(&self.store, "list peerings", filter, request, (select, Order::OldestFirst), read).await
    }

    pub async fn peering(&self, id: PeeringId) -> Result<Option<PeeringView>, QueryError> {
        let select = Select::from(SELECT).and_maybe("peering_id = ?", Some(id)).ordered(Order::NewestFirst);
        Ok(self.answer("show peering", |rows| select.all(rows, read)).await?.pop())
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<PeeringView> {
    let life: LifeName = text(row, "life")?;
    let blocked = maybe(row, "blocked_cause")?.map(|cause| block(row, cause)).transpose()?;
    let routes = RouteCounts { accepted: row.get("accepted")?, installed: row.get("installed")?, in_conflict: row.get("in_conflict")? };
    let enforced = row.get::<_, u64>("unenforced")? == 0;
    let in_place = routes.installed == routes.accepted && routes.in_conflict == 0;
    Ok(PeeringView {
        id: text(row, "peering_id")?,
        network_id: text(row, "network_id")?,
        peer: peer(row)?,
        requested_at: text(row, "requested_at")?,
        converged: life == LifeName::Active && blocked.is_none() && enforced && in_place,
        life,
        attempt: row.get("attempt")?,
        link: maybe(row, "link")?,
        expires_at: maybe(row, "expires_at")?,
        failure: row.get("failure")?,
        blocked,
        routes,
        revision: row.get("revision")?,
        changed_at: text(row, "changed_at")?,
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
