//! Conditions one by one, at their bounds: what each of them keeps out.

use super::{Kept, LOG, Log, WITNESS, export, keys, leaf, log_key, public};
use crate::{
    Against, Checkpoint, CheckpointError, ExportHeader, Growth, Hash, KeyError, Note, ProofError,
    Purpose, SignedCheckpoint, SigningKey, Tiled, VerifierKey, VerifyError, consistency,
    is_covered, root, verify, verify_consistency, verify_inclusion,
};

const OTHER: &str = "example.com/other";

fn key(name: &str, purpose: Purpose, seed: u8) -> VerifierKey {
    public(&keys(name, purpose, &[seed])).remove(0)
}

fn kept(many: u64) -> (Vec<Hash>, Kept) {
    let leaves: Vec<_> = (0..many).map(|it| Hash::leaf(&it.to_be_bytes())).collect();
    let mut kept = Kept::default();
    kept.grow(0, &leaves);
    (leaves, kept)
}

#[test]
fn growth_is_of_the_one_older_tree_and_the_one_newer_and_of_no_other() {
    const MOST: u64 = 40;
    let (_, kept) = kept(MOST);
    let tree = Tiled::new(&kept);
    let other = Hash::leaf(b"another");
    let root = |size| root(&tree, size).unwrap();
    for new in 0..=MOST {
        for old in 0..=new {
            let proof = consistency(&tree, old, new).unwrap();
            assert_eq!(proof.is_empty(), old == 0 || old == new, "{old} {new}");
            let (older, newer) = (root(old), root(new));
            let of =
                |older: &Hash, newer: &Hash| verify_consistency((old, older), (new, newer), &proof);
            assert_eq!(of(&older, &newer), Ok(()), "{old} {new}");
            assert_eq!(of(&other, &newer), Err(ProofError::Root), "{old} {new}");
            // Every tree goes on from none at all.
            let any = (old == 0 && new > 0).then_some(()).ok_or(ProofError::Root);
            assert_eq!(of(&older, &other), any, "{old} {new}");
            for wrong in [old + 1, old.saturating_sub(1)] {
                if wrong != old && wrong <= new && wrong > 0 {
                    let shown = verify_consistency((wrong, &older), (new, &newer), &proof);
                    assert!(shown.is_err(), "{old} {new}, said to be {wrong}");
                }
            }
        }
    }
    let none = verify_consistency((1, &other), (3, &other), &[]);
    assert_eq!(none, Err(ProofError::Length { found: 0 }));
    let long = vec![other; 70];
    let too_long = ProofError::Length { found: 70 };
    assert_eq!(
        verify_consistency((1, &other), (3, &other), &long),
        Err(too_long)
    );
    assert_eq!(verify_inclusion(&other, 1, 3, &long, &other), Err(too_long));
    let short = ProofError::Length { found: 1 };
    assert_eq!(verify_inclusion(&other, 0, 9, &[other], &other), Err(short));
    // As far apart as numbers go.
    let far = verify_consistency((1 << 63, &other), (u64::MAX, &other), &long);
    assert!(far.is_err());
}

#[test]
fn what_is_kept_of_a_tree_that_has_grown_since_is_cut_to_the_size_that_was_asked_for() {
    let (leaves, kept) = kept(300);
    for size in [0, 1, 5, 255, 256, 257, 299] {
        let mut growth = Growth::behind(size, &kept).unwrap();
        assert_eq!(growth.size(), size);
        let from = usize::try_from(size).unwrap();
        leaves[from..].iter().for_each(|it| growth.push(*it));
        assert_eq!(growth.size(), 300);
        let grown = Kept(growth.tiles().collect());
        for (id, tile) in &grown.0 {
            assert_eq!(kept.0.get(id), Some(tile), "{size}: {id:?}");
        }
    }
    let mut cut = Kept(kept.0.clone());
    let _ = cut.0.insert((0, 1), vec![0; 43 * 32]);
    assert!(Growth::behind(300, &cut).is_err(), "a hash is missing");
}

fn signed(text: &str, by: &[&SigningKey]) -> Result<SignedCheckpoint, CheckpointError> {
    let mut note = Note::new(text.to_owned());
    by.iter().for_each(|it| note.sign(it));
    SignedCheckpoint::parse(&note.to_string())
}

