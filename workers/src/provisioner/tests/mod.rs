//! Whole passes over a simulated cloud: the history that they write, what they stop at, and how
//! they go on.
#![allow(clippy::unwrap_used)]

mod lives;
mod stand_ins;

use super::{
    context::{Pass, Wake},
    log::Written,
    memories::Memories,
    reason::{Reason, Reasons},
    settings::ProvisionerSettings,
    sides,
    testing::{
        CLIENTS, Log, Settled, clock, cloud, everywhere, owner, peering_id, range, restrict, settle,
    },
};
use cloud::{CallClass, Calls, LinkState, Operation, RateLimited, RouteTarget, group_name};
use domain::{
    Side,
    network::{AllowConnectorIngress, BlockCause, NetworkCommand, Outcome},
    text::Account,
};
use journal::Clock;
use simulated::{SimulatedCloud, SimulatedSettings};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use testkit::wait::elapse;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// One running provisioner of one network.
struct Bench {
    clock: Clock,
    world: SimulatedCloud,
    log: Log,
    limited: RateLimited,
    memories: Memories,
}

impl Bench {
    fn with(settings: SimulatedSettings) -> Self {
        let clock = clock();
        let world = cloud(settings, &clock);
        let limited = RateLimited::new(
            Arc::new(world.clone()),
            ProvisionerSettings::default().calls,
        );
        Self {
            clock,
            world,
            log: Log::with_a_peering(),
            limited,
            memories: Memories::default(),
        }
    }

    fn calm() -> Self {
        Self::with(SimulatedSettings::calm(11))
    }

    async fn run(&mut self, at_most: Duration) -> Settled {
        settle(
            &self.limited,
            &self.log,
            &self.clock,
            &ProvisionerSettings::default(),
            &mut self.memories,
            at_most,
        )
        .await
    }

    async fn settles(&mut self) {
        assert_eq!(
            self.run(Duration::from_secs(3600)).await,
            Settled::Yes,
            "{:#?}",
            self.log.peering()
        );
    }

    /// Runs for a minute, which must end in this block.
    async fn blocks(&mut self, cause: BlockCause, side: Side) {
        assert_eq!(self.run(Duration::from_secs(60)).await, Settled::No);
        let blocked = self.log.peering().blocked.expect("blocked");
        assert_eq!(
            (blocked.cause, blocked.side),
            (cause, side),
            "{}",
            blocked.message
        );
        assert!(!blocked.remedy.is_empty());
    }

    fn count(&self, event: &str) -> usize {
        self.log
            .names(0)
            .into_iter()
            .filter(|name| *name == event)
            .count()
    }

    fn calls(&self) -> Arc<Calls> {
        self.limited.calls()
    }
}

fn account(text: &str) -> Account {
    text.parse().unwrap()
}

const LOCAL: &str = "111111111111";
const REMOTE: &str = "222222222222";

#[tokio::test(start_paused = true)]
async fn a_peering_comes_into_being_and_its_history_tells_it_in_order() {
    let mut bench = Bench::calm();
    let (asked, began) = (bench.log.events().len(), tokio::time::Instant::now());
    bench.settles().await;
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "a calm cloud takes {:?}",
        began.elapsed()
    );
    let wanted = [
        "PeeringInitiationStarted",
        "PeeringInitiated",
        "PeeringAccepted",
        "PeeringActivated",
        "FirewallEnforced",
        "FirewallEnforced",
        "FirewallGroupCreated",
        "FirewallGroupCreated",
        "FirewallRuleAuthorized",
        "InstallationStarted",
        "InstallationStarted",
        "RouteInstalled",
        "RouteInstalled",
        "RouteInstalled",
        "RoutesEnforced",
        "RoutesEnforced",
    ];
    let history = bench.log.names(asked);
    assert_eq!(history[..4], wanted[..4]);
    let mut rest = history[4..].to_vec();
    rest.sort_unstable();
    assert_eq!(rest, wanted[4..]);
    assert!(bench.log.peering().is_converged());
}

