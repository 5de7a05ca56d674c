//! What a cloud is asked for, and what its reads show.

use crate::{LinkSpec, Owner};
use chrono::TimeDelta;
use domain::{
    AdmittedSource, Provider, QuotaOverrides, Quotas, Region,
    network::{Denied, ExposedBy, InboundRule},
    text::{
        AccessList, Account, CloudNetwork, ExternalId, FirewallGroup, FirewallRule, ImmutableId,
        Interface, Link, RouteTable, Subnet,
    },
};
use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Where a call goes, and as whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccountRegion {
    /// The cloud.
    pub provider: Provider,
    /// The account (GCP: project, Azure: tenant).
    pub account: Account,
    /// The region, as the provider names it.
    pub region: Region,
    /// What is shown to enter the account, if its owner asks for that (AWS: the external id of
    /// a role's trust policy).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
}

impl AccountRegion {
    /// Whether it is the same account and region, whatever is shown to enter it.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.provider, &self.account, &self.region)
            == (other.provider, &other.account, &other.region)
    }
}

impl fmt::Display for AccountRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.provider, self.account, self.region)
    }
}

/// One network at a cloud.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NetworkRef {
    #[serde(rename = "place")]
    /// Where it is, and as whom it is entered.
    pub at: AccountRegion,
    /// The provider's id of it.
    pub network: CloudNetwork,
}

impl NetworkRef {
    /// Whether it is the same network, whatever is shown to enter its account. An id of Azure's
    /// says it all, in any case of its letters: no half tells the other end's tenant and region. A
    /// network of GCP is in no region: whoever names one may say any.
    pub fn is_same(&self, other: &Self) -> bool {
        let is_by_id =
            |it: &Self| it.at.provider == Provider::Azure && it.network.as_str().starts_with('/');
        if is_by_id(self) && is_by_id(other) {
            let (one, other) = (self.network.as_str(), other.network.as_str());
            return one.eq_ignore_ascii_case(other);
        }
        let is_there = match self.at.provider {
            Provider::Gcp => {
                (self.at.provider, &self.at.account) == (other.at.provider, &other.at.account)
            }
            Provider::Aws | Provider::Azure => self.at.is_same(&other.at),
        };
        is_there && self.network == other.network
    }
}

impl fmt::Display for NetworkRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.network, self.at)
    }
}

/// A network as a read shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkView {
    /// The provider's id of it.
    pub network: CloudNetwork,
    /// All its ranges, IPv6 ones too.
    pub ranges: Vec<IpNet>,
    /// The id that the cloud gives this network alone, whatever its name is and becomes; `None`
    /// where its id is such a one already (AWS), or where the cloud did not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub immutable_id: Option<ImmutableId>,
    /// The account that owns it, where that is another than the one that was asked: it is shared
    /// with that one, which can use it and cannot join it with another network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_by: Option<Account>,
}

/// A subnet as a read shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubnetView {
    /// The network that it is a part of.
    pub network: CloudNetwork,
    /// The provider's id of it.
    pub subnet: Subnet,
    /// The zone by the id that is the same in every account (AWS: `use1-az1`), where the cloud has
    /// zones.
    pub zone: Option<String>,
    /// Its IPv4 addresses. Not told of clouds that have no lists in front of subnets.
    pub ranges: Vec<Ipv4Net>,
}

/// Whether a network answers for its names, and whether its machines have any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsSupport {
    /// Whether the network answers for names.
    pub resolution: bool,
    /// Whether its machines have names.
    pub hostnames: bool,
}

/// How much of everything there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Live links of one network (AWS: 50 by default, 125 at most, L-7E9ECCDB).
    pub links: usize,
    /// Links of one network that wait to be accepted (AWS: 25, L-DC9F7029).
    pub pending_links: usize,
    /// Routes of one table (AWS: 500).
    pub routes: usize,
    /// Inbound rules of one firewall group (AWS: 60).
    pub rules: usize,
    /// Firewall groups of one network interface (AWS: 5 by default, 16 at most, L-2AFB9258).
    pub groups_of_interface: usize,
    /// Inbound entries of one list in front of subnets (AWS: 20 by default, 40 at most,
    /// L-2AEEBF1A).
    pub access_entries: usize,
    /// The first and the last number that the engine may give an entry of its own there.
    pub access_numbers: (u16, u16),
    /// How long a request waits to be accepted, where the configuration says otherwise than the
    /// provider, and the cloud tells nothing.
    pub acceptance_window: Option<TimeDelta>,
}

