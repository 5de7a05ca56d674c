//! What the tests of this folder share: a network with one peering, a log in memory, and a fuse
//! that stops everything at a chosen step.
#![allow(clippy::unwrap_used)]

use super::{
    context::{Pass, Wake},
    log::{NetworkLog, Written},
    memories::Memories,
    reason::{Reason, Reasons},
    settings::ProvisionerSettings,
    sides,
    turns::Turns,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use cloud::{AccountRegion, Cloud, CloudError, CloudErrorKind, Layer, Operation, Owner};
use domain::{
    CloudMode, CommandId, Context, Ids, PeeringId, Provider, Range, Region, ServedClouds, Side,
    network::{
        AcceptRoute, AddPeerRanges, AdoptPeering, Consent, InboundRule, IngressSource, Network,
        NetworkCommand, NetworkEvent, Outcome, Peer, Peering, RegisterNetwork, Registered,
        RequestPeering, RestrictFirewall, SetNetworkIpv6Ranges, Terms, decide, evolve,
    },
    text::{Link, Subnet},
};
use journal::{Clock, JournalError, Loaded, Undecodable};
use parking_lot::{Mutex, RwLock};
use simulated::{SimulatedCloud, SimulatedSettings};
use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A clock that goes with the runtime's time, which the tests move.
pub(super) fn clock() -> Clock {
    let (start, since) = (
        DateTime::<Utc>::from_timestamp(1_790_000_000, 0).unwrap(),
        Instant::now(),
    );
    Arc::new(move || start + since.elapsed())
}

pub(super) fn range(text: &str) -> Range {
    text.parse().unwrap()
}

/// An ingress that is open from the whole network.
pub(super) fn everywhere() -> Option<IngressSource> {
    Some(IngressSource::Ranges(vec![range("10.20.0.0/16")]))
}

pub(super) const CLIENTS: &str = "10.50.0.0/16";

pub(super) fn client_rule() -> InboundRule {
    InboundRule {
        source: range(CLIENTS).into(),
        port: 2113,
        target: None,
    }
}

/// Where a side of the test's peering is at a provider: the account, the region and the network.
fn place(provider: Provider, side: Side) -> (&'static str, &'static str, &'static str) {
    match (provider, side) {
        (Provider::Aws, Side::Local) => ("111111111111", "eu-west-1", "vpc-0aaaaaaaaaaaaaaaa"),
        (Provider::Aws, Side::Remote) => ("222222222222", "us-east-1", "vpc-0bbbbbbbbbbbbbbbb"),
        (Provider::Gcp, Side::Local) => ("orders-prod", "europe-west1", "orders"),
        (Provider::Gcp, Side::Remote) => ("billing-prod", "us-central1", "billing"),
        (Provider::Azure, Side::Local) => (
            "0f8fad5b-d9cb-469f-a165-70867728950e",
            "westeurope",
            "/subscriptions/7c9e6679-7425-40de-944b-e07fc1f90ae7/resourceGroups/orders/providers/Microsoft.Network/virtualNetworks/orders",
        ),
        (Provider::Azure, Side::Remote) => (
            "1b4e28ba-2fa1-41d2-883f-0016d3cca427",
            "northeurope",
            "/subscriptions/6fa459ea-ee8a-4ca4-894e-db77e160355e/resourceGroups/billing/providers/Microsoft.Network/virtualNetworks/billing",
        ),
    }
}

/// The commands of a network with one peering in another account and region: a route on each side,
/// clients admitted on the local one.
pub(super) fn commands() -> Vec<NetworkCommand> {
    commands_at(Provider::Aws)
}

/// The same at this provider.
fn commands_at(provider: Provider) -> Vec<NetworkCommand> {
    commands_of(provider, peering_id(), CLIENTS)
}

/// The same, of a peering with this id, whose clients are in this range.
fn commands_of(provider: Provider, id: PeeringId, clients: &str) -> Vec<NetworkCommand> {
    let subnets = |names: &[&str]| {
        names
            .iter()
            .map(|name| name.parse().unwrap())
            .collect::<Vec<Subnet>>()
    };
    let (account, region, cloud_network) = place(provider, Side::Local);
    let register = RegisterNetwork {
        project: "orders".parse().unwrap(),
        name: "orders-eu".parse().unwrap(),
        provider,
        region: Region::of(provider, region).unwrap(),
        account: account.parse().unwrap(),
        cloud_network: cloud_network.parse().unwrap(),
        range: "10.20.0.0/16".parse().unwrap(),
        ipv6_ranges: Vec::new(),
        subnets: subnets(&["subnet-1", "subnet-2"]),
    };
    let (account, region, cloud_network) = place(provider, Side::Remote);
    let peer = Peer {
        provider,
        account: account.parse().unwrap(),
        region: Region::of(provider, region).unwrap(),
        cloud_network: cloud_network.parse().unwrap(),
        ranges: vec![range(clients)],
        subnets: Vec::new(),
    };
    let route = |side, destination| {
        NetworkCommand::AcceptRoute(AcceptRoute {
            peering_id: id,
            side,
            destination: range(destination),
        })
    };
    vec![
        NetworkCommand::RegisterNetwork(register),
        NetworkCommand::RequestPeering(RequestPeering {
            peer,
            terms: Terms::default(),
            setup: domain::network::Setup::default(),
        }),
        route(Side::Local, clients),
        route(Side::Remote, "10.20.0.0/16"),
        restricted(
            id,
            &[InboundRule {
                source: range(clients).into(),
                ..client_rule()
            }],
        ),
    ]
}

pub(super) const IPV6: &str = "fd00:20::/56";
pub(super) const IPV6_CLIENTS: &str = "2600:1f14:12ab:3400::/56";

/// The same for addresses of both families; or what makes it so of a peering that has one.
pub(super) fn commands_of_both(at_once: bool) -> Vec<NetworkCommand> {
    let id = peering_id();
    let ipv6_ranges = vec![IPV6.parse().unwrap()];
    let mut commands = Vec::new();
    if at_once {
        for mut command in self::commands() {
            if let NetworkCommand::RegisterNetwork(it) = &mut command {
                it.ipv6_ranges.clone_from(&ipv6_ranges);
            } else if let NetworkCommand::RequestPeering(it) = &mut command {
                it.peer.ranges.push(range(IPV6_CLIENTS));
            }
            commands.push(command);
        }
    } else {
        let ranges = vec![range(IPV6_CLIENTS)];
        commands.push(
            SetNetworkIpv6Ranges {
                ranges: ipv6_ranges,
            }
            .into(),
        );
        commands.push(
            AddPeerRanges {
                peering_id: id,
                ranges,
            }
            .into(),
        );
    }
    let routes = [(Side::Local, IPV6_CLIENTS), (Side::Remote, IPV6)];
    commands.extend(routes.map(|(side, to)| {
        NetworkCommand::AcceptRoute(AcceptRoute {
            peering_id: id,
            side,
            destination: range(to),
        })
    }));
    let sources = [CLIENTS, IPV6_CLIENTS].map(range);
    let admit = sources.map(|source| InboundRule {
        source: source.into(),
        ..client_rule()
    });
    commands.push(restrict(&admit));
    commands
}

pub(super) fn restrict(admit: &[InboundRule]) -> NetworkCommand {
    restricted(peering_id(), admit)
}

fn restricted(peering_id: PeeringId, admit: &[InboundRule]) -> NetworkCommand {
    NetworkCommand::RestrictFirewall(RestrictFirewall {
        peering_id,
        side: Side::Local,
        admit: admit.to_vec(),
        tenure: Default::default(),
    })
}

fn ids(nth: usize) -> Ids {
    Ids::of(CommandId(Uuid::from_u128(nth as u128)))
}

/// What the engine puts on what it makes for the peering.
pub(super) fn owner() -> Owner {
    Owner::new(ids(0).network(), peering_id())
}

pub(super) fn peering_id() -> PeeringId {
    ids(1).peering(ids(0).network())
}

/// A log in memory, of one network.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    inner: Arc<Mutex<(Arc<Loaded>, Vec<NetworkEvent>)>>,
    told_by: Arc<OnceLock<ToldBy>>,
    served: Arc<OnceLock<ServedClouds>>,
    /// What its commands are numbered from: another engine's log has other ids.
    first: usize,
    appends: Arc<AtomicUsize>,
    calls: Arc<Mutex<Vec<(usize, domain::CloudCalls)>>>,
}

