//! The permissions that each operation takes, in IAM's words, and whether the caller has them.

use crate::{Asked, compute::Compute};
use cloud::{CloudError, CloudErrorKind, Operation, Rehearsal, Rehearsed};

/// The permissions that an operation takes. A firewall rule is a part of its network's policy, and
/// what a change was begun with is asked about by the operation's name.
pub(crate) fn of(operation: Operation) -> &'static [&'static str] {
    match operation {
        Operation::Identity => &["compute.projects.get"],
        Operation::Networks => &["compute.networks.get", "compute.subnetworks.list"],
        Operation::Subnets => &["compute.subnetworks.list"],
        Operation::Links => &["compute.networks.get", "compute.networks.listPeeringRoutes"],
        Operation::RouteTables => &["compute.networks.get", "compute.routes.list"],
        Operation::FirewallGroups | Operation::AccessLists => &[
            "compute.networks.get",
            "compute.firewalls.list",
            "compute.networks.getEffectiveFirewalls",
            "compute.networks.getRegionEffectiveFirewalls",
            "compute.subnetworks.list",
        ],
        Operation::Quotas => &["cloudquotas.quotas.get"],
        Operation::DnsSupport => &["compute.networks.get"],
        Operation::OperationState => &["compute.globalOperations.get"],
        Operation::CreateLink | Operation::AcceptLink => {
            &["compute.networks.get", "compute.networks.addPeering"]
        }
        Operation::DeleteLink => &["compute.networks.get", "compute.networks.removePeering"],
        Operation::SetOption => &[
            "compute.networks.get",
            "compute.networks.updatePeering",
            "compute.globalOperations.get",
        ],
        Operation::CreateGroup => &[
            "compute.firewalls.create",
            "compute.networks.updatePolicy",
            "compute.globalOperations.get",
        ],
        Operation::DeleteGroup => &[
            "compute.firewalls.list",
            "compute.firewalls.delete",
            "compute.networks.updatePolicy",
            "compute.globalOperations.get",
        ],
        Operation::AuthorizeRule => &[
            "compute.firewalls.get",
            "compute.firewalls.create",
            "compute.networks.updatePolicy",
            "compute.globalOperations.get",
        ],
        Operation::RevokeRule => &[
            "compute.firewalls.get",
            "compute.firewalls.delete",
            "compute.firewalls.update",
            "compute.networks.updatePolicy",
            "compute.globalOperations.get",
        ],
        Operation::TagFirewall => &[
            "compute.firewalls.get",
            "compute.firewalls.update",
            "compute.networks.updatePolicy",
            "compute.globalOperations.get",
        ],
        Operation::CreateNetwork => &[
            "compute.networks.create",
            "compute.networks.get",
            "compute.networks.updatePolicy",
            "compute.subnetworks.create",
            "compute.subnetworks.list",
            "compute.globalOperations.get",
            "compute.regionOperations.get",
        ],
        // Answered without a call, or by anybody.
        Operation::Interfaces
        | Operation::Rehearse
        | Operation::TagLink
        | Operation::InstallRoute
        | Operation::RemoveRoute
        | Operation::AttachGroup
        | Operation::DetachGroup
        | Operation::MakeDenial
        | Operation::RemoveDenial => &[],
    }
}

/// Whether the caller has what a change takes: the Resource Manager says which of the permissions
/// are granted, and nothing is changed. Where it does not answer nobody was asked.
pub(crate) async fn rehearse(
    compute: &Compute,
    asked: &Asked<'_>,
    rehearsal: &Rehearsal,
) -> Result<Rehearsed, CloudError> {
    let operation = match rehearsal {
        Rehearsal::CreateLink(_) => Operation::CreateLink,
        Rehearsal::AcceptLink { .. } => Operation::AcceptLink,
        Rehearsal::CreateGroup { .. } => Operation::CreateGroup,
    };
    let needed = of(operation);
    let granted = match compute.granted(asked.project(), needed).await {
        Ok(Some(granted)) => granted,
        Ok(None) => return Ok(Rehearsed::NotAvailable),
        // The Resource Manager is an API of its own, which the project may not have enabled.
        Err(error)
            if matches!(
                error.kind,
                CloudErrorKind::Denied | CloudErrorKind::NotFound
            ) =>
        {
            return Ok(Rehearsed::NotAvailable);
        }
        Err(error) => return Err(asked.failed(error)),
    };
    let lacks = |it: &&&str| !granted.iter().any(|granted| granted == **it);
    let missing: Vec<&str> = needed.iter().filter(lacks).copied().collect();
    if missing.is_empty() {
        return Ok(Rehearsed::Allowed);
    }
    let message = format!("{} lacks {}", asked.project(), missing.join(", "));
    Ok(Rehearsed::Refused { message })
}
