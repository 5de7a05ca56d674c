//! Who may look at what waits, in which portions, what a command keeps of how it was asked for, and
//! that its time ends by itself.

use super::{
    approvals::{Stage, granted, request, words},
    bearer, network,
};
use crate::support::{
    SOON,
    http::{Version, ask},
};
use chrono::{DateTime, TimeDelta, Utc};
use journal::Record;
use peerage_tests::wait;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

const RULES: &str = r#"[{opening=["connector_ingress"],approvals=1}]"#;

impl Stage {
    /// A method of the API, as this person calls it: the status, and the answer.
    async fn call(&self, who: &str, method: &str, body: Value) -> (u16, Value) {
        let token = self.issuer.token("good", json!({ "sub": who })).await;
        let head = bearer(&format!("/peerage.v1.{method}"), &token);
        let answer = ask(
            &self.engine.server(),
            Version::Http1,
            &head,
            body.to_string(),
        )
        .await;
        (answer.status.as_u16(), answer.json())
    }

    /// A network of this name in that project, with a peering; their ids.
    async fn peered(&self, name: &str, project: &str, third: u8) -> (String, String) {
        let made = self.json("root", &network(name, project)).await;
        let network = made["networkId"].as_str().unwrap().to_owned();
        let line = format!(
            "peering request --network {network} --region us-east-1 --account 444455556666 \
             --vpc vpc-0d4c3b2{third} --range 10.30.0.0/16"
        );
        let line: Vec<_> = line.split_whitespace().collect();
        let made = self.json("root", &line).await;
        (network, made["peeringId"].as_str().unwrap().to_owned())
    }
}

/// A command that waits, and its id.
fn allow(peering: &str, port: u16, more: &str) -> (String, Vec<String>) {
    allow_from("10.20.1.0/24", peering, port, more)
}

/// The same from these nodes.
fn allow_from(from: &str, peering: &str, port: u16, more: &str) -> (String, Vec<String>) {
    let id = Uuid::new_v4().to_string();
    let line = format!(
        "firewall allow {peering} --target 10.30.7.0/24 --port {port} --from {from} --no-expiry \
         --reason nightly --command-id {id} {more}"
    );
    let words = line.split_whitespace().map(str::to_owned);
    (id, words.collect())
}

