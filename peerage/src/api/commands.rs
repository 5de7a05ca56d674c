//! Commands on their way to the log.

use super::{
    Services,
    parse::{Address, Command, Parsed},
    problem::Problem,
    rows,
    show::{self, Subjects},
    v1,
};
use domain::{Ids, NetworkId, network::NetworkCommand};
use tonic::Request;

/// Carries a command out, or says what it would come to.
pub(super) async fn execute<R: Command>(
    services: &Services,
    request: Request<R>,
) -> Result<v1::CommandResponse, Problem> {
    let parsed = Parsed::of(request.get_ref(), traceparent(&request))?;
    let network_id = address(services, &parsed).await?;
    let subjects = subjects(&parsed, network_id);
    let Parsed {
        caller,
        validate_only,
        command,
        ..
    } = parsed;
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
        return Ok(show::preview(&preview, subjects, now));
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
    if let Some(peering) = subjects.peering {
        services.begun.insert(peering, network_id);
    }
    Ok(show::executed(&executed, subjects))
}

/// The network that a command is for. A peering's is the log's own to tell: no read model is asked.
async fn address(services: &Services, parsed: &Parsed) -> Result<NetworkId, Problem> {
    match parsed.address {
        Address::New => Ok(Ids::of(parsed.caller.command_id).network()),
        Address::Network(id) => Ok(id),
        Address::Peering(id) => rows::network_of(services, id).await,
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

fn traceparent<T>(request: &Request<T>) -> Option<String> {
    request
        .metadata()
        .get("traceparent")
        .and_then(|it| it.to_str().ok())
        .filter(|it| it.len() <= 128)
        .map(str::to_owned)
}
