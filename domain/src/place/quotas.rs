//! What a provider allows in an account: the usual, what the account was seen to have, and what is
//! said of it, each before the one that it names first.

use super::Provider;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// What an account allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Live links of one network.
    pub links: usize,
    /// Links of one network that wait to be accepted.
    pub pending_links: usize,
    /// Routes of one table.
    pub routes: usize,
    /// Inbound rules of one firewall group.
    pub rules: usize,
    /// Firewall groups of one network interface.
    pub groups_of_interface: usize,
    /// How long a request waits to be accepted; `None` where it waits for ever.
    pub acceptance_window: Option<TimeDelta>,
    /// The longest prefix that a range of a network may have.
    pub longest_prefix: u8,
}

/// What an account allows otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuotaOverrides {
    /// Live links of one network.
    pub links: Option<usize>,
    /// Links of one network that wait to be accepted.
    pub pending_links: Option<usize>,
    /// Routes of one table.
    pub routes: Option<usize>,
    /// Inbound rules of one firewall group.
    pub rules: Option<usize>,
    /// Firewall groups of one network interface.
    pub groups_of_interface: Option<usize>,
    /// How long a request waits to be accepted.
    pub acceptance_window: Option<TimeDelta>,
    /// The longest prefix that a range of a network may have.
    pub longest_prefix: Option<u8>,
}

/// What a cloud told that an account allows in a region; nothing of what it did not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SeenQuotas {
    /// Live links of one network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<u32>,
    /// Links of one network that wait for the other side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_links: Option<u32>,
    /// Routes of one table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<u32>,
    /// Inbound rules of one firewall group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<u32>,
    /// Firewall groups of one network interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups_of_interface: Option<u32>,
}

impl From<SeenQuotas> for QuotaOverrides {
    fn from(seen: SeenQuotas) -> Self {
        let most = |it: u32| usize::try_from(it).unwrap_or(usize::MAX);
        Self {
            links: seen.links.map(most),
            pending_links: seen.pending_links.map(most),
            routes: seen.routes.map(most),
            rules: seen.rules.map(most),
            groups_of_interface: seen.groups_of_interface.map(most),
            ..Self::default()
        }
    }
}

/// A quota that clouds tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum QuotaKind {
    /// Live links of one network.
    Links,
    /// Links of one network that wait for the other side.
    PendingLinks,
    /// Routes of one table.
    Routes,
    /// Inbound rules of one firewall group.
    Rules,
    /// Firewall groups of one network interface.
    GroupsOfInterface,
}

impl QuotaKind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::Links,
        Self::PendingLinks,
        Self::Routes,
        Self::Rules,
        Self::GroupsOfInterface,
    ];

    /// Its name, for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Links => "links",
            Self::PendingLinks => "pending_links",
            Self::Routes => "routes",
            Self::Rules => "rules",
            Self::GroupsOfInterface => "groups_of_interface",
        }
    }
}

/// Where a quota that holds comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaSource {
    /// It is what the provider gives every account.
    BuiltIn,
    /// The cloud told it.
    Seen {
        /// When that was first told.
        at: DateTime<Utc>,
    },
    /// The configuration says so.
    Configured,
}

/// A quota that holds, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldQuota {
    /// Of what.
    pub kind: QuotaKind,
    /// How many there may be.
    pub most: usize,
    /// Where that comes from.
    pub source: QuotaSource,
}

impl QuotaOverrides {
    /// What is said of this one.
    pub fn of(&self, kind: QuotaKind) -> Option<usize> {
        match kind {
            QuotaKind::Links => self.links,
            QuotaKind::PendingLinks => self.pending_links,
            QuotaKind::Routes => self.routes,
            QuotaKind::Rules => self.rules,
            QuotaKind::GroupsOfInterface => self.groups_of_interface,
        }
    }

    /// These, where something is said, over those.
    pub fn over(self, under: Quotas) -> Quotas {
        Quotas {
            links: self.links.unwrap_or(under.links),
            pending_links: self.pending_links.unwrap_or(under.pending_links),
            routes: self.routes.unwrap_or(under.routes),
            rules: self.rules.unwrap_or(under.rules),
            groups_of_interface: self
                .groups_of_interface
                .unwrap_or(under.groups_of_interface),
            acceptance_window: self.acceptance_window.or(under.acceptance_window),
            longest_prefix: self.longest_prefix.unwrap_or(under.longest_prefix),
        }
    }
}

impl Quotas {
    /// How many there may be.
    pub fn of(&self, kind: QuotaKind) -> usize {
        match kind {
            QuotaKind::Links => self.links,
            QuotaKind::PendingLinks => self.pending_links,
            QuotaKind::Routes => self.routes,
            QuotaKind::Rules => self.rules,
            QuotaKind::GroupsOfInterface => self.groups_of_interface,
        }
    }

    /// How long a request waits where that is not what the provider says: the fold knows that, and
    /// of nothing else.
    pub fn unusual_window(&self, provider: Provider) -> Option<TimeDelta> {
        let usual = provider.quotas().acceptance_window;
        self.acceptance_window.filter(|it| Some(*it) != usual)
    }
}

impl Provider {
    /// What it allows by default.
    ///
    /// | | AWS | GCP | Azure |
    /// | --- | --- | --- | --- |
    /// | links of a network | 50, up to 125 (L-7E9ECCDB) | 25 | 500 |
    /// | that wait | 25 (L-DC9F7029), for 168 h | any, for ever | any, for ever |
    /// | routes | 500 of a table | 500 that are exchanged | 400 of a table |
    /// | rules | 60 of a security group | 1,000 of a policy | 1,000 of a group |
    /// | groups of an interface | 5, up to 16 (L-2AFB9258) | – | 1 |
    /// | smallest range | /28 | /29 | /29 |
    pub fn quotas(self) -> Quotas {
        match self {
            Self::Aws => Quotas {
                links: 50,
                pending_links: 25,
                routes: 500,
                rules: 60,
                groups_of_interface: 5,
                acceptance_window: Some(TimeDelta::hours(168)),
                longest_prefix: 28,
            },
            Self::Gcp => Quotas {
                links: 25,
                pending_links: 25,
                routes: 500,
                rules: 1000,
                groups_of_interface: 1,
                acceptance_window: None,
                longest_prefix: 29,
            },
            Self::Azure => Quotas {
                links: 500,
                pending_links: 500,
                routes: 400,
                rules: 1000,
                groups_of_interface: 1,
                acceptance_window: None,
                longest_prefix: 29,
            },
        }
    }
}
