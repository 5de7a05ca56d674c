//! Events written and read again, old ones lifted, and whatever else a log may hold set aside.

use super::*;
use domain::network::{PeeringActivated, ProvisioningUnblocked};
use domain::{Actor, CloudMode, PeeringId};

fn metadata() -> Metadata {
    Metadata {
        correlation_id: Uuid::from_u128(1),
        causation_id: Uuid::from_u128(2),
        command_id: CommandId(Uuid::from_u128(3)),
        command_digest: Digest::of(&"body").expect("a digest"),
        actor: "anna".parse::<Actor>().expect("an actor"),
        schema_version: 1,
        traceparent: None,
        time: None,
        reason: None,
        ticket: None,
        command: None,
        cloud_calls: None,
        cloud: None,
        term: None,
    }
}

fn activated() -> NetworkEvent {
    PeeringActivated {
        peering_id: PeeringId(Uuid::from_u128(9)),
        link: "pcx-1".parse().expect("a link"),
    }
    .into()
}

fn raw(event_type: &str, metadata: impl Into<Bytes>, data: impl Into<Bytes>) -> Raw {
    Raw {
        stream: NetworkId(Uuid::from_u128(7)).stream(),
        revision: 4,
        position: Position {
            commit: 10,
            prepare: 10,
        },
        event_id: Uuid::from_u128(5),
        event_type: event_type.to_owned(),
        created: Some("17000000001234567".to_owned()),
        metadata: metadata.into(),
        data: data.into(),
    }
}

fn problem(recorded: Recorded) -> String {
    match recorded.body {
        Body::Undecodable { problem, .. } => problem,
        Body::Event(event) => panic!("it was read: {event:?}"),
    }
}

#[test]
fn an_event_is_written_as_its_content_and_read_as_it_was() {
    let encoded = encode(&activated(), metadata()).expect("encoded");
    assert_eq!(encoded.event_type, "PeeringActivated");
    assert_eq!(
        encoded.data,
        json!({ "peering_id": Uuid::from_u128(9), "link": "pcx-1" })
    );
    let keys = serde_json::to_value(&encoded.metadata).expect("metadata");
    assert_eq!(keys["$correlationId"], json!(Uuid::from_u128(1)));
    assert_eq!(keys["$causationId"], json!(Uuid::from_u128(2)));
    let stored = raw(
        "PeeringActivated",
        keys.to_string(),
        encoded.data.to_string(),
    )
    .read();
    assert_eq!(stored.body, Body::Event(activated()));
    assert_eq!(stored.metadata, Some(metadata()));
    assert_eq!(stored.network_id, Some(NetworkId(Uuid::from_u128(7))));
    assert_eq!(
        stored.created.timestamp_nanos_opt(),
        Some(1_700_000_000_123_456_700)
    );
}

#[test]
fn an_event_happened_when_it_was_decided_or_else_when_the_store_wrote_it() {
    let decided = DateTime::from_timestamp(1_600_000_000, 7);
    let of = |time| {
        let metadata = Metadata { time, ..metadata() };
        let metadata = serde_json::to_vec(&metadata).expect("metadata");
        raw("PeeringActivated", metadata, "{}").read()
    };
    assert_eq!(Some(of(decided).time()), decided);
    assert_eq!(of(None).time(), of(None).created);
}

#[test]
fn what_cannot_be_read_is_set_aside_with_the_reason() {
    let good = serde_json::to_vec(&metadata()).expect("metadata");
    let newer = serde_json::to_vec(&Metadata {
        schema_version: 2,
        ..metadata()
    })
    .expect("metadata");
    assert!(problem(raw("PeeringTeleported", good.clone(), "{}").read()).contains("does not know"));
    assert!(problem(raw("PeeringActivated", good.clone(), "{}").read()).contains("peering_id"));
    assert!(problem(raw("PeeringActivated", good.clone(), "\u{0}").read()).contains("not JSON"));
    assert!(problem(raw("PeeringActivated", good, "").read()).contains("not JSON"));
    assert!(problem(raw("PeeringActivated", newer, "{}").read()).contains("newer"));
    assert!(
        problem(raw("PeeringActivated", "{\"by\":\"hand\"}", "{}").read()).contains("not ours")
    );
}

#[test]
fn an_event_without_metadata_is_of_the_first_version() {
    let data = encode(&activated(), metadata())
        .expect("encoded")
        .data
        .to_string();
    let stored = raw("PeeringActivated", "", data).read();
    assert_eq!(
        (stored.metadata, stored.body),
        (None, Body::Event(activated()))
    );
}

