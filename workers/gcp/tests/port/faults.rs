//! What the wire and the service do to a call, and what is said of it.

use crate::world::{LOCAL, Scene, kind, request, settings};
use cloud::{CallClass, Cloud, CloudErrorKind, Pace, Rate};
use domain::Side;
use gcp_fake::{Fault, Temper};
use peerage_gcp::{GcpCloud, GcpSettings};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

#[tokio::test]
async fn a_refusal_is_known_by_its_reason_and_changes_nothing() {
    let scene = Scene::set(Temper::instant()).await;
    for (status, reason, expected) in [
        (400, "invalid", CloudErrorKind::InvalidRequest),
        (401, "authError", CloudErrorKind::CredentialsRefused),
        (403, "forbidden", CloudErrorKind::Denied),
        (403, "quotaExceeded", CloudErrorKind::Quota),
        (404, "notFound", CloudErrorKind::NotFound),
        (409, "alreadyExists", CloudErrorKind::AlreadyThere),
        (412, "conditionNotMet", CloudErrorKind::Precondition),
        (500, "internalError", CloudErrorKind::Ambiguous),
        (503, "backendError", CloudErrorKind::Ambiguous),
        (418, "teapot", CloudErrorKind::Unexpected),
    ] {
        let fault = Fault::refused(status, reason, "words of the service");
        scene.fake.prepare(LOCAL, "networks.addPeering", fault);
        let made = scene
            .cloud
            .make_half(&scene.spec(), Side::Local, request(1))
            .await;
        let error = made.unwrap_err();
        assert_eq!(error.kind, expected, "{status} {reason}");
        assert_eq!(error.code.as_deref(), Some(reason));
        let message = "networks.addPeering: words of the service";
        assert_eq!(error.message, message, "{status} {reason}");
        assert_eq!(*error.at, scene.local.at);
    }
    assert_eq!(scene.fake.halves_of(LOCAL, "cluster"), []);
}

#[tokio::test]
async fn one_call_too_many_says_how_long_to_wait() {
    let scene = Scene::set(Temper::instant()).await;
    scene
        .fake
        .prepare(LOCAL, "projects.get", Fault::Throttled(11));
    let refused = scene.cloud.identity(&scene.local.at).await.unwrap_err();
    let retry_after = Some(Duration::from_secs(11));
    assert_eq!(refused.kind, CloudErrorKind::Throttled { retry_after });
    assert!(scene.cloud.identity(&scene.local.at).await.is_ok());
}

#[tokio::test]
async fn a_page_that_is_no_json_proves_no_absence() {
    let scene = Scene::set(Temper::instant()).await;
    let of = [scene.local.network.clone()];
    scene.fake.prepare(LOCAL, "networks.get", Fault::Page(404));
    let shown = scene.cloud.links(&scene.local.at, &of).await;
    assert_eq!(kind(shown), Some(CloudErrorKind::Unexpected));
    scene.fake.prepare(LOCAL, "networks.get", Fault::Page(200));
    let shown = scene.cloud.links(&scene.local.at, &of).await;
    assert_eq!(kind(shown), Some(CloudErrorKind::Unexpected));
    scene.fake.prepare(LOCAL, "networks.get", Fault::Page(502));
    let shown = scene.cloud.links(&scene.local.at, &of).await.unwrap_err();
    assert!(shown.worth_a_retry(), "{shown}");
}

#[tokio::test]
async fn a_change_is_sent_once_whatever_becomes_of_it() {
    let scene = Scene::set(Temper::instant()).await;
    for fault in [
        Fault::AnswerLost,
        Fault::Page(500),
        Fault::busy(),
        Fault::Throttled(1),
    ] {
        let before = scene.fake.calls().len();
        scene.fake.prepare(LOCAL, "firewalls.insert", fault.clone());
        let made = scene
            .cloud
            .create_group(&scene.local, crate::world::OWNER)
            .await;
        assert!(made.is_err(), "{fault:?}");
        let sent = scene.fake.calls().split_off(before);
        let sent = sent.iter().filter(|it| it.method == "firewalls.insert");
        assert_eq!(sent.count(), 1, "{fault:?}");
        for name in scene.fake.firewalls_of(LOCAL) {
            scene.fake.drop_firewall(LOCAL, &name);
        }
        scene.fake.pass(Duration::from_secs(60));
        for name in scene.fake.firewalls_of(LOCAL) {
            scene.fake.drop_firewall(LOCAL, &name);
        }
    }
}

#[tokio::test]
async fn where_nothing_answers_nothing_was_done_and_where_the_answer_does_not_come_it_may_have_been()
 {
    let scene = Scene::set(Temper::instant()).await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let to = |deadline| GcpSettings {
        endpoint: Some(format!("http://{address}/compute/v1")),
        deadline,
        ..settings(&scene.fake)
    };
    let silent = GcpCloud::new(&to(Duration::from_millis(50))).unwrap();
    let lost = silent.identity(&scene.local.at).await;
    assert_eq!(kind(lost), Some(CloudErrorKind::Ambiguous));
    drop(listener);
    let cut = GcpCloud::new(&to(Duration::from_secs(10))).unwrap();
    let cut = cut.identity(&scene.local.at).await;
    assert_eq!(kind(cut), Some(CloudErrorKind::Unreachable));
}

#[tokio::test]
async fn an_operation_that_does_not_end_in_time_may_yet_end_either_way() {
    let scene = Scene::set(Temper {
        looks: usize::MAX,
        ..Temper::default()
    })
    .await;
    let hasty = GcpSettings {
        patience: Duration::from_millis(20),
        ..settings(&scene.fake)
    };
    let cloud = GcpCloud::new(&hasty).unwrap();
    let made = cloud.create_group(&scene.local, crate::world::OWNER).await;
    assert_eq!(kind(made), Some(CloudErrorKind::Ambiguous));
}

#[tokio::test]
async fn a_project_is_asked_in_its_pace_and_another_does_not_wait_for_it() {
    let scene = Scene::set(Temper::instant()).await;
    let pace = Pace::new(Rate::of(1, 1), Rate::of(1, 1));
    let paced = GcpSettings {
        pace: Some(pace.clone()),
        ..settings(&scene.fake)
    };
    let cloud = GcpCloud::new(&paced).unwrap();
    let began = Instant::now();
    pace.turn(LOCAL.to_owned(), CallClass::Read).await;
    let of = std::slice::from_ref(&scene.remote.network);
    assert_eq!(cloud.networks(&scene.remote.at, of).await.unwrap().len(), 1);
    let of = std::slice::from_ref(&scene.local.network);
    assert_eq!(cloud.networks(&scene.local.at, of).await.unwrap().len(), 1);
    assert!(began.elapsed() >= Duration::from_secs(1), "it waited");
}
