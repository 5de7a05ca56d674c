//! The event types that a connector can deliver: what each is for, its schema and a sample, as they
//! are published in `docs/schemas`.

use super::parse;
use crate::api::{problem::Problem, structs::struct_of, v1};
use prost_types::Struct;
use serde_json::{Map, Value};
use std::sync::LazyLock;
use tonic_types::FieldViolation;

/// All of them, in the order of their names.
static ALL: LazyLock<Vec<EventType>> = LazyLock::new(|| {
    let text = include_str!(concat!(env!("OUT_DIR"), "/event_types.json"));
    let all: Vec<Map<String, Value>> = serde_json::from_str(text).unwrap_or_default();
    all.into_iter().map(EventType::of).collect()
});

struct EventType {
    name: String,
    version: u32,
    description: String,
    samples: Vec<Map<String, Value>>,
    schema: Map<String, Value>,
}

impl EventType {
    fn of(schema: Map<String, Value>) -> Self {
        let text = |name: &str| schema.get(name).and_then(Value::as_str).unwrap_or_default();
        let version = text("$id").rsplit_once(":v").map(|(_, it)| it.parse());
        let examples = schema.get("examples").and_then(Value::as_array);
        let objects = examples.into_iter().flatten().filter_map(Value::as_object);
        Self {
            name: text("title").to_owned(),
            version: version.and_then(Result::ok).unwrap_or_default(),
            description: text("description").to_owned(),
            samples: objects.cloned().collect(),
            schema,
        }
    }

    /// In full it has its schema and every sample.
    fn shown(&self, depth: Depth) -> v1::EventType {
        let shown = |it: &Map<String, Value>| struct_of(it.clone());
        let (schema, more): (Option<Struct>, _) = match depth {
            Depth::Brief => (None, Vec::new()),
            Depth::Full => {
                let more = self.samples.iter().skip(1);
                (Some(shown(&self.schema)), more.map(shown).collect())
            }
        };
        v1::EventType {
            event_type: self.name.clone(),
            schema_version: self.version,
            description: self.description.clone(),
            sample: self.samples.first().map(shown),
            schema,
            more_samples: more,
        }
    }
}

#[derive(Clone, Copy)]
enum Depth {
    Brief,
    Full,
}

/// One type in full, or a page of them.
pub(super) fn list(
    request: &v1::ListEventTypesRequest,
) -> Result<v1::ListEventTypesResponse, Problem> {
    let (size, after) = parse::page(request.page_size, &request.page_token)?;
    if !request.event_type.is_empty() {
        let Some(one) = ALL.iter().find(|it| it.name == request.event_type) else {
            let text = "is no event type; `peerage connector event-types` lists them";
            return Err(Problem::fields(vec![FieldViolation::new(
                "event_type",
                text,
            )]));
        };
        return Ok(v1::ListEventTypesResponse {
            event_types: vec![one.shown(Depth::Full)],
            next_page_token: String::new(),
        });
    }
    let mut rest = ALL.iter().filter(|it| it.name > after);
    let page: Vec<_> = rest.by_ref().take(size).collect();
    let next = rest.next().and(page.last()).map(|it| it.name.clone());
    Ok(v1::ListEventTypesResponse {
        event_types: page.into_iter().map(|it| it.shown(Depth::Brief)).collect(),
        next_page_token: next.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        approval::ApprovalEvent,
        connector::{ConnectorEvent, built_in::BuiltInEvent, parked::ParkedEvent},
        network::NetworkEvent,
    };

    fn asked(event_type: &str, after: &str) -> Result<v1::ListEventTypesResponse, Problem> {
        list(&v1::ListEventTypesRequest {
            event_type: event_type.to_owned(),
            page_size: 10,
            page_token: after.to_owned(),
        })
    }

    #[test]
    fn every_event_type_of_networks_connectors_and_approvals_is_in_the_catalogue_with_a_sample() {
        let mut found = Vec::new();
        let mut after = String::new();
        loop {
            let page = asked("", &after).unwrap();
            assert!(page.event_types.iter().all(|it| it.schema.is_none()
                && it.sample.is_some()
                && it.schema_version == 1
                && !it.description.is_empty()));
            found.extend(page.event_types.into_iter().map(|it| it.event_type));
            after = page.next_page_token;
            if after.is_empty() {
                break;
            }
        }
        let mut wanted: Vec<_> = NetworkEvent::NAMES.to_vec();
        wanted.extend(ConnectorEvent::NAMES);
        wanted.extend(BuiltInEvent::NAMES);
        wanted.extend(ParkedEvent::NAMES);
        wanted.extend(ApprovalEvent::NAMES);
        wanted.sort_unstable();
        assert_eq!(found, wanted);
    }

    #[test]
    fn one_type_is_told_in_full_and_what_is_none_is_refused() {
        let one = asked("PeeringRequested", "").unwrap();
        let [one] = one.event_types.as_slice() else {
            panic!("one type");
        };
        let schema = one.schema.as_ref().unwrap();
        assert!(schema.fields.contains_key("properties"));
        assert_eq!(one.more_samples.len(), 3);
        let refused = asked("PeeringWished", "").unwrap_err().status("x");
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    }
}
