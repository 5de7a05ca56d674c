//! The table role by method, what bounds a binding, what is put on record, and its stored form.

mod approvals;
mod golden;

use super::{
    denials::{self, A_MINUTE, Denials, Denied, QUIET, REMEMBERED},
    policies::{self, Enforce, Policies},
    *,
};
use crate::{ids::NetworkId, text::Account};
use chrono::{DateTime, TimeDelta, Utc};
use std::fmt::Write as _;
use uuid::Uuid;

fn binding(json: serde_json::Value) -> Binding {
    serde_json::from_value(json).expect("a binding")
}

fn identity(proof: Proof, issuer: &str, subject: &str, groups: &[&str]) -> Identity {
    Identity {
        subject: Subject {
            method: proof,
            issuer: issuer.parse().expect("a name"),
            subject: subject.parse().expect("a name"),
        },
        also: Vec::new(),
        groups: groups
            .iter()
            .map(|it| it.parse().expect("a name"))
            .collect(),
    }
}

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time")
}

#[test]
fn the_table_of_roles_and_methods_is_whole_and_as_it_was_agreed() {
    let mut table = String::from("method viewer approver operator admin\n");
    for method in Method::ALL {
        let _ = write!(table, "{method}");
        for role in Role::ALL {
            let _ = write!(table, " {}", if role.allows(*method) { "yes" } else { "-" });
        }
        table.push('\n');
    }
    crate::golden::same("access/roles.txt", &table);
}

#[test]
fn a_role_that_may_do_more_may_do_all_that_one_with_less_may() {
    for method in Method::ALL {
        let allowed = Role::ALL.map(|it| it.allows(*method));
        let [viewer, approver, operator, admin] = allowed;
        assert!(!viewer || (approver && operator && admin), "{method}");
        assert!(!operator || admin, "{method}");
        assert!(admin, "{method}: somebody may");
    }
}

#[test]
fn a_method_is_found_by_its_path_and_by_nothing_like_it() {
    for method in Method::ALL {
        let path = format!("/{}/{}", method.service(), method.name());
        assert_eq!(Method::at(&path), Some(*method));
        assert_eq!(method.name().parse(), Ok(*method));
    }
    for path in [
        "",
        "/",
        "GetNetwork",
        "/peerage.v1.NetworkService/getNetwork",
        "/peerage.v1.PeeringService/GetNetwork",
        "//peerage.v1.NetworkService/GetNetwork",
        "/peerage.v1.NetworkService/GetNetwork/",
        "/grpc.health.v1.Health/Check",
    ] {
        assert_eq!(Method::at(path), None, "{path}");
    }
}

#[test]
fn equal_names_at_two_issuers_or_by_two_methods_are_two_people() {
    let policy = Policy {
        bindings: vec![binding(serde_json::json!({
            "role": "admin", "method": "token", "issuer": "https://a.example", "subject": "ada",
        }))],
        approvals: Vec::new(),
    };
    let bound = |it: Identity| !policy.of(&it).is_empty();
    assert!(bound(identity(
        Proof::Token,
        "https://a.example",
        "ada",
        &[]
    )));
    assert!(!bound(identity(
        Proof::Token,
        "https://b.example",
        "ada",
        &[]
    )));
    assert!(!bound(identity(
        Proof::Mtls,
        "https://a.example",
        "ada",
        &[]
    )));
    assert!(!bound(identity(
        Proof::Socket,
        "https://a.example",
        "ada",
        &[]
    )));
    assert!(!bound(identity(
        Proof::Token,
        "https://a.example",
        "ADA",
        &["ada"]
    )));
}

#[test]
fn a_group_counts_at_its_own_issuer_alone() {
    let policy = Policy {
        bindings: vec![binding(serde_json::json!({
            "role": "viewer", "method": "token", "issuer": "https://a.example", "group": "net",
        }))],
        approvals: Vec::new(),
    };
    let bound = |issuer: &str, groups: &[&str]| {
        !policy
            .of(&identity(Proof::Token, issuer, "ada", groups))
            .is_empty()
    };
    assert!(bound("https://a.example", &["other", "net"]));
    assert!(!bound("https://b.example", &["net"]));
    assert!(!bound("https://a.example", &["networks"]));
}

