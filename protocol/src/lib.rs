//! KurrentDB's public gRPC protocol: our `.proto` files and what the compiler makes of them,
//! nothing else.
//!
//! Each package of the protocol is a module here with its messages and, for services, a `…_client`
//! and a `…_server` module. Messages that several packages share are in [`shared`]; the error
//! inside a batch append's reply is in [`rpc`]. Payloads and other `bytes` fields are
//! [`bytes::Bytes`](prost::bytes::Bytes), so handing an event on does not copy it.
//!
//! ```
//! use peerage_protocol::shared::StreamIdentifier;
//! use peerage_protocol::streams::{DeleteReq, delete_req::Options};
//!
//! let request = DeleteReq {
//!     options: Some(Options {
//!         stream_identifier: Some(StreamIdentifier { stream_name: "orders-1".into() }),
//!         ..Options::default()
//!     }),
//! };
//! assert!(request.options.is_some());
//! ```
//!
//! This room knows no behaviour: no transport, no defaults, no conversions.

/// The compiled descriptors of every file, imports included, as an encoded
/// `google.protobuf.FileDescriptorSet`: for reflection and for tools that build messages at run
/// time.
pub const FILE_DESCRIPTOR_SET: &[u8] =
    include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.binpb"));

pub use generated::event_store::client::{
    gossip, monitoring, operations, persistent_subscriptions, projections, server_features,
    streams, users,
};

/// Messages that several packages share: ids, stream names, positions, and the details of batch
/// append errors.
pub mod shared {
    pub use crate::generated::event_store::client::{
        AccessDenied, AllStreamPosition, BadRequest, InvalidTransaction, MaximumAppendSizeExceeded,
        StreamDeleted, StreamIdentifier, Timeout, Unknown, Uuid, WrongExpectedVersion, uuid,
        wrong_expected_version,
    };
}

/// The status a batch append carries inside its reply.
pub mod rpc {
    pub use crate::generated::google::rpc::{Code, Status};
}

/// The compiler's output, nested the way its relative paths expect.
#[allow(
    missing_debug_implementations,
    unreachable_pub,
    clippy::all,
    reason = "written by a generator"
)]
mod generated {
    pub mod google {
        pub mod rpc {
            tonic::include_proto!("google.rpc");
        }
    }

    pub mod event_store {
        pub mod client {
            tonic::include_proto!("event_store.client");

            pub mod gossip {
                tonic::include_proto!("event_store.client.gossip");
            }
            pub mod monitoring {
                tonic::include_proto!("event_store.client.monitoring");
            }
            pub mod operations {
                tonic::include_proto!("event_store.client.operations");
            }
            pub mod persistent_subscriptions {
                tonic::include_proto!("event_store.client.persistent_subscriptions");
            }
            pub mod projections {
                tonic::include_proto!("event_store.client.projections");
            }
            pub mod server_features {
                tonic::include_proto!("event_store.client.server_features");
            }
            pub mod streams {
                tonic::include_proto!("event_store.client.streams");
            }
            pub mod users {
                tonic::include_proto!("event_store.client.users");
            }
        }
    }
}
