//! Subnets: which zone they lie in, and so what crossing to them costs. Made only for
//! demonstrations and tests.

use crate::ec2::action::Action;
use crate::ec2::call::{Call, sent};
use crate::ec2::client::Ec2;
use crate::ec2::error::Ec2Error;
use crate::ec2::ids::{SubnetId, VpcId};
use crate::ec2::pages::{PAGE, every_named};
use crate::ec2::scope::Scope;
use crate::ec2::tags::{self, Tags};
use aws_sdk_ec2::types::ResourceType;
use ipnet::Ipv4Net;

/// A subnet of a VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// `subnet-…`.
    pub id: SubnetId,
    /// The VPC that it is in.
    pub vpc: Option<VpcId>,
    /// Its IPv4 block.
    pub cidr: Option<Ipv4Net>,
    /// The zone's id (`use1-az1`), which means the same zone in every account; its name does not.
    pub zone_id: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

impl Ec2 {
    /// All subnets of these VPCs.
    pub async fn describe_subnets(
        &self,
        at: &Scope,
        vpcs: &[VpcId],
    ) -> Result<Vec<Subnet>, Ec2Error> {
        let call = Call::start(self, Action::DescribeSubnets, at).await;
        let request = call.clients.ec2.describe_subnets().max_results(PAGE);
        every_named!(call, request, vpcs as "vpc-id", subnets, subnet, |found| found.vpc.as_ref())
    }

    /// Makes a subnet. Not idempotent.
    pub async fn create_subnet(
        &self,
        at: &Scope,
        vpc: &VpcId,
        cidr: Ipv4Net,
        tags: &Tags,
    ) -> Result<Subnet, Ec2Error> {
        let call = Call::start(self, Action::CreateSubnet, at).await;
        let request = call
            .clients
            .ec2
            .create_subnet()
            .vpc_id(vpc.as_str())
            .cidr_block(cidr.trunc().to_string());
        let request = request.set_tag_specifications(tags::on_create(ResourceType::Subnet, tags));
        let answer = sent!(call, request);
        subnet(&call, &call.needed("subnet", answer.subnet)?)
    }
}

fn subnet(call: &Call<'_>, found: &aws_sdk_ec2::types::Subnet) -> Result<Subnet, Ec2Error> {
    Ok(Subnet {
        id: call.needed("subnetId", found.subnet_id())?.into(),
        vpc: found.vpc_id().map(VpcId::from),
        cidr: found
            .cidr_block()
            .map(|text| call.parsed("cidrBlock", text))
            .transpose()?,
        zone_id: found.availability_zone_id().map(str::to_owned),
        tags: tags::from_sdk(found.tags()),
    })
}
