//! Operations: asked about where their answer says and when it says, under names that say nothing
//! of that, also by a process that did not begin them.

use crate::support::{LOCAL, REMOTE, World, kind, nsg_id};
use cloud::{
    About, Cloud as _, CloudError, CloudErrorKind, HalfAnswer, HalfState, LinkState, OperationState,
};
use domain::{Side, text::CloudOperation};
use serde_json::json;
use testkit::arm::{Answer, Asked, Fault};

/// The name of the operation that this began.
fn begun(answer: HalfAnswer) -> CloudOperation {
    match answer {
        HalfAnswer::Started { operation } => operation,
        HalfAnswer::Done { link } => panic!("{link} was done at once"),
    }
}

/// What is told of it once it does not run any more.
async fn past(world: &World, operation: &CloudOperation) -> Result<OperationState, CloudError> {
    testkit::wait::until("the operation's end", testkit::wait::SOON, || async {
        let told = world.cloud.operation(&world.local.at, operation).await;
        (told != Ok(OperationState::Running)).then_some(told)
    })
    .await
}

fn is_poll(asked: &Asked) -> bool {
    asked.path.contains("/operation")
}

#[tokio::test]
async fn the_name_of_an_operation_says_nothing_of_where_it_is_asked_about() {
    let world = World::new().await;
    let operation = begun(world.begin(Side::Local).await.unwrap());
    let name = operation.as_str();
    assert!(name.starts_with("make/") && name.len() <= 512, "{name}");
    for secret in ["http", "?", "api-version", "MII", "locations", "127.0.0.1"] {
        assert!(!name.contains(secret), "{name}");
    }
    let told = format!(
        "{:?} {operation}",
        world
            .cloud
            .clone()
            .operation(&world.local.at, &operation)
            .await
    );
    assert!(!told.contains("MII"), "{told}");
}

#[tokio::test]
async fn an_operation_is_asked_about_at_the_very_url_that_was_given_and_not_before_it_is_time() {
    let world = World::new().await;
    world.fake.with(|it| it.pace.retry_after = Some(3600));
    let operation = begun(world.begin(Side::Local).await.unwrap());
    let _ = world.fake.take_seen();
    for _ in 0..3 {
        let state = world
            .cloud
            .operation(&world.local.at, &operation)
            .await
            .unwrap();
        assert_eq!(state, OperationState::Running);
    }
    assert!(world.fake.take_seen().is_empty(), "it is asked later");

    let world = World::new().await;
    let operation = begun(world.begin(Side::Local).await.unwrap());
    assert_eq!(
        world.ends(Side::Local, &operation).await,
        OperationState::Done
    );
    let seen = world.fake.take_seen();
    let poll = seen.iter().find(|it| is_poll(it)).unwrap();
    assert_eq!(
        poll.query["api-version"], "2024-03-01",
        "the URL's own, not the client's"
    );
    assert!(poll.query["c"].len() > 2000 && poll.query.contains_key("s"));
    let again = world
        .cloud
        .operation(&world.local.at, &operation)
        .await
        .unwrap();
    assert_eq!(again, OperationState::Done);
    assert!(
        world.fake.take_seen().is_empty(),
        "what has ended is not asked again"
    );
}

#[tokio::test]
async fn a_process_that_did_not_begin_an_operation_reads_the_half_that_its_name_is_about() {
    let mut world = World::new().await;
    let making = begun(world.begin(Side::Local).await.unwrap());
    world.restart();
    let at = world.local.at.clone();
    let _ = world.fake.take_seen();
    let state = world.cloud.operation(&at, &making).await.unwrap();
    assert_eq!(state, OperationState::Running);
    assert!(!world.fake.take_seen().iter().any(is_poll));
    assert_eq!(world.ends(Side::Local, &making).await, OperationState::Done);

    let removing = begun(world.begin_removal(Side::Local).await.unwrap());
    world.restart();
    let state = world.cloud.operation(&at, &removing).await.unwrap();
    assert_eq!(state, OperationState::Running);
    assert_eq!(
        world.ends(Side::Local, &removing).await,
        OperationState::Done
    );
    let made = world.cloud.operation(&at, &making).await;
    assert_eq!(
        kind(made),
        Some(CloudErrorKind::NotFound),
        "what it made is gone"
    );
}

#[tokio::test]
async fn an_operation_that_ends_badly_says_so_in_a_success_and_has_changed_nothing() {
    let world = World::new().await;
    let error =
        json!({"code": "SubscriptionNotAuthorized", "message": "not enabled", "details": []});
    world
        .fake
        .fail_next("PUT", "virtualNetworkPeerings", Fault::EndsWith(error));
    let operation = begun(world.begin(Side::Local).await.unwrap());
    let ended = world.ends(Side::Local, &operation).await;
    let message = "SubscriptionNotAuthorized: not enabled".to_owned();
    let kind = CloudErrorKind::Precondition;
    let about = Some(About::Registration);
    let failed = OperationState::Failed {
        kind,
        about,
        message,
    };
    assert_eq!(ended, failed);
    let view = world.view(Side::Local).await.unwrap();
    assert_eq!(view.state, LinkState::Failed);
    assert_eq!(
        view.half(Side::Local, &world.local).unwrap().state,
        HalfState::Failed
    );
    world.make(Side::Local).await;
    assert_eq!(
        world.view(Side::Local).await.unwrap().state,
        LinkState::Pending
    );
}

