//! Probes and scrapers, on a port of their own.

use crate::support::SOON;
use crate::support::http::{Answer, Head, Version, ask};
use peerage_tests::{
    engine::{Engine, Launch},
    node::NodePlace,
    ports, wait,
};
use tempfile::TempDir;

async fn get(port: u16, path: &str) -> Answer {
    let server = format!("http://127.0.0.1:{port}");
    let head = Head::new("GET", path).host("peerage-0.peerage.svc");
    ask(&server, Version::Http1, &head, "").await
}

async fn until(port: u16, ready: u16) -> Answer {
    wait::until("readiness", SOON, || async {
        let answer = get(port, "/health/ready").await;
        (answer.status.as_u16() == ready).then_some(answer)
    })
    .await
}

async fn register(engine: &Engine) {
    let register = [
        "network",
        "register",
        "--name",
        "orders",
        "--account",
        "111122223333",
    ];
    let own = [
        "--region",
        "eu-west-1",
        "--vpc",
        "vpc-0a1b2c3d",
        "--range",
        "10.20.0.0/16",
    ];
    engine.json(&[&register[..], &own[..]].concat()).await;
}

#[tokio::test]
async fn figures_of_the_engine_are_there_for_whoever_reaches_the_port_and_the_api_is_not() {
    let (folder, port) = (TempDir::new().unwrap(), ports::free());
    let launch = Launch::new(folder.path()).own_store();
    let engine = launch
        .set("probes.listen", &format!("127.0.0.1:{port}"))
        .start()
        .await;
    until(port, 200).await;
    register(&engine).await;
    let shown = || async {
        let answer = get(port, "/metrics").await;
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        text.contains("\npeerage_networks 1\n").then_some(text)
    };
    let text = wait::until("the network's figure", SOON, shown).await;
    let followers = [
        "read-models",
        "audit-tree",
        "provisioner",
        "deliveries",
        "connectors",
        "approvals",
        "policies",
        "retention",
    ];
    wait::until("each follower to be at the log's end", SOON, || async {
        let text = shown().await?;
        let is_there = |it: &str| {
            text.contains(&format!(
                "\npeerage_follower_lag_events{{follower=\"{it}\"}} 0\n"
            )) && text.contains(&format!(
                "\npeerage_follower_lag_seconds{{follower=\"{it}\"}} 0.0\n"
            ))
        };
        followers.iter().all(|it| is_there(it)).then_some(())
    })
    .await;
    for wanted in [
        "\npeerage_read_models_whole 1\n",
        "\npeerage_exposures 0\n",
        "\npeerage_provisioner_passes_total ",
        "\npeerage_connector_active_total ",
        "\n# TYPE peerage_cloud_call_seconds histogram\n",
        "\npeerage_provisioner_queue 0\n",
        "\npeerage_store_up 1\n",
        "\npeerage_data_free_bytes ",
        "\nprocess_resident_memory_bytes ",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is missing in {text}");
    }
    assert!(
        text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1,
        "{text}"
    );
    let info = "/peerage.v1.ServerService/GetServerInfo";
    assert_eq!(get(port, info).await.status.as_u16(), 404);
    engine.stop().await;
}

#[tokio::test]
async fn a_store_that_is_away_makes_the_process_unready_and_never_dead() {
    let (folder, port) = (TempDir::new().unwrap(), ports::free());
    let place = NodePlace::new(&folder.path().join("events"));
    let node = place.start().await;
    let launch = Launch::new(&folder.path().join("data")).store(&place.connection_string());
    let engine = launch
        .set("probes.listen", &format!("127.0.0.1:{port}"))
        .start()
        .await;
    until(port, 200).await;
    drop(node);
    let told = until(port, 503).await.json().to_string();
    assert!(told.contains("the event store"), "{told}");
    assert_eq!(get(port, "/health/live").await.status.as_u16(), 200);
    let node = place.start().await;
    until(port, 200).await;
    engine.stop().await;
    drop(node);
}