#[test]
fn a_checkpoint_is_stood_for_by_a_key_of_its_own_log_and_by_no_other_key() {
    let log = keys(LOG, Purpose::Log, &[1]);
    let other = keys(OTHER, Purpose::Log, &[2]);
    let checkpoint = Checkpoint {
        origin: LOG.to_owned(),
        size: 3,
        root: Hash::empty(),
    };
    let own = checkpoint.clone().sign(&log);
    let known = |own: &SignedCheckpoint, keys: &[VerifierKey]| {
        own.verify(keys).map(|it| (it.log.len(), it.unknown))
    };
    let (log_key, other_key) = (log_key(), key(OTHER, Purpose::Log, 2));
    assert_eq!(
        known(&own, &[log_key.clone(), other_key.clone()]),
        Ok((1, 0))
    );
    // A key of another log that is trusted stands for that log alone.
    let by_other = checkpoint.clone().sign(&other);
    let both = [log_key.clone(), other_key.clone()];
    assert_eq!(known(&by_other, &both), Err(CheckpointError::Unsigned));
    let of_both = signed(own.note().text(), &[&log.keys()[0], &other.keys()[0]]).unwrap();
    assert_eq!(known(&of_both, &both), Ok((1, 0)));
    assert_eq!(known(&of_both, std::slice::from_ref(&log_key)), Ok((1, 1)));
    // A witness of the log's name is no log.
    let witness = key(LOG, Purpose::Witness, 1);
    let no_log = known(&own, std::slice::from_ref(&witness));
    let names = |it: &Result<_, CheckpointError>| match it {
        Err(CheckpointError::OtherLog { known, .. }) => Some(known.clone()),
        Err(_) | Ok(_) => None,
    };
    assert_eq!(names(&no_log), Some(Vec::new()), "{no_log:?}");
    let mut cosigned = checkpoint.sign(&other);
    cosigned
        .note_mut()
        .cosign(&keys(LOG, Purpose::Witness, &[1]).keys()[0], 5);
    let alone = known(&cosigned, &[log_key, other_key, witness]);
    assert_eq!(alone, Err(CheckpointError::Unsigned));
}

#[test]
fn a_checkpoint_is_three_lines_and_what_a_log_adds() {
    let log = keys(LOG, Purpose::Log, &[1]);
    let root = Hash::empty();
    let read = |text: &str| signed(text, &[&log.keys()[0]]).map(|it| it.checkpoint().size);
    for (size, is) in [
        ("0", Some(0)),
        ("17", Some(17)),
        ("18446744073709551615", Some(u64::MAX)),
    ] {
        assert_eq!(read(&format!("{LOG}\n{size}\n{root}\n")).ok(), is, "{size}");
    }
    for wrong in [
        "+1",
        "01",
        "00",
        "-1",
        "1a",
        "a1",
        "",
        " 1",
        "18446744073709551616",
    ] {
        let read = read(&format!("{LOG}\n{wrong}\n{root}\n"));
        assert!(
            matches!(read, Err(CheckpointError::Form)),
            "{wrong}: {read:?}"
        );
    }
    assert_eq!(
        read(&format!("{LOG}\n1\n{root}\nmore\nand more\n")).ok(),
        Some(1)
    );
    assert!(read(&format!("{LOG}\n1\n{root}\n\nmore\n")).is_err());
    assert!(read(&format!("{LOG}\n1\n")).is_err());
    assert!(read(&format!("a b\n1\n{root}\n")).is_err());
}

#[test]
fn signatures_are_told_apart_by_name_and_key_and_each_is_kept_once() {
    let (one, two) = (
        keys(WITNESS, Purpose::Witness, &[7]),
        keys(WITNESS, Purpose::Witness, &[8]),
    );
    let stranger = keys("other.example", Purpose::Witness, &[7]);
    let mut note = Note::new("text\n".to_owned());
    for key in [&one, &two, &stranger] {
        note.cosign(&key.keys()[0], 1);
    }
    let [one_key, two_key, stranger_key] = [&one, &two, &stranger].map(|it| public(it).remove(0));
    let kept = |keys: &[&VerifierKey]| {
        let keys: Vec<_> = keys.iter().map(|it| (*it).clone()).collect();
        let mut kept = note.clone();
        kept.keep(&keys);
        (kept.signatures(), kept.verify(&keys).unwrap().len())
    };
    assert_eq!(kept(&[&one_key]), (1, 1), "of one name, one key is meant");
    assert_eq!(kept(&[&one_key, &two_key]), (2, 2));
    assert_eq!(kept(&[&two_key, &stranger_key]), (2, 2));
    assert_eq!(kept(&[]), (0, 0));

    let lines = note.signature_lines();
    let both = [one_key.clone(), two_key.clone()];
    let mut taking = Note::new("text\n".to_owned());
    assert_eq!(taking.take_over(&lines, &both), Ok(2));
    assert_eq!(taking.take_over(&lines, &both), Ok(2));
    assert_eq!(
        taking.signatures(),
        2,
        "in the place of those that were there"
    );
    assert_eq!(
        taking.take_over(&lines, std::slice::from_ref(&one_key)),
        Ok(1)
    );
    assert_eq!(taking.signatures(), 2, "the other key's stays");
    let names: Vec<_> = taking.names().collect();
    assert_eq!(names, [WITNESS, WITNESS]);

    // The same key twice is one that stands for it.
    let mut twice = note.clone();
    twice.cosign(&one.keys()[0], 2);
    assert_eq!(
        twice.verify(std::slice::from_ref(&one_key)).unwrap().len(),
        1
    );
    // A time that no clock shows is no signature.
    let mut never = Note::new("text\n".to_owned());
    never.cosign(&one.keys()[0], u64::MAX);
    assert!(never.verify(&[one_key]).is_err());
}

