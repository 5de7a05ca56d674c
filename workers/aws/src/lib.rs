//! AWS: the port to a cloud over EC2, in any number of accounts and regions.
//!
//! A link is a VPC peering connection, a firewall group a security group, an access list a network
//! ACL. Each method is one EC2 call; only groups with their rules (and one for each prefix list
//! that a rule names, and for the VPCs of groups that rules name), and the two attributes of DNS,
//! are more. Nothing is repeated here. What is
//! asked of EC2 is put into its words in `requests`, what it shows into ours in `views`, its
//! failures in `refusals`. What a demonstration needs is
//! `groundwork`.

#![warn(missing_docs)]

mod actions;
pub mod ec2;
mod groundwork;
mod groups;
mod halves;
pub mod instructions;
mod interfaces;
mod lists;
mod mode;
mod quotas;
mod refusals;
mod requests;
#[cfg(test)]
mod tests;
mod views;

pub use actions::actions;
pub use mode::mode_at;
pub use quotas::DEFAULT_LIMITS;

use crate::ec2::{Ec2, Ec2Settings, PeeringOption, PeeringRole, Tags, VpcId};
use async_trait::async_trait;
use cloud::{
    AccessListView, AccountRegion, Cloud, CloudError, CloudErrorKind, DnsSupport, FirewallPart,
    GroupView, HalfAnswer, InterfaceView, Limits, LinkRole, LinkSpec, LinkView, NetworkRef,
    NetworkView, Operation, Owner, Rehearsal, Rehearsed, RequestId, RouteTableView, SubnetView,
    Switch,
};
use domain::{
    CloudMode, Places, Provider, QuotaOverrides, Range, SeenQuotas, Side,
    network::{Denial, InboundRule, LinkOption},
    text::{Account, CloudNetwork, FirewallGroup, FirewallRule, Interface, Link, RouteTable},
};
use refusals::Asked;

/// What EC2's console shows as a thing's name.
pub const NAME_TAG: &str = "Name";

/// AWS. Clones share connections and sessions.
#[derive(Clone, Debug)]
pub struct AwsCloud {
    ec2: Ec2,
    limits: Limits,
    mode: CloudMode,
    tags: Tags,
    places: Option<Places>,
}

impl AwsCloud {
    /// Reads nothing and connects to nothing yet. What answers at an endpoint of the settings is
    /// AWS if the name is one of AWS's, and an emulator otherwise.
    pub fn new(settings: Ec2Settings) -> Self {
        let mode = match &settings.endpoint {
            None => CloudMode::Real,
            Some(endpoint) => mode_at(endpoint),
        };
        Self {
            ec2: Ec2::new(settings),
            limits: DEFAULT_LIMITS,
            mode,
            tags: Tags::new(),
            places: None,
        }
    }

    /// The same where something else than the settings says what answers.
    pub fn with_mode(self, mode: CloudMode) -> Self {
        Self { mode, ..self }
    }

    /// With tags that everything gets which is made, beside the engine's own.
    pub fn with_tags(self, tags: Tags) -> Self {
        Self { tags, ..self }
    }

    /// With the quotas of each account.
    pub fn with_places(self, places: Places) -> Self {
        Self {
            places: Some(places),
            ..self
        }
    }

    /// With the quotas that these accounts really have.
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }
}

#[async_trait]
impl Cloud for AwsCloud {
    async fn identity(&self, at: &AccountRegion) -> Result<Account, CloudError> {
        let asked = Asked::of(Operation::Identity, at)?;
        let identity = self
            .ec2
            .caller_identity(&asked.scope)
            .await
            .map_err(|error| asked.failed(error))?;
        if identity.account != asked.scope.account {
            // A session that belongs to somebody else is not to be used again.
            self.ec2.forget(&asked.scope.account);
        }
        asked.name("account", &identity.account)
    }

