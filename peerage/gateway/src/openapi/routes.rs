//! The paths and verbs that methods have beside their own: what of the request stands in the path,
//! in the query and in the body.

use super::{answer, comments::Comments, first_sentence, schema::Schemas};
use crate::{Route, RouteAnswer, RouteBody, Routes};
use http::Method as Verb;
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};
use serde_json::{Map, Value, json};

/// Adds each route of a method that the pool has.
pub(super) fn describe(
    pool: &DescriptorPool,
    routes: &Routes,
    comments: &Comments,
    schemas: &mut Schemas<'_>,
    paths: &mut Map<String, Value>,
) {
    for route in routes.iter() {
        let Some(method) = method(pool, route.method) else {
            continue;
        };
        let operations = paths.entry(route.path).or_insert_with(|| json!({}));
        let verb = route.verb.as_str().to_ascii_lowercase();
        operations[verb] = operation(route, &method, comments, schemas);
    }
}

fn method(pool: &DescriptorPool, path: &str) -> Option<MethodDescriptor> {
    let (service, name) = path.strip_prefix('/')?.split_once('/')?;
    let service = pool.get_service_by_name(service)?;
    service.methods().find(|it| it.name() == name)
}

fn operation(
    route: &Route,
    method: &MethodDescriptor,
    comments: &Comments,
    schemas: &mut Schemas<'_>,
) -> Value {
    let text = comments.on(method.parent_file().name(), method.path());
    let input = method.input();
    let in_path = names(route.path);
    let mut parameters: Vec<_> = in_path
        .iter()
        .filter_map(|name| parameter("path", name, &deep_field(&input, name)?, schemas))
        .collect();
    if route.body == RouteBody::None {
        let others = input.fields().filter(|it| !in_path.contains(&it.name()));
        parameters.extend(others.filter_map(|it| parameter("query", it.json_name(), &it, schemas)));
    }
    if route.verb != Verb::GET && input.get_field_by_name("context").is_some() {
        parameters.push(idempotency_key());
    }
    parameters.push(json!({ "$ref": "#/components/parameters/RequestTimeout" }));
    let mut operation = json!({
        "operationId": operation_id(route),
        "tags": [method.parent_service().full_name()],
        "summary": first_sentence(&text),
        "description": format!("{text}\n\nThe same as `{}`.", route.method),
        "parameters": parameters,
        "responses": {
            "200": answered(route, method, schemas),
            "default": { "$ref": "#/components/responses/Error" },
        },
    });
    let body = match route.body {
        RouteBody::None => None,
        RouteBody::Whole => Some((false, schemas.message(&input))),
        RouteBody::Field(name) => {
            let field = input.get_field_by_name(name);
            field.map(|it| (true, schemas.property(&it)))
        }
    };
    if let Some((required, schema)) = body {
        operation["requestBody"] = json!({
            "required": required,
            "content": { "application/json": { "schema": schema } },
        });
    }
    operation
}

fn answered(route: &Route, method: &MethodDescriptor, schemas: &mut Schemas<'_>) -> Value {
    match route.answer {
        RouteAnswer::Whole => answer(method, schemas),
        RouteAnswer::Text { content_type, .. } => json!({
            "description": "The answer, as text.",
            "content": { content_type: { "schema": { "type": "string" } } },
        }),
    }
}

/// One for each path and verb, made of both.
fn operation_id(route: &Route) -> String {
    let words = route.path.split(|it: char| !it.is_ascii_alphanumeric());
    let words = words.filter(|it| !it.is_empty());
    words.fold(route.verb.as_str().to_ascii_lowercase(), |id, word| {
        format!("{id}_{word}")
    })
}

/// The fields that a path sets.
fn names(path: &str) -> Vec<&str> {
    let parts = path.split('/');
    parts
        .filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'))
        .collect()
}

/// A field of the message, or of one inside of it.
fn deep_field(message: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    let Some((outer, inner)) = name.split_once('.') else {
        return message.get_field_by_name(name);
    };
    let Kind::Message(message) = message.get_field_by_name(outer)?.kind() else {
        return None;
    };
    deep_field(&message, inner)
}

/// A parameter; nothing for a message, which no query can say.
fn parameter(
    place: &str,
    name: &str,
    field: &FieldDescriptor,
    schemas: &mut Schemas<'_>,
) -> Option<Value> {
    if matches!(field.kind(), Kind::Message(_)) {
        return None;
    }
    let mut schema = schemas.property(field);
    let text = schema
        .as_object_mut()
        .and_then(|it| it.remove("description"));
    let mut parameter = json!({ "name": name, "in": place, "schema": schema });
    if place == "path" {
        parameter["required"] = true.into();
    }
    if let Some(text) = text {
        parameter["description"] = text;
    }
    Some(parameter)
}

fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The command's id: sent again with it, the command is carried out once. \
                        Where neither it nor `context` names one, each call is a command of its own.",
        "schema": { "type": "string", "format": "uuid" },
    })
}
