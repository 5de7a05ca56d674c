//! The call by which a backup is read of a running store: one message asked, a stream answered.
//!
//! It is gRPC on the store's own port, and on the socket in its data directory, so that it has the
//! same TLS, the same users and the same flow control as every other call. It is no part of
//! KurrentDB's protocol.

use http::uri::PathAndQuery;
use tonic::{
    Status, Streaming,
    client::{Grpc, GrpcService},
    codec::ProstCodec,
    codegen::{Body, Bytes, StdError},
    metadata::{Ascii, MetadataValue},
};

/// The service.
pub const SERVICE: &str = "peerage.store.v1.Backup";
/// The path of its only method.
pub const METHOD: &str = "/peerage.store.v1.Backup/Read";
/// The name of the socket in a data directory, through which its owner asks without a password.
pub const SOCKET: &str = "backup.sock";

/// The trailer in which a store names why it refuses.
pub const EXCEPTION: &str = "exception";
/// What stands there while another backup is read.
pub const BUSY: &str = "backup-in-progress";

/// The largest message: a record, and what stands around it.
const MOST: usize = 40 << 20;

/// What is asked for.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ReadRequest {
    /// The first position that is wanted.
    #[prost(uint64, tag = "1")]
    pub from: u64,
    /// Positions before it whose records are wanted too, to recognise the log.
    #[prost(uint64, repeated, tag = "2")]
    pub anchors: Vec<u64>,
}

/// One message of the answer: the first has `begun`, the last has `done`, those between `frames`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ReadReply {
    /// How the answer begins.
    #[prost(message, optional, tag = "1")]
    pub begun: Option<Begun>,
    /// Whole frames, in the order of the log.
    #[prost(bytes = "vec", tag = "2")]
    pub frames: Vec<u8>,
    /// Everything came.
    #[prost(bool, tag = "3")]
    pub done: bool,
}

/// What a backup will hold.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Begun {
    /// Where it will end: everything before was flushed when it began.
    #[prost(uint64, tag = "1")]
    pub end: u64,
    /// The form of the store's records.
    #[prost(uint32, tag = "2")]
    pub log_format: u32,
    /// The frames of the anchors that were asked for, as far as a record stands there.
    #[prost(bytes = "vec", tag = "3")]
    pub anchors: Vec<u8>,
}

/// Asks a store for its records.
///
/// # Errors
/// What the store or the connection says.
pub async fn read<T>(
    service: T,
    request: ReadRequest,
    authorization: Option<MetadataValue<Ascii>>,
) -> Result<Streaming<ReadReply>, Status>
where
    T: GrpcService<tonic::body::Body>,
    T::Error: Into<StdError>,
    T::ResponseBody: Body<Data = Bytes> + Send + 'static,
    <T::ResponseBody as Body>::Error: Into<StdError> + Send,
{
    let mut grpc = Grpc::new(service).max_decoding_message_size(MOST);
    grpc.ready().await.map_err(|error| {
        let error: StdError = error.into();
        let mut status = Status::unavailable(format!("no connection: {error}"));
        status.set_source(error.into());
        status
    })?;
    let mut request = tonic::Request::new(request);
    if let Some(value) = authorization {
        request.metadata_mut().insert("authorization", value);
    }
    let codec = ProstCodec::<ReadRequest, ReadReply>::default();
    let path = PathAndQuery::from_static(METHOD);
    let answer = grpc.server_streaming(request, path, codec).await?;
    Ok(answer.into_inner())
}
