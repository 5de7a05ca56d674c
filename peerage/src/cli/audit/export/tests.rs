//! A file that goes on where it was left, whatever the process left behind it.

use super::*;
use std::collections::BTreeSet;
use tempfile::TempDir;

/// Events from here to there, and whether that is the end.
fn part(from: u64, to: u64) -> v1::ReadLogResponse {
    let record = |number: u64| v1::LogRecord {
        position: format!("{number}/{number}"),
        stream: "network-0b9f6a52-3c1d-4e8f-8a7b-6c5d4e3f2a1b".to_owned(),
        revision: number,
        event_id: uuid::Uuid::from_u128(number.into()).to_string(),
        r#type: "PeeringTeleported".to_owned(),
        created: Some(prost_types::Timestamp {
            seconds: i64::try_from(number).unwrap(),
            nanos: 0,
        }),
        data: b"{}".to_vec(),
        metadata: Vec::new(),
        cloud: None,
    };
    v1::ReadLogResponse {
        records: (from..to).map(record).collect(),
        position: format!("{0}/{0}", to - 1),
        ..Default::default()
    }
}

fn wanted(format: Form) -> Progress {
    Progress {
        format,
        from: Bound::default(),
        to: Bound::default(),
        position: String::new(),
        index: 0,
        events: 0,
        bytes: 0,
        signed: None,
        known: None,
    }
}

fn open(path: &Path, format: Form, resume: bool) -> Result<Target, CliError> {
    Target::open(path, wanted(format), resume)
}

#[test]
fn a_file_that_was_left_at_any_byte_goes_on_without_a_gap_and_without_a_repetition() {
    for format in [Form::Jsonl, Form::Csv, Form::Ocsf] {
        let folder = TempDir::new().unwrap();
        let whole = folder.path().join("whole");
        let mut target = open(&whole, format, false).unwrap();
        target.take(part(1, 4)).unwrap();
        let good = target.progress.bytes;
        target.take(part(4, 7)).unwrap();
        assert_eq!(target.finish().unwrap(), 6);
        let expected = fs::read(&whole).unwrap();
        for cut in good..=expected.len() as u64 {
            let path = folder.path().join(format!("cut-{cut}"));
            let mut target = open(&path, format, false).unwrap();
            target.take(part(1, 4)).unwrap();
            // Killed while it wrote what follows.
            let rest = &expected[good as usize..cut as usize];
            let mut file = OpenOptions::new().append(true).open(&path).unwrap();
            file.write_all(rest).unwrap();
            let mut target = open(&path, format, true).unwrap();
            assert_eq!(target.progress.position, "3/3");
            target.take(part(4, 7)).unwrap();
            target.finish().unwrap();
            assert_eq!(
                fs::read(&path).unwrap(),
                expected,
                "{format:?} cut at {cut}"
            );
        }
    }
}

#[test]
fn only_what_is_between_the_bounds_is_written_and_each_keeps_its_number() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("part");
    let bounds = Progress {
        from: Bound {
            position: Some((2, 2)),
            time: None,
        },
        to: Bound {
            position: None,
            time: DateTime::from_timestamp(5, 0),
        },
        ..wanted(Form::Jsonl)
    };
    let mut target = Target::open(&path, bounds, false).unwrap();
    target.take(part(1, 9)).unwrap();
    target.finish().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let numbers: BTreeSet<_> = text
        .lines()
        .skip(1)
        .map(|it| serde_json::from_str::<tree::LeafRecord>(it).unwrap())
        .map(|it| (it.index, it.revision))
        .collect();
    assert_eq!(numbers, BTreeSet::from([(2, 3), (3, 4)]));
}

#[test]
fn what_cannot_go_on_is_refused_and_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file");
    let code = |result: Result<Target, CliError>| result.err().unwrap().text;
    assert!(code(open(&path, Form::Csv, true)).contains("is missing"));
    let mut target = open(&path, Form::Csv, false).unwrap();
    target.take(part(1, 4)).unwrap();
    let before = fs::read(&path).unwrap();
    assert!(code(open(&path, Form::Csv, false)).contains("is there already"));
    assert!(code(open(&path, Form::Ocsf, true)).contains("another --format"));
    assert_eq!(fs::read(&path).unwrap(), before);
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(10).unwrap();
    assert!(code(open(&path, Form::Csv, true)).contains("has been cut"));
    fs::write(target.beside(), "{").unwrap();
    assert!(code(open(&path, Form::Csv, true)).contains("is damaged"));
}

#[test]
fn a_file_holds_what_the_log_had_signed_when_it_was_begun_and_nothing_that_came_later() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("signed");
    let mut target = open(&path, Form::Jsonl, false).unwrap();
    assert!(target.is_new() && target.progress.is_whole_log());
    target.sign(Some(v1::GetCheckpointResponse {
        checkpoint: "what the log signed".to_owned(),
        size: 4,
        ..Default::default()
    }));
    target.take(part(1, 3)).unwrap();
    assert!(!target.is_new() && !target.progress.is_over());
    drop(target);
    // It goes on after a break, with more in the log by then.
    let mut target = open(&path, Form::Jsonl, true).unwrap();
    target.take(part(3, 9)).unwrap();
    assert!(target.progress.is_over());
    assert_eq!(target.finish().unwrap(), 4);
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 1 + 4);
    assert!(lines[0].contains("what the log signed"), "{}", lines[0]);
    assert!(lines[4].contains("\"index\":3"), "{}", lines[4]);
}

#[test]
fn a_part_of_the_log_and_what_is_not_verified_are_not_signed() {
    let whole = |progress: Progress| progress.is_whole_log();
    assert!(whole(wanted(Form::Jsonl)));
    assert!(!whole(wanted(Form::Csv)) && !whole(wanted(Form::Ocsf)));
    let part = Bound {
        position: Some((7, 7)),
        time: None,
    };
    let (from, to) = (part.clone(), part);
    let of = wanted(Form::Jsonl);
    assert!(!whole(Progress { from, ..of.clone() }));
    assert!(!whole(Progress { to, ..of }));
}
