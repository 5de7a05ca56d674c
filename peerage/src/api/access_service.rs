//! `AccessService`: who calls, what they may do, who was allowed to, then, and what waits for
//! approval.

use super::{
    Services,
    access::{Caller, recorded_policies},
    approvals, guard,
    parse::{self, Explained},
    problem::{Problem, Reason},
    time::timestamp,
    traced::traceparent,
    v1::{self, access_service_server::AccessService},
};
use chrono::{DateTime, Utc};
use domain::{
    NetworkId,
    access::{ApprovalRule, Binding, Identity, Method, Peers, Policy, Reach, Target, judge},
};
use tonic::{Request, Response, Status};

/// The service's name, which its errors carry.
const NAME: &str = "peerage.v1.AccessService";

/// The service.
#[derive(Clone, Debug)]
pub struct Access(Services);

/// A policy that was in force, and what is known of it.
struct Past {
    policy: Policy,
    hash: String,
    since: Option<DateTime<Utc>>,
    others: Vec<String>,
}

impl Access {
    pub fn new(services: Services) -> Self {
        Self(services)
    }

    fn who(&self, caller: &Caller) -> v1::WhoAmIResponse {
        let Some(identity) = caller.identity() else {
            return v1::WhoAmIResponse {
                open: true,
                ..Default::default()
            };
        };
        v1::WhoAmIResponse {
            open: false,
            subject: Some(subject(identity)),
            expires: caller.expires().map(timestamp),
            bindings: caller.bindings().iter().map(binding).collect(),
            policy_hash: self.0.doors.policy().hash.to_string(),
            approvals: rules(&self.0.doors.policy().policy),
        }
    }

    async fn explain(
        &self,
        caller: &Caller,
        request: &v1::ExplainAccessRequest,
    ) -> Result<v1::ExplainAccessResponse, Problem> {
        let asked = parse::explain_access(request)?;
        let whose = match (&asked.subject, caller.identity()) {
            (None, Some(own)) => own.clone(),
            (None, None) => {
                let text = "nobody is asked who they are here; name a subject";
                return Err(Problem::new(Reason::InvalidFields, text));
            }
            (Some(other), Some(own)) if other.subject == own.subject => own.clone(),
            (Some(other), _) => {
                caller.may_ask_of_others()?;
                other.clone()
            }
        };
        let past = self.past(asked.at).await?;
        let bindings = past.policy.of(&whose);
        let called = match asked.network {
            Some(id) => guard::called(&self.0, id).await?.map(|it| (id, it)),
            None => None,
        };
        let methods = match asked.method {
            Some(method) => vec![method],
            None => Method::ALL.to_vec(),
        };
        let verdicts = methods.into_iter().map(|method| {
            if self.0.doors.is_open() && asked.at.is_none() {
                return allowed(
                    method,
                    "anybody may call: nobody is asked who they are".to_owned(),
                );
            }
            let target = target(&asked, called.as_ref());
            let mut verdict = verdict(&bindings, method, target);
            if verdict.allowed {
                verdict.approvals = most_asked(&past.policy, method, called.as_ref());
            }
            verdict
        });
        Ok(v1::ExplainAccessResponse {
            subject: Some(subject(&whose)),
            verdicts: verdicts.collect(),
            bindings: bindings.iter().map(binding).collect(),
            policy_hash: past.hash,
            approvals: rules(&past.policy),
            policy_since: past.since.map(timestamp),
            host: self.0.server.host.to_string(),
            others: past.others,
        })
    }

    /// The policy that this server enforced at that time, or enforces.
    async fn past(&self, at: Option<DateTime<Utc>>) -> Result<Past, Problem> {
        let host = &self.0.server.host;
        let known = recorded_policies(&self.0.journal, at).await;
        let (known, _) = known.map_err(|error| Problem::from(&error))?;
        let on_record = known
            .at(host)
            .filter(|_| at.is_some() || self.0.doors.is_open());
        let (policy, hash) = match (on_record, at) {
            (Some(it), _) => (it.policy.clone(), it.hash.clone()),
            (None, None) => {
                let in_force = self.0.doors.policy();
                (in_force.policy.clone(), in_force.hash.clone())
            }
            (None, Some(at)) => {
                let text = format!("no policy of this server ({host}) is on record at {at}");
                return Err(Problem::new(Reason::PolicyUnknown, text));
            }
        };
        let others = known.others(host, &hash);
        Ok(Past {
            since: known.at(host).map(|it| it.since),
            others: others
                .iter()
                .map(|it| format!("{} {}", it.host, it.hash))
                .collect(),
            hash: hash.to_string(),
            policy,
        })
    }
}

fn target<'a>(asked: &'a Explained, called: Option<&'a (NetworkId, guard::Called)>) -> Target<'a> {
    let reach = match (asked.network, called) {
        (None, _) => Reach::Nothing,
        (Some(_), None) => Reach::Everything,
        (Some(_), Some((id, (project, name)))) => Reach::Network {
            id: *id,
            project,
            name,
        },
    };
    Target {
        reach,
        peers: asked.account.as_ref().map_or(Peers::None, Peers::Account),
    }
}

