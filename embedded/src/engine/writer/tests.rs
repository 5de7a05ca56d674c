//! What becomes of commands whose group cannot be written.

use std::{
    ops::RangeInclusive,
    sync::atomic::{AtomicU32, Ordering},
};

use bytes::Bytes;
use uuid::Uuid;

use super::*;
use crate::{
    log::{Direction, Group, IndexEntry, MemoryLog, Visitor},
    model::Record,
};

/// A log whose commits wait until the other end of the gate is dropped.
#[derive(Debug)]
struct Held {
    gate: parking_lot::Mutex<std::sync::mpsc::Receiver<()>>,
    /// How many commits have begun.
    begun: AtomicU32,
    log: MemoryLog,
}

impl Log for Held {
    fn commit(&self, group: Group) -> Result<(), LogError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let _ = self.gate.lock().recv();
        self.log.commit(group)
    }

    fn recover(&self) -> Result<(), LogError> {
        Ok(())
    }

    fn record(&self, position: Position) -> Result<Option<Record>, LogError> {
        self.log.record(position)
    }

    fn scan(
        &self,
        from: Position,
        to: Position,
        direction: Direction,
        visit: &mut Visitor<'_>,
    ) -> Result<(), LogError> {
        self.log.scan(from, to, direction, visit)
    }

    fn entry(&self, stream: &StreamName, number: u64) -> Result<Option<IndexEntry>, LogError> {
        self.log.entry(stream, number)
    }

    fn entries(
        &self,
        stream: &StreamName,
        numbers: RangeInclusive<u64>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<IndexEntry>, LogError> {
        self.log.entries(stream, numbers, direction, limit)
    }
}

/// Fails this many commits, then this many recoveries, and is sound again.
#[derive(Debug, Default)]
struct Failing {
    commits: AtomicU32,
    recoveries: AtomicU32,
    /// How often it was to be recovered.
    tried: AtomicU32,
    log: MemoryLog,
}

fn counts_down(left: &AtomicU32) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
        left.checked_sub(1)
    })
    .is_ok()
}

impl Log for Failing {
    fn commit(&self, group: Group) -> Result<(), LogError> {
        if counts_down(&self.commits) {
            Err(LogError::Closed)
        } else {
            self.log.commit(group)
        }
    }

    fn recover(&self) -> Result<(), LogError> {
        self.tried.fetch_add(1, Ordering::SeqCst);
        if counts_down(&self.recoveries) {
            Err(LogError::Closed)
        } else {
            Ok(())
        }
    }

    fn record(&self, position: Position) -> Result<Option<Record>, LogError> {
        self.log.record(position)
    }

    fn scan(
        &self,
        from: Position,
        to: Position,
        direction: Direction,
        visit: &mut Visitor<'_>,
    ) -> Result<(), LogError> {
        self.log.scan(from, to, direction, visit)
    }

    fn entry(&self, stream: &StreamName, number: u64) -> Result<Option<IndexEntry>, LogError> {
        self.log.entry(stream, number)
    }

