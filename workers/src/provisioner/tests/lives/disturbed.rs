//! What comes in between while a plan is carried out, for every scenario that is stopped at each of
//! its steps: a call that one side refuses, a command, a record that is out of date, another
//! engine. Whatever it was, in the end there is what was asked for, once.
//!
//! A plan has many steps, and each is tried in a life of its own. So it is tried at [`PLACES`] of
//! them, spread over all.

use super::{Life, is_clean, remove};
use crate::provisioner::{
    log::{NetworkLog, Written},
    memories::Memories,
    settings::ProvisionerSettings,
    testing::{Fuse, Fused, Log, Meddled, Meddling, Settled, settle_until},
};
use async_trait::async_trait;
use cloud::{ClientPolicy, CloudErrorKind, RateLimited};
use domain::{
    CloudCalls, Side,
    network::{CheckDrift, FreezeNetwork, NetworkCommand, Outcome, ThawNetwork},
};
use journal::{JournalError, Loaded};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// At how many steps of a plan.
const PLACES: usize = 4;

/// For how long the engine works on after it was disturbed, before what disturbed it is over.
const MEANWHILE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disturbance {
    /// One side refuses this call.
    Refusal,
    /// The network is frozen right before this call.
    Freeze,
    /// So is the peering's removal asked for.
    Removal,
    /// So many passes begin with the record as it was before the change.
    OldRecord,
    /// Another engine does all there is to do while this one is held up.
    AnotherEngine,
}

impl Disturbance {
    const ALL: [Self; 5] = [
        Self::Refusal,
        Self::Freeze,
        Self::Removal,
        Self::OldRecord,
        Self::AnotherEngine,
    ];

    /// At which steps, of a plan with so many calls and so many calls and appends.
    fn places(self, calls: usize, steps: usize) -> Vec<usize> {
        match self {
            Self::Refusal | Self::Freeze | Self::Removal => spread(calls),
            Self::OldRecord => vec![1, 2],
            Self::AnotherEngine => spread(steps),
        }
    }

    async fn happens(self, life: &mut Life, before: &Arc<Loaded>, step: usize) {
        match self {
            Self::Refusal => {
                let refused = move |number, _, _: &_| {
                    let kind = CloudErrorKind::Denied;
                    (number == step).then_some(Meddling::Fails(kind))
                };
                works_on(life, refused).await;
            }
            Self::Freeze => {
                let freeze = FreezeNetwork {
                    reason: "held".parse().unwrap(),
                    everywhere: false,
                };
                works_on(life, says_at(life, step, freeze.into())).await;
                life.says(ThawNetwork { reason: None });
            }
            Self::Removal => works_on(life, says_at(life, step, remove().into())).await,
            Self::OldRecord => {
                let log = Behind {
                    log: life.log.clone(),
                    before: Arc::clone(before),
                    passes: Arc::new(AtomicUsize::new(step)),
                };
                let mut memories = Memories::default();
                let stop = CancellationToken::new();
                engine(life, &log, &Fuse::never(), &mut memories, &stop).await;
            }
            Self::AnotherEngine => beside_another(life, step).await,
        }
    }
}

/// Some of so many places, the first and the last among them.
fn spread(of: usize) -> Vec<usize> {
    let count = PLACES.min(of);
    let mut places: Vec<_> = (0..count)
        .map(|it| it * of.saturating_sub(1) / count.saturating_sub(1).max(1))
        .collect();
    places.dedup();
    places
}

/// Disturbs one after the other what follows a change, at steps of it, and judges what has become
/// of it.
pub(super) async fn disturbed_everywhere(
    prepare: &impl AsyncFn() -> Life,
    change: &impl Fn(&Life),
    judge: &impl Fn(&Life, &str),
) {
    let (calls, steps) = counted(prepare, change).await;
    for disturbance in Disturbance::ALL {
        for step in disturbance.places(calls, steps) {
            let mut life = prepare().await;
            let before = life.log.loaded();
            change(&life);
            life.memories = Memories::default();
            disturbance.happens(&mut life, &before, step).await;
            let when = format!("{disturbance:?} at {step} of {calls} calls, {steps} steps");
            life.memories = Memories::default();
            if disturbance == Disturbance::Removal {
                is_removed(&mut life, &when).await;
                continue;
            }
            life.says(CheckDrift {});
            settles(&mut life, &when).await;
            judge(&life, &when);
            let events = life.log.events().len();
            life.memories = Memories::default();
            settles(&mut life, &when).await;
            assert_eq!(life.log.events().len(), events, "{when}: nothing is news");
        }
    }
}

/// Of how many calls it takes, and of how many calls and appends, before and after each.
async fn counted(prepare: &impl AsyncFn() -> Life, change: &impl Fn(&Life)) -> (usize, usize) {
    let mut life = prepare().await;
    change(&life);
    life.memories = Memories::default();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    works_on(&mut life, move |number, _, _: &_| {
        counted.fetch_max(number + 1, Ordering::Relaxed);
        None
    })
    .await;
    let mut life = prepare().await;
    change(&life);
    let fuse = Fuse::never();
    life.memories = Memories::default();
    life.run(fuse.clone(), MEANWHILE).await;
    (calls.load(Ordering::Relaxed), fuse.steps())
}

