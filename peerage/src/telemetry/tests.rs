//! What is a trace context and what is not, where spans go, and that nobody waits for that.

use super::{export::*, *};
use crate::config::TracesProtocol;
use opentelemetry::{
    KeyValue,
    trace::{SpanContext, SpanId, SpanKind, Status},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter},
};
use parking_lot::Mutex;
use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc, time::Duration};
use tracing::field::Empty;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLERS: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn a_traceparent_is_of_w3cs_form_or_it_is_none() {
    let read = |text: &str| text.parse::<TraceContext>().ok().map(|it| it.to_string());
    assert_eq!(read(CALLERS).as_deref(), Some(CALLERS));
    let unsampled = CALLERS.replace("-01", "-00");
    assert_eq!(read(&unsampled), Some(unsampled));
    // A later version may have more parts and flags: what is known of it is kept, in our form.
    let later = CALLERS.replace("00-4b", "cc-4b").replace("-01", "-ff-more");
    assert_eq!(read(&later).as_deref(), Some(CALLERS));
    for wrong in [
        String::new(),
        "-".repeat(600),
        "garbage".to_owned(),
        CALLERS.to_uppercase(),
        CALLERS.replace("00-4b", "ff-4b"),
        CALLERS.replace("-01", "-01-more"),
        CALLERS.replace("-01", "-0g"),
        CALLERS.replace("-01", "-1"),
        CALLERS.replace("-01", ""),
        CALLERS.replace("4bf9", "4bf"),
        CALLERS.replace("00f0", "00é0"),
        CALLERS.replace(TRACE, &"0".repeat(32)),
        CALLERS.replace("00f067aa0ba902b7", &"0".repeat(16)),
        format!(" {CALLERS}"),
        format!("{}{}", CALLERS.replace("00-4b", "cc-4b"), "-x".repeat(300)),
    ] {
        assert_eq!(read(&wrong), None, "{wrong:?}");
    }
}

#[test]
fn a_call_that_says_two_traces_says_none() {
    let mut headers = http::HeaderMap::new();
    assert_eq!(TraceContext::said(&headers), None);
    headers.append("traceparent", CALLERS.parse().unwrap());
    let said = TraceContext::said(&headers);
    assert_eq!(said.map(|it| it.to_string()).as_deref(), Some(CALLERS));
    headers.append("traceparent", CALLERS.parse().unwrap());
    assert_eq!(TraceContext::said(&headers), None);
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn read(&self) -> Vec<serde_json::Value> {
        let text = String::from_utf8(self.0.lock().clone()).unwrap();
        let line = |it: &str| serde_json::from_str(it).unwrap_or_else(|_| panic!("{it}"));
        text.lines().map(line).collect()
    }
}

/// Does this with a log of JSON, of warnings alone, and returns its lines.
fn logged(exporter: Option<&Exporter>, work: impl FnOnce()) -> Vec<serde_json::Value> {
    let lines = Lines::default();
    let writer = lines.clone();
    let mut layers = traced(exporter);
    let written = written(LogFormat::Json, move || writer.clone());
    layers.push(written.with_filter(EnvFilter::new("warn")).boxed());
    let subscriber = tracing_subscriber::registry().with(layers);
    // A place that no subscriber follows when it is reached first would never be followed: tests
    // beside this one have none.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
    tracing::subscriber::with_default(subscriber, work);
    lines.read()
}

#[test]
fn lines_of_the_log_have_the_ids_of_their_trace_whether_or_not_spans_are_sent() {
    let lines = logged(None, || {
        tracing::warn!("outside");
        let call = tracing::info_span!("call", traceparent = CALLERS);
        call.in_scope(|| {
            tracing::info_span!("command", outcome = Empty)
                .in_scope(|| tracing::warn!("inside {}", "{}"));
            let current = TraceContext::current().map(|it| it.to_string());
            assert_eq!(current.as_deref(), Some(CALLERS));
        });
        assert_eq!(TraceContext::current(), None);
        tracing::info_span!("call", traceparent = "garbage").in_scope(|| tracing::warn!("lost"));
    });
    let ids: Vec<_> = lines
        .iter()
        .map(|it| (it["trace_id"].as_str(), it["span_id"].as_str()))
        .collect();
    let inside = (Some(TRACE), Some("00f067aa0ba902b7"));
    assert_eq!(ids, [(None, None), inside, (None, None)]);
    assert_eq!(lines[1]["message"], "inside {}");
}

