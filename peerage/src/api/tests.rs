//! What holds for the API as a whole: what its messages are made of, and that every reason why a
//! call has no answer is in the catalogue.

use super::{POOL, Reason, code, problem::facts};
use crate::cli::hint;
use domain::{
    access::Method,
    approval::ApprovalRefusal,
    network::{Refusal, RefusalKind},
};
use prost_reflect::{FieldDescriptor, Kind};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::PathBuf,
};

/// Texts whose names end like those of times or words and that are neither, each with its reason.
const TEXTS: [(&str, &str); 20] = [
    (
        "peerage.v1.HistoryFault.event_type",
        "a log may hold types of later versions",
    ),
    ("peerage.v1.Rebuild.cause", "what the system said, or ours"),
    (
        "peerage.v1.LogRecord.type",
        "a log may hold types of later versions",
    ),
    (
        "peerage.v1.CloudCall.outcome",
        "a log may hold kinds of failures of later versions",
    ),
    ("peerage.v1.CloudCall.provider_code", "the provider's own"),
    (
        "peerage.v1.Event.type",
        "a log may hold types of later versions",
    ),
    ("peerage.v1.LinkEnded.cloud_state", "the cloud's own words"),
    ("peerage.v1.Acceptance.cloud_state", "the cloud's own words"),
    ("peerage.v1.Removal.reason", "a person's words"),
    (
        "peerage.v1.Connector.cause",
        "the receiver's words, or ours",
    ),
    ("peerage.v1.ParkedRecord.cause", "the same"),
    ("peerage.v1.TestConnectorResponse.cause", "the same"),
    (
        "peerage.v1.ParkedRecord.event_type",
        "a log may hold types of later versions",
    ),
    ("peerage.v1.TryFilterRequest.event_type", "the same"),
    ("peerage.v1.ListEventTypesRequest.event_type", "the same"),
    ("peerage.v1.EventType.event_type", "the same"),
    ("peerage.v1.DeliveredEvent.event_type", "the same"),
    ("peerage.v1.Leaf.event_type", "the same"),
    ("peerage.v1.Delivery.cause", "the receiver's words, or ours"),
    (
        "peerage.v1.TryFilterResponse.cause",
        "the transform's words",
    ),
];

/// Ends of names that a time, one of a few words, or a document would have.
const SUSPECT: [&str; 22] = [
    "_at", "_time", "since", "deadline", "expires", "created", "state", "status", "kind", "type",
    "side", "provider", "consent", "origin", "cause", "code", "language", "outcome", "mode",
    "json", "life", "order",
];

fn fields() -> Vec<FieldDescriptor> {
    POOL.all_messages()
        .filter(|it| it.package_name() == "peerage.v1")
        .flat_map(|it| it.fields().collect::<Vec<_>>())
        .collect()
}

#[test]
fn no_text_of_the_api_is_a_time_one_of_a_few_words_or_a_document() {
    let fields = fields();
    assert!(fields.len() > 200);
    for field in fields.iter().filter(|it| it.kind() == Kind::String) {
        let is_excepted = TEXTS.iter().any(|(name, _)| *name == field.full_name());
        let is_suspect = SUSPECT.iter().any(|it| field.name().ends_with(it));
        assert!(
            !is_suspect || is_excepted,
            "{} is a text; is it an enum, a Timestamp or a Struct?",
            field.full_name()
        );
    }
    for (name, _) in TEXTS {
        assert!(
            fields.iter().any(|it| it.full_name() == name),
            "{name} is gone"
        );
    }
}

#[test]
fn every_enum_begins_with_what_is_not_said() {
    let enums: Vec<_> = POOL
        .all_enums()
        .filter(|it| it.package_name() == "peerage.v1")
        .collect();
    assert!(enums.len() >= 17);
    for it in enums {
        assert!(
            it.default_value().name().ends_with("_UNSPECIFIED"),
            "{}",
            it.full_name()
        );
    }
}

#[test]
fn every_command_can_be_tried_and_carries_who_and_why_and_every_read_can_be_told_how_fresh() {
    for service in POOL
        .services()
        // What access is asked is no read of the log.
        .filter(|it| it.package_name() == "peerage.v1" && it.name() != "AccessService")
    {
        // Connectors are looked up in the log itself, and read models have none of them.
        // Neither are projections: each says itself how far it is.
        let is_of_read_models =
            !["ConnectorService", "ProjectionService"].contains(&service.name());
        for method in service.methods() {
            let has = |field: &str| method.input().get_field_by_name(field).is_some();
            if method.output().name() == "CommandResponse" {
                assert!(
                    has("context") && has("validate_only"),
                    "{}",
                    method.full_name()
                );
            } else if is_of_read_models {
                assert!(has("min_position"), "{}", method.full_name());
            }
            if method.name().starts_with("List") && is_of_read_models {
                let paged = ["page_size", "page_token", "allow_catching_up"].map(has);
                assert_eq!(paged, [true; 3], "{}", method.full_name());
            }
        }
    }
}

