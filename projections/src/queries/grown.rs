//! Which networks have long histories.

use crate::{Projections, QueryError, rows};
use domain::NetworkId;

impl Projections {
    /// The networks whose streams go as far as this event number or further, with their last one:
    /// as far as the rows are, whole or not.
    pub(crate) async fn longer_than(
        &self,
        revision: u64,
    ) -> Result<Vec<(NetworkId, u64)>, QueryError> {
        let longer = self.store.read("list long histories", move |rows| {
            let mut select = rows.prepare_cached(
                "SELECT network_id, revision FROM networks WHERE revision >= ?1 ORDER BY network_id",
            )?;
            let found = select.query_map([revision], |row| {
                Ok((rows::text(row, "network_id")?, row.get("revision")?))
            })?;
            found.collect()
        });
        longer.await
    }
}
