//! What a suite needs of an implementation beside its cloud.

use async_trait::async_trait;
use cloud::{AccountRegion, Cloud, NetworkRef, Operation};
use domain::{
    Range,
    network::InboundRule,
    text::{FirewallGroup, Interface, Link, RouteTable},
};
use std::sync::Arc;

/// What happens to one call on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The provider has had too many calls, and refuses this one.
    Throttled,
    /// The call is carried out, and its answer is lost.
    AnswerLost,
    /// The network is busy with another operation, so that this one is refused for now.
    Busy,
    /// The provider finds no sense in the call, and refuses it.
    Malformed,
    /// The provider does not know who calls, and refuses.
    CredentialsRefused,
    /// The session has run out by this call, which is refused; another one can be had.
    SessionExpired,
    /// An answer that no documentation of the provider has.
    Unheard,
}

/// A cloud under test, and what is done to it out of band: by its owners, by a wire, by time.
///
/// Nothing done out of band is late, refused or lost. Accounts and networks are this world's alone.
#[async_trait]
pub trait World: Send + Sync {
    /// The cloud under test, as the engine would hold it, without a layer around it.
    fn cloud(&self) -> Arc<dyn Cloud>;

    /// The same provider, where nothing answers.
    async fn unreachable(&self) -> Arc<dyn Cloud>;

    /// The same provider, entered with credentials that act in another account than the one that is
    /// meant; where and whatever is asked.
    async fn as_another_account(&self) -> Arc<dyn Cloud>;

    /// Where the private network is.
    fn local(&self) -> AccountRegion;

    /// Where the peer is: another account, in another region.
    fn remote(&self) -> AccountRegion;

    /// A new network with this range, two subnets, a main route table and host names.
    async fn network(&self, at: &AccountRegion, range: Range) -> NetworkRef;

    /// The network has no host names any more.
    async fn take_names(&self, network: &NetworkRef);

    /// Somebody's own request for a link between two networks, without any tag.
    async fn link(&self, requester: &NetworkRef, accepter: &NetworkRef) -> Link;

    /// Somebody's route, to something that is no link.
    async fn route_elsewhere(&self, network: &NetworkRef, table: &RouteTable, destination: Range);

    /// Somebody's group of this name, which admits what the rule says.
    async fn group(&self, network: &NetworkRef, name: &str, rule: InboundRule) -> FirewallGroup;

    /// From now on something uses the group, so that it cannot be removed.
    async fn use_group(&self, network: &NetworkRef, group: &FirewallGroup);

    /// A machine's interface, with a group of its own; one that a service manages if that is asked
    /// for.
    async fn interface(&self, network: &NetworkRef, is_managed: bool) -> Interface;

    /// From now on this kind of call is not permitted in this account.
    async fn deny(&self, at: &AccountRegion, operation: Operation);

    /// Whatever was not permitted in this account is again.
    async fn permit(&self, at: &AccountRegion);

    /// The next call of this kind to this account has this happen to it, and only that one.
    async fn fail_next(&self, at: &AccountRegion, operation: Operation, fault: Fault);

    /// Why this provider has no answer that says this, if it has none; the suite asks before it has
    /// a call fail so.
    fn never(&self, _fault: Fault) -> Option<&'static str> {
        None
    }

    /// A place that the cloud under test cannot work in, or why there is none.
    fn unsupported(&self) -> Result<AccountRegion, &'static str>;

    /// From now on a page of an answer holds very little, where answers have pages.
    async fn small_pages(&self);

    /// Lets some time pass, so that what is late comes nearer.
    async fn pass_time(&self);
}
