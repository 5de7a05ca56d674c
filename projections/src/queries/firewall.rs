//! The firewall of each side of a peering: what it must admit, and what has been seen of it.

use super::Select;
use crate::{
    Projections, QueryError,
    rows::{json, maybe, text},
};
use chrono::{DateTime, Utc};
use domain::{PeeringId, Range, Side, network::InboundRule, text};
use serde::Serialize;

/// One side's firewall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FirewallView {
    pub side: Side,
    /// What it must admit from the link; the rest is denied.
    pub admit: Vec<InboundRule>,
    pub restricted_at: DateTime<Utc>,
    /// The group that the engine owns, once seen.
    pub group: Option<text::FirewallGroup>,
    /// The rules that were seen in it.
    pub rules: Vec<FirewallRule>,
    /// Since when the group is known to hold exactly what must be admitted; `None` if it is not.
    pub enforced_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FirewallRule {
    pub source: Range,
    pub port: u16,
    pub rule_id: text::FirewallRule,
    pub since: DateTime<Utc>,
}

impl FirewallView {
    /// Whether the group is known to hold exactly what must be admitted.
    pub fn is_enforced(&self) -> bool {
        self.enforced_at.is_some()
    }
}

impl Projections {
    /// Both sides' firewalls, local first; none if there is no such peering.
    pub async fn firewall(&self, peering: PeeringId) -> Result<Vec<FirewallView>, QueryError> {
        let sides =
            Select::from("SELECT * FROM firewalls").and_maybe("peering_id = ?", Some(peering));
        let rules =
            Select::from("SELECT * FROM firewall_rules").and_maybe("peering_id = ?", Some(peering));
        let read = self.answer("show firewall", |rows| {
            Ok((sides.all(rows, read_side)?, rules.all(rows, read_rule)?))
        });
        let (mut sides, mut rules) = read.await?;
        sides.sort_by_key(|it| it.side);
        rules.sort_by_key(|(side, rule)| (*side, rule.source, rule.port));
        for (side, rule) in rules {
            if let Some(view) = sides.iter_mut().find(|view| view.side == side) {
                view.rules.push(rule);
            }
        }
        Ok(sides)
    }
}

fn read_side(row: &rusqlite::Row<'_>) -> rusqlite::Result<FirewallView> {
    Ok(FirewallView {
        side: text(row, "side")?,
        admit: json(row, "admit")?,
        restricted_at: text(row, "restricted_at")?,
        group: maybe(row, "firewall_group")?,
        rules: Vec::new(),
        enforced_at: maybe(row, "enforced_at")?,
    })
}

fn read_rule(row: &rusqlite::Row<'_>) -> rusqlite::Result<(Side, FirewallRule)> {
    let rule = FirewallRule {
        source: text(row, "source")?,
        port: row.get("port")?,
        rule_id: text(row, "rule_id")?,
        since: text(row, "seen_at")?,
    };
    Ok((text(row, "side")?, rule))
}
