//! Webhooks through the program: what is done arrives, signed, in order, over refusals, kills and
//! restarts, and at one server of several.

use parking_lot::Mutex;
use peerage_tests::{
    engine::{Engine, Launch, peerage},
    http,
    node::NodePlace,
    process::Running,
    wait::{SOON, until},
};
use serde_json::{Value, json};
use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A delivery as it came: its headers, and its body.
#[derive(Clone, Debug)]
struct Delivered {
    head: String,
    body: Value,
    status: u16,
}

impl Delivered {
    fn header(&self, name: &str) -> String {
        let found = self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then(|| value.to_owned())
        });
        found.unwrap_or_default()
    }
}

/// An endpoint that answers with one status until it is told another.
struct Receiver {
    port: u16,
    status: Arc<AtomicU16>,
    came: Arc<Mutex<Vec<Delivered>>>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let status = Arc::new(AtomicU16::new(200));
        let came = Arc::<Mutex<Vec<Delivered>>>::default();
        let (answers, seen) = (Arc::clone(&status), Arc::clone(&came));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&answers), Arc::clone(&seen)));
            }
        });
        Self {
            port,
            status,
            came,
            task,
        }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/{{event-type}}", self.port)
    }

    fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// What it took, each once.
    fn taken(&self) -> Vec<Delivered> {
        let came = self.came.lock();
        let mut ids = std::collections::BTreeSet::new();
        let taken = came.iter().filter(|it| it.status == 200);
        let first = taken.filter(|it| ids.insert(it.header("webhook-id")));
        first.cloned().collect()
    }

    async fn has_taken(&self, many: usize) -> Vec<Delivered> {
        until(&format!("{many} deliveries"), SOON, async || {
            let taken = self.taken();
            (taken.len() >= many).then_some(taken)
        })
        .await
    }
}

async fn answer(
    mut stream: TcpStream,
    status: Arc<AtomicU16>,
    came: Arc<Mutex<Vec<Delivered>>>,
) -> Option<()> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && let Ok(body) = serde_json::from_str(body)
        {
            let status = status.load(Ordering::SeqCst);
            came.lock().push(Delivered {
                head: head.to_owned(),
                body,
                status,
            });
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 6\r\n\r\nthanks");
            stream.write_all(answer.as_bytes()).await.ok()?;
            bytes.clear();
        }
        let mut more = [0; 4096];
        match stream.read(&mut more).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&more[..count]),
        }
    }
}

async fn register(engine: &Engine, name: &str, number: u8) {
    let (network, range) = (
        format!("vpc-0a1b2c{number:02x}"),
        format!("10.{number}.0.0/16"),
    );
    let line = [
        "network",
        "register",
        "--name",
        name,
        "--region",
        "eu-west-1",
        "--account",
        "111122223333",
        "--cloud-network",
        &network,
        "--range",
        &range,
        "--reason",
        "a new team",
        "--ticket",
        "OPS-7",
    ];
    let _ = engine.cli(&line).await.done();
}

async fn connect(engine: &Engine, receiver: &Receiver) -> String {
    let url = receiver.url();
    let line = [
        "connector",
        "create",
        "to-auditors",
        "--url",
        &url,
        "--allow-host",
        "127.0.0.1",
        "--from-earliest",
        "--start",
    ];
    let created = engine.cli(&line).await;
    let secret = created.stderr.lines().find(|it| it.starts_with("whsec_"));
    secret.expect("a secret, told once").to_owned()
}

async fn connector(engine: &Engine) -> Value {
    engine.json(&["connector", "show", "to-auditors"]).await
}

