//! An event of the log in the forms in which it is exported: OCSF for other systems, a row for a
//! spreadsheet. Each form says no more than the event and what stands beside it.

use crate::sentence::{marked, sentence_of};
use chrono::{DateTime, SecondsFormat, Utc};
use domain::{Actor, CloudMode, NetworkId};
use journal::{Metadata, Position, SCHEMA_VERSION};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The version of the Open Cybersecurity Schema Framework that [`Entry::ocsf`] is of.
pub const OCSF_VERSION: &str = "1.7.0";

/// API Activity.
const CLASS: u32 = 6_003;
/// Application Activity.
const CATEGORY: u32 = 6;

/// What is said of the cloud of a network's event where it is not on record.
const UNKNOWN: &str = "unknown";

/// An event as the log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the store's log.
    pub position: Position,
    /// Its stream.
    pub stream: String,
    /// Its number in the stream.
    pub revision: u64,
    /// Its id.
    pub id: Uuid,
    /// Its type as stored.
    pub event_type: String,
    /// When the store wrote it.
    pub created: DateTime<Utc>,
    /// Its data as stored.
    pub data: Vec<u8>,
    /// Its metadata as stored.
    pub metadata: Vec<u8>,
    /// The cloud that its network is at by the record, for metadata of a time before they said it.
    pub cloud: Option<CloudMode>,
}

impl Entry {
    /// What a row's cells are called.
    pub const COLUMNS: [&'static str; 17] = [
        "position",
        "time",
        "stream",
        "revision",
        "id",
        "type",
        "sentence",
        "actor",
        "method",
        "claimed",
        "reason",
        "ticket",
        "command_id",
        "data",
        "cloud",
        "network_id",
        "peering_id",
    ];

    /// What stands beside it, where that is ours.
    pub fn about(&self) -> Option<Metadata> {
        serde_json::from_slice(&self.metadata).ok()
    }

    /// When it was decided, or else written.
    pub fn time(&self) -> DateTime<Utc> {
        self.about().and_then(|it| it.time).unwrap_or(self.created)
    }

    /// At which cloud its network is: a network stays where it was made, so what is on record by
    /// now was so then. `None` if that is not known, or the event is no network's.
    fn cloud<'a>(&'a self, about: Option<&'a Metadata>) -> Option<&'a CloudMode> {
        let said = about.and_then(|it| it.cloud.as_ref());
        said.or(self.cloud.as_ref())
    }

    /// Whether it is a network's: then it is at some cloud, known or not.
    fn is_of_a_network(&self) -> bool {
        NetworkId::from_stream(&self.stream).is_some()
    }

    /// What happened, marked where it happened at no real cloud.
    pub fn sentence(&self) -> String {
        let about = self.about();
        let about = about.as_ref();
        let version = about.map_or(SCHEMA_VERSION, |it| it.schema_version);
        let said = sentence_of(&self.event_type, version, &self.data);
        marked(&said, self.cloud(about))
    }

    /// The peering that its data names, where it names one.
    fn peering(&self) -> String {
        let data: Option<Value> = serde_json::from_slice(&self.data).ok();
        let named = data.as_ref().and_then(|it| it["peering_id"].as_str());
        named.unwrap_or_default().to_owned()
    }

    /// A row for people's tables, in the order of [`Entry::COLUMNS`]. A cell that a spreadsheet
    /// would take for a formula begins with an apostrophe.
    pub fn row(&self) -> [String; 17] {
        let about = self.about();
        let actor = about
            .as_ref()
            .map(|it| it.actor.clone())
            .unwrap_or_default();
        let of = |value: Option<&dyn ToString>| value.map(ToString::to_string).unwrap_or_default();
        let about = about.as_ref();
        [
            self.position.to_string(),
            self.time().to_rfc3339_opts(SecondsFormat::Millis, true),
            self.stream.clone(),
            self.revision.to_string(),
            self.id.to_string(),
            self.event_type.clone(),
            self.sentence(),
            of(actor.subject.as_ref().map(|it| it as &dyn ToString)),
            of(actor.method.as_ref().map(|it| it as &dyn ToString)),
            of(actor.claimed.as_ref().map(|it| it as &dyn ToString)),
            of(about
                .and_then(|it| it.reason.as_ref())
                .map(|it| it as &dyn ToString)),
            of(about
                .and_then(|it| it.ticket.as_ref())
                .map(|it| it as &dyn ToString)),
            of(about.map(|it| &it.command_id as &dyn ToString)),
            String::from_utf8_lossy(&self.data).into_owned(),
            match self.cloud(about) {
                Some(cloud) => cloud.to_string(),
                None if self.is_of_a_network() => UNKNOWN.to_owned(),
                None => String::new(),
            },
            of(NetworkId::from_stream(&self.stream)
                .as_ref()
                .map(|it| it as &dyn ToString)),
            self.peering(),
        ]
        .map(harmless)
    }

