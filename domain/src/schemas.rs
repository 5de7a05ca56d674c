//! What the data of each event type is like, as JSON Schema (2020-12) in `docs/schemas`, made from
//! the types themselves and held against every golden sample. A receiver gets events of
//! any age, so a field that older ones lack is not required; fields may be added.
//!
//! Each has the golden samples as its examples, so that one file says all there is to know of a
//! type: what it is for, its form, and how it looks.

use crate::{
    approval::{
        ApprovalCarriedOut, ApprovalEvent, ApprovalExecutionStarted, ApprovalGiven,
        ApprovalGranted, ApprovalPlanChanged, ApprovalRefused, ApprovalRejected, ApprovalRequested,
    },
    connector::{
        ConnectorActivating, ConnectorCreated, ConnectorEvent, ConnectorReconfigured,
        ConnectorRenamed, ConnectorReset, ConnectorRunning, Failure, Pause,
        built_in::{BuiltInConnectorStarted, BuiltInConnectorStopped, BuiltInEvent},
        parked::{
            Claimed, LogReplayWanted, LogReplayed, ParkedEvent, ParkedRecord, Records, Replayed,
        },
        without_ciphertext,
    },
    network::NetworkEvent,
};
use regex::Regex;
use schemars::{Schema, generate::SchemaSettings, schema_for};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The version that every type has today, as it stands in each event's `schema_version`.
const VERSION: u32 = 1;

/// Data that says nothing.
fn nothing(what: &str) -> Schema {
    schemars::json_schema!({ "description": what, "type": "object" })
}

/// Those of connectors, whose settings come without ciphertext.
fn of_connectors() -> Vec<(&'static str, Schema)> {
    vec![
        ("ConnectorCreated", schema_for!(ConnectorCreated)),
        ("ConnectorActivating", schema_for!(ConnectorActivating)),
        ("ConnectorRunning", schema_for!(ConnectorRunning)),
        ("ConnectorDeactivating", nothing("It is to stop.")),
        ("ConnectorStopped", nothing("It does not run.")),
        ("ConnectorFailed", schema_for!(Failure)),
        ("ConnectorRestarted", schema_for!(Failure)),
        ("ConnectorPaused", schema_for!(Pause)),
        (
            "ConnectorRecovered",
            nothing("Its endpoint takes records again."),
        ),
        ("ConnectorReconfigured", schema_for!(ConnectorReconfigured)),
        ("ConnectorRenamed", schema_for!(ConnectorRenamed)),
        ("ConnectorReset", schema_for!(ConnectorReset)),
        ("ConnectorDeleted", nothing("It is no more.")),
        (
            "BuiltInConnectorStopped",
            schema_for!(BuiltInConnectorStopped),
        ),
        (
            "BuiltInConnectorStarted",
            schema_for!(BuiltInConnectorStarted),
        ),
    ]
}

/// Those of what connectors have set aside.
fn of_parked_records() -> Vec<(&'static str, Schema)> {
    vec![
        ("ConnectorRecordParked", schema_for!(ParkedRecord)),
        ("ConnectorReplayRequested", schema_for!(Records)),
        ("ConnectorRecordReplayed", schema_for!(Replayed)),
        ("ConnectorRecordsDiscarded", schema_for!(Records)),
        ("ConnectorParkedClaimed", schema_for!(Claimed)),
        ("ConnectorLogReplayRequested", schema_for!(LogReplayWanted)),
        ("ConnectorLogReplayed", schema_for!(LogReplayed)),
        (
            "ConnectorLogReplaysEnded",
            nothing(
                "Nobody wants what is left of the parts of the log that were to be delivered again.",
            ),
        ),
    ]
}

/// Those of requests for approval.
fn of_approvals() -> Vec<(&'static str, Schema)> {
    vec![
        ("ApprovalRequested", schema_for!(ApprovalRequested)),
        ("ApprovalGiven", schema_for!(ApprovalGiven)),
        ("ApprovalGranted", schema_for!(ApprovalGranted)),
        ("ApprovalPlanChanged", schema_for!(ApprovalPlanChanged)),
        (
            "ApprovalExecutionStarted",
            schema_for!(ApprovalExecutionStarted),
        ),
        ("ApprovalCarriedOut", schema_for!(ApprovalCarriedOut)),
        ("ApprovalRefused", schema_for!(ApprovalRefused)),
        ("ApprovalRejected", schema_for!(ApprovalRejected)),
        (
            "ApprovalWithdrawn",
            nothing("The one who asked took it back."),
        ),
        ("ApprovalExpired", nothing("Its time was over.")),
    ]
}

