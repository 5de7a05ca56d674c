//! Observation: what the passes over one network have read, by account and region. One call of a
//! kind serves every peering that shares them, also of those that are worked on at the same time.
//!
//! A read stays good for a peering until an action of that peering touches what it showed, or until
//! it is too old. An account and region that does not answer is remembered: nobody else waits for
//! it in vain.

use super::{
    apply::Touches,
    block,
    freshness::Asked,
    query::Query,
    seen::{Seen, Shows},
    sides,
};
use chrono::{DateTime, TimeDelta, Utc};
use cloud::{
    AccessListView, AccountRegion, Cloud, CloudError, CloudErrorKind, DnsSupport, GroupView,
    InterfaceView, LinkForm, LinkView, Look, NetworkRef, NetworkView, OperationState, Rehearsal,
    Rehearsed, RouteTableView, SubnetView,
};
use domain::{
    PeeringId, Side,
    network::{Peering, Registered},
    text::{Account, CloudNetwork, CloudOperation},
};
use futures::future::join_all;
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

pub(super) use super::freshness::Freshness;

/// For how long what was read may be decided on, and a failure stands for the next call.
const GOOD_FOR: Duration = Duration::from_secs(10);

/// One read: what it showed, of which networks, and when it was asked for.
#[derive(Clone, Debug)]
pub(super) struct Read<V> {
    pub(super) shows: V,
    of: Vec<CloudNetwork>,
    pub(super) asked: Asked,
}

/// The reads of one kind.
pub(super) type Of<V> = BTreeMap<AccountRegion, Read<Vec<V>>>;

/// Everything that was read.
#[derive(Debug, Default)]
pub(super) struct Reads {
    pub(super) identities: BTreeMap<AccountRegion, Read<Account>>,
    pub(super) networks: Of<NetworkView>,
    pub(super) subnets: Of<SubnetView>,
    pub(super) links: Of<LinkView>,
    pub(super) tables: Of<RouteTableView>,
    pub(super) groups: Of<GroupView>,
    pub(super) lists: Of<AccessListView>,
    /// One entry, which is `None` where they may not be read: what is attached cannot be told then.
    pub(super) interfaces: Of<Option<Vec<InterfaceView>>>,
    pub(super) dns: BTreeMap<NetworkRef, Read<DnsSupport>>,
    pub(super) operations: BTreeMap<CloudOperation, Read<OperationState>>,
    pub(super) rehearsed: BTreeMap<(PeeringId, Query), Read<Rehearsed>>,
    failed: BTreeMap<AccountRegion, (CloudError, Asked)>,
    /// What is read of an account and region belongs to one look for as long as that is good: each
    /// answer there serves every kind of read, and is as old as the look.
    looks: BTreeMap<AccountRegion, (Look, Asked)>,
    asked: u64,
}

/// What is read once, however many ask for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Shared(AccountRegion, &'static str),
    Of(PeeringId, Query),
}

/// What one process has read of a network's peerings.
#[derive(Debug, Default)]
pub(super) struct Observation {
    pub(super) reads: Mutex<Reads>,
    /// The check that was asked for last, as far as a pass has planned on it.
    check: Mutex<Check>,
    turns: Mutex<BTreeMap<Subject, Arc<tokio::sync::Mutex<()>>>>,
}

/// A look that somebody has asked for shows what is so since then.
#[derive(Debug, Default)]
struct Check {
    requested_at: Option<DateTime<Utc>>,
    /// The number of the last read that was asked for before it.
    last: Arc<AtomicU64>,
}

/// A read that failed, and on which side.
#[derive(Clone, Debug)]
pub(super) struct Unseen {
    pub(super) side: Side,
    pub(super) error: CloudError,
}

impl Reads {
    fn ask(&mut self) -> Asked {
        self.asked += 1;
        Asked {
            number: self.asked,
            at: Instant::now(),
        }
    }

    /// The look in which this is read: the one that is there, if it is good enough.
    fn look(&mut self, at: &AccountRegion, query: Query, freshness: &Freshness) -> (Look, Asked) {
        if let Some((look, asked)) = self.looks.get(at)
            && freshness.accepts(query, *asked)
        {
            return (look.clone(), *asked);
        }
        let new = (Look::default(), self.ask());
        self.looks.insert(at.clone(), new.clone());
        new
    }

