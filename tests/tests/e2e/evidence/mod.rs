//! The audit that proves itself: what happened is in files that are verified with a key and no
//! server, by this program and by strangers; what was changed shows; witnesses see that the log
//! only grows.

mod witnesses;

use crate::support::http::call;
use peerage_tests::engine::{Engine, Finished, Launch, run};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use testkit::{venv, workspace};

const LOG: &str = "example.com/peerage";

/// A folder with the key of a log in it, and one for an engine's data.
struct Place {
    folder: TempDir,
    /// The log's public key.
    key: String,
}

impl Place {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("audit.key");
        let made = ["audit", "key", "new", "--name", LOG, "--out", text(&file)];
        let key = run(&made).await.done().trim().to_owned();
        Self { folder, key }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn launch(&self, data: &str) -> Launch {
        Launch::new(&self.path(data))
            .own_store()
            .set("audit.key_file", text(&self.path("audit.key")))
            .set("audit.checkpoint_interval", "200ms")
    }

    async fn checkpoint(&self, engine: &Engine, name: &str) -> PathBuf {
        let file = self.path(name);
        let ask = ["audit", "checkpoint", "--out", text(&file)];
        let _ = engine.cli(&ask).await.done();
        file
    }

    async fn verify(&self, file: &Path, more: &[&str]) -> Finished {
        let own = ["audit", "verify", text(file), "--key", &self.key];
        run(&[&own[..], more].concat()).await
    }
}

/// A witness that has cosigned nothing.
const WITNESS: &str = "witness.example/w1+3d32764d+BOWqFNsAkTifJZoZXpBLPVBpiQcrSwR6WTOTtBRGgnQj";

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Registers networks, and gives the ids of the events of all that are registered.
async fn happen(engine: &Engine, names: &[&str]) -> Vec<String> {
    for name in names.iter().copied() {
        let number = name.bytes().map(u32::from).sum::<u32>() % 200;
        let (range, vpc) = (
            format!("10.{number}.0.0/16"),
            format!("vpc-0a1b2c{number:02x}"),
        );
        let register = [
            "network",
            "register",
            "--name",
            name,
            "--region",
            "eu-west-1",
            "--account",
            "111122223333",
            "--vpc",
            &vpc,
            "--range",
            &range,
            "--reason",
            "the audit's own test",
        ];
        let _ = engine.cli(&register).await.done();
    }
    let events = engine.json(&["audit", "--type", "NetworkRegistered"]).await;
    let events = events.as_array().unwrap().iter();
    events
        .map(|it| it["eventId"].as_str().unwrap().to_owned())
        .collect()
}

/// The lines of an export of the whole log, which are the events as the tree holds them, with what
/// the log signed.
async fn export(engine: &Engine) -> Vec<String> {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("export.jsonl");
    let make = ["audit", "export", "--out", text(&out)];
    let _ = engine.cli(&make).await.done();
    let exported = fs::read_to_string(&out).unwrap();
    let exported: Vec<_> = exported.lines().map(str::to_owned).collect();
    let held = held(engine).await;
    let parsed = |it: &String| serde_json::from_str::<Value>(it).unwrap();
    for (exported, held) in exported.iter().zip(&held) {
        assert_eq!(parsed(exported), parsed(held));
    }
    assert_eq!(exported.len(), held.len());
    exported
}

/// The same of the API's answers.
async fn held(engine: &Engine) -> Vec<String> {
    let signed = call(&engine.server(), "AuditService/GetCheckpoint", &json!({}))
        .await
        .done();
    let size: u64 = signed["size"].as_str().unwrap().parse().unwrap();
    let header =
        json!({ "format": "peerage audit", "version": 1, "checkpoint": signed["checkpoint"] });
    let mut lines = vec![header.to_string()];
    while (lines.len() as u64 - 1) < size {
        let asked = json!({ "first": lines.len() - 1, "most": 7 });
        let read = call(&engine.server(), "AuditService/ReadLeaves", &asked)
            .await
            .done();
        let leaves = read["leaves"].as_array().unwrap();
        assert!(!leaves.is_empty(), "{read}");
        lines.extend(leaves.iter().map(line));
    }
    lines.truncate(usize::try_from(size).unwrap() + 1);
    lines
}

