//! Many networks and peerings in one file: planned, carried out, exported, and closed again.

use peerage_tests::engine::{Engine, Finished, Launch};
use serde_json::Value;
use std::path::PathBuf;
use tempfile::TempDir;

const FILE: &str = r#"
[[network]]
project = "payments"
name = "orders"
account = "111122223333"
region = "eu-west-1"
cloud_network = "vpc-0a1b2c3d"
range = "10.20.0.0/16"

[network.policy]
drift = "report"

[[network.peering]]
account = "444455556666"
region = "us-east-1"
cloud_network = "vpc-0d4c3b2a"
ranges = ["10.30.0.0/16"]
local_routes = ["10.30.0.0/16"]
remote_routes = ["10.20.0.0/16"]
admit = ["10.30.0.0/16"]

[[network.peering.ingress]]
target = "10.30.7.0/24"
port = 5432
reason = "the sink writes to the warehouse"
from = ["10.20.1.0/24"]

[[network]]
name = "audit"
account = "111122223333"
region = "eu-west-1"
cloud_network = "vpc-0a1b2c3e"
range = "10.40.0.0/16"
"#;

/// The files of one test, beside a running engine.
struct Place {
    engine: Engine,
    data: TempDir,
}

impl Place {
    async fn new() -> Self {
        let data = TempDir::new().unwrap();
        let engine = Launch::new(data.path()).start().await;
        Self { engine, data }
    }

    fn file(&self, text: &str) -> PathBuf {
        let file = self.data.path().join("peerings.toml");
        std::fs::write(&file, text).unwrap();
        file
    }

    async fn apply(&self, text: &str, more: &[&str]) -> Finished {
        let file = self.file(text).display().to_string();
        let line = [&["apply", "--file", &file][..], more].concat();
        self.engine.cli(&line).await
    }

    async fn events(&self) -> usize {
        let log = self.engine.cli(&["audit", "--output", "json"]).await;
        log.json().as_array().unwrap().len()
    }

    /// The file that says what is on record.
    async fn exported(&self) -> String {
        self.engine.cli(&["export"]).await.done().to_owned()
    }
}

