//! The gate before commands to a network: whether one is carried out, or waits for approval.

use super::{
    log::{self, By, Loaded},
    show, shown,
};
use crate::api::{
    Services,
    access::Caller as Who,
    guard,
    problem::{Problem, Reason},
    show::Subjects,
    v1,
};
use domain::{
    Digest, NetworkId,
    access::{Asked, Identity, Method, Peers, Reach, Subject, Target},
    approval::{Approval, ApprovalCommand, AskApproval, End, Request, RequestedAs, State},
    network::{Network, NetworkCommand, Opening, Registered, may_open, openings},
};
use journal::Caller;
use std::{collections::BTreeSet, sync::Arc};

/// What becomes of a command at the gate.
#[derive(Debug)]
pub(in crate::api) enum Gate {
    /// It is carried out. Whether it opens anything was judged by the network at this revision, if
    /// that was looked at.
    Pass(Option<u64>),
    /// It waits, or was carried out when it had been approved: this is the answer.
    Answer(Box<v1::CommandResponse>),
}

/// What is asked for a command, and by what network that was judged.
struct Judged {
    network: Registered,
    revision: Option<u64>,
    openings: BTreeSet<Opening>,
    asked: Option<Asked>,
}

/// What a command that is only judged would need: how many people, or the request of the same
/// command of the same person, which waits already.
#[derive(Debug, Default)]
pub(in crate::api) struct Needs {
    pub(in crate::api) approvals: u32,
    pub(in crate::api) waits: Option<v1::Approval>,
}

/// What this command would need before it is carried out.
pub(in crate::api) async fn needs(
    services: &Services,
    who: &Who,
    network_id: NetworkId,
    command: &NetworkCommand,
) -> Result<Needs, Problem> {
    let is_asked = !services.doors.policy().policy.approvals.is_empty();
    let Some(identity) = who.identity() else {
        return Ok(Needs::default());
    };
    if !is_asked || !may_open(command) {
        return Ok(Needs::default());
    }
    let judged = judged(services, network_id, command).await?;
    let Some(asked) = judged.and_then(|it| it.asked) else {
        return Ok(Needs::default());
    };
    let digest = Digest::of(command).map_err(|error| Problem::not_encodable(&error))?;
    let same = services
        .waiting
        .same(network_id, &digest, &identity.subject);
    let waits = match same {
        Some((id, request)) => Some(show::brief(services, id, &request).await?),
        None => None,
    };
    Ok(Needs {
        approvals: asked.approvals.into(),
        waits,
    })
}

/// Whether this command is carried out or waits. What only closes passes, and nothing is looked at
/// for it.
pub(in crate::api) async fn gate(
    services: &Services,
    who: &Who,
    network_id: NetworkId,
    command: &NetworkCommand,
    caller: &Caller,
    subjects: Subjects,
) -> Result<Gate, Problem> {
    if !may_open(command) {
        return Ok(Gate::Pass(None));
    }
    let is_asked = !services.doors.policy().policy.approvals.is_empty();
    let Some(identity) = who.identity() else {
        return Ok(Gate::Pass(None));
    };
    if !is_asked && !services.waiting.is_used() {
        return Ok(Gate::Pass(None));
    }
    let requester = &identity.subject;
    let digest = Digest::of(command).map_err(|error| Problem::not_encodable(&error))?;
    let known = log::load(services, caller.command_id).await?;
    if let Some(request) = known.request() {
        same(request, network_id, &digest, requester).map_err(|()| reused(caller))?;
        return again(services, caller, &known, subjects).await;
    }
    let Some(judged) = judged(services, network_id, command).await? else {
        return Ok(Gate::Pass(None));
    };
    let Some(asked) = judged.asked else {
        return Ok(Gate::Pass(judged.revision));
    };
    ask(
        services,
        (identity, who.method()),
        command,
        caller,
        digest,
        judged,
        asked,
        subjects,
    )
    .await
}

/// What the rules in force ask for this command in this network as the log has it now.
async fn judged(
    services: &Services,
    network_id: NetworkId,
    command: &NetworkCommand,
) -> Result<Option<Judged>, Problem> {
    let loaded = services.journal.networks().load(network_id).await;
    let loaded = loaded.map_err(|error| Problem::from(&error))?;
    // What is not registered, or retired, has nothing that could be opened: the command is refused.
    let Network::Registered(network) = &loaded.network else {
        return Ok(None);
    };
    let openings = openings(command, network);
    let in_force = services.doors.policy();
    let rules = &in_force.policy.approvals;
    let (id, project, name) = (network.id, &network.project, &network.name);
    Ok(Some(Judged {
        asked: Asked::of(rules, &openings, id, project, name),
        revision: loaded.revision,
        network: network.clone(),
        openings,
    }))
}

fn same(
    request: &Request,
    network_id: NetworkId,
    digest: &Digest,
    requester: &Subject,
) -> Result<(), ()> {
    let asked = &request.asked;
    let is_same = asked.network_id == network_id
        && asked.command_digest == *digest
        && asked.requester == *requester;
    if is_same { Ok(()) } else { Err(()) }
}