fn line(leaf: &Value) -> String {
    use base64::Engine as _;
    let bytes = |field: &str| {
        let text = leaf[field].as_str().unwrap_or_default();
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(text)
            .unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let number = |field: &str| leaf[field].as_str().unwrap_or("0").parse::<u64>().unwrap();
    let record = json!({
        "index": number("index"), "stream": leaf["stream"], "revision": number("revision"),
        "id": leaf["eventId"], "type": leaf["eventType"], "data": bytes("data"), "metadata": bytes("metadata"),
    });
    record.to_string()
}

fn write(path: &Path, lines: &[String]) {
    fs::write(path, lines.join("\n") + "\n").unwrap();
}

fn stranger(script: &str, arguments: &[&str]) -> (bool, String) {
    let mut python = venv::command("python");
    python.arg(
        workspace::root()
            .join("tests/tests/e2e/evidence")
            .join(script),
    );
    let judged = python.args(arguments).output().unwrap();
    let holds = judged.status.success();
    let said = if holds { judged.stdout } else { judged.stderr };
    (holds, String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test]
async fn what_happened_is_proved_by_files_that_this_program_and_strangers_verify_offline() {
    let place = Place::new().await;
    let engine = place.launch("data").start().await;
    let names: Vec<_> = (0..5).map(|it| format!("net-{it}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    happen(&engine, &names[..3]).await;
    let early = place.checkpoint(&engine, "early.checkpoint").await;
    let events = happen(&engine, &names[3..]).await;
    assert_eq!(events.len(), 5);
    let late = place.checkpoint(&engine, "late.checkpoint").await;
    let grown = place.path("grown.checkpoint");
    let ask = [
        "audit",
        "checkpoint",
        "--older",
        text(&early),
        "--out",
        text(&grown),
    ];
    let _ = engine.cli(&ask).await.done();

    let mut proofs = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let file = place.path(&format!("{at}.tlog-proof"));
        let _ = engine
            .cli(&["audit", "prove", event, "--out", text(&file)])
            .await
            .done();
        proofs.push(file);
    }
    let lines = export(&engine).await;
    let whole = place.path("export.jsonl");
    write(&whole, &lines);
    // From here on there is no server.
    engine.stop().await;

    for (proof, event) in proofs.iter().zip(&events) {
        let told = place.verify(proof, &[]).await.done();
        assert!(
            told.contains("VERIFIED: event ") && told.contains(event),
            "{told}"
        );
        assert!(told.contains("SELF-ATTESTED"), "{told}");
        // Whoever asks for a witness is not content with none.
        let unwitnessed = place.verify(proof, &["--witness", WITNESS]).await;
        assert_eq!(unwitnessed.code, Some(1));
        assert!(unwitnessed.stderr.contains("no witness that you named"));
        assert!(told.contains("what came later is unknown"), "{told}");
        let (holds, said) = stranger("verify_proof.py", &[text(proof), &place.key]);
        assert!(
            holds && said.contains(event) && said.contains("NetworkRegistered"),
            "{said}"
        );
    }
    let told = place
        .verify(&whole, &["--older", text(&early), "--expect", text(&late)])
        .await
        .done();
    assert!(told.contains("these are all"), "{told}");
    assert!(
        told.contains("that were expected among them; it goes on from the older"),
        "{told}"
    );
    let _ = place
        .verify(&grown, &["--older", text(&early)])
        .await
        .done();
    let unproved = place.verify(&late, &["--older", text(&early)]).await;
    assert_eq!(unproved.code, Some(1));
    assert!(
        unproved.stderr.contains("peerage audit checkpoint --older"),
        "{}",
        unproved.stderr
    );

    let files: Vec<_> = proofs.iter().chain([&grown]).map(|it| text(it)).collect();
    let (holds, said) = stranger("judge_tree.py", &[&[text(&whole)][..], &files[..]].concat());
    assert!(holds, "{said}");
    assert_eq!(said.trim().parse::<usize>().unwrap(), files.len() + 1);
}

#[tokio::test]
async fn evidence_holds_its_own_proofs_and_what_is_shown_otherwise_than_recorded_is_found() {
    let place = Place::new().await;
    let engine = place.launch("data").start().await;
    let events = happen(&engine, &["a-1", "b-1"]).await;
    let all = engine.json(&["audit", "--type", "NetworkRegistered"]).await;
    let position = all[1]["position"].as_str().unwrap();
    // An event is named by its id or by its position, wherever one is.
    let proofs = [("by-id", &*events[1]), ("by-position", position)];
    for (name, event) in proofs {
        let file = place.path(name);
        let prove = ["audit", "prove", event, "--out", text(&file)];
        let _ = engine.cli(&prove).await.done();
        let told = place.verify(&file, &[]).await.done();
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        let says = "says registered network default/b-1 with";
        for words in [
            &*events[1],
            says,
            "by ",
            ": the audit's own test",
            "time 20",
        ] {
            assert!(told.contains(words), "{words} in {told}");
        }
        let explained = engine.json(&["audit", "explain", event]).await;
        let told = explained["commands"][0]["decisions"].as_array().unwrap();
        assert!(
            told.iter().any(|it| it["event"]["position"] == position),
            "{explained:#}"
        );
    }
    for nothing in ["00000000-0000-4000-8000-000000000000", "1/1"] {
        let refused = engine.cli(&["audit", "prove", nothing]).await;
        assert_eq!(refused.code, Some(1), "{nothing}");
        assert!(
            refused.stderr.contains("holds no event"),
            "{}",
            refused.stderr
        );
        assert_eq!(
            engine.cli(&["audit", "explain", nothing]).await.code,
            Some(1)
        );
    }
    let file = place.path("evidence.json");
    let make = [
        "audit",
        "evidence",
        "--event",
        &*events[1],
        "--out",
        text(&file),
    ];
    let _ = engine.cli(&make).await.done();
    let bare = place.path("bare.json");
    let make = [
        "audit",
        "evidence",
        "--event",
        position,
        "--without-proofs",
        "--out",
        text(&bare),
    ];
    let _ = engine.cli(&make).await.done();
    engine.stop().await;

    let told = place.verify(&file, &[]).await.done();
    assert!(
        told.contains("VERIFIED: this event is in the log"),
        "{told}"
    );
    let unproved = place.verify(&bare, &[]).await;
    assert!(
        unproved.stderr.contains("made without proofs"),
        "{}",
        unproved.stderr
    );
    assert_eq!(unproved.code, Some(1));
    let whole: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    // However the same JSON is written.
    for written in [whole.to_string(), format!("\n  {whole:#}")] {
        let file = place.path("written-anew.json");
        fs::write(&file, written).unwrap();
        let again = place.verify(&file, &[]).await.done();
        assert_eq!(again, told);
    }
    let changed = |at: &str, to: Value| {
        let mut changed = whole.clone();
        let place = changed.pointer_mut(at).unwrap();
        assert_ne!(*place, to, "{at}");
        *place = to;
        changed
    };
    let added = |member: &str, value: Value| {
        let mut added = whole.clone();
        let event = added["events"][0].as_object_mut().unwrap();
        assert!(event.insert(member.to_owned(), value).is_none());
        added
    };
    let without = |member: &str| {
        let mut cut = whole.clone();
        let event = cut["events"][0].as_object_mut().unwrap();
        assert!(event.remove(member).is_some());
        cut
    };
    for (changed, says) in [
        (
            changed("/events/0/reason", json!("nobody asked for it")),
            "`reason` is not what",
        ),
        (
            changed("/events/0/actor/claimed", json!("eve")),
            "`actor` is not what",
        ),
        (
            changed("/events/0/type", json!("NetworkRetired")),
            "`type` is not what",
        ),
        (
            changed("/events/0/rawData", json!("e30=")),
            "`rawData` is not what",
        ),
        (
            changed("/events/0/time", json!("2020-01-01T00:00:00Z")),
            "`time` is not what",
        ),
        (
            changed("/events/0/eventId", json!(events[0])),
            "`eventId` is not what",
        ),
        (
            changed("/events/0/data/name", json!("another")),
            "`data` is not what",
        ),
        (
            changed("/events/0/command/body/name", json!("another")),
            "`command` is not what",
        ),
        (
            added("sentence", json!("registered another network")),
            "`sentence` is not what",
        ),
        (without("reason"), "`reason` is not what"),
        (without("actor"), "`actor` is not what"),
        (
            changed(
                "/events/0/networkId",
                json!("00000000-0000-4000-8000-000000000000"),
            ),
            "`networkId` is not what",
        ),
        (
            changed("/events/0/peeringId", json!("nothing of it")),
            "`peeringId` is not what",
        ),
        (
            changed("/events/0/networkName", json!("default/another")),
            "`networkName` is not what",
        ),
        (
            changed("/events/0/cloud/mode", json!("CLOUD_MODE_REAL")),
            "`cloud` is not what",
        ),
        (
            added("network", json!("default/another")),
            "`network` is not what",
        ),
        (changed("/proofs", json!([])), "without proofs"),
        (
            changed("/proofs/0", json!("c2sp.org/tlog-proof@v1")),
            "event 0",
        ),
        (changed("/version", json!(2)), "version 2"),
        (
            changed("/events", json!([whole["events"][0], whole["events"][0]])),
            "2 events and 1 proofs",
        ),
    ] {
        let text = serde_json::to_string_pretty(&changed).unwrap();
        fs::write(&file, text).unwrap();
        let refused = place.verify(&file, &[]).await;
        assert_eq!(refused.code, Some(1), "{says}: {}", refused.stdout);
        assert!(
            refused.stderr.contains("NOT VERIFIED"),
            "{}",
            refused.stderr
        );
        assert!(refused.stderr.contains(says), "{says}: {}", refused.stderr);
    }
    // Another log's key stands for nothing here.
    fs::write(&file, serde_json::to_string_pretty(&whole).unwrap()).unwrap();
    let other = Place::new().await;
    let refused = other.verify(&file, &[]).await;
    assert!(
        refused.stderr.contains("not believed"),
        "{}",
        refused.stderr
    );
}

#[tokio::test]
async fn an_export_that_was_edited_cut_or_put_in_another_order_is_not_verified() {
    let place = Place::new().await;
    let engine = place.launch("data").start().await;
    happen(&engine, &["a-1", "b-1"]).await;
    let early = export(&engine).await;
    let proved = happen(&engine, &["c-1", "d-1"]).await;
    let proof = place.path("one.tlog-proof");
    let _ = engine
        .cli(&["audit", "prove", &proved[0], "--out", text(&proof)])
        .await
        .done();
    let lines = export(&engine).await;
    let expected = place.checkpoint(&engine, "expected.checkpoint").await;
    engine.stop().await;

    let file = place.path("changed.jsonl");
    let mut edited = lines.clone();
    let said = |it: &&mut String| it.contains("the audit's own test");
    let one = edited.iter_mut().filter(said).nth(1).unwrap();
    *one = one.replace("the audit's own test", "nobody asked for it");
    assert_ne!(edited, lines);
    let mut omitted = lines.clone();
    omitted.remove(2);
    let mut reordered = lines.clone();
    reordered.swap(1, 2);
    for (changed, says) in [
        (&edited, "edited, left out, added or moved"),
        (&omitted, "missing"),
        (&reordered, "where event 0 belongs"),
        (&lines[..lines.len() - 1].to_vec(), "it is cut"),
    ] {
        write(&file, changed);
        let refused = place.verify(&file, &[]).await;
        assert_eq!(refused.code, Some(1), "{}", refused.stdout);
        assert!(
            refused.stderr.contains(says),
            "{says} in {}",
            refused.stderr
        );
    }
    // An earlier export is whole by itself; what it lacks shows in what is expected alone.
    write(&file, &early);
    let told = place.verify(&file, &[]).await.done();
    assert!(told.contains("what came later is unknown"), "{told}");
    let cut = place.verify(&file, &["--expect", text(&expected)]).await;
    assert_eq!(cut.code, Some(1));
    assert!(cut.stderr.contains("it is cut"), "{}", cut.stderr);

    let file_of_other = place.path("other.key");
    let make = [
        "audit",
        "key",
        "new",
        "--name",
        LOG,
        "--out",
        text(&file_of_other),
    ];
    let other = run(&make).await.done();
    let wrong = run(&["audit", "verify", text(&proof), "--key", other.trim()]).await;
    assert_eq!(wrong.code, Some(1));
    assert!(
        wrong.stderr.contains("signed by no key that you named"),
        "{}",
        wrong.stderr
    );
    let bytes = fs::read_to_string(&proof).unwrap();
    for (changed, says) in [
        (
            bytes.replace("index 0", "index 1"),
            "event 1 is not in the log",
        ),
        (bytes[..bytes.len() / 2].to_owned(), "damaged"),
        ("nothing\n".to_owned(), "no file that can be checked"),
    ] {
        fs::write(&file, changed).unwrap();
        let refused = place.verify(&file, &[]).await;
        assert_eq!(refused.code, Some(1), "{says}");
        assert!(
            refused.stderr.contains(says),
            "{says} in {}",
            refused.stderr
        );
        if says.starts_with("event") {
            let (holds, said) = stranger("verify_proof.py", &[text(&file), &place.key]);
            assert!(!holds && said.contains("not in the log"), "{said}");
        }
    }
    let missing = place.verify(&place.path("none"), &[]).await;
    assert_eq!(missing.code, Some(2));
    let no_key = run(&[
        "audit",
        "verify",
        text(&proof),
        "--key",
        "example.com/peerage",
    ])
    .await;
    assert_eq!(no_key.code, Some(2));
}

#[tokio::test]
async fn the_same_root_comes_out_when_the_history_has_moved_to_another_store() {
    let place = Place::new().await;
    let engine = place.launch("data").start().await;
    happen(&engine, &["a-1", "b-1", "c-1"]).await;
    let before = place.checkpoint(&engine, "before.checkpoint").await;
    engine.stop().await;

    let history = place.path("history.jsonl");
    let events = |data: &str| place.path(data).join("events");
    let (from, to) = (events("data"), events("moved"));
    let _ = run(&[
        "node",
        "export",
        "--data",
        text(&from),
        "--to",
        text(&history),
    ])
    .await
    .done();
    fs::create_dir(place.path("moved")).unwrap();
    let _ = run(&[
        "node",
        "import",
        "--data",
        text(&to),
        "--from",
        text(&history),
    ])
    .await
    .done();

    // Once with nothing but the store, and once with the tree of the old place beside it.
    for keeps_tree in [false, true] {
        if keeps_tree {
            let tree = |data: &str| place.path(data).join("audit-tree.sqlite");
            fs::copy(tree("data"), tree("moved")).unwrap();
        }
        let engine = place.launch("moved").start().await;
        let grown = place.path(&format!("grown-{keeps_tree}"));
        let ask = [
            "audit",
            "checkpoint",
            "--older",
            text(&before),
            "--out",
            text(&grown),
        ];
        let _ = engine.cli(&ask).await.done();
        let _ = place
            .verify(&grown, &["--older", text(&before)])
            .await
            .done();
        let told = call(&engine.server(), "AuditService/GetCheckpoint", &json!({}))
            .await
            .done();
        assert_eq!(told["epochs"].as_array().unwrap().len(), 1, "{told}");
        engine.stop().await;
    }
}

#[tokio::test]
async fn an_event_that_was_edited_in_the_store_is_noticed_with_and_without_the_tree() {
    let place = Place::new().await;
    let engine = place.launch("data").start().await;
    let events = happen(&engine, &["a-1", "b-1", "c-1"]).await;
    let before = place.checkpoint(&engine, "before.checkpoint").await;
    engine.stop().await;
    let history = place.path("history.jsonl");
    let store = place.path("data").join("events");
    let _ = run(&[
        "node",
        "export",
        "--data",
        text(&store),
        "--to",
        text(&history),
    ])
    .await
    .done();
    // Somebody who has the store writes it anew, with another reason for what was done second.
    let told = fs::read_to_string(&history).unwrap();
    let edited = told.lines().map(|line| {
        let is_it = line.contains(&events[1]);
        let other = line.replace("the audit's own test", "somebody else's reason");
        if is_it { other } else { line.to_owned() }
    });
    let edited: Vec<_> = edited.collect();
    assert_ne!(edited.join("\n") + "\n", told);
    write(&history, &edited);
    fs::create_dir(place.path("edited")).unwrap();
    let store = place.path("edited").join("events");
    let _ = run(&[
        "node",
        "import",
        "--data",
        text(&store),
        "--from",
        text(&history),
    ])
    .await
    .done();

    let grown = ["audit", "checkpoint", "--older", text(&before)];
    let engine = place.launch("edited").start().await;
    let refused = engine.cli(&grown).await;
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(
        refused
            .stderr
            .contains("are not those of the older checkpoint"),
        "{}",
        refused.stderr
    );
    engine.stop().await;

    let tree = |data: &str| place.path(data).join("audit-tree.sqlite");
    fs::copy(tree("data"), tree("edited")).unwrap();
    let engine = place.launch("edited").start().await;
    let proof = engine.cli(&["audit", "prove", &events[1]]).await;
    let growth = engine.cli(&grown).await;
    // The tree knows what was recorded; or it was built again, and that begins an epoch.
    let is_named = proof.stderr.contains("is not what was recorded");
    assert!(
        is_named || growth.stderr.contains("epoch-2"),
        "{}{}",
        proof.stderr,
        growth.stderr
    );
    engine.stop().await;
}

#[tokio::test]
async fn a_key_is_never_made_silently_and_never_taken_from_the_data() {
    let place = Place::new().await;
    let engine = Launch::new(&place.path("data")).own_store().start().await;
    let refused = engine.cli(&["audit", "checkpoint"]).await;
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("peerage audit key new"),
        "{}",
        refused.stderr
    );
    engine.stop().await;

    let inside = place.path("data").join("audit.key");
    fs::copy(place.path("audit.key"), &inside).unwrap();
    let start = |key: &Path| {
        let mut engine = Launch::new(&place.path("data"))
            .own_store()
            .set("audit.key_file", text(key))
            .spawn();
        async move {
            let ended = testkit::wait::until("an end", crate::support::SOON, || {
                let ended = engine.process.ended();
                async move { ended }
            });
            (ended.await.code(), engine.process.output())
        }
    };
    let (code, said) = start(&inside).await;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("lies in the data directory"), "{said}");
    let (code, said) = start(&place.path("none")).await;
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("there is no key file") && !place.path("none").exists(),
        "{said}"
    );
    let own = place.path("audit.key");
    let again = ["audit", "key", "new", "--name", LOG, "--out", text(&own)];
    assert_eq!(run(&again).await.code, Some(2));
}

