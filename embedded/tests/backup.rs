//! Backups of a node that runs, and what is restored of them.

#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    fs,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use backup::{
    Archive, BackupError, Disk, Folder, Frame, Kind, Written,
    wire::{self, BUSY, EXCEPTION, ReadReply, ReadRequest},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use kurrentdb::{
    AppendToStreamOptions, Client, DeleteStreamOptions, EventData,
    PersistentSubscriptionToAllOptions, ReadAllOptions, ReadStreamOptions, RecordedEvent,
    StreamMetadataBuilder, StreamState, TombstoneStreamOptions, operations,
};
use peerage_embedded::{
    EmbeddedNode,
    offline::{self, BackupFailure, Until},
};
use tempfile::TempDir;
use testkit::wait::soon;
use tonic::{Code, Status, Streaming, transport::Endpoint};

fn client(node: &EmbeddedNode) -> Client {
    Client::new(node.connection_string().parse().unwrap()).unwrap()
}

fn event(n: u64) -> EventData {
    EventData::json("Counted", &serde_json::json!({ "n": n })).unwrap()
}

async fn append(client: &Client, stream: &str, events: Vec<EventData>) {
    let options = AppendToStreamOptions::default().stream_state(StreamState::Any);
    client
        .append_to_stream(stream, &options, events)
        .await
        .unwrap();
}

async fn asked(
    node: &EmbeddedNode,
    user: Option<&str>,
    request: ReadRequest,
) -> Result<Streaming<ReadReply>, Status> {
    let endpoint = Endpoint::from_shared(format!("http://{}", node.address())).unwrap();
    let channel = endpoint.connect().await.unwrap();
    let authorization = user.map(|pair| format!("Basic {}", STANDARD.encode(pair)));
    let authorization = authorization.map(|it| it.parse().unwrap());
    wire::read(channel, request, authorization).await
}

/// What the command does.
async fn back_up(node: &EmbeddedNode, to: &Path) -> Written {
    let mut folder = Folder::open(to, Arc::new(Disk))
        .unwrap()
        .with_segment_bytes(20_000);
    let mut pages = asked(node, None, folder.wanted()).await.unwrap();
    let mut end = 0;
    while let Some(page) = pages.message().await.unwrap() {
        if let Some(begun) = &page.begun {
            folder.recognise(begun).unwrap();
            end = begun.end;
        }
        folder.append(&page.frames).unwrap();
        if page.done {
            return folder.finish(end, now()).unwrap();
        }
    }
    panic!("it ended early");
}

#[allow(clippy::disallowed_methods, reason = "what a user of the library has")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Each record's position and bytes.
type Raw = Vec<(u64, Vec<u8>)>;

fn held(backup: &Path) -> Raw {
    let mut raw = Raw::new();
    let archive = Archive::open(backup).unwrap();
    archive.verify(&mut |_| {}).unwrap();
    let read = archive.for_each(|frame| {
        raw.push((frame.position, frame.record.to_vec()));
        Ok::<_, BackupError>(ControlFlow::Continue(()))
    });
    read.unwrap();
    raw
}

/// What a directory's log is, by a backup of its own.
fn logged(data: &Path) -> Raw {
    let place = TempDir::new().unwrap();
    let folder = Folder::open(&place.path().join("own"), Arc::new(Disk)).unwrap();
    offline::backup(data, folder, now(), |_| {}).unwrap();
    held(&place.path().join("own"))
}

fn restored(backup: &Path, until: Until, to: &Path) -> offline::Restored {
    let archive = Archive::open(backup).unwrap();
    let restored = offline::restore(&archive, until, to, |_| {}).unwrap();
    let verification = offline::verify(to, |_| {}).unwrap();
    assert!(verification.is_sound(), "{verification:?}");
    restored
}

fn refused(backup: &Path, until: Until, to: &Path) -> BackupFailure {
    let archive = Archive::open(backup).unwrap();
    let refused = offline::restore(&archive, until, to, |_| {}).unwrap_err();
    assert!(!to.exists(), "nothing is made");
    refused
}

/// All of an event.
fn told(event: &RecordedEvent) -> String {
    let at = event.position;
    let written = event.metadata.get("created");
    format!(
        "{}@{} {} {} {} {at:?} {written:?} {:?} {:?}",
        event.revision,
        event.stream_id(),
        event.event_type,
        event.id,
        event.is_json,
        event.data,
        event.custom_metadata
    )
}