/// The clock by which commands are decided; without one it is the epoch.
struct ToldBy(Clock);

impl std::fmt::Debug for ToldBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ToldBy")
    }
}

/// The clouds of an engine that simulates them all.
pub(super) fn simulated() -> ServedClouds {
    let simulated = |provider| (provider, CloudMode::Simulated);
    Provider::ALL.into_iter().map(simulated).collect()
}

impl Log {
    /// The log after [`commands`].
    pub(super) fn with_a_peering() -> Self {
        let log = Self::default();
        commands()
            .iter()
            .for_each(|command| log.execute(command).map(drop).unwrap());
        log
    }

    /// The same of two networks with addresses of both families, and all of it for both.
    pub(super) fn dual_stack() -> Self {
        let log = Self::default();
        for command in commands_of_both(true) {
            log.execute(&command).map(drop).unwrap();
        }
        log
    }

    /// A log that holds these events, all of them of now.
    pub(super) fn of(events: Vec<NetworkEvent>, clock: &Clock) -> Self {
        let log = Self::default().told_by(clock);
        {
            let mut inner = log.inner.lock();
            let loaded = Arc::make_mut(&mut inner.0);
            for event in &events {
                loaded.network = evolve(std::mem::take(&mut loaded.network), event, clock());
            }
            loaded.revision = (events.len() as u64).checked_sub(1);
            inner.1 = events;
        }
        log
    }

