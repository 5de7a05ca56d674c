//! Each VNet has a half of the link, by a name that is chosen beforehand. A half never comes up
//! open: it is made without access, and access is an option of its own, which `options` sets.

use crate::{
    arm::{
        Arm, As, Change, Failure, OperationName, Progress, ResourceId,
        model::{Flags, Half, PutHalf, PutHalfProperties, Reference},
        same,
    },
    refusals::Asked,
};
use cloud::{
    About, AccountRegion, CloudError, CloudErrorKind, HalfAnswer, LinkSpec, Operation,
    OperationState, RequestId,
};
use domain::{
    Side,
    text::{CloudOperation, Link},
};

pub(crate) async fn make(
    arm: &Arm,
    spec: &LinkSpec,
    side: Side,
    request: RequestId,
) -> Result<HalfAnswer, CloudError> {
    let own = spec.network(side);
    let asked = Asked::of(Operation::of_making(spec, side), &own.at);
    let link = named(&asked, spec)?;
    let other = spec.other(side);
    let (vnet, remote) = (asked.vnet(&own.network)?, asked.vnet(&other.network)?);
    let half = id(&asked, &vnet, link)?;
    arm.learn(&vnet, own.at.account.as_str());
    arm.learn(&remote, other.at.account.as_str());
    let read = arm.get::<Half>(asked.by(), &half).await;
    if let Some(there) = read.map_err(|error| asked.failed(error))? {
        // A PUT says all of a half: one that is there keeps what is set on it.
        if let Some(answer) = there_already(&asked, &there, &remote, link)? {
            return Ok(answer);
        }
    }
    let by = As::and(asked.tenant(), Some(other.at.account.as_str()));
    let flags = Flags::default();
    let remote = Reference {
        id: remote.as_str().to_owned(),
    };
    let body = PutHalf {
        name: half.name(),
        properties: PutHalfProperties {
            remote_virtual_network: &remote,
            flags: &flags,
        },
    };
    let began = arm.put(by, &half, "", &body).await;
    let began = began.map_err(|error| asked.failed(error))?;
    let name = OperationName {
        change: Change::Make,
        other: by.other.map(str::to_owned),
        number: request.0.to_string(),
        half,
    };
    Ok(answer(arm.keep(began, name), link))
}

/// What a half of this name means for one that is asked for; nothing if it is to be put again.
fn there_already(
    asked: &Asked<'_>,
    there: &Half,
    remote: &ResourceId,
    link: &Link,
) -> Result<Option<HalfAnswer>, CloudError> {
    let of = &there.properties;
    if !remote.is(&of.remote_virtual_network.id) {
        let message = format!("`{link}` leads to {}", of.remote_virtual_network.id);
        return Err(asked.error(CloudErrorKind::AlreadyThere).message(message));
    }
    match of.provisioning_state.as_str() {
        "Deleting" => {
            let message = format!("`{link}` is being removed");
            Err(asked.error(CloudErrorKind::WrongState).message(message))
        }
        "Failed" | "Canceled" if of.peering_state != "Connected" => Ok(None),
        // Put again, it waits for the other half as it did at first.
        _ if of.peering_state == "Disconnected" => Ok(None),
        _ => Ok(Some(HalfAnswer::Done { link: link.clone() })),
    }
}

pub(crate) async fn remove(
    arm: &Arm,
    spec: &LinkSpec,
    side: Side,
    request: RequestId,
) -> Result<HalfAnswer, CloudError> {
    let own = spec.network(side);
    let asked = Asked::of(Operation::DeleteLink, &own.at);
    let link = named(&asked, spec)?;
    let half = id(&asked, &asked.vnet(&own.network)?, link)?;
    let removed = arm.delete(asked.by(), &half).await;
    let Some(began) = removed.map_err(|error| asked.failed(error))? else {
        return Err(asked.missing(link.as_str()));
    };
    let name = OperationName {
        change: Change::Remove,
        other: None,
        number: request.0.to_string(),
        half,
    };
    Ok(answer(arm.keep(began, name), link))
}

fn answer(operation: Option<CloudOperation>, link: &Link) -> HalfAnswer {
    match operation {
        Some(operation) => HalfAnswer::Started { operation },
        None => HalfAnswer::Done { link: link.clone() },
    }
}

fn named<'s>(asked: &Asked<'_>, spec: &'s LinkSpec) -> Result<&'s Link, CloudError> {
    spec.link.as_ref().ok_or_else(|| {
        let message = "a half has a name that is chosen beforehand, and none is given";
        asked.error(CloudErrorKind::InvalidRequest).message(message)
    })
}

