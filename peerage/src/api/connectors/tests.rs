//! Settings in and out: what is secret is sealed at once and never shown.

use super::settings::{read, shown};
use crate::api::structs::{json_of, struct_of};
use aws_lc_rs::rand::SystemRandom;
use connectors::secrets::MasterKeys;
use domain::connector::Settings;
use serde_json::{Value, json};
use tonic::Code;

fn keys() -> (tempfile::TempDir, MasterKeys) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secrets.key");
    let keys = MasterKeys::create(&path, "one", &SystemRandom::new()).unwrap();
    (folder, keys)
}

fn message(value: Value) -> Option<prost_types::Struct> {
    match value {
        Value::Object(fields) => Some(struct_of(fields)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            None
        }
    }
}

fn hook(token: Value, key: Value) -> Value {
    json!({
        "sink": {
            "type": "webhook", "url": "https://hooks.example.com/", "timeout_ms": 20_000,
            "authentication": { "method": "bearer", "token": { "value": token } },
            "signing": [{ "scheme": "v1", "key": { "value": key } }],
        },
        "lanes": "peering",
    })
}

fn taken(value: Value, present: Option<&Settings>, keys: &MasterKeys) -> Settings {
    let id = "to-auditors".parse().unwrap();
    read(&id, message(value), present, Some(keys)).unwrap()
}

#[test]
fn a_secret_is_sealed_at_once_and_shown_as_one_that_is_there() {
    let (_folder, keys) = keys();
    let settings = taken(hook(json!("s3cret"), json!("whsec_AAAA")), None, &keys);
    let stored = serde_json::to_string(&settings).unwrap();
    assert!(
        !stored.contains("s3cret") && !stored.contains("whsec_"),
        "{stored}"
    );
    let opened = |field: &str, at: &str| {
        let value = serde_json::to_value(&settings).unwrap();
        let sealed = value.pointer(at).unwrap()["sealed"]
            .as_str()
            .unwrap()
            .to_owned();
        let opened = keys.open("to-auditors", field, &sealed).unwrap();
        secrecy::ExposeSecret::expose_secret(&opened).to_owned()
    };
    assert_eq!(
        opened("/sink/authentication/token", "/sink/authentication/token"),
        "s3cret"
    );
    assert_eq!(
        opened("/sink/signing/key", "/sink/signing/0/key"),
        "whsec_AAAA"
    );
    let seen = json_of(shown(&settings));
    assert_eq!(
        seen["sink"]["authentication"]["token"],
        json!({ "value": null })
    );
    assert_eq!(seen["sink"]["timeout_ms"], json!(20_000));
    // A header may be called as secrets are.
    let mut headers = hook(json!("s3cret"), json!("whsec_AAAA"));
    headers["sink"]["headers"] = json!({ "value": { "plain": "x" } });
    let _ = taken(headers, None, &keys);
    // What is shown can be sent again: everything stays as it is.
    assert_eq!(taken(seen, Some(&settings), &keys), settings);
    // Another secret is another one, the rest stays.
    let other = taken(hook(json!("other"), Value::Null), Some(&settings), &keys);
    assert_ne!(other, settings);
}

#[test]
fn what_is_wrong_is_named_by_its_field_and_no_secret_is_in_a_message() {
    let (_folder, keys) = keys();
    let id = "to-auditors".parse().unwrap();
    let told = |value: Value, keys: Option<&MasterKeys>| {
        let status = read(&id, message(value), None, keys)
            .unwrap_err()
            .status("x");
        (status.code(), status.message().to_owned())
    };
    let (code, text) = told(hook(Value::Null, json!("k")), Some(&keys));
    assert_eq!(code, Code::InvalidArgument);
    assert!(
        text.contains("configuration.sink.authentication.token"),
        "{text}"
    );
    let (_, text) = told(hook(json!("s3cret"), json!("k")), None);
    assert!(
        text.contains("secrets.key_file") && !text.contains("s3cret"),
        "{text}"
    );
    let mut unknown = hook(json!("s3cret"), json!("k"));
    unknown["sink"]["speed"] = json!(9);
    let (_, text) = told(unknown, Some(&keys));
    assert!(
        text.contains("configuration.sink") && text.contains("speed"),
        "{text}"
    );
    assert!(!text.contains("s3cret"), "{text}");
    let mut sealed = hook(json!("s3cret"), json!("k"));
    sealed["sink"]["signing"][0]["key"] = json!({ "sealed": "AAAA", "print": "p" });
    let (_, text) = told(sealed, Some(&keys));
    assert!(text.contains("is sealed"), "{text}");
    let mut deep = json!(1);
    for _ in 0..40 {
        deep = json!({ "a": deep });
    }
    assert!(told(deep, Some(&keys)).1.contains("too deep"));
    let long = json!({ "sink": { "type": "x".repeat(200_000) } });
    assert!(told(long, Some(&keys)).1.contains("131072"));
}
