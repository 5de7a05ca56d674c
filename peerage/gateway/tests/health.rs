//! What probes and scrapers are told, on the API's port and on one of their own.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod support;

use http::StatusCode;
use peerage_gateway::{Description, Figures, Gateway, PartHealth, Probes, Readiness, Routes};
use serde_json::json;
use std::sync::Arc;
use support::{ask, request};
use tokio::sync::watch;

fn part(name: &'static str, ready: bool, why: &'static str) -> PartHealth {
    PartHealth { name, ready, why }
}

fn probes() -> (watch::Sender<Readiness>, Probes) {
    let (told, readiness) = watch::channel(Vec::new());
    (told, Probes::new(readiness))
}

fn api(probes: Probes) -> Gateway {
    let description = Description {
        title: "Test",
        version: "1",
        text: "A test.",
    };
    let routes = Routes::none().with_probes(probes);
    let (services, _) = support::check();
    Gateway::new(
        services,
        &support::pool(),
        support::access(),
        &description,
        routes,
    )
}

fn alone(probes: Probes, figures: Option<&'static str>) -> Gateway {
    let figures: Figures =
        Arc::new(move || Box::pin(std::future::ready(figures.map(str::to_owned))));
    probes.alone(figures)
}

#[tokio::test]
async fn a_process_that_works_is_live_whatever_it_works_with() {
    let (told, probes) = probes();
    for gateway in [api(probes.clone()), alone(probes.clone(), None)] {
        for readiness in [
            vec![],
            vec![part("the event store", false, "it does not answer")],
        ] {
            told.send_replace(readiness);
            let answer = ask(&gateway, request("GET", "/health/live", "", "")).await;
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!(answer.json(), json!({ "status": "live" }));
        }
    }
}

#[tokio::test]
async fn it_is_ready_once_every_part_is_and_else_says_which_is_not_and_why() {
    let (told, probes) = probes();
    for gateway in [api(probes.clone()), alone(probes.clone(), None)] {
        told.send_replace(Vec::new());
        let get = || request("GET", "/health/ready", "", "");
        assert_eq!(
            ask(&gateway, get()).await.status,
            StatusCode::SERVICE_UNAVAILABLE
        );
        let whole = part("the read models", true, "");
        told.send_replace(vec![
            whole.clone(),
            part("the event store", false, "it is away"),
        ]);
        let answer = ask(&gateway, get()).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        let parts = json!([
            { "name": "the read models", "ready": true },
            { "name": "the event store", "ready": false, "why": "it is away" },
        ]);
        assert_eq!(
            answer.json(),
            json!({ "status": "not ready", "parts": parts })
        );
        told.send_replace(vec![whole]);
        let answer = ask(&gateway, get()).await;
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (StatusCode::OK, "no-store")
        );
        assert_eq!(answer.json()["status"], "ready");
    }
}

#[tokio::test]
async fn a_port_of_their_own_shows_figures_to_any_host_and_nothing_else() {
    let (_told, probes) = probes();
    let gateway = alone(probes.clone(), Some("a 1\n# EOF\n"));
    let mut get = request("GET", "/metrics", "", "");
    get.headers_mut()
        .insert("host", "10.1.2.3:9".parse().unwrap());
    let answer = ask(&gateway, get).await;
    assert_eq!(
        (answer.status, &answer.body[..]),
        (StatusCode::OK, &b"a 1\n# EOF\n"[..])
    );
    assert!(
        answer
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );
    for (verb, path, status) in [
        ("POST", "/metrics", StatusCode::METHOD_NOT_ALLOWED),
        ("POST", "/health/ready", StatusCode::METHOD_NOT_ALLOWED),
        ("GET", "/openapi.json", StatusCode::NOT_FOUND),
        (
            "POST",
            "/grpc.health.v1.Health/Check",
            StatusCode::NOT_FOUND,
        ),
    ] {
        let asked = request(verb, path, "application/json", "{}");
        assert_eq!(ask(&gateway, asked).await.status, status, "{verb} {path}");
    }
    let silent = alone(probes, None);
    let answer = ask(&silent, request("GET", "/metrics", "", "")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
}
