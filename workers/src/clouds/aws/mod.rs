//! AWS: the port to a cloud over EC2, in any number of accounts and regions.
//!
//! A link is a VPC peering connection, a firewall group a security group. Each method is one EC2 call, or the few reads that
//! answer one question; nothing is repeated here. What EC2 shows is put into our words in `views`, its failures in `refusals`.

mod refusals;
#[cfg(test)]
mod tests;
mod views;

pub use ec2::{AccountAccess, BaseCredentials, Ec2Settings, StaticKeys};

use crate::cloud::{
    Cloud, CloudError, CloudErrorKind, Groundwork, GroupView, LinkSpec, LinkView, NetworkRef, OWNER_TAG, Operation, Place, RouteTableView,
    group_name,
};
use async_trait::async_trait;
use domain::{
    PeeringId, Provider, Range,
    network::InboundRule,
    text::{Account, CloudNetwork, FirewallGroup, FirewallRule, Link, RouteTable, Subnet},
};
use ec2::{CreatePeering, CreateSecurityGroup, CreateVpc, Ec2, IngressRule, PeeringFilter, Tags, VpcId};
use refusals::Asked;
use std::time::Duration;

/// What EC2's console shows as a thing's name.
const NAME_TAG: &str = "Name";

/// How long a network that was just made may take to be shown by reads, and how often that is looked at.
const SHOWN_WITHIN: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// AWS. Clones share connections and sessions.
#[derive(Clone, Debug)]
pub struct AwsCloud {
    ec2: Ec2,
}

impl AwsCloud {
    /// Reads nothing and connects to nothing yet.
    pub fn new(settings: Ec2Settings) -> Self {
        Self { ec2: Ec2::new(settings) }
    }
}

#[async_trait]
impl Cloud for AwsCloud {
    async fn identity(&self, at: &Place) -> Result<Account, CloudError> {
        let asked = Asked::of(Operation::Identity, at)?;
        let identity = self.ec2.caller_identity(&asked.place).await.map_err(|error| asked.failed(error))?;
        if identity.account != asked.place.account {
            // A session that belongs to somebody else is not to be used again.
            self.ec2.forget(&asked.place.account);
        }
        asked.name("account", &identity.account)
    }

    async fn links(&self, at: &Place, one: &NetworkRef, other: &NetworkRef) -> Result<Vec<LinkView>, CloudError> {
        let asked = Asked::of(Operation::Links, at)?;
        let between = PeeringFilter::between(&vpc(one), &vpc(other));
        let found = self.ec2.describe_vpc_peering_connections(&asked.place, &between).await.map_err(|error| asked.failed(error))?;
        let views = found.iter().map(|found| views::link(&asked, found, [one, other])).collect::<Result<Vec<_>, _>>()?;
        Ok(views.into_iter().flatten().collect())
    }

    async fn create_link(&self, spec: &LinkSpec) -> Result<Link, CloudError> {
        let (requester, accepter) = (&spec.requester.network, &spec.accepter.network);
        let asked = Asked::of(Operation::CreateLink, &requester.place)?;
        let peer = Asked::of(Operation::CreateLink, &accepter.place)?.place;
        let wanted = CreatePeering { vpc: vpc(requester), peer, peer_vpc: vpc(accepter), tags: owned(spec.peering) };
        let made = self.ec2.create_vpc_peering_connection(&asked.place, &wanted).await.map_err(|error| asked.failed(error))?;
        asked.name("peering connection", made.id.as_str())
    }

