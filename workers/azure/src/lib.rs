//! Azure: the port to a cloud over Resource Manager, in any number of tenants and regions.
//!
//! A link is two peerings, one in each VNet; a firewall group the engine's rules for one peering in
//! the network security groups that it is given. A network is a VNet by its resource id, the same
//! in any case of its letters; an account is a tenant. Calls are `arm`'s, in Azure's own words; its
//! failures are put into ours in `refusals`.
//!
//! **A link never comes up open.** Each half is made without access
//! (`allowVirtualNetworkAccess: false`), and [`LinkOption::VirtualNetworkAccess`] gives it only
//! while every subnet with an interface has a denial in force of all that comes from the other
//! network.

#![warn(missing_docs)]

mod actions;
mod arm;
mod firewall;
mod halves;
mod links;
mod managers;
mod mode;
mod networks;
mod options;
mod quotas;
mod refusals;
mod settings;

pub use actions::actions;
pub use arm::API_VERSION;
pub use mode::mode_at;
pub use settings::{AzureSettings, Credential, ENDPOINT, LOGIN, METADATA, MachineIdentity};

use arm::Arm;
use async_trait::async_trait;
use cloud::{
    AccessListView, AccountRegion, Cloud, CloudError, CloudErrorKind, DnsSupport, FirewallPart,
    GroupView, HalfAnswer, InterfaceView, Limits, LinkRole, LinkSpec, LinkView, NetworkRef,
    NetworkView, Operation, OperationState, Owner, Rehearsal, Rehearsed, RequestId, RouteTableView,
    SubnetView, Switch,
};
use domain::{
    CloudMode, Places, Provider, QuotaOverrides, Range, SeenQuotas, Side,
    network::{InboundRule, LinkOption},
    text::{
        Account, CloudNetwork, CloudOperation, FirewallGroup, FirewallRule, Interface, Link,
        RouteTable,
    },
};
use firewall::Given;
use links::Seen;
use refusals::Asked;

/// Azure. Clones share connections, tokens and what is known of operations.
#[derive(Clone, Debug)]
pub struct AzureCloud {
    arm: Arm,
    mode: CloudMode,
    given: Given,
    places: Places,
}

impl AzureCloud {
    /// Reads nothing and connects to nothing yet. What answers at the endpoint is Azure if the name
    /// is one of Azure's, and an emulator otherwise.
    pub fn new(settings: AzureSettings) -> Self {
        Self {
            arm: Arm::new(&settings),
            mode: mode_at(&settings.endpoint),
            given: Given {
                groups: settings.security_groups,
                priorities: settings.priorities,
            },
            places: settings.places,
        }
    }

    /// The same where something else than the settings says what answers.
    pub fn with_mode(self, mode: CloudMode) -> Self {
        Self { mode, ..self }
    }

    async fn seen(&self, asked: &Asked<'_>, of: &[CloudNetwork]) -> Result<Vec<Seen>, CloudError> {
        networks::all(&self.arm, asked, of).await
    }

    fn unsupported<T>(&self, asked: &Asked<'_>, what: &str) -> Result<T, CloudError> {
        let message = format!("Azure has no {what}");
        Err(asked.error(CloudErrorKind::Unsupported).message(message))
    }
}

#[async_trait]
impl Cloud for AzureCloud {
    fn mode(&self, provider: Provider) -> Option<CloudMode> {
        (provider == Provider::Azure).then(|| self.mode.clone())
    }

    async fn identity(&self, at: &AccountRegion) -> Result<Account, CloudError> {
        let asked = Asked::of(Operation::Identity, at);
        let tenant = self.arm.identity(asked.tenant()).await;
        let tenant = tenant.map_err(|error| asked.failed(error))?;
        match arm::same(&tenant, asked.tenant()) {
            true => Ok(at.account.clone()),
            false => asked.name("tenant", &tenant),
        }
    }

