//! Orphans: what stands at a cloud and no live peering accounts for. They are part of the folded
//! network, and few.

use super::Select;
use crate::{
    Page, PageRequest, Projections, QueryError,
    rows::{json, text},
};
use domain::{NetworkId, network::Orphan, text::OrphanId};
use rusqlite::{Connection, Row, types::Value};
use serde::Serialize;

/// One orphan of a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrphanView {
    /// The network.
    pub network_id: NetworkId,
    /// What names it.
    pub id: OrphanId,
    /// What is known of it.
    pub orphan: Orphan,
}

/// Which orphans are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OrphanFilter {
    /// Only of this network.
    pub network: Option<NetworkId>,
}

/// The columns that orphans are ordered by, and a page goes on after.
const KEY: [&str; 3] = ["since", "network_id", "id"];

/// Times are written without the zeros at their end: what is shorter is earlier, once the letter
/// behind it is off.
const SELECT: &str = "SELECT * FROM (
    SELECT networks.network_id AS network_id, each.key AS id, each.value AS orphan,
        rtrim(json_extract(each.value, '$.since'), 'Z') AS since
    FROM networks, json_each(networks.state, '$.orphans') AS each
    WHERE networks.orphans > 0 AND NOT networks.retired)";

const COUNT: &str =
    "SELECT coalesce(sum(orphans), 0) FROM networks WHERE orphans > 0 AND NOT retired";

impl Projections {
    /// The orphans of networks that are not retired, in the order in which they were found.
    pub async fn list_orphans(
        &self,
        filter: &OrphanFilter,
        request: &PageRequest,
    ) -> Result<Page<OrphanView>, QueryError> {
        let question = ("list orphans", filter);
        let after: Option<[String; 3]> = request.after(&question).ok_or(QueryError::PageToken)?;
        let mut select = Select::from(SELECT).and_maybe("network_id = ?", filter.network);
        if let Some(after) = after {
            let beyond = format!("({}) > (?, ?, ?)", KEY.join(", "));
            select = select.and(&beyond, after.map(Value::Text));
        }
        let select = select.ordered_by(&KEY.join(", "));
        let limit = request.limit();
        self.page("list orphans", question, request, move |connection, _| {
            select.fill(connection, limit, read)
        })
        .await
    }

    /// How many orphans all networks have that are not retired, as far as the read models are.
    pub async fn count_orphans(&self) -> Result<u64, QueryError> {
        let count = |connection: &Connection, _| {
            let mut select = connection.prepare_cached(COUNT)?;
            select.query_row([], |row| row.get(0))
        };
        self.answer("count orphans", count).await
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<([String; 3], OrphanView, usize)> {
    let mut key = KEY.map(|_| String::new());
    for (part, column) in key.iter_mut().zip(KEY) {
        *part = row.get(column)?;
    }
    let view = OrphanView {
        network_id: text(row, "network_id")?,
        id: text(row, "id")?,
        orphan: json(row, "orphan")?,
    };
    let bytes = row.get_ref("orphan")?.as_str().map(str::len);
    Ok((key, view, bytes.unwrap_or_default()))
}