#[tokio::test]
async fn what_is_done_arrives_signed_with_who_and_why_and_a_kill_loses_nothing() {
    let data = TempDir::new().unwrap();
    let receiver = Receiver::start().await;
    let launch = Launch::new(data.path()).own_store();
    let mut engine = launch.start().await;
    let refused = [
        "connector",
        "create",
        "to-auditors",
        "--url",
        &receiver.url(),
    ];
    let refused = engine.cli(&refused).await;
    assert!(
        refused
            .stderr
            .contains("add to the connector's allow list: 127.0.0.1"),
        "{refused:?}"
    );
    let secret = connect(&engine, &receiver).await;
    let url = receiver.url();
    register(&engine, "orders", 1).await;
    let first = &receiver.has_taken(1).await[0];
    assert_eq!(first.body["type"], "NetworkRegistered");
    assert_eq!(first.body["network"]["name"], "default/orders");
    assert_eq!(first.body["reason"], "a new team");
    assert_eq!(first.body["ticket"], "OPS-7");
    assert_eq!(first.body["actor"]["claimed"], true);
    assert_eq!(first.header("peerage-lane-sequence"), "1");
    assert!(first.header("webhook-signature").starts_with("v1,"));
    assert!(
        first.head.starts_with("POST /NetworkRegistered "),
        "{}",
        first.head
    );
    let shown = connector(&engine).await;
    assert!(!shown.to_string().contains(&secret), "{shown:#}");

    // Refused for good: set aside, and what follows goes on.
    receiver.answers(422);
    register(&engine, "search", 2).await;
    let parked = until("it is parked", SOON, async || {
        let parked = engine.json(&["connector", "parked", "to-auditors"]).await;
        let parked = parked.as_array()?.clone();
        (!parked.is_empty()).then_some(parked)
    })
    .await;
    assert_eq!(parked[0]["status"], 422);
    assert_eq!(parked[0]["body"], "thanks");
    receiver.answers(200);
    register(&engine, "billing", 3).await;
    receiver.has_taken(2).await;
    let _ = engine
        .cli(&["connector", "replay", "to-auditors", "--all"])
        .await
        .done();
    let taken = receiver.has_taken(3).await;
    assert_eq!(taken[2].header("peerage-replay"), "true");
    assert_eq!(
        taken[2].header("webhook-id"),
        parked[0]["eventId"].as_str().unwrap()
    );

    // The endpoint is not what it should be: nothing is set aside, and nothing is lost by a kill.
    receiver.answers(401);
    register(&engine, "audit", 4).await;
    until("it is told why", SOON, async || {
        let shown = connector(&engine).await;
        shown["cause"].as_str()?.contains("401").then_some(())
    })
    .await;
    engine.process.kill();
    receiver.answers(200);
    let engine = launch.start().await;
    let taken = receiver.has_taken(4).await;
    assert_eq!(taken[3].body["network"]["name"], "default/audit");
    let parked = engine.json(&["connector", "parked", "to-auditors"]).await;
    assert_eq!(parked.as_array().map(Vec::len), Some(0), "{parked:#}");

    // A transform: one that is none is refused, one that is can be tried and takes effect.
    let (script, sample) = (data.path().join("t.js"), data.path().join("event.json"));
    let (script, sample) = (script.display().to_string(), sample.display().to_string());
    let event = r#"[{"stream":"network-1","type":"A","data":{"n":1}},{"stream":"network-1","type":"B","data":{}}]"#;
    std::fs::write(&sample, event).unwrap();
    std::fs::write(&script, "function transform(r) { r.value.n += 1").unwrap();
    let line = [
        "connector",
        "create",
        "another",
        "--url",
        &url,
        "--transform",
        &script,
    ];
    let refused = engine
        .cli(&[&line[..], &["--allow-host", "127.0.0.1"]].concat())
        .await;
    assert!(
        refused.stderr.contains("the transform cannot be used"),
        "{refused:?}"
    );
    let function =
        "function transform(r) { if (r.schemaInfo.subject === 'B') drop(); r.value.n += 1 }";
    std::fs::write(&script, function).unwrap();
    let tried = engine
        .json(&[
            "connector",
            "try",
            "--transform",
            &script,
            "--event",
            &sample,
        ])
        .await;
    assert_eq!(tried[0]["record"]["value"]["n"], 2.0, "{tried:#}");
    assert_eq!(
        tried[1]["verdict"], "TRANSFORM_VERDICT_DROPPED",
        "{tried:#}"
    );

    // The engine's own are shown, and nobody's to change.
    let all = engine.json(&["connector", "list"]).await;
    let own = all.as_array().unwrap().iter();
    let own = own.filter(|it| it["builtIn"] == true);
    let own: Vec<_> = own
        .map(|it| it["connectorId"].as_str().unwrap().to_owned())
        .collect();
    let [tree, provisioner, read_models] = own.try_into().unwrap();
    assert_eq!(provisioner, "provisioner");
    assert!(read_models.starts_with("read-models@"), "{read_models}");
    assert!(tree.starts_with("audit-tree@"), "{tree}");
    for own in [&read_models, &tree] {
        let shown = engine.json(&["connector", "show", own]).await;
        assert_eq!(shown["state"], "CONNECTOR_STATE_RUNNING", "{shown:#}");
        assert_eq!(shown["progress"]["behind"], "0", "{shown:#}");
    }
    let refused = engine
        .cli(&["connector", "stop", &tree, "--for", "1m"])
        .await;
    assert!(refused.stderr.contains("cannot be stopped"), "{refused:?}");
    for action in ["delete", "stop", "reset"] {
        let refused = engine.cli(&["connector", action, "provisioner"]).await;
        assert!(
            refused.stderr.contains("engine's own"),
            "{action}: {refused:?}"
        );
    }

    // Its settings, as they are shown, are settings.
    let file = data.path().join("settings.json");
    let mut settings = connector(&engine).await["configuration"].clone();
    settings["lanes"] = "peering".into();
    let function = "function transform(r) { r.value = { seen: r.schemaInfo.subject } }";
    settings["transformer"] = serde_json::json!({ "function": function });
    std::fs::write(&file, settings.to_string()).unwrap();
    let file = file.display().to_string();
    let _ = engine
        .cli(&["connector", "reconfigure", "to-auditors", "--file", &file])
        .await
        .done();
    register(&engine, "last", 5).await;
    let taken = receiver.has_taken(5).await;
    assert!(taken[4].header("webhook-signature").starts_with("v1,"));
    assert_eq!(taken[4].body["data"]["seen"], "NetworkRegistered");
    engine.stop().await;
}

