//! Commands over gRPC: attributed, idempotent, at the revision that the caller expects.

use crate::support::SOON;
use crate::support::api::{self, Api, Command, reason};
use peerage_tests::engine::{Launch, serves};
use peerage_tests::wait;
use std::collections::BTreeSet;
use tempfile::TempDir;
use tokio_stream::StreamExt;
use tonic::Code;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

#[tokio::test]
async fn a_repeated_command_gets_its_first_outcome_at_once_and_after_a_crash_and_changes_nothing() {
    let data = TempDir::new().unwrap();
    let launch = Launch::new(data.path());
    let mut engine = launch.start().await;
    let api = Api::connect(&engine.server()).await;
    let register = Command::Register(api::register());
    let network = api.done(&register).await;
    let request = Command::Request(api::request(&network.network_id, 30));
    let requested = api.done(&request).await;
    assert_eq!(
        requested.event_types,
        [
            "PeeringRequested",
            "FirewallRestricted",
            "FirewallRestricted"
        ]
    );
    let accept = Command::Accept(api::accept(
        &network.network_id,
        &requested.peering_id,
        "local",
        "10.30.0.0/16",
    ));
    let accepted = api.done(&accept).await;
    let first = [
        (&register, network.clone()),
        (&request, requested.clone()),
        (&accept, accepted),
    ];
    assert!(
        first
            .iter()
            .all(|(_, answer)| !answer.repeated && !answer.position.is_empty()),
        "{first:?}"
    );

    for (command, answer) in &first {
        let again = api.done(command).await;
        assert!(again.repeated, "{again:?}");
        assert_eq!(
            (
                &again.network_id,
                &again.peering_id,
                again.revision,
                &again.event_types
            ),
            outcome(answer)
        );
    }
    api.converged(&requested.peering_id).await;
    let history = api.history(&network.network_id).await;
    engine.process.kill();

    let engine = launch.start().await;
    let api = Api::connect(&engine.server()).await;
    for (command, answer) in &first {
        let again = api.done(command).await;
        assert!(again.repeated, "{again:?}");
        assert_eq!(
            (
                &again.network_id,
                &again.peering_id,
                again.revision,
                &again.event_types
            ),
            outcome(answer)
        );
    }
    assert_eq!(api.history(&network.network_id).await, history);
    engine.stop().await;
}

#[tokio::test]
async fn a_command_id_that_was_used_for_another_body_is_refused_after_a_restart_too() {
    let data = TempDir::new().unwrap();
    let launch = Launch::new(data.path());
    let engine = launch.start().await;
    let register = api::register();
    let network = Api::connect(&engine.server())
        .await
        .done(&Command::Register(register.clone()))
        .await
        .network_id;
    engine.stop().await;

    let engine = launch.start().await;
    let api = Api::connect(&engine.server()).await;
    // The registration is the one command whose network nobody has looked at yet when it comes.
    let other = Command::Register(peerage::api::v1::RegisterNetworkRequest {
        name: "another".to_owned(),
        ..register
    });
    let status = api.send(&other).await.unwrap_err();
    assert_eq!(
        reason(&status),
        (Code::AlreadyExists, "COMMAND_ID_REUSED".to_owned())
    );
    assert_eq!(api.network(&network, "").await.unwrap().name, "orders");
}

fn outcome(answer: &peerage::api::v1::CommandResponse) -> (&String, &String, u64, &Vec<String>) {
    (
        &answer.network_id,
        &answer.peering_id,
        answer.revision,
        &answer.event_types,
    )
}

