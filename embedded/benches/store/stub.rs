//! A server that does nothing: it replays encoded messages and acknowledges appends unseen. What a
//! client can do at most.

use crate::quick_ack::QuickAck;
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use protocol::shared::{StreamIdentifier, Uuid as WireId, uuid::Value as Id};
use protocol::streams::append_resp::{self, Success, success};
use protocol::streams::read_resp::read_event::{Position, RecordedEvent};
use protocol::streams::read_resp::{Content, ReadEvent, SubscriptionConfirmation};
use protocol::streams::{AppendResp, ReadResp};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;
use uuid::Uuid;

/// How many messages are encoded; they are sent again and again.
const BLOCK: usize = 1_000;

type Body = BoxBody<Bytes, Infallible>;

/// Serves so many events to each subscription, for as long as the program runs.
pub(crate) async fn serve(events: usize) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let block = block();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let connection = QuickAck::new(connection).unwrap();
            let block = block.clone();
            let service = service_fn(move |request| answer(request, block.clone(), events / BLOCK));
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder.max_send_buf_size(1 << 20);
            tokio::spawn(builder.serve_connection(TokioIo::new(connection), service));
        }
    });
    address
}

async fn answer(
    request: Request<Incoming>,
    block: Vec<Bytes>,
    times: usize,
) -> Result<Response<Body>, Infallible> {
    let response = Response::builder().header("content-type", "application/grpc");
    if request.uri().path().ends_with(".Streams/Append") {
        request.into_body().collect().await.unwrap();
        let status =
            HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from(0))]);
        let acknowledged =
            Full::new(framed(&acknowledgement())).with_trailers(async move { Some(Ok(status)) });
        return Ok(response.body(acknowledged.boxed()).unwrap());
    }
    if !request.uri().path().ends_with(".Streams/Read") {
        // The client takes a server without features for an old one, and goes on.
        return Ok(response
            .header("grpc-status", HeaderValue::from(12))
            .body(Empty::new().boxed())
            .unwrap());
    }
    let confirmation = read(Content::Confirmation(SubscriptionConfirmation {
        subscription_id: Uuid::nil().to_string(),
    }));
    let frames = async_stream::stream! {
        yield Ok(Frame::data(framed(&confirmation)));
        for _ in 0..times {
            for part in &block {
                yield Ok(Frame::data(part.clone()));
            }
        }
        std::future::pending::<()>().await;
    };
    Ok(response
        .body(BodyExt::boxed(StreamBody::new(frames)))
        .unwrap())
}

/// The messages in parts of a size that a server sends at once.
fn block() -> Vec<Bytes> {
    let messages: Vec<Bytes> = (0..BLOCK as u64)
        .map(|number| framed(&read(Content::Event(event(number)))))
        .collect();
    messages
        .chunks(64)
        .map(|part| part.concat().into())
        .collect()
}

fn event(number: u64) -> ReadEvent {
    let metadata = [
        ("type", "Measured"),
        ("content-type", "application/json"),
        ("created", "17638836000000000"),
    ];
    let recorded = RecordedEvent {
        id: Some(WireId {
            value: Some(Id::String(Uuid::from_u128(u128::from(number)).to_string())),
        }),
        stream_identifier: Some(StreamIdentifier {
            stream_name: format!("fill-{number}").into(),
        }),
        stream_revision: number,
        prepare_position: 400 * number,
        commit_position: 400 * number,
        metadata: metadata
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        custom_metadata: Bytes::new(),
        data: "x".repeat(256).into(),
    };
    ReadEvent {
        event: Some(recorded),
        link: None,
        position: Some(Position::CommitPosition(400 * number)),
    }
}

fn read(content: Content) -> ReadResp {
    ReadResp {
        content: Some(content),
    }
}

fn acknowledgement() -> AppendResp {
    let position = append_resp::Position {
        commit_position: 400,
        prepare_position: 400,
    };
    let success = Success {
        current_revision_option: Some(success::CurrentRevisionOption::CurrentRevision(0)),
        position_option: Some(success::PositionOption::Position(position)),
    };
    AppendResp {
        result: Some(append_resp::Result::Success(success)),
    }
}

fn framed(message: &impl prost::Message) -> Bytes {
    let message = message.encode_to_vec();
    let mut framed = BytesMut::with_capacity(5 + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap());
    framed.put_slice(&message);
    framed.freeze()
}
