//! Many peerings of one network: they are worked on side by side, an account that does not answer
//! holds up nobody else, and a command waits for no routine.

use super::{Life, Pass, peering_id, range};
use crate::provisioner::{
    bounded::Bounded,
    context::Wake,
    graph::Graph,
    reason::{Reason, Reasons},
    settings::ProvisionerSettings,
    sides,
    testing::{Meddled, Meddling, client_rule, restrict},
    turns::Turns,
};
use cloud::{Cloud, Operation, RateLimited};
use domain::{
    Actor, EventId, PeeringId, Side,
    network::{
        CheckDrift, NetworkCommand, NetworkEvent, Peer, RequestPeering, Setup, SetupRoute, Terms,
    },
    text::Account,
};
use journal::{Body, Metadata, Position, Recorded};
use parking_lot::{Mutex, RwLock};
use std::{sync::Arc, time::Duration};
use testkit::wait::{self, elapse};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Asks for so many further peerings of the network, each with a network of its own, in these
/// accounts.
fn further(life: &Life, peers: usize, account: impl Fn(usize) -> String) -> Vec<PeeringId> {
    let (first, network) = (life.log.peering().peer, life.log.network());
    for number in 0..peers {
        let destination = range(&format!("10.{}.0.0/16", 100 + number));
        let peer = Peer {
            account: account(number).parse().unwrap(),
            cloud_network: format!("vpc-{number:017x}").parse().unwrap(),
            ranges: vec![destination],
            ..first.clone()
        };
        let routes = vec![
            SetupRoute {
                side: Side::Local,
                destination,
            },
            SetupRoute {
                side: Side::Remote,
                destination: *network.range,
            },
        ];
        life.says(RequestPeering {
            peer,
            terms: Terms::default(),
            setup: Setup {
                routes,
                ..Setup::default()
            },
        });
    }
    let network = life.log.network();
    let others = || network.live_peerings().filter(|it| it.id != peering_id());
    for peering in others() {
        let end = sides::end(&network, peering, Side::Remote);
        life.cloud
            .out_of_band()
            .build(&end.network, &end.ranges, &[]);
    }
    others().map(|it| it.id).collect()
}

fn unlimited(cloud: Arc<dyn Cloud>) -> Arc<RateLimited> {
    let many = u32::MAX.try_into().unwrap();
    let calls = cloud::ClientPolicy {
        reads: many,
        writes: many,
        ..cloud::ClientPolicy::default()
    };
    Arc::new(RateLimited::new(cloud, calls))
}

/// A command of somebody's, as the log tells of it.
fn recorded(life: &Life, event: NetworkEvent) -> Recorded {
    let alice: Actor = "alice".parse().unwrap();
    let id = Uuid::from_u128(7);
    Recorded {
        stream: life.log.network().id.stream(),
        network_id: Some(life.log.network().id),
        revision: 7,
        position: Position {
            commit: 4711,
            prepare: 4711,
        },
        event_id: EventId(id),
        created: (life.clock)(),
        metadata: Some(Metadata {
            correlation_id: id,
            causation_id: id,
            command_id: domain::CommandId(id),
            command_digest: domain::Digest::of(&restrict(&[])).unwrap(),
            actor: alice,
            schema_version: 1,
            traceparent: None,
            time: None,
            reason: None,
            ticket: None,
            command: None,
            cloud_calls: None,
            cloud: None,
            term: None,
        }),
        stored: Default::default(),
        data: Vec::new().into(),
        body: Body::Event(event),
    }
}

fn commanded(life: &Life) -> Reason {
    let event = life.log.events().last().unwrap().clone();
    let own: Actor = "provisioner".parse().unwrap();
    Reason::of(&recorded(life, event), &own).unwrap()
}

