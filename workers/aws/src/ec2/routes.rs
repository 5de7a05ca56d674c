//! Route tables and routes.

use crate::ec2::action::Action;
use crate::ec2::call::{Call, sent};
use crate::ec2::client::Ec2;
use crate::ec2::error::Ec2Error;
use crate::ec2::ids::{PeeringConnectionId, RouteTableId, SubnetId, VpcId};
use crate::ec2::pages::{PAGE_OF_ROUTE_TABLES, every_named};
use crate::ec2::scope::Scope;
use crate::ec2::tags::{self, Tags};
use aws_sdk_ec2::types::ResourceType;
use ipnet::IpNet;

/// A route table of a VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTable {
    /// `rtb-…`.
    pub id: RouteTableId,
    /// The VPC that it is in.
    pub vpc: Option<VpcId>,
    /// Whether it serves the subnets that have no table of their own.
    pub main: bool,
    /// The subnets that have chosen it. Those of the main table that chose nothing are not among
    /// them.
    pub subnets: Vec<SubnetId>,
    /// Its routes, IPv6 ones too.
    pub routes: Vec<Route>,
    /// Its tags.
    pub tags: Tags,
}

/// One route of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where the packets go that it is about.
    pub destination: RouteDestination,
    /// Where it sends them.
    pub target: RouteTarget,
    /// Whether it carries packets.
    pub state: RouteState,
}

/// What a route is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteDestination {
    /// A block of either family, in canonical form.
    Block(IpNet),
    /// A prefix list, as EC2 writes it.
    Other(String),
}

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteTarget {
    /// The VPC itself.
    Local,
    /// A peering connection.
    Peering(PeeringConnectionId),
    /// A gateway, an interface, an instance …, by its id; empty if EC2 names none.
    Other(String),
}

/// Whether a route carries packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteState {
    /// It carries packets.
    Active,
    /// Its target is gone, or not there yet.
    Blackhole,
    /// What EC2 says instead; empty if it says nothing.
    Other(String),
}

impl Ec2 {
    /// All route tables of these VPCs, with all their routes.
    pub async fn describe_route_tables(
        &self,
        at: &Scope,
        vpcs: &[VpcId],
    ) -> Result<Vec<RouteTable>, Ec2Error> {
        let call = Call::start(self, Action::DescribeRouteTables, at).await;
        let request = call
            .clients
            .ec2
            .describe_route_tables()
            .max_results(PAGE_OF_ROUTE_TABLES);
        every_named!(call, request, vpcs as "vpc-id", route_tables, table, |found| found.vpc.as_ref())
    }

    /// Makes a table that serves no subnet yet. `client_token` names the wish: with the same one,
    /// EC2 makes it once.
    pub async fn create_route_table(
        &self,
        at: &Scope,
        vpc: &VpcId,
        client_token: &str,
        tags: &Tags,
    ) -> Result<RouteTable, Ec2Error> {
        let call = Call::start(self, Action::CreateRouteTable, at).await;
        let request = call
            .clients
            .ec2
            .create_route_table()
            .vpc_id(vpc.as_str())
            .client_token(client_token);
        let request =
            request.set_tag_specifications(tags::on_create(ResourceType::RouteTable, tags));
        let answer = sent!(call, request);
        table(&call, &call.needed("routeTable", answer.route_table)?)
    }

    /// Gives the subnet this table instead of the main one.
    pub async fn associate_route_table(
        &self,
        at: &Scope,
        table: &RouteTableId,
        subnet: &SubnetId,
    ) -> Result<(), Ec2Error> {
        let call = Call::start(self, Action::AssociateRouteTable, at).await;
        let request = call
            .clients
            .ec2
            .associate_route_table()
            .route_table_id(table.as_str())
            .subnet_id(subnet.as_str());
        sent!(call, request);
        Ok(())
    }