    /// What this query showed of a shared kind, if it is good enough and is about the side's
    /// network.
    pub(super) fn good<'a, V>(
        of: &'a Of<V>,
        query: Query,
        network: &NetworkRef,
        freshness: &Freshness,
    ) -> Option<&'a Read<Vec<V>>> {
        of.get(&network.at).filter(|read| {
            freshness.accepts(query, read.asked) && read.of.contains(&network.network)
        })
    }

    pub(super) fn identity(
        &self,
        at: &AccountRegion,
        side: Side,
        freshness: &Freshness,
    ) -> Option<Account> {
        let read = self.identities.get(at)?;
        let is_good = freshness.accepts(Query::Identity(side), read.asked);
        is_good.then(|| read.shows.clone())
    }

    pub(super) fn dns(
        &self,
        network: &NetworkRef,
        side: Side,
        freshness: &Freshness,
    ) -> Option<DnsSupport> {
        let read = self.dns.get(network)?;
        freshness
            .accepts(Query::Dns(side), read.asked)
            .then_some(read.shows)
    }

    pub(super) fn rehearsed(
        &self,
        peering: PeeringId,
        query: Query,
        freshness: &Freshness,
    ) -> Option<Rehearsed> {
        let read = self.rehearsed.get(&(peering, query))?;
        freshness
            .accepts(query, read.asked)
            .then(|| read.shows.clone())
    }

    fn has(
        &self,
        network: &Registered,
        peering: &Peering,
        query: Query,
        freshness: &Freshness,
    ) -> bool {
        let own = sides::network(network, peering, query.side());
        match query {
            Query::Identity(side) => self.identity(&own.at, side, freshness).is_some(),
            Query::Network(_) => Self::good(&self.networks, query, &own, freshness).is_some(),
            Query::Subnets(_) => Self::good(&self.subnets, query, &own, freshness).is_some(),
            Query::Links(_) => Self::good(&self.links, query, &own, freshness).is_some(),
            Query::Tables(_) => Self::good(&self.tables, query, &own, freshness).is_some(),
            Query::Groups(_) => Self::good(&self.groups, query, &own, freshness).is_some(),
            Query::AccessLists(_) => Self::good(&self.lists, query, &own, freshness).is_some(),
            Query::Interfaces(_) => Self::good(&self.interfaces, query, &own, freshness).is_some(),
            Query::Dns(side) => self.dns(&own, side, freshness).is_some(),
            Query::Operation(side) => self.operation(peering, side, freshness).is_some(),
            Query::MayCreateLink | Query::MayCreateGroup(_) => {
                self.rehearsed(peering.id, query, freshness).is_some()
            }
        }
    }
}

impl Observation {
    /// What may be decided on from now on.
    pub(super) fn freshness(&self, insists: bool) -> Freshness {
        let now = Instant::now();
        let since = now.checked_sub(GOOD_FOR).unwrap_or(now);
        let checked = Arc::clone(&self.check.lock().last);
        let mut reads = self.reads.lock();
        reads.looks.retain(|_, (_, asked)| asked.at >= since);
        Freshness {
            since,
            began: reads.asked,
            checked,
            touched: BTreeMap::new(),
            insists,
        }
    }

    /// The same, where nothing that was read so far is good any more.
    pub(super) fn anew(&self, freshness: &mut Freshness) {
        let last = self.reads.lock().asked;
        for side in Side::BOTH {
            for query in Query::of(side) {
                freshness.touched.insert(query, last);
            }
        }
        freshness.touched.insert(Query::MayCreateLink, last);
    }

    /// Nothing that was asked for before a check was on record is good enough for it.
    pub(super) fn is_checked(&self, network: &Registered) {
        let check = &mut *self.check.lock();
        if check.requested_at < network.drift_check {
            check.requested_at = network.drift_check;
            let last = self.reads.lock().asked;
            check.last.store(last, Ordering::Relaxed);
        }
    }

