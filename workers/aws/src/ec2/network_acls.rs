//! Network ACLs: what a subnet lets in and out before any security group is asked. They are other
//! people's; entries of our own are put into them, and taken out again, where that is asked for.

use crate::ec2::action::Action;
use crate::ec2::call::{Call, sent};
use crate::ec2::client::Ec2;
use crate::ec2::error::{Ec2Error, Ec2ErrorKind};
use crate::ec2::ids::{NetworkAclId, SubnetId, VpcId};
use crate::ec2::pages::{PAGE, every_named};
use crate::ec2::scope::Scope;
use crate::ec2::tags::{self, Tags};
use aws_sdk_ec2::types::{PortRange, RuleAction};
use ipnet::IpNet;

/// A network ACL of a VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkAcl {
    /// `acl-…`.
    pub id: NetworkAclId,
    /// The VPC that it is in.
    pub vpc: Option<VpcId>,
    /// Whether new subnets get it.
    pub default: bool,
    /// The subnets it guards. Every subnet is guarded by exactly one.
    pub subnets: Vec<SubnetId>,
    /// In the order in which EC2 applies them, each direction for itself: the first that matches
    /// decides.
    pub entries: Vec<NetworkAclEntry>,
    /// Its tags.
    pub tags: Tags,
}

/// One entry of a network ACL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkAclEntry {
    /// 1 to 32766. EC2's own last entries, which deny everything, are 32767 and, of IPv6, 32768.
    pub rule_number: i32,
    /// Outbound instead of inbound.
    pub egress: bool,
    /// A protocol number, or `-1` for all.
    pub protocol: String,
    /// The first and the last port, of TCP and UDP. `None`: all.
    pub ports: Option<(i32, i32)>,
    /// Where packets come from (or, outbound, go to), in canonical form.
    pub cidr: IpNet,
    /// Otherwise it denies.
    pub allow: bool,
}

impl Ec2 {
    /// All network ACLs of these VPCs.
    pub async fn describe_network_acls(
        &self,
        at: &Scope,
        vpcs: &[VpcId],
    ) -> Result<Vec<NetworkAcl>, Ec2Error> {
        let call = Call::start(self, Action::DescribeNetworkAcls, at).await;
        let request = call.clients.ec2.describe_network_acls().max_results(PAGE);
        every_named!(call, request, vpcs as "vpc-id", network_acls, acl, |found| found.vpc.as_ref())
    }
}

impl Ec2 {
    /// This network ACL.
    pub async fn describe_network_acl(
        &self,
        at: &Scope,
        id: &NetworkAclId,
    ) -> Result<Option<NetworkAcl>, Ec2Error> {
        let call = Call::start(self, Action::DescribeNetworkAcls, at).await;
        let request = call
            .clients
            .ec2
            .describe_network_acls()
            .network_acl_ids(id.as_str());
        let answer = sent!(call, request);
        let mut found = answer.network_acls().iter().map(|it| acl(&call, it));
        found.next().transpose()
    }

    /// Adds an inbound entry that denies. A number that is taken is an error.
    pub async fn deny_in_network_acl(
        &self,
        at: &Scope,
        id: &NetworkAclId,
        entry: &NetworkAclEntry,
    ) -> Result<(), Ec2Error> {
        let call = Call::start(self, Action::CreateNetworkAclEntry, at).await;
        let ports = entry
            .ports
            .map(|(from, to)| PortRange::builder().from(from).to(to).build());
        let request = call
            .clients
            .ec2
            .create_network_acl_entry()
            .network_acl_id(id.as_str())
            .rule_number(entry.rule_number)
            .protocol(&entry.protocol)
            .rule_action(RuleAction::Deny)
            .egress(false)
            .set_port_range(ports);
        let block = entry.cidr.to_string();
        let request = match entry.cidr {
            IpNet::V4(_) => request.cidr_block(block),
            IpNet::V6(_) => request.ipv6_cidr_block(block),
        };
        sent!(call, request);
        Ok(())
    }

    /// Removes the inbound entry with this number, whatever it is: look at it first.
    pub async fn delete_network_acl_entry(
        &self,
        at: &Scope,
        id: &NetworkAclId,
        rule_number: i32,
    ) -> Result<(), Ec2Error> {
        let call = Call::start(self, Action::DeleteNetworkAclEntry, at).await;
        let request = call
            .clients
            .ec2
            .delete_network_acl_entry()
            .network_acl_id(id.as_str())
            .rule_number(rule_number)
            .egress(false);
        sent!(call, request);
        Ok(())
    }
}

fn acl(call: &Call<'_>, found: &aws_sdk_ec2::types::NetworkAcl) -> Result<NetworkAcl, Ec2Error> {
    let mut entries = found
        .entries()
        .iter()
        .map(|found| entry(call, found))
        .collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(|entry| (entry.egress, entry.rule_number));
    Ok(NetworkAcl {
        id: call.needed("networkAclId", found.network_acl_id())?.into(),
        vpc: found.vpc_id().map(VpcId::from),
        default: found.is_default().unwrap_or_default(),
        subnets: found
            .associations()
            .iter()
            .filter_map(|association| association.subnet_id().map(SubnetId::from))
            .collect(),
        entries,
        tags: tags::from_sdk(found.tags()),
    })
}

fn entry(
    call: &Call<'_>,
    found: &aws_sdk_ec2::types::NetworkAclEntry,
) -> Result<NetworkAclEntry, Ec2Error> {
    let cidr = call.needed("cidrBlock", found.cidr_block().or(found.ipv6_cidr_block()))?;
    Ok(NetworkAclEntry {
        rule_number: call.needed("ruleNumber", found.rule_number())?,
        egress: call.needed("egress", found.egress())?,
        protocol: call.needed("protocol", found.protocol())?.to_owned(),
        ports: found
            .port_range()
            .and_then(|ports| ports.from().zip(ports.to())),
        cidr: call.parsed::<IpNet>("cidrBlock", cidr)?.trunc(),
        allow: match call.needed("ruleAction", found.rule_action())?.as_str() {
            "allow" => true,
            "deny" => false,
            other => {
                return Err(call.error(
                    Ec2ErrorKind::Unknown,
                    &format!("the answer's ruleAction is unreadable: {other}"),
                    None,
                    None,
                ));
            }
        },
    })
}
