//! Drift: what differs from the desired state.

use super::Select;
use crate::{
    Page, PageRequest, Projections, QueryError,
    rows::{json, text},
};
use chrono::{DateTime, Utc};
use domain::{NetworkId, PeeringId, network::DriftKind};
use rusqlite::{Row, types::Value};
use serde::Serialize;

/// One thing of one peering that differs from the desired state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DriftView {
    /// The network.
    pub network_id: NetworkId,
    /// The peering that differs.
    pub peering_id: PeeringId,
    /// What differs.
    pub drift: DriftKind,
    /// When it was found first.
    pub since: DateTime<Utc>,
}

/// Which drift is wanted; all that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DriftFilter {
    /// Only of this network.
    pub network: Option<NetworkId>,
    /// Only of this peering.
    pub peering: Option<PeeringId>,
    /// Any of these kinds, by their stored names; none means all.
    pub kinds: Vec<String>,
}

/// The columns that drift is ordered by, and a page goes on after.
const KEY: [&str; 4] = ["since", "network_id", "peering_id", "drift"];

impl Projections {
    /// The drift that is there now, in the order in which it was found.
    pub async fn list_drift(
        &self,
        filter: &DriftFilter,
        request: &PageRequest,
    ) -> Result<Page<DriftView>, QueryError> {
        let question = ("list drift", filter);
        let after: Option<[String; 4]> = request.after(&question).ok_or(QueryError::PageToken)?;
        let mut select = Select::from("SELECT * FROM drift")
            .and_maybe("network_id = ?", filter.network)
            .and_maybe("peering_id = ?", filter.peering)
            .and_one_of("kind", &filter.kinds);
        if let Some(after) = after {
            let beyond = format!("({}) > (?, ?, ?, ?)", KEY.join(", "));
            select = select.and(&beyond, after.map(Value::Text));
        }
        let select = select.ordered_by(&KEY.join(", "));
        let limit = request.limit();
        self.page("list drift", question, request, move |connection, _| {
            select.fill(connection, limit, read)
        })
        .await
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<([String; 4], DriftView, usize)> {
    let mut key = KEY.map(|_| String::new());
    for (part, column) in key.iter_mut().zip(KEY) {
        *part = row.get(column)?;
    }
    let view = DriftView {
        network_id: text(row, "network_id")?,
        peering_id: text(row, "peering_id")?,
        drift: json(row, "drift")?,
        since: text(row, "since")?,
    };
    let bytes = row.get_ref("drift")?.as_str().map(str::len);
    Ok((key, view, bytes.unwrap_or_default()))
}