#[tokio::test]
async fn a_key_changes_with_an_overlap_in_which_either_verifies() {
    let place = Place::new().await;
    let file = place.path("audit.key");
    let engine = place.launch("data").start().await;
    let events = happen(&engine, &["a-1"]).await;
    let prove = async |engine: &Engine, name: &str| {
        let proof = place.path(name);
        let _ = engine
            .cli(&["audit", "prove", &events[0], "--out", text(&proof)])
            .await
            .done();
        proof
    };
    let before = prove(&engine, "before").await;
    let signed_before = place.checkpoint(&engine, "before.checkpoint").await;
    engine.stop().await;
    let both = run(&["audit", "key", "rotate", text(&file)]).await.done();
    let new = both.lines().find(|it| *it != place.key).unwrap().to_owned();
    let engine = place.launch("data").start().await;
    let between = prove(&engine, "between").await;
    engine.stop().await;
    let old = place.key.split('+').nth(1).unwrap();
    let _ = run(&["audit", "key", "retire", text(&file), "--id", old])
        .await
        .done();
    let engine = place.launch("data").start().await;
    let after = prove(&engine, "after").await;
    let grown = place.path("grown");
    let (older, out) = (text(&signed_before), text(&grown));
    let ask = ["audit", "checkpoint", "--older", older, "--out", out];
    let _ = engine.cli(&ask).await.done();
    engine.stop().await;
    // What one key signed and what the other did, held against each other, take both.
    let verify = ["audit", "verify", out, "--older", older, "--key", &new];
    assert_eq!(run(&verify).await.code, Some(1));
    let verify = [&verify[..], &["--key", &place.key]].concat();
    let _ = run(&verify).await.done();
    let last = new.split('+').nth(1).unwrap();
    let refused = run(&["audit", "key", "retire", text(&file), "--id", last]).await;
    assert_eq!(refused.code, Some(2));
    let told = refused.stderr.split_once(": ").unwrap().1;
    let (_, cause) = told.rsplit_once(": ").unwrap_or(("", told));
    assert_eq!(told.matches(cause.trim()).count(), 1, "told once: {told}");
    for (proof, expected) in [(before, [0, 1]), (between, [0, 0]), (after, [1, 0])] {
        for (key, code) in [&place.key, &new].into_iter().zip(expected) {
            let verified = run(&["audit", "verify", text(&proof), "--key", key]).await;
            assert_eq!(
                verified.code,
                Some(code),
                "{} {}",
                proof.display(),
                verified.stderr
            );
        }
    }
}