    /// An event of OCSF's class API Activity (6003), of [`OCSF_VERSION`].
    pub fn ocsf(&self) -> Value {
        let about = self.about();
        let about = about.as_ref();
        let activity = activity(&self.event_type);
        let failed = is_failure(&self.event_type);
        let mut metadata = json!({
            "version": OCSF_VERSION,
            "product": { "name": "Peerage", "vendor_name": "Peerage" },
            "uid": self.id.to_string(),
            "event_code": self.event_type,
            "log_name": self.stream,
            "sequence": self.revision,
            "logged_time": self.created.timestamp_millis(),
        });
        if let Some(about) = about {
            metadata["correlation_uid"] = json!(about.correlation_id.to_string());
        }
        let mut event = json!({
            "class_uid": CLASS,
            "category_uid": CATEGORY,
            "activity_id": activity,
            "type_uid": CLASS * 100 + activity,
            "severity_id": if failed { 3 } else { 1 },
            "status_id": if failed { 2 } else { 1 },
            "time": self.time().timestamp_millis(),
            "message": self.sentence(),
            "metadata": metadata,
            "actor": actor(about.map(|it| &it.actor)),
            "api": self.api(about),
            // Where a call came from is not on record.
            "src_endpoint": { "svc_name": "peerage" },
            "unmapped": self.unmapped(about),
        });
        let data: Value = serde_json::from_slice(&self.data).unwrap_or_default();
        let resources: Vec<_> = ["network", "peering"]
            .into_iter()
            .filter_map(|kind| {
                let id = data.get(format!("{kind}_id"))?.as_str()?;
                Some(json!({ "uid": id, "type": kind }))
            })
            .collect();
        if !resources.is_empty() {
            event["resources"] = json!(resources);
        }
        event
    }

    fn api(&self, about: Option<&Metadata>) -> Value {
        let command = about
            .and_then(|it| it.command.as_ref()?.get("command")?.as_str())
            .unwrap_or(&self.event_type);
        let mut api =
            json!({ "operation": command, "service": { "name": "peerage" }, "version": "v1" });
        if let Some(about) = about {
            api["request"] = json!({ "uid": about.command_id.to_string() });
        }
        api
    }

    /// What OCSF has no place for.
    fn unmapped(&self, about: Option<&Metadata>) -> Value {
        let mut own = Map::new();
        own.insert("position".to_owned(), json!(self.position.to_string()));
        let data = serde_json::from_slice(&self.data).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(&self.data);
            Value::String(text.into_owned())
        });
        own.insert("data".to_owned(), data);
        let said = [
            (
                "reason",
                about.and_then(|it| it.reason.as_ref()).map(|it| json!(it)),
            ),
            (
                "ticket",
                about.and_then(|it| it.ticket.as_ref()).map(|it| json!(it)),
            ),
            (
                "cloud_calls",
                about
                    .and_then(|it| it.cloud_calls.as_ref())
                    .map(|it| json!(it)),
            ),
            (
                "cloud",
                match self.cloud(about) {
                    Some(cloud) => Some(json!(cloud)),
                    None => self.is_of_a_network().then(|| json!({ "mode": UNKNOWN })),
                },
            ),
        ];
        for (name, value) in said {
            if let Some(value) = value {
                own.insert(name.to_owned(), value);
            }
        }
        Value::Object(own)
    }
}

fn actor(actor: Option<&Actor>) -> Value {
    let Some(name) = actor.and_then(Actor::name) else {
        return json!({ "app_name": "peerage" });
    };
    let mut told = json!({ "user": { "name": name.as_str() } });
    let actor = actor.cloned().unwrap_or_default();
    if let Some(issuer) = &actor.issuer {
        told["idp"] = json!({ "name": issuer.as_str() });
    }
    if let (Some(_), Some(claimed)) = (&actor.subject, &actor.claimed) {
        told["invoked_by"] = json!(claimed.as_str());
    }
    told
}

/// Create, update or delete, in OCSF's numbers.
fn activity(event_type: &str) -> u32 {
    let ends = |words: &[&str]| words.iter().any(|it| event_type.ends_with(it));
    if ends(&[
        "Registered",
        "Requested",
        "Adopted",
        "Accepted",
        "Allowed",
        "Created",
        "Installed",
        "Authorized",
        "Attached",
        "Made",
        "Added",
        "Initiated",
        "Imposed",
    ]) && !ends(&["RemovalRequested", "AbandonmentRequested", "CheckRequested"])
    {
        return 1;
    }
    if ends(&[
        "Removed",
        "Revoked",
        "Retired",
        "Withdrawn",
        "Deleted",
        "Detached",
        "Dropped",
        "Abandoned",
        "Lifted",
        "RemovalRequested",
        "AbandonmentRequested",
        "AdmissionExpired",
    ]) {
        return 4;
    }
    3
}

