//! VPCs and subnets: looked at for every peering, made only for demonstrations and tests.

use crate::call::Call;
use crate::client::Ec2;
use crate::error::{Ec2Error, Ec2ErrorKind};
use crate::ids::{RouteTableId, SubnetId, VpcId};
use crate::settings::Place;
use crate::tags::{self, Tags};
use aws_sdk_ec2::types::{Filter, ResourceType, VpcCidrBlockState};
use ipnet::{IpNet, Ipv4Net};

/// How many items a page of a list has. EC2 gives a call with a bound a larger rate than one without.
pub(crate) const PAGE: i32 = 100;

/// The VPC's own states; `pending` is the other one.
const AVAILABLE: &str = "available";

/// A virtual private cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vpc {
    pub id: VpcId,
    pub owner: String,
    pub available: bool,
    /// All blocks, the first one first, without those that are gone or failed.
    pub cidrs: Vec<IpNet>,
    pub tags: Tags,
}

/// A subnet of a VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    pub id: SubnetId,
    pub vpc: Option<VpcId>,
    pub cidr: Option<Ipv4Net>,
    /// The zone's id (`use1-az1`), which means the same zone in every account; its name does not.
    pub zone_id: Option<String>,
    pub tags: Tags,
}

/// A VPC to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateVpc {
    pub cidr: Ipv4Net,
    pub tags: Tags,
}

impl Ec2 {
    /// The VPC of this id. `None`: it is gone, or not visible yet, or another account's.
    pub async fn describe_vpc(&self, at: &Place, id: &VpcId) -> Result<Option<Vpc>, Ec2Error> {
        let call = Call::start(self, "DescribeVpcs", at).await;
        let request = call.clients.ec2.describe_vpcs().vpc_ids(id.as_str());
        let answer = match request.customize().interceptor(call.watch()).send().await.map_err(|error| call.failed(error)) {
            Ok(answer) => answer,
            Err(error) if error.kind == Ec2ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let found: Vec<_> = answer.vpcs().iter().map(|found| vpc(&call, found)).collect::<Result<_, _>>()?;
        Ok(found.into_iter().find(|found| found.id == *id))
    }

    /// All VPCs that carry these tags; all there are if none are given.
    pub async fn describe_vpcs(&self, at: &Place, tagged: &Tags) -> Result<Vec<Vpc>, Ec2Error> {
        let call = Call::start(self, "DescribeVpcs", at).await;
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let request = call.clients.ec2.describe_vpcs().max_results(PAGE).set_next_token(token.clone());
            let request = request.set_filters(Some(tag_filters(tagged)));
            let answer = request.customize().interceptor(call.watch()).send().await.map_err(|error| call.failed(error))?;
            for found in answer.vpcs() {
                all.push(vpc(&call, found)?);
            }
            token = call.next_page(token, answer.next_token)?;
            if token.is_none() {
                break;
            }
        }
        all.retain(|found: &Vpc| tags::include(&found.tags, tagged));
        Ok(all)
    }

    pub async fn create_vpc(&self, at: &Place, wanted: &CreateVpc) -> Result<Vpc, Ec2Error> {
        let call = Call::start(self, "CreateVpc", at).await;
        let request = call.clients.ec2.create_vpc().cidr_block(wanted.cidr.trunc().to_string());
        let request = request.set_tag_specifications(tags::on_create(ResourceType::Vpc, &wanted.tags));
        let answer = request.customize().interceptor(call.watch()).send().await.map_err(|error| call.failed(error))?;
        vpc(&call, &call.needed("vpc", answer.vpc)?)
    }

