//! The worlds that a life is lived in, and who judges them.
//!
//! Starting a world takes longer than a scenario in it, so whoever needs one while there is one shares it, with accounts of his own;
//! the last one ends it. So nothing here may be changed by one test in a way that another could notice.

use super::host::{Here, Host};
use super::people::People;
use super::simulated::{Simulated, bad_day};
use crate::support::world::{Pair, pairs};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{SystemTime, UNIX_EPOCH};
use tests::engine::Launch;
use tests::microburst::Microburst;
use tests::moto::Moto;
use tests::oracle::Oracle;
use tests::strict::{Call, Strict};
use tokio::sync::Mutex;
use workers::clouds::{SimulatedCloud, SimulatedSettings};

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

/// A running world.
#[derive(Debug)]
pub(super) struct Ground {
    cloud: Cloud,
}

#[derive(Debug)]
enum Cloud {
    Emulated(Emulated),
    Simulated(Simulated),
}

/// Processes. They end in this order: who asks before who is asked.
#[derive(Debug)]
struct Emulated {
    people: Oracle,
    faults: Option<Microburst>,
    strict: Option<Strict>,
    moto: Moto,
}

static SHARED: [Mutex<Weak<Ground>>; 3] = [const { Mutex::const_new(Weak::new()) }; 3];

/// Who judges simulated worlds. Such a world belongs to one test: it costs nothing, and what happens in it depends on its seed.
static JUDGE: Mutex<Weak<Oracle>> = Mutex::const_new(Weak::new());

/// Accounts are never used twice.
static NUMBERS: AtomicUsize = AtomicUsize::new(1);

impl Ground {
    /// The world of this kind that is shared, where one is.
    pub(super) async fn of(world: World) -> Arc<Self> {
        let Some(shared) = SHARED.get(world as usize) else { return Arc::new(Self::start(world).await) };
        let mut running = shared.lock().await;
        if let Some(ground) = running.upgrade() {
            return ground;
        }
        let ground = Arc::new(Self::start(world).await);
        *running = Arc::downgrade(&ground);
        ground
    }

    /// One that nobody else is in: for tests that change its rules.
    pub(super) async fn start(world: World) -> Self {
        match world {
            World::Bare | World::Strict | World::Faulty => Self { cloud: Cloud::Emulated(Emulated::start(world).await) },
            World::Simulated => Self::simulated(bad_day(seed())).await,
        }
    }

    /// A simulated cloud of this temper.
    pub(super) async fn simulated(settings: SimulatedSettings) -> Self {
        println!("the simulated cloud's seed: PEERAGE_TEST_SEED={}", settings.seed);
        let cloud = SimulatedCloud::new(settings, Arc::new(chrono::Utc::now));
        Self { cloud: Cloud::Simulated(Simulated::new(cloud, judge().await)) }
    }

    /// An engine on this cloud, which is told what it can know of it: that the strict one honours dry runs.
    pub(super) fn launch(&self, data: &std::path::Path) -> Launch {
        let launch = Launch::new(data);
        match &self.cloud {
            Cloud::Emulated(cloud) if cloud.strict.is_some() => launch.aws(&cloud.endpoint()).set("cloud.aws.dry_run", "true"),
            Cloud::Emulated(cloud) => launch.aws(&cloud.endpoint()),
            Cloud::Simulated(_) => launch,
        }
    }

    /// Starts it.
    pub(super) async fn host(&self, launch: &Launch) -> Host {
        match &self.cloud {
            Cloud::Emulated(_) => Host::Process(launch.start().await),
            Cloud::Simulated(simulated) => Host::Here(Here::start(launch, &simulated.cloud).await),
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
        pairs(|networks| self.people().prepare(networks), number..number + 1).remove(0)
    }

    fn emulated(&self) -> Option<&Emulated> {
        match &self.cloud {
            Cloud::Emulated(cloud) => Some(cloud),
            Cloud::Simulated(_) => None,
        }
    }

    /// The strict EC2 itself, for tests that have one.
    pub(super) fn strict(&self) -> &Strict {
        self.emulated().and_then(|it| it.strict.as_ref()).expect("a strict world")
    }

    /// What these networks' accounts have been asked to change, in order; `None` where nobody takes notes.
    pub(super) async fn changes(&self, pair: &Pair) -> Option<Vec<Call>> {
        let calls = self.emulated()?.strict.as_ref()?.calls().await;
        let accounts = pair.places().map(|place| place.account);
        let ours = |call: &Call| call.account.as_ref().is_some_and(|account| accounts.contains(account));
        Some(calls.into_iter().filter(|call| ours(call) && changes(call)).collect())
    }

    /// That the faults of this world have happened, if it has any.
    pub(super) async fn assert_it_was_faulty(&self) {
        if let Some(faults) = self.emulated().and_then(|it| it.faults.as_ref()) {
            assert!(faults.fired().await > 0, "a wire without a fault");
        }
    }
}

impl Emulated {
    async fn start(world: World) -> Self {
        let moto = Moto::start().await;
        let strict = if world == World::Bare { None } else { Some(Strict::start(&moto).await) };
        let endpoint = strict.as_ref().map_or_else(|| moto.endpoint(), Strict::endpoint);
        let faults = if world == World::Faulty { Some(faulty(&endpoint).await) } else { None };
        Self { people: Oracle::new(endpoint), faults, strict, moto }
    }

    /// Where the engine finds the cloud.
    fn endpoint(&self) -> String {
        let strict = || self.strict.as_ref().map_or_else(|| self.moto.endpoint(), Strict::endpoint);
        self.faults.as_ref().map_or_else(strict, Microburst::endpoint)
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
    let named = std::env::var("PEERAGE_TEST_SEED").ok().map(|seed| seed.parse().expect("PEERAGE_TEST_SEED is a number"));
    named.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos().into())
}

/// Whether a call was made to change something.
pub(super) fn changes(call: &Call) -> bool {
    call.service == "ec2" && !call.action.starts_with("Describe") && !call.dry_run
}

/// Of each kind of change the answer to the first of three is lost, after the deed; reads are throttled now and then.
async fn faulty(upstream: &str) -> Microburst {
    let changes = [
        "CreateVpcPeeringConnection",
        "AcceptVpcPeeringConnection",
        "DeleteVpcPeeringConnection",
        "ModifyVpcPeeringConnectionOptions",
        "CreateRoute",
        "DeleteRoute",
        "CreateSecurityGroup",
        "DeleteSecurityGroup",
        "AuthorizeSecurityGroupIngress",
        "RevokeSecurityGroupIngress",
    ];
    let lost = changes.map(
        |operation| json!({"service": "ec2", "operation": operation, "sequence": {"fail": 1, "pass": 2}, "response": {"abort_frac": 0.3}}),
    );
    let throttled = ["DescribeVpcPeeringConnections", "DescribeRouteTables", "DescribeSecurityGroups"].map(|operation| {
        let error = json!({"code": "RequestLimitExceeded", "status": 503});
        json!({"service": "ec2", "operation": operation, "sequence": {"fail": 1, "pass": 6}, "error": error})
    });
    let faults = Microburst::start(upstream).await;
    faults.rules(&json!([&lost[..], &throttled[..]].concat())).await;
    faults
}
