//! Every state meets every command, and the table says what comes of it.
//!
//! The table cannot be incomplete: a new command, outcome, life or ending does not compile until it has a row or a column here,
//! and a row without an entry for each column does not compile either.

#![allow(unreachable_patterns, reason = "several rows try the same command in different ways")]

use super::{super::*, COMMAND, fold, now, reason, samples::*};
use crate::{side::Side, text::Link};

macro_rules! rows {
    ($($name:ident $verdicts:tt $pattern:pat => $command:expr;)*) => {
        const ROWS: &[(&str, fn() -> NetworkCommand, [Expected; COLUMNS.len()])] = &[$((stringify!($name), || $command, $verdicts)),*];

        /// Compiles only while every command has a row.
        fn has_a_row(command: &NetworkCommand) {
            match command {
                $($pattern => {})*
            }
        }
    };
}

macro_rules! columns {
    ($($name:ident: $pattern:pat => $events:expr;)*) => {
        const COLUMNS: &[(&str, fn() -> Vec<NetworkEvent>, fn(&Network) -> bool)] =
            &[$((stringify!($name), || $events, |state| matches!(view(state), $pattern))),*];

        /// Compiles only while every state has a column.
        fn has_a_column(state: &Network) {
            match view(state) {
                $($pattern => {})*
            }
        }
    };
}

/// The state as the columns see it: the network, and the peering that the rows speak of.
enum View<'a> {
    Unregistered,
    NoSuchPeering,
    Peering(&'a Life),
}

fn view(state: &Network) -> View<'_> {
    match state {
        Network::Unregistered => View::Unregistered,
        Network::Registered(network) => match network.peerings.get(&peering_id(1)) {
            None => View::NoSuchPeering,
            Some(peering) => View::Peering(&peering.life),
        },
    }
}

columns! {
    unregistered: View::Unregistered => Vec::new();
    no_such_peering: View::NoSuchPeering => vec![registered()];
    requested: View::Peering(Life::Requested) => routed([]);
    initiating: View::Peering(Life::Initiating { .. }) => routed([started(1)]);
    initiation_refused: View::Peering(Life::InitiationRefused { .. }) => routed([started(1), initiation_refused(1)]);
    initiated: View::Peering(Life::Initiated { .. }) => routed([started(1), initiated()]);
    accepted: View::Peering(Life::Accepted { .. }) => routed([started(1), initiated(), accepted()]);
    active: View::Peering(Life::Active { .. }) => routed([started(1), initiated(), accepted(), activated()]);
    rejected: View::Peering(Life::Ended(Ending::Rejected { .. })) => routed([started(1), initiated(), rejected()]);
    expired: View::Peering(Life::Ended(Ending::Expired { .. })) => routed([started(1), initiated(), expired()]);
    failed: View::Peering(Life::Ended(Ending::Failed { .. })) => routed([started(1), failed(None).into()]);
}

/// A history in which each side of peering 1 has a route and a posture.
fn routed(then: impl IntoIterator<Item = NetworkEvent>) -> Vec<NetworkEvent> {
    let asked = [route_accepted(Side::Local, "10.101.0.0/16"), restricted(Side::Local, &[clients()]), restricted(Side::Remote, &[])];
    history(asked.into_iter().chain(then))
}

/// What the table says of a pair; a refusal by its reason.
type Expected = &'static str;
/// The command leads to events.
const YES: Expected = "events";
/// All is as the command wants it already.
const NIL: Expected = "nothing";
const NET: Expected = "NETWORK_UNKNOWN";
const DUP: Expected = "NETWORK_ALREADY_REGISTERED";
const UNK: Expected = "PEERING_UNKNOWN";
const END: Expected = "PEERING_ENDED";
const LIV: Expected = "PEER_ALREADY_LINKED";
const RTE: Expected = "ROUTE_ALREADY_ACCEPTED";
const ORD: Expected = "OUTCOME_OUT_OF_ORDER";
const MIS: Expected = "LINK_MISMATCH";

use NetworkCommand::Record;

