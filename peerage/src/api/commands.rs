//! Commands on their way to the log.

use super::{
    Services, guard,
    parse::{Address, Command, Parsed},
    problem::{Problem, Reason},
    rows,
    show::{self, Subjects},
    v1,
};
use domain::{
    CommandId, Ids, NetworkId,
    network::{Identity, Network, NetworkCommand, RegisterNetwork},
};
use futures::{StreamExt as _, stream};
use journal::{Caller, Position, Registration};
use std::sync::Arc;
use tonic::Request;
use uuid::Uuid;
use workers::provisioner;

/// Carries a command out, or says what it would come to.
pub(super) async fn execute<R: Command>(
    services: &Services,
    request: Request<R>,
) -> Result<v1::CommandResponse, Problem> {
    let places = services.server.clouds.places();
    let mut parsed = Parsed::of(request.get_ref(), traceparent(&request), places)?;
    let caller = guard::caller(&request);
    guard::command(services, &caller, &parsed).await?;
    parsed.caller.actor = caller.actor(parsed.caller.actor);
    if parsed.address == Address::All {
        return everywhere(services, &parsed).await;
    }
    let network_id = if let NetworkCommand::RegisterNetwork(register) = &parsed.command {
        let place = registration(services, register, &parsed.caller).await?;
        parsed.caller.generation = place.generation;
        place.network_id
    } else {
        address(services, &parsed).await?
    };
    mark_ends(services, &parsed.command, network_id).await?;
    let subjects = subjects(&parsed, network_id);
    let Parsed {
        mut caller,
        validate_only,
        command,
        ..
    } = parsed;
    caller.clouds = Some(Arc::clone(&services.server.clouds));
    let now = (services.clock)();
    let networks = services.journal.networks();
    let failed = |error| {
        tracing::debug!(command = command.name(), %network_id, command_id = %caller.command_id, error = %domain::error_chain(&error), "not carried out");
        Problem::from(&error)
    };
    if validate_only {
        let preview = networks
            .validate(network_id, &command, &caller, now)
            .await
            .map_err(failed)?;
        let mut answer = show::preview(&preview, subjects, now);
        answer.advisories = advisories(services, network_id, &command).await?;
        return Ok(answer);
    }
    let executed = networks
        .execute(network_id, &command, &caller, now)
        .await
        .map_err(failed)?;
    tracing::info!(
        command = command.name(), %network_id, command_id = %caller.command_id, actor = %caller.actor,
        repeated = executed.repeated, "carried out"
    );
    if let Some(position) = executed.position {
        services.acknowledged.note(position);
    }
    if matches!(command, NetworkCommand::RegisterNetwork(_)) {
        services.directory.registered(network_id);
    }
    if let Some(peering) = subjects.peering {
        services.begun.insert(peering, network_id);
    }
    let mut answer = show::executed(&executed, subjects);
    answer.advisories = advisories(services, network_id, &command).await?;
    Ok(answer)
}

/// What goes beyond a command: about routes, where the provider's links carry more than what is
/// asked for, and about connector ingress, where its rules are not aimed at the target.
async fn advisories(
    services: &Services,
    network_id: NetworkId,
    command: &NetworkCommand,
) -> Result<Vec<v1::Advisory>, Problem> {
    let is_about_routes = matches!(
        command,
        NetworkCommand::AcceptRoute(_)
            | NetworkCommand::WithdrawRoute(_)
            | NetworkCommand::ReplaceRoute(_)
    );
    let is_about_ingress = matches!(
        command,
        NetworkCommand::AllowConnectorIngress(_) | NetworkCommand::RevokeConnectorIngress(_)
    );
    if !is_about_routes && !is_about_ingress {
        return Ok(Vec::new());
    }
    let loaded = services.journal.networks().load(network_id).await;
    let loaded = loaded.map_err(|error| Problem::from(&error))?;
    let told = if let Network::Registered(network) = &loaded.network {
        if is_about_routes {
            domain::advisory::routes_exchanged(network.provider)
        } else {
            let peering = command
                .peering_id()
                .and_then(|it| network.peerings.get(&it));
            peering.and_then(|it| domain::advisory::ingress_not_aimed(network, it))
        }
    } else {
        None
    };
    Ok(told.into_iter().map(show::advisory).collect())
}

/// How many networks a command to all of them is at work on at a time.
const AT_A_TIME: usize = 16;

/// Carries a command out in every network that is served: each decides it under an id of its own,
/// made from the command's and the network's, so that the whole can be sent again. What one network
/// says stops no other.
async fn everywhere(services: &Services, parsed: &Parsed) -> Result<v1::CommandResponse, Problem> {
    let Some(networks) = services.directory.served(services.read_patience).await else {
        return Err(Problem::new(
            Reason::DirectoryBuilding,
            "the log is still being read, and not every network is known yet; name one, or try again",
        ));
    };
    let answers = stream::iter(networks)
        .map(|network| in_one(services, parsed, network))
        .buffered(AT_A_TIME)
        .collect::<Vec<_>>()
        .await;
    let (networks, positions): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
    let furthest = positions.into_iter().flatten().max();
    if let Some(position) = furthest {
        services.acknowledged.note(position);
    }
    Ok(v1::CommandResponse {
        position: furthest.map(|it| it.to_string()).unwrap_or_default(),
        validated_only: parsed.validate_only,
        networks,
        ..v1::CommandResponse::default()
    })
}

