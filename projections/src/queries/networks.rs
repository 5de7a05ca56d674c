//! Private networks, with what their peerings come to.

use super::{Order, Select, page};
use crate::{
    Page, PageRequest, Projections, QueryError,
    rows::{json, maybe, text},
};
use chrono::{DateTime, Utc};
use domain::{
    NetworkId, Provider, Range, Region,
    network::Policy,
    text::{Account, CloudNetwork, Name, Project, Reason, Subnet},
};
use rusqlite::Row;
use serde::Serialize;

/// A private network on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NetworkView {
    pub id: NetworkId,
    pub project: Project,
    pub name: Name,
    pub provider: Provider,
    pub region: Region,
    pub account: Account,
    pub cloud_network: CloudNetwork,
    pub range: Range,
    pub subnets: Vec<Subnet>,
    pub registered_at: DateTime<Utc>,
    /// What the engine may do by itself.
    pub policy: Policy,
    /// When somebody last asked for a look at everything.
    pub drift_check_at: Option<DateTime<Utc>>,
    pub retired: Option<Retired>,
    /// The revision of the last event of the network's stream, and when the store wrote it.
    pub revision: u64,
    pub changed_at: DateTime<Utc>,
    pub peerings: PeeringCounts,
}

/// That a network is no longer served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Retired {
    pub at: DateTime<Utc>,
    pub reason: Reason,
}

/// How many peerings a network has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PeeringCounts {
    /// Those that have not ended; the provider's quota is about these.
    pub live: u64,
    pub active: u64,
    /// Those that wait for a person.
    pub blocked: u64,
    pub ended: u64,
    /// Those that have not ended and that somebody else's rules expose.
    pub exposed: u64,
}

const SELECT: &str = "
SELECT n.*,
    (SELECT count(*) FROM peerings p WHERE p.network_id = n.network_id
        AND life NOT IN ('rejected', 'expired', 'failed', 'removed', 'abandoned')) AS live,
    (SELECT count(*) FROM peerings p WHERE p.network_id = n.network_id AND life = 'active') AS active,
    (SELECT count(*) FROM peerings p WHERE p.network_id = n.network_id AND blocked_cause IS NOT NULL) AS blocked,
    (SELECT count(*) FROM peerings p WHERE p.network_id = n.network_id
        AND life IN ('rejected', 'expired', 'failed', 'removed', 'abandoned')) AS ended,
    (SELECT count(*) FROM peerings p WHERE p.network_id = n.network_id
        AND life NOT IN ('rejected', 'expired', 'failed', 'removed', 'abandoned')
        AND EXISTS (SELECT 1 FROM exposures e WHERE e.peering_id = p.peering_id AND e.network_id = p.network_id)) AS exposed
FROM networks n";

impl Projections {
    /// The networks in the order of their registration.
    pub async fn list_networks(
        &self,
        request: &PageRequest,
    ) -> Result<Page<NetworkView>, QueryError> {
        let select = Select::from(SELECT);
        page(
            &self.store,
            "list networks",
            (),
            request,
            (select, Order::OldestFirst),
            read,
        )
        .await
    }

    pub async fn network(&self, id: NetworkId) -> Result<Option<NetworkView>, QueryError> {
        let select = Select::from(SELECT).and_maybe("network_id = ?", Some(id));
        Ok(self
            .answer("show network", |rows| select.all(rows, read))
            .await?
            .pop())
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<NetworkView> {
    Ok(NetworkView {
        id: text(row, "network_id")?,
        project: text(row, "project")?,
        name: text(row, "name")?,
        provider: text(row, "provider")?,
        region: text(row, "region")?,
        account: text(row, "account")?,
        cloud_network: text(row, "cloud_network")?,
        range: text(row, "range")?,
        subnets: json(row, "subnets")?,
        registered_at: text(row, "registered_at")?,
        policy: json(row, "policy")?,
        drift_check_at: maybe(row, "drift_check_at")?,
        retired: maybe(row, "retired_at")?
            .map(|at| retired(row, at))
            .transpose()?,
        revision: row.get("revision")?,
        changed_at: text(row, "changed_at")?,
        peerings: PeeringCounts {
            live: row.get("live")?,
            active: row.get("active")?,
            blocked: row.get("blocked")?,
            ended: row.get("ended")?,
            exposed: row.get("exposed")?,
        },
    })
}

fn retired(row: &Row<'_>, at: DateTime<Utc>) -> rusqlite::Result<Retired> {
    Ok(Retired {
        at,
        reason: text(row, "retired_reason")?,
    })
}