#[tokio::test]
async fn of_two_servers_on_one_store_one_delivers_and_the_other_takes_over_when_it_is_killed() {
    let data = TempDir::new().unwrap();
    let place = NodePlace::new(&data.path().join("node"));
    let _node = place.start().await;
    let receiver = Receiver::start().await;
    let key = data.path().join("secrets.key");
    let key = key.display().to_string();
    let server = |name: &str| {
        let launch = Launch::new(&data.path().join(name)).store(&place.connection_string());
        launch
            .set("cloud.mode", "simulated")
            .set("secrets.key_file", &key)
    };
    // The first server's own keys are the others' too.
    let own = TempDir::new().unwrap();
    let alone = Launch::new(own.path()).own_store().start().await;
    alone.stop().await;
    std::fs::copy(own.path().join("secrets.key"), &key).unwrap();

    let mut one = server("one").start().await;
    connect(&one, &receiver).await;
    register(&one, "orders", 1).await;
    receiver.has_taken(1).await;
    let other = server("other").start().await;
    let holder = connector(&other).await;
    assert!(
        holder["host"].as_str().unwrap().contains(&one_port(&one)),
        "{holder:#}"
    );
    one.process.kill();
    register(&other, "search", 2).await;
    let taken = until("the other delivers", SOON * 2, async || {
        let taken = receiver.taken();
        (taken.len() >= 2).then_some(taken)
    })
    .await;
    assert_eq!(taken[1].body["network"]["name"], "default/search");
    let took_over = connector(&other).await;
    assert!(
        took_over["term"].as_str() > holder["term"].as_str(),
        "{took_over:#}"
    );
    other.stop().await;
}

#[tokio::test]
async fn a_holder_that_was_frozen_beyond_its_lease_lands_no_more_than_the_call_it_was_in() {
    let data = TempDir::new().unwrap();
    let place = NodePlace::new(&data.path().join("node"));
    let _node = place.start().await;
    let receiver = Receiver::start().await;
    let server = |name: &str| {
        let launch = Launch::new(&data.path().join(name)).store(&place.connection_string());
        launch.set("cloud.mode", "simulated")
    };
    let one = server("one").start().await;
    let other = server("other").start().await;
    let url = receiver.url();
    let line = [
        "connector",
        "create",
        "to-auditors",
        "--url",
        &url,
        "--allow-host",
        "127.0.0.1",
        "--from-earliest",
        "--unsigned",
        "--start",
    ];
    let _ = one.cli(&line).await.done();
    register(&one, "orders", 1).await;
    receiver.has_taken(1).await;
    let host = connector(&one).await["host"].as_str().unwrap().to_owned();
    let (frozen, awake) = if host.contains(&one_port(&one)) {
        (one, other)
    } else {
        (other, one)
    };
    frozen.process.signal("STOP");
    let begun = Instant::now();
    register(&awake, "search", 2).await;
    // A lease lasts 15 s and is asked for every 2.5 s.
    receiver.has_taken(2).await;
    let waited = begun.elapsed();
    assert!(waited < Duration::from_secs(25), "{waited:?}");
    let took_over = connector(&awake).await;
    assert!(
        took_over["host"]
            .as_str()
            .unwrap()
            .contains(&one_port(&awake)),
        "{took_over:#}"
    );

    let before = receiver.came.lock().len();
    frozen.process.signal("CONT");
    for number in 3..9 {
        register(&awake, &format!("network-{number}"), number).await;
    }
    receiver.has_taken(8).await;
    // It says of itself that it runs nothing.
    until("the one of before has given up", SOON, async || {
        let shown = connector(&frozen).await;
        shown["progress"].is_null().then_some(())
    })
    .await;
    let repeats = receiver.came.lock().len() - before - 6;
    assert!(repeats <= 1, "{repeats} calls of the one of before");
    awake.stop().await;
    frozen.stop().await;
}

