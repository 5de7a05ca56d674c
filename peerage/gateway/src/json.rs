//! One call in JSON: the body becomes a message, the services answer as they answer gRPC, and
//! each message of theirs becomes a body or a line.
//!
//! A stream's lines go out as they come. Its last line is `{"error": …}` if it ended with one; if
//! it ended well there is no such line, and the body ends as HTTP lets a body end. The call ends
//! with its caller: when the connection goes, the service's future is dropped.

use crate::{
    codec::DynamicCodec,
    content::Protocol,
    deadline,
    methods::{Answer, Method},
    refusal::Refusal,
    status,
};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use limits::{ARRIVAL, Excess};
use parking_lot::Mutex;
use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage};
use std::{convert::Infallible, sync::Arc};
use tokio::time::{Instant, timeout};
use tonic::{Code, Status, Streaming, body::Body, client::Grpc, metadata::MetadataMap};
use tower::Service;

/// The most a request may have, as in gRPC.
pub(crate) const LARGEST_REQUEST: usize = 4 << 20;

/// The most that is read of a request that is too large.
const MOST_DISCARDED: usize = 16 << 20;

/// The most a message of an answer may have.
const LARGEST_MESSAGE: usize = 16 << 20;

/// The content type of a stream: one JSON text a line.
const JSON_LINES: HeaderValue = HeaderValue::from_static("application/x-ndjson");

/// Headers that mean something between the caller and this server alone, not to a service.
const NOT_METADATA: [HeaderName; 17] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::EXPECT,
    header::HOST,
    header::ORIGIN,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    deadline::REQUEST_TIMEOUT,
];

/// Calls `method` of `services`. They have the head first, and the body once they ask for it: who
/// is turned away by what the head says holds nothing meanwhile.
pub(crate) async fn answer<S>(
    services: S,
    method: &Method,
    request: Request<Body>,
) -> Response<Body>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let (head, body) = request.into_parts();
    let allowed = deadline::requested(&head.headers).map_err(|()| bad_timeout());
    let allowed = allowed.and_then(|it| encoded_plainly(&head.headers).map(|()| it));
    let allowed = match allowed {
        Ok(allowed) => allowed,
        Err(refusal) => return refusal.response(Protocol::Json),
    };
    let refused = Arc::new(Mutex::new(None));
    let message = {
        let (refused, method) = (Arc::clone(&refused), method.clone());
        stream::once(async move {
            let read = collect(body).await.and_then(|it| parse(&method, &it));
            read.map_err(|refusal| *refused.lock() = Some(refusal)).ok()
        })
    };
    let message = message.filter_map(std::future::ready);
    let metadata = MetadataMap::from_headers(metadata(head.headers));
    let mut call = tonic::Request::from_parts(metadata, head.extensions, message);
    let until = allowed.map(|allowed| {
        call.set_timeout(allowed);
        Instant::now() + allowed
    });
    let codec = DynamicCodec {
        output: method.output.clone(),
    };
    let mut client = Grpc::new(services).max_decoding_message_size(LARGEST_MESSAGE);
    match client.ready().await {
        Ok(()) => {}
        Err(never) => match never {},
    }
    let pool = method.output.parent_pool();
    let answer = match method.answer {
        Answer::Once => client
            .client_streaming(call, method.path.clone(), codec)
            .await
            .map(one),
        Answer::Stream => client
            .streaming(call, method.path.clone(), codec)
            .await
            .map(|answer| many(answer, until, pool.clone())),
    };
    // What is wrong with the body is said in its own words, not as a message that is missing.
    if let Some(refusal) = refused.lock().take() {
        return refusal.response(Protocol::Json);
    }
    answer.unwrap_or_else(|status| status::response(&status, Some(pool)))
}

/// The whole body of a request that is to become another one.
pub(crate) async fn whole(head: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    encoded_plainly(head)?;
    collect(body).await
}

/// One text of an answer, as itself.
pub(crate) async fn text(
    answer: Response<Body>,
    field: &str,
    content_type: &'static str,
) -> Response<Body> {
    if answer.status() != StatusCode::OK {
        return answer;
    }
    let (mut head, body) = answer.into_parts();
    let whole = body.collect().await.map(|it| it.to_bytes());
    let answer: Option<serde_json::Value> =
        whole.ok().and_then(|it| serde_json::from_slice(&it).ok());
    let text = answer
        .as_ref()
        .and_then(|it| it.get(field)?.as_str())
        .unwrap_or_default()
        .to_owned();
    let content_type = HeaderValue::from_static(content_type);
    head.headers.insert(header::CONTENT_TYPE, content_type);
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, Body::new(Full::from(text)))
}

/// What a service gets to see of the request's headers.
fn metadata(mut headers: HeaderMap) -> HeaderMap {
    let reserved: Vec<_> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("grpc-"))
        .cloned()
        .collect();
    for name in reserved.iter().chain(&NOT_METADATA) {
        headers.remove(name);
    }
    headers
}

fn encoded_plainly(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get(header::CONTENT_ENCODING) {
        None => Ok(()),
        Some(encoding) if encoding == "identity" => Ok(()),
        Some(_) => Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::InvalidArgument,
            "CONTENT_ENCODING_UNSUPPORTED",
            "send the body without a content encoding",
        )),
    }
}

