//! The routes of a peering: what each side may send over the link, and where that is in place.

use super::Select;
use crate::{
    Projections, QueryError,
    rows::{maybe, text},
};
use chrono::{DateTime, Utc};
use domain::{PeeringId, Range, Side, text::RouteTable};
use serde::Serialize;

/// One destination that one side may send over the link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RouteView {
    pub side: Side,
    pub destination: Range,
    pub accepted_at: DateTime<Utc>,
    /// The route tables in which it was seen.
    pub installed: Vec<InstalledRoute>,
    /// The route tables that send the destination elsewhere.
    pub conflicts: Vec<RouteConflict>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InstalledRoute {
    pub route_table: RouteTable,
    pub since: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RouteConflict {
    pub route_table: RouteTable,
    /// Where the table sends the destination instead, by the provider's id.
    pub target: String,
    pub since: DateTime<Utc>,
}

/// A route, and one of the tables that it was seen in or missed in.
type Seen = (RouteView, Option<(RouteTable, Option<String>, DateTime<Utc>)>);

impl Projections {
    /// The routes of a peering: local side first, then by destination.
    pub async fn routes(&self, peering: PeeringId) -> Result<Vec<RouteView>, QueryError> {
        let select = Select::from(
            "SELECT r.side, r.destination, r.accepted_at, t.route_table, t.target, t.seen_at
             FROM routes r LEFT JOIN route_tables t USING (network_id, peering_id, side, destination)",
        )
        .and_maybe("peering_id = ?", Some(peering));
        let mut seen = self.answer("list routes", |rows| select.all(rows, read)).await?;
        seen.sort_by(|(one, at), (other, elsewhere)| (one.side, one.destination, at).cmp(&(other.side, other.destination, elsewhere)));
        Ok(seen.into_iter().fold(Vec::new(), gathered))
    }
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Seen> {
    let route = RouteView {
        side: text(row, "side")?,
        destination: text(row, "destination")?,
        accepted_at: text(row, "accepted_at")?,
        installed: Vec::new(),
        conflicts: Vec::new(),
    };
    let table = maybe(row, "route_table")?;
    let seen = table.map(|table| Ok::<_, rusqlite::Error>((table, row.get("target")?, text(row, "seen_at")?)));
    Ok((route, seen.transpose()?))
}

/// Adds what was seen to its route, which is the last one or a new one.
fn gathered(mut routes: Vec<RouteView>, (route, seen): Seen) -> Vec<RouteView> {
    let is_new = routes.last().is_none_or(|last| (last.side, last.destination) != (route.side, route.destination));
    if is_new {
        routes.push(route);
    }
    if let (Some(route), Some((route_table, target, since))) = (routes.last_mut(), seen) {
        match target {
            None => route.installed.push(InstalledRoute { route_table, since }),
            Some(target) => route.conflicts.push(RouteConflict { route_table, target, since }),
        }
    }
    routes
}
