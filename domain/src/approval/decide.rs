//! What comes of a command to a request for approval.

use super::{
    Approval, ApprovalCommand, ApprovalEvent, ApprovalExecutionStarted, ApprovalGiven,
    ApprovalGranted, ApprovalPlanChanged, ApprovalRefusal, ApprovalRejected, ApprovalRequested,
    AskApproval, Finished, GiveApproval, Given, MOST_BYTES, MOST_OF_A_NETWORK, MOST_OF_A_REQUESTER,
    RejectCommand, Request, Shown, Standing, Started, State, TAKEOVER, command::target,
};
use crate::access::{Asked, Peers, Policy, Subject, Target};
use chrono::{DateTime, Utc};

/// What comes of a command: events, or a refusal. No events: it is so already.
pub fn decide(
    approval: &Approval,
    command: &ApprovalCommand,
    standing: Standing<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<ApprovalEvent>, ApprovalRefusal> {
    let request = match approval {
        Approval::Asked(request) => request,
        Approval::Absent => {
            return match command {
                ApprovalCommand::Ask(ask) => begin(ask, now),
                ApprovalCommand::Give(_)
                | ApprovalCommand::Reject(_)
                | ApprovalCommand::Withdraw { .. }
                | ApprovalCommand::Expire
                | ApprovalCommand::Start { .. }
                | ApprovalCommand::Reshow(_)
                | ApprovalCommand::Finish { .. } => Err(ApprovalRefusal::ApprovalUnknown),
            };
        }
    };
    match command {
        ApprovalCommand::Ask(ask) => same(request, ask),
        ApprovalCommand::Give(give) => approve(request, give, standing, now),
        ApprovalCommand::Reject(reject) => end_by(request, reject, now),
        ApprovalCommand::Withdraw { by } => withdraw(request, by),
        ApprovalCommand::Expire => Ok(expire(request, now)),
        ApprovalCommand::Start { host } => start(request, host, now),
        ApprovalCommand::Reshow(shown) => reshow(request, shown),
        ApprovalCommand::Finish { host, finished } => finish(request, host, finished),
    }
}

fn begin(ask: &AskApproval, now: DateTime<Utc>) -> Result<Vec<ApprovalEvent>, ApprovalRefusal> {
    if ask.of_the_network >= MOST_OF_A_NETWORK {
        return Err(ApprovalRefusal::ApprovalsOfNetwork {
            waiting: ask.of_the_network,
        });
    }
    if ask.of_the_requester >= MOST_OF_A_REQUESTER {
        return Err(ApprovalRefusal::ApprovalsOfRequester {
            waiting: ask.of_the_requester,
        });
    }
    within(ask.command.to_string().len(), &ask.shown)?;
    let requested = ApprovalRequested {
        network_id: ask.network_id,
        project: ask.project.clone(),
        network: ask.name.clone(),
        peer_account: ask.peer_account.clone(),
        command_name: ask.command_name.clone(),
        command: ask.command.clone(),
        command_digest: ask.digest.clone(),
        requester: ask.requester.clone(),
        requested_as: ask.requested_as.clone(),
        reason: ask.reason.clone(),
        ticket: ask.ticket.clone(),
        expected_revision: ask.expected_revision,
        openings: ask.openings.clone(),
        approvals: ask.needs.approvals,
        expires_at: now + ask.needs.wait,
        policy: ask.policy.clone(),
        shown: ask.shown.clone(),
    };
    Ok(vec![ApprovalEvent::ApprovalRequested(Box::new(requested))])
}

fn within(command: usize, shown: &Shown) -> Result<(), ApprovalRefusal> {
    let plan = shown.events.iter().map(|it| it.to_string().len());
    let bytes = command + plan.sum::<usize>();
    if bytes > MOST_BYTES {
        return Err(ApprovalRefusal::ApprovalTooLarge { bytes });
    }
    Ok(())
}

/// The same command again, from the same person, asks for nothing new.
fn same(request: &Request, ask: &AskApproval) -> Result<Vec<ApprovalEvent>, ApprovalRefusal> {
    let asked = &request.asked;
    let is_same = asked.network_id == ask.network_id
        && asked.command_digest == ask.digest
        && asked.requester == ask.requester;
    if is_same {
        Ok(Vec::new())
    } else {
        Err(ApprovalRefusal::ApprovalIdReused)
    }
}

fn approve(
    request: &Request,
    give: &GiveApproval,
    standing: Standing<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<ApprovalEvent>, ApprovalRefusal> {
    // Sent again, it is what it was.
    if request
        .given
        .iter()
        .any(|it| it.command_id == give.command_id && it.by == give.by)
    {
        return Ok(Vec::new());
    }
    pending(request, now)?;
    if request.asked.requester == give.by.subject {
        return Err(ApprovalRefusal::ApprovalOfOwnRequest);
    }
    if give.shown != request.shown.hash {
        return Err(ApprovalRefusal::ApprovalPlanChanged {
            shown: request.shown.hash.clone(),
        });
    }
    // The command comes to something else: that is put on record, and everybody asked again.
    if let Some(shown) = give.now.as_ref().filter(|it| it.hash != give.shown) {
        return reshow(request, shown);
    }
    if request
        .given
        .iter()
        .any(|it| it.by.subject == give.by.subject)
    {
        return Err(ApprovalRefusal::ApprovalGivenAlready);
    }
    let mut events = vec![ApprovalEvent::ApprovalGiven(ApprovalGiven {
        by: give.by.subject.clone(),
        bound_as: give.by.bound_as.clone(),
        command_id: give.command_id,
        shown: give.shown.clone(),
        policy: standing.hash.clone(),
    })];
    let mut by = standing_approvers(request, standing);
    by.push(give.by.subject.clone());
    if by.len() >= usize::from(needed(request, standing)) {
        events.push(ApprovalEvent::ApprovalGranted(ApprovalGranted { by }));
    }
    Ok(events)
}

/// How many approvals are needed: as many as when it was asked for, and more if the policy asks for
/// more by now.
pub(super) fn needed(request: &Request, standing: Standing<'_>) -> u8 {
    let asked = &request.asked;
    let now = Asked::of(
        &standing.policy.approvals,
        &asked.openings,
        asked.network_id,
        &asked.project,
        &asked.network,
    );
    asked.approvals.max(now.map_or(0, |it| it.approvals))
}

/// Who has approved, and is still an approver there.
fn standing_approvers(request: &Request, standing: Standing<'_>) -> Vec<Subject> {
    let stands = |it: &&Given| it.by.stands(standing.policy, request.target());
    let given = request.given.iter().filter(stands);
    given.map(|it| it.by.subject.clone()).collect()
}

fn pending(request: &Request, now: DateTime<Utc>) -> Result<(), ApprovalRefusal> {
    let expired_at = request.asked.expires_at;
    match &request.state {
        State::Pending if expired_at <= now => Err(ApprovalRefusal::ApprovalExpired { expired_at }),
        State::Pending => Ok(()),
        State::Granted { .. } => Err(ApprovalRefusal::ApprovalGrantedAlready),
        State::Ended(_) => Err(ApprovalRefusal::ApprovalEnded {
            state: request.state.name(),
        }),
    }
}

fn end_by(
    request: &Request,
    reject: &RejectCommand,
    now: DateTime<Utc>,
) -> Result<Vec<ApprovalEvent>, ApprovalRefusal> {
    pending(request, now)?;
    if request.asked.requester == reject.by.subject {
        return Err(ApprovalRefusal::ApprovalOfOwnRequest);
    }
    Ok(vec![ApprovalEvent::ApprovalRejected(ApprovalRejected {
        by: reject.by.subject.clone(),
        bound_as: reject.by.bound_as.clone(),
        reason: reject.reason.clone(),
    })])
}

fn withdraw(request: &Request, by: &Subject) -> Result<Vec<ApprovalEvent>, ApprovalRefusal> {
    if request.asked.requester != *by {
        return Err(ApprovalRefusal::ApprovalNotOwn);
    }
    match &request.state {
        State::Pending => Ok(vec![ApprovalEvent::ApprovalWithdrawn {}]),
        State::Granted { .. } => Err(ApprovalRefusal::ApprovalGrantedAlready),
        State::Ended(super::End::Withdrawn) => Ok(Vec::new()),
        State::Ended(_) => Err(ApprovalRefusal::ApprovalEnded {
            state: request.state.name(),
        }),
    }
}

fn expire(request: &Request, now: DateTime<Utc>) -> Vec<ApprovalEvent> {
    match &request.state {
        State::Pending if request.asked.expires_at <= now => {
            vec![ApprovalEvent::ApprovalExpired {}]
        }
        State::Pending | State::Granted { .. } | State::Ended(_) => Vec::new(),
    }
}

fn start(
    request: &Request,
    host: &str,
    now: DateTime<Utc>,
) -> Result<Vec<ApprovalEvent>, ApprovalRefusal> {
    let started = granted(request)?;
    match started {
        Some(by) if by.host == host => Ok(Vec::new()),
        Some(by) if now - by.at < TAKEOVER => Err(ApprovalRefusal::ApprovalStartedElsewhere {
            host: by.host.clone(),
        }),
        Some(_) | None => Ok(vec![ApprovalEvent::ApprovalExecutionStarted(
            ApprovalExecutionStarted {
                host: host.to_owned(),
            },
        )]),
    }
}

fn granted(request: &Request) -> Result<Option<&Started>, ApprovalRefusal> {
    match &request.state {
        State::Granted { started } => Ok(started.as_ref()),
        State::Pending => Err(ApprovalRefusal::ApprovalNotGranted),
        State::Ended(_) => Err(ApprovalRefusal::ApprovalEnded {
            state: request.state.name(),
        }),
    }
}

fn reshow(request: &Request, shown: &Shown) -> Result<Vec<ApprovalEvent>, ApprovalRefusal> {
    if request.state.has_ended() {
        return Err(ApprovalRefusal::ApprovalEnded {
            state: request.state.name(),
        });
    }
    if shown.hash == request.shown.hash {
        return Ok(Vec::new());
    }
    within(request.asked.command.to_string().len(), shown)?;
    Ok(vec![ApprovalEvent::ApprovalPlanChanged(
        ApprovalPlanChanged {
            shown: shown.clone(),
        },
    )])
}

/// Only who has started it says what came of it: what another server has taken over is that one's.
fn finish(
    request: &Request,
    host: &str,
    finished: &Finished,
) -> Result<Vec<ApprovalEvent>, ApprovalRefusal> {
    match granted(request)? {
        Some(by) if by.host == host => {}
        Some(by) => {
            return Err(ApprovalRefusal::ApprovalStartedElsewhere {
                host: by.host.clone(),
            });
        }
        None => return Err(ApprovalRefusal::ApprovalNotGranted),
    }
    Ok(vec![match finished {
        Finished::CarriedOut(it) => ApprovalEvent::ApprovalCarriedOut(it.clone()),
        Finished::Refused(it) => ApprovalEvent::ApprovalRefused(it.clone()),
    }])
}

impl Request {
    /// How many approvals it needs under this policy.
    pub fn needed(&self, standing: Standing<'_>) -> u8 {
        needed(self, standing)
    }

    /// Whether the one who asked may still give the command, by this policy: it is carried out in
    /// their name.
    pub fn requester_stands(&self, policy: &Policy) -> bool {
        let asked = &self.asked;
        let target = Target {
            peers: asked
                .peer_account
                .as_ref()
                .map_or(Peers::None, Peers::Account),
            ..self.target()
        };
        let by = asked.requested_as.as_ref();
        by.is_none_or(|it| it.stands(&asked.requester, policy, target))
    }

    /// What its approvers act on.
    pub fn target(&self) -> Target<'_> {
        let asked = &self.asked;
        let account = asked.peer_account.as_ref();
        target(asked.network_id, &asked.project, &asked.network, account)
    }
}
