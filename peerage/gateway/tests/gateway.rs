//! The gateway in front of gRPC's health service and of a service that answers as a test wants,
//! without a network between.
#![allow(clippy::unwrap_used)]

mod support;

use http::{StatusCode, Version, header};
use peerage_gateway::Access;
use serde_json::{Value, json};
use std::time::Duration;
use support::{
    Answer, access, ask, body, canned, canned_gateway, check, first_lines, gateway, json_call,
    lines, request,
};
use tonic::{Code, Status};
use tonic_health::ServingStatus;
use tonic_types::{ErrorDetails, StatusExt};

const CHECK: &str = "/grpc.health.v1.Health/Check";
const WATCH: &str = "/grpc.health.v1.Health/Watch";

#[tokio::test]
async fn a_unary_method_answers_in_json() {
    let answer = ask(&gateway(), json_call(CHECK, r#"{"service":""}"#)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.json(), json!({ "status": "SERVING" }));
}

#[tokio::test]
async fn a_stream_answers_in_lines_that_go_out_as_they_come_and_ends_with_its_caller() {
    let (services, reporter) = check();
    let gateway = support::over(services, access());
    let mut stream = support::call(&gateway, json_call(WATCH, "{}")).await;
    assert_eq!(stream.headers()["content-type"], "application/x-ndjson");
    for (told, next) in [
        ("SERVING", ServingStatus::NotServing),
        ("NOT_SERVING", ServingStatus::Serving),
        ("SERVING", ServingStatus::NotServing),
    ] {
        assert_eq!(
            first_lines(&mut stream, 1).await,
            [json!({ "status": told })]
        );
        reporter.set_service_status("", next).await;
    }

    let (canned, dropped) = canned(Answer::Pending);
    let gateway = canned_gateway(canned);
    let stream = support::call(&gateway, json_call(WATCH, "{}")).await;
    assert!(!dropped.is_cancelled());
    drop(stream);
    tokio::time::timeout(Duration::from_secs(10), dropped.cancelled())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_unary_call_ends_with_its_caller() {
    let (canned, dropped) = canned(Answer::Silent);
    let gateway = canned_gateway(canned);
    let call = ask(&gateway, json_call(CHECK, "{}"));
    let cut = tokio::time::timeout(Duration::from_millis(50), call).await;
    assert!(cut.is_err(), "{cut:?}");
    tokio::time::timeout(Duration::from_secs(10), dropped.cancelled())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_stream_that_fails_says_so_in_its_last_line() {
    let status = Status::with_error_details(
        Code::Unavailable,
        "stopping",
        ErrorDetails::with_error_info("STOPPING", "test", [("a".to_owned(), "b".to_owned())]),
    );
    let (canned, _) = canned(Answer::Stream(vec![1, 2], Some(status)));
    let answer = ask(&canned_gateway(canned), json_call(WATCH, "{}")).await;
    assert_eq!(answer.status, StatusCode::OK);
    let error = json!({
        "code": 14,
        "message": "stopping",
        "details": [{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "STOPPING",
            "domain": "test",
            "metadata": { "a": "b" },
        }],
    });
    assert_eq!(
        lines(&answer.body),
        [
            json!({ "status": "SERVING" }),
            json!({ "status": "NOT_SERVING" }),
            json!({ "error": error })
        ]
    );
}

#[tokio::test]
async fn a_stream_that_breaks_off_has_not_ended_well() {
    let (canned, _) = canned(Answer::Broken(vec![1]));
    let answer = ask(&canned_gateway(canned), json_call(WATCH, "{}")).await;
    let told = lines(&answer.body);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1]["error"]["code"].is_number(), "{told:?}");
}

#[tokio::test]
async fn a_stream_that_ends_well_has_no_line_of_an_error() {
    let (canned, _) = canned(Answer::Stream(vec![1], None));
    let answer = ask(&canned_gateway(canned), json_call(WATCH, "{}")).await;
    assert_eq!(lines(&answer.body), [json!({ "status": "SERVING" })]);
}

#[tokio::test]
async fn every_code_has_the_http_status_that_google_gives_it() {
    for (code, wanted) in [
        (Code::Cancelled, 499),
        (Code::Unknown, 500),
        (Code::InvalidArgument, 400),
        (Code::DeadlineExceeded, 504),
        (Code::NotFound, 404),
        (Code::AlreadyExists, 409),
        (Code::PermissionDenied, 403),
        (Code::ResourceExhausted, 429),
        (Code::FailedPrecondition, 400),
        (Code::Aborted, 409),
        (Code::OutOfRange, 400),
        (Code::Unimplemented, 501),
        (Code::Internal, 500),
        (Code::Unavailable, 503),
        (Code::DataLoss, 500),
        (Code::Unauthenticated, 401),
    ] {
        let (canned, _) = canned(Answer::Failed(Status::new(code, "why")));
        let answer = ask(&canned_gateway(canned), json_call(CHECK, "{}")).await;
        assert_eq!(answer.status.as_u16(), wanted, "{code:?}");
        let told = json!({ "code": i32::from(code), "message": "why", "details": [] });
        assert_eq!(answer.json(), told);
    }
}

#[tokio::test]
async fn the_details_of_an_error_are_spelled_out() {
    let mut details = ErrorDetails::new();
    details
        .set_error_info("REASON", "domain", [("k".to_owned(), "v".to_owned())])
        .add_bad_request_violation("peer.ranges[0]", "no range")
        .add_precondition_failure_violation("TYPE", "subject", "text")
        .add_quota_failure_violation("subject", "text")
        .set_retry_info(Some(Duration::from_millis(1500)));
    let failed = Status::with_error_details(Code::Unavailable, "why", details);
    let (canned, _) = canned(Answer::Failed(failed));
    let answer = ask(&canned_gateway(canned), json_call(CHECK, "{}")).await;
    assert_eq!(answer.header("retry-after"), "2");
    let of = |name: &str| {
        let wanted = format!("type.googleapis.com/google.rpc.{name}");
        let details = answer.json()["details"].as_array().unwrap().clone();
        details
            .into_iter()
            .find(|it| it["@type"] == wanted)
            .unwrap()
    };
    assert_eq!(of("ErrorInfo")["metadata"]["k"], "v");
    assert_eq!(
        of("BadRequest")["fieldViolations"],
        json!([{ "field": "peer.ranges[0]", "description": "no range" }])
    );
    assert_eq!(of("PreconditionFailure")["violations"][0]["type"], "TYPE");
    assert_eq!(of("QuotaFailure")["violations"][0]["subject"], "subject");
    assert_eq!(of("RetryInfo")["retryDelay"], "1.500s");
}

#[tokio::test]
async fn a_detail_of_an_unknown_type_stays_bytes() {
    use prost::Message as _;
    let any = prost_types::Any {
        type_url: "x/of.Nobody".to_owned(),
        value: vec![1, 2, 3],
    };
    let status = tonic_types::Status {
        code: 5,
        message: "why".to_owned(),
        details: vec![any],
    };
    let failed = Status::with_details(Code::NotFound, "why", status.encode_to_vec().into());
    let (canned, _) = canned(Answer::Failed(failed));
    let answer = ask(&canned_gateway(canned), json_call(CHECK, "{}")).await;
    assert_eq!(
        answer.json()["details"],
        json!([{ "@type": "x/of.Nobody", "value": "AQID" }])
    );
}

#[tokio::test]
async fn what_a_caller_says_in_headers_reaches_the_service_and_nothing_of_http_does() {
    let (canned, _) = canned(Answer::Echo);
    let mut call = json_call(CHECK, "{}");
    for (name, value) in [
        (
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
        ("authorization", "Bearer x"),
        ("x-anything", "else"),
        ("request-timeout", "2.5"),
        ("grpc-timeout", "1n"),
        ("grpc-status", "0"),
        ("cookie", "a=b"),
        ("connection", "keep-alive"),
    ] {
        call.headers_mut().insert(name, value.parse().unwrap());
    }
    let answer = ask(&canned_gateway(canned), call).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let heard: Value = serde_json::from_str(answer.header("x-heard")).unwrap();
    assert_eq!(heard["authorization"], "Bearer x");
    assert_eq!(heard["x-anything"], "else");
    assert!(
        heard["traceparent"]
            .as_str()
            .unwrap()
            .starts_with("00-0af7")
    );
    assert_eq!(heard["grpc-timeout"], "2500000u");
    assert_eq!(heard["content-type"], "application/grpc");
    for absent in [
        "cookie",
        "connection",
        "host",
        "grpc-status",
        "request-timeout",
        "content-length",
    ] {
        assert_eq!(heard[absent], Value::Null, "{absent}: {heard}");
    }
}

#[tokio::test]
async fn a_call_ends_at_its_callers_deadline() {
    let (silent, dropped) = canned(Answer::Silent);
    let mut call = json_call(CHECK, "{}");
    call.headers_mut()
        .insert("request-timeout", "0.05".parse().unwrap());
    let answer = ask(&canned_gateway(silent), call).await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    assert!(dropped.is_cancelled(), "the service is told");

    let (pending, dropped) = canned(Answer::Pending);
    let mut call = json_call(WATCH, "{}");
    call.headers_mut()
        .insert("request-timeout", "0.05".parse().unwrap());
    let answer = ask(&canned_gateway(pending), call).await;
    assert_eq!(lines(&answer.body).last().unwrap()["error"]["code"], 4);
    assert!(dropped.is_cancelled(), "the service is told");

    let mut call = json_call(CHECK, "{}");
    call.headers_mut()
        .insert("request-timeout", "soon".parse().unwrap());
    let answer = ask(&gateway(), call).await;
    assert_eq!(
        (answer.status, answer.reason()),
        (
            StatusCode::BAD_REQUEST,
            "REQUEST_TIMEOUT_INVALID".to_owned()
        )
    );
}

#[tokio::test]
async fn what_is_no_such_message_is_refused_with_the_field() {
    for (sent, field) in [
        (r#"{"service":1}"#, "service"),
        (r#"{"service":["a"]}"#, "service"),
        (r#"{"servise":"a"}"#, ""),
        ("[]", ""),
        ("", ""),
        ("{", ""),
        ("{} {}", ""),
        ("nonsense", ""),
        ("\"\\ud800\"", ""),
    ] {
        let answer = ask(&gateway(), json_call(CHECK, sent)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{sent}");
        assert_eq!(answer.reason(), "JSON_INVALID", "{sent}");
        let violation = &answer.json()["details"][1]["fieldViolations"][0];
        assert_eq!(
            violation["field"].as_str().unwrap_or_default(),
            field,
            "{sent}: {answer:?}"
        );
    }
    let deep = format!("{{\"service\":{}", "[".repeat(100_000));
    let answer = ask(&gateway(), json_call(CHECK, &deep)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "deep");
    let long = format!("{{\"{}\":1}}", "x".repeat(100_000));
    let answer = ask(&gateway(), json_call(CHECK, &long)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "long");
    assert!(
        answer.body.len() < 4_096,
        "what is repeated is bounded: {}",
        answer.body.len()
    );
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_other_verbs_are_told_which_would_do() {
    let get = |path: &str| request("GET", path, "", "");
    let answer = ask(
        &gateway(),
        json_call("/grpc.health.v1.Health/Nothing", "{}"),
    )
    .await;
    assert_eq!(
        (answer.status, answer.reason()),
        (StatusCode::NOT_FOUND, "METHOD_UNKNOWN".to_owned())
    );
    assert_eq!(
        ask(&gateway(), get("/")).await.status,
        StatusCode::NOT_FOUND
    );
    for verb in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let answer = ask(&gateway(), request(verb, CHECK, "application/json", "{}")).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{verb}");
        assert_eq!(answer.header("allow"), "POST", "{verb}");
    }
    let answer = ask(
        &gateway(),
        request("POST", "/openapi.json", "application/json", "{}"),
    )
    .await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.header("allow"), "GET, HEAD");
}

#[tokio::test]
async fn a_page_cannot_command_with_a_content_type_that_needs_no_leave() {
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "",
    ] {
        let answer = ask(&gateway(), request("POST", CHECK, content_type, "{}")).await;
        assert_eq!(
            answer.status,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "{content_type}"
        );
        assert_eq!(answer.header("accept-post"), "application/json");
    }
    let mut zipped = json_call(CHECK, "{}");
    zipped
        .headers_mut()
        .insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
    assert_eq!(
        ask(&gateway(), zipped).await.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
}

#[tokio::test]
async fn a_body_is_bounded() {
    let large = format!("{{\"service\":\"{}\"}}", "x".repeat(4 << 20));
    let answer = ask(&gateway(), json_call(CHECK, &large)).await;
    assert_eq!(
        (answer.status, answer.reason()),
        (StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE".to_owned())
    );
    let endless = support::endless(json_call(CHECK, "{}"));
    assert_eq!(
        ask(&gateway(), endless).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_is_due_in_time() {
    let slow = support::slow(json_call(CHECK, "{}"));
    let answer = ask(&gateway(), slow).await;
    assert_eq!(
        (answer.status, answer.reason()),
        (StatusCode::REQUEST_TIMEOUT, "BODY_TOO_SLOW".to_owned())
    );
}

#[tokio::test]
async fn grpc_is_spoken_over_http2_alone() {
    let call = |version| {
        let mut call = request("POST", CHECK, "application/grpc", "");
        *call.body_mut() = body(&[0, 0, 0, 0, 0]);
        *call.version_mut() = version;
        call
    };
    let answer = ask(&gateway(), call(Version::HTTP_2)).await;
    assert_eq!(
        (answer.status, &*answer.body),
        (StatusCode::OK, &[0, 0, 0, 0, 2, 8, 1][..])
    );
    let answer = ask(&gateway(), call(Version::HTTP_11)).await;
    assert_eq!(answer.status, StatusCode::HTTP_VERSION_NOT_SUPPORTED);
    assert_eq!(answer.reason(), "GRPC_NEEDS_HTTP2");
    assert_eq!(answer.header("grpc-status"), "12");
}

#[tokio::test]
async fn grpc_web_is_answered_over_every_version() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let mut call = request("POST", CHECK, "application/grpc-web+proto", "");
        *call.body_mut() = body(&[0, 0, 0, 0, 0]);
        *call.version_mut() = version;
        let answer = ask(&gateway(), call).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), "");
        assert_eq!(answer.body[..7], [0, 0, 0, 0, 2, 8, 1]);
        let trailers = String::from_utf8_lossy(&answer.body[7..]).into_owned();
        assert!(trailers.contains("grpc-status:0"), "{trailers:?}");
    }
}

#[tokio::test]
async fn strangers_are_refused_before_anything_else_in_every_protocol() {
    for content_type in [
        "application/json",
        "application/grpc",
        "application/grpc-web",
        "text/plain",
        "",
    ] {
        for (name, value, reason) in [
            ("host", "evil.example", "HOST_FOREIGN"),
            ("origin", "http://evil.example", "ORIGIN_FOREIGN"),
            ("origin", "null", "ORIGIN_FOREIGN"),
            ("sec-fetch-site", "cross-site", "ORIGIN_FOREIGN"),
            ("sec-fetch-site", "same-site", "ORIGIN_FOREIGN"),
        ] {
            for (verb, path) in [
                ("POST", CHECK),
                ("OPTIONS", CHECK),
                ("GET", "/openapi.json"),
                ("GET", "/"),
            ] {
                for version in [Version::HTTP_11, Version::HTTP_2] {
                    let mut call = request(verb, path, content_type, "{}");
                    *call.version_mut() = version;
                    call.headers_mut().insert(name, value.parse().unwrap());
                    let (canned, dropped) = canned(Answer::Silent);
                    let gateway = canned_gateway(canned);
                    let refused =
                        tokio::time::timeout(Duration::from_secs(10), ask(&gateway, call)).await;
                    let answer = refused.expect("a refusal, not the silence of a service");
                    assert_eq!(
                        (answer.status, answer.reason()),
                        (StatusCode::FORBIDDEN, reason.to_owned())
                    );
                    let grpc = content_type.starts_with("application/grpc");
                    assert_eq!(answer.header("grpc-status"), if grpc { "7" } else { "" });
                    assert!(!dropped.is_cancelled(), "no service was called");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_a_user_or_the_apis_own_page_asks_for_is_answered_and_a_listed_page_by_its_origin() {
    for site in ["none", "same-origin"] {
        let mut call = json_call(CHECK, "{}");
        call.headers_mut()
            .insert("sec-fetch-site", site.parse().unwrap());
        assert_eq!(ask(&gateway(), call).await.status, StatusCode::OK);
    }
    let listed = vec!["https://console.example.com".parse().unwrap()];
    let access = Access::new(support::LISTEN, Vec::new(), listed);
    let gateway = support::over(check().0, access);
    let mut call = json_call(CHECK, "{}");
    let headers = call.headers_mut();
    headers.insert("sec-fetch-site", "cross-site".parse().unwrap());
    headers.insert("origin", "https://console.example.com".parse().unwrap());
    assert_eq!(ask(&gateway, call).await.status, StatusCode::OK);
    let mut call = json_call(CHECK, "{}");
    let headers = call.headers_mut();
    headers.append("sec-fetch-site", "none".parse().unwrap());
    headers.append("sec-fetch-site", "cross-site".parse().unwrap());
    let refused = ask(&gateway, call).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
}

#[tokio::test]
async fn a_preflight_gets_no_leave_unless_its_origin_is_listed() {
    let preflight = |origin: &'static str| {
        let mut call = request("OPTIONS", CHECK, "", "");
        for (name, value) in [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type"),
        ] {
            call.headers_mut().insert(name, value.parse().unwrap());
        }
        call
    };
    let own = "http://localhost:2114";
    for origin in ["http://evil.example", own] {
        let answer = ask(&gateway(), preflight(origin)).await;
        assert!(answer.status.is_client_error(), "{answer:?}");
        let leave = answer
            .headers
            .keys()
            .find(|it| it.as_str().starts_with("access-control-"));
        assert_eq!(leave, None, "{answer:?}");
    }
    let listed = vec!["https://console.example.com".parse().unwrap()];
    let access = Access::new(support::LISTEN, Vec::new(), listed);
    let gateway = support::over(check().0, access);
    let answer = ask(&gateway, preflight("https://console.example.com")).await;
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "https://console.example.com"
    );
    assert_eq!(
        ask(&gateway, preflight("http://evil.example")).await.status,
        StatusCode::FORBIDDEN
    );
    let mut call = json_call(CHECK, "{}");
    call.headers_mut()
        .insert("origin", "https://console.example.com".parse().unwrap());
    let answer = ask(&gateway, call).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "https://console.example.com"
    );
    assert_eq!(answer.header("access-control-allow-credentials"), "");
}

#[tokio::test]
async fn the_document_describes_every_method_and_is_whole() {
    let answer = ask(&gateway(), request("GET", "/openapi.json", "", "")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/json");
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().collect();
    let own = ["/health", "/health/{service}", "/health/{service}/text"];
    assert_eq!(paths, [&[CHECK, WATCH][..], &own].concat());
    let in_path = &document["paths"][own[2]]["get"]["parameters"][0];
    assert_eq!(in_path["name"], "service", "{in_path}");
    assert_eq!(in_path["in"], "path", "{in_path}");
    let stream = &document["paths"][WATCH]["post"]["responses"]["200"]["content"];
    assert!(stream["application/x-ndjson"].is_object(), "{stream}");
    let schemas = document["components"]["schemas"].as_object().unwrap();
    assert!(schemas.values().all(Value::is_object), "{schemas:?}");
    let status = &schemas["grpc.health.v1.HealthCheckResponse.ServingStatus"]["enum"];
    assert_eq!(status[1], "SERVING");
}

#[tokio::test]
async fn methods_have_paths_of_their_own_with_fields_in_path_query_and_body() {
    let gateway = gateway();
    let whole = ask(&gateway, request("GET", "/health", "", "")).await;
    assert_eq!(whole.json(), json!({ "status": "SERVING" }));
    let query = ask(
        &gateway,
        request("GET", "/health?service=no%20such", "", ""),
    )
    .await;
    assert_eq!(query.status, StatusCode::NOT_FOUND, "{query:?}");
    // The path stands over the body.
    let other = r#"{"service":""}"#;
    let put = ask(
        &gateway,
        request("PUT", "/health/none", "application/json", other),
    )
    .await;
    assert_eq!(put.status, StatusCode::NOT_FOUND, "{put:?}");
    let text = ask(&gateway, request("GET", "/health/none/text", "", "")).await;
    assert_eq!(text.status, StatusCode::NOT_FOUND, "{text:?}");
    assert_eq!(text.header("content-type"), "application/json");
    for (verb, path, status, reason) in [
        ("GET", "/health?unknown=1", 400, "QUERY_UNKNOWN"),
        ("DELETE", "/health", 405, "VERB_NOT_ALLOWED"),
        ("GET", "/health/", 404, "METHOD_UNKNOWN"),
        ("GET", "/healthy", 404, "METHOD_UNKNOWN"),
    ] {
        let refused = ask(&gateway, request(verb, path, "", "")).await;
        assert_eq!(
            (refused.status.as_u16(), refused.reason()),
            (status, reason.to_owned()),
            "{verb} {path}"
        );
    }
    let refused = ask(&gateway, request("DELETE", "/health", "", "")).await;
    assert_eq!(refused.header("allow"), "GET");
    // What a page may send unasked changes nothing.
    let plain = ask(&gateway, request("PUT", "/health/x", "text/plain", other)).await;
    assert_eq!(plain.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let broken = ask(
        &gateway,
        request("PUT", "/health/x", "application/json", "["),
    )
    .await;
    assert_eq!(broken.reason(), "JSON_INVALID");
}