impl Limits {
    /// The same with what was seen of them.
    #[must_use]
    pub fn seeing(self, seen: &QuotaOverrides) -> Self {
        Self {
            links: seen.links.unwrap_or(self.links),
            pending_links: seen.pending_links.unwrap_or(self.pending_links),
            routes: seen.routes.unwrap_or(self.routes),
            rules: seen.rules.unwrap_or(self.rules),
            groups_of_interface: seen.groups_of_interface.unwrap_or(self.groups_of_interface),
            ..self
        }
    }

    /// Where no list stands in front of subnets, and no request waits for long.
    pub fn of(quotas: &Quotas) -> Self {
        Self {
            links: quotas.links,
            pending_links: quotas.pending_links,
            routes: quotas.routes,
            rules: quotas.rules,
            groups_of_interface: quotas.groups_of_interface,
            access_entries: 0,
            access_numbers: (0, 0),
            acceptance_window: None,
        }
    }
}

/// What of a firewall carries tags of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirewallPart {
    /// A group.
    Group(FirewallGroup),
    /// A rule of a group.
    Rule {
        /// The group.
        group: FirewallGroup,
        /// The rule's id.
        rule: FirewallRule,
    },
}

impl FirewallPart {
    /// The provider's id of it.
    pub fn id(&self) -> &str {
        match self {
            Self::Group(group) => group.as_str(),
            Self::Rule { rule, .. } => rule.as_str(),
        }
    }
}

/// A change that is asked about, not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rehearsal {
    /// A link to be asked for.
    CreateLink(Box<LinkSpec>),
    /// A link to be accepted.
    AcceptLink {
        /// The place of the side that was asked.
        at: AccountRegion,
        /// The link.
        link: Link,
    },
    /// A firewall group to be made.
    CreateGroup {
        /// The network it would be in.
        network: NetworkRef,
        /// What it would be made for.
        owner: Owner,
    },
}

impl Rehearsal {
    /// Where the change would be made.
    pub fn at(&self) -> &AccountRegion {
        match self {
            Self::CreateLink(spec) => &spec.first.network.at,
            Self::AcceptLink { at, .. } => at,
            Self::CreateGroup { network, .. } => &network.at,
        }
    }
}

/// What was said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rehearsed {
    /// It would be permitted.
    Allowed,
    /// It would be permitted, and there is nothing there that it could be done to: no firewall that
    /// the engine was given to write into.
    NowhereToWrite {
        /// What is missing.
        message: String,
    },
    /// It would be refused.
    Refused {
        /// The provider's words.
        message: String,
    },
    /// Nobody was asked, and there is something to know of the network where it would be made.
    ToBeKnown {
        /// What, and what a person does about it.
        message: String,
    },
    /// Nobody was asked.
    NotAvailable,
}

/// A route table as a read shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTableView {
    /// The network that it is a part of.
    pub network: CloudNetwork,
    /// The provider's id of it.
    pub table: RouteTable,
    /// Whether it serves the subnets that have chosen none.
    pub main: bool,
    /// The subnets that have chosen it.
    pub subnets: Vec<Subnet>,
    /// All its routes for ranges, of both families, whoever made them.
    pub routes: Vec<RouteView>,
    /// Its other routes, for lists of ranges, which are never the engine's.
    pub others: Vec<OtherRoute>,
}

/// A route that is for no range: for a list of ranges, or whatever a provider has beside that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherRoute {
    /// The provider's id of the list.
    pub destination: String,
    /// Where it sends packets.
    pub target: RouteTarget,
}

/// One route of a table, for a range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteView {
    /// Where the packets go that it is about.
    pub destination: IpNet,
    /// Where it sends them.
    pub target: RouteTarget,
    /// Whether it carries packets.
    pub state: RouteState,
}

/// Where a route sends packets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RouteTarget {
    /// The network itself.
    Local,
    /// Over a link.
    Link(Link),
    /// Anything else, by the provider's id.
    Other(String),
}

impl fmt::Display for RouteTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Link(link) => link.fmt(f),
            Self::Other(id) => f.write_str(id),
        }
    }
}

/// Whether a route carries packets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RouteState {
    /// It carries packets.
    Active,
    /// Its target is not there, or not yet.
    Blackhole,
    /// A word of the provider that no rule here covers.
    Unknown(String),
}

/// A firewall group as a read shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupView {
    /// The network that it protects.
    pub network: CloudNetwork,
    /// The provider's id of it.
    pub group: FirewallGroup,
    /// Its name; unique in its network.
    pub name: String,
    /// Whoever it belongs to, as the cloud tells: an account, and what its tags say.
    pub belongs_to: String,
    /// The group's [`OWNER_TAG`](super::OWNER_TAG).
    pub owner: Option<Owner>,
    /// The inbound rules only.
    pub rules: Vec<RuleView>,
}

