//! Traces: from a caller's `traceparent` through command, event, pass and cloud call, as a
//! collector sees them; and a collector that is none.

use crate::support::{REGISTER, REQUEST, SOON, api, world::World};
use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt as _, Full};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use kurrentdb::{Client, ReadStreamOptions};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{KeyValue, any_value},
    trace::v1::{Span, span::SpanKind},
};
use parking_lot::Mutex;
use peerage_tests::{
    engine::{Engine, Finished, Launch, finish, peerage},
    node::NodePlace,
    ports, wait,
};
use prost::Message as _;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A span, and the service that it is of.
type Seen = (String, Span);

/// A collector that keeps what it is given.
#[derive(Clone, Default)]
struct Collector {
    spans: Arc<Mutex<Vec<Seen>>>,
    /// What came with each request over HTTP: where to, and its headers.
    heads: Arc<Mutex<Vec<(String, HeaderMap)>>>,
    /// Whether it takes nothing over HTTP for now.
    is_busy: Arc<AtomicBool>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.keep(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

type OverHttp = hyper::Request<hyper::body::Incoming>;
type Answered = Result<hyper::Response<Full<Bytes>>, hyper::Error>;

impl Collector {
    async fn start() -> (Self, String) {
        let collector = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        collector.serve(listener);
        (collector, format!("http://{address}"))
    }

    fn serve(&self, listener: TcpListener) {
        let service = TraceServiceServer::new(self.clone());
        let server = Server::builder().add_service(service);
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    }

    async fn start_over_http() -> (Self, String) {
        let collector = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        collector.serve_over_http(listener);
        (collector, format!("http://{address}"))
    }

    fn serve_over_http(&self, listener: TcpListener) {
        let collector = self.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let collector = collector.clone();
                let service = service_fn(move |it| collector.clone().take(it));
                let io = TokioIo::new(connection);
                tokio::spawn(http1::Builder::new().serve_connection(io, service));
            }
        });
    }

    async fn take(self, request: OverHttp) -> Answered {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let mut answer = hyper::Response::new(Full::default());
        if self.is_busy.load(Ordering::Relaxed) {
            *answer.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
            return Ok(answer);
        }
        self.heads
            .lock()
            .push((format!("{} {}", head.method, head.uri), head.headers));
        self.keep(ExportTraceServiceRequest::decode(body).expect("a message of OTLP's"));
        Ok(answer)
    }

    fn keep(&self, request: ExportTraceServiceRequest) {
        for of_one in request.resource_spans {
            let resource = of_one.resource.unwrap_or_default();
            let service = value(&resource.attributes, "service.name").unwrap_or_default();
            let spans = of_one.scope_spans.into_iter().flat_map(|it| it.spans);
            let spans = spans.map(|it| (service.clone(), it));
            self.spans.lock().extend(spans);
        }
    }

    fn all(&self) -> Vec<Seen> {
        self.spans.lock().clone()
    }

    /// The spans of the caller's trace, once this holds of them.
    async fn until(&self, what: &str, holds: impl Fn(&[Seen]) -> bool) -> Vec<Seen> {
        wait::until(what, SOON, || async {
            let is_in_it = |it: &Seen| hex(&it.1.trace_id) == TRACE;
            let spans: Vec<_> = self.all().into_iter().filter(is_in_it).collect();
            holds(&spans).then_some(spans)
        })
        .await
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

fn value(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|it| it.key == key)?;
    match found.value.clone()?.value? {
        any_value::Value::StringValue(text) => Some(text),
        any_value::Value::IntValue(number) => Some(number.to_string()),
        any_value::Value::BoolValue(is) => Some(is.to_string()),
        any_value::Value::DoubleValue(_)
        | any_value::Value::ArrayValue(_)
        | any_value::Value::KvlistValue(_)
        | any_value::Value::BytesValue(_) => None,
    }
}

fn of(span: &Span, key: &str) -> String {
    value(&span.attributes, key).unwrap_or_else(|| panic!("no {key} in {span:#?}"))
}

