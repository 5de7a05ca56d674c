//! Peering connections as links.

use super::{super::refusals::Asked, owner};
use crate::ec2::{MultipathStatus, PeeringConnection, PeeringEnd, PeeringStatus};
use cloud::{
    AccountRegion, CloudError, CloudErrorKind, LinkEnd, LinkSpec, LinkState, LinkView, NetworkRef,
};
use domain::{Provider, Region, network::LinkOption, text::Link};

/// The connection as a link; `None` if an end has no name in our words, as one whose network is not
/// shown. An end in a region that nobody here knows is a stranger's, and is kept.
pub(in super::super) fn link(
    asked: &Asked<'_>,
    found: &PeeringConnection,
) -> Result<Option<LinkView>, CloudError> {
    let end = |of| end(asked, of, found.multipath);
    let (Some(requester), Some(accepter)) = (end(&found.requester), end(&found.accepter)) else {
        tracing::debug!(link = %found.id, at = %asked.scope, "a peering connection that leads where we cannot say");
        return Ok(None);
    };
    Ok(Some(LinkView {
        link: asked.name("peering connection", found.id.as_str())?,
        first: requester,
        second: accepter,
        state: link_state(&found.status),
        message: (!found.status_message.is_empty()).then(|| found.status_message.clone()),
        expires_at: found.expires,
        owner: owner(&found.tags),
    }))
}

/// The connection that a request was answered with, if it is the one that was asked for: EC2
/// answers a second request with the connection that is there, whatever its tags.
pub(in super::super) fn made(
    asked: &Asked<'_>,
    spec: &LinkSpec,
    answered: &PeeringConnection,
) -> Result<Link, CloudError> {
    let verified = match link(asked, answered)? {
        Some(view) => spec.verify(&view),
        None => Err(CloudErrorKind::AlreadyThere),
    };
    verified.map_err(|kind| {
        let (id, state) = (&answered.id, &answered.status);
        asked.error(kind).message(format!(
            "the answer is {id}, {state}, which does not carry the tag of this request"
        ))
    })
}

/// The end with what EC2 says of its account and region; who compares it with the intent must see a
/// stranger as a stranger. What EC2 leaves out is taken from where it was asked.
fn end(
    asked: &Asked<'_>,
    found: &PeeringEnd,
    multipath: Option<MultipathStatus>,
) -> Option<LinkEnd> {
    let told = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let account = told(&found.account)
        .unwrap_or_else(|| asked.scope.account.clone())
        .parse()
        .ok()?;
    let region = told(&found.region).unwrap_or_else(|| asked.scope.region.clone());
    let at = AccountRegion {
        provider: Provider::Aws,
        account,
        region: Region::named(&region).ok()?,
        external_id: None,
    };
    let network = NetworkRef {
        at,
        network: found.vpc.as_ref()?.as_str().parse().ok()?,
    };
    let (names, paths) = (
        found.allow_dns_resolution_from_remote_vpc,
        found.allow_multipath_resilience,
    );
    let told = [
        (LinkOption::DnsResolution, names),
        (LinkOption::MultipathResilience, paths),
    ];
    let effect = multipath
        .filter(|_| paths == Some(true))
        .map(|it| match it {
            MultipathStatus::Enabled => true,
            MultipathStatus::Pending | MultipathStatus::Disabled => false,
        });
    let effect = effect.map(|it| (LinkOption::MultipathResilience, it));
    Some(LinkEnd {
        in_effect: effect.into_iter().collect(),
        options: told
            .into_iter()
            .filter_map(|(option, told)| Some((option, told?)))
            .collect(),
        ..LinkEnd::new(network, found.cidrs.clone())
    })
}

fn link_state(status: &PeeringStatus) -> LinkState {
    match status {
        PeeringStatus::InitiatingRequest => LinkState::Initiating,
        PeeringStatus::PendingAcceptance => LinkState::Pending,
        PeeringStatus::Provisioning => LinkState::Provisioning,
        PeeringStatus::Active => LinkState::Active,
        PeeringStatus::Rejected => LinkState::Rejected,
        PeeringStatus::Expired => LinkState::Expired,
        PeeringStatus::Failed => LinkState::Failed,
        PeeringStatus::Deleting => LinkState::Deleting,
        PeeringStatus::Deleted => LinkState::Deleted,
        PeeringStatus::Other(code) => LinkState::Unknown(code.clone()),
    }
}
