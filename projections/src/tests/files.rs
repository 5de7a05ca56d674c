//! The file: written as a whole or not at all, and built again when it is of no use.

use super::*;
use crate::{OpenError, PageRequest, QueryError, checkpoint};
use rusqlite::Connection;
use std::{fs, path::Path};

#[tokio::test]
async fn the_rows_and_their_position_are_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("read.db");
    let log = story();
    let before = {
        let projections = Projections::open(&path).unwrap();
        write(&projections, &log.events).await;
        dump(&projections).await
    };
    let projections = Projections::open(&path).unwrap();
    assert_eq!(*projections.position().borrow(), log.end());
    assert_eq!(dump(&projections).await, before);
}

#[tokio::test]
async fn a_crash_before_the_commit_leaves_neither_rows_nor_position() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("read.db");
    let log = story();
    let projections = Projections::open(&path).unwrap();
    write(&projections, &log.events[..5]).await;
    let before = dump(&projections).await;
    let events = log.events.clone();
    let generation = projections.store.generation();
    let crash = projections.store.write(generation, move |rows| {
        let reached = fold::apply(rows, &events, None, Known::Everything)?;
        assert_eq!(checkpoint::position(rows)?, reached);
        Err::<(), _>(rusqlite::Error::InvalidQuery)
    });
    assert!(crash.await.unwrap().is_err());
    assert_eq!(dump(&projections).await, before);
    drop(projections);
    let projections = Projections::open(&path).unwrap();
    assert_eq!(dump(&projections).await, before);
    write(&projections, &log.events).await;
    assert_eq!(dump(&projections).await, dump(&written(&log).await).await);
}

#[tokio::test]
async fn a_panic_in_the_middle_of_a_transaction_undoes_it_and_the_next_one_works() {
    let log = story();
    let projections = Projections::in_memory().unwrap();
    let events = log.events.clone();
    let panic = projections
        .store
        .write(0, move |rows| -> rusqlite::Result<()> {
            fold::apply(rows, &events, None, Known::Everything)?;
            panic!("as if the process had a bug")
        });
    assert!(panic.await.is_err());
    write(&projections, &log.events).await;
    assert_eq!(dump(&projections).await, dump(&written(&log).await).await);
}

async fn filled(path: &Path) {
    let projections = Projections::open(path).unwrap();
    write(&projections, &story().events).await;
}

#[tokio::test]
async fn a_damaged_file_is_built_again() {
    let folder = tempfile::tempdir().unwrap();
    for (name, damage) in [
        ("garbage", vec![b'x'; 9_000]),
        ("torn", b"SQLite format 3\0 and no more".to_vec()),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, damage).unwrap();
        let projections = Projections::open(&path).unwrap();
        write(&projections, &story().events).await;
        assert_eq!(
            dump(&projections).await,
            dump(&written(&story()).await).await
        );
    }
}

#[tokio::test]
async fn an_empty_file_is_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("read.db");
    fs::write(&path, b"").unwrap();
    filled(&path).await;
}

#[test]
fn somebody_elses_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE letters (text TEXT)")
        .unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(
        Projections::open(&path),
        Err(OpenError::Foreign { .. })
    ));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_that_cannot_be_made_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no/such/folder/read.db");
    let error = Projections::open(&path).expect_err("no folder");
    assert!(
        error.to_string().contains("no/such/folder/read.db"),
        "{error}"
    );
}

#[tokio::test]
async fn questions_are_answered_while_a_long_transaction_is_being_written() {
    let folder = tempfile::tempdir().unwrap();
    let projections = Projections::open(&folder.path().join("read.db")).unwrap();
    write(&projections, &story().events[..1]).await;
    assert_eq!(projections.store.generation(), 0);
    let (writing, is_writing) = std::sync::mpsc::channel();
    let (answered, is_answered) = std::sync::mpsc::channel();
    let store = Arc::clone(&projections.store);
    let long = tokio::spawn(async move {
        let events = story().events;
        store
            .write(0, move |rows| {
                fold::apply(rows, &events, None, Known::Everything)?;
                writing.send(()).unwrap();
                is_answered
                    .recv_timeout(std::time::Duration::from_secs(20))
                    .expect("an answer while writing");
                Ok(())
            })
            .await
    });
    tokio::task::spawn_blocking(move || is_writing.recv().unwrap())
        .await
        .unwrap();
    assert!(projections.network(network_id(1)).await.unwrap().is_some());
    assert!(
        projections.network(network_id(2)).await.unwrap().is_none(),
        "not committed yet"
    );
    answered.send(()).unwrap();
    long.await.unwrap().unwrap().unwrap();
    assert!(projections.network(network_id(2)).await.unwrap().is_some());
}

