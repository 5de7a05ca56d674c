//! Links as a cloud is asked for them, and as its reads show them.

use crate::{NetworkRef, Owner};
use chrono::{DateTime, Utc};
use domain::{network::LinkOption, text::Link};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A link to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSpec {
    /// What it is for.
    pub owner: Owner,
    /// The end that asks: the private network's.
    pub first: LinkEnd,
    /// The end that is asked.
    pub second: LinkEnd,
    /// The link, where it is there already, or where its name is chosen beforehand.
    pub link: Option<Link>,
}

/// The name of one request to a cloud: the same when it is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub Uuid);

/// Which end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LinkRole {
    /// The end that asked for the link.
    #[serde(rename = "Requester")]
    First,
    /// The end that was asked.
    #[serde(rename = "Accepter")]
    Second,
}

/// One end of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredEnd")]
pub struct LinkEnd {
    /// The network at this end.
    pub network: NetworkRef,
    /// All ranges of that network, as far as the cloud tells; some tell those of the end that was
    /// asked only after it accepted. Empty means not told.
    pub ranges: Vec<IpNet>,
    /// This end's options, as far as the cloud tells.
    pub options: BTreeMap<LinkOption, bool>,
    /// Of those that are on and need the other end for any effect: whether they have it, as far as
    /// the cloud tells of both ends together.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub in_effect: BTreeMap<LinkOption, bool>,
    /// Whether this end has the ranges of the other network as they are now; `None` where the
    /// cloud does not tell, or has no need of that.
    pub in_sync: Option<bool>,
    /// Where the two halves exchange their routes: what this end sends over the link, as the
    /// half's own list has it. Empty where routes stand in tables, or where it is not told.
    pub imports: Vec<IpNet>,
}

impl LinkEnd {
    /// An end of which nothing more is told.
    pub fn new(network: NetworkRef, ranges: Vec<IpNet>) -> Self {
        Self {
            network,
            ranges,
            options: BTreeMap::new(),
            in_effect: BTreeMap::new(),
            in_sync: None,
            imports: Vec::new(),
        }
    }

    /// Whether this option is on; `None` where the cloud does not tell.
    pub fn option(&self, option: LinkOption) -> Option<bool> {
        self.options.get(&option).copied()
    }

    /// Whether this option, which is on, has effect; `None` where the cloud does not tell.
    pub fn effect(&self, option: LinkOption) -> Option<bool> {
        self.in_effect.get(&option).copied()
    }
}

/// An end as it was kept, also before there were other options than name resolution.
#[derive(Deserialize)]
struct StoredEnd {
    network: NetworkRef,
    ranges: Vec<IpNet>,
    #[serde(default)]
    options: BTreeMap<LinkOption, bool>,
    #[serde(default)]
    in_effect: BTreeMap<LinkOption, bool>,
    #[serde(default)]
    in_sync: Option<bool>,
    #[serde(default)]
    imports: Vec<IpNet>,
    #[serde(default)]
    dns_resolution: Option<bool>,
}

impl From<StoredEnd> for LinkEnd {
    fn from(it: StoredEnd) -> Self {
        let mut options = it.options;
        if let Some(names) = it.dns_resolution {
            options.entry(LinkOption::DnsResolution).or_insert(names);
        }
        Self {
            network: it.network,
            ranges: it.ranges,
            options,
            in_effect: it.in_effect,
            in_sync: it.in_sync,
            imports: it.imports,
        }
    }
}

/// A link as a read shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkView {
    /// The provider's id of it.
    pub link: Link,
    /// The end that asked, or, where a link is two halves, the end whose half is shown.
    #[serde(rename = "requester")]
    pub first: LinkEnd,
    /// The other end.
    #[serde(rename = "accepter")]
    pub second: LinkEnd,
    /// Where it is in its life.
    pub state: LinkState,
    /// The cloud's own words on the state.
    pub message: Option<String>,
    /// When nobody can accept it any more, where the cloud says so.
    pub expires_at: Option<DateTime<Utc>>,
    /// The [`OWNER_TAG`](crate::OWNER_TAG), if there is one that can be read from here.
    pub owner: Option<Owner>,
}

impl LinkView {
    /// The end at this network, and which it is.
    pub fn end(&self, network: &NetworkRef) -> Option<(LinkRole, &LinkEnd)> {
        if self.first.network.is_same(network) {
            Some((LinkRole::First, &self.first))
        } else if self.second.network.is_same(network) {
            Some((LinkRole::Second, &self.second))
        } else {
            None
        }
    }
}

/// Where the cloud says a link is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkState {
    /// The cloud is still looking at the request.
    Initiating,
    /// It waits for the end that was asked.
    Pending,
    /// Accepted; the cloud is working on it.
    Provisioning,
    /// In place: routes over it carry packets.
    Active,
    /// One half is there, and the other is gone that it was connected to.
    Disconnected,
    /// The end that was asked did not want it.
    Rejected,
    /// Nobody accepted it in time.
    Expired,
    /// The request could never have worked, or its end broke.
    Failed,
    /// It is being taken down.
    Deleting,
    /// It is gone, and shown for a while.
    Deleted,
    /// A word of the provider that no rule here covers.
    Unknown(String),
}

impl LinkState {
    /// Whether such a link stands in the way of another one for the same pair. What is not known to
    /// be over is not over.
    pub fn is_live(&self) -> bool {
        match self {
            Self::Initiating
            | Self::Pending
            | Self::Provisioning
            | Self::Active
            | Self::Disconnected
            | Self::Deleting
            | Self::Unknown(_) => true,
            Self::Rejected | Self::Expired | Self::Failed | Self::Deleted => false,
        }
    }

    /// The state in a word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Initiating => "initiating",
            Self::Pending => "pending",
            Self::Provisioning => "provisioning",
            Self::Active => "active",
            Self::Disconnected => "disconnected",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
            Self::Unknown(word) => word,
        }
    }
}
