//! What can be switched on a half: each flag is read with all others, changed and written back with
//! them. Access is one of them, and is given to nobody whom a network security group lets in.

use crate::{
    arm::{
        Arm, ResourceId,
        model::{Flags, Half, Vnet},
        same,
    },
    firewall::{self, Given},
    halves,
    refusals::Asked,
};
use cloud::{About, CloudError, CloudErrorKind, NetworkRef, Operation, Switch};
use domain::{network::LinkOption, text::Link};

pub(crate) async fn set(
    (arm, given): (&Arm, &Given),
    network: &NetworkRef,
    link: &Link,
    option: LinkOption,
    to: Switch,
) -> Result<(), CloudError> {
    let asked = Asked::of(Operation::SetOption, &network.at);
    let vnet = asked.vnet(&network.network)?;
    let half = halves::id(&asked, &vnet, link)?;
    let switch: fn(&mut Flags) -> &mut bool = match option {
        LinkOption::VirtualNetworkAccess => |it| &mut it.allow_virtual_network_access,
        LinkOption::ForwardedTraffic => |it| &mut it.allow_forwarded_traffic,
        LinkOption::GatewayTransit => |it| &mut it.allow_gateway_transit,
        LinkOption::RemoteGateways => |it| &mut it.use_remote_gateways,
        LinkOption::AddressSpaceSync => {
            return sync((arm, given), &asked, &vnet, &half, to).await;
        }
        LinkOption::DnsResolution
        | LinkOption::ExportCustomRoutes
        | LinkOption::ImportCustomRoutes
        | LinkOption::DualStack
        | LinkOption::MultipathResilience => {
            let message = format!("a half has no `{}`", option.as_str());
            return Err(asked.error(CloudErrorKind::Unsupported).message(message));
        }
    };
    let (there, other) = halves::with_other(arm, &asked, &half).await?;
    is_free(&asked, &there)?;
    let mut flags = there.properties.flags.clone();
    if *switch(&mut flags) == to.is_on() {
        return Ok(());
    }
    *switch(&mut flags) = to.is_on();
    if option == LinkOption::RemoteGateways && to.is_on() {
        may_borrow(arm, &asked, &vnet, &there).await?;
    }
    if option == LinkOption::VirtualNetworkAccess && to == Switch::On {
        firewall::is_closed(arm, given, &asked, &vnet, &there).await?;
    }
    let of = (&there, other.as_deref());
    halves::put_again(arm, &asked, &half, of, &flags, "").await
}

/// Brings the half's ranges up to date. Only the half that says so itself can be; switched off,
/// nothing is undone. Ranges that are new are kept out before they are taken in.
async fn sync(
    (arm, given): (&Arm, &Given),
    asked: &Asked<'_>,
    vnet: &ResourceId,
    half: &ResourceId,
    to: Switch,
) -> Result<(), CloudError> {
    let (there, other) = halves::with_other(arm, asked, half).await?;
    is_free(asked, &there)?;
    if !to.is_on() || crate::links::in_sync(&there) != Some(false) {
        return Ok(());
    }
    if there.properties.flags.allow_virtual_network_access && to == Switch::On {
        firewall::is_closed(arm, given, asked, vnet, &there).await?;
    }
    let (of, flags) = ((&there, other.as_deref()), there.properties.flags.clone());
    let query = "syncRemoteAddressSpace=true&";
    halves::put_again(arm, asked, half, of, &flags, query).await
}

/// Whether the network can use another one's gateway: it has none itself, and uses none over
/// another link. The service says so too, by codes that are not known; what the other network
/// needs is the service's to say.
async fn may_borrow(
    arm: &Arm,
    asked: &Asked<'_>,
    vnet: &ResourceId,
    half: &Half,
) -> Result<(), CloudError> {
    let read = arm.get::<Vnet>(asked.by(), vnet).await;
    let Some(own) = read.map_err(|error| asked.failed(error))? else {
        return Err(asked.missing(vnet.as_str()));
    };
    let refused = |about, message: String| {
        let failed = asked.error(CloudErrorKind::Precondition).about(Some(about));
        Err(failed.message(message))
    };
    if own.properties.has_gateway() {
        let message = format!("{vnet} has a gateway of its own, and cannot use another one's");
        return refused(About::OwnGateway, message);
    }
    let mut halves = own.properties.virtual_network_peerings.iter();
    let borrows =
        |it: &&Half| it.properties.flags.use_remote_gateways && !same(&it.name, &half.name);
    match halves.find(borrows) {
        Some(other) => {
            let message = format!("{} uses a gateway already, and one can", other.id);
            refused(About::OtherLinkOfOwn, message)
        }
        None => Ok(()),
    }
}

/// Whether the half can be changed now.
fn is_free(asked: &Asked<'_>, there: &Half) -> Result<(), CloudError> {
    let of = &there.properties;
    let (kind, message) = match (of.provisioning_state.as_str(), of.peering_state.as_str()) {
        ("Updating" | "Creating", _) => (CloudErrorKind::Busy, "it is being changed"),
        ("Deleting", _) => (CloudErrorKind::WrongState, "it is being removed"),
        (_, "Connected" | "Initiated") => return Ok(()),
        (_, state) => (CloudErrorKind::WrongState, state),
    };
    let message = format!("`{}`: {message}", there.name);
    Err(asked.error(kind).message(message))
}