fn is_failure(event_type: &str) -> bool {
    let words = [
        "Failed",
        "Refused",
        "Denied",
        "Blocked",
        "Rejected",
        "Exposed",
        "Conflicted",
    ];
    words.iter().any(|it| event_type.ends_with(it))
}

/// A text that no spreadsheet computes.
fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(event_type: &str, data: &Value, reason: Option<&str>) -> Entry {
        let command = Uuid::from_u128(7);
        let mut metadata = json!({
            "$correlationId": command, "$causationId": command, "command_id": command,
            "command_digest": domain::Digest::of(&7).expect("a digest"),
            "actor": { "subject": "ada", "method": "token", "issuer": "https://idp.example.com", "claimed": "=cmd()" },
            "schema_version": 1, "time": "2026-03-01T09:00:00Z",
            "command": { "command": "RequestPeering", "body": {} },
        });
        if let Some(reason) = reason {
            metadata["reason"] = json!(reason);
        }
        Entry {
            position: Position {
                commit: 7,
                prepare: 7,
            },
            stream: "network-1".to_owned(),
            revision: 3,
            id: Uuid::from_u128(9),
            event_type: event_type.to_owned(),
            created: DateTime::UNIX_EPOCH,
            data: data.to_string().into_bytes(),
            metadata: metadata.to_string().into_bytes(),
            cloud: None,
        }
    }

    #[test]
    fn a_row_has_a_cell_for_each_column_and_none_that_a_spreadsheet_computes() {
        let row = entry("PeeringTeleported", &json!({}), Some("=HYPERLINK(\"x\")")).row();
        assert_eq!(row.len(), Entry::COLUMNS.len());
        assert_eq!(row[1], "2026-03-01T09:00:00.000Z");
        assert_eq!((&*row[7], &*row[8], &*row[9]), ("ada", "token", "'=cmd()"));
        assert_eq!(row[10], "'=HYPERLINK(\"x\")");
    }

    #[test]
    fn what_happened_at_no_real_cloud_says_so_in_every_form() {
        let of = |cloud: Value| {
            let mut it = entry("PeeringActivated", &json!({}), None);
            let mut metadata: Value = serde_json::from_slice(&it.metadata).expect("JSON");
            metadata["cloud"] = cloud;
            it.metadata = metadata.to_string().into_bytes();
            let (row, told) = (it.row(), it.ocsf());
            (
                row[6].clone(),
                row[14].clone(),
                told["message"].clone(),
                told["unmapped"]["cloud"].clone(),
            )
        };
        let (said, cell, message, mapped) = of(json!({ "mode": "simulated" }));
        assert!(said.ends_with(" (simulated)"), "{said}");
        assert_eq!((cell.as_str(), &message), ("simulated", &json!(said)));
        assert_eq!(mapped, json!({ "mode": "simulated" }));
        let at = "http://127.0.0.1:5000/";
        let (said, cell, ..) = of(json!({ "mode": "emulator", "endpoint": at }));
        assert!(said.ends_with(" (emulated)"), "{said}");
        assert_eq!(cell, format!("emulator at {at}"));
        let (said, cell, ..) = of(json!({ "mode": "real" }));
        assert!(!said.ends_with(')'), "{said}");
        assert_eq!(cell, "real");
        let (said, cell, ..) = of(json!({ "mode": "of a later release" }));
        assert!(!said.ends_with(')') && cell.is_empty(), "{said}");
    }

    #[test]
    fn an_event_from_before_they_said_it_is_of_its_networks_cloud_or_of_an_unknown_one() {
        let of = |stream: &str, cloud: Option<CloudMode>| {
            let it = Entry {
                stream: stream.to_owned(),
                cloud,
                ..entry("PeeringActivated", &json!({}), None)
            };
            let mapped = it.ocsf()["unmapped"]["cloud"].clone();
            (it.sentence(), it.row()[14].clone(), mapped)
        };
        let network = "network-0b9f6a52-3c1d-4e8f-8a7b-6c5d4e3f2a1b";
        let (said, cell, mapped) = of(network, Some(CloudMode::Simulated));
        assert!(said.ends_with(" (simulated)"), "{said}");
        assert_eq!(cell, "simulated");
        assert_eq!(mapped, json!({ "mode": "simulated" }));
        let (said, cell, mapped) = of(network, None);
        assert!(!said.ends_with(')'), "{said}");
        assert_eq!(cell, "unknown");
        assert_eq!(mapped, json!({ "mode": "unknown" }));
        let (_, cell, mapped) = of("access-policy", None);
        assert_eq!((cell.as_str(), mapped), ("", Value::Null), "no network's");
    }

    #[test]
    fn what_the_metadata_says_of_its_cloud_stands_whatever_is_on_record_by_now() {
        let mut it = entry("PeeringActivated", &json!({}), None);
        let mut metadata: Value = serde_json::from_slice(&it.metadata).expect("JSON");
        metadata["cloud"] = json!({ "mode": "real" });
        it.metadata = metadata.to_string().into_bytes();
        it.cloud = Some(CloudMode::Simulated);
        assert_eq!(it.row()[14], "real");
    }

    #[test]
    fn ocsf_says_who_called_what_and_what_became_of_it() {
        let told = entry("AccessDenied", &json!({ "network_id": "n" }), None).ocsf();
        assert_eq!(
            (&told["class_uid"], &told["type_uid"]),
            (&json!(6003), &json!(600_303))
        );
        assert_eq!(told["status_id"], 2);
        assert_eq!(told["actor"]["user"]["name"], "ada");
        assert_eq!(told["actor"]["invoked_by"], "=cmd()");
        assert_eq!(told["api"]["operation"], "RequestPeering");
        assert_eq!(
            told["resources"],
            json!([{ "uid": "n", "type": "network" }])
        );
        assert_eq!(told["time"], 1_772_355_600_000_i64);
        let foreign = Entry {
            metadata: b"x".to_vec(),
            data: vec![0xff],
            ..entry("RouteRemoved", &json!({}), None)
        };
        let told = foreign.ocsf();
        assert_eq!(told["actor"], json!({ "app_name": "peerage" }));
        assert_eq!(
            (&told["activity_id"], &told["time"]),
            (&json!(4), &json!(0))
        );
    }

    #[test]
    fn ocsf_has_all_that_is_on_record_of_an_event() {
        let data = json!({ "network_id": "n", "peering_id": "p", "destination": "10.20.0.0/16" });
        let mut own = entry("PeeringRemovalRequested", &data, Some("over"));
        let mut metadata: Value = serde_json::from_slice(&own.metadata).expect("JSON");
        metadata["ticket"] = json!("OPS-7");
        own.metadata = metadata.to_string().into_bytes();
        let uid = Uuid::from_u128(7);
        let expected = json!({
            "class_uid": 6003, "category_uid": 6, "activity_id": 4, "type_uid": 600_304,
            "severity_id": 1, "status_id": 1, "time": 1_772_355_600_000_i64,
            "message": own.sentence(),
            "metadata": {
                "version": OCSF_VERSION, "product": { "name": "Peerage", "vendor_name": "Peerage" },
                "uid": Uuid::from_u128(9), "event_code": "PeeringRemovalRequested",
                "log_name": "network-1", "sequence": 3, "logged_time": 0, "correlation_uid": uid,
            },
            "actor": {
                "user": { "name": "ada" }, "idp": { "name": "https://idp.example.com" },
                "invoked_by": "=cmd()",
            },
            "api": {
                "operation": "RequestPeering", "service": { "name": "peerage" }, "version": "v1",
                "request": { "uid": uid },
            },
            "src_endpoint": { "svc_name": "peerage" },
            "unmapped": { "position": "7/7", "data": data, "reason": "over", "ticket": "OPS-7" },
            "resources": [{ "uid": "n", "type": "network" }, { "uid": "p", "type": "peering" }],
        });
        assert_eq!(own.ocsf(), expected);
        let alone = entry("PeeringTeleported", &json!({}), None).ocsf();
        assert_eq!(alone.get("resources"), None);
        assert_eq!(alone["unmapped"], json!({ "position": "7/7", "data": {} }));
        assert!(!own.sentence().is_empty() && alone["message"] != "");
    }

    #[test]
    fn each_event_type_is_an_activity_that_succeeds_or_fails() {
        use domain::{
            access::AccessEvent, approval::ApprovalEvent, connector::ConnectorEvent,
            network::NetworkEvent,
        };
        let names = NetworkEvent::NAMES.iter().copied();
        let others = ConnectorEvent::NAMES.into_iter().chain(AccessEvent::NAMES);
        let all = names.chain(others).chain(ApprovalEvent::NAMES);
        let lines = all.map(|name| {
            let done = match activity(name) {
                1 => "create",
                4 => "delete",
                _ => "update",
            };
            let failed = if is_failure(name) { ", failure" } else { "" };
            format!("{name}: {done}{failed}\n")
        });
        let made: String = lines.collect();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/activities.txt");
        #[expect(
            clippy::disallowed_methods,
            reason = "the table is made anew on request"
        )]
        if std::env::var_os("PEERAGE_UPDATE_GOLDEN").is_some() {
            std::fs::write(path, &made).expect("the table");
        }
        let known = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(known, made);
    }
}
