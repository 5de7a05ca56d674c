//! Google Cloud behind the port: Compute's REST API, by hand.
//!
//! Each side of a link has a half of its own, with a name that is chosen beforehand
//! (`peerage-{peering}`); routes are exchanged by the two halves, and no table takes one. A
//! network's firewall is rules by priority, and what none admits is denied. A firewall group is a
//! rule that is not enforced and holds the name; the rules that belong to it have its name and
//! something behind it (`src/owned.rs`).
//!
//! Networks are a project's and in no region: the region of a place says which routes are asked
//! for, and nothing else.

#![warn(missing_docs)]

mod asked;
mod compute;
mod firewall;
mod groundwork;
mod halves;
mod links;
mod networks;
mod owned;
mod permissions;
mod posture;
mod quotas;
mod routes;
mod settings;
mod tokens;

pub use settings::{COMPUTE, Credentials, GcpSettings, QUOTAS, RESOURCE_MANAGER, mode_at};
pub use tokens::{TokenError, TokenSource};

use asked::Asked;
use async_trait::async_trait;
use cloud::{
    AccessListView, AccountRegion, Cloud, CloudError, CloudErrorKind, DnsSupport, FirewallPart,
    GroupView, HalfAnswer, InterfaceView, Limits, LinkRole, LinkSpec, LinkView, NetworkRef,
    NetworkView, Operation, OperationState, Owner, Rehearsal, Rehearsed, RequestId, RouteTableView,
    SubnetView, Switch,
};
use compute::Compute;
use domain::{
    CloudMode, Places, Provider, QuotaOverrides, Range, SeenQuotas, Side,
    network::{InboundRule, LinkOption},
    text::{
        Account, CloudNetwork, CloudOperation, FirewallGroup, FirewallRule, Interface, Link,
        RouteTable,
    },
};
use std::{io, sync::Arc};

/// The most networks that are read at once.
const AT_ONCE: usize = 8;

/// Google Cloud. Clones share connections and tokens.
#[derive(Clone, Debug)]
pub struct GcpCloud {
    compute: Compute,
    mode: CloudMode,
    places: Places,
    rule_priority: u16,
}

impl GcpCloud {
    /// The cloud that these settings lead to. Nothing is asked yet; it fails only where this
    /// machine has no certificates to trust.
    pub fn new(settings: &GcpSettings) -> io::Result<Self> {
        Self::with_tokens(settings, tokens::source(&settings.credentials))
    }

    /// The same, with tokens from somewhere else.
    pub fn with_tokens(settings: &GcpSettings, tokens: Arc<dyn TokenSource>) -> io::Result<Self> {
        Ok(Self {
            compute: Compute::new(settings, tokens)?,
            mode: settings.mode(),
            places: settings.places.clone(),
            rule_priority: settings.rule_priority,
        })
    }
}

#[async_trait]
impl Cloud for GcpCloud {
    fn mode(&self, provider: Provider) -> Option<CloudMode> {
        match provider {
            Provider::Gcp => Some(self.mode.clone()),
            Provider::Aws | Provider::Azure => None,
        }
    }

    fn limits(&self, at: &AccountRegion, seen: QuotaOverrides) -> Limits {
        let quotas = self.places.quotas_seeing(Provider::Gcp, &at.account, seen);
        Limits::of(&quotas)
    }

    fn tells_quotas(&self, _: &AccountRegion) -> bool {
        self.compute.tells_quotas()
    }

    async fn quotas(&self, at: &AccountRegion, _: &CloudNetwork) -> Result<SeenQuotas, CloudError> {
        quotas::told(&self.compute, &Asked::of(Operation::Quotas, at)?).await
    }

