//! Approval by several people, from outside: what waits, who judges it, and what becomes of it over
//! policies, networks and servers that change meanwhile.

use super::{bindings, issuers, network, with};
use crate::support::SOON;
use domain::{
    CommandId, Digest, NetworkId,
    access::{Proof, Subject},
    approval::{ApprovalEvent, ApprovalGiven, ApprovalGranted, BoundAs},
    network::{ChangeNetworkSubnets, NetworkCommand, SubnetChange},
};
use journal::{Caller, Journal, JournalSettings, Kept, Metadata, Record, SCHEMA_VERSION};
use peerage_tests::{
    engine::{Engine, Finished, Launch},
    node::NodePlace,
    oidc::Issuer,
    ports,
    store_proxy::{Stop, StoreProxy},
    wait,
};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;
use uuid::Uuid;

/// What asks for two approvals in each of these tests that says nothing else.
pub(super) const RULES: &str =
    r#"[{opening=["connector_ingress","new_peer_account","adoption"],approvals=2}]"#;

/// A connector that delivers requests for approval and nothing else.
const TO_A_FILE: &str = r#"
initial_position = "earliest"

[sink]
type = "file"
name = "approvals.jsonl"

[filter]
scope = "stream"
type = "prefix"
expression = "approval-"
"#;

/// An engine behind doors, and its people.
pub(super) struct Stage {
    pub(super) issuer: Issuer,
    pub(super) engine: Engine,
    store: String,
    data: TempDir,
}

fn people(issuer: &Issuer) -> String {
    let url = issuer.url();
    bindings(&[
        ("admin", &url, "root", ""),
        ("operator", &url, "ada", ""),
        ("approver", &url, "bob", ""),
        ("approver", &url, "cyd", ""),
        ("viewer", &url, "vic", ""),
        ("approver", &url, "eve", r#"projects=["search"]"#),
    ])
}

fn launch(issuer: &Issuer, data: &Path) -> Launch {
    Launch::new(data).set("access.issuers", &issuers(&[&issuer.url()]))
}

impl Stage {
    pub(super) async fn with(rules: &str) -> Self {
        let (issuer, data) = (Issuer::start().await, tempfile::tempdir().unwrap());
        let store = ports::free();
        let launch = launch(&issuer, data.path())
            .own_store()
            .set("access.bindings", &people(&issuer))
            .set("access.approvals", rules)
            .set("connectors.files", &data.path().display().to_string())
            .set("store.embedded_listen", &format!("127.0.0.1:{store}"))
            .set("store.embedded_open", "true");
        let engine = launch.start_guarded().await;
        Self {
            issuer,
            engine,
            store: format!("kurrentdb://127.0.0.1:{store}?tls=false"),
            data,
        }
    }

    pub(super) async fn run(&self, who: &str, arguments: &[&str]) -> Finished {
        run(&self.issuer, &self.engine, who, arguments).await
    }

    pub(super) async fn json(&self, who: &str, arguments: &[&str]) -> Value {
        let all = [arguments, &["--output", "json"]].concat();
        let finished = self.run(who, &all).await;
        serde_json::from_str(&finished.stdout).unwrap_or_else(|_| panic!("{finished:?}"))
    }

    /// Has it refused for this reason.
    pub(super) async fn refused(&self, who: &str, arguments: &[&str], reason: &str) {
        let finished = self.run(who, arguments).await;
        assert_eq!(finished.code, Some(1), "{arguments:?}: {finished:?}");
        let told = format!("[{reason}]");
        assert!(
            finished.stderr.contains(&told),
            "{arguments:?}: {finished:?}"
        );
    }

    /// Has it wait.
    pub(super) async fn waits(&self, who: &str, arguments: &[&str]) -> Finished {
        let finished = self.run(who, arguments).await;
        assert_eq!(finished.code, Some(3), "{arguments:?}: {finished:?}");
        finished
    }

    pub(super) fn log(&self) -> Journal {
        Journal::open(JournalSettings::new(&self.store)).unwrap()
    }

    pub(super) async fn types(&self, stream: &str) -> Vec<String> {
        let kept = self.log().records(stream).await.unwrap();
        kept.into_iter().map(|it| it.event_type).collect()
    }

    /// A network with a peering that nobody had to approve but these two.
    async fn network(&self) -> (String, String) {
        let made = self.json("root", &network("orders", "payments")).await;
        let network = made["networkId"].as_str().unwrap().to_owned();
        let id = Uuid::new_v4().to_string();
        let asked = request(&network, "10.30.0.0/16", "vpc-0d4c3b2a", &id);
        let _ = self.waits("ada", &words(&asked)).await;
        let _ = self.waits("bob", &["approve", &id, "--yes"]).await;
        let _ = self.run("cyd", &["approve", &id, "--yes"]).await.done();
        let listed = self.json("ada", &["peering", "list"]).await;
        let peering = listed[0]["peeringId"].as_str().unwrap().to_owned();
        (network, peering)
    }
}

async fn run(issuer: &Issuer, engine: &Engine, who: &str, arguments: &[&str]) -> Finished {
    let token = issuer.token("good", json!({ "sub": who })).await;
    let server = engine.server();
    with(
        &[("PEERAGE_TOKEN", &token), ("PEERAGE_SERVER", &server)],
        arguments,
    )
    .await
}

pub(super) fn request(network: &str, range: &str, vpc: &str, command_id: &str) -> Vec<String> {
    let line = format!(
        "peering request --network {network} --region us-east-1 --account 444455556666 --vpc {vpc} --range {range} \
         --command-id {command_id}"
    );
    line.split(' ').map(str::to_owned).collect()
}

pub(super) fn words(line: &[String]) -> Vec<&str> {
    line.iter().map(String::as_str).collect()
}

#[tokio::test]
async fn the_audit_tells_in_sentences_who_asked_who_approved_and_what_was_carried_out() {
    let stage = Stage::with(RULES).await;
    let _ = stage.network().await;
    let of = async |part: &str| stage.json("root", &["audit", "log", "--of", part]).await;
    let approvals = of("approvals").await;
    let told: Vec<_> = approvals
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["sentence"].as_str().unwrap())
        .collect();
    let begins = [
        "asked for 2 approvals of RequestPeering in payments/orders",
        "bob approved the command",
        "cyd approved the command",
        "enough people approved the command: bob and cyd",
        "",
        "carried the approved command out: PeeringRequested",
    ];
    assert_eq!(told.len(), begins.len(), "{told:#?}");
    for (told, begins) in told.iter().zip(begins) {
        assert!(told.starts_with(begins), "{told} is not {begins}");
    }
    // All parts are told where none is named, in one order, and nothing twice.
    let all = stage.json("root", &["audit", "log"]).await;
    let all: Vec<_> = all.as_array().unwrap().iter().collect();
    let at = |it: &Value| {
        let (commit, prepare) = it["position"].as_str()?.split_once('/')?;
        Some((commit.parse::<u64>().ok()?, prepare.parse::<u64>().ok()?))
    };
    assert!(all.is_sorted_by(|one, next| at(one) < at(next)));
    let has = |of: &str| all.iter().any(|it| it["type"] == of);
    assert!(has("ApprovalRequested") && has("PeeringRequested") && has("AccessPolicyEnforced"));
    let last = stage
        .json("root", &["audit", "log", "--of", "all", "--limit", "2"])
        .await;
    assert_eq!(last.as_array().unwrap().len(), 2);
    stage.engine.stop().await;
}

