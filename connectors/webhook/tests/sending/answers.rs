//! What comes of each answer, and of each way not to answer.

use super::receiver::{Receiver, Reply, Then};
use super::{endpoint, impatient, keys, message, now, secret, to};
use parking_lot::Mutex;
use peerage_webhook::guard::Class;
use peerage_webhook::{
    Attempt, Authentication, BodyEnd, Endpoint, Fault, KEPT, Outcome, Resolve, Settings,
    SigningKeys, Transport, send,
};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use testkit::{ports, wait};

const TRANSIENT: Outcome = Outcome::Transient { retry_after: None };

async fn sent(settings: Settings) -> Attempt {
    let endpoint = endpoint(settings);
    wait::soon(send(&endpoint, &keys(), &message(), now())).await
}

#[tokio::test]
async fn a_delivery_is_signed_and_says_what_it_is() {
    let receiver = Receiver::answering(204).await;
    let settings = Settings {
        method: "PUT".to_owned(),
        headers: vec![
            ("X-Key".to_owned(), secret("k")),
            ("User-Agent".to_owned(), secret("mine")),
        ],
        authentication: Authentication::Basic {
            username: "ann".to_owned(),
            password: secret("pw:d"),
        },
        ..to(&format!(
            "http://127.0.0.1:{}/h/{{network}}/{{event-type}}?v=1",
            receiver.port
        ))
    };
    let attempt = sent(settings).await;
    assert_eq!(
        (attempt.outcome, attempt.status),
        (Outcome::Delivered, Some(204))
    );
    assert_eq!((attempt.fault, attempt.at), (None, now()));
    assert_eq!(attempt.peer.unwrap().port(), receiver.port);
    let [seen] = &receiver.seen()[..] else {
        panic!("one request")
    };
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        ("PUT", "/h/prod%2Feu/PeeringRequested?v=1")
    );
    let message = message();
    assert_eq!(seen.body, message.body);
    let signature = keys().signature(&message.id, now(), &message.body).unwrap();
    for (name, wanted) in [
        ("webhook-id", "00000000-0000-0000-0000-000000000007"),
        ("webhook-timestamp", "1795953600"),
        ("webhook-signature", signature.to_str().unwrap()),
        ("content-type", "application/json"),
        ("accept-encoding", "identity"),
        ("user-agent", "mine"),
        ("x-key", "k"),
        ("authorization", "Basic YW5uOnB3OmQ="),
        ("peerage-request-date", "2026-11-29T12:00:00Z"),
        ("peerage-lane-sequence", "1"),
        ("peerage-record-id", "00000000-0000-0000-0000-000000000007"),
        ("host", &format!("127.0.0.1:{}", receiver.port)),
    ] {
        assert_eq!(seen.header(name), Some(wanted), "{name}");
    }
}

#[tokio::test]
async fn without_a_key_there_is_no_signature_and_a_bearer_token_is_sent_as_it_is() {
    let receiver = Receiver::answering(200).await;
    let authentication = Authentication::Bearer {
        token: secret("t0k3n"),
    };
    let endpoint = endpoint(Settings {
        authentication,
        ..to(&receiver.url())
    });
    send(&endpoint, &SigningKeys::default(), &message(), now()).await;
    let seen = receiver.seen();
    assert_eq!(seen[0].header("webhook-signature"), None);
    assert_eq!(seen[0].header("authorization"), Some("Bearer t0k3n"));
    assert_eq!(
        seen[0].header("user-agent"),
        Some(concat!("Peerage/", env!("CARGO_PKG_VERSION")))
    );
}

#[tokio::test]
async fn each_status_says_whose_fault_it_is() {
    for (status, outcome) in [
        (200, Outcome::Delivered),
        (202, Outcome::Delivered),
        (299, Outcome::Delivered),
        (301, Outcome::EndpointRefused),
        (304, Outcome::EndpointRefused),
        (400, Outcome::RecordRefused),
        (413, Outcome::RecordRefused),
        (422, Outcome::RecordRefused),
        (418, Outcome::RecordRefused),
        (401, Outcome::EndpointRefused),
        (403, Outcome::EndpointRefused),
        (404, Outcome::EndpointRefused),
        (405, Outcome::EndpointRefused),
        (408, TRANSIENT),
        (425, TRANSIENT),
        (429, TRANSIENT),
        (500, TRANSIENT),
        (503, TRANSIENT),
        (599, TRANSIENT),
        (410, Outcome::Gone),
    ] {
        let receiver = Receiver::answering(status).await;
        let attempt = sent(to(&receiver.url())).await;
        assert_eq!((attempt.status, attempt.outcome), (Some(status), outcome));
        let fault = (outcome != Outcome::Delivered).then_some(Fault::Status(status));
        assert_eq!(attempt.fault, fault);
        assert_eq!(receiver.seen().len(), 1, "{status} is tried once");
    }
}

