//! Halves: made, changed and removed one side at a time, by the side's own network.
//!
//! A network is looked at right before a half of it is changed: the service tells a name that is
//! taken and a network that is peered already in words alone, so that they are found out here. The
//! request's name goes with the change; sent again it gives the same operation.

use crate::{
    Asked,
    compute::{
        Compute, ComputeError, NetworkName,
        model::{Network, NetworkPeering, PeeringBody},
    },
    links, malformed,
};
use cloud::{
    About, CloudError, CloudErrorKind, HalfAnswer, LinkSpec, NetworkRef, OperationState, RequestId,
};
use domain::{
    Provider, Side,
    network::LinkOption,
    text::{CloudOperation, Link},
};
use ipnet::IpNet;
use uuid::Uuid;

/// Asks for this side's half.
pub(crate) async fn make(
    compute: &Compute,
    asked: &Asked<'_>,
    spec: &LinkSpec,
    side: Side,
    request: RequestId,
) -> Result<HalfAnswer, CloudError> {
    let Some(name) = &spec.link else {
        return Err(malformed(asked, "a half has a name that is chosen before"));
    };
    let network = asked.network(&spec.network(side).network);
    let other = name_of(spec.other(side));
    let shown = read(compute, asked, &network).await?;
    let there = |message: String| asked.error(CloudErrorKind::AlreadyThere).message(message);
    for half in &shown.peerings {
        let joined = links::other_of(half, &network).map_err(|error| asked.failed(error))?;
        let joined = links::by_name(compute, joined).await;
        let joined = joined.map_err(|error| asked.failed(error))?;
        if joined == other {
            let message = format!("`{}` refers to {other} already", half.name);
            return Err(there(message));
        }
        // The name is ours, and the half is not the one that was asked for.
        if half.name == name.as_str() {
            let taken = asked.error(CloudErrorKind::Conflict);
            return Err(taken.message(format!("`{name}` is there, and refers to {joined}")));
        }
    }
    let (own, others) = match side {
        Side::Local => (&spec.first.ranges, &spec.second.ranges),
        Side::Remote => (&spec.second.ranges, &spec.first.ranges),
    };
    let body = PeeringBody {
        name: name.to_string(),
        network: other.to_string(),
        exchange_subnet_routes: true,
        export_custom_routes: false,
        import_custom_routes: false,
        export_subnet_routes_with_public_ip: has_public(own),
        import_subnet_routes_with_public_ip: has_public(others),
        stack_type: IPV4_ONLY,
    };
    let begun = compute.add_peering(&network, body, request.0).await;
    started(asked, begun.map_err(|error| asked.failed(error))?.name)
}

/// Asks for this side's half to be removed: at once, or, where both sides have to agree, by asking
/// the other one first.
pub(crate) async fn remove(
    compute: &Compute,
    asked: &Asked<'_>,
    spec: &LinkSpec,
    side: Side,
    request: RequestId,
) -> Result<HalfAnswer, CloudError> {
    let Some(name) = &spec.link else {
        return Err(malformed(asked, "no half is named that could be removed"));
    };
    let network = asked.network(&spec.network(side).network);
    let shown = read(compute, asked, &network).await?;
    let Some(half) = find(&shown, name) else {
        let gone = asked.error(CloudErrorKind::NotFound);
        return Err(gone.message(format!("`{name}` is not there")));
    };
    let begun = match (links::is_by_agreement(half), links::delete_status(half)) {
        (false, _) | (true, Some("DELETE_ACKNOWLEDGED")) => {
            compute
                .remove_peering(&network, name.as_str(), request.0)
                .await
        }
        // It was asked for, and asking again moves nobody.
        (true, Some("LOCAL_DELETE_REQUESTED")) => {
            return Err(asked
                .error(CloudErrorKind::Precondition)
                .code("LOCAL_DELETE_REQUESTED")
                .message(agreement(half, &network, name)));
        }
        (true, _) => {
            // Another change than the removal, so under another name.
            let request = Uuid::new_v5(&request.0, b"requestRemovePeering");
            compute
                .request_remove_peering(&network, name.as_str(), request)
                .await
        }
    };
    started(asked, begun.map_err(|error| asked.failed(error))?.name)
}

/// What the other side's owner has to do, since nobody else can.
fn agreement(half: &NetworkPeering, own: &NetworkName, name: &Link) -> String {
    let command = match links::other_of(half, own) {
        Ok(other) => format!(
            "gcloud compute networks peerings request-delete <its name there> --project {} --network {}",
            other.project, other.network
        ),
        Err(_) => "gcloud compute networks peerings request-delete".to_owned(),
    };
    format!(
        "`{name}` ends by agreement: its removal is asked for, and the other network's owner has to ask for it too: {command}"
    )
}