    fn entries(
        &self,
        stream: &StreamName,
        numbers: RangeInclusive<u64>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<IndexEntry>, LogError> {
        self.log.entries(stream, numbers, direction, limit)
    }
}

fn engine(log: Failing) -> Engine {
    engine_on(Arc::new(log))
}

fn engine_on(log: Arc<dyn Log>) -> Engine {
    let settings = Settings {
        clock: Arc::new(|| chrono::DateTime::from_timestamp_nanos(0)),
        new_id: Arc::new(|| Uuid::from_u128(9)),
        projections: SystemProjections::Off,
    };
    Engine::start(log, settings).unwrap()
}

async fn append(engine: &Engine, id: u128, expected: Expected) -> Result<AppendOutcome, Failure> {
    let event = NewEvent {
        id: Uuid::from_u128(id),
        event_type: "Tested".into(),
        is_json: true,
        data: Bytes::new(),
        metadata: Bytes::new(),
    };
    engine
        .writer
        .append(StreamName::new("s"), expected, vec![event])
        .await
}

fn written(outcome: Result<AppendOutcome, Failure>) -> Option<u64> {
    let outcome = outcome.unwrap();
    let AppendOutcome::Written { revision, .. } = outcome else {
        panic!("{outcome:?}")
    };
    revision
}

#[tokio::test]
async fn a_group_that_cannot_be_written_fails_and_leaves_nothing_behind() {
    let engine = engine(Failing {
        commits: 1.into(),
        ..Failing::default()
    });
    let end = *engine.end.borrow();
    assert!(matches!(
        append(&engine, 1, Expected::NoStream).await,
        Err(Failure::Log(_))
    ));
    assert_eq!(*engine.end.borrow(), end);
    assert_eq!(
        written(append(&engine, 1, Expected::NoStream).await),
        Some(0)
    );
    assert_eq!(
        written(append(&engine, 2, Expected::Exact(0)).await),
        Some(1)
    );
}

#[tokio::test]
async fn appends_fail_until_the_log_can_be_recovered() {
    let log = Arc::new(Failing {
        commits: 1.into(),
        recoveries: u32::MAX.into(),
        ..Failing::default()
    });
    let engine = engine_on(log.clone());
    for _ in 0..3 {
        assert!(matches!(
            append(&engine, 1, Expected::Any).await,
            Err(Failure::Log(_))
        ));
    }
    log.recoveries.store(0, Ordering::SeqCst);
    assert_eq!(written(append(&engine, 1, Expected::Any).await), Some(0));
}

#[tokio::test]
async fn a_log_that_cannot_be_recovered_is_tried_again_without_anybody_writing() {
    let log = Arc::new(Failing {
        commits: 1.into(),
        recoveries: 2.into(),
        ..Failing::default()
    });
    let engine = engine_on(log.clone());
    let failed = append(&engine, 1, Expected::Any).await;
    assert!(matches!(failed, Err(Failure::Log(_))));
    testkit::wait::holds("it is brought back", || {
        log.tried.load(Ordering::SeqCst) >= 3
    })
    .await;
    assert_eq!(log.recoveries.load(Ordering::SeqCst), 0);
    assert_eq!(written(append(&engine, 1, Expected::Any).await), Some(0));
    assert_eq!(log.tried.load(Ordering::SeqCst), 3, "and left alone then");
}

#[tokio::test]
async fn a_writer_that_has_died_is_known_to_be_dead_and_nobody_waits_for_it() {
    let settings = Settings {
        clock: Arc::new(|| panic!("no time is told")),
        new_id: Arc::new(|| Uuid::from_u128(9)),
        projections: SystemProjections::Off,
    };
    let engine = Engine::start(Arc::new(Failing::default()), settings).unwrap();
    assert!(!engine.died.is_cancelled());
    for _ in 0..2 {
        let failed = append(&engine, 1, Expected::Any).await;
        assert!(matches!(failed, Err(Failure::ShuttingDown)));
    }
    testkit::wait::soon(engine.died.cancelled()).await;
    tokio::task::spawn_blocking(move || engine.stop())
        .await
        .unwrap();
}

#[tokio::test]
async fn commands_sent_before_the_stop_are_carried_out_and_later_ones_are_refused() {
    let engine = engine(Failing::default());
    let writer = engine.writer.clone();
    assert_eq!(written(append(&engine, 1, Expected::Any).await), Some(0));
    tokio::task::spawn_blocking(move || engine.stop())
        .await
        .unwrap();
    let late = writer
        .append(StreamName::new("s"), Expected::Any, Vec::new())
        .await;
    assert!(matches!(late, Err(Failure::ShuttingDown)));
}

#[tokio::test]
async fn a_name_longer_than_the_log_holds_fails_alone() {
    let engine = engine(Failing::default());
    let named = |length| StreamName::new(&"s".repeat(length));
    for (length, is_taken) in [(32 * 1024 + 1, false), (40_000, false), (32 * 1024, true)] {
        let appended = engine
            .writer
            .append(named(length), Expected::Any, Vec::new());
        let appended = appended.await;
        match appended {
            Ok(_) => assert!(is_taken, "{length}"),
            Err(Failure::Log(error)) => {
                assert!(matches!(*error, LogError::LongName(it) if it == length));
                assert!(!is_taken, "{length}");
            }
            Err(error @ (Failure::ShuttingDown | Failure::Busy)) => panic!("{length}: {error}"),
        }
    }
    assert_eq!(written(append(&engine, 1, Expected::Any).await), Some(0));
}

#[tokio::test]
async fn what_is_beyond_a_full_queue_is_refused_at_once_and_all_that_was_taken_is_written() {
    let (closed, gate) = std::sync::mpsc::channel();
    let log = Arc::new(Held {
        gate: parking_lot::Mutex::new(gate),
        begun: AtomicU32::new(0),
        log: MemoryLog::default(),
    });
    let engine = engine_on(log.clone());
    let event = |id: usize| NewEvent {
        id: Uuid::from_u128(id as u128),
        event_type: "Tested".into(),
        is_json: true,
        data: Bytes::new(),
        metadata: Bytes::new(),
    };
    let begin = |id: usize| {
        let (writer, event) = (engine.writer.clone(), event(id));
        async move {
            let stream = StreamName::new("s");
            writer.append(stream, Expected::Any, vec![event]).await
        }
    };
    let is_begun = || log.begun.load(Ordering::SeqCst) > 0;
    let mut taken: Vec<futures::future::BoxFuture<'_, _>> = vec![Box::pin(begin(1))];
    assert!(futures::poll!(taken[0].as_mut()).is_pending());
    testkit::wait::holds("the writer is held", is_begun).await;
    let refused = loop {
        let mut next = Box::pin(begin(taken.len() + 1));
        match futures::poll!(next.as_mut()) {
            std::task::Poll::Pending => taken.push(next),
            std::task::Poll::Ready(refused) => break refused,
        }
        assert!(taken.len() < 100_000, "everything is taken");
    };
    assert!(matches!(refused, Err(Failure::Busy)), "{refused:?}");
    drop(closed);
    let count = taken.len();
    for outcome in futures::future::join_all(taken).await {
        assert!(
            matches!(outcome, Ok(AppendOutcome::Written { .. })),
            "{outcome:?}"
        );
    }
    let last = written(begin(count + 1).await);
    assert_eq!(
        last,
        Some(count as u64),
        "written once each, and room again"
    );
}
