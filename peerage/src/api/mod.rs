//! The gRPC API: requests in, commands to the log, read models out.

mod before;
mod describe;

pub use before::{Acknowledged, Audit, DOMAIN, Networks, Rooms, full_text};
pub use describe::{DESCRIPTION, descriptors};

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

/// What the compiler makes of `before/`.
#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::wildcard_enum_match_arm,
    missing_debug_implementations,
    unreachable_pub
)]
pub mod v0 {
    tonic::include_proto!("peerage.v0");

    /// The descriptors of what is served beside it.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/before.binpb"));
}

use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use std::sync::LazyLock;

/// The API's descriptors, ready to be looked up.
pub static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(v1::DESCRIPTORS).expect("the API describes itself"));

/// A message as JSON, as protobuf maps it: names in lowerCamelCase, enums by name, 64-bit numbers as
/// text. Fields that have their default are left out.
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
