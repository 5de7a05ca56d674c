//! Commands on their way to the log.

use super::{
    Services,
    access::Caller as Who,
    approvals::{self, Gate},
    guard,
    parse::{Address, Command, Parsed},
    problem::{Problem, Reason},
    rows,
    show::{self, Subjects},
    traced::{self, traceparent},
    v1,
};
use domain::{
    CommandId, Ids, NetworkId,
    network::{Identity, Network, NetworkCommand, RegisterNetwork},
};
use futures::{StreamExt as _, stream};
use journal::{Caller, ExecuteError, Executed, Position, Registration};
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};
use tonic::Request;
use tracing::Instrument as _;
use uuid::Uuid;
use workers::provisioner;

/// Carries a command out, or says what it would come to.
pub(super) async fn execute<R: Command>(
    services: &Services,
    request: Request<R>,
) -> Result<v1::CommandResponse, Problem> {
    let places = services.server.clouds.places();
    let mut parsed = Parsed::of(request.get_ref(), traceparent(&request), places)?;
    let (who, name) = (guard::caller(&request), parsed.command.name());
    let span = traced::span(name, parsed.caller.command_id);
    let began = Instant::now();
    let judged = async {
        // What follows from its events goes on from here, and not from the call alone.
        parsed.caller.traceparent = traceparent(&request);
        judge(services, &who, parsed).await
    };
    let answer = judged.instrument(span.clone()).await;
    services.commands.note(name, &answer, began.elapsed());
    traced::note(&span, &answer);
    answer
}

