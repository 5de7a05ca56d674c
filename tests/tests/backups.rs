//! `peerage node backup` and `restore` as a shell sees them: of a node that runs, of one that does
//! not, of the store inside an engine; killed, damaged, and of another log.
#![allow(clippy::unwrap_used)]

use backup::wire::{self, ReadRequest};
use kurrentdb::{
    AppendToStreamOptions, Client, EventData, ReadAllOptions, RecordedEvent, StreamState,
};
use peerage_tests::engine::{Finished, Launch, peerage, run};
use peerage_tests::node::NodePlace;
use peerage_tests::process::Running;
use peerage_tests::{ports, wait};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tonic::transport::Channel;

const SOON: Duration = Duration::from_secs(60);

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn connect(connection_string: &str) -> Client {
    Client::new(connection_string.parse().unwrap()).unwrap()
}

async fn append(client: &Client, stream: &str, events: usize, bytes: usize) {
    let options = AppendToStreamOptions::default().stream_state(StreamState::Any);
    let event = |n: usize| EventData::binary(format!("Counted{n}"), vec![b'x'; bytes].into());
    let events: Vec<_> = (0..events).map(event).collect();
    client
        .append_to_stream(stream, &options, events)
        .await
        .unwrap();
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

/// The log, with positions, ids and times.
async fn log(connection_string: &str) -> Vec<String> {
    let client = connect(connection_string);
    let mut read = client.read_all(&ReadAllOptions::default()).await.unwrap();
    let mut all = Vec::new();
    while let Some(event) = read.next().await.unwrap() {
        all.push(told(event.get_original_event()));
    }
    all
}

async fn json_of(arguments: &[&str]) -> Value {
    run(&[&["node"], arguments, &["--output", "json"]].concat())
        .await
        .json()
}

async fn back_up(data: &Path, to: &Path) -> Value {
    json_of(&["backup", "--data", text(data), "--to", text(to)]).await
}

async fn restore(from: &Path, data: &Path) -> Value {
    json_of(&["restore", "--from", text(from), "--data", text(data)]).await
}

/// The restored log of a backup.
async fn restored(from: &Path) -> Vec<String> {
    let place = TempDir::new().unwrap();
    let data = place.path().join("restored");
    restore(from, &data).await;
    let sound = run(&["node", "verify", "--data", text(&data)]).await;
    assert!(sound.done().contains("sound"));
    let place = NodePlace::new(&data);
    let _node = place.start().await;
    log(&place.connection_string()).await
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

async fn backup_refused(data: &Path, to: &Path, code: i32, words: &[&str]) {
    let call = ["node", "backup", "--data", text(data), "--to", text(to)];
    refused(&run(&call).await, code, words);
}

async fn restore_refused(from: &Path, data: &Path, code: i32, words: &[&str]) {
    let call = [
        "node",
        "restore",
        "--from",
        text(from),
        "--data",
        text(data),
    ];
    refused(&run(&call).await, code, words);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_goes_on_over_a_node_that_runs_is_killed_and_rests() {
    let folder = TempDir::new().unwrap();
    // Longer than the path of a socket may be.
    let data = folder.path().join("d".repeat(120)).join("events");
    let backup = folder.path().join("backups/peerage");
    let place = NodePlace::new(&data);
    let node = place.start().await;
    let client = connect(&place.connection_string());
    append(&client, "a", 40, 100).await;
    let first = back_up(&data, &backup).await;
    assert_eq!(
        (&first["records"], &first["records_before"]),
        (&json!(40), &json!(0))
    );
    assert_eq!(first["keep_too"], json!([]));
    assert_eq!(
        (mode(&backup), mode(&backup.join("manifest.json"))),
        (0o700, 0o600)
    );
    append(&client, "b", 10, 100).await;
    let second = back_up(&data, &backup).await;
    assert_eq!(
        (&second["records"], &second["records_before"]),
        (&json!(10), &json!(40))
    );
    append(&client, "c", 5, 100).await;
    let all = log(&place.connection_string()).await;
    drop(node);
    // The socket of the node that was killed is still there, and nobody listens.
    assert!(data.join("backup.sock").exists());
    let third = back_up(&data, &backup).await;
    assert_eq!(
        (&third["records"], &third["records_before"]),
        (&json!(5), &json!(50))
    );
    let said = run(&["node", "verify", "--backup", text(&backup)])
        .await
        .done();
    assert!(said.contains("sound: 55 records"), "{said}");
    assert_eq!(restored(&backup).await, all);

    let mut node = place.start().await;
    node.signal("TERM");
    node.finished(SOON).await;
    assert!(!data.join("backup.sock").exists(), "it goes with the node");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_log_and_one_that_was_put_back_are_refused_and_what_is_wrong_is_said() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (name, events) in [("one", 10), ("other", 30)] {
        let place = NodePlace::new(&path(name));
        let node = place.start().await;
        append(&connect(&place.connection_string()), "a", events, 100).await;
        drop(node);
    }
    back_up(&path("one"), &path("backup")).await;
    backup_refused(
        &path("other"),
        &path("backup"),
        1,
        &["another log", "position 64"],
    )
    .await;
    // Put back to what the backup held, and gone on from there in another way.
    let place = NodePlace::new(&path("one"));
    let node = place.start().await;
    append(&connect(&place.connection_string()), "a", 10, 100).await;
    back_up(&path("one"), &path("later")).await;
    drop(node);
    fs::rename(path("one"), path("lost")).unwrap();
    restore(&path("backup"), &path("one")).await;
    backup_refused(
        &path("one"),
        &path("later"),
        1,
        &["another log", "older state"],
    )
    .await;
    let node = place.start().await;
    append(&connect(&place.connection_string()), "a", 20, 100).await;
    backup_refused(
        &path("one"),
        &path("later"),
        1,
        &["another log", "another one"],
    )
    .await;
    assert_eq!(back_up(&path("one"), &path("backup")).await["records"], 20);
    drop(node);

    restore_refused(&path("backup"), &path("one"), 2, &["is there already"]).await;
    restore_refused(&path("none"), &path("new"), 2, &["no backup"]).await;
    restore_refused(&path("one"), &path("new"), 2, &["no backup"]).await;
    backup_refused(&path("one"), &path("lost"), 2, &["is no backup"]).await;
    backup_refused(&path("none"), &path("of-none"), 2, &["no event store"]).await;
    let until = |until: &str| {
        let (from, data) = (path("backup"), path("new"));
        let call = ["restore", "--from", text(&from), "--data", text(&data)];
        let call = [&["node"], &call[..], &["--until", until]].concat();
        let call: Vec<String> = call.into_iter().map(str::to_owned).collect();
        async move { run(&call.iter().map(|it| &**it).collect::<Vec<_>>()).await }
    };
    refused(&until("yesterday").await, 2, &["--until"]);
    refused(
        &until("99999999").await,
        2,
        &["99999999", "ends at position"],
    );
    refused(&until("2999-01-01T00:00:00Z").await, 2, &["2999"]);
    let nobody = format!("kurrentdb://127.0.0.1:{}?tls=false", ports::free());
    let nobody = ["node", "backup", "--store", &nobody, "--to"];
    refused(
        &run(&[&nobody[..], &[text(&path("from-nobody"))]].concat()).await,
        1,
        &["does not answer"],
    );
    // Every file that is damaged is named, and nothing is made.
    for entry in fs::read_dir(path("backup")).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let bytes = fs::read(&file).unwrap();
        if name == "lock" {
            continue;
        }
        let mut damaged = bytes.clone();
        damaged[bytes.len() / 3] ^= 8;
        fs::write(&file, damaged).unwrap();
        restore_refused(&path("backup"), &path("new"), 1, &[&name, "damaged"]).await;
        let verified = run(&["node", "verify", "--backup", text(&path("backup"))]).await;
        refused(&verified, 1, &[&name, "damaged"]);
        fs::write(&file, bytes).unwrap();
    }
    assert!(!path("new").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_and_a_restore_that_are_killed_again_and_again_come_to_their_end() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let place = NodePlace::new(&path("data"));
    let node = place.start().await;
    let client = connect(&place.connection_string());
    for _ in 0..30 {
        append(&client, "large", 10, 90_000).await;
    }
    let all = log(&place.connection_string()).await;
    // One that is being read keeps its turn.
    let channel = Channel::from_shared(format!("http://127.0.0.1:{}", place.port())).unwrap();
    let channel = channel.connect().await.unwrap();
    let reading = wire::read(channel, ReadRequest::default(), None).await;
    backup_refused(&path("data"), &path("second"), 1, &["backed up already"]).await;
    drop(reading);
    // Killed sooner or later, and whenever it has written something more.
    let killed = |arguments: Vec<String>, grown: PathBuf| async move {
        let mut left = 0;
        for wanted in [0, 1, 2 << 20, 9 << 20, 20 << 20] {
            let mut command = peerage();
            command.arg("node").args(&arguments);
            let mut process = Running::start("peerage node", &mut command);
            wait::until("it has written so much, or has ended", SOON, || {
                let far = bytes(&grown) >= wanted || process.ended().is_some();
                async move { far.then_some(()) }
            })
            .await;
            process.kill();
            left += u32::from(grown.exists());
        }
        left
    };
    let call = |what: &str, (one, from): (&str, PathBuf), (other, to): (&str, PathBuf)| {
        [what, one, text(&from), other, text(&to)].map(str::to_owned)
    };
    let backup = call("backup", ("--data", path("data")), ("--to", path("backup")));
    assert!(killed(backup.to_vec(), path("backup")).await > 2);
    back_up(&path("data"), &path("backup")).await;
    drop(node);
    let restoring = call(
        "restore",
        ("--from", path("backup")),
        ("--data", path("new")),
    );
    killed(restoring.to_vec(), path("new.restoring")).await;
    if !path("new").exists() {
        restore(&path("backup"), &path("new")).await;
    }
    assert!(!path("new.restoring").exists());
    let place = NodePlace::new(&path("new"));
    let _node = place.start().await;
    assert!(
        log(&place.connection_string()).await == all,
        "the log is another"
    );
}

/// How many bytes are in a folder.
fn bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    let entries = entries.filter_map(Result::ok);
    entries
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => bytes(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secured_node_elsewhere_lets_its_administrators_alone_read_a_backup() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        text(&path).to_owned()
    };
    let certificate = file(
        "node.pem",
        include_str!("../../embedded/tests/tls/node.pem"),
    );
    let key = file(
        "node.key",
        include_str!("../../embedded/tests/tls/node.key"),
    );
    let authority = file("ca.pem", include_str!("../../embedded/tests/tls/ca.pem"));
    let users = file("users", "admin:first\nops:second\n");
    let (port, data) = (ports::free(), folder.path().join("data"));
    let mut command = peerage();
    let listen = format!("127.0.0.1:{port}");
    command.args(["node", "--listen", &listen, "--data", text(&data)]);
    command.args([
        "--tls-cert",
        &certificate,
        "--tls-key",
        &key,
        "--users",
        &users,
    ]);
    let mut node = Running::start("peerage node", &mut command);
    let at = |user: &str, more: &str| format!("kurrentdb://{user}127.0.0.1:{port}?tls=true{more}");
    let known = format!("&tlsCaFile={authority}");
    let admin = at("admin:first@", &known);
    let appended = || async {
        let options = AppendToStreamOptions::default();
        let event = EventData::binary("Counted", "x".into());
        let appended = connect(&admin).append_to_stream("a", &options, event).await;
        appended.ok()
    };
    node.until_ready(SOON, appended).await;
    let to = folder.path().join("backup");
    let back_up = |store: String| {
        let call = ["node", "backup", "--store", &store, "--to", text(&to)];
        let call = call.map(str::to_owned);
        async move { run(&call.each_ref().map(|it| &**it)).await }
    };
    refused(
        &back_up(at("ops:second@", &known)).await,
        1,
        &["administrators"],
    );
    refused(&back_up(at("", &known)).await, 1, &["administrators"]);
    refused(
        &back_up(at("admin:wrong@", &known)).await,
        1,
        &["user and password"],
    );
    refused(
        &back_up(at("admin:first@", "")).await,
        1,
        &["does not answer"],
    );
    refused(
        &back_up(at("admin:first@", "&tlsVerifyCert=false")).await,
        2,
        &["tlsCaFile"],
    );
    let said = back_up(admin.clone()).await.done();
    assert!(said.contains("records backed up"), "{said}");
    // Who owns the directory needs no password, and goes on with the same backup.
    let again = self::back_up(&data, &to).await;
    assert_eq!(again["records"], 0);
    let all = log(&admin).await;
    drop(node);
    let data = folder.path().join("restored");
    restore(&to, &data).await;
    let mut command = peerage();
    let users = file("others", "admin:another\nops:another\n");
    command.args(["node", "--listen", &listen, "--data", text(&data)]);
    command.args([
        "--tls-cert",
        &certificate,
        "--tls-key",
        &key,
        "--users",
        &users,
    ]);
    let mut node = Running::start("peerage node", &mut command);
    // The users are those of the backup.
    let shown = || async {
        let client = connect(&admin);
        client.read_all(&ReadAllOptions::default()).await.ok()?;
        Some(())
    };
    node.until_ready(SOON, shown).await;
    assert_eq!(log(&admin).await, all);
}

const NETWORK: [&str; 8] = [
    "--account",
    "111122223333",
    "--vpc",
    "vpc-0a1b2c3d",
    "--range",
    "10.20.0.0/16",
    "--region",
    "eu-west-1",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_runs_is_backed_up_in_one_command_and_recognises_an_older_log() {
    let folder = TempDir::new().unwrap();
    let (data, backup) = (folder.path().join("data"), folder.path().join("backup"));
    let launch = Launch::new(&data).own_store();
    let engine = launch.start().await;
    let register = |name| [&["network", "register", "--name", name][..], &NETWORK].concat();
    engine.json(&register("orders")).await;
    let said = run(&[
        "node",
        "backup",
        "--data",
        text(&data),
        "--to",
        text(&backup),
    ])
    .await;
    let said = said.done();
    let keys = data.join("secrets.key");
    assert!(said.contains(text(&keys)) && keys.exists(), "{said}");
    let mut late = register("late");
    for word in &mut late {
        *word = match *word {
            "10.20.0.0/16" => "10.21.0.0/16",
            "vpc-0a1b2c3d" => "vpc-0a1b2c3e",
            other => other,
        };
    }
    engine.json(&late).await;
    let summary = back_up(&data, &folder.path().join("whole")).await;
    assert_eq!(summary["keep_too"], json!([keys]));
    let events = data.join("events");
    let names = |networks: Value| -> Vec<String> {
        let mut names: Vec<_> = networks
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(
        names(engine.json(&["network", "list"]).await),
        ["late", "orders"]
    );
    engine.stop().await;
    fs::rename(&events, folder.path().join("lost")).unwrap();
    restore(&backup, &events).await;
    assert_eq!(mode(&events), 0o700);
    let engine = launch.start().await;
    let told = || async {
        engine
            .process
            .output()
            .contains("another log")
            .then_some(())
    };
    wait::until("the engine says that its log is another one", SOON, told).await;
    // It says that it is behind until its read models are made anew.
    let listed = || async {
        let listed = engine.cli(&["network", "list"]).await;
        (listed.code == Some(0)).then_some(())
    };
    wait::until("the read models are made anew", SOON, listed).await;
    assert_eq!(names(engine.json(&["network", "list"]).await), ["orders"]);
    engine.json(&late).await;
    assert_eq!(
        names(engine.json(&["network", "list"]).await),
        ["late", "orders"]
    );
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_where_a_data_directory_should_be_is_refused_and_no_empty_one_begun_beside_it() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    drop(NodePlace::new(&data).start().await);
    let serve = [
        "serve",
        "--data-dir",
        text(&data),
        "--listen",
        "127.0.0.1:0",
    ];
    refused(&run(&serve).await, 2, &["is an event store", "`events`"]);
    assert!(!data.join("events").exists());
}
