//! The port to a cloud: what peering needs of one, in words that fit all of them, and what may have happened when a call fails.
//!
//! The contract of every method, beyond its own text:
//!
//! - **One call, one try.** An implementation never repeats a mutating call by itself; limits, retries and counting are the
//!   caller's ([`crate::clouds::Metered`]).
//! - **Errors say what they know.** [`CloudErrorKind::Unreachable`] and every plain answer of the provider mean that nothing was
//!   done; [`CloudErrorKind::Ambiguous`] means that it may have been. When in doubt it is ambiguous, and the caller reads.
//! - **Reads filter on this side of the wire.** What comes back is what was asked about, whatever the provider's own filters do.
//! - **Reads may be stale.** What was made a moment ago may be missing, for minutes. A reply to a mutating call is no proof;
//!   only what a read shows is.
//! - **Ownership is a tag.** What the engine makes carries [`OWNER_TAG`] with the peering's id, set in the same call.

mod error;

pub use error::{CallClass, CloudError, CloudErrorKind, Operation};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    PeeringId, Provider, Range, Region,
    network::InboundRule,
    text::{Account, CloudNetwork, FirewallGroup, FirewallRule, Link, RouteTable, Subnet},
};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The tag (label) that names the peering for which the engine made a thing; its value is the peering's id.
pub const OWNER_TAG: &str = "peerage:peering";

/// The name of the firewall group that the engine makes for a peering; unique in its network, so there cannot be two.
pub fn group_name(peering: PeeringId) -> String {
    format!("peerage-{peering}")
}

/// A cloud, or several behind one face.
#[async_trait]
pub trait Cloud: Send + Sync + fmt::Debug {
    /// The account that calls at this place really act in. Reads only.
    async fn identity(&self, at: &Place) -> Result<Account, CloudError>;

    /// All links between the two networks, in either direction and in every state that is still shown, as seen at `at`. Reads
    /// only. Tags belong to the account and region that made them: [`LinkView::owner`] is what is visible from `at`.
    async fn links(&self, at: &Place, one: &NetworkRef, other: &NetworkRef) -> Result<Vec<LinkView>, CloudError>;

    /// Asks for a link, with the requester's identity, tagged with the peering. Not idempotent on every cloud: called twice it may
    /// make two. On [`CloudErrorKind::Ambiguous`] a link may exist now or appear later; find it by [`Cloud::links`] and its owner.
    async fn create_link(&self, spec: &LinkSpec) -> Result<Link, CloudError>;

    /// Accepts a link with the accepter's identity, at the accepter's place. A link that is past that gives
    /// [`CloudErrorKind::WrongState`]; so a repeat after an ambiguous answer does no harm.
    async fn accept_link(&self, at: &Place, link: &Link) -> Result<(), CloudError>;

    /// The route tables that serve these subnets; for a subnet without one of its own, and for no subnet at all, the main table.
    /// Each table once, with all its IPv4 routes. Reads only. An unknown network or subnet is [`CloudErrorKind::NotFound`], never
    /// an empty list.
    async fn route_tables(&self, network: &NetworkRef, subnets: &[Subnet]) -> Result<Vec<RouteTableView>, CloudError>;

    /// Adds one route. A table that has the destination already, with whatever target, gives [`CloudErrorKind::AlreadyThere`] and
    /// is not changed; so a repeat does no harm.
    async fn install_route(&self, at: &Place, table: &RouteTable, destination: Range, link: &Link) -> Result<(), CloudError>;

    /// The firewall groups of the network that carry this peering's owner tag, with all their inbound rules: none or one, unless
    /// somebody copied tags. Reads only.
    async fn firewall_groups(&self, network: &NetworkRef, peering: PeeringId) -> Result<Vec<GroupView>, CloudError>;

    /// Makes the peering's firewall group, named [`group_name`] and tagged, which admits nothing inbound. If the name is taken
    /// it gives [`CloudErrorKind::AlreadyThere`]; so a repeat does no harm.
    async fn create_group(&self, network: &NetworkRef, peering: PeeringId) -> Result<FirewallGroup, CloudError>;