    /// The same log, whose commands are decided at this clock's time.
    pub(super) fn told_by(self, clock: &Clock) -> Self {
        self.told_by.get_or_init(|| ToldBy(Arc::clone(clock)));
        self
    }

    /// The same, with another command in the place of the request.
    fn asking(ask: impl Fn(RequestPeering) -> NetworkCommand) -> Self {
        Self::default().asked(ask)
    }

    /// A log of a network and its peering at this provider, on these terms, at this clock's time.
    pub(super) fn at(provider: Provider, terms: &Terms, clock: &Clock) -> Self {
        let log = Self::default().told_by(clock);
        for command in commands_at(provider) {
            let command = if let NetworkCommand::RequestPeering(request) = command {
                let terms = terms.clone();
                RequestPeering { terms, ..request }.into()
            } else {
                command
            };
            log.execute(&command).map(drop).unwrap();
        }
        log
    }

    /// The log of another engine than the first, by its number, whose clouds are these: of a
    /// network at this provider, with all of its subnets, and what is asked of it.
    pub(super) fn of_engine(
        (number, clients): (usize, &str),
        (provider, served): (Provider, ServedClouds),
        clock: &Clock,
        ask: impl Fn(RequestPeering) -> NetworkCommand,
    ) -> Self {
        let first = number * 1_000_000;
        let log = Self {
            first,
            ..Self::default()
        };
        log.served.get_or_init(|| served);
        let id = ids(first + 1).peering(ids(first).network());
        let mut commands = commands_of(provider, id, clients);
        if let Some(NetworkCommand::RegisterNetwork(register)) = commands.first_mut() {
            register.subnets.clear();
        }
        log.told_by(clock).asked_of(commands, ask)
    }

    fn asked(self, ask: impl Fn(RequestPeering) -> NetworkCommand) -> Self {
        self.asked_of(commands(), ask)
    }

    fn asked_of(
        self,
        commands: Vec<NetworkCommand>,
        ask: impl Fn(RequestPeering) -> NetworkCommand,
    ) -> Self {
        for command in commands {
            let command = if let NetworkCommand::RequestPeering(request) = command {
                ask(request)
            } else {
                command
            };
            self.execute(&command).map(drop).unwrap();
        }
        self
    }

    /// A log in which this link is adopted at this clock's time.
    pub(super) fn adopting_now(link: &Link, clock: &Clock) -> Self {
        Self::adopting_with(link, Consent::Delegated, clock)
    }

