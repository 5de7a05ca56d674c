//! What accounts allow, as their clouds tell: each account and region is asked once a day, for all
//! networks of the process.
//!
//! One that does not tell, since the permission is missing or nothing serves it, is asked again a
//! day later, and nothing waits for it: what was told before stays on record, and so does what is
//! usual where nothing was. A restart asks anew.

use super::observation::Observation;
use cloud::{AccountRegion, Cloud, CloudErrorKind};
use domain::{
    Provider, Region, SeenQuotas,
    text::{Account, CloudNetwork},
};
use parking_lot::Mutex;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::Instant;

/// For how long an answer is good, and a refusal stands.
pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);

/// The same for who waits for a quota to be raised.
pub(super) const WAITING: Duration = Duration::from_secs(15 * 60);

/// For how long a service that did not answer is left alone.
const HOUR: Duration = Duration::from_secs(3600);

/// As whomever it is entered, and which part of it has quotas of its own.
type Place = (Provider, Account, Region, String);

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
    /// What is allowed there to these networks, asked of the cloud if what is known is older than
    /// this. Of several who ask at the same time one does.
    pub(super) async fn at(
        &self,
        cloud: &dyn Cloud,
        (at, of): (&AccountRegion, &[CloudNetwork]),
        no_older: Duration,
    ) -> Option<SeenQuotas> {
        let is_good = |told: &Told| told.at.elapsed() < told.good_for.min(no_older);
        self.told(cloud, (at, of), is_good).await?.ok()
    }

    /// The same as it is now, for a person who waits for it; and why it is not told. Passes go on
    /// from that.
    pub(super) async fn or_why_not(
        &self,
        cloud: &dyn Cloud,
        place: (&AccountRegion, &[CloudNetwork]),
    ) -> Option<Result<SeenQuotas, CloudErrorKind>> {
        self.told(cloud, place, |_| false).await
    }

    /// `None` where no cloud is there that tells quotas. Of several parts of the account the least
    /// holds, as far as all of them tell.
    async fn told(
        &self,
        cloud: &dyn Cloud,
        (at, of): (&AccountRegion, &[CloudNetwork]),
        is_good: impl Fn(&Told) -> bool,
    ) -> Option<Result<SeenQuotas, CloudErrorKind>> {
        if !cloud.tells_quotas(at) {
            return None;
        }
        let parts = of.iter().map(|it| (cloud.quota_scope(at, it), it));
        let parts: BTreeMap<String, &CloudNetwork> = parts.collect();
        let mut least: Option<SeenQuotas> = None;
        for (part, network) in parts {
            match self.told_by(cloud, at, (part, network), &is_good).await {
                Ok(told) => least = Some(least.map_or(told, |it| lesser(it, told))),
                Err(why) => return Some(Err(why)),
            }
        }
        least.map(Ok)
    }

    async fn told_by(
        &self,
        cloud: &dyn Cloud,
        at: &AccountRegion,
        (part, network): (String, &CloudNetwork),
        is_good: impl Fn(&Told) -> bool,
    ) -> Result<SeenQuotas, CloudErrorKind> {
        let place = (at.provider, at.account.clone(), at.region.clone(), part);
        let known = Arc::clone(self.0.lock().entry(place).or_default());
        let mut known = known.lock().await;
        let told = match known.take().filter(is_good) {
            Some(told) => told,
            None => told(cloud, at, network).await,
        };
        known.insert(told).quotas.clone()
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

/// What holds in both parts of an account: the lesser number of each that both tell.
fn lesser(one: SeenQuotas, other: SeenQuotas) -> SeenQuotas {
    let lesser = |one: Option<u32>, other: Option<u32>| Some(one?.min(other?));
    SeenQuotas {
        links: lesser(one.links, other.links),
        pending_links: lesser(one.pending_links, other.pending_links),
        routes: lesser(one.routes, other.routes),
        rules: lesser(one.rules, other.rules),
        groups_of_interface: lesser(one.groups_of_interface, other.groups_of_interface),
    }
}

async fn told(cloud: &dyn Cloud, at: &AccountRegion, of: &CloudNetwork) -> Told {
    let (quotas, good_for) = match cloud.quotas(at, of).await {
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
    use ::cloud::{NetworkRef, Operation, RateLimited};
    use domain::Side;
    use simulated::{SimulatedCloud, SimulatedSettings};

    fn rules(most: u32) -> SeenQuotas {
        SeenQuotas {
            rules: Some(most),
            ..SeenQuotas::default()
        }
    }

    fn place() -> NetworkRef {
        let log = Log::with_a_peering();
        crate::provisioner::sides::network(&log.network(), &log.peering(), Side::Local)
    }

    fn of(it: &NetworkRef) -> (&AccountRegion, &[CloudNetwork]) {
        (&it.at, std::slice::from_ref(&it.network))
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
        let (network, quotas) = (place(), QuotasTold::default());
        let (at, of) = (&network.at, of(&network));
        world.out_of_band().set_quotas(at, rules(100));
        let both = async { tokio::join!(quotas.at(&cloud, of, DAY), quotas.at(&cloud, of, DAY)) };
        assert_eq!(both.await, (Some(rules(100)), Some(rules(100))));
        let as_somebody = AccountRegion {
            external_id: Some("a-tenant".parse().expect("an external id")),
            ..at.clone()
        };
        let as_somebody = (&as_somebody, of.1);
        assert_eq!(quotas.at(&cloud, as_somebody, DAY).await, Some(rules(100)));
        assert_eq!(asked(&cloud), 1);
        world.out_of_band().set_quotas(at, rules(200));
        tokio::time::advance(WAITING).await;
        assert_eq!(quotas.at(&cloud, of, DAY).await, Some(rules(100)));
        assert_eq!(quotas.at(&cloud, of, WAITING).await, Some(rules(200)));
        assert_eq!(asked(&cloud), 2, "whoever waits looks sooner");
        tokio::time::advance(DAY).await;
        assert_eq!(quotas.at(&cloud, of, DAY).await, Some(rules(200)));
        assert_eq!(asked(&cloud), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_that_may_not_be_asked_is_left_alone_for_a_day() {
        let (world, cloud) = counted();
        let (network, quotas) = (place(), QuotasTold::default());
        let (at, of) = (&network.at, of(&network));
        world.out_of_band().set_quotas(at, rules(100));
        world
            .out_of_band()
            .deny_call(&at.account, Operation::Quotas);
        for _ in 0..2 {
            assert_eq!(quotas.at(&cloud, of, DAY).await, None);
        }
        assert_eq!(asked(&cloud), 1);
        world.out_of_band().allow(&at.account);
        tokio::time::advance(HOUR).await;
        assert_eq!(quotas.at(&cloud, of, DAY).await, None);
        tokio::time::advance(DAY).await;
        assert_eq!(quotas.at(&cloud, of, DAY).await, Some(rules(100)));
        assert_eq!(asked(&cloud), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_did_not_answer_is_left_alone_for_an_hour() {
        let (world, cloud) = counted();
        let (network, quotas) = (place(), QuotasTold::default());
        let by_hand = world.out_of_band();
        by_hand.set_quotas(&network.at, rules(100));
        by_hand.cut();
        assert_eq!(quotas.at(&cloud, of(&network), DAY).await, None);
        by_hand.mend();
        let before = asked(&cloud);
        assert_eq!(quotas.at(&cloud, of(&network), DAY).await, None);
        assert_eq!(asked(&cloud), before, "it is left alone");
        tokio::time::advance(HOUR).await;
        let told = quotas.at(&cloud, of(&network), DAY).await;
        assert_eq!(told, Some(rules(100)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_person_is_told_what_is_allowed_now_or_why_that_is_not_told_and_passes_go_on_from_it()
    {
        let (world, cloud) = counted();
        let (network, quotas) = (place(), QuotasTold::default());
        let (at, of) = (&network.at, of(&network));
        assert_eq!(quotas.or_why_not(&cloud, of).await, None);
        world.out_of_band().set_quotas(at, rules(100));
        world
            .out_of_band()
            .deny_call(&at.account, Operation::Quotas);
        let why = quotas.or_why_not(&cloud, of).await;
        assert_eq!(why, Some(Err(CloudErrorKind::Denied)));
        world.out_of_band().allow(&at.account);
        for most in [100, 200] {
            world.out_of_band().set_quotas(at, rules(most));
            let told = quotas.or_why_not(&cloud, of).await;
            assert_eq!(told, Some(Ok(rules(most))));
        }
        assert_eq!(quotas.at(&cloud, of, DAY).await, Some(rules(200)));
        assert_eq!(asked(&cloud), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cloud_that_tells_nothing_is_not_asked() {
        let (_, cloud) = counted();
        let network = place();
        let told = QuotasTold::default().at(&cloud, of(&network), DAY).await;
        assert_eq!(told, None);
        assert_eq!(asked(&cloud), 0);
    }

    #[test]
    fn of_two_parts_of_an_account_the_lesser_of_each_number_holds_that_both_tell() {
        let of = |links, routes, rules| SeenQuotas {
            links,
            routes,
            rules,
            ..SeenQuotas::default()
        };
        let one = of(Some(500), Some(400), None);
        let other = of(Some(100), None, Some(1000));
        assert_eq!(lesser(one, other), of(Some(100), None, None));
        assert_eq!(lesser(other, one), of(Some(100), None, None));
        let all = SeenQuotas {
            links: Some(5),
            pending_links: Some(4),
            routes: Some(3),
            rules: Some(2),
            groups_of_interface: Some(1),
        };
        assert_eq!(lesser(all, all), all);
    }

    #[tokio::test(start_paused = true)]
    async fn of_several_parts_of_an_account_each_is_asked_and_the_least_holds_that_all_tell() {
        let (world, cloud) = counted();
        let (network, quotas) = (place(), QuotasTold::default());
        let other = NetworkRef {
            network: "vpc-0other".parse().expect("a network"),
            ..network.clone()
        };
        let all = [other.network.clone(), network.network.clone()];
        let both = (&network.at, &all[..]);
        let by_hand = world.out_of_band();
        by_hand.set_quotas(&network.at, rules(100));
        assert_eq!(quotas.at(&cloud, both, DAY).await, Some(rules(100)));
        assert_eq!(asked(&cloud), 1, "both are in one part");
        by_hand.tell_quotas_of(&other, rules(70));
        assert_eq!(quotas.at(&cloud, both, DAY).await, Some(rules(70)));
        assert_eq!(asked(&cloud), 2);
        let one = quotas.at(&cloud, of(&network), DAY).await;
        assert_eq!(one, Some(rules(100)), "the other part's are none of its");
        assert_eq!(asked(&cloud), 2);
        by_hand.deny_call(&network.at.account, Operation::Quotas);
        let why = quotas.or_why_not(&cloud, both).await;
        assert_eq!(why, Some(Err(CloudErrorKind::Denied)));
    }
}