fn named<'a>(spans: &'a [Seen], name: &str) -> Vec<&'a Seen> {
    spans.iter().filter(|it| it.1.name == name).collect()
}

fn kind(span: &Span) -> SpanKind {
    SpanKind::try_from(span.kind).unwrap()
}

/// The same engine, sending its spans as OpenTelemetry's variables say.
fn traced(launch: Launch, collector: &str, service: &str) -> Launch {
    launch
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
        .env("OTEL_SERVICE_NAME", service)
        .env("OTEL_BSP_SCHEDULE_DELAY", "100")
        .set("log.format", "json")
}

/// A command of the command line within this trace.
async fn within(traceparent: &str, engine: &Engine, arguments: &[&str]) -> Finished {
    let mut command = peerage();
    command
        .args(arguments)
        .args(["--server", &engine.server(), "--output", "json"])
        .env("TRACEPARENT", traceparent);
    finish(command).await
}

/// The `traceparent` of each event of a network, with its type.
async fn recorded(store: &str, network: &str) -> Vec<(String, Option<String>)> {
    let client = Client::new(store.parse().unwrap()).unwrap();
    let stream = format!("network-{network}");
    let options = ReadStreamOptions::default();
    let mut events = client.read_stream(stream, &options).await.unwrap();
    let mut found = Vec::new();
    while let Some(event) = events.next().await.unwrap() {
        let event = event.get_original_event();
        let metadata: serde_json::Value = serde_json::from_slice(&event.custom_metadata).unwrap();
        let traceparent = metadata["traceparent"].as_str().map(str::to_owned);
        found.push((event.event_type.clone(), traceparent));
    }
    found
}

