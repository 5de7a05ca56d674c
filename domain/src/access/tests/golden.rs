//! The stored form of the events, for ever.

use super::*;
use crate::golden::same;
use serde_json::Value;

fn one_of_each() -> Vec<AccessEvent> {
    let policy = Policy {
        bindings: vec![
            binding(serde_json::json!({
                "role": "operator", "method": "token", "issuer": "https://idp.example.com", "group": "network",
                "projects": ["payments"], "networks": ["search/index"], "peer_accounts": ["444455556666"],
            })),
            binding(serde_json::json!({ "role": "admin", "method": "socket", "subject": "root" })),
        ],
        approvals: Vec::new(),
    };
    let hash = policy.hash().expect("JSON");
    let other = Policy::default().hash().expect("JSON");
    let host: crate::text::ActorName = "db1 127.0.0.1:2114".parse().expect("a name");
    vec![
        AccessEvent::AccessPolicyEnforced(AccessPolicyEnforced {
            host: host.clone(),
            hash: hash.clone(),
            policy,
            issuers: vec!["https://idp.example.com".parse().expect("a name")],
        }),
        AccessEvent::AccessPoliciesDiffered(AccessPoliciesDiffered {
            host,
            hash,
            others: vec![Enforced {
                host: "db2 127.0.0.1:2114".parse().expect("a name"),
                hash: other,
            }],
        }),
        AccessEvent::AccessDenied(AccessDenied {
            subject: identity(Proof::Token, "https://idp.example.com", "ada", &[]).subject,
            method: "RequestPeering".to_owned(),
            denial: Denial::PeerAccount,
            network_id: Some(NetworkId(Uuid::from_u128(7))),
            peer_account: "777788889999".parse().ok(),
            repeated: 3,
        }),
    ]
}

#[test]
fn every_event_is_stored_as_its_sample_and_the_sample_is_read_again() {
    let all = one_of_each();
    let names: Vec<_> = all.iter().map(AccessEvent::name).collect();
    assert_eq!(names, AccessEvent::NAMES);
    for event in all {
        let Value::Object(mut tagged) = serde_json::to_value(&event).expect("JSON") else {
            panic!("{event:?}")
        };
        assert_eq!(tagged["type"], event.name());
        let data = tagged.remove("data").expect("what it says");
        let text = format!("{}\n", serde_json::to_string_pretty(&data).expect("JSON"));
        let file = format!("{}.v1.json", event.name());
        same(&format!("access/{file}"), &text);
        let stored: Value = serde_json::from_str(&text).expect("JSON");
        let again = serde_json::json!({ "type": event.name(), "data": stored });
        assert_eq!(
            serde_json::from_value::<AccessEvent>(again).expect("it is read"),
            event
        );
    }
}

/// A policy with what was added later: absent in every older sample.
#[test]
fn a_policy_with_approvals_is_stored_as_its_sample_and_read_again() {
    let policy: Policy = serde_json::from_value(serde_json::json!({
        "bindings": [{ "role": "admin", "method": "socket", "subject": "root" }],
        "approvals": [{
            "opening": ["connector_ingress", "new_peer_account", "adoption", "anything"], "approvals": 2,
            "expires_after_hours": 24, "projects": ["payments"], "networks": ["search/index"],
        }],
    }))
    .expect("a policy");
    let event = AccessPolicyEnforced {
        host: "db1 127.0.0.1:2114".parse().expect("a name"),
        hash: policy.hash().expect("JSON"),
        policy,
        issuers: Vec::new(),
    };
    let data = serde_json::to_value(&event).expect("JSON");
    let text = format!("{}\n", serde_json::to_string_pretty(&data).expect("JSON"));
    same("access/AccessPolicyEnforced.v1.with_approvals.json", &text);
    let again: AccessPolicyEnforced = serde_json::from_str(&text).expect("it is read");
    assert_eq!(again, event);
}