#[test]
fn an_older_version_is_lifted_step_by_step() {
    const STEPS: &[Upcast] = &[
        Upcast {
            event_type: "ProvisioningUnblocked",
            from: 1,
            lift: |old| json!({ "peering": old["id"] }),
        },
        Upcast {
            event_type: "ProvisioningUnblocked",
            from: 2,
            lift: |old| json!({ "peering_id": old["peering"] }),
        },
        Upcast {
            event_type: "PeeringActivated",
            from: 1,
            lift: |_| Value::Null,
        },
    ];
    let id = PeeringId(Uuid::from_u128(9));
    let lifted = |version, data: Value| {
        decode_with(
            STEPS,
            3,
            "ProvisioningUnblocked",
            version,
            data.to_string().as_bytes(),
        )
    };
    let expected = Ok(NetworkEvent::from(ProvisioningUnblocked { peering_id: id }));
    assert_eq!(lifted(1, json!({ "id": id })), expected);
    assert_eq!(lifted(2, json!({ "peering": id })), expected);
    assert_eq!(lifted(3, json!({ "peering_id": id })), expected);
}

#[test]
fn only_the_one_way_to_write_a_networks_stream_counts() {
    let id = NetworkId(Uuid::from_u128(0xabc));
    assert_eq!(network_of(&id.stream()), Some(id));
    assert_eq!(
        network_of(&id.stream().to_uppercase().replace("NETWORK", "network")),
        None
    );
    assert_eq!(network_of("network-x"), None);
}

#[test]
fn an_event_id_follows_from_the_command_and_from_what_is_said() {
    let (command, digest) = (
        CommandId(Uuid::from_u128(1)),
        Digest::of(&"a").expect("a digest"),
    );
    let id = event_id(command, &digest, 0, &json!({ "a": 1 }).to_string());
    assert_eq!(
        id,
        event_id(command, &digest, 0, &json!({ "a": 1 }).to_string())
    );
    assert_ne!(
        id,
        event_id(command, &digest, 1, &json!({ "a": 1 }).to_string())
    );
    assert_ne!(
        id,
        event_id(command, &digest, 0, &json!({ "a": 2 }).to_string())
    );
    assert_ne!(
        id,
        event_id(
            command,
            &Digest::of(&"b").expect("a digest"),
            0,
            &json!({ "a": 1 }).to_string()
        )
    );
    assert_ne!(
        id,
        event_id(
            CommandId(Uuid::from_u128(2)),
            &digest,
            0,
            &json!({ "a": 1 }).to_string()
        )
    );
}

#[test]
fn what_stands_behind_an_events_json_is_no_part_of_it() {
    let data = encode(&activated(), metadata()).expect("encoded").data;
    let metadata = serde_json::to_string(&metadata()).expect("metadata");
    for behind in [
        r#","more":{}"#,
        r#"},"data":{"link":"pcx-2"}"#,
        r#","type":"LinkAbandoned""#,
        " {}",
    ] {
        let spoiled = format!("{data}{behind}");
        let recorded = raw("PeeringActivated", metadata.clone(), spoiled).read();
        assert!(problem(recorded).starts_with("not JSON"), "{behind}");
    }
}

#[test]
fn an_event_that_says_something_twice_is_read_as_it_always_was() {
    let metadata = serde_json::to_string(&metadata()).expect("metadata");
    let id = Uuid::from_u128(9);
    let twice = format!(r#"{{"peering_id":"{id}","link":"pcx-2","link":"pcx-1"}}"#);
    let recorded = raw("PeeringActivated", metadata, twice).read();
    assert_eq!(recorded.body, Body::Event(activated()));
}

#[test]
fn a_type_that_only_begins_like_an_events_is_not_taken_for_it() {
    let data = encode(&activated(), metadata())
        .expect("encoded")
        .data
        .to_string();
    let metadata = serde_json::to_string(&metadata()).expect("metadata");
    for odd in [
        r#"PeeringActivated","more":""#,
        r#"PeeringActivated","type":"PeeringActivated"#,
        "Peering\\u0041ctivated",
    ] {
        let recorded = raw(odd, metadata.clone(), data.clone()).read();
        assert!(!problem(recorded).is_empty(), "{odd}");
    }
}

#[test]
fn a_cloud_of_a_later_form_beside_an_event_is_as_if_it_were_not_there() {
    let of = |cloud: serde_json::Value| {
        let mut stored = serde_json::to_value(metadata()).expect("metadata");
        assert_eq!(
            stored.get("cloud"),
            None,
            "what is not known is not written"
        );
        stored["cloud"] = cloud;
        let event = encode(&activated(), metadata()).expect("JSON");
        raw(
            "PeeringActivated",
            stored.to_string(),
            event.data.to_string(),
        )
        .read()
    };
    let known = of(json!({ "mode": "simulated" }));
    assert_eq!(
        known.metadata.and_then(|it| it.cloud),
        Some(CloudMode::Simulated)
    );
    let later = of(json!({ "mode": "borrowed", "from": "x" }));
    assert!(matches!(later.body, Body::Event(_)));
    assert_eq!(later.metadata.expect("metadata").cloud, None);
}