    /// All subnets of the VPC.
    pub async fn describe_subnets(&self, at: &Place, vpc: &VpcId) -> Result<Vec<Subnet>, Ec2Error> {
        let call = Call::start(self, "DescribeSubnets", at).await;
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let request = call.clients.ec2.describe_subnets().max_results(PAGE).set_next_token(token.clone());
            let request = request.set_filters(filter("vpc-id", [vpc.as_str()]).map(|only| vec![only]));
            let answer = request.customize().interceptor(call.watch()).send().await.map_err(|error| call.failed(error))?;
            for found in answer.subnets() {
                all.push(subnet(&call, found)?);
            }
            token = call.next_page(token, answer.next_token)?;
            if token.is_none() {
                break;
            }
        }
        all.retain(|found: &Subnet| found.vpc.as_ref() == Some(vpc));
        Ok(all)
    }

    pub async fn create_subnet(&self, at: &Place, vpc: &VpcId, cidr: Ipv4Net, tags: &Tags) -> Result<Subnet, Ec2Error> {
        let call = Call::start(self, "CreateSubnet", at).await;
        let request = call.clients.ec2.create_subnet().vpc_id(vpc.as_str()).cidr_block(cidr.trunc().to_string());
        let request = request.set_tag_specifications(tags::on_create(ResourceType::Subnet, tags));
        let answer = request.customize().interceptor(call.watch()).send().await.map_err(|error| call.failed(error))?;
        subnet(&call, &call.needed("subnet", answer.subnet)?)
    }

    /// Gives the subnet a route table of its own.
    pub async fn associate_route_table(&self, at: &Place, table: &RouteTableId, subnet: &SubnetId) -> Result<(), Ec2Error> {
        let call = Call::start(self, "AssociateRouteTable", at).await;
        let request = call.clients.ec2.associate_route_table().route_table_id(table.as_str()).subnet_id(subnet.as_str());
        request.customize().interceptor(call.watch()).send().await.map_err(|error| call.failed(error))?;
        Ok(())
    }

    /// Sets tags on any resource; a tag that is there is overwritten.
    pub async fn create_tags(&self, at: &Place, resource: &str, tags: &Tags) -> Result<(), Ec2Error> {
        let call = Call::start(self, "CreateTags", at).await;
        let request = call.clients.ec2.create_tags().resources(resource).set_tags(Some(tags::to_sdk(tags)));
        request.customize().interceptor(call.watch()).send().await.map_err(|error| call.failed(error))?;
        Ok(())
    }
}

/// A filter for any of these values; none for no value.
pub(crate) fn filter<'v>(name: &str, values: impl IntoIterator<Item = &'v str>) -> Option<Filter> {
    let values: Vec<String> = values.into_iter().map(str::to_owned).collect();
    (!values.is_empty()).then(|| Filter::builder().name(name).set_values(Some(values)).build())
}

/// A filter for each of these tags.
pub(crate) fn tag_filters(tags: &Tags) -> Vec<Filter> {
    tags.iter().filter_map(|(key, value)| filter(&format!("tag:{key}"), [value.as_str()])).collect()
}

fn vpc(call: &Call<'_>, found: &aws_sdk_ec2::types::Vpc) -> Result<Vpc, Ec2Error> {
    let v4 = found.cidr_block_association_set().iter().filter(|block| counts(block.cidr_block_state()));
    let v6 = found.ipv6_cidr_block_association_set().iter().filter(|block| counts(block.ipv6_cidr_block_state()));
    let texts = v4.filter_map(|block| block.cidr_block()).chain(v6.filter_map(|block| block.ipv6_cidr_block()));
    let mut cidrs: Vec<IpNet> = Vec::new();
    for text in found.cidr_block().into_iter().chain(texts) {
        let cidr = call.parsed::<IpNet>("cidrBlock", text)?;
        if !cidrs.contains(&cidr) {
            cidrs.push(cidr);
        }
    }
    Ok(Vpc {
        id: call.needed("vpcId", found.vpc_id())?.into(),
        owner: found.owner_id().unwrap_or_default().to_owned(),
        available: found.state().is_some_and(|state| state.as_str() == AVAILABLE),
        cidrs,
        tags: tags::from_sdk(found.tags()),
    })
}

/// Whether a block takes part in the VPC: one that is coming or going does, one that is gone or failed does not.
fn counts(state: Option<&VpcCidrBlockState>) -> bool {
    let code = state.and_then(|state| state.state()).map(|code| code.as_str());
    !matches!(code, Some("disassociated" | "failing" | "failed"))
}

fn subnet(call: &Call<'_>, found: &aws_sdk_ec2::types::Subnet) -> Result<Subnet, Ec2Error> {
    Ok(Subnet {
        id: call.needed("subnetId", found.subnet_id())?.into(),
        vpc: found.vpc_id().map(VpcId::from),
        cidr: found.cidr_block().map(|text| call.parsed("cidrBlock", text)).transpose()?,
        zone_id: found.availability_zone_id().map(str::to_owned),
        tags: tags::from_sdk(found.tags()),
    })
}
