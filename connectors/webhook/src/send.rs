//! One attempt: signed, sent, and its answer read as far as it is worth.
//!
//! Nothing here tries twice, but for a token that the receiver no longer takes. The whole attempt
//! (a token, the connection, TLS, the request, the answer) has one deadline. A 2xx counts as soon
//! as its head is there: what becomes of its body changes nothing.

use crate::{
    attempt::{Attempt, Body, Fault, KEPT, Outcome, outcome_of, retry_after},
    echo::MARGIN,
    endpoint::{Authorizer, Endpoint},
    exchange::{Answer, Failure, exchange},
    message::Message,
    signing::SigningKeys,
    values::rfc3339,
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderName, HeaderValue, Request, StatusCode, header};
use http_body_util::Full;
use tokio::time::Instant;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const REQUEST_DATE: HeaderName = HeaderName::from_static("peerage-request-date");

/// How many headers are added to those of the message and of the endpoint.
const OWN: usize = 6;

/// Sends a message once. `now` is the clock's time, which is signed.
pub async fn send(
    endpoint: &Endpoint,
    keys: &SigningKeys,
    message: &Message,
    now: DateTime<Utc>,
) -> Attempt {
    let started = Instant::now();
    let ready = endpoint.ready();
    let deadline = started + ready.timeout;
    let request = match prepare(endpoint, keys, message, now) {
        Ok(request) => request,
        Err(why) => return ended(now, started, Outcome::RecordRefused, Fault::Request(why)),
    };
    let mut answer = match authorized(endpoint, request, deadline, now).await {
        Ok(answer) => answer,
        Err((outcome, fault)) => return ended(now, started, outcome, fault),
    };
    // A token may be withdrawn before its time. It is fetched anew once: if that one is not taken
    // either, it is not the token.
    if answer.status == StatusCode::UNAUTHORIZED
        && let Authorizer::Fetched(tokens) = &ready.authorizer
        && tokens.forget_all_but_fresh(started)
        && let Ok(request) = prepare(endpoint, keys, message, now)
    {
        answer = match authorized(endpoint, request, deadline, now).await {
            Ok(answer) => answer,
            Err((outcome, fault)) => return ended(now, started, outcome, fault),
        };
    }
    let outcome = outcome_of(answer.status, retry_after(answer.retry_after.as_ref(), now));
    let status = answer.status.as_u16();
    Attempt {
        at: now,
        took: started.elapsed(),
        status: Some(status),
        fault: (outcome != Outcome::Delivered).then_some(Fault::Status(status)),
        outcome,
        peer: answer.peer,
        body: answer.body,
    }
}

fn ended(at: DateTime<Utc>, started: Instant, outcome: Outcome, fault: Fault) -> Attempt {
    Attempt {
        at,
        took: started.elapsed(),
        status: None,
        outcome,
        fault: Some(fault),
        peer: None,
        body: Body::default(),
    }
}

/// The request without its authorization. The error says what of the record does not fit.
fn prepare(
    endpoint: &Endpoint,
    keys: &SigningKeys,
    message: &Message,
    now: DateTime<Utc>,
) -> Result<Request<Full<Bytes>>, String> {
    let ready = endpoint.ready();
    // The signature is over `id.timestamp.body`: with a dot in the id it could be read in two ways.
    if message.id.contains('.') || message.id.is_empty() {
        return Err(format!("{:?} is no id of a message", message.id));
    }
    let said = |error: http::header::InvalidHeaderValue| error.to_string();
    let url = ready
        .url
        .fill(&message.place)
        .map_err(|problem| problem.to_string())?;
    let mut request = Request::new(Full::new(message.body.clone()));
    *request.method_mut() = ready.method.clone();
    *request.uri_mut() = url;
    let headers = request.headers_mut();
    headers.clone_from(&message.headers);
    headers.reserve(ready.headers.len() + OWN);
    for (name, value) in &ready.headers {
        headers.append(name, value.clone());
    }
    headers.insert(
        header::ACCEPT_ENCODING,
        HeaderValue::from_static("identity"),
    );
    headers.insert(
        REQUEST_DATE,
        HeaderValue::from_str(&rfc3339(now)).map_err(said)?,
    );
    headers.insert(ID, HeaderValue::from_str(&message.id).map_err(said)?);
    headers.insert(TIMESTAMP, now.timestamp().into());
    if let Some(signature) = keys.signature(&message.id, now, &message.body) {
        headers.insert(SIGNATURE, signature);
    }
    Ok(request)
}

async fn authorized(
    endpoint: &Endpoint,
    mut request: Request<Full<Bytes>>,
    deadline: Instant,
    now: DateTime<Utc>,
) -> Result<Answer, Failure> {
    let ready = endpoint.ready();
    let header = match &ready.authorizer {
        Authorizer::None => None,
        Authorizer::Fixed(value) => Some(value.clone()),
        Authorizer::Fetched(tokens) => Some(tokens.header(deadline, ready.timeout, now).await?),
    };
    if let Some(value) = &header {
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, value.clone());
    }
    let keep = KEPT + MARGIN;
    let answer = exchange(&ready.client, request, deadline, ready.timeout, keep).await?;
    let body = ready.travelling.hidden(answer.body, header.as_ref());
    Ok(Answer { body, ..answer })
}
