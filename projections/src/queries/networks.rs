//! Private networks, with what their peerings come to.

use super::{Order, Select, page};
use crate::{
    Page, PageRequest, Projections, QueryError,
    rows::{json, text},
};
use chrono::{DateTime, Utc};
use domain::{
    NetworkId, Provider, Range, Region,
    text::{Account, CloudNetwork, Name, Project, Subnet},
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
    /// The revision of the last event of the network's stream, and when the store wrote it.
    pub revision: u64,
    pub changed_at: DateTime<Utc>,
    pub peerings: PeeringCounts,
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
}

const SELECT: &str = "
SELECT n.*,
    (SELECT count(*) FROM peerings p WHERE p.network_id = n.network_id AND life NOT IN ('rejected', 'expired', 'failed')) AS live,
    (SELECT count(*) FROM peerings p WHERE p.network_id = n.network_id AND life = 'active') AS active,
    (SELECT count(*) FROM peerings p WHERE p.network_id = n.network_id AND blocked_cause IS NOT NULL) AS blocked,
    (SELECT count(*) FROM peerings p WHERE p.network_id = n.network_id AND life IN ('rejected', 'expired', 'failed')) AS ended
FROM networks n";

impl Projections {
    /// The networks in the order of their registration.
    pub async fn list_networks(&self, request: &PageRequest) -> Result<Page<NetworkView>, QueryError> {
        let select = Select::from(SELECT);
        page(&self.store, "list networks", (), request, (select, Order::OldestFirst), read).await
    }

    pub async fn network(&self, id: NetworkId) -> Result<Option<NetworkView>, QueryError> {
        let select = Select::from(SELECT).and_maybe("network_id = ?", Some(id));
        Ok(self.answer("show network", |rows| select.all(rows, read)).await?.pop())
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
        revision: row.get("revision")?,
        changed_at: text(row, "changed_at")?,
        peerings: PeeringCounts {
            live: row.get("live")?,
            active: row.get("active")?,
            blocked: row.get("blocked")?,
            ended: row.get("ended")?,
        },
    })
}
