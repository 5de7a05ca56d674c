//! Proofs as files: read as they were written, refused as soon as a line is another.

use super::{LOG, Log, keys, log_key, public};
use crate::{
    CheckpointError, EventProof, FileError, GrowthProof, Hash, Purpose, SignedCheckpoint,
    is_origin_of, origin_of,
};

#[test]
fn proofs_come_back_as_they_were_written() {
    let log = Log::of(11);
    let event = log.event(6, 11).to_string();
    assert_eq!(EventProof::parse(&event).unwrap().to_string(), event);
    let growth = log.growth(6, 11).to_string();
    assert_eq!(GrowthProof::parse(&growth).unwrap().to_string(), growth);
    let one = Log::of(1).event(0, 1);
    assert_eq!(one.hashes, []);
    assert_eq!(EventProof::parse(&one.to_string()), Ok(one));
}

#[test]
fn an_event_proof_that_is_cut_or_has_another_line_says_which() {
    let text = Log::of(5).event(3, 5).to_string();
    for end in 0..text.len() {
        if text.is_char_boundary(end) && end < text.len() {
            assert!(EventProof::parse(&text[..end]).is_err(), "cut at {end}");
        }
    }
    let no = |text: &str| EventProof::parse(text).unwrap_err();
    let line = |line, expected| FileError::Line { line, expected };
    assert_eq!(
        no(&text.replace("@v1", "@v2")),
        line(1, "c2sp.org/tlog-proof@v1")
    );
    assert_eq!(
        no(&text.replace("extra ", "extra !")),
        line(2, "`extra` with base64")
    );
    assert_eq!(
        no(&text.replace("index 3", "index 03")),
        line(3, "`index` with a number")
    );
    assert_eq!(
        no(&text.replace("index 3\n", "index 3\nhash\n")),
        line(4, "a hash in base64")
    );
    let many = format!("index 3\n{}", format!("{}\n", Hash::empty()).repeat(64));
    assert_eq!(no(&text.replace("index 3\n", &many)), FileError::Long);
}

#[test]
fn a_checkpoint_is_believed_of_its_own_log_and_by_a_known_key_alone() {
    let checkpoint = Log::of(5).checkpoint(5);
    let vouched = checkpoint.verify(&[log_key()]).unwrap();
    assert_eq!(
        (vouched.log.len(), vouched.witnesses.len(), vouched.unknown),
        (1, 0, 0)
    );
    let other = public(&keys(LOG, Purpose::Log, &[2]));
    assert_eq!(checkpoint.verify(&other), Err(CheckpointError::Unsigned));
    let elsewhere = public(&keys("example.com/other", Purpose::Log, &[1]));
    assert!(matches!(
        checkpoint.verify(&elsewhere),
        Err(CheckpointError::OtherLog { .. })
    ));
    assert!(matches!(
        checkpoint.verify(&[]),
        Err(CheckpointError::OtherLog { .. })
    ));
    let text = checkpoint.to_string().replace("\n5\n", "\n6\n");
    let forged = SignedCheckpoint::parse(&text).unwrap();
    assert!(matches!(
        forged.verify(&[log_key()]),
        Err(CheckpointError::Forged(_))
    ));
}

#[test]
fn keys_change_with_an_overlap_in_which_either_verifies() {
    let log = Log::of(5);
    let (old, new) = (log_key(), public(&keys(LOG, Purpose::Log, &[2])).remove(0));
    let before = log.checkpoint(5);
    let log = log.with_keys(&[2, 1]);
    let between = log.checkpoint(5);
    let after = log.with_keys(&[2]).checkpoint(5);
    let holds = |of: &SignedCheckpoint, key: &_| of.verify(std::slice::from_ref(key)).is_ok();
    assert_eq!(
        [&before, &between, &after].map(|it| holds(it, &old)),
        [true, true, false]
    );
    assert_eq!(
        [&before, &between, &after].map(|it| holds(it, &new)),
        [false, true, true]
    );
}

#[test]
fn an_epoch_is_of_the_log_and_has_an_origin_of_its_own() {
    assert_eq!(
        (origin_of(LOG, 1), origin_of(LOG, 2)),
        (LOG.to_owned(), format!("{LOG}/epoch-2"))
    );
    assert!(is_origin_of(&origin_of(LOG, 12), LOG));
    for other in [
        "example.com/log2",
        "example.com/log/epoch-1",
        "example.com/log/epoch-02",
        "example.com/log/epoch-",
    ] {
        assert!(!is_origin_of(other, LOG), "{other}");
    }
    let checkpoint = Log::of(3).in_epoch(2).checkpoint(3);
    assert!(checkpoint.verify(&[log_key()]).is_ok());
}

#[test]
fn what_is_no_checkpoint_is_refused() {
    let good = Log::of(3).checkpoint(3).to_string();
    let no = |text: String| SignedCheckpoint::parse(&text).unwrap_err();
    assert_eq!(no(good.replace("\n3\n", "\n03\n")), CheckpointError::Form);
    assert_eq!(no(good.replace("\n3\n", "\n3\n!")), CheckpointError::Form);
    assert_eq!(no(good.replace("\n3\n", "\n")), CheckpointError::Form);
    assert_eq!(
        no(good.replacen("example.com/log\n", "\n", 1)),
        CheckpointError::Form
    );
    // A line that a log adds is signed with the others, and says nothing here.
    let root = good.lines().nth(2).unwrap();
    let more = good.replace(root, &format!("{root}\nmore"));
    assert!(matches!(
        SignedCheckpoint::parse(&more).unwrap().verify(&[log_key()]),
        Err(CheckpointError::Forged(_))
    ));
}
