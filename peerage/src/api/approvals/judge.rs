//! Approvals, rejections and withdrawals, and what approvers look at.

use super::{
    carry_out::carry_out,
    log::{self, By, Loaded},
    show::{self, Today},
    shown,
};
use crate::api::{
    Services,
    access::Caller as Who,
    parse::{self, Judged},
    problem::{Problem, Reason},
    v1,
};
use domain::{
    CommandId,
    access::{Identity, Peers, Reach, Target},
    approval::{
        ApprovalCommand, ApprovalEvent, ApprovalRefusal, Approver, GiveApproval, RejectCommand,
        Request, State,
    },
    network::NetworkCommand,
};
use journal::{Caller, ExecuteError};
use std::sync::Arc;

/// The most requests of a page.
const PAGE: usize = 100;

/// Approves a command, and has it carried out with its last approval.
pub(in crate::api) async fn approve(
    services: &Services,
    who: &Who,
    request: &v1::ApproveCommandRequest,
    traceparent: Option<String>,
) -> Result<v1::Approval, Problem> {
    let context = request.context.as_ref();
    let judged = parse::judged(context, &request.approval_id, traceparent)?;
    let plan = parse::plan_hash(&request.plan_hash)?;
    let loaded = log::load(services, judged.id).await?;
    let (asked, by) = approver(services, who, &loaded)?;
    let now = today(services, judged.id, asked, &loaded).await?;
    let give = ApprovalCommand::Give(GiveApproval {
        by,
        command_id: judged.caller.command_id,
        // A plan that nobody was ever shown has no digest that could be that of one.
        shown: plan,
        now: now.ok().map(|(shown, _)| shown),
    });
    let (loaded, events) = decided(services, who, &judged, &give).await?;
    if events
        .iter()
        .any(|it| matches!(it, ApprovalEvent::ApprovalPlanChanged(_)))
    {
        let shown = loaded.request().map(|it| it.shown.hash.clone());
        let refusal = shown.map(|shown| ApprovalRefusal::ApprovalPlanChanged { shown });
        let refusal = refusal.unwrap_or(ApprovalRefusal::ApprovalUnknown);
        return Err(Problem::of_approval(&refusal).with("approval_id", judged.id));
    }
    let is_granted = |it: &Loaded| {
        let state = it.request().map(|it| &it.state);
        matches!(state, Some(State::Granted { .. }))
    };
    if !is_granted(&loaded) {
        return answer(services, judged.id, &loaded).await;
    }
    // It is granted whatever comes of it here: where the store does not answer, it is carried out
    // as soon as that does.
    let carried = match carry_out(services, judged.id).await {
        Ok(carried) => carried,
        Err(problem) => {
            tracing::warn!(approval_id = %judged.id, error = problem.text(), "approved, and not carried out yet");
            loaded
        }
    };
    answer(services, judged.id, &carried).await
}

/// Rejects a command, which ends it.
pub(in crate::api) async fn reject(
    services: &Services,
    who: &Who,
    request: &v1::RejectCommandRequest,
    traceparent: Option<String>,
) -> Result<v1::Approval, Problem> {
    let context = request.context.as_ref();
    let judged = parse::judged(context, &request.approval_id, traceparent)?;
    let loaded = log::load(services, judged.id).await?;
    let (_, by) = approver(services, who, &loaded)?;
    let reason = judged.caller.reason.clone();
    let reject = ApprovalCommand::Reject(RejectCommand { by, reason });
    let (loaded, _) = decided(services, who, &judged, &reject).await?;
    answer(services, judged.id, &loaded).await
}

/// Takes a command back.
pub(in crate::api) async fn withdraw(
    services: &Services,
    who: &Who,
    request: &v1::WithdrawCommandRequest,
    traceparent: Option<String>,
) -> Result<v1::Approval, Problem> {
    let context = request.context.as_ref();
    let judged = parse::judged(context, &request.approval_id, traceparent)?;
    let loaded = log::load(services, judged.id).await?;
    let asked = on_record(who, &loaded)?;
    who.judge(looking(asked), Some(asked.asked.network_id))?;
    let by = identity(who)?.subject.clone();
    let withdraw = ApprovalCommand::Withdraw { by };
    let (loaded, _) = decided(services, who, &judged, &withdraw).await?;
    answer(services, judged.id, &loaded).await
}

/// One request, and how things are by now.
pub(in crate::api) async fn get(
    services: &Services,
    who: &Who,
    request: &v1::GetApprovalRequest,
) -> Result<v1::GetApprovalResponse, Problem> {
    let id = parse::approval_id(&request.approval_id)?;
    let loaded = log::load(services, id).await?;
    let asked = on_record(who, &loaded)?;
    who.judge(looking(asked), Some(asked.asked.network_id))?;
    Ok(v1::GetApprovalResponse {
        approval: Some(answer(services, id, &loaded).await?),
    })
}