/// The id of the half of this name.
pub(crate) fn id(
    asked: &Asked<'_>,
    vnet: &ResourceId,
    link: &Link,
) -> Result<ResourceId, CloudError> {
    let half = vnet.half(link.as_str());
    half.ok_or_else(|| asked.missing(link.as_str()))
}

/// What has become of an operation: as the service says where this process knows whom to ask, and
/// otherwise as the half shows that it is about.
pub(crate) async fn operation(
    arm: &Arm,
    at: &AccountRegion,
    operation: &CloudOperation,
) -> Result<OperationState, CloudError> {
    let asked = Asked::of(Operation::OperationState, at);
    let Some(name) = OperationName::read(operation) else {
        return Err(asked.missing(operation.as_str()));
    };
    let by = As::and(asked.tenant(), name.other.as_deref());
    let told = arm.progress(by, operation).await;
    match told.map_err(|error| asked.failed(error))? {
        Some(Progress::Running) => return Ok(OperationState::Running),
        Some(Progress::Done) => return Ok(OperationState::Done),
        Some(Progress::Failed(error)) => {
            let message = error.words();
            let CloudError { kind, about, .. } = asked.failed(error);
            return Ok(failed(kind, about, message));
        }
        None => {}
    }
    let read = arm.get::<Half>(by, &name.half).await;
    let shown = read.map_err(|error| asked.failed(error))?;
    let state = shown
        .as_ref()
        .map(|it| it.properties.provisioning_state.as_str());
    match (name.change, state) {
        (Change::Make, Some("Updating" | "Creating")) | (Change::Remove, Some("Deleting")) => {
            Ok(OperationState::Running)
        }
        (Change::Make, Some("Succeeded")) | (Change::Remove, None) => Ok(OperationState::Done),
        (Change::Make, Some("Failed" | "Canceled")) => {
            let message = format!("`{}` could not be made", name.half.name());
            Ok(failed(CloudErrorKind::Unexpected, None, message))
        }
        // It was not made, or not removed, or is at another change: nobody knows this one any more.
        (Change::Make | Change::Remove, _) => Err(asked.missing(operation.as_str())),
    }
}

/// The end of an operation with an error: one that no code explains is a person's to look up.
fn failed(kind: CloudErrorKind, about: Option<About>, message: String) -> OperationState {
    let unexplained = kind == CloudErrorKind::Unexpected;
    let about = about.or_else(|| unexplained.then_some(About::FailedOperation));
    OperationState::Failed {
        kind,
        about,
        message,
    }
}

/// A half by its name, with the tenant of the other end as far as it takes another.
pub(crate) async fn with_other(
    arm: &Arm,
    asked: &Asked<'_>,
    half: &ResourceId,
) -> Result<(Half, Option<String>), CloudError> {
    let read = arm.get::<Half>(asked.by(), half).await;
    let there = read
        .map_err(|error| asked.failed(error))?
        .ok_or_else(|| asked.missing(half.name()))?;
    let remote = ResourceId::vnet(&there.properties.remote_virtual_network.id);
    let other = match remote {
        Some(remote) if !same(remote.subscription(), half.subscription()) => {
            arm.tenant(&remote).await
        }
        Some(_) | None => None,
    };
    Ok((there, other))
}

/// Puts a half again with these flags, and waits until that has ended.
pub(crate) async fn put_again(
    arm: &Arm,
    asked: &Asked<'_>,
    half: &ResourceId,
    (there, other): (&Half, Option<&str>),
    flags: &Flags,
    query: &str,
) -> Result<(), CloudError> {
    let by = As::and(asked.tenant(), other);
    let body = PutHalf {
        name: half.name(),
        properties: PutHalfProperties {
            remote_virtual_network: &there.properties.remote_virtual_network,
            flags,
        },
    };
    let put = async {
        let began = arm.put(by, half, query, &body).await?;
        arm.settle(by, began).await
    };
    put.await.map_err(|error| {
        // That a gateway cannot be used has more reasons than codes that are known.
        let is_of_gateway = flags.use_remote_gateways
            && !there.properties.flags.use_remote_gateways
            && error.failure == Failure::Unexpected
            && error.is_refusal;
        let failed = asked.failed(error);
        match is_of_gateway {
            true => CloudError {
                kind: CloudErrorKind::Precondition,
                about: Some(About::OtherGateway),
                ..failed
            },
            false => failed,
        }
    })
}
