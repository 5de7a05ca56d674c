//! Commands against a server that loses answers, is slow, is away, or was written to by others.
#![allow(clippy::unwrap_used)]

mod support;

use domain::network::{
    AcceptRoute, FreezeNetwork, Network, NetworkCloudRecorded, NetworkCommand, NetworkEvent,
    Outcome, Refusal, RetireNetwork, ThawNetwork,
};
use domain::{CloudMode, NetworkId, PeeringId, Provider, Side};
use peerage_journal::{
    Body, ExecuteError, Executed, Journal, JournalError, JournalSettings, Loaded, Recorded,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use support::{
    OnAppend, SeenAppend, Server, caller, network_of, now, register, request_peering, settings,
};
use testkit::wait::soon;
use tonic::Code;

/// Registers the network of command 1.
async fn registered(journal: &Journal) -> Executed {
    soon(
        journal
            .networks()
            .execute(network_of(1), &register("orders"), &caller(1), now()),
    )
    .await
    .unwrap()
}

async fn execute(
    journal: &Journal,
    command: u128,
    body: &NetworkCommand,
) -> Result<Executed, ExecuteError> {
    soon(
        journal
            .networks()
            .execute(network_of(1), body, &caller(command), now()),
    )
    .await
}

fn peerings(executed: &Executed) -> usize {
    match &executed.after.network {
        Network::Registered(network) | Network::Retired(network) => network.peerings().len(),
        Network::Unregistered | Network::Marked(_) => 0,
    }
}

fn appends(server: &Server) -> Vec<SeenAppend> {
    server.shared.log().appends.clone()
}

#[tokio::test]
async fn the_usual_command_costs_one_append_and_no_read() {
    let server = Server::start();
    let journal = server.journal();
    let first = registered(&journal).await;
    assert_eq!(
        (first.revision, first.repeated, first.events.len()),
        (Some(0), false, 1)
    );
    // The one read is that of a network of which nothing was known.
    assert_eq!(std::mem::take(&mut server.shared.log().reads), [0]);
    let reason = || "an incident".parse().unwrap();
    let freeze = FreezeNetwork {
        reason: reason(),
        everywhere: false,
    }
    .into();
    let second = execute(&journal, 2, &freeze).await.unwrap();
    let reason = Some(reason());
    execute(&journal, 3, &ThawNetwork { reason }.into())
        .await
        .unwrap();
    let expected: Vec<_> = appends(&server).iter().map(|it| it.expected).collect();
    assert_eq!(expected, [None, Some(0), Some(second.revision.unwrap())]);
    assert_eq!(server.shared.log().reads, Vec::<u64>::new());
    execute(&journal, 4, &request_peering(1)).await.unwrap();
    let reads = std::mem::take(&mut server.shared.log().reads);
    assert_eq!(reads, [0, 0], "whether either end is on record elsewhere");
    let elsewhere = soon(server.journal().networks().load(network_of(1)))
        .await
        .unwrap();
    assert_eq!(
        elsewhere,
        soon(journal.networks().load(network_of(1))).await.unwrap()
    );
}

#[tokio::test]
async fn an_append_whose_answer_is_lost_is_repeated_with_the_same_ids_and_takes_effect_once() {
    for code in [
        Code::Aborted,
        Code::Internal,
        Code::Unavailable,
        Code::Unknown,
        Code::Cancelled,
    ] {
        let server = Server::start();
        server
            .shared
            .log()
            .on_append
            .push_back(OnAppend::LoseAnswer(code));
        let executed = registered(&server.journal()).await;
        assert_eq!(
            (
                executed.revision,
                executed.repeated,
                executed.position.map(|it| it.commit)
            ),
            (Some(0), false, Some(100))
        );
        let seen = appends(&server);
        assert_eq!((seen.len(), &seen[0]), (2, &seen[1]), "{code:?}");
        assert_eq!(server.shared.log().events.len(), 1);
    }
}

#[tokio::test]
async fn an_append_that_is_never_answered_is_repeated_within_the_deadline() {
    let server = Server::start();
    server
        .shared
        .log()
        .on_append
        .push_back(OnAppend::WriteAndHang);
    registered(&server.journal()).await;
    let seen = appends(&server);
    assert_eq!((seen.len(), &seen[0]), (2, &seen[1]));
    assert_eq!(server.shared.log().events.len(), 1);
}

#[tokio::test]
async fn a_command_is_decided_again_when_somebody_else_wrote_first() {
    let server = Server::start();
    let (ours, theirs) = (server.journal(), server.journal());
    registered(&ours).await;
    let first = execute(&theirs, 2, &request_peering(1)).await.unwrap();
    let second = execute(&ours, 3, &request_peering(2)).await.unwrap();
    assert!(second.revision > first.revision);
    assert_eq!(peerings(&second), 2);
    let refused = execute(&ours, 4, &request_peering(1)).await;
    assert!(
        matches!(
            refused,
            Err(ExecuteError::Refused(Refusal::PeerAlreadyLinked { .. }))
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_stale_cache_never_refuses_wrongly() {
    let server = Server::start();
    let (ours, theirs) = (server.journal(), server.journal());
    registered(&ours).await;
    let requested = execute(&theirs, 2, &request_peering(1)).await.unwrap();
    let peering_id: PeeringId = requested.events[0].peering_id().unwrap();
    let route = AcceptRoute {
        peering_id,
        side: Side::Local,
        destination: "10.1.0.0/16".parse().unwrap(),
    };
    let accepted = execute(&ours, 3, &NetworkCommand::AcceptRoute(route))
        .await
        .unwrap();
    assert!(matches!(accepted.events[0], NetworkEvent::RouteAccepted(_)));
}

#[tokio::test]
async fn a_network_that_another_process_retired_is_known_to_be() {
    let server = Server::start();
    let (ours, theirs) = (server.journal(), server.journal());
    registered(&ours).await;
    let retire = RetireNetwork {
        reason: "moved".parse().unwrap(),
    };
    execute(&theirs, 2, &retire.into()).await.unwrap();
    let refused = execute(&ours, 3, &request_peering(1)).await;
    assert!(
        matches!(
            refused,
            Err(ExecuteError::Refused(Refusal::NetworkRetired { .. }))
        ),
        "{refused:?}"
    );
    assert!(matches!(
        soon(ours.networks().load(network_of(1)))
            .await
            .unwrap()
            .network,
        Network::Retired(_)
    ));
}

#[tokio::test]
async fn a_refusal_is_given_only_after_the_stream_was_read() {
    let server = Server::start();
    let refused = execute(&server.journal(), 2, &request_peering(1)).await;
    assert!(
        matches!(refused, Err(ExecuteError::Refused(Refusal::NetworkUnknown))),
        "{refused:?}"
    );
    assert_eq!(server.shared.log().reads, [0]);
    assert_eq!(appends(&server), []);
}

#[tokio::test]
async fn a_command_sent_again_gives_the_first_outcome_and_appends_nothing() {
    let server = Server::start();
    let journal = server.journal();
    registered(&journal).await;
    let first = execute(&journal, 2, &request_peering(1)).await.unwrap();
    execute(&journal, 3, &request_peering(2)).await.unwrap();
    let written = server.shared.log().events.len();
    for journal in [journal, server.journal()] {
        let later = now() + chrono::Duration::days(30);
        let again = soon(journal.networks().execute(
            network_of(1),
            &request_peering(1),
            &caller(2),
            later,
        ))
        .await
        .unwrap();
        assert!(again.repeated);
        assert_eq!(
            (again.revision, again.position, &again.events),
            (first.revision, first.position, &first.events)
        );
        assert_eq!(peerings(&again), 2);
    }
    assert_eq!(server.shared.log().events.len(), written);
}

#[tokio::test]
async fn a_command_id_used_for_another_body_is_refused() {
    let server = Server::start();
    let journal = server.journal();
    registered(&journal).await;
    execute(&journal, 2, &request_peering(1)).await.unwrap();
    let reused = execute(&journal, 2, &request_peering(2)).await;
    assert!(
        matches!(
            reused,
            Err(ExecuteError::CommandIdReused {
                first_revision: 1,
                ..
            })
        ),
        "{reused:?}"
    );
}

#[tokio::test]
async fn a_process_that_is_behind_takes_no_repetition_for_a_first_sending() {
    let server = Server::start();
    let (ours, theirs, others) = (server.journal(), server.journal(), server.journal());
    registered(&ours).await;
    for journal in [&theirs, &others] {
        soon(journal.networks().load(network_of(1))).await.unwrap();
    }
    let first = execute(&ours, 2, &request_peering(1)).await.unwrap();
    // The same id, and as many events: by its ids alone the store would take this append for the
    // first one.
    let reused = execute(&theirs, 2, &request_peering(2)).await;
    assert!(
        matches!(reused, Err(ExecuteError::CommandIdReused { .. })),
        "{reused:?}"
    );
    let later = now() + chrono::Duration::seconds(7);
    let again = soon(others.networks().execute(
        network_of(1),
        &request_peering(1),
        &caller(2),
        later,
    ))
    .await
    .unwrap();
    assert!(again.repeated);
    assert_eq!(again.events, first.events);
}

#[tokio::test]
async fn an_expected_revision_is_honoured_exactly_and_a_repetition_does_not_mind() {
    let server = Server::start();
    let journal = server.journal();
    registered(&journal).await;
    let expecting = |command, revision| peerage_journal::Caller {
        expected_revision: Some(revision),
        ..caller(command)
    };
    let networks = journal.networks();
    let wrong =
        soon(networks.execute(network_of(1), &request_peering(1), &expecting(2, 4), now())).await;
    assert!(
        matches!(
            wrong,
            Err(ExecuteError::WrongRevision {
                expected: 4,
                actual: Some(0)
            })
        ),
        "{wrong:?}"
    );
    let right = soon(networks.execute(network_of(1), &request_peering(1), &expecting(2, 0), now()))
        .await
        .unwrap();
    let again = soon(networks.execute(network_of(1), &request_peering(1), &expecting(2, 0), now()))
        .await
        .unwrap();
    assert_eq!((again.repeated, again.revision), (true, right.revision));
    let behind = soon(server.journal().networks().execute(
        network_of(1),
        &request_peering(2),
        &expecting(3, 0),
        now(),
    ))
    .await;
    assert!(
        matches!(behind, Err(ExecuteError::WrongRevision { expected: 0, .. })),
        "{behind:?}"
    );
}

#[tokio::test]
async fn endless_contention_ends_with_a_count() {
    let server = Server::start();
    let mut settings = settings(&server.connection_string());
    settings.contention_attempts = 3;
    let journal = Journal::open(settings).unwrap();
    registered(&journal).await;
    let stream = network_of(1).stream();
    let unblocked =
        |id: u8| format!("{{\"peering_id\":\"00000000-0000-0000-0000-0000000000{id:02}\"}}");
    for id in 0..3 {
        let (stream, data) = (stream.clone(), unblocked(id));
        let write =
            move |log: &mut _| support::put(log, &stream, "ProvisioningUnblocked", "", &data);
        server
            .shared
            .log()
            .on_append
            .push_back(OnAppend::After(Box::new(write)));
    }
    let contended = execute(&journal, 2, &request_peering(1)).await;
    assert!(
        matches!(contended, Err(ExecuteError::Contended { attempts: 3 })),
        "{contended:?}"
    );
}

#[tokio::test]
async fn commands_of_one_process_to_one_network_do_not_get_in_each_others_way() {
    let server = Server::start();
    let journal = server.journal();
    registered(&journal).await;
    let commands: Vec<_> = (1..=20)
        .map(|n| (u128::from(n) + 100, request_peering(n)))
        .collect();
    let running = commands.into_iter().map(|(command, body)| {
        let journal = journal.clone();
        tokio::spawn(async move { execute(&journal, command, &body).await })
    });
    for executed in running.collect::<Vec<_>>() {
        executed.await.unwrap().unwrap();
    }
    assert_eq!(appends(&server).len(), 21);
}

#[tokio::test]
async fn a_node_that_no_longer_leads_is_left_for_the_one_that_it_names() {
    let follower = Server::start();
    let leader = Server::on(Arc::clone(&follower.shared));
    let journal = follower.journal();
    registered(&journal).await;
    let not_leader = OnAppend::NotLeader(leader.port());
    follower.shared.log().on_append.push_back(not_leader);
    execute(&journal, 2, &request_peering(1)).await.unwrap();
    drop(follower);
    execute(&journal, 3, &request_peering(2)).await.unwrap();
    assert_eq!(appends(&leader).len(), 4);
}

#[tokio::test]
async fn a_frozen_server_is_an_answer_within_the_deadline_and_the_same_id_finds_out_later() {
    let server = Server::start();
    let journal = server.journal();
    registered(&journal).await;
    let thaw = server.freeze();
    let started = Instant::now();
    let frozen = execute(&journal, 2, &request_peering(1)).await;
    assert!(
        matches!(
            frozen,
            Err(ExecuteError::Journal(JournalError::DeadlineExceeded { .. }))
        ),
        "{frozen:?}"
    );
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "{:?}",
        started.elapsed()
    );
    drop(thaw);
    let found = execute(&journal, 2, &request_peering(1)).await.unwrap();
    assert_eq!(peerings(&found), 1);
    let stream = network_of(1).stream();
    let requested = server
        .shared
        .log()
        .stream(&stream)
        .iter()
        .filter(|it| it.event_type == "PeeringRequested")
        .count();
    assert_eq!(requested, 1);
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable_and_is_used_again_when_it_is_back() {
    let mut server = Server::start();
    server.kill();
    let journal = server.journal();
    let away = execute(&journal, 2, &request_peering(1)).await;
    assert!(
        matches!(
            away,
            Err(ExecuteError::Journal(JournalError::Unavailable { .. }))
        ),
        "{away:?}"
    );
    server.restart();
    registered(&journal).await;
    server.kill();
    let away = execute(&journal, 2, &request_peering(1)).await;
    assert!(
        matches!(
            away,
            Err(ExecuteError::Journal(JournalError::Unavailable { .. }))
        ),
        "{away:?}"
    );
    server.restart();
    execute(&journal, 2, &request_peering(1)).await.unwrap();
}

#[tokio::test]
async fn what_the_store_refuses_for_good_is_not_tried_again() {
    let server = Server::start();
    server
        .shared
        .log()
        .on_append
        .push_back(OnAppend::Refuse(Code::InvalidArgument));
    let rejected = execute(&server.journal(), 1, &register("orders")).await;
    assert!(
        matches!(
            rejected,
            Err(ExecuteError::Journal(JournalError::Rejected { .. }))
        ),
        "{rejected:?}"
    );
    server
        .shared
        .log()
        .on_append
        .push_back(OnAppend::Refuse(Code::PermissionDenied));
    let denied = execute(&server.journal(), 1, &register("orders")).await;
    assert!(
        matches!(
            denied,
            Err(ExecuteError::Journal(JournalError::AccessDenied { .. }))
        ),
        "{denied:?}"
    );
    assert_eq!(appends(&server).len(), 2);
}

#[tokio::test]
async fn nothing_is_decided_on_top_of_an_event_that_cannot_be_read_but_reads_go_on() {
    let server = Server::start();
    let journal = server.journal();
    registered(&journal).await;
    let stream = network_of(1).stream();
    server.shared.put(&stream, "PeeringTeleported", "", "{}");
    let unreadable = execute(&journal, 2, &request_peering(1)).await;
    let Err(ExecuteError::Journal(JournalError::Unreadable {
        revision,
        event_type,
        ..
    })) = unreadable
    else {
        panic!("{unreadable:?}");
    };
    assert_eq!((revision, event_type.as_str()), (1, "PeeringTeleported"));
    let loaded = soon(journal.networks().load(network_of(1))).await.unwrap();
    assert_eq!((loaded.revision, loaded.undecodable.len()), (Some(1), 1));
    assert!(!loaded.is_whole() && opens_nothing(&loaded));
    let again = registered(&journal).await;
    assert!(
        again.repeated,
        "what was answered before that event is still answered"
    );
    let read = soon(journal.read_stream(&stream, None)).await.unwrap();
    assert!(matches!(read[1].body, Body::Undecodable { .. }));
}

/// Whether nothing is opened in this network by whoever works on it.
fn opens_nothing(loaded: &Loaded) -> bool {
    match &loaded.network {
        Network::Registered(network) => network.is_doubtful,
        Network::Unregistered | Network::Retired(_) | Network::Marked(_) => false,
    }
}

fn freeze() -> NetworkCommand {
    FreezeNetwork {
        reason: "an incident".parse().unwrap(),
        everywhere: false,
    }
    .into()
}

fn thaw() -> NetworkCommand {
    ThawNetwork { reason: None }.into()
}

#[tokio::test]
async fn what_only_closes_is_decided_on_what_can_be_read_and_what_opens_is_refused() {
    let server = Server::start();
    let journal = server.journal();
    registered(&journal).await;
    let stream = network_of(1).stream();
    server.shared.put(&stream, "PeeringTeleported", "", "{}");
    let frozen = execute(&journal, 2, &freeze()).await.unwrap();
    assert_eq!((frozen.revision, frozen.repeated), (Some(2), false));
    assert!(execute(&journal, 2, &freeze()).await.unwrap().repeated);
    assert!(opens_nothing(&frozen.after), "nor after the next event");
    let refused = execute(&journal, 3, &thaw()).await;
    assert!(
        matches!(
            refused,
            Err(ExecuteError::Journal(JournalError::Unreadable {
                revision: 1,
                ..
            }))
        ),
        "{refused:?}"
    );
    let retire = RetireNetwork {
        reason: "over".parse().unwrap(),
    };
    let retired = execute(&journal, 4, &retire.into()).await.unwrap();
    assert_eq!(retired.revision, Some(3));
}

#[tokio::test]
async fn a_network_whose_first_event_cannot_be_read_is_not_registered_over_it() {
    let server = Server::start();
    let journal = server.journal();
    let stream = network_of(1).stream();
    server.shared.put(&stream, "NetworkTeleported", "", "{}");
    let refused = execute(&journal, 1, &register("orders")).await;
    assert!(
        matches!(
            refused,
            Err(ExecuteError::Journal(JournalError::Unreadable {
                revision: 0,
                ..
            }))
        ),
        "{refused:?}"
    );
    assert_eq!(server.shared.log().stream(&stream).len(), 1);
}

#[tokio::test]
async fn a_network_that_has_lost_events_closes_from_what_is_known_and_is_whole_once_they_are_back()
{
    let server = Server::start();
    let (journal, other) = (server.journal(), server.journal());
    registered(&journal).await;
    execute(&journal, 2, &request_peering(1)).await.unwrap();
    execute(&other, 3, &freeze()).await.unwrap();
    execute(&other, 4, &thaw()).await.unwrap();
    let (id, stream) = (network_of(1), network_of(1).stream());
    let last = server.shared.log().stream(&stream).len() as u64 - 1;
    server.shared.log().cut.insert(stream.clone(), last);
    let lost = last - 1;
    let loaded = soon(journal.networks().load(id)).await.unwrap();
    assert_eq!((loaded.missing, loaded.revision), (Some(lost), Some(last)));
    assert!(opens_nothing(&loaded) && !loaded.is_whole());
    assert_eq!(journal.networks().holes().get(&id), Some(&lost));
    let truncated = |it: Result<Executed, ExecuteError>| match it {
        Err(ExecuteError::Journal(JournalError::Truncated { missing, .. })) => missing,
        other => panic!("{other:?}"),
    };
    let opened = execute(&journal, 5, &request_peering(2)).await;
    assert_eq!(truncated(opened), lost);
    let closed = execute(&journal, 6, &freeze()).await.unwrap();
    assert_eq!((closed.revision, peerings(&closed)), (Some(last + 1), 1));

    // Who has nothing to begin with knows that something is missing, and not that there is nothing.
    let fresh = server.journal();
    let unknown = soon(fresh.networks().load(id)).await;
    assert!(
        matches!(unknown, Err(JournalError::Truncated { missing: 0, .. })),
        "{unknown:?}"
    );
    assert_eq!(fresh.networks().holes().get(&id), Some(&0));
    assert_eq!(truncated(execute(&fresh, 7, &freeze()).await), 0);

    server.shared.log().cut.clear();
    for journal in [&journal, &fresh] {
        let whole = soon(journal.networks().load(id)).await.unwrap();
        assert!(whole.is_whole() && !opens_nothing(&whole), "{whole:?}");
        assert!(journal.networks().holes().is_empty());
    }
    execute(&journal, 8, &thaw()).await.unwrap();
}

#[tokio::test]
async fn a_network_without_any_event_left_goes_on_from_its_last_snapshot_and_only_closes() {
    let server = Server::start();
    let id = network_of(1);
    let journal = Journal::open(JournalSettings {
        snapshot_every: 2,
        ..settings(&server.connection_string())
    })
    .unwrap();
    registered(&journal).await;
    execute(&journal, 2, &request_peering(1)).await.unwrap();
    let snapshots = format!("networkSnapshot-{}", id.0);
    let written = || async { (!server.shared.log().stream(&snapshots).is_empty()).then_some(()) };
    testkit::wait::until("a snapshot", Duration::from_secs(20), written).await;
    for (command, body) in [(3, freeze()), (4, thaw()), (5, freeze())] {
        execute(&server.journal(), command, &body).await.unwrap();
    }
    let stream = id.stream();
    let last = server.shared.log().stream(&stream).len() as u64 - 1;
    for first in [last, last + 1] {
        server.shared.log().cut.insert(stream.clone(), first);
        let fresh = server.journal();
        let loaded = soon(fresh.networks().load(id)).await.unwrap();
        assert_eq!(loaded.revision, Some(last), "from {first}");
        assert!(loaded.missing.is_some() && opens_nothing(&loaded));
        let refused = execute(&fresh, 6, &request_peering(2)).await;
        assert!(
            matches!(
                refused,
                Err(ExecuteError::Journal(JournalError::Truncated { .. }))
            ),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_cluster_whose_leader_died_is_written_to_at_its_next_leader() {
    use protocol::gossip::member_info::VNodeState::{Follower, Leader};
    let mut first = Server::start();
    let second = Server::on(std::sync::Arc::clone(&first.shared));
    let members = |alive| {
        vec![
            (first.port(), if alive { Leader } else { Follower }, alive),
            (second.port(), Leader, true),
        ]
    };
    first.shared.log().members = members(true);
    let string = format!(
        "kurrentdb://127.0.0.1:{},127.0.0.1:{}?tls=false&discoveryInterval=0",
        first.port(),
        second.port()
    );
    let journal = Journal::open(settings(&string)).unwrap();
    registered(&journal).await;
    first.shared.log().members = members(false);
    first.kill();
    execute(&journal, 2, &request_peering(1)).await.unwrap();
}

#[tokio::test]
async fn a_command_that_is_only_validated_appends_nothing_and_claims_nothing() {
    let server = Server::start();
    let journal = server.journal();
    registered(&journal).await;
    let networks = journal.networks();
    let id = network_of(1);
    let before = soon(networks.load(id)).await.unwrap();
    let preview = soon(networks.validate(id, &request_peering(1), &caller(2), now()))
        .await
        .unwrap();
    assert_eq!(preview.revision, before.revision);
    assert_eq!(preview.events.len(), 3);
    assert!(!preview.repeated);
    assert_ne!(preview.after.network, before.network);
    assert_eq!(*soon(networks.load(id)).await.unwrap(), *before);

    // The id is still free, for any command.
    let executed = soon(networks.execute(id, &request_peering(2), &caller(2), now()))
        .await
        .unwrap();
    assert!(!executed.repeated);
    let again = soon(networks.validate(id, &request_peering(2), &caller(2), now()))
        .await
        .unwrap();
    assert!(again.repeated);
    assert_eq!(again.events, executed.events);
    let other = soon(networks.validate(id, &request_peering(3), &caller(2), now())).await;
    assert!(matches!(other, Err(ExecuteError::CommandIdReused { .. })));
    let refused = soon(networks.validate(id, &request_peering(2), &caller(9), now())).await;
    assert!(matches!(refused, Err(ExecuteError::Refused(_))));
}

#[tokio::test]
async fn who_when_why_and_the_command_itself_stand_beside_its_first_event() {
    let server = Server::start();
    let journal = server.journal();
    registered(&journal).await;
    let id = network_of(1);
    let caller = peerage_journal::Caller {
        reason: Some("audit".parse().unwrap()),
        ticket: Some("CHG-7".parse().unwrap()),
        ..caller(2)
    };
    let command = request_peering(1);
    soon(journal.networks().execute(id, &command, &caller, now()))
        .await
        .unwrap();
    let events = soon(journal.read_stream(&id.stream(), Some(0)))
        .await
        .unwrap();
    let metadata: Vec<_> = events
        .iter()
        .filter_map(|it| it.metadata.as_ref())
        .collect();
    assert_eq!(metadata.len(), 3);
    for it in &metadata {
        assert_eq!(it.actor, caller.actor);
        assert_eq!((&it.reason, &it.ticket), (&caller.reason, &caller.ticket));
    }
    assert!(events.iter().all(|it| it.time() == now()));
    let kept = metadata[0].command.clone().unwrap();
    let kept: NetworkCommand = serde_json::from_value(kept).unwrap();
    assert_eq!(kept, command);
    assert!(metadata[1..].iter().all(|it| it.command.is_none()));
}

#[tokio::test]
async fn the_appends_of_many_callers_go_over_one_call_and_each_has_its_own_answer() {
    let server = Server::start();
    let journal = server.journal();
    let each = |number: u128| {
        let (journal, name) = (journal.clone(), format!("orders-{number}"));
        async move {
            let (command, by) = (register(&name), caller(number));
            let networks = journal.networks();
            let done = networks.execute(network_of(number), &command, &by, now());
            soon(done).await.unwrap()
        }
    };
    let all = futures_of(1..=40, each).await;
    assert!(all.iter().all(|it| it.revision == Some(0) && !it.repeated));
    let positions: std::collections::BTreeSet<_> = all.iter().map(|it| it.position).collect();
    assert_eq!(positions.len(), 40);
    let log = server.shared.log();
    assert_eq!((log.shared_calls, log.shared_appends), (1, 40));
    assert_eq!(log.appends.len(), 40, "none came twice");
}

#[tokio::test]
async fn a_server_without_a_call_for_many_appends_has_a_call_for_each() {
    let server = Server::start();
    server.shared.log().has_no_shared_call = true;
    let journal = server.journal();
    registered(&journal).await;
    execute(&journal, 2, &request_peering(1)).await.unwrap();
    let seen = appends(&server);
    assert_eq!(seen.len(), 2);
    assert_eq!(server.shared.log().shared_appends, 0);
}

#[tokio::test]
async fn what_nobody_answers_on_the_call_for_many_is_found_out_by_a_call_of_its_own() {
    let server = Server::start();
    let journal = server.journal();
    registered(&journal).await;
    server
        .shared
        .log()
        .on_append
        .push_back(OnAppend::WriteAndHang);
    let done = execute(&journal, 2, &request_peering(1)).await.unwrap();
    assert!(!done.repeated);
    let seen = appends(&server);
    assert_eq!((seen.len(), &seen[1]), (3, &seen[2]));
    // It is not asked again for a while, and nothing waits for it.
    execute(&journal, 3, &request_peering(2)).await.unwrap();
    assert_eq!(server.shared.log().shared_appends, 2);
    assert_eq!(appends(&server).len(), 4);
}

#[tokio::test]
async fn somebody_elses_append_in_between_is_told_over_the_call_for_many_as_well() {
    let server = Server::start();
    let (one, other) = (server.journal(), server.journal());
    registered(&one).await;
    soon(other.networks().load(network_of(1))).await.unwrap();
    let first = execute(&one, 2, &request_peering(1)).await.unwrap();
    let behind = execute(&other, 3, &request_peering(2)).await.unwrap();
    assert_eq!(peerings(&behind), 2);
    let expected: Vec<_> = appends(&server).iter().map(|it| it.expected).collect();
    assert_eq!(expected, [None, Some(0), Some(0), first.revision]);
    assert_eq!(server.shared.log().shared_appends, 4);
}

/// Does it for each of these at the same time.
async fn futures_of<F>(
    numbers: impl IntoIterator<Item = u128>,
    each: impl Fn(u128) -> F,
) -> Vec<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let mut all = tokio::task::JoinSet::new();
    for number in numbers {
        all.spawn(each(number));
    }
    all.join_all().await
}

/// A freeze or a thaw, as if a worker had recorded it under this term.
fn under(command: u128, lease: u128, number: u64) -> peerage_journal::Caller {
    let lease = uuid::Uuid::from_u128(lease);
    peerage_journal::Caller {
        term: Some(peerage_journal::Fence { lease, number }),
        ..caller(command)
    }
}

#[tokio::test]
async fn who_works_under_a_lower_term_than_is_on_record_is_refused_and_nothing_is_recorded() {
    let server = Server::start();
    let (zombie, holder) = (server.journal(), server.journal());
    registered(&zombie).await;
    let id = network_of(1);
    let freeze: NetworkCommand = FreezeNetwork {
        reason: "a change".parse().unwrap(),
        everywhere: false,
    }
    .into();
    let thaw: NetworkCommand = ThawNetwork { reason: None }.into();
    let records = async |journal: &Journal, command: &NetworkCommand, by| {
        soon(journal.networks().execute(id, command, &by, now())).await
    };
    records(&zombie, &freeze, under(2, 1, 7)).await.unwrap();
    // The new holder's first append carries its term.
    records(&holder, &thaw, under(3, 1, 8)).await.unwrap();
    let before = soon(holder.read_stream(&id.stream(), None)).await.unwrap();
    let terms: Vec<_> = before
        .iter()
        .map(|it| {
            it.metadata
                .as_ref()
                .and_then(|it| it.term)
                .map(|it| it.number)
        })
        .collect();
    assert_eq!(terms, [None, Some(7), Some(8)]);

    let refused = records(&zombie, &freeze, under(4, 1, 7)).await;
    let is_over = |it: &Result<Executed, ExecuteError>| {
        matches!(it, Err(ExecuteError::TermOver { sent: 7, held: 8 }))
    };
    assert!(is_over(&refused), "{refused:?}");
    // One that has just begun knows it from the log, or from a snapshot of it.
    let begun = records(&server.journal(), &freeze, under(5, 1, 7)).await;
    assert!(is_over(&begun), "{begun:?}");
    let after = soon(holder.read_stream(&id.stream(), None)).await.unwrap();
    assert_eq!(after.len(), before.len(), "nothing was recorded");

    // The same term goes on, a later one takes over; who has none, as people, is not asked for one;
    // and a lease of another store says nothing of this one.
    records(&holder, &freeze, under(6, 1, 8)).await.unwrap();
    records(&holder, &thaw, under(7, 1, 9)).await.unwrap();
    records(&zombie, &freeze, caller(8)).await.unwrap();
    let over = records(&holder, &thaw, under(9, 1, 8)).await;
    assert!(matches!(
        over,
        Err(ExecuteError::TermOver { sent: 8, held: 9 })
    ));
    records(&holder, &thaw, under(10, 2, 1)).await.unwrap();
}

#[tokio::test]
async fn what_a_server_of_an_older_version_could_not_read_is_not_written_until_it_is_gone() {
    let server = Server::start();
    let journal = server.journal();
    let record = |event_type| peerage_journal::Record {
        event_type,
        data: serde_json::json!({ "until": "2027-01-02T03:04:05Z" }),
        metadata: peerage_journal::Metadata {
            correlation_id: uuid::Uuid::nil(),
            causation_id: uuid::Uuid::nil(),
            command_id: caller(1).command_id,
            command_digest: domain::Digest::of(&event_type).unwrap(),
            actor: caller(1).actor,
            schema_version: peerage_journal::SCHEMA_VERSION,
            traceparent: None,
            time: Some(now()),
            reason: None,
            ticket: None,
            command: None,
            cloud_calls: None,
            cloud: None,
            term: None,
        },
    };
    let stream = "connector-provisioner";
    journal.write_within(domain::vocabulary::FIRST_VOCABULARY);
    let writes =
        async |event_type, after| soon(journal.record(stream, after, &[record(event_type)])).await;
    let refused = writes("BuiltInConnectorStopped", None).await;
    assert!(
        matches!(refused, Err(JournalError::NotYetReadable { event_type }) if event_type == "BuiltInConnectorStopped"),
        "{refused:?}"
    );
    assert!(appends(&server).is_empty(), "the store was not asked");
    assert_eq!(writes("ConnectorRenamed", None).await.unwrap(), Some(0));
    journal.write_within(domain::vocabulary::VOCABULARY);
    let written = writes("BuiltInConnectorStopped", Some(0)).await;
    assert_eq!(written.unwrap(), Some(1));
}

/// What servers write that read no IPv6, and what those do that read no group as a source.
const BEFORE_IPV6: u32 = 2;
const BEFORE_GROUPS: u32 = 3;

#[tokio::test]
async fn ipv6_comes_into_no_network_while_a_server_lives_that_reads_none() {
    let server = Server::start();
    let journal = server.journal();
    let NetworkCommand::RegisterNetwork(plain) = register("orders") else {
        panic!("a registration");
    };
    let dual_stack: NetworkCommand = domain::network::RegisterNetwork {
        ipv6_ranges: vec!["fd00:20::/56".parse().unwrap()],
        ..plain
    }
    .into();
    journal.write_within(BEFORE_IPV6);
    let id = network_of(1);
    let other = register("plain");
    let executes = async |id, command, number| {
        let caller = caller(number);
        soon(journal.networks().execute(id, command, &caller, now())).await
    };
    let refused = executes(id, &dual_stack, 1).await;
    assert!(
        matches!(
            refused,
            Err(ExecuteError::Journal(JournalError::NotYetReadable { event_type }))
                if event_type == "NetworkRegistered"
        ),
        "{refused:?}"
    );
    assert!(appends(&server).is_empty(), "the store was not asked");
    let plain = executes(network_of(2), &other, 2).await;
    assert_eq!(plain.unwrap().events.len(), 1);
    journal.write_within(BEFORE_IPV6 + 1);
    let written = executes(id, &dual_stack, 1).await;
    assert_eq!(written.unwrap().events.len(), 1);
}

#[tokio::test]
async fn no_group_is_admitted_while_a_server_lives_that_reads_ranges_alone() {
    let server = Server::start();
    let journal = server.journal();
    let id = network_of(1);
    let executes = async |command: NetworkCommand, number| {
        let caller = caller(number);
        soon(journal.networks().execute(id, &command, &caller, now())).await
    };
    executes(register("orders"), 1).await.unwrap();
    executes(request_peering(7), 2).await.unwrap();
    let peering_id = domain::Ids::of(caller(2).command_id).peering(id);
    let restrict = |source: &str| {
        let rule = domain::network::InboundRule {
            source: source.parse().unwrap(),
            port: 2113,
            target: None,
        };
        NetworkCommand::from(domain::network::RestrictFirewall {
            peering_id,
            side: domain::Side::Local,
            admit: vec![rule],
            tenure: Default::default(),
        })
    };
    let of_group = restrict("444455556666/sg-0e1f2a3b4c5d6e7f8");
    journal.write_within(BEFORE_GROUPS);
    let before = appends(&server).len();
    let refused = executes(of_group.clone(), 3).await;
    assert!(
        matches!(
            refused,
            Err(ExecuteError::Journal(JournalError::NotYetReadable { event_type }))
                if event_type == "FirewallRestricted"
        ),
        "{refused:?}"
    );
    assert_eq!(appends(&server).len(), before, "the store was not asked");
    let of_range = executes(restrict("10.7.0.0/16"), 4).await;
    assert_eq!(of_range.unwrap().events.len(), 1);
    journal.write_within(BEFORE_GROUPS + 1);
    let written = executes(of_group, 3).await;
    assert_eq!(written.unwrap().events.len(), 1);
}

/// What stands beside each event of the stream about its cloud.
async fn clouds(journal: &Journal, network: NetworkId) -> Vec<Option<CloudMode>> {
    let read = journal.read_some(&network.stream(), 0, 100).await.unwrap();
    let beside = |it: &Recorded| it.metadata.as_ref().unwrap().cloud.clone();
    read.iter().map(beside).collect()
}

#[tokio::test]
async fn each_event_says_at_which_cloud_its_network_is_whoever_takes_the_command() {
    let server = Server::start();
    let journal = server.journal();
    let by = |n, cloud: CloudMode| peerage_journal::Caller {
        clouds: Some(Arc::new([(Provider::Aws, cloud)].into_iter().collect())),
        ..caller(n)
    };
    let at = CloudMode::Emulator {
        endpoint: "http://127.0.0.1:5000".parse().unwrap(),
    };
    let id = network_of(1);
    let executes = async |command: &NetworkCommand, id, caller| {
        let networks = journal.networks();
        soon(networks.execute(id, command, &caller, now()))
            .await
            .unwrap();
    };
    executes(&register("orders"), id, by(1, at.clone())).await;
    executes(&request_peering(1), id, caller(2)).await;
    let told = clouds(&journal, id).await;
    assert!(
        told.len() > 2 && told.iter().all(|it| *it == Some(at.clone())),
        "{told:?}"
    );

    let old = network_of(3);
    executes(&register("old"), old, caller(3)).await;
    executes(&request_peering(1), old, caller(4)).await;
    assert!(clouds(&journal, old).await.iter().all(Option::is_none));
    let recorded = NetworkCommand::Record(Outcome::CloudRecorded(NetworkCloudRecorded {
        network_id: old,
        cloud: CloudMode::Simulated,
    }));
    executes(&recorded, old, caller(5)).await;
    let last = clouds(&journal, old).await.pop();
    assert_eq!(last, Some(Some(CloudMode::Simulated)));
}