/// Works on a cloud that somebody meddles with.
async fn works_on(
    life: &mut Life,
    meddle: impl Fn(usize, cloud::Operation, &cloud::AccountRegion) -> Option<Meddling>
    + Send
    + Sync
    + 'static,
) {
    let meddled = Meddled::with(&life.cloud, meddle);
    let stop = CancellationToken::new();
    life.meddled(meddled, &stop, MEANWHILE).await;
}

/// Right before this call the command is given; what is over by then is not given it.
fn says_at(
    life: &Life,
    step: usize,
    command: NetworkCommand,
) -> impl Fn(usize, cloud::Operation, &cloud::AccountRegion) -> Option<Meddling> + Send + Sync + 'static
{
    let log = life.log.clone();
    move |number, _, _| {
        if number == step {
            let _ = log.execute(&command);
        }
        None
    }
}

/// One engine on this cloud and log.
async fn engine(
    life: &Life,
    log: &dyn NetworkLog,
    fuse: &Fuse,
    memories: &mut Memories,
    stop: &CancellationToken,
) {
    let settings = ProvisionerSettings::default();
    let calls = ClientPolicy {
        deadline: super::LONG,
        ..settings.calls.clone()
    };
    let fused = Fused(life.cloud.clone(), fuse.clone());
    let limited = RateLimited::new(Arc::new(fused), calls);
    let clock = &life.clock;
    settle_until(stop, &limited, log, clock, &settings, memories, MEANWHILE).await;
}

/// This engine is held up at a step; another one works on until nothing is left to do; then this
/// one goes on with what it was about to do.
async fn beside_another(life: &mut Life, step: usize) {
    let fuse = Fuse::at(step);
    let (mut memories, mut theirs) = (Memories::default(), Memories::default());
    let over = CancellationToken::new();
    let log = Fenced {
        log: Fused(life.log.clone(), fuse.clone()),
        over: over.clone(),
    };
    let life = &*life;
    let this = engine(life, &log, &fuse, &mut memories, &over);
    tokio::pin!(this);
    tokio::select! {
        biased;
        () = fuse.blown() => {
            let stop = CancellationToken::new();
            engine(life, &life.log, &Fuse::never(), &mut theirs, &stop).await;
            // The lease is another's now: the call that was about to be made is made, what follows
            // from it is not recorded, and the passes end.
            over.cancel();
            fuse.goes_on();
            this.await;
        }
        () = &mut this => {}
    }
}

/// A log that takes nothing more once another engine has the lease.
#[derive(Debug)]
struct Fenced {
    log: Fused<Log>,
    over: CancellationToken,
}

#[async_trait]
impl NetworkLog for Fenced {
    async fn load(&self) -> Result<Arc<Loaded>, JournalError> {
        self.log.load().await
    }

    async fn record_all(
        &self,
        on: &Loaded,
        outcomes: Vec<Outcome>,
        calls: &CloudCalls,
    ) -> Result<Written, JournalError> {
        let over = self.over.clone();
        tokio::select! {
            biased;
            () = over.cancelled() => Ok(Written::Stale),
            written = self.log.record_all(on, outcomes, calls) => written,
        }
    }
}

async fn settles(life: &mut Life, when: &str) {
    let settled = life.run(Fuse::never(), super::LONG).await;
    assert_eq!(
        settled,
        Some(Settled::Yes),
        "{when}: {:#?}",
        life.log.peering()
    );
}

async fn is_removed(life: &mut Life, when: &str) {
    // What is over by itself cannot be removed, and is over.
    let _ = life.log.execute(&remove().into());
    life.says(CheckDrift {});
    settles(life, when).await;
    assert!(!life.log.peering().life.is_live(), "{when}");
    // What others had made is left to them.
    if life.log.peering().made_the_link() {
        is_clean(&life.cloud.world(), when);
    }
    for side in Side::BOTH {
        assert!(life.log.peering().own_denials(side).is_empty(), "{when}");
    }
}

/// A log of which the first passes are given an old record. Whatever looks at it again right before
/// it acts sees it as it is.
#[derive(Debug)]
struct Behind {
    log: Log,
    before: Arc<Loaded>,
    passes: Arc<AtomicUsize>,
}

#[async_trait]
impl NetworkLog for Behind {
    async fn load(&self) -> Result<Arc<Loaded>, JournalError> {
        self.log.load().await
    }

    async fn load_with(&self, revision: Option<u64>) -> Result<Arc<Loaded>, JournalError> {
        let left = |left: usize| left.checked_sub(1);
        let is_old = self
            .passes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, left)
            .is_ok();
        if is_old {
            return Ok(Arc::clone(&self.before));
        }
        self.log.load_with(revision).await
    }

    async fn record_all(
        &self,
        on: &Loaded,
        outcomes: Vec<Outcome>,
        calls: &CloudCalls,
    ) -> Result<Written, JournalError> {
        self.log.record_all(on, outcomes, calls).await
    }
}
