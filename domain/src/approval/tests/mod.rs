//! Given what is on record of a request, when a command comes, then events or a refusal.

mod golden;
mod matrix;

use super::*;
use crate::{
    access::{Asked, Identity, Policy, Proof, Subject},
    ids::NetworkId,
    ledger::Digest,
    network::Opening,
};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

const IDP: &str = "https://idp.example.com";

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time")
}

fn subject(issuer: &str, name: &str) -> Subject {
    Subject {
        method: Proof::Token,
        issuer: issuer.parse().expect("a name"),
        subject: name.parse().expect("a name"),
    }
}

fn approver(name: &str) -> Approver {
    Approver {
        subject: subject(IDP, name),
        bound_as: BoundAs::default(),
    }
}

fn shown(what: &str, revision: u64) -> Shown {
    let event = json!({ "type": "ConnectorIngressAllowed", "data": { "port": what } });
    Shown::of(vec![event], Some(revision)).expect("JSON")
}

fn ask(approvals: u8) -> AskApproval {
    let command = json!({ "command": "AllowConnectorIngress", "body": { "port": 443 } });
    AskApproval {
        network_id: NetworkId(Uuid::from_u128(7)),
        project: "payments".parse().expect("a project"),
        name: "orders".parse().expect("a name"),
        peer_account: "444455556666".parse().ok(),
        command_name: "AllowConnectorIngress".to_owned(),
        digest: Digest::of(&command).expect("JSON"),
        command,
        requester: subject(IDP, "ada"),
        requested_as: Some(RequestedAs {
            method: "AllowConnectorIngress".to_owned(),
            bound_as: BoundAs {
                group: "operators".parse().ok(),
                name: None,
            },
        }),
        reason: "for the auditors".parse().ok(),
        ticket: "NET-7".parse().ok(),
        expected_revision: Some(3),
        openings: BTreeSet::from([Opening::Anything, Opening::ConnectorIngress]),
        needs: Asked {
            approvals,
            wait: TimeDelta::hours(72),
        },
        policy: Digest::of_json(b"policy"),
        shown: shown("443", 3),
        of_the_network: 0,
        of_the_requester: 0,
    }
}

/// Approvers are bob, cyd and dan, and all of a group.
fn policy(approvals: u8) -> Policy {
    let bound = |name: &str| json!({ "role": "approver", "method": "token", "issuer": IDP, "subject": name });
    let group = json!({
        "role": "approver", "method": "token", "issuer": IDP, "group": "network", "projects": ["payments"],
    });
    let rules = match approvals {
        0 => json!([]),
        many => json!([{ "opening": ["connector_ingress"], "approvals": many }]),
    };
    serde_json::from_value(json!({
        "bindings": [bound("bob"), bound("cyd"), bound("dan"), group],
        "approvals": rules,
    }))
    .expect("a policy")
}

fn give(name: &str) -> ApprovalCommand {
    gives(approver(name), name, "443")
}

fn gives(by: Approver, command: &str, what: &str) -> ApprovalCommand {
    ApprovalCommand::Give(GiveApproval {
        by,
        command_id: CommandId(Uuid::new_v5(&Uuid::nil(), command.as_bytes())),
        shown: shown(what, 0).hash,
        now: Some(shown(what, 9)),
    })
}

fn reject(name: &str) -> ApprovalCommand {
    ApprovalCommand::Reject(RejectCommand {
        by: approver(name),
        reason: "not this quarter".parse().ok(),
    })
}

fn carried_out() -> Finished {
    Finished::CarriedOut(ApprovalCarriedOut {
        revision: Some(4),
        event_types: vec!["ConnectorIngressAllowed".to_owned()],
    })
}

fn refused() -> Finished {
    Finished::Refused(ApprovalRefused {
        refusal: "PEERING_ENDED".to_owned(),
        message: "the peering has ended".to_owned(),
    })
}

fn finish(host: &str, finished: Finished) -> ApprovalCommand {
    ApprovalCommand::Finish {
        host: host.to_owned(),
        finished,
    }
}