#[rustfmt::skip]
rows! {
    //                          unr  none reqd ing  iref ited acc  act  rej  exp  fail
    register                  [YES, DUP, DUP, DUP, DUP, DUP, DUP, DUP, DUP, DUP, DUP] NetworkCommand::RegisterNetwork(_) => register().into();
    request_the_same_peer     [NET, YES, LIV, LIV, LIV, LIV, LIV, LIV, YES, YES, YES] NetworkCommand::RequestPeering(_) => RequestPeering { peer: peer(1) }.into();
    request_another_peer      [NET, YES, YES, YES, YES, YES, YES, YES, YES, YES, YES] NetworkCommand::RequestPeering(_) => RequestPeering { peer: peer(2) }.into();
    accept_a_new_route        [NET, UNK, YES, YES, YES, YES, YES, YES, END, END, END] NetworkCommand::AcceptRoute(_) => accept(Side::Remote, "10.20.0.0/16");
    accept_the_same_route     [NET, UNK, RTE, RTE, RTE, RTE, RTE, RTE, END, END, END] NetworkCommand::AcceptRoute(_) => accept(Side::Local, "10.101.0.0/16");
    restrict_to_less          [NET, UNK, YES, YES, YES, YES, YES, YES, END, END, END] NetworkCommand::RestrictFirewall(_) => restrict(&[]);
    restrict_to_the_same      [NET, UNK, NIL, NIL, NIL, NIL, NIL, NIL, END, END, END] NetworkCommand::RestrictFirewall(_) => restrict(&[clients()]);
    start_the_first_attempt   [NET, UNK, YES, NIL, ORD, ORD, ORD, ORD, ORD, ORD, ORD] Record(Outcome::InitiationStarted(_)) => start(1);
    start_the_second_attempt  [NET, UNK, ORD, YES, YES, ORD, ORD, ORD, ORD, ORD, ORD] Record(Outcome::InitiationStarted(_)) => start(2);
    start_the_third_attempt   [NET, UNK, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD] Record(Outcome::InitiationStarted(_)) => start(3);
    refuse_the_first_attempt  [NET, UNK, ORD, YES, NIL, ORD, ORD, ORD, ORD, ORD, ORD] Record(Outcome::InitiationRefused(_)) => refuse(1);
    refuse_the_second_attempt [NET, UNK, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD, ORD] Record(Outcome::InitiationRefused(_)) => refuse(2);
    initiate                  [NET, UNK, ORD, YES, ORD, NIL, NIL, NIL, ORD, ORD, ORD] Record(Outcome::Initiated(_)) => initiate(link());
    initiate_another          [NET, UNK, ORD, YES, ORD, MIS, MIS, MIS, ORD, ORD, ORD] Record(Outcome::Initiated(_)) => initiate(other_link());
    accepted                  [NET, UNK, ORD, ORD, ORD, YES, NIL, NIL, ORD, ORD, ORD] Record(Outcome::Accepted(_)) => accepted_link(link());
    accepted_another          [NET, UNK, ORD, ORD, ORD, MIS, MIS, MIS, ORD, ORD, ORD] Record(Outcome::Accepted(_)) => accepted_link(other_link());
    activated                 [NET, UNK, ORD, ORD, ORD, ORD, YES, NIL, ORD, ORD, ORD] Record(Outcome::Activated(_)) => activated_link(link());
    activated_another         [NET, UNK, ORD, ORD, ORD, ORD, MIS, MIS, ORD, ORD, ORD] Record(Outcome::Activated(_)) => activated_link(other_link());
    rejected                  [NET, UNK, ORD, ORD, ORD, YES, YES, YES, NIL, ORD, ORD] Record(Outcome::Rejected(_)) => rejected_link(link());
    rejected_another          [NET, UNK, ORD, ORD, ORD, MIS, MIS, MIS, NIL, ORD, ORD] Record(Outcome::Rejected(_)) => rejected_link(other_link());
    expired                   [NET, UNK, ORD, ORD, ORD, YES, YES, YES, ORD, NIL, ORD] Record(Outcome::Expired(_)) => expired_link(link());
    failed_with_its_link      [NET, UNK, ORD, ORD, ORD, YES, YES, YES, ORD, ORD, NIL] Record(Outcome::Failed(_)) => fail(Some(link()));
    failed_with_another_link  [NET, UNK, ORD, ORD, ORD, MIS, MIS, MIS, ORD, ORD, NIL] Record(Outcome::Failed(_)) => fail(Some(other_link()));
    failed_without_a_link     [NET, UNK, YES, YES, YES, ORD, ORD, ORD, ORD, ORD, NIL] Record(Outcome::Failed(_)) => fail(None);
    install_a_route           [NET, UNK, ORD, ORD, ORD, ORD, ORD, YES, END, END, END] Record(Outcome::RouteInstalled(_)) => install();
    find_a_conflict           [NET, UNK, ORD, ORD, ORD, ORD, ORD, YES, END, END, END] Record(Outcome::RouteConflicted(_)) => conflict();
    create_a_group            [NET, UNK, ORD, ORD, ORD, ORD, ORD, YES, END, END, END] Record(Outcome::FirewallGroupCreated(_)) => create_group();
    authorize_a_rule          [NET, UNK, ORD, ORD, ORD, ORD, ORD, YES, END, END, END] Record(Outcome::FirewallRuleAuthorized(_)) => authorize();
    revoke_a_rule_not_there   [NET, UNK, ORD, ORD, ORD, ORD, ORD, NIL, END, END, END] Record(Outcome::FirewallRuleRevoked(_)) => revoke();
    enforce                   [NET, UNK, ORD, ORD, ORD, ORD, ORD, YES, END, END, END] Record(Outcome::FirewallEnforced(_)) => enforce_firewall();
    block                     [NET, UNK, YES, YES, YES, YES, YES, YES, END, END, END] Record(Outcome::Blocked(_)) => block();
    unblock                   [NET, UNK, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL, NIL] Record(Outcome::Unblocked(_)) => unblock();
}

