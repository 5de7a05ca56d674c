//! Files of other forms: they serve, and are followed on, until one of this form has been built
//! beside them.

use super::following::{Store, reached, whole};
use super::*;
use crate::{
    DriftFilter, ExposureFilter, NetworkFilter, PageRequest, PeeringFilter, QueryError,
    TimelineQuery,
};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The form before this one, as it was.
const BEFORE: &str = include_str!("0.1.sql");

/// Read models of another form, with the rows that this version makes of the story's first events.
struct Older {
    folder: TempDir,
    path: PathBuf,
    log: Log,
    /// How many of the log's events are in it.
    known: usize,
}

impl Older {
    /// With these tables, all of whose columns that this version does not know have defaults or are
    /// filled by `then`.
    async fn of(tables: &str, then: &str) -> Self {
        let (folder, log) = (tempfile::tempdir().unwrap(), story());
        let known = log.events.len() - 5;
        let made = folder.path().join("made.db");
        write(&Projections::open(&made).unwrap(), &log.events[..known]).await;
        let path = folder.path().join("read.db");
        let file = Connection::open(&path).unwrap();
        file.execute_batch(tables).unwrap();
        file.execute("ATTACH ?1 AS made", [made.to_str()]).unwrap();
        for (table, columns) in shared_columns(&file) {
            let copy =
                format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM made.{table}");
            file.execute_batch(&copy).unwrap();
        }
        // The checkpoint of 0.1 has a number of its fold beside.
        let checkpoint = "INSERT INTO main.checkpoint SELECT *, 1 FROM made.checkpoint";
        file.execute_batch(checkpoint).unwrap();
        file.execute_batch("DETACH made").unwrap();
        file.execute_batch(then).unwrap();
        drop(file);
        std::fs::remove_file(made).unwrap();
        Self {
            folder,
            path,
            log,
            known,
        }
    }

    /// This version's tables, changed by these statements.
    async fn changed(change: &str) -> Self {
        let older = Self::of(BEFORE, "").await;
        Connection::open(&older.path)
            .unwrap()
            .execute_batch(change)
            .unwrap();
        older
    }

    fn open(&self) -> Projections {
        Projections::open(&self.path).unwrap()
    }

    fn files(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = files
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .filter(|it| !it.ends_with("-wal") && !it.ends_with("-shm"))
            .collect();
        names.sort();
        names
    }

    async fn assert_is_of_this_form(&self, projections: &Projections) {
        assert!(!projections.store.is_stale());
        assert_eq!(self.files(), ["read.db"]);
        assert_eq!(
            dump(projections).await,
            dump(&written(&self.log).await).await
        );
    }
}

/// The tables of both files, with the columns that both have.
fn shared_columns(file: &Connection) -> Vec<(String, String)> {
    let mut select = file
        .prepare(
            "SELECT t.name, group_concat(c.name, ', ')
             FROM main.sqlite_schema t JOIN pragma_table_info(t.name, 'main') c
             WHERE t.type = 'table' AND t.name <> 'checkpoint'
               AND c.name IN (SELECT name FROM pragma_table_info(t.name, 'made'))
             GROUP BY t.name",
        )
        .unwrap();
    let shared = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    shared.collect::<rusqlite::Result<_>>().unwrap()
}

/// A log that holds back what a build beside would read: those that serve follow it at once.
fn that_is_built_from_later(log: &Log, known: usize) -> Store {
    let store = Store::of(&Log {
        events: log.events[..known].to_vec(),
        ..Log::default()
    });
    *store.held_back.lock() = Some(Vec::new());
    store
}

async fn networks(projections: &Projections) -> Result<usize, QueryError> {
    let (all, page) = (NetworkFilter::default(), PageRequest::default());
    let page = projections.list_networks(&all, &page).await;
    page.map(|it| it.items.len())
}

