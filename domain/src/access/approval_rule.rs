//! What asks for approval by several people: a part of the policy of access, as data.

use super::NetworkName;
use crate::{
    ids::NetworkId,
    network::Opening,
    text::{Name, Project},
};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The most approvals that a rule may ask for.
pub const MOST_APPROVALS: u8 = 10;

/// The longest that a request may wait, in hours: 30 days.
pub const MOST_HOURS: u32 = 720;

/// The most rules of a policy.
pub(super) const MOST_RULES: usize = 100;

/// Commands that open one of these wait until so many people have approved them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// What asks for approval when a command opens it.
    pub opening: BTreeSet<Opening>,
    /// How many people have to approve, each of them an approver of that network, none of them the
    /// one who asks.
    pub approvals: u8,
    /// After how many hours a request ends by itself.
    #[serde(default = "three_days")]
    pub expires_after_hours: u32,
    /// The projects whose networks it is for. With `networks` empty too: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<Project>,
    /// The networks that it is for beside those.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<NetworkName>,
}

/// What all rules together ask of one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// How many people have to approve.
    pub approvals: u8,
    /// How long the request may wait.
    pub wait: TimeDelta,
}

fn three_days() -> u32 {
    72
}

impl ApprovalRule {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if self.opening.is_empty() {
            return Err(
                "name what is opened: connector_ingress, new_peer_account, adoption or anything",
            );
        }
        if !(1..=MOST_APPROVALS).contains(&self.approvals) {
            return Err("approvals are 1 to 10");
        }
        if !(1..=MOST_HOURS).contains(&self.expires_after_hours) {
            return Err("expires_after_hours is 1 to 720");
        }
        Ok(())
    }

    /// Whether it asks for approval of a command that opens these in this network.
    pub fn asks(
        &self,
        openings: &BTreeSet<Opening>,
        id: NetworkId,
        project: &Project,
        name: &Name,
    ) -> bool {
        let is_named = |it: &NetworkName| match it {
            NetworkName::Id(named) => *named == id,
            NetworkName::Name(named, its) => named == project && its == name,
        };
        let is_everywhere = self.projects.is_empty() && self.networks.is_empty();
        let is_there =
            is_everywhere || self.projects.contains(project) || self.networks.iter().any(is_named);
        is_there && !self.opening.is_disjoint(openings)
    }
}

impl Asked {
    /// What the rules ask of a command that opens these in this network: the most approvals and the
    /// shortest wait. `None`: nothing.
    pub fn of(
        rules: &[ApprovalRule],
        openings: &BTreeSet<Opening>,
        id: NetworkId,
        project: &Project,
        name: &Name,
    ) -> Option<Self> {
        let asking = rules
            .iter()
            .filter(|it| it.asks(openings, id, project, name));
        asking
            .map(|it| Self {
                approvals: it.approvals,
                wait: TimeDelta::hours(it.expires_after_hours.into()),
            })
            .reduce(|one, other| Self {
                approvals: one.approvals.max(other.approvals),
                wait: one.wait.min(other.wait),
            })
    }
}
