//! `peerage node` as a shell sees it: serving with TLS and users, counting, verifying, and history
//! that moves between stores.
//!
//! The stores on either end are nodes of this process or of their own; with a connection string in
//! the variable of [`store`] the moves go through that KurrentDB too.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm)]

use embedded::EmbeddedNode;
use kurrentdb::{
    AppendToStreamOptions, Client, DeleteStreamOptions, Error, EventData, Position, ReadAllOptions,
    ReadStreamOptions, StreamState, TombstoneStreamOptions, operations,
};
use peerage_tests::engine::{Finished, peerage, run};
use peerage_tests::process::Running;
use peerage_tests::{ports, store, wait};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(60);

fn private(file: &Path) {
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

fn connect(connection_string: &str) -> Client {
    Client::new(connection_string.parse().unwrap()).unwrap()
}

async fn node() -> (EmbeddedNode, Client) {
    let node = EmbeddedNode::builder().in_memory().start().await.unwrap();
    let client = connect(&node.connection_string());
    (node, client)
}

async fn append(client: &Client, stream: &str, expected: StreamState, events: Vec<EventData>) {
    let options = AppendToStreamOptions::default().stream_state(expected);
    client
        .append_to_stream(stream, &options, events)
        .await
        .unwrap();
}

fn event(n: u64) -> EventData {
    EventData::json("Counted", &json!({"n": n, "half": 0.5}))
        .unwrap()
        .id(Uuid::new_v4())
}

/// The streams of a history begin with this, so that a store may hold others.
fn prefix() -> String {
    format!("moved{}", Uuid::new_v4().simple())
}

/// A history with all that can happen to streams.
async fn write_history(client: &Client, prefix: &str) {
    let name = |name: &str| format!("{prefix}-{name}");
    append(
        client,
        &name("plain"),
        StreamState::NoStream,
        (0..3).map(event).collect(),
    )
    .await;
    append(
        client,
        &name("other"),
        StreamState::NoStream,
        vec![event(0)],
    )
    .await;
    append(
        client,
        &name("plain"),
        StreamState::StreamRevision(2),
        vec![event(3)],
    )
    .await;
    let bytes = EventData::binary("Bytes", vec![0, 255, 10].into())
        .metadata(vec![1, 2, 254].into())
        .id(Uuid::new_v4());
    let meta = event(1)
        .metadata_as_json(&json!({"$correlationId": Uuid::new_v4(), "by": "ä"}))
        .unwrap();
    append(
        client,
        &name("other"),
        StreamState::StreamRevision(0),
        vec![bytes, meta],
    )
    .await;
    let limits = EventData::json(
        "$metadata",
        &json!({"$maxCount": 2, "mine": {"z": 1, "a": [2]}}),
    )
    .unwrap()
    .id(Uuid::new_v4());
    append(
        client,
        &format!("$${}", name("plain")),
        StreamState::NoStream,
        vec![limits],
    )
    .await;
    append(
        client,
        &name("deleted"),
        StreamState::NoStream,
        vec![event(0)],
    )
    .await;
    client
        .delete_stream(name("deleted"), &DeleteStreamOptions::default())
        .await
        .unwrap();
    append(
        client,
        &name("revived"),
        StreamState::NoStream,
        (0..2).map(event).collect(),
    )
    .await;
    client
        .delete_stream(name("revived"), &DeleteStreamOptions::default())
        .await
        .unwrap();
    append(
        client,
        &name("revived"),
        StreamState::StreamRevision(1),
        vec![event(2)],
    )
    .await;
    append(
        client,
        &name("ended"),
        StreamState::NoStream,
        (0..2).map(event).collect(),
    )
    .await;
    client
        .tombstone_stream(name("ended"), &TombstoneStreamOptions::default())
        .await
        .unwrap();
    let link = EventData::binary("$>", format!("0@{prefix}-plain").into()).id(Uuid::new_v4());
    append(client, &name("links"), StreamState::NoStream, vec![link]).await;
}

/// What a store shows of a history: in the order of its log, without what each store makes of its
/// own.
async fn shown(client: &Client, prefix: &str) -> Vec<Value> {
    let mut read = client.read_all(&ReadAllOptions::default()).await.unwrap();
    let mut all = Vec::new();
    while let Some(event) = read.next().await.unwrap() {
        let event = event.get_original_event();
        if !event
            .stream_id()
            .trim_start_matches("$$")
            .starts_with(prefix)
        {
            continue;
        }
        // A store writes tombstones, and what a delete does to metadata, under ids of its own.
        let id = (!event.event_type.starts_with("$streamDeleted")
            && event.event_type != "$metadata")
            .then_some(event.id);
        all.push(json!([
            event.stream_id(),
            event.revision,
            event.event_type,
            id,
            event.is_json,
            event.data.to_vec(),
            event.custom_metadata.to_vec()
        ]));
    }
    all
}

/// What readers of each stream see.
async fn visible(client: &Client, prefix: &str) -> BTreeMap<String, Result<Vec<u64>, String>> {
    let mut seen = BTreeMap::new();
    for name in [
        "plain", "other", "deleted", "revived", "ended", "links", "nothing",
    ] {
        let read = async {
            let mut read = client
                .read_stream(format!("{prefix}-{name}"), &ReadStreamOptions::default())
                .await?;
            let mut numbers = Vec::new();
            while let Some(event) = read.next().await? {
                numbers.push(event.get_original_event().revision);
            }
            Ok::<_, Error>(numbers)
        };
        seen.insert(
            name.to_owned(),
            read.await.map_err(|error| error.to_string()),
        );
    }
    seen
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

async fn export(from: &[&str], to: &Path) -> Value {
    run(&[
        &["node", "export", "--to", text(to), "--output", "json"],
        from,
    ]
    .concat())
    .await
    .json()
}

async fn import(to: &[&str], from: &Path) -> Value {
    run(&[
        &["node", "import", "--from", text(from), "--output", "json"],
        to,
    ]
    .concat())
    .await
    .json()
}

/// One line on standard error that begins so and holds these words, and this code.
#[track_caller]
fn refused(finished: &Finished, code: i32, words: &[&str]) {
    assert_eq!(finished.code, Some(code), "{finished:?}");
    let said = finished
        .stderr
        .lines()
        .find(|line| line.starts_with("error: "))
        .unwrap_or_else(|| panic!("{finished:?}"));
    for word in words {
        assert!(said.contains(word), "{word:?} in {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_moves_to_another_store_byte_for_byte_and_in_order_and_a_second_import_appends_nothing()
 {
    let (from, source) = node().await;
    let prefix = prefix();
    write_history(&source, &prefix).await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("history.jsonl");
    let exported = export(&["--store", &from.connection_string()], &file).await;
    let events = exported["events"].as_u64().unwrap();
    assert_eq!(events, shown(&source, &prefix).await.len() as u64);
    let target = match store::from_environment() {
        Some(store) => (None, store),
        None => {
            let node = node().await.0;
            let store = node.connection_string();
            (Some(node), store)
        }
    };
    let to = ["--store", target.1.as_str()];
    let imported = import(&to, &file).await;
    // The store revives the stream by metadata of its own, which is then there before its line
    // comes.
    assert_eq!(
        (
            imported["appended"].as_u64(),
            imported["there_before"].as_u64()
        ),
        (Some(events - 1), Some(1)),
        "{imported}"
    );
    let client = connect(&target.1);
    assert_eq!(shown(&client, &prefix).await, shown(&source, &prefix).await);
    assert_eq!(
        visible(&client, &prefix).await,
        visible(&source, &prefix).await
    );
    let again = import(&to, &file).await;
    assert_eq!(
        (again["appended"].as_u64(), again["there_before"].as_u64()),
        (Some(0), Some(events)),
        "{again}"
    );
    assert_eq!(shown(&client, &prefix).await.len() as u64, events);
    from.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_moves_between_directories_and_through_a_pipe() {
    let (from, source) = node().await;
    let prefix = prefix();
    write_history(&source, &prefix).await;
    let folder = TempDir::new().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let mut export = peerage()
        .args(["node", "export", "--store", &from.connection_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = peerage();
    pipe.args(["node", "import", "--data", text(&first)])
        .stdin(export.stdout.take().unwrap())
        .stderr(Stdio::piped());
    let imported = tokio::task::spawn_blocking(move || pipe.output().unwrap())
        .await
        .unwrap();
    assert!(imported.status.success(), "{imported:?}");
    assert!(export.wait().unwrap().success());
    let file = folder.path().join("history.jsonl");
    self::export(&["--data", text(&first)], &file).await;
    import(&["--data", text(&second)], &file).await;
    let node = EmbeddedNode::builder()
        .data_dir(&second)
        .start()
        .await
        .unwrap();
    let client = connect(&node.connection_string());
    assert_eq!(shown(&client, &prefix).await, shown(&source, &prefix).await);
    assert_eq!(
        visible(&client, &prefix).await,
        visible(&source, &prefix).await
    );
    node.shutdown().await;
    from.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_goes_on_where_its_file_ends_also_after_half_a_line() {
    let (from, source) = node().await;
    let at = from.connection_string();
    append(
        &source,
        "a-1",
        StreamState::NoStream,
        (0..5).map(event).collect(),
    )
    .await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("history.jsonl");
    assert_eq!(export(&["--store", &at], &file).await["events"], 5);
    refused(
        &run(&["node", "export", "--store", &at, "--to", text(&file)]).await,
        2,
        &["history.jsonl", "--resume"],
    );
    let whole = fs::read_to_string(&file).unwrap();
    append(
        &source,
        "a-1",
        StreamState::StreamRevision(4),
        (5..7).map(event).collect(),
    )
    .await;
    fs::write(&file, &whole[..whole.len() - 20]).unwrap();
    let resumed = export(&["--store", &at, "--resume"], &file).await;
    assert_eq!(
        (
            resumed["events"].as_u64(),
            resumed["events_before"].as_u64()
        ),
        (Some(3), Some(4))
    );
    let now = fs::read_to_string(&file).unwrap();
    assert!(
        now.starts_with(&whole) && now.lines().count() == 1 + 7,
        "{now}"
    );
    assert_eq!(
        export(&["--store", &at, "--resume"], &file).await["events"],
        0
    );
    from.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_was_cut_short_goes_on_and_one_of_more_appends_only_the_rest() {
    let (from, source) = node().await;
    append(
        &source,
        "a-1",
        StreamState::NoStream,
        (0..40).map(event).collect(),
    )
    .await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("history.jsonl");
    export(&["--store", &from.connection_string()], &file).await;
    let lines: Vec<String> = fs::read_to_string(&file)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    let cut = folder.path().join("cut.jsonl");
    fs::write(
        &cut,
        format!("{}\n{}", lines[..25].join("\n"), &lines[25][..30]),
    )
    .unwrap();
    let (to, _) = node().await;
    let at = to.connection_string();
    let broken = run(&["node", "import", "--store", &at, "--from", text(&cut)]).await;
    refused(&broken, 1, &["cut.jsonl line 26"]);
    fs::write(&cut, lines[..25].join("\n")).unwrap();
    assert_eq!(import(&["--store", &at], &cut).await["appended"], 24);
    let rest = import(&["--store", &at], &file).await;
    assert_eq!(
        (rest["appended"].as_u64(), rest["there_before"].as_u64()),
        (Some(16), Some(24))
    );
    to.shutdown().await;
    from.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_stops_where_the_store_has_other_events_and_says_at_which_line() {
    let (from, source) = node().await;
    append(
        &source,
        "a-1",
        StreamState::NoStream,
        (0..3).map(event).collect(),
    )
    .await;
    append(&source, "b-1", StreamState::NoStream, vec![event(0)]).await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("history.jsonl");
    export(&["--store", &from.connection_string()], &file).await;
    let (to, client) = node().await;
    append(&client, "b-1", StreamState::NoStream, vec![event(7)]).await;
    let import = [
        "node",
        "import",
        "--store",
        &to.connection_string(),
        "--from",
        text(&file),
    ];
    refused(
        &run(&import).await,
        1,
        &["history.jsonl line 5", "b-1", "other events"],
    );
    client
        .tombstone_stream("a-1", &TombstoneStreamOptions::default())
        .await
        .unwrap();
    refused(&run(&import).await, 1, &["b-1"]);
    fs::write(
        &file,
        fs::read_to_string(&file)
            .unwrap()
            .lines()
            .take(4)
            .collect::<Vec<_>>()
            .join("\n"),
    )
    .unwrap();
    refused(
        &run(&import).await,
        1,
        &["line 2", "a-1", "the export does not end it"],
    );
    to.shutdown().await;
    from.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_were_scavenged_leave_a_gap_that_is_filled_only_when_asked() {
    let folder = TempDir::new().unwrap();
    let (data, file) = (
        folder.path().join("data"),
        folder.path().join("history.jsonl"),
    );
    let from = EmbeddedNode::builder()
        .data_dir(&data)
        .start()
        .await
        .unwrap();
    let source = connect(&from.connection_string());
    append(
        &source,
        "cut",
        StreamState::NoStream,
        (0..6).map(event).collect(),
    )
    .await;
    let limits = EventData::json("$metadata", &json!({"$maxCount": 2}))
        .unwrap()
        .id(Uuid::new_v4());
    append(&source, "$$cut", StreamState::NoStream, vec![limits]).await;
    let operations = operations::Client::new(from.connection_string().parse().unwrap()).unwrap();
    operations
        .start_scavenge(1, 0, &Default::default())
        .await
        .unwrap();
    wait::until("the scavenge", SOON, || async {
        (shown(&source, "cut").await.len() == 3).then_some(())
    })
    .await;
    from.shutdown().await;
    assert_eq!(export(&["--data", text(&data)], &file).await["events"], 3);
    let (to, client) = node().await;
    let at = to.connection_string();
    refused(
        &run(&["node", "import", "--store", &at, "--from", text(&file)]).await,
        1,
        &["line 2", "\"cut\"", "--fill-gaps"],
    );
    for appended in [3, 0] {
        let imported = import(&["--store", &at, "--fill-gaps"], &file).await;
        assert_eq!(
            (imported["appended"].as_u64(), imported["filled"].as_u64()),
            (Some(appended), Some(if appended > 0 { 4 } else { 0 }))
        );
    }
    let mut read = client
        .read_stream("cut", &ReadStreamOptions::default())
        .await
        .unwrap();
    for number in 4..6 {
        let event = read.next().await.unwrap().unwrap();
        assert_eq!(
            (
                event.get_original_event().revision,
                event.get_original_event().as_json::<Value>().unwrap()["n"].as_u64()
            ),
            (number, Some(number))
        );
    }
    to.shutdown().await;
}

/// A store with tables and a journal, and nobody who uses it.
async fn closed_store(folder: &Path) -> PathBuf {
    let data = folder.join("data");
    let node = EmbeddedNode::builder()
        .data_dir(&data)
        .start()
        .await
        .unwrap();
    let client = connect(&node.connection_string());
    append(
        &client,
        "a-1",
        StreamState::NoStream,
        (0..20).map(event).collect(),
    )
    .await;
    append(&client, "a-2", StreamState::NoStream, vec![event(0)]).await;
    client
        .delete_stream("a-2", &DeleteStreamOptions::default())
        .await
        .unwrap();
    append(&client, "a-3", StreamState::NoStream, vec![event(0)]).await;
    client
        .tombstone_stream("a-3", &TombstoneStreamOptions::default())
        .await
        .unwrap();
    node.shutdown().await;
    data
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stats_count_what_a_directory_holds_and_show_what_a_running_store_says() {
    let folder = TempDir::new().unwrap();
    let data = closed_store(folder.path()).await;
    let stats = run(&["node", "stats", "--data", text(&data), "--output", "json"])
        .await
        .json();
    let wanted = [
        ("events", 24),
        ("system_events", 1),
        ("streams", 3),
        ("system_streams", 1),
        ("deleted_streams", 1),
        ("tombstoned_streams", 1),
        ("longest_stream_events", 20),
    ];
    for (figure, wanted) in wanted {
        assert_eq!(stats[figure], json!(wanted), "{figure} in {stats}");
    }
    assert_eq!(stats["longest_stream"], "a-1");
    assert!(
        run(&["node", "stats", "--data", text(&data)])
            .await
            .done()
            .contains("tombstoned streams")
    );
    let (node, _) = node().await;
    let said = run(&[
        "node",
        "stats",
        "--store",
        &node.connection_string(),
        "--output",
        "json",
    ])
    .await
    .json();
    assert!(
        said["es-version"]
            .as_str()
            .is_some_and(|version| version.starts_with("25.")),
        "{said}"
    );
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verify_finds_a_sound_store_sound_and_names_the_file_that_is_not() {
    let folder = TempDir::new().unwrap();
    let data = closed_store(folder.path()).await;
    let sound = run(&["node", "verify", "--data", text(&data), "--output", "json"])
        .await
        .json();
    assert_eq!(
        (&sound["sound"], sound["events"].as_u64()),
        (&json!(true), Some(24)),
        "{sound}"
    );
    let journal = data.join("store/0.jnl");
    let mut content = fs::read(&journal).unwrap();
    content[60] ^= 1;
    fs::write(&journal, content).unwrap();
    let damaged = run(&["node", "verify", "--data", text(&data), "--output", "json"]).await;
    refused(&damaged, 1, &[text(&journal), "damaged"]);
    let answer: Value = serde_json::from_str(&damaged.stdout).unwrap();
    assert_eq!(answer["findings"][0]["file"], json!(journal), "{answer}");
    let started = run(&["node", "--listen", "127.0.0.1:0", "--data", text(&data)]).await;
    refused(&started, 1, &[text(&journal), "damaged"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_in_the_call_are_told_from_failures() {
    let folder = TempDir::new().unwrap();
    let nowhere = folder.path().join("nowhere");
    for command in [&["stats"][..], &["verify"], &["export"]] {
        let finished = run(&[&["node"], command, &["--data", text(&nowhere)]].concat()).await;
        refused(&finished, 2, &["no event store", "nowhere"]);
        assert!(!nowhere.exists(), "{command:?} made the directory");
    }
    let data = closed_store(folder.path()).await;
    let node = EmbeddedNode::builder()
        .data_dir(&data)
        .start()
        .await
        .unwrap();
    for command in [&["stats"][..], &["verify"], &["export"], &["import"]] {
        let finished = run(&[&["node"], command, &["--data", text(&data)]].concat()).await;
        refused(&finished, 2, &["in use", "--store"]);
    }
    node.shutdown().await;
    fs::write(data.join("format"), "peerage event store 2\n").unwrap();
    refused(
        &run(&["node", "stats", "--data", text(&data)]).await,
        1,
        &["format 2", "later version"],
    );
    refused(
        &run(&["node", "export", "--store", "nonsense"]).await,
        2,
        &["--store"],
    );
    refused(
        &run(&[
            "node",
            "import",
            "--data",
            text(&data),
            "--from",
            text(&nowhere),
        ])
        .await,
        2,
        &["nowhere"],
    );
    for wrong in [
        &["node"][..],
        &["node", "stats"],
        &["node", "export", "--data", "a", "--store", "b"],
        &["node", "--data", "x", "--tls-key", "y"],
    ] {
        assert_eq!(run(wrong).await.code, Some(2), "{wrong:?}");
    }
    let users = folder.path().join("users");
    fs::write(&users, "admin:a\njane:b\n").unwrap();
    refused(
        &run(&["node", "--memory", "--users", text(&users)]).await,
        2,
        &["users", "others may read or write it", "chmod 600"],
    );
    private(&users);
    refused(
        &run(&["node", "--memory", "--users", text(&users)]).await,
        2,
        &["users", "line 2"],
    );
    refused(
        &run(&[
            "node",
            "--memory",
            "--tls-cert",
            text(&users),
            "--tls-key",
            text(&users),
        ])
        .await,
        2,
        &["TLS"],
    );
    let key = folder.path().join("node.key");
    fs::write(&key, include_str!("../../embedded/tests/tls/node.key")).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let open = [
        "node",
        "--memory",
        "--tls-cert",
        text(&users),
        "--tls-key",
        text(&key),
    ];
    refused(&run(&open).await, 2, &["--tls-key", "0644", "chmod 600"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_with_tls_users_and_system_projections_serves_whom_it_knows_until_a_client_stops_it()
{
    let folder = TempDir::new().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        text(&path).to_owned()
    };
    let (certificate, key) = (
        file(
            "node.pem",
            include_str!("../../embedded/tests/tls/node.pem"),
        ),
        file(
            "node.key",
            include_str!("../../embedded/tests/tls/node.key"),
        ),
    );
    let authority = file("ca.pem", include_str!("../../embedded/tests/tls/ca.pem"));
    let users = file("users", "admin:first\nops:second\n");
    private(Path::new(&users));
    private(Path::new(&key));
    let port = ports::free();
    let mut command = peerage();
    command.args([
        "node",
        "--listen",
        &format!("127.0.0.1:{port}"),
        "--data",
        text(&folder.path().join("data")),
        "--system-projections",
    ]);
    command.args([
        "--tls-cert",
        &certificate,
        "--tls-key",
        &key,
        "--users",
        &users,
    ]);
    let mut node = Running::start("peerage node", &mut command);
    let at =
        |user: &str| format!("kurrentdb://{user}127.0.0.1:{port}?tls=true&tlsCaFile={authority}");
    let admin = at("admin:first@");
    let written = || async {
        let options = AppendToStreamOptions::default();
        connect(&admin)
            .append_to_stream("order-1", &options, event(0))
            .await
            .ok()
    };
    node.until_ready(SOON, written).await;
    let denied = connect(&at("admin:wrong@"))
        .read_stream("order-1", &ReadStreamOptions::default())
        .await
        .map(|_| ());
    assert!(matches!(denied, Err(Error::AccessDenied)), "{denied:?}");
    let mut links = connect(&admin)
        .read_stream("$ce-order", &ReadStreamOptions::default())
        .await
        .unwrap();
    assert_eq!(
        links
            .next()
            .await
            .unwrap()
            .unwrap()
            .get_original_event()
            .data,
        "0@order-1"
    );
    let history = folder.path().join("history.jsonl");
    refused(
        &run(&["node", "export", "--store", &at(""), "--to", text(&history)]).await,
        1,
        &["access is denied", "admin:PASSWORD@"],
    );
    fs::remove_file(&history).unwrap();
    let exported = export(&["--store", &admin], &history).await;
    assert!(
        exported["events"].as_u64() >= Some(1) && exported["left_out"].as_u64() >= Some(3),
        "{exported}"
    );
    assert!(
        !fs::read_to_string(&history).unwrap().contains("first"),
        "a password or its hash is in the export"
    );
    operations::Client::new(admin.parse().unwrap())
        .unwrap()
        .shutdown(&Default::default())
        .await
        .unwrap();
    assert_eq!(
        node.finished(SOON).await.code(),
        Some(0),
        "{}",
        node.output()
    );
    assert!(
        node.output().contains("a client asked for the shutdown"),
        "{}",
        node.output()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_had_its_links_has_them_still_after_an_import() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let node = EmbeddedNode::builder()
        .data_dir(&data)
        .system_projections()
        .start()
        .await
        .unwrap();
    append(
        &connect(&node.connection_string()),
        "order-1",
        StreamState::NoStream,
        vec![event(0)],
    )
    .await;
    let end = head(&connect(&node.connection_string())).await;
    node.shutdown().await;
    let (from, source) = self::node().await;
    append(&source, "order-2", StreamState::NoStream, vec![event(0)]).await;
    let file = folder.path().join("history.jsonl");
    export(&["--store", &from.connection_string()], &file).await;
    import(&["--data", text(&data)], &file).await;
    let node = EmbeddedNode::builder()
        .data_dir(&data)
        .system_projections()
        .start()
        .await
        .unwrap();
    let client = connect(&node.connection_string());
    let mut links = client
        .read_stream("$ce-order", &ReadStreamOptions::default())
        .await
        .unwrap();
    for stream in ["order-1", "order-2"] {
        assert_eq!(
            links
                .next()
                .await
                .unwrap()
                .unwrap()
                .get_original_event()
                .data,
            format!("0@{stream}")
        );
    }
    assert!(links.next().await.unwrap().is_none());
    assert!(head(&client).await.commit > end.commit);
    node.shutdown().await;
    from.shutdown().await;
}

async fn head(client: &Client) -> Position {
    let options = ReadAllOptions::default()
        .backwards()
        .max_count(1)
        .position(kurrentdb::StreamPosition::End);
    client
        .read_all(&options)
        .await
        .unwrap()
        .next()
        .await
        .unwrap()
        .unwrap()
        .get_original_event()
        .position
}