/// A page of those that wait, in the networks that the caller may look at.
pub(in crate::api) async fn list(
    services: &Services,
    who: &Who,
    request: &v1::ListApprovalsRequest,
) -> Result<v1::ListApprovalsResponse, Problem> {
    let asked = parse::list_approvals(request)?;
    let Some(all) = services.waiting.all(services.read_patience).await else {
        let text = "the log is still being read, and not every request for approval is known yet; try again";
        return Err(Problem::new(Reason::DirectoryBuilding, text));
    };
    let size = asked.size.unwrap_or(PAGE).min(PAGE);
    let is_wanted = |id: &CommandId, it: &Request| {
        asked.after.is_none_or(|after| *id > after)
            && asked
                .network
                .is_none_or(|wanted| it.asked.network_id == wanted)
            && who.sees(looking(it))
    };
    let mut rest = all.into_iter().filter(|(id, it)| is_wanted(id, it));
    let page: Vec<_> = rest.by_ref().take(size).collect();
    let next = rest.next().and(page.last()).map(|(id, _)| id.to_string());
    let mut approvals = Vec::new();
    for (id, it) in &page {
        approvals.push(show::brief(services, *id, it).await?);
    }
    Ok(v1::ListApprovalsResponse {
        approvals,
        next_page_token: next.unwrap_or_default(),
    })
}

/// The request, and the caller as an approver of it. Who is none is denied, and that is on record.
fn approver<'a>(
    services: &Services,
    who: &Who,
    loaded: &'a Loaded,
) -> Result<(&'a Request, Approver), Problem> {
    let asked = on_record(who, loaded)?;
    who.judge(asked.target(), Some(asked.asked.network_id))?;
    let in_force = services.doors.policy();
    let by = Approver::of(identity(who)?, &in_force.policy, asked.target());
    // Between the two looks another policy may have come into force.
    let by = by.ok_or_else(|| {
        let text = "another policy of access is in force; call again";
        Problem::new(Reason::AccessChanged, text)
    })?;
    Ok((asked, by))
}

/// A request that is not on record is nobody's to ask for who may not look everywhere.
fn on_record<'a>(who: &Who, loaded: &'a Loaded) -> Result<&'a Request, Problem> {
    let Some(request) = loaded.request() else {
        let everything = Target {
            reach: Reach::Everything,
            peers: Peers::None,
        };
        who.judge(everything, None)?;
        return Err(Problem::of_approval(&ApprovalRefusal::ApprovalUnknown));
    };
    Ok(request)
}

/// What somebody looks at who acts for no peer.
fn looking(request: &Request) -> Target<'_> {
    Target {
        peers: Peers::None,
        ..request.target()
    }
}

/// An approval is a person's: who is not known is none.
fn identity(who: &Who) -> Result<&Identity, Problem> {
    who.identity().ok_or_else(|| {
        let text = "nobody is asked who they are here, and an approval has to be somebody's";
        Problem::new(Reason::AccessDenied, text)
    })
}

async fn decided(
    services: &Services,
    who: &Who,
    judged: &Judged,
    command: &ApprovalCommand,
) -> Result<(Loaded, Vec<ApprovalEvent>), Problem> {
    let caller = &judged.caller;
    let by = By {
        command_id: caller.command_id,
        actor: who.actor(caller.actor.clone()),
        reason: caller.reason.clone(),
        traceparent: caller.traceparent.clone(),
    };
    log::execute(services, judged.id, command, &by, (services.clock)()).await
}

async fn answer(
    services: &Services,
    id: CommandId,
    loaded: &Loaded,
) -> Result<v1::Approval, Problem> {
    let Some(request) = loaded.request() else {
        return Err(Problem::of_approval(&ApprovalRefusal::ApprovalUnknown));
    };
    let mut shown = show::whole(services, id, request).await?;
    if !request.state.has_ended() {
        let now = today(services, id, request, loaded).await?;
        shown.today = Some(show::today(request, &now));
    }
    Ok(shown)
}

async fn today(
    services: &Services,
    id: CommandId,
    request: &Request,
    loaded: &Loaded,
) -> Result<Today, Problem> {
    let asked = &request.asked;
    let command = match serde_json::from_value::<NetworkCommand>(asked.command.clone()) {
        Ok(command) => command,
        Err(error) => {
            return Ok(Err(format!(
                "this version cannot read the command: {error}"
            )));
        }
    };
    let actor = loaded.origin.as_ref().map(|it| it.actor.clone());
    let caller = Caller {
        reason: asked.reason.clone(),
        ticket: asked.ticket.clone(),
        expected_revision: asked.expected_revision,
        clouds: Some(Arc::clone(&services.server.clouds)),
        ..Caller::new(id, actor.unwrap_or_default())
    };
    let networks = services.journal.networks();
    let preview = networks.validate(asked.network_id, &command, &caller, request.requested_at);
    match preview.await {
        // It was carried out meanwhile, as it was approved.
        Ok(preview) if preview.repeated => Ok(Ok((request.shown.clone(), preview.revision))),
        Ok(preview) => Ok(Ok((shown(&preview)?, preview.revision))),
        Err(
            error @ (ExecuteError::Refused(_)
            | ExecuteError::CommandIdReused { .. }
            | ExecuteError::WrongRevision { .. }),
        ) => Ok(Err(Problem::from(&error).text().to_owned())),
        Err(
            error @ (ExecuteError::Contended { .. }
            | ExecuteError::TermOver { .. }
            | ExecuteError::Journal(_)),
        ) => Err(Problem::from(&error)),
    }
}
