//! The rules of security groups: whom each admits. Rules only ever allow; what no rule admits stays
//! out.

use crate::ec2::action::Action;
use crate::ec2::call::{Call, sent};
use crate::ec2::client::Ec2;
use crate::ec2::error::Ec2Error;
use crate::ec2::ids::{PrefixListId, SecurityGroupId, SecurityGroupRuleId, VpcId};
use crate::ec2::pages::{PAGE, every_named};
use crate::ec2::routes::canonical;
use crate::ec2::scope::Scope;
use crate::ec2::tags::{self, Tags};
use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, ResourceType, UserIdGroupPair};
use ipnet::IpNet;

/// One rule of a security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroupRule {
    /// `sgr-…`.
    pub id: SecurityGroupRuleId,
    /// The group that it is in.
    pub group: Option<SecurityGroupId>,
    /// Outbound instead of inbound.
    pub egress: bool,
    /// `tcp`, `udp`, `icmp`, a protocol number, or `-1` for all.
    pub protocol: String,
    /// The first and the last port; -1 for all. Of ICMP it is type and code.
    pub ports: Option<(i32, i32)>,
    /// Where the traffic comes from; of an egress rule, where it goes.
    pub source: RuleSource,
    /// The words beside it, for people.
    pub description: String,
    /// Its tags.
    pub tags: Tags,
}

/// Whom a rule admits (or, outbound, whom it lets be reached).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleSource {
    /// A block of addresses.
    Cidr(IpNet),
    /// Whatever is in another group.
    Group {
        /// The group.
        group: SecurityGroupId,
        /// The account that it belongs to.
        account: Option<String>,
        /// The VPC that it is in; EC2 tells it of a group at the other end of a peering.
        vpc: Option<VpcId>,
    },
    /// The blocks of a prefix list.
    PrefixList(PrefixListId),
    /// Something EC2 did not have when this was written.
    Other(String),
}

/// A rule to be added: TCP, one port, one block or group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngressRule {
    /// What is admitted.
    pub source: IngressSource,
    /// The one TCP port.
    pub port: u16,
    /// The words beside it, for people.
    pub description: String,
    /// Its tags.
    pub tags: Tags,
}

/// What a rule to be added admits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IngressSource {
    /// A block of addresses.
    Cidr(IpNet),
    /// Whatever is in a group at the other end of an active peering within the region.
    Group {
        /// The group.
        group: SecurityGroupId,
        /// The account that it belongs to.
        account: String,
    },
}

impl Ec2 {
    /// All rules of these groups, inbound and outbound.
    pub async fn describe_security_group_rules(
        &self,
        at: &Scope,
        groups: &[SecurityGroupId],
    ) -> Result<Vec<SecurityGroupRule>, Ec2Error> {
        let call = Call::start(self, Action::DescribeSecurityGroupRules, at).await;
        let request = call
            .clients
            .ec2
            .describe_security_group_rules()
            .max_results(PAGE);
        every_named!(call, request, groups as "group-id", security_group_rules, rule, |found| found.group.as_ref())
    }

    /// Adds one rule, tagged in the same call. One at a time: with several, it is not documented
    /// whether some stay when one fails.
    pub async fn authorize_security_group_ingress(
        &self,
        at: &Scope,
        group: &SecurityGroupId,
        wanted: &IngressRule,
    ) -> Result<SecurityGroupRule, Ec2Error> {
        let call = Call::start(self, Action::AuthorizeSecurityGroupIngress, at).await;
        let port = i32::from(wanted.port);
        let permission = IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(port)
            .to_port(port);
        let said = &wanted.description;
        let permission = match &wanted.source {
            IngressSource::Cidr(range @ IpNet::V4(_)) => {
                let range = IpRange::builder().cidr_ip(canonical(*range));
                permission.ip_ranges(range.description(said).build())
            }
            IngressSource::Cidr(range @ IpNet::V6(_)) => {
                let range = Ipv6Range::builder().cidr_ipv6(canonical(*range));
                permission.ipv6_ranges(range.description(said).build())
            }
            IngressSource::Group { group, account } => {
                let pair = UserIdGroupPair::builder().group_id(group.as_str());
                let pair = pair.user_id(account).description(said);
                permission.user_id_group_pairs(pair.build())
            }
        };
        let permission = permission.build();
        let request = call
            .clients
            .ec2
            .authorize_security_group_ingress()
            .group_id(group.as_str())
            .ip_permissions(permission);
        let tags = tags::on_create(ResourceType::SecurityGroupRule, &wanted.tags);
        let request = request.set_tag_specifications(tags);
        let answer = sent!(call, request);
        rule(
            &call,
            call.needed("securityGroupRule", answer.security_group_rules().first())?,
        )
    }

    /// Removes one inbound rule.
    pub async fn revoke_security_group_ingress(
        &self,
        at: &Scope,
        group: &SecurityGroupId,
        rule: &SecurityGroupRuleId,
    ) -> Result<(), Ec2Error> {
        let call = Call::start(self, Action::RevokeSecurityGroupIngress, at).await;
        let request = call
            .clients
            .ec2
            .revoke_security_group_ingress()
            .group_id(group.as_str())
            .security_group_rule_ids(rule.as_str());
        sent!(call, request);
        Ok(())
    }
}

fn rule(
    call: &Call<'_>,
    found: &aws_sdk_ec2::types::SecurityGroupRule,
) -> Result<SecurityGroupRule, Ec2Error> {
    Ok(SecurityGroupRule {
        id: call
            .needed("securityGroupRuleId", found.security_group_rule_id())?
            .into(),
        group: found.group_id().map(SecurityGroupId::from),
        egress: found.is_egress().unwrap_or_default(),
        protocol: found.ip_protocol().unwrap_or_default().to_owned(),
        ports: found.from_port().zip(found.to_port()),
        source: source(found),
        description: found.description().unwrap_or_default().to_owned(),
        tags: tags::from_sdk(found.tags()),
    })
}

fn source(found: &aws_sdk_ec2::types::SecurityGroupRule) -> RuleSource {
    let cidr = found.cidr_ipv4().or(found.cidr_ipv6());
    let referenced = found
        .referenced_group_info()
        .and_then(|it| Some((it.group_id()?, it)));
    match (cidr, referenced) {
        (Some(text), _) => text.parse::<IpNet>().map_or_else(
            |_| RuleSource::Other(text.to_owned()),
            |cidr| RuleSource::Cidr(cidr.trunc()),
        ),
        (None, Some((group, it))) => RuleSource::Group {
            group: group.into(),
            account: it.user_id().map(str::to_owned),
            vpc: it.vpc_id().map(VpcId::from),
        },
        (None, None) => found.prefix_list_id().map_or_else(
            || RuleSource::Other(String::new()),
            |list| RuleSource::PrefixList(list.into()),
        ),
    }
}
