//! What the API says of itself: its descriptors, and what its OpenAPI document begins with.

use super::v1;
use gateway::Description;
use prost_reflect::{DescriptorError, DescriptorPool};

/// How the API introduces itself.
pub const DESCRIPTION: Description<'static> = Description {
    title: "Peerage",
    version: env!("CARGO_PKG_VERSION"),
    text: "Private network peering, provisioned from an event log.\n\n\
           Every method is a `POST` of its request as JSON, in protobuf's JSON mapping: fields in \
           lowerCamelCase, enums by name, 64-bit numbers as strings, times in RFC 3339, and empty \
           fields left out. A method that streams answers with one JSON object a line; if the \
           stream ends with an error, the last line is `{\"error\": …}`. Errors are \
           `google.rpc.Status`.\n\n\
           The same methods are there in gRPC (over HTTP/2) and gRPC-Web on the same port.",
};

/// The services that answer in gRPC, gRPC-Web and JSON alike, health included.
pub fn descriptors() -> Result<DescriptorPool, DescriptorError> {
    let mut pool = DescriptorPool::decode(v1::DESCRIPTORS)?;
    pool.decode_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)?;
    Ok(pool)
}
