//! The event store goes away while `serve` runs: killed, frozen, stopped in good order. Commands
//! say so in time, nothing is lost or there twice, everything goes on by itself when it is back,
//! and nobody spins meanwhile.

use crate::support::SOON;
use crate::support::api::{self, Api, Command, assert_valid, reason};
use peerage::api::v1::CommandResponse;
use peerage_tests::engine::{Engine, Launch, finish};
use peerage_tests::node::NodePlace;
use peerage_tests::process::Running;
use peerage_tests::wait;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tonic::Code;

/// The deadline that the engine is given for a command.
const DEADLINE: Duration = Duration::from_secs(1);

/// What a busy machine may add to it.
const SLACK: Duration = Duration::from_secs(9);

/// The share of one processor below which a process that waits is called idle.
const IDLE: f64 = 0.10;

/// For how long it is looked at.
const LOOKED_AT: Duration = Duration::from_secs(3);

/// An engine on a store of its own process.
struct Site {
    folder: TempDir,
    place: NodePlace,
    node: Running,
    engine: Engine,
    api: Api,
    network: String,
}

impl Site {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let place = NodePlace::new(&folder.path().join("events"));
        let node = place.start().await;
        let engine = launch(&folder, &place).start().await;
        let api = Api::connect(&engine.server()).await;
        let registered = api.done(&Command::Register(api::register())).await;
        let network = registered.network_id;
        // The read models have it too before anything happens to the store.
        api.network(&network, &registered.position).await.unwrap();
        Self {
            folder,
            place,
            node,
            engine,
            api,
            network,
        }
    }

    /// Three kinds of commands while the store is away: each gets UNAVAILABLE, in time.
    async fn assert_unavailable(&self, commands: &[Command]) {
        for command in commands {
            let sent = Instant::now();
            let status = self.api.send(command).await.expect_err("the store is away");
            assert_eq!(
                reason(&status),
                (Code::Unavailable, "EVENT_STORE_UNAVAILABLE".to_owned()),
                "{status:?}"
            );
            assert!(
                sent.elapsed() < DEADLINE + SLACK,
                "answered after {:?}",
                sent.elapsed()
            );
        }
    }

    /// What can be read from the read models is still answered.
    async fn assert_reads_go_on(&self) {
        assert_eq!(
            self.api.network(&self.network, "").await.unwrap().name,
            "orders"
        );
    }

    async fn assert_idle(&self) {
        let before = self.engine.process.processor_time();
        wait::elapse(LOOKED_AT).await;
        let used = self.engine.process.processor_time() - before;
        assert!(
            used < LOOKED_AT.mul_f64(IDLE),
            "{used:?} of processor time in {LOOKED_AT:?}\n{}",
            self.engine.process.output()
        );
    }

    /// The same command, with its own id, until the store is back.
    async fn retried(&self, command: &Command) -> CommandResponse {
        wait::until("a store that is back", SOON, || async {
            match self.api.send(command).await {
                Ok(answer) => Some(answer),
                Err(status) => {
                    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
                    None
                }
            }
        })
        .await
    }

    /// After the outage: what was sent in it is there once, a new peering gets in place by itself,
    /// and another start finds the same.
    async fn assert_whole(self, sent: &[Command]) {
        for command in sent {
            let first = self.retried(command).await;
            let again = self.api.done(command).await;
            assert!(again.repeated, "{again:?}");
            assert_eq!(
                (again.revision, &again.peering_id, &again.event_types),
                (first.revision, &first.peering_id, &first.event_types)
            );
            self.api.converged(&first.peering_id).await;
        }
        let after = self
            .api
            .done(&Command::Request(api::request(&self.network, 99)))
            .await;
        self.api.converged(&after.peering_id).await;
        let history = self.api.history(&self.network).await;
        assert_valid(&history);
        let requested = history
            .iter()
            .filter(|it| it.r#type == "PeeringRequested")
            .count();
        assert_eq!(requested, sent.len() + 1, "{history:#?}");
        self.engine.stop().await;

        let engine = launch(&self.folder, &self.place).start().await;
        let api = Api::connect(&engine.server()).await;
        for command in sent {
            assert!(api.done(command).await.repeated);
        }
        assert_eq!(api.history(&self.network).await, history);
    }
}

fn launch(folder: &TempDir, place: &NodePlace) -> Launch {
    let deadline = format!("{}ms", DEADLINE.as_millis());
    Launch::new(&folder.path().join("engine"))
        .store(&place.connection_string())
        .set("api.command_deadline", &deadline)
}

