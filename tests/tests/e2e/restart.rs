//! Killed between any two events of a peering's life, started again: the same peering comes of it,
//! and nothing else.
//!
//! The store stands outside of the engine and lets so many appends through and no more
//! ([`StoreProxy`]), so each run stops at an exact place, with everything done that comes before
//! the next event. Every place is visited.

use crate::support::SOON;
use crate::support::api::{Api, assert_valid};
use crate::support::world::{Pair, Story, World};
use embedded::EmbeddedNode;
use peerage::api::v1::{Event, PeeringState};
use peerage_tests::engine::{Engine, Launch};
use peerage_tests::store_proxy::{Stop, StoreProxy};
use peerage_tests::wait;
use std::collections::BTreeSet;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How many runs go on at once: each is mostly waiting for the emulator.
const AT_ONCE: usize = 4;

/// One run: a pair of networks, and a store of its own.
struct Run {
    world: Arc<World>,
    pair: Pair,
    story: Story,
    node: EmbeddedNode,
    data: TempDir,
    stop: Stop,
}

impl Run {
    async fn new(world: Arc<World>, pair: Pair, stop: Stop) -> Self {
        let node = EmbeddedNode::builder().in_memory().start().await.unwrap();
        let story = pair.commands();
        Self {
            world,
            pair,
            story,
            node,
            data: TempDir::new().unwrap(),
            stop,
        }
    }

    fn launch(&self, store: &str) -> Launch {
        Launch::new(self.data.path())
            .store(store)
            .aws(&self.world.moto.endpoint())
    }

    /// Lets the engine come as far as it may, kills it, starts it again on the whole store, and
    /// judges what is there then. Answers how many appends were answered before the kill, and the
    /// history.
    async fn go(self) -> (u64, Vec<Event>) {
        let proxy = StoreProxy::start(&self.node.address().to_string(), self.stop).await;
        let mut engine = self
            .launch(&proxy.connection_string())
            .set("api.command_deadline", "1s")
            .start()
            .await;
        let api = Api::connect(&engine.server()).await;
        let unanswered = self.as_far_as_it_goes(&api, &proxy).await;
        let answered = proxy.progress().answered;
        engine.process.kill();
        drop(proxy);

        let engine = self.launch(&self.node.connection_string()).start().await;
        let history = self.again(&engine, unanswered).await;
        self.world.judge(&self.pair, &self.story.owner());
        engine.stop().await;
        (answered, history)
    }

    /// Sends the commands until one is not answered or all are, then waits until the engine hangs
    /// at the stop or has finished. Answers the number of the first command without an answer.
    async fn as_far_as_it_goes(&self, api: &Api, proxy: &StoreProxy) -> usize {
        let mut sent = 0;
        for command in &self.story.commands {
            // On a busy machine a command can run out of time before it comes to its append: then
            // it is sent again.
            let answered = wait::until("an answer, or the stop", SOON, || async {
                match api.send(command).await {
                    Ok(_) => Some(true),
                    Err(status) => {
                        assert_eq!(status.code(), tonic::Code::Unavailable, "{status:?}");
                        proxy.progress().held.then_some(false)
                    }
                }
            });
            if !answered.await {
                break;
            }
            sent += 1;
        }
        wait::until("the stop, or the end", SOON, || async {
            let over = sent == self.story.commands.len()
                && api
                    .peering(&self.story.peering_id, "")
                    .await
                    .is_ok_and(|it| it.converged);
            (proxy.progress().held || over).then_some(())
        })
        .await;
        sent
    }

    /// Sends again what was not answered, with the same ids, and everything else once more as well:
    /// that changes nothing.
    async fn again(&self, engine: &Engine, unanswered: usize) -> Vec<Event> {
        let api = Api::connect(&engine.server()).await;
        for (index, command) in self.story.commands.iter().enumerate() {
            let answer = api.done(command).await;
            assert!(
                answer.repeated || index >= unanswered,
                "answered before the crash, and forgotten: {command:?}"
            );
        }
        let peering = api.converged(&self.story.peering_id).await;
        assert_eq!(peering.state(), PeeringState::Active);
        let history = api.history(&self.story.network_id).await;
        assert_valid(&history);
        history
    }
}

/// What a history says, whoever was killed in between: each event type, by what it is about. A
/// killed attempt may be counted.
fn gist(history: &[Event]) -> BTreeSet<(String, String)> {
    let about = |event: &Event| {
        let data: serde_json::Value = crate::support::api::data(event);
        let side = data["side"].as_str().unwrap_or_default();
        format!(
            "{side} {}",
            data["destination"].as_str().unwrap_or_default()
        )
    };
    history
        .iter()
        .map(|event| (event.r#type.clone(), about(event)))
        .collect()
}

/// Every place at which a life of this many appends can be cut, in both ways.
async fn cut_everywhere(cut: fn(u64) -> Stop, name: &'static str) {
    let world = Arc::new(World::new().await);
    // The whole life first: it says how many appends there are.
    let whole = Run::new(Arc::clone(&world), world.pair(), Stop::Never).await;
    let (appends, reference) = whole.go().await;
    assert!(appends > 10, "a whole life has more than {appends} appends");
    let reference = gist(&reference);
    // Commands and the worker's findings may interleave otherwise than in the first run: two more
    // at the end.
    let places: Vec<u64> = (0..appends + 2).collect();
    let pairs = world.pairs(places.len() + 1).split_off(1);
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut runs = JoinSet::new();
    for (place, pair) in places.iter().copied().zip(pairs) {
        let (world, turns) = (Arc::clone(&world), Arc::clone(&turns));
        runs.spawn(async move {
            let _turn = turns.acquire_owned().await.unwrap();
            eprintln!(
                "{name}: {place} of about {appends}, account {}",
                pair.local.place.account
            );
            let run = Run::new(world, pair, cut(place)).await;
            (place, run.go().await)
        });
    }
    while let Some(run) = runs.join_next().await {
        let (place, (answered, history)) = run.unwrap();
        assert!(
            answered <= place,
            "{name}: stopped after {place}, but {answered} were answered"
        );
        assert_eq!(gist(&history), reference, "{name} {place}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_before_any_append_of_a_peerings_life_the_engine_finishes_it_exactly_once() {
    cut_everywhere(Stop::BeforeNext, "before append").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_any_append_whose_answer_never_came_the_engine_finishes_it_exactly_once() {
    cut_everywhere(Stop::AfterNext, "after append").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_with_its_own_store_on_disk_the_engine_comes_back_with_everything() {
    let world = World::new().await;
    // How many events of the peering's history are told before the kill.
    for (events, pair) in [2, 6, 9, 13].into_iter().zip(world.pairs(4)) {
        let (data, story) = (TempDir::new().unwrap(), pair.commands());
        let launch = Launch::new(data.path()).aws(&world.moto.endpoint());
        let mut engine = launch.start().await;
        let api = Api::connect(&engine.server()).await;
        for command in &story.commands {
            api.done(command).await;
        }
        wait::until("so many events", SOON, || async {
            (api.history(&story.network_id).await.len() >= events).then_some(())
        })
        .await;
        engine.process.kill();

        let engine = launch.start().await;
        let api = Api::connect(&engine.server()).await;
        for command in &story.commands {
            assert!(
                api.done(command).await.repeated,
                "kept through the kill: {command:?}"
            );
        }
        api.converged(&story.peering_id).await;
        assert_valid(&api.history(&story.network_id).await);
        world.judge(&pair, &story.owner());
        engine.stop().await;
    }
}