/// The same, once it is known what it says.
async fn judge(
    services: &Services,
    who: &Who,
    mut parsed: Parsed,
) -> Result<v1::CommandResponse, Problem> {
    guard::command(services, who, &parsed).await?;
    parsed.caller.actor = who.actor(parsed.caller.actor);
    if parsed.address == Address::All {
        return everywhere(services, who, &parsed).await;
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
    if validate_only {
        let preview = networks.validate(network_id, &command, &caller, now).await;
        let preview = preview.map_err(|error| failed(&command, network_id, &caller, &error))?;
        let mut answer = show::preview(&preview, subjects, now);
        answer.advisories = advisories(services, network_id, &command).await?;
        if !preview.events.is_empty() && !preview.repeated {
            let needs = approvals::needs(services, who, network_id, &command).await?;
            answer.approvals_needed = needs.approvals;
            answer.approval = needs.waits;
        }
        return Ok(answer);
    }
    let outcome = carry_out(services, who, network_id, &command, &caller, subjects).await;
    let executed = match outcome? {
        Outcome::Executed(executed) => executed,
        Outcome::Waits(answer) => return Ok(*answer),
    };
    tracing::info!(
        command = command.name(), %network_id, command_id = %caller.command_id, actor = %caller.actor,
        repeated = executed.repeated, "carried out"
    );
    if let Some(position) = executed.position {
        services.acknowledged.note(position);
    }
    if matches!(command, NetworkCommand::RegisterNetwork(_)) {
        services.directory.registered(network_id);
        hold_as_all(services, network_id, &caller, executed.position).await;
    }
    if let Some(peering) = subjects.peering {
        services.begun.insert(peering, network_id);
    }
    let mut answer = show::executed(&executed, subjects);
    answer.advisories = advisories(services, network_id, &command).await?;
    Ok(answer)
}

/// How often a command is judged again because its network has moved on meanwhile.
const ATTEMPTS: u32 = 64;

/// What came of a command to one network.
enum Outcome {
    Executed(Box<Executed>),
    /// It waits for approval, or did: this is the answer.
    Waits(Box<v1::CommandResponse>),
}

/// Carries a command out in one network, unless it waits for approval. What was judged to open
/// nothing that is asked about is carried out on that very state of the network.
async fn carry_out(
    services: &Services,
    who: &Who,
    network_id: NetworkId,
    command: &NetworkCommand,
    caller: &Caller,
    subjects: Subjects,
) -> Result<Outcome, Problem> {
    for _ in 0..ATTEMPTS {
        let gate = approvals::gate(services, who, network_id, command, caller, subjects);
        let judged_at = match gate.await? {
            Gate::Pass(judged_at) => judged_at,
            Gate::Answer(answer) => return Ok(Outcome::Waits(answer)),
        };
        let mut caller = caller.clone();
        let is_bound = caller.expected_revision.is_none() && judged_at.is_some();
        caller.expected_revision = caller.expected_revision.or(judged_at);
        let (networks, now) = (services.journal.networks(), (services.clock)());
        match networks.execute(network_id, command, &caller, now).await {
            Ok(executed) => return Ok(Outcome::Executed(Box::new(executed))),
            Err(ExecuteError::WrongRevision { .. }) if is_bound => {}
            Err(error) => return Err(failed(command, network_id, &caller, &error)),
        }
    }
    let error = ExecuteError::Contended { attempts: ATTEMPTS };
    Err(failed(command, network_id, caller, &error))
}

fn failed(
    command: &NetworkCommand,
    network_id: NetworkId,
    caller: &Caller,
    error: &ExecuteError,
) -> Problem {
    tracing::debug!(command = command.name(), %network_id, command_id = %caller.command_id, error = %domain::error_chain(error), "not carried out");
    Problem::from(error)
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
                .and_then(|it| network.peerings().get(&it));
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
async fn everywhere(
    services: &Services,
    who: &Who,
    parsed: &Parsed,
) -> Result<v1::CommandResponse, Problem> {
    let patience = services.read_patience;
    let (mut networks, mut furthest) = (Vec::new(), None);
    let mut done = BTreeSet::new();
    loop {
        let Some(served) = services.directory.served(patience).await else {
            return Err(Problem::new(
                Reason::DirectoryBuilding,
                "the log is still being read, and not every network is known yet; name one, or try again",
            ));
        };
        let more: Vec<_> = served.into_iter().filter(|it| done.insert(*it)).collect();
        if more.is_empty() {
            break;
        }
        let answers = stream::iter(more)
            .map(|network| in_one(services, who, parsed, network))
            .buffered(AT_A_TIME)
            .collect::<Vec<_>>()
            .await;
        let (told, positions): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
        networks.extend(told);
        let Some(position) = positions.into_iter().flatten().max() else {
            break;
        };
        furthest = furthest.max(Some(position));
        services.acknowledged.note(position);
        // What was registered before that is known once it was read; what comes later finds this
        // when it is registered.
        services.directory.read_to(position, patience).await;
    }
    Ok(v1::CommandResponse {
        position: furthest.map(|it| it.to_string()).unwrap_or_default(),
        validated_only: parsed.validate_only,
        networks,
        ..v1::CommandResponse::default()
    })
}

/// Holds a network that was registered at this position as all networks are held. It is asked once
/// the log was read up to there: a hold that came before is known then, and one that comes later
/// finds the network. Nobody waits for a log that is not read: then it is held when that is.
async fn hold_as_all(
    services: &Services,
    network: NetworkId,
    caller: &Caller,
    position: Option<Position>,
) {
    let known = match position {
        Some(position) => services.directory.read_to(position, SHORTLY).await,
        None => true,
    };
    let (services, caller) = (services.clone(), caller.clone());
    let work = async move {
        if let Some(position) = position {
            while !services
                .directory
                .read_to(position, services.read_patience)
                .await
            {
                tracing::warn!(%network, "whether all networks are held is not known yet");
            }
        }
        let mut held = None;
        for command in services.directory.holds_everywhere() {
            held = hold(&services, network, &caller, &command).await.max(held);
        }
        if let Some(position) = held {
            services.acknowledged.note(position);
        }
    };
    if known {
        work.await;
    } else {
        tokio::spawn(work);
    }
}

/// How long a registration waits for the log to be read up to it.
const SHORTLY: Duration = Duration::from_millis(500);

/// Holds one network by this command, and says where that is on record.
async fn hold(
    services: &Services,
    network: NetworkId,
    caller: &Caller,
    command: &NetworkCommand,
) -> Option<Position> {
    let said = serde_json::to_vec(command).unwrap_or_default();
    let command_id = CommandId(Uuid::new_v5(&caller.command_id.0, &said));
    let caller = Caller {
        command_id,
        expected_revision: None,
        generation: None,
        ..caller.clone()
    };
    let (networks, now) = (services.journal.networks(), (services.clock)());
    match networks.execute(network, command, &caller, now).await {
        Ok(held) => {
            tracing::info!(command = command.name(), %network, "held as all networks are");
            held.position
        }
        Err(error) => {
            let cause = domain::error_chain(&error);
            tracing::error!(command = command.name(), %network, cause, "not held as all networks are: send the registration again, or hold it by itself");
            None
        }
    }
}

async fn in_one(
    services: &Services,
    who: &Who,
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
    let command = &parsed.command;
    let answer = if parsed.validate_only {
        let (networks, now) = (services.journal.networks(), (services.clock)());
        let preview = networks.validate(network_id, command, &caller, now).await;
        let preview = preview.map_err(|error| failed(command, network_id, &caller, &error));
        preview.map(|it| (show::would_do(&it), None))
    } else {
        let subjects = Subjects {
            peering: None,
            ingress: None,
        };
        let outcome = carry_out(services, who, network_id, command, &caller, subjects).await;
        outcome.map(|it| match it {
            Outcome::Executed(executed) => (show::did(&executed), executed.position),
            Outcome::Waits(answer) => (waits(*answer), None),
        })
    };
    match answer {
        Ok((answer, position)) => {
            tracing::info!(command = command.name(), %network_id, %command_id, actor = %caller.actor, reason = answer.reason, "decided");
            (answer, position)
        }
        Err(problem) => {
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

/// What one network of a command to all says where the command waits there, or did.
fn waits(answer: v1::CommandResponse) -> v1::NetworkAnswer {
    let Some(approval) = answer.approval else {
        return v1::NetworkAnswer {
            network_id: answer.network_id,
            revision: answer.revision,
            event_types: answer.event_types,
            repeated: answer.repeated,
            ..v1::NetworkAnswer::default()
        };
    };
    v1::NetworkAnswer {
        network_id: answer.network_id,
        reason: Reason::ApprovalPending.as_str().to_owned(),
        message: format!(
            "waits for approval: {} of {} given; `peerage pending` shows it",
            approval.approvals.len(),
            approval.approvals_needed
        ),
        approval_id: approval.approval_id,
        ..v1::NetworkAnswer::default()
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
        if of.iter().any(|it| it.is(&identity)) {
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
