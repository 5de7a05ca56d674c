//! What a change that is asked for twice may say.

use cloud::{CloudErrorKind, Operation};

/// What a repeat of this change may say once the change is there: nothing or an error's kind. Of a
/// second request for a link a case of its own speaks.
pub(crate) fn repeats(operation: Operation) -> &'static [Option<CloudErrorKind>] {
    const THERE: &[Option<CloudErrorKind>] = &[Some(CloudErrorKind::AlreadyThere)];
    const GONE: &[Option<CloudErrorKind>] = &[Some(CloudErrorKind::NotFound)];
    match operation {
        Operation::TagLink | Operation::TagFirewall | Operation::SetOption => &[None],
        Operation::AcceptLink => &[Some(CloudErrorKind::WrongState)],
        Operation::DeleteLink => &[
            Some(CloudErrorKind::WrongState),
            Some(CloudErrorKind::NotFound),
        ],
        Operation::InstallRoute
        | Operation::CreateGroup
        | Operation::AuthorizeRule
        | Operation::AttachGroup
        | Operation::MakeDenial => THERE,
        Operation::RemoveRoute
        | Operation::RevokeRule
        | Operation::DeleteGroup
        | Operation::DetachGroup
        | Operation::RemoveDenial => GONE,
        Operation::CreateLink
        | Operation::Networks
        | Operation::Subnets
        | Operation::Links
        | Operation::RouteTables
        | Operation::FirewallGroups
        | Operation::AccessLists
        | Operation::Interfaces
        | Operation::DnsSupport
        | Operation::Identity
        | Operation::Rehearse
        | Operation::Quotas
        | Operation::OperationState
        | Operation::CreateNetwork => &[],
    }
}
