//! What accounts allow, as their clouds tell: each account and region is asked once a day, for all
//! networks of the process.
//!
//! One that does not tell, since the permission is missing or nothing serves it, is asked again a
//! day later, and nothing waits for it: what was told before stays on record, and so does what is
//! usual where nothing was. A restart asks anew.

use super::observation::Observation;
use cloud::{AccountRegion, Cloud, CloudErrorKind};
use domain::{Provider, Region, SeenQuotas, text::Account};
use parking_lot::Mutex;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::Instant;

/// For how long an answer is good, and a refusal stands.
pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);

/// The same for who waits for a quota to be raised.
pub(super) const WAITING: Duration = Duration::from_secs(15 * 60);

/// For how long a service that did not answer is left alone.
const HOUR: Duration = Duration::from_secs(3600);

/// As whomever it is entered.
type Place = (Provider, Account, Region);

/// What came of asking.
#[derive(Clone, Debug)]
struct Told {
    quotas: Result<SeenQuotas, CloudErrorKind>,
    at: Instant,
    good_for: Duration,
}

/// What the accounts of all networks were told to allow.
#[derive(Debug, Default)]
pub(super) struct QuotasTold(Mutex<BTreeMap<Place, Arc<tokio::sync::Mutex<Option<Told>>>>>);

impl QuotasTold {
    /// What is allowed there, asked of the cloud if what is known is older than this. Of several
    /// who ask at the same time one does.
    pub(super) async fn at(
        &self,
        cloud: &dyn Cloud,
        at: &AccountRegion,
        no_older: Duration,
    ) -> Option<SeenQuotas> {
        let is_good = |told: &Told| told.at.elapsed() < told.good_for.min(no_older);
        self.told(cloud, at, is_good).await?.ok()
    }

    /// The same as it is now, for a person who waits for it; and why it is not told. Passes go on
    /// from that.
    pub(super) async fn or_why_not(
        &self,
        cloud: &dyn Cloud,
        at: &AccountRegion,
    ) -> Option<Result<SeenQuotas, CloudErrorKind>> {
        self.told(cloud, at, |_| false).await
    }

    /// `None` where no cloud is there that tells quotas.
    async fn told(
        &self,
        cloud: &dyn Cloud,
        at: &AccountRegion,
        is_good: impl FnOnce(&Told) -> bool,
    ) -> Option<Result<SeenQuotas, CloudErrorKind>> {
        if !cloud.tells_quotas(at) {
            return None;
        }
        let place = (at.provider, at.account.clone(), at.region.clone());
        let known = Arc::clone(self.0.lock().entry(place).or_default());
        let mut known = known.lock().await;
        let told = match known.take().filter(is_good) {
            Some(told) => told,
            None => told(cloud, at).await,
        };
        Some(known.insert(told).quotas.clone())
    }
}

impl Observation {
    /// Whether anything of networks was read there: whoever may do that is let in.
    pub(super) fn has_read(&self, at: &AccountRegion) -> bool {
        let reads = self.reads.lock();
        reads.networks.contains_key(at)
            || reads.links.contains_key(at)
            || reads.tables.contains_key(at)
    }
}

