//! The player on trial: a scripted node answers exactly as recorded and passes, or differs in one
//! thing and must fail.
#![allow(clippy::unwrap_used)]

use bytes::{BufMut, Bytes, BytesMut};
use h2::server::SendResponse;
use http::{HeaderMap, HeaderValue, Response};
use peerage_tests::golden::matching::Names;
use peerage_tests::golden::messages::{from_recorded, method};
use peerage_tests::golden::{Report, Target, play};
use peerage_tests::wait;
use prost::Message;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// What the scripted node does with one call.
#[derive(Debug, Clone)]
enum Answer {
    /// An error before any response header: code, text, trailers.
    Refuse(u8, &'static str, Vec<(&'static str, &'static str)>),
    /// Messages, then a status in trailers.
    Messages(Vec<Value>, u8),
    /// Messages, then the end of the stream without a status.
    Cut(Vec<Value>),
    /// Messages, and the call stays open; later one more.
    StayOpen(Vec<Value>, Option<Value>),
    /// An answer that is no gRPC.
    Http(u16),
}

/// A node that gives these answers, one per call in the order of calls.
async fn scripted(answers: Vec<Answer>) -> Target {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        serve(socket, answers.into()).await;
    });
    Target::connect(&address.to_string()).await.unwrap()
}

async fn serve(socket: TcpStream, mut answers: VecDeque<Answer>) {
    let mut connection = h2::server::handshake(socket).await.unwrap();
    while let Some(Ok((request, respond))) = connection.accept().await {
        let path = request.uri().path().to_owned();
        let answer = answers.pop_front().unwrap_or(Answer::Http(500));
        tokio::spawn(async move { reply(&path, respond, answer).await });
    }
}

async fn reply(path: &str, mut respond: SendResponse<Bytes>, answer: Answer) {
    let headers = |status: u16| {
        Response::builder()
            .status(status)
            .header("content-type", "application/grpc")
            .body(())
            .unwrap()
    };
    match answer {
        Answer::Http(status) => drop(respond.send_response(headers(status), true)),
        Answer::Refuse(code, text, trailers) => {
            let mut response = headers(200);
            response.headers_mut().extend(status(code, text, &trailers));
            drop(respond.send_response(response, true));
        }
        Answer::Messages(messages, code) => {
            let mut stream = respond.send_response(headers(200), false).unwrap();
            let _ = stream.send_data(frames(path, &messages), false);
            let _ = stream.send_trailers(status(code, "", &[]));
        }
        Answer::Cut(messages) => {
            let mut stream = respond.send_response(headers(200), false).unwrap();
            let _ = stream.send_data(frames(path, &messages), true);
        }
        Answer::StayOpen(messages, later) => {
            let mut stream = respond.send_response(headers(200), false).unwrap();
            let _ = stream.send_data(frames(path, &messages), false);
            if let Some(later) = later {
                wait::elapse(Duration::from_millis(200)).await;
                let _ = stream.send_data(frames(path, &[later]), false);
            }
            let _ = std::future::poll_fn(|context| stream.poll_reset(context)).await;
        }
    }
}

fn status(code: u8, text: &'static str, trailers: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    map.insert("grpc-status", HeaderValue::from(u16::from(code)));
    map.insert("grpc-message", HeaderValue::from_static(text));
    for (name, value) in trailers {
        map.insert(*name, HeaderValue::from_static(value));
    }
    map
}

fn frames(path: &str, messages: &[Value]) -> Bytes {
    let (service, name) = path.trim_start_matches('/').split_once('/').unwrap();
    let method = method(&format!("{}/{name}", service.rsplit('.').next().unwrap()));
    let mut frames = BytesMut::new();
    for message in messages {
        let encoded =
            from_recorded(&method.output(), message, &mut Names::default()).encode_to_vec();
        frames.put_u8(0);
        frames.put_u32(encoded.len().try_into().unwrap());
        frames.put_slice(&encoded);
    }
    frames.freeze()
}

/// A recording with one case of these steps.
fn recording(steps: &Value) -> String {
    json!({"recorded_from": "a script", "cases": [{"case": "00-script/one", "what": "a script", "steps": steps}]}).to_string()
}

async fn played(steps: &Value, answers: Vec<Answer>) -> Report {
    let mut target = scripted(answers).await;
    target.answer_within = Duration::from_secs(2);
    play(&target, &recording(steps)).await
}

