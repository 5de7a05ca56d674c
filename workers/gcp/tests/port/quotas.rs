//! What a project allows is read of the Cloud Quotas API, to its last page.

use crate::world::{LOCAL, Scene, settings};
use cloud::{Cloud, CloudErrorKind};
use domain::SeenQuotas;
use gcp_fake::{Fault, Temper};
use peerage_gcp::{GcpCloud, GcpSettings};

#[tokio::test]
async fn what_a_project_allows_is_told_however_many_pages_it_takes() {
    let scene = Scene::set(Temper::instant()).await;
    let (at, of) = (&scene.local.at, &scene.local.network);
    let told = |links, rules| SeenQuotas {
        links: Some(links),
        rules: Some(rules),
        ..SeenQuotas::default()
    };
    assert!(scene.cloud.tells_quotas(at));
    assert_eq!(scene.cloud.quotas(at, of).await.unwrap(), told(25, 1000));
    let metric = "compute.googleapis.com/peerings_per_network";
    scene.fake.set_quota(LOCAL, metric, 60);
    scene.fake.small_pages(1);
    assert_eq!(scene.cloud.quotas(at, of).await.unwrap(), told(60, 1000));
    let calls = scene.fake.calls().into_iter();
    let asked = calls.filter(|it| it.method == "quotaInfos.list");
    assert_eq!(asked.count(), 1 + 4);
    assert_eq!(
        scene.cloud.quota_scope(at, of),
        "",
        "they are the project's"
    );
}

#[tokio::test]
async fn a_project_that_has_not_enabled_the_api_refuses_and_beside_another_compute_nobody_is_asked()
{
    let scene = Scene::set(Temper::instant()).await;
    let (at, of) = (&scene.local.at, &scene.local.network);
    for (status, reason, kind) in [
        (403, "accessNotConfigured", CloudErrorKind::Denied),
        (404, "notFound", CloudErrorKind::Unsupported),
    ] {
        let refused = Fault::Refused(status, reason.to_owned(), "no".to_owned());
        scene.fake.prepare(LOCAL, "quotaInfos.list", refused);
        let error = scene.cloud.quotas(at, of).await.unwrap_err();
        assert_eq!(error.kind, kind, "{reason}");
    }
    let alone = GcpSettings {
        quotas: None,
        ..settings(&scene.fake)
    };
    let alone = GcpCloud::new(&alone).unwrap();
    assert!(!alone.tells_quotas(at));
    let error = alone.quotas(at, of).await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Unsupported);
}
