//! The engine's own connectors, stopped by command for a time: nothing is opened meanwhile, what is
//! to be closed is closed, everybody sees it, and it ends by itself or sooner.

use crate::support::{SOON, api::Api, world::World};
use domain::{CommandId, Digest};
use journal::{Journal, JournalSettings, Metadata, Record, SCHEMA_VERSION};
use peerage::api::v1::Peering;
use peerage_tests::{
    engine::{Engine, Launch},
    http,
    node::NodePlace,
    wait,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

const NARROW: &str = "10.30.0.0/17";

async fn metrics(engine: &Engine) -> String {
    let server = engine.server();
    let port = server.rsplit(':').next().unwrap().parse().unwrap();
    let (status, text) = http::ask(port, "GET", "/metrics", "").await.unwrap();
    assert_eq!(status, 200, "{text}");
    text
}

/// How far a follower of the log is behind at this server, in events and in seconds.
async fn lag(engine: &Engine, follower: &str) -> Option<(u64, f64)> {
    let text = metrics(engine).await;
    let of = |unit: &str| format!("peerage_follower_lag_{unit}{{follower=\"{follower}\"}} ");
    let (events, seconds) = (of("events"), of("seconds"));
    let figure = |line: &str| text.lines().find_map(|it| it.strip_prefix(line));
    let (events, seconds) = (figure(&events)?.parse(), figure(&seconds)?.parse());
    Some((events.unwrap(), seconds.unwrap()))
}

/// For how many seconds more this server says that it is stopped.
async fn seconds_left(engine: &Engine, connector: &str) -> u64 {
    let line = format!("peerage_connector_stopped_seconds{{connector=\"{connector}\"}} ");
    let text = metrics(engine).await;
    let found = text.lines().find_map(|it| it.strip_prefix(&line));
    found.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

async fn shown(engine: &Engine, connector: &str) -> Value {
    engine.json(&["connector", "show", connector]).await
}

async fn is_in(engine: &Engine, connector: &str, state: &str) -> Value {
    wait::until("the connector's state", SOON, || async {
        let shown = shown(engine, connector).await;
        (shown["state"] == state).then_some(shown)
    })
    .await
}

async fn refused(engine: &Engine, line: &[&str], with: &str) {
    let told = engine.cli(line).await;
    assert_eq!(told.code, Some(1), "{line:?}: {told:?}");
    assert!(told.stderr.contains(with), "{line:?}: {told:?}");
}

async fn says(engine: &Engine, line: &[&str]) {
    let _ = engine.cli(line).await.done();
}

/// The words that register a network.
fn register() -> Vec<&'static str> {
    let name = [
        "network",
        "register",
        "--name",
        "orders",
        "--region",
        "eu-west-1",
    ];
    let place = ["--account", "111122223333", "--vpc", "vpc-0a1b2c3d"];
    [&name[..], &place, &["--range", "10.20.0.0/16"]].concat()
}

/// A server with a peering in place between two networks of an emulator.
struct Stage {
    api: Api,
    peering: String,
    local: String,
    engine: Engine,
    launch: Launch,
    _data: TempDir,
    _world: World,
}

impl Stage {
    async fn new() -> Self {
        let (data, world) = (TempDir::new().unwrap(), World::new().await);
        let launch = Launch::new(&data.path().join("engine")).own_store();
        let launch = launch.aws(&world.moto.endpoint());
        let engine = launch.start().await;
        let pair = world.pair();
        let story = pair.commands();
        let api = Api::connect(&engine.server()).await;
        for command in &story.commands {
            api.done(command).await;
        }
        api.converged(&story.peering_id).await;
        Self {
            api,
            peering: story.peering_id,
            local: pair.local.cidr.clone(),
            engine,
            launch,
            _data: data,
            _world: world,
        }
    }

    async fn route(&self, word: &str, side: &str, destination: &str) {
        let line = ["route", word, &self.peering, "--side", side];
        let line = [&line[..], &["--destination", destination]].concat();
        let _ = self.engine.cli(&line).await.done();
    }

    async fn when(&self, what: &str, is_so: impl Fn(&Peering) -> bool) -> Peering {
        wait::until(what, SOON, || async {
            let peering = self.api.peering(&self.peering, "").await.unwrap();
            is_so(&peering).then_some(peering)
        })
        .await
    }
}

fn is_installed(peering: &Peering, destination: &str) -> bool {
    let mut routes = peering.routes.iter();
    let route = routes.find(|it| it.destination == destination);
    route.is_some_and(|it| !it.installed_in.is_empty())
}

#[tokio::test]
async fn a_stopped_provisioner_opens_nothing_closes_all_the_same_and_goes_on_where_it_was_held_up()
{
    let mut stage = Stage::new().await;
    let engine = &stage.engine;
    let stop = ["connector", "stop", "provisioner"];
    refused(engine, &stop, "--for").await;
    for too in ["4h1s", "0s", "999ms"] {
        refused(engine, &[&stop[..], &["--for", too]].concat(), "4 hours").await;
    }
    let start = ["connector", "start", "provisioner"];
    refused(engine, &start, "running already").await;
    assert_eq!(seconds_left(engine, "provisioner").await, 0);

    let tried = [&stop[..], &["--for", "10m", "--validate-only"]].concat();
    says(engine, &tried).await;
    assert_eq!(
        shown(engine, "provisioner").await["state"],
        "CONNECTOR_STATE_RUNNING"
    );
    says(
        engine,
        &[&stop[..], &["--for", "10m", "--reason", "a change"]].concat(),
    )
    .await;
    let told = shown(engine, "provisioner").await;
    assert_eq!(told["state"], "CONNECTOR_STATE_STOPPED", "{told:#}");
    assert!(told["stoppedUntil"].is_string(), "{told:#}");
    let left = seconds_left(engine, "provisioner").await;
    assert!((1..=600).contains(&left), "{left}");

    // What opens comes first: it would have been done before what closes.
    stage.route("accept", "local", NARROW).await;
    stage.route("withdraw", "remote", &stage.local).await;
    let peering = stage
        .when("what closes to be done", |it| {
            !it.routes
                .iter()
                .any(|route| route.destination == stage.local)
        })
        .await;
    assert!(!is_installed(&peering, NARROW), "{peering:#?}");

    // Everybody sees it, after a restart too.
    let listed = engine.json(&["connector", "list"]).await;
    let mut all = listed.as_array().unwrap().iter();
    let provisioner = all.find(|it| it["connectorId"] == "provisioner").unwrap();
    assert_eq!(provisioner["state"], "CONNECTOR_STATE_STOPPED");
    let doctor = engine.cli(&["doctor"]).await;
    assert!(
        doctor
            .stdout
            .contains("provisioner is stopped by command until"),
        "{doctor:?}"
    );
    let status = engine.cli(&["status"]).await.done();
    assert!(status.contains("provisioner until"), "{status}");
    let again = stage.launch.clone();
    stage.engine.stop().await;
    stage.engine = again.start().await;
    stage.api = Api::connect(&stage.engine.server()).await;
    let engine = &stage.engine;
    is_in(engine, "provisioner", "CONNECTOR_STATE_STOPPED").await;
    let info = engine.json(&["server", "info"]).await;
    assert_eq!(info["stopped"][0]["connectorId"], "provisioner", "{info:#}");
    let still = stage.api.peering(&stage.peering, "").await.unwrap();
    assert!(!is_installed(&still, NARROW), "{still:#?}");

    for action in ["delete", "reset"] {
        refused(
            engine,
            &["connector", action, "provisioner"],
            "engine's own",
        )
        .await;
    }
    refused(
        engine,
        &[&start[..], &["--from", "earliest"]].concat(),
        "engine's own",
    )
    .await;
    says(engine, &start).await;
    stage
        .when("what was held up to be opened", |it| {
            is_installed(it, NARROW)
        })
        .await;
    assert_eq!(
        shown(engine, "provisioner").await["state"],
        "CONNECTOR_STATE_RUNNING"
    );

    // A stop that nobody ends, ends.
    says(engine, &[&stop[..], &["--for", "2s"]].concat()).await;
    stage.route("withdraw", "local", NARROW).await;
    stage.route("accept", "local", "10.30.128.0/17").await;
    stage
        .when("what was held up to be opened", |it| {
            is_installed(it, "10.30.128.0/17")
        })
        .await;
    is_in(engine, "provisioner", "CONNECTOR_STATE_RUNNING").await;
    let all = engine.json(&["audit", "log", "--of", "connectors"]).await;
    assert!(
        all.to_string().contains("BuiltInConnectorStopped"),
        "{all:#}"
    );
    stage.engine.stop().await;
}

#[tokio::test]
async fn the_read_models_of_one_server_or_of_all_are_stopped_and_no_others_and_catch_up_afterwards()
{
    let data = TempDir::new().unwrap();
    let place = NodePlace::new(&data.path().join("node"));
    let _node = place.start().await;
    let launch =
        |name: &str| Launch::new(&data.path().join(name)).store(&place.connection_string());
    let (one, other) = (launch("one").start().await, launch("other").start().await);
    let own = |engine: &Engine| {
        let server = engine.server();
        let port = server.rsplit(':').next().unwrap().to_owned();
        async move {
            let all = ask(&server).await;
            let all = all.as_array().unwrap().iter();
            let mut ids = all.map(|it| it["connectorId"].as_str().unwrap().to_owned());
            ids.find(|it| it.starts_with("read-models@") && it.ends_with(&port))
                .unwrap()
        }
    };
    let (at_one, at_other) = (own(&one).await, own(&other).await);
    assert_ne!(at_one, at_other);
    // A command for one server's may be given at any.
    refused(&other, &["connector", "stop", &at_one], "--for").await;
    says(&other, &["connector", "stop", &at_one, "--for", "10m"]).await;
    is_in(&one, &at_one, "CONNECTOR_STATE_STOPPED").await;
    assert_eq!(
        shown(&other, &at_other).await["state"],
        "CONNECTOR_STATE_RUNNING"
    );
    wait::until("the server not to be ready", SOON, || async {
        let status = one.cli(&["status"]).await;
        (status.code == Some(1) && status.stdout.contains("stopped")).then_some(())
    })
    .await;
    let at = shown(&one, &at_one).await["progress"]["position"].clone();
    says(&other, &register()).await;
    let there = other.json(&["network", "list"]).await;
    assert_eq!(there.as_array().unwrap().len(), 1, "{there:#}");
    assert_eq!(shown(&one, &at_one).await["progress"]["position"], at);
    // What was registered is not in them, and may not be the first that is not.
    wait::until("the figures of those that stand still", SOON, || async {
        let (events, seconds) = lag(&one, "read-models").await?;
        (events >= 1 && seconds > 0.0).then_some(())
    })
    .await;
    for follower in ["audit-tree", "provisioner", "connectors"] {
        wait::until(follower, SOON, || async {
            (lag(&one, follower).await? == (0, 0.0)).then_some(())
        })
        .await;
    }
    wait::until("the other's", SOON, || async {
        (lag(&other, "read-models").await? == (0, 0.0)).then_some(())
    })
    .await;

    // Those of all servers, and all again.
    says(&one, &["connector", "stop", "read-models", "--for", "10m"]).await;
    is_in(&other, &at_other, "CONNECTOR_STATE_STOPPED").await;
    says(&one, &["connector", "start", "read-models"]).await;
    is_in(&one, &at_one, "CONNECTOR_STATE_RUNNING").await;
    is_in(&other, &at_other, "CONNECTOR_STATE_RUNNING").await;
    wait::until("the read models to catch up", SOON, || async {
        one.cli(&["status"]).await.code.eq(&Some(0)).then_some(())
    })
    .await;
    wait::until("their figures to say so", SOON, || async {
        (lag(&one, "read-models").await? == (0, 0.0)).then_some(())
    })
    .await;
    let here = one.json(&["network", "list"]).await;
    assert_eq!(here.as_array().unwrap().len(), 1, "{here:#}");
    one.stop().await;
    other.stop().await;
}

async fn ask(server: &str) -> Value {
    peerage_tests::engine::ask_json(server, &["connector", "list"]).await
}

/// What a server of an older version leaves in a stream in which servers say that they are there.
struct Older {
    journal: Journal,
    stream: &'static str,
    said: Value,
}

impl Older {
    /// As the holder of the connectors' lease, or as one that is only there.
    fn new(store: &str, stream: &'static str, reads: Option<u32>) -> Self {
        let instance = Uuid::new_v4();
        let mut said = json!({ "host": "db0", "instance": instance, "version": "0.0.9" });
        if let Some(reads) = reads {
            said["reads"] = reads.into();
        }
        Self {
            journal: Journal::open(JournalSettings::new(store)).unwrap(),
            stream,
            said,
        }
    }

    async fn says(&self, is_leaving: bool) {
        let mut said = self.said.clone();
        said["released"] = is_leaving.into();
        let metadata = Metadata {
            correlation_id: Uuid::new_v4(),
            causation_id: Uuid::new_v4(),
            command_id: CommandId(Uuid::new_v4()),
            command_digest: Digest::of(&said).unwrap(),
            actor: "connectors".parse().unwrap(),
            schema_version: SCHEMA_VERSION,
            traceparent: None,
            time: Some(chrono::Utc::now()),
            reason: None,
            ticket: None,
            command: None,
            cloud_calls: None,
            cloud: None,
            term: None,
        };
        let record = [Record {
            event_type: "ConnectorLease",
            data: said,
            metadata,
        }];
        wait::until("its word to be taken", SOON, || async {
            let after = self.journal.last_record(self.stream).await.unwrap();
            let said = self.journal.record(self.stream, after, &record).await;
            said.unwrap().map(drop)
        })
        .await;
    }
}

#[tokio::test]
async fn beside_a_server_of_an_older_version_nothing_is_written_that_it_could_not_read() {
    let data = TempDir::new().unwrap();
    let place = NodePlace::new(&data.path().join("node"));
    let _node = place.start().await;
    let store = place.connection_string();
    // The release before this one says what it reads in no lease; a later one does.
    let holder = Older::new(&store, "connectorLease-outward", None);
    holder.says(false).await;
    let launch = Launch::new(&data.path().join("one")).store(&store);
    let engine = launch.start().await;
    let stop = ["connector", "stop", "read-models", "--for", "10m"];
    let told = engine
        .cli(&[&stop[..], &["--output", "json"]].concat())
        .await;
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(told.stderr.contains("older version"), "{told:?}");
    let other = Older::new(&store, "connectorLease-servers", Some(1));
    other.says(false).await;
    holder.says(true).await;
    refused(&engine, &stop, "older version").await;
    // What it can read is written as before.
    says(&engine, &register()).await;
    let records = async || {
        let all = other
            .journal
            .records("connector-read-models")
            .await
            .unwrap();
        all.len()
    };
    assert_eq!(records().await, 0);
    other.says(true).await;
    wait::until("the command to be taken", SOON, || async {
        (engine.cli(&stop).await.code == Some(0)).then_some(())
    })
    .await;
    assert_eq!(records().await, 1);
    engine.stop().await;
}