fn requests(site: &Site, numbers: std::ops::Range<u8>) -> Vec<Command> {
    numbers
        .map(|number| Command::Request(api::request(&site.network, number)))
        .collect()
}

#[tokio::test]
async fn a_store_that_is_killed_is_waited_for_idly_and_nothing_is_lost_or_doubled() {
    let mut site = Site::new().await;
    let sent = requests(&site, 30..33);
    site.node.kill();
    site.assert_unavailable(&sent).await;
    site.assert_reads_go_on().await;
    site.assert_idle().await;
    site.node = site.place.start().await;
    site.assert_whole(&sent).await;
}

#[tokio::test]
async fn a_store_that_freezes_is_waited_for_idly_and_nothing_is_lost_or_doubled() {
    let site = Site::new().await;
    let sent = requests(&site, 30..33);
    site.node.signal("STOP");
    site.assert_unavailable(&sent).await;
    site.assert_reads_go_on().await;
    site.assert_idle().await;
    site.node.signal("CONT");
    site.assert_whole(&sent).await;
}

#[tokio::test]
async fn a_store_that_stops_in_good_order_is_waited_for_idly_and_nothing_is_lost_or_doubled() {
    let mut site = Site::new().await;
    let sent = requests(&site, 30..33);
    site.node.signal("TERM");
    let status = site.node.finished(Duration::from_secs(30)).await;
    assert_eq!(status.code(), Some(0), "{}", site.node.output());
    site.assert_unavailable(&sent).await;
    site.assert_reads_go_on().await;
    site.assert_idle().await;
    site.node = site.place.start().await;
    site.assert_whole(&sent).await;
}

#[tokio::test]
async fn a_store_that_goes_away_in_the_middle_of_the_work_is_gone_on_with_when_it_is_back() {
    let mut site = Site::new().await;
    let sent = requests(&site, 30..38);
    for command in &sent {
        site.api.done(command).await;
    }
    // The worker is in the middle of eight peerings now.
    site.node.kill();
    site.node = site.place.start().await;
    site.node.signal("STOP");
    site.assert_unavailable(&requests(&site, 60..61)).await;
    site.node.signal("CONT");
    for command in &sent {
        let again = site.retried(command).await;
        assert!(again.repeated, "answered before the outage: {again:?}");
        site.api.converged(&again.peering_id).await;
    }
    let history = site.api.history(&site.network).await;
    assert_valid(&history);
    let activated = history
        .iter()
        .filter(|it| it.r#type == "PeeringActivated")
        .count();
    assert!(activated >= sent.len(), "{history:#?}");
    site.engine.stop().await;
}

#[tokio::test]
async fn an_engine_with_nothing_to_do_is_idle() {
    let site = Site::new().await;
    let peering = site
        .api
        .done(&Command::Request(api::request(&site.network, 30)))
        .await
        .peering_id;
    site.api.converged(&peering).await;
    site.assert_idle().await;
}

#[tokio::test]
async fn a_store_that_cannot_be_reached_at_start_is_retried_with_a_log_line_and_then_given_up() {
    let folder = TempDir::new().unwrap();
    let place = NodePlace::new(&folder.path().join("events"));
    let finished = finish(
        launch(&folder, &place)
            .set("store.startup_timeout", "2s")
            .command(),
    )
    .await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(
        finished.stderr.contains("the event store does not answer"),
        "{}",
        finished.stderr
    );
    let errors: Vec<_> = finished
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    assert_eq!(errors.len(), 1, "{}", finished.stderr);
    assert!(
        errors[0].contains("did not answer within 2s")
            && errors[0].contains(&place.connection_string()),
        "{}",
        errors[0]
    );
}

#[tokio::test]
async fn a_store_that_comes_up_late_is_waited_for_at_start() {
    let folder = TempDir::new().unwrap();
    let place = NodePlace::new(&folder.path().join("events"));
    let mut engine = launch(&folder, &place).spawn();
    wait::until("a log line about the missing store", SOON, || async {
        engine
            .process
            .output()
            .contains("the event store does not answer")
            .then_some(())
    })
    .await;
    let _node = place.start().await;
    let server = engine.server();
    engine
        .process
        .until_ready(SOON, || peerage_tests::engine::serves(server.clone()))
        .await;
    let api = Api::connect(&engine.server()).await;
    api.done(&Command::Register(api::register())).await;
}
