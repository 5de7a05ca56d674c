//! The Cloud Quotas API, as it is documented (v1, `projects.locations.services.quotaInfos.list`);
//! no recording has it. The metrics are those that the documents name; the numbers are usual ones.

use crate::{answers::Reply, faults::Fault, state::State};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The method.
const METHOD: &str = "quotaInfos.list";

/// The id of each quota, its metric, and what is usual.
const QUOTAS: [(&str, &str, i64); 4] = [
    ("NETWORKS-per-project", "networks", 15),
    ("FIREWALLS-per-project", "firewalls", 1000),
    (
        "PEERINGS-PER-NETWORK-per-project",
        "peerings_per_network",
        25,
    ),
    ("ROUTES-per-project", "routes", 250),
];

/// What stands behind the project in the path of the list.
const PATH: [&str; 5] = [
    "locations",
    "global",
    "services",
    "compute.googleapis.com",
    "quotaInfos",
];

/// Whether the list of a project's quotas is asked for.
pub(crate) fn is_asked(http: &str, rest: &[&str]) -> bool {
    http == "GET" && rest == PATH
}

/// The method, the project, and what is answered.
pub(crate) fn answer(
    state: &mut State,
    named: &str,
    query: &BTreeMap<String, String>,
) -> (&'static str, String, Reply) {
    let project = match state.project_named(named) {
        Ok(project) => project,
        Err(missing) => return (METHOD, named.to_owned(), missing),
    };
    let reply = match state.prepared(&project, METHOD) {
        Some(Fault::Refused(status, reason, message)) => Reply::refused(status, &reason, &message),
        Some(
            Fault::Page(_) | Fault::Throttled(_) | Fault::AnswerLost | Fault::OperationFails(..),
        )
        | None => list(state, &project, query),
    };
    (METHOD, project, reply)
}

/// What a project allows of Compute, a page at a time.
fn list(state: &State, project: &str, query: &BTreeMap<String, String>) -> Reply {
    let permission = "cloudquotas.quotas.get";
    if !state.has(project, permission) {
        return Reply::denied(permission, &format!("projects/{project}"));
    }
    let number = |name: &str| query.get(name).map_or(Some(0), |it| it.parse().ok());
    let (Some(asked), Some(from)) = (number("pageSize"), number("pageToken")) else {
        return Reply::bad("Request contains an invalid argument.");
    };
    let size = match asked {
        0 => state.most_on_page,
        asked => state.most_on_page.min(asked),
    };
    let all: Vec<Value> = QUOTAS.iter().map(|it| one(state, project, it)).collect();
    let page: Vec<_> = all.iter().skip(from).take(size).collect();
    let mut shown = json!({ "quotaInfos": page });
    if from + size < all.len() {
        shown["nextPageToken"] = (from + size).to_string().into();
    }
    Reply::good(shown)
}

fn one(state: &State, project: &str, (id, metric, usual): &(&str, &str, i64)) -> Value {
    let metric = format!("compute.googleapis.com/{metric}");
    let key = (project.to_owned(), metric.clone());
    let value = state.quotas.get(&key).unwrap_or(usual);
    json!({
        "name": format!(
            "projects/{project}/locations/global/services/compute.googleapis.com/quotaInfos/{id}"
        ),
        "quotaId": id,
        "metric": metric,
        "service": "compute.googleapis.com",
        "isPrecise": true,
        "containerType": "PROJECT",
        "metricUnit": "1",
        "dimensionsInfos": [{
            "details": { "value": value.to_string() },
            "applicableLocations": ["global"],
        }],
    })
}