#[tokio::test]
async fn the_expected_revision_is_honoured_exactly_and_one_of_many_rivals_wins() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let api = Api::connect(&engine.server()).await;
    let network = api.done(&Command::Register(api::register())).await;
    let at = |number: u8, revision: u64| {
        let mut message = api::request(&network.network_id, number);
        message.context.as_mut().unwrap().expected_revision = Some(revision);
        Command::Request(message)
    };
    let status = api.send(&at(30, network.revision + 1)).await.unwrap_err();
    assert_eq!(
        reason(&status),
        (
            Code::FailedPrecondition,
            "WRONG_EXPECTED_REVISION".to_owned()
        )
    );
    let rivals = (30..46).map(|number| {
        let (api, command) = (api.clone(), at(number, network.revision));
        tokio::spawn(async move { api.send(&command).await })
    });
    let mut won = 0;
    for rival in rivals.collect::<Vec<_>>() {
        match rival.await.unwrap() {
            Ok(_) => won += 1,
            Err(status) => assert_eq!(
                reason(&status),
                (
                    Code::FailedPrecondition,
                    "WRONG_EXPECTED_REVISION".to_owned()
                )
            ),
        }
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn the_same_command_sent_many_times_at_once_is_carried_out_once() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let api = Api::connect(&engine.server()).await;
    let network = api
        .done(&Command::Register(api::register()))
        .await
        .network_id;
    let command = Command::Request(api::request(&network, 30));
    let sent: Vec<_> = (0..16)
        .map(|_| {
            let (api, command) = (api.clone(), command.clone());
            tokio::spawn(async move { api.done(&command).await })
        })
        .collect();
    let mut answers = Vec::new();
    for answer in sent {
        answers.push(answer.await.unwrap());
    }
    assert_eq!(
        answers.iter().filter(|it| !it.repeated).count(),
        1,
        "{answers:#?}"
    );
    assert_eq!(
        answers
            .iter()
            .map(|it| (it.revision, &it.peering_id))
            .collect::<BTreeSet<_>>()
            .len(),
        1,
        "{answers:#?}"
    );
    let last = answers
        .iter()
        .map(|it| it.position.as_str())
        .find(|it| !it.is_empty())
        .unwrap();
    assert_eq!(api.network(&network, last).await.unwrap().live_peerings, 1);
}

#[tokio::test]
async fn commands_of_many_callers_on_one_network_all_go_through() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let api = Api::connect(&engine.server()).await;
    let network = api
        .done(&Command::Register(api::register()))
        .await
        .network_id;
    let sent: Vec<_> = (30..54)
        .map(|number| {
            let (api, command) = (
                api.clone(),
                Command::Request(api::request(&network, number)),
            );
            tokio::spawn(async move { api.done(&command).await })
        })
        .collect();
    let mut revisions = BTreeSet::new();
    let mut position = String::new();
    for answer in sent {
        let answer = answer.await.unwrap();
        assert!(
            revisions.insert(answer.revision),
            "each has a place of its own"
        );
        if revisions.last() == Some(&answer.revision) {
            position = answer.position;
        }
    }
    assert_eq!(
        api.network(&network, &position)
            .await
            .unwrap()
            .live_peerings,
        24
    );
}

#[tokio::test]
async fn the_api_describes_itself_and_says_that_it_serves() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let channel = tonic::transport::Channel::from_shared(engine.server())
        .unwrap()
        .connect()
        .await
        .unwrap();
    let ask = |message_request| ServerReflectionRequest {
        host: String::new(),
        message_request: Some(message_request),
    };
    let questions = [
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol(
            "peerage.v1.PeeringService.RequestPeering".to_owned(),
        )),
        ask(MessageRequest::FileContainingSymbol(
            "peerage.v1.AuditService".to_owned(),
        )),
    ];
    let mut answers = ServerReflectionClient::new(channel)
        .server_reflection_info(tokio_stream::iter(questions))
        .await
        .unwrap()
        .into_inner();
    let Some(MessageResponse::ListServicesResponse(listed)) =
        answers.next().await.unwrap().unwrap().message_response
    else {
        panic!("no list of services")
    };
    let services: BTreeSet<_> = listed.service.into_iter().map(|it| it.name).collect();
    for service in [
        "peerage.v1.NetworkService",
        "peerage.v1.PeeringService",
        "peerage.v1.AuditService",
        "peerage.v1.ServerService",
        "grpc.health.v1.Health",
    ] {
        assert!(services.contains(service), "{service} in {services:?}");
    }
    for _ in 0..2 {
        let answer = answers.next().await.unwrap().unwrap().message_response;
        assert!(
            matches!(answer, Some(MessageResponse::FileDescriptorResponse(_))),
            "{answer:?}"
        );
    }
    wait::until("SERVING", SOON, || serves(engine.server())).await;
}