#[test]
fn a_name_is_as_long_as_255_bytes_and_has_nothing_that_would_end_it() {
    let made = |name: &str| SigningKey::line(name, Purpose::Log, &[1; 32]).map(drop);
    assert_eq!(made(&"a".repeat(255)), Ok(()));
    assert_eq!(made(&"a".repeat(256)), Err(KeyError::Name));
    for wrong in ["", "a b", "a+b", "a\u{7}b", "a\nb"] {
        assert_eq!(made(wrong), Err(KeyError::Name), "{wrong:?}");
    }
    let log = keys(LOG, Purpose::Log, &[1, 2]);
    assert_eq!((log.name(), log.purpose()), (LOG, Purpose::Log));
    let witness = keys(WITNESS, Purpose::Witness, &[1]);
    assert_eq!(witness.purpose(), Purpose::Witness);
}

#[test]
fn a_stream_is_covered_by_its_whole_name() {
    const ID: &str = "3f0c6a3e-6c5b-4a57-9d4e-0d1c2b3a4f5e";
    for covered in [
        &format!("network-{ID}"),
        &format!("approval-{ID}"),
        "access-policy",
        "access-denials",
    ] {
        assert!(is_covered(covered), "{covered}");
    }
    for other in [
        ID,
        &format!("approval-approval-{ID}"),
        &format!("approval-{}", ID.to_uppercase()),
        &format!("approval-{}", ID.replace('-', "")),
        &format!("networkSnapshot-{ID}"),
        &format!("$$network-{ID}"),
        "network-orders",
        "access-other",
        "",
    ] {
        assert!(!is_covered(other), "{other}");
    }
}

#[test]
fn a_proof_is_held_against_the_other_checkpoints_too() {
    let log = Log::of(9);
    let against = |older: Option<SignedCheckpoint>, expected: Option<SignedCheckpoint>| Against {
        keys: vec![log_key()],
        older,
        expected,
    };
    let file = log.event(4, 9).to_string();
    let check = |against: &Against| verify(file.as_bytes(), against);
    assert!(check(&against(Some(log.checkpoint(9)), None)).is_ok());
    let between = check(&against(Some(log.checkpoint(5)), None)).unwrap_err();
    assert!(
        matches!(
            between,
            VerifyError::Between {
                size: 9,
                other: 5,
                ..
            }
        ),
        "{between:?}"
    );
    let strange = Log::of(9).with_keys(&[3]).checkpoint(9);
    for against in [
        against(Some(strange.clone()), None),
        against(None, Some(strange)),
    ] {
        let other = check(&against).unwrap_err();
        assert!(matches!(other, VerifyError::Other { .. }), "{other:?}");
    }
    let mut forked = Log::of(8);
    forked.grow(1, "otherwise");
    let fork = check(&against(Some(forked.checkpoint(9)), None)).unwrap_err();
    assert!(matches!(fork, VerifyError::Forked { .. }), "{fork:?}");
}

#[test]
fn what_was_changed_is_told_between_the_statements_that_it_lies_between() {
    let log = Log::of(9);
    let mut records = log.records();
    records[7] = crate::LeafRecord::of(7, leaf(7, "edited"));
    let file = export(Some(log.checkpoint(9)), &records);
    // Whichever of the two is named as the older.
    for (older, expected) in [(3, 5), (5, 3)] {
        let against = Against {
            keys: vec![log_key()],
            older: Some(log.checkpoint(older)),
            expected: Some(log.checkpoint(expected)),
        };
        let found = verify(file.as_bytes(), &against).unwrap_err();
        assert!(
            matches!(
                found,
                VerifyError::Events {
                    from: 5,
                    size: 9,
                    ..
                }
            ),
            "{found:?}"
        );
        assert!(
            found.to_string().contains("of those from 5 to 8"),
            "{found}"
        );
    }
    let whole = log.records();
    for (gap, words) in [(1, "1 event is missing"), (2, "2 events are missing")] {
        let cut = [&whole[..2], &whole[2 + gap..]].concat();
        let file = export(Some(log.checkpoint(9)), &cut);
        let against = Against {
            keys: vec![log_key()],
            ..Against::default()
        };
        let found = verify(file.as_bytes(), &against).unwrap_err();
        let told = format!("{:?} {}", found, error_of(&found));
        assert!(told.contains(words), "{told}");
    }
    let later = r#"{"format":"peerage audit","version":2}"#;
    let told = ExportHeader::parse(later).unwrap_err().to_string();
    assert!(told.contains("version 2"), "{told}");
    assert!(ExportHeader::parse(r#"{"format":"other","version":1}"#).is_err());
}

fn error_of(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |it| it.source());
    causes.map(|it| it.to_string() + "; ").collect()
}