fn one_port(engine: &Engine) -> String {
    let server = engine.server();
    server.rsplit(':').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn who_knows_kurrentdbs_connectors_knows_ours_and_sees_every_attempt_and_the_figures() {
    let data = TempDir::new().unwrap();
    let receiver = Receiver::start().await;
    let engine = Launch::new(data.path()).own_store().start().await;
    let port: u16 = one_port(&engine).parse().unwrap();
    let ask = async |verb: &str, path: &str, body: &str| {
        let (status, text) = http::ask(port, verb, path, body).await.unwrap();
        assert_eq!(status, 200, "{verb} {path}: {text}");
        text
    };
    let configuration = json!({
        "sink": { "type": "webhook", "url": receiver.url(), "allowed_hosts": ["127.0.0.1"] },
        "initial_position": "earliest",
    });
    let create = json!({ "name": "to the auditors", "configuration": configuration }).to_string();
    ask("POST", "/connectors/to-auditors", &create).await;
    // What was created a moment ago is listed.
    let listed = ask("GET", "/connectors?states=CONNECTOR_STATE_STOPPED", "").await;
    assert!(listed.contains("to the auditors"), "{listed}");

    let mut watch = peerage();
    watch.args(["connector", "watch", "--server", &engine.server()]);
    let watch = Running::start("the watch", &mut watch);
    let shows = async |what: &str| {
        until(&format!("the watch shows {what}"), SOON, async || {
            watch.output().contains(what).then_some(())
        })
        .await;
    };
    shows("to-auditors  stopped").await;
    receiver.answers(503);
    ask("POST", "/connectors/to-auditors/start", "").await;
    register(&engine, "orders", 1).await;
    let failed = ["connector", "deliveries", "to-auditors", "--failed"];
    let failed = until("the attempt is kept", SOON, async || {
        let kept = engine.json(&failed).await;
        kept.as_array()?.first().cloned()
    })
    .await;
    assert_eq!(
        (&failed["status"], &failed["body"]),
        (&json!(503), &json!("thanks"))
    );
    shows("next attempt").await;
    receiver.answers(200);
    ask("POST", "/connectors/to-auditors/retry-now", "").await;
    let taken = &receiver.has_taken(1).await[0];
    let event = taken.header("webhook-id");
    let about = [
        "connector",
        "deliveries",
        "to-auditors",
        "--event",
        &event,
        "--limit",
        "1",
    ];
    until("what was taken is kept too", SOON, async || {
        let kept = engine.json(&about).await;
        let last = kept.as_array()?.first()?.clone();
        (last["result"] == "DELIVERY_RESULT_DELIVERED").then_some(())
    })
    .await;
    shows("delivered 1").await;

    let figures = ask("GET", "/metrics", "").await;
    let of = r#"{connector="to-auditors",kind="webhook"}"#;
    for line in [
        "peerage_connector_active_total 1".to_owned(),
        format!("peerage_sink_written_total_records{of} 1"),
        format!("peerage_sink_write_latency_s_count{of} 1"),
        r#"peerage_connector_state{connector="to-auditors",kind="webhook",state="running"} 1"#
            .to_owned(),
    ] {
        assert!(figures.lines().any(|it| it == line), "{line}: {figures}");
    }
    assert!(figures.ends_with("# EOF\n"), "{figures}");

    let ended = [
        ("POST", "/connectors/to-auditors/stop"),
        ("POST", "/connectors/to-auditors/reset/0"),
        ("DELETE", "/connectors/to-auditors"),
    ];
    for (verb, path) in ended {
        until(path, SOON, async || {
            let (status, _) = http::ask(port, verb, path, "").await?;
            (status == 200).then_some(())
        })
        .await;
    }
    shows("to-auditors  deleted").await;
    let figures = ask("GET", "/metrics", "").await;
    assert!(!figures.contains("to-auditors"), "{figures}");
    drop(watch);
    engine.stop().await;
}
