//! The whole life of a peering at the stand-ins of Google Cloud and Azure: the engine's own
//! clients, over HTTP, against servers that recordings and the field's own clients have judged.
//!
//! A scenario is written once and is told at both, over a good wire and over a bad one: every
//! second change and every seventh read meets with something ([`testkit::wire`]). After each call
//! of the engine it is asked whether anything lets the private network into the peer, or the peer
//! into the private network, that nobody declared; it never may.
//!
//! Time is the machine's own here, and what a deadline is about is moved by hand.
#![allow(clippy::unwrap_used)]

/// Makes a test of each of these scenarios in each world.
macro_rules! in_every_world {
    ($($scenario:ident),+ $(,)?) => {
        in_world!(at_google_cloud, Google, Good: $($scenario),+);
        in_world!(at_google_cloud_over_a_bad_wire, Google, Bad: $($scenario),+);
        in_world!(at_azure, Azure, Good: $($scenario),+);
        in_world!(at_azure_over_a_bad_wire, Azure, Bad: $($scenario),+);
    };
}

/// The same in one world.
macro_rules! in_world {
    ($module:ident, $world:ident, $quality:ident: $($scenario:ident),+ $(,)?) => {
        mod $module {
            use crate::provisioner::tests::stand_ins::{Life, Quality, Which};
            $(
                #[tokio::test]
                async fn $scenario() {
                    super::$scenario(Life::at(Which::$world, Quality::$quality).await).await;
                }
            )+
        }
    };
}

mod azure;
mod consent;
mod cost;
mod crashes;
mod drift;
mod ends;
mod engines;
mod firewall;
mod google;
mod making;
mod options;
mod refusals;
mod roles;
mod trouble;
mod world;

use crate::provisioner::{
    context::{Pass, Wake},
    memories::Memories,
    quotas::QuotasTold,
    reason::{Reason, Reasons},
    settings::ProvisionerSettings,
    testing::{CLIENTS, Fuse, Fused, Log},
    turns::Turns,
};
use ::cloud::{
    AccountRegion, ClientPolicy, Cloud, CloudError, Layer, Operation, RateLimited, half_name,
};
use chrono::{DateTime, Utc};
use domain::{
    Provider, ServedClouds, Side,
    network::{
        BlockCause, Consent, NetworkCommand, Peer, Peering, RemovePeering, RequestPeering, Terms,
    },
};
use journal::Clock;
use parking_lot::Mutex;
use std::{
    collections::BTreeSet,
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;
use world::World;

/// Which stand-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Google,
    Azure,
    /// Azure, where a group stands before a subnet and another before interfaces alone.
    AzureAtInterfaces,
}

/// What the wire is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quality {
    Good,
    Bad,
}

/// How long anything may take: far longer than it does.
const BOUND: Duration = Duration::from_secs(60);

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ran {
    /// As was waited for.
    Done,
    /// At the fuse.
    Crashed,
}

/// One engine, its log and the world that it works in.
struct Life {
    world: Arc<dyn World>,
    clock: Clock,
    /// How far the clock is ahead of the machine's.
    ahead: Arc<Mutex<Duration>>,
    log: Log,
    memories: Memories,
    quotas: QuotasTold,
    cloud: Arc<dyn Cloud>,
    /// What let somebody in, after which call.
    seen: Arc<Mutex<BTreeSet<String>>>,
    /// The sides whose firewall is the engine's to keep.
    kept: Vec<Side>,
}

/// Asks after each call whether anything lets anybody in.
#[derive(Debug)]
struct Watched {
    cloud: Arc<dyn Cloud>,
    world: Arc<dyn World>,
    seen: Arc<Mutex<BTreeSet<String>>>,
    kept: Vec<Side>,
}

impl Watched {
    fn look(&self, after: Operation) {
        for side in &self.kept {
            for what in self.world.lets_in(*side) {
                let line = format!("{what} lets into {side} after {after}");
                self.seen.lock().insert(line);
            }
        }
    }
}

impl Layer for Watched {
    fn inner(&self) -> &dyn Cloud {
        &*self.cloud
    }

    async fn call<O, F>(
        &self,
        operation: Operation,
        _: &AccountRegion,
        once: impl Fn() -> F + Send + Sync,
    ) -> Result<O, CloudError>
    where
        F: Future<Output = Result<O, CloudError>> + Send,
        O: Send,
    {
        let done = once().await;
        self.look(operation);
        done
    }
}

