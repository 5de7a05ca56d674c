//! How much there is of everything, for figures that are looked at again and again.

use crate::{Projections, QueryError};
use rusqlite::Connection;
use std::collections::BTreeMap;

/// How much there is, as far as the read models are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Networks that are not retired.
    pub networks: u64,
    /// Peerings that have not ended, by the name of their life's state.
    pub peerings: BTreeMap<String, u64>,
    /// Those of them that are blocked, by the cause's name.
    pub blocked: BTreeMap<String, u64>,
    /// Those of them that are not as they should be yet.
    pub unconverged: u64,
    /// Rules of others that let the other side in.
    pub exposures: u64,
    /// Differences between the cloud and the record.
    pub drift: u64,
    /// Networks of whose history part cannot be read.
    pub unreadable: u64,
    /// Things at the clouds that no live peering accounts for.
    pub orphans: u64,
}

const NETWORKS: &str = "SELECT count(*), coalesce(sum(orphans), 0) FROM networks WHERE NOT retired";
const LIVES: &str =
    "SELECT life, count(*), sum(NOT converged) FROM peerings WHERE live GROUP BY life";
const BLOCKED: &str = "SELECT blocked, count(*) FROM peerings
    WHERE live AND blocked IS NOT NULL GROUP BY blocked";
const FINDINGS: &str = "SELECT (SELECT count(*) FROM exposures), (SELECT count(*) FROM drift),
    (SELECT count(DISTINCT network_id) FROM timeline WHERE problem IS NOT NULL)";

impl Projections {
    /// How much there is of everything.
    pub async fn counts(&self) -> Result<Counts, QueryError> {
        self.answer("count everything", |connection: &Connection, _| {
            let mut counts = Counts::default();
            (counts.networks, counts.orphans) = connection
                .prepare_cached(NETWORKS)?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mut lives = connection.prepare_cached(LIVES)?;
            let mut rows = lives.query([])?;
            while let Some(row) = rows.next()? {
                counts.peerings.insert(row.get(0)?, row.get(1)?);
                counts.unconverged += row.get::<_, u64>(2)?;
            }
            let mut blocked = connection.prepare_cached(BLOCKED)?;
            let mut rows = blocked.query([])?;
            while let Some(row) = rows.next()? {
                counts.blocked.insert(row.get(0)?, row.get(1)?);
            }
            (counts.exposures, counts.drift, counts.unreadable) = connection
                .prepare_cached(FINDINGS)?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            Ok(counts)
        })
        .await
    }
}
