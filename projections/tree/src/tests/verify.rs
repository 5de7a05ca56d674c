//! Tampering of every kind, and what is told of it.

use super::{LOG, Log, WITNESS, export, keys, leaf, log_key, public};
use crate::{
    Against, ExportError, GrowthProof, Hash, LeafRecord, Proved, Purpose, SignedCheckpoint,
    Verdict, VerifyError, verify,
};

fn check(file: &str, against: &Against) -> Result<Verdict, VerifyError> {
    verify(file.as_bytes(), against)
}

fn own() -> Against {
    Against {
        keys: vec![log_key()],
        ..Against::default()
    }
}

fn older(checkpoint: SignedCheckpoint) -> Against {
    Against {
        older: Some(checkpoint),
        ..own()
    }
}

fn expecting(checkpoint: SignedCheckpoint) -> Against {
    Against {
        expected: Some(checkpoint),
        ..own()
    }
}

#[test]
fn a_proof_of_an_event_says_what_happened_and_who_stands_for_it() {
    let log = Log::of(9);
    let found = check(&log.event(4, 9).to_string(), &own()).unwrap();
    let expected = Proved::Event {
        index: 4,
        leaf: leaf(4, ""),
    };
    assert_eq!(
        (found.what, found.origin.as_str(), found.size),
        (expected, LOG, 9)
    );
    assert_eq!(
        (found.vouched.log.len(), found.vouched.witnesses.len()),
        (1, 0)
    );
}

#[test]
fn a_proof_of_an_event_that_was_changed_does_not_hold() {
    let log = Log::of(9);
    let good = log.event(4, 9);
    let mut edited = good.clone();
    edited.leaf = Some(leaf(4, "edited").bytes());
    let mut moved = good.clone();
    moved.index = 5;
    let mut touched = good.clone();
    touched.hashes[0] = Hash::empty();
    for bad in [edited, moved, touched] {
        let no = check(&bad.to_string(), &own()).unwrap_err();
        assert!(matches!(no, VerifyError::Event { .. }), "{no:?}");
    }
    let mut without = good.clone();
    without.leaf = None;
    assert!(matches!(
        check(&without.to_string(), &own()),
        Err(VerifyError::NoLeaf)
    ));
    let mut nonsense = good;
    nonsense.leaf = Some(b"nonsense".to_vec());
    assert!(matches!(
        check(&nonsense.to_string(), &own()),
        Err(VerifyError::NoLeaf)
    ));
}

#[test]
fn a_wrong_key_believes_nothing() {
    let log = Log::of(9);
    let wrong = Against {
        keys: public(&keys(LOG, Purpose::Log, &[9])),
        ..Against::default()
    };
    for file in [
        log.event(4, 9).to_string(),
        log.checkpoint(9).to_string(),
        log.growth(3, 9).to_string(),
        log.export(),
    ] {
        assert!(matches!(
            check(&file, &wrong),
            Err(VerifyError::Checkpoint(_))
        ));
    }
}

#[test]
fn an_export_of_all_events_holds_and_says_how_far_it_goes() {
    for events in [0, 1, 2, 7, 300] {
        let log = Log::of(events);
        let found = check(&log.export(), &own()).unwrap();
        assert_eq!(
            (found.what, found.size, found.reaches),
            (Proved::AllEvents, events, None)
        );
    }
}