fn ids(listed: &Value) -> BTreeSet<String> {
    let all = listed["approvals"].as_array().into_iter().flatten();
    all.map(|it| it["approvalId"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn what_waits_is_looked_at_by_who_may_in_pages_and_by_network() {
    let stage = Stage::with(RULES).await;
    let (orders, peering) = stage.peered("orders", "payments", 1).await;
    let (invoices, another) = stage.peered("invoices", "payments", 2).await;
    let mut of_orders = BTreeSet::new();
    for port in [5432, 5433, 5434] {
        let (id, line) = allow(&peering, port, "");
        let _ = stage.waits("ada", &words(&line)).await;
        of_orders.insert(id);
    }
    let (of_invoices, line) = allow_from("10.21.1.0/24", &another, 5432, "");
    let _ = stage.waits("ada", &words(&line)).await;

    // Somebody of another project learns nothing of it, not even whether it is there.
    let one = of_orders.first().unwrap();
    let unknown = Uuid::new_v4().to_string();
    for id in [one, &unknown] {
        let of = json!({ "approvalId": id });
        let (status, told) = stage.call("eve", "AccessService/GetApproval", of).await;
        assert_eq!(status, 403, "{told}");
        let withdraw = json!({
            "approvalId": id,
            "context": { "commandId": Uuid::new_v4().to_string(), "actor": "eve", "reason": "x" },
        });
        let (status, told) = stage
            .call("eve", "AccessService/WithdrawCommand", withdraw)
            .await;
        assert_eq!(status, 403, "{told}");
    }
    let known = json!({ "approvalId": one });
    let (status, _) = stage.call("vic", "AccessService/GetApproval", known).await;
    assert_eq!(status, 200);

    let list = async |body: Value| {
        let (status, told) = stage.call("vic", "AccessService/ListApprovals", body).await;
        assert_eq!(status, 200, "{told}");
        told
    };
    assert_eq!(ids(&list(json!({ "networkId": orders })).await), of_orders);
    let other = list(json!({ "networkId": invoices })).await;
    assert_eq!(ids(&other), [of_invoices.clone()].into());
    let (mut seen, mut token, mut pages) = (BTreeSet::new(), String::new(), 0);
    loop {
        let page = list(json!({ "pageSize": 3, "pageToken": token })).await;
        for id in ids(&page) {
            assert!(seen.insert(id), "each once: {page}");
        }
        pages += 1;
        token = page["nextPageToken"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if token.is_empty() {
            break;
        }
    }
    let mut all = of_orders;
    all.insert(of_invoices);
    assert_eq!((seen, pages), (all, 2));
    stage.engine.stop().await;
}

#[tokio::test]
async fn what_is_carried_out_keeps_the_ticket_the_reason_and_the_revision_that_it_was_asked_for_with()
 {
    let stage = Stage::with(RULES).await;
    let (orders, peering) = stage.peered("orders", "payments", 1).await;
    let (id, line) = allow(&peering, 5432, "--ticket NET-7");
    let _ = stage.waits("ada", &words(&line)).await;
    let _ = stage.run("bob", &["approve", &id, "--yes"]).await.done();
    let kept = stage.log().records(&format!("network-{orders}")).await;
    let kept = kept.unwrap();
    let allowed = kept
        .iter()
        .find(|it| it.event_type == "ConnectorIngressAllowed");
    let about = allowed.unwrap().metadata.as_ref().unwrap();
    assert_eq!(
        about.ticket.as_ref().map(ToString::to_string).as_deref(),
        Some("NET-7")
    );
    assert_eq!(about.reason.as_ref().unwrap().as_str(), "nightly");
    let issuer = about.actor.issuer.as_ref().unwrap();
    assert_eq!(issuer.as_str(), stage.issuer.url());

    // One that was to be right for one revision alone is refused once the network has moved on. The
    // engine works on the network meanwhile, so the revision is read until the command meets it.
    let id = wait::until(
        "the command meets the revision it names",
        SOON,
        async || {
            let kept = stage.log().records(&format!("network-{orders}")).await;
            let revision = kept.unwrap().last().unwrap().revision;
            let (id, line) = allow(&peering, 5433, &format!("--expected-revision {revision}"));
            let asked = stage.run("ada", &words(&line)).await;
            let has_moved = asked.stderr.contains("[WRONG_EXPECTED_REVISION]");
            assert!(has_moved || asked.code == Some(3), "{asked:?}");
            (!has_moved).then_some(id)
        },
    )
    .await;
    let moved = ["network", "nodes", &orders, "10.20.1.0/24"];
    let _ = stage.run("root", &moved).await.done();
    let late = stage.run("bob", &["approve", &id, "--yes"]).await;
    assert!(
        late.stderr.contains("refused when it was carried out"),
        "{late:?}"
    );

    // What changes nothing waits for nobody.
    let (_, again) = allow(&peering, 5432, "");
    let known = stage.run("ada", &words(&again)).await;
    assert!(
        known.stderr.contains("[INGRESS_ALREADY_ALLOWED]"),
        "{known:?}"
    );
    let _ = stage.run("root", &moved).await.done();
    stage.engine.stop().await;
}

/// Puts on record what another server would have, at that time.
async fn put(stage: &Stage, stream: &str, last: Option<u64>, at: DateTime<Utc>, record: Record) {
    let mut record = record;
    record.metadata.time = Some(at);
    let put = stage.log().record(stream, last, &[record]).await;
    assert!(put.unwrap().is_some());
}

async fn ends_as(stage: &Stage, id: &str, event_type: &str) {
    let stream = format!("approval-{id}");
    wait::until(event_type, SOON, async || {
        let types = stage.types(&stream).await;
        (types.last().map(String::as_str) == Some(event_type)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn fifty_requests_of_a_person_wait_and_a_hundred_in_a_network_and_no_more() {
    let stage = Stage::with(RULES).await;
    let (_, peering) = stage.peered("orders", "payments", 1).await;
    let asks = async |who: &str, port: u16| {
        let command = json!({
            "context": { "commandId": Uuid::new_v4().to_string(), "actor": who, "reason": "nightly" },
            "peeringId": peering, "target": "10.30.7.0/24", "port": port,
            "from": ["10.20.1.0/24"], "noExpiry": true,
        });
        let method = "PeeringService/AllowConnectorIngress";
        let (status, told) = stage.call(who, method, command).await;
        (status, told.to_string())
    };
    for (who, ports, then) in [
        ("ada", 5_001..5_051, "APPROVALS_OF_REQUESTER"),
        ("root", 5_101..5_151, "APPROVALS_OF_NETWORK"),
    ] {
        for port in ports {
            let (status, told) = asks(who, port).await;
            assert_eq!(status, 200, "{who} {port}: {told}");
            assert!(told.contains("approvalId"), "it waits: {told}");
        }
        let (status, told) = asks(who, 6_000).await;
        assert_eq!(status, 429, "{told}");
        assert!(told.contains(then), "{told}");
    }
}

#[tokio::test]
async fn the_time_of_what_waits_ends_by_itself() {
    let stage = Stage::with(RULES).await;
    let (_, peering) = stage.peered("orders", "payments", 1).await;
    let (id, line) = allow(&peering, 5432, "");
    let _ = stage.waits("ada", &words(&line)).await;
    let kept = stage
        .log()
        .records(&format!("approval-{id}"))
        .await
        .unwrap();
    let ended = Utc::now() - TimeDelta::minutes(1);
    let mut data: Value = serde_json::from_slice(&kept[0].data).unwrap();
    data["expires_at"] = json!(ended);
    let other = Uuid::new_v4().to_string();
    let record = Record {
        event_type: "ApprovalRequested",
        data,
        metadata: kept[0].metadata.clone().unwrap(),
    };
    let asked = ended - TimeDelta::hours(72);
    put(&stage, &format!("approval-{other}"), None, asked, record).await;
    ends_as(&stage, &other, "ApprovalExpired").await;
    stage
        .refused("bob", &["approve", &other, "--yes"], "APPROVAL_ENDED")
        .await;
    let waits = stage.types(&format!("approval-{id}")).await;
    assert_eq!(waits, ["ApprovalRequested"]);
    stage.engine.stop().await;
}

#[tokio::test]
async fn what_another_server_began_and_did_not_end_is_taken_over_after_a_while() {
    let stage = Stage::with(super::approvals::RULES).await;
    let made = stage.json("root", &network("orders", "payments")).await;
    let network_id = made["networkId"].as_str().unwrap();
    let id = Uuid::new_v4().to_string();
    let asked = request(network_id, "10.30.0.0/16", "vpc-0d4c3b2a", &id);
    let _ = stage.waits("ada", &words(&asked)).await;
    let (log, stream) = (stage.log(), format!("approval-{id}"));
    granted(&log, &stage.issuer, &id).await;
    let kept = log.records(&stream).await.unwrap();
    let last = kept.last().unwrap();
    let record = Record {
        event_type: "ApprovalExecutionStarted",
        data: json!({ "host": "db9 127.0.0.1:1" }),
        metadata: last.metadata.clone().unwrap(),
    };
    let long_ago = Utc::now() - TimeDelta::minutes(2);
    put(&stage, &stream, Some(last.revision), long_ago, record).await;
    ends_as(&stage, &id, "ApprovalCarriedOut").await;
    stage.engine.stop().await;
}
