//! The tree as it is kept: what comes twice, what moves, what is lost, and what is damaged.

use super::{
    AuditTree, TreeError,
    rows::{self, NewLeaf, Settled},
};
use chrono::{DateTime, Utc};
use domain::EventId;
use journal::Position;
use rusqlite::Connection;
use std::time::Instant;
use tempfile::TempDir;
use tree::{Checkpoint, Edge, Hash, Purpose, SignedCheckpoint, SigningKey, SigningKeys};
use uuid::Uuid;

fn place(at: u64) -> Position {
    Position {
        commit: at,
        prepare: at,
    }
}

/// Events from this one on, a hundred apart in the log.
fn events(range: std::ops::Range<u64>, said: &str) -> Vec<NewLeaf> {
    let event = |at: u64| NewLeaf {
        stream: format!("network-{}", Uuid::from_u128(u128::from(at % 7))),
        revision: at / 7,
        event_id: EventId(Uuid::from_u128(u128::from(at))),
        position: place(1_000 + 100 * at),
        hash: Hash::leaf(format!("{at} {said}").as_bytes()),
    };
    range.map(event).collect()
}

fn root(leaves: &[NewLeaf]) -> Hash {
    let mut edge = Edge::default();
    leaves.iter().for_each(|it| edge.push(it.hash));
    edge.root()
}

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000)
}

fn head(rows: &Connection) -> (u64, Hash) {
    let tree = rows::current(rows).unwrap();
    (tree.size, rows::root(rows, tree.tree, tree.size).unwrap())
}

fn signed(size: u64) -> SignedCheckpoint {
    use secrecy::ExposeSecret as _;
    let line = SigningKey::line("example.com/log", Purpose::Log, &[1; 32]).unwrap();
    let keys = SigningKeys::parse(&line.expose_secret().to_owned().into()).unwrap();
    let checkpoint = Checkpoint {
        origin: "example.com/log".to_owned(),
        size,
        root: Hash::empty(),
    };
    checkpoint.sign(&keys)
}

#[test]
fn what_comes_twice_or_in_other_portions_makes_the_same_tree() {
    let all = events(0..600, "");
    let (one, other) = (rows::in_memory().unwrap(), rows::in_memory().unwrap());
    rows::add(&one, &all, None).unwrap();
    let mut from = 0;
    for to in [1, 1, 255, 256, 257, 511, 513, 600] {
        // Always from a little before, as after a break.
        rows::add(&other, &all[from.max(3) - 3..to], Some(place(5))).unwrap();
        from = to;
    }
    assert_eq!(head(&one), (600, root(&all)));
    assert_eq!(head(&one), head(&other));
    assert_eq!(rows::current(&other).unwrap().position, all[599].position);
    rows::add(&other, &[], Some(place(999_999))).unwrap();
    assert_eq!(rows::current(&other).unwrap().position, place(999_999));
}

#[test]
fn an_event_is_found_by_its_id_and_its_place() {
    let (all, rows) = (events(0..300, ""), rows::in_memory().unwrap());
    rows::add(&rows, &all, None).unwrap();
    let found = rows::find(&rows, all[257].event_id).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].index, found[0].hash), (257, all[257].hash));
    assert_eq!(found[0].stream, all[257].stream);
    assert_eq!(rows::find(&rows, EventId(Uuid::nil())).unwrap().len(), 1);
    assert_eq!(rows::find(&rows, EventId(Uuid::max())).unwrap(), []);
    let places = rows::places(&rows, 290, 100).unwrap();
    assert_eq!(
        places.iter().map(|it| it.index).collect::<Vec<_>>(),
        (290..300).collect::<Vec<_>>()
    );
    assert_eq!(
        rows::last(&rows).unwrap().unwrap().event_id,
        all[299].event_id
    );
    for (index, event) in (0..).zip(&all) {
        let at = |it: Position| rows::at(&rows, it).unwrap().map(|it| it.index);
        assert_eq!(at(event.position), Some(index));
        assert_eq!(at(place(event.position.commit + 1)), None);
    }
    assert_eq!(rows::at(&rows, Position::START).unwrap(), None);
}

#[test]
fn a_history_at_another_place_is_the_same_log() {
    let (mut all, rows) = (events(0..300, ""), rows::in_memory().unwrap());
    rows::add(&rows, &all, None).unwrap();
    rows::keep(&rows, 1, &signed(300)).unwrap();
    rows::begin(&rows, now()).unwrap();
    assert_eq!(rows::current(&rows).unwrap().epoch, None);
    // It moved, and went on.
    all.extend(events(300..310, ""));
    for (at, event) in (0..).zip(&mut all) {
        event.position = place(7 + at);
    }
    rows::add(&rows, &all, None).unwrap();
    assert_eq!(rows::settle(&rows).unwrap(), Settled::SameLog);
    assert_eq!(rows::settle(&rows).unwrap(), Settled::Known);
    assert_eq!(head(&rows), (310, root(&all)));
    let epochs = rows::epochs(&rows).unwrap();
    assert_eq!(epochs.len(), 1);
    assert_eq!(
        (epochs[0].epoch, epochs[0].shared, epochs[0].signed),
        (1, None, Some(300))
    );
    let trees: u64 = rows
        .query_row("SELECT count(DISTINCT tree) FROM leaves", [], |it| {
            it.get(0)
        })
        .unwrap();
    assert_eq!(trees, 1, "the old one is gone");
}

