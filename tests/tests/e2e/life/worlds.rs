//! The worlds that a life is lived in, and who judges them.
//!
//! Starting a world takes longer than a scenario in it, so whoever needs one while there is one
//! shares it, with accounts of his own; the last one ends it. So nothing here may be changed by one
//! test in a way that another could notice.

use super::emulated::Emulated;
use super::host::{Here, Host};
use super::people::People;
use super::simulated::{Simulated, bad_day};
use crate::support::world::{Pair, pairs};
use cloud::Operation;
use peerage_tests::engine::Launch;
use peerage_tests::oracle::Oracle;
use peerage_tests::strict::{Call, Strict};
use simulated::{SimulatedCloud, SimulatedSettings};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::Mutex;

/// What the engine works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum World {
    /// The bare emulator.
    Bare,
    /// The strict EC2, in front of the emulator.
    Strict,
    /// The strict EC2, behind a wire that throttles reads and loses answers.
    Faulty,
    /// The simulated cloud, on a bad day.
    Simulated,
}

/// A change that can be denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    MakeGroup,
    DeleteRoute,
}

impl Change {
    fn action(self) -> &'static str {
        match self {
            Self::MakeGroup => "CreateSecurityGroup",
            Self::DeleteRoute => "DeleteRoute",
        }
    }

    fn operation(self) -> Operation {
        match self {
            Self::MakeGroup => Operation::CreateGroup,
            Self::DeleteRoute => Operation::RemoveRoute,
        }
    }
}

/// A running world.
#[derive(Debug)]
pub(super) struct RunningWorld {
    cloud: Cloud,
    /// How many links a network may have, as the engine is told beforehand; a simulated cloud knows
    /// by itself.
    links: Option<usize>,
}

/// AWS's own quota.
const LINKS: usize = 50;

#[derive(Debug)]
enum Cloud {
    Emulated(Box<Emulated>),
    Simulated(Simulated),
}

static SHARED: [Mutex<Weak<RunningWorld>>; 3] = [const { Mutex::const_new(Weak::new()) }; 3];

/// Who judges simulated worlds. Such a world belongs to one test: it costs nothing, and what
/// happens in it depends on its seed.
static JUDGE: Mutex<Weak<Oracle>> = Mutex::const_new(Weak::new());

/// Accounts are never used twice, not even by two runs on one store.
static NUMBERS: LazyLock<AtomicUsize> = LazyLock::new(|| {
    let run =
        testkit::store::from_environment().map(|_| SystemTime::now().duration_since(UNIX_EPOCH));
    let run = run.map_or(0, |it| it.unwrap_or_default().as_secs() / 10 % 9_000);
    AtomicUsize::new(1 + 100 * usize::try_from(run).unwrap())
});

impl RunningWorld {
    /// The world of this kind that is shared, where one is.
    pub(super) async fn of(world: World) -> Arc<Self> {
        let Some(shared) = SHARED.get(world as usize) else {
            return Arc::new(Self::start(world).await);
        };
        let mut shared = shared.lock().await;
        if let Some(running) = shared.upgrade() {
            return running;
        }
        let running = Arc::new(Self::start(world).await);
        *shared = Arc::downgrade(&running);
        running
    }

    /// One that nobody else is in: for tests that change its rules.
    pub(super) async fn start(world: World) -> Self {
        match world {
            World::Bare | World::Strict | World::Faulty => Self {
                cloud: Cloud::Emulated(Box::new(Emulated::start(world).await)),
                links: Some(LINKS),
            },
            World::Simulated => Self::simulated(bad_day(seed())).await,
        }
    }

    /// One that nobody else is in, where no network may have more than one link.
    pub(super) async fn with_room_for_one(world: World) -> Arc<Self> {
        let mut running = match world {
            World::Bare | World::Strict | World::Faulty => Self::start(world).await,
            World::Simulated => {
                Self::simulated(SimulatedSettings {
                    live_links: 1,
                    ..bad_day(seed())
                })
                .await
            }
        };
        running.links = Some(1);
        if let Some(strict) = running.emulated().and_then(|it| it.strict.as_ref()) {
            strict.set("active_per_vpc", 1).await;
        }
        Arc::new(running)
    }

    /// A strict EC2 that nobody else is in, where no network may have more than one link: it tells
    /// that, and nobody else does.
    pub(super) async fn telling_of_room_for_one() -> Arc<Self> {
        let mut running = Self::start(World::Strict).await;
        running.links = None;
        running.strict().set("active_per_vpc", 1).await;
        running.strict().set("tells_quotas", 1).await;
        Arc::new(running)
    }

    /// A simulated cloud of this temper.
    async fn simulated(settings: SimulatedSettings) -> Self {
        println!(
            "the simulated cloud's seed: PEERAGE_TEST_SEED={}",
            settings.seed
        );
        let cloud = SimulatedCloud::new(settings, Arc::new(chrono::Utc::now));
        Self {
            cloud: Cloud::Simulated(Simulated::new(cloud, judge().await)),
            links: Some(LINKS),
        }
    }