fn verdict(bindings: &[Binding], method: Method, target: Target<'_>) -> v1::AccessVerdict {
    match judge(bindings, method, target) {
        _ if method.is_about_oneself() => {
            allowed(method, "everybody who is known may ask".to_owned())
        }
        Ok(binding) => allowed(method, format!("the caller is {} there", binding.role)),
        Err(denial) => v1::AccessVerdict {
            method: method.name().to_owned(),
            allowed: false,
            why: denial.as_str().to_owned(),
            approvals: 0,
        },
    }
}

fn allowed(method: Method, why: String) -> v1::AccessVerdict {
    v1::AccessVerdict {
        method: method.name().to_owned(),
        allowed: true,
        why,
        approvals: 0,
    }
}

/// How many people have to approve a command of this method at most, in this network or in any.
fn most_asked(policy: &Policy, method: Method, called: Option<&(NetworkId, guard::Called)>) -> u32 {
    let openings = method.may_open();
    let asks = |it: &&ApprovalRule| match called {
        Some((id, (project, name))) => it.asks(&openings, *id, project, name),
        None => !it.opening.is_disjoint(&openings),
    };
    let asking = policy.approvals.iter().filter(asks);
    asking.map(|it| it.approvals.into()).max().unwrap_or(0)
}

fn rules(policy: &Policy) -> Vec<v1::ApprovalRule> {
    policy.approvals.iter().map(approvals::rule).collect()
}

fn subject(it: &Identity) -> v1::AccessSubject {
    v1::AccessSubject {
        method: it.subject.method.to_string(),
        issuer: it.subject.issuer.to_string(),
        subject: it.subject.subject.to_string(),
        groups: it.groups.iter().map(ToString::to_string).collect(),
    }
}

fn binding(it: &Binding) -> v1::AccessBinding {
    v1::AccessBinding {
        role: it.role.to_string(),
        projects: it.projects.iter().map(ToString::to_string).collect(),
        networks: it.networks.iter().map(ToString::to_string).collect(),
        peer_accounts: it.peer_accounts.iter().map(ToString::to_string).collect(),
        group: it
            .group
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    }
}

#[tonic::async_trait]
impl AccessService for Access {
    async fn who_am_i(
        &self,
        request: Request<v1::WhoAmIRequest>,
    ) -> Result<Response<v1::WhoAmIResponse>, Status> {
        Ok(Response::new(self.who(&guard::caller(&request))))
    }

    async fn explain_access(
        &self,
        request: Request<v1::ExplainAccessRequest>,
    ) -> Result<Response<v1::ExplainAccessResponse>, Status> {
        let caller = guard::caller(&request);
        let answer = self.explain(&caller, request.get_ref()).await;
        answer.map(Response::new).map_err(|it| it.status(NAME))
    }

    async fn list_approvals(
        &self,
        request: Request<v1::ListApprovalsRequest>,
    ) -> Result<Response<v1::ListApprovalsResponse>, Status> {
        let caller = guard::caller(&request);
        let answer = approvals::list(&self.0, &caller, request.get_ref()).await;
        answer.map(Response::new).map_err(|it| it.status(NAME))
    }

    async fn get_approval(
        &self,
        request: Request<v1::GetApprovalRequest>,
    ) -> Result<Response<v1::GetApprovalResponse>, Status> {
        let caller = guard::caller(&request);
        let answer = approvals::get(&self.0, &caller, request.get_ref()).await;
        answer.map(Response::new).map_err(|it| it.status(NAME))
    }

    async fn approve_command(
        &self,
        request: Request<v1::ApproveCommandRequest>,
    ) -> Result<Response<v1::ApproveCommandResponse>, Status> {
        let (caller, trace) = (guard::caller(&request), traceparent(&request));
        let approval = approvals::approve(&self.0, &caller, request.get_ref(), trace).await;
        let approval = Some(approval.map_err(|it| it.status(NAME))?);
        Ok(Response::new(v1::ApproveCommandResponse { approval }))
    }

    async fn reject_command(
        &self,
        request: Request<v1::RejectCommandRequest>,
    ) -> Result<Response<v1::RejectCommandResponse>, Status> {
        let (caller, trace) = (guard::caller(&request), traceparent(&request));
        let approval = approvals::reject(&self.0, &caller, request.get_ref(), trace).await;
        let approval = Some(approval.map_err(|it| it.status(NAME))?);
        Ok(Response::new(v1::RejectCommandResponse { approval }))
    }

    async fn withdraw_command(
        &self,
        request: Request<v1::WithdrawCommandRequest>,
    ) -> Result<Response<v1::WithdrawCommandResponse>, Status> {
        let (caller, trace) = (guard::caller(&request), traceparent(&request));
        let approval = approvals::withdraw(&self.0, &caller, request.get_ref(), trace).await;
        let approval = Some(approval.map_err(|it| it.status(NAME))?);
        Ok(Response::new(v1::WithdrawCommandResponse { approval }))
    }
}
