//! Connector ingresses: what the private network may reach behind a peer.

use super::Select;
use crate::{
    Projections, QueryError,
    rows::{maybe, text},
};
use chrono::{DateTime, Utc};
use domain::{IngressId, PeeringId, Range, network::InboundRule, text::Reason};
use serde::Serialize;

/// One declared exception.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IngressView {
    pub id: IngressId,
    /// Where the target is, within the peer's ranges.
    pub target: Range,
    /// What the peer's firewall admits for it.
    pub rule: InboundRule,
    pub reason: Reason,
    pub allowed_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
}

impl Projections {
    /// The ingresses of a peering that are open, by the time at which they were allowed.
    pub async fn ingress(&self, peering: PeeringId) -> Result<Vec<IngressView>, QueryError> {
        let select =
            Select::from("SELECT * FROM ingress").and_maybe("peering_id = ?", Some(peering));
        let mut ingress = self
            .answer("list ingress", |rows| select.all(rows, read))
            .await?;
        ingress.sort_by_key(|it| (it.allowed_at, it.id));
        Ok(ingress)
    }
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<IngressView> {
    Ok(IngressView {
        id: text(row, "ingress_id")?,
        target: text(row, "target")?,
        rule: InboundRule {
            source: text(row, "source")?,
            port: row.get("port")?,
        },
        reason: text(row, "reason")?,
        allowed_at: text(row, "allowed_at")?,
        expires_at: maybe(row, "expires_at")?,
    })
}
