//! What goes wrong, and what it is taken for: by the service's code, and by what is certain.

use crate::support::{LOCAL, REMOTE, World, id, kind, settings, subscription, vnet};
use cloud::{CallClass, Cloud as _, CloudError, CloudErrorKind, Operation, Pace, Rate};
use domain::{Side, network::LinkOption};
use peerage_azure::{AzureCloud, AzureSettings, Credential};
use serde_json::{Value, json};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use testkit::arm::{Answer, Fault};

fn refused(status: u16, code: &str) -> Fault {
    Fault::Refused(
        Answer::error(status, code, "words that nobody searches").header("retry-after", 7),
    )
}

/// How the making of a half fails that is answered so.
async fn failed(fault: Fault) -> CloudError {
    let world = World::new().await;
    world.fake.fail_next("PUT", "virtualNetworkPeerings", fault);
    let failed = world.begin(Side::Local).await.unwrap_err();
    assert_eq!(failed.operation, Operation::CreateLink);
    failed
}

#[tokio::test]
async fn each_code_of_a_peering_call_means_what_a_person_or_a_pause_can_do_about_it() {
    use CloudErrorKind as Kind;
    let throttled = || Kind::Throttled {
        retry_after: Some(Duration::from_secs(7)),
    };
    for (status, code, meaning) in [
        (400, "RemotePeeringIsDisconnected", Kind::WrongState),
        (400, "ReferencedResourceNotProvisioned", Kind::Busy),
        (429, "RetryableError", Kind::Busy),
        (409, "AnotherOperationInProgress", Kind::Busy),
        (409, "Conflict", Kind::Busy),
        (409, "GatewayOperationFailedRetry", Kind::Busy),
        (400, "VnetAddressSpacesOverlap", Kind::Precondition),
        (
            400,
            "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet",
            Kind::Precondition,
        ),
        (400, "RemoteVnetHasNoGateways", Kind::Precondition),
        (
            400,
            "AnotherPeeringAlreadyReferencesRemoteVnet",
            Kind::AlreadyThere,
        ),
        (403, "LinkedAuthorizationFailed", Kind::Denied),
        (403, "AuthorizationFailed", Kind::Denied),
        (401, "InvalidAuthenticationTokenTenant", Kind::Denied),
        (401, "InvalidAuthenticationToken", Kind::CredentialsRefused),
        (401, "ExpiredAuthenticationToken", Kind::SessionExpired),
        (429, "TooManyRequests", throttled()),
        (429, "SubscriptionRequestsThrottled", throttled()),
        (429, "ResourceRequestsThrottled", throttled()),
        (404, "ParentResourceNotFound", Kind::NotFound),
        (404, "ResourceGroupNotFound", Kind::NotFound),
        (400, "InvalidRequestFormat", Kind::InvalidRequest),
        (409, "QuotaExceeded", Kind::Quota),
        (409, "MissingSubscriptionRegistration", Kind::Precondition),
        (503, "ServerTimeout", Kind::Ambiguous),
        (504, "GatewayTimeout", Kind::Ambiguous),
        (500, "never heard of", Kind::Ambiguous),
        (400, "never heard of", Kind::Unexpected),
    ] {
        let failed = failed(refused(status, code)).await;
        assert_eq!(failed.kind, meaning, "{code}");
        assert_eq!(failed.code.as_deref(), Some(code));
        assert_eq!(failed.request_id.as_deref(), Some("req-1"));
    }
}