fn traces(endpoint: &str) -> Traces {
    Traces {
        endpoint: endpoint.to_owned(),
        ..Traces::default()
    }
}

fn environment(of: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
    let of: BTreeMap<_, _> = of
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    move |name| of.get(name).cloned()
}

#[tokio::test]
async fn spans_that_are_sent_are_of_the_callers_trace_and_of_one_more_span_each() {
    // Nobody listens there; that is nobody's concern.
    let traces = traces("http://127.0.0.1:1");
    let exporter = Exporter::of(&traces, environment(&[])).unwrap().unwrap();
    let lines = logged(Some(&exporter), || {
        let call = tracing::info_span!("call", traceparent = CALLERS);
        call.in_scope(|| {
            let outer = TraceContext::current().unwrap();
            tracing::warn!("outer");
            tracing::info_span!("command").in_scope(|| tracing::warn!("inner"));
            assert_eq!(TraceContext::current(), Some(outer));
        });
        let alone = tracing::info_span!("pass");
        alone.in_scope(|| tracing::warn!("alone"));
        let unsampled = CALLERS.replace("-01", "-00");
        let unsampled = tracing::info_span!("call", traceparent = unsampled);
        let current = unsampled.in_scope(TraceContext::current).unwrap();
        assert!(current.to_string().ends_with("-00"), "{current}");
    });
    let of = |n: usize, id: &str| lines[n][id].as_str().unwrap().to_owned();
    assert_eq!([of(0, "trace_id"), of(1, "trace_id")], [TRACE, TRACE]);
    let spans = [of(0, "span_id"), of(1, "span_id")];
    assert!(spans[0] != spans[1] && !spans.contains(&"00f067aa0ba902b7".to_owned()));
    assert_ne!(of(2, "trace_id"), TRACE);
    assert_eq!(of(2, "trace_id").len(), 32);
}

#[test]
fn where_spans_are_sent_is_said_by_the_configuration_or_else_by_opentelemetrys_variables() {
    let endpoint = |traces: &Traces, of: &[(&str, &str)]| {
        let target = Target::of(traces, &environment(of)).unwrap();
        target.map(|it| (it.endpoint, it.timeout, it.ca))
    };
    let (ten, none) = (Duration::from_secs(10), PathBuf::new());
    let otlp = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4317");
    let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b:4317");
    let timeout = ("OTEL_EXPORTER_OTLP_TIMEOUT", "250");
    let ca = ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/etc/ca.crt");
    let a = Some(("http://a:4317".to_owned(), ten, none.clone()));
    let b = Some((
        "http://b:4317".to_owned(),
        Duration::from_millis(250),
        PathBuf::from("/etc/ca.crt"),
    ));
    let c = Some(("http://c:4317".to_owned(), ten, none));
    let no = Traces::default();
    assert_eq!(endpoint(&no, &[]), None);
    assert_eq!(endpoint(&no, &[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]), None);
    assert_eq!(endpoint(&no, &[otlp]), a);
    assert_eq!(endpoint(&no, &[otlp, own, timeout, ca]), b);
    assert_eq!(endpoint(&traces("http://c:4317"), &[otlp, timeout]), c);
    for off in [
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_TRACES_EXPORTER", "none"),
    ] {
        assert_eq!(endpoint(&no, &[otlp, off]), None, "{off:?}");
    }
}

