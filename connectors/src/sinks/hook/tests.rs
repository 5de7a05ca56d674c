//! Webhooks in the runtime: which keys sign when, what an answer means, and who is left alone.

use super::*;
use crate::sink::Item;
use domain::{EventId, connector::Sink as AnySink};
use journal::{Body, Position, Recorded};
use serde_json::json;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use uuid::Uuid;
use webhook::{Body as Answered, BreakerSettings};

const SECRETS: [&str; 3] = [
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "whsec_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB",
];

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn webhook(url: &str, hosts: &[&str]) -> Webhook {
    let sink = json!({ "type": "webhook", "url": url, "allowed_hosts": hosts });
    match serde_json::from_value(sink).unwrap() {
        AnySink::Webhook(webhook) => webhook,
        other @ (AnySink::File(_) | AnySink::Stdout) => panic!("{other:?}"),
    }
}

fn signatures(keys: &SigningKeys) -> Vec<String> {
    let all = keys.signature("msg", at(0), b"{}");
    let all = all.map(|it| it.to_str().unwrap().to_owned());
    let all = all.unwrap_or_default();
    all.split_whitespace().map(str::to_owned).collect()
}

/// What these secrets sign, in this order.
fn by(secrets: &[&str]) -> Vec<String> {
    let secrets: Vec<SecretString> = secrets.iter().map(|it| (*it).into()).collect();
    signatures(&SigningKeys::parse(&secrets).unwrap())
}

#[test]
fn a_secret_that_was_replaced_signs_beside_the_new_one_until_its_grace_is_over() {
    let [new, old, older] = SECRETS;
    let all = vec![
        (new.into(), None),
        (old.into(), Some(at(200))),
        (older.into(), Some(at(100))),
    ];
    let mut keys = Keys::new(all, at(0)).unwrap();
    let mut signed = |seconds| signatures(&keys.at(at(seconds)).unwrap());
    assert_eq!(signed(0), by(&[new, old, older]));
    assert_eq!(signed(99), by(&[new, old, older]));
    assert_eq!(signed(100), by(&[new, old]));
    assert_eq!(signed(199), by(&[new, old]));
    assert_eq!(signed(200), by(&[new]));
    assert_eq!(signed(9_999_999), by(&[new]));
    // What was over before it began never signs.
    let over = vec![(new.into(), None), (old.into(), Some(at(0)))];
    let mut keys = Keys::new(over, at(0)).unwrap();
    assert_eq!(signatures(&keys.at(at(0)).unwrap()), by(&[new]));
}

#[test]
fn each_fault_is_the_records_or_the_endpoints_or_the_moments() {
    let retry_after = Some(Duration::from_secs(7));
    let attempt = |outcome, fault| webhook::Attempt {
        at: at(0),
        took: Duration::ZERO,
        status: None,
        outcome,
        fault,
        peer: None,
        body: Answered::default(),
    };
    let said = || "why".to_owned();
    let transient = webhook::Outcome::Transient { retry_after };
    let faults = [
        (Fault::Resolve(said()), true),
        (Fault::Connect(said()), true),
        (Fault::Tls(said()), true),
        (Fault::Token(said()), true),
        (Fault::Status(503), false),
        (Fault::Timeout(Duration::from_secs(15)), false),
        (Fault::Answer(said()), false),
        (Fault::Request(said()), false),
    ];
    for (fault, is_endpoints) in faults {
        let cause = fault.to_string();
        let wanted = if is_endpoints {
            Outcome::EndpointFailed { cause, retry_after }
        } else {
            Outcome::Busy { cause, retry_after }
        };
        assert_eq!(meaning(&attempt(transient, Some(fault))), wanted);
    }
    let status = |it| (Some(Fault::Status(it)), Fault::Status(it).to_string());
    let (fault, cause) = status(422);
    let refused = meaning(&attempt(webhook::Outcome::RecordRefused, fault));
    assert_eq!(refused, Outcome::RecordRefused(cause));
    let (fault, cause) = status(401);
    let refused = meaning(&attempt(webhook::Outcome::EndpointRefused, fault));
    let retry_after = None;
    assert_eq!(refused, Outcome::EndpointFailed { cause, retry_after });
    let (fault, _) = status(410);
    let gone = meaning(&attempt(webhook::Outcome::Gone, fault));
    assert_eq!(gone, Outcome::Gone);
    let delivered = meaning(&attempt(webhook::Outcome::Delivered, None));
    assert_eq!(delivered, Outcome::Delivered);
}