/// Runs passes while something else happens, and ends with that.
async fn beside<T>(
    life: &mut Life,
    cloud: Arc<dyn Cloud>,
    wake: &Wake,
    what: impl AsyncFnOnce() -> T,
) -> T {
    let settings = ProvisionerSettings::default();
    let bounded = || Bounded::new(Arc::clone(&cloud), settings.parallel_calls);
    let (routine, express) = (bounded(), bounded());
    let (stop, graph) = (CancellationToken::new(), RwLock::<Graph>::default());
    let pass = Pass {
        cloud: &routine,
        express: &express,
        inquiries: &express,
        log: &life.log,
        clock: &life.clock,
        settings: &settings,
        rest: &Default::default(),
        graph: &graph,
        turns: &Turns::default(),
        quotas: &Default::default(),
        stop: &stop,
        wake,
    };
    let memories = &mut life.memories;
    let passes = async {
        loop {
            match pass.run(memories).await.unwrap() {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        }
    };
    tokio::select! {
        () = passes => unreachable!(),
        done = what() => done,
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_is_revoked_within_a_second_while_twenty_peerings_of_one_account_hang() {
    for hanging in [1, 5, 20] {
        let mut life = Life::active().await;
        further(&life, hanging, |_| "333333333333".to_owned());
        let dead: Account = "333333333333".parse().unwrap();
        let (revoked, waiting) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(0)));
        let (noted, counted) = (Arc::clone(&revoked), Arc::clone(&waiting));
        let meddled = Meddled::with(&life.cloud, move |_, operation, at| {
            if at.account == dead {
                *counted.lock() += 1;
                return Some(Meddling::Hangs);
            }
            if operation == Operation::RevokeRule {
                noted.lock().get_or_insert(Instant::now());
            }
            None
        });
        let wake = Wake::by(Reasons::from(Reason::Start));
        let log = life.log.clone();
        log.execute(&restrict(&[])).unwrap();
        let reason = commanded(&life);
        log.execute(&restrict(&[client_rule()])).unwrap();
        let took = beside(&mut life, unlimited(Arc::new(meddled)), &wake, async || {
            // In the middle of what hangs.
            elapse(Duration::from_secs(30)).await;
            assert!(*waiting.lock() > 0);
            let asked = Instant::now();
            log.execute(&restrict(&[])).unwrap();
            wake.tell(Reasons::from(reason));
            wait::holds("a revoked rule", || revoked.lock().is_some()).await;
            asked.elapsed()
        })
        .await;
        assert!(took < Duration::from_secs(1), "{hanging} hang: {took:?}");
        // Each call is tried again after 20 seconds, and no more than eight go at a time.
        assert!(*waiting.lock() <= 16, "{} calls hang", waiting.lock());
    }
}

#[tokio::test(start_paused = true)]
async fn a_pass_over_a_hundred_and_twenty_five_peers_in_as_many_accounts_takes_seconds() {
    let mut life = Life::slow(Duration::from_millis(150));
    further(&life, 124, |number| {
        format!("{:012}", 400_000_000_000_u64 + number as u64)
    });
    let limited = unlimited(Arc::new(life.cloud.clone()));
    let (log, wake) = (life.log.clone(), Wake::by(Reasons::from(Reason::Start)));
    let converged = || {
        let network = log.network();
        network.live_peerings().all(|it| it.is_converged())
    };
    beside(&mut life, limited.clone(), &wake, async || {
        // No more than 25 requests may be open at a time, and what that refuses waits for its turn.
        for _ in 0..24 * 360 {
            if converged() {
                return;
            }
            elapse(Duration::from_secs(10)).await;
        }
        panic!("not in place within a day");
    })
    .await;
    let calls = || limited.calls().total();
    let before = calls();
    life.says(CheckDrift {});
    let began = Instant::now();
    let took = beside(&mut life, limited.clone(), &wake, async || {
        let mut last = (before, began);
        // Over once no call was made for longer than a call takes.
        while last.1.elapsed() < Duration::from_secs(1) {
            elapse(Duration::from_millis(10)).await;
            if calls() > last.0 {
                last = (calls(), Instant::now());
            }
        }
        last.1 - began
    })
    .await;
    assert!(calls() - before >= 250, "{} calls", calls() - before);
    assert!(took < Duration::from_secs(10), "{took:?}");
}

/// What was written to the log of the process.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_of_the_process_says_why_each_pass_looked_when_it_did() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::NEW)
        .with_writer(move || writer.clone());
    // Tests beside this one follow nothing. Without a default for them, a place that one of them
    // reaches first would count as never followed.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let mut life = Life::active().await;
    let (network, peering) = (life.log.network().id, peering_id());
    let passes = || {
        let written = String::from_utf8(std::mem::take(&mut *lines.0.lock())).unwrap();
        let new = |line: &&str| line.contains(" pass{") && line.ends_with(": new");
        let whys = written.lines().filter(new).map(ToOwned::to_owned);
        whys.collect::<Vec<_>>()
    };
    let who = format!("network={network} peering={peering} reason=");
    assert!(passes().iter().all(|it| it.contains(&who)));
    life.says(restrict(&[]));
    let wake = Wake::by(Reasons::from(commanded(&life)));
    let cloud = unlimited(Arc::new(life.cloud.clone()));
    beside(&mut life, cloud.clone(), &wake, async || {
        elapse(Duration::from_secs(1)).await;
    })
    .await;
    let told = passes();
    let wanted = format!("{who}command FirewallRestricted at 4711/4711 by alice");
    assert!(
        told.first().is_some_and(|it| it.contains(&wanted)),
        "{wanted} in {told:#?}"
    );
    beside(&mut life, cloud, &wake, async || {
        elapse(ProvisionerSettings::default().drift_interval * 2).await;
    })
    .await;
    let told = passes();
    let wanted = format!("{who}clock");
    assert!(
        !told.is_empty() && told.iter().all(|it| it.contains(&wanted)),
        "{told:#?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_check_that_somebody_asks_for_reads_on_the_share_of_inquiries_and_a_command_does_not() {
    let mut life = Life::active().await;
    let settings = ProvisionerSettings::default();
    let ways: [_; 3] = std::array::from_fn(|_| unlimited(Arc::new(life.cloud.clone())));
    let [routine, express, inquiries] = &ways;
    let (stop, graph) = (CancellationToken::new(), RwLock::<Graph>::default());
    let freeze = domain::network::FreezeNetwork {
        reason: "a look around".parse().unwrap(),
        everywhere: false,
    };
    let commands: [NetworkCommand; 2] = [CheckDrift {}.into(), freeze.into()];
    for (command, only_looks) in commands.into_iter().zip([true, false]) {
        tokio::time::advance(Duration::from_secs(60)).await;
        life.says(command);
        let wake = Wake::by(Reasons::from(commanded(&life)));
        let pass = Pass {
            cloud: &**routine,
            express: &**express,
            inquiries: &**inquiries,
            log: &life.log,
            clock: &life.clock,
            settings: &settings,
            rest: &Default::default(),
            graph: &graph,
            turns: &Turns::default(),
            quotas: &Default::default(),
            stop: &stop,
            wake: &wake,
        };
        let before = ways.each_ref().map(|it| it.calls().total());
        pass.run(&mut life.memories).await.unwrap();
        let after = ways.each_ref().map(|it| it.calls().total());
        let made: Vec<_> = before.iter().zip(after).map(|(it, now)| now - it).collect();
        assert_eq!(made[0], 0, "{made:?}");
        assert_eq!(
            (made[1] == 0, made[2] > 0),
            (only_looks, only_looks),
            "{made:?}"
        );
        assert!(made[1] + made[2] > 0, "{made:?}");
    }
}