#[tokio::test]
async fn a_receiver_says_when_to_come_again() {
    for (said, seconds) in [
        ("7", 7),
        ("Sun, 29 Nov 2026 12:00:30 GMT", 30),
        ("999999", 3600),
    ] {
        let header = format!("retry-after: {said}\r\n");
        let receiver = Receiver::start(move |_| Reply::whole(503, &header, "")).await;
        let retry_after = Some(Duration::from_secs(seconds));
        assert_eq!(
            sent(to(&receiver.url())).await.outcome,
            Outcome::Transient { retry_after }
        );
    }
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let elsewhere = Receiver::answering(200).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: {}\r\n", elsewhere.url());
        let receiver = Receiver::start(move |_| Reply::whole(status, &location, "")).await;
        assert_eq!(
            sent(to(&receiver.url())).await.outcome,
            Outcome::EndpointRefused
        );
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn of_a_long_answer_the_beginning_is_kept_and_the_connection_is_used_again() {
    let long = format!("{}é{}", "x".repeat(KEPT - 1), "y".repeat(5000));
    let receiver = Receiver::start(move |_| Reply::whole(500, "", &long)).await;
    let endpoint = endpoint(to(&receiver.url()));
    for _ in 0..2 {
        let body = send(&endpoint, &keys(), &message(), now()).await.body;
        assert_eq!((body.text, body.end), ("x".repeat(KEPT - 1), BodyEnd::Cut));
    }
    assert_eq!(receiver.connections(), 1);
    let short = Receiver::start(|_| Reply::whole(400, "", "no such field: \u{e9}")).await;
    let body = sent(to(&short.url())).await.body;
    assert_eq!(
        (body.text.as_str(), body.end),
        ("no such field: é", BodyEnd::Whole)
    );
}

#[tokio::test]
async fn a_receiver_that_says_back_what_it_was_sent_shows_no_secret() {
    const SECRETS: [&str; 4] = [
        "hunter2-hunter2",
        "YW5uOmh1bnRlcjItaHVudGVyMg==",
        "s3cr3t-key",
        "hunter2",
    ];
    // Also where the end of what is kept cuts through one.
    for before in (0..2040).step_by(400).chain(2000..2040) {
        let receiver = Receiver::start(move |seen| {
            let all = seen.headers.iter();
            let all = all.map(|(name, value)| format!("{name}: {value} "));
            let all: String = all.collect();
            let padding = "x".repeat(before);
            Reply::whole(
                400,
                "",
                &format!("hunter2-hunter2 {padding}{all}hunter2-hunter2"),
            )
        })
        .await;
        let attempt = sent(Settings {
            headers: vec![("x-key".to_owned(), secret("s3cr3t-key"))],
            authentication: Authentication::Basic {
                username: "ann".to_owned(),
                password: secret("hunter2-hunter2"),
            },
            ..to(&receiver.url())
        })
        .await;
        let text = attempt.body.text;
        assert!(
            text.starts_with("[hidden] ") && text.len() <= KEPT,
            "{text}"
        );
        let shown = SECRETS.iter().find(|it| text.contains(&it[..4]));
        assert_eq!(shown, None, "{before}: {text}");
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_cut_and_its_status_counts() {
    let endless = "HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = format!("{endless}4000\r\n{}\r\n", "x".repeat(0x4000));
    let chunks = move |_: &_| Reply::raw(&chunk, Then::Again);
    // The second time the head comes it is no chunk: the body ends as broken, or is cut before.
    let receiver = Receiver::start(chunks).await;
    let attempt = sent(to(&receiver.url())).await;
    assert_eq!(attempt.outcome, Outcome::Delivered);
    assert_eq!(attempt.body.text.len(), KEPT);
    let until_close = format!("HTTP/1.1 200 X\r\n\r\n{}", "x".repeat(16 * 1024));
    let until_close = Receiver::start(move |_| Reply::raw(&until_close, Then::Again)).await;
    let started = Instant::now();
    let attempt = sent(to(&until_close.url())).await;
    assert_eq!(
        (attempt.outcome, attempt.body.end),
        (Outcome::Delivered, BodyEnd::Cut)
    );
    assert!(
        started.elapsed() < Duration::from_millis(1500),
        "enough is enough, before the time of a body is over"
    );
}

#[tokio::test]
async fn a_2xx_that_was_seen_is_a_delivery_whatever_becomes_of_its_body() {
    for then in [Then::Close, Then::Reset, Then::Hang] {
        let half = "HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\nhalf";
        let receiver = Receiver::start(move |_| Reply::raw(half, then)).await;
        let attempt = sent(to(&receiver.url())).await;
        assert_eq!(
            (attempt.outcome, attempt.status),
            (Outcome::Delivered, Some(200)),
            "{then:?}"
        );
        assert_eq!(attempt.body.end, BodyEnd::Broken, "{then:?}");
        assert!(attempt.took < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn no_answer_half_an_answer_and_nonsense_are_told_apart_from_a_timeout() {
    for (bytes, then) in [
        ("", Then::Close),
        ("", Then::Reset),
        ("HTTP/1.1 200", Then::Close),
        ("HTTP/1.1 200 X\r\ncontent-", Then::Reset),
        ("SSH-2.0-OpenSSH_9.6\r\n", Then::Hang),
        ("HTTP/1.1 200 X\r\ncontent-length: nine\r\n\r\n", Then::Hang),
    ] {
        let receiver = Receiver::start(move |_| Reply::raw(bytes, then)).await;
        let attempt = sent(to(&receiver.url())).await;
        assert_eq!(
            (attempt.outcome, attempt.status),
            (TRANSIENT, None),
            "{bytes:?} {then:?}"
        );
        assert!(
            matches!(attempt.fault, Some(Fault::Answer(_))),
            "{bytes:?} {then:?}: {:?}",
            attempt.fault
        );
        assert_eq!(receiver.seen().len(), 1, "it is tried once");
    }
    for bytes in ["", "HTTP/1.1 200 X\r\ncontent-le"] {
        let receiver = Receiver::start(move |_| Reply::raw(bytes, Then::Hang)).await;
        let attempt = sent(impatient(&receiver.url())).await;
        assert_eq!(
            attempt.fault,
            Some(Fault::Timeout(Duration::from_millis(300)))
        );
        assert_eq!(attempt.outcome, TRANSIENT);
        assert!(
            attempt.took >= Duration::from_millis(300) && attempt.took < Duration::from_secs(5)
        );
    }
}

#[tokio::test]
async fn an_answer_with_a_head_without_end_is_no_answer() {
    let receiver = Receiver::start(|_| {
        Reply::raw(
            &format!("HTTP/1.1 200 X\r\nx: {}", "y".repeat(8000)),
            Then::Again,
        )
    })
    .await;
    let attempt = sent(to(&receiver.url())).await;
    assert!(
        matches!(attempt.fault, Some(Fault::Answer(_))),
        "{:?}",
        attempt.fault
    );
}

#[tokio::test]
async fn nobody_there_is_a_fault_of_the_connection() {
    let attempt = sent(to(&format!("http://127.0.0.1:{}/", ports::free()))).await;
    assert_eq!(attempt.outcome, TRANSIENT);
    assert!(
        matches!(attempt.fault, Some(Fault::Connect(_))),
        "{:?}",
        attempt.fault
    );
}

/// Answers one after the other, the last one for ever; no answer is a fault.
#[derive(Debug)]
struct Answers(Mutex<VecDeque<Option<&'static str>>>);

#[async_trait::async_trait]
impl Resolve for Answers {
    async fn resolve(&self, _: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        let mut answers = self.0.lock();
        let answer = if answers.len() > 1 {
            answers.pop_front().unwrap()
        } else {
            answers[0]
        };
        let address = answer.ok_or_else(|| std::io::Error::other("no such name"))?;
        Ok(vec![SocketAddr::new(address.parse().unwrap(), port)])
    }
}

fn resolving(settings: Settings, answers: &[Option<&'static str>]) -> Endpoint {
    let resolver = Answers(Mutex::new(answers.iter().copied().collect()));
    Endpoint::new(settings, &Transport::new(resolver)).unwrap()
}

#[tokio::test]
async fn a_name_that_moves_is_refused_at_its_next_connection_and_one_that_was_vetted_stays_good() {
    let receiver = Receiver::start(|seen| {
        let then = if seen.connection == 1 && seen.header("x-last").is_none() {
            Then::Next
        } else {
            Then::Close
        };
        Reply(Reply::whole(200, "", "").0, then)
    })
    .await;
    let url = format!("http://hooks.internal:{}/", receiver.port);
    let endpoint = resolving(to(&url), &[Some("127.0.0.1"), Some("0.0.0.0")]);
    let send_one = || async { send(&endpoint, &keys(), &message(), now()).await };
    assert_eq!(send_one().await.outcome, Outcome::Delivered);
    assert_eq!(
        send_one().await.outcome,
        Outcome::Delivered,
        "over the same connection"
    );
    let (first, second) = tokio::join!(send_one(), send_one());
    let refused = if first.outcome == Outcome::Delivered {
        second
    } else {
        first
    };
    assert_eq!(
        refused.outcome,
        Outcome::EndpointRefused,
        "a second connection is a new lookup"
    );
    let Some(Fault::Refused(refused)) = refused.fault else {
        panic!("{:?}", refused.fault)
    };
    assert_eq!(
        (refused.class, refused.host.as_str()),
        (Class::Reserved, "hooks.internal")
    );
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn a_name_that_leads_inside_is_the_endpoints_fault_and_one_that_leads_nowhere_may_come_back()
{
    let receiver = Receiver::answering(200).await;
    let url = format!("http://other.internal:{}/", receiver.port);
    let refused = resolving(to(&url), &[Some("127.0.0.1")]);
    let attempt = send(&refused, &keys(), &message(), now()).await;
    assert_eq!(attempt.outcome, Outcome::EndpointRefused);
    assert!(
        attempt
            .fault
            .unwrap()
            .to_string()
            .ends_with("allow list: other.internal")
    );
    let nowhere = resolving(to(&url), &[None]);
    let attempt = send(&nowhere, &keys(), &message(), now()).await;
    assert_eq!(attempt.outcome, TRANSIENT);
    assert!(
        matches!(attempt.fault, Some(Fault::Resolve(_))),
        "{:?}",
        attempt.fault
    );
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_connection_is_used_again_until_its_time_is_over() {
    let receiver = Receiver::answering(200).await;
    let endpoint = endpoint(to(&receiver.url()));
    let send_one = || async { send(&endpoint, &keys(), &message(), now()).await };
    // It is never without use for long enough to be given up for that.
    for _ in 0..6 {
        send_one().await;
        pass(Duration::from_secs(49)).await;
    }
    send_one().await;
    assert_eq!(receiver.connections(), 1);
    pass(Duration::from_secs(7)).await;
    send_one().await;
    send_one().await;
    assert_eq!(
        receiver.connections(),
        2,
        "and then the name is resolved again"
    );
}

/// Lets so much time be over.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_connection_that_the_receiver_has_ended_is_no_fault_of_the_next_delivery() {
    let receiver = Receiver::start(|_| Reply(Reply::whole(200, "", "").0, Then::Close)).await;
    let endpoint = endpoint(to(&receiver.url()));
    for _ in 0..5 {
        let attempt = send(&endpoint, &keys(), &message(), now()).await;
        assert_eq!(attempt.outcome, Outcome::Delivered, "{:?}", attempt.fault);
        // Until the end of it has come here.
        wait::elapse(Duration::from_millis(50)).await;
    }
    assert_eq!((receiver.connections(), receiver.seen().len()), (5, 5));
}

#[tokio::test]
async fn an_id_that_a_signature_could_not_tell_apart_is_not_sent() {
    let receiver = Receiver::answering(200).await;
    let endpoint = endpoint(to(&receiver.url()));
    for id in ["a.b", "", "a\nb"] {
        let message = peerage_webhook::Message {
            id: id.to_owned(),
            ..message()
        };
        let attempt = send(&endpoint, &keys(), &message, now()).await;
        assert_eq!(attempt.outcome, Outcome::RecordRefused);
        assert!(matches!(attempt.fault, Some(Fault::Request(_))));
    }
    assert_eq!(receiver.connections(), 0);
}