    async fn accept_link(&self, at: &Place, link: &Link) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::AcceptLink, at)?;
        let accepted = self.ec2.accept_vpc_peering_connection(&asked.place, &link.as_str().into()).await;
        accepted.map(|_| ()).map_err(|error| asked.failed(error))
    }

    async fn route_tables(&self, network: &NetworkRef, subnets: &[Subnet]) -> Result<Vec<RouteTableView>, CloudError> {
        let asked = Asked::of(Operation::RouteTables, &network.place)?;
        let tables = self.ec2.describe_route_tables(&asked.place, &[vpc(network)]).await.map_err(|error| asked.failed(error))?;
        if tables.is_empty() {
            // Every VPC has a main table.
            return Err(asked.error(CloudErrorKind::NotFound).message(format!("{} is not there, or not visible yet", network.network)));
        }
        self.check_subnets(&asked, network, subnets, &tables).await?;
        views::serving(&tables, subnets).map(|table| views::route_table(&asked, table)).collect()
    }

    async fn install_route(&self, at: &Place, table: &RouteTable, destination: Range, link: &Link) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::InstallRoute, at)?;
        let (table, link) = (table.as_str().into(), link.as_str().into());
        self.ec2.create_route(&asked.place, &table, destination.net(), &link).await.map_err(|error| asked.failed(error))
    }

    async fn firewall_groups(&self, network: &NetworkRef, peering: PeeringId) -> Result<Vec<GroupView>, CloudError> {
        let asked = Asked::of(Operation::FirewallGroups, &network.place)?;
        let owner = peering.to_string();
        let groups = self.ec2.describe_security_groups(&asked.place, &[vpc(network)]).await.map_err(|error| asked.failed(error))?;
        let ids: Vec<_> = groups.into_iter().filter(|group| group.tags.get(OWNER_TAG) == Some(&owner)).map(|group| group.id).collect();
        let rules = self.ec2.describe_security_group_rules(&asked.place, &ids).await.map_err(|error| asked.failed(error))?;
        ids.iter().map(|id| views::group(&asked, id, rules.iter().filter(|rule| rule.group.as_ref() == Some(id)))).collect()
    }

    async fn create_group(&self, network: &NetworkRef, peering: PeeringId) -> Result<FirewallGroup, CloudError> {
        let asked = Asked::of(Operation::CreateGroup, &network.place)?;
        let description = format!("What peering {peering} admits");
        let wanted = CreateSecurityGroup { vpc: vpc(network), name: group_name(peering), description, tags: owned(peering) };
        let made = self.ec2.create_security_group(&asked.place, &wanted).await;
        asked.name("security group", made.map_err(|error| asked.failed(error))?.as_str())
    }

    async fn authorize_rule(
        &self,
        at: &Place,
        group: &FirewallGroup,
        rule: InboundRule,
        peering: PeeringId,
    ) -> Result<FirewallRule, CloudError> {
        let asked = Asked::of(Operation::AuthorizeRule, at)?;
        let description = format!("peering {peering}");
        let wanted = IngressRule { source: rule.source.net(), port: rule.port, description, tags: owned(peering) };
        let made = self.ec2.authorize_security_group_ingress(&asked.place, &group.as_str().into(), &wanted).await;
        asked.name("security group rule", made.map_err(|error| asked.failed(error))?.id.as_str())
    }

    async fn revoke_rule(&self, at: &Place, group: &FirewallGroup, rule: &FirewallRule) -> Result<(), CloudError> {
        let asked = Asked::of(Operation::RevokeRule, at)?;
        let (group, rule) = (group.as_str().into(), rule.as_str().into());
        self.ec2.revoke_security_group_ingress(&asked.place, &group, &rule).await.map_err(|error| asked.failed(error))
    }
}

#[async_trait]
impl Groundwork for AwsCloud {
    async fn create_network(&self, at: &Place, range: Range, name: &str) -> Result<CloudNetwork, CloudError> {
        let asked = Asked::of(Operation::CreateNetwork, at)?;
        let wanted = CreateVpc { cidr: range.net(), tags: Tags::from([(NAME_TAG.to_owned(), name.to_owned())]) };
        let made = self.ec2.create_vpc(&asked.place, &wanted).await.map_err(|error| asked.failed(error))?;
        let shown = tokio::time::timeout(SHOWN_WITHIN, self.until_shown(&asked, &made.id)).await;
        shown.unwrap_or_else(|_| Err(asked.error(CloudErrorKind::NotFound).message(format!("{} was made and is not shown", made.id))))?;
        asked.name("VPC", made.id.as_str())
    }
}

impl AwsCloud {
    /// A subnet that no table names may be served by the main one, or may not exist: only then are the subnets themselves read.
    async fn check_subnets(
        &self,
        asked: &Asked<'_>,
        network: &NetworkRef,
        subnets: &[Subnet],
        tables: &[ec2::RouteTable],
    ) -> Result<(), CloudError> {
        if subnets.iter().all(|subnet| tables.iter().any(|table| views::names(table, subnet))) {
            return Ok(());
        }
        let known = self.ec2.describe_subnets(&asked.place, &[vpc(network)]).await.map_err(|error| asked.failed(error))?;
        match subnets.iter().find(|subnet| !known.iter().any(|known| known.id.as_str() == subnet.as_str())) {
            Some(unknown) => Err(asked.error(CloudErrorKind::NotFound).message(format!("{unknown} is no subnet of {}", network.network))),
            None => Ok(()),
        }
    }

    async fn until_shown(&self, asked: &Asked<'_>, id: &VpcId) -> Result<(), CloudError> {
        loop {
            let vpc = self.ec2.describe_vpc(&asked.place, id).await.map_err(|error| asked.failed(error))?;
            let tables =
                self.ec2.describe_route_tables(&asked.place, std::slice::from_ref(id)).await.map_err(|error| asked.failed(error))?;
            if vpc.is_some_and(|vpc| vpc.available) && tables.iter().any(|table| table.main) {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

fn vpc(network: &NetworkRef) -> VpcId {
    network.network.as_str().into()
}

/// The tags of what the engine makes for a peering.
fn owned(peering: PeeringId) -> Tags {
    Tags::from([(OWNER_TAG.to_owned(), peering.to_string()), (NAME_TAG.to_owned(), group_name(peering))])
}

/// EC2's place of ours. Another provider's is a mistake in how the clouds were put together.
fn place(operation: Operation, at: &Place) -> Result<ec2::Place, CloudError> {
    match at.provider {
        Provider::Aws => Ok(ec2::Place::new(at.account.as_str(), at.region.as_str())),
        Provider::Gcp | Provider::Azure => Err(CloudError::new(operation, at, CloudErrorKind::Unsupported)),
    }
}