/// The whole body. What is too large is read on for a while and thrown away: a client that is
/// still sending would not see its answer.
async fn collect(mut body: Body) -> Result<Bytes, Refusal> {
    let mut whole = BytesMut::new();
    let mut length = 0;
    let reading = async {
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else {
                continue;
            };
            length += data.len();
            if length <= LARGEST_REQUEST {
                whole.extend_from_slice(&data);
            } else if length > MOST_DISCARDED {
                break;
            }
        }
        Ok::<_, Status>(())
    };
    match timeout(ARRIVAL, reading).await {
        Ok(_) if length > LARGEST_REQUEST => Err(too_large()),
        Ok(Ok(())) => Ok(whole.freeze()),
        Ok(Err(status)) if !status.details().is_empty() => Err(Refusal::of(status)),
        Ok(Err(error)) => {
            let text = format!("the body broke off: {}", error.message());
            Err(Refusal::unreadable(None, text))
        }
        Err(_) => Err(Refusal::from(Excess::Late(ARRIVAL))),
    }
}

fn too_large() -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        Code::ResourceExhausted,
        "BODY_TOO_LARGE",
        format!("a request has at most {LARGEST_REQUEST} bytes"),
    )
}

fn bad_timeout() -> Refusal {
    Refusal::new(
        StatusCode::BAD_REQUEST,
        Code::InvalidArgument,
        "REQUEST_TIMEOUT_INVALID",
        "Request-Timeout is a number of seconds, such as 2.5",
    )
}

/// The message that a body is in JSON.
fn parse(method: &Method, body: &[u8]) -> Result<DynamicMessage, Refusal> {
    if body.is_empty() {
        let text = "the body is empty: send {} where a request has no fields".to_owned();
        return Err(Refusal::unreadable(None, text));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let options = DeserializeOptions::new();
    let input = method.input.clone();
    let message = DynamicMessage::deserialize_with_options(input, tracked, &options);
    let unreadable = |error: serde_json::Error, path: serde_path_to_error::Path| {
        // What could not be told apart has no name; the rest of the path has.
        let path = path.to_string();
        let known = path.trim_end_matches('?').trim_end_matches('.');
        let field = (!known.is_empty()).then(|| known.to_owned());
        Refusal::unreadable(field, error.to_string())
    };
    let message = message.map_err(|error| unreadable(error, track.path()))?;
    let rest = json.end();
    rest.map_err(|error| Refusal::unreadable(None, error.to_string()))?;
    Ok(message)
}

fn one(answer: tonic::Response<DynamicMessage>) -> Response<Body> {
    let (told, message, _) = answer.into_parts();
    let whole = if has_status(&told) {
        written(&message)
    } else {
        Err(broken())
    };
    match whole {
        Ok(text) => respond(told, status::JSON, Body::new(Full::from(text))),
        Err(status) => status::response(&status, None),
    }
}

fn many(
    answer: tonic::Response<Streaming<DynamicMessage>>,
    until: Option<Instant>,
    pool: DescriptorPool,
) -> Response<Body> {
    let (told, mut messages, _) = answer.into_parts();
    let at_once = has_status(&told);
    let lines = async_stream::stream! {
        loop {
            let line = match next(&mut messages, until).await {
                Ok(None) if at_once || ended_well(&mut messages).await => break,
                Ok(None) => Err(broken()),
                Ok(Some(message)) => written(&message),
                Err(status) => Err(status),
            };
            match line {
                Ok(text) => yield Ok::<_, Infallible>(Frame::data(line_of(text))),
                Err(status) => {
                    let error = status::spelled_out(&status, Some(&pool));
                    let last = serde_json::json!({ "error": error }).to_string();
                    yield Ok(Frame::data(line_of(last.into_bytes())));
                    break;
                }
            }
        }
    };
    respond(told, JSON_LINES, Body::new(StreamBody::new(lines)))
}

async fn next(
    messages: &mut Streaming<DynamicMessage>,
    until: Option<Instant>,
) -> Result<Option<DynamicMessage>, Status> {
    let next = messages.message();
    match until {
        None => next.await,
        Some(until) => tokio::time::timeout_at(until, next)
            .await
            .unwrap_or_else(|_| Err(deadline::exceeded())),
    }
}

/// A stream that ends without a status has not ended: it broke.
async fn ended_well(messages: &mut Streaming<DynamicMessage>) -> bool {
    let trailers = messages.trailers().await;
    trailers.is_ok_and(|it| it.is_some_and(|it| has_status(&it)))
}

fn has_status(told: &MetadataMap) -> bool {
    told.contains_key("grpc-status")
}

fn broken() -> Status {
    Status::unknown("the answer broke off")
}

fn respond(told: MetadataMap, content_type: HeaderValue, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.headers_mut() = status::told(told);
    status::finish(response.headers_mut());
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

fn written(message: &DynamicMessage) -> Result<Vec<u8>, Status> {
    let mut text = Vec::new();
    message
        .serialize_with_options(
            &mut serde_json::Serializer::new(&mut text),
            &status::options(),
        )
        .map_err(|error| Status::internal(format!("the answer has no JSON: {error}")))?;
    Ok(text)
}

/// A text as a line.
fn line_of(mut text: Vec<u8>) -> Bytes {
    text.push(b'\n');
    text.into()
}
