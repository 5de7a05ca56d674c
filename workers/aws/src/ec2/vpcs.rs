//! VPCs: looked at for every peering, made only for demonstrations and tests.

use crate::ec2::action::Action;
use crate::ec2::call::{Call, sent};
use crate::ec2::client::Ec2;
use crate::ec2::error::Ec2Error;
use crate::ec2::ids::VpcId;
use crate::ec2::pages::{PAGE, every_named};
use crate::ec2::scope::Scope;
use crate::ec2::tags::{self, Tags};
use aws_sdk_ec2::types::{
    AttributeBooleanValue, ResourceType, VpcAttributeName, VpcCidrBlockState,
};
use ipnet::{Ipv4Net, Ipv6Net};

/// The VPC's own states; `pending` is the other one.
const AVAILABLE: &str = "available";

/// A virtual private cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vpc {
    /// `vpc-…`.
    pub id: VpcId,
    /// Who owns it. A subnet of a VPC may be shared with other accounts, which see the VPC too.
    pub account: String,
    /// Whether it can be used by now.
    pub available: bool,
    /// All IPv4 blocks, the first one first, without those that are gone or failed.
    pub cidrs: Vec<Ipv4Net>,
    /// The same of IPv6.
    pub ipv6_cidrs: Vec<Ipv6Net>,
    /// Its tags.
    pub tags: Tags,
}

/// What a VPC does about names: private names of the other end are resolved over a peering only if
/// it does both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VpcDns {
    /// `enableDnsSupport`
    pub support: bool,
    /// `enableDnsHostnames`
    pub hostnames: bool,
}

/// A VPC to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateVpc {
    /// Its first IPv4 block.
    pub cidr: Ipv4Net,
    /// Its tags.
    pub tags: Tags,
}

impl Ec2 {
    /// Those of these VPCs that there are. One that is missing is gone, or not visible yet, or
    /// another account's.
    pub async fn describe_vpcs(&self, at: &Scope, ids: &[VpcId]) -> Result<Vec<Vpc>, Ec2Error> {
        let call = Call::start(self, Action::DescribeVpcs, at).await;
        // A filter, as one unknown id in the call's own list of ids would fail it for all.
        let request = call.clients.ec2.describe_vpcs().max_results(PAGE);
        every_named!(call, request, ids as "vpc-id", vpcs, vpc, |found| Some(&found.id))
    }

    /// The VPC of this id. `None`: it is gone, or not visible yet, or another account's.
    pub async fn describe_vpc(&self, at: &Scope, id: &VpcId) -> Result<Option<Vpc>, Ec2Error> {
        Ok(self
            .describe_vpcs(at, std::slice::from_ref(id))
            .await?
            .into_iter()
            .next())
    }

    /// What the VPC does about names. Two calls: EC2 tells one attribute at a time.
    pub async fn describe_vpc_dns(&self, at: &Scope, id: &VpcId) -> Result<VpcDns, Ec2Error> {
        let call = Call::start(self, Action::DescribeVpcAttribute, at).await;
        let request = |attribute| {
            call.clients
                .ec2
                .describe_vpc_attribute()
                .vpc_id(id.as_str())
                .attribute(attribute)
        };
        let support = request(VpcAttributeName::EnableDnsSupport)
            .customize()
            .interceptor(call.watch())
            .send()
            .await;
        let support = call.answered(support.map_err(|error| call.failed(error))?);
        let hostnames = request(VpcAttributeName::EnableDnsHostnames)
            .customize()
            .interceptor(call.watch())
            .send()
            .await;
        let hostnames = call.answered(hostnames.map_err(|error| call.failed(error))?);
        let value = |found: Option<AttributeBooleanValue>| found.and_then(|found| found.value);
        Ok(VpcDns {
            support: call.needed("enableDnsSupport", value(support.enable_dns_support))?,
            hostnames: call.needed("enableDnsHostnames", value(hostnames.enable_dns_hostnames))?,
        })
    }

    /// Makes a VPC. Not idempotent.
    pub async fn create_vpc(&self, at: &Scope, wanted: &CreateVpc) -> Result<Vpc, Ec2Error> {
        let call = Call::start(self, Action::CreateVpc, at).await;
        let request = call
            .clients
            .ec2
            .create_vpc()
            .cidr_block(wanted.cidr.trunc().to_string());
        let request =
            request.set_tag_specifications(tags::on_create(ResourceType::Vpc, &wanted.tags));
        let answer = sent!(call, request);
        vpc(&call, &call.needed("vpc", answer.vpc)?)
    }
}

fn vpc(call: &Call<'_>, found: &aws_sdk_ec2::types::Vpc) -> Result<Vpc, Ec2Error> {
    let v4 = found
        .cidr_block_association_set()
        .iter()
        .filter(|block| counts(block.cidr_block_state()));
    let v6 = found
        .ipv6_cidr_block_association_set()
        .iter()
        .filter(|block| counts(block.ipv6_cidr_block_state()));
    Ok(Vpc {
        id: call.needed("vpcId", found.vpc_id())?.into(),
        account: found.owner_id().unwrap_or_default().to_owned(),
        available: found
            .state()
            .is_some_and(|state| state.as_str() == AVAILABLE),
        cidrs: each_once(
            call,
            found
                .cidr_block()
                .into_iter()
                .chain(v4.filter_map(|block| block.cidr_block())),
        )?,
        ipv6_cidrs: each_once(call, v6.filter_map(|block| block.ipv6_cidr_block()))?,
        tags: tags::from_sdk(found.tags()),
    })
}

fn each_once<'t, T: std::str::FromStr + PartialEq>(
    call: &Call<'_>,
    texts: impl Iterator<Item = &'t str>,
) -> Result<Vec<T>, Ec2Error> {
    let mut all = Vec::new();
    for text in texts {
        let cidr = call.parsed("cidrBlock", text)?;
        if !all.contains(&cidr) {
            all.push(cidr);
        }
    }
    Ok(all)
}

/// Whether a block takes part in the VPC: one that is coming or going does, one that is gone or
/// failed does not.
fn counts(state: Option<&VpcCidrBlockState>) -> bool {
    let code = state
        .and_then(|state| state.state())
        .map(|code| code.as_str());
    !matches!(code, Some("disassociated" | "failing" | "failed"))
}
