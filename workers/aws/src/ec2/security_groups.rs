//! Security groups. A new one of EC2 admits nothing inbound and everything outbound.

use crate::ec2::action::Action;
use crate::ec2::call::{Call, sent};
use crate::ec2::client::Ec2;
use crate::ec2::error::Ec2Error;
use crate::ec2::ids::{SecurityGroupId, VpcId};
use crate::ec2::pages::{PAGE, every_named};
use crate::ec2::scope::Scope;
use crate::ec2::tags::{self, Tags};
use aws_sdk_ec2::operation::create_security_group::builders::CreateSecurityGroupFluentBuilder;
use aws_sdk_ec2::types::ResourceType;

/// A security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    /// `sg-…`.
    pub id: SecurityGroupId,
    /// The VPC that it is in.
    pub vpc: Option<VpcId>,
    /// Its name, unique in its VPC.
    pub name: String,
    /// The words beside it, for people.
    pub description: String,
    /// Who owns it: of a shared VPC it may be another than the VPC's owner.
    pub account: String,
    /// Whether it has any inbound rule. Of a group without one, the rules need not be read.
    pub has_ingress: bool,
    /// Its tags.
    pub tags: Tags,
}

/// A group to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateSecurityGroup {
    /// The VPC that it is for.
    pub vpc: VpcId,
    /// A VPC has a name once.
    pub name: String,
    /// The words beside it, for people.
    pub description: String,
    /// Its tags.
    pub tags: Tags,
}

impl Ec2 {
    /// All groups of these VPCs.
    pub async fn describe_security_groups(
        &self,
        at: &Scope,
        vpcs: &[VpcId],
    ) -> Result<Vec<SecurityGroup>, Ec2Error> {
        let call = Call::start(self, Action::DescribeSecurityGroups, at).await;
        let request = call
            .clients
            .ec2
            .describe_security_groups()
            .max_results(PAGE);
        every_named!(call, request, vpcs as "vpc-id", security_groups, group, |found| found.vpc.as_ref())
    }

    /// Those of these groups that there are in this account.
    pub async fn describe_security_groups_by_id(
        &self,
        at: &Scope,
        groups: &[SecurityGroupId],
    ) -> Result<Vec<SecurityGroup>, Ec2Error> {
        let call = Call::start(self, Action::DescribeSecurityGroups, at).await;
        // A filter, as one unknown id in the call's own list of ids would fail it for all.
        let request = call
            .clients
            .ec2
            .describe_security_groups()
            .max_results(PAGE);
        every_named!(call, request, groups as "group-id", security_groups, group, |found| Some(&found.id))
    }

    /// Makes a group, tagged in the same call. A second one of the name in its VPC is
    /// `AlreadyExists`.
    pub async fn create_security_group(
        &self,
        at: &Scope,
        wanted: &CreateSecurityGroup,
    ) -> Result<SecurityGroupId, Ec2Error> {
        let call = Call::start(self, Action::CreateSecurityGroup, at).await;
        let request = create_security_group(&call, wanted);
        let answer = sent!(call, request);
        Ok(call.needed("groupId", answer.group_id)?.into())
    }

    /// Deletes a group that nothing uses. What an interface or another group's rule still uses is a
    /// [`Dependency`](crate::ec2::Ec2ErrorKind::Dependency).
    pub async fn delete_security_group(
        &self,
        at: &Scope,
        group: &SecurityGroupId,
    ) -> Result<(), Ec2Error> {
        let call = Call::start(self, Action::DeleteSecurityGroup, at).await;
        let request = call
            .clients
            .ec2
            .delete_security_group()
            .group_id(group.as_str());
        sent!(call, request);
        Ok(())
    }
}

pub(crate) fn create_security_group(
    call: &Call<'_>,
    wanted: &CreateSecurityGroup,
) -> CreateSecurityGroupFluentBuilder {
    let request = call
        .clients
        .ec2
        .create_security_group()
        .vpc_id(wanted.vpc.as_str());
    let request = request
        .group_name(&wanted.name)
        .description(&wanted.description);
    request.set_tag_specifications(tags::on_create(ResourceType::SecurityGroup, &wanted.tags))
}

fn group(
    call: &Call<'_>,
    found: &aws_sdk_ec2::types::SecurityGroup,
) -> Result<SecurityGroup, Ec2Error> {
    Ok(SecurityGroup {
        id: call.needed("groupId", found.group_id())?.into(),
        vpc: found.vpc_id().map(VpcId::from),
        name: found.group_name().unwrap_or_default().to_owned(),
        description: found.description().unwrap_or_default().to_owned(),
        account: found.owner_id().unwrap_or_default().to_owned(),
        has_ingress: !found.ip_permissions().is_empty(),
        tags: tags::from_sdk(found.tags()),
    })
}