#[test]
fn without_tls_a_host_is_dialled_only_if_it_is_named() {
    for (url, hosts, is_plain) in [
        ("http://127.0.0.1:8080/in", &["127.0.0.1"][..], true),
        ("http://hooks.local/in", &["HOOKS.local"], true),
        ("http://hooks.local:80?a=1", &["other", "hooks.local"], true),
        ("http://[::1]:8080/in", &["::1"], true),
        ("http://[::1]/in", &["::1"], true),
        ("http://hooks.local.evil.example/", &["hooks.local"], false),
        ("http://evil.example/hooks.local", &["hooks.local"], false),
        ("http://hooks.local/in", &[], false),
        ("https://hooks.local/in", &["hooks.local"], false),
    ] {
        let webhook = webhook(url, hosts);
        assert_eq!(is_plain_at_an_allowed_host(&webhook), is_plain, "{url}");
    }
}

/// Something that answers every request with this status; where, and how many there were.
async fn answers(status: u16) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let count: Arc<AtomicUsize> = Arc::default();
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut bytes = [0; 65_536];
            let _ = stream.read(&mut bytes).await;
            let head =
                format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
        }
    });
    (port, count)
}

fn sink(port: u16, path: &str, breakers: &Arc<Breakers>, clock: Clock) -> HookSink {
    let id: ConnectorId = "webhook".parse().unwrap();
    let url = format!("http://127.0.0.1:{port}/{path}");
    let webhook = webhook(&url, &["127.0.0.1"]);
    let (transport, breakers) = (Transport::default(), Arc::clone(breakers));
    HookSink::new(&id, &webhook, None, &transport, breakers, clock).unwrap()
}

fn parcel() -> Parcel {
    let recorded = Recorded {
        stream: "connector-another".to_owned(),
        network_id: None,
        revision: 0,
        position: Position::START,
        event_id: EventId(Uuid::from_u128(1)),
        created: at(0),
        metadata: None,
        stored: Default::default(),
        data: b"{}".to_vec().into(),
        body: Body::Undecodable {
            event_type: "ConnectorTested".to_owned(),
            problem: String::new(),
        },
    };
    let item = Item {
        recorded: Arc::new(recorded),
        sequence: 1,
        names: None,
        changed: None,
    };
    Parcel {
        connector: "webhook".parse().unwrap(),
        lane: "another".to_owned(),
        items: vec![item],
        attempt: 1,
        is_replay: false,
    }
}

#[tokio::test]
async fn a_host_that_fails_is_left_alone_by_all_who_send_there_and_no_other_host_is() {
    let (failing, asked) = answers(503).await;
    let (healthy, served) = answers(200).await;
    let first_pause = Duration::from_secs(5);
    let breakers = Arc::new(Breakers::new(BreakerSettings {
        failures: 2,
        first_pause,
        longest_pause: Duration::from_secs(60),
    }));
    let seconds = Arc::new(AtomicI64::new(0));
    let told = Arc::clone(&seconds);
    let clock: Clock = Arc::new(move || at(told.load(Ordering::SeqCst)));
    let one = sink(failing, "one", &breakers, clock.clone());
    let other = sink(failing, "other", &breakers, clock.clone());
    let elsewhere = sink(healthy, "one", &breakers, clock);
    let parcel = parcel();
    for _ in 0..2 {
        let attempt = one.deliver(&parcel).await;
        assert!(matches!(attempt.outcome, Outcome::Busy { .. }));
        assert_eq!(attempt.status, Some(503));
    }
    for sink in [&one, &other] {
        let attempt = sink.deliver(&parcel).await;
        assert!(
            matches!(
                &attempt.outcome,
                Outcome::EndpointFailed { retry_after, .. } if *retry_after == Some(first_pause)
            ),
            "{attempt:?}"
        );
        assert_eq!(attempt.status, None);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2, "nothing was dialled");
    assert_eq!(elsewhere.deliver(&parcel).await.outcome, Outcome::Delivered);
    assert_eq!(served.load(Ordering::SeqCst), 1);
    // Its pause is over: one asks again.
    seconds.store(5, Ordering::SeqCst);
    let attempt = other.deliver(&parcel).await;
    assert_eq!(attempt.status, Some(503));
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}
