//! Exposures: somebody else's rules that let the private network in.

use super::{Order, Select, page};
use crate::{Page, PageRequest, Projections, QueryError, rows::text};
use chrono::{DateTime, Utc};
use domain::{NetworkId, PeeringId, Side, network::Exposure};
use rusqlite::Row;
use serde::Serialize;

/// One rule of somebody else's, in the posture of one peering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExposureView {
    pub network_id: NetworkId,
    pub peering_id: PeeringId,
    pub side: Side,
    pub exposure: Exposure,
    pub since: DateTime<Utc>,
}

/// Which exposures are wanted; all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ExposureFilter {
    pub network: Option<NetworkId>,
    pub peering: Option<PeeringId>,
}

/// Nobody looks at what an ended peering was exposed to.
const LIVE: &str = "EXISTS (SELECT 1 FROM peerings p WHERE p.peering_id = e.peering_id AND p.network_id = e.network_id
    AND p.life NOT IN ('rejected', 'expired', 'failed', 'removed', 'abandoned'))";

impl Projections {
    /// The exposures of peerings that have not ended, in the order in which they were found.
    pub async fn list_exposures(
        &self,
        filter: &ExposureFilter,
        request: &PageRequest,
    ) -> Result<Page<ExposureView>, QueryError> {
        let select = Select::from("SELECT e.* FROM exposures e")
            .and(LIVE, [])
            .and_maybe("network_id = ?", filter.network)
            .and_maybe("peering_id = ?", filter.peering);
        page(
            &self.store,
            "list exposures",
            filter,
            request,
            (select, Order::OldestFirst),
            read,
        )
        .await
    }

    /// All exposures of one peering, in the same order; of one that has ended, those that were the
    /// last to be known.
    pub async fn exposures(&self, peering: PeeringId) -> Result<Vec<ExposureView>, QueryError> {
        let select = Select::from("SELECT * FROM exposures")
            .and_maybe("peering_id = ?", Some(peering))
            .ordered(Order::OldestFirst);
        self.answer("show exposures", |rows| select.all(rows, read))
            .await
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<ExposureView> {
    Ok(ExposureView {
        network_id: text(row, "network_id")?,
        peering_id: text(row, "peering_id")?,
        side: text(row, "side")?,
        exposure: Exposure {
            group: text(row, "firewall_group")?,
            group_name: row.get("group_name")?,
            rule_id: text(row, "rule_id")?,
            admits: row.get("admits")?,
            owner: row.get("owner")?,
        },
        since: text(row, "since")?,
    })
}