#[tokio::test]
async fn a_command_that_opens_waits_for_two_people_and_is_carried_out_once_in_the_name_of_who_asked()
 {
    let stage = Stage::with(RULES).await;
    let made = stage.json("root", &network("orders", "payments")).await;
    let network_id = made["networkId"].as_str().unwrap();
    let id = Uuid::new_v4().to_string();
    let asked = request(network_id, "10.30.0.0/16", "vpc-0d4c3b2a", &id);
    let asked = words(&asked);

    // A dry run says what would be asked.
    let tried = [asked.as_slice(), &["--validate-only"]].concat();
    assert_eq!(stage.json("ada", &tried).await["approvalsNeeded"], 2);
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let token = stage.issuer.token("good", json!({ "sub": "ada" })).await;
    let said = [
        ("PEERAGE_TOKEN", token.as_str()),
        ("PEERAGE_SERVER", &stage.engine.server()),
        ("TRACEPARENT", &format!("00-{trace}-b7ad6b7169203331-01")),
        ("PEERAGE_ACTOR", "ada@laptop"),
    ];
    let waits = with(&said, &[&asked[..], &["--output", "json"]].concat()).await;
    let waits: Value = serde_json::from_str(&waits.stdout).unwrap();
    let approval = &waits["approval"];
    assert_eq!(approval["approvalId"], id.as_str());
    assert_eq!(approval["approvalsNeeded"], 2);
    assert_eq!(approval["peerAccount"], "444455556666");
    assert_eq!(approval["requester"]["subject"], "ada");
    assert_eq!(approval["cloud"]["mode"], "CLOUD_MODE_SIMULATED");
    let may = approval["approvers"].to_string();
    assert!(
        may.contains("bob") && may.contains("cyd") && may.contains("root"),
        "{may}"
    );
    assert!(
        !may.contains("ada") && !may.contains("vic") && !may.contains("eve"),
        "{may}"
    );
    assert_eq!(waits["eventTypes"], json!([]), "{waits}");
    let told = stage.waits("ada", &asked).await;
    assert!(told.stdout.contains("waits for approval") && told.stdout.contains("0 of 2"));
    for line in [&["pending"][..], &["pending", &id]] {
        let shown = stage.run("bob", line).await;
        assert!(shown.stdout.contains("simulated"), "{shown:?}");
    }
    let stream = format!("approval-{id}");
    assert_eq!(stage.types(&stream).await, ["ApprovalRequested"]);
    let others = request(network_id, "10.31.0.0/16", "vpc-0d4c3b2a", &id);
    stage
        .refused("ada", &words(&others), "COMMAND_ID_REUSED")
        .await;
    stage.refused("root", &asked, "COMMAND_ID_REUSED").await;
    let other = stage.json("root", &network("invoices", "payments")).await;
    let other = other["networkId"].as_str().unwrap();
    let elsewhere = request(other, "10.30.0.0/16", "vpc-0d4c3b2a", &id);
    stage
        .refused("ada", &words(&elsewhere), "COMMAND_ID_REUSED")
        .await;

    // Who may judge it, and who may not.
    let listed = stage.json("vic", &["pending"]).await;
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    let none = stage.json("eve", &["pending"]).await;
    assert_eq!(none, json!([]), "another project's");
    for who in ["vic", "ada", "eve"] {
        stage
            .refused(who, &["approve", &id, "--yes"], "ACCESS_DENIED")
            .await;
        stage
            .refused(who, &["reject", &id, "--reason", "x"], "ACCESS_DENIED")
            .await;
    }
    stage
        .refused("bob", &["withdraw", &id], "APPROVAL_NOT_OWN")
        .await;
    let unknown = Uuid::new_v4().to_string();
    stage
        .refused("bob", &["pending", &unknown], "APPROVAL_UNKNOWN")
        .await;
    let wrong = "0123456789abcdef0123456789abcdef";
    stage
        .refused(
            "bob",
            &["approve", &id, "--yes", "--plan", wrong],
            "APPROVAL_PLAN_CHANGED",
        )
        .await;

    let first = stage.waits("bob", &["approve", &id[..8], "--yes"]).await;
    assert!(first.stdout.contains("1 of 2"), "{first:?}");
    stage
        .refused("bob", &["approve", &id, "--yes"], "APPROVAL_GIVEN_ALREADY")
        .await;
    let before = stage.types(&format!("network-{network_id}")).await;
    assert!(
        !before.contains(&"PeeringRequested".to_owned()),
        "{before:?}"
    );
    let last = stage.run("cyd", &["approve", &id, "--yes"]).await.done();
    assert!(
        last.contains("carried out") && last.contains("PeeringRequested"),
        "{last}"
    );
    stage
        .refused("root", &["approve", &id, "--yes"], "APPROVAL_ENDED")
        .await;

    // Once, in the requester's name, with the approvals behind it.
    let kept = stage
        .log()
        .records(&format!("network-{network_id}"))
        .await
        .unwrap();
    let made: Vec<&Kept> = kept
        .iter()
        .filter(|it| it.event_type == "PeeringRequested")
        .collect();
    let [made] = made.as_slice() else {
        panic!("{kept:?}")
    };
    let about = made.metadata.as_ref().unwrap();
    assert_eq!(about.actor.subject.as_ref().unwrap().as_str(), "ada");
    assert_eq!(about.command_id.to_string(), id);
    // With what was said when it was asked for, and not when it was approved.
    assert_eq!(about.actor.claimed.as_ref().unwrap().as_str(), "ada@laptop");
    let traceparent = about.traceparent.as_ref().unwrap();
    assert!(traceparent.contains(trace), "{traceparent}");
    let of_approval = stage.log().records(&stream).await.unwrap();
    let types: Vec<_> = of_approval
        .iter()
        .map(|it| it.event_type.as_str())
        .collect();
    assert_eq!(
        types,
        [
            "ApprovalRequested",
            "ApprovalGiven",
            "ApprovalGiven",
            "ApprovalGranted",
            "ApprovalExecutionStarted",
            "ApprovalCarriedOut"
        ]
    );
    assert_eq!(about.causation_id, of_approval[3].event_id.0);
    let again = stage.json("ada", &asked).await;
    assert_eq!(again["repeated"], true, "{again}");
    assert!(
        again["eventTypes"].to_string().contains("PeeringRequested"),
        "{again}"
    );
    assert_eq!(stage.json("vic", &["pending"]).await, json!([]));

    // A connector that asks for them has them all, in order.
    let settings = stage.data.path().join("settings.toml");
    std::fs::write(&settings, TO_A_FILE).unwrap();
    let settings = settings.display().to_string();
    let create = [
        "connector",
        "create",
        "to-a-file",
        "--file",
        &settings,
        "--start",
    ];
    let _ = stage.run("root", &create).await.done();
    let file = stage.data.path().join("approvals.jsonl");
    let lines = wait::until("the approvals are delivered", SOON, async || {
        let text = std::fs::read_to_string(&file).ok()?;
        let lines: Vec<Value> = text
            .lines()
            .filter_map(|it| serde_json::from_str(it).ok())
            .collect();
        (lines.len() >= types.len()).then_some(lines)
    })
    .await;
    let delivered: Vec<_> = lines
        .iter()
        .map(|it| it["type"].as_str().unwrap())
        .collect();
    assert_eq!(delivered, types);

    // The account is known by now, so the next one is not asked about.
    let second = request(
        network_id,
        "10.31.0.0/16",
        "vpc-0d4c3b2b",
        &Uuid::new_v4().to_string(),
    );
    let _ = stage.run("ada", &words(&second)).await.done();
    // Nobody approves their own, whatever role they have.
    let own = Uuid::new_v4().to_string();
    let peering = again["peeringId"].as_str().unwrap();
    let line = format!(
        "firewall allow {peering} --target 10.30.7.0/24 --port 5432 --from 10.20.1.0/24 --no-expiry --reason x --command-id {own}"
    );
    let _ = stage
        .waits("root", &line.split(' ').collect::<Vec<_>>())
        .await;
    stage
        .refused(
            "root",
            &["approve", &own, "--yes"],
            "APPROVAL_OF_OWN_REQUEST",
        )
        .await;
    let whoami = stage.run("ada", &["whoami"]).await.done();
    assert!(whoami.contains("by 2, within 72 h"), "{whoami}");
    let explained = stage
        .json("ada", &["access", "explain", "--method", "RequestPeering"])
        .await;
    assert_eq!(explained["verdicts"][0]["approvals"], 2, "{explained}");
    stage.engine.stop().await;
}

