//! The API without a gRPC library: JSON, gRPC-Web and the description of both, on gRPC's own port;
//! and what a web page cannot do to an engine on loopback.

use crate::support::{
    SOON, api,
    http::{Answer, Head, Lines, Version, ask, call, send},
};
use http::StatusCode;
use hyper_util::{client::legacy::Client as HttpClient, rt::TokioExecutor};
use peerage::api::v1::{
    GetNetworkRequest, WatchNetworksRequest, network_service_client::NetworkServiceClient,
    watch_networks_response::Update,
};
use peerage_tests::engine::{Engine, Launch, serves_as};
use prost_reflect::{DescriptorPool, MethodDescriptor};
use serde_json::{Value, json};
use std::process::Command;
use tempfile::TempDir;
use testkit::{process::Running, venv, wait, workspace};
use tonic_web::GrpcWebClientLayer;
use uuid::Uuid;

async fn engine() -> (TempDir, Engine) {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    // What is asked by hand here is asked once.
    let whole = || serves_as(engine.server(), "peerage.v1.ReadModels");
    wait::until("read models that are whole", SOON, whole).await;
    (data, engine)
}

fn pool() -> DescriptorPool {
    peerage::api::descriptors().unwrap()
}

/// Every method of the API.
fn methods(pool: &DescriptorPool) -> Vec<MethodDescriptor> {
    let all = pool
        .services()
        .flat_map(|it| it.methods().collect::<Vec<_>>());
    all.collect()
}

fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

fn context() -> Value {
    json!({ "commandId": Uuid::new_v4().to_string(), "actor": "e2e", "reason": "a test" })
}

fn register() -> Value {
    json!({
        "context": context(),
        "project": "payments",
        "name": "orders",
        "provider": "PROVIDER_AWS",
        "region": "eu-west-1",
        "account": "111122223333",
        "cloudNetwork": "vpc-0a1b2c3d",
        "range": "10.20.0.0/16",
    })
}

fn request_peering(network: &str) -> Value {
    json!({
        "context": context(),
        "networkId": network,
        "peering": {
            "peer": {
                "provider": "PROVIDER_AWS",
                "account": "444455556666",
                "region": "us-east-1",
                "cloudNetwork": "vpc-0d4c3b2a",
                "ranges": ["10.30.0.0/16"],
            },
        },
    })
}

fn text(value: &Value, field: &str) -> String {
    value[field]
        .as_str()
        .unwrap_or_else(|| panic!("no {field} in {value}"))
        .to_owned()
}

