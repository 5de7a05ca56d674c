//! Tokens by client credentials: fetched when needed, kept, forgotten, and refused.

use super::receiver::{Receiver, Reply, Then};
use super::{endpoint, impatient, keys, message, now, secret, to};
use parking_lot::Mutex;
use peerage_webhook::{
    Attempt, Authentication, Endpoint, Fault, Outcome, Settings, Transport, send,
};
use std::sync::Arc;
use std::time::Duration;

fn with_tokens(settings: Settings, tokens: &Receiver) -> Settings {
    let authentication = Authentication::ClientCredentials {
        token_url: format!("http://127.0.0.1:{}/token", tokens.port),
        client_id: "peer age".to_owned(),
        client_secret: secret("s:e/cret"),
        scope: Some("hooks write".to_owned()),
        audience: None,
    };
    Settings {
        authentication,
        ..settings
    }
}

/// A token endpoint that gives `t1`, `t2`, … for so many seconds.
async fn tokens(seconds: u64) -> Receiver {
    let given = Mutex::new(0);
    Receiver::start(move |_| {
        *given.lock() += 1;
        let body = format!(
            r#"{{"access_token":"t{}","token_type":"bearer","expires_in":{seconds}}}"#,
            given.lock()
        );
        Reply::whole(200, "", &body)
    })
    .await
}

fn endpoint_with(receiver: &Receiver, tokens: &Receiver) -> Endpoint {
    endpoint(with_tokens(to(&receiver.url()), tokens))
}

async fn sent(endpoint: &Endpoint) -> Attempt {
    send(endpoint, &keys(), &message(), now()).await
}

fn bearers(receiver: &Receiver) -> Vec<String> {
    let seen = receiver.seen();
    seen.iter()
        .map(|it| it.header("authorization").unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn a_token_is_fetched_once_for_all_attempts_until_it_is_nearly_over() {
    let (tokens, receiver) = (tokens(100).await, Receiver::answering(200).await);
    let endpoint = endpoint(with_tokens(to(&receiver.url()), &tokens));
    let (first, second) = tokio::join!(sent(&endpoint), sent(&endpoint));
    assert_eq!(
        (first.outcome, second.outcome),
        (Outcome::Delivered, Outcome::Delivered)
    );
    assert_eq!(bearers(&receiver), ["Bearer t1", "Bearer t1"]);
    let asked = &tokens.seen()[0];
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("POST", "/token")
    );
    assert_eq!(
        asked.body,
        b"grant_type=client_credentials&scope=hooks%20write"
    );
    assert_eq!(
        asked.header("authorization"),
        Some("Basic cGVlciUyMGFnZTpzJTNBZSUyRmNyZXQ=")
    );
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(69)).await;
    tokio::time::resume();
    sent(&endpoint).await;
    assert_eq!(tokens.seen().len(), 1);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::time::resume();
    sent(&endpoint).await;
    assert_eq!(bearers(&receiver).last().unwrap(), "Bearer t2");
}

#[tokio::test]
async fn a_token_that_is_taken_no_more_is_fetched_anew_once() {
    let tokens = tokens(3600).await;
    let taken = Arc::new(Mutex::new("Bearer t1".to_owned()));
    let asked = Arc::clone(&taken);
    let receiver = Receiver::start(move |seen| {
        let status = if seen.header("authorization") == Some(&*asked.lock()) {
            200
        } else {
            401
        };
        Reply::whole(status, "", "")
    })
    .await;
    let endpoint = endpoint(with_tokens(to(&receiver.url()), &tokens));
    assert_eq!(sent(&endpoint).await.outcome, Outcome::Delivered);
    *taken.lock() = "Bearer t2".to_owned();
    assert_eq!(sent(&endpoint).await.outcome, Outcome::Delivered);
    assert_eq!(bearers(&receiver), ["Bearer t1", "Bearer t1", "Bearer t2"]);
    *taken.lock() = "none".to_owned();
    let refused = sent(&endpoint).await;
    assert_eq!(
        (refused.outcome, refused.status),
        (Outcome::EndpointRefused, Some(401))
    );
    assert_eq!(
        tokens.seen().len(),
        3,
        "and no further one in the same attempt"
    );
    let anew = endpoint_with(&receiver, &tokens);
    let before = receiver.seen().len();
    assert_eq!(sent(&anew).await.status, Some(401));
    assert_eq!(receiver.seen().len(), before + 1, "it is not asked again");
    assert_eq!(tokens.seen().len(), 4, "nor for one that is fresh");
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_and_whose_fault_it_is_follows_the_token_endpoint() {
    let transient = Outcome::Transient { retry_after: None };
    let later = Outcome::Transient {
        retry_after: Some(Duration::from_secs(9)),
    };
    let cases: [(Reply, Outcome); 10] = [
        (
            Reply::whole(400, "", r#"{"error":"invalid_client"}"#),
            Outcome::EndpointRefused,
        ),
        (Reply::whole(401, "", ""), Outcome::EndpointRefused),
        (
            Reply::whole(302, "location: http://127.0.0.1/\r\n", ""),
            Outcome::EndpointRefused,
        ),
        (Reply::whole(200, "", "no json"), Outcome::EndpointRefused),
        (
            Reply::whole(200, "", r#"{"access_token":"a","token_type":"mac"}"#),
            Outcome::EndpointRefused,
        ),
        (
            Reply::whole(
                200,
                "",
                "{\"access_token\":\"a\\n\",\"token_type\":\"bearer\"}",
            ),
            Outcome::EndpointRefused,
        ),
        (Reply::whole(503, "retry-after: 9\r\n", ""), later),
        (
            Reply::raw("HTTP/1.1 200 X\r\ncontent-length: 99\r\n\r\n{", Then::Close),
            transient,
        ),
        (Reply::raw("", Then::Reset), transient),
        (Reply::raw("", Then::Hang), transient),
    ];
    for (reply, outcome) in cases {
        let shown = format!("{reply:?}");
        let patience = match reply.1 {
            Then::Hang => impatient,
            Then::Next | Then::Close | Then::Reset | Then::Again => to,
        };
        let tokens = Receiver::start(move |_| reply.clone()).await;
        let receiver = Receiver::answering(200).await;
        let endpoint = endpoint(with_tokens(patience(&receiver.url()), &tokens));
        let attempt = sent(&endpoint).await;
        assert_eq!(attempt.outcome, outcome, "{shown}");
        assert_eq!(receiver.connections(), 0);
        let fault = attempt.fault.unwrap();
        assert!(
            matches!(
                fault,
                Fault::Token(_) | Fault::Answer(_) | Fault::Timeout(_)
            ),
            "{fault:?}"
        );
        assert!(!fault.to_string().contains("cret"));
    }
}

#[tokio::test]
async fn the_token_endpoint_is_dialled_through_the_same_guard() {
    let (tokens, receiver) = (tokens(60).await, Receiver::answering(200).await);
    let mut settings = with_tokens(to(&receiver.url()), &tokens);
    if let Authentication::ClientCredentials { token_url, .. } = &mut settings.authentication {
        *token_url = format!("http://localhost:{}/token", tokens.port);
    }
    let endpoint = Endpoint::new(settings, &Transport::default()).unwrap();
    let attempt = sent(&endpoint).await;
    assert_eq!(attempt.outcome, Outcome::EndpointRefused);
    assert!(
        matches!(attempt.fault, Some(Fault::Refused(_))),
        "{:?}",
        attempt.fault
    );
    assert_eq!((tokens.connections(), receiver.connections()), (0, 0));
}