#[tokio::test]
async fn a_request_ends_by_rejection_withdrawal_or_a_network_that_changed_and_says_so_for_ever() {
    let stage = Stage::with(RULES).await;
    let (network_id, peering) = stage.network().await;
    let allow = |id: &str, port: u16| -> Vec<String> {
        let line = format!(
            "firewall allow {peering} --target 10.30.7.0/24 --port {port} --from 10.20.1.0/24 --no-expiry --reason x --command-id {id}"
        );
        line.split(' ').map(str::to_owned).collect()
    };
    let [rejected, withdrawn, refused] = [(); 3].map(|()| Uuid::new_v4().to_string());
    for (id, port) in [(&rejected, 5432), (&withdrawn, 5433), (&refused, 5434)] {
        let _ = stage.waits("ada", &words(&allow(id, port))).await;
    }
    let _ = stage
        .run(
            "bob",
            &["reject", &rejected, "--reason", "not this quarter"],
        )
        .await
        .done();
    stage
        .refused("cyd", &["approve", &rejected, "--yes"], "APPROVAL_ENDED")
        .await;
    let shown = stage.run("vic", &["pending", &rejected]).await.done();
    assert!(
        shown.contains("not this quarter") && shown.contains("bob"),
        "{shown}"
    );
    stage
        .refused("ada", &words(&allow(&rejected, 5432)), "APPROVAL_OVER")
        .await;

    let _ = stage.run("ada", &["withdraw", &withdrawn]).await.done();
    stage
        .refused("bob", &["approve", &withdrawn, "--yes"], "APPROVAL_ENDED")
        .await;
    stage
        .refused("ada", &words(&allow(&withdrawn, 5433)), "APPROVAL_OVER")
        .await;

    // The network moves on, and the plan does not: what was approved stays so.
    let _ = stage.waits("bob", &["approve", &refused, "--yes"]).await;
    let _ = stage
        .run("ada", &["network", "check", &network_id])
        .await
        .done();
    let shown = stage.json("vic", &["pending", &refused]).await;
    assert_eq!(shown["today"]["networkChanged"], true, "{shown}");
    assert_eq!(shown["today"]["planChanged"], false, "{shown}");
    assert_eq!(
        shown["approvals"].as_array().map(Vec::len),
        Some(1),
        "{shown}"
    );
    // The peering goes, so the command fits no longer: it is refused as it is carried out.
    let _ = stage
        .run("ada", &["peering", "remove", &peering, "--reason", "x"])
        .await
        .done();
    let shown = stage.run("vic", &["pending", &refused]).await.done();
    assert!(shown.contains("it would be refused"), "{shown}");
    let last = stage.run("cyd", &["approve", &refused, "--yes"]).await;
    assert_eq!(last.code, Some(1), "{last:?}");
    assert!(
        last.stderr.contains("refused when it was carried out"),
        "{last:?}"
    );
    stage
        .refused("ada", &words(&allow(&refused, 5434)), "APPROVAL_OVER")
        .await;
    let types = stage.types(&format!("approval-{refused}")).await;
    assert_eq!(types.last().map(String::as_str), Some("ApprovalRefused"));
    let of_network = stage.types(&format!("network-{network_id}")).await;
    assert!(!of_network.contains(&"ConnectorIngressAllowed".to_owned()));
    stage.engine.stop().await;
}