#[test]
fn a_binding_reaches_its_projects_networks_and_accounts_and_no_further() {
    let (one, two) = (NetworkId(Uuid::from_u128(1)), NetworkId(Uuid::from_u128(2)));
    let bindings = [
        binding(serde_json::json!({
            "role": "operator", "method": "socket", "subject": "ops", "projects": ["payments"],
            "peer_accounts": ["444455556666"],
        })),
        binding(serde_json::json!({
            "role": "viewer", "method": "socket", "subject": "ops",
            "networks": [one.to_string(), "search/index"],
        })),
    ];
    let name = "orders".parse().expect("a name");
    let ask = |method, id, project: &str, network: &str, peers: Peers<'_>| {
        let (project, network) = (
            project.parse().expect("a name"),
            network.parse().expect("a name"),
        );
        let reach = Reach::Network {
            id,
            project: &project,
            name: &network,
        };
        judge(&bindings, method, Target { reach, peers }).map(|it| it.role)
    };
    let (own, foreign): (Account, Account) = (
        "444455556666".parse().expect("an account"),
        "777788889999".parse().expect("an account"),
    );
    let _: &crate::text::Name = &name;

    assert_eq!(
        ask(
            Method::RequestPeering,
            two,
            "payments",
            "orders",
            Peers::Account(&own)
        ),
        Ok(Role::Operator)
    );
    assert_eq!(
        ask(
            Method::RequestPeering,
            two,
            "payments",
            "orders",
            Peers::Account(&foreign)
        ),
        Err(Denial::PeerAccount)
    );
    assert_eq!(
        ask(
            Method::FreezeNetworks,
            two,
            "payments",
            "orders",
            Peers::All
        ),
        Err(Denial::PeerAccount)
    );
    assert_eq!(
        ask(
            Method::RequestPeering,
            one,
            "search",
            "web",
            Peers::Account(&own)
        ),
        Err(Denial::Network),
        "a viewer there does not act there"
    );
    assert_eq!(
        ask(Method::SetPolicy, two, "payments", "orders", Peers::All),
        Err(Denial::Role)
    );
    assert_eq!(
        ask(Method::GetNetwork, one, "search", "web", Peers::None),
        Ok(Role::Viewer)
    );
    assert_eq!(
        ask(Method::GetNetwork, two, "search", "index", Peers::None),
        Ok(Role::Viewer)
    );
    assert_eq!(
        ask(Method::GetNetwork, two, "search", "web", Peers::None),
        Err(Denial::Network)
    );
    assert_eq!(
        ask(Method::GetPeering, two, "payments", "orders", Peers::None),
        Ok(Role::Operator),
        "what is looked at is not bounded by accounts"
    );
    let everything = Target {
        reach: Reach::Everything,
        peers: Peers::None,
    };
    assert_eq!(
        judge(&bindings, Method::GetNetwork, everything).map(|it| it.role),
        Err(Denial::Network)
    );
    let nothing = Target {
        reach: Reach::Nothing,
        peers: Peers::None,
    };
    assert!(judge(&bindings, Method::ListNetworks, nothing).is_ok());
    assert_eq!(
        judge(&[], Method::WhoAmI, nothing).map(|it| it.role),
        Err(Denial::NoRole)
    );
}

