//! The life of a link: two halves, made, changed and removed one operation at a time.

use crate::world::{LOCAL, REMOTE, Scene, kind, operation_of, request};
use cloud::{
    About, ClientPolicy, Cloud, CloudErrorKind, HalfState, LinkRole, LinkState, OperationState,
    RateLimited,
};
use domain::{Side, network::LinkOption};
use gcp_fake::{Fault, Half, Temper};
use peerage_gcp::GcpCloud;
use std::{sync::Arc, time::Duration};

#[tokio::test]
async fn a_link_is_made_of_two_halves_exchanges_its_routes_and_is_gone_once_both_are() {
    let scene = Scene::set(Temper::default()).await;
    scene.make(Side::Local).await;
    assert_eq!(scene.state(Side::Local).await, HalfState::Pending);
    assert_eq!(scene.state(Side::Remote).await, HalfState::Absent);
    let alone = &scene.links(Side::Local).await[0];
    assert!(alone.message.as_ref().unwrap().contains("Waiting for peer"));
    assert_eq!(alone.owner.unwrap().peering, crate::world::OWNER.peering);
    assert!(alone.first.imports.is_empty(), "nothing is sent yet");

    scene.make(Side::Remote).await;
    for (side, others) in [
        (Side::Local, "10.20.0.0/16"),
        (Side::Remote, "10.10.0.0/16"),
    ] {
        assert_eq!(scene.state(side).await, HalfState::Connected);
        let view = &scene.links(side).await[0];
        let others = vec![others.parse().unwrap()];
        assert_eq!(view.first.imports, others, "{side}");
        assert_eq!(view.second.ranges, others, "{side}");
    }

    scene.remove(Side::Local).await;
    assert_eq!(scene.state(Side::Local).await, HalfState::Absent);
    assert_eq!(scene.state(Side::Remote).await, HalfState::Pending);
    scene.remove(Side::Remote).await;
    assert_eq!(scene.state(Side::Remote).await, HalfState::Absent);
    let spec = scene.spec();
    for side in Side::BOTH {
        let again = scene.cloud.remove_half(&spec, side, request(99)).await;
        assert_eq!(kind(again), Some(CloudErrorKind::NotFound), "{side}");
    }
    assert_eq!(scene.fake.halves_of(LOCAL, "cluster"), []);
    assert_eq!(scene.fake.halves_of(REMOTE, "orders"), []);
}

#[tokio::test]
async fn from_the_request_to_the_connection_a_side_takes_four_calls() {
    let scene = Scene::set(Temper::default()).await;
    scene.connected().await;
    let methods = |project: &str| -> Vec<_> {
        let calls = scene.fake.calls();
        let own = calls.into_iter().filter(|it| it.project == project);
        own.map(|it| it.method).collect()
    };
    let each = [
        "networks.get",
        "networks.addPeering",
        "globalOperations.get",
        "globalOperations.get",
    ];
    assert_eq!(methods(LOCAL), each);
    assert_eq!(methods(REMOTE), each);
}

#[tokio::test]
async fn a_half_says_what_it_exchanges_and_that_is_set_one_option_at_a_time() {
    let scene = Scene::set(Temper::default()).await;
    scene.fake.route(REMOTE, "orders", "static", "10.77.0.0/16");
    scene.connected().await;
    let set = async |side, option, enabled: bool| {
        let spec = scene.spec();
        let (own, name) = (spec.network(side), scene.name());
        let end = LinkRole::First;
        let set = scene
            .cloud
            .set_option(own, &name, end, option, enabled.into())
            .await;
        assert_eq!(kind(set), None);
    };
    let imports = async || {
        let views = scene.links(Side::Local).await;
        views[0].first.imports.clone()
    };
    assert_eq!(imports().await.len(), 1, "the peer's subnet");
    set(Side::Local, LinkOption::ImportCustomRoutes, true).await;
    assert_eq!(imports().await.len(), 1, "the peer exports nothing");
    set(Side::Remote, LinkOption::ExportCustomRoutes, true).await;
    assert!(imports().await.contains(&"10.77.0.0/16".parse().unwrap()));
    set(Side::Local, LinkOption::ImportCustomRoutes, false).await;
    assert_eq!(
        imports().await.len(),
        1,
        "what is told and not taken is not there"
    );
    set(Side::Local, LinkOption::ImportCustomRoutes, true).await;
    set(Side::Local, LinkOption::DualStack, true).await;
    let half = &scene.fake.halves_of(LOCAL, "cluster")[0];
    assert!(
        half.imports && !half.exports && half.stack == "IPV4_IPV6",
        "{half:?}"
    );
    assert!(
        !half.exports_public && !half.imports_public,
        "as it was made: {half:?}"
    );
    let before = scene.fake.calls().len();
    set(Side::Local, LinkOption::DualStack, true).await;
    let after = scene.fake.calls();
    let methods: Vec<_> = after[before..]
        .iter()
        .map(|it| it.method.as_str())
        .collect();
    assert_eq!(methods, ["networks.get"], "as it is wanted: not written");
}

