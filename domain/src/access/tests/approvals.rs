//! What asks for approval: the rules of a policy, their bounds, and their place in its hash.

use super::*;
use crate::{
    network::Opening,
    text::{Name, Project},
};
use std::collections::BTreeSet;

fn rule(json: serde_json::Value) -> ApprovalRule {
    serde_json::from_value(json).expect("a rule")
}

fn asked(rules: &[ApprovalRule], opening: Opening, project: &str, name: &str) -> Option<(u8, i64)> {
    let (project, name): (Project, Name) = (
        project.parse().expect("a project"),
        name.parse().expect("a name"),
    );
    let id = NetworkId(Uuid::from_u128(7));
    let openings = BTreeSet::from([opening, Opening::Anything]);
    let asked = Asked::of(rules, &openings, id, &project, &name);
    asked.map(|it| (it.approvals, it.wait.num_hours()))
}

#[test]
fn the_most_approvals_and_the_shortest_wait_of_all_rules_that_are_about_it_are_asked_for() {
    let rules = [
        rule(
            serde_json::json!({ "opening": ["connector_ingress", "adoption"], "approvals": 1, "expires_after_hours": 8 }),
        ),
        rule(
            serde_json::json!({ "opening": ["connector_ingress"], "approvals": 2, "projects": ["payments"] }),
        ),
        rule(
            serde_json::json!({ "opening": ["anything"], "approvals": 3, "networks": ["search/index"], "expires_after_hours": 100 }),
        ),
    ];
    let all = |opening, project, name| asked(&rules, opening, project, name);
    assert_eq!(all(Opening::ConnectorIngress, "other", "a"), Some((1, 8)));
    assert_eq!(
        all(Opening::ConnectorIngress, "payments", "a"),
        Some((2, 8))
    );
    assert_eq!(all(Opening::Adoption, "payments", "a"), Some((1, 8)));
    assert_eq!(all(Opening::NewPeerAccount, "payments", "a"), None);
    assert_eq!(
        all(Opening::NewPeerAccount, "search", "index"),
        Some((3, 100))
    );
    assert_eq!(all(Opening::NewPeerAccount, "search", "other"), None);
    assert_eq!(all(Opening::Anything, "search", "index"), Some((3, 100)));
    // What opens nothing is never asked about, whatever the rules say.
    let (project, name) = ("search".parse().unwrap(), "index".parse().unwrap());
    let id = NetworkId(Uuid::from_u128(7));
    assert_eq!(
        Asked::of(&rules, &BTreeSet::new(), id, &project, &name),
        None
    );
}

#[test]
fn rules_are_bounded_and_say_what_they_are_about() {
    let policy = |json: serde_json::Value| Policy {
        bindings: Vec::new(),
        approvals: vec![rule(json)],
    };
    for wrong in [
        serde_json::json!({ "opening": [], "approvals": 1 }),
        serde_json::json!({ "opening": ["anything"], "approvals": 0 }),
        serde_json::json!({ "opening": ["anything"], "approvals": 11 }),
        serde_json::json!({ "opening": ["anything"], "approvals": 1, "expires_after_hours": 0 }),
        serde_json::json!({ "opening": ["anything"], "approvals": 1, "expires_after_hours": 721 }),
    ] {
        let text = wrong.to_string();
        assert!(
            matches!(
                policy(wrong).check().as_slice(),
                [BindingError::Approvals(1, _)]
            ),
            "{text}"
        );
    }
    for right in [
        serde_json::json!({ "opening": ["anything"], "approvals": 1, "expires_after_hours": 1 }),
        serde_json::json!({ "opening": ["new_peer_account"], "approvals": 10, "expires_after_hours": 720 }),
    ] {
        assert_eq!(policy(right).check(), Vec::new());
    }
    let mut many = policy(serde_json::json!({ "opening": ["anything"], "approvals": 1 }));
    many.approvals = vec![many.approvals[0].clone(); 101];
    assert_eq!(many.check().len(), 1);
    for wrong in [
        r#"{ "opening": ["closing"], "approvals": 1 }"#,
        r#"{ "opening": ["anything"], "approvals": 1, "by": "me" }"#,
        r#"{ "opening": ["anything"] }"#,
    ] {
        assert!(
            serde_json::from_str::<ApprovalRule>(wrong).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn what_asks_for_approval_is_in_the_policys_hash_and_a_policy_without_has_the_hash_it_always_had() {
    let without = Policy::default();
    assert_eq!(
        serde_json::to_string(&without).unwrap(),
        r#"{"bindings":[]}"#
    );
    let mut with = without.clone();
    with.approvals = vec![rule(
        serde_json::json!({ "opening": ["anything"], "approvals": 2 }),
    )];
    assert_ne!(with.hash().unwrap(), without.hash().unwrap());
    let two = with.clone();
    with.approvals[0].approvals = 1;
    assert_ne!(with.hash().unwrap(), two.hash().unwrap());
}