#[tokio::test]
async fn a_plan_that_changed_is_shown_anew_and_asked_for_again() {
    let rules = r#"[{opening=["anything"],approvals=2}]"#;
    let stage = Stage::with(rules).await;
    let line = network("orders", "payments");
    let line = [
        line.as_slice(),
        &["--subnet", "subnet-0aa1", "--subnet", "subnet-0bb2"],
    ]
    .concat();
    let made = stage.json("root", &line).await;
    let network_id = made["networkId"].as_str().unwrap();
    let id = Uuid::new_v4().to_string();
    let add = [
        "network",
        "subnets",
        "add",
        network_id,
        "subnet-0cc3",
        "--command-id",
        &id,
    ];
    let _ = stage.waits("root", &add).await;
    let _ = stage.waits("bob", &["approve", &id, "--yes"]).await;
    let before = stage.json("vic", &["pending", &id]).await;
    let hash = before["planHash"].as_str().unwrap().to_owned();
    // To take one away only closes, so it waits for nobody; the plan is another one by it.
    let drop = ["network", "subnets", "drop", network_id, "subnet-0bb2"];
    let _ = stage.run("root", &drop).await.done();
    let shown = stage.json("vic", &["pending", &id]).await;
    assert_eq!(shown["today"]["planChanged"], true, "{shown}");
    let was_shown = ["approve", &id, "--yes", "--plan", &hash];
    stage
        .refused("cyd", &was_shown, "APPROVAL_PLAN_CHANGED")
        .await;
    let anew = stage.json("vic", &["pending", &id]).await;
    assert_ne!(anew["planHash"], hash.as_str());
    assert_eq!(anew["approvals"], json!([]), "what was given is void");
    stage
        .refused("bob", &was_shown, "APPROVAL_PLAN_CHANGED")
        .await;
    let _ = stage.waits("bob", &["approve", &id, "--yes"]).await;
    let _ = stage.run("cyd", &["approve", &id, "--yes"]).await.done();
    let shown = stage.json("vic", &["network", "show", network_id]).await;
    let text = shown.to_string();
    assert!(
        text.contains("subnet-0cc3") && !text.contains("subnet-0bb2"),
        "{text}"
    );
    stage.engine.stop().await;
}

