//! A layer wraps a cloud and is one itself: every call passes through [`Layer::call`], where it may
//! be delayed, repeated, counted or refused. The one place that forwards all of the port's methods.

use crate::{
    AccessListView, AccountRegion, Cloud, CloudError, DnsSupport, FirewallPart, GroupView,
    HalfAnswer, InterfaceView, Limits, LinkRole, LinkSpec, LinkView, NetworkRef, NetworkView,
    Operation, OperationState, Owner, Rehearsal, Rehearsed, RequestId, RouteTableView, SubnetView,
    Switch,
};
use async_trait::async_trait;
use domain::{
    CloudMode, Provider, QuotaOverrides, Range, SeenQuotas, Side,
    network::{Denial, InboundRule, LinkOption},
    text::{
        Account, CloudNetwork, CloudOperation, FirewallGroup, FirewallRule, Interface, Link,
        RouteTable,
    },
};
use std::fmt;

/// What wraps a cloud; it is one itself.
pub trait Layer: Send + Sync + fmt::Debug {
    /// The cloud inside.
    fn inner(&self) -> &dyn Cloud;

    /// The cloud inside that calls to this provider go to: the same one for all, unless the layer
    /// has several.
    fn inner_at(&self, provider: Provider) -> &dyn Cloud {
        let _ = provider;
        self.inner()
    }

    /// What answers for this provider.
    fn mode(&self, provider: Provider) -> Option<CloudMode> {
        self.inner().mode(provider)
    }

    /// Makes this call once, or several times, or not at all.
    fn call<T, F>(
        &self,
        operation: Operation,
        at: &AccountRegion,
        once: impl Fn() -> F + Send + Sync,
    ) -> impl Future<Output = Result<T, CloudError>> + Send
    where
        F: Future<Output = Result<T, CloudError>> + Send,
        T: Send;
}

/// Each line: the operation and its method, and where the call goes.
macro_rules! forward {
    ($($operation:ident $method:ident($($name:ident: $type:ty),+) -> $answer:ty, at $at:expr;)+) => {
        #[async_trait]
        impl<A: Layer> Cloud for A {
            fn mode(&self, provider: Provider) -> Option<CloudMode> {
                Layer::mode(self, provider)
            }

            fn limits(&self, at: &AccountRegion, seen: QuotaOverrides) -> Limits {
                self.inner_at(at.provider).limits(at, seen)
            }

            fn tells_quotas(&self, at: &AccountRegion) -> bool {
                self.inner_at(at.provider).tells_quotas(at)
            }

            fn quota_scope(&self, at: &AccountRegion, of: &CloudNetwork) -> String {
                self.inner_at(at.provider).quota_scope(at, of)
            }

            fn permissions(&self, provider: Provider, operation: Operation) -> Vec<&'static str> {
                self.inner_at(provider).permissions(provider, operation)
            }

            async fn make_half(
                &self,
                spec: &LinkSpec,
                side: Side,
                request: RequestId,
            ) -> Result<HalfAnswer, CloudError> {
                let at = &spec.network(side).at;
                let once = || self.inner_at(at.provider).make_half(spec, side, request);
                self.call(Operation::of_making(spec, side), at, once).await
            }

            $(async fn $method(&self, $($name: $type),+) -> Result<$answer, CloudError> {
                let at: &AccountRegion = $at;
                let once = || self.inner_at(at.provider).$method($($name),+);
                self.call(Operation::$operation, at, once).await
            })+
        }
    };
}

forward! {
    Identity identity(at: &AccountRegion) -> Account, at at;
    Networks networks(at: &AccountRegion, of: &[CloudNetwork]) -> Vec<NetworkView>, at at;
    Subnets subnets(at: &AccountRegion, of: &[CloudNetwork]) -> Vec<SubnetView>, at at;
    Links links(at: &AccountRegion, of: &[CloudNetwork]) -> Vec<LinkView>, at at;
    RouteTables route_tables(at: &AccountRegion, of: &[CloudNetwork]) -> Vec<RouteTableView>, at at;
    FirewallGroups firewall_groups(at: &AccountRegion, of: &[CloudNetwork]) -> Vec<GroupView>, at at;
    AccessLists access_lists(at: &AccountRegion, of: &[CloudNetwork]) -> Vec<AccessListView>, at at;
    Interfaces interfaces(at: &AccountRegion, of: &[CloudNetwork]) -> Vec<InterfaceView>, at at;
    DnsSupport dns_support(network: &NetworkRef) -> DnsSupport, at &network.at;
    Quotas quotas(at: &AccountRegion, of: &CloudNetwork) -> SeenQuotas, at at;
    Rehearse rehearse(rehearsal: &Rehearsal) -> Rehearsed, at rehearsal.at();
    DeleteLink remove_half(spec: &LinkSpec, side: Side, request: RequestId) -> HalfAnswer, at &spec.network(side).at;
    OperationState operation(at: &AccountRegion, operation: &CloudOperation) -> OperationState, at at;
    TagLink tag_link(at: &AccountRegion, link: &Link, owner: Owner) -> (), at at;
    SetOption set_option(network: &NetworkRef, link: &Link, end: LinkRole, option: LinkOption, to: Switch) -> (), at &network.at;
    InstallRoute install_route(at: &AccountRegion, table: &RouteTable, destination: Range, link: &Link) -> (), at at;
    RemoveRoute remove_route(at: &AccountRegion, table: &RouteTable, destination: Range) -> (), at at;
    CreateGroup create_group(network: &NetworkRef, owner: Owner) -> FirewallGroup, at &network.at;
    CreateGroup create_group_over(network: &NetworkRef, owner: Owner, link: &Link) -> FirewallGroup, at &network.at;
    DeleteGroup delete_group(at: &AccountRegion, group: &FirewallGroup) -> (), at at;
    AuthorizeRule authorize_rule(at: &AccountRegion, group: &FirewallGroup, rule: InboundRule, owner: Owner) -> FirewallRule, at at;
    TagFirewall tag_firewall(at: &AccountRegion, part: &FirewallPart, owner: Owner) -> (), at at;
    RevokeRule revoke_rule(at: &AccountRegion, group: &FirewallGroup, rule: &FirewallRule) -> (), at at;
    AttachGroup attach_group(at: &AccountRegion, interface: &Interface, group: &FirewallGroup) -> (), at at;
    DetachGroup detach_group(at: &AccountRegion, interface: &Interface, group: &FirewallGroup) -> (), at at;
    MakeDenial make_denial(at: &AccountRegion, denial: &Denial) -> (), at at;
    RemoveDenial remove_denial(at: &AccountRegion, denial: &Denial) -> (), at at;
}
