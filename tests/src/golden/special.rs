//! Steps that a recording shows as a digest, and requests that it leaves out because they are too
//! large to show.

use crate::golden::matching::{Difference, Names};
use crate::golden::recording::{Case, Step};
use serde_json::{Value, json};

/// How many bytes a request "above the append limit" has more than the limit.
const ABOVE_THE_LIMIT: usize = 51_424;

/// The administrator of a fresh node with users, who asks for what a digest does not say the asker
/// of.
const ADMINISTRATOR: &str = "Basic YWRtaW46Y2hhbmdlaXQ=";

/// The stream of a case whose requests are not shown.
fn stream(case: &Case) -> String {
    let plain = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter
        } else {
            '_'
        }
    };
    format!("g-{}-s", case.case.chars().map(plain).collect::<String>())
}

fn large_event(limit: usize) -> Value {
    json!({
        "id": {"string": "7a0e0d5c-3a5f-4b52-9a4e-5f1f0d3c2b1a"},
        "metadata": {"type": "Tested", "content-type": "application/octet-stream"},
        "data": "x".repeat(limit + ABOVE_THE_LIMIT),
    })
}

/// The requests of an append "above the limit".
pub(super) fn large_append(case: &Case, limit: usize) -> Vec<Value> {
    let options =
        json!({"options": {"stream_identifier": {"stream_name": stream(case)}, "any": {}}});
    vec![options, json!({"proposed_message": large_event(limit)})]
}

/// The request of a batch "above the limit", with the correlation id that the answer in `next`
/// shows.
pub(super) fn large_batch(case: &Case, next: Option<&Step>, limit: usize) -> Vec<Value> {
    let answer = next.and_then(|step| step.messages.first());
    let correlation_id = answer.map_or(Value::Null, |answer| answer["correlation_id"].clone());
    vec![json!({
        "correlation_id": correlation_id,
        "options": {"stream_identifier": {"stream_name": stream(case)}, "any": {}},
        "proposed_messages": [large_event(limit)],
        "is_final": true,
    })]
}

/// The step as it would stand in the recording if nothing had been left out.
pub fn spelled_out(step: &Step) -> Step {
    let mut step = step.clone();
    if step.call.as_deref() == Some("Users/Details") && step.requests.is_none() {
        let shown = step.responses.take().unwrap_or_default();
        let login = shown
            .first()
            .map_or(Value::Null, |user| user["login_name"].clone());
        step.requests = Some(json!([{"options": {"login_name": login}}]));
        step.headers
            .insert("authorization".to_owned(), ADMINISTRATOR.to_owned());
        step.responses = Some(shown.into_iter().map(user_details).collect());
    }
    // The calls that say what a node is take no argument.
    step.requests.get_or_insert_with(|| json!([{}]));
    step
}

fn user_details(mut shown: Value) -> Value {
    shown["last_updated"] = json!({"ticks_since_epoch": shown["last_updated"]});
    json!({"user_details": shown})
}

/// Compares the digests of features and gossip. The node may support more than the recorded server
/// did, and be newer.
pub(super) fn compare_digests(
    names: &mut Names,
    host: &str,
    step: &Step,
    came: &[Value],
) -> Result<(), Difference> {
    let answer = came.first().cloned().unwrap_or_default();
    if let Some(wanted) = &step.methods {
        let supported = digest(&answer);
        if let Some(missing) = wanted.iter().find(|method| !supported.contains(method)) {
            return Err(Difference {
                at: "methods".to_owned(),
                wanted: missing.clone(),
                came: supported.join("; "),
            });
        }
    }
    if let Some(wanted) = &step.version {
        let version = answer["event_store_server_version"]
            .as_str()
            .unwrap_or_default();
        if numbers(version).is_none() || numbers(version) < numbers(wanted) {
            return Err(Difference {
                at: "version".to_owned(),
                wanted: format!("{wanted} or later"),
                came: version.to_owned(),
            });
        }
    }
    if let Some(wanted) = &step.members {
        let advertised: Value =
            serde_json::from_str(&wanted.to_string().replace("127.0.0.1", host))
                .unwrap_or_default();
        names.compare("members", &advertised, &answer["members"])?;
    }
    Ok(())
}

fn digest(answer: &Value) -> Vec<String> {
    let methods = answer["methods"].as_array().into_iter().flatten();
    let line = |method: &Value| {
        let text = |name: &str| method[name].as_str().unwrap_or_default().to_owned();
        let features: Vec<&str> = method["features"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        format!(
            "{}/{} {}",
            text("service_name"),
            text("method_name"),
            features.join(",")
        )
        .trim_end()
        .to_owned()
    };
    methods.map(line).collect()
}

/// The three numbers that a version begins with.
fn numbers(version: &str) -> Option<[u64; 3]> {
    let plain = version.split('-').next()?;
    let parts: Vec<u64> = plain
        .split('.')
        .map_while(|part| part.parse().ok())
        .take(3)
        .collect();
    parts.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(methods: &[&str], version: &str) -> Value {
        let method = |line: &&str| {
            let (path, features) = line.split_once(' ').unwrap_or((line, ""));
            let (service, name) = path.split_once('/').unwrap();
            let features: Vec<&str> = features
                .split(',')
                .filter(|feature| !feature.is_empty())
                .collect();
            json!({"service_name": service, "method_name": name, "features": features})
        };
        json!({"methods": methods.iter().map(method).collect::<Vec<_>>(), "event_store_server_version": version})
    }

    fn compare(came: &Value) -> Result<(), Difference> {
        let step = Step {
            methods: Some(vec![
                "streams/append".to_owned(),
                "streams/read position,events".to_owned(),
            ]),
            version: Some("25.0.0-prerelease".to_owned()),
            ..Step::default()
        };
        compare_digests(
            &mut Names::default(),
            "127.0.0.1",
            &step,
            std::slice::from_ref(came),
        )
    }

    #[test]
    fn a_node_may_support_more_but_not_less() {
        let recorded = ["streams/append", "streams/read position,events"];
        assert_eq!(compare(&features(&recorded, "25.0.0")), Ok(()));
        assert_eq!(
            compare(&features(
                &[recorded[0], recorded[1], "streams/more"],
                "25.1.2.7-rc"
            )),
            Ok(())
        );
        assert_eq!(
            compare(&features(&[recorded[0], "streams/read position"], "25.0.0"))
                .unwrap_err()
                .at,
            "methods"
        );
        assert_eq!(
            compare(&features(&recorded, "24.10.0")).unwrap_err().at,
            "version"
        );
        assert_eq!(compare(&features(&recorded, "")).unwrap_err().at, "version");
    }

    #[test]
    fn gossip_shows_the_host_that_was_dialled() {
        let step = Step {
            members: Some(json!([{"address": "127.0.0.1", "port": "<port>"}])),
            ..Step::default()
        };
        let compare =
            |host: &str, came: Value| compare_digests(&mut Names::default(), host, &step, &[came]);
        assert!(
            compare(
                "node.example",
                json!({"members": [{"address": "node.example", "port": 2113}]})
            )
            .is_ok()
        );
        assert!(
            compare(
                "node.example",
                json!({"members": [{"address": "127.0.0.1", "port": 2113}]})
            )
            .is_err()
        );
        assert!(compare("127.0.0.1", json!({"members": []})).is_err());
    }
}