fn changes(answer: &Value) -> Vec<String> {
    let all = answer["changes"].as_array().unwrap().iter();
    all.map(|it| it["change"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_file_of_networks_is_one_plan_is_carried_out_once_and_is_what_an_export_says() {
    let place = Place::new().await;
    let shown = place.apply(FILE, &["--dry-run"]).await;
    let plan = shown.done();
    for line in [
        "payments/orders, simulated",
        "  + register 111122223333/vpc-0a1b2c3d in eu-west-1, 10.20.0.0/16",
        "  444455556666/vpc-0d4c3b2a: + ingress 10.30.7.0/24:5432",
        "default/audit, simulated",
    ] {
        assert!(plan.contains(line), "{line} in {plan}");
    }
    assert_eq!(place.events().await, 0, "a plan writes nothing");
    let unasked = place.apply(FILE, &[]).await;
    assert_eq!(unasked.code, Some(2), "{unasked:?}");
    assert!(unasked.stderr.contains("--yes"), "{unasked:?}");
    assert_eq!(place.events().await, 0, "nothing without a yes");

    let why = ["--yes", "--reason", "the first file", "--ticket", "OPS-1"];
    let applied = place
        .apply(FILE, &[&why[..], &["--output", "json"]].concat())
        .await;
    let answer = applied.json();
    assert_eq!(changes(&answer).len(), 5, "{answer:#}");
    for change in answer["changes"].as_array().unwrap() {
        assert_eq!(change["done"], true, "{answer:#}");
        assert!(change["commandId"].is_string(), "{answer:#}");
        let mode = &change["cloud"]["mode"];
        assert_eq!(mode, "CLOUD_MODE_SIMULATED", "{answer:#}");
    }
    let log = place
        .engine
        .cli(&["audit", "--type", "PeeringRequested", "--output", "json"])
        .await;
    let log = log.json();
    assert_eq!(log[0]["reason"], "the first file", "{log:#}");
    assert_eq!(log[0]["ticket"], "OPS-1", "{log:#}");

    let again = place.apply(FILE, &["--yes"]).await;
    let said = again.done();
    assert!(
        said.contains("nothing to do: 2 networks and 1 peerings"),
        "{said}"
    );
    let exported = place.exported().await;
    let same = place
        .apply(&exported, &["--yes", "--prune", "--reason", "x"])
        .await;
    assert!(
        same.stdout.contains("nothing to do"),
        "{exported}\n{same:?}"
    );
    let one = place.engine.cli(&["export", "payments/orders"]).await;
    let one = one.done();
    assert!(one.contains("vpc-0d4c3b2a") && !one.contains("vpc-0a1b2c3e"));
}

#[tokio::test]
async fn what_a_file_no_longer_names_stays_until_it_is_pruned_with_a_reason() {
    let place = Place::new().await;
    let first = place.apply(FILE, &["--yes", "--reason", "the first file"]);
    assert_eq!(first.await.code, Some(0));
    let (network, _) = FILE.split_once("[[network.peering]]").unwrap();
    let left = place.apply(network, &["--yes"]).await;
    let said = left.done();
    assert!(
        said.contains("left alone, not in the file: 444455556666/vpc-0d4c3b2a: the peering"),
        "{said}"
    );
    assert!(place.exported().await.contains("vpc-0d4c3b2a"));
    let without = place.apply(network, &["--yes", "--prune"]).await;
    assert_eq!(without.code, Some(2), "{without:?}");

    let (fewer, _) = FILE.split_once("[[network.peering.ingress]]").unwrap();
    let fewer = fewer.replace("admit = [\"10.30.0.0/16\"]", "admit = [\"10.30.9.0/24\"]");
    let prune = [
        "--yes",
        "--prune",
        "--reason",
        "less is open",
        "--output",
        "json",
    ];
    let answer = place.apply(&fewer, &prune).await.json();
    assert_eq!(
        changes(&answer),
        [
            "+ admit 10.30.9.0/24:2113, - admit 10.30.0.0/16:2113",
            "- ingress 10.30.7.0/24:5432"
        ]
    );
    let exported = place.exported().await;
    assert!(
        exported.contains("10.30.9.0/24:2113") && !exported.contains("5432"),
        "{exported}"
    );
    let answer = place.apply(network, &prune).await.json();
    assert_eq!(changes(&answer), ["- remove the peering"], "{answer:#}");
    let going = place.apply(FILE, &["--yes"]).await;
    assert!(
        going.code == Some(0) || going.stdout.contains("being removed"),
        "gone already, or on its way: {going:?}"
    );
    assert!(
        place.exported().await.contains("vpc-0a1b2c3e"),
        "a network that the file does not name is not its business"
    );
}

#[tokio::test]
async fn one_line_that_cannot_be_done_is_told_before_anything_is_done() {
    let place = Place::new().await;
    let first = place.apply(FILE, &["--yes", "--reason", "the first file"]);
    assert_eq!(first.await.code, Some(0));
    let events = place.events().await;
    let more = "\n[[network]]\nname = \"third\"\naccount = \"111122223333\"\nregion = \"eu-west-1\"\ncloud_network = \"vpc-0a1b2c3f\"\nrange = \"10.60.0.0/16\"\n";
    let far = format!("{FILE}{more}").replace(
        "local_routes = [\"10.30.0.0/16\"]",
        "local_routes = [\"10.30.0.0/16\", \"10.99.0.0/16\"]",
    );
    let refused = place.apply(&far, &["--yes"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stdout.contains("    refused: "), "{refused:?}");
    assert!(refused.stderr.contains("nothing was"), "{refused:?}");
    let moved = format!("{FILE}{more}").replace("us-east-1", "us-west-2");
    let refused = place.apply(&moved, &["--yes", "--output", "json"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let answer: Value = serde_json::from_str(&refused.stdout).unwrap();
    let conflict = answer["conflicts"][0].as_str().unwrap();
    assert!(
        conflict.contains("us-west-2 in the file, us-east-1 on record"),
        "{conflict}"
    );
    assert!(
        !place.exported().await.contains("third"),
        "nothing of it was done"
    );
    let since = place
        .engine
        .cli(&["audit", "--type", "NetworkRegistered", "--output", "json"])
        .await;
    assert_eq!(since.json().as_array().unwrap().len(), 2);
    assert!(place.events().await >= events);
}

#[tokio::test]
async fn a_cloud_that_does_not_answer_shows_no_links_and_is_not_taken_for_one_that_has_none() {
    let data = TempDir::new().unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let engine = Launch::new(data.path()).aws(&endpoint).start().await;
    let place = Place { engine, data };
    let (network, _) = FILE.split_once("[[network.peering]]").unwrap();
    assert_eq!(place.apply(network, &["--yes"]).await.code, Some(0));
    for line in [&["discover"][..], &["discover", "orders", "--as-file"]] {
        let asked = place.engine.cli(line).await;
        assert_eq!(asked.code, Some(1), "{asked:?}");
        assert_eq!(asked.stdout, "", "{asked:?}");
        assert!(asked.stderr.contains("[CLOUD_CALL_FAILED]"), "{asked:?}");
    }
}

#[tokio::test]
async fn a_file_says_what_is_denied_and_what_that_breaks_is_told_before_anybody_agrees() {
    let place = Place::new().await;
    let deny = "[[network.peering.deny]]\nwith = \"network-acl\"\nsubnets = [\"subnet-0a1b\"]\n";
    let ingress = "[[network.peering.ingress]]";
    let denying = FILE.replace(ingress, &format!("{deny}\n{ingress}"));
    assert_ne!(denying, FILE);
    let shown = place.apply(&denying, &["--dry-run"]).await;
    let line = "444455556666/vpc-0d4c3b2a: + deny before subnet-0a1b of the local side";
    assert!(shown.stdout.contains(line), "{shown:?}");
    assert!(
        shown.stderr.contains("Entries in the network ACLs"),
        "{shown:?}"
    );
    let unasked = place.apply(&denying, &[]).await;
    assert_eq!(unasked.code, Some(2), "{unasked:?}");
    assert!(
        unasked.stderr.contains("Entries in the network ACLs"),
        "{unasked:?}"
    );
    assert_eq!(place.events().await, 0, "nothing without a yes");

    let why = ["--yes", "--reason", "the first file"];
    let answer = place
        .apply(&denying, &[&why[..], &["--output", "json"]].concat())
        .await;
    let answer = answer.json();
    let all = answer["changes"].as_array().unwrap();
    assert!(all.iter().all(|it| it["done"] == true), "{answer:#}");
    let log = ["audit", "--type", "DenialRequested", "--output", "json"];
    let log = place.engine.cli(&log).await.json();
    assert_eq!(log.as_array().unwrap().len(), 1, "{log:#}");
    let quiet = place.apply(&denying, &["--yes"]).await;
    assert!(quiet.stdout.contains("nothing to do") && !quiet.stderr.contains("Entries"));
    let exported = place.exported().await;
    assert!(exported.contains("with = \"network-acl\""), "{exported}");
    let prune = ["--yes", "--prune", "--reason", "x"];
    let same = place.apply(&exported, &prune).await;
    assert!(
        same.stdout.contains("nothing to do"),
        "{exported}\n{same:?}"
    );

    // A file without a word of it leaves it alone, and takes it back when it is pruned.
    let left = place.apply(FILE, &["--yes"]).await;
    let alone = "444455556666/vpc-0d4c3b2a: deny before subnet-0a1b of the local side";
    assert!(
        left.stdout
            .contains(&format!("left alone, not in the file: {alone}")),
        "{left:?}"
    );
    let pruned = place.apply(FILE, &prune).await;
    assert!(
        pruned.stdout.contains("- deny before subnet-0a1b"),
        "{pruned:?}"
    );
    let again = place.apply(FILE, &prune).await;
    assert!(again.stdout.contains("nothing to do"), "{again:?}");
}

#[tokio::test]
async fn what_a_new_networks_policy_will_refuse_is_told_before_the_network_is_made() {
    let place = Place::new().await;
    let asking = FILE.replace("drift = \"report\"", "longest_admission = \"30d\"");
    let refused = place.apply(&asking, &["--yes", "--reason", "x"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert_eq!(
        refused.stdout.matches("[EXPIRY_REQUIRED]").count(),
        2,
        "what is admitted, and the ingress: {refused:?}"
    );
    assert!(refused.stderr.contains("nothing was"), "{refused:?}");
    assert_eq!(place.events().await, 0, "not even the network");
    // What only shows as it is carried out leaves what was done, and says how to go on.
    let far = FILE.replace(
        "local_routes = [\"10.30.0.0/16\"]",
        "local_routes = [\"10.99.0.0/16\"]",
    );
    let failed = place.apply(&far, &["--yes", "--reason", "x"]).await;
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(
        failed.stderr.contains("3 of 5 changes were carried out"),
        "{failed:?}"
    );
    let whole = place.apply(FILE, &["--yes", "--reason", "x"]).await;
    assert_eq!(whole.code, Some(0), "{whole:?}");
}

#[tokio::test]
async fn an_export_that_is_applied_to_an_empty_engine_is_what_that_exports() {
    let admit = "admit = [\n    \"10.30.9.0/24\",\n    { source = \"10.30.1.0/24\", owner = \"team-orders\" },\n    \
         { source = \"10.30.2.0/24:443\", expires = 2126-12-01T00:00:00Z },\n    \
         { source = \"10.30.3.0/24\", owner = \"team-audit\", expires = 2126-12-01T00:00:00Z },\n]";
    let attach = "[[network.peering.attach]]\nto = [\"tag:app=kurrentdb\"]\nfollow = true\n\n\
         [[network.peering.attach]]\nside = \"remote\"\nto = [\"eni-0a1b2c3d4e5f60718\"]\n";
    let ingress = "[[network.peering.ingress]]";
    let text = FILE
        .replace("admit = [\"10.30.0.0/16\"]", admit)
        .replace(ingress, &format!("{attach}\n{ingress}"));
    let (first, second) = (Place::new().await, Place::new().await);
    let why = ["--yes", "--reason", "the first file"];
    let applied = first.apply(&text, &why).await;
    assert_eq!(applied.code, Some(0), "{applied:?}");
    let again = first.apply(&text, &why).await;
    assert!(again.stdout.contains("nothing to do"), "{again:?}");
    let exported = first.exported().await;
    for said in [
        "team-orders",
        "team-audit",
        "2126-12-01",
        "tag:app=kurrentdb",
        "follow = true",
    ] {
        assert!(exported.contains(said), "{said} in {exported}");
    }
    let applied = second.apply(&exported, &why).await;
    assert_eq!(applied.code, Some(0), "{exported}\n{applied:?}");
    assert_eq!(second.exported().await, exported);
    let prune = ["--yes", "--prune", "--reason", "x"];
    let same = second.apply(&exported, &prune).await;
    assert!(same.stdout.contains("nothing to do"), "{same:?}");

    // Another owner is a change of that one source, and what is attached no more is pruned.
    let other = exported.replace("team-audit", "team-payments");
    let other = other.replace("tag:app=kurrentdb", "tag:app=orders");
    let changed = second.apply(&other, &["--yes", "--reason", "x", "--output", "json"]);
    assert_eq!(
        changes(&changed.await.json()),
        [
            "+ attach the local side's group to tag:app=orders, and later ones",
            "~ admit 10.30.3.0/24:2113 owner team-payments"
        ]
    );
    assert_eq!(second.exported().await, other);
    let pruned = second.apply(FILE, &prune).await;
    assert_eq!(pruned.code, Some(0), "{pruned:?}");
    assert!(
        pruned
            .stdout
            .contains("- attach the remote side's group to eni-0a1b2c3d4e5f60718"),
        "{pruned:?}"
    );
    let closed = second.exported().await;
    assert!(
        !closed.contains("attach") && !closed.contains("team-"),
        "{closed}"
    );
}
