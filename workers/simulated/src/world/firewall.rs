//! Firewall groups and their rules.

use super::{
    shown::{Gone, Shown, ghosts},
    traffic::{admitted, in_our_words, text, traffic},
};
use chrono::{DateTime, Utc};
use cloud::{GroupView, NetworkRef, Owner, RuleView, Traffic};
use domain::{
    network::{ExposedBy, InboundRule},
    text::{FirewallGroup, FirewallRule},
};
use serde::{Deserialize, Serialize};

/// A firewall group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedGroup {
    /// Its id, given once.
    pub id: FirewallGroup,
    /// Its name, unique in its network.
    pub name: String,
    /// Its owner tag.
    pub owner: Option<Owner>,
    /// Its inbound rules.
    pub rules: Vec<SimulatedRule>,
    /// Rules that were revoked and may still be shown.
    #[serde(default)]
    pub gone_rules: Vec<Gone<SimulatedRule>>,
    /// Whether machines are in it, so that it cannot be removed.
    #[serde(default)]
    pub in_use: bool,
    /// From when on reads see it.
    pub shown: Shown,
}

/// An inbound rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedRule {
    /// Its id, given once.
    pub id: FirewallRule,
    /// The rule in the words of the port; none if the engine could not have made it.
    pub rule: Option<InboundRule>,
    /// The rule as people write it.
    pub text: String,
    /// Its owner tag.
    pub owner: Option<Owner>,
    /// Whether somebody made it, or the cloud has it by default.
    #[serde(default)]
    pub what: ExposedBy,
    /// From when on reads see it.
    pub shown: Shown,
}

impl SimulatedGroup {
    pub(crate) fn new(id: FirewallGroup, name: String, owner: Option<Owner>, shown: Shown) -> Self {
        Self {
            id,
            name,
            owner,
            rules: Vec::new(),
            gone_rules: Vec::new(),
            in_use: false,
            shown,
        }
    }

    /// What a read shows of it.
    pub(crate) fn view(&mut self, home: &NetworkRef, now: DateTime<Utc>) -> GroupView {
        let mut rules: Vec<_> = self
            .rules
            .iter_mut()
            .filter_map(|rule| rule.shown.read(now).then(|| rule.view()))
            .collect();
        rules.extend(
            ghosts(&mut self.gone_rules, now)
                .iter()
                .map(SimulatedRule::view),
        );
        GroupView {
            network: home.network.clone(),
            group: self.id.clone(),
            name: self.name.clone(),
            belongs_to: format!("{} ({})", home.at.account, self.name),
            owner: self.owner,
            rules,
        }
    }
}

impl SimulatedRule {
    pub(crate) fn ours(id: FirewallRule, rule: InboundRule, owner: Owner, shown: Shown) -> Self {
        Self {
            id,
            rule: Some(rule),
            text: text(rule),
            owner: Some(owner),
            what: ExposedBy::Rule,
            shown,
        }
    }

    /// Somebody else's, as people write it.
    pub(crate) fn others(id: FirewallRule, text: &str) -> Self {
        Self {
            id,
            rule: in_our_words(&traffic(text)),
            text: text.to_owned(),
            owner: None,
            what: ExposedBy::Rule,
            shown: Shown::always(),
        }
    }

    fn admits(&self) -> Traffic {
        self.rule.map_or_else(|| traffic(&self.text), admitted)
    }

    fn view(&self) -> RuleView {
        RuleView {
            id: self.id.clone(),
            rule: self.rule,
            admits: self.admits(),
            text: self.text.clone(),
            owner: self.owner,
            what: self.what,
        }
    }
}