#[test]
fn over_http_spans_go_to_where_traces_are_taken_with_headers_that_are_shown_nowhere() {
    let target = |traces: &Traces, of: &[(&str, &str)]| {
        let target = Target::of(traces, &environment(of)).unwrap().unwrap();
        (target.protocol, target.endpoint)
    };
    let (grpc, http) = (TracesProtocol::Grpc, TracesProtocol::HttpProtobuf);
    let protocol = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    let own = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc");
    let no = Traces::default();
    for (endpoint, taken) in [
        ("http://a:4318", "http://a:4318/v1/traces"),
        ("http://a:4318/", "http://a:4318/v1/traces"),
        ("http://a/otlp", "http://a/otlp/v1/traces"),
    ] {
        let of_all = ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        assert_eq!(target(&no, &[of_all, protocol]), (http, taken.to_owned()));
        let alone = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint);
        let other = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://b");
        let as_it_is = (http, endpoint.to_owned());
        assert_eq!(target(&no, &[alone, other, protocol]), as_it_is);
        let as_it_is = (grpc, endpoint.to_owned());
        assert_eq!(target(&no, &[of_all, protocol, own]), as_it_is);
    }
    for (endpoint, taken) in [
        ("http://a:4318", "http://a:4318/v1/traces"),
        ("http://a:4318/", "http://a:4318/v1/traces"),
        ("http://a/otlp", "http://a/otlp"),
    ] {
        let by_http = Traces {
            protocol: http,
            ..traces(endpoint)
        };
        assert_eq!(target(&by_http, &[own]), (http, taken.to_owned()));
        // The environment's protocol is that of the environment's collector.
        let by_grpc = (grpc, endpoint.to_owned());
        assert_eq!(target(&traces(endpoint), &[protocol]), by_grpc);
    }
    let otlp = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318");
    let headers = (
        "OTEL_EXPORTER_OTLP_HEADERS",
        "authorization=Basic%20c2VjcmV0, x-tenant = a%2Cb,",
    );
    let target = Target::of(&no, &environment(&[otlp, protocol, headers]));
    let target = target.unwrap().unwrap();
    assert_eq!(target.headers["authorization"], "Basic c2VjcmV0");
    assert_eq!(target.headers["x-tenant"], "a,b");
    assert_eq!(target.headers.len(), 2);
    assert!(!format!("{target:?}").contains("c2VjcmV0"));
}

#[tokio::test]
async fn a_wrong_configuration_is_an_error_and_a_wrong_environment_is_only_told() {
    let build = |traces: &Traces, of: &[(&str, &str)]| {
        let built = Exporter::of(traces, environment(of));
        built.map(|it| it.map(|it| it.endpoint().to_owned()))
    };
    for wrong in ["collector:4317", "ftp://collector", "not a url"] {
        let configured = build(&traces(wrong), &[]);
        assert!(
            matches!(&configured, Err(NotSent::Configured(why)) if why.contains(wrong)),
            "{configured:?}"
        );
        let told = build(
            &Traces::default(),
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", wrong)],
        );
        assert!(
            matches!(&told, Err(NotSent::Environment(why)) if why.contains(wrong)),
            "{told:?}"
        );
    }
    let otlp = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318");
    for wrong in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=b, two words=c"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=b%0Ac"),
    ] {
        let told = build(&Traces::default(), &[otlp, wrong]);
        assert!(
            matches!(&told, Err(NotSent::Environment(why)) if why.contains(wrong.0)),
            "{wrong:?}: {told:?}"
        );
    }
    let by_http = Traces {
        protocol: TracesProtocol::HttpProtobuf,
        ..traces("collector:4318")
    };
    let configured = build(&by_http, &[]);
    assert!(
        matches!(&configured, Err(NotSent::Configured(why)) if why.contains("4318")),
        "{configured:?}"
    );
    let absent = Traces {
        ca: PathBuf::from("/nowhere/ca.crt"),
        ..traces("https://a:4317")
    };
    for protocol in [TracesProtocol::Grpc, TracesProtocol::HttpProtobuf] {
        let absent = build(
            &Traces {
                protocol,
                ..absent.clone()
            },
            &[],
        );
        assert!(
            matches!(&absent, Err(NotSent::Configured(why)) if why.contains("/nowhere/ca.crt")),
            "{absent:?}"
        );
    }
}