    async fn networks(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<NetworkView>, CloudError> {
        let asked = Asked::of(Operation::Networks, at)?;
        let found = self
            .ec2
            .describe_vpcs(&asked.scope, &vpcs(of))
            .await
            .map_err(|error| asked.failed(error))?;
        found
            .iter()
            .map(|found| views::network(&asked, found))
            .collect()
    }

    async fn subnets(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<SubnetView>, CloudError> {
        let asked = Asked::of(Operation::Subnets, at)?;
        let found = self
            .ec2
            .describe_subnets(&asked.scope, &vpcs(of))
            .await
            .map_err(|error| asked.failed(error))?;
        found
            .iter()
            .map(|found| views::subnet(&asked, found))
            .collect()
    }

    async fn links(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<LinkView>, CloudError> {
        let asked = Asked::of(Operation::Links, at)?;
        let found = self
            .ec2
            .describe_vpc_peering_connections_of(&asked.scope, &vpcs(of))
            .await;
        found
            .map_err(|error| asked.failed(error))?
            .iter()
            .filter_map(|found| views::link(&asked, found).transpose())
            .collect()
    }

    async fn route_tables(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<RouteTableView>, CloudError> {
        let asked = Asked::of(Operation::RouteTables, at)?;
        let found = self
            .ec2
            .describe_route_tables(&asked.scope, &vpcs(of))
            .await
            .map_err(|error| asked.failed(error))?;
        found
            .iter()
            .map(|found| views::route_table(&asked, found))
            .collect()
    }

    async fn firewall_groups(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<GroupView>, CloudError> {
        groups::all(&self.ec2, at, of).await
    }

    async fn access_lists(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<AccessListView>, CloudError> {
        let asked = Asked::of(Operation::AccessLists, at)?;
        let found = self
            .ec2
            .describe_network_acls(&asked.scope, &vpcs(of))
            .await
            .map_err(|error| asked.failed(error))?;
        found
            .iter()
            .map(|found| views::access_list(&asked, found))
            .collect()
    }

    async fn interfaces(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<InterfaceView>, CloudError> {
        interfaces::all(&self.ec2, at, of).await
    }

    async fn dns_support(&self, network: &NetworkRef) -> Result<DnsSupport, CloudError> {
        let asked = Asked::of(Operation::DnsSupport, &network.at)?;
        let found = self
            .ec2
            .describe_vpc_dns(&asked.scope, &vpc(&network.network))
            .await
            .map_err(|error| asked.failed(error))?;
        Ok(DnsSupport {
            resolution: found.support,
            hostnames: found.hostnames,
        })
    }

    fn permissions(&self, _: Provider, operation: Operation) -> Vec<&'static str> {
        actions(operation)
            .iter()
            .map(|it| it.permission())
            .collect()
    }

    fn mode(&self, provider: Provider) -> Option<CloudMode> {
        (provider == Provider::Aws).then(|| self.mode.clone())
    }

    fn limits(&self, at: &AccountRegion, seen: QuotaOverrides) -> Limits {
        quotas::limits(self, at, seen)
    }

    fn tells_quotas(&self, _: &AccountRegion) -> bool {
        true
    }

    async fn quotas(&self, at: &AccountRegion, _: &CloudNetwork) -> Result<SeenQuotas, CloudError> {
        quotas::told(&self.ec2, at).await
    }

    async fn rehearse(&self, rehearsal: &Rehearsal) -> Result<Rehearsed, CloudError> {
        let asked = Asked::of(Operation::Rehearse, rehearsal.at())?;
        let rehearsal = match rehearsal {
            Rehearsal::CreateLink(spec) => {
                ec2::Rehearsal::CreatePeering(requests::peering(spec, &self.tags)?)
            }
            Rehearsal::AcceptLink { link, .. } => ec2::Rehearsal::AcceptPeering {
                id: link.as_str().into(),
            },
            Rehearsal::CreateGroup { network, owner } => ec2::Rehearsal::CreateSecurityGroup(
                requests::group(&network.network, *owner, &self.tags),
            ),
        };
        Ok(
            match self
                .ec2
                .dry_run(&asked.scope, &rehearsal)
                .await
                .map_err(|error| asked.failed(error))?
            {
                ec2::Rehearsed::Allowed => Rehearsed::Allowed,
                ec2::Rehearsed::Refused { message } => Rehearsed::Refused {
                    message: message.into(),
                },
                ec2::Rehearsed::NotAvailable => Rehearsed::NotAvailable,
            },
        )
    }

    async fn make_half(
        &self,
        spec: &LinkSpec,
        side: Side,
        _: RequestId,
    ) -> Result<HalfAnswer, CloudError> {
        halves::make(&self.ec2, spec, side, &self.tags).await
    }

    async fn remove_half(
        &self,
        spec: &LinkSpec,
        side: Side,
        _: RequestId,
    ) -> Result<HalfAnswer, CloudError> {
        halves::remove(&self.ec2, spec, side).await
    }

    async fn tag_link(
        &self,
        at: &AccountRegion,
        link: &Link,
        owner: Owner,
    ) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::TagLink, at)?;
        self.ec2
            .create_tags(&asked.scope, link.as_str(), &requests::owner(owner))
            .await
            .map_err(|error| asked.failed(error))
    }

    async fn set_option(
        &self,
        network: &NetworkRef,
        link: &Link,
        end: LinkRole,
        option: LinkOption,
        to: Switch,
    ) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::SetOption, &network.at)?;
        let option = match option {
            LinkOption::DnsResolution => PeeringOption::AllowDnsResolutionFromRemoteVpc,
            LinkOption::MultipathResilience => PeeringOption::AllowMultipathResilience,
            LinkOption::ExportCustomRoutes
            | LinkOption::ImportCustomRoutes
            | LinkOption::DualStack
            | LinkOption::ForwardedTraffic
            | LinkOption::GatewayTransit
            | LinkOption::RemoteGateways
            | LinkOption::AddressSpaceSync
            | LinkOption::VirtualNetworkAccess => {
                let message = format!("a VPC peering connection has no {}", option.as_str());
                return Err(asked.error(CloudErrorKind::Unsupported).message(message));
            }
        };
        let role = match end {
            LinkRole::First => PeeringRole::Requester,
            LinkRole::Second => PeeringRole::Accepter,
        };
        let set = self
            .ec2
            .modify_vpc_peering_connection_options(
                &asked.scope,
                &link.as_str().into(),
                role,
                option,
                to.is_on(),
            )
            .await;
        set.map_err(|error| asked.failed(error))
    }

    async fn install_route(
        &self,
        at: &AccountRegion,
        table: &RouteTable,
        destination: Range,
        link: &Link,
    ) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::InstallRoute, at)?;
        let (table, link) = (table.as_str().into(), link.as_str().into());
        self.ec2
            .create_route(&asked.scope, &table, destination.net(), &link)
            .await
            .map_err(|error| asked.failed(error))
    }

