//! Connections: one port for gRPC and plain HTTP, deadlines, and an orderly end.

mod deadline;
mod http;
mod local;
mod quick_ack;
mod serve;
mod tls;

pub(crate) use http::Info;
pub(crate) use local::LocalSocket;
pub(crate) use serve::{Server, bind};
pub use tls::TlsError;
pub(crate) use tls::acceptor;