#[test]
fn a_log_that_lost_events_begins_an_epoch_and_the_old_one_is_kept() {
    for kept in [0, 1, 255, 256, 257, 299] {
        let (old, rows) = (events(0..300, ""), rows::in_memory().unwrap());
        rows::add(&rows, &old, None).unwrap();
        rows::keep(&rows, 1, &signed(300)).unwrap();
        rows::begin(&rows, now()).unwrap();
        let mut new = events(0..kept, "");
        new.extend(events(kept..320, "rewritten"));
        rows::add(&rows, &new, None).unwrap();
        let lost = Settled::Epoch {
            epoch: 2,
            shared: kept,
            known: 300,
        };
        assert_eq!(rows::settle(&rows).unwrap(), lost);
        let epochs = rows::epochs(&rows).unwrap();
        assert_eq!(
            (epochs[0].size, epochs[0].root, epochs[0].signed),
            (300, root(&old), Some(300))
        );
        assert_eq!(
            (epochs[1].size, epochs[1].root, epochs[1].shared),
            (320, root(&new), Some(kept))
        );
        assert_eq!(epochs[1].signed, None);
        assert!(rows::checkpoint(&rows, 1, 0).unwrap().is_some());
        // Events are of the tree of now alone.
        assert_eq!(
            rows::find(&rows, old[299].event_id).unwrap()[0].hash,
            new[299].hash
        );
    }
}

#[test]
fn a_log_that_is_another_one_again_before_it_was_read_leaves_nothing_behind() {
    let rows = rows::in_memory().unwrap();
    rows::add(&rows, &events(0..10, ""), None).unwrap();
    for said in ["one", "two"] {
        rows::begin(&rows, now()).unwrap();
        rows::add(&rows, &events(0..5, said), None).unwrap();
    }
    rows::begin(&rows, now()).unwrap();
    rows::add(&rows, &events(0..10, ""), None).unwrap();
    assert_eq!(rows::settle(&rows).unwrap(), Settled::SameLog);
    let left: u64 = rows
        .query_row("SELECT count(*) FROM leaves", [], |it| it.get(0))
        .unwrap();
    assert_eq!(left, 10);
}

#[test]
fn checkpoints_are_kept_by_epoch_and_size_and_the_newest_is_found() {
    let rows = rows::in_memory().unwrap();
    for size in [3, 9, 6] {
        rows::keep(&rows, 1, &signed(size)).unwrap();
    }
    rows::keep(&rows, 1, &signed(9)).unwrap();
    let newest = |epoch, least| {
        rows::checkpoint(&rows, epoch, least)
            .unwrap()
            .map(|it| it.size)
    };
    assert_eq!(newest(1, 0), Some(9));
    assert_eq!(newest(1, 10), None);
    assert_eq!(newest(2, 0), None);
}

#[tokio::test]
async fn a_tree_is_read_again_and_a_damaged_file_is_put_aside() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("audit-tree.sqlite");
    let tree = AuditTree::open(&path).unwrap();
    tree.keep(1, signed(3)).await.unwrap();
    tree.ask(|rows| rows::add(rows, &events(0..3, ""), None))
        .await
        .unwrap();
    assert_eq!(tree.head().await.unwrap().size, 3);
    assert!(matches!(
        tree.inclusion(3, 3).await,
        Err(TreeError::Beyond { size: 3, asked: 4 })
    ));
    assert!(matches!(
        tree.consistency(1, 4).await,
        Err(TreeError::Beyond { size: 3, asked: 4 })
    ));
    drop(tree);
    let tree = AuditTree::open(&path).unwrap();
    assert_eq!(*tree.position().borrow(), place(1_200));
    assert_eq!(
        tree.checkpoint(1, 0).await.unwrap().map(|it| it.size),
        Some(3)
    );
    drop(tree);
    std::fs::write(
        &path,
        b"no database at all, and rather long for a header of one............................",
    )
    .unwrap();
    let tree = AuditTree::open(&path).unwrap();
    assert_eq!(tree.head().await.unwrap().size, 0);
    assert!(folder.path().join("audit-tree.sqlite.damaged").exists());
}

#[test]
fn a_tree_that_covered_other_streams_is_known_by_that() {
    let rows = rows::in_memory().unwrap();
    assert_eq!(rows::current(&rows).unwrap().covered, rows::covered());
    rows.execute("UPDATE trees SET covered = 'network-'", [])
        .unwrap();
    assert_ne!(rows::current(&rows).unwrap().covered, rows::covered());
    rows::begin(&rows, now()).unwrap();
    assert_eq!(rows::current(&rows).unwrap().covered, rows::covered());
}

#[test]
#[ignore = "measures, and others would disturb it: ./test.sh figures"]
fn the_proof_of_one_of_a_million_events_takes_less_than_ten_milliseconds() {
    let folder = TempDir::new().unwrap();
    let mut rows = rows::opened(&folder.path().join("tree.sqlite")).unwrap();
    let (many, batch) = (1_000_000, 10_000);
    let begun = Instant::now();
    for from in (0..many).step_by(batch) {
        let portion = rows.transaction().unwrap();
        rows::add(&portion, &events(from..from + batch as u64, ""), None).unwrap();
        portion.commit().unwrap();
    }
    println!("{many} leaves in {:?}", begun.elapsed());
    let mut slowest = std::time::Duration::ZERO;
    for at in (0..many).step_by(9_973) {
        let begun = Instant::now();
        let found = rows::find(&rows, EventId(Uuid::from_u128(u128::from(at)))).unwrap();
        let proof = rows::inclusion(&rows, 1, found[0].index, many).unwrap();
        let root = rows::root(&rows, 1, many).unwrap();
        slowest = slowest.max(begun.elapsed());
        tree::verify_inclusion(&found[0].hash, at, many, &proof, &root).unwrap();
    }
    println!("the slowest proof: {slowest:?}");
    assert!(slowest.as_millis() < 10, "{slowest:?}");
}
