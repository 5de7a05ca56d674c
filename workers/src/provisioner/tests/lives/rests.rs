//! The provisioner is stopped for a time: nothing is opened or repaired in any network, what is to
//! be closed is closed, and what was held back is made up for once it goes on.

use super::{HOUR, Life, Pass, ingress};
use crate::provisioner::{
    context::Wake,
    log::{NetworkLog, Written},
    reason::{Reason, Reasons},
    rest::Resting,
    settings::ProvisionerSettings,
    testing::{CLIENTS, Log, peering_id, range, restrict},
};
use cloud::RateLimited;
use domain::{
    CloudCalls, Side,
    network::{Outcome, WithdrawRoute},
};
use journal::{JournalError, Loaded};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const MINUTE: Duration = Duration::from_secs(60);

impl Life {
    /// Works for so long, as the provisioner does while it is stopped or not.
    async fn work(&mut self, log: &dyn NetworkLog, rest: &Resting, time: Duration) {
        let settings = ProvisionerSettings::default();
        let limited = RateLimited::new(Arc::new(self.cloud.clone()), settings.calls.clone());
        let (until, stop) = (Instant::now() + time, CancellationToken::new());
        let (graph, turns) = Default::default();
        loop {
            let wake = Wake::by(Reasons::from(Reason::Clock));
            let pass = Pass {
                cloud: &limited,
                express: &limited,
                inquiries: &limited,
                log,
                clock: &self.clock,
                settings: &settings,
                rest,
                graph: &graph,
                turns: &turns,
                quotas: &Default::default(),
                stop: &stop,
                wake: &wake,
            };
            match pass.run(&mut self.memories).await.unwrap() {
                Some(due) if due <= until => tokio::time::sleep_until(due).await,
                Some(_) | None => return,
            }
        }
    }

    fn counts(&self) -> [usize; 4] {
        [
            self.routes(Side::Local).len(),
            self.routes(Side::Remote).len(),
            self.rules(Side::Local),
            self.rules(Side::Remote),
        ]
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_provisioner_opens_and_repairs_nothing_and_closes_what_is_to_be_closed() {
    let mut life = Life::active().await;
    assert_eq!(life.counts(), [2, 1, 1, 0]);
    let rest = Resting::default();
    rest.set(true);
    life.says(ingress(&life, None));
    let table = life.routes(Side::Local)[0].0.clone();
    life.cloud
        .out_of_band()
        .unroute(&life.network(Side::Local), &table, CLIENTS.parse().unwrap());
    tokio::time::advance(HOUR).await;
    let log = life.log.clone();
    life.work(&log, &rest, HOUR).await;
    assert_eq!(life.counts(), [1, 1, 1, 0], "not opened, not repaired");
    life.says(restrict(&[]));
    life.says(WithdrawRoute {
        peering_id: peering_id(),
        side: Side::Remote,
        destination: range("10.20.0.0/16"),
    });
    life.work(&log, &rest, MINUTE).await;
    assert_eq!(life.counts(), [1, 0, 0, 0], "closed all the same");
    // Nothing is asked for anew: that it goes on is reason enough to look.
    rest.set(false);
    life.work(&log, &rest, MINUTE).await;
    assert_eq!(life.counts(), [2, 0, 0, 1]);
    assert!(life.log.peering().is_converged());
}

#[tokio::test(start_paused = true)]
async fn a_stopped_provisioner_asks_for_no_link_until_it_goes_on() {
    let mut life = Life::asked_for();
    let (rest, log) = (Resting::default(), life.log.clone());
    rest.set(true);
    life.work(&log, &rest, HOUR).await;
    assert!(life.cloud.world().links.is_empty());
    assert_eq!(life.count("PeeringInitiationStarted"), 0);
    rest.set(false);
    life.work(&log, &rest, HOUR).await;
    assert!(life.log.peering().is_converged());
}

/// A log that stops the provisioner as soon as the intent of a link is on record.
#[derive(Debug)]
struct StopsThen {
    log: Log,
    rest: Arc<Resting>,
}

#[async_trait::async_trait]
impl NetworkLog for StopsThen {
    async fn load(&self) -> Result<Arc<Loaded>, JournalError> {
        self.log.load().await
    }

    async fn record_all(
        &self,
        on: &Loaded,
        outcomes: Vec<Outcome>,
        calls: &CloudCalls,
    ) -> Result<Written, JournalError> {
        let is_intent = |it: &Outcome| matches!(it, Outcome::InitiationStarted(_));
        let stops = outcomes.iter().any(is_intent);
        let written = self.log.record_all(on, outcomes, calls).await;
        if stops {
            self.rest.set(true);
        }
        written
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_planned_before_the_stop_is_not_opened_after_it() {
    let mut life = Life::asked_for();
    let rest = Arc::new(Resting::default());
    let log = StopsThen {
        log: life.log.clone(),
        rest: Arc::clone(&rest),
    };
    life.work(&log, &rest, HOUR).await;
    assert_eq!(life.count("PeeringInitiationStarted"), 1);
    assert!(life.cloud.world().links.is_empty(), "its call was not made");
    rest.set(false);
    let log = life.log.clone();
    life.work(&log, &rest, HOUR).await;
    assert_eq!(life.cloud.world().links.len(), 1);
    assert!(life.log.peering().is_converged());
}
