//! The tree as it is kept: what comes twice, what moves, what is lost, and what is damaged.

use super::{
    AuditTree, TreeError,
    anew::{self, Log, Switch},
    places,
    rows::{self, NewLeaf, Settled},
};
use crate::Comparison;
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
    let found = places::find(&rows, all[257].event_id).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].index, found[0].hash), (257, all[257].hash));
    assert_eq!(found[0].stream, all[257].stream);
    assert_eq!(places::find(&rows, EventId(Uuid::nil())).unwrap().len(), 1);
    assert_eq!(places::find(&rows, EventId(Uuid::max())).unwrap(), []);
    let found = places::places(&rows, 290, 100).unwrap();
    assert_eq!(
        found.iter().map(|it| it.index).collect::<Vec<_>>(),
        (290..300).collect::<Vec<_>>()
    );
    assert_eq!(
        rows::last(&rows).unwrap().unwrap().event_id,
        all[299].event_id
    );
    for (index, event) in (0..).zip(&all) {
        let at = |it: Position| places::at(&rows, it).unwrap().map(|it| it.index);
        assert_eq!(at(event.position), Some(index));
        assert_eq!(at(place(event.position.commit + 1)), None);
    }
    assert_eq!(places::at(&rows, Position::START).unwrap(), None);
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
            places::find(&rows, old[299].event_id).unwrap()[0].hash,
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
        let found = places::find(&rows, EventId(Uuid::from_u128(u128::from(at)))).unwrap();
        let proof = rows::inclusion(&rows, 1, found[0].index, many).unwrap();
        let root = rows::root(&rows, 1, many).unwrap();
        slowest = slowest.max(begun.elapsed());
        tree::verify_inclusion(&found[0].hash, at, many, &proof, &root).unwrap();
    }
    println!("the slowest proof: {slowest:?}");
    assert!(slowest.as_millis() < 10, "{slowest:?}");
}

/// A tree of these events, and one that is built beside it of those.
fn beside(served: &[NewLeaf], log: &[NewLeaf]) -> (Connection, rows::Current) {
    let rows = rows::in_memory().unwrap();
    rows::add(&rows, served, None).unwrap();
    anew::begin(&rows, now()).unwrap();
    let mut built = None;
    for portion in log.chunks(77) {
        built = Some(anew::add(&rows, portion, None).unwrap());
    }
    (rows, built.unwrap())
}

fn switched(rows: &Connection, built: &rows::Current) -> Switch {
    let compared = (0, u64::MAX);
    anew::switch(rows, built, Comparison::default(), compared, Log::HasNoMore).unwrap()
}

#[test]
fn a_tree_that_is_built_beside_serves_nobody_until_it_takes_over() {
    let all = events(0..700, "");
    let (rows, built) = beside(&all[..600], &all[..650]);
    assert_eq!(head(&rows), (600, root(&all[..600])));
    assert_eq!(rows::epochs(&rows).unwrap().len(), 1);
    assert_eq!(places::find(&rows, all[5].event_id).unwrap().len(), 1);
    // The one that serves goes on.
    rows::add(&rows, &all[600..610], None).unwrap();
    assert_eq!(anew::unfinished(&rows).unwrap(), Some(now()));
    let Switch::Done(found) = switched(&rows, &built) else {
        panic!("it is the same");
    };
    assert_eq!((found.differences, found.rows), (0, 610 + 2));
    assert_eq!(head(&rows), (650, root(&all[..650])));
    assert_eq!(anew::unfinished(&rows).unwrap(), None);
    // What comes goes to the new one, wherever the follower stands.
    rows::add(&rows, &all[605..], None).unwrap();
    assert_eq!(head(&rows), (700, root(&all)));
    let epochs = rows::epochs(&rows).unwrap();
    assert_eq!((epochs.len(), epochs[0].epoch, epochs[0].size), (1, 1, 700));
    while anew::clear(&rows).unwrap() {}
    for table in ["trees", "leaves", "tiles"] {
        let count = format!("SELECT count(DISTINCT tree) FROM {table}");
        let trees: u64 = rows.query_row(&count, [], |it| it.get(0)).unwrap();
        assert_eq!(trees, 1, "{table}");
    }
    assert_eq!(head(&rows), (700, root(&all)));
}

#[test]
fn what_was_changed_in_a_tree_by_hand_is_named_though_its_root_is_the_same() {
    let all = events(0..70_000, "");
    let deeds = [
        (
            "UPDATE leaves SET revision = 9999 WHERE tree = 1 AND idx = 300",
            "leaves: idx=300",
        ),
        (
            "DELETE FROM leaves WHERE tree = 1 AND idx = 699",
            "leaves: idx=699",
        ),
        (
            "UPDATE streams SET name = 'network-x' WHERE stream = (SELECT stream FROM leaves WHERE idx = 6)",
            "leaves: idx=6",
        ),
        (
            "UPDATE tiles SET hashes = zeroblob(8192) WHERE level = 0 AND idx = 3",
            "tiles: level=0, idx=3",
        ),
        (
            "UPDATE tiles SET hashes = zeroblob(8192) WHERE level = 1 AND idx = 0",
            "tiles: level=1, idx=0",
        ),
    ];
    for (deed, named) in deeds {
        let rows = rows::in_memory().unwrap();
        rows::add(&rows, &all, None).unwrap();
        let is_a_root = |rows: &Connection| head(rows).1 == root(&all);
        rows.execute_batch(deed).unwrap();
        let is_same = is_a_root(&rows);
        anew::begin(&rows, now()).unwrap();
        let built = anew::add(&rows, &all, None).unwrap();
        match switched(&rows, &built) {
            Switch::Done(found) if is_same => {
                let first = &found.first[0];
                assert_eq!(format!("{}: {}", first.table, first.key), named, "{deed}");
            }
            Switch::Refused(found) if !is_same => {
                let first = &found.first[0];
                assert_eq!(format!("{}: {}", first.table, first.key), named, "{deed}");
            }
            other @ (Switch::Done(_) | Switch::Refused(_) | Switch::Behind(_)) => {
                panic!("{deed}: {other:?}")
            }
        }
    }
}

