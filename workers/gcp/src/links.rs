//! Links as a side sees them: its network's own halves, each with what it has of the other one.

use crate::{
    AT_ONCE, Asked,
    compute::{
        Compute, ComputeError, NetworkName,
        model::{NetworkPeering, PeeringRoute},
        names::is_number,
    },
};
use cloud::{CloudError, CloudErrorKind, LinkEnd, LinkState, LinkView, owner_by_name};
use domain::{network::LinkOption, text::CloudNetwork};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use ipnet::IpNet;
use std::collections::BTreeMap;

/// A half, the network that it belongs to, and the one that it is to be connected to.
struct Found {
    own: CloudNetwork,
    other: NetworkName,
    half: NetworkPeering,
    routes: Vec<PeeringRoute>,
}

/// The links of these networks. A half that is connected is asked for its routes besides: only they
/// prove that there are some.
pub(crate) async fn links(
    compute: &Compute,
    asked: &Asked<'_>,
    of: &[CloudNetwork],
) -> Result<Vec<LinkView>, CloudError> {
    let there = crate::networks::found(compute, asked, of).await?;
    let halves = there.into_iter().flat_map(|(own, network)| {
        let halves = network.peerings.into_iter();
        halves.map(move |half| (own.clone(), half))
    });
    let one = |(own, half): (CloudNetwork, NetworkPeering)| async move {
        let name = asked.network(&own);
        let other = other_of(&half, &name)?;
        let other = by_name(compute, other).await?;
        let routes = if is_active(&half) {
            let region = asked.region();
            compute.peering_routes(&name, &half.name, region).await?
        } else {
            Vec::new()
        };
        Ok(Found {
            own,
            other,
            half,
            routes,
        })
    };
    let all: Vec<_> = halves.map(one).collect();
    let all = stream::iter(all).buffered(AT_ONCE);
    let all: Result<Vec<Found>, ComputeError> = all.try_collect().await;
    let all = all.map_err(|error| asked.failed(error))?;
    all.into_iter().map(|it| view(asked, it)).collect()
}

/// The network that a half is to be connected to.
pub(crate) fn other_of(
    half: &NetworkPeering,
    own: &NetworkName,
) -> Result<NetworkName, ComputeError> {
    NetworkName::of(&half.network, &own.project).ok_or_else(|| {
        let message = format!("`{}` names no network: `{}`", half.name, half.network);
        ComputeError::new("networks.get", CloudErrorKind::Unexpected, message)
    })
}

/// The network by its names, where it is shown by a number. What may not be looked up stays as it
/// is shown.
pub(crate) async fn by_name(
    compute: &Compute,
    mut network: NetworkName,
) -> Result<NetworkName, ComputeError> {
    if !network.is_by_number() {
        return Ok(network);
    }
    if is_number(&network.project) {
        match compute.project(&network.project).await {
            Ok(project) => network.project = project.name,
            Err(error) if is_hidden(&error) => {}
            Err(error) => return Err(error),
        }
    }
    if is_number(&network.network) {
        match compute.network(&network).await {
            Ok(found) => network.network = found.name,
            Err(error) if is_hidden(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(network)
}

fn is_hidden(error: &ComputeError) -> bool {
    matches!(
        error.kind,
        CloudErrorKind::Denied | CloudErrorKind::NotFound
    )
}

/// Whether the half and its other one match.
pub(crate) fn is_active(half: &NetworkPeering) -> bool {
    half.state.as_deref() == Some("ACTIVE")
}

/// Whether the other side has to agree before the connection changes or ends.
pub(crate) fn is_by_agreement(half: &NetworkPeering) -> bool {
    let effective = half.connection_status.as_ref();
    let effective = effective.and_then(|it| it.update_strategy.as_deref());
    let strategy = effective.or(half.update_strategy.as_deref());
    is_active(half) && strategy == Some("CONSENSUS")
}

/// What has been agreed on of the end of the connection.
pub(crate) fn delete_status(half: &NetworkPeering) -> Option<&str> {
    let status = half.connection_status.as_ref()?.consensus_state.as_ref()?;
    status.delete_status.as_deref()
}

/// The options of a half. What the service leaves out has its default.
pub(crate) fn options(half: &NetworkPeering) -> BTreeMap<LinkOption, bool> {
    BTreeMap::from([
        (
            LinkOption::ExportCustomRoutes,
            half.export_custom_routes.unwrap_or(false),
        ),
        (
            LinkOption::ImportCustomRoutes,
            half.import_custom_routes.unwrap_or(false),
        ),
        (LinkOption::DualStack, is_dual(half)),
    ])
}

fn is_dual(half: &NetworkPeering) -> bool {
    half.stack_type.as_deref() == Some("IPV4_IPV6")
}

/// A half that has lost its other one is told like one that never had any.
fn state(half: &NetworkPeering) -> LinkState {
    match half.state.as_deref() {
        Some("ACTIVE") => LinkState::Active,
        Some("INACTIVE") => LinkState::Pending,
        Some(other) => LinkState::Unknown(other.to_owned()),
        None => LinkState::Unknown("untold".to_owned()),
    }
}

fn view(asked: &Asked<'_>, found: Found) -> Result<LinkView, CloudError> {
    let Found {
        own,
        other,
        half,
        routes,
    } = found;
    let link = asked.name("peering", &half.name)?;
    let ranges = |is_meant: fn(&PeeringRoute) -> bool| -> Vec<IpNet> {
        let meant = routes.iter().filter(|it| is_meant(it));
        meant.filter_map(|it| it.dest_range.parse().ok()).collect()
    };
    let imported: fn(&PeeringRoute) -> bool = |it| it.imported;
    let of_subnets: fn(&PeeringRoute) -> bool =
        |it| it.imported && it.kind.as_deref() == Some("SUBNET_PEERING_ROUTE");
    let own = asked.network_ref(&asked.network(&own))?;
    Ok(LinkView {
        owner: owner_by_name(&link),
        link,
        first: LinkEnd {
            options: options(&half),
            imports: ranges(imported),
            ..LinkEnd::new(own, Vec::new())
        },
        second: LinkEnd::new(asked.network_ref(&other)?, ranges(of_subnets)),
        state: state(&half),
        message: message(&half),
        expires_at: None,
    })
}

/// The service's own words, and what has been agreed on.
fn message(half: &NetworkPeering) -> Option<String> {
    let words = half.state_details.clone();
    if !is_by_agreement(half) {
        return words;
    }
    let status = delete_status(half).unwrap_or("not asked for");
    let words = words.unwrap_or_default();
    let agreed = format!("{words} It ends by agreement of both sides: {status}");
    Some(agreed.trim_start().to_owned())
}
