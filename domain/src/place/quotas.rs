//! What a provider allows in an account, as long as nobody has asked it for more.

use super::Provider;
use chrono::TimeDelta;

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

impl QuotaOverrides {
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
