//! Drift: what was found otherwise than it was left, and what came of it.

use super::Select;
use crate::{
    Projections, QueryError,
    rows::{json, maybe},
};
use chrono::{DateTime, Utc};
use domain::{PeeringId, network::DriftKind};
use serde::Serialize;

/// One way in which something was found otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DriftView {
    pub finding: DriftKind,
    /// Since when it is so; `None` if it is not so now.
    pub since: Option<DateTime<Utc>>,
    /// How often it was put right, each time within a day of the time before.
    pub repairs: u32,
    pub repaired_at: Option<DateTime<Utc>>,
    /// Since when it is how it should be.
    pub adopted_at: Option<DateTime<Utc>>,
}

impl Projections {
    /// All that was ever found of a peering: what is open first, the rest by what it is.
    pub async fn drift(&self, peering: PeeringId) -> Result<Vec<DriftView>, QueryError> {
        let select = Select::from("SELECT * FROM drift").and_maybe("peering_id = ?", Some(peering));
        let mut findings = self
            .answer("show drift", |rows| select.all(rows, read))
            .await?;
        findings
            .sort_by(|a, b| (a.since.is_none(), &a.finding).cmp(&(b.since.is_none(), &b.finding)));
        Ok(findings)
    }
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<DriftView> {
    Ok(DriftView {
        finding: json(row, "finding")?,
        since: maybe(row, "since")?,
        repairs: row.get("repairs")?,
        repaired_at: maybe(row, "repaired_at")?,
        adopted_at: maybe(row, "adopted_at")?,
    })
}