#[tokio::test(start_paused = true)]
async fn it_takes_few_calls_and_then_none() {
    let mut bench = Bench::with(SimulatedSettings::instant(1));
    bench.settles().await;
    let counts = bench.calls().snapshot();
    let writes: u64 = counts
        .iter()
        .filter(|((operation, _), _)| operation.class() == CallClass::Write)
        .map(|(_, count)| count)
        .sum();
    // A link, its acceptance, a route in each of two local tables and one remote, two groups, one
    // rule.
    assert_eq!(writes, 8, "{counts:#?}");
    let identities: u64 = counts
        .iter()
        .filter(|((operation, _), _)| *operation == Operation::Identity)
        .map(|(_, count)| count)
        .sum();
    assert_eq!(
        identities, 2,
        "each side once for all its changes in a row: {counts:#?}"
    );
    // 18 a side at most, preflight with its rehearsals included.
    assert!(bench.calls().total() <= 36, "{counts:#?}");
    let before = bench.calls().total();
    bench.settles().await;
    assert_eq!(
        bench.calls().total(),
        before,
        "nothing is due, nothing is asked"
    );
}

#[tokio::test(start_paused = true)]
async fn a_denied_account_blocks_and_goes_on_by_itself_once_allowed() {
    for (denied, side) in [(LOCAL, Side::Local), (REMOTE, Side::Remote)] {
        let mut bench = Bench::calm();
        bench.world.out_of_band().deny(&account(denied));
        bench.blocks(BlockCause::PermissionDenied, side).await;
        assert_eq!(
            bench.count("ProvisioningBlocked"),
            1,
            "said once, not at every try"
        );
        bench.world.out_of_band().allow(&account(denied));
        bench.settles().await;
        assert_eq!(
            (
                bench.count("ProvisioningUnblocked"),
                bench.log.peering().blocked
            ),
            (1, None)
        );
        assert!(bench.log.peering().is_converged());
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_of_another_account_change_nothing() {
    for (side, expected) in [(Side::Local, LOCAL), (Side::Remote, REMOTE)] {
        let mut bench = Bench::calm();
        bench
            .world
            .out_of_band()
            .mix_up(&account(expected), &account("999999999999"));
        bench.blocks(BlockCause::WrongAccount, side).await;
        let created = bench
            .calls()
            .snapshot()
            .iter()
            .any(|((operation, _), _)| *operation == Operation::CreateLink);
        assert!(
            !created,
            "the networks are looked at first, and the account has none of them"
        );
        assert!(!bench.log.names(0).contains(&"PeeringAccepted"));
        bench.world.out_of_band().sort_out(&account(expected));
        bench.settles().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_blocks_and_ends_by_itself() {
    let mut bench = Bench::calm();
    bench.world.out_of_band().cut();
    assert_eq!(bench.run(Duration::from_secs(60)).await, Settled::No);
    assert_eq!(
        bench.count("ProvisioningBlocked"),
        0,
        "a region that does not answer for a minute is no reason to wake anybody"
    );
    bench
        .blocks(BlockCause::EndpointUnreachable, Side::Local)
        .await;
    assert_eq!(
        bench.count("PeeringInitiationStarted"),
        0,
        "nothing is intended that cannot be tried"
    );
    bench.world.out_of_band().mend();
    bench.settles().await;
    assert_eq!(bench.count("ProvisioningUnblocked"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_strangers_link_for_the_pair_blocks_until_it_is_gone() {
    let mut bench = Bench::calm();
    let (network, peering) = (bench.log.network(), bench.log.peering());
    let ends = Side::BOTH.map(|side| sides::end(&network, &peering, side));
    let link = bench
        .world
        .out_of_band()
        .join(&ends[1], &ends[0], LinkState::Active, None);
    bench.blocks(BlockCause::Conflict, Side::Local).await;
    assert_eq!(bench.world.world().links.len(), 1);
    bench.world.out_of_band().turn(&link, LinkState::Deleted);
    bench.settles().await;
    assert_eq!(bench.world.world().links.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn overlapping_networks_are_found_out_before_anything_is_asked_for() {
    let mut bench = Bench::calm();
    let (network, peering) = (bench.log.network(), bench.log.peering());
    let remote = sides::network(&network, &peering, Side::Remote);
    bench
        .world
        .out_of_band()
        .widen(&remote, "10.20.128.0/17".parse().unwrap());
    bench.blocks(BlockCause::RangeOverlap, Side::Local).await;
    assert!(bench.world.world().links.is_empty());
    assert_eq!(bench.count("PeeringInitiationStarted"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_the_cloud_gives_up_ends_as_failed_with_its_words() {
    let mut bench = Bench::calm();
    bench
        .world
        .out_of_band()
        .deny_call(&account(REMOTE), Operation::AcceptLink);
    bench
        .blocks(BlockCause::PermissionDenied, Side::Remote)
        .await;
    let link = bench.log.peering().life.link().unwrap().clone();
    bench.world.out_of_band().turn(&link, LinkState::Failed);
    bench.settles().await;
    assert_eq!(bench.log.peering().life.as_str(), "failed");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_nobody_may_accept_expires_under_the_told_clock() {
    let mut bench = Bench::calm();
    bench
        .world
        .out_of_band()
        .deny_call(&account(REMOTE), Operation::AcceptLink);
    assert_eq!(
        bench.run(Duration::from_secs(170 * 3600)).await,
        Settled::Yes
    );
    let peering = bench.log.peering();
    assert_eq!(
        (peering.life.as_str(), peering.blocked.as_ref()),
        ("expired", None)
    );
}

#[tokio::test(start_paused = true)]
async fn a_rejected_link_ends_as_rejected() {
    let mut bench = Bench::calm();
    bench
        .world
        .out_of_band()
        .deny_call(&account(REMOTE), Operation::AcceptLink);
    bench
        .blocks(BlockCause::PermissionDenied, Side::Remote)
        .await;
    let link = bench.log.peering().life.link().unwrap().clone();
    bench.world.out_of_band().turn(&link, LinkState::Rejected);
    bench.settles().await;
    assert_eq!(bench.log.peering().life.as_str(), "rejected");
}

#[tokio::test(start_paused = true)]
async fn a_foreign_route_is_a_conflict_until_it_is_removed() {
    let mut bench = Bench::calm();
    let (network, peering) = (bench.log.network(), bench.log.peering());
    let local = sides::network(&network, &peering, Side::Local);
    let table = bench.world.world().networks[&local.to_string()].tables[1]
        .id
        .clone();
    let (by_hand, clients) = (bench.world.out_of_band(), CLIENTS.parse().unwrap());
    by_hand.route(
        &local,
        &table,
        clients,
        RouteTarget::Other("tgw-1".to_owned()),
    );
    bench.blocks(BlockCause::Conflict, Side::Local).await;
    let routes = &bench.log.peering().routes.local;
    assert_eq!(
        routes
            .values()
            .next()
            .unwrap()
            .conflicts
            .get(&table)
            .map(|it| it.target.as_str()),
        Some("tgw-1")
    );
    assert_eq!(
        bench.count("RouteInstalled"),
        2,
        "the other table and the other side are served"
    );
    by_hand.unroute(&local, &table, clients);
    bench.settles().await;
    assert!(bench.log.peering().is_converged());
}

#[tokio::test(start_paused = true)]
async fn a_strangers_rule_in_our_group_is_left_alone_and_reported() {
    let mut bench = Bench::calm();
    bench.settles().await;
    let (network, peering) = (bench.log.network(), bench.log.peering());
    let remote = sides::network(&network, &peering, Side::Remote);
    let rule = bench
        .world
        .out_of_band()
        .slip_in(&remote, owner(), "udp 53 from 0.0.0.0/0")
        .unwrap();
    bench.memories = Memories::default();
    bench.blocks(BlockCause::Conflict, Side::Remote).await;
    bench.world.out_of_band().drop_rule(&remote, &rule);
    bench.settles().await;
    assert!(bench.log.peering().is_converged());
}

#[tokio::test(start_paused = true)]
async fn a_group_of_that_name_that_somebody_else_made_is_left_as_it_is_and_reported() {
    let mut bench = Bench::calm();
    let (network, peering) = (bench.log.network(), bench.log.peering());
    let local = sides::network(&network, &peering, Side::Local);
    bench
        .world
        .out_of_band()
        .group(
            &local,
            &group_name(peering_id()),
            &["tcp 22 from 0.0.0.0/0"],
        )
        .unwrap();
    assert_eq!(bench.run(Duration::from_secs(900)).await, Settled::No);
    assert_eq!(
        bench.log.peering().blocked.map(|it| (it.cause, it.side)),
        Some((BlockCause::Conflict, Side::Local))
    );
    let groups = bench.world.world().networks[&local.to_string()]
        .groups
        .clone();
    assert_eq!(
        groups
            .iter()
            .map(|group| (group.owner, group.rules.len()))
            .collect::<Vec<_>>(),
        [(None, 1)],
        "{groups:#?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_link_that_vanishes_is_reported_after_the_window_and_not_made_again() {
    let mut bench = Bench::calm();
    bench.settles().await;
    let link = bench.log.peering().life.link().unwrap().clone();
    bench.world.out_of_band().forget(&link);
    bench.memories = Memories::default();
    assert_eq!(bench.run(Duration::from_secs(200)).await, Settled::No);
    assert_eq!(bench.count("ProvisioningBlocked"), 0);
    assert_eq!(bench.run(Duration::from_secs(200)).await, Settled::No);
    assert_eq!(
        bench.log.peering().blocked.map(|it| it.cause),
        Some(BlockCause::NotFound)
    );
    assert!(bench.world.world().links.is_empty());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_opened_in_a_network_whose_history_cannot_be_read() {
    let mut bench = Bench::calm();
    bench.log.spoil();
    bench.run(Duration::from_secs(200)).await;
    assert_eq!(bench.count("PeeringInitiationStarted"), 0);
    assert!(bench.world.world().links.is_empty());
}

/// A log to which somebody gives a command in the very moment in which an outcome of that name is
/// recorded.
#[derive(Debug)]
struct Interrupted {
    log: Log,
    command: parking_lot::Mutex<Option<NetworkCommand>>,
    at: &'static str,
    wake: Arc<Wake>,
}

impl Interrupted {
    fn new(log: &Log, command: NetworkCommand, at: &'static str) -> Self {
        Self {
            log: log.clone(),
            command: parking_lot::Mutex::new(Some(command)),
            at,
            wake: Wake::by(Reasons::from(Reason::Clock)),
        }
    }
}

#[async_trait::async_trait]
impl super::log::NetworkLog for Interrupted {
    async fn load(&self) -> Result<Arc<journal::Loaded>, journal::JournalError> {
        self.log.load().await
    }

    async fn record_all(
        &self,
        on: &journal::Loaded,
        outcomes: Vec<Outcome>,
        calls: &domain::CloudCalls,
    ) -> Result<Written, journal::JournalError> {
        let is_it = outcomes.iter().any(|it| it.name() == self.at);
        let written = self.log.record_all(on, outcomes, calls).await?;
        let is_last =
            self.at != "FirewallEnforced" || self.log.peering().firewall.local.is_enforced();
        if is_it && let Some(command) = self.command.lock().take_if(|_| is_last) {
            self.log.execute(&command).unwrap();
            self.wake.tell(Reasons::from(Reason::Command {
                event_type: "FirewallRestricted",
                position: journal::Position::START,
                by: "alice".to_owned(),
                peering: command.peering_id(),
            }));
            return Ok(Written::New(self.log.loaded()));
        }
        Ok(written)
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_while_the_last_outcome_is_recorded_is_done_in_the_same_pass() {
    let mut bench = Bench::with(SimulatedSettings::instant(4));
    let log = Interrupted::new(&bench.log, restrict(&[]), "FirewallEnforced");
    let settings = ProvisionerSettings::default();
    let at_most = Duration::from_secs(60);
    settle(
        &bench.limited,
        &log,
        &bench.clock,
        &settings,
        &mut bench.memories,
        at_most,
    )
    .await;
    assert!(log.command.lock().is_none(), "the command was given");
    assert!(
        bench.log.peering().is_converged(),
        "{:#?}",
        bench.log.peering()
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_while_a_block_is_put_on_record_does_not_wait_until_that_is_tried_again()
{
    let mut bench = Bench::with(SimulatedSettings::instant(5));
    bench.settles().await;
    bench.world.out_of_band().deny(&account(REMOTE));
    let on_the_other_side = AllowConnectorIngress {
        peering_id: peering_id(),
        target: range("10.50.7.0/24"),
        port: 9092,
        reason: "orders go to the peer's broker".parse().unwrap(),
        expires_at: None,
        from: everywhere(),
        no_expiry: true,
    };
    bench.log.execute(&on_the_other_side.into()).unwrap();
    let log = Interrupted::new(&bench.log, restrict(&[]), "Blocked");
    let settings = ProvisionerSettings {
        first_backoff: Duration::from_secs(3600),
        longest_backoff: Duration::from_secs(3600),
        ..ProvisionerSettings::default()
    };
    let mut reasons = log.wake.take();
    while !reasons.is_empty() {
        log.wake.tell(reasons);
        let pass = Pass {
            cloud: &bench.limited,
            express: &bench.limited,
            inquiries: &bench.limited,
            log: &log,
            clock: &bench.clock,
            settings: &settings,
            rest: &Default::default(),
            graph: &parking_lot::RwLock::default(),
            turns: &Default::default(),
            quotas: &Default::default(),
            stop: &CancellationToken::new(),
            wake: &log.wake,
        };
        let began = Instant::now();
        pass.run(&mut bench.memories).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(60));
        reasons = log.wake.take();
    }
    assert!(log.command.lock().is_none(), "the command was given");
    assert_eq!(bench.log.peering().firewall.local.rules.len(), 0);
}

/// A log that does one thing at a time, in the order in which it was asked, and takes a while.
#[derive(Debug)]
struct OneAtATime {
    log: Log,
    turn: tokio::sync::Mutex<()>,
}

#[async_trait::async_trait]
impl super::log::NetworkLog for OneAtATime {
    async fn load(&self) -> Result<Arc<journal::Loaded>, journal::JournalError> {
        let _turn = self.turn.lock().await;
        elapse(Duration::from_millis(1)).await;
        self.log.load().await
    }

    async fn record_all(
        &self,
        on: &journal::Loaded,
        outcomes: Vec<Outcome>,
        calls: &domain::CloudCalls,
    ) -> Result<Written, journal::JournalError> {
        let _turn = self.turn.lock().await;
        elapse(Duration::from_millis(5)).await;
        self.log.record_all(on, outcomes, calls).await
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_up_is_read_while_outcomes_are_recorded_and_neither_waits_for_the_other() {
    let mut bench = Bench::with(SimulatedSettings::instant(6));
    let log = OneAtATime {
        log: bench.log.clone(),
        turn: tokio::sync::Mutex::default(),
    };
    let wake = Wake::by(Reasons::from(Reason::Clock));
    let stop = CancellationToken::new();
    let pass = Pass {
        cloud: &bench.limited,
        express: &bench.limited,
        inquiries: &bench.limited,
        log: &log,
        clock: &bench.clock,
        settings: &ProvisionerSettings::default(),
        rest: &Default::default(),
        graph: &parking_lot::RwLock::default(),
        turns: &Default::default(),
        quotas: &Default::default(),
        stop: &stop,
        wake: &wake,
    };
    let comes_up = async {
        for _ in 0..100 {
            wake.tell(Reasons::from(Reason::Start));
            elapse(Duration::from_millis(3)).await;
        }
    };
    let works = async {
        tokio::join!(pass.run(&mut bench.memories), comes_up)
            .0
            .unwrap()
    };
    let done = tokio::time::timeout(Duration::from_secs(60), works).await;
    done.expect("the pass goes on");
    assert!(bench.log.peering().is_converged());
}

/// A log that counts how often it is asked for all that it has.
#[derive(Debug)]
struct Counted {
    log: Log,
    reads: AtomicUsize,
}

#[async_trait::async_trait]
impl super::log::NetworkLog for Counted {
    async fn load(&self) -> Result<Arc<journal::Loaded>, journal::JournalError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.log.load().await
    }

    async fn load_with(
        &self,
        revision: Option<u64>,
    ) -> Result<Arc<journal::Loaded>, journal::JournalError> {
        match revision {
            Some(_) => self.log.load().await,
            None => self.load().await,
        }
    }

    async fn record_all(
        &self,
        on: &journal::Loaded,
        outcomes: Vec<Outcome>,
        calls: &domain::CloudCalls,
    ) -> Result<Written, journal::JournalError> {
        self.log.record_all(on, outcomes, calls).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_looks_at_nothing_reads_no_more_of_the_record_than_what_woke_it() {
    let mut bench = Bench::with(SimulatedSettings::instant(7));
    bench.settles().await;
    let log = Counted {
        log: bench.log.clone(),
        reads: AtomicUsize::default(),
    };
    let event = Reason::Event {
        event_type: "RoutesAdded",
        position: journal::Position::START,
        peering: None,
    };
    let wake = Wake::by(Reasons::since(event, 0));
    let calls = bench.calls().total();
    let pass = Pass {
        cloud: &bench.limited,
        express: &bench.limited,
        inquiries: &bench.limited,
        log: &log,
        clock: &bench.clock,
        settings: &ProvisionerSettings::default(),
        rest: &Default::default(),
        graph: &parking_lot::RwLock::default(),
        turns: &Default::default(),
        quotas: &Default::default(),
        stop: &CancellationToken::new(),
        wake: &wake,
    };
    pass.run(&mut bench.memories).await.unwrap();
    let read = log.reads.load(Ordering::Relaxed);
    assert_eq!((bench.calls().total() - calls, read), (0, 0));
}
