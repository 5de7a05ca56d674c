//! Security groups and their rules. Only inbound matters here: a new group of EC2 admits nothing inbound and everything outbound.

use crate::call::Call;
use crate::client::Ec2;
use crate::error::Ec2Error;
use crate::ids::{SecurityGroupId, SecurityGroupRuleId, VpcId};
use crate::routes::canonical;
use crate::settings::Place;
use crate::tags::{self, Tags};
use crate::vpcs::{PAGE, filter, tag_filters};
use aws_sdk_ec2::types::{IpPermission, IpRange, ResourceType};
use ipnet::{IpNet, Ipv4Net};

/// A security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    pub id: SecurityGroupId,
    pub name: String,
    pub owner: String,
    pub vpc: Option<VpcId>,
    pub tags: Tags,
}

/// One rule of a security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroupRule {
    pub id: SecurityGroupRuleId,
    pub group: Option<SecurityGroupId>,
    /// Outbound instead of inbound.
    pub egress: bool,
    /// `tcp`, `udp`, `icmp`, a protocol number, or `-1` for all.
    pub protocol: String,
    /// The first and the last port; -1 for all. Of ICMP it is type and code.
    pub ports: Option<(i32, i32)>,
    pub source: RuleSource,
    pub description: String,
    pub tags: Tags,
}

/// Whom a rule admits (or, outbound, whom it lets be reached).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleSource {
    Cidr(IpNet),
    Group(SecurityGroupId),
    /// A prefix list, or something EC2 did not have when this was written.
    Other(String),
}

/// A rule to be added: TCP, one port, one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngressRule {
    pub source: Ipv4Net,
    pub port: u16,
    pub description: String,
    pub tags: Tags,
}

