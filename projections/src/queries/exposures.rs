//! Exposures: somebody else's rules that let the private network in.

use super::Select;
use crate::{
    Page, PageRequest, Projections, QueryError,
    rows::{json, text},
};
use chrono::{DateTime, Utc};
use domain::{NetworkId, PeeringId, Side, network::Exposure};
use rusqlite::{Row, types::Value};
use serde::Serialize;

/// One rule of somebody else's, in the posture of one peering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExposureView {
    /// The network.
    pub network_id: NetworkId,
    /// The exposed peering.
    pub peering_id: PeeringId,
    /// The side that is exposed.
    pub side: Side,
    /// The rule, and what it admits.
    pub exposure: Exposure,
    /// When it was found first.
    pub since: DateTime<Utc>,
}

/// Which exposures are wanted; all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ExposureFilter {
    /// Only of this network.
    pub network: Option<NetworkId>,
    /// Only of this peering.
    pub peering: Option<PeeringId>,
}

/// The columns that exposures are ordered by, and a page goes on after.
const KEY: [&str; 5] = ["since", "network_id", "peering_id", "side", "rule_id"];

impl Projections {
    /// The exposures of peerings that have not ended, in the order in which they were found.
    pub async fn list_exposures(
        &self,
        filter: &ExposureFilter,
        request: &PageRequest,
    ) -> Result<Page<ExposureView>, QueryError> {
        let question = ("list exposures", filter);
        let after: Option<[String; 5]> = request.after(&question).ok_or(QueryError::PageToken)?;
        let mut select = Select::from("SELECT * FROM exposures")
            .and_maybe("network_id = ?", filter.network)
            .and_maybe("peering_id = ?", filter.peering);
        if let Some(after) = after {
            let beyond = format!("({}) > (?, ?, ?, ?, ?)", KEY.join(", "));
            select = select.and(&beyond, after.map(Value::Text));
        }
        let select = select.ordered_by(&KEY.join(", "));
        let limit = request.limit();
        self.page("list exposures", question, request, move |connection, _| {
            select.fill(connection, limit, read)
        })
        .await
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<([String; 5], ExposureView, usize)> {
    let mut key = KEY.map(|_| String::new());
    for (part, column) in key.iter_mut().zip(KEY) {
        *part = row.get(column)?;
    }
    let view = ExposureView {
        network_id: text(row, "network_id")?,
        peering_id: text(row, "peering_id")?,
        side: text(row, "side")?,
        exposure: json(row, "exposure")?,
        since: text(row, "since")?,
    };
    let bytes = row.get_ref("exposure")?.as_str().map(str::len);
    Ok((key, view, bytes.unwrap_or_default()))
}