    /// Adds a route into a peering connection. If the table has the destination, with whatever
    /// target, it is `AlreadyExists` and nothing changes.
    pub async fn create_route(
        &self,
        at: &Scope,
        table: &RouteTableId,
        destination: IpNet,
        through: &PeeringConnectionId,
    ) -> Result<(), Ec2Error> {
        let call = Call::start(self, Action::CreateRoute, at).await;
        let request = call.clients.ec2.create_route();
        let request = request
            .route_table_id(table.as_str())
            .vpc_peering_connection_id(through.as_str());
        let block = canonical(destination);
        let request = match destination {
            IpNet::V4(_) => request.destination_cidr_block(block),
            IpNet::V6(_) => request.destination_ipv6_cidr_block(block),
        };
        sent!(call, request);
        Ok(())
    }

    /// Removes the route for this destination, whatever its target: look at it first.
    pub async fn delete_route(
        &self,
        at: &Scope,
        table: &RouteTableId,
        destination: IpNet,
    ) -> Result<(), Ec2Error> {
        let call = Call::start(self, Action::DeleteRoute, at).await;
        let request = call
            .clients
            .ec2
            .delete_route()
            .route_table_id(table.as_str());
        let block = canonical(destination);
        let request = match destination {
            IpNet::V4(_) => request.destination_cidr_block(block),
            IpNet::V6(_) => request.destination_ipv6_cidr_block(block),
        };
        sent!(call, request);
        Ok(())
    }
}

/// Without host bits: EC2 would drop them silently, and what was asked for would not be found
/// again.
pub(crate) fn canonical(cidr: IpNet) -> String {
    cidr.trunc().to_string()
}

fn table(call: &Call<'_>, found: &aws_sdk_ec2::types::RouteTable) -> Result<RouteTable, Ec2Error> {
    let associations = found.associations();
    Ok(RouteTable {
        id: call.needed("routeTableId", found.route_table_id())?.into(),
        vpc: found.vpc_id().map(VpcId::from),
        main: associations
            .iter()
            .any(|association| association.main() == Some(true)),
        subnets: associations
            .iter()
            .filter_map(|association| association.subnet_id().map(SubnetId::from))
            .collect(),
        routes: found.routes().iter().map(route).collect(),
        tags: tags::from_sdk(found.tags()),
    })
}

fn route(found: &aws_sdk_ec2::types::Route) -> Route {
    Route {
        destination: destination(found),
        target: target(found),
        state: state(found),
    }
}

fn destination(found: &aws_sdk_ec2::types::Route) -> RouteDestination {
    let text = found
        .destination_cidr_block()
        .or(found.destination_ipv6_cidr_block())
        .or(found.destination_prefix_list_id());
    let text = text.unwrap_or_default();
    match text.parse::<IpNet>() {
        Ok(cidr) => RouteDestination::Block(cidr.trunc()),
        Err(_) => RouteDestination::Other(text.to_owned()),
    }
}

fn target(found: &aws_sdk_ec2::types::Route) -> RouteTarget {
    if let Some(peering) = found.vpc_peering_connection_id() {
        return RouteTarget::Peering(peering.into());
    }
    if found.gateway_id() == Some("local") {
        return RouteTarget::Local;
    }
    let others = [
        found.gateway_id(),
        found.nat_gateway_id(),
        found.transit_gateway_id(),
        found.egress_only_internet_gateway_id(),
        found.local_gateway_id(),
        found.carrier_gateway_id(),
        found.core_network_arn(),
        found.odb_network_arn(),
        found.network_interface_id(),
        found.instance_id(),
    ];
    RouteTarget::Other(
        others
            .into_iter()
            .flatten()
            .next()
            .unwrap_or_default()
            .to_owned(),
    )
}

fn state(found: &aws_sdk_ec2::types::Route) -> RouteState {
    match found.state().map_or("", |state| state.as_str()) {
        "active" => RouteState::Active,
        "blackhole" => RouteState::Blackhole,
        other => RouteState::Other(other.to_owned()),
    }
}