/// What clients see: the log, and of each stream its events, or why there are none, and its
/// metadata.
async fn shown(client: &Client, streams: &[String]) -> (Vec<String>, BTreeMap<String, String>) {
    let mut all = Vec::new();
    let mut read = client.read_all(&ReadAllOptions::default()).await.unwrap();
    while let Some(event) = read.next().await.unwrap() {
        all.push(told(event.get_original_event()));
    }
    let mut each = BTreeMap::new();
    for stream in streams {
        let seen = async {
            let options = ReadStreamOptions::default();
            let mut read = client.read_stream(stream.as_str(), &options).await?;
            let mut events = Vec::new();
            while let Some(event) = read.next().await? {
                events.push(told(event.get_original_event()));
            }
            Ok::<_, kurrentdb::Error>(events)
        };
        let seen = seen.await;
        let metadata = client
            .get_stream_metadata(stream.as_str(), &Default::default())
            .await;
        let told = format!("{seen:?} {metadata:?}");
        each.insert(stream.clone(), told);
    }
    (all, each)
}

fn streams() -> Vec<String> {
    (0..6).map(|n| format!("order-{n}")).collect()
}

/// One thing that can happen to a stream.
async fn step(client: &Client, n: u64) {
    let stream = format!("order-{}", n % 6);
    match n % 11 {
        4 => {
            let metadata = StreamMetadataBuilder::new().max_count(1 + n % 5).build();
            // Streams that ended take none.
            let _ = client
                .set_stream_metadata(&*stream, &Default::default(), &metadata)
                .await;
        }
        7 => {
            let options = DeleteStreamOptions::default();
            let _ = client.delete_stream(&*stream, &options).await;
        }
        9 if n > 60 => {
            let stream = format!("order-{}", 4 + n % 2);
            let options = TombstoneStreamOptions::default();
            let _ = client.tombstone_stream(stream, &options).await;
        }
        _ => {
            let options = AppendToStreamOptions::default().stream_state(StreamState::Any);
            let events: Vec<_> = (0..=n % 4).map(event).collect();
            let _ = client.append_to_stream(stream, &options, events).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_while_appends_run_holds_exactly_what_stands_before_its_end() {
    let place = TempDir::new().unwrap();
    let path = |name: String| place.path().join(name);
    let node = EmbeddedNode::builder()
        .data_dir(path("data".into()))
        .system_projections()
        .start()
        .await
        .unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicU64::new(0));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (client, is_over, done) = (client(&node), is_over.clone(), done.clone());
            tokio::spawn(async move {
                let mut n = writer;
                while !is_over.load(Ordering::Relaxed) {
                    step(&client, n).await;
                    n += 4;
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let mut ends = Vec::new();
    for round in 0..12 {
        // At another moment each time, and never before something has happened since.
        let wanted = done.load(Ordering::Relaxed) + 3 + 5 * (round % 3);
        while done.load(Ordering::Relaxed) < wanted {
            tokio::task::yield_now().await;
        }
        ends.push(back_up(&node, &path("growing".into())).await.end);
        back_up(&node, &path(format!("fresh-{round}"))).await;
    }
    is_over.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    back_up(&node, &path("growing".into())).await;
    let (client, all) = (client(&node), held(&path("growing".into())));
    let live = shown(&client, &streams()).await;
    node.shutdown().await;
    assert_eq!(logged(&path("data".into())), all, "positions and bytes");
    assert!(ends.windows(2).all(|it| it[0] < it[1]), "{ends:?}");
    for round in 0..12 {
        let (backup, data) = (
            path(format!("fresh-{round}")),
            path(format!("data-{round}")),
        );
        let end = restored(&backup, Until::End, &data).end;
        let before: Raw = all.iter().filter(|it| it.0 < end).cloned().collect();
        assert_eq!(logged(&data), before, "{round}");
    }
    restored(&path("growing".into()), Until::End, &path("last".into()));
    let node = EmbeddedNode::builder()
        .data_dir(path("last".into()))
        .system_projections()
        .start()
        .await
        .unwrap();
    assert!(shown(&self::client(&node), &streams()).await == live);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_restored_up_to_a_position_shows_what_the_store_showed_then() {
    let place = TempDir::new().unwrap();
    let path = |name: &str| place.path().join(name);
    let builder = |data: &str| EmbeddedNode::builder().data_dir(path(data));
    let node = builder("data").start().await.unwrap();
    let client = client(&node);
    let group = PersistentSubscriptionToAllOptions::default();
    let made = client.create_persistent_subscription_to_all("readers", &group);
    made.await.unwrap();
    let mut then = Vec::new();
    for n in 0..120 {
        step(&client, n).await;
        if n % 12 == 0 {
            let end = back_up(&node, &path("backup")).await.end;
            then.push((end, shown(&client, &streams()).await));
        }
    }
    let whole = back_up(&node, &path("backup")).await;
    assert!(whole.records_before > 50, "{whole:?}");
    for (at, (end, expected)) in then.iter().enumerate() {
        let data = path(&format!("then-{at}"));
        let found = restored(&path("backup"), Until::Position(end - 1), &data);
        assert_eq!(found.end, *end);
        let node = EmbeddedNode::builder()
            .data_dir(&data)
            .start()
            .await
            .unwrap();
        let restored = self::client(&node);
        assert!(shown(&restored, &streams()).await == *expected, "{at}");
        let groups = restored
            .list_all_persistent_subscriptions(&Default::default())
            .await
            .unwrap();
        let groups: Vec<_> = groups.into_iter().map(|it| it.group_name).collect();
        assert_eq!(groups, ["readers"]);
        append(&restored, "later", vec![event(1)]).await;
        node.shutdown().await;
    }
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_is_restored_whole_or_not_at_all_wherever_the_end_is_put() {
    let place = TempDir::new().unwrap();
    let (data, backup) = (place.path().join("data"), place.path().join("backup"));
    let node = EmbeddedNode::builder()
        .data_dir(&data)
        .start()
        .await
        .unwrap();
    let client = client(&node);
    for n in 0..4 {
        append(
            &client,
            &format!("s-{}", n % 2),
            (0..3).map(event).collect(),
        )
        .await;
    }
    back_up(&node, &backup).await;
    node.shutdown().await;
    let all = held(&backup);
    assert_eq!(all.len(), 12);
    let archive = Archive::open(&backup).unwrap();
    for until in 0..archive.end() {
        // Every position of a record, and some in between.
        if until % 13 != 0 && !all.iter().any(|it| it.0 == until) {
            continue;
        }
        let to = place.path().join(format!("to-{until}"));
        let found = restored(&backup, Until::Position(until), &to);
        let whole = all.chunks(3).take_while(|it| it[2].0 <= until).flatten();
        let whole: Raw = whole.cloned().collect();
        assert_eq!(found.records, whole.len() as u64, "{until}");
        assert_eq!(logged(&to), whole, "{until}");
    }
    let beyond = refused(
        &backup,
        Until::Position(archive.end()),
        &place.path().join("to"),
    );
    assert!(beyond.to_string().contains("ends at position"), "{beyond}");
    let late = Until::Time(now() + chrono::TimeDelta::hours(1));
    let beyond = refused(&backup, late, &place.path().join("to"));
    assert!(beyond.to_string().contains("ends at position"), "{beyond}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_after_a_time_is_left_out() {
    let place = TempDir::new().unwrap();
    let (data, backup) = (place.path().join("data"), place.path().join("backup"));
    let begun = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    let seconds = Arc::new(AtomicU64::new(0));
    let clock = seconds.clone();
    let node = EmbeddedNode::builder()
        .data_dir(&data)
        .clock(move || {
            let passed = i64::try_from(clock.load(Ordering::Relaxed)).unwrap();
            begun + chrono::TimeDelta::seconds(passed)
        })
        .start()
        .await
        .unwrap();
    let client = client(&node);
    for n in 0..5 {
        seconds.store(n * 60, Ordering::Relaxed);
        append(&client, "s", vec![event(n), event(n)]).await;
    }
    back_up(&node, &backup).await;
    node.shutdown().await;
    for (passed, records) in [(-1, 0), (0, 2), (59, 2), (60, 4), (10_000, 10)] {
        let until = begun + chrono::TimeDelta::seconds(passed);
        let to = place.path().join(format!("to-{records}-{passed}"));
        let found = restored(&backup, Until::Time(until), &to);
        assert_eq!(found.records, records, "{passed}");
        assert!(found.newest.is_none_or(|newest| newest <= until));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scavenge_waits_for_a_backup_and_one_between_two_does_no_harm() {
    let place = TempDir::new().unwrap();
    let path = |name: &str| place.path().join(name);
    let node = EmbeddedNode::builder()
        .data_dir(path("data"))
        .start()
        .await
        .unwrap();
    let client = client(&node);
    let operations = operations::Client::new(node.connection_string().parse().unwrap()).unwrap();
    for n in 0..120 {
        step(&client, n).await;
    }
    // Large enough that what is not read stays at the node.
    for _ in 0..14 {
        let large = EventData::binary("Large", vec![7; 900_000].into());
        append(&client, "large", vec![large]).await;
    }
    back_up(&node, &path("before")).await;
    back_up(&node, &path("growing")).await;
    let limit = StreamMetadataBuilder::new().max_count(1).build();
    client
        .set_stream_metadata("large", &Default::default(), &limit)
        .await
        .unwrap();

    let mut pages = asked(&node, None, ReadRequest::default()).await.unwrap();
    let end = pages.message().await.unwrap().unwrap().begun.unwrap().end;
    operations
        .start_scavenge(1, 0, &Default::default())
        .await
        .unwrap();
    let read = kinds(&mut pages).await;
    assert_eq!(read.last().map(|it| it.0), Some(end));
    let marked = read.iter().filter(|it| it.1 == Kind::Marker);
    assert_eq!(marked.count(), 0, "nothing was freed meanwhile");
    // Now it is freed: what is read anew says so.
    soon(async {
        loop {
            let mut pages = asked(&node, None, ReadRequest::default()).await.unwrap();
            let read = kinds(&mut pages).await;
            if read.iter().filter(|it| it.1 == Kind::Marker).count() > 20 {
                return;
            }
        }
    })
    .await;
    append(&client, "after", vec![event(1)]).await;
    let all = [streams(), vec!["large".to_owned(), "after".to_owned()]].concat();
    let expected = shown(&client, &all).await.1;
    let grown = back_up(&node, &path("growing")).await;
    assert!(grown.records < 5, "{grown:?}");
    for (name, backup) in [("grown", "growing"), ("old", "before")] {
        restored(&path(backup), Until::End, &path(name));
    }
    let restored = EmbeddedNode::builder()
        .data_dir(path("grown"))
        .start()
        .await
        .unwrap();
    let found = shown(&self::client(&restored), &all).await.1;
    assert!(
        found == expected,
        "each stream reads as it does in the store"
    );
    restored.shutdown().await;
    node.shutdown().await;
}

/// Where each record ends that is still to come, and what it is.
async fn kinds(pages: &mut Streaming<ReadReply>) -> Vec<(u64, Kind)> {
    let mut kinds = Vec::new();
    while let Some(page) = pages.message().await.unwrap() {
        let mut frames = &page.frames[..];
        while let Some((frame, length)) = Frame::decode(frames).unwrap() {
            kinds.push((frame.end(), frame.kind));
            frames = &frames[length..];
        }
        if page.done {
            return kinds;
        }
    }
    panic!("it ended early");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_backup_at_a_time_and_only_for_administrators() {
    let node = EmbeddedNode::builder()
        .in_memory()
        .users("a-pass", "o-pass")
        .start()
        .await
        .unwrap();
    let ask = |user| asked(&node, user, ReadRequest::default());
    for stranger in [None, Some("ops:o-pass")] {
        let denied = ask(stranger).await.unwrap_err();
        assert_eq!(denied.code(), Code::PermissionDenied, "{stranger:?}");
    }
    let wrong = ask(Some("admin:wrong")).await.unwrap_err();
    assert_eq!(wrong.code(), Code::Unauthenticated);
    let admin = Some("admin:a-pass");
    let mut first = ask(admin).await.unwrap();
    let busy = ask(admin).await.map(drop);
    // The first is short, and may have been sent whole already.
    if let Err(busy) = busy {
        assert_eq!(busy.code(), Code::ResourceExhausted);
        let why = busy.metadata().get(EXCEPTION).unwrap();
        assert_eq!(why.as_bytes(), BUSY.as_bytes());
    }
    while first
        .message()
        .await
        .unwrap()
        .is_some_and(|page| !page.done)
    {}
    let many = ReadRequest {
        from: 0,
        anchors: vec![64; 17],
    };
    let many = asked(&node, admin, many).await.unwrap_err();
    assert_eq!(many.code(), Code::InvalidArgument);
    soon(async {
        while ask(admin).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_is_not_read_keeps_the_turn_and_no_append_waiting() {
    let node = EmbeddedNode::builder().in_memory().start().await.unwrap();
    let client = client(&node);
    for _ in 0..40 {
        let large = EventData::binary("Large", vec![7; 900_000].into());
        append(&client, "large", vec![large]).await;
    }
    let mut unread = asked(&node, None, ReadRequest::default()).await.unwrap();
    unread.message().await.unwrap();
    let busy = asked(&node, None, ReadRequest::default())
        .await
        .unwrap_err();
    assert_eq!(busy.code(), Code::ResourceExhausted);
    for n in 0..200 {
        soon(append(&client, "small", vec![event(n)])).await;
    }
    drop(unread);
    soon(async {
        while asked(&node, None, ReadRequest::default()).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let unread = asked(&node, None, ReadRequest::default()).await;
    node.shutdown().await;
    if let Ok(mut unread) = unread {
        let ended = soon(async {
            loop {
                match unread.message().await {
                    Ok(Some(page)) if page.done => return None,
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("it ended as if it were whole"),
                    Err(status) => return Some(status.code()),
                }
            }
        });
        assert!(ended.await.is_some(), "a shutdown ends it");
    }
}

fn filled(data: &Path) -> PathBuf {
    data.join("backup")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_that_ends_at_any_step_leaves_a_whole_store_or_none_and_the_next_one_begins_anew()
{
    let place = TempDir::new().unwrap();
    let node = EmbeddedNode::builder()
        .data_dir(place.path().join("data"))
        .start()
        .await
        .unwrap();
    let client = client(&node);
    for n in 0..20 {
        step(&client, n).await;
    }
    let backup = filled(place.path());
    back_up(&node, &backup).await;
    node.shutdown().await;
    let all = held(&backup);
    let archive = Archive::open(&backup).unwrap();
    let (to, beside) = (
        place.path().join("above/to"),
        place.path().join("above/to.restoring"),
    );
    let mut steps = 0;
    for killed_at in 0.. {
        let mut step = 0;
        let killed = catch_unwind(AssertUnwindSafe(|| {
            offline::restore(&archive, Until::End, &to, |_| {
                assert!(step != killed_at, "killed, as this test wants it");
                step += 1;
            })
        }));
        if killed.is_ok() {
            break;
        }
        steps += 1;
        assert!(!to.exists());
        if beside.exists() {
            let node = EmbeddedNode::builder().data_dir(&beside).existing_only();
            if let Ok(node) = node.start().await {
                node.shutdown().await;
                assert_eq!(logged(&beside), all, "step {killed_at}");
            }
        }
    }
    assert!(steps > 20, "{steps}");
    assert_eq!(logged(&to), all);
    assert!(!beside.exists());
    let there = Archive::open(&backup).unwrap();
    let there = offline::restore(&there, Until::End, &to, |_| {}).unwrap_err();
    assert!(matches!(there, BackupFailure::Exists(_)), "{there}");
    assert_eq!(logged(&to), all, "what is there is left alone");
    // Something else of that name is nobody's to remove.
    fs::create_dir(&beside).unwrap();
    fs::write(beside.join("thesis.txt"), "precious").unwrap();
    let other = place.path().join("above/other");
    fs::rename(&to, &other).unwrap();
    let refused = refused(&backup, Until::End, &to);
    assert!(refused.to_string().contains("restoring"), "{refused}");
    assert!(beside.join("thesis.txt").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_is_refused_before_anything_is_made_and_the_file_named() {
    let place = TempDir::new().unwrap();
    let node = EmbeddedNode::builder().start().await.unwrap();
    let client = client(&node);
    for n in 0..40 {
        append(&client, "s", vec![event(n)]).await;
    }
    let backup = filled(place.path());
    back_up(&node, &backup).await;
    node.shutdown().await;
    for entry in fs::read_dir(&backup).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap();
        if name == "lock" {
            continue;
        }
        let bytes = fs::read(&file).unwrap();
        let mut damaged = bytes.clone();
        damaged[bytes.len() / 2] ^= 1;
        fs::write(&file, damaged).unwrap();
        let to = place.path().join("to");
        let refused = match Archive::open(&backup) {
            Ok(archive) => {
                let refused = offline::restore(&archive, Until::End, &to, |_| {});
                refused.unwrap_err().to_string()
            }
            Err(error) => error.to_string(),
        };
        assert!(refused.contains(name), "{name}: {refused}");
        assert!(!to.exists() && !place.path().join("to.restoring").exists());
        fs::write(&file, bytes).unwrap();
    }
}
