//! Raw gRPC to a node: any method, dynamic messages, and everything about how a call ended.
//!
//! Generated clients hide two things that the recordings settle: whether an error came before any
//! response header, and whether a stream ended with a status at all. Hence this small one on
//! tonic's channel and codec.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::codec::{DecodeBuf, Decoder, EncodeBody, EncodeBuf, Encoder, Streaming};
use tonic::codegen::Service;
use tonic::codegen::http::{HeaderMap, Request, Response, StatusCode};
use tonic::metadata::KeyAndValueRef;
use tonic::transport::{Certificate, Channel, ClientTlsConfig};
use tonic::{Code, Status};

/// A node to play against.
#[derive(Debug, Clone)]
pub struct Target {
    channel: Channel,
    /// The host that was dialled; a node's gossip shows it.
    pub host: String,
    /// What goes with each call that does not say who calls.
    pub authorization: Option<String>,
    /// The most bytes that one append may have on this node.
    pub append_limit: usize,
    /// How long an answer may take before it counts as missing.
    pub answer_within: Duration,
    /// What the node has switched on: `projections`, `security`.
    pub offers: Vec<String>,
}

impl Target {
    /// Connects to `host:port` without TLS, or as a `kurrentdb://` connection string of one host
    /// says (user, `tls`, `tlsCAFile`).
    ///
    /// # Errors
    /// Why there is no connection.
    pub async fn connect(address: &str) -> Result<Self, String> {
        let (rest, is_plain) = match address.split_once("://") {
            Some((_, rest)) => (rest, parameter(rest, "tls") == Some("false")),
            None => (address, true),
        };
        let authority = rest.split(['?', '/']).next().unwrap_or(rest);
        let (user, host_and_port) = authority
            .rsplit_once('@')
            .map_or((None, authority), |(user, rest)| (Some(user), rest));
        let authorization = user.map(|user| format!("Basic {}", STANDARD.encode(user)));
        let host = host_and_port
            .rsplit_once(':')
            .map_or(host_and_port, |(host, _)| host);
        let scheme = if is_plain { "http" } else { "https" };
        let mut endpoint = Channel::from_shared(format!("{scheme}://{host_and_port}"))
            .map_err(|error| error.to_string())?;
        if !is_plain {
            endpoint = endpoint
                .tls_config(trust(parameter(rest, "tlscafile"))?)
                .map_err(|error| error.to_string())?;
        }
        let channel = endpoint
            .tcp_nodelay(true)
            .connect()
            .await
            .map_err(|error| format!("{address}: {error:?}"))?;
        let answer_within = Duration::from_secs(20);
        Ok(Self {
            channel,
            host: host.to_owned(),
            authorization,
            append_limit: 1_048_576,
            answer_within,
            offers: Vec::new(),
        })
    }

    /// Starts a call. Requests go out with [`Call::send`]; what comes is read with [`Call::next`].
    #[must_use]
    pub fn call(&self, method: &MethodDescriptor, headers: &BTreeMap<String, String>) -> Call {
        let (requests, outgoing) = mpsc::unbounded_channel();
        let (incoming, came) = mpsc::unbounded_channel();
        let request = self.request(method, headers, outgoing);
        let (mut channel, output) = (self.channel.clone(), method.output());
        let task = tokio::spawn(async move {
            let ending = match answer(&mut channel, request).await {
                Ok(response) => listen(response, output, &incoming).await,
                Err(error) => Ending::without_status("UNREACHABLE", error),
            };
            let _ = incoming.send(Came::Ended(ending));
        });
        Call {
            requests: Some(requests),
            came,
            task,
        }
    }

    fn request(
        &self,
        method: &MethodDescriptor,
        headers: &BTreeMap<String, String>,
        outgoing: mpsc::UnboundedReceiver<DynamicMessage>,
    ) -> Request<tonic::body::Body> {
        let messages = UnboundedReceiverStream::new(outgoing).map(Ok);
        let body =
            EncodeBody::new_client(Dynamic(method.input()), messages, None, Some(usize::MAX));
        let uri = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let mut request = Request::post(uri)
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let (Some(authorization), false) =
            (&self.authorization, headers.contains_key("authorization"))
        {
            request = request.header("authorization", authorization);
        }
        request
            .body(tonic::body::Body::new(body))
            .expect("a request from known parts")
    }
}

/// A parameter of a connection string. Their names are read in any case.
fn parameter<'a>(connection: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = connection.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// The authorities to trust: those of a file, or the machine's.
fn trust(file: Option<&str>) -> Result<ClientTlsConfig, String> {
    let Some(file) = file else {
        return Ok(ClientTlsConfig::new().with_native_roots());
    };
    let text = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
    Ok(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(text)))
}

