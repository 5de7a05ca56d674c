//! What a policy requires beside a command: a reason, a ticket, and never to close something.

use super::{super::*, COMMAND, Context, now, samples::*};
use crate::{ids::Ids, side::Side};

fn required(pattern: Option<&str>) -> Option<Requirement> {
    Some(Requirement {
        required: true,
        pattern: pattern.map(text),
    })
}

/// A network with one active peering, under this policy.
fn under(policy: Policy) -> Network {
    super::fold(active_history([policy_set(policy)]))
}

fn decided(
    state: &Network,
    command: impl Into<NetworkCommand>,
    reason: Option<&str>,
    ticket: Option<&str>,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let context = Context {
        reason: reason.map(text),
        ticket: ticket.map(text),
        clouds: None,
        claims: Vec::new(),
    };
    decide(state, &command.into(), &context, now(), Ids::of(COMMAND))
}

fn opening() -> AcceptRoute {
    AcceptRoute {
        peering_id: peering_id(1),
        side: Side::Local,
        destination: range("10.101.7.0/24"),
    }
}

#[test]
fn a_command_without_the_reason_or_the_ticket_that_the_policy_requires_is_refused() {
    let state = under(Policy {
        reason: required(None),
        ticket: required(Some("CHG-[0-9]+")),
        ..Policy::default()
    });
    let ask = |reason, ticket| decided(&state, opening(), reason, ticket);
    let pattern: Pattern = text("CHG-[0-9]+");
    assert_eq!(ask(None, Some("CHG-1")), Err(Refusal::ReasonRequired));
    assert_eq!(ask(Some("audit"), None), Err(Refusal::TicketRequired));
    for wrong in ["CHG-", "CHG-1x", "xCHG-1"] {
        let refused = Err(Refusal::TicketMalformed {
            pattern: pattern.clone(),
        });
        assert_eq!(ask(Some("audit"), Some(wrong)), refused, "{wrong}");
    }
    assert!(ask(Some("audit"), Some("CHG-1")).is_ok());
}

#[test]
fn a_pattern_holds_for_what_is_given_even_where_nothing_is_required() {
    let state = under(Policy {
        reason: Some(Requirement {
            required: false,
            pattern: Some(text("a|b")),
        }),
        ..Policy::default()
    });
    assert!(decided(&state, opening(), None, None).is_ok());
    assert!(decided(&state, opening(), Some("b"), None).is_ok());
    assert!(matches!(
        decided(&state, opening(), Some("ab"), None),
        Err(Refusal::ReasonMalformed { .. })
    ));
}

#[test]
fn closing_and_outcomes_are_never_held_up_by_a_requirement() {
    let state = under(Policy {
        reason: required(Some("x")),
        ticket: required(Some("x")),
        ..Policy::default()
    });
    let (peering_id, reason) = (peering_id(1), reason_given("compromised"));
    let closings: [NetworkCommand; 4] = [
        RemovePeering {
            peering_id,
            reason: reason.clone(),
        }
        .into(),
        AbandonPeering {
            peering_id,
            reason,
            clean: None,
        }
        .into(),
        RestrictFirewall {
            peering_id,
            side: Side::Local,
            admit: Vec::new(),
            tenure: Default::default(),
        }
        .into(),
        NetworkCommand::Record(blocked(BlockCause::Conflict).into()),
    ];
    for command in closings {
        let decided = decided(&state, command.clone(), None, None);
        assert!(decided.is_ok(), "{command:?}: {decided:?}");
    }
    let opened = RestrictFirewall {
        peering_id,
        side: Side::Local,
        admit: vec![InboundRule {
            source: range("10.101.0.0/16").into(),
            port: 2113,
            target: None,
        }],
        tenure: Default::default(),
    };
    assert_eq!(
        decided(&state, opened, None, None),
        Err(Refusal::ReasonRequired)
    );
}

#[test]
fn a_commands_own_reason_counts_as_its_reason() {
    let state = under(Policy {
        reason: required(None),
        ..Policy::default()
    });
    let allow = AllowConnectorIngress {
        peering_id: peering_id(1),
        target: range("10.101.7.0/24"),
        port: 5432,
        reason: reason_given("nightly export"),
        expires_at: None,
        from: Some(IngressSource::Ranges(ranges(&["10.20.0.0/16"]))),
        no_expiry: true,
    };
    assert!(decided(&state, allow, None, None).is_ok());
}

#[test]
fn a_pattern_is_bounded_and_a_regular_expression() {
    assert_eq!("".parse::<Pattern>(), Err(PatternError::Empty));
    assert!("x".repeat(201).parse::<Pattern>().is_err());
    for wrong in ["(", "a)|(b", "(?:x{1000}){1000}"] {
        assert!(wrong.parse::<Pattern>().is_err(), "{wrong}");
    }
}