#[tokio::test]
async fn routes_of_public_addresses_are_exchanged_where_the_request_names_some() {
    let scene = Scene::set(Temper::instant()).await;
    let mut spec = scene.spec();
    spec.second.ranges.push("9.1.0.0/16".parse().unwrap());
    for side in Side::BOTH {
        let made = scene
            .cloud
            .make_half(&spec, side, scene.next_request())
            .await;
        scene.ended(side, &operation_of(made.unwrap())).await;
    }
    let local = &scene.fake.halves_of(LOCAL, "cluster")[0];
    let remote = &scene.fake.halves_of(REMOTE, "orders")[0];
    assert!(local.imports_public && !local.exports_public, "{local:?}");
    assert!(
        remote.exports_public && !remote.imports_public,
        "{remote:?}"
    );
}

#[tokio::test]
async fn a_network_does_one_operation_at_a_time_and_the_other_one_is_patient() {
    let scene = Scene::set(Temper {
        looks: usize::MAX,
        ..Temper::default()
    })
    .await;
    let first = scene.begun(Side::Local, request(1)).await;
    let spec = scene.spec();
    let second = scene.cloud.make_half(&spec, Side::Remote, request(2)).await;
    let busy = second.unwrap_err();
    assert_eq!(busy.kind, CloudErrorKind::Busy, "{busy}");
    assert!(busy.worth_a_retry() && busy.definitely_not_applied());
    assert_eq!(scene.fake.halves_of(REMOTE, "orders"), []);
    scene.fake.pass(Duration::from_secs(6));
    assert_eq!(scene.ended(Side::Local, &first).await, OperationState::Done);
    scene.begun(Side::Remote, request(2)).await;

    let patient = Scene::set(Temper::instant()).await;
    for _ in 0..3 {
        patient
            .fake
            .prepare(LOCAL, "networks.addPeering", Fault::busy());
    }
    let policy = ClientPolicy {
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(2),
        ..ClientPolicy::default()
    };
    let limited = RateLimited::new(Arc::new(patient.cloud.clone()), policy);
    let made = limited
        .make_half(&patient.spec(), Side::Local, request(3))
        .await;
    operation_of(made.unwrap());
}

#[tokio::test]
async fn an_operation_that_another_one_is_in_the_way_of_ends_as_busy_and_a_new_request_begins_another()
 {
    let scene = Scene::set(Temper::instant()).await;
    let words =
        "There is a route operation in progress on the local or peer network. Try again later.";
    let fault = Fault::operation_fails("BAD_REQUEST", words);
    scene.fake.prepare(LOCAL, "networks.addPeering", fault);
    let first = scene.begun(Side::Local, request(1)).await;
    let ended = scene.ended(Side::Local, &first).await;
    assert!(
        matches!(&ended, OperationState::Failed { kind: CloudErrorKind::Busy, message, .. } if message.contains(words)),
        "{ended:?}"
    );
    assert_eq!(
        scene.begun(Side::Local, request(1)).await,
        first,
        "the same request"
    );
    let second = scene.begun(Side::Local, request(2)).await;
    assert_ne!(second, first);
    assert_eq!(
        scene.ended(Side::Local, &second).await,
        OperationState::Done
    );
    assert_eq!(scene.state(Side::Local).await, HalfState::Pending);
}

#[tokio::test]
async fn an_operations_own_error_is_told_by_its_code() {
    let scene = Scene::set(Temper {
        peerings: 0,
        ..Temper::instant()
    })
    .await;
    let full = scene.begun(Side::Local, request(1)).await;
    let ended = scene.ended(Side::Local, &full).await;
    assert!(
        matches!(&ended, OperationState::Failed { kind: CloudErrorKind::Quota, message, .. }
            if message.contains("QUOTA_EXCEEDED") && message.contains("peerings_per_network: 0")),
        "{ended:?}"
    );
    assert_eq!(scene.state(Side::Local).await, HalfState::Absent);
}

