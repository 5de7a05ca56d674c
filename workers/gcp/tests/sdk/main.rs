//! Google's own clients drive the fake, and the API's own description judges what the engine sends.

#![allow(clippy::unwrap_used)]

#[path = "../port/world.rs"]
#[allow(dead_code)]
mod world;

use cloud::{Cloud, FirewallPart, LinkRole};
use domain::{
    Side,
    network::{InboundRule, LinkOption},
};
use gcp_fake::{FakeCompute, Temper};
use serde_json::{Value, json};
use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};
use testkit::{venv, workspace};
use world::{LOCAL, OWNER, REMOTE, Scene};

fn python() -> Command {
    let mut python = venv::command("python");
    python.arg(workspace::root().join("workers/gcp/tests/sdk/sdk.py"));
    python
}

/// What the script found to be right; it ends at the first thing that is not.
fn found(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}\n{errors}");
    let lines = text.lines().filter_map(|it| it.strip_prefix("ok: "));
    lines.map(str::to_owned).collect()
}

/// Drives a fake by this script, each of whose calls has to be right, and each endpoint with them.
async fn drives(mut script: Command, arguments: &[&str], at_least: usize) {
    let fake = FakeCompute::start(Temper::default()).await;
    for project in [LOCAL, REMOTE] {
        fake.project(project);
    }
    script.args(arguments).arg(fake.endpoint());
    let output = tokio::task::spawn_blocking(move || script.output()).await;
    let found = found(&output.unwrap().unwrap());
    let driven: Vec<_> = fake.calls().into_iter().map(|it| it.method).collect();
    for method in gcp_fake::METHODS {
        // The Resource Manager and Cloud Quotas are other APIs.
        let of_others = ["projects.testIamPermissions", "quotaInfos.list"];
        let is_compute = !of_others.contains(method);
        assert!(
            !is_compute || driven.iter().any(|it| it == method),
            "{method} is not driven"
        );
    }
    assert!(found.len() > at_least, "{found:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn googles_own_client_drives_each_endpoint_and_each_answer_is_of_its_schema() {
    drives(python(), &["drive"], 50).await;
}

/// It is generated from another description, and reads answers into messages of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn googles_newer_library_drives_each_endpoint_and_knows_all_that_it_is_answered() {
    let mut script = venv::command("python");
    script.arg(workspace::root().join("workers/gcp/tests/sdk/compute.py"));
    drives(script, &[], 50).await;
}

/// Everything that the engine does, once.
async fn live(scene: &Scene) {
    let (cloud, at, spec) = (&scene.cloud, &scene.local.at, scene.spec());
    let of = [scene.local.network.clone()];
    cloud.identity(at).await.unwrap();
    scene.connected().await;
    cloud.networks(at, &of).await.unwrap();
    cloud.subnets(at, &of).await.unwrap();
    cloud.links(at, &of).await.unwrap();
    cloud.route_tables(at, &of).await.unwrap();
    let (name, end) = (scene.name(), LinkRole::First);
    for option in LinkOption::of(at.provider) {
        let set = cloud.set_option(&scene.local, &name, end, option, true.into());
        set.await.unwrap();
    }
    let group = cloud.create_group(&scene.local, OWNER).await.unwrap();
    let rule = InboundRule {
        source: "10.20.0.0/16".parse().unwrap(),
        port: 2113,
        target: Some("10.10.0.0/24".parse().unwrap()),
    };
    let made = cloud.authorize_rule(at, &group, rule, OWNER).await.unwrap();
    let part = FirewallPart::Group(group.clone());
    cloud.tag_firewall(at, &part, OWNER).await.unwrap();
    cloud.firewall_groups(at, &of).await.unwrap();
    cloud.access_lists(at, &of).await.unwrap();
    cloud.revoke_rule(at, &group, &made).await.unwrap();
    cloud.delete_group(at, &group).await.unwrap();
    for side in Side::BOTH {
        scene.remove(side).await;
    }
    assert!(spec.link.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_the_engine_sends_is_of_the_apis_own_schema() {
    let scene = Scene::set(Temper::instant()).await;
    live(&scene).await;
    let calls = scene.fake.calls();
    let lines: Vec<String> = calls
        .iter()
        .map(|call| {
            let (path, query) = call.url.split_once('?').unwrap_or((&call.url, ""));
            let pairs = query.split('&').filter_map(|it| it.split_once('='));
            let query: Value = pairs
                .map(|(name, value)| (name.to_owned(), json!(value)))
                .collect();
            json!({ "http": call.http, "path": path, "query": query, "body": call.body })
                .to_string()
        })
        .collect();
    let mut checking = python()
        .arg("check")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = checking.stdin.take().unwrap();
    input.write_all(lines.join("\n").as_bytes()).unwrap();
    drop(input);
    let output = tokio::task::spawn_blocking(move || checking.wait_with_output()).await;
    let found = found(&output.unwrap().unwrap());
    assert_eq!(found.len(), lines.len());
    for method in ["compute.networks.addPeering", "compute.firewalls.insert"] {
        assert!(found.iter().any(|it| it == method), "{method}: {found:#?}");
    }
}
