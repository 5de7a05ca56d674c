//! What a server has made of the log: who may look at it, and who may have it made anew.

use super::{bindings, guarded, issuers, with};
use peerage_tests::{engine::Finished, oidc::Issuer};
use serde_json::json;

#[tokio::test]
async fn a_viewer_looks_at_projections_and_an_admin_alone_has_them_made_anew() {
    let (issuer, data) = (Issuer::start().await, tempfile::tempdir().unwrap());
    let url = issuer.url();
    let bound = bindings(&[
        ("admin", &url, "root", ""),
        ("operator", &url, "ada", ""),
        ("viewer", &url, "vic", ""),
        ("admin", &url, "bound", r#"projects=["payments"]"#),
    ]);
    let engine = guarded(data.path(), &issuers(&[&url]), &bound).await;
    let server = engine.server();
    let run = async |name: &str, arguments: &[&str]| {
        let token = issuer.token("good", json!({ "sub": name })).await;
        let own = [("PEERAGE_TOKEN", &*token), ("PEERAGE_SERVER", &*server)];
        with(&own, arguments).await
    };
    let is_denied = |it: &Finished| it.code == Some(1) && it.stderr.contains("[ACCESS_DENIED]");
    let (list, status) = (
        &["projection", "list"][..],
        &["projection", "status", "read-models"][..],
    );
    let make = &["projection", "rebuild", "read-models"][..];
    let cancel = &["projection", "cancel", "read-models"][..];
    for (who, may_look, may_make) in [
        ("vic", true, false),
        ("ada", true, false),
        ("bound", false, false),
        ("root", true, true),
    ] {
        for looks in [list, status] {
            let looked = run(who, looks).await;
            assert_eq!(looked.code == Some(0), may_look, "{who}: {looked:?}");
            assert_eq!(is_denied(&looked), !may_look, "{who}: {looked:?}");
        }
        let made = run(who, make).await;
        assert_eq!(made.code == Some(0), may_make, "{who}: {made:?}");
        assert_eq!(is_denied(&made), !may_make, "{who}: {made:?}");
        let cancelled = run(who, cancel).await;
        assert_eq!(cancelled.code, Some(1), "nothing is under way");
        assert_eq!(is_denied(&cancelled), !may_make, "{who}: {cancelled:?}");
    }
    engine.stop().await;
}