/// What has become of a change that was begun.
pub(crate) async fn operation(
    compute: &Compute,
    asked: &Asked<'_>,
    operation: &CloudOperation,
) -> Result<OperationState, CloudError> {
    let found = compute.operation(asked.project(), operation.as_str()).await;
    let found = found.map_err(|error| asked.failed(error))?;
    if !found.is_over() {
        return Ok(OperationState::Running);
    }
    let failed = ComputeError::of_operation("globalOperations.get", &found);
    Ok(failed.map_or(OperationState::Done, |error| {
        let code = error.code.map(|code| format!("{code}: "));
        let kinds = [CloudErrorKind::Unexpected, CloudErrorKind::InvalidRequest];
        let about = kinds
            .contains(&error.kind)
            .then_some(About::FailedOperation);
        OperationState::Failed {
            kind: error.kind,
            about,
            message: code.unwrap_or_default() + &error.message,
        }
    }))
}

/// Sets an option of this network's half, and waits until that is done. The half is written as it
/// was read, with the one thing changed; one that is as it is wanted is not written.
pub(crate) async fn set_option(
    compute: &Compute,
    asked: &Asked<'_>,
    network: &NetworkRef,
    name: &Link,
    option: LinkOption,
    enabled: bool,
) -> Result<(), CloudError> {
    if option.provider() != Provider::Gcp {
        return Err(asked.unsupported("a peering of Google Cloud has no such option"));
    }
    let network = asked.network(&network.network);
    let shown = read(compute, asked, &network).await?;
    let Some(half) = find(&shown, name) else {
        let gone = asked.error(CloudErrorKind::NotFound);
        return Err(gone.message(format!("`{name}` is not there")));
    };
    let mut options = links::options(half);
    if options.insert(option, enabled) == Some(enabled) {
        return Ok(());
    }
    let is_on = |option| options.get(&option).copied().unwrap_or(false);
    let body = PeeringBody {
        name: name.to_string(),
        network: half.network.clone(),
        exchange_subnet_routes: true,
        export_custom_routes: is_on(LinkOption::ExportCustomRoutes),
        import_custom_routes: is_on(LinkOption::ImportCustomRoutes),
        // The service's own defaults, where it says nothing.
        export_subnet_routes_with_public_ip: half
            .export_subnet_routes_with_public_ip
            .unwrap_or(true),
        import_subnet_routes_with_public_ip: half
            .import_subnet_routes_with_public_ip
            .unwrap_or(false),
        stack_type: if is_on(LinkOption::DualStack) {
            IPV4_IPV6
        } else {
            IPV4_ONLY
        },
    };
    let begun = compute.update_peering(&network, body).await;
    let begun = begun.map_err(|error| asked.failed(error))?;
    let method = "networks.updatePeering";
    let done = compute.finish(method, asked.project(), begun).await;
    done.map_err(|error| asked.failed(error))
}

const IPV4_ONLY: &str = "IPV4_ONLY";
const IPV4_IPV6: &str = "IPV4_IPV6";

async fn read(
    compute: &Compute,
    asked: &Asked<'_>,
    network: &NetworkName,
) -> Result<Network, CloudError> {
    let shown = compute.network(network).await;
    shown.map_err(|error| asked.failed(error))
}

fn find<'n>(network: &'n Network, name: &Link) -> Option<&'n NetworkPeering> {
    let mut halves = network.peerings.iter();
    halves.find(|half| half.name == name.as_str())
}

fn name_of(network: &NetworkRef) -> NetworkName {
    NetworkName::new(network.at.account.as_str(), network.network.as_str())
}

fn started(asked: &Asked<'_>, operation: String) -> Result<HalfAnswer, CloudError> {
    let operation = asked.name("operation", &operation)?;
    Ok(HalfAnswer::Started { operation })
}

/// Whether a network uses public addresses as its own: their routes are exchanged only where that
/// is said. Those for special use are always exchanged.
fn has_public(ranges: &[IpNet]) -> bool {
    let special = [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "240.0.0.0/4",
    ];
    let is_special = |range: &IpNet| {
        let mut all = special.iter().filter_map(|it| it.parse::<IpNet>().ok());
        all.any(|it| it.contains(range))
    };
    let mut v4 = ranges.iter().filter(|it| matches!(it, IpNet::V4(_)));
    v4.any(|range| !is_special(range))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_of_public_addresses_are_exchanged_only_where_a_side_has_some() {
        let has = |text: &str| has_public(&[text.parse().unwrap()]);
        for private in [
            "10.20.0.0/16",
            "172.31.0.0/16",
            "192.168.1.0/24",
            "100.64.0.0/16",
            "fd00::/48",
        ] {
            assert!(!has(private), "{private}");
        }
        for public in ["8.8.8.0/24", "172.32.0.0/16", "9.0.0.0/8"] {
            assert!(has(public), "{public}");
        }
        assert!(!has_public(&[]));
    }
}