fn reused(caller: &Caller) -> Problem {
    let id = caller.command_id;
    let text = format!("command {id} was another command; give each command a UUID of its own");
    Problem::new(Reason::CommandIdReused, text).with("command_id", id)
}

/// The same command again: what became of it.
async fn again(
    services: &Services,
    caller: &Caller,
    known: &Loaded,
    subjects: Subjects,
) -> Result<Gate, Problem> {
    let id = caller.command_id;
    let Some(request) = known.request() else {
        return Ok(Gate::Pass(None));
    };
    match &request.state {
        State::Pending | State::Granted { .. } => {
            let answer = show::held(services, id, request).await?;
            Ok(Gate::Answer(Box::new(answer)))
        }
        State::Ended(End::CarriedOut(done)) => Ok(Gate::Answer(Box::new(v1::CommandResponse {
            network_id: request.asked.network_id.to_string(),
            peering_id: subjects
                .peering
                .map(|it| it.to_string())
                .unwrap_or_default(),
            ingress_id: subjects
                .ingress
                .map(|it| it.to_string())
                .unwrap_or_default(),
            revision: done.revision.unwrap_or_default(),
            event_types: done.event_types.clone(),
            repeated: true,
            ..v1::CommandResponse::default()
        }))),
        State::Ended(End::Refused(refused)) => {
            let text = format!(
                "approved, and refused when it was carried out: {}",
                refused.message
            );
            Err(Problem::new(Reason::ApprovalOver, text)
                .with("state", request.state.name())
                .with("refusal", &refused.refusal)
                .with("approval_id", id))
        }
        State::Ended(End::Rejected(_) | End::Withdrawn | End::Expired) => {
            let state = request.state.name();
            let text = format!(
                "the request for approval of this command is {state}; submit it again under a new command_id"
            );
            Err(Problem::new(Reason::ApprovalOver, text)
                .with("state", state)
                .with("approval_id", id))
        }
    }
}

/// Makes a request of the command, unless it is refused as it is, comes to nothing, or was carried
/// out before anybody asked for approval.
#[expect(
    clippy::too_many_arguments,
    reason = "a request is made of all of these"
)]
async fn ask(
    services: &Services,
    (identity, method): (&Identity, Option<Method>),
    command: &NetworkCommand,
    caller: &Caller,
    digest: Digest,
    judged: Judged,
    asked: Asked,
    subjects: Subjects,
) -> Result<Gate, Problem> {
    let network_id = judged.network.id;
    let mut trying = caller.clone();
    trying.clouds = Some(Arc::clone(&services.server.clouds));
    let (networks, now) = (services.journal.networks(), (services.clock)());
    let preview = networks.validate(network_id, command, &trying, now);
    let preview = preview.await.map_err(|error| Problem::from(&error))?;
    if preview.repeated || preview.events.is_empty() {
        return Ok(Gate::Pass(preview.revision));
    }
    let _turn = services.waiting.turn().await;
    if services.waiting.all(services.read_patience).await.is_none() {
        let text = "the log is still being read, and not every request for approval is known yet; try again";
        return Err(Problem::new(Reason::DirectoryBuilding, text));
    }
    let same = services
        .waiting
        .same(network_id, &digest, &identity.subject);
    if let Some((id, request)) = same {
        let answer = show::held(services, id, &request).await?;
        return Ok(Gate::Answer(Box::new(answer)));
    }
    let (of_the_network, of_the_requester) = services.waiting.of(network_id, &identity.subject);
    let account = guard::peer_account(command, Some(&judged.network));
    let in_force = services.doors.policy();
    let target = Target {
        reach: Reach::Network {
            id: network_id,
            project: &judged.network.project,
            name: &judged.network.name,
        },
        peers: account.as_ref().map_or(Peers::None, Peers::Account),
    };
    // Between the two looks another policy may have come into force.
    let requested_as = method
        .and_then(|it| RequestedAs::of(identity, &in_force.policy, it, target))
        .ok_or_else(|| {
            let text = "another policy of access is in force; call again";
            Problem::new(Reason::AccessChanged, text)
        })?;
    let ask = AskApproval {
        network_id,
        project: judged.network.project,
        name: judged.network.name,
        peer_account: account,
        command_name: command.name().to_owned(),
        command: serde_json::to_value(command).map_err(|error| Problem::not_encodable(&error))?,
        digest,
        requester: identity.subject.clone(),
        requested_as: Some(requested_as),
        reason: caller.reason.clone(),
        ticket: caller.ticket.clone(),
        expected_revision: caller.expected_revision,
        openings: judged.openings,
        needs: asked,
        policy: in_force.hash.clone(),
        shown: shown(&preview)?,
        of_the_network,
        of_the_requester,
    };
    let by = By {
        command_id: caller.command_id,
        actor: caller.actor.clone(),
        reason: caller.reason.clone(),
        traceparent: caller.traceparent.clone(),
    };
    let command = ApprovalCommand::Ask(Box::new(ask));
    let (loaded, _) = log::execute(services, caller.command_id, &command, &by, now).await?;
    match loaded.approval {
        Approval::Absent => Ok(Gate::Pass(None)),
        Approval::Asked(_) => again(services, caller, &loaded, subjects).await,
    }
}
