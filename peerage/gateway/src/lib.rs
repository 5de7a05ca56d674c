//! JSON, OpenAPI and gRPC-Web for a gRPC API, on the API's own port, and who may come near it.
//!
//! The problem: an engine that listens on loopback is within reach of every web page that its
//! owner opens, and a program without a gRPC library should be able to command it all the same.
//! The approach: one tower service in front of the gRPC services. It judges `Host` and `Origin`
//! first ([`Access`]), whatever the protocol and the HTTP version; then it takes each protocol by
//! its own content type alone:
//!
//! | content type | answered by |
//! | --- | --- |
//! | `application/grpc` | the services themselves, over HTTP/2 only |
//! | `application/grpc-web…` | the services, through `tonic-web` |
//! | `application/json` | the services, transcoded with the API's descriptors |
//!
//! Methods may have paths and verbs of their own beside that ([`Routes`]).
//!
//! JSON calls are `POST /package.Service/Method` with the request as [protobuf's JSON]. A method
//! that streams answers with JSON lines. `GET /openapi.json` describes all of it.
//!
//! What this crate refuses: it knows no service by name, keeps nothing of a call, and decides
//! nothing that a service should decide. What callers may hold of the server is bounded
//! ([`Limits`]).
//!
//! [protobuf's JSON]: https://protobuf.dev/programming-guides/json/

#![warn(missing_docs)]

mod access;
mod codec;
mod connection;
mod content;
mod deadline;
mod dispatch;
mod expiry;
mod health;
mod json;
mod listen;
mod metered;
mod methods;
mod openapi;
mod refusal;
mod routes;
mod serve;
mod status;
mod tls;

pub use access::{Access, BadHost, BadOrigin, Host, Origin};
pub use connection::Peer;
pub use dispatch::{Description, Gateway, OPENAPI_PATH};
pub use health::{Figures, PartHealth, Probes, Readiness};
pub use limits::Limits;
pub use listen::{BadListen, Listen, Listener, UnixSocket};
pub use openapi::openapi;
pub use routes::{Route, RouteAnswer, RouteBody, Routes};
pub use serve::{Stop, serve};
pub use tls::{ClientCertificates, Tls, TlsError, TlsFiles};
