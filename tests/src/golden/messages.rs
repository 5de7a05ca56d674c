//! Messages of the protocol as the recordings write them, and back.
//!
//! The form: proto field names; an absent field is the default; 64-bit numbers are decimal strings;
//! bytes are UTF-8 text or `hex:`; enums are names; a packed detail shows `@type` beside its
//! fields.

use crate::golden::matching::Names;
use prost::Message;
use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey,
    MessageDescriptor, MethodDescriptor, ReflectMessage, Value,
};
use serde_json::{Map, Value as Json, json};
use std::collections::HashMap;
use std::sync::LazyLock;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(protocol::FILE_DESCRIPTOR_SET).expect("the protocol's descriptors")
});

/// Finds a method by its short name, `Streams/Read` for instance.
///
/// # Panics
/// When the protocol has no such method.
#[must_use]
pub fn method(call: &str) -> MethodDescriptor {
    let (service, method) = call.split_once('/').expect("a call is Service/Method");
    let found = POOL
        .services()
        .filter(|candidate| candidate.name() == service)
        .flat_map(|service| service.methods().collect::<Vec<_>>());
    let mut named = found.filter(|candidate| candidate.name() == method);
    named
        .next()
        .unwrap_or_else(|| panic!("the protocol has no {call}"))
}

/// Makes a message from its recorded form. `names` gives the numbers of positions and the ids that
/// the server made.
///
/// # Panics
/// When the recorded form does not fit the message: the recording is not one of this protocol.
#[must_use]
pub fn from_recorded(
    descriptor: &MessageDescriptor,
    recorded: &Json,
    names: &mut Names,
) -> DynamicMessage {
    if let Some(name) = recorded.get("@type").and_then(Json::as_str) {
        return packed(descriptor, name, recorded, names);
    }
    let mut message = DynamicMessage::new(descriptor.clone());
    let fields = recorded
        .as_object()
        .unwrap_or_else(|| panic!("{} from {recorded}", descriptor.name()));
    for (name, value) in fields {
        let field = descriptor
            .get_field_by_name(name)
            .unwrap_or_else(|| panic!("{} has no field {name}", descriptor.full_name()));
        message.set_field(&field, field_value(&field, value, names));
    }
    message
}

fn packed(
    any: &MessageDescriptor,
    name: &str,
    recorded: &Json,
    names: &mut Names,
) -> DynamicMessage {
    let descriptor = POOL
        .get_message_by_name(name)
        .unwrap_or_else(|| panic!("the protocol has no {name}"));
    let mut fields = recorded.as_object().cloned().unwrap_or_default();
    fields.remove("@type");
    let detail = from_recorded(&descriptor, &Json::Object(fields), names);
    let mut message = DynamicMessage::new(any.clone());
    message.set_field_by_name(
        "type_url",
        Value::String(format!("type.googleapis.com/{name}")),
    );
    message.set_field_by_name("value", Value::Bytes(detail.encode_to_vec().into()));
    message
}

fn field_value(field: &FieldDescriptor, recorded: &Json, names: &mut Names) -> Value {
    if field.is_map() {
        let entries = recorded.as_object().into_iter().flatten();
        let text = |value: &Json| Value::String(value.as_str().unwrap_or_default().to_owned());
        let map: HashMap<MapKey, Value> = entries
            .map(|(key, value)| (MapKey::String(key.clone()), text(value)))
            .collect();
        return Value::Map(map);
    }
    if field.cardinality() == Cardinality::Repeated {
        let items = recorded.as_array().into_iter().flatten();
        return Value::List(
            items
                .map(|item| single_value(&field.kind(), item, names))
                .collect(),
        );
    }
    single_value(&field.kind(), recorded, names)
}

fn single_value(kind: &Kind, recorded: &Json, names: &mut Names) -> Value {
    fitting_value(kind, recorded, names).unwrap_or_else(|| panic!("{recorded} is no {kind:?}"))
}

fn fitting_value(kind: &Kind, recorded: &Json, names: &mut Names) -> Option<Value> {
    Some(match kind {
        Kind::Bool => Value::Bool(recorded.as_bool()?),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            Value::I32(recorded.as_i64()?.try_into().ok()?)
        }
        Kind::Uint32 | Kind::Fixed32 => Value::U32(recorded.as_u64()?.try_into().ok()?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(recorded.as_str()?.parse().ok()?),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(names.number_for_request(recorded.as_str()?)),
        Kind::String => Value::String(names.text_for_request(recorded.as_str()?)),
        Kind::Bytes => Value::Bytes(bytes(recorded.as_str()?).into()),
        Kind::Enum(descriptor) => Value::EnumNumber(number(descriptor, recorded.as_str()?)),
        Kind::Message(descriptor) => Value::Message(from_recorded(descriptor, recorded, names)),
        // No request of the protocol has such a field.
        Kind::Float | Kind::Double => return None,
    })
}