    /// The same at this provider, where a link is two halves of this name.
    pub(super) fn adopting_at(provider: Provider, link: &Link, clock: &Clock) -> Self {
        let adopt = |request: RequestPeering| AdoptPeering {
            peer: request.peer,
            link: link.clone(),
            consent: Consent::Delegated,
            tenure: Default::default(),
        };
        let log = Self::default().told_by(clock);
        log.asked_of(commands_at(provider), |request| adopt(request).into())
    }

    /// The same, where this one keeps the peer's side.
    pub(super) fn adopting_with(link: &Link, consent: Consent, clock: &Clock) -> Self {
        let adopt = |request: RequestPeering| AdoptPeering {
            peer: request.peer,
            link: link.clone(),
            consent,
            tenure: Default::default(),
        };
        Self::default()
            .told_by(clock)
            .asked(|request| adopt(request).into())
    }

    /// The same, on other terms.
    pub(super) fn with_terms(terms: Terms) -> Self {
        Self::asking(|request| {
            RequestPeering {
                terms: terms.clone(),
                setup: domain::network::Setup::default(),
                ..request
            }
            .into()
        })
    }

    pub(super) fn with_consent(consent: Consent) -> Self {
        Self::with_terms(Terms {
            consent,
            ..Terms::default()
        })
    }

    /// The same, over a link that is there already.
    pub(super) fn adopting(link: &Link) -> Self {
        Self::asking(|request| {
            AdoptPeering {
                peer: request.peer,
                link: link.clone(),
                consent: Consent::Delegated,
                tenure: Default::default(),
            }
            .into()
        })
    }

    pub(super) fn execute(
        &self,
        command: &NetworkCommand,
    ) -> Result<usize, domain::network::Refusal> {
        let mut inner = self.inner.lock();
        let revision = inner.1.len();
        let now = self
            .told_by
            .get()
            .map_or(DateTime::UNIX_EPOCH, |told| (told.0)());
        let events = decide(
            &inner.0.network,
            command,
            &Context {
                clouds: Some(Arc::new(
                    self.served.get().cloned().unwrap_or_else(simulated),
                )),
                ..Context::default()
            },
            now,
            ids(self.first + revision),
        )?;
        for event in &events {
            let revision = inner.1.len() as u64;
            let loaded = Arc::make_mut(&mut inner.0);
            loaded.network = evolve(std::mem::take(&mut loaded.network), event, now);
            loaded.revision = Some(revision);
            inner.1.push(event.clone());
        }
        Ok(events.len())
    }

    /// Each append with the calls that stand beside its first event, of that number.
    pub(super) fn calls(&self) -> Vec<(usize, domain::CloudCalls)> {
        self.calls.lock().clone()
    }

    /// How many appends have put outcomes on record.
    pub(super) fn appends(&self) -> usize {
        self.appends.load(Ordering::Relaxed)
    }

    pub(super) fn events(&self) -> Vec<NetworkEvent> {
        self.inner.lock().1.clone()
    }

    /// The names of the events since the first `skip`.
    pub(super) fn names(&self, skip: usize) -> Vec<&'static str> {
        self.inner
            .lock()
            .1
            .iter()
            .skip(skip)
            .map(NetworkEvent::name)
            .collect()
    }

    /// From now on part of the history is of a kind that this version cannot read.
    pub(super) fn spoil(&self) {
        let undecodable = Undecodable {
            revision: 0,
            event_type: "Odd".to_owned(),
            problem: "unknown".to_owned(),
        };
        let mut inner = self.inner.lock();
        let loaded = Arc::make_mut(&mut inner.0);
        loaded.undecodable.push(undecodable);
        loaded.network.doubt();
    }

    /// The network is one that was registered before its cloud was on record.
    pub(super) fn forget_cloud(&self) {
        let mut inner = self.inner.lock();
        if let Network::Registered(network) = &mut Arc::make_mut(&mut inner.0).network {
            network.cloud = None;
        }
    }

    pub(super) fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.inner.lock().0)
    }

    pub(super) fn network(&self) -> Registered {
        match &self.inner.lock().0.network {
            Network::Registered(network) => network.clone(),
            Network::Unregistered | Network::Retired(_) | Network::Marked(_) => {
                panic!("no network")
            }
        }
    }

    pub(super) fn peering(&self) -> Peering {
        let id = ids(self.first + 1).peering(ids(self.first).network());
        self.network().peerings()[&id].clone()
    }
}