    async fn remove_route(
        &self,
        at: &AccountRegion,
        table: &RouteTable,
        destination: Range,
    ) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::RemoveRoute, at)?;
        let removed = self
            .ec2
            .delete_route(&asked.scope, &table.as_str().into(), destination.net())
            .await;
        removed.map_err(|error| asked.failed(error))
    }

    async fn create_group(
        &self,
        network: &NetworkRef,
        owner: Owner,
    ) -> Result<FirewallGroup, CloudError> {
        let asked = Asked::of(Operation::CreateGroup, &network.at)?;
        let made = self
            .ec2
            .create_security_group(
                &asked.scope,
                &requests::group(&network.network, owner, &self.tags),
            )
            .await;
        asked.name(
            "security group",
            made.map_err(|error| asked.failed(error))?.as_str(),
        )
    }

    async fn delete_group(
        &self,
        at: &AccountRegion,
        group: &FirewallGroup,
    ) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::DeleteGroup, at)?;
        self.ec2
            .delete_security_group(&asked.scope, &group.as_str().into())
            .await
            .map_err(|error| asked.failed(error))
    }

    async fn authorize_rule(
        &self,
        at: &AccountRegion,
        group: &FirewallGroup,
        rule: InboundRule,
        owner: Owner,
    ) -> Result<FirewallRule, CloudError> {
        let asked = Asked::of(Operation::AuthorizeRule, at)?;
        let wanted = requests::rule(rule, owner, &self.tags);
        let made = self
            .ec2
            .authorize_security_group_ingress(&asked.scope, &group.as_str().into(), &wanted)
            .await;
        let made = made.map_err(|error| asked.failed_to_admit(rule, error))?;
        asked.name("security group rule", made.id.as_str())
    }

    async fn tag_firewall(
        &self,
        at: &AccountRegion,
        part: &FirewallPart,
        owner: Owner,
    ) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::TagFirewall, at)?;
        self.ec2
            .create_tags(&asked.scope, part.id(), &requests::owner(owner))
            .await
            .map_err(|error| asked.failed(error))
    }

    async fn revoke_rule(
        &self,
        at: &AccountRegion,
        group: &FirewallGroup,
        rule: &FirewallRule,
    ) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::RevokeRule, at)?;
        let (group, rule) = (group.as_str().into(), rule.as_str().into());
        self.ec2
            .revoke_security_group_ingress(&asked.scope, &group, &rule)
            .await
            .map_err(|error| asked.failed(error))
    }

    async fn attach_group(
        &self,
        at: &AccountRegion,
        interface: &Interface,
        group: &FirewallGroup,
    ) -> Result<(), CloudError> {
        interfaces::attach(&self.ec2, at, interface, group).await
    }

    async fn detach_group(
        &self,
        at: &AccountRegion,
        interface: &Interface,
        group: &FirewallGroup,
    ) -> Result<(), CloudError> {
        interfaces::detach(&self.ec2, at, interface, group).await
    }

    async fn make_denial(&self, at: &AccountRegion, denial: &Denial) -> Result<(), CloudError> {
        lists::deny(&self.ec2, at, denial).await
    }

    async fn remove_denial(&self, at: &AccountRegion, denial: &Denial) -> Result<(), CloudError> {
        lists::stop(&self.ec2, at, denial).await
    }
}

fn vpc(network: &CloudNetwork) -> VpcId {
    network.as_str().into()
}

fn vpcs(networks: &[CloudNetwork]) -> Vec<VpcId> {
    networks.iter().map(vpc).collect()
}