/// Where the one case differs, and the whole report for a person.
async fn difference(steps: &Value, answers: Vec<Answer>) -> (String, String) {
    let report = played(steps, answers).await;
    assert_eq!(report.failed.len(), 1, "a doctored answer passed: {steps}");
    (report.failed[0].difference.at.clone(), report.to_string())
}

fn append(revision: &str, position: &str) -> Value {
    json!({"success": {"current_revision": revision, "position": {"commit_position": position, "prepare_position": position}}})
}

fn append_step(wanted: Value, code: &str) -> Value {
    let requests = json!([{"options": {"stream_identifier": {"stream_name": "s"}, "any": {}}}]);
    json!({"call": "Streams/Append", "requests": requests, "responses": [wanted], "status": {"code": code, "message": ""}})
}

#[tokio::test]
async fn an_answer_as_recorded_passes_and_each_doctored_one_fails() {
    let steps = json!([append_step(append("1", "@1"), "OK")]);
    assert_eq!(
        played(&steps, vec![Answer::Messages(vec![append("1", "77")], 0)])
            .await
            .passed,
        ["00-script/one"]
    );

    let (at, report) = difference(&steps, vec![Answer::Messages(vec![append("2", "77")], 0)]).await;
    assert_eq!(at, "responses[0].success.current_revision");
    assert!(
        report.contains("wanted \"1\"")
            && report.contains("came   \"2\"")
            && report.contains("request {\"options\""),
        "{report}"
    );
    let twice = vec![append("1", "77"), append("1", "77")];
    for (answer, place) in [
        (Answer::Messages(twice, 0), "responses[1]"),
        (Answer::Messages(Vec::new(), 0), "responses[0]"),
        (Answer::Messages(vec![append("1", "77")], 9), "status.code"),
        (Answer::Cut(vec![append("1", "77")]), "status.code"),
        (Answer::Http(500), "status.code"),
        (Answer::Refuse(9, "no", Vec::new()), "status.code"),
    ] {
        assert_eq!(
            difference(&steps, vec![answer.clone()]).await.0,
            place,
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_position_must_stay_the_same_and_goes_back_out_as_the_number_it_is() {
    let again = json!([
        append_step(append("0", "@1"), "OK"),
        append_step(append("0", "@1"), "OK")
    ]);
    let answer = |position: &str| Answer::Messages(vec![append("0", position)], 0);
    assert_eq!(
        played(&again, vec![answer("5"), answer("5")])
            .await
            .failed
            .len(),
        0
    );
    let (at, report) = difference(&again, vec![answer("5"), answer("6")]).await;
    assert_eq!(at, "responses[0].success.position.commit_position");
    assert!(
        report.contains("step 2") && report.contains("wanted \"@1\" = 5"),
        "{report}"
    );
}

#[tokio::test]
async fn an_error_must_come_with_its_trailers_and_before_the_headers_if_it_did() {
    let status = json!({"code": "FAILED_PRECONDITION", "message": "deleted", "trailers": {"exception": "stream-deleted"}, "trailers_only": true});
    let steps =
        json!([{"call": "Streams/Delete", "requests": [{}], "responses": [], "status": status}]);
    let right = vec![("exception", "stream-deleted")];
    assert_eq!(
        played(&steps, vec![Answer::Refuse(9, "deleted", right.clone())])
            .await
            .failed
            .len(),
        0
    );
    assert_eq!(
        difference(&steps, vec![Answer::Refuse(9, "gone", right)])
            .await
            .0,
        "status.message"
    );
    assert_eq!(
        difference(&steps, vec![Answer::Refuse(9, "deleted", Vec::new())])
            .await
            .0,
        "status.trailers.exception"
    );
    let late = json!([{"call": "Streams/Delete", "requests": [{}], "responses": [], "status": {"code": "ABORTED", "message": "", "trailers_only": true}}]);
    assert_eq!(
        difference(&late, vec![Answer::Messages(Vec::new(), 10)])
            .await
            .0,
        "status.trailers_only"
    );
}

/// An open subscription to one stream that is awaited once.
fn subscription(messages: &Value, ended: Option<&str>) -> Value {
    let options = json!({"stream": {"stream_identifier": {"stream_name": "s"}, "start": {}}, "subscription": {}, "no_filter": {}});
    let mut awaited = json!({"await": "sub", "messages": messages});
    if let Some(code) = ended {
        awaited["ended"] = json!({"code": code, "message": ""});
    }
    json!([{"open": "sub", "call": "Streams/Read", "requests": [{"options": options}]}, awaited, {"close": "sub"}])
}

fn confirmation() -> Value {
    json!({"confirmation": {"subscription_id": "213978f7-4c6c-4c2e-857e-94b5dc4af4c6"}})
}

#[tokio::test]
async fn an_open_call_brings_what_is_awaited_and_nothing_more() {
    let wanted = json!([{"confirmation": {"subscription_id": "<uuid>"}}, {"caught_up": {}}]);
    let came = vec![confirmation(), json!({"caught_up": {}})];
    let steps = subscription(&wanted, None);
    assert_eq!(
        played(&steps, vec![Answer::StayOpen(came.clone(), None)])
            .await
            .failed
            .len(),
        0
    );
    let more = Some(json!({"caught_up": {}}));
    assert_eq!(
        difference(&steps, vec![Answer::StayOpen(came.clone(), more)])
            .await
            .0,
        "messages[2]"
    );
    assert_eq!(
        difference(&steps, vec![Answer::Cut(came.clone())]).await.0,
        "the call's end"
    );

    let ends = subscription(&wanted, Some("ABORTED"));
    assert_eq!(
        played(&ends, vec![Answer::Messages(came.clone(), 10)])
            .await
            .failed
            .len(),
        0
    );
    assert_eq!(
        difference(&ends, vec![Answer::Messages(came, 0)]).await.0,
        "ended.code"
    );
}

#[tokio::test]
async fn an_answer_that_never_comes_is_reported_and_does_not_hang_the_run() {
    let wanted = json!([{"confirmation": {"subscription_id": "<uuid>"}}, {"caught_up": {}}]);
    let (at, _) = difference(
        &subscription(&wanted, None),
        vec![Answer::StayOpen(vec![confirmation()], None)],
    )
    .await;
    assert_eq!(at, "messages[1]");
    let (at, _) = difference(
        &json!([append_step(append("1", "@1"), "OK")]),
        vec![Answer::StayOpen(Vec::new(), None)],
    )
    .await;
    assert_eq!(at, "the call's end");
}

/// A filtered subscription to `$all` that finds one event, and the log as the player reads it
/// around it.
fn catch_up(messages: Vec<Value>, later: u64) -> (Value, Vec<Answer>) {
    let filter = json!({"stream_identifier": {"prefix": ["s"]}, "max": 1, "checkpointIntervalMultiplier": 1});
    let options = json!({"all": {"start": {}}, "subscription": {}, "filter": filter});
    let wanted = json!([{"confirmation": {"subscription_id": "<uuid>"}}, event(20), {"checkpoint": {"commit_position": "30"}}, {"caught_up": {}}]);
    let steps = json!([{"open": "sub", "call": "Streams/Read", "requests": [{"options": options}]}, {"await": "sub", "messages": wanted}]);
    let log = Answer::Messages(vec![event(10), event(20)], 0);
    let log_later = Answer::Messages(vec![event(10), event(20), event(later)], 0);
    let written = Answer::Messages(vec![append("0", "0")], 0);
    (
        steps,
        vec![
            log.clone(),
            Answer::StayOpen(messages, None),
            log,
            written,
            log_later,
        ],
    )
}

fn event(at: u64) -> Value {
    json!({"event": {"event": {"commit_position": at.to_string(), "prepare_position": at.to_string()}}})
}

fn checkpoint(commit: u64, prepare: u64) -> Value {
    json!({"checkpoint": {"commit_position": commit.to_string(), "prepare_position": prepare.to_string()}})
}

#[tokio::test]
async fn checkpoints_of_a_catch_up_may_differ_but_not_lie() {
    let caught_up = json!({"caught_up": {}});
    let run = |messages: Vec<Value>| {
        catch_up(
            [vec![confirmation()], messages, vec![caught_up.clone()]].concat(),
            30,
        )
    };

    for good in [
        vec![event(20), checkpoint(20, 20)],
        vec![
            checkpoint(10, 10),
            event(20),
            checkpoint(20, 20),
            checkpoint(30, 0),
        ],
    ] {
        let (steps, answers) = run(good);
        let report = played(&steps, answers).await;
        assert_eq!(report.failed.len(), 0, "{report}");
    }
    for (bad, place) in [
        (vec![event(20)], "messages[2]"),
        (vec![event(20), checkpoint(10, 10)], "messages[3]"),
        (vec![checkpoint(20, 20), event(20)], "messages[2]"),
        (
            vec![event(20), checkpoint(30, 30)],
            "a checkpoint before caught_up",
        ),
        (vec![checkpoint(20, 20)], "messages[1].event"),
    ] {
        let (steps, answers) = run(bad.clone());
        assert_eq!(difference(&steps, answers).await.0, place, "{bad:?}");
    }
}
