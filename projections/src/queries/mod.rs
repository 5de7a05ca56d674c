//! What is given back: one file per kind of answer. Each answer is read in one transaction, and
//! says which position of the log it stands for.

mod counts;
mod drift;
mod exposures;
mod grown;
mod networks;
mod orphans;
mod peerings;
pub(crate) mod search;
mod timeline;
mod unreadable;

pub use counts::Counts;
pub use drift::{DriftFilter, DriftView};
pub use exposures::{ExposureFilter, ExposureView};
pub use networks::{NetworkFilter, NetworkView, PeeringCounts};
pub use orphans::{OrphanFilter, OrphanView};
pub use peerings::{PeeringFilter, PeeringView};
pub use timeline::{Legible, Order, Part, TimelineEntry, TimelineQuery};
pub use unreadable::Unreadable;

use crate::{
    Page, PageRequest, Projections, QueryError, WhileBuilding, checkpoint,
    page::Filling,
    rows::position,
    store::{self},
};
use journal::Position;
use rusqlite::{Connection, Row, params_from_iter, types::Value};
use serde::{Serialize, de::DeserializeOwned};

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
            Some(value) => self.and(condition, [text(value)]),
            None => self,
        }
    }

    /// Adds that the column holds one of these, unless there are none.
    fn and_one_of<T: ToString>(self, column: &str, wanted: &[T]) -> Self {
        if wanted.is_empty() {
            return self;
        }
        let places = vec!["?"; wanted.len()].join(", ");
        self.and(
            &format!("{column} IN ({places})"),
            wanted.iter().map(|it| text(it.to_string())),
        )
    }

    /// Adds that an id begins so.
    fn and_id_from(self, column: &str, prefix: Option<&String>) -> Self {
        match prefix {
            // Ids are written in lower-case hexadecimal digits and hyphens, which come before `g`.
            Some(prefix) => self.and(
                &format!("{column} >= ? AND {column} < ?"),
                [text(prefix), text(format!("{prefix}g"))],
            ),
            None => self,
        }
    }

    fn beyond(self, order: Order, after: Option<Position>) -> Self {
        let Some(after) = after else { return self };
        let sign = match order {
            Order::OldestFirst => ">",
            Order::NewestFirst => "<",
        };
        self.and(
            &format!("(commit_position, prepare_position) {sign} (?, ?)"),
            [number(after.commit), number(after.prepare)],
        )
    }

    fn ordered_by(mut self, order: &str) -> Self {
        self.sql.push_str(" ORDER BY ");
        self.sql.push_str(order);
        self
    }

    fn in_log_order(self, order: Order) -> Self {
        self.ordered_by(match order {
            Order::OldestFirst => "commit_position, prepare_position",
            Order::NewestFirst => "commit_position DESC, prepare_position DESC",
        })
    }

    /// The rows that fit on a page.
    fn fill<K: Serialize, T>(
        self,
        connection: &Connection,
        limit: usize,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<(K, T, usize)>,
    ) -> rusqlite::Result<Filling<K, T>> {
        let mut filling = Filling::new(limit);
        let sql = format!("{} LIMIT {}", self.sql, limit + 1);
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(self.values))?;
        while let Some(row) = rows.next()? {
            let (key, item, bytes) = read(row)?;
            if filling.add(key, item, bytes).is_break() {
                break;
            }
        }
        Ok(filling)
    }

    fn one<T>(
        self,
        connection: &Connection,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        let sql = format!("{} LIMIT 1", self.sql);
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(self.values))?;
        rows.next()?.map(read).transpose()
    }
}

fn text(value: impl ToString) -> Value {
    Value::Text(value.to_string())
}

/// A number as SQLite has them; a log has no position beyond.
fn number(value: u64) -> Value {
    Value::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

fn flag(value: bool) -> Value {
    Value::Integer(value.into())
}

/// How many bytes the row's state has.
fn state_bytes(row: &Row<'_>) -> rusqlite::Result<usize> {
    Ok(row
        .get_ref("state")?
        .as_str()
        .map(str::len)
        .unwrap_or_default())
}

/// Reads an item, its place in the log, and how large it is.
type Reader<T> = fn(&Row<'_>, Position) -> rusqlite::Result<(T, usize)>;

impl Projections {
    /// One page of a question in the order of the log.
    async fn page_in_log_order<T: Send + 'static, Q: Serialize>(
        &self,
        operation: &'static str,
        question: Q,
        request: &PageRequest,
        (select, order): (Select, Order),
        read: Reader<T>,
    ) -> Result<Page<T>, QueryError> {
        let question = (operation, question);
        let after = request.after(&question).ok_or(QueryError::PageToken)?;
        let limit = request.limit();
        let select = select.beyond(order, after).in_log_order(order);
        self.page(operation, question, request, move |connection, as_of| {
            select.fill(connection, limit, |row| {
                let (item, bytes) = read(row, as_of)?;
                Ok((position(row)?, item, bytes))
            })
        })
        .await
    }

    async fn page<K, T, Q>(
        &self,
        operation: &'static str,
        question: Q,
        request: &PageRequest,
        fill: impl FnOnce(&Connection, Position) -> rusqlite::Result<Filling<K, T>> + Send + 'static,
    ) -> Result<Page<T>, QueryError>
    where
        K: Serialize + DeserializeOwned + Send + 'static,
        T: Send + 'static,
        Q: Serialize,
    {
        // Asked before: what is whole then is whole in what is read after it.
        let is_whole = self.is_whole();
        if !is_whole && request.while_building == WhileBuilding::Refuse {
            return Err(self.building());
        }
        let (filling, as_of) = self
            .answer(operation, |connection, as_of| {
                Ok((fill(connection, as_of)?, as_of))
            })
            .await?;
        Ok(Page {
            catching_up: !is_whole,
            ..filling.page(as_of, &question)
        })
    }

    /// One item; that there is none is only said by read models that hold the whole log.
    async fn item<T: Send + 'static>(
        &self,
        operation: &'static str,
        find: impl FnOnce(&Connection, Position) -> rusqlite::Result<Option<T>> + Send + 'static,
    ) -> Result<Option<T>, QueryError> {
        let is_whole = self.is_whole();
        match self.answer(operation, find).await? {
            None if !is_whole => Err(self.building()),
            found => Ok(found),
        }
    }

    async fn answer<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection, Position) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, QueryError> {
        let answer = self.store.read(operation, |transaction| {
            let as_of = checkpoint::position(transaction)?;
            work(transaction, as_of)
        });
        answer.await.map_err(|error| match error {
            QueryError::Store { ref source, .. } if store::is_damage(source) => self.building(),
            QueryError::Store { .. }
            | QueryError::PageToken
            | QueryError::Building { .. }
            | QueryError::Busy { .. }
            | QueryError::Interrupted { .. } => error,
        })
    }
}