    /// What a change here may have made untrue is read again; with two halves, the lists too.
    pub(super) fn touch(
        &self,
        freshness: &mut Freshness,
        side: Side,
        touches: Touches,
        form: LinkForm,
    ) {
        let last = self.reads.lock().asked;
        let queries = match touches {
            Touches::Links => Side::BOTH
                .into_iter()
                .flat_map(|side| [Query::Links(side), Query::Operation(side)])
                .collect(),
            Touches::Tables => vec![Query::Tables(side)],
            Touches::Lists => vec![Query::AccessLists(side)],
            Touches::Groups => [Query::Groups(side), Query::Interfaces(side)]
                .into_iter()
                .chain(form.is_two_objects().then_some(Query::AccessLists(side)))
                .collect(),
        };
        freshness
            .touched
            .extend(queries.into_iter().map(|query| (query, last)));
    }

    /// How long ago the first was asked for of all that is good enough for this peering.
    pub(super) fn age(
        &self,
        network: &Registered,
        peering: &Peering,
        freshness: &Freshness,
    ) -> Duration {
        let reads = self.reads.lock();
        let ages = Side::BOTH.into_iter().filter_map(|side| {
            let own = sides::network(network, peering, side);
            let all = [
                Reads::good(&reads.networks, Query::Network(side), &own, freshness)
                    .map(|it| it.asked),
                Reads::good(&reads.subnets, Query::Subnets(side), &own, freshness)
                    .map(|it| it.asked),
                Reads::good(&reads.links, Query::Links(side), &own, freshness).map(|it| it.asked),
                Reads::good(&reads.tables, Query::Tables(side), &own, freshness).map(|it| it.asked),
                Reads::good(&reads.groups, Query::Groups(side), &own, freshness).map(|it| it.asked),
                Reads::good(&reads.lists, Query::AccessLists(side), &own, freshness)
                    .map(|it| it.asked),
                Reads::good(&reads.interfaces, Query::Interfaces(side), &own, freshness)
                    .map(|it| it.asked),
            ];
            all.into_iter().flatten().map(|it| it.at).min()
        });
        ages.min().map_or(Duration::ZERO, |first| first.elapsed())
    }

    /// Reads what was asked for and was not read yet, all of it at the same time.
    pub(super) async fn query(
        &self,
        cloud: &dyn Cloud,
        network: &Registered,
        peering: &Peering,
        queries: &BTreeSet<Query>,
        freshness: &Freshness,
    ) -> Result<(), Unseen> {
        let all = queries.iter().map(|query| async {
            let side = query.side();
            self.one(cloud, network, peering, *query, freshness)
                .await
                .map_err(|error| Unseen { side, error })
        });
        join_all(all).await.into_iter().collect()
    }

    /// Reads one thing, once for all that ask for it at the same time.
    async fn one(
        &self,
        cloud: &dyn Cloud,
        network: &Registered,
        peering: &Peering,
        query: Query,
        freshness: &Freshness,
    ) -> Result<(), CloudError> {
        let own = sides::network(network, peering, query.side());
        let subject = match query.shared() {
            Some(kind) => Subject::Shared(own.at.clone(), kind),
            None => Subject::Of(peering.id, query),
        };
        let turn = Arc::clone(self.turns.lock().entry(subject).or_default());
        let _turn = turn.lock().await;
        let (look, asked) = {
            let mut reads = self.reads.lock();
            if reads.has(network, peering, query, freshness) {
                return Ok(());
            }
            if let Some((error, failed)) = reads.failed.get(&own.at)
                && (failed.number > freshness.began
                    || !freshness.insists && failed.at.elapsed() < GOOD_FOR)
            {
                return Err(error.clone());
            }
            reads.look(&own.at, query, freshness)
        };
        let read = self.read(cloud, network, peering, query, asked);
        let result = look.over(read).await;
        if let Err(error) = &result {
            self.note_failure(error);
        }
        result
    }