#[tokio::test]
async fn one_trace_goes_from_a_call_at_one_server_to_the_calls_to_the_cloud_of_another() {
    let (world, data) = (World::new().await, TempDir::new().unwrap());
    let place = NodePlace::new(&data.path().join("node"));
    let _node = place.start().await;
    let (collector, address) = Collector::start().await;
    let launch = |name: &str| {
        let launch = Launch::new(&data.path().join(name)).store(&place.connection_string());
        traced(launch.aws(&world.moto.endpoint()), &address, name)
    };
    let provisions = launch("provisions").start().await;
    wait::until("the first server to hold the lease", SOON, || async {
        let shown = provisions.json(&["connector", "show", "provisioner"]).await;
        (shown["state"] == "CONNECTOR_STATE_RUNNING").then_some(())
    })
    .await;
    let takes = launch("takes").start().await;
    let pair = world.pair();
    let (local, remote) = (&pair.local, &pair.remote);
    let register = [
        ["network", "register"],
        ["--name", "orders"],
        ["--account", &local.place.account],
        ["--region", &local.place.region],
        ["--vpc", &local.vpc],
        ["--range", &local.cidr],
    ];
    let network = takes.json(register.as_flattened()).await;
    let network = network["networkId"].as_str().unwrap();
    let request = [
        ["peering", "request"],
        ["--network", network],
        ["--account", &remote.place.account],
        ["--region", &remote.place.region],
        ["--vpc", &remote.vpc],
        ["--range", &remote.cidr],
    ];
    let asked = within(TRACEPARENT, &takes, request.as_flattened()).await;
    let peering = asked.json()["peeringId"].as_str().unwrap().to_owned();
    wait::until("the peering to be in place", SOON, || async {
        let shown = takes.json(&["peering", "show", &peering]).await;
        (shown["peering"]["state"] == "PEERING_STATE_ACTIVE").then_some(())
    })
    .await;

    // A span is sent when it ends, and what is around it ends later.
    let made = |spans: &[Seen]| {
        let calls = named(spans, "cloud call");
        let made = calls
            .iter()
            .find(|it| of(&it.1, "operation") == "create_link");
        let around = made.map(|it| &it.1.parent_span_id);
        let has_ended = around.is_some_and(|id| spans.iter().any(|it| it.1.span_id == *id));
        has_ended && !named(spans, "command").is_empty()
    };
    let spans = collector.until("the whole chain", made).await;
    let parent = |it: &Span| hex(&it.parent_span_id);
    let by_method = |it: &&&Seen| of(&it.1, "method").ends_with("/RequestPeering");
    let calls = named(&spans, "call");
    let (service, call) = calls.iter().find(by_method).unwrap();
    assert_eq!((service.as_str(), parent(call).as_str()), ("takes", SPAN));
    assert_eq!(kind(call), SpanKind::Server);
    assert_eq!(of(call, "outcome"), "ok");

    let [(service, command)] = named(&spans, "command")[..] else {
        panic!("{spans:#?}");
    };
    assert_eq!(
        (service.as_str(), parent(command)),
        ("takes", hex(&call.span_id))
    );
    assert_eq!(of(command, "command"), "RequestPeering");
    assert_eq!(of(command, "network"), network);
    assert!(of(command, "events").contains("PeeringRequested"));

    // The pass is another process's, which knows of the trace by the event alone.
    let by_command = |it: &&&Seen| parent(&it.1) == hex(&command.span_id);
    let passes = named(&spans, "pass");
    let (service, pass) = passes.iter().find(by_command).unwrap();
    assert_eq!(service, "provisions");
    assert_eq!(of(pass, "peering"), peering);

    let made = named(&spans, "cloud call");
    let made = made
        .iter()
        .find(|it| of(&it.1, "operation") == "create_link")
        .unwrap();
    let of_pass = |it: &&Seen| it.1.name == "pass" && hex(&it.1.span_id) == parent(&made.1);
    assert!(spans.iter().find(of_pass).is_some(), "{spans:#?}");
    assert_eq!(kind(&made.1), SpanKind::Client);
    assert_eq!(
        ["outcome", "attempt", "provider", "account"].map(|it| of(&made.1, it)),
        ["ok", "1", "aws", &local.place.account]
    );

    // What follows from it says so in the log, for whoever reads on.
    let events = recorded(&place.connection_string(), network).await;
    for outcome in [
        "PeeringRequested",
        "PeeringInitiationStarted",
        "PeeringInitiated",
    ] {
        let (_, traceparent) = events.iter().find(|it| it.0 == outcome).unwrap();
        let traceparent = traceparent.as_deref().unwrap_or_default();
        assert!(traceparent.contains(TRACE), "{outcome}: {traceparent}");
    }
    let registered = events.iter().find(|it| it.0 == "NetworkRegistered");
    let registered = registered.unwrap().1.as_deref().unwrap();
    assert!(!registered.contains(TRACE), "{registered}");

    // The lines of the log have the ids of the span that they were written in.
    let line = wait::until("the line of the command", SOON, || async {
        let lines = takes.process.output();
        let line = lines.lines().find(|it| {
            it.contains("carried out") && it.contains("RequestPeering") && it.contains(TRACE)
        });
        line.map(|it| serde_json::from_str::<serde_json::Value>(it).unwrap())
    })
    .await;
    assert_eq!(line["trace_id"], TRACE);
    assert_eq!(line["span_id"], hex(&command.span_id));
    takes.stop().await;
    provisions.stop().await;
}