/// One inbound rule of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleView {
    /// The provider's id of it.
    pub id: FirewallRule,
    /// The rule in our words; `None` if it is none that we could have made (another protocol, a
    /// span of ports, a public source).
    pub rule: Option<InboundRule>,
    /// What it admits, whoever made it.
    pub admits: Traffic,
    /// The rule for people, like `tcp 2113 from 10.20.0.0/16`.
    pub text: String,
    /// The rule's [`OWNER_TAG`](super::OWNER_TAG).
    pub owner: Option<Owner>,
    /// Whether it is a rule that somebody made, or stands for what the cloud admits where nothing
    /// denies it.
    #[serde(default)]
    pub what: ExposedBy,
}

/// The collections whose rules nobody removes for one network: a network security group's defaults
/// (Azure), and policies of an organisation (GCP).
const KEPT: [&str; 2] = ["defaultSecurityRules", "firewallPolicies"];

impl RuleView {
    /// Whether the rule can be removed at all; if not, only a denial before it helps.
    pub fn is_removable(&self) -> bool {
        let mut parts = self.id.as_str().split('/');
        !parts.any(|it| KEPT.contains(&it))
    }
}

/// A kind of inbound traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Where it comes from.
    pub source: Source,
    /// Where it goes, where an entry names that; `None` for wherever the entry stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Vec<IpNet>>,
    /// Like `tcp`; `None` for every protocol.
    pub protocol: Option<String>,
    /// The first and the last port; `None` for all, or where the protocol has none.
    pub ports: Option<(u16, u16)>,
}

/// Where traffic comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// Addresses in any of these ranges: the rule's own, or those of the list that it names.
    Ranges(Vec<IpNet>),
    /// Whatever is in another group.
    Group {
        /// The provider's id of it.
        group: String,
        /// The network that it is in, where the cloud tells.
        network: Option<CloudNetwork>,
    },
    /// Something else that the rule names in place of ranges, by the provider's id: a list that
    /// cannot be read from here.
    Named(String),
}

/// A network interface as a read shows it: what firewall groups are attached to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceView {
    /// The network that it is in.
    pub network: CloudNetwork,
    /// The provider's id of it.
    pub interface: Interface,
    /// The groups that are attached to it.
    pub groups: BTreeSet<FirewallGroup>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The service that manages it, and whose business its groups are; `None` if it is its owner's.
    pub managed_by: Option<String>,
}

/// A list in front of subnets, whose entries are tried in order; what none covers is denied. What
/// the engine's own rules admit is not among them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessListView {
    /// The network that it is a part of.
    pub network: CloudNetwork,
    /// The provider's id of it, where entries can be written into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<AccessList>,
    /// The subnets that it stands before.
    pub subnets: Vec<Subnet>,
    /// Its entries, in any order.
    pub entries: Vec<AccessEntry>,
    /// What stands before interfaces in those subnets, and has to let packets in as well (Azure): a
    /// view for each such list, and one without for interfaces that have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<Vec<AccessEntry>>,
}

impl AccessListView {
    /// The lists that a packet passes, one after the other.
    pub fn passed(&self) -> impl Iterator<Item = &Vec<AccessEntry>> {
        std::iter::once(&self.entries).chain(&self.behind)
    }
}

/// Which way traffic goes, seen from the network that an entry stands before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Into it.
    #[default]
    Inbound,
    /// Out of it.
    Outbound,
}

/// One entry of what a cloud puts before its machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessEntry {
    /// Which way the traffic goes that it is about.
    #[serde(default)]
    pub direction: Direction,
    /// Entries are tried from the least priority up; of two with the same one, a denial first.
    #[serde(default)]
    pub priority: u32,
    /// What it is about.
    pub traffic: Traffic,
    /// Whether such traffic is let through; otherwise it is denied.
    pub allow: bool,
}

/// The traffic that a rule of the engine's admits, as a read shows it. In which network a group is
/// that it names is the cloud's to tell.
pub fn admitted_traffic(rule: InboundRule) -> Traffic {
    Traffic {
        source: match rule.source {
            AdmittedSource::Range(range) => Source::Ranges(vec![range.net()]),
            AdmittedSource::Group(it) => Source::Group {
                group: it.group().to_owned(),
                network: None,
            },
        },
        protocol: Some("tcp".to_owned()),
        ports: Some((rule.port, rule.port)),
        target: rule.target.map(|it| vec![it.net()]),
    }
}

/// The traffic that a denial keeps out, as an entry shows it.
pub fn denied_traffic(denied: &Denied) -> Traffic {
    Traffic {
        source: Source::Ranges(vec![denied.source.net()]),
        target: None,
        protocol: denied.ports.map(|it| it.protocol.as_str().to_owned()),
        ports: denied.ports.map(|it| (it.first, it.last)),
    }
}