#[tokio::test]
async fn an_operation_that_ends_badly_and_says_nothing_that_is_known_is_a_persons_to_look_up() {
    for (error, words) in [
        (json!({}), "says no more"),
        (
            json!({"code": "NeverHeardOf", "message": "no"}),
            "NeverHeardOf: no",
        ),
        // It is over: nothing is left open.
        (
            json!({"code": "GwmOperationTimeOut", "message": "late"}),
            "late",
        ),
    ] {
        let world = World::new().await;
        let fault = Fault::EndsWith(error);
        world.fake.fail_next("PUT", "virtualNetworkPeerings", fault);
        let operation = begun(world.begin(Side::Local).await.unwrap());
        let ended = world.ends(Side::Local, &operation).await;
        let OperationState::Failed {
            kind,
            about,
            message,
        } = ended
        else {
            panic!("{ended:?}")
        };
        let told = (kind, about);
        let unexplained = (CloudErrorKind::Unexpected, Some(About::FailedOperation));
        assert_eq!(told, unexplained, "{message}");
        assert!(message.contains(words), "{message}");
    }
}

#[tokio::test]
async fn an_operation_that_met_another_one_ends_busy_so_that_the_change_is_asked_for_again() {
    let world = World::new().await;
    let error =
        json!({"code": "AnotherOperationInProgress", "message": "uri: https://elsewhere.example"});
    world
        .fake
        .fail_next("PUT", "virtualNetworkPeerings", Fault::EndsWith(error));
    let operation = begun(world.begin(Side::Local).await.unwrap());
    let ended = past(&world, &operation).await;
    let Ok(OperationState::Failed { kind, message, .. }) = ended else {
        panic!("{ended:?}")
    };
    assert_eq!(kind, CloudErrorKind::Busy, "{message}");
}

#[tokio::test]
async fn no_token_goes_to_another_service_whatever_an_answer_says() {
    let world = World::new().await;
    let elsewhere = testkit::arm::FakeArm::start().await;
    let url = format!(
        "{}/subscriptions/1/providers/x/locations/y/operations/z",
        elsewhere.endpoint()
    );
    let answer = Answer::new(201, json!({})).header("azure-asyncoperation", url);
    world
        .fake
        .fail_next("PUT", "virtualNetworkPeerings", Fault::Refused(answer));
    let operation = begun(world.begin(Side::Local).await.unwrap());
    let told = past(&world, &operation).await;
    let is_read = Some(CloudErrorKind::NotFound);
    assert_eq!(kind(told), is_read, "the half is read, and is not there");
    assert!(elsewhere.take_seen().is_empty());
}

#[tokio::test]
async fn a_change_that_goes_on_where_nobody_can_ask_is_not_taken_for_done() {
    let world = World::new().await;
    let answer = Answer::new(201, json!({})).header("azure-asyncoperation", "not a url at all");
    world
        .fake
        .fail_next("PUT", "virtualNetworkPeerings", Fault::Refused(answer));
    let operation = begun(world.begin(Side::Local).await.unwrap());
    let told = world.cloud.operation(&world.local.at, &operation).await;
    assert_eq!(kind(told), Some(CloudErrorKind::NotFound));
}

#[tokio::test]
async fn another_tenants_token_is_shown_on_a_put_its_polls_and_the_read_after_it_and_on_no_removal()
{
    let world = World::new().await;
    let operation = begun(world.begin(Side::Local).await.unwrap());
    let _ = world.ends(Side::Local, &operation).await;
    let seen = world.fake.take_seen();
    for asked in seen.iter().filter(|it| it.method == "PUT" || is_poll(it)) {
        assert_eq!(asked.tenant.as_deref(), Some(LOCAL), "{asked:?}");
        assert_eq!(asked.others, [REMOTE], "{}", asked.method);
    }
    let mut later = World::new().await;
    let operation = begun(later.begin(Side::Local).await.unwrap());
    later.restart();
    let _ = later.fake.take_seen();
    let _ = later.ends(Side::Local, &operation).await;
    let read = later.fake.take_seen();
    assert!(
        read.iter().all(|it| it.others == [REMOTE]),
        "the name says which"
    );

    world.make(Side::Remote).await;
    let _ = world.fake.take_seen();
    world.remove(Side::Remote).await;
    let seen = world.fake.take_seen();
    assert!(seen.iter().all(|it| it.others.is_empty()), "{seen:?}");
    let _ = nsg_id(LOCAL);
}
