//! Two private networks that join one network at once, where its cloud changes one link of it at a
//! time: one process takes turns and asks in vain never; two processes are told that it is busy,
//! and are patient.

use super::LONG;
use crate::provisioner::{
    context::{Pass, Wake},
    graph::Graph,
    memories::Memories,
    reason::{Reason, Reasons},
    settings::ProvisionerSettings,
    testing::{Log, clock, cloud_of},
    turns::Turns,
};
use cloud::{
    AccountRegion, Cloud, CloudError, CloudErrorKind, Layer, NetworkRef, Operation, RateLimited,
};
use domain::{
    Provider,
    network::{NetworkEvent, RemovePeering, Terms},
};
use journal::Clock;
use parking_lot::RwLock;
use simulated::{SimulatedCloud, SimulatedSettings};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Counts how often the cloud answered that it was busy.
#[derive(Debug)]
struct Counting(SimulatedCloud, Arc<AtomicUsize>);

impl Layer for Counting {
    fn inner(&self) -> &dyn Cloud {
        &self.0
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
        let answer = once().await;
        if matches!(&answer, Err(error) if error.kind == CloudErrorKind::Busy) {
            self.1.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }
}

/// The same history, of another private network.
fn of_another_network(log: &Log, clock: &Clock) -> Log {
    let network = log.network();
    let peering = log.peering();
    let events: Vec<NetworkEvent> = log.events();
    let text = serde_json::to_string(&events)
        .unwrap()
        .replace(
            &network.id.to_string(),
            "0e8400e2-29b4-41d4-a716-446655440000",
        )
        .replace(
            &peering.id.to_string(),
            "1e8400e2-29b4-41d4-a716-446655440000",
        )
        .replace("/virtualNetworks/orders", "/virtualNetworks/stock")
        .replace(
            "\"cloud_network\":\"orders\"",
            "\"cloud_network\":\"stock\"",
        )
        .replace("10.20.0.0/16", "10.21.0.0/16");
    Log::of(serde_json::from_str(&text).unwrap(), clock)
}

/// Passes over this network until nothing is left to do.
async fn work(cloud: Arc<dyn Cloud>, log: &Log, clock: &Clock, turns: &Turns) {
    let settings = ProvisionerSettings::default();
    let cloud = RateLimited::new(cloud, settings.calls.clone());
    let (graph, stop) = (RwLock::<Graph>::default(), CancellationToken::new());
    let (mut memories, deadline) = (Memories::default(), Instant::now() + LONG);
    while Instant::now() < deadline {
        let wake = Wake::by(Reasons::from(Reason::Clock));
        let pass = Pass {
            cloud: &cloud,
            express: &cloud,
            inquiries: &cloud,
            log,
            clock,
            settings: &settings,
            rest: &Default::default(),
            graph: &graph,
            turns,
            quotas: &Default::default(),
            stop: &stop,
            wake: &wake,
        };
        let due = pass.run(&mut memories).await.unwrap();
        if memories.values().all(|memory| memory.settled) {
            return;
        }
        let Some(due) = due else { return };
        tokio::time::sleep_until(due).await;
    }
}

/// Both lives from the request to the end, at the same time. How often the cloud was busy.
async fn both(provider: Provider, turns: [&Turns; 2]) -> usize {
    let clock = clock();
    let seconds = |from, to| Duration::from_secs(from)..=Duration::from_secs(to);
    let settings = SimulatedSettings {
        initiating: seconds(2, 9),
        deleting: seconds(2, 9),
        ..SimulatedSettings::instant(5)
    };
    let one = Log::at(provider, &Terms::default(), &clock);
    let other = of_another_network(&one, &clock);
    let cloud = cloud_of(&one, settings, &clock);
    let (network, by_hand) = (other.network(), cloud.out_of_band());
    let stock = NetworkRef {
        at: crate::provisioner::sides::local(&network),
        network: network.cloud_network.clone(),
    };
    let subnets = network.subnets.clone();
    by_hand.build(&stock, &["10.21.0.0/16".parse().unwrap()], &subnets);
    let busy = Arc::new(AtomicUsize::new(0));
    let counting: Arc<dyn Cloud> = Arc::new(Counting(cloud.clone(), Arc::clone(&busy)));
    let lives = || {
        let work = |log, turns| work(Arc::clone(&counting), log, &clock, turns);
        let (first, second) = (work(&one, turns[0]), work(&other, turns[1]));
        async { tokio::join!(first, second) }
    };
    lives().await;
    for log in [&one, &other] {
        let peering = log.network().peerings().values().next().unwrap().clone();
        assert!(peering.is_converged(), "{provider}: {peering:#?}");
        let remove = RemovePeering {
            peering_id: peering.id,
            reason: "no longer needed".parse().unwrap(),
        };
        log.execute(&remove.into()).unwrap();
    }
    lives().await;
    assert_eq!(cloud.world().halves, [], "{provider}");
    for log in [&one, &other] {
        let names = log.names(0);
        assert!(names.contains(&"PeeringRemoved"), "{provider}: {names:?}");
        assert!(!names.contains(&"ProvisioningBlocked"), "{provider}");
    }
    busy.load(Ordering::Relaxed)
}

#[tokio::test(start_paused = true)]
async fn two_private_networks_that_join_one_network_at_once_take_turns() {
    for provider in [Provider::Gcp, Provider::Azure] {
        let shared = Turns::default();
        assert_eq!(both(provider, [&shared, &shared]).await, 0, "{provider}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_engines_that_join_one_network_at_once_are_told_that_it_is_busy_and_are_patient() {
    for provider in [Provider::Gcp, Provider::Azure] {
        let (one, other) = (Turns::default(), Turns::default());
        assert!(both(provider, [&one, &other]).await > 0, "{provider}");
    }
}
