//! Networks that are at another cloud than the engine's, and those of which nothing is on record.

use super::{Life, holds::abandon};
use crate::provisioner::{
    Elsewhere, elsewhere,
    log::{NetworkLog, Written},
    settings::ProvisionerSettings,
    testing::{Log, settle},
};
use async_trait::async_trait;
use cloud::{AccountRegion, Cloud, CloudError, Layer, Operation, RateLimited};
use domain::{
    CloudMode, Provider, Side,
    network::{NetworkCloudRecorded, NetworkCommand, NetworkEvent, Outcome},
};
use journal::{JournalError, Loaded};
use simulated::SimulatedCloud;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The simulated cloud, which says that it is something else, and counts what is asked of it.
#[derive(Clone, Debug)]
struct Disguised {
    cloud: SimulatedCloud,
    mode: Option<CloudMode>,
    calls: Arc<AtomicUsize>,
}

impl Disguised {
    fn of(life: &Life, mode: Option<CloudMode>) -> Self {
        let (cloud, calls) = (life.cloud.clone(), Arc::default());
        Self { cloud, mode, calls }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

impl Layer for Disguised {
    fn inner(&self) -> &dyn Cloud {
        &self.cloud
    }

    fn mode(&self, _provider: Provider) -> Option<CloudMode> {
        self.mode.clone()
    }

    async fn call<T, F>(
        &self,
        _operation: Operation,
        _at: &AccountRegion,
        once: impl Fn() -> F + Send + Sync,
    ) -> Result<T, CloudError>
    where
        F: Future<Output = Result<T, CloudError>> + Send,
        T: Send,
    {
        self.calls.fetch_add(1, Ordering::Relaxed);
        once().await
    }
}

impl Life {
    async fn works_on(&mut self, cloud: &Disguised, claims_unmarked: bool, time: Duration) {
        let settings = ProvisionerSettings {
            simulation_claims_unmarked: claims_unmarked,
            ..ProvisionerSettings::default()
        };
        let limited = RateLimited::new(Arc::new(cloud.clone()), settings.calls.clone());
        let memories = &mut self.memories;
        settle(&limited, &self.log, &self.clock, &settings, memories, time).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_of_another_cloud_is_left_alone_and_nothing_is_asked_about_it() {
    let emulator = |endpoint: &str| {
        let endpoint = endpoint.parse().unwrap();
        Some(CloudMode::Emulator { endpoint })
    };
    for mode in [
        Some(CloudMode::Real),
        emulator("http://127.0.0.1:5000"),
        None,
    ] {
        let mut life = Life::asked_for();
        let (cloud, before) = (Disguised::of(&life, mode), life.log.events().len());
        life.works_on(&cloud, true, DAY).await;
        assert_eq!((cloud.calls(), life.log.events().len()), (0, before));
        life.settles().await;
        assert!(
            life.log.peering().is_converged(),
            "an engine of its cloud goes on with it"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_cloud_of_an_old_network_is_on_record_once_and_before_anything_is_asked() {
    let mut life = Life::asked_for();
    life.log.forget_cloud();
    let before = life.log.events().len();
    life.settles().await;
    life.looks_again().await;
    let after = life.log.names(before);
    assert_eq!(after[0], "NetworkCloudRecorded", "{after:?}");
    assert_eq!(life.count("NetworkCloudRecorded"), 1);
    assert_eq!(life.log.network().cloud, Some(CloudMode::Simulated));
    assert!(life.log.peering().is_converged());
}

#[tokio::test(start_paused = true)]
async fn a_simulation_in_a_store_of_others_leaves_old_networks_alone() {
    let mut life = Life::asked_for();
    life.log.forget_cloud();
    let (cloud, before) = (
        Disguised::of(&life, Some(CloudMode::Simulated)),
        life.log.events().len(),
    );
    life.works_on(&cloud, false, DAY).await;
    assert_eq!((cloud.calls(), life.log.events().len()), (0, before));
    let why = elsewhere(&life.log.network(), Some(CloudMode::Simulated), false);
    assert_eq!(why, Some(Elsewhere::Unmarked));
    let why = elsewhere(&life.log.network(), Some(CloudMode::Real), false);
    assert_eq!(why, None, "what is no simulation takes it, beside one too");
}

/// A log in which another engine puts the network's cloud on record right after it was loaded.
#[derive(Debug)]
struct Raced {
    log: Log,
    is_first: AtomicBool,
}

#[async_trait]
impl NetworkLog for Raced {
    async fn load(&self) -> Result<Arc<Loaded>, JournalError> {
        let loaded = self.log.loaded();
        if self.is_first.swap(false, Ordering::Relaxed) {
            let network_id = self.log.network().id;
            let cloud = CloudMode::Real;
            let real = Outcome::CloudRecorded(NetworkCloudRecorded { network_id, cloud });
            self.log.execute(&NetworkCommand::Record(real)).unwrap();
        }
        Ok(loaded)
    }

    async fn record_all(
        &self,
        on: &Loaded,
        outcomes: Vec<Outcome>,
        calls: &domain::CloudCalls,
    ) -> Result<Written, JournalError> {
        self.log.record_all(on, outcomes, calls).await
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_engines_that_meet_an_old_network_the_first_has_it_and_the_other_leaves_it_alone() {
    let mut life = Life::asked_for();
    life.log.forget_cloud();
    let raced = Raced {
        log: life.log.clone(),
        is_first: AtomicBool::new(true),
    };
    let cloud = Disguised::of(&life, Some(CloudMode::Simulated));
    let settings = ProvisionerSettings::default();
    settle(
        &cloud,
        &raced,
        &life.clock,
        &settings,
        &mut life.memories,
        DAY,
    )
    .await;
    assert_eq!(cloud.calls(), 0);
    assert_eq!(life.count("NetworkCloudRecorded"), 1);
    assert_eq!(life.log.network().cloud, Some(CloudMode::Real));
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_at_another_cloud_ends_once_its_own_engine_had_its_time_with_nothing_observed()
 {
    let mut life = Life::active().await;
    let cloud = Disguised::of(&life, Some(CloudMode::Real));
    life.says(abandon(None));
    let window = domain::network::ABANDONMENT_WINDOW.to_std().unwrap();
    for (waits, ended, why) in [
        (
            Duration::ZERO,
            0,
            "an engine of its cloud has not looked yet",
        ),
        (window - Duration::from_secs(1), 0, "it may still look"),
        (Duration::from_secs(1), 1, "its time is over"),
        (DAY, 1, "and that is told once"),
    ] {
        tokio::time::advance(waits).await;
        life.works_on(&cloud, true, DAY).await;
        let seen = (life.count("PeeringAbandoned"), cloud.calls());
        assert_eq!(seen, (ended, 0), "{why}");
    }
    let last = life.log.events().pop();
    let Some(NetworkEvent::PeeringAbandoned(ended)) = last else {
        panic!("{last:?}");
    };
    assert_eq!(ended.not_observed, Side::BOTH);
    assert!(!ended.left_behind.is_empty(), "what is on record is named");
}