impl Ec2 {
    /// All groups of the VPC that carry these tags; all there are if none are given.
    pub async fn describe_security_groups(&self, at: &Place, vpc: &VpcId, tagged: &Tags) -> Result<Vec<SecurityGroup>, Ec2Error> {
        let call = Call::start(self, "DescribeSecurityGroups", at).await;
        let filters: Vec<_> = filter("vpc-id", [vpc.as_str()]).into_iter().chain(tag_filters(tagged)).collect();
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let request = call.clients.ec2.describe_security_groups().max_results(PAGE).set_next_token(token.clone());
            let request = request.set_filters(Some(filters.clone()));
            let answer = request.customize().interceptor(call.watch()).send().await.map_err(|error| call.failed(error))?;
            for found in answer.security_groups() {
                all.push(group(&call, found)?);
            }
            token = call.next_page(token, answer.next_token)?;
            if token.is_none() {
                break;
            }
        }
        all.retain(|found: &SecurityGroup| found.vpc.as_ref() == Some(vpc) && tags::include(&found.tags, tagged));
        Ok(all)
    }

    /// Makes a group, tagged in the same call. A VPC has a name once: a second one is `AlreadyExists`.
    pub async fn create_security_group(
        &self,
        at: &Place,
        vpc: &VpcId,
        name: &str,
        description: &str,
        tags: &Tags,
    ) -> Result<SecurityGroupId, Ec2Error> {
        let call = Call::start(self, "CreateSecurityGroup", at).await;
        let request = call.clients.ec2.create_security_group().vpc_id(vpc.as_str()).group_name(name).description(description);
        let request = request.set_tag_specifications(tags::on_create(ResourceType::SecurityGroup, tags));
        let answer = request.customize().interceptor(call.watch()).send().await.map_err(|error| call.failed(error))?;
        Ok(call.needed("groupId", answer.group_id)?.into())
    }

    /// Deletes a group that nothing uses.
    pub async fn delete_security_group(&self, at: &Place, group: &SecurityGroupId) -> Result<(), Ec2Error> {
        let call = Call::start(self, "DeleteSecurityGroup", at).await;
        let request = call.clients.ec2.delete_security_group().group_id(group.as_str());
        request.customize().interceptor(call.watch()).send().await.map_err(|error| call.failed(error))?;
        Ok(())
    }

    /// All rules of the group, inbound and outbound.
    pub async fn describe_security_group_rules(&self, at: &Place, group: &SecurityGroupId) -> Result<Vec<SecurityGroupRule>, Ec2Error> {
        let call = Call::start(self, "DescribeSecurityGroupRules", at).await;
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let request = call.clients.ec2.describe_security_group_rules().max_results(PAGE).set_next_token(token.clone());
            let request = request.set_filters(filter("group-id", [group.as_str()]).map(|only| vec![only]));
            let answer = request.customize().interceptor(call.watch()).send().await.map_err(|error| call.failed(error))?;
            for found in answer.security_group_rules() {
                all.push(rule(&call, found)?);
            }
            token = call.next_page(token, answer.next_token)?;
            if token.is_none() {
                break;
            }
        }
        all.retain(|found: &SecurityGroupRule| found.group.as_ref() == Some(group));
        Ok(all)
    }

    /// Adds one rule, tagged in the same call. One at a time: with several, it is not documented whether some stay when one fails.
    pub async fn authorize_security_group_ingress(
        &self,
        at: &Place,
        group: &SecurityGroupId,
        wanted: &IngressRule,
    ) -> Result<SecurityGroupRule, Ec2Error> {
        let call = Call::start(self, "AuthorizeSecurityGroupIngress", at).await;
        let source = IpRange::builder().cidr_ip(canonical(wanted.source)).description(&wanted.description).build();
        let port = i32::from(wanted.port);
        let permission = IpPermission::builder().ip_protocol("tcp").from_port(port).to_port(port).ip_ranges(source).build();
        let request = call.clients.ec2.authorize_security_group_ingress().group_id(group.as_str()).ip_permissions(permission);
        let request = request.set_tag_specifications(tags::on_create(ResourceType::SecurityGroupRule, &wanted.tags));
        let answer = request.customize().interceptor(call.watch()).send().await.map_err(|error| call.failed(error))?;
        rule(&call, call.needed("securityGroupRule", answer.security_group_rules().first())?)
    }

    /// Removes one inbound rule.
    pub async fn revoke_security_group_ingress(
        &self,
        at: &Place,
        group: &SecurityGroupId,
        rule: &SecurityGroupRuleId,
    ) -> Result<(), Ec2Error> {
        let call = Call::start(self, "RevokeSecurityGroupIngress", at).await;
        let request = call.clients.ec2.revoke_security_group_ingress().group_id(group.as_str()).security_group_rule_ids(rule.as_str());
        request.customize().interceptor(call.watch()).send().await.map_err(|error| call.failed(error))?;
        Ok(())
    }
}

fn group(call: &Call<'_>, found: &aws_sdk_ec2::types::SecurityGroup) -> Result<SecurityGroup, Ec2Error> {
    Ok(SecurityGroup {
        id: call.needed("groupId", found.group_id())?.into(),
        name: found.group_name().unwrap_or_default().to_owned(),
        owner: found.owner_id().unwrap_or_default().to_owned(),
        vpc: found.vpc_id().map(VpcId::from),
        tags: tags::from_sdk(found.tags()),
    })
}

fn rule(call: &Call<'_>, found: &aws_sdk_ec2::types::SecurityGroupRule) -> Result<SecurityGroupRule, Ec2Error> {
    Ok(SecurityGroupRule {
        id: call.needed("securityGroupRuleId", found.security_group_rule_id())?.into(),
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
    let referenced = found.referenced_group_info().and_then(|group| group.group_id());
    match (cidr, referenced) {
        (Some(text), _) => text.parse::<IpNet>().map_or_else(|_| RuleSource::Other(text.to_owned()), |cidr| RuleSource::Cidr(cidr.trunc())),
        (None, Some(group)) => RuleSource::Group(group.into()),
        (None, None) => RuleSource::Other(found.prefix_list_id().unwrap_or_default().to_owned()),
    }
}
