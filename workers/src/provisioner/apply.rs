//! Apply: one action at the cloud, and what the call said of it.
//!
//! What a call says is never recorded as an outcome: only a look afterwards is. The one exception is no success: a definite
//! error to the creation of a link.

use super::place;
use crate::cloud::{Cloud, CloudError, CloudErrorKind, Operation};
use domain::{
    Range, Side,
    network::{InboundRule, Peering, Registered},
    text::{FirewallGroup, FirewallRule, Link, RouteTable},
};

/// Everything that the provisioner ever changes at a cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    CreateLink { attempt: u32 },
    AcceptLink { link: Link },
    InstallRoute { side: Side, table: RouteTable, destination: Range, link: Link },
    CreateGroup { side: Side },
    AuthorizeRule { side: Side, group: FirewallGroup, rule: InboundRule },
    RevokeRule { side: Side, group: FirewallGroup, id: FirewallRule },
}

impl Action {
    /// The side whose identity carries it out.
    pub(super) fn side(&self) -> Side {
        match self {
            Self::CreateLink { .. } => Side::Local,
            Self::AcceptLink { .. } => Side::Remote,
            Self::InstallRoute { side, .. }
            | Self::CreateGroup { side }
            | Self::AuthorizeRule { side, .. }
            | Self::RevokeRule { side, .. } => *side,
        }
    }
}

/// What the call said.
#[derive(Clone, Debug)]
pub(super) enum Report {
    /// It is done, or was done before: a look will show it, perhaps later.
    Answered,
    Failed(CloudError),
}

/// Carries out one action with one call.
pub(super) async fn apply(cloud: &dyn Cloud, network: &Registered, peering: &Peering, action: &Action) -> Report {
    let side = action.side();
    let at = place::of(network, peering, side);
    let result = match action {
        Action::CreateLink { .. } => cloud.create_link(&place::link(network, peering)).await.map(drop),
        Action::AcceptLink { link } => cloud.accept_link(&at, link).await,
        Action::InstallRoute { table, destination, link, .. } => cloud.install_route(&at, table, *destination, link).await,
        Action::CreateGroup { .. } => cloud.create_group(&place::network(network, peering, side), peering.id).await.map(drop),
        Action::AuthorizeRule { group, rule, .. } => cloud.authorize_rule(&at, group, *rule, peering.id).await.map(drop),
        Action::RevokeRule { group, id, .. } => cloud.revoke_rule(&at, group, id).await,
    };
    report(action, result)
}

fn report(action: &Action, result: Result<(), CloudError>) -> Report {
    let Err(error) = result else { return Report::Answered };
    let done_before = match error.kind {
        CloudErrorKind::AlreadyThere => !matches!(action, Action::CreateLink { .. } | Action::AcceptLink { .. }),
        CloudErrorKind::NotFound => matches!(action, Action::RevokeRule { .. }),
        CloudErrorKind::Conflict
        | CloudErrorKind::WrongState
        | CloudErrorKind::Busy
        | CloudErrorKind::Denied
        | CloudErrorKind::CredentialsRefused
        | CloudErrorKind::WrongAccount { .. }
        | CloudErrorKind::Quota
        | CloudErrorKind::Throttled { .. }
        | CloudErrorKind::Unreachable
        | CloudErrorKind::Ambiguous
        | CloudErrorKind::InvalidRequest
        | CloudErrorKind::Unsupported
        | CloudErrorKind::Unexpected => false,
    };
    if done_before { Report::Answered } else { Report::Failed(error) }
}

/// Makes sure that calls for this side act in the account on record; before every batch of changes.
pub(super) async fn check_identity(cloud: &dyn Cloud, network: &Registered, peering: &Peering, side: Side) -> Result<(), CloudError> {
    let at = place::of(network, peering, side);
    let actual = cloud.identity(&at).await?;
    if actual == at.account {
        return Ok(());
    }
    let expected = at.account.clone();
    Err(CloudError::new(Operation::Identity, &at, CloudErrorKind::WrongAccount { expected, actual }))
}
