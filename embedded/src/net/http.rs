//! The few plain HTTP requests that tools and clients send to the same port.

use http::{Method, Request, Response, StatusCode, header};
use serde_json::json;
use tonic::Status;
use uuid::Uuid;

use crate::{advertised::Advertised, grpc::SERVER_VERSION, model::Position, read::Reader};

/// What plain HTTP tells about the node.
#[derive(Clone)]
pub(crate) struct Info {
    pub(crate) reader: Reader,
    pub(crate) instance: Uuid,
    pub(crate) advertised: Advertised,
    pub(crate) has_users: bool,
    pub(crate) has_projections: bool,
}

/// Answers a request that is for none of the services. None: let them have it.
pub(super) fn answer<B>(request: &Request<B>, info: &Info) -> Option<Response<tonic::body::Body>> {
    let is_grpc = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|it| it.as_bytes().starts_with(b"application/grpc"));
    if is_grpc {
        return None;
    }
    let known = matches!(*request.method(), Method::GET | Method::HEAD);
    Some(match request.uri().path() {
        "/health/live" if known => empty(live_code(request.uri().query())),
        "/ping" if known => json_body(&json!({ "text": "Ping request successfully handled" })),
        "/info" if known => json_body(&node_info(info)),
        "/gossip" if known => json_body(&gossip(info)),
        _ => empty(StatusCode::NOT_FOUND),
    })
}

/// gRPC is spoken over HTTP/2 alone: what a web page can send must not be taken for a call.
pub(super) fn grpc_needs_http2() -> Response<tonic::body::Body> {
    let mut response = Status::unimplemented("gRPC is spoken over HTTP/2 alone").into_http();
    *response.status_mut() = StatusCode::HTTP_VERSION_NOT_SUPPORTED;
    response
}

/// A check may say which code it wants to see.
fn live_code(query: Option<&str>) -> StatusCode {
    query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .find_map(|pair| pair.strip_prefix("liveCode="))
        .and_then(|code| code.parse().ok())
        .and_then(|code: u16| StatusCode::from_u16(code).ok())
        .unwrap_or(StatusCode::NO_CONTENT)
}

fn empty(code: StatusCode) -> Response<tonic::body::Body> {
    let mut response = Response::new(tonic::body::Body::empty());
    *response.status_mut() = code;
    response
}

fn json_body(value: &serde_json::Value) -> Response<tonic::body::Body> {
    let body = http_body_util::Full::from(value.to_string());
    let mut response = Response::new(tonic::body::Body::new(body));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    response
}

fn node_info(info: &Info) -> serde_json::Value {
    json!({
        "dbVersion": SERVER_VERSION,
        "esVersion": SERVER_VERSION,
        "state": "leader",
        "features": { "projections": info.has_projections, "userManagement": info.has_users, "atomPub": false },
        "authentication": { "type": if info.has_users { "internal" } else { "insecure" } },
    })
}

fn gossip(info: &Info) -> serde_json::Value {
    let Advertised { host: ip, port } = &info.advertised;
    let end = info.reader.end();
    let checkpoint = end.max(Position::FIRST).get();
    let time = chrono::DateTime::from_timestamp_nanos(info.reader.now().0.saturating_mul(100));
    json!({
        "members": [{
            "instanceId": info.instance,
            "timeStamp": time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            "state": "Leader",
            "isAlive": true,
            "internalTcpIp": ip,
            "internalTcpPort": 0,
            "internalSecureTcpPort": 0,
            "externalTcpIp": ip,
            "externalTcpPort": 0,
            "externalSecureTcpPort": 0,
            "internalHttpEndPointIp": ip,
            "internalHttpEndPointPort": port,
            "httpEndPointIp": ip,
            "httpEndPointPort": port,
            "lastCommitPosition": checkpoint,
            "writerCheckpoint": checkpoint,
            "chaserCheckpoint": checkpoint,
            "epochPosition": 0,
            "epochNumber": 0,
            "epochId": Uuid::nil(),
            "nodePriority": 0,
            "isReadOnlyReplica": false,
            "esVersion": SERVER_VERSION,
        }],
        "serverIp": ip,
        "serverPort": port,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_health_check_gets_the_code_it_asks_for() {
        assert_eq!(live_code(None), StatusCode::NO_CONTENT);
        assert_eq!(live_code(Some("liveCode=200")), StatusCode::OK);
        assert_eq!(live_code(Some("a=b&liveCode=299")).as_u16(), 299);
        assert_eq!(live_code(Some("liveCode=x")), StatusCode::NO_CONTENT);
    }
}