async fn told(cloud: &dyn Cloud, at: &AccountRegion) -> Told {
    let (quotas, good_for) = match cloud.quotas(at).await {
        Ok(quotas) => (Ok(quotas), DAY),
        Err(error) => {
            let good_for = if error.worth_a_retry() { HOUR } else { DAY };
            tracing::info!(
                account = %at.account, region = %at.region, error = &error as &dyn std::error::Error,
                "the account's quotas are not told: those hold that are on record, configured or usual"
            );
            (Err(error.kind), good_for)
        }
    };
    Told {
        quotas,
        at: Instant::now(),
        good_for,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provisioner::testing::{Log, clock, cloud};
    use ::cloud::{Operation, RateLimited};
    use domain::Side;
    use simulated::{SimulatedCloud, SimulatedSettings};

    fn rules(most: u32) -> SeenQuotas {
        SeenQuotas {
            rules: Some(most),
            ..SeenQuotas::default()
        }
    }

    fn place() -> AccountRegion {
        let log = Log::with_a_peering();
        crate::provisioner::sides::of(&log.network(), &log.peering(), Side::Local)
    }

    /// A cloud that counts what it is asked for.
    fn counted() -> (SimulatedCloud, RateLimited) {
        let cloud = cloud(SimulatedSettings::instant(1), &clock());
        let counted = RateLimited::new(Arc::new(cloud.clone()), Default::default());
        (cloud, counted)
    }

    fn asked(cloud: &RateLimited) -> u64 {
        let calls = cloud.calls().snapshot().into_iter();
        let calls = calls.filter(|((operation, _), _)| *operation == Operation::Quotas);
        calls.map(|(_, count)| count).sum()
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_is_asked_once_a_day_however_many_need_to_know() {
        let (world, cloud) = counted();
        let (at, quotas) = (place(), QuotasTold::default());
        world.out_of_band().set_quotas(&at, rules(100));
        let both = async { tokio::join!(quotas.at(&cloud, &at, DAY), quotas.at(&cloud, &at, DAY)) };
        assert_eq!(both.await, (Some(rules(100)), Some(rules(100))));
        let as_somebody = AccountRegion {
            external_id: Some("a-tenant".parse().expect("an external id")),
            ..at.clone()
        };
        assert_eq!(quotas.at(&cloud, &as_somebody, DAY).await, Some(rules(100)));
        assert_eq!(asked(&cloud), 1);
        world.out_of_band().set_quotas(&at, rules(200));
        tokio::time::advance(WAITING).await;
        assert_eq!(quotas.at(&cloud, &at, DAY).await, Some(rules(100)));
        assert_eq!(quotas.at(&cloud, &at, WAITING).await, Some(rules(200)));
        assert_eq!(asked(&cloud), 2, "whoever waits looks sooner");
        tokio::time::advance(DAY).await;
        assert_eq!(quotas.at(&cloud, &at, DAY).await, Some(rules(200)));
        assert_eq!(asked(&cloud), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_that_may_not_be_asked_is_left_alone_for_a_day() {
        let (world, cloud) = counted();
        let (at, quotas) = (place(), QuotasTold::default());
        world.out_of_band().set_quotas(&at, rules(100));
        world
            .out_of_band()
            .deny_call(&at.account, Operation::Quotas);
        for _ in 0..2 {
            assert_eq!(quotas.at(&cloud, &at, DAY).await, None);
        }
        assert_eq!(asked(&cloud), 1);
        world.out_of_band().allow(&at.account);
        tokio::time::advance(HOUR).await;
        assert_eq!(quotas.at(&cloud, &at, DAY).await, None);
        tokio::time::advance(DAY).await;
        assert_eq!(quotas.at(&cloud, &at, DAY).await, Some(rules(100)));
        assert_eq!(asked(&cloud), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_person_is_told_what_is_allowed_now_or_why_that_is_not_told_and_passes_go_on_from_it()
    {
        let (world, cloud) = counted();
        let (at, quotas) = (place(), QuotasTold::default());
        assert_eq!(quotas.or_why_not(&cloud, &at).await, None);
        world.out_of_band().set_quotas(&at, rules(100));
        world
            .out_of_band()
            .deny_call(&at.account, Operation::Quotas);
        let why = quotas.or_why_not(&cloud, &at).await;
        assert_eq!(why, Some(Err(CloudErrorKind::Denied)));
        world.out_of_band().allow(&at.account);
        for most in [100, 200] {
            world.out_of_band().set_quotas(&at, rules(most));
            let told = quotas.or_why_not(&cloud, &at).await;
            assert_eq!(told, Some(Ok(rules(most))));
        }
        assert_eq!(quotas.at(&cloud, &at, DAY).await, Some(rules(200)));
        assert_eq!(asked(&cloud), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cloud_that_tells_nothing_is_not_asked() {
        let (_, cloud) = counted();
        assert_eq!(QuotasTold::default().at(&cloud, &place(), DAY).await, None);
        assert_eq!(asked(&cloud), 0);
    }
}
