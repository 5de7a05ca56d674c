//! What concerns a network as a whole: its policy, a look at everything, and its end.

use super::{super::*, fold, given, now, samples::*};

fn set(policy: Policy) -> SetPolicy {
    SetPolicy { policy }
}

fn enforcing(groups: u32) -> Policy {
    let groups = (0..groups).map(|n| group(&format!("sg-{n:08x}"))).collect();
    Policy {
        exposure: ExposurePolicy::Enforce { groups },
        ..Policy::default()
    }
}

fn retire() -> RetireNetwork {
    RetireNetwork {
        reason: reason_given("moved to another region"),
    }
}

#[test]
fn a_network_repairs_drift_and_only_reports_exposures_until_told_otherwise() {
    let Network::Registered(network) = fold([registered()]) else {
        panic!("the network is not on record")
    };
    assert_eq!(
        network.policy,
        Policy {
            drift: DriftPolicy::Repair,
            exposure: ExposurePolicy::Report,
            reason: None,
            ticket: None,
            ..Default::default()
        }
    );
}

#[test]
fn a_policy_is_set_once() {
    let policy = Policy {
        drift: DriftPolicy::Report,
        ..enforcing(2)
    };
    given([registered()])
        .when(set(policy.clone()))
        .then([policy_set(policy.clone())]);
    given([registered(), policy_set(policy.clone())])
        .when(set(policy))
        .then_nothing();
    given([registered()])
        .when(set(Policy::default()))
        .then_nothing();
}

#[test]
fn a_policy_names_at_most_60_groups() {
    given([registered()])
        .when(set(enforcing(60)))
        .then([policy_set(enforcing(60))]);
    given([registered()])
        .when(set(enforcing(61)))
        .then_refused(Refusal::TooManyGroups {
            given: 61,
            most: 60,
        });
}

#[test]
fn a_look_at_everything_is_asked_for_anew_each_time() {
    let asked = NetworkEvent::from(DriftCheckRequested {
        network_id: network_id(),
        requested_at: now(),
    });
    given([registered()])
        .when(CheckDrift {})
        .then([asked.clone()]);
    given([registered(), asked.clone()])
        .when(CheckDrift {})
        .then([asked.clone()]);
    let Network::Registered(network) = fold([registered(), asked]) else {
        panic!("the network is not on record")
    };
    assert_eq!(network.drift_check, Some(now()));
}

#[test]
fn a_network_with_live_peerings_is_not_retired() {
    let refusal = |live| Refusal::NetworkInUse {
        network_id: network_id(),
        live,
    };
    given(history([requested(2)]))
        .when(retire())
        .then_refused(refusal(2));
    given(active_history([removal_requested()]))
        .when(retire())
        .then_refused(refusal(1));
    given(history([blocked(BlockCause::NotFound).into()]))
        .when(retire())
        .then_refused(refusal(1));
}

#[test]
fn a_network_whose_peerings_have_all_ended_is_retired() {
    given([registered()]).when(retire()).then([retired()]);
    given(active_history([abandoned(&[])]))
        .when(retire())
        .then([retired()]);
}

#[test]
fn a_retired_network_refuses_everything_and_is_still_known() {
    let events = active_history([abandoned(&[]), retired()]);
    let commands: [NetworkCommand; 6] = [
        register().into(),
        retire().into(),
        set(enforcing(1)).into(),
        CheckDrift {}.into(),
        RequestPeering {
            peer: peer(1),
            terms: Terms::default(),
            setup: Setup::default(),
        }
        .into(),
        NetworkCommand::Record(unblocked().into()),
    ];
    for command in commands {
        given(events.clone())
            .when(command)
            .then_refused(Refusal::NetworkRetired {
                network_id: network_id(),
            });
    }
    let Network::Retired(network) = fold(events.into_iter().chain([registered(), requested(2)]))
    else {
        panic!("not retired")
    };
    assert_eq!(network.peerings().len(), 1);
}
