//! Keys and signed notes, with the example that the specification publishes.

use super::{LOG, WITNESS, keys, log_key, public};
use crate::{Forged, KeyError, Note, NoteError, Purpose, SigningKey, SigningKeys, VerifierKey};
use secrecy::ExposeSecret as _;

const KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE: &str = "This is an example message.\n\n\
    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

fn key(text: &str) -> Result<VerifierKey, KeyError> {
    text.parse()
}

#[test]
fn the_example_of_the_specification_verifies_and_is_written_as_it_was_read() {
    let (key, note) = (key(KEY).unwrap(), Note::parse(NOTE).unwrap());
    assert_eq!(
        (key.name(), key.id(), key.purpose()),
        ("example.com/foo", 0x530d_903a, Purpose::Log)
    );
    assert_eq!(note.verify(std::slice::from_ref(&key)).unwrap().len(), 1);
    assert_eq!(
        (key.to_string(), note.to_string()),
        (KEY.to_owned(), NOTE.to_owned())
    );
}

#[test]
fn a_text_that_was_changed_after_it_was_signed_is_a_forgery() {
    let changed = Note::parse(&NOTE.replace("example message", "example massage")).unwrap();
    let (name, id) = ("example.com/foo".to_owned(), 0x530d_903a);
    assert_eq!(
        changed.verify(&[key(KEY).unwrap()]),
        Err(Forged { name, id })
    );
}

#[test]
fn a_signature_of_somebody_else_says_nothing() {
    let note = Note::parse(NOTE).unwrap();
    assert_eq!(note.verify(&[log_key()]), Ok(Vec::new()));
}

#[test]
fn what_is_no_key_says_why() {
    let private = SigningKey::line(LOG, Purpose::Log, &[1; 32]).unwrap();
    assert_eq!(key(private.expose_secret()), Err(KeyError::Private));
    assert_eq!(key("example.com/foo"), Err(KeyError::Form));
    assert_eq!(key(&KEY.replace("530d903a", "530d903b")), Err(KeyError::Id));
    assert_eq!(key(&KEY.replace("/foo", "/bar")), Err(KeyError::Id));
    assert_eq!(
        key(&KEY.replace("530d903a", "530D903A")),
        Err(KeyError::Form)
    );
    assert_eq!(key(&KEY.replace("+Aeky", "+Aelz")), Err(KeyError::Id));
    assert_eq!(key(&KEY.replace("+Aeky", "+A")), Err(KeyError::Form));
    assert_eq!(
        key("a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"),
        Err(KeyError::Name)
    );
    assert_eq!(
        key("x+530d903a+CekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"),
        Err(KeyError::Kind)
    );
}

#[test]
fn a_key_file_has_comments_and_up_to_three_keys_of_one_name_and_purpose() {
    let line = |name: &str, purpose, seed| {
        let line = SigningKey::line(name, purpose, &[seed; 32]).unwrap();
        line.expose_secret().to_owned()
    };
    let read =
        |lines: &[String]| SigningKeys::parse(&lines.join("\n").into()).map(|it| it.keys().len());
    let (one, two) = (line(LOG, Purpose::Log, 1), line(LOG, Purpose::Log, 2));
    assert_eq!(
        read(&[
            "# of the log".to_owned(),
            String::new(),
            one.clone(),
            two.clone()
        ]),
        Ok(2)
    );
    assert_eq!(read(&["# none".to_owned()]), Err((1, KeyError::Many)));
    let other = line("example.com/other", Purpose::Log, 3);
    assert_eq!(read(&[one.clone(), other]), Err((2, KeyError::Mixed)));
    assert_eq!(
        read(&[one.clone(), line(LOG, Purpose::Witness, 3)]),
        Err((2, KeyError::Mixed))
    );
    assert_eq!(read(&[one.clone(), one.clone()]), Err((2, KeyError::Mixed)));
    assert_eq!(read(&[log_key().to_string()]), Err((1, KeyError::Public)));
    assert_eq!(
        read(&[one.replace("+KEY+example", "+KEY+exampel")]),
        Err((1, KeyError::Id))
    );
    let many = (1..=4).map(|seed| line(LOG, Purpose::Log, seed));
    assert_eq!(read(&many.collect::<Vec<_>>()), Err((4, KeyError::Many)));
    assert_eq!(
        format!("{:?}", SigningKeys::parse(&one.clone().into()).unwrap()).find(&one[40..]),
        None
    );
}

#[test]
fn a_cosignature_says_when_and_holds_for_that_time_alone() {
    let keys = keys(WITNESS, Purpose::Witness, &[7]);
    let mut note = Note::new("example.com/log\n1\nroot\n".to_owned());
    note.cosign(&keys.keys()[0], 1_700_000_000);
    let signed = note.verify(&public(&keys)).unwrap();
    assert_eq!(signed[0].time, Some(1_700_000_000));
    let mut later = Note::new(note.text().to_owned());
    later.cosign(&keys.keys()[0], 1_700_000_001);
    assert_ne!(note.to_string(), later.to_string());
}

#[test]
fn what_is_no_note_says_why() {
    let no = |text: &str| Note::parse(text).unwrap_err();
    assert_eq!(no(""), NoteError::Form);
    assert_eq!(no("text\n"), NoteError::Form);
    assert_eq!(no("text\n\n"), NoteError::Form);
    assert_eq!(no("\n\n— a AAAAAAA=\n"), NoteError::Form);
    assert_eq!(no(NOTE.trim_end()), NoteError::Form);
    assert_eq!(no(&NOTE.replace("is an", "is\tan")), NoteError::Control);
    assert_eq!(no("text\n\nsignature\n"), NoteError::Signature(1));
    assert_eq!(no("text\n\n— a+b AAAAAAA=\n"), NoteError::Signature(1));
    assert_eq!(no("text\n\n— a AAAA\n"), NoteError::Signature(1));
    let many = "— a AAAAAAA=\n".repeat(65);
    assert_eq!(no(&format!("text\n\n{many}")), NoteError::Many);
    let large = "a".repeat(256 * 1024);
    assert_eq!(no(&format!("{large}\n\n— a AAAAAAA=\n")), NoteError::Large);
}

#[test]
fn signatures_of_a_witness_are_taken_once_and_those_of_others_never() {
    let (witness, stranger) = (
        keys(WITNESS, Purpose::Witness, &[7]),
        keys("other.example", Purpose::Witness, &[8]),
    );
    let mut note = Note::new("text\n".to_owned());
    let mut signed = note.clone();
    signed.cosign(&witness.keys()[0], 1);
    signed.cosign(&stranger.keys()[0], 1);
    let known = public(&witness);
    assert_eq!(note.take_over(&signed.signature_lines(), &known), Ok(1));
    assert_eq!(note.take_over(&signed.signature_lines(), &known), Ok(1));
    assert_eq!(note.signatures(), 1);
    let mut forged = Note::new("another\n".to_owned());
    forged.cosign(&witness.keys()[0], 1);
    assert!(note.take_over(&forged.signature_lines(), &known).is_err());
    assert!(note.take_over("none\n", &known).is_err());
}