    /// Adds one inbound TCP rule, tagged. A rule that is there gives [`CloudErrorKind::AlreadyThere`]; so a repeat does no harm.
    async fn authorize_rule(
        &self,
        at: &Place,
        group: &FirewallGroup,
        rule: InboundRule,
        peering: PeeringId,
    ) -> Result<FirewallRule, CloudError>;

    /// Removes one inbound rule by its id. A rule that is gone gives [`CloudErrorKind::NotFound`]; so a repeat does no harm.
    async fn revoke_rule(&self, at: &Place, group: &FirewallGroup, rule: &FirewallRule) -> Result<(), CloudError>;
}

/// What a demonstration needs before there is anything to peer: networks. The engine itself never makes one.
#[async_trait]
pub trait Groundwork: Send + Sync + fmt::Debug {
    /// Makes a network with this one range and its main route table, and returns when reads show it. Not idempotent.
    async fn create_network(&self, at: &Place, range: Range, name: &str) -> Result<CloudNetwork, CloudError>;
}

/// Where a call goes, and as whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    pub provider: Provider,
    pub account: Account,
    pub region: Region,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.provider, self.account, self.region)
    }
}

/// One network at a cloud.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NetworkRef {
    pub place: Place,
    pub network: CloudNetwork,
}

impl fmt::Display for NetworkRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.network, self.place)
    }
}

/// A link to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSpec {
    pub peering: PeeringId,
    pub requester: LinkEnd,
    pub accepter: LinkEnd,
}

/// One end of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkEnd {
    pub network: NetworkRef,
    /// All ranges of that network, as far as the cloud tells; some tell an accepter's ranges only after it accepted. Empty means
    /// not told.
    pub ranges: Vec<IpNet>,
}

/// A link as a read shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkView {
    pub link: Link,
    pub requester: LinkEnd,
    pub accepter: LinkEnd,
    pub state: LinkState,
    /// The cloud's own words on the state.
    pub message: Option<String>,
    /// When nobody can accept it any more, where the cloud says so.
    pub expires_at: Option<DateTime<Utc>>,
    /// The peering in the [`OWNER_TAG`], if there is one that can be read from here.
    pub owner: Option<PeeringId>,
}

/// Where the cloud says a link is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkState {
    /// The cloud is still looking at the request.
    Initiating,
    /// It waits for the accepter.
    Pending,
    /// Accepted; the cloud is working on it.
    Provisioning,
    Active,
    Rejected,
    Expired,
    Failed,
    Deleting,
    Deleted,
    /// A word of the provider that no rule here covers.
    Unknown(String),
}

impl LinkState {
    /// Whether such a link stands in the way of another one for the same pair. What is not known to be over is not over.
    pub fn is_live(&self) -> bool {
        match self {
            Self::Initiating | Self::Pending | Self::Provisioning | Self::Active | Self::Deleting | Self::Unknown(_) => true,
            Self::Rejected | Self::Expired | Self::Failed | Self::Deleted => false,
        }
    }
}

/// A route table as a read shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTableView {
    pub table: RouteTable,
    pub routes: Vec<RouteView>,
}

/// One IPv4 route of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteView {
    pub destination: IpNet,
    pub target: RouteTarget,
    pub state: RouteState,
}

/// Where a route sends packets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RouteTarget {
    /// The network itself.
    Local,
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
    Active,
    /// Its target is not there, or not yet.
    Blackhole,
    Unknown(String),
}

/// A firewall group as a read shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupView {
    pub group: FirewallGroup,
    /// The inbound rules only.
    pub rules: Vec<RuleView>,
}

/// One inbound rule of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleView {
    pub id: FirewallRule,
    /// The rule in our words; `None` if it is none that we could have made (another protocol, a span of ports, a public source).
    pub rule: Option<InboundRule>,
    /// The rule for people, like `tcp 2113 from 10.20.0.0/16`.
    pub text: String,
    /// The peering in the rule's [`OWNER_TAG`].
    pub owner: Option<PeeringId>,
}