#[tokio::test]
async fn the_end_waits_for_no_collector() {
    // It takes the connection, and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = format!("http://{}", silent.local_addr().unwrap());
    let each = [TracesProtocol::Grpc, TracesProtocol::HttpProtobuf]
        .into_iter()
        .flat_map(|it| [(it, to.as_str()), (it, "http://127.0.0.1:1")]);
    for (protocol, endpoint) in each {
        let to = Traces {
            protocol,
            ..traces(endpoint)
        };
        let exporter = Exporter::of(&to, environment(&[])).unwrap().unwrap();
        logged(Some(&exporter), || {
            (0..100_000).for_each(|_| drop(tracing::info_span!("pass")));
        });
        let began = std::time::Instant::now();
        Telemetry(Some(exporter)).flush().await;
        let took = began.elapsed();
        assert!(took < LAST_SPANS * 5, "{endpoint}: {took:?}");
    }
}

/// Keeps each span that is sent.
#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().extend(batch);
        Ok(())
    }
}

#[test]
fn a_span_says_who_calls_whom_whether_it_failed_and_what_else_led_to_it() {
    let kept = Kept::default();
    let exporter = Exporter::into(kept.clone());
    logged(Some(&exporter), || {
        let call = tracing::info_span!("call", traceparent = CALLERS, outcome = Empty);
        call.in_scope(|| {
            let cloud = tracing::info_span!("cloud call", outcome = Empty);
            cloud.record("outcome", "throttled");
        });
        call.record("outcome", "ok");
        drop(call);
        let links = format!("{CALLERS},garbage,");
        drop(tracing::info_span!("pass", links));
        // Nobody wants to see that one, and what is none of ours is nobody's business here.
        let unsampled = CALLERS.replace("-01", "-00");
        drop(tracing::info_span!("call", traceparent = unsampled));
        drop(tracing::info_span!(target: "hyper", "call"));
        tracing::info!("a line of the log is no span");
    });
    let spans = kept.0.lock();
    let told: Vec<_> = spans
        .iter()
        .map(|it| (&*it.name, it.span_kind.clone(), it.status.clone()))
        .collect();
    assert_eq!(
        told,
        [
            ("cloud call", SpanKind::Client, Status::error("throttled")),
            ("call", SpanKind::Server, Status::Unset),
            ("pass", SpanKind::Internal, Status::Unset),
        ]
    );
    let [cloud, call, pass] = &spans[..] else {
        panic!("{spans:?}")
    };
    assert_eq!(cloud.parent_span_id, call.span_context.span_id());
    assert_eq!(call.span_context.trace_id().to_string(), TRACE);
    assert_ne!(pass.span_context.trace_id().to_string(), TRACE);
    let links = pass.links.iter();
    let links: Vec<_> = links
        .map(|it| it.span_context.trace_id().to_string())
        .collect();
    assert_eq!(links, [TRACE]);
}

#[test]
fn a_long_text_of_a_span_is_cut_between_two_characters() {
    let text = |text: &str| KeyValue::new("text", text.to_owned());
    let mut span = SpanData {
        span_context: SpanContext::empty_context(),
        parent_span_id: SpanId::INVALID,
        span_kind: SpanKind::Internal,
        name: "pass".into(),
        start_time: std::time::UNIX_EPOCH,
        end_time: std::time::UNIX_EPOCH,
        attributes: vec![
            text(&format!("x{}", "é".repeat(200))),
            text(&"x".repeat(256)),
            KeyValue::new("number", 7),
        ],
        dropped_attributes_count: 0,
        events: Default::default(),
        links: Default::default(),
        status: Status::Unset,
        instrumentation_scope: Default::default(),
    };
    bound(&mut span);
    let kept: Vec<_> = span
        .attributes
        .iter()
        .map(|it| it.value.as_str().into_owned())
        .collect();
    let cut = format!("x{}", "é".repeat(127));
    assert_eq!(kept, [cut, "x".repeat(256), "7".to_owned()]);
}