#[tokio::test]
async fn an_operation_that_ends_badly_and_says_nothing_that_is_known_is_a_persons_to_look_up() {
    for (code, words) in [("", "no"), ("NEVER_HEARD_OF", "NEVER_HEARD_OF: no")] {
        let scene = Scene::set(Temper::instant()).await;
        let fault = Fault::operation_fails(code, "no");
        scene.fake.prepare(LOCAL, "networks.addPeering", fault);
        let begun = scene.begun(Side::Local, request(1)).await;
        let ended = scene.ended(Side::Local, &begun).await;
        let OperationState::Failed { about, message, .. } = ended else {
            panic!("{ended:?}")
        };
        let told = (about, message.as_str());
        assert_eq!(told, (Some(About::FailedOperation), words));
    }
}

#[tokio::test]
async fn what_was_begun_before_a_crash_is_asked_about_by_its_name_afterwards() {
    let scene = Scene::set(Temper {
        looks: 3,
        ..Temper::default()
    })
    .await;
    let begun = scene.begun(Side::Local, request(1)).await;
    let after = GcpCloud::new(&crate::world::settings(&scene.fake)).unwrap();
    let at = &scene.local.at;
    let state = async || after.operation(at, &begun).await.unwrap();
    assert_eq!(state().await, OperationState::Running);
    assert_eq!(state().await, OperationState::Running);
    assert_eq!(state().await, OperationState::Done);
    let unknown = "operation-of-nobody".parse().unwrap();
    let asked = after.operation(at, &unknown).await;
    assert_eq!(kind(asked), Some(CloudErrorKind::NotFound));
}

#[tokio::test]
async fn a_request_whose_answer_was_lost_is_sent_again_and_begins_nothing_new() {
    let scene = Scene::set(Temper::default()).await;
    scene
        .fake
        .prepare(LOCAL, "networks.addPeering", Fault::AnswerLost);
    let spec = scene.spec();
    let lost = scene.cloud.make_half(&spec, Side::Local, request(7)).await;
    let lost = lost.unwrap_err();
    assert_eq!(lost.kind, CloudErrorKind::Ambiguous, "{lost}");
    let begun = scene.begun(Side::Local, request(7)).await;
    assert_eq!(begun.as_str(), "operation-1", "the one that was begun");
    assert_eq!(scene.ended(Side::Local, &begun).await, OperationState::Done);
    assert_eq!(scene.fake.halves_of(LOCAL, "cluster").len(), 1);
    let added = scene.fake.calls();
    let added = added.iter().filter(|it| it.method == "networks.addPeering");
    for call in added {
        let id = "requestId=00000000-0000-0000-0000-000000000007";
        assert!(call.url.contains(id), "{}", call.url);
    }
    let again = scene.cloud.make_half(&spec, Side::Local, request(8)).await;
    assert_eq!(kind(again), Some(CloudErrorKind::AlreadyThere));
}

#[tokio::test]
async fn what_stands_in_the_way_is_found_before_anything_is_asked_for() {
    let scene = Scene::set(Temper::instant()).await;
    let other = "projects/remote-project/global/networks/orders";
    scene
        .fake
        .half(LOCAL, "cluster", Half::new("theirs", other));
    let spec = scene.spec();
    let made = scene.cloud.make_half(&spec, Side::Local, request(1)).await;
    let refused = made.unwrap_err();
    assert_eq!(refused.kind, CloudErrorKind::AlreadyThere);
    assert!(refused.message.contains("theirs"), "{refused}");
    let calls = scene.fake.calls();
    assert!(
        calls.iter().all(|it| it.method == "networks.get"),
        "{calls:?}"
    );
    let view = &scene.links(Side::Local).await[0];
    assert_eq!((view.owner, &view.state), (None, &LinkState::Pending));

    scene.fake.drop_half(LOCAL, "cluster", "theirs");
    let elsewhere = "projects/somebody/global/networks/n";
    let ours = scene.name();
    scene
        .fake
        .half(LOCAL, "cluster", Half::new(ours.as_str(), elsewhere));
    let made = scene.cloud.make_half(&spec, Side::Local, request(2)).await;
    assert_eq!(
        kind(made),
        Some(CloudErrorKind::Conflict),
        "of our name, and to elsewhere"
    );
}