#[tokio::test]
async fn every_method_answers_in_json() {
    let (_data, engine) = engine().await;
    let pool = pool();
    let all = methods(&pool);
    let own = all
        .iter()
        .filter(|it| it.full_name().starts_with("peerage.v1."));
    assert!(own.count() >= 25, "the walk finds the API");
    for method in &all {
        assert!(
            !method.is_client_streaming(),
            "{} takes a stream: JSON cannot",
            method.full_name()
        );
        for version in Version::ALL {
            // A method without required fields begins to stream: its head is enough.
            let answer = send(&engine.server(), version, &Head::json(&path(method)), "{}").await;
            let status = answer.status();
            let content_type = answer.headers()["content-type"].to_str().unwrap();
            let streams = method.is_server_streaming() && status == StatusCode::OK;
            let wanted = if streams {
                "application/x-ndjson"
            } else {
                "application/json"
            };
            assert_eq!(content_type, wanted, "{}", method.full_name());
            let fits = [
                StatusCode::OK,
                StatusCode::BAD_REQUEST,
                StatusCode::NOT_FOUND,
            ];
            assert!(fits.contains(&status), "{}: {status}", method.full_name());
            if status != StatusCode::OK {
                let answer = ask(&engine.server(), version, &Head::json(&path(method)), "{}").await;
                assert_ne!(answer.reason(), "METHOD_UNKNOWN", "{}", method.full_name());
            }
        }
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_peering_is_requested_watched_and_read_in_json() {
    let (_data, engine) = engine().await;
    let server = engine.server();
    let registration = register();
    let registered = call(&server, "NetworkService/RegisterNetwork", &registration)
        .await
        .done();
    let network = text(&registered, "networkId");
    assert_eq!(registered["eventTypes"], json!(["NetworkRegistered"]));
    let again = call(&server, "NetworkService/RegisterNetwork", &registration)
        .await
        .done();
    assert_eq!(again["repeated"], true);
    assert_eq!(text(&again, "networkId"), network);

    let request = json!({ "networkId": network, "events": "WATCH_EVENTS_ALL" });
    let head = Head::json("/peerage.v1.PeeringService/WatchPeerings");
    let mut watches = Vec::new();
    for version in Version::ALL {
        watches.push(Lines::of(
            send(&server, version, &head, request.to_string()).await,
        ));
    }
    let requested = request_peering(&network);
    let requested = call(&server, "PeeringService/RequestPeering", &requested)
        .await
        .done();
    let peering = text(&requested, "peeringId");
    for watch in &mut watches {
        let event = watch
            .until(|it| it["event"]["type"] == "PeeringRequested")
            .await;
        assert_eq!(event["event"]["peeringId"], json!(peering));
        watch
            .until(|it| it["event"]["type"] == "PeeringActivated")
            .await;
    }
    drop(watches);

    let read = json!({ "peeringId": peering, "minPosition": requested["position"] });
    let read = call(&server, "PeeringService/GetPeering", &read)
        .await
        .done();
    assert_eq!(read["peering"]["peeringId"], json!(peering));
    assert_eq!(read["peering"]["peer"]["provider"], "PROVIDER_AWS");
    engine.stop().await;
}

#[tokio::test]
async fn a_watch_ends_with_an_error_line_when_the_engine_stops() {
    let (_data, engine) = engine().await;
    let head = Head::json("/peerage.v1.PeeringService/WatchPeerings");
    let answer = send(&engine.server(), Version::Http1, &head, "{}").await;
    let mut watch = Lines::of(answer);
    let last = async {
        let mut last = Value::Null;
        while let Some(line) = watch.next().await {
            last = line;
        }
        last
    };
    let (last, ()) = tokio::join!(last, engine.stop());
    assert_eq!(last["error"]["code"], 14, "{last}");
    let details = last["error"]["details"].as_array().unwrap();
    assert!(
        details.iter().any(|it| it["reason"] == "STOPPING"),
        "{last}"
    );
}

#[tokio::test]
async fn errors_are_googles_statuses_with_their_details_spelled_out() {
    let (_data, engine) = engine().await;
    let server = engine.server();
    let mut wrong = register();
    wrong["range"] = json!("10.20.0.1/16");
    wrong["account"] = json!("12");
    let answer = call(&server, "NetworkService/RegisterNetwork", &wrong).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    assert_eq!(answer.json()["code"], 3);
    let violations = answer.detail("BadRequest")["fieldViolations"].clone();
    let fields: Vec<_> = violations
        .as_array()
        .unwrap()
        .iter()
        .map(|it| text(it, "field"))
        .collect();
    assert!(fields.iter().any(|it| it == "range"), "{fields:?}");

    let mut unreadable = register();
    unreadable["context"]["expectedRevision"] = json!("many");
    let answer = call(&server, "NetworkService/RegisterNetwork", &unreadable).await;
    assert_eq!(
        (answer.status, answer.reason()),
        (StatusCode::BAD_REQUEST, "JSON_INVALID".to_owned())
    );
    let violation = &answer.detail("BadRequest")["fieldViolations"][0];
    assert_eq!(violation["field"], "context.expectedRevision");

    let nobody = json!({ "networkId": Uuid::new_v4().to_string() });
    let answer = call(&server, "NetworkService/GetNetwork", &nobody).await;
    assert_eq!(
        (answer.status, answer.reason()),
        (StatusCode::NOT_FOUND, "NETWORK_UNKNOWN".to_owned())
    );

    let registration = register();
    call(&server, "NetworkService/RegisterNetwork", &registration)
        .await
        .done();
    let mut other = registration.clone();
    other["name"] = json!("another");
    let answer = call(&server, "NetworkService/RegisterNetwork", &other).await;
    assert_eq!(
        (answer.status, answer.reason()),
        (StatusCode::CONFLICT, "COMMAND_ID_REUSED".to_owned())
    );

    for (head, status, reason) in [
        (
            Head::json("/peerage.v1.NetworkService/Nothing"),
            404,
            "METHOD_UNKNOWN",
        ),
        (Head::new("GET", LIST), 405, "VERB_NOT_ALLOWED"),
        (
            Head::new("POST", LIST).with("content-type", "text/plain"),
            415,
            "CONTENT_TYPE_UNSUPPORTED",
        ),
        (Head::new("POST", LIST), 415, "CONTENT_TYPE_UNSUPPORTED"),
        (
            Head::json(LIST).with("request-timeout", "soon"),
            400,
            "REQUEST_TIMEOUT_INVALID",
        ),
    ] {
        for version in Version::ALL {
            let answer = ask(&server, version, &head, "{}").await;
            assert_eq!(
                (answer.status.as_u16(), answer.reason()),
                (status, reason.to_owned()),
                "{head:?}"
            );
        }
    }
    let large = format!("{{\"pageToken\":\"{}\"}}", "x".repeat(5 << 20));
    for version in Version::ALL {
        let answer = ask(&server, version, &Head::json(LIST), large.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.reason()),
            (413, "BODY_TOO_LARGE".to_owned())
        );
    }
    engine.stop().await;
}

const LIST: &str = "/peerage.v1.NetworkService/ListNetworks";

/// A command that a page would like to send, in each protocol, with its body.
fn commands() -> Vec<(Head, Vec<u8>)> {
    let path = "/peerage.v1.NetworkService/RegisterNetwork";
    let with = |content_type: &str, body: &[u8]| {
        (
            Head::new("POST", path).with("content-type", content_type),
            body.to_vec(),
        )
    };
    let json = register().to_string();
    vec![
        with("application/json", json.as_bytes()),
        with("text/plain", json.as_bytes()),
        with("application/grpc", &[0; 5]),
        with("application/grpc-web+proto", &[0; 5]),
    ]
}

async fn networks(server: &str) -> Value {
    let listed = call(server, "NetworkService/ListNetworks", &json!({}))
        .await
        .done();
    listed["networks"].clone()
}

#[tokio::test]
async fn a_foreign_host_or_origin_is_refused_in_every_protocol_and_version() {
    let (_data, engine) = engine().await;
    let server = engine.server();
    let port = server.rsplit(':').next().unwrap();
    for version in Version::ALL {
        for (head, body) in commands() {
            for (head, reason) in [
                (head.clone().host("evil.example"), "HOST_FOREIGN"),
                (
                    head.clone().host(&format!("127.0.0.1.evil.example:{port}")),
                    "HOST_FOREIGN",
                ),
                (
                    head.clone().with("origin", "http://evil.example"),
                    "ORIGIN_FOREIGN",
                ),
                (head.clone().with("origin", "null"), "ORIGIN_FOREIGN"),
                (
                    head.clone().with("origin", "http://127.0.0.1:1"),
                    "ORIGIN_FOREIGN",
                ),
            ] {
                let answer = ask(&server, version, &head, body.clone()).await;
                assert_eq!(
                    answer.status,
                    StatusCode::FORBIDDEN,
                    "{version:?} {head:?}: {answer:?}"
                );
                assert_eq!(answer.reason(), reason, "{version:?} {head:?}");
            }
        }
        let document = Head::new("GET", "/openapi.json").host("evil.example");
        assert_eq!(
            ask(&server, version, &document, "").await.status,
            StatusCode::FORBIDDEN
        );
        // The API's own pages, by each name of its own.
        for host in [format!("localhost:{port}"), format!("127.0.0.1:{port}")] {
            let head = Head::json(LIST)
                .host(&host)
                .with("origin", &format!("http://{host}"));
            ask(&server, version, &head, "{}").await.done();
        }
    }
    assert_eq!(
        networks(&server).await,
        Value::Null,
        "nothing was carried out"
    );
    engine.stop().await;
}

#[tokio::test]
async fn hosts_and_origins_that_the_configuration_lists_are_let_in() {
    let data = TempDir::new().unwrap();
    let launch = Launch::new(data.path())
        .set("api.hosts", "[\"peerage.example.com\"]")
        .set("api.origins", "[\"https://console.example.com\"]");
    let engine = launch.start().await;
    let server = engine.server();
    for version in Version::ALL {
        let head = Head::json(LIST)
            .host("peerage.example.com")
            .with("origin", "https://console.example.com");
        let answer = ask(&server, version, &head, "{}").await;
        answer.done();
        let leave = answer.header("access-control-allow-origin");
        assert_eq!(leave, "https://console.example.com");
        let other = Head::json(LIST).host("other.example.com");
        assert_eq!(
            ask(&server, version, &other, "{}").await.reason(),
            "HOST_FOREIGN"
        );
    }
    engine.stop().await;
}

#[tokio::test]
async fn what_a_page_may_send_without_leave_commands_nothing_and_no_leave_is_given() {
    let (_data, engine) = engine().await;
    let server = engine.server();
    let path = "/peerage.v1.NetworkService/RegisterNetwork";
    for version in Version::ALL {
        for content_type in [
            "text/plain",
            "text/plain;charset=UTF-8",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
        ] {
            let head = Head::new("POST", path).with("content-type", content_type);
            let answer = ask(&server, version, &head, register().to_string()).await;
            assert_eq!(
                answer.status,
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "{content_type}"
            );
        }
        let origins = ["http://evil.example".to_owned(), server.clone()];
        for origin in origins {
            let head = Head::new("OPTIONS", path)
                .with("origin", &origin)
                .with("access-control-request-method", "POST")
                .with("access-control-request-headers", "content-type");
            let answer = ask(&server, version, &head, "").await;
            assert!(answer.status.is_client_error(), "{answer:?}");
            assert_eq!(leave(&answer), None, "{answer:?}");
        }
        let head = Head::json(LIST).with("origin", &server);
        let answer = ask(&server, version, &head, "{}").await;
        assert_eq!(
            (answer.status, leave(&answer)),
            (StatusCode::OK, None),
            "{answer:?}"
        );
    }
    assert_eq!(
        networks(&server).await,
        Value::Null,
        "nothing was carried out"
    );
    engine.stop().await;
}

/// A header that gives a page leave.
fn leave(answer: &Answer) -> Option<&str> {
    let mut names = answer.headers.keys().map(http::HeaderName::as_str);
    names.find(|it| it.starts_with("access-control-"))
}

#[tokio::test]
async fn grpc_is_refused_over_http1_and_grpc_web_is_answered_over_both() {
    let (_data, engine) = engine().await;
    let server = engine.server();
    let grpc = Head::new("POST", LIST)
        .with("content-type", "application/grpc")
        .with("te", "trailers");
    let answer = ask(&server, Version::Http1, &grpc, vec![0; 5]).await;
    assert_eq!(
        answer.status,
        StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        "{answer:?}"
    );
    assert_eq!(answer.reason(), "GRPC_NEEDS_HTTP2");
    let answer = ask(&server, Version::Http2, &grpc, vec![0; 5]).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (StatusCode::OK, "application/grpc")
    );

    for version in Version::ALL {
        let head = Head::new("POST", LIST).with("content-type", "application/grpc-web+proto");
        let answer = ask(&server, version, &head, vec![0; 5]).await;
        assert_eq!(
            answer.header("content-type"),
            "application/grpc-web+proto",
            "{answer:?}"
        );
        let trailers = String::from_utf8_lossy(&answer.body);
        assert!(trailers.contains("grpc-status:0"), "{answer:?}");
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_grpc_web_client_commands_reads_and_watches() {
    let (_data, engine) = engine().await;
    let http = HttpClient::builder(TokioExecutor::new()).build_http();
    let web = tower::ServiceBuilder::new()
        .layer(GrpcWebClientLayer::new())
        .service(http);
    let mut networks = NetworkServiceClient::with_origin(web, engine.server().parse().unwrap());
    let registered = networks.register_network(api::register()).await.unwrap();
    let network_id = registered.into_inner().network_id;
    let unknown = GetNetworkRequest {
        network_id: Uuid::new_v4().to_string(),
        ..Default::default()
    };
    let refused = networks.get_network(unknown).await.unwrap_err();
    assert_eq!(api::reason(&refused).1, "NETWORK_UNKNOWN");
    let watched = WatchNetworksRequest {
        network_id: network_id.clone(),
        ..Default::default()
    };
    let mut watch = networks.watch_networks(watched).await.unwrap().into_inner();
    let first = watch.message().await.unwrap().unwrap().update;
    let Some(Update::Network(network)) = first else {
        panic!("{first:?}")
    };
    assert_eq!(network.network_id, network_id);
    engine.stop().await;
}

#[tokio::test]
async fn a_stranger_finds_the_answers_to_be_what_the_description_says() {
    let (_data, engine) = engine().await;
    let mut python = venv::command("python");
    python
        .arg(workspace::root().join("tests/openapi/conform.py"))
        .arg(engine.server());
    ran("conform.py", &mut python).await;
    engine.stop().await;
}

#[tokio::test]
async fn the_example_clients_do_what_they_say() {
    let examples = workspace::root().join("peerage/examples/clients");
    let node = Command::new("node").arg("--version").output();
    let mut clients = vec![("python3", examples.join("python/client.py"))];
    if node.is_ok_and(|it| it.status.success()) {
        clients.push(("node", examples.join("node/client.mjs")));
    } else {
        eprintln!("the example for Node stands aside: Node.js is not installed");
    }
    for (program, example) in clients {
        // Each an engine of its own: both peer the same two networks.
        let (_data, engine) = engine().await;
        let mut client = Command::new(program);
        let told = ran(program, client.arg(example).arg(engine.server())).await;
        let lines: Vec<_> = told.lines().collect();
        assert_eq!(lines.first(), Some(&"PeeringRequested"), "{told}");
        assert!(lines.contains(&"PeeringActivated"), "{told}");
        let last = "refused as it should be: PEERING_UNKNOWN";
        assert_eq!(lines.last(), Some(&last), "{told}");
        engine.stop().await;
    }
}

#[tokio::test]
async fn the_committed_description_is_the_served_one() {
    let (_data, engine) = engine().await;
    let served = ask(
        &engine.server(),
        Version::Http1,
        &Head::new("GET", "/openapi.json"),
        "",
    )
    .await;
    let served = format!("{:#}\n", served.done());
    let committed = workspace::root().join("docs/openapi.json");
    if std::env::var_os("PEERAGE_UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(committed.parent().unwrap()).unwrap();
        std::fs::write(&committed, &served).unwrap();
    }
    let told = std::fs::read_to_string(&committed).unwrap_or_default();
    assert!(
        told == served,
        "docs/openapi.json is not what the engine serves: if the change of the API is meant, run \
         this test once with PEERAGE_UPDATE_GOLDEN=1"
    );
    engine.stop().await;
}

/// What a program printed that has to end well.
async fn ran(name: &str, command: &mut Command) -> String {
    let mut running = Running::start(name, command);
    let status = running.finished(SOON).await;
    let output = running.output();
    assert!(status.success(), "{name}: {status}\n{output}");
    output
}
