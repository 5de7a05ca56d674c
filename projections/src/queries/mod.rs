//! What is given back: one file per kind of answer, as plain values.

mod dns;
mod drift;
mod exposures;
mod firewall;
mod ingress;
mod life;
mod networks;
mod peerings;
mod routes;
mod timeline;

pub use dns::DnsView;
pub use drift::DriftView;
pub use exposures::{ExposureFilter, ExposureView};
pub use firewall::{FirewallRule, FirewallView};
pub use ingress::IngressView;
pub use life::{LifeName, NotALife};
pub use networks::{NetworkView, PeeringCounts, Retired};
pub use peerings::{Block, Origin, PeeringFilter, PeeringView, Removal, RouteCounts};
pub use routes::{InstalledRoute, RouteConflict, RouteView, Withdrawal};
pub use timeline::{CommandUse, Legible, Order, TimelineEntry, TimelineQuery};

use crate::{
    Page, PageRequest, Projections, QueryError,
    page::cut,
    rows::position,
    store::{self, Store},
};
use journal::Position;
use rusqlite::{Connection, Row, params_from_iter, types::Value};
use serde::Serialize;

/// The conditions of a question, put together one by one.
struct Select {
    sql: String,
    values: Vec<Value>,
}

impl Select {
    fn from(sql: &str) -> Self {
        Self {
            sql: format!("{sql} WHERE TRUE"),
            values: Vec::new(),
        }
    }

    /// Adds a condition with a `?` for each value.
    fn and(mut self, condition: &str, values: impl IntoIterator<Item = Value>) -> Self {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
        self.values.extend(values);
        self
    }

    /// The same where the value is given.
    fn and_maybe(self, condition: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.and(condition, [Value::Text(value.to_string())]),
            None => self,
        }
    }

    fn beyond(self, comparison: Order, after: Option<Position>) -> Self {
        let Some(after) = after else { return self };
        let sign = match comparison {
            Order::OldestFirst => ">",
            Order::NewestFirst => "<",
        };
        self.and(
            &format!("(commit_position, prepare_position) {sign} (?, ?)"),
            [number(after.commit), number(after.prepare)],
        )
    }

    fn ordered(mut self, order: Order) -> Self {
        self.sql.push_str(match order {
            Order::OldestFirst => " ORDER BY commit_position, prepare_position",
            Order::NewestFirst => " ORDER BY commit_position DESC, prepare_position DESC",
        });
        self
    }

    fn limited(mut self, limit: usize) -> Self {
        self.sql.push_str(" LIMIT ?");
        self.values.push(number(limit as u64));
        self
    }

    fn all<T>(
        self,
        rows: &Connection,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        let mut statement = rows.prepare_cached(&self.sql)?;
        statement
            .query_map(params_from_iter(self.values), |row| read(row))?
            .collect()
    }
}

/// A number as SQLite has them; a log has no position beyond.
fn number(value: u64) -> Value {
    Value::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

/// Answers one page of a question in the order of the log.
async fn page<T: Send + 'static, Q: Serialize>(
    store: &Store,
    operation: &'static str,
    question: Q,
    request: &PageRequest,
    (select, order): (Select, Order),
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Page<T>, QueryError> {
    let question = (operation, question);
    let after = request.after(&question).ok_or(QueryError::PageToken)?;
    let limit = request.limit();
    let select = select
        .beyond(order, after)
        .ordered(order)
        .limited(limit + 1);
    let (found, as_of) = store
        .read(operation, move |rows| {
            let found = select.all(rows, |row| Ok((position(row)?, read(row)?)))?;
            Ok((found, store::position(rows)?))
        })
        .await?;
    Ok(cut(found, limit, as_of, &question))
}

impl Projections {
    async fn answer<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, QueryError> {
        self.store.read(operation, |rows| work(rows)).await
    }
}