/// Every code that users were told for a call of ours is told apart.
#[tokio::test]
async fn no_error_that_users_report_is_unexpected() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/errors-reported.json");
    let told: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let errors = told["errors"].as_array().unwrap();
    assert!(errors.len() > 10);
    for error in errors {
        let status = error["status"].as_u64().unwrap_or(409);
        let body = json!({"error": {"code": error["code"], "message": error["message"], "details": error["details"]}});
        let answer = Answer::new(u16::try_from(status).unwrap(), body);
        let failed = failed(Fault::Refused(answer)).await;
        assert_ne!(failed.kind, CloudErrorKind::Unexpected, "{failed}");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_told_by_its_status() {
    let page = |status| Fault::Refused(Answer::new(status, json!("<html>no</html>")));
    assert_eq!(failed(page(404)).await.kind, CloudErrorKind::NotFound);
    assert_eq!(failed(page(403)).await.kind, CloudErrorKind::Denied);
    assert_eq!(failed(page(502)).await.kind, CloudErrorKind::Ambiguous);
    let world = World::new().await;
    world
        .fake
        .fail_next("GET", "virtualNetworks/net", page(200));
    let of = [world.local.network.clone()];
    let shown = world.cloud.networks(&world.local.at, &of).await;
    assert_eq!(kind(shown), Some(CloudErrorKind::Unexpected));
}

#[tokio::test]
async fn a_lost_answer_leaves_open_what_was_done_and_asking_again_does_no_harm() {
    let world = World::new().await;
    world
        .fake
        .fail_next("PUT", "virtualNetworkPeerings", Fault::Lost);
    let lost = world.begin(Side::Local).await;
    assert_eq!(kind(lost), Some(CloudErrorKind::Ambiguous));
    assert!(world.half(Side::Local).is_some(), "it was carried out");
    world.make(Side::Local).await;
    world
        .fake
        .fail_next("DELETE", "virtualNetworkPeerings", Fault::Lost);
    let lost = world.begin_removal(Side::Local).await;
    assert_eq!(kind(lost), Some(CloudErrorKind::Ambiguous));
    testkit::wait::until("its end", testkit::wait::SOON, || async {
        let view = world.view(Side::Local).await;
        view.is_none().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_service_that_does_not_answer_was_asked_for_nothing() {
    let world = World::new().await;
    let nowhere = AzureSettings {
        endpoint: "http://127.0.0.1:1".to_owned(),
        ..settings(&world.fake)
    };
    let of = [world.local.network.clone()];
    let shown = AzureCloud::new(nowhere)
        .networks(&world.local.at, &of)
        .await;
    assert_eq!(kind(shown), Some(CloudErrorKind::Unreachable));
    let nobody = AzureSettings {
        login: "http://127.0.0.1:1".to_owned(),
        ..settings(&world.fake)
    };
    let shown = AzureCloud::new(nobody).networks(&world.local.at, &of).await;
    assert_eq!(
        kind(shown),
        Some(CloudErrorKind::Unreachable),
        "no token, and nothing sent"
    );
}

#[tokio::test]
async fn a_token_is_kept_for_its_tenant_and_another_is_had_when_it_has_run_out() {
    let world = World::new().await;
    let of = [world.local.network.clone()];
    let at = &world.local.at;
    for _ in 0..3 {
        world.cloud.networks(at, &of).await.unwrap();
    }
    assert_eq!(world.fake.tokens_given(), 1);
    world.fake.expire_tokens();
    let expired = world.cloud.networks(at, &of).await.unwrap_err();
    assert_eq!(expired.kind, CloudErrorKind::SessionExpired);
    assert!(expired.worth_a_retry());
    world.cloud.networks(at, &of).await.unwrap();
    assert_eq!(world.fake.tokens_given(), 2);
}

#[tokio::test]
async fn a_refused_secret_is_told_by_its_numbers_and_never_shown() {
    let world = World::new().await;
    let secret = "a wrong horse";
    let wrong = AzureSettings {
        credential: Credential::ClientSecret {
            client_id: "the-engine".to_owned(),
            secret: secret.into(),
        },
        ..settings(&world.fake)
    };
    assert!(!format!("{wrong:?}").contains("horse"));
    let cloud = AzureCloud::new(wrong);
    assert!(!format!("{cloud:?}").contains("horse"));
    let refused = cloud.identity(&world.local.at).await.unwrap_err();
    assert_eq!(refused.kind, CloudErrorKind::CredentialsRefused);
    assert_eq!(refused.code.as_deref(), Some("invalid_client"));
    assert!(refused.message.contains("AADSTS7000215"), "{refused}");
    assert!(!refused.to_string().contains("what was sent"), "{refused}");
}

#[tokio::test]
async fn a_token_that_is_given_as_it_is_need_not_say_its_tenant() {
    let world = World::new().await;
    let plain = AzureSettings {
        credential: Credential::Fixed("stand-in".into()),
        ..settings(&world.fake)
    };
    let at = &world.local.at;
    assert_eq!(
        AzureCloud::new(plain).identity(at).await.as_ref(),
        Ok(&at.account)
    );
    let theirs = AzureSettings {
        credential: Credential::Fixed(world.fake.token(REMOTE).into()),
        ..settings(&world.fake)
    };
    let actual = AzureCloud::new(theirs).identity(at).await;
    assert_eq!(
        actual,
        Ok(world.remote.at.account.clone()),
        "one that says it is believed"
    );
}

#[tokio::test]
async fn a_token_of_another_issuer_is_read_from_its_file_each_time() {
    let world = World::new().await;
    let missing = AzureSettings {
        credential: Credential::Federated {
            client_id: "the-engine".to_owned(),
            token_file: "no/such/file".into(),
        },
        ..settings(&world.fake)
    };
    let refused = AzureCloud::new(missing)
        .identity(&world.local.at)
        .await
        .unwrap_err();
    assert_eq!(refused.kind, CloudErrorKind::CredentialsRefused);
    assert!(refused.message.contains("no/such/file"), "{refused}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let with = || {
        AzureCloud::new(AzureSettings {
            credential: Credential::Federated {
                client_id: "the-engine".to_owned(),
                token_file: file.clone(),
            },
            ..settings(&world.fake)
        })
    };
    let at = &world.local.at;
    std::fs::write(&file, "of nobody that is known").unwrap();
    let refused = with().identity(at).await.unwrap_err();
    assert!(refused.message.contains("AADSTS7000215"), "{refused}");
    std::fs::write(&file, format!("{}\n", world.fake.exchanged())).unwrap();
    assert_eq!(with().identity(at).await.as_ref(), Ok(&at.account));
}

#[tokio::test]
async fn what_the_networks_do_not_allow_is_refused_by_the_service_and_typed() {
    let world = World::new().await;
    let third = id(REMOTE, "virtualNetworks", "third");
    world
        .fake
        .plant(&third, &vnet("northeurope", "10.1.128.0/17", None));
    let mut spec = world.spec();
    spec.second.network.network = third.parse().unwrap();
    let request = cloud::RequestId(uuid::Uuid::nil());
    let overlap = world
        .cloud
        .make_half(&spec, Side::Local, request)
        .await
        .unwrap_err();
    assert_eq!(overlap.code.as_deref(), Some("VnetAddressSpacesOverlap"));
    assert_eq!(overlap.kind, CloudErrorKind::Precondition);

    world.make(Side::Local).await;
    let twice = id(REMOTE, "virtualNetworks", "twice");
    world
        .fake
        .plant(&twice, &vnet("northeurope", "10.2.0.0/17", None));
    spec.second.network.network = twice.parse().unwrap();
    spec.link = cloud::half_name(crate::support::PEERING, 1);
    let overlap = world
        .cloud
        .make_half(&spec, Side::Local, request)
        .await
        .unwrap_err();
    assert_eq!(overlap.kind, CloudErrorKind::Precondition);
    assert!(overlap.code.unwrap().contains("AlreadyPeered"));

    let mut again = world.spec();
    again.link = cloud::half_name(crate::support::PEERING, 2);
    let rival = world.cloud.make_half(&again, Side::Local, request).await;
    assert_eq!(kind(rival), Some(CloudErrorKind::AlreadyThere));
}

#[tokio::test]
async fn what_is_not_permitted_at_either_end_is_denied() {
    let world = World::new().await;
    let here = (LOCAL.to_owned(), "virtualNetworkPeerings/write".to_owned());
    world.fake.with(|it| it.denied.push(here));
    assert_eq!(
        kind(world.begin(Side::Local).await),
        Some(CloudErrorKind::Denied)
    );
    world
        .fake
        .with(|it| it.denied = vec![(REMOTE.to_owned(), "peer/action".to_owned())]);
    let there = world.begin(Side::Local).await.unwrap_err();
    assert_eq!(there.kind, CloudErrorKind::Denied);
    assert_eq!(there.code.as_deref(), Some("LinkedAuthorizationFailed"));
    assert_eq!(world.half(Side::Local), None);
    let mut elsewhere = world.remote.at.clone();
    elsewhere.account = world.local.at.account.clone();
    let of = [world.remote.network.clone()];
    let shown = world.cloud.networks(&elsewhere, &of).await;
    assert_eq!(
        kind(shown),
        Some(CloudErrorKind::Denied),
        "a subscription of another tenant"
    );
    let _ = subscription(LOCAL);
    let _ = LinkOption::ALL;
}

#[tokio::test]
async fn a_subscription_is_asked_in_its_pace_and_another_does_not_wait_for_it() {
    let world = World::new().await;
    let pace = Pace::new(Rate::of(1, 1), Rate::of(1, 1));
    let cloud = AzureCloud::new(AzureSettings {
        pace: Some(pace.clone()),
        ..settings(&world.fake)
    });
    let began = Instant::now();
    pace.turn(subscription(LOCAL), CallClass::Read).await;
    let of = std::slice::from_ref(&world.remote.network);
    assert_eq!(cloud.networks(&world.remote.at, of).await.unwrap().len(), 1);
    let of = std::slice::from_ref(&world.local.network);
    assert_eq!(cloud.networks(&world.local.at, of).await.unwrap().len(), 1);
    assert!(began.elapsed() >= Duration::from_secs(1), "it waited");
}