    fn permissions(&self, provider: Provider, operation: Operation) -> Vec<&'static str> {
        match provider {
            Provider::Gcp => permissions::of(operation).to_vec(),
            Provider::Aws | Provider::Azure => Vec::new(),
        }
    }

    async fn identity(&self, at: &AccountRegion) -> Result<Account, CloudError> {
        networks::identity(&self.compute, &Asked::of(Operation::Identity, at)?).await
    }

    async fn networks(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<NetworkView>, CloudError> {
        networks::networks(&self.compute, &Asked::of(Operation::Networks, at)?, of).await
    }

    async fn subnets(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<SubnetView>, CloudError> {
        networks::subnets(&self.compute, &Asked::of(Operation::Subnets, at)?, of).await
    }

    async fn links(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<LinkView>, CloudError> {
        links::links(&self.compute, &Asked::of(Operation::Links, at)?, of).await
    }

    async fn route_tables(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<RouteTableView>, CloudError> {
        routes::tables(&self.compute, &Asked::of(Operation::RouteTables, at)?, of).await
    }

    async fn firewall_groups(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<GroupView>, CloudError> {
        let asked = Asked::of(Operation::FirewallGroups, at)?;
        posture::groups(&self.compute, &asked, of).await
    }

    async fn access_lists(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<AccessListView>, CloudError> {
        let asked = Asked::of(Operation::AccessLists, at)?;
        posture::access_lists(&self.compute, &asked, of).await
    }

    /// A firewall is not attached to interfaces here.
    async fn interfaces(
        &self,
        at: &AccountRegion,
        _of: &[CloudNetwork],
    ) -> Result<Vec<InterfaceView>, CloudError> {
        Asked::of(Operation::Interfaces, at)?;
        Ok(Vec::new())
    }

    async fn dns_support(&self, network: &NetworkRef) -> Result<DnsSupport, CloudError> {
        let asked = Asked::of(Operation::DnsSupport, &network.at)?;
        networks::dns(&self.compute, &asked, &network.network).await
    }

    async fn rehearse(&self, rehearsal: &Rehearsal) -> Result<Rehearsed, CloudError> {
        let asked = Asked::of(Operation::Rehearse, rehearsal.at())?;
        permissions::rehearse(&self.compute, &asked, rehearsal).await
    }

    async fn make_half(
        &self,
        spec: &LinkSpec,
        side: Side,
        request: RequestId,
    ) -> Result<HalfAnswer, CloudError> {
        let operation = Operation::of_making(spec, side);
        let asked = Asked::of(operation, &spec.network(side).at)?;
        halves::make(&self.compute, &asked, spec, side, request).await
    }

    async fn remove_half(
        &self,
        spec: &LinkSpec,
        side: Side,
        request: RequestId,
    ) -> Result<HalfAnswer, CloudError> {
        let asked = Asked::of(Operation::DeleteLink, &spec.network(side).at)?;
        halves::remove(&self.compute, &asked, spec, side, request).await
    }

    async fn operation(
        &self,
        at: &AccountRegion,
        operation: &CloudOperation,
    ) -> Result<OperationState, CloudError> {
        let asked = Asked::of(Operation::OperationState, at)?;
        halves::operation(&self.compute, &asked, operation).await
    }

    /// A half has no tags: its name says whose it is.
    async fn tag_link(
        &self,
        at: &AccountRegion,
        _link: &Link,
        _owner: Owner,
    ) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::TagLink, at)?;
        Err(asked.unsupported("a peering has no tags at Google Cloud"))
    }

    async fn set_option(
        &self,
        network: &NetworkRef,
        link: &Link,
        _end: LinkRole,
        option: LinkOption,
        to: Switch,
    ) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::SetOption, &network.at)?;
        halves::set_option(&self.compute, &asked, network, link, option, to.is_on()).await
    }

    async fn install_route(
        &self,
        at: &AccountRegion,
        _table: &RouteTable,
        _destination: Range,
        _link: &Link,
    ) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::InstallRoute, at)?;
        Err(asked.unsupported(routes::EXCHANGED))
    }

    async fn remove_route(
        &self,
        at: &AccountRegion,
        _table: &RouteTable,
        _destination: Range,
    ) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::RemoveRoute, at)?;
        Err(asked.unsupported(routes::EXCHANGED))
    }

    async fn create_group(
        &self,
        network: &NetworkRef,
        owner: Owner,
    ) -> Result<FirewallGroup, CloudError> {
        let asked = Asked::of(Operation::CreateGroup, &network.at)?;
        firewall::create_group(&self.compute, &asked, &network.network, owner).await
    }

    async fn delete_group(
        &self,
        at: &AccountRegion,
        group: &FirewallGroup,
    ) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::DeleteGroup, at)?;
        firewall::delete_group(&self.compute, &asked, group).await
    }

    async fn authorize_rule(
        &self,
        at: &AccountRegion,
        group: &FirewallGroup,
        rule: InboundRule,
        owner: Owner,
    ) -> Result<FirewallRule, CloudError> {
        let asked = Asked::of(Operation::AuthorizeRule, at)?;
        let priority = self.rule_priority;
        firewall::authorize(&self.compute, &asked, group, rule, owner, priority).await
    }

    async fn tag_firewall(
        &self,
        at: &AccountRegion,
        part: &FirewallPart,
        owner: Owner,
    ) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::TagFirewall, at)?;
        firewall::tag(&self.compute, &asked, part, owner).await
    }

    async fn revoke_rule(
        &self,
        at: &AccountRegion,
        group: &FirewallGroup,
        rule: &FirewallRule,
    ) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::RevokeRule, at)?;
        firewall::revoke(&self.compute, &asked, group, rule).await
    }

    async fn attach_group(
        &self,
        at: &AccountRegion,
        _interface: &Interface,
        _group: &FirewallGroup,
    ) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::AttachGroup, at)?;
        Err(asked.unsupported(firewall::NOT_ATTACHED))
    }

    async fn detach_group(
        &self,
        at: &AccountRegion,
        _interface: &Interface,
        _group: &FirewallGroup,
    ) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::DetachGroup, at)?;
        Err(asked.unsupported(firewall::NOT_ATTACHED))
    }
}

/// What is wrong with a request of ours before it is sent.
fn malformed(asked: &Asked<'_>, message: impl Into<String>) -> CloudError {
    asked.error(CloudErrorKind::InvalidRequest).message(message)
}