#[tokio::test]
async fn a_traceparent_that_is_none_is_no_part_of_anything_and_no_error() {
    let data = TempDir::new().unwrap();
    let place = NodePlace::new(&data.path().join("node"));
    let _node = place.start().await;
    let launch = Launch::new(&data.path().join("engine")).store(&place.connection_string());
    let engine = launch.start().await;
    let api = api::Api::connect(&engine.server()).await;
    let (mut networks, message) = (api.networks.clone(), api::register());
    let mut network = String::new();
    for wrong in ["garbage", "00-0-0-01", &TRACEPARENT.to_uppercase()] {
        let mut request = Request::new(message.clone());
        let metadata = request.metadata_mut();
        metadata.insert("traceparent", wrong.parse().unwrap());
        let answer = networks.register_network(request).await.unwrap();
        network = answer.into_inner().network_id;
    }
    let mut request = Request::new(api::request(&network, 30));
    let metadata = request.metadata_mut();
    metadata.insert("traceparent", TRACEPARENT.parse().unwrap());
    let asked = api.peerings.clone().request_peering(request).await;
    asked.unwrap();
    // Whether or not spans are sent, what a caller says is kept, if it is one.
    let events = recorded(&place.connection_string(), &network).await;
    let of = |name: &str| events.iter().find(|it| it.0 == name).unwrap().1.as_deref();
    assert_eq!(of("NetworkRegistered"), None);
    assert_eq!(of("PeeringRequested"), Some(TRACEPARENT));
    let told = within("garbage", &engine, &["network", "list"]).await;
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    engine.stop().await;
}

#[tokio::test]
async fn what_is_still_here_when_the_process_stops_is_sent_before_it_ends() {
    let data = TempDir::new().unwrap();
    let (collector, address) = Collector::start().await;
    let launch = Launch::new(data.path()).own_store();
    // It sends by itself after an hour.
    let launch = traced(launch, &address, "short").env("OTEL_BSP_SCHEDULE_DELAY", "3600000");
    let engine = launch.start().await;
    let _ = within(TRACEPARENT, &engine, &REGISTER).await.json();
    assert!(collector.all().is_empty());
    engine.stop().await;
    let spans = collector
        .until("the last spans", |it| !named(it, "command").is_empty())
        .await;
    assert!(spans.iter().all(|it| it.0 == "short"), "{spans:#?}");
}

/// How spans go to a collector.
const PROTOCOLS: [&str; 2] = ["grpc", "http/protobuf"];

/// How long a call may take that nothing holds up, on a busy machine. A batch of spans would be
/// waited for for ten seconds.
const UNHINDERED: Duration = Duration::from_secs(5);

/// Registers and asks, many calls one after the other, and stops: nothing of that takes long.
async fn goes_on(collector: &str, protocol: &str) {
    let data = TempDir::new().unwrap();
    let launch = traced(
        Launch::new(data.path()).own_store(),
        collector,
        "unhindered",
    );
    let launch = launch.env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
    // A queue that is full at once.
    let launch = launch
        .env("OTEL_BSP_MAX_QUEUE_SIZE", "8")
        .env("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4");
    let mut engine = launch.start().await;
    let api = api::Api::connect(&engine.server()).await;
    let mut networks = api.networks.clone();
    let network = networks.register_network(api::register()).await;
    let network = network.unwrap().into_inner().network_id;
    let slowest = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..200 {
            let began = Instant::now();
            api.network(&network, "").await.unwrap();
            slowest = slowest.max(began.elapsed());
        }
        slowest
    };
    let slowest = slowest.await;
    assert!(slowest < UNHINDERED, "{slowest:?}");
    let asked = within(TRACEPARENT, &engine, &REQUEST).await;
    assert_eq!(asked.code, Some(0), "{}", asked.stderr);
    wait::until("the log to say it", SOON, || async {
        let said = engine.process.output();
        said.contains("traces are not taken").then_some(())
    })
    .await;
    drop(api);
    let began = Instant::now();
    engine.process.signal("TERM");
    let status = engine.process.finished(SOON).await;
    let took = began.elapsed();
    assert_eq!(status.code(), Some(0), "{}", engine.process.output());
    assert!(took < UNHINDERED, "{took:?}");
    let said = engine.process.output();
    assert_eq!(said.matches("traces are not taken").count(), 1, "{said}");
}

#[tokio::test]
async fn a_collector_that_is_down_holds_up_nothing_and_is_told_once() {
    for protocol in PROTOCOLS {
        goes_on(&format!("http://127.0.0.1:{}", ports::free()), protocol).await;
    }
}

