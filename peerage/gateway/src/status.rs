//! gRPC's statuses in HTTP's terms: a code, and `google.rpc.Status` as JSON with its details
//! spelled out.

use base64::{Engine as _, prelude::BASE64_STANDARD as STANDARD};
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;
use tonic::{Code, Status, body::Body, metadata::MetadataMap};
use tonic_types::StatusExt as _;

/// What Google's errors consist of.
static DETAILS: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(tonic_types::pb::FILE_DESCRIPTOR_SET).unwrap_or_default()
});

/// How messages are written: 64-bit numbers as texts, enums by name, fields in lowerCamelCase,
/// and without those that are empty, as protobuf's JSON mapping says.
pub(crate) fn options() -> SerializeOptions {
    SerializeOptions::new()
}

/// An error as an answer of its own.
pub(crate) fn response(status: &Status, pool: Option<&DescriptorPool>) -> Response<Body> {
    let body = spelled_out(status, pool).to_string();
    let mut response = Response::new(Body::new(Full::from(body)));
    *response.status_mut() = code(status.code());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, JSON);
    finish(headers);
    if status.code() == Code::Unauthenticated {
        headers.insert(header::WWW_AUTHENTICATE, BEARER);
    }
    let retry = status
        .get_details_retry_info()
        .and_then(|it| it.retry_delay);
    if let Some(delay) = retry {
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// How a caller who is not known may become so.
const BEARER: HeaderValue = HeaderValue::from_static("Bearer");

/// The content type of all that is no stream.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What every answer says to browsers and caches: that it is what it says, for now.
pub(crate) fn finish(headers: &mut http::HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
}

/// `google.rpc.Status` as JSON. Details of a type that neither Google's errors nor `pool` know
/// stay bytes.
pub(crate) fn spelled_out(status: &Status, pool: Option<&DescriptorPool>) -> Value {
    let details = tonic_types::pb::Status::decode(status.details()).unwrap_or_default();
    let details = details.details.iter().map(|any| detail(any, pool));
    json!({
        "code": i32::from(status.code()),
        "message": status.message(),
        "details": details.collect::<Vec<_>>(),
    })
}

fn detail(any: &prost_types::Any, pool: Option<&DescriptorPool>) -> Value {
    let name = any.type_url.rsplit('/').next().unwrap_or_default();
    let pools = std::iter::once(&*DETAILS).chain(pool);
    let described = pools
        .filter_map(|pool| pool.get_message_by_name(name))
        .next();
    let message = described
        .and_then(|descriptor| DynamicMessage::decode(descriptor, any.value.as_slice()).ok())
        .and_then(|message| {
            let serializer = serde_json::value::Serializer;
            message.serialize_with_options(serializer, &options()).ok()
        });
    let mut fields = Map::from_iter([("@type".to_owned(), Value::from(any.type_url.as_str()))]);
    match message {
        Some(Value::Object(message)) => fields.extend(message),
        Some(other) => {
            fields.insert("value".to_owned(), other);
        }
        None => {
            fields.insert("value".to_owned(), STANDARD.encode(&any.value).into());
        }
    }
    Value::Object(fields)
}

/// The HTTP status of a gRPC code, as `google.rpc.Code` documents it.
pub(crate) fn code(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::Cancelled => StatusCode::from_u16(499).unwrap_or(StatusCode::REQUEST_TIMEOUT),
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
            StatusCode::BAD_REQUEST
        }
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What a service said beside its message, as headers of the answer.
pub(crate) fn told(metadata: MetadataMap) -> http::HeaderMap {
    let mut headers = metadata.into_headers();
    let own: Vec<_> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("grpc-") || **name == header::CONTENT_TYPE)
        .cloned()
        .collect();
    for name in own {
        headers.remove(name);
    }
    headers
}