fn accept(side: Side, destination: &str) -> NetworkCommand {
    AcceptRoute { peering_id: peering_id(1), side, destination: range(destination) }.into()
}

fn restrict(admit: &[InboundRule]) -> NetworkCommand {
    RestrictFirewall { peering_id: peering_id(1), side: Side::Local, admit: admit.to_vec() }.into()
}

fn start(attempt: u32) -> NetworkCommand {
    Record(Outcome::InitiationStarted(PeeringInitiationStarted { peering_id: peering_id(1), attempt, started_at: now() }))
}

fn refuse(attempt: u32) -> NetworkCommand {
    Record(Outcome::InitiationRefused(PeeringInitiationRefused { peering_id: peering_id(1), attempt }))
}

fn initiate(link: Link) -> NetworkCommand {
    Record(Outcome::Initiated(PeeringInitiated { peering_id: peering_id(1), link, expires_at: None }))
}

fn accepted_link(link: Link) -> NetworkCommand {
    Record(Outcome::Accepted(PeeringAccepted { peering_id: peering_id(1), link }))
}

fn activated_link(link: Link) -> NetworkCommand {
    Record(Outcome::Activated(PeeringActivated { peering_id: peering_id(1), link }))
}

fn rejected_link(link: Link) -> NetworkCommand {
    Record(Outcome::Rejected(PeeringRejected { peering_id: peering_id(1), link }))
}

fn expired_link(link: Link) -> NetworkCommand {
    Record(Outcome::Expired(PeeringExpired { peering_id: peering_id(1), link }))
}

fn fail(link: Option<Link>) -> NetworkCommand {
    Record(Outcome::Failed(failed(link)))
}

fn install() -> NetworkCommand {
    Record(Outcome::RouteInstalled(route_installed(Side::Local, "10.101.0.0/16", "rtb-01")))
}

fn conflict() -> NetworkCommand {
    Record(Outcome::RouteConflicted(route_conflicted(Side::Local, "10.101.0.0/16", "rtb-01", "tgw-01")))
}

fn create_group() -> NetworkCommand {
    Record(Outcome::FirewallGroupCreated(group_created(Side::Local, "sg-01")))
}

fn authorize() -> NetworkCommand {
    Record(Outcome::FirewallRuleAuthorized(rule_authorized(Side::Local, clients(), "sgr-01")))
}

fn revoke() -> NetworkCommand {
    Record(Outcome::FirewallRuleRevoked(rule_revoked(Side::Local, clients(), "sgr-01")))
}

fn enforce_firewall() -> NetworkCommand {
    Record(Outcome::FirewallEnforced(enforced(Side::Local, "sg-01", &[clients()])))
}

fn block() -> NetworkCommand {
    Record(Outcome::Blocked(blocked(BlockCause::PermissionDenied)))
}

fn unblock() -> NetworkCommand {
    Record(Outcome::Unblocked(unblocked()))
}

fn verdict(state: &Network, command: &NetworkCommand) -> String {
    match decide(state, command, now(), Ids::of(COMMAND)) {
        Ok(events) if events.is_empty() => NIL.to_owned(),
        Ok(_) => YES.to_owned(),
        Err(refusal) => reason(&refusal),
    }
}

#[test]
fn every_command_in_every_state_comes_to_what_the_table_says() {
    let mut disagreements = Vec::new();
    for (row, command, verdicts) in ROWS {
        for ((column, events, _), wanted) in COLUMNS.iter().zip(verdicts) {
            let came = verdict(&fold(events()), &command());
            if came != *wanted {
                disagreements.push(format!("{column} × {row}: wanted {wanted}, came {came}"));
            }
        }
    }
    assert_eq!(disagreements, Vec::<String>::new());
}

#[test]
fn a_block_changes_no_verdict_but_those_about_blocks() {
    let block = NetworkEvent::from(blocked(BlockCause::PermissionDenied));
    for (row, command, verdicts) in ROWS {
        for ((column, events, _), entry) in COLUMNS.iter().zip(verdicts) {
            let state = fold(events());
            let live = matches!(view(&state), View::Peering(life) if life.is_live());
            if !live {
                continue;
            }
            let expected = match *row {
                "block" => NIL,
                "unblock" => YES,
                _ => entry,
            };
            assert_eq!(verdict(&evolve(state, &block), &command()), expected, "{column}, blocked × {row}");
        }
    }
}

#[test]
fn each_column_is_the_state_that_it_is_named_after_and_each_row_its_command() {
    for (name, events, is_it) in COLUMNS {
        let state = fold(events());
        has_a_column(&state);
        assert!(is_it(&state), "{name}");
        assert_eq!(COLUMNS.iter().filter(|(_, _, is_it)| is_it(&state)).count(), 1, "{name}");
    }
    for (_, command, _) in ROWS {
        has_a_row(&command());
    }
}
