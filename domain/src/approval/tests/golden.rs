//! The stored form of the events, for ever.

use super::*;
use crate::golden::same;

pub(super) fn one_of_each() -> Vec<ApprovalEvent> {
    let mut led = Led {
        approval: Approval::Absent,
        policy: policy(2),
        now: 0,
    };
    let hash = led.policy.hash().expect("JSON");
    let standing = Standing {
        policy: &led.policy,
        hash: &hash,
    };
    let mut asked = ask(2);
    // As it was stored before; the sample beside it has it.
    asked.requested_as = None;
    let asked = ApprovalCommand::Ask(Box::new(asked));
    let mut all = decide(&led.approval, &asked, standing, at(0)).expect("it is asked for");
    led.takes(&asked).expect("it is asked for");
    let by = BoundAs {
        group: "network".parse().ok(),
        name: "bob@example.com".parse().ok(),
    };
    all.extend([
        ApprovalEvent::ApprovalGiven(ApprovalGiven {
            by: subject(IDP, "bob"),
            bound_as: by.clone(),
            command_id: CommandId(Uuid::from_u128(9)),
            shown: shown("443", 3).hash,
            policy: Digest::of_json(b"policy"),
        }),
        ApprovalEvent::ApprovalGranted(ApprovalGranted {
            by: vec![subject(IDP, "bob"), subject(IDP, "cyd")],
        }),
        ApprovalEvent::ApprovalPlanChanged(ApprovalPlanChanged {
            shown: shown("8443", 5),
        }),
        ApprovalEvent::ApprovalExecutionStarted(ApprovalExecutionStarted {
            host: "db1 127.0.0.1:2114".to_owned(),
        }),
        ApprovalEvent::ApprovalCarriedOut(ApprovalCarriedOut {
            revision: Some(4),
            event_types: vec!["ConnectorIngressAllowed".to_owned()],
        }),
        ApprovalEvent::ApprovalRefused(ApprovalRefused {
            refusal: "PEERING_ENDED".to_owned(),
            message: "the peering has ended".to_owned(),
        }),
        ApprovalEvent::ApprovalRejected(ApprovalRejected {
            by: subject(IDP, "bob"),
            bound_as: by,
            reason: "not this quarter".parse().ok(),
        }),
        ApprovalEvent::ApprovalWithdrawn {},
        ApprovalEvent::ApprovalExpired {},
    ]);
    all
}

/// Samples of what came to an event later.
fn later() -> Vec<(&'static str, ApprovalEvent)> {
    let led = Led::asked(2);
    let request = led.approval.request().expect("it is on record");
    let asked = ApprovalEvent::ApprovalRequested(Box::new(request.asked.clone()));
    vec![("ApprovalRequested.v1.requested_as", asked)]
}

#[test]
fn every_event_is_stored_as_its_sample_and_the_sample_is_read_again() {
    let all = one_of_each();
    let names: Vec<_> = all.iter().map(ApprovalEvent::name).collect();
    assert_eq!(names, ApprovalEvent::NAMES);
    let first = all.into_iter().map(|it| (format!("{}.v1", it.name()), it));
    let later = later().into_iter().map(|(name, it)| (name.to_owned(), it));
    for (sample, event) in first.chain(later) {
        let Value::Object(mut tagged) = serde_json::to_value(&event).expect("JSON") else {
            panic!("{event:?}")
        };
        assert_eq!(tagged["type"], event.name());
        let data = tagged.remove("data").expect("what it says");
        let text = format!("{}\n", serde_json::to_string_pretty(&data).expect("JSON"));
        same(&format!("approval/{sample}.json"), &text);
        let stored: Value = serde_json::from_str(&text).expect("JSON");
        let again = json!({ "type": event.name(), "data": stored });
        assert_eq!(
            serde_json::from_value::<ApprovalEvent>(again).expect("it is read"),
            event
        );
    }
}
