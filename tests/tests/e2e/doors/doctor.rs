//! `peerage doctor`: what it finds at an engine that runs, and how it ends.

use crate::support::api::{self, Api, Command};
use peerage::api::v1::GetServerInfoRequest;
use peerage_tests::{
    engine::{Launch, run},
    pki::Pki,
    ports,
};
use serde_json::Value;

/// What was found by this check: how bad each is, and its text.
fn of<'a>(found: &'a Value, check: &str) -> Vec<(&'a str, &'a str)> {
    let all = found.as_array().unwrap().iter();
    let ours = all.filter(|it| it["check"] == check);
    ours.map(|it| {
        (
            it["severity"].as_str().unwrap(),
            it["text"].as_str().unwrap(),
        )
    })
    .collect()
}

#[tokio::test]
async fn where_something_is_wrong_the_doctor_ends_with_1() {
    let nobody = format!("http://127.0.0.1:{}", ports::free());
    let told = run(&["doctor", "--server", &nobody, "--output", "json"]).await;
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(told.stderr.contains("problems were found"), "{told:?}");
    let found: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(of(&found, "server")[0].0, "problem", "{found:#}");
}

#[tokio::test]
async fn the_doctor_has_peerings_planned_and_tells_what_is_risky_and_worth_knowing() {
    let data = tempfile::tempdir().unwrap();
    let launch = Launch::new(data.path())
        .own_store()
        .set("store.embedded_open", "true");
    let engine = launch.start().await;
    let found = engine.json(&["doctor"]).await;
    let none = of(&found, "cloud access");
    assert_eq!(none, [("well", "no peering that could be planned")]);
    let configuration = of(&found, "configuration");
    let about = |bad: &str, key: &str| {
        let is_it = |(severity, text): &(&str, &str)| *severity == bad && text.contains(key);
        configuration.iter().any(is_it)
    };
    assert!(about("risk", "store.embedded_open"), "{configuration:?}");
    assert!(about("note", "audit.key_file"), "{configuration:?}");
    assert!(about("note", "access.issuers"), "{configuration:?}");

    let api = Api::connect(&engine.server()).await;
    let network = api.done(&Command::Register(api::register())).await;
    let request = Command::Request(api::request(&network.network_id, 30));
    let requested = api.done(&request).await;
    api.converged(&requested.peering_id).await;
    let found = engine.json(&["doctor"]).await;
    let [("well", text)] = of(&found, "cloud access")[..] else {
        panic!("{found}")
    };
    assert!(text.starts_with("one plan"), "{text}");
    let without = engine.json(&["doctor", "--no-cloud"]).await;
    assert_eq!(of(&without, "cloud access"), []);

    let mut server = api.server.clone();
    let asked = server.get_server_info(GetServerInfoRequest::default());
    let info = asked.await.unwrap().into_inner();
    let room = info.disk.expect("the room where its files are");
    assert!(
        room.free_bytes > 0 && room.total_bytes >= room.free_bytes,
        "{room:?}"
    );
    assert!(info.certificate_expires_at.is_none());
    engine.stop().await;
}

#[tokio::test]
async fn the_end_of_the_certificate_that_the_api_shows_is_told_and_follows_its_files() {
    let (pki, data) = (Pki::new(), tempfile::tempdir().unwrap());
    pki.server();
    let launch = Launch::new(data.path())
        .own_store()
        .set("api.tls.certificate", &pki.text("server.crt"))
        .set("api.tls.key", &pki.text("server.key"));
    let engine = launch.start_guarded().await;
    let server = engine.server().replace("http://", "https://");
    let ca = pki.text("ca.crt");
    let line = [
        "server", "info", "--server", &server, "--ca", &ca, "--output", "json",
    ];
    let info = super::with(&[], &line).await.json();
    let ends: chrono::DateTime<chrono::Utc> = info["certificateExpiresAt"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let left = ends - chrono::Utc::now();
    assert!((29..=30).contains(&left.num_days()), "{left}");
    engine.stop().await;
}

/// A node with TLS whose certificate ends in 30 days, and one that ends before the doctor is calm.
#[tokio::test]
async fn the_end_of_the_certificate_that_the_store_presents_is_told_and_is_a_figure() {
    let (pki, data) = (Pki::new(), tempfile::tempdir().unwrap());
    pki.server();
    let port = testkit::ports::free();
    let mut node = peerage_tests::engine::peerage();
    node.args(["node", "--listen", &format!("127.0.0.1:{port}")])
        .args(["--data", &data.path().join("node").display().to_string()])
        .args(["--tls-cert", &pki.text("server.crt")])
        .args(["--tls-key", &pki.text("server.key")]);
    let _node = testkit::process::Running::start("peerage node", &mut node);
    let store = format!(
        "kurrentdb://127.0.0.1:{port}?tls=true&tlsCAFile={}",
        pki.text("ca.crt")
    );
    let launch = Launch::new(&data.path().join("engine")).store(&store);
    let engine = launch.start().await;
    let info = testkit::wait::until(
        "the certificate to be seen",
        crate::support::SOON,
        || async {
            let info = engine.json(&["server", "info"]).await;
            info["storeCertificateExpiresAt"]
                .as_str()
                .map(str::to_owned)
        },
    )
    .await;
    let ends: chrono::DateTime<chrono::Utc> = info.parse().unwrap();
    let left = ends - chrono::Utc::now();
    assert!((29..=30).contains(&left.num_days()), "{left}");
    let found = engine.json(&["doctor", "--no-cloud"]).await;
    assert_eq!(of(&found, "store certificate"), []);
    let port = engine.server().rsplit(':').next().unwrap().parse().unwrap();
    let (_, figures) = testkit::http::ask(port, "GET", "/metrics", "")
        .await
        .unwrap();
    let wanted = format!(
        "peerage_certificate_expires_timestamp_seconds{{of=\"store\"}} {}",
        ends.timestamp()
    );
    assert!(figures.contains(&wanted), "{wanted} in {figures}");
    engine.stop().await;
}
