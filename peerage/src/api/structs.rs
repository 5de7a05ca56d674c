//! JSON as messages carry it, and back.

use prost_types::{ListValue, Struct, Value as Proto, value::Kind};
use serde_json::{Map, Number, Value};

/// The most that a whole number may be to be exact: numbers of messages are floating.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The JSON of a message.
pub fn json_of(value: Struct) -> Value {
    let fields = value.fields.into_iter();
    Value::Object(fields.map(|(name, it)| (name, value_of(it))).collect())
}

/// The message of JSON.
pub fn struct_of(fields: Map<String, Value>) -> Struct {
    let fields = fields.into_iter();
    Struct {
        fields: fields.map(|(name, it)| (name, proto_of(it))).collect(),
    }
}

/// How deep a message nests, looked at no deeper than `most`.
pub(super) fn depth(value: &Struct, most: usize) -> usize {
    depth_of_struct(value, 0, most)
}

fn depth_of_struct(value: &Struct, above: usize, most: usize) -> usize {
    let inner = value.fields.values();
    let inner = inner.map(|it| depth_of(it, above + 1, most));
    inner.max().unwrap_or(above)
}

fn depth_of(value: &Proto, above: usize, most: usize) -> usize {
    if above > most {
        return above;
    }
    match &value.kind {
        Some(Kind::StructValue(inner)) => depth_of_struct(inner, above, most),
        Some(Kind::ListValue(list)) => {
            let inner = list.values.iter().map(|it| depth_of(it, above + 1, most));
            inner.max().unwrap_or(above)
        }
        Some(
            Kind::NullValue(_) | Kind::NumberValue(_) | Kind::StringValue(_) | Kind::BoolValue(_),
        )
        | None => above,
    }
}

fn value_of(value: Proto) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(it)) => Value::Bool(it),
        Some(Kind::StringValue(it)) => Value::String(it),
        Some(Kind::NumberValue(it)) if it.fract() == 0.0 && it.abs() < EXACT => {
            Value::from(it as i64)
        }
        Some(Kind::NumberValue(it)) => Number::from_f64(it).map_or(Value::Null, Value::Number),
        Some(Kind::StructValue(it)) => json_of(it),
        Some(Kind::ListValue(it)) => Value::Array(it.values.into_iter().map(value_of).collect()),
    }
}

fn proto_of(value: Value) -> Proto {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(it) => Kind::BoolValue(it),
        Value::Number(it) => Kind::NumberValue(it.as_f64().unwrap_or_default()),
        Value::String(it) => Kind::StringValue(it),
        Value::Array(all) => Kind::ListValue(ListValue {
            values: all.into_iter().map(proto_of).collect(),
        }),
        Value::Object(fields) => Kind::StructValue(struct_of(fields)),
    };
    Proto { kind: Some(kind) }
}