    /// An engine on this cloud, which is told what it can know of it: that the strict one honours
    /// dry runs.
    pub(super) fn launch(&self, data: &std::path::Path) -> Launch {
        let launch = Launch::new(data).set("provisioner.retry_ceiling", "200ms");
        let launch = match self.links {
            Some(links) => launch.set("cloud.aws.links_per_network", &links.to_string()),
            None => launch,
        };
        match &self.cloud {
            Cloud::Emulated(cloud) if cloud.strict.is_some() => launch
                .aws(&cloud.endpoint())
                .set("cloud.aws.dry_run", "true"),
            Cloud::Emulated(cloud) => launch.aws(&cloud.endpoint()),
            // What is waited for takes less than a look at an emulator.
            Cloud::Simulated(_) => launch
                .set("provisioner.poll_interval", "100ms")
                .set("provisioner.retry_ceiling", "100ms"),
        }
    }

    /// Starts it.
    pub(super) async fn host(&self, launch: &Launch) -> Host {
        match &self.cloud {
            Cloud::Emulated(_) => Host::Process(launch.start().await),
            Cloud::Simulated(simulated) => {
                Host::Here(Box::new(Here::start(launch, &simulated.cloud).await))
            }
        }
    }

    /// What people do here and see.
    pub(super) fn people(&self) -> &dyn People {
        match &self.cloud {
            Cloud::Emulated(cloud) => &cloud.people,
            Cloud::Simulated(simulated) => simulated,
        }
    }

    /// Two networks in accounts of their own.
    pub(super) fn pair(&self) -> Pair {
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        pairs(
            |networks| self.people().prepare(networks),
            number..number + 1,
        )
        .remove(0)
    }

    fn emulated(&self) -> Option<&Emulated> {
        match &self.cloud {
            Cloud::Emulated(cloud) => Some(cloud),
            Cloud::Simulated(_) => None,
        }
    }

    /// The strict EC2 itself, for tests that have one.
    pub(super) fn strict(&self) -> &Strict {
        self.emulated()
            .and_then(|it| it.strict.as_ref())
            .expect("a strict world")
    }

    /// From now on this account is refused this change, where permissions count.
    pub(super) async fn deny(&self, account: &str, change: Change) {
        match &self.cloud {
            Cloud::Emulated(_) => self.strict().deny(account, change.action()).await,
            Cloud::Simulated(it) => it
                .cloud
                .out_of_band()
                .deny_call(&account.parse().unwrap(), change.operation()),
        }
    }

    /// Takes a denial back.
    pub(super) async fn permit(&self, account: &str, change: Change) {
        match &self.cloud {
            Cloud::Emulated(_) => self.strict().permit(account, change.action()).await,
            Cloud::Simulated(it) => it.cloud.out_of_band().allow(&account.parse().unwrap()),
        }
    }

    /// From now on these changes take so long, and nothing else goes wrong on the wire: for a test
    /// that has a faulty world of its own.
    pub(super) async fn slow_down(&self, changes: &[&str], latency: Duration) {
        let faults = self.emulated().and_then(|it| it.faults.as_ref());
        let slow = |change: &&str| {
            let ms = u64::try_from(latency.as_millis()).unwrap();
            serde_json::json!({"service": "ec2", "operation": change, "latency": ms})
        };
        let slow: serde_json::Value = changes.iter().map(slow).collect();
        faults.expect("a faulty wire").rules(&slow).await;
    }

    /// Every call so far; `None` where nobody takes notes.
    pub(super) async fn calls(&self) -> Option<Vec<Call>> {
        Some(self.emulated()?.strict.as_ref()?.calls().await)
    }

    /// The people of this world, and who takes notes; `None` where nobody does.
    pub(super) fn notes(&self) -> Option<(&Oracle, &Strict)> {
        let emulated = self.emulated()?;
        Some((&emulated.people, emulated.strict.as_ref()?))
    }

    /// What these networks' accounts have been asked to change, in order; `None` where nobody takes
    /// notes.
    pub(super) async fn changes(&self, pair: &Pair) -> Option<Vec<Call>> {
        let calls = self.calls().await?;
        let accounts = pair.places().map(|place| place.account);
        let ours = |call: &Call| {
            call.account
                .as_ref()
                .is_some_and(|account| accounts.contains(account))
        };
        Some(
            calls
                .into_iter()
                .filter(|call| ours(call) && changes(call))
                .collect(),
        )
    }

    /// That the faults of this world have happened, if it has any.
    pub(super) async fn assert_it_was_faulty(&self) {
        if let Some(faults) = self.emulated().and_then(|it| it.faults.as_ref()) {
            assert!(faults.fired().await > 0, "a wire without a fault");
        }
    }
}

/// The judge of simulated worlds, who is never asked to look at a cloud himself.
async fn judge() -> Arc<Oracle> {
    let mut judge = JUDGE.lock().await;
    if let Some(judge) = judge.upgrade() {
        return judge;
    }
    let new = Arc::new(Oracle::new(""));
    *judge = Arc::downgrade(&new);
    new
}

/// Another one each time, unless one is named.
fn seed() -> u64 {
    let named = std::env::var("PEERAGE_TEST_SEED")
        .ok()
        .map(|seed| seed.parse().expect("PEERAGE_TEST_SEED is a number"));
    named.unwrap_or_else(|| {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .subsec_nanos()
            .into()
    })
}

/// Whether a call was made to change something.
pub(super) fn changes(call: &Call) -> bool {
    call.service == "ec2" && !call.action.starts_with("Describe") && !call.dry_run
}
