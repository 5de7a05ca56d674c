//! Carries out what was granted: once, under the command's own id, in the name of the one who
//! asked.
//!
//! Every server looks at what is granted, whenever something changes and every few seconds. One of
//! them puts on record that it has started; another takes over after a while. Whoever executes, the
//! command's id makes it once: the second finds the first one's outcome. Right before, the command
//! is decided once more: where it comes to something else than was approved, it is shown anew and
//! waits again; where it is refused, so the request ends. So it does where the one who asked may
//! not give the command any more: nobody lends their approval to somebody's right that is gone.

use super::{
    log::{self, By, Loaded},
    shown,
};
use crate::api::{
    Services,
    problem::{Problem, Reason},
};
use chrono::TimeDelta;
use domain::{
    Actor, CommandId, PeeringId,
    approval::{
        ApprovalCarriedOut, ApprovalCommand, ApprovalRefusal, ApprovalRefused, Finished, Request,
        State,
    },
    connector::bounded,
    network::NetworkCommand,
};
use journal::{Caller, ExecuteError, Executed};
use std::{sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often it is looked for requests whose time is over, and for what others have left undone.
const LOOK: Duration = Duration::from_secs(5);

/// How long a request that was just granted is left to the server that took the last approval.
const HEAD_START: TimeDelta = TimeDelta::seconds(3);

/// How often a command is decided again because its network has moved on.
const ATTEMPTS: usize = 64;

/// What came of an attempt.
enum Attempt {
    Done(Finished),
    /// It comes to something else than was approved.
    Changed(domain::approval::Shown),
}

/// Carries out what is granted and ends what has expired, until cancelled.
pub(crate) async fn run(services: Services, stop: CancellationToken) {
    let mut changes = services.waiting.changes();
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            changed = changes.changed() => if changed.is_err() { return },
            () = stop.cancelled() => return,
        }
        let known = services.waiting.known();
        for (id, request) in known.into_iter().filter(|(_, it)| is_due(&services, it)) {
            let work = async {
                match request.state {
                    State::Granted { .. } => carry_out(&services, id).await.map(|_| ()),
                    State::Pending | State::Ended(_) => expire(&services, id).await,
                }
            };
            match stop.run_until_cancelled(work).await {
                None => return,
                Some(Ok(())) => {}
                Some(Err(problem)) => {
                    tracing::warn!(approval_id = %id, error = problem.text(), "not carried out yet");
                }
            }
        }
    }
}

fn is_due(services: &Services, request: &Request) -> bool {
    let now = (services.clock)();
    match &request.state {
        State::Pending => request.asked.expires_at <= now,
        State::Granted { started: None } => now - request.since >= HEAD_START,
        State::Granted {
            started: Some(started),
        } => {
            let is_own = started.host == services.server.host.to_string();
            is_own || now - started.at >= domain::approval::TAKEOVER
        }
        State::Ended(_) => false,
    }
}

/// This server, as it stands beside what it puts on record by itself.
fn by_itself(services: &Services) -> By {
    By {
        command_id: CommandId(Uuid::new_v4()),
        actor: Actor::of_engine(services.server.host.clone()),
        reason: None,
        traceparent: None,
    }
}

async fn expire(services: &Services, id: CommandId) -> Result<(), Problem> {
    let by = by_itself(services);
    let expired = log::execute(
        services,
        id,
        &ApprovalCommand::Expire,
        &by,
        (services.clock)(),
    );
    expired.await.map(|_| ())
}

/// Carries out what is granted; the request afterwards. One that another server carries out is left
/// to it.
pub(super) async fn carry_out(services: &Services, id: CommandId) -> Result<Loaded, Problem> {
    // The one that is at it already, here, is waited for.
    let _turn = services.executing.lock().await;
    let host = services.server.host.to_string();
    let by = by_itself(services);
    let loaded = log::load(services, id).await?;
    let Some(State::Granted { .. }) = loaded.request().map(|it| &it.state) else {
        return Ok(loaded);
    };
    let start = ApprovalCommand::Start { host: host.clone() };
    let started = log::execute(services, id, &start, &by, (services.clock)()).await;
    let loaded = match started {
        Ok((loaded, _)) => loaded,
        Err(problem) if problem.is_refusal(&elsewhere()) => return log::load(services, id).await,
        Err(problem) => return Err(problem),
    };
    let Some(request) = loaded.request() else {
        return Ok(loaded);
    };
    let command = match attempt(services, id, request, &loaded).await? {
        Attempt::Done(finished) => ApprovalCommand::Finish { host, finished },
        Attempt::Changed(shown) => ApprovalCommand::Reshow(shown),
    };
    let (loaded, _) = log::execute(services, id, &command, &by, (services.clock)()).await?;
    Ok(loaded)
}