fn start(host: &str) -> ApprovalCommand {
    ApprovalCommand::Start {
        host: host.to_owned(),
    }
}

/// A request that is led on from one command to the next, under one policy.
struct Led {
    approval: Approval,
    policy: Policy,
    now: i64,
}

impl Led {
    fn asked(approvals: u8) -> Self {
        let mut led = Self {
            approval: Approval::Absent,
            policy: policy(approvals),
            now: 0,
        };
        led.takes(&ApprovalCommand::Ask(Box::new(ask(approvals))))
            .expect("it is asked for");
        led
    }

    fn takes(&mut self, command: &ApprovalCommand) -> Result<Vec<&'static str>, ApprovalRefusal> {
        let hash = self.policy.hash().expect("JSON");
        let standing = Standing {
            policy: &self.policy,
            hash: &hash,
        };
        let events = decide(&self.approval, command, standing, at(self.now))?;
        for event in &events {
            let before = std::mem::take(&mut self.approval);
            self.approval = evolve(before, event, at(self.now));
        }
        Ok(events.iter().map(ApprovalEvent::name).collect())
    }

    fn state(&self) -> &'static str {
        self.approval
            .request()
            .map_or("absent", |it| it.state.name())
    }
}

#[test]
fn two_people_approve_and_the_last_one_grants_it() {
    let mut led = Led::asked(2);
    assert_eq!(led.takes(&give("bob")), Ok(vec!["ApprovalGiven"]));
    assert_eq!(led.state(), "pending");
    assert_eq!(
        led.takes(&give("cyd")),
        Ok(vec!["ApprovalGiven", "ApprovalGranted"])
    );
    assert_eq!(led.state(), "granted");
    assert_eq!(
        led.takes(&give("dan")),
        Err(ApprovalRefusal::ApprovalGrantedAlready)
    );
}

#[test]
fn the_same_person_counts_once_and_the_same_call_again_is_what_it_was() {
    let mut led = Led::asked(2);
    let _ = led.takes(&give("bob"));
    assert_eq!(led.takes(&give("bob")), Ok(vec![]));
    assert_eq!(
        led.takes(&gives(approver("bob"), "another call", "443")),
        Err(ApprovalRefusal::ApprovalGivenAlready)
    );
    assert_eq!(led.state(), "pending");
    // Bound as something else, it is the same person still.
    let mut as_of_the_group = approver("bob");
    as_of_the_group.bound_as.group = "network".parse().ok();
    assert_eq!(
        led.takes(&gives(as_of_the_group, "a third", "443")),
        Err(ApprovalRefusal::ApprovalGivenAlready)
    );
    // Equal names at two issuers are two people.
    let other = Approver {
        subject: subject("https://other.example.com", "bob"),
        bound_as: BoundAs::default(),
    };
    assert!(led.takes(&gives(other, "elsewhere", "443")).is_ok());
    assert_eq!(led.state(), "granted");
}

#[test]
fn nobody_judges_their_own_request_whatever_role_they_have() {
    let mut led = Led::asked(1);
    assert_eq!(
        led.takes(&give("ada")),
        Err(ApprovalRefusal::ApprovalOfOwnRequest)
    );
    assert_eq!(
        led.takes(&reject("ada")),
        Err(ApprovalRefusal::ApprovalOfOwnRequest)
    );
    assert_eq!(led.state(), "pending");
}

#[test]
fn one_rejection_ends_it_and_only_who_asked_withdraws() {
    let mut led = Led::asked(3);
    let _ = led.takes(&give("bob"));
    assert_eq!(led.takes(&reject("cyd")), Ok(vec!["ApprovalRejected"]));
    let ended = Err(ApprovalRefusal::ApprovalEnded { state: "rejected" });
    assert_eq!(led.takes(&give("dan")), ended);
    assert_eq!(led.takes(&reject("dan")), ended);

    let mut led = Led::asked(3);
    let by = |name: &str| ApprovalCommand::Withdraw {
        by: subject(IDP, name),
    };
    assert_eq!(led.takes(&by("bob")), Err(ApprovalRefusal::ApprovalNotOwn));
    assert_eq!(led.takes(&by("ada")), Ok(vec!["ApprovalWithdrawn"]));
    assert_eq!(led.takes(&by("ada")), Ok(vec![]));
    assert_eq!(
        led.takes(&give("bob")),
        Err(ApprovalRefusal::ApprovalEnded { state: "withdrawn" })
    );
}