    async fn read(
        &self,
        cloud: &dyn Cloud,
        network: &Registered,
        peering: &Peering,
        query: Query,
        asked: Asked,
    ) -> Result<(), CloudError> {
        let side = query.side();
        let at = sides::of(network, peering, side);
        let mut of = sides::networks_at(network, peering, &at);
        if matches!(query, Query::Links(_) | Query::Tables(_) | Query::Groups(_)) {
            of.extend(
                sides::networks_before(network, &at)
                    .filter(|it| !of.contains(it))
                    .collect::<Vec<_>>(),
            );
        }
        macro_rules! keep {
            ($kind:ident, $shows:expr) => {{
                let shows = $shows;
                let read = Read { shows, of, asked };
                drop(self.reads.lock().$kind.insert(at, read));
            }};
        }
        match query {
            Query::Identity(_) => keep!(identities, cloud.identity(&at).await?),
            Query::Network(_) => keep!(networks, cloud.networks(&at, &of).await?),
            Query::Subnets(_) => keep!(subnets, cloud.subnets(&at, &of).await?),
            Query::Links(_) => keep!(links, cloud.links(&at, &of).await?),
            Query::Tables(_) => keep!(tables, cloud.route_tables(&at, &of).await?),
            Query::Groups(_) => keep!(groups, cloud.firewall_groups(&at, &of).await?),
            Query::AccessLists(side) => {
                let shows = cloud.access_lists(&at, &of).await;
                // Without the permission, what a rule of this side's admits counts as let in: more
                // is reported, and nothing else waits for it.
                keep!(
                    lists,
                    match shows {
                        Err(it) if side == Side::Local && it.kind == CloudErrorKind::Denied =>
                            Vec::new(),
                        shows => shows?,
                    }
                )
            }
            Query::Interfaces(_) => {
                let shows = match cloud.interfaces(&at, &of).await {
                    Err(it) if it.kind == CloudErrorKind::Denied => None,
                    shows => Some(shows?),
                };
                keep!(interfaces, vec![shows])
            }
            Query::Dns(_) => {
                let own = sides::network(network, peering, side);
                let shows = cloud.dns_support(&own).await?;
                (self.reads.lock().dns).insert(own, Read { shows, of, asked });
            }
            Query::Operation(_) => {
                let Some(operation) = peering.halves.get(side).operation() else {
                    return Ok(());
                };
                // One that is forgotten is over: what came of it the next look at the links tells.
                let shows = match cloud.operation(&at, operation).await {
                    Err(error) if error.kind == CloudErrorKind::NotFound => OperationState::Done,
                    answer => answer?,
                };
                let is_over = !matches!(shows, OperationState::Running);
                let read = Read { shows, of, asked };
                let mut reads = self.reads.lock();
                reads.operations.insert(operation.clone(), read);
                if is_over {
                    // What it has done, an answer from before does not show.
                    reads.looks.clear();
                }
            }
            Query::MayCreateLink | Query::MayCreateGroup(_) => {
                let rehearsal = if matches!(query, Query::MayCreateLink) {
                    Rehearsal::CreateLink(sides::link(network, peering).into())
                } else {
                    Rehearsal::CreateGroup {
                        network: sides::network(network, peering, side),
                        owner: sides::owner(network, peering),
                    }
                };
                let shows = cloud.rehearse(&rehearsal).await?;
                let read = Read { shows, of, asked };
                let key = (peering.id, query);
                self.reads.lock().rehearsed.insert(key, read);
            }
        }
        Ok(())
    }

    /// Whose account was entered is known for as long as what was read is good.
    pub(super) fn note_identity(&self, at: AccountRegion) {
        let mut reads = self.reads.lock();
        let read = Read {
            shows: at.account.clone(),
            of: Vec::new(),
            asked: reads.ask(),
        };
        reads.identities.insert(at, read);
    }

    /// Whether anything was read in which orphans may be.
    pub(super) fn has_seen_places(&self) -> bool {
        let reads = self.reads.lock();
        !(reads.links.is_empty() && reads.tables.is_empty() && reads.groups.is_empty())
    }