#[tokio::test]
async fn a_half_waits_for_a_network_that_is_not_there_and_one_of_our_own_has_to_be() {
    let scene = Scene::set(Temper::instant()).await;
    let mut spec = scene.spec();
    spec.second.network.network = "nowhere".parse().unwrap();
    let made = scene.cloud.make_half(&spec, Side::Local, request(1)).await;
    scene.ended(Side::Local, &operation_of(made.unwrap())).await;
    let view = &scene.links(Side::Local).await[0];
    assert_eq!(view.state, LinkState::Pending);
    let other = scene.cloud.make_half(&spec, Side::Remote, request(2)).await;
    assert_eq!(kind(other), Some(CloudErrorKind::NotFound));
}

fn by_agreement(other: &str) -> Half {
    Half {
        strategy: "CONSENSUS".to_owned(),
        ..Half::new(
            cloud::half_name(crate::world::OWNER.peering, 0)
                .unwrap()
                .as_str(),
            other,
        )
    }
}

#[tokio::test]
async fn a_link_that_ends_by_agreement_is_asked_to_end_once_and_goes_when_the_other_side_agrees() {
    let scene = Scene::set(Temper::instant()).await;
    let (local, remote) = (
        "projects/local-project/global/networks/cluster",
        "projects/remote-project/global/networks/orders",
    );
    scene.fake.half(LOCAL, "cluster", by_agreement(remote));
    scene.fake.half(REMOTE, "orders", by_agreement(local));
    let view = &scene.links(Side::Local).await[0];
    assert!(
        view.message.as_ref().unwrap().contains("by agreement"),
        "{view:?}"
    );

    let spec = scene.spec();
    let asked = scene
        .cloud
        .remove_half(&spec, Side::Local, request(49))
        .await;
    let wanted = operation_of(asked.unwrap());
    assert_eq!(
        scene.ended(Side::Local, &wanted).await,
        OperationState::Done
    );
    assert_eq!(
        scene.state(Side::Local).await,
        HalfState::Connected,
        "only asked for"
    );
    for number in 0..3 {
        let again = scene
            .cloud
            .remove_half(&spec, Side::Local, request(50 + number))
            .await;
        let told = again.unwrap_err();
        assert_eq!(told.kind, CloudErrorKind::Precondition, "{told}");
        assert!(!told.worth_a_retry());
        let command = "request-delete <its name there> --project remote-project --network orders";
        assert!(told.message.contains(command), "{told}");
    }
    let asked = scene.fake.calls();
    let asked = asked
        .iter()
        .filter(|it| it.method == "networks.requestRemovePeering");
    assert_eq!(asked.count(), 1);

    scene.remove(Side::Remote).await;
    let removed = scene
        .cloud
        .remove_half(&spec, Side::Local, request(49))
        .await;
    let removed = operation_of(removed.unwrap());
    assert_ne!(
        removed, wanted,
        "the removal is another change than asking for it"
    );
    assert_eq!(
        scene.ended(Side::Local, &removed).await,
        OperationState::Done
    );
    assert_eq!(scene.state(Side::Local).await, HalfState::Absent);
    scene.remove(Side::Remote).await;
    assert_eq!(scene.state(Side::Remote).await, HalfState::Absent);
}

#[tokio::test]
async fn a_network_that_is_shown_by_numbers_is_known_by_its_names() {
    let scene = Scene::set(Temper::instant()).await;
    scene.connected().await;
    let (project, network) = scene.fake.numbers_of(REMOTE, "orders");
    let other = format!("projects/{project}/global/networks/{network}");
    let name = scene.name();
    let by_number = Half::new(name.as_str(), &other);
    scene.fake.half(LOCAL, "cluster", by_number);
    let view = &scene.links(Side::Local).await[0];
    assert!(view.second.network.is_same(&scene.remote), "{view:?}");
    scene.fake.deny(REMOTE, "compute.projects.get");
    let view = &scene.links(Side::Local).await[0];
    assert_eq!(
        view.second.network.at.account.as_str(),
        project,
        "as it is shown"
    );
    scene.fake.permit(REMOTE);
    let again = scene
        .cloud
        .make_half(&scene.spec(), Side::Local, request(70))
        .await;
    assert_eq!(kind(again), Some(CloudErrorKind::AlreadyThere));
}
