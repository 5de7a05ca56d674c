//! Paths and verbs of their own for methods, beside `/package.Service/Method`: what a client of
//! another API sends becomes the JSON of a request of ours, and everything else is as there.
//!
//! A path has fields in braces, `/connectors/{connector_id}/start/{start.after}`, which are set in
//! the request; so are the query's, by their names; the body is the request, one field of it, or
//! nothing. A command that says nothing of who sends it gets an id of its own: sent again, it is
//! another one. A client that wants more sends an `Idempotency-Key`, a UUID, or the request's own
//! `context`.

use crate::{health::Probes, methods::Method, refusal::Refusal};
use http::{HeaderMap, HeaderName, Method as Verb, StatusCode};
use percent_encoding::percent_decode_str;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};
use std::fmt;
use tonic::Code;

/// The header by which a client names a command.
const COMMAND_ID: HeaderName = HeaderName::from_static("idempotency-key");

/// A path and a verb for a method.
#[derive(Clone, Debug)]
pub struct Route {
    /// The verb.
    pub verb: Verb,
    /// The path, with fields of the request in braces.
    pub path: &'static str,
    /// The method, like `/package.Service/Method`.
    pub method: &'static str,
    /// What the body is.
    pub body: RouteBody,
    /// What is answered.
    pub answer: RouteAnswer,
}

/// What the body of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteBody {
    /// There is none, or it does not matter.
    None,
    /// The request; nothing is an empty one.
    Whole,
    /// This field of the request.
    Field(&'static str),
}

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteAnswer {
    /// The answer, in JSON.
    Whole,
    /// A text that is this field of it.
    Text {
        /// The field, as JSON has it.
        field: &'static str,
        /// The text's content type.
        content_type: &'static str,
    },
}

/// All of them, and what commands are named with whose senders do not name them.
#[derive(Clone)]
pub struct Routes {
    all: Vec<Route>,
    ids: fn() -> String,
    actor: &'static str,
    probes: Option<Probes>,
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes")
            .field("all", &self.all.len())
            .finish_non_exhaustive()
    }
}

impl Routes {
    /// These, with what makes ids, and what a sender is called who does not say who it is.
    pub fn new(all: Vec<Route>, ids: fn() -> String, actor: &'static str) -> Self {
        Self {
            all,
            ids,
            actor,
            probes: None,
        }
    }

    /// With pages for probes.
    pub fn with_probes(mut self, probes: Probes) -> Self {
        self.probes = Some(probes);
        self
    }

    pub(crate) fn probes(&self) -> Option<&Probes> {
        self.probes.as_ref()
    }

    /// None.
    pub fn none() -> Self {
        Self::new(Vec::new(), String::new, "")
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.all.iter()
    }

    /// What is at a path: with this verb, or else with which others.
    pub(crate) fn find(&self, verb: &Verb, path: &str) -> Found<'_> {
        let mut verbs = Vec::new();
        for route in &self.all {
            let Some(fields) = bound(route.path, path) else {
                continue;
            };
            if route.verb == *verb {
                return Found::Route(route, fields);
            }
            verbs.push(route.verb.clone());
        }
        if verbs.is_empty() {
            Found::Nothing
        } else {
            Found::OtherVerbs(verbs)
        }
    }

    /// The JSON of the request.
    pub(crate) fn request(
        &self,
        route: &Route,
        method: &Method,
        fields: &[(&str, String)],
        query: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Value, Refusal> {
        let mut request = match route.body {
            RouteBody::None => json!({}),
            RouteBody::Whole if body.is_empty() => json!({}),
            RouteBody::Whole => parsed(body)?,
            RouteBody::Field(name) => json!({ name: parsed(body)? }),
        };
        let Value::Object(members) = &mut request else {
            let text = "the body is no JSON object".to_owned();
            return Err(Refusal::unreadable(None, text));
        };
        for (name, value) in pairs(query)? {
            let field = field(&method.input, &name).ok_or_else(|| unknown(&name))?;
            add(members, &field, &name, value)?;
        }
        for (name, value) in fields {
            set(members, name, Value::String(value.clone()));
        }
        if method.input.get_field_by_name("context").is_some() {
            self.name(members, headers)?;
        }
        Ok(request)
    }

    /// Who sends it, and the command's id, where the request does not say.
    fn name(&self, members: &mut Map<String, Value>, headers: &HeaderMap) -> Result<(), Refusal> {
        let context = members.entry("context").or_insert_with(|| json!({}));
        let Value::Object(context) = context else {
            return Err(Refusal::unreadable(
                Some("context".to_owned()),
                "is no JSON object".to_owned(),
            ));
        };
        if !["command_id", "commandId"]
            .iter()
            .any(|it| context.contains_key(*it))
        {
            let id = match headers.get(&COMMAND_ID) {
                Some(id) => String::from_utf8_lossy(id.as_bytes()).into_owned(),
                None => (self.ids)(),
            };
            context.insert("command_id".to_owned(), Value::String(id));
        }
        let actor = || Value::String(self.actor.to_owned());
        context.entry("actor").or_insert_with(actor);
        Ok(())
    }
}

