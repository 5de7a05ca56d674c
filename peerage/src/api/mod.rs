//! The gRPC API: requests in, commands to the log, folded state out.
//!
//! `parse` turns requests into commands and queries and reports every wrong field at once;
//! `problem` says why a call has no answer; `show` turns folded state into messages; `words` and
//! `time` are what both share. `commands`, `reads`, `watch` and `plan` are the ways of a call,
//! `rows` is what they ask the read models for; the services themselves only connect these.

mod access;
mod access_service;
mod approvals;
mod calls;
mod cloud_figures;
mod command_figures;
mod commands;
mod connectors;
mod describe;
mod evidence;
mod explain;
mod figures;
mod followers;
mod guard;
mod histories;
mod history;
mod lag;
mod log_end;
mod page;
mod parse;
mod plan;
mod problem;
mod process_figures;
mod projection_service;
mod read_log;
mod reads;
#[cfg(test)]
mod refusals;
mod review;
mod routes;
mod rows;
mod same_log;
mod server_service;
mod services;
mod show;
mod store_certificate;
mod structs;
#[cfg(test)]
mod tests;
mod time;
mod traced;
mod watch;
mod words;

pub use access::{
    Caller, ClockOf, Doors, Guarded, InForce, KnownPolicies, PolicyError, Recorder, Ways,
};
pub(crate) use access::{enforce, follow_policy, record_denials, record_policies, tell};
pub use access_service::Access;
pub use approvals::Waiting;
pub(crate) use approvals::run as carry_out_approved;
pub use calls::{Audit, Networks, Peerings};
pub use command_figures::CommandFigures;
pub use connectors::{Connectors, Parts as ConnectorParts};
pub use describe::{DESCRIPTION, descriptors};
pub use evidence::Evidence;
pub use followers::Followers;
pub use lag::Lag;
pub use problem::{Reason, code};
pub use projection_service::Projections;
pub use routes::routes;
pub use server_service::Server;
pub use services::{Acknowledged, Server as ServerFacts, Services};
pub(crate) use show::cloud as cloud_of;
pub use store_certificate::StoreCertificate;
pub use structs::{json_of, struct_of};
pub use watch::Hub;

/// What the compiler makes of `proto/`.
#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::wildcard_enum_match_arm,
    missing_debug_implementations,
    unreachable_pub
)]
pub mod v1 {
    tonic::include_proto!("peerage.v1");

    /// The descriptors of the API, for reflection and for JSON.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/peerage.binpb"));
}

use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use std::sync::LazyLock;

/// The API's descriptors, ready to be looked up.
pub static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(v1::DESCRIPTORS).expect("the API describes itself"));

/// Figures of this server in Prometheus' text; none where they cannot be written.
pub(crate) async fn exposition(services: &Services) -> Option<String> {
    connectors::exposition(services).await.ok()
}

/// A message as JSON, as protobuf maps it: names in lowerCamelCase, enums by name, 64-bit numbers
/// as text. Fields that have their default are left out.
pub fn json<M: prost::Message + prost::Name>(
    message: &M,
) -> Result<serde_json::Value, serde_json::Error> {
    use serde::ser::Error as _;
    let descriptor = POOL.get_message_by_name(&M::full_name()).ok_or_else(|| {
        serde_json::Error::custom(format!("{} is no message of the API", M::full_name()))
    })?;
    let dynamic = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())
        .map_err(serde_json::Error::custom)?;
    dynamic.serialize_with_options(serde_json::value::Serializer, &SerializeOptions::new())
}