#[tokio::test]
async fn the_log_is_written_while_a_long_question_is_being_answered() {
    let folder = tempfile::tempdir().unwrap();
    let projections = Projections::open(&folder.path().join("read.db")).unwrap();
    write(&projections, &story().events[..1]).await;
    let (asking, is_asking) = std::sync::mpsc::channel();
    let (written, is_written) = std::sync::mpsc::channel();
    let store = Arc::clone(&projections.store);
    let long = tokio::spawn(async move {
        let question = move |rows: &rusqlite::Transaction<'_>| {
            let count = |sql| rows.query_row(sql, [], |row| row.get::<_, u64>(0));
            let before = count("SELECT count(*) FROM timeline")?;
            asking.send(()).unwrap();
            is_written
                .recv_timeout(std::time::Duration::from_secs(20))
                .expect("a commit while asking");
            Ok((before, count("SELECT count(*) FROM timeline")?))
        };
        store.read("ask at length", question).await
    });
    tokio::task::spawn_blocking(move || is_asking.recv().unwrap())
        .await
        .unwrap();
    write(&projections, &story().events).await;
    written.send(()).unwrap();
    assert_eq!(
        long.await.unwrap().unwrap(),
        (1, 1),
        "one answer is of one state"
    );
    assert_eq!(projections.store.position().unwrap(), story().end());
}

#[tokio::test]
async fn a_rebuild_waits_for_the_questions_being_answered_and_leaves_no_reader_of_the_file_that_is_gone()
 {
    let folder = tempfile::tempdir().unwrap();
    let projections = Projections::open(&folder.path().join("read.db")).unwrap();
    write(&projections, &story().events).await;
    let (asking, is_asking) = std::sync::mpsc::channel();
    let (answer, may_answer) = std::sync::mpsc::channel();
    let in_flight = tokio::spawn({
        let store = Arc::clone(&projections.store);
        async move {
            let question = move |rows: &rusqlite::Transaction<'_>| {
                asking.send(()).unwrap();
                may_answer
                    .recv_timeout(std::time::Duration::from_secs(20))
                    .expect("leave to answer");
                checkpoint::position(rows)
            };
            store.read("ask at length", question).await
        }
    });
    assert!(
        projections.network(network_id(1)).await.unwrap().is_some(),
        "leaves an idle reader"
    );
    tokio::task::spawn_blocking(move || is_asking.recv().unwrap())
        .await
        .unwrap();
    let mut rebuild = Box::pin(projections.store.rebuild());
    let early = tokio::time::timeout(std::time::Duration::from_millis(50), &mut rebuild).await;
    assert!(early.is_err(), "a question is still being answered");
    answer.send(()).unwrap();
    assert_eq!(
        in_flight.await.unwrap().unwrap(),
        story().end(),
        "begun before, answered from before"
    );
    rebuild.await.unwrap().unwrap();
    assert_eq!(projections.network(network_id(1)).await.unwrap(), None);
}

#[tokio::test]
async fn what_was_meant_for_the_file_that_is_gone_is_not_written_to_the_new_one() {
    let projections = Projections::in_memory().unwrap();
    let before = projections.store.generation();
    projections.store.rebuild().await.unwrap().unwrap();
    let events = story().events;
    let late = projections.store.write(before, move |rows| {
        fold::apply(rows, &events, None, Known::Everything)
    });
    assert!(late.await.is_err());
    assert_eq!(projections.store.position().unwrap(), Position::START);
}

#[tokio::test]
async fn what_does_not_hold_the_whole_log_does_not_pass_for_it() {
    let projections = Projections::in_memory().unwrap();
    write(&projections, &story().events[..1]).await;
    projections.progress.caught_up.send_replace(false);
    let refused = projections
        .list_networks(&Default::default(), &PageRequest::default())
        .await;
    assert!(matches!(refused, Err(QueryError::Building { .. })));
    let nothing = projections.network(network_id(2)).await;
    assert!(matches!(nothing, Err(QueryError::Building { .. })));
    let found = projections.network(network_id(1)).await.unwrap();
    assert_eq!(found.unwrap().as_of, story().events[0].position);
    let allowed = PageRequest {
        while_building: crate::WhileBuilding::Answer,
        ..PageRequest::default()
    };
    let page = projections
        .list_networks(&Default::default(), &allowed)
        .await
        .unwrap();
    assert!(page.catching_up && page.items.len() == 1);
}