#[tokio::test]
async fn what_only_closes_waits_for_nobody_and_a_weaker_policy_lets_nothing_through_that_waits() {
    let (issuer, data) = (Issuer::start().await, tempfile::tempdir().unwrap());
    let file = data.path().join("policy.toml");
    let policy = |rules: &str| {
        let bindings = people(&issuer);
        std::fs::write(
            &file,
            format!("bindings = {bindings}\napprovals = {rules}\n"),
        )
        .unwrap();
    };
    policy("[]");
    let launch = launch(&issuer, data.path())
        .own_store()
        .set("access.policy", &file.display().to_string());
    let engine = launch.start_guarded().await;
    let as_of = async |who: &str, line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        run(&issuer, &engine, who, &words).await
    };
    let rules_are = async |many: usize| {
        wait::until("the policy is in force", SOON, async || {
            let told = as_of("ada", "whoami --output json").await.json();
            let rules = told["approvals"].as_array().map_or(0, Vec::len);
            (rules == many).then_some(())
        })
        .await;
    };
    let _ = run(&issuer, &engine, "root", &network("orders", "payments"))
        .await
        .done();
    let asked = "peering request --network orders --region us-east-1 --account 444455556666 --vpc vpc-0d4c3b2a \
                 --range 10.30.0.0/16 --local-route 10.30.0.0/16 --admit 10.30.0.0/16 --output json";
    let first = Uuid::new_v4();
    let asked = format!("{asked} --command-id {first}");
    let asked = asked.split_whitespace().collect::<Vec<_>>().join(" ");
    let made = as_of("ada", &asked).await.json();
    let peering = made["peeringId"].as_str().unwrap().to_owned();

    // Ten people would have to agree, and there are three.
    policy(r#"[{opening=["anything"],approvals=10}]"#);
    rules_are(1).await;
    // What was done before anybody had to agree is what it was.
    let again = as_of("ada", &asked).await.json();
    assert_eq!(again["repeated"], true, "{again}");
    assert_eq!(again["peeringId"], peering.as_str(), "{again}");
    let id = Uuid::new_v4().to_string();
    let opens =
        format!("route accept {peering} --side local --destination 10.30.4.0/24 --command-id {id}");
    assert_eq!(as_of("ada", &opens).await.code, Some(3));
    for closes in [
        format!("firewall restrict {peering} --admit 10.30.4.0/24"),
        format!("firewall restrict {peering} --deny-all"),
        format!("route withdraw {peering} --side local --destination 10.30.0.0/16"),
        "freeze --network orders --reason x".to_owned(),
        "quarantine --network orders --reason x".to_owned(),
    ] {
        let _ = as_of("ada", &closes).await.done();
    }
    for opens in [
        "thaw --network orders".to_owned(),
        "thaw --all".to_owned(),
        "quarantine lift --network orders".to_owned(),
        format!("firewall restrict {peering} --admit 10.30.4.0/24"),
    ] {
        let finished = as_of("root", &opens).await;
        let waits = finished.code == Some(3) || finished.stdout.contains("waits for approval");
        assert!(waits, "{opens}: {finished:?}");
    }
    let _ = as_of("ada", &format!("peering remove {peering} --reason x"))
        .await
        .done();

    // A policy that asks for nothing lets nothing through that waits; new commands go.
    policy("[]");
    rules_are(0).await;
    assert_eq!(as_of("ada", &opens).await.code, Some(3));
    let shown = as_of("vic", &format!("pending {id} --output json"))
        .await
        .json();
    assert_eq!(shown["approvalsNeeded"], 10, "{shown}");
    let _ = as_of("root", "thaw --network orders").await.done();
    engine.stop().await;
}

#[tokio::test]
async fn what_was_asked_for_by_somebody_who_may_not_any_more_is_refused_however_many_agree() {
    let (issuer, data) = (Issuer::start().await, tempfile::tempdir().unwrap());
    let file = data.path().join("policy.toml");
    let policy = |people: &str| {
        let rules = r#"[{opening=["anything"],approvals=1}]"#;
        let text = format!("bindings = {people}\napprovals = {rules}\n");
        std::fs::write(&file, text).unwrap();
    };
    let everybody = people(&issuer);
    policy(&everybody);
    let launch = launch(&issuer, data.path())
        .own_store()
        .set("access.policy", &file.display().to_string());
    let engine = launch.start_guarded().await;
    let as_of = async |who: &str, arguments: &[&str]| run(&issuer, &engine, who, arguments).await;
    let _ = as_of("root", &network("orders", "payments")).await.done();
    let id = Uuid::new_v4().to_string();
    let asked = request("orders", "10.30.0.0/16", "vpc-0d4c3b2a", &id);
    assert_eq!(as_of("ada", &words(&asked)).await.code, Some(3));

    // She looks on now, and operates nothing.
    policy(&everybody.replace("operator", "viewer"));
    wait::until("the policy is in force", SOON, async || {
        let told = as_of("ada", &["whoami", "--output", "json"]).await.json();
        (!told.to_string().contains("\"operator\"")).then_some(())
    })
    .await;
    let _ = as_of("bob", &["approve", &id, "--yes"]).await;
    let shown = as_of("vic", &["pending", &id, "--output", "json"])
        .await
        .json();
    assert_eq!(shown["state"], "APPROVAL_STATE_REFUSED", "{shown:#}");
    assert_eq!(shown["refusal"], "ACCESS_DENIED", "{shown:#}");
    let listed = as_of("root", &["peering", "list", "--output", "json"])
        .await
        .json();
    assert_eq!(listed, json!([]));
    engine.stop().await;
}

fn subject(issuer: &Issuer, name: &str) -> Subject {
    Subject {
        method: Proof::Token,
        issuer: issuer.url().parse().unwrap(),
        subject: name.parse().unwrap(),
    }
}