#[async_trait]
impl NetworkLog for Log {
    async fn load(&self) -> Result<Arc<Loaded>, JournalError> {
        Ok(self.loaded())
    }

    async fn record_all(
        &self,
        _on: &Loaded,
        outcomes: Vec<Outcome>,
        calls: &domain::CloudCalls,
    ) -> Result<Written, JournalError> {
        let (mut appended, before) = (0, self.inner.lock().clone());
        let first = before.1.len();
        for outcome in outcomes {
            match self.execute(&NetworkCommand::Record(outcome)) {
                Ok(events) => appended += events,
                Err(_) => {
                    *self.inner.lock() = before;
                    return Ok(Written::Stale);
                }
            }
        }
        self.appends
            .fetch_add(usize::from(appended > 0), Ordering::Relaxed);
        if appended > 0 {
            self.calls.lock().push((first, calls.clone()));
        }
        Ok(if appended == 0 {
            Written::Known(self.loaded())
        } else {
            Written::New(self.loaded())
        })
    }
}

/// Blows at one step, and then nothing goes on: the process is as good as dead.
#[derive(Clone, Debug)]
pub(super) struct Fuse {
    steps: Arc<AtomicUsize>,
    blows_at: usize,
    blown: Arc<Notify>,
    goes_on: CancellationToken,
}

impl Fuse {
    pub(super) fn at(step: usize) -> Self {
        Self {
            steps: Arc::default(),
            blows_at: step,
            blown: Arc::default(),
            goes_on: CancellationToken::new(),
        }
    }

    /// What was held up goes on: the process was not dead.
    pub(super) fn goes_on(&self) {
        self.goes_on.cancel();
    }

    /// How many steps were taken.
    pub(super) fn steps(&self) -> usize {
        self.steps.load(Ordering::Relaxed)
    }

    pub(super) fn never() -> Self {
        Self::at(usize::MAX)
    }

    pub(super) async fn blown(&self) {
        self.blown.notified().await;
    }

    async fn step(&self) {
        if self.steps.fetch_add(1, Ordering::Relaxed) >= self.blows_at {
            self.blown.notify_one();
            self.goes_on.cancelled().await;
        }
    }

    async fn wrap<T>(&self, call: impl Future<Output = T>) -> T {
        self.step().await;
        let done = call.await;
        self.step().await;
        done
    }
}

/// Anything, with a fuse before and after each call.
#[derive(Clone, Debug)]
pub(super) struct Fused<T>(pub(super) T, pub(super) Fuse);

#[async_trait]
impl<T: NetworkLog> NetworkLog for Fused<T> {
    /// Reading the record changes nothing: to stop there is to stop before what comes next.
    async fn load(&self) -> Result<Arc<Loaded>, JournalError> {
        self.0.load().await
    }

    async fn load_with(&self, revision: Option<u64>) -> Result<Arc<Loaded>, JournalError> {
        self.0.load_with(revision).await
    }

    async fn record_all(
        &self,
        on: &Loaded,
        outcomes: Vec<Outcome>,
        calls: &domain::CloudCalls,
    ) -> Result<Written, JournalError> {
        self.1.wrap(self.0.record_all(on, outcomes, calls)).await
    }
}

impl<T: Cloud> Layer for Fused<T> {
    fn inner(&self) -> &dyn Cloud {
        &self.0
    }

    async fn call<O, F>(
        &self,
        _: Operation,
        _: &AccountRegion,
        once: impl Fn() -> F + Send + Sync,
    ) -> Result<O, CloudError>
    where
        F: Future<Output = Result<O, CloudError>> + Send,
        O: Send,
    {
        self.1.wrap(once()).await
    }
}

/// What becomes of a call that somebody meddles with.
#[derive(Clone, Debug)]
pub(super) enum Meddling {
    Fails(CloudErrorKind),
    /// It is never answered.
    Hangs,
    /// It is done, and the answer is lost.
    LosesTheAnswer,
}

