//! Paths and verbs as KurrentDB's connectors have them, for whoever knows those, and where
//! Prometheus looks. What differs stands in `docs/webhooks.md`.

use gateway::{Route, RouteAnswer, RouteBody, Routes};
use http::Method as Verb;
use uuid::Uuid;

/// Who sends a command that does not say.
const ACTOR: &str = "http";

/// What Prometheus asks for.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

macro_rules! route {
    ($verb:ident $path:literal => $method:literal $(, $body:expr)?) => {{
        #[allow(unused_mut, unused_assignments, reason = "most have no body")]
        let mut body = RouteBody::None;
        $(body = $body;)?
        Route {
            verb: Verb::$verb,
            path: $path,
            method: concat!("/peerage.v1.ConnectorService/", $method),
            body,
            answer: RouteAnswer::Whole,
        }
    }};
}

/// All of them.
pub fn routes() -> Routes {
    let whole = RouteBody::Whole;
    let configuration = RouteBody::Field("configuration");
    let metrics = Route {
        answer: RouteAnswer::Text {
            field: "exposition",
            content_type: OPENMETRICS,
        },
        ..route!(GET "/metrics" => "GetMetrics")
    };
    let all = vec![
        metrics,
        // As KurrentDB's have them.
        route!(GET "/connectors" => "ListConnectors"),
        route!(POST "/connectors/{connector_id}" => "CreateConnector", whole),
        route!(DELETE "/connectors/{connector_id}" => "DeleteConnector"),
        route!(POST "/connectors/{connector_id}/start" => "StartConnector", whole),
        route!(POST "/connectors/{connector_id}/start/{start.after}" => "StartConnector", whole),
        route!(POST "/connectors/{connector_id}/reset" => "ResetConnector", whole),
        route!(POST "/connectors/{connector_id}/reset/{start.after}" => "ResetConnector", whole),
        route!(POST "/connectors/{connector_id}/stop" => "StopConnector", whole),
        route!(PUT "/connectors/{connector_id}/settings" => "ReconfigureConnector", configuration),
        route!(PUT "/connectors/{connector_id}/configuration" => "ReconfigureConnector", configuration),
        route!(PUT "/connectors/{connector_id}/rename" => "RenameConnector", whole),
        route!(GET "/connectors/{connector_id}/settings" => "GetConnector"),
        route!(GET "/connectors/{connector_id}/configuration" => "GetConnector"),
        // What theirs have not.
        route!(GET "/connectors/{connector_id}" => "GetConnector"),
        route!(GET "/connectors/{connector_id}/parked" => "ListParkedRecords"),
        route!(POST "/connectors/{connector_id}/parked/replay" => "ReplayParkedRecords", whole),
        route!(POST "/connectors/{connector_id}/parked/discard" => "DiscardParkedRecords", whole),
        route!(POST "/connectors/{connector_id}/replay-log" => "ReplayLog", whole),
        route!(GET "/connectors/{connector_id}/deliveries" => "ListDeliveries"),
        route!(GET "/connectors/{connector_id}/watch" => "WatchConnectors"),
        route!(POST "/connectors/{connector_id}/retry-now" => "RetryConnector"),
        route!(POST "/connectors/{connector_id}/test" => "TestConnector"),
        route!(GET "/event-types" => "ListEventTypes"),
        route!(GET "/event-types/{event_type}" => "ListEventTypes"),
    ];
    Routes::new(all, || Uuid::new_v4().to_string(), ACTOR)
}

#[cfg(test)]
mod tests {
    use super::super::POOL;
    use super::*;

    #[test]
    fn every_path_leads_to_a_method_that_has_its_fields() {
        for route in routes().iter() {
            let (service, name) = route.method[1..].split_once('/').unwrap();
            let service = POOL.get_service_by_name(service).unwrap();
            let method = service.methods().find(|it| it.name() == name).unwrap();
            let fields = route.path.split('{').skip(1);
            for field in fields.filter_map(|it| it.split('}').next()) {
                let outer = field.split('.').next().unwrap();
                assert!(method.input().get_field_by_name(outer).is_some(), "{field}");
            }
            if let RouteBody::Field(field) = route.body {
                assert!(method.input().get_field_by_name(field).is_some(), "{field}");
            }
        }
    }

    #[test]
    fn every_path_and_verb_is_described_with_all_that_it_takes() {
        let about = gateway::Description {
            title: "",
            version: "",
            text: "",
        };
        let document = gateway::openapi(&POOL, &about, &routes());
        let mut ids = std::collections::BTreeSet::new();
        for route in routes().iter() {
            let verb = route.verb.as_str().to_ascii_lowercase();
            let operation = &document["paths"][route.path][&verb];
            let id = operation["operationId"].as_str().unwrap_or_default();
            assert!(
                ids.insert(id.to_owned()),
                "{} {}: {id}",
                route.verb,
                route.path
            );
            let parameters = operation["parameters"].as_array().unwrap();
            for field in route
                .path
                .split('{')
                .skip(1)
                .filter_map(|it| it.split('}').next())
            {
                let told = parameters.iter().find(|it| it["name"] == field);
                assert_eq!(told.map(|it| &it["in"]), Some(&"path".into()), "{field}");
            }
            let has_body = !operation["requestBody"].is_null();
            assert_eq!(has_body, route.body != RouteBody::None, "{}", route.path);
        }
    }
}