#[test]
fn after_its_time_nobody_approves_it_and_it_expires_once() {
    let mut led = Led::asked(1);
    led.now = 72 * 3_600 - 1;
    assert_eq!(led.takes(&ApprovalCommand::Expire), Ok(vec![]));
    led.now += 1;
    let expired_at = at(72 * 3_600);
    assert_eq!(
        led.takes(&give("bob")),
        Err(ApprovalRefusal::ApprovalExpired { expired_at })
    );
    assert_eq!(
        led.takes(&reject("bob")),
        Err(ApprovalRefusal::ApprovalExpired { expired_at })
    );
    assert_eq!(
        led.takes(&ApprovalCommand::Expire),
        Ok(vec!["ApprovalExpired"])
    );
    assert_eq!(led.takes(&ApprovalCommand::Expire), Ok(vec![]));
    assert_eq!(led.state(), "expired");
}

#[test]
fn a_policy_that_asks_for_more_is_followed_and_one_that_asks_for_less_is_not() {
    let mut led = Led::asked(2);
    let _ = led.takes(&give("bob"));
    led.policy = policy(3);
    assert_eq!(led.takes(&give("cyd")), Ok(vec!["ApprovalGiven"]));
    led.policy = policy(0);
    assert_eq!(
        led.takes(&give("dan")),
        Ok(vec!["ApprovalGiven", "ApprovalGranted"])
    );

    for weaker in [policy(1), policy(0)] {
        let mut led = Led::asked(2);
        led.policy = weaker;
        assert_eq!(led.takes(&give("bob")), Ok(vec!["ApprovalGiven"]));
        assert_eq!(led.state(), "pending");
    }
}