#[test]
fn a_tree_with_another_root_is_refused_and_both_are_told() {
    let (all, mut changed) = (events(0..300, ""), events(0..300, ""));
    changed[17] = events(17..18, "rewritten").remove(0);
    for (served, log) in [(&all, &changed[..]), (&all, &all[..299]), (&changed, &all)] {
        let (rows, built) = beside(served, log);
        let Switch::Refused(found) = switched(&rows, &built) else {
            panic!("it has another root");
        };
        let roots = found.roots.unwrap();
        let size = log.len();
        assert_eq!(roots.size, size as u64);
        assert_eq!(
            (roots.served, roots.built),
            (root(&served[..size]), root(log))
        );
        assert_eq!(head(&rows), (300, root(served)), "the old one serves");
        while anew::clear(&rows).unwrap() {}
        let left: u64 = rows
            .query_row("SELECT count(*) FROM leaves", [], |it| it.get(0))
            .unwrap();
        assert_eq!(left, 300);
    }
}

#[test]
fn a_tree_that_contradicts_what_was_signed_is_refused_though_it_is_the_one_that_serves() {
    let all = events(0..300, "");
    let (rows, built) = beside(&all, &all);
    rows::keep(&rows, 1, &signed(200)).unwrap();
    let Switch::Refused(found) = switched(&rows, &built) else {
        panic!("the root of 200 is another one than was signed");
    };
    let roots = found.roots.unwrap();
    assert_eq!(roots.served, roots.built);
    let signed = roots.signed.unwrap();
    assert_eq!(
        (signed.size, signed.signed, signed.built),
        (200, Hash::empty(), root(&all[..200]))
    );
}

#[test]
fn a_tree_is_gone_on_with_where_it_stood_and_one_that_is_thrown_away_never() {
    let all = events(0..300, "");
    let (rows, built) = beside(&all, &all[..120]);
    let again = anew::begin(&rows, now() + chrono::TimeDelta::days(1)).unwrap();
    assert_eq!((again.tree, again.size), (built.tree, 120));
    anew::throw_away(&rows).unwrap();
    assert_eq!(anew::unfinished(&rows).unwrap(), None);
    let new = anew::begin(&rows, now()).unwrap();
    assert_eq!(new.size, 0);
    assert!(new.tree > built.tree);
    // What was built over other streams is of no use.
    rows.execute("UPDATE trees SET covered = 'x' WHERE tree = ?1", [new.tree])
        .unwrap();
    assert!(anew::begin(&rows, now()).unwrap().tree > new.tree);
    while anew::clear(&rows).unwrap() {}
    let left: Vec<i64> = {
        let mut select = rows
            .prepare("SELECT tree FROM trees ORDER BY tree")
            .unwrap();
        let found = select.query_map([], |row| row.get(0)).unwrap();
        found.collect::<rusqlite::Result<_>>().unwrap()
    };
    assert_eq!(
        left.len(),
        2,
        "the one that serves, and the one that is built"
    );
}

#[test]
fn what_is_still_to_be_compared_is_compared_before_and_not_in_the_switch() {
    let all = events(0..300, "");
    let (rows, built) = beside(&all, &all);
    let behind = anew::switch(&rows, &built, Comparison::default(), (100, 199), Log::Goes).unwrap();
    assert!(matches!(behind, Switch::Behind(it) if it.size == 300));
    let done = anew::switch(&rows, &built, Comparison::default(), (100, 200), Log::Goes).unwrap();
    assert!(matches!(done, Switch::Done(it) if it.rows == 200 + 1));
}

#[test]
fn a_tree_that_grew_meanwhile_is_waited_for_unless_the_log_has_no_more() {
    let all = events(0..300, "");
    let (rows, built) = beside(&all[..300], &all[..290]);
    let switch = |log| anew::switch(&rows, &built, Comparison::default(), (0, 300), log).unwrap();
    assert!(matches!(switch(Log::Goes), Switch::Behind(it) if it.size == 300));
    assert!(matches!(switch(Log::HasNoMore), Switch::Refused(_)));
}

#[test]
fn a_tree_that_takes_over_stands_for_as_much_of_the_log_as_the_one_before() {
    let all = events(0..300, "");
    let (rows, built) = beside(&all, &all);
    // Nothing of it was covered.
    let beyond = place(99_000);
    rows::add(&rows, &[], Some(beyond)).unwrap();
    assert!(built.position < beyond);
    assert!(matches!(switched(&rows, &built), Switch::Done(_)));
    assert_eq!(rows::current(&rows).unwrap().position, beyond);
}