fn all() -> Vec<(&'static str, Schema, PathBuf)> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let connectors = golden.join("connector");
    let of_networks = NetworkEvent::schemas();
    let mut all: Vec<_> = of_networks
        .into_iter()
        .map(|(name, schema)| (name, schema, golden.clone()))
        .collect();
    all.extend(
        of_connectors()
            .into_iter()
            .chain(of_parked_records())
            .map(|(name, schema)| (name, schema, connectors.clone())),
    );
    let approvals = golden.join("approval");
    all.extend(
        of_approvals()
            .into_iter()
            .map(|(name, schema)| (name, schema, approvals.clone())),
    );
    all
}

/// The golden samples of a type, the one without a variant first.
fn samples(folder: &Path, name: &str) -> Vec<Value> {
    let prefix = format!("{name}.v{VERSION}.");
    let files = fs::read_dir(folder).expect("the golden files");
    let names = files.map(|it| {
        it.expect("a file")
            .file_name()
            .into_string()
            .expect("a name")
    });
    let mut names: Vec<_> = names.filter(|it| it.starts_with(&prefix)).collect();
    names.sort_by_key(|it| (it.matches('.').count(), it.clone()));
    let read = |it: &String| fs::read(folder.join(it)).expect("a sample");
    let each = names.iter().map(|it| serde_json::from_slice(&read(it)));
    each.map(|it| it.expect("JSON")).collect()
}

/// Descriptions as one paragraph, without links into the source; and nothing is closed to fields
/// that come later.
fn tidied(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("additionalProperties") == Some(&json!(false)) {
                fields.remove("additionalProperties");
            }
            if let Some(Value::String(text)) = fields.get_mut("description") {
                let links = Regex::new(r"\[(`[^`]+`)\](\([^)]*\))?").expect("an expression");
                let lines = text.split("\n\n").map(|it| it.replace('\n', " "));
                let whole = lines.collect::<Vec<_>>().join("\n");
                *text = links.replace_all(&whole, "$1").into_owned();
            }
            fields.values_mut().for_each(tidied);
        }
        Value::Array(all) => all.iter_mut().for_each(tidied),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What is published of a type.
fn published(name: &str, schema: Schema, samples: &[Value]) -> Value {
    let mut schema = schema.to_value();
    tidied(&mut schema);
    schema["$schema"] = json!(SchemaSettings::draft2020_12().meta_schema);
    schema["$id"] = json!(format!("urn:peerage:event:{name}:v{VERSION}"));
    schema["title"] = json!(name);
    schema["examples"] = json!(samples);
    schema
}

#[test]
fn each_event_type_has_a_schema_that_its_golden_samples_are_examples_of() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schemas");
    #[expect(
        clippy::disallowed_methods,
        reason = "what is generated is made anew on request"
    )]
    let is_made_anew = std::env::var_os("PEERAGE_UPDATE_GOLDEN").is_some();
    let mut made = BTreeMap::new();
    for (name, schema, golden) in all() {
        let mut samples = samples(&golden, name);
        samples.iter_mut().for_each(without_ciphertext);
        assert!(!samples.is_empty(), "{name} has no golden sample");
        let text = serde_json::to_string_pretty(&published(name, schema, &samples));
        let text = format!("{}\n", text.expect("JSON"));
        made.insert(format!("{name}.v{VERSION}.json"), text);
    }
    let names: BTreeSet<_> = all().into_iter().map(|(name, _, _)| name).collect();
    let wanted = NetworkEvent::NAMES.iter().chain(&ConnectorEvent::NAMES);
    let wanted = wanted
        .chain(&BuiltInEvent::NAMES)
        .chain(&ParkedEvent::NAMES);
    let wanted = wanted.chain(&ApprovalEvent::NAMES);
    assert_eq!(names, wanted.copied().collect());
    if is_made_anew {
        fs::create_dir_all(&folder).expect("the folder");
        for (file, text) in &made {
            fs::write(folder.join(file), text).expect("a schema");
        }
    }
    for (file, text) in &made {
        let stored = fs::read_to_string(folder.join(file)).unwrap_or_default();
        assert!(
            stored == *text,
            "docs/schemas/{file} is not what its type says: PEERAGE_UPDATE_GOLDEN=1 cargo test -p peerage-domain schema"
        );
    }
}
