//! `standardwebhooks`, `cryptography` and `cloudevents` of PyPI read what is sent.

use super::{Judge, Keys, folder, message, record, signing};
use peerage_webhook::{Format, Outcome, Record, SigningKeys};
use serde_json::{Value, json};
use testkit::venv;

async fn judge(keys: &[&str]) -> Judge {
    let mut python = venv::command("python");
    python.arg(folder().join("judge.py")).args(keys);
    Judge::start("the judge", &mut python).await
}

async fn verdict(judge: &Judge, keys: &SigningKeys, format: Format, records: &[Record]) -> Value {
    let attempt = judge.sent(keys, &message(format, records)).await;
    assert_eq!(attempt.outcome, Outcome::Delivered, "{attempt:?}");
    serde_json::from_str(&attempt.body.text).unwrap()
}

#[tokio::test]
async fn strangers_verify_every_signature_and_no_other() {
    let (keys, others) = (Keys::generate(), Keys::generate());
    let judge = judge(&[keys.secret(), &keys.public, others.secret(), &others.public]).await;
    for (signed, wanted) in [
        (vec![&keys.secret], [true, false, false, false]),
        (vec![&keys.private], [false, true, false, false]),
        (
            vec![&keys.secret, &others.secret],
            [true, false, true, false],
        ),
        (
            vec![&others.private, &keys.secret, &keys.private, &others.secret],
            [true; 4],
        ),
    ] {
        let said = verdict(&judge, &signing(signed), Format::Envelope, &[record(1)]).await;
        assert_eq!(said["signed"], json!(wanted));
    }
}

#[tokio::test]
async fn strangers_read_the_same_event_from_every_form_of_cloudevents() {
    let keys = Keys::generate();
    let judge = judge(&[keys.secret()]).await;
    let signed = signing([&keys.secret]);
    let wanted = |number: u64| {
        json!({
            "attributes": {
                "specversion": "1.0", "id": record(number).id, "source": "urn:peerage:stream:network-1",
                "type": "peerage.PeeringRequested", "time": "2026-03-01 09:30:15.250000+00:00", "subject": "p-1",
                "datacontenttype": "application/json", "schemaversion": "1", "streamrevision": number.to_string(),
                "logposition": (1000 + number).to_string(), "networkid": "n-1", "networkname": "prod", "peeringid": "p-1",
                "peeringname": "to billing", "account": "444455556601", "actor": "Zoë", "actorclaimed": "false",
                "reason": "50 % \"more\"", "commandid": "00000000-0000-0000-0000-0000000000c0",
            },
            "data": record(number).data,
        })
    };
    let plain = |mut event: Value| {
        // Python writes truth with a capital where JSON had it.
        let claimed = event["attributes"]["actorclaimed"]
            .as_str()
            .map(str::to_lowercase);
        event["attributes"]["actorclaimed"] = json!(claimed);
        event
    };
    for format in [Format::CloudeventsStructured, Format::CloudeventsBinary] {
        let said = verdict(&judge, &signed, format, &[record(1)]).await;
        assert_eq!(said["signed"], json!([true]));
        let read = said["events"][0].clone();
        let mut wanted = wanted(1);
        if format == Format::CloudeventsBinary {
            // There the content type is the body's own header.
            let kind = read["attributes"]["datacontenttype"].clone();
            assert_eq!(kind, "application/json");
            wanted["attributes"]["datacontenttype"] = kind;
        }
        assert_eq!(plain(read), wanted, "{format:?}");
    }
    let said = verdict(
        &judge,
        &signed,
        Format::CloudeventsStructured,
        &[record(1), record(2)],
    )
    .await;
    let read: Vec<Value> = said["events"]
        .as_array()
        .unwrap()
        .iter()
        .cloned()
        .map(plain)
        .collect();
    assert_eq!(read, [wanted(1), wanted(2)]);
}
