//! The port to a cloud: what peering needs of one, in words that fit all of them, and what may have
//! happened when a call fails.
//!
//! The contract of every method, beyond its own text:
//!
//! - **One call, one try.** An implementation never repeats a mutating call by itself; limits,
//!   retries and counting are the caller's ([`RateLimited`]).
//! - **Errors say what they know.** [`CloudErrorKind::Unreachable`] and every plain answer of the
//!   provider mean that nothing was done; [`CloudErrorKind::Ambiguous`] means that it may have
//!   been. When in doubt it is ambiguous, and the caller reads.
//! - **One read serves many.** A read is about all the networks named in it, at one place: one call
//!   of its kind (or one page after the other), however many peerings share them.
//! - **Reads filter on this side of the wire.** What comes back is what was asked about, whatever
//!   the provider's own filters do. A network that is not there is absent from the answer; it is no
//!   error.
//! - **Reads may be stale.** What was made a moment ago may be missing, for minutes. A reply to a
//!   mutating call is no proof; only what a read shows is.
//! - **Ownership is a tag.** What the engine makes carries [`OWNER_TAG`] with an [`Owner`], the
//!   network and the peering, set in the same call, as far as the provider has tags there; a route
//!   has none. A link or a group that is there already is not tagged anew by asking for it again.

#![warn(missing_docs)]

mod answered;
mod by_provider;
mod calls;
mod error;
mod halves;
pub mod instructions;
mod layer;
mod links;
mod look;
mod owner;
mod pace;
mod posture;
mod rate_limited;
mod trace;
mod views;

pub use by_provider::ByProvider;
pub use calls::{CALL_TIMES, CallOutcome, CallTimes, Calls};
pub use error::{About, CallClass, CloudError, CloudErrorKind, Operation};
pub use halves::{
    HalfAnswer, HalfState, HalfView, LinkForm, OperationState, Switch, half_name, owner_by_name,
};
pub use layer::Layer;
pub use links::*;
pub use look::Look;
pub use owner::{NotAnOwner, OWNER_TAG, Owner};
pub use pace::{Pace, Rate};
pub use posture::{LetsIn, lets_in, lets_in_through};
pub use rate_limited::{ClientPolicy, RateLimited};
pub use trace::{CallTrace, answered_as};
pub use views::*;

use async_trait::async_trait;
use domain::{
    CloudMode, PeeringId, Provider, QuotaOverrides, Range, SeenQuotas, Side,
    network::{Denial, InboundRule, LinkOption},
    text::{
        Account, CloudNetwork, CloudOperation, FirewallGroup, FirewallRule, Interface, Link,
        RouteTable,
    },
};
use std::fmt;

/// The name of the firewall group that the engine makes for a peering; unique in its network, so
/// there cannot be two.
pub fn group_name(peering: PeeringId) -> String {
    format!("peerage-{peering}")
}

/// A cloud, or several behind one face.
#[async_trait]
pub trait Cloud: Send + Sync + fmt::Debug {
    /// What answers for this provider: the provider itself, or what stands in for it. `None` if
    /// there is no way to it from here. Known, not asked.
    fn mode(&self, provider: Provider) -> Option<CloudMode>;

    /// The account that calls for this account and region really act in. Reads only.
    async fn identity(&self, at: &AccountRegion) -> Result<Account, CloudError>;