async fn in_one(
    services: &Services,
    parsed: &Parsed,
    network_id: NetworkId,
) -> (v1::NetworkAnswer, Option<Position>) {
    let command_id = CommandId(Uuid::new_v5(
        &parsed.caller.command_id.0,
        network_id.0.as_bytes(),
    ));
    let caller = Caller {
        command_id,
        ..parsed.caller.clone()
    };
    let (command, now) = (&parsed.command, (services.clock)());
    let networks = services.journal.networks();
    let answer = if parsed.validate_only {
        let preview = networks.validate(network_id, command, &caller, now).await;
        preview.map(|it| (show::would_do(&it), None))
    } else {
        let executed = networks.execute(network_id, command, &caller, now).await;
        executed.map(|it| (show::did(&it), it.position))
    };
    match answer {
        Ok((answer, position)) => {
            tracing::info!(command = command.name(), %network_id, %command_id, actor = %caller.actor, "carried out");
            (answer, position)
        }
        Err(error) => {
            tracing::debug!(command = command.name(), %network_id, %command_id, error = %domain::error_chain(&error), "not carried out");
            let problem = Problem::from(&error);
            let answer = v1::NetworkAnswer {
                network_id: network_id.to_string(),
                reason: problem.reason().to_owned(),
                message: problem.text().to_owned(),
                ..v1::NetworkAnswer::default()
            };
            (answer, None)
        }
    }
}

/// Where this command registers its network.
async fn registration(
    services: &Services,
    register: &RegisterNetwork,
    caller: &Caller,
) -> Result<Registration, Problem> {
    let unmarked = services.directory.unmarked(services.read_patience).await;
    mark(services, unmarked, &[Identity::from(register)]).await?;
    let networks = services.journal.networks();
    let place = networks.registration(register, caller).await;
    place.map_err(|error| Problem::from(&error))
}

/// Sees to it that older registrations of both ends of a new peering are found.
async fn mark_ends(
    services: &Services,
    command: &NetworkCommand,
    network_id: NetworkId,
) -> Result<(), Problem> {
    let peer = if let NetworkCommand::RequestPeering(it) = command {
        &it.peer
    } else if let NetworkCommand::AdoptPeering(it) = command {
        &it.peer
    } else {
        return Ok(());
    };
    let unmarked = services.directory.unmarked_now();
    if unmarked.is_empty() {
        return Ok(());
    }
    let mut ends = vec![Identity::from(peer)];
    let loaded = services.journal.networks().load(network_id).await;
    let loaded = loaded.map_err(|error| Problem::from(&error))?;
    if let Network::Registered(network) = &loaded.network {
        ends.push(Identity::from(network));
    }
    mark(services, unmarked, &ends).await
}

/// Marks what older engines have registered of these networks. Usually that is done already, when
/// the engine has read the log.
async fn mark(
    services: &Services,
    unmarked: Vec<(NetworkId, Identity)>,
    of: &[Identity],
) -> Result<(), Problem> {
    let networks = services.journal.networks();
    for (id, identity) in unmarked {
        if of.contains(&identity) {
            let (actor, now) = (provisioner::actor(), (services.clock)());
            let marked = networks.mark(&identity, id, actor, now).await;
            marked.map_err(|error| Problem::from(&error))?;
            services.directory.marked(id);
        }
    }
    Ok(())
}

/// The network that a command is for. A peering's is the log's own to tell: no read model is asked.
async fn address(services: &Services, parsed: &Parsed) -> Result<NetworkId, Problem> {
    match parsed.address {
        Address::Network(id) => Ok(id),
        Address::Peering(id) => rows::network_of(services, id).await,
        Address::New | Address::All => Err(Problem::new(
            Reason::InvalidFields,
            "this command goes to one network that is on record",
        )),
    }
}

/// What the command makes or is about.
fn subjects(parsed: &Parsed, network_id: NetworkId) -> Subjects {
    let ids = Ids::of(parsed.caller.command_id);
    let command = &parsed.command;
    let makes = matches!(
        command,
        NetworkCommand::RequestPeering(_) | NetworkCommand::AdoptPeering(_)
    );
    let peering = if makes {
        Some(ids.peering(network_id))
    } else {
        command.peering_id()
    };
    let ingress = if let NetworkCommand::AllowConnectorIngress(it) = command {
        Some(ids.ingress(it.peering_id))
    } else if let NetworkCommand::RevokeConnectorIngress(it) = command {
        Some(it.ingress_id)
    } else {
        None
    };
    Subjects { peering, ingress }
}

pub(super) fn traceparent<T>(request: &Request<T>) -> Option<String> {
    request
        .metadata()
        .get("traceparent")
        .and_then(|it| it.to_str().ok())
        .filter(|it| it.len() <= 128)
        .map(str::to_owned)
}