    async fn networks(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<NetworkView>, CloudError> {
        let asked = Asked::of(Operation::Networks, at);
        let seen = self.seen(&asked, of).await?;
        Ok(seen.iter().map(networks::network).collect())
    }

    async fn subnets(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<SubnetView>, CloudError> {
        let asked = Asked::of(Operation::Subnets, at);
        let mut views = Vec::new();
        for it in self.seen(&asked, of).await? {
            views.extend(networks::subnets(&asked, &it)?);
        }
        Ok(views)
    }

    async fn links(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<LinkView>, CloudError> {
        let asked = Asked::of(Operation::Links, at);
        let seen = self.seen(&asked, of).await?;
        links::all(&self.arm, &asked, &seen).await
    }

    async fn route_tables(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<RouteTableView>, CloudError> {
        let asked = Asked::of(Operation::RouteTables, at);
        let mut views = Vec::new();
        for it in self.seen(&asked, of).await? {
            views.extend(networks::tables(&self.arm, &asked, &it).await?);
        }
        Ok(views)
    }

    async fn firewall_groups(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<GroupView>, CloudError> {
        let asked = Asked::of(Operation::FirewallGroups, at);
        let seen = self.seen(&asked, of).await?;
        let mut views = Vec::new();
        for (it, guarded) in firewall::guarded(&self.arm, &self.given, &asked, &seen).await? {
            views.extend(firewall::groups(&asked, it, &guarded, &self.given)?);
        }
        Ok(views)
    }

    async fn access_lists(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<AccessListView>, CloudError> {
        let asked = Asked::of(Operation::AccessLists, at);
        let seen = self.seen(&asked, of).await?;
        let mut views = Vec::new();
        for (it, guarded) in firewall::guarded(&self.arm, &self.given, &asked, &seen).await? {
            views.extend(firewall::lists(&asked, it, &guarded, &self.given)?);
        }
        Ok(views)
    }

    /// What the engine has of a firewall stands before subnets.
    async fn interfaces(
        &self,
        _: &AccountRegion,
        _: &[CloudNetwork],
    ) -> Result<Vec<InterfaceView>, CloudError> {
        Ok(Vec::new())
    }

    /// A VNet resolves its own names over no link, and every other name as all do.
    async fn dns_support(&self, network: &NetworkRef) -> Result<DnsSupport, CloudError> {
        let asked = Asked::of(Operation::DnsSupport, &network.at);
        let of = std::slice::from_ref(&network.network);
        match self.seen(&asked, of).await?.is_empty() {
            true => Err(asked.missing(network.network.as_str())),
            false => Ok(DnsSupport {
                resolution: true,
                hostnames: true,
            }),
        }
    }

    fn permissions(&self, _: Provider, operation: Operation) -> Vec<&'static str> {
        actions(operation).to_vec()
    }

    fn limits(&self, at: &AccountRegion, seen: QuotaOverrides) -> Limits {
        let quotas = self
            .places
            .quotas_seeing(Provider::Azure, &at.account, seen);
        Limits::of(&quotas)
    }

    fn tells_quotas(&self, _: &AccountRegion) -> bool {
        true
    }

    /// A tenant's subscriptions have quotas of their own.
    fn quota_scope(&self, _: &AccountRegion, of: &CloudNetwork) -> String {
        let id = arm::ResourceId::vnet(of.as_str());
        id.map_or_else(String::new, |it| it.subscription().to_ascii_lowercase())
    }

    async fn quotas(
        &self,
        at: &AccountRegion,
        of: &CloudNetwork,
    ) -> Result<SeenQuotas, CloudError> {
        quotas::told(&self.arm, &Asked::of(Operation::Quotas, at), of).await
    }

    /// Azure makes what it is asked for, or refuses: it rehearses nothing. Whether there is a
    /// network security group to write into is seen, and what network managers have in force.
    async fn rehearse(&self, rehearsal: &Rehearsal) -> Result<Rehearsed, CloudError> {
        match rehearsal {
            Rehearsal::CreateGroup { network, .. } => {
                firewall::rehearse(&self.arm, &self.given, network).await
            }
            Rehearsal::CreateLink(_) | Rehearsal::AcceptLink { .. } => Ok(Rehearsed::NotAvailable),
        }
    }

    async fn make_half(
        &self,
        spec: &LinkSpec,
        side: Side,
        request: RequestId,
    ) -> Result<HalfAnswer, CloudError> {
        halves::make(&self.arm, spec, side, request).await
    }

    async fn remove_half(
        &self,
        spec: &LinkSpec,
        side: Side,
        request: RequestId,
    ) -> Result<HalfAnswer, CloudError> {
        halves::remove(&self.arm, spec, side, request).await
    }

    async fn operation(
        &self,
        at: &AccountRegion,
        operation: &CloudOperation,
    ) -> Result<OperationState, CloudError> {
        halves::operation(&self.arm, at, operation).await
    }

    async fn tag_link(&self, at: &AccountRegion, _: &Link, _: Owner) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::TagLink, at);
        self.unsupported(&asked, "tags on a peering: its name says whose it is")
    }

    async fn set_option(
        &self,
        network: &NetworkRef,
        link: &Link,
        _: LinkRole,
        option: LinkOption,
        to: Switch,
    ) -> Result<(), CloudError> {
        options::set((&self.arm, &self.given), network, link, option, to).await
    }

    async fn install_route(
        &self,
        at: &AccountRegion,
        _: &RouteTable,
        _: Range,
        _: &Link,
    ) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::InstallRoute, at);
        self.unsupported(&asked, "routes to a peering in a table")
    }

    async fn remove_route(
        &self,
        at: &AccountRegion,
        _: &RouteTable,
        _: Range,
    ) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::RemoveRoute, at);
        self.unsupported(&asked, "routes to a peering in a table")
    }

    async fn create_group(
        &self,
        network: &NetworkRef,
        owner: Owner,
    ) -> Result<FirewallGroup, CloudError> {
        firewall::create((&self.arm, &self.given), network, owner, None).await
    }

    async fn create_group_over(
        &self,
        network: &NetworkRef,
        owner: Owner,
        link: &Link,
    ) -> Result<FirewallGroup, CloudError> {
        firewall::create((&self.arm, &self.given), network, owner, Some(link)).await
    }

    async fn delete_group(
        &self,
        at: &AccountRegion,
        group: &FirewallGroup,
    ) -> Result<(), CloudError> {
        firewall::delete(&self.arm, &self.given, at, group).await
    }

    async fn authorize_rule(
        &self,
        at: &AccountRegion,
        group: &FirewallGroup,
        rule: InboundRule,
        owner: Owner,
    ) -> Result<FirewallRule, CloudError> {
        firewall::authorize(&self.arm, &self.given, at, group, (rule, owner)).await
    }

    async fn tag_firewall(
        &self,
        at: &AccountRegion,
        part: &FirewallPart,
        owner: Owner,
    ) -> Result<(), CloudError> {
        firewall::tag(&self.arm, &self.given, at, part, owner).await
    }

    async fn revoke_rule(
        &self,
        at: &AccountRegion,
        group: &FirewallGroup,
        rule: &FirewallRule,
    ) -> Result<(), CloudError> {
        firewall::revoke(&self.arm, &self.given, at, group, rule).await
    }

    async fn attach_group(
        &self,
        at: &AccountRegion,
        _: &Interface,
        _: &FirewallGroup,
    ) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::AttachGroup, at);
        self.unsupported(&asked, "rules of the engine's on an interface")
    }

    async fn detach_group(
        &self,
        at: &AccountRegion,
        _: &Interface,
        _: &FirewallGroup,
    ) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::DetachGroup, at);
        self.unsupported(&asked, "rules of the engine's on an interface")
    }
}