    /// These networks with all their ranges, secondary ones too. Reads only.
    async fn networks(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<NetworkView>, CloudError>;

    /// The subnets of these networks. Reads only.
    async fn subnets(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<SubnetView>, CloudError>;

    /// All links that have one of these networks at either end, in every state that is still shown,
    /// as seen at `at`. Reads only. Tags belong to the account and region that made them:
    /// [`LinkView::owner`] is what is visible from `at`.
    async fn links(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<LinkView>, CloudError>;

    /// All route tables of these networks, each with all its IPv4 routes. Reads only.
    async fn route_tables(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<RouteTableView>, CloudError>;

    /// All firewall groups of these networks, the engine's and others', each with all its inbound
    /// rules. Reads only.
    async fn firewall_groups(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<GroupView>, CloudError>;

    /// The lists in front of these networks' subnets that deny what firewall groups admit. Empty
    /// where the provider has none. Reads only.
    async fn access_lists(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<AccessListView>, CloudError>;

    /// All network interfaces of these networks, with the groups that are attached to them. Empty
    /// where a firewall is not attached to interfaces. Reads only.
    async fn interfaces(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<InterfaceView>, CloudError>;

    /// Whether the network meets what name resolution over a link needs. Reads only.
    async fn dns_support(&self, network: &NetworkRef) -> Result<DnsSupport, CloudError>;

    /// The permissions that an operation takes at this provider, in its own words. Known, not
    /// asked.
    fn permissions(&self, provider: Provider, operation: Operation) -> Vec<&'static str>;

    /// How much of everything there may be in this account and region, where this was seen there
    /// ([`Cloud::quotas`]): it comes before what is usual, and after what is configured. Known, not
    /// asked.
    fn limits(&self, at: &AccountRegion, seen: QuotaOverrides) -> Limits;

    /// Whether [`Cloud::quotas`] tells anything there. Known, not asked.
    fn tells_quotas(&self, at: &AccountRegion) -> bool {
        let _ = at;
        false
    }

    /// Which part of the account has quotas of its own that this network goes by, like its
    /// subscription at Azure; empty where the account has them. Known, not asked.
    fn quota_scope(&self, at: &AccountRegion, of: &CloudNetwork) -> String {
        let _ = (at, of);
        String::new()
    }

    /// What the part of the account that this network goes by allows in this region, as far as the
    /// cloud tells. Reads only. Without the permission it gives [`CloudErrorKind::Denied`], and
    /// where nothing serves it [`CloudErrorKind::Unsupported`].
    async fn quotas(
        &self,
        at: &AccountRegion,
        of: &CloudNetwork,
    ) -> Result<SeenQuotas, CloudError> {
        let _ = of;
        let error = CloudError::new(Operation::Quotas, at, CloudErrorKind::Unsupported);
        Err(error.message("this cloud does not tell quotas"))
    }

    /// Asks whether a change would be permitted, without making it. [`Rehearsed::NotAvailable`]
    /// where the endpoint is not known to honour that: some make the change all the same.
    async fn rehearse(&self, rehearsal: &Rehearsal) -> Result<Rehearsed, CloudError>;

    /// Makes one side's half of a link, with that side's identity. `request` names the request: a
    /// cloud that takes such a name answers the same one again with what came of it.
    ///
    /// Where a link is one object ([`LinkForm::OneObject`]), a spec that names no link asks for
    /// one, tagged with the peering, and one that names it accepts it. Asking is not idempotent:
    /// called twice it may make two. On [`CloudErrorKind::Ambiguous`] a link may exist now or
    /// appear later; find it by [`Cloud::links`] and its owner. A cloud that answers with a link
    /// that is there already does not pass for having made one: what it answers is compared with
    /// the request ([`LinkSpec::verify`]). Another's is [`CloudErrorKind::AlreadyThere`]. A link
    /// that is past being accepted gives [`CloudErrorKind::WrongState`]; so a repeat after an
    /// ambiguous answer does no harm.
    ///
    /// Where each side has an object, the spec names it. One of that name that is there is left as
    /// it is, or gives [`CloudErrorKind::AlreadyThere`]; so a repeat does no harm. While a network
    /// is at another such change it gives [`CloudErrorKind::Busy`].
    ///
    /// What has only begun is answered with the operation's name ([`Cloud::operation`]).
    async fn make_half(
        &self,
        spec: &LinkSpec,
        side: Side,
        request: RequestId,
    ) -> Result<HalfAnswer, CloudError>;

    /// Removes one side's half of the link that the spec names, with that side's identity: where a
    /// link is one object, the whole of it, and one that waits to be accepted only from the side
    /// that asked. One that is past that gives [`CloudErrorKind::WrongState`] or
    /// [`CloudErrorKind::NotFound`]; so a repeat does no harm.
    async fn remove_half(
        &self,
        spec: &LinkSpec,
        side: Side,
        request: RequestId,
    ) -> Result<HalfAnswer, CloudError>;

    /// What has become of an operation that the change of a half was answered with, asked for where
    /// that change was. One that is not known, or not any more, gives
    /// [`CloudErrorKind::NotFound`]. Reads only; a cloud that answers when a change is done has no
    /// operations.
    async fn operation(
        &self,
        at: &AccountRegion,
        operation: &CloudOperation,
    ) -> Result<OperationState, CloudError> {
        let message = format!("`{operation}`: this cloud has no operations");
        Err(
            CloudError::new(Operation::OperationState, at, CloudErrorKind::Unsupported)
                .message(message),
        )
    }

    /// Puts the owner tag (back) on a link, as seen from there. Repeating it does no harm.
    async fn tag_link(
        &self,
        at: &AccountRegion,
        link: &Link,
        owner: Owner,
    ) -> Result<(), CloudError>;

    /// Sets an option of this network's half of the link, which end of it this is as `end`
    /// says. Sets a value, so repeating it does no harm.
    ///
    /// [`CloudErrorKind::WrongState`] if the link is not active, or the half another side's;
    /// [`CloudErrorKind::Precondition`] if a network or the other half does not meet what the
    /// option needs, or the option lets traffic in ([`LinkOption::VirtualNetworkAccess`]) that
    /// nobody declared and that was not accepted; [`CloudErrorKind::Busy`] while a network is at
    /// another change;
    /// [`CloudErrorKind::Unsupported`] where links have no such option. Where a change takes a
    /// while, the answer comes when it has ended, or once it was waited for long enough; then reads
    /// tell.
    async fn set_option(
        &self,
        network: &NetworkRef,
        link: &Link,
        end: LinkRole,
        option: LinkOption,
        to: Switch,
    ) -> Result<(), CloudError>;

    /// Adds one route, where routes stand in tables; where the two halves exchange them
    /// ([`domain::network::Routing`]) it gives [`CloudErrorKind::Unsupported`], and what is sent is
    /// told by [`LinkEnd::imports`]. A table that has the destination already, with whatever
    /// target, gives [`CloudErrorKind::AlreadyThere`] and is not changed; so a repeat does no harm.
    async fn install_route(
        &self,
        at: &AccountRegion,
        table: &RouteTable,
        destination: Range,
        link: &Link,
    ) -> Result<(), CloudError>;

    /// Removes the route to this destination, whatever its target: look at it first. One that is
    /// gone gives [`CloudErrorKind::NotFound`]; so a repeat does no harm.
    async fn remove_route(
        &self,
        at: &AccountRegion,
        table: &RouteTable,
        destination: Range,
    ) -> Result<(), CloudError>;

    /// Makes the peering's firewall group, named [`group_name`] and tagged, which admits nothing
    /// inbound. If the name is taken it gives [`CloudErrorKind::AlreadyThere`]; so a repeat does no
    /// harm.
    async fn create_group(
        &self,
        network: &NetworkRef,
        owner: Owner,
    ) -> Result<FirewallGroup, CloudError>;

    /// The same for a link that somebody else made, whose name does not say whose it is: where what
    /// a group keeps out follows from the link, that is looked up by its name.
    async fn create_group_over(
        &self,
        network: &NetworkRef,
        owner: Owner,
        _: &Link,
    ) -> Result<FirewallGroup, CloudError> {
        self.create_group(network, owner).await
    }

    /// Removes a firewall group. One that something still uses gives [`CloudErrorKind::InUse`], one
    /// that is gone [`CloudErrorKind::NotFound`]; so a repeat does no harm.
    async fn delete_group(
        &self,
        at: &AccountRegion,
        group: &FirewallGroup,
    ) -> Result<(), CloudError>;

    /// Adds one inbound TCP rule, tagged. A rule that is there gives
    /// [`CloudErrorKind::AlreadyThere`]; so a repeat does no harm.
    async fn authorize_rule(
        &self,
        at: &AccountRegion,
        group: &FirewallGroup,
        rule: InboundRule,
        owner: Owner,
    ) -> Result<FirewallRule, CloudError>;

    /// Puts the owner tag (back) on a firewall group or on one of its rules. Repeating it does no
    /// harm.
    async fn tag_firewall(
        &self,
        at: &AccountRegion,
        part: &FirewallPart,
        owner: Owner,
    ) -> Result<(), CloudError>;

    /// Removes one inbound rule by its id. A rule that is gone gives [`CloudErrorKind::NotFound`];
    /// so a repeat does no harm.
    async fn revoke_rule(
        &self,
        at: &AccountRegion,
        group: &FirewallGroup,
        rule: &FirewallRule,
    ) -> Result<(), CloudError>;

    /// Attaches a group to an interface, beside those that it has. A cloud that takes an
    /// interface's whole list of groups is asked for that list right before, and is given the same
    /// one and this group; what it shows afterwards is compared. One that has the group gives
    /// [`CloudErrorKind::AlreadyThere`] and is not changed; so a repeat does no harm. One that a
    /// service manages is not changed either ([`CloudErrorKind::Precondition`]), and one that has
    /// as many groups as there may be gives [`CloudErrorKind::Quota`].
    async fn attach_group(
        &self,
        at: &AccountRegion,
        interface: &Interface,
        group: &FirewallGroup,
    ) -> Result<(), CloudError>;

    /// Detaches a group from an interface, and leaves it all others that it has. One that does not
    /// have it, or is gone, gives [`CloudErrorKind::NotFound`]; so a repeat does no harm. Where the
    /// group is the only one and there has to be one, it gives [`CloudErrorKind::Precondition`].
    async fn detach_group(
        &self,
        at: &AccountRegion,
        interface: &Interface,
        group: &FirewallGroup,
    ) -> Result<(), CloudError>;

    /// Adds one entry to a list in front of subnets that keeps something out, where lists can be
    /// written into; elsewhere it gives [`CloudErrorKind::Unsupported`]. A number that is taken,
    /// by whatever entry, gives [`CloudErrorKind::AlreadyThere`], and the entry there is not
    /// changed; so a repeat does no harm. A list that is full gives [`CloudErrorKind::Quota`].
    async fn make_denial(&self, at: &AccountRegion, denial: &Denial) -> Result<(), CloudError> {
        Err(no_lists(Operation::MakeDenial, at, denial))
    }

    /// Removes that entry. It is looked at right before: where it is not there, or another one has
    /// its number, which then stays, it gives [`CloudErrorKind::NotFound`]; so a repeat does no
    /// harm.
    async fn remove_denial(&self, at: &AccountRegion, denial: &Denial) -> Result<(), CloudError> {
        Err(no_lists(Operation::RemoveDenial, at, denial))
    }
}

fn no_lists(operation: Operation, at: &AccountRegion, denial: &Denial) -> CloudError {
    let message = format!("`{}`: this cloud has no lists to write into", denial.list);
    CloudError::new(operation, at, CloudErrorKind::Unsupported).message(message)
}

/// What a demonstration needs before there is anything to peer: networks. The engine itself never
/// makes one.
#[async_trait]
pub trait Groundwork: Send + Sync + fmt::Debug {
    /// Makes a network with this one range and its main route table, and returns when reads show
    /// it. Not idempotent.
    async fn create_network(
        &self,
        at: &AccountRegion,
        range: Range,
        name: &str,
    ) -> Result<CloudNetwork, CloudError>;
}