#[test]
fn whatever_is_done_to_the_events_of_an_export_is_noticed() {
    let log = Log::of(20);
    let signed = || Some(log.checkpoint(20));
    let broken = |records: &[LeafRecord]| check(&export(signed(), records), &own()).unwrap_err();
    let good = log.records();
    for at in 0..20 {
        let mut edited = good.clone();
        edited[at] = LeafRecord::of(at as u64, leaf(at as u64, "edited"));
        assert!(matches!(
            broken(&edited),
            VerifyError::Events {
                size: 20,
                from: 0,
                ..
            }
        ));
        let touch: [fn(&mut LeafRecord); 6] = [
            |it| it.stream.push('0'),
            |it| it.revision += 1,
            |it| it.id = uuid::Uuid::from_u128(5),
            |it| it.event_type.push('d'),
            |it| it.data = Some("{}".to_owned()),
            |it| it.metadata = Some("{}".to_owned()),
        ];
        for touch in touch {
            let mut touched = good.clone();
            touch(&mut touched[at]);
            assert!(matches!(broken(&touched), VerifyError::Events { .. }));
        }

        let mut without = good.clone();
        without.remove(at);
        let cut = at == 19;
        let no = broken(&without);
        let missing = matches!(no, VerifyError::Export(ExportError::Missing { expected, .. }) if expected == at as u64);
        assert!(
            missing
                || cut
                    && matches!(
                        no,
                        VerifyError::Cut {
                            found: 19,
                            size: 20,
                            ..
                        }
                    ),
            "{no:?}"
        );
        // One who numbers the others anew.
        let mut renumbered = without.clone();
        (0..)
            .zip(&mut renumbered)
            .for_each(|(at, it)| it.index = at);
        assert!(matches!(broken(&renumbered), VerifyError::Cut { .. }));

        let mut twice = good.clone();
        twice.insert(at, good[at].clone());
        assert!(matches!(
            broken(&twice),
            VerifyError::Export(ExportError::Order { .. })
        ));
        if at > 0 {
            let mut exchanged = good.clone();
            exchanged.swap(at - 1, at);
            assert!(matches!(
                broken(&exchanged),
                VerifyError::Export(ExportError::Missing { .. })
            ));
            (0..).zip(&mut exchanged).for_each(|(at, it)| it.index = at);
            assert!(matches!(broken(&exchanged), VerifyError::Events { .. }));
        }
    }
    let mut more = good.clone();
    more.push(LeafRecord::of(20, leaf(20, "added")));
    assert!(matches!(
        broken(&more),
        VerifyError::Beyond {
            which: "file's own",
            found: 21,
            size: 20
        }
    ));
}

#[test]
fn a_cut_tail_is_noticed_with_the_expected_checkpoint_and_else_told_as_unknown() {
    let log = Log::of(20);
    // The tail is cut, and an earlier statement of the log's put in place of the last.
    let cut = export(Some(log.checkpoint(12)), &log.records()[..12]);
    let found = check(&cut, &own()).unwrap();
    assert_eq!((found.size, found.reaches), (12, None));
    let no = check(&cut, &expecting(log.checkpoint(20))).unwrap_err();
    assert!(matches!(
        no,
        VerifyError::Cut {
            which: "expected",
            found: 12,
            size: 20
        }
    ));
    let whole = check(&log.export(), &expecting(log.checkpoint(12))).unwrap();
    assert_eq!((whole.size, whole.reaches), (20, Some(12)));
}

#[test]
fn an_export_that_nobody_signed_is_held_against_the_expected_checkpoint() {
    let log = Log::of(20);
    let bare = export(None, &log.records());
    assert!(matches!(check(&bare, &own()), Err(VerifyError::Unsigned)));
    let found = check(&bare, &expecting(log.checkpoint(20))).unwrap();
    assert_eq!((found.size, found.reaches), (20, Some(20)));
    let few = check(&bare, &expecting(log.checkpoint(12))).unwrap_err();
    assert!(matches!(
        few,
        VerifyError::Beyond {
            which: "expected",
            found: 20,
            size: 12
        }
    ));
}

#[test]
fn an_older_checkpoint_narrows_down_where_events_were_changed() {
    let log = Log::of(20);
    let found = check(&log.export(), &older(log.checkpoint(8))).unwrap();
    assert_eq!(found.follows, Some(8));
    let mut edited = log.records();
    edited[15] = LeafRecord::of(15, leaf(15, "edited"));
    let no = check(
        &export(Some(log.checkpoint(20)), &edited),
        &older(log.checkpoint(8)),
    )
    .unwrap_err();
    assert!(
        matches!(
            no,
            VerifyError::Events {
                size: 20,
                from: 8,
                ..
            }
        ),
        "{no:?}"
    );
    // The log itself signs a history that is another one.
    let mut other = Log::of(5);
    other.grow(15, "rewritten");
    let no = check(&other.export(), &older(log.checkpoint(8))).unwrap_err();
    assert!(
        matches!(
            no,
            VerifyError::Events {
                which: "older",
                size: 8,
                ..
            }
        ),
        "{no:?}"
    );
}

#[test]
fn some_events_of_a_log_hold_each_by_its_proof() {
    let log = Log::of(20);
    let some = || {
        let mut records = log.records();
        for record in &mut records {
            record.proof = Some(log.event(record.index, 20).hashes);
        }
        records.retain(|it| it.index % 5 == 2);
        records
    };
    let found = check(&export(Some(log.checkpoint(20)), &some()), &own()).unwrap();
    assert_eq!(found.what, Proved::SomeEvents(4));
    let mut edited = some();
    edited[2].data = Some("{}".to_owned());
    let no = check(&export(Some(log.checkpoint(20)), &edited), &own()).unwrap_err();
    assert!(matches!(no, VerifyError::Event { index: 12, .. }));
    let mut mixed = some();
    mixed[1].proof = None;
    let no = check(&export(Some(log.checkpoint(20)), &mixed), &own()).unwrap_err();
    assert!(matches!(
        no,
        VerifyError::Export(ExportError::Line { line: 3, .. })
    ));
    let no = check(
        &export(Some(log.checkpoint(20)), &some()),
        &older(log.checkpoint(8)),
    )
    .unwrap_err();
    assert!(matches!(no, VerifyError::Between { .. }));
}