#[tokio::test]
async fn a_file_of_the_form_before_serves_and_is_followed_on_while_the_new_one_is_built() {
    let older = Older::of(BEFORE, "").await;
    let projections = older.open();
    assert!(projections.store.is_stale());
    let store = that_is_built_from_later(&older.log, older.known);
    let served_then_switched = async || {
        whole(&projections).await;
        assert_eq!(networks(&projections).await.unwrap(), 2);
        // What comes meanwhile is in it too: whoever commanded it can read it.
        store.append(&older.log.events[older.known..]);
        reached(&projections, older.log.end()).await;
        assert!(projections.store.is_stale(), "the old file serves");
        let (all, first) = (PeeringFilter::default(), PageRequest::default());
        let before = projections.list_peerings(&all, &first).await.unwrap();
        assert!(!before.catching_up);
        assert_eq!(before.as_of, older.log.end());
        let events = TimelineQuery::default();
        let page = projections.timeline(&events, &first).await.unwrap();
        assert_eq!(page.items.len(), older.log.events.len());
        store.gives_it_from_the_start();
        while projections.store.is_stale() {
            assert_eq!(networks(&projections).await.unwrap(), 2, "all the time");
        }
        let after = projections.list_peerings(&all, &first).await;
        assert_eq!(after.unwrap(), before);
    };
    store.followed(&projections, served_then_switched).await;
    older.assert_is_of_this_form(&projections).await;
}

#[tokio::test]
async fn what_another_form_has_no_column_for_is_answered_by_the_new_one_alone() {
    let older = Older::changed(
        "ALTER TABLE peerings DROP COLUMN account; DROP TABLE drift; PRAGMA user_version = 7",
    )
    .await;
    let projections = older.open();
    let store = that_is_built_from_later(&older.log, older.known);
    let served_then_switched = async || {
        whole(&projections).await;
        store.append(&older.log.events[older.known..]);
        reached(&projections, older.log.end()).await;
        let page = PageRequest::default();
        let of_account = PeeringFilter {
            account: Some("444455556666".to_owned()),
            ..PeeringFilter::default()
        };
        let drift = DriftFilter::default();
        let without = projections.list_peerings(&of_account, &page).await;
        assert!(matches!(without, Err(QueryError::Building { .. })));
        let without = projections.list_drift(&drift, &page).await;
        assert!(matches!(without, Err(QueryError::Building { .. })));
        let all = PeeringFilter::default();
        let found = projections.list_peerings(&all, &page).await.unwrap();
        assert_eq!(found.items.len(), 6);
        let exposures = ExposureFilter::default();
        projections.list_exposures(&exposures, &page).await.unwrap();
        assert!(projections.store.is_stale(), "no damage to be mended");
        store.gives_it_from_the_start();
        while projections.list_drift(&drift, &page).await.is_err() {
            tokio::task::yield_now().await;
        }
        projections.list_peerings(&of_account, &page).await.unwrap();
    };
    store.followed(&projections, served_then_switched).await;
    older.assert_is_of_this_form(&projections).await;
}

#[tokio::test]
async fn a_form_that_this_version_cannot_follow_on_is_made_anew_and_says_so_until_it_is_whole() {
    for change in [
        "ALTER TABLE peerings DROP COLUMN drifting; PRAGMA user_version = 7",
        "DROP TABLE timeline; PRAGMA user_version = 7",
        "CREATE TABLE n (network_id TEXT, commit_position INTEGER, prepare_position INTEGER,
             revision INTEGER, changed_at TEXT, state TEXT, tier TEXT NOT NULL);
         DROP TABLE networks; ALTER TABLE n RENAME TO networks; PRAGMA user_version = 7",
    ] {
        let older = Older::changed(change).await;
        let projections = older.open();
        assert_eq!(*projections.position().borrow(), Position::START);
        let refused = networks(&projections).await;
        assert!(matches!(refused, Err(QueryError::Building { .. })));
        let store = Store::of(&older.log);
        let built = async || whole(&projections).await;
        store.followed(&projections, built).await;
        older.assert_is_of_this_form(&projections).await;
    }
}