    /// Judges what was read of links, tables, groups and lists for orphans, of which no read asks.
    pub(super) fn of_orphans<T>(
        &self,
        now: DateTime<Utc>,
        judge: impl FnOnce(&[Seen<'_>]) -> T,
    ) -> T {
        let reads = &*self.reads.lock();
        let mut all = Vec::new();
        let age = |asked: Asked| TimeDelta::from_std(asked.at.elapsed()).unwrap_or_default();
        macro_rules! seen {
            ($kind:ident, $shows:ident) => {
                for (at, read) in &reads.$kind {
                    all.push(Seen {
                        at,
                        of: &read.of,
                        seen_at: now - age(read.asked),
                        shows: Shows::$shows(&read.shows),
                    });
                }
            };
        }
        seen!(links, Links);
        seen!(tables, Tables);
        seen!(groups, Groups);
        seen!(lists, Lists);
        judge(&all)
    }

    /// Remembers an account and region that does not answer, or lets nobody in: every other call
    /// there would fail as well. A call that is not permitted says nothing of others.
    pub(super) fn note_failure(&self, error: &CloudError) {
        if block::is_of_all_there(error) {
            let mut reads = self.reads.lock();
            let asked = reads.ask();
            reads
                .failed
                .insert((*error.at).clone(), (error.clone(), asked));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provisioner::testing::{Log, clock, cloud};
    use simulated::SimulatedSettings;

    fn slow(latency: Duration) -> simulated::SimulatedCloud {
        let settings = SimulatedSettings {
            latency: latency..=latency,
            ..SimulatedSettings::instant(1)
        };
        cloud(settings, &clock())
    }

    #[tokio::test(start_paused = true)]
    async fn an_observation_is_as_old_as_its_first_read_was_when_it_was_asked_for() {
        let second = Duration::from_secs(1);
        let (cloud, log) = (slow(second), Log::with_a_peering());
        let (network, peering) = (log.network(), log.peering());
        let observation = Observation::default();
        let freshness = observation.freshness(false);
        let age = || observation.age(&network, &peering, &freshness);
        assert_eq!(age(), Duration::ZERO);
        for (query, expected) in [
            (Query::Links(Side::Local), second),
            (Query::Tables(Side::Local), second * 2),
        ] {
            observation
                .query(
                    &cloud,
                    &network,
                    &peering,
                    &BTreeSet::from([query]),
                    &freshness,
                )
                .await
                .expect("a read");
            assert_eq!(age(), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_pass_has_touched_is_read_again_for_it_and_stays_good_for_the_others() {
        let (cloud, log) = (slow(Duration::ZERO), Log::with_a_peering());
        let (network, peering) = (log.network(), log.peering());
        let observation = Observation::default();
        let (mut one, other) = (observation.freshness(false), observation.freshness(false));
        let tables = Query::Tables(Side::Local);
        observation
            .query(&cloud, &network, &peering, &BTreeSet::from([tables]), &one)
            .await
            .expect("a read");
        observation.touch(&mut one, Side::Local, Touches::Tables, LinkForm::OneObject);
        let reads = observation.reads.lock();
        assert!(!reads.has(&network, &peering, tables, &one));
        assert!(reads.has(&network, &peering, tables, &other));
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_that_does_not_answer_is_asked_once_and_again_for_whoever_comes_later() {
        let (cloud, log) = (slow(Duration::ZERO), Log::with_a_peering());
        let (network, peering) = (log.network(), log.peering());
        let observation = Observation::default();
        let fails = async |query, freshness: &Freshness| {
            observation
                .query(
                    &cloud,
                    &network,
                    &peering,
                    &BTreeSet::from([query]),
                    freshness,
                )
                .await
                .is_err()
        };
        let first = observation.freshness(false);
        cloud.out_of_band().cut();
        assert!(fails(Query::Links(Side::Local), &first).await);
        cloud.out_of_band().mend();
        assert!(
            fails(Query::Tables(Side::Local), &first).await,
            "the same pass"
        );
        assert!(
            !fails(Query::Tables(Side::Remote), &first).await,
            "another account"
        );
        let routine = observation.freshness(false);
        assert!(
            fails(Query::Tables(Side::Local), &routine).await,
            "a moment ago"
        );
        let command = observation.freshness(true);
        assert!(
            !fails(Query::Tables(Side::Local), &command).await,
            "somebody waits"
        );
    }
}
