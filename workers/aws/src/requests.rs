//! What is asked of EC2, in its words.

use super::{NAME_TAG, vpc};
use crate::ec2::{CreatePeering, CreateSecurityGroup, IngressRule, IngressSource, Tags};
use cloud::{
    AccountRegion, CloudError, CloudErrorKind, LinkSpec, OWNER_TAG, Operation, Owner, group_name,
};
use domain::{AdmittedSource, Provider, network::InboundRule, text::CloudNetwork};

/// EC2's scope of an account and region. Another provider's is a mistake in how the clouds were put
/// together.
pub(super) fn scope(
    operation: Operation,
    at: &AccountRegion,
) -> Result<crate::ec2::Scope, CloudError> {
    match at.provider {
        Provider::Aws => {}
        Provider::Gcp | Provider::Azure => {
            return Err(CloudError::new(operation, at, CloudErrorKind::Unsupported));
        }
    }
    let scope = crate::ec2::Scope::new(at.account.as_str(), at.region.as_str());
    Ok(match &at.external_id {
        Some(id) => scope.with_external_id(id.as_str()),
        None => scope,
    })
}

pub(super) fn peering(spec: &LinkSpec, tags: &Tags) -> Result<CreatePeering, CloudError> {
    let (requester, accepter) = (&spec.first.network, &spec.second.network);
    let peer = scope(Operation::CreateLink, &accepter.at)?;
    Ok(CreatePeering {
        vpc: vpc(&requester.network),
        peer,
        peer_vpc: vpc(&accepter.network),
        tags: owned(spec.owner, tags),
    })
}

pub(super) fn group(network: &CloudNetwork, owner: Owner, tags: &Tags) -> CreateSecurityGroup {
    let description = format!("What peering {} admits", owner.peering);
    CreateSecurityGroup {
        vpc: vpc(network),
        name: group_name(owner.peering),
        description,
        tags: owned(owner, tags),
    }
}

pub(super) fn rule(rule: InboundRule, owner: Owner, tags: &Tags) -> IngressRule {
    IngressRule {
        source: match rule.source {
            AdmittedSource::Range(range) => IngressSource::Cidr(range.net()),
            AdmittedSource::Group(it) => IngressSource::Group {
                group: it.group().into(),
                account: it.account().to_owned(),
            },
        },
        port: rule.port,
        description: format!("peering {}", owner.peering),
        tags: owned(owner, tags),
    }
}

/// The tag that says whose a thing is, alone.
pub(super) fn owner(owner: Owner) -> Tags {
    Tags::from([(OWNER_TAG.to_owned(), owner.to_string())])
}

/// The tags of what the engine makes for a peering: its own, and those that are asked of
/// everything.
pub(super) fn owned(owner: Owner, tags: &Tags) -> Tags {
    let mut all = tags.clone();
    all.insert(OWNER_TAG.to_owned(), owner.to_string());
    all.insert(NAME_TAG.to_owned(), group_name(owner.peering));
    all
}