#[tokio::test]
async fn a_state_that_this_version_cannot_read_is_answered_by_the_new_form_alone() {
    let unreadable = "UPDATE peerings SET state = '{}'";
    let older = Older::of(BEFORE, unreadable).await;
    let projections = older.open();
    let store = that_is_built_from_later(&older.log, older.known);
    let refused_then_answered = async || {
        whole(&projections).await;
        let (all, page) = (PeeringFilter::default(), PageRequest::default());
        let unread = projections.list_peerings(&all, &page).await;
        assert!(matches!(unread, Err(QueryError::Building { .. })));
        assert_eq!(networks(&projections).await.unwrap(), 2);
        store.append(&older.log.events[older.known..]);
        store.gives_it_from_the_start();
        while projections.list_peerings(&all, &page).await.is_err() {
            tokio::task::yield_now().await;
        }
        reached(&projections, older.log.end()).await;
        whole(&projections).await;
    };
    store.followed(&projections, refused_then_answered).await;
    older.assert_is_of_this_form(&projections).await;
}

/// What a process leaves beside the old file when it dies.
enum Left {
    Garbage,
    Half,
    Whole,
    ItsWriteAheadLog,
}

impl Left {
    async fn at(self, next: &Path, log: &Log) {
        let known = match self {
            Self::Garbage => return std::fs::write(next, b"half a page").unwrap(),
            Self::ItsWriteAheadLog => {
                return std::fs::write(format!("{}-wal", next.display()), b"of another").unwrap();
            }
            Self::Half => log.events.len() / 2,
            Self::Whole => log.events.len(),
        };
        write(&Projections::open(next).unwrap(), &log.events[..known]).await;
    }
}

/// Where the process dies while a new form is built: in the middle of it, or between the two steps
/// of putting it in place. Each start begins the build again, and the old file serves.
#[tokio::test]
async fn whenever_the_process_dies_the_old_file_serves_and_the_next_start_builds_the_new_one() {
    for left in [
        Left::Garbage,
        Left::Half,
        Left::Whole,
        Left::ItsWriteAheadLog,
    ] {
        let older = Older::of(BEFORE, "").await;
        left.at(&older.folder.path().join("read.db.next"), &older.log)
            .await;
        // The first start dies in the middle, too.
        let dies = that_is_built_from_later(&older.log, older.known);
        let projections = older.open();
        let in_the_middle = async || {
            whole(&projections).await;
            while !older.files().contains(&"read.db.next".to_owned()) {
                tokio::task::yield_now().await;
            }
        };
        dies.followed(&projections, in_the_middle).await;
        // A process that dies has no thread that goes on.
        while Arc::strong_count(&projections.store) > 1 {
            tokio::task::yield_now().await;
        }
        drop(projections);
        let projections = older.open();
        assert!(projections.store.is_stale());
        let store = Store::of(&older.log);
        let switched = async || {
            whole(&projections).await;
            while projections.store.is_stale() {
                assert_eq!(networks(&projections).await.unwrap(), 2);
            }
            reached(&projections, older.log.end()).await;
        };
        store.followed(&projections, switched).await;
        older.assert_is_of_this_form(&projections).await;
    }
}

#[tokio::test]
async fn what_is_in_the_way_of_the_new_file_is_waited_for_while_the_old_one_serves() {
    let older = Older::of(BEFORE, "").await;
    let in_the_way = older.folder.path().join("read.db.next");
    std::fs::create_dir_all(in_the_way.join("full")).unwrap();
    let projections = older.open();
    let store = Store::of(&older.log);
    let served_then_switched = async || {
        reached(&projections, older.log.end()).await;
        whole(&projections).await;
        for _ in 0..20 {
            assert_eq!(networks(&projections).await.unwrap(), 2);
        }
        assert!(projections.store.is_stale());
        std::fs::remove_dir_all(&in_the_way).unwrap();
        while projections.store.is_stale() {
            assert_eq!(networks(&projections).await.unwrap(), 2);
        }
    };
    store.followed(&projections, served_then_switched).await;
    older.assert_is_of_this_form(&projections).await;
}