fn elsewhere() -> ApprovalRefusal {
    ApprovalRefusal::ApprovalStartedElsewhere {
        host: String::new(),
    }
}

/// Decides the command as it was asked for, and carries it out if it comes to what was approved. An
/// error leaves it to be tried again.
async fn attempt(
    services: &Services,
    id: CommandId,
    request: &Request,
    loaded: &Loaded,
) -> Result<Attempt, Problem> {
    let asked = &request.asked;
    let command = match serde_json::from_value::<NetworkCommand>(asked.command.clone()) {
        Ok(command) => command,
        Err(error) => {
            let text = format!("this version cannot read the command: {error}");
            return Ok(refused("NOT_ENCODABLE", &text));
        }
    };
    let mut caller = caller(services, id, request, loaded);
    let networks = services.journal.networks();
    for _ in 0..ATTEMPTS {
        caller.expected_revision = asked.expected_revision;
        // By the time of the request: what an event says of its own time is no other plan.
        let preview = networks.validate(asked.network_id, &command, &caller, request.requested_at);
        let preview = match preview.await {
            Ok(preview) => preview,
            Err(error) => return outcome(&error),
        };
        if !preview.repeated {
            if !request.requester_stands(&services.doors.policy().policy) {
                let text = "who asked for it may not give this command any more";
                return Ok(refused(Reason::AccessDenied.as_str(), text));
            }
            let shown = shown(&preview)?;
            if shown.hash != request.shown.hash {
                return Ok(Attempt::Changed(shown));
            }
            caller.expected_revision = preview.revision;
        }
        let now = (services.clock)();
        let executed = networks.execute(asked.network_id, &command, &caller, now);
        match executed.await {
            Ok(executed) => return Ok(done(services, &command, &executed, id)),
            Err(ExecuteError::WrongRevision { .. }) if asked.expected_revision.is_none() => {}
            Err(error) => return outcome(&error),
        }
    }
    Err(Problem::from(&ExecuteError::Contended {
        attempts: ATTEMPTS as u32,
    }))
}

/// Who the command is in the name of: the one who asked, and nobody else.
fn caller(services: &Services, id: CommandId, request: &Request, loaded: &Loaded) -> Caller {
    let asked = &request.asked;
    let origin = loaded.origin.as_ref();
    let claimed = origin.and_then(|it| it.actor.claimed.clone());
    let actor = Actor {
        subject: Some(asked.requester.subject.clone()),
        method: asked.requester.method.as_str().parse().ok(),
        issuer: Some(asked.requester.issuer.clone()),
        claimed,
    };
    Caller {
        reason: asked.reason.clone(),
        ticket: asked.ticket.clone(),
        causation_id: loaded.granted,
        traceparent: origin.and_then(|it| it.traceparent.clone()),
        clouds: Some(Arc::clone(&services.server.clouds)),
        ..Caller::new(id, actor)
    }
}

fn done(
    services: &Services,
    command: &NetworkCommand,
    executed: &Executed,
    id: CommandId,
) -> Attempt {
    tracing::info!(
        command = command.name(), network_id = %executed.network_id, command_id = %id,
        repeated = executed.repeated, "carried out, as approved"
    );
    if let Some(position) = executed.position {
        services.acknowledged.note(position);
    }
    let made = executed.events.iter().filter_map(|it| it.peering_id());
    let made: std::collections::BTreeSet<PeeringId> = made.collect();
    for peering in made {
        services.begun.insert(peering, executed.network_id);
    }
    let event_types = executed.events.iter().map(|it| it.name().to_owned());
    Attempt::Done(Finished::CarriedOut(ApprovalCarriedOut {
        revision: executed.revision,
        event_types: event_types.collect(),
    }))
}

/// A refusal is an outcome; what the store did not answer is tried again.
fn outcome(error: &ExecuteError) -> Result<Attempt, Problem> {
    let problem = Problem::from(error);
    match error {
        ExecuteError::Refused(_)
        | ExecuteError::CommandIdReused { .. }
        | ExecuteError::WrongRevision { .. } => Ok(refused(problem.reason(), problem.text())),
        ExecuteError::Contended { .. }
        | ExecuteError::TermOver { .. }
        | ExecuteError::Journal(_) => Err(problem),
    }
}

fn refused(reason: &str, message: &str) -> Attempt {
    Attempt::Done(Finished::Refused(ApprovalRefused {
        refusal: reason.to_owned(),
        message: bounded(message),
    }))
}