/// What the last approval puts on record, and nothing after it: there the process died.
pub(super) async fn granted(log: &Journal, issuer: &Issuer, id: &str) {
    let stream = format!("approval-{id}");
    let kept = log.records(&stream).await.unwrap();
    let asked: Value = serde_json::from_slice(&kept[0].data).unwrap();
    let shown: Digest = serde_json::from_value(asked["shown"]["hash"].clone()).unwrap();
    let policy: Digest = serde_json::from_value(asked["policy"].clone()).unwrap();
    let by = ["bob", "cyd"].map(|name| subject(issuer, name));
    let given = |by: &Subject| {
        ApprovalEvent::ApprovalGiven(ApprovalGiven {
            by: by.clone(),
            bound_as: BoundAs::default(),
            command_id: CommandId(Uuid::new_v4()),
            shown: shown.clone(),
            policy: policy.clone(),
        })
    };
    let granted = ApprovalEvent::ApprovalGranted(ApprovalGranted { by: by.to_vec() });
    let events = [given(&by[0]), given(&by[1]), granted];
    let records = events.map(|event| {
        let data = serde_json::to_value(&event).unwrap()["data"].take();
        let command_id = CommandId(Uuid::new_v4());
        Record {
            event_type: event.name(),
            metadata: Metadata {
                correlation_id: command_id.0,
                causation_id: command_id.0,
                command_id,
                command_digest: Digest::of(&data).unwrap(),
                actor: "bob".parse().unwrap(),
                schema_version: SCHEMA_VERSION,
                traceparent: None,
                time: Some(chrono::Utc::now()),
                reason: None,
                ticket: None,
                command: None,
                cloud_calls: None,
                cloud: None,
                term: None,
            },
            data,
        }
    });
    let last = kept.last().map(|it| it.revision);
    assert!(log.record(&stream, last, &records).await.unwrap().is_some());
}