#[test]
fn a_message_as_json_is_protobufs_own() {
    let network = super::v1::Network {
        network_id: "n".to_owned(),
        provider: super::v1::Provider::Aws.into(),
        revision: 7,
        registered_at: Some(prost_types::Timestamp::default()),
        ..Default::default()
    };
    let json = super::json(&network).unwrap();
    assert_eq!(json["provider"], "PROVIDER_AWS");
    assert_eq!(json["revision"], "7");
    assert_eq!(json["registeredAt"], "1970-01-01T00:00:00Z");
    assert!(json.get("project").is_none());
}

/// One of each refusal that this program can be asked for, in the order of the domain's list.
fn refusals() -> Vec<Refusal> {
    let listed = include_str!("../../../domain/golden/refusals.txt");
    let all = super::refusals::one_of_each();
    let reasons: Vec<_> = all.iter().map(|it| facts(it).0).collect();
    let listed: Vec<_> = listed.lines().map(str::to_owned).collect();
    assert_eq!(
        reasons, listed,
        "the catalogue has one of each reason of the domain"
    );
    all
}

fn kind(kind: RefusalKind) -> &'static str {
    match kind {
        RefusalKind::Invalid => "the command is wrong in itself",
        RefusalKind::Unknown => "what it is about is not on record",
        RefusalKind::Exists => "what it asks for is on record already",
        RefusalKind::Precondition => "it does not fit the state as it is now",
        RefusalKind::Quota => "a limit is reached",
    }
}

fn catalogue() -> String {
    let mut text = "# Errors\n\n\
        <!-- Made from the program by a test; PEERAGE_UPDATE_GOLDEN=1 makes it anew. -->\n\n\
        Every error is a `google.rpc.Status`. Its `google.rpc.ErrorInfo` carries a reason that never changes, \
        the service as domain, and the facts as metadata. Decide by the reason, never by the text. \
        A `google.rpc.RetryInfo` stands beside what may be called again as it is.\n\n\
        ## Refused commands\n\n\
        Nothing was written. The example is one text of many: the facts differ.\n\n\
        | reason | code | meaning | example | facts | what helps |\n\
        | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    let mut sorted = BTreeMap::new();
    for refusal in refusals() {
        sorted.insert(facts(&refusal).0, refusal);
    }
    let mut approvals = BTreeMap::new();
    for refusal in ApprovalRefusal::one_of_each() {
        approvals.insert(facts(&refusal).0, refusal);
    }
    for (reason, refusal) in &sorted {
        let names = facts(refusal).1;
        let names: Vec<_> = names.keys().map(|it| format!("`{it}`")).collect();
        writeln!(
            text,
            "| `{reason}` | {} | {} | {} | {} | {} |",
            name(code(refusal.kind())),
            kind(refusal.kind()),
            cell(&refusal.to_string()),
            names.join(", "),
            cell(hint(reason).unwrap_or_default()),
        )
        .unwrap();
    }
    text.push_str(
        "\n## Refused approvals\n\n\
         | reason | code | meaning | example | facts | what helps |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for (reason, refusal) in &approvals {
        let names = facts(refusal).1;
        let names: Vec<_> = names.keys().map(|it| format!("`{it}`")).collect();
        writeln!(
            text,
            "| `{reason}` | {} | {} | {} | {} | {} |",
            name(code(refusal.kind())),
            kind(refusal.kind()),
            cell(&refusal.to_string()),
            names.join(", "),
            cell(hint(reason).unwrap_or_default()),
        )
        .unwrap();
    }
    text.push_str(
        "\n## Everything else\n\n\
         | reason | code | meaning | what helps |\n\
         | --- | --- | --- | --- |\n",
    );
    for reason in Reason::ALL {
        writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            reason.as_str(),
            name(reason.code()),
            cell(reason.meaning()),
            cell(hint(reason.as_str()).unwrap_or_default()),
        )
        .unwrap();
    }
    text
}

/// The code as gRPC and JSON write it.
fn name(code: tonic::Code) -> String {
    let mut name = String::new();
    for (index, letter) in format!("{code:?}").chars().enumerate() {
        if index > 0 && letter.is_uppercase() {
            name.push('_');
        }
        name.extend(letter.to_uppercase());
    }
    format!("`{name}`")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[test]
fn every_method_of_the_api_stands_in_the_table_of_roles_and_nothing_else_does() {
    let own = POOL
        .services()
        .filter(|it| it.full_name().starts_with("peerage."));
    let described: BTreeSet<_> = own
        .flat_map(|service| {
            let methods = service.methods();
            methods
                .map(|it| format!("/{}/{}", service.full_name(), it.name()))
                .collect::<Vec<_>>()
        })
        .collect();
    let known: BTreeSet<_> = Method::ALL
        .iter()
        .map(|it| format!("/{}/{}", it.service(), it.name()))
        .collect();
    assert_eq!(described, known);
}

#[test]
fn the_catalogue_of_errors_is_fresh() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/errors.md");
    let made = catalogue();
    if std::env::var_os("PEERAGE_UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &made).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == made,
        "docs/errors.md is stale: PEERAGE_UPDATE_GOLDEN=1 makes it anew"
    );
}