#[test]
fn who_is_no_approver_any_more_when_the_last_one_approves_does_not_count() {
    let mut led = Led::asked(2);
    let _ = led.takes(&give("bob"));
    led.policy.bindings.remove(0);
    assert_eq!(led.takes(&give("cyd")), Ok(vec!["ApprovalGiven"]));
    assert_eq!(
        led.takes(&give("dan")),
        Ok(vec!["ApprovalGiven", "ApprovalGranted"])
    );
    let by = |led: &Led| {
        let request = led.approval.request().expect("a request");
        let given = request.given.iter();
        given
            .map(|it| it.by.subject.subject.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(by(&led), ["cyd", "dan"]);

    // By a group the same: bound elsewhere, it does not reach this network.
    let mut led = Led::asked(2);
    let mut eve = approver("eve");
    eve.bound_as.group = "network".parse().ok();
    let _ = led.takes(&gives(eve.clone(), "eve", "443"));
    led.policy.bindings[3].projects = vec!["search".parse().expect("a project")];
    assert_eq!(led.takes(&give("bob")), Ok(vec!["ApprovalGiven"]));
    led.policy.bindings[3].projects = Vec::new();
    assert_eq!(
        led.takes(&give("cyd")),
        Ok(vec!["ApprovalGiven", "ApprovalGranted"])
    );
    assert_eq!(by(&led), ["eve", "bob", "cyd"]);
}

#[test]
fn an_approver_is_one_by_a_binding_that_reaches_the_network_and_its_peers_account() {
    let led = Led::asked(1);
    let request = led.approval.request().expect("a request");
    let identity = |name: &str, groups: &[&str]| Identity {
        subject: subject(IDP, name),
        also: Vec::new(),
        groups: groups
            .iter()
            .map(|it| it.parse().expect("a name"))
            .collect(),
    };
    let of = |it: &Identity, policy: &Policy| Approver::of(it, policy, request.target());
    let policy = policy(1);
    assert_eq!(of(&identity("bob", &[]), &policy), Some(approver("bob")));
    assert_eq!(of(&identity("eve", &[]), &policy), None);
    let eve = of(&identity("eve", &["network", "other"]), &policy).expect("an approver");
    assert_eq!(eve.bound_as.group, "network".parse().ok());
    let mut elsewhere = policy.clone();
    elsewhere.bindings[3].peer_accounts = vec!["777788889999".parse().expect("an account")];
    assert_eq!(of(&identity("eve", &["network"]), &elsewhere), None);
    let mut operators = policy;
    operators.bindings[0].role = crate::access::Role::Operator;
    assert_eq!(of(&identity("bob", &[]), &operators), None);
}

#[test]
fn who_approves_for_some_accounts_approves_nothing_that_is_about_the_whole_network() {
    let policy: Policy = serde_json::from_value(json!({ "bindings": [{
        "role": "approver", "method": "token", "issuer": IDP, "subject": "eve",
        "peer_accounts": ["444455556666"],
    }] }))
    .expect("a policy");
    let eve = Identity {
        subject: subject(IDP, "eve"),
        also: Vec::new(),
        groups: Vec::new(),
    };
    for (account, may) in [("444455556666", true), ("777788889999", false), ("", false)] {
        let ask = AskApproval {
            peer_account: account.parse().ok(),
            ..ask(1)
        };
        let mut led = Led {
            approval: Approval::Absent,
            policy: policy.clone(),
            now: 0,
        };
        let asked = led.takes(&ApprovalCommand::Ask(Box::new(ask)));
        assert_eq!(asked, Ok(vec!["ApprovalRequested"]));
        let request = led.approval.request().expect("a request");
        let approver = Approver::of(&eve, &policy, request.target());
        assert_eq!(approver.is_some(), may, "{account:?}");
    }
}

#[test]
fn approval_is_of_what_was_shown_and_another_plan_is_asked_for_again() {
    let mut led = Led::asked(2);
    assert_eq!(
        led.takes(&gives(approver("bob"), "bob", "80")),
        Err(ApprovalRefusal::ApprovalPlanChanged {
            shown: shown("443", 0).hash
        })
    );
    let _ = led.takes(&give("bob"));
    // The network has moved on, and the plan has not: nothing is asked again.
    let mut moved = GiveApproval {
        by: approver("cyd"),
        command_id: CommandId(Uuid::from_u128(1)),
        shown: shown("443", 0).hash,
        now: Some(shown("8443", 10)),
    };
    // The plan has: what was given is void.
    assert_eq!(
        led.takes(&ApprovalCommand::Give(moved.clone())),
        Ok(vec!["ApprovalPlanChanged"])
    );
    let request = led.approval.request().expect("a request");
    assert_eq!(request.given, Vec::new());
    assert_eq!(request.shown, shown("8443", 10));
    assert_eq!(
        led.takes(&ApprovalCommand::Give(moved.clone())),
        Err(ApprovalRefusal::ApprovalPlanChanged {
            shown: shown("8443", 0).hash
        })
    );
    moved.shown = shown("8443", 0).hash;
    assert_eq!(
        led.takes(&ApprovalCommand::Give(moved.clone())),
        Ok(vec!["ApprovalGiven"])
    );
    // One that would be refused by now is told so when it is carried out.
    moved.by = approver("bob");
    moved.command_id = CommandId(Uuid::from_u128(2));
    moved.now = None;
    assert_eq!(
        led.takes(&ApprovalCommand::Give(moved)),
        Ok(vec!["ApprovalGiven", "ApprovalGranted"])
    );
}

#[test]
fn one_server_carries_it_out_and_another_takes_over_only_after_a_while() {
    let mut led = Led::asked(1);
    assert_eq!(
        led.takes(&start("a")),
        Err(ApprovalRefusal::ApprovalNotGranted)
    );
    let _ = led.takes(&give("bob"));
    assert_eq!(
        led.takes(&finish("a", carried_out())),
        Err(ApprovalRefusal::ApprovalNotGranted)
    );
    assert_eq!(led.takes(&start("a")), Ok(vec!["ApprovalExecutionStarted"]));
    assert_eq!(led.takes(&start("a")), Ok(vec![]));
    led.now = 59;
    let elsewhere = |host: &str| {
        Err(ApprovalRefusal::ApprovalStartedElsewhere {
            host: host.to_owned(),
        })
    };
    assert_eq!(led.takes(&start("b")), elsewhere("a"));
    assert_eq!(led.takes(&finish("b", refused())), elsewhere("a"));
    led.now = 60;
    assert_eq!(led.takes(&start("b")), Ok(vec!["ApprovalExecutionStarted"]));
    assert_eq!(led.takes(&finish("a", refused())), elsewhere("b"));
    assert_eq!(
        led.takes(&finish("b", carried_out())),
        Ok(vec!["ApprovalCarriedOut"])
    );
    assert_eq!(
        led.takes(&finish("b", refused())),
        Err(ApprovalRefusal::ApprovalEnded {
            state: "carried_out"
        })
    );
}

#[test]
fn a_plan_that_changed_before_it_was_carried_out_is_asked_for_again() {
    let mut led = Led::asked(1);
    let _ = led.takes(&give("bob"));
    let _ = led.takes(&start("a"));
    assert_eq!(
        led.takes(&ApprovalCommand::Reshow(shown("443", 12))),
        Ok(vec![])
    );
    assert_eq!(
        led.takes(&ApprovalCommand::Reshow(shown("80", 12))),
        Ok(vec!["ApprovalPlanChanged"])
    );
    assert_eq!(led.state(), "pending");
    assert_eq!(
        led.takes(&start("a")),
        Err(ApprovalRefusal::ApprovalNotGranted)
    );
}

#[test]
fn the_id_of_a_request_is_its_commands_and_another_command_under_it_is_refused() {
    let mut led = Led::asked(1);
    let again = |change: &dyn Fn(&mut AskApproval)| {
        let mut ask = ask(1);
        change(&mut ask);
        ApprovalCommand::Ask(Box::new(ask))
    };
    assert_eq!(led.takes(&again(&|_| {})), Ok(vec![]));
    let reused = Err(ApprovalRefusal::ApprovalIdReused);
    let other = Digest::of_json(b"other");
    assert_eq!(led.takes(&again(&|it| it.digest = other.clone())), reused);
    let network = NetworkId(Uuid::from_u128(8));
    assert_eq!(led.takes(&again(&|it| it.network_id = network)), reused);
    assert_eq!(
        led.takes(&again(&|it| it.requester = subject(IDP, "eve"))),
        reused
    );
}

#[test]
fn what_waits_is_bounded_in_number_and_in_size() {
    let asked = |change: &dyn Fn(&mut AskApproval)| {
        let mut led = Led {
            approval: Approval::Absent,
            policy: policy(1),
            now: 0,
        };
        let mut ask = ask(1);
        change(&mut ask);
        led.takes(&ApprovalCommand::Ask(Box::new(ask)))
    };
    assert!(asked(&|it| it.of_the_network = MOST_OF_A_NETWORK - 1).is_ok());
    assert_eq!(
        asked(&|it| it.of_the_network = MOST_OF_A_NETWORK),
        Err(ApprovalRefusal::ApprovalsOfNetwork {
            waiting: MOST_OF_A_NETWORK
        })
    );
    assert!(asked(&|it| it.of_the_requester = MOST_OF_A_REQUESTER - 1).is_ok());
    assert_eq!(
        asked(&|it| it.of_the_requester = MOST_OF_A_REQUESTER),
        Err(ApprovalRefusal::ApprovalsOfRequester {
            waiting: MOST_OF_A_REQUESTER
        })
    );
    let large = |bytes: usize| json!("x".repeat(bytes));
    assert!(matches!(
        asked(&|it| it.command = large(MOST_BYTES)),
        Err(ApprovalRefusal::ApprovalTooLarge { .. })
    ));
    let plan = || Shown::of(vec![large(MOST_BYTES - 10)], None).expect("JSON");
    assert!(matches!(
        asked(&|it| it.shown = plan()),
        Err(ApprovalRefusal::ApprovalTooLarge { .. })
    ));
    assert!(asked(&|it| it.command = large(MOST_BYTES - 1_000)).is_ok());
    // To the byte: a JSON string has two quotes.
    let alone = |bytes: usize| {
        asked(&|it| {
            it.command = large(bytes - 2);
            it.shown = Shown::of(Vec::new(), None).expect("JSON");
        })
    };
    assert!(alone(MOST_BYTES).is_ok());
    let bytes = MOST_BYTES + 1;
    assert_eq!(
        alone(bytes),
        Err(ApprovalRefusal::ApprovalTooLarge { bytes })
    );
    // A plan that it has come to since is bounded like the first.
    let mut led = Led::asked(1);
    assert!(matches!(
        led.takes(&ApprovalCommand::Reshow(plan())),
        Err(ApprovalRefusal::ApprovalTooLarge { .. })
    ));
    assert_eq!(led.state(), "pending");
}

#[test]
fn a_call_is_the_same_again_only_if_the_same_person_made_it() {
    let mut led = Led::asked(2);
    let bobs = gives(approver("bob"), "one id", "443");
    assert_eq!(led.takes(&bobs), Ok(vec!["ApprovalGiven"]));
    let cyds = gives(approver("cyd"), "one id", "443");
    assert_eq!(
        led.takes(&cyds),
        Ok(vec!["ApprovalGiven", "ApprovalGranted"])
    );
}

#[test]
fn a_request_has_a_stream_of_its_own_that_names_its_command() {
    let id = CommandId(Uuid::from_u128(7));
    assert_eq!(of_stream(&stream(id)), Some(id));
    for other in [
        "approval-7",
        "approval",
        "network-00000000-0000-0000-0000-000000000007",
        "approvals-00000000-0000-0000-0000-000000000007",
    ] {
        assert_eq!(of_stream(other), None, "{other}");
    }
}

#[test]
fn every_refusal_has_a_reason_of_its_own_and_tells_its_facts() {
    let reasons: BTreeSet<String> = ApprovalRefusal::one_of_each()
        .iter()
        .map(|it| {
            let value: Value = serde_json::to_value(it).expect("JSON");
            assert!(it.to_string().len() > 20, "{it:?}");
            value["reason"].as_str().expect("a reason").to_owned()
        })
        .collect();
    assert_eq!(reasons.len(), 14);
    assert!(reasons.iter().all(|it| it.starts_with("APPROVAL")));
}

#[test]
fn a_command_is_carried_out_only_while_the_one_who_asked_may_still_give_it() {
    let led = Led::asked(2);
    let request = led.approval.request().expect("it is on record");
    let bound = |role: &str, group: &str, project: &str| -> Policy {
        serde_json::from_value(json!({ "bindings": [{
            "role": role, "method": "token", "issuer": IDP, "group": group, "projects": [project],
        }] }))
        .expect("a policy")
    };
    assert!(request.requester_stands(&bound("operator", "operators", "payments")));
    for (role, group, project) in [
        ("viewer", "operators", "payments"),
        ("operator", "others", "payments"),
        ("operator", "operators", "search"),
    ] {
        let policy = bound(role, group, project);
        assert!(
            !request.requester_stands(&policy),
            "{role} {group} {project}"
        );
    }
    // Of before it was kept.
    let mut older = request.clone();
    older.asked.requested_as = None;
    assert!(older.requester_stands(&bound("viewer", "operators", "payments")));
    let mut newer = request.clone();
    let by = newer.asked.requested_as.as_mut().expect("it is kept");
    by.method = "OfALaterVersion".to_owned();
    assert!(!newer.requester_stands(&bound("operator", "operators", "payments")));
}