#[test]
fn a_checkpoint_follows_an_older_one_by_a_proof() {
    let log = Log::of(20);
    for old in 0..=20 {
        let proof = log.growth(old, 20).to_string();
        let found = check(&proof, &older(log.checkpoint(old))).unwrap();
        assert_eq!((found.what, found.follows), (Proved::Checkpoint, Some(old)));
    }
    let no = check(&log.checkpoint(20).to_string(), &older(log.checkpoint(8))).unwrap_err();
    assert!(matches!(
        no,
        VerifyError::Between {
            size: 20,
            other: 8,
            ..
        }
    ));
    let no = check(&log.growth(7, 20).to_string(), &older(log.checkpoint(8))).unwrap_err();
    assert!(matches!(no, VerifyError::Between { .. }));
    let no = check(&log.checkpoint(8).to_string(), &older(log.checkpoint(20))).unwrap_err();
    assert!(matches!(no, VerifyError::Cut { which: "older", .. }));
}

#[test]
fn two_histories_that_the_log_signed_both_are_a_fork() {
    let (log, mut other) = (Log::of(20), Log::of(5));
    other.grow(15, "rewritten");
    let proof = GrowthProof {
        checkpoint: other.checkpoint(20),
        ..log.growth(8, 20)
    };
    let no = check(&proof.to_string(), &older(log.checkpoint(8))).unwrap_err();
    assert!(matches!(no, VerifyError::Forked { .. }), "{no:?}");
    let no = check(
        &other.checkpoint(20).to_string(),
        &older(log.checkpoint(20)),
    )
    .unwrap_err();
    assert!(matches!(no, VerifyError::Forked { .. }));
    let no = check(&other.growth(8, 20).to_string(), &older(log.checkpoint(8))).unwrap_err();
    assert!(matches!(no, VerifyError::Forked { .. }));
}

#[test]
fn another_epoch_is_another_log() {
    let (log, restored) = (Log::of(20), Log::of(20).in_epoch(2));
    let no = check(&restored.export(), &older(log.checkpoint(8))).unwrap_err();
    assert!(matches!(no, VerifyError::OtherLog { .. }));
    assert!(check(&restored.export(), &own()).is_ok());
}

#[test]
fn a_witness_that_is_known_is_told_with_its_time() {
    let witness = keys(WITNESS, Purpose::Witness, &[7]);
    let mut proof = Log::of(9).event(4, 9);
    proof
        .checkpoint
        .note_mut()
        .cosign(&witness.keys()[0], 1_700_000_000);
    let unknown = check(&proof.to_string(), &own()).unwrap();
    assert_eq!(
        (unknown.vouched.witnesses.len(), unknown.vouched.unknown),
        (0, 1)
    );
    let mut known = own();
    known.keys.extend(public(&witness));
    let found = check(&proof.to_string(), &known).unwrap();
    assert_eq!(found.vouched.witnesses[0].time, Some(1_700_000_000));
    let changed = proof
        .to_string()
        .replace("— witness.example/w1 ", "— witness.example/w2 ");
    assert_eq!(check(&changed, &known).unwrap().vouched.witnesses.len(), 0);
}

#[test]
fn what_is_no_file_of_proofs_is_told_as_that() {
    for file in ["", "hello\n", "\u{feff}", "# a document\n\nwith a text\n"] {
        assert!(
            matches!(check(file, &own()), Err(VerifyError::Unknown)),
            "{file:?}"
        );
    }
    assert!(matches!(
        verify(&b"\xff\xfe"[..], &own()),
        Err(VerifyError::Unknown)
    ));
    let no = check("{\"format\":\"peerage events\",\"version\":1}\n", &own()).unwrap_err();
    assert!(matches!(
        no,
        VerifyError::Export(ExportError::Line { line: 1, .. })
    ));
    let good = Log::of(3).export();
    for end in 1..good.len() {
        if good.is_char_boundary(end) {
            assert!(check(&good[..end], &own()).is_err(), "cut at {end}");
        }
    }
}
