//! OpenAPI from the descriptors: one operation for each method that answers in JSON, one schema
//! for each message and enum that these reach, and the `.proto` files' comments as descriptions.
//!
//! It describes what protobuf's JSON mapping makes of the messages, so nothing in it is written
//! by hand but what HTTP adds: headers, errors, and that streams are lines.

mod comments;
mod routes;
mod schema;

use crate::{
    Description, Routes,
    deadline::REQUEST_TIMEOUT,
    methods::{callable, path},
};
use comments::Comments;
use prost_reflect::{DescriptorPool, MethodDescriptor};
use schema::{Schemas, reference};
use serde_json::{Map, Value, json};

/// The version of OpenAPI that this is.
const VERSION: &str = "3.1.0";

/// What `google.rpc.Status` is called here.
const STATUS: &str = "google.rpc.Status";

/// The API that `pool` describes, and its paths and verbs beside those, as an OpenAPI document.
pub fn openapi(pool: &DescriptorPool, description: &Description<'_>, routes: &Routes) -> Value {
    let comments = Comments::of(pool);
    let mut schemas = Schemas::new(&comments);
    let mut paths = Map::new();
    for method in callable(pool) {
        let operation = operation(&method, &comments, &mut schemas);
        paths.insert(path(&method), json!({ "post": operation }));
    }
    routes::describe(pool, routes, &comments, &mut schemas, &mut paths);
    let tags = pool.services().map(|service| {
        json!({
            "name": service.full_name(),
            "description": comments.on(service.parent_file().name(), service.path()),
        })
    });
    let mut schemas = schemas.finish();
    schemas.insert(STATUS.to_owned(), status());
    json!({
        "openapi": VERSION,
        "info": {
            "title": description.title,
            "version": description.version,
            "description": description.text,
        },
        "servers": [{ "url": "/" }],
        "tags": tags.collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": { "RequestTimeout": request_timeout() },
            "responses": { "Error": error() },
        },
    })
}

fn operation(method: &MethodDescriptor, comments: &Comments, schemas: &mut Schemas<'_>) -> Value {
    let service = method.parent_service();
    let text = comments.on(method.parent_file().name(), method.path());
    let mut operation = json!({
        "operationId": format!("{}_{}", service.name(), method.name()),
        "tags": [service.full_name()],
        "summary": first_sentence(&text),
        "description": text,
        "parameters": [{ "$ref": "#/components/parameters/RequestTimeout" }],
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": schemas.message(&method.input()) } },
        },
        "responses": {
            "200": answer(method, schemas),
            "default": { "$ref": "#/components/responses/Error" },
        },
    });
    if method
        .options()
        .get_field_by_name("deprecated")
        .is_some_and(|it| it.as_bool() == Some(true))
    {
        operation["deprecated"] = true.into();
    }
    operation
}

fn answer(method: &MethodDescriptor, schemas: &mut Schemas<'_>) -> Value {
    let message = schemas.message(&method.output());
    if !method.is_server_streaming() {
        return json!({
            "description": "The answer.",
            "content": { "application/json": { "schema": message } },
        });
    }
    let last = json!({
        "type": "object",
        "description": "The last line of a stream that ended with an error.",
        "required": ["error"],
        "properties": { "error": reference(STATUS) },
    });
    json!({
        "description": "One JSON object a line, as they come. The schema is that of a line.",
        "content": { "application/x-ndjson": { "schema": { "anyOf": [message, last] } } },
    })
}

/// Up to the first full stop that ends a sentence, or the first line.
fn first_sentence(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let end = line.find(". ").unwrap_or(line.len());
    line[..end].trim_end_matches('.').to_owned()
}

fn request_timeout() -> Value {
    json!({
        "name": "Request-Timeout",
        "in": "header",
        "description": format!(
            "How long the call may take, in seconds. Then it ends with DEADLINE_EXCEEDED; a \
             command may have been carried out all the same. (`{REQUEST_TIMEOUT}` in HTTP/2.)"
        ),
        "schema": { "type": "number", "minimum": 0 },
    })
}

fn error() -> Value {
    json!({
        "description":
            "The call failed. The HTTP status is the one that google.rpc.Code gives the code: \
             400 INVALID_ARGUMENT, FAILED_PRECONDITION, OUT_OF_RANGE; 401 UNAUTHENTICATED; \
             403 PERMISSION_DENIED; 404 NOT_FOUND; 409 ALREADY_EXISTS, ABORTED; \
             429 RESOURCE_EXHAUSTED; 499 CANCELLED; 500 UNKNOWN, INTERNAL, DATA_LOSS; \
             501 UNIMPLEMENTED; 503 UNAVAILABLE; 504 DEADLINE_EXCEEDED. Refused before any \
             service hears of it: 403 a foreign Host or Origin, 404 an unknown path, 405 another \
             verb, 408 a slow body, 413 a large one, 415 another content type.",
        "content": { "application/json": { "schema": reference(STATUS) } },
    })
}

fn status() -> Value {
    json!({
        "type": "object",
        "description": "An error.",
        "required": ["code", "message", "details"],
        "properties": {
            "code": {
                "type": "integer",
                "format": "int32",
                "description": "A google.rpc.Code.",
            },
            "message": { "type": "string", "description": "What went wrong, for people." },
            "details": {
                "type": "array",
                "description":
                    "What went wrong, for programs: google.rpc.ErrorInfo with a reason that \
                     never changes, BadRequest with every field that is wrong, \
                     PreconditionFailure, QuotaFailure, RetryInfo, Help.",
                "items": {
                    "type": "object",
                    "required": ["@type"],
                    "properties": {
                        "@type": {
                            "type": "string",
                            "examples": ["type.googleapis.com/google.rpc.ErrorInfo"],
                        },
                    },
                    "additionalProperties": true,
                },
            },
        },
    })
}