/// What is asked before each call: the number of calls before it, what it is and where.
type Meddle = dyn Fn(usize, Operation, &AccountRegion) -> Option<Meddling> + Send + Sync;

/// A cloud that somebody meddles with: before each call something may happen, or it may fail.
pub(super) struct Meddled {
    cloud: SimulatedCloud,
    calls: AtomicUsize,
    meddle: Box<Meddle>,
}

impl Meddled {
    pub(super) fn with(
        cloud: &SimulatedCloud,
        meddle: impl Fn(usize, Operation, &AccountRegion) -> Option<Meddling> + Send + Sync + 'static,
    ) -> Self {
        Self {
            cloud: cloud.clone(),
            calls: AtomicUsize::new(0),
            meddle: Box::new(meddle),
        }
    }
}

impl std::fmt::Debug for Meddled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meddled")
    }
}

impl Layer for Meddled {
    fn inner(&self) -> &dyn Cloud {
        &self.cloud
    }

    async fn call<O, F>(
        &self,
        operation: Operation,
        at: &AccountRegion,
        once: impl Fn() -> F + Send + Sync,
    ) -> Result<O, CloudError>
    where
        F: Future<Output = Result<O, CloudError>> + Send,
        O: Send,
    {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        match (self.meddle)(number, operation, at) {
            Some(Meddling::Fails(kind)) => Err(CloudError::new(operation, at, kind)),
            Some(Meddling::Hangs) => std::future::pending().await,
            Some(Meddling::LosesTheAnswer) => {
                once().await?;
                Err(CloudError::new(operation, at, CloudErrorKind::Ambiguous))
            }
            None => once().await,
        }
    }
}

/// A cloud in which both networks of [`commands`] exist: the local one with a table for each of its
/// two subnets and the main table, which serves neither; the remote one with its main table.
pub(super) fn cloud(settings: SimulatedSettings, clock: &Clock) -> SimulatedCloud {
    cloud_of(&Log::with_a_peering(), settings, clock)
}

/// The same, with the networks of this log.
pub(super) fn cloud_of(log: &Log, settings: SimulatedSettings, clock: &Clock) -> SimulatedCloud {
    let cloud = SimulatedCloud::new(settings, Arc::clone(clock));
    let (network, peering) = (log.network(), log.peering());
    for side in Side::BOTH {
        let end = sides::end(&network, &peering, side);
        cloud.out_of_band().build(
            &end.network,
            &end.ranges,
            sides::subnets(&network, &peering, side),
        );
    }
    cloud
}

/// Runs passes over the network as the provisioner does, until nothing is due, or for so long of
/// the runtime's time.
pub(super) async fn settle(
    cloud: &dyn Cloud,
    log: &dyn NetworkLog,
    clock: &Clock,
    settings: &ProvisionerSettings,
    memories: &mut Memories,
    at_most: Duration,
) -> Settled {
    let stop = CancellationToken::new();
    settle_until(&stop, cloud, log, clock, settings, memories, at_most).await
}

/// The same, until the engine is told to stop.
pub(super) async fn settle_until(
    stop: &CancellationToken,
    cloud: &dyn Cloud,
    log: &dyn NetworkLog,
    clock: &Clock,
    settings: &ProvisionerSettings,
    memories: &mut Memories,
    at_most: Duration,
) -> Settled {
    let (deadline, graph) = (Instant::now() + at_most, RwLock::default());
    let turns = Turns::default();
    while !stop.is_cancelled() {
        let wake = Wake::by(Reasons::from(Reason::Clock));
        let pass = Pass {
            cloud,
            express: cloud,
            inquiries: cloud,
            log,
            clock,
            settings,
            rest: &Default::default(),
            graph: &graph,
            turns: &turns,
            stop,
            quotas: &Default::default(),
            wake: &wake,
        };
        match pass.run(memories).await.unwrap() {
            _ if memories.values().all(|memory| memory.settled) => return Settled::Yes,
            None => return Settled::Yes,
            Some(due) if due > deadline => return Settled::No,
            Some(due) => tokio::time::sleep_until(due).await,
        }
    }
    Settled::No
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Yes,
    No,
}