#[test]
fn a_binding_that_binds_nobody_is_found() {
    let wrong = |json| {
        Policy {
            bindings: vec![binding(json)],
            approvals: Vec::new(),
        }
        .check()
    };
    let at = "https://a.example";
    for (json, expected) in [
        (
            serde_json::json!({ "role": "viewer", "method": "token", "issuer": at }),
            BindingError::Whom(1),
        ),
        (
            serde_json::json!({ "role": "viewer", "method": "token", "issuer": at, "subject": "a", "group": "b" }),
            BindingError::Whom(1),
        ),
        (
            serde_json::json!({ "role": "viewer", "method": "token", "subject": "a" }),
            BindingError::Issuer(1),
        ),
        (
            serde_json::json!({ "role": "viewer", "method": "mtls", "subject": "a" }),
            BindingError::Issuer(1),
        ),
        (
            serde_json::json!({ "role": "viewer", "method": "socket", "issuer": at, "subject": "a" }),
            BindingError::Issuer(1),
        ),
        (
            serde_json::json!({ "role": "viewer", "method": "mtls", "issuer": "CN=a", "group": "b" }),
            BindingError::Group(1),
        ),
    ] {
        assert_eq!(wrong(json), [expected]);
    }
    assert!(
        serde_json::from_str::<Binding>(r#"{"role":"viewer","method":"socket","subjct":"a"}"#)
            .is_err()
    );
    assert!(
        serde_json::from_str::<Binding>(r#"{"role":"root","method":"socket","subject":"a"}"#)
            .is_err()
    );
}

#[test]
fn a_network_of_the_same_name_in_another_project_is_another_network() {
    let own = [binding(serde_json::json!({
        "role": "viewer", "method": "socket", "subject": "ada", "networks": ["search/index"],
    }))];
    let rule: ApprovalRule = serde_json::from_value(serde_json::json!({
        "opening": ["anything"], "approvals": 1, "networks": ["search/index"],
    }))
    .expect("a rule");
    let openings = [crate::network::Opening::Anything].into();
    let id = NetworkId(Uuid::from_u128(7));
    for (project, name, is_it) in [
        ("search", "index", true),
        ("payments", "index", false),
        ("search", "web", false),
    ] {
        let (project, name) = (
            project.parse().expect("a project"),
            name.parse().expect("a name"),
        );
        let reach = Reach::Network {
            id,
            project: &project,
            name: &name,
        };
        let peers = Peers::None;
        let seen = judge(&own, Method::GetNetwork, Target { reach, peers });
        assert_eq!(seen.is_ok(), is_it, "{project}/{name}");
        let asks = rule.asks(&openings, id, &project, &name);
        assert_eq!(asks, is_it, "{project}/{name}");
    }
}

#[test]
fn another_name_of_the_same_subject_at_the_same_issuer_is_bound_as_well() {
    let policy = Policy {
        bindings: vec![binding(serde_json::json!({
            "role": "viewer", "method": "socket", "subject": "uid:1000",
        }))],
        approvals: Vec::new(),
    };
    let called = |also: &str| Identity {
        also: vec![also.parse().expect("a name")],
        ..identity(Proof::Socket, "db1", "ada", &[])
    };
    assert_eq!(policy.of(&called("uid:1000")).len(), 1);
    assert_eq!(policy.of(&called("uid:1001")).len(), 0);
    let elsewhere = Identity {
        also: vec!["uid:1000".parse().expect("a name")],
        ..identity(Proof::Token, "https://a.example", "ada", &[])
    };
    assert_eq!(policy.of(&elsewhere).len(), 0, "by another method");
}

fn enforce(host: &str, policy: Policy) -> Enforce {
    Enforce {
        host: host.parse().expect("a name"),
        hash: policy.hash().expect("JSON"),
        policy,
        issuers: Vec::new(),
    }
}

#[test]
fn every_start_is_on_record_and_servers_that_differ_are_told() {
    let other = Policy {
        bindings: vec![binding(
            serde_json::json!({ "role": "viewer", "method": "socket", "subject": "a" }),
        )],
        approvals: Vec::new(),
    };
    let mut state = Policies::default();
    let mut step = |seconds, command: Enforce| {
        let events = policies::decide(&state, command);
        let names: Vec<_> = events.iter().map(AccessEvent::name).collect();
        for event in &events {
            state = policies::evolve(std::mem::take(&mut state), event, time(seconds));
        }
        names
    };
    let (alone, differ) = (
        vec!["AccessPolicyEnforced"],
        vec!["AccessPolicyEnforced", "AccessPoliciesDiffered"],
    );
    assert_eq!(step(0, enforce("a", Policy::default())), alone);
    assert_eq!(step(1, enforce("b", Policy::default())), alone);
    assert_eq!(step(2, enforce("b", other.clone())), differ);
    assert_eq!(
        step(3, enforce("a", Policy::default())),
        differ,
        "a restart"
    );
    assert_eq!(step(4, enforce("a", other)), alone, "they agree again");
    let host = "a".parse().expect("a name");
    assert_eq!(state.at(&host).map(|it| it.since), Some(time(4)));
    assert_eq!(state.all().count(), 2);
}

fn denied(name: &str) -> Denied {
    Denied {
        subject: identity(Proof::Token, "https://a.example", name, &[]).subject,
        method: Method::SetPolicy,
        denial: Denial::Role,
        network_id: None,
        peer_account: None,
    }
}

#[test]
fn a_denial_is_on_record_once_an_hour_with_how_often_it_was_met() {
    let mut state = Denials::default();
    let mut meet = |seconds| {
        let what = denied("ada");
        let event = denials::decide(&state, &what, time(seconds));
        state = denials::evolve(
            std::mem::take(&mut state),
            &what,
            event.as_ref(),
            time(seconds),
        );
        event.map(|it| match it {
            AccessEvent::AccessDenied(it) => it.repeated,
            AccessEvent::AccessPolicyEnforced(_) | AccessEvent::AccessPoliciesDiffered(_) => {
                u64::MAX
            }
        })
    };
    assert_eq!(meet(0), Some(0));
    for seconds in 1..=5 {
        assert_eq!(meet(seconds), None);
    }
    assert_eq!(meet(QUIET.num_seconds()), Some(5));
    assert_eq!(meet(QUIET.num_seconds() + 1), None);
}

#[test]
fn who_is_denied_fills_neither_the_log_nor_the_memory() {
    let mut state = Denials::default();
    let mut recorded = 0;
    for caller in 0..REMEMBERED * 2 {
        let what = denied(&format!("caller-{caller}"));
        let event = denials::decide(&state, &what, time(0));
        recorded += usize::from(event.is_some());
        state = denials::evolve(state, &what, event.as_ref(), time(0));
    }
    assert_eq!(recorded, A_MINUTE);
    let what = denied("later");
    assert!(denials::decide(&state, &what, time(61)).is_some());
    assert!(TimeDelta::seconds(61) < QUIET);
}

#[test]
fn of_more_callers_than_are_remembered_the_one_met_longest_ago_is_forgotten() {
    let mut state = Denials::default();
    let mut meet = |name: &str, milliseconds| {
        let (what, now) = (
            denied(name),
            time(0) + TimeDelta::milliseconds(milliseconds),
        );
        let event = denials::decide(&state, &what, now);
        state = denials::evolve(std::mem::take(&mut state), &what, event.as_ref(), now);
        event.is_some()
    };
    // So many are put on record that of the others it is only remembered that they were met.
    let first: Vec<_> = (0..A_MINUTE).map(|n| format!("first-{n}")).collect();
    assert!(first.iter().all(|it| meet(it, 0)));
    for (n, at) in (0..REMEMBERED - A_MINUTE).zip(1..) {
        assert!(!meet(&format!("caller-{n}"), at));
    }
    for it in &first {
        assert!(!meet(it, 5_000));
    }
    assert!(!meet("one-more", 6_000));
    let met = |name: &str| {
        let event = denials::decide(&state, &denied(name), time(120));
        let Some(AccessEvent::AccessDenied(it)) = event else {
            panic!("{event:?}");
        };
        it.repeated
    };
    let last = format!("caller-{}", REMEMBERED - A_MINUTE - 1);
    let known = ["caller-0", "caller-1", &last, "one-more"].map(met);
    assert_eq!(known, [0, 1, 1, 1]);
}