#[tokio::test]
async fn what_was_granted_when_the_process_died_is_carried_out_by_one_of_two_servers_once() {
    let issuer = Issuer::start().await;
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let place = NodePlace::new(folders[0].path());
    let _node = place.start().await;
    let store = place.connection_string();
    let launch = |folder: &TempDir| {
        launch(&issuer, folder.path())
            .store(&store)
            .set("access.bindings", &people(&issuer))
            .set("access.approvals", RULES)
    };
    let first = launch(&folders[1]).start_guarded().await;
    let made = run(&issuer, &first, "root", &network("orders", "payments")).await;
    let _ = made.done();
    let id = Uuid::new_v4().to_string();
    let asked = request("orders", "10.30.0.0/16", "vpc-0d4c3b2a", &id);
    let waits = run(&issuer, &first, "ada", &words(&asked)).await;
    assert_eq!(waits.code, Some(3), "{waits:?}");
    first.stop().await;
    let log = Journal::open(JournalSettings::new(&store)).unwrap();
    granted(&log, &issuer, &id).await;

    let (first, second) =
        tokio::join!(async { launch(&folders[1]).start_guarded().await }, async {
            launch(&folders[2]).start_guarded().await
        },);
    let stream = format!("approval-{id}");
    let types = wait::until("it is carried out", SOON, async || {
        let kept = log.records(&stream).await.ok()?;
        let types: Vec<_> = kept.into_iter().map(|it| it.event_type).collect();
        (types.last().map(String::as_str) == Some("ApprovalCarriedOut")).then_some(types)
    })
    .await;
    let count = |name: &str| types.iter().filter(|it| *it == name).count();
    assert_eq!(count("ApprovalExecutionStarted"), 1, "{types:?}");
    assert_eq!(count("ApprovalCarriedOut"), 1, "{types:?}");
    for engine in [&first, &second] {
        let listed = run(
            &issuer,
            engine,
            "ada",
            &["peering", "list", "--output", "json"],
        )
        .await;
        assert_eq!(listed.json().as_array().map(Vec::len), Some(1));
        let again = run(&issuer, engine, "ada", &words(&asked)).await.done();
        assert!(again.contains("done before"), "{again}");
        let none = run(&issuer, engine, "ada", &["pending"]).await.done();
        assert!(none.contains("no command waits"), "{none}");
    }
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn what_was_granted_for_a_plan_that_is_another_by_now_is_shown_anew_and_not_carried_out() {
    let issuer = Issuer::start().await;
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let place = NodePlace::new(folders[0].path());
    let _node = place.start().await;
    let store = place.connection_string();
    let launch = || {
        launch(&issuer, folders[1].path())
            .store(&store)
            .set("access.bindings", &people(&issuer))
            .set(
                "access.approvals",
                r#"[{opening=["anything"],approvals=2}]"#,
            )
    };
    let engine = launch().start_guarded().await;
    let line = network("orders", "payments");
    let line = [
        line.as_slice(),
        &["--subnet", "subnet-0aa1", "--subnet", "subnet-0bb2"],
    ]
    .concat();
    let _ = run(&issuer, &engine, "root", &line).await.done();
    let id = Uuid::new_v4().to_string();
    let add = format!("network subnets add orders subnet-0cc3 --command-id {id}");
    let add: Vec<_> = add.split(' ').collect();
    let waits = run(&issuer, &engine, "root", &add).await;
    assert_eq!(waits.code, Some(3), "{waits:?}");
    let drop = ["network", "subnets", "drop", "orders", "subnet-0bb2"];
    let _ = run(&issuer, &engine, "root", &drop).await.done();
    engine.stop().await;
    let log = Journal::open(JournalSettings::new(&store)).unwrap();
    granted(&log, &issuer, &id).await;

    let engine = launch().start_guarded().await;
    let stream = format!("approval-{id}");
    wait::until("it is shown anew", SOON, async || {
        let kept = log.records(&stream).await.ok()?;
        let last = kept.last().map(|it| it.event_type.as_str());
        assert_ne!(last, Some("ApprovalCarriedOut"));
        (last == Some("ApprovalPlanChanged")).then_some(())
    })
    .await;
    let show = ["network", "show", "orders", "--output", "json"];
    let shown = run(&issuer, &engine, "vic", &show).await.json().to_string();
    assert!(!shown.contains("subnet-0cc3"), "{shown}");
    engine.stop().await;
}

#[tokio::test]
async fn what_was_approved_is_not_carried_out_on_what_comes_between_the_look_and_the_record() {
    let issuer = Issuer::start().await;
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let place = NodePlace::new(folders[0].path());
    let _node = place.start().await;
    let store = StoreProxy::start(&format!("127.0.0.1:{}", place.port()), Stop::Never).await;
    let engine = launch(&issuer, folders[1].path())
        .store(&store.connection_string())
        .set("access.bindings", &people(&issuer))
        .set(
            "access.approvals",
            r#"[{opening=["anything"],approvals=1}]"#,
        )
        .start_guarded()
        .await;
    let line = network("orders", "payments");
    let line = [
        line.as_slice(),
        &["--subnet", "subnet-0aa1", "--subnet", "subnet-0bb2"],
    ]
    .concat();
    let line = [&line[..], &["--output", "json"]].concat();
    let made = run(&issuer, &engine, "root", &line).await.json();
    let of: NetworkId = made["networkId"].as_str().unwrap().parse().unwrap();
    let id = Uuid::new_v4().to_string();
    let add = format!("network subnets add orders subnet-0cc3 --command-id {id}");
    let add: Vec<_> = add.split(' ').collect();
    let waits = run(&issuer, &engine, "root", &add).await;
    assert_eq!(waits.code, Some(3), "{waits:?}");

    // It was looked at and is about to be put on record, when another engine changes what it is
    // about.
    store.hold_appends();
    let line = ["approve", &id, "--yes"];
    let approves = run(&issuer, &engine, "bob", &line);
    let changes = async {
        wait::until("it is about to be put on record", SOON, || async {
            store.progress().held.then_some(())
        })
        .await;
        let settings = JournalSettings::new(place.connection_string());
        let log = Journal::open(settings).unwrap();
        let drop = ChangeNetworkSubnets {
            change: SubnetChange::Drop {
                subnets: vec!["subnet-0bb2".parse().unwrap()],
            },
        };
        let caller = Caller::new(CommandId(Uuid::new_v4()), "ops".parse().unwrap());
        let networks = log.networks();
        let drop = drop.into();
        let dropped = networks.execute(of, &drop, &caller, chrono::Utc::now());
        dropped.await.unwrap();
        store.release_appends();
        log
    };
    let (approved, log) = tokio::join!(approves, changes);
    assert_ne!(approved.code, Some(0), "{approved:?}");
    let kept = log.records(&format!("approval-{id}")).await.unwrap();
    let types: Vec<_> = kept.iter().map(|it| it.event_type.as_str()).collect();
    assert_eq!(types.last(), Some(&"ApprovalPlanChanged"), "{types:?}");
    let kept = log.records(&format!("network-{of}")).await.unwrap();
    let told: Vec<_> = kept.iter().map(|it| it.event_type.as_str()).collect();
    assert_eq!(told, ["NetworkRegistered", "NetworkSubnetsChanged"]);
    engine.stop().await;
}

#[tokio::test]
async fn what_a_server_that_died_has_carried_out_ends_as_that_though_another_plan_would_be_made_now()
 {
    let stage = Stage::with(RULES).await;
    let made = stage.json("root", &network("orders", "payments")).await;
    let network_id = made["networkId"].as_str().unwrap();
    let id = Uuid::new_v4().to_string();
    let asked = request(network_id, "10.30.0.0/16", "vpc-0d4c3b2a", &id);
    let _ = stage.waits("ada", &words(&asked)).await;
    let _ = stage.waits("bob", &["approve", &id, "--yes"]).await;

    // The command's own events are on record, and that it was carried out is not.
    let (log, stream) = (stage.log(), format!("approval-{id}"));
    let kept = log.records(&stream).await.unwrap();
    let asked: Value = serde_json::from_slice(&kept[0].data).unwrap();
    let command: NetworkCommand = serde_json::from_value(asked["command"].clone()).unwrap();
    let caller = Caller::new(CommandId(id.parse().unwrap()), "ada".parse().unwrap());
    let of = network_id.parse().unwrap();
    let done = log
        .networks()
        .execute(of, &command, &caller, chrono::Utc::now());
    let done = done.await.unwrap();
    let names: Vec<_> = done.events.iter().map(|it| it.name()).collect();

    let last = stage.run("cyd", &["approve", &id, "--yes"]).await.done();
    assert!(last.contains("carried out"), "{last}");
    let kept = log.records(&stream).await.unwrap();
    let ended = kept.last().unwrap();
    assert_eq!(ended.event_type, "ApprovalCarriedOut");
    let ended: Value = serde_json::from_slice(&ended.data).unwrap();
    assert_eq!(ended["event_types"], json!(names));
    assert_eq!(ended["revision"], json!(done.revision));
    let types = stage.types(&format!("network-{network_id}")).await;
    let requests = types.iter().filter(|it| *it == "PeeringRequested");
    assert_eq!(requests.count(), 1);
    stage.engine.stop().await;
}

#[tokio::test]
async fn a_file_that_is_applied_again_while_its_changes_wait_asks_nobody_twice() {
    let stage = Stage::with(RULES).await;
    let _ = stage
        .run("root", &network("orders", "payments"))
        .await
        .done();
    let file = stage.data.path().join("peerings.toml");
    let text = r#"
[[network]]
project = "payments"
name = "orders"
account = "111122223333"
region = "eu-west-1"
cloud_network = "vpc-0a1b2c3d"
range = "10.20.0.0/16"

[[network.peering]]
account = "444455556666"
region = "us-east-1"
cloud_network = "vpc-0d4c3b2a"
ranges = ["10.30.0.0/16"]
"#;
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    let apply = ["apply", "--file", &file];
    let first = stage.run("ada", &[&apply[..], &["--yes"]].concat()).await;
    assert_eq!(first.code, Some(1), "{first:?}");
    let waiting = stage.json("ada", &["pending"]).await;
    assert_eq!(waiting.as_array().map(Vec::len), Some(1), "{waiting}");
    let id = waiting[0]["approvalId"].as_str().unwrap().to_owned();
    assert!(
        first
            .stdout
            .contains(&format!("waits for approval as {id}")),
        "{first:?}"
    );

    // Nobody is asked whether to do nothing new, and the plan says why.
    let again = stage.run("ada", &apply).await;
    assert_eq!(again.code, Some(1), "{again:?}");
    let told = format!("waits for approval already, as {id}");
    assert_eq!(again.stdout.matches(&told).count(), 2, "{again:?}");
    let shown = stage
        .run("ada", &[&apply[..], &["--dry-run"]].concat())
        .await;
    assert!(shown.stdout.contains(&told), "{shown:?}");
    let told = stage.json("ada", &[&apply[..], &["--yes"]].concat()).await;
    assert_eq!(told["changes"][0]["waitsIn"], *id, "{told}");
    // Nor is the engine, by whatever name the command comes.
    let network_id = waiting[0]["networkId"].as_str().unwrap();
    let other = Uuid::new_v4().to_string();
    let same = request(network_id, "10.30.0.0/16", "vpc-0d4c3b2a", &other);
    let held = stage.waits("ada", &words(&same)).await;
    assert!(held.stdout.contains(&id), "{held:?}");
    assert!(!held.stdout.contains(&other), "{held:?}");
    // Somebody else's request is another one, and so is another change.
    let _ = stage
        .waits(
            "root",
            &words(&request(network_id, "10.30.0.0/16", "vpc-0d4c3b2a", &other)),
        )
        .await;
    let another = Uuid::new_v4().to_string();
    let line = request(network_id, "10.31.0.0/16", "vpc-0d4c3b2b", &another);
    let _ = stage.waits("ada", &words(&line)).await;
    let waiting = stage.json("ada", &["pending"]).await;
    assert_eq!(waiting.as_array().map(Vec::len), Some(3), "{waiting}");

    // What has ended holds nothing up: asked for again, it is a request of its own.
    let _ = stage.run("ada", &["withdraw", &another]).await.done();
    let last = Uuid::new_v4().to_string();
    let line = request(network_id, "10.31.0.0/16", "vpc-0d4c3b2b", &last);
    let held = stage.waits("ada", &words(&line)).await;
    assert!(held.stdout.contains(&last), "{held:?}");

    let _ = stage.waits("bob", &["approve", &id, "--yes"]).await;
    let _ = stage.run("cyd", &["approve", &id, "--yes"]).await.done();
    let done = stage.run("ada", &[&apply[..], &["--yes"]].concat()).await;
    assert!(done.done().contains("nothing to do"));
    stage.engine.stop().await;
}

#[tokio::test]
async fn equal_names_at_two_issuers_are_two_people_who_ask_and_approve() {
    let (ours, theirs) = (Issuer::start().await, Issuer::start().await);
    let (our, their) = (ours.url(), theirs.url());
    let data = tempfile::tempdir().unwrap();
    let people = bindings(&[
        ("admin", &our, "root", ""),
        ("operator", &our, "ada", ""),
        ("approver", &our, "ada", ""),
        ("approver", &their, "ada", ""),
        ("approver", &our, "bob", ""),
        ("approver", &their, "bob", ""),
    ]);
    let launch = Launch::new(data.path())
        .own_store()
        .set("access.issuers", &issuers(&[&our, &their]))
        .set("access.bindings", &people)
        .set("access.approvals", RULES);
    let engine = launch.start_guarded().await;
    let made = run(&ours, &engine, "root", &network("orders", "payments")).await;
    let _ = made.done();
    let ask = async |number: u8| {
        let id = Uuid::new_v4().to_string();
        let (range, vpc) = (format!("10.{number}.0.0/16"), format!("vpc-0d4c3b{number}"));
        let line = request("orders", &range, &vpc, &id);
        let held = run(&ours, &engine, "ada", &words(&line)).await;
        assert_eq!(held.code, Some(3), "{held:?}");
        id
    };
    let approve = async |issuer: &Issuer, who: &str, id: &str| {
        run(issuer, &engine, who, &["approve", id, "--yes"]).await
    };
    let first = ask(30).await;
    let own = approve(&ours, "ada", &first).await;
    assert_eq!(own.code, Some(1), "who asks does not approve: {own:?}");
    // Whoever has the same name elsewhere is somebody else, and no more than one.
    for _ in 0..2 {
        let namesake = approve(&theirs, "ada", &first).await;
        assert_ne!(namesake.code, Some(0), "{namesake:?}");
    }
    let shown = run(
        &ours,
        &engine,
        "bob",
        &["pending", &first, "--output", "json"],
    )
    .await;
    let given = shown.json()["approvals"].clone();
    assert_eq!(given.as_array().map(Vec::len), Some(1), "{given}");
    assert_eq!(given[0]["by"]["issuer"], *their, "{given}");
    assert_eq!(given[0]["by"]["subject"], "ada", "{given}");
    let second = ask(31).await;
    let _ = approve(&ours, "bob", &first).await.done();
    assert_eq!(approve(&ours, "bob", &second).await.code, Some(3));
    let _ = approve(&theirs, "bob", &second).await.done();
    engine.stop().await;
}
