//! The routes of a peering: what each side may send over the link, what it shall no longer send,
//! and where that is in place.

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
    /// Set where it was withdrawn and still stands.
    pub withdrawn: Option<Withdrawal>,
    /// The route tables in which it was seen.
    pub installed: Vec<InstalledRoute>,
    /// The route tables that send the destination elsewhere.
    pub conflicts: Vec<RouteConflict>,
}

/// That a route is going.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Withdrawal {
    pub at: DateTime<Utc>,
    /// The destination that takes its place, and must be in first.
    pub replaced_by: Option<Range>,
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

impl RouteView {
    fn key(&self) -> (Side, Range) {
        (self.side, self.destination)
    }
}

/// A route, and one of the tables that it was seen in or missed in.
type Seen = (
    RouteView,
    Option<(RouteTable, Option<String>, DateTime<Utc>)>,
);

impl Projections {
    /// The routes of a peering: local side first, then by destination.
    pub async fn routes(&self, peering: PeeringId) -> Result<Vec<RouteView>, QueryError> {
        let select = Select::from(
            "SELECT r.side, r.destination, r.accepted_at, r.withdrawn_at, r.replaced_by, t.route_table, t.target, t.seen_at
             FROM routes r LEFT JOIN route_tables t USING (network_id, peering_id, side, destination)",
        )
        .and("state <> 'gone'", [])
        .and_maybe("peering_id = ?", Some(peering));
        let mut seen = self
            .answer("list routes", |rows| select.all(rows, read))
            .await?;
        seen.sort_by(|(one, at), (other, elsewhere)| {
            (one.key(), at).cmp(&(other.key(), elsewhere))
        });
        Ok(seen.into_iter().fold(Vec::new(), gathered))
    }
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Seen> {
    let route = RouteView {
        side: text(row, "side")?,
        destination: text(row, "destination")?,
        accepted_at: text(row, "accepted_at")?,
        withdrawn: maybe(row, "withdrawn_at")?
            .map(|at| withdrawal(row, at))
            .transpose()?,
        installed: Vec::new(),
        conflicts: Vec::new(),
    };
    let table = maybe(row, "route_table")?;
    let seen = table
        .map(|table| Ok::<_, rusqlite::Error>((table, row.get("target")?, text(row, "seen_at")?)));
    Ok((route, seen.transpose()?))
}

fn withdrawal(row: &rusqlite::Row<'_>, at: DateTime<Utc>) -> rusqlite::Result<Withdrawal> {
    Ok(Withdrawal {
        at,
        replaced_by: maybe(row, "replaced_by")?,
    })
}

/// Adds what was seen to its route, which is the last one or a new one.
fn gathered(mut routes: Vec<RouteView>, (route, seen): Seen) -> Vec<RouteView> {
    let is_new = routes.last().is_none_or(|last| last.key() != route.key());
    if is_new {
        routes.push(route);
    }
    if let (Some(route), Some((route_table, target, since))) = (routes.last_mut(), seen) {
        match target {
            None => route.installed.push(InstalledRoute { route_table, since }),
            Some(target) => route.conflicts.push(RouteConflict {
                route_table,
                target,
                since,
            }),
        }
    }
    routes
}