#[tokio::test]
async fn a_disk_without_room_for_the_new_file_is_waited_for_while_the_old_one_serves_and_is_followed_on()
 {
    let older = Older::of(BEFORE, "").await;
    let projections = older.open();
    *projections.store.pages_beside.lock() = Some(1);
    let store = Store::of(&older.log);
    let served_then_switched = async || {
        reached(&projections, older.log.end()).await;
        whole(&projections).await;
        while !older.files().contains(&"read.db.next".to_owned()) {
            tokio::task::yield_now().await;
        }
        for _ in 0..50 {
            assert_eq!(networks(&projections).await.unwrap(), 2);
        }
        assert!(projections.store.is_stale());
        *projections.store.pages_beside.lock() = None;
        while projections.store.is_stale() {
            assert_eq!(networks(&projections).await.unwrap(), 2);
        }
    };
    store.followed(&projections, served_then_switched).await;
    older.assert_is_of_this_form(&projections).await;
}

#[tokio::test]
async fn a_new_file_that_cannot_take_over_leaves_the_old_one_serving() {
    let older = Older::of(BEFORE, "").await;
    let projections = older.open();
    projections.progress.caught_up.send_replace(true);
    let built = Arc::new(projections.store.beside(None).unwrap());
    std::fs::remove_file(older.folder.path().join("read.db.next")).unwrap();
    let switched = projections.store.switch_to(built).await.unwrap();
    assert!(switched.is_err());
    assert!(projections.store.is_stale());
    assert_eq!(networks(&projections).await.unwrap(), 2);
    let store = Store::of(&older.log);
    let goes_on = async || {
        while projections.store.is_stale() {
            tokio::task::yield_now().await;
        }
        reached(&projections, older.log.end()).await;
    };
    store.followed(&projections, goes_on).await;
    older.assert_is_of_this_form(&projections).await;
}

#[tokio::test]
async fn a_build_that_reached_the_end_before_those_that_serve_takes_over_with_the_next_event() {
    let older = Older::of(BEFORE, "").await;
    let beyond = Position {
        commit: older.log.events[older.known].position.commit - 50,
        prepare: older.log.events[older.known].position.prepare - 50,
    };
    let projections = older.open();
    let store = that_is_built_from_later(&older.log, older.known);
    let behind_then_level = async || {
        whole(&projections).await;
        *store.others_end.lock() = beyond;
        // A store says again and again how far it is: whoever was about to follow anew, since a
        // build begins, is told the next time.
        while *projections.position().borrow() < beyond {
            store.say(|| Ok(journal::Signal::Checkpoint(beyond)));
            tokio::task::yield_now().await;
        }
        store.gives_it_from_the_start();
        let both_follow = async || store.open.lock().len() >= 2;
        while !both_follow().await {
            tokio::task::yield_now().await;
        }
        store.append(&older.log.events[older.known..]);
        while projections.store.is_stale() {
            tokio::task::yield_now().await;
        }
        // It takes over with the first of these, and what serves then follows the rest.
        let last = older.log.events.last().unwrap().position;
        while *projections.position().borrow() < last {
            tokio::task::yield_now().await;
        }
    };
    store.followed(&projections, behind_then_level).await;
    older.assert_is_of_this_form(&projections).await;
}

#[test]
fn another_fold_or_other_tables_are_another_form() {
    let memory = Connection::open_in_memory().unwrap();
    crate::form::create(&memory).unwrap();
    assert_eq!(
        crate::form::number_of(&memory).unwrap(),
        crate::form::number()
    );
    let before = BEFORE
        .lines()
        .find_map(|it| it.strip_prefix("PRAGMA user_version = "));
    let before: i32 = before.unwrap().trim_end_matches(';').parse().unwrap();
    assert_ne!(before, crate::form::number());
    let (tables, fold) = (crate::schema::TABLES, domain::network::FOLD_VERSION);
    assert_eq!(crate::form::number_for(tables, fold), crate::form::number());
    assert_ne!(
        crate::form::number_for(tables, "another"),
        crate::form::number()
    );
    let other = [tables[0], tables[2], tables[1]];
    assert_ne!(crate::form::number_for(other, fold), crate::form::number());
}
