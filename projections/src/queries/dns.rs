//! Name resolution over a link: what was asked for, and what was seen of it.

use super::Select;
use crate::{
    Projections, QueryError,
    rows::{maybe, text},
};
use chrono::{DateTime, Utc};
use domain::{PeeringId, Side};
use serde::Serialize;

/// Whether one side's names resolve to private addresses for the other side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DnsView {
    pub side: Side,
    pub wanted: bool,
    /// What was last seen to be so.
    pub applied: bool,
    /// When either last changed; `None` if neither ever did.
    pub changed_at: Option<DateTime<Utc>>,
}

impl Projections {
    /// Both sides' name resolution, local first; none if there is no such peering.
    pub async fn dns(&self, peering: PeeringId) -> Result<Vec<DnsView>, QueryError> {
        let select =
            Select::from("SELECT * FROM dns_resolution").and_maybe("peering_id = ?", Some(peering));
        let mut sides = self
            .answer("show name resolution", |rows| select.all(rows, read))
            .await?;
        sides.sort_by_key(|it| it.side);
        Ok(sides)
    }
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<DnsView> {
    Ok(DnsView {
        side: text(row, "side")?,
        wanted: row.get("wanted")?,
        applied: row.get("applied")?,
        changed_at: maybe(row, "changed_at")?,
    })
}