/// The patience of an engine that has none to lose: what is minutes elsewhere is a blink here.
fn settings() -> ProvisionerSettings {
    let often = NonZeroU32::new(10_000).unwrap();
    ProvisionerSettings {
        visibility_window: Duration::from_millis(400),
        settle_window: Duration::from_millis(100),
        drift_interval: Duration::from_secs(3600),
        repair_pause: Duration::from_millis(20),
        first_poll: Duration::from_millis(2),
        longest_poll: Duration::from_millis(40),
        first_backoff: Duration::from_millis(10),
        longest_backoff: Duration::from_millis(80),
        refusal_pause: Duration::from_millis(100),
        block_patience: Duration::from_millis(500),
        calls: ClientPolicy {
            reads: often,
            writes: often,
            deadline: Duration::from_secs(10),
            first_pause: Duration::from_millis(5),
            longest_pause: Duration::from_millis(50),
            ..ClientPolicy::default()
        },
        ..ProvisionerSettings::default()
    }
}

impl Life {
    /// A peering that was asked for a moment ago.
    async fn at(which: Which, quality: Quality) -> Self {
        let world: Arc<dyn World> = match which {
            Which::Google => Arc::new(google::Google::start().await),
            Which::Azure => Arc::new(azure::Azure::start().await),
            Which::AzureAtInterfaces => Arc::new(azure::Azure::start().await.with_cards()),
        };
        if quality == Quality::Bad {
            world.wire().goes_bad(0);
        }
        Self::in_world(world)
    }

    fn in_world(world: Arc<dyn World>) -> Self {
        let (ahead, began) = (Arc::new(Mutex::new(Duration::ZERO)), Instant::now());
        let start = DateTime::<Utc>::from_timestamp(1_790_000_000, 0).unwrap();
        let told = Arc::clone(&ahead);
        let clock: Clock = Arc::new(move || start + began.elapsed() + *told.lock());
        let cloud = world.cloud();
        let log = log((0, CLIENTS), &*world, &cloud, &clock, Into::into);
        Self {
            world,
            clock,
            ahead,
            log,
            memories: Memories::default(),
            quotas: QuotasTold::default(),
            cloud,
            seen: Arc::default(),
            kept: Side::BOTH.to_vec(),
        }
    }

    /// Another engine in the same world, with a log of its own: of the same private network, and
    /// this peer of it.
    fn beside(&self, number: usize, peer: Option<&Peer>) -> Self {
        let cloud = self.world.cloud();
        let clients = peer.map_or(CLIENTS.to_owned(), |it| it.ranges[0].to_string());
        let ask = |mut request: RequestPeering| {
            request.peer = peer.unwrap_or(&request.peer).clone();
            request.into()
        };
        let log = log((number, &clients), &*self.world, &cloud, &self.clock, ask);
        Self {
            world: Arc::clone(&self.world),
            clock: Arc::clone(&self.clock),
            ahead: Arc::clone(&self.ahead),
            log,
            memories: Memories::default(),
            quotas: QuotasTold::default(),
            cloud,
            seen: Arc::clone(&self.seen),
            kept: self.kept.clone(),
        }
    }

    /// The same, asked for in another way.
    fn asked(mut self, ask: impl Fn(RequestPeering) -> NetworkCommand) -> Self {
        self.log = log((0, CLIENTS), &*self.world, &self.cloud, &self.clock, ask);
        self
    }

    /// The same, where the peer's people keep their side.
    fn with_consent(self, consent: Consent) -> Self {
        self.with_terms(&Terms {
            consent,
            ..Terms::default()
        })
    }

    fn with_terms(self, terms: &Terms) -> Self {
        let terms = terms.clone();
        let kept = if terms.consent == Consent::Owner {
            vec![Side::Local]
        } else {
            Side::BOTH.to_vec()
        };
        Self { kept, ..self }.asked(move |request| {
            let terms = terms.clone();
            RequestPeering { terms, ..request }.into()
        })
    }

    /// The process ends and another begins.
    fn restarts(&mut self) {
        self.memories = Memories::default();
        self.quotas = QuotasTold::default();
        self.cloud = self.world.cloud();
    }

    /// So much time goes by.
    fn passes(&mut self, time: Duration) {
        *self.ahead.lock() += time;
        self.memories = Memories::default();
    }

