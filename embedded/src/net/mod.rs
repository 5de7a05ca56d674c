//! Connections: one port for gRPC and plain HTTP, deadlines, and an orderly end.

mod deadline;
mod http;
mod quick_ack;
mod serve;

pub(crate) use http::Info;
pub(crate) use serve::{Server, bind};