/// One running call. Dropping it cancels it.
#[derive(Debug)]
pub struct Call {
    requests: Option<mpsc::UnboundedSender<DynamicMessage>>,
    came: mpsc::UnboundedReceiver<Came>,
    task: JoinHandle<()>,
}

/// What comes on a call.
#[derive(Debug)]
pub enum Came {
    /// A response message.
    Message(DynamicMessage),
    /// The end, always last.
    Ended(Ending),
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The code's name in capitals; `CUT` for a stream that ended without a status.
    pub code: &'static str,
    /// Its text.
    pub message: String,
    /// The trailers, those of the transport left out.
    pub trailers: BTreeMap<String, String>,
    /// The error came before any response header.
    pub trailers_only: bool,
}

impl Call {
    /// Sends a request message.
    pub fn send(&self, message: DynamicMessage) {
        if let Some(requests) = &self.requests {
            let _ = requests.send(message);
        }
    }

    /// Says that no request message follows.
    pub fn finish_requests(&mut self) {
        self.requests = None;
    }

    /// The next message or the end. `None` after the end.
    pub async fn next(&mut self) -> Option<Came> {
        self.came.recv().await
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Ending {
    fn of(status: &Status, trailers_only: bool) -> Self {
        let transport = ["content-type", "date", "server", "content-length"];
        let pairs = status.metadata().iter().filter_map(|pair| match pair {
            KeyAndValueRef::Ascii(name, value) => {
                Some((name.to_string(), value.to_str().ok()?.to_owned()))
            }
            KeyAndValueRef::Binary(..) => None,
        });
        let trailers = pairs
            .filter(|(name, _)| !transport.contains(&name.as_str()) && !name.starts_with("grpc-"))
            .collect();
        Self {
            code: name(status.code()),
            message: status.message().to_owned(),
            trailers,
            trailers_only,
        }
    }

    fn without_status(code: &'static str, message: impl ToString) -> Self {
        Self {
            code,
            message: message.to_string(),
            trailers: BTreeMap::new(),
            trailers_only: true,
        }
    }
}

async fn answer(
    channel: &mut Channel,
    request: Request<tonic::body::Body>,
) -> Result<Response<tonic::body::Body>, String> {
    std::future::poll_fn(|context| channel.poll_ready(context))
        .await
        .map_err(|error| format!("{error:?}"))?;
    channel
        .call(request)
        .await
        .map_err(|error| format!("{error:?}"))
}

async fn listen(
    response: Response<tonic::body::Body>,
    output: MessageDescriptor,
    came: &mpsc::UnboundedSender<Came>,
) -> Ending {
    let (head, body) = response.into_parts();
    if let Some(status) = Status::from_header_map(&head.headers) {
        return Ending::of(&status, true);
    }
    if head.status != StatusCode::OK {
        return refused(head.status, &head.headers);
    }
    let mut messages =
        Streaming::new_response(Dynamic(output), body, head.status, None, Some(usize::MAX));
    loop {
        match messages.message().await {
            Ok(Some(message)) => drop(came.send(Came::Message(message))),
            Err(status) => return Ending::of(&status, false),
            Ok(None) => break,
        }
    }
    match messages.trailers().await {
        Ok(Some(trailers)) => Ending::of(&Status::with_metadata(Code::Ok, "", trailers), false),
        _ => Ending {
            trailers_only: false,
            ..Ending::without_status("CUT", "the stream ended without a status")
        },
    }
}

/// An answer that is no gRPC: the code that gRPC gives for its HTTP status.
fn refused(status: StatusCode, headers: &HeaderMap) -> Ending {
    let code = match status.as_u16() {
        400 => "INTERNAL",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "UNIMPLEMENTED",
        429 | 502..=504 => "UNAVAILABLE",
        _ => "UNKNOWN",
    };
    let kind = headers
        .get("content-type")
        .map(|kind| format!("{kind:?}"))
        .unwrap_or_default();
    Ending::without_status(code, format!("HTTP status {status} {kind}"))
}

fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// The codec of messages that are known by their descriptor only.
#[derive(Debug)]
struct Dynamic(MessageDescriptor);

impl Encoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, message: DynamicMessage, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message
            .encode(to)
            .map_err(|error| Status::internal(error.to_string()))
    }
}

impl Decoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let message = DynamicMessage::decode(self.0.clone(), from);
        message
            .map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_a_connection_string_are_read_in_any_case() {
        let connection = "127.0.0.1:2113?tlsCAFile=ca.pem&TLS=false";
        assert_eq!(parameter(connection, "tls"), Some("false"));
        assert_eq!(parameter(connection, "tlscafile"), Some("ca.pem"));
        assert_eq!(parameter("127.0.0.1:2113", "tls"), None);
    }
}
