//! Messages of the API as JSON.

use crate::api::POOL;
use prost_reflect::{DynamicMessage, SerializeOptions};
use serde::{Serialize, Serializer, ser::Error as _};

/// A message that serializes as protobuf maps it to JSON: names in lowerCamelCase, enums by name,
/// 64-bit numbers as text. Values and lists stand there even where they are empty, so that a script
/// need not ask.
pub(in crate::cli) struct Proto<'a, M>(pub(in crate::cli) &'a M);

impl<M: prost::Message + prost::Name> Serialize for Proto<'_, M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = M::full_name();
        let descriptor = POOL
            .get_message_by_name(&name)
            .ok_or_else(|| S::Error::custom(format!("{name} is no message of the API")))?;
        let bytes = self.0.encode_to_vec();
        let message =
            DynamicMessage::decode(descriptor, bytes.as_slice()).map_err(S::Error::custom)?;
        let options = SerializeOptions::new().skip_default_fields(false);
        message.serialize_with_options(serializer, &options)
    }
}