fn number(descriptor: &EnumDescriptor, name: &str) -> i32 {
    let value = descriptor.get_value_by_name(name);
    value
        .unwrap_or_else(|| panic!("{} has no {name}", descriptor.full_name()))
        .number()
}

fn bytes(shown: &str) -> Vec<u8> {
    let Some(digits) = shown.strip_prefix("hex:") else {
        return shown.as_bytes().to_vec();
    };
    let pairs = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap_or_default());
    pairs
        .map(|pair| {
            u8::from_str_radix(pair, 16).unwrap_or_else(|_| panic!("{shown} is no hexadecimal"))
        })
        .collect()
}

/// The recorded form of a message. A field that the protocol does not know shows as `?` and its
/// number.
#[must_use]
pub fn to_recorded(message: &DynamicMessage) -> Json {
    if message.descriptor().full_name() == "google.protobuf.Any" {
        return unpacked(message);
    }
    let mut fields = Map::new();
    for (field, value) in message.fields() {
        fields.insert(field.name().to_owned(), shown(&field.kind(), value));
    }
    for unknown in message.unknown_fields() {
        fields.insert(
            format!("?{}", unknown.number()),
            json!("a field that the protocol does not know"),
        );
    }
    Json::Object(fields)
}

fn unpacked(any: &DynamicMessage) -> Json {
    let url = any
        .get_field_by_name("type_url")
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default();
    let name = url.rsplit('/').next().unwrap_or_default();
    let packed = any
        .get_field_by_name("value")
        .and_then(|value| value.as_bytes().cloned())
        .unwrap_or_default();
    let detail = POOL
        .get_message_by_name(name)
        .and_then(|descriptor| DynamicMessage::decode(descriptor, packed).ok());
    let mut fields = Map::from_iter([("@type".to_owned(), json!(name))]);
    match detail.as_ref().map(to_recorded) {
        Some(Json::Object(of_detail)) => fields.extend(of_detail),
        _ => drop(fields.insert("?".to_owned(), json!("cannot be unpacked"))),
    }
    Json::Object(fields)
}

fn shown(kind: &Kind, value: &Value) -> Json {
    match value {
        Value::Bool(value) => json!(value),
        Value::I32(value) => json!(value),
        Value::U32(value) => json!(value),
        Value::I64(value) => json!(value.to_string()),
        Value::U64(value) => json!(value.to_string()),
        Value::F32(value) => json!(value),
        Value::F64(value) => json!(value),
        Value::String(value) => json!(value),
        Value::Bytes(value) => match std::str::from_utf8(value) {
            Ok(text) => json!(text),
            Err(_) => json!(format!(
                "hex:{}",
                value
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<String>()
            )),
        },
        Value::EnumNumber(value) => {
            let name = kind
                .as_enum()
                .and_then(|descriptor| descriptor.get_value(*value))
                .map(|value| value.name().to_owned());
            name.map_or_else(|| json!(value), Json::String)
        }
        Value::Message(value) => to_recorded(value),
        Value::List(values) => values.iter().map(|value| shown(kind, value)).collect(),
        Value::Map(entries) => {
            let text = |key: &MapKey| {
                key.as_str()
                    .map_or_else(|| format!("{key:?}"), str::to_owned)
            };
            let fields = entries
                .iter()
                .map(|(key, value)| (text(key), shown(kind, value)));
            Json::Object(fields.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(call: &str, recorded: Json) -> Json {
        let message = from_recorded(&method(call).input(), &recorded, &mut Names::default());
        to_recorded(&message)
    }

    #[test]
    fn a_recorded_request_survives_the_way_to_a_message_and_back() {
        let options = json!({"options": {"stream_identifier": {"stream_name": "s"}, "revision": "18446744073709551614"}});
        assert_eq!(there_and_back("Streams/Append", options.clone()), options);
        let event = json!({"proposed_message": {
            "id": {"string": "213978f7-4c6c-4c2e-857e-94b5dc4af4c6"},
            "metadata": {"type": "Tested", "content-type": "application/json"}, "data": "hex:00ff01fe",
        }});
        assert_eq!(there_and_back("Streams/Append", event.clone()), event);
    }

    #[test]
    fn defaults_are_absent_and_chosen_alternatives_are_not() {
        let read = json!({"options": {"read_direction": "Forwards", "resolve_links": false, "count": "0", "no_filter": {}}});
        assert_eq!(
            there_and_back("Streams/Read", read),
            json!({"options": {"count": "0", "no_filter": {}}})
        );
    }

    #[test]
    #[should_panic(expected = "has no field surprise")]
    fn a_field_that_the_protocol_does_not_have_is_refused() {
        there_and_back("Streams/Append", json!({"surprise": 1}));
    }
}
