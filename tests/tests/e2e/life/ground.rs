//! The worlds that a life is lived in, and who judges them.
//!
//! Starting a world takes longer than a scenario in it, so whoever needs one while there is one shares it, with accounts of his own;
//! the last one ends it. So nothing here may be changed by one test in a way that another could notice.

use crate::support::world::{Pair, pairs};
use serde_json::json;
use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::engine::Launch;
use tests::microburst::Microburst;
use tests::moto::Moto;
use tests::oracle::Oracle;
use tests::strict::{Call, Strict};
use tokio::sync::Mutex;

/// What stands between the engine and the emulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum World {
    /// Nothing.
    Bare,
    /// The strict EC2.
    Strict,
    /// The strict EC2, behind a wire that throttles reads and loses answers.
    Faulty,
}

/// A running world. Its fields end in this order: who asks before who is asked.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) oracle: Oracle,
    faults: Option<Microburst>,
    strict: Option<Strict>,
    moto: Moto,
}

static SHARED: [Mutex<Weak<Ground>>; 3] = [const { Mutex::const_new(Weak::new()) }; 3];

/// Accounts are never used twice.
static NUMBERS: AtomicUsize = AtomicUsize::new(1);

impl Ground {
    /// The shared world of this kind.
    pub(super) async fn of(world: World) -> Arc<Self> {
        let mut running = SHARED[world as usize].lock().await;
        if let Some(ground) = running.upgrade() {
            return ground;
        }
        let ground = Arc::new(Self::start(world).await);
        *running = Arc::downgrade(&ground);
        ground
    }

    /// One that nobody else is in: for tests that change its rules.
    pub(super) async fn start(world: World) -> Self {
        let moto = Moto::start().await;
        let strict = if world == World::Bare { None } else { Some(Strict::start(&moto).await) };
        let endpoint = strict.as_ref().map_or_else(|| moto.endpoint(), Strict::endpoint);
        let faults = if world == World::Faulty { Some(faulty(&endpoint).await) } else { None };
        Self { oracle: Oracle::new(endpoint), faults, strict, moto }
    }

    /// Where the engine finds the cloud.
    fn endpoint(&self) -> String {
        let strict = || self.strict.as_ref().map_or_else(|| self.moto.endpoint(), Strict::endpoint);
        self.faults.as_ref().map_or_else(strict, Microburst::endpoint)
    }

    /// An engine on this cloud, which is told what it can know of it: that the strict one honours dry runs.
    pub(super) fn launch(&self, data: &std::path::Path) -> Launch {
        let launch = Launch::new(data).aws(&self.endpoint());
        if self.strict.is_some() { launch.set("cloud.aws.dry_run", "true") } else { launch }
    }

    /// Two networks in accounts of their own.
    pub(super) fn pair(&self) -> Pair {
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        pairs(&self.oracle, number..number + 1).remove(0)
    }

    /// The strict EC2 itself, for tests that have one.
    pub(super) fn strict(&self) -> &Strict {
        self.strict.as_ref().expect("a strict world")
    }

    /// What these networks' accounts have been asked to change, in order; `None` where nobody takes notes.
    pub(super) async fn changes(&self, pair: &Pair) -> Option<Vec<Call>> {
        let calls = self.strict.as_ref()?.calls().await;
        let accounts = pair.places().map(|place| place.account);
        let ours = |call: &Call| call.account.as_ref().is_some_and(|account| accounts.contains(account));
        Some(calls.into_iter().filter(|call| ours(call) && changes(call)).collect())
    }

    /// That the faults of this world have happened, if it has any.
    pub(super) async fn assert_it_was_faulty(&self) {
        if let Some(faults) = &self.faults {
            assert!(faults.fired().await > 0, "a wire without a fault");
        }
    }
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
