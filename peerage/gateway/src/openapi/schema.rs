//! Messages and enums as JSON Schema, as protobuf's JSON mapping has them.

use super::comments::Comments;
use prost_reflect::{
    Cardinality, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor,
};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;

/// The schemas that were referred to, and what is still to be described.
#[derive(Debug)]
pub(super) struct Schemas<'a> {
    comments: &'a Comments,
    done: Map<String, Value>,
    waiting: VecDeque<Described>,
}

#[derive(Debug)]
enum Described {
    Message(MessageDescriptor),
    Enum(EnumDescriptor),
}

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

impl<'a> Schemas<'a> {
    pub(super) fn new(comments: &'a Comments) -> Self {
        Self {
            comments,
            done: Map::new(),
            waiting: VecDeque::new(),
        }
    }

    /// The schema of a message, or a reference to it.
    pub(super) fn message(&mut self, message: &MessageDescriptor) -> Value {
        if let Some(schema) = well_known(message.full_name()) {
            return schema;
        }
        self.refer(message.full_name(), Described::Message(message.clone()))
    }

    /// Everything that was referred to, and all that this refers to.
    pub(super) fn finish(mut self) -> Map<String, Value> {
        while let Some(next) = self.waiting.pop_front() {
            let (name, schema) = match next {
                Described::Message(it) => (it.full_name().to_owned(), self.object(&it)),
                Described::Enum(it) => (it.full_name().to_owned(), self.names(&it)),
            };
            self.done.insert(name, schema);
        }
        self.done
    }

    fn refer(&mut self, name: &str, described: Described) -> Value {
        if !self.done.contains_key(name) {
            // Held for it, so that a message that refers to itself is described once.
            self.done.insert(name.to_owned(), Value::Null);
            self.waiting.push_back(described);
        }
        reference(name)
    }

    fn object(&mut self, message: &MessageDescriptor) -> Value {
        let mut description = self
            .comments
            .on(message.parent_file().name(), message.path());
        for oneof in message.oneofs().filter(|it| !is_optional(it)) {
            let names: Vec<_> = oneof
                .fields()
                .map(|it| format!("`{}`", it.json_name()))
                .collect();
            let comment = self.comments.on(message.parent_file().name(), oneof.path());
            let text = format!("At most one of {} is set. {comment}", names.join(", "));
            description = joined(&[&description, text.trim_end()]);
        }
        let properties: Map<_, _> = message
            .fields()
            .map(|field| (field.json_name().to_owned(), self.property(&field)))
            .collect();
        let mut schema = json!({ "type": "object", "properties": properties });
        describe(&mut schema, &description);
        schema
    }

    /// The schema of a field, with what is said of it.
    pub(super) fn property(&mut self, field: &FieldDescriptor) -> Value {
        let mut schema = if let (true, Kind::Message(entry)) = (field.is_map(), field.kind()) {
            let value = entry.map_entry_value_field().kind();
            json!({ "type": "object", "additionalProperties": self.kind(&value) })
        } else if field.cardinality() == Cardinality::Repeated {
            json!({ "type": "array", "items": self.kind(&field.kind()) })
        } else {
            self.kind(&field.kind())
        };
        let file = field.parent_message().parent_file();
        let own = self.comments.on(file.name(), field.path());
        describe(&mut schema, &own);
        let options = field.options();
        let deprecated = options.get_field_by_name("deprecated");
        if deprecated.is_some_and(|it| it.as_bool() == Some(true)) {
            schema["deprecated"] = true.into();
        }
        schema
    }

    fn kind(&mut self, kind: &Kind) -> Value {
        match kind {
            Kind::Double | Kind::Float => json!({
                "anyOf": [
                    { "type": "number" },
                    { "type": "string", "enum": ["NaN", "Infinity", "-Infinity"] },
                ],
            }),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                json!({ "type": "integer", "format": "int32" })
            }
            Kind::Uint32 | Kind::Fixed32 => json!({
                "type": "integer",
                "format": "int64",
                "minimum": 0,
                "maximum": u32::MAX,
            }),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => number("^-?[0-9]+$", "int64"),
            Kind::Uint64 | Kind::Fixed64 => number("^[0-9]+$", "uint64"),
            Kind::Bool => json!({ "type": "boolean" }),
            Kind::String => json!({ "type": "string" }),
            Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
            Kind::Message(message) => self.message(message),
            Kind::Enum(it) if it.full_name() == "google.protobuf.NullValue" => {
                json!({ "type": "null" })
            }
            Kind::Enum(it) => self.refer(it.full_name(), Described::Enum(it.clone())),
        }
    }

    /// An enum by its names, each with what its comment says.
    fn names(&self, described: &EnumDescriptor) -> Value {
        let file = described.parent_file();
        let mut lines = vec![self.comments.on(file.name(), described.path())];
        let mut names = Vec::new();
        for value in described.values() {
            let comment = self
                .comments
                .on(file.name(), value.path())
                .replace('\n', " ");
            if !comment.is_empty() {
                lines.push(format!("- `{}`: {comment}", value.name()));
            }
            names.push(value.name().to_owned());
        }
        let mut schema = json!({ "type": "string", "enum": names });
        describe(&mut schema, lines.join("\n").trim());
        schema
    }
}

/// A 64-bit number, which JSON's readers would round.
fn number(pattern: &str, format: &str) -> Value {
    json!({ "type": "string", "format": format, "pattern": pattern })
}

fn describe(schema: &mut Value, text: &str) {
    if !text.is_empty() {
        schema["description"] = text.into();
    }
}

/// Paragraphs, without the empty ones.
fn joined(texts: &[&str]) -> String {
    let texts: Vec<_> = texts.iter().filter(|it| !it.is_empty()).copied().collect();
    texts.join("\n\n")
}

/// What `optional` makes of a field is a oneof of its own, which is nobody's concern.
fn is_optional(oneof: &OneofDescriptor) -> bool {
    let mut fields = oneof.fields();
    fields.all(|it| it.field_descriptor_proto().proto3_optional())
}

/// The messages that protobuf's JSON mapping treats apart.
fn well_known(name: &str) -> Option<Value> {
    let nullable = |kind: &str| json!({ "type": [kind, "null"] });
    let schema = match name.strip_prefix("google.protobuf.")? {
        "Timestamp" => json!({ "type": "string", "format": "date-time" }),
        "Duration" => json!({
            "type": "string",
            "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$",
            "examples": ["1.5s"],
        }),
        "FieldMask" => json!({ "type": "string" }),
        "Struct" => json!({ "type": "object", "additionalProperties": true }),
        "Value" => json!({}),
        "ListValue" => json!({ "type": "array", "items": {} }),
        "Empty" => json!({ "type": "object" }),
        "Any" => json!({
            "type": "object",
            "required": ["@type"],
            "properties": { "@type": { "type": "string" } },
            "additionalProperties": true,
        }),
        "BoolValue" => nullable("boolean"),
        "StringValue" => nullable("string"),
        "BytesValue" => json!({ "type": ["string", "null"], "contentEncoding": "base64" }),
        "Int32Value" | "UInt32Value" => nullable("integer"),
        "Int64Value" | "UInt64Value" => nullable("string"),
        "DoubleValue" | "FloatValue" => json!({ "type": ["number", "string", "null"] }),
        _ => return None,
    };
    Some(schema)
}
