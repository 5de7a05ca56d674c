//! What a server has made of the log, made anew while it serves: compared, told, switched to; given
//! up, and gone on with after whatever ended the process.

mod filled;

use crate::support::{SOON, http::call};
use embedded::EmbeddedNode;
use peerage_tests::{
    engine::{Engine, Launch, run},
    wait,
};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::path::PathBuf;
use tempfile::TempDir;

/// So many that a build is seen on its way.
const NETWORKS: u64 = 40;
const EVENTS: u64 = 500;

/// An engine on a log that takes a while to be read.
struct Place {
    node: EmbeddedNode,
    folder: TempDir,
    launch: Launch,
}

impl Place {
    async fn new() -> Self {
        let node = EmbeddedNode::builder().in_memory().start().await.unwrap();
        filled::fill(&node, NETWORKS, EVENTS).await;
        let folder = TempDir::new().unwrap();
        let launch = Launch::new(folder.path()).store(&node.connection_string());
        Self {
            node,
            folder,
            launch,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Started, with everything read.
    async fn started(&self) -> Engine {
        let engine = self.launch.start().await;
        whole(&engine).await;
        engine
    }
}

async fn whole(engine: &Engine) {
    wait::until("both are whole", SOON, || async {
        let told = call(
            &engine.server(),
            "ProjectionService/ListProjections",
            &json!({}),
        )
        .await;
        let all = told.done()["projections"].clone();
        let all = all.as_array().unwrap();
        assert_eq!(all.len(), 2);
        all.iter().all(|it| it["whole"] == true).then_some(())
    })
    .await;
}

/// What is being built of it, or was last.
async fn rebuild(engine: &Engine, name: &str) -> Value {
    let asked = json!({ "name": name });
    let told = call(&engine.server(), "ProjectionService/GetProjection", &asked).await;
    told.done()["projection"]["rebuild"].clone()
}

/// Waits until this is true of what is being built, and gives it.
async fn until(engine: &Engine, name: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    wait::until(what, SOON, || async {
        let told = rebuild(engine, name).await;
        is(&told).then_some(told)
    })
    .await
}

fn number(of: &Value) -> u64 {
    of.as_str().map_or(0, |it| it.parse().unwrap())
}

fn is_on_its_way(it: &Value) -> bool {
    it["stage"] == "REBUILD_STAGE_BUILDING" && number(&it["events"]) > 0
}

fn has_ended(it: &Value) -> bool {
    let under_way = ["ASKED", "BUILDING", "COMPARING", "CANCELLING"];
    let stage = it["stage"].as_str().unwrap_or_default();
    let stage = stage.trim_start_matches("REBUILD_STAGE_");
    !under_way.contains(&stage)
}

fn by_hand(file: &std::path::Path, statement: &str) -> usize {
    let file = Connection::open(file).unwrap();
    file.busy_timeout(SOON).unwrap();
    file.execute(statement, []).unwrap()
}

#[tokio::test]
async fn killed_in_the_middle_a_rebuild_goes_on_and_names_the_row_that_was_changed_by_hand() {
    let place = Place::new().await;
    let mut engine = place.started().await;
    let changed = "UPDATE networks SET account = '999999999999' WHERE name = 'network-7'";
    assert_eq!(by_hand(&place.file("read-models.sqlite"), changed), 1);
    let ask = ["projection", "rebuild", "read-models", "--no-wait"];
    let _ = engine.cli(&ask).await.done();
    let seen = until(&engine, "read-models", "a part is built", is_on_its_way).await;
    assert_ne!(seen["resumed"], true);
    // Meanwhile it serves.
    let listed = engine.json(&["network", "list"]).await;
    assert_eq!(listed.as_array().unwrap().len() as u64, NETWORKS);
    engine.process.kill();
    assert!(place.file("read-models.sqlite.next").exists());

    let engine = place.launch.start().await;
    let told = until(&engine, "read-models", "it has ended", |it| {
        !it.is_null() && has_ended(it)
    })
    .await;
    assert_eq!(told["stage"], "REBUILD_STAGE_SWITCHED", "{told:#}");
    assert_eq!(told["resumed"], true, "{told:#}");
    assert!(number(&told["events"]) >= NETWORKS * EVENTS, "{told:#}");
    let found = &told["comparison"];
    assert_eq!(number(&found["differences"]), 1, "{found:#}");
    let row = &found["first"][0];
    assert_eq!(
        (&row["table"], &row["kind"]),
        (&json!("networks"), &json!("ROW_DIFFERENCE_KIND_CHANGED"))
    );
    assert_eq!(
        row["columns"],
        json!([{ "column": "account", "served": "999999999999", "built": "111122223333" }])
    );
    assert!(!place.file("read-models.sqlite.next").exists());
    let metrics = call(&engine.server(), "ConnectorService/GetMetrics", &json!({})).await;
    let metrics = metrics.done()["exposition"].as_str().unwrap().to_owned();
    for line in [
        r#"peerage_projection_rebuild_differences_total{projection="read-models"} 1"#,
        r#"peerage_projection_rebuilds_total{projection="read-models",outcome="switched"} 1"#,
        r#"peerage_projection_rebuild_under_way{projection="read-models"} 0"#,
    ] {
        assert!(metrics.contains(line), "{line}:\n{metrics}");
    }
    engine
        .process
        .prints("not what the log makes of them")
        .await;

    // Once more, to its end: now all is the same, and the command says so.
    let again = engine.cli(&["projection", "rebuild", "read-models"]).await;
    let said = again.done();
    let rows = said.lines().find(|it| it.starts_with("differences"));
    assert!(rows.is_some_and(|it| it.contains(" 0 of ")), "{said}");
    engine.stop().await;
    place.node.shutdown().await;
}

#[tokio::test]
async fn one_at_a_time_is_built_through_a_stop_until_it_is_cancelled() {
    let place = Place::new().await;
    let engine = place.started().await;
    for name in ["read-models", "audit-tree"] {
        let ask = ["projection", "rebuild", name, "--no-wait"];
        let _ = engine.cli(&ask).await.done();
        until(&engine, name, "a part is built", is_on_its_way).await;
        let second = engine.cli(&ask).await;
        assert_eq!(second.code, Some(1), "{second:?}");
        assert!(second.stderr.contains("[REBUILD_UNDER_WAY]"), "{second:?}");
    }
    engine.stop().await;

    let engine = place.launch.start().await;
    for name in ["read-models", "audit-tree"] {
        let told = until(&engine, name, "it goes on", |it| !it.is_null()).await;
        if !has_ended(&told) {
            let told = engine.json(&["projection", "cancel", name]).await;
            assert_eq!(
                told["rebuild"]["stage"], "REBUILD_STAGE_CANCELLING",
                "{told:#}"
            );
        }
        let told = until(&engine, name, "it is given up", has_ended).await;
        assert_eq!(told["stage"], "REBUILD_STAGE_CANCELLED", "{told:#}");
        let again = engine.cli(&["projection", "cancel", name]).await;
        assert_eq!(again.code, Some(1), "{again:?}");
        assert!(
            again.stderr.contains("[REBUILD_NOT_CANCELLABLE]"),
            "{again:?}"
        );
    }
    assert!(!place.file("read-models.sqlite.next").exists());

    let unknown = engine.cli(&["projection", "status", "provisioner"]).await;
    assert!(
        unknown.stderr.contains("[PROJECTION_UNKNOWN]"),
        "{unknown:?}"
    );
    let (one, other) = (engine.server(), "http://127.0.0.1:1".to_owned());
    let two = run(&["projection", "list", "--server", &one, "--server", &other]).await;
    assert_eq!(two.code, Some(2), "{two:?}");
    engine.stop().await;
    place.node.shutdown().await;
}

#[tokio::test]
async fn a_tree_takes_over_with_the_same_root_alone_and_tells_what_was_changed_by_hand() {
    let place = Place::new().await;
    let keys = TempDir::new().unwrap();
    let key = keys.path().join("audit.key");
    let key = key.to_str().unwrap();
    let made = [
        "audit",
        "key",
        "new",
        "--name",
        "example.com/peerage",
        "--out",
        key,
    ];
    let _ = run(&made).await.done();
    let launch = place.launch.clone().set("audit.key_file", key);
    let launch = launch.set("audit.checkpoint_interval", "1h");
    let engine = launch.start().await;
    whole(&engine).await;
    let signed = engine.json(&["audit", "checkpoint"]).await;
    let tree = place.file("audit-tree.sqlite");

    // A row that proofs are found by: it is named, and put right.
    by_hand(&tree, "UPDATE leaves SET revision = 99999 WHERE idx = 777");
    let told = engine.json(&["projection", "rebuild", "audit-tree"]).await;
    let found = &told["rebuild"]["comparison"];
    assert_eq!(
        told["rebuild"]["stage"], "REBUILD_STAGE_SWITCHED",
        "{told:#}"
    );
    assert_eq!(number(&found["differences"]), 1, "{found:#}");
    assert_eq!(
        (&found["first"][0]["table"], &found["first"][0]["key"]),
        (&json!("leaves"), &json!("idx=777"))
    );
    assert_eq!(found["roots"]["served"], found["roots"]["built"]);
    let of_signed = |roots: &Value| {
        assert_eq!(roots["signed"], signed["root"], "{roots:#}");
        assert_eq!(roots["signedBuilt"], signed["root"], "{roots:#}");
    };
    of_signed(&found["roots"]);
    let left = || {
        let count = "SELECT count(DISTINCT tree) FROM leaves";
        let file = Connection::open(&tree).unwrap();
        file.busy_timeout(SOON).unwrap();
        let trees: u64 = file.query_row(count, [], |row| row.get(0)).unwrap();
        trees
    };
    wait::until("the old one is deleted", SOON, || async {
        (left() == 1).then_some(())
    })
    .await;

    // A hash that the root follows from: the log makes another root, and that is refused.
    let newest = "UPDATE tiles SET hashes = zeroblob(length(hashes))
        WHERE level = (SELECT max(level) FROM tiles)";
    by_hand(&tree, newest);
    let refused = engine.cli(&["projection", "rebuild", "audit-tree"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("the tree was changed, not the log"),
        "{refused:?}"
    );
    let told = rebuild(&engine, "audit-tree").await;
    assert_eq!(told["stage"], "REBUILD_STAGE_REFUSED", "{told:#}");
    let roots = &told["comparison"]["roots"];
    assert_ne!(roots["served"], roots["built"], "{roots:#}");
    of_signed(roots);
    let told = "is not put in the place of the audit's tree";
    engine.process.prints(told).await;
    engine.stop().await;
    place.node.shutdown().await;
}