#[tokio::test]
async fn a_collector_that_accepts_and_never_answers_holds_up_nothing_and_is_told_once() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let taking = tokio::spawn(async move {
        let mut taken = Vec::new();
        while let Ok((connection, _)) = silent.accept().await {
            taken.push(connection);
        }
    });
    for protocol in PROTOCOLS {
        goes_on(&format!("http://{address}"), protocol).await;
    }
    taking.abort();
}

#[tokio::test]
async fn a_collector_that_comes_back_is_told_and_gets_what_follows() {
    let data = TempDir::new().unwrap();
    let port = ports::free();
    let launch = Launch::new(data.path()).own_store();
    let launch = traced(launch, &format!("http://127.0.0.1:{port}"), "returns");
    let engine = launch.start().await;
    let _ = within(TRACEPARENT, &engine, &REGISTER).await.json();
    let says = |what: &'static str| {
        let engine = &engine;
        wait::until(what, SOON, move || async move {
            engine.process.output().contains(what).then_some(())
        })
    };
    says("traces are not taken").await;
    let collector = Collector::default();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    collector.serve(TcpListener::bind(address).await.unwrap());
    wait::until("spans to be taken", SOON, || async {
        let _ = within(TRACEPARENT, &engine, &["network", "list"]).await;
        (!collector.all().is_empty()).then_some(())
    })
    .await;
    says("traces are taken again").await;
    engine.stop().await;
}

#[tokio::test]
async fn spans_go_over_http_too_to_where_traces_are_taken_and_with_the_headers_that_are_asked_for()
{
    let (collector, address) = Collector::start_over_http().await;
    let data = TempDir::new().unwrap();
    let launch = traced(Launch::new(data.path()).own_store(), &address, "by-http")
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        .env(
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization=Bearer%20a%2Cb, x-tenant=orders",
        )
        .env(
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment.name=test",
        );
    let engine = launch.start().await;
    let _ = within(TRACEPARENT, &engine, &REGISTER).await.json();
    let spans = collector
        .until("the command", |it| !named(it, "command").is_empty())
        .await;
    assert!(spans.iter().all(|it| it.0 == "by-http"), "{spans:#?}");
    let call = named(&spans, "call")[0];
    assert_eq!(hex(&call.1.parent_span_id), SPAN);
    for (place, headers) in collector.heads.lock().iter() {
        assert_eq!(place, "POST /v1/traces");
        let of = |name: &str| headers[name].to_str().unwrap().to_owned();
        assert_eq!(
            ["content-type", "authorization", "x-tenant"].map(of),
            ["application/x-protobuf", "Bearer a,b", "orders"]
        );
    }
    // What goes with a request may be a credential.
    assert!(!engine.process.output().contains("Bearer"));
    engine.stop().await;
}

#[tokio::test]
async fn the_configuration_names_a_collector_over_http_and_one_that_takes_nothing_for_a_while_is_told()
 {
    let (collector, address) = Collector::start_over_http().await;
    collector.is_busy.store(true, Ordering::Relaxed);
    let data = TempDir::new().unwrap();
    let launch = Launch::new(data.path())
        .own_store()
        .set("traces.endpoint", &format!("{address}/otlp/traces"))
        .set("traces.protocol", "http/protobuf")
        .env("OTEL_BSP_SCHEDULE_DELAY", "100");
    let engine = launch.start().await;
    let _ = within(TRACEPARENT, &engine, &REGISTER).await.json();
    let says = |what: &'static str| {
        let engine = &engine;
        wait::until(what, SOON, move || async move {
            engine.process.output().contains(what).then_some(())
        })
    };
    says("it answers with 503").await;
    collector.is_busy.store(false, Ordering::Relaxed);
    wait::until("spans to be taken", SOON, || async {
        let _ = within(TRACEPARENT, &engine, &["network", "list"]).await;
        (!collector.all().is_empty()).then_some(())
    })
    .await;
    says("traces are taken again").await;
    // An address with a path is where they are taken.
    assert_eq!(collector.heads.lock()[0].0, "POST /otlp/traces");
    engine.stop().await;
}