/// What is at a path.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    Nothing,
    OtherVerbs(Vec<Verb>),
    Route(&'a Route, Vec<(&'static str, String)>),
}

/// The fields that a path sets, if it is of this form.
fn bound(template: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    let mut fields = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(fields),
            (Some(wanted), Some(given)) => {
                let name = wanted.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
                match name {
                    Some(name) if !given.is_empty() => {
                        let value = percent_decode_str(given).decode_utf8().ok()?;
                        fields.push((name, value.into_owned()));
                    }
                    None if wanted == given => {}
                    Some(_) | None => return None,
                }
            }
            (_, _) => return None,
        }
    }
}

fn parsed(body: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::unreadable(None, error.to_string()))
}

/// The query's names and values.
fn pairs(query: &str) -> Result<Vec<(String, String)>, Refusal> {
    let each = query.split('&').filter(|it| !it.is_empty());
    let decoded = |text: &str| {
        let spaced = text.replace('+', " ");
        let decoded = percent_decode_str(&spaced).decode_utf8();
        decoded
            .map(|it| it.into_owned())
            .map_err(|_| Refusal::unreadable(None, "the query is not UTF-8".to_owned()))
    };
    each.map(|it| {
        let (name, value) = it.split_once('=').unwrap_or((it, ""));
        Ok((decoded(name)?, decoded(value)?))
    })
    .collect()
}

/// A field by its own name or by that in JSON.
fn field(message: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    let by_name = message.get_field_by_name(name);
    by_name.or_else(|| message.get_field_by_json_name(name))
}

fn add(
    members: &mut Map<String, Value>,
    field: &FieldDescriptor,
    name: &str,
    value: String,
) -> Result<(), Refusal> {
    let value = match (field.kind(), value.as_str()) {
        (Kind::Bool, "true") => Value::Bool(true),
        (Kind::Bool, "false") => Value::Bool(false),
        (Kind::Bool, _) => {
            let text = "is true or false".to_owned();
            return Err(Refusal::unreadable(Some(name.to_owned()), text));
        }
        (Kind::Message(_), _) => return Err(unknown(name)),
        (_, _) => Value::String(value),
    };
    if field.is_list() {
        let all = members.entry(field.name()).or_insert_with(|| json!([]));
        if let Value::Array(all) = all {
            all.push(value);
        }
    } else {
        members.insert(field.name().to_owned(), value);
    }
    Ok(())
}

/// Sets a field, perhaps inside of another one: what the path says is so, whatever the body says.
fn set(members: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        None => {
            members.insert(name.to_owned(), value);
        }
        Some((outer, inner)) => {
            let mut inside = Map::new();
            set(&mut inside, inner, value);
            members.insert(outer.to_owned(), Value::Object(inside));
        }
    }
}

fn unknown(name: &str) -> Refusal {
    Refusal::new(
        StatusCode::BAD_REQUEST,
        Code::InvalidArgument,
        "QUERY_UNKNOWN",
        format!("the query has `{name}`, which is nothing here"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_binds_what_stands_in_braces_and_no_empty_or_further_part() {
        let found = |template, path| bound(template, path);
        assert_eq!(
            found("/a/{id}/start/{start.after}", "/a/x%20y/start/7%2F8"),
            Some(vec![
                ("id", "x y".to_owned()),
                ("start.after", "7/8".to_owned())
            ])
        );
        for path in ["/a", "/a/", "/a/x/y", "/b/x", "/a/%ff"] {
            assert_eq!(found("/a/{id}", path), None, "{path}");
        }
    }

    #[test]
    fn what_a_path_says_stands_over_what_the_body_says() {
        let Value::Object(mut members) = json!({ "id": "other", "start": { "latest": true } })
        else {
            unreachable!()
        };
        set(&mut members, "id", json!("mine"));
        set(&mut members, "start.after", json!("7/8"));
        let members = Value::Object(members);
        assert_eq!(
            members,
            json!({ "id": "mine", "start": { "after": "7/8" } })
        );
    }
}