    /// Works until nothing is left to do that is asked for, or until this holds.
    async fn run(&mut self, what: &str, fuse: Fuse, holds: impl Fn(&Peering) -> bool) -> Ran {
        let watched = Watched {
            cloud: Arc::clone(&self.cloud),
            world: Arc::clone(&self.world),
            seen: Arc::clone(&self.seen),
            kept: self.kept.clone(),
        };
        let settings = settings();
        let fused = Fused(watched, fuse.clone());
        let limited = RateLimited::new(Arc::new(fused), settings.calls.clone());
        let log = Fused(self.log.clone(), fuse.clone());
        let (graph, turns) = (parking_lot::RwLock::default(), Turns::default());
        let stop = CancellationToken::new();
        let work = async {
            loop {
                let wake = Wake::by(Reasons::from(Reason::Clock));
                let pass = Pass {
                    cloud: &limited,
                    express: &limited,
                    inquiries: &limited,
                    log: &log,
                    clock: &self.clock,
                    settings: &settings,
                    graph: &graph,
                    turns: &turns,
                    quotas: &self.quotas,
                    stop: &stop,
                    rest: &Default::default(),
                    wake: &wake,
                };
                let due = pass.run(&mut self.memories).await.unwrap();
                if holds(&self.log.peering()) {
                    return;
                }
                // Nothing is due by itself: somebody looks.
                let settled = self.memories.values().all(|memory| memory.settled);
                match due.filter(|_| !settled) {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => {
                        self.memories = Memories::default();
                        testkit::wait::elapse(Duration::from_millis(5)).await;
                    }
                }
            }
        };
        tokio::select! {
            biased;
            () = fuse.blown() => Ran::Crashed,
            ended = tokio::time::timeout(BOUND, work) => match ended {
                Ok(()) => Ran::Done,
                Err(_) => panic!(
                    "{what}: not within {BOUND:?}: {}, {:#?}\n{:?}",
                    self.log.peering().life.as_str(),
                    self.log.peering().blocked,
                    self.log.names(0)
                ),
            },
        }
    }

    /// Works until this holds.
    async fn until(&mut self, what: &str, holds: impl Fn(&Peering) -> bool) {
        assert_eq!(self.run(what, Fuse::never(), holds).await, Ran::Done);
        self.nobody_got_in();
    }

    /// Works until everything is as it was asked for.
    async fn converges(&mut self) {
        let settled = |it: &Peering| it.is_converged();
        self.until("in place", settled).await;
        assert_eq!(self.log.peering().blocked, None);
    }

    /// Works until this is on record as what stops it, on this side.
    async fn blocks(&mut self, cause: BlockCause, side: Side) {
        let is_it = |it: &Peering| {
            let blocked = it.blocked.as_ref();
            blocked.is_some_and(|it| (it.cause, it.side) == (cause, side))
        };
        self.until(&format!("blocked by {cause:?} at {side}"), is_it)
            .await;
        let blocked = self.log.peering().blocked.unwrap();
        assert!(!blocked.message.is_empty() && !blocked.remedy.is_empty());
    }

    /// Works until the peering has ended in this life.
    async fn ends_as(&mut self, life: &str) {
        let has_ended = |it: &Peering| !it.life.is_live();
        self.until("over", has_ended).await;
        let ended = self.log.peering().life;
        assert_eq!(ended.as_str(), life, "{:?}", self.log.names(0));
    }

    /// Looks at everything anew, and works until everything is as it was asked for.
    async fn looks_again(&mut self) {
        self.memories = Memories::default();
        self.converges().await;
    }

    /// Nothing of what was seen after any call let anybody in whom nobody let in.
    fn nobody_got_in(&self) {
        assert_eq!(*self.seen.lock(), BTreeSet::new());
    }

    /// From now on people let others in, and that is theirs to answer for.
    fn forget_who_got_in(&self) {
        self.seen.lock().clear();
    }

    fn says(&self, command: impl Into<NetworkCommand>) {
        self.log.execute(&command.into()).unwrap();
    }

    fn removes(&self) {
        self.says(RemovePeering {
            peering_id: self.log.peering().id,
            reason: "no longer needed".parse().unwrap(),
        });
    }

    fn count(&self, event: &str) -> usize {
        let names = self.log.names(0);
        names.into_iter().filter(|it| *it == event).count()
    }

    fn provider(&self) -> Provider {
        self.world.provider()
    }

    /// The name that the halves have.
    fn name(&self) -> String {
        let name = half_name(self.log.peering().id, 0).unwrap();
        name.to_string()
    }

    fn names_on(&self, side: Side) -> Vec<String> {
        let halves = self.world.halves(side).into_iter();
        halves.map(|it| it.name).collect()
    }

    /// There is one half on each side, and it is the engine's.
    fn is_joined_once(&self, when: &str) {
        for side in Side::BOTH {
            assert_eq!(self.names_on(side), [self.name()], "{when}, {side}");
        }
    }

    /// Nothing of the engine's is left on either side.
    fn is_clean(&self, when: &str) {
        for side in Side::BOTH {
            assert_eq!(self.names_on(side), [""; 0], "{when}, {side}");
            assert_eq!(self.world.rules(side), BTreeSet::new(), "{when}, {side}");
        }
    }
}

fn log(
    (engine, clients): (usize, &str),
    world: &dyn World,
    cloud: &Arc<dyn Cloud>,
    clock: &Clock,
    ask: impl Fn(RequestPeering) -> NetworkCommand,
) -> Log {
    let provider = world.provider();
    let served: ServedClouds = [(provider, cloud.mode(provider).unwrap())]
        .into_iter()
        .collect();
    Log::of_engine((engine, clients), (provider, served), clock, ask)
}
