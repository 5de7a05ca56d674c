//! Lives where a link is two halves, one of each side: made one by one, removed one by one, and
//! told apart by whose they are.

use super::{Life, is_clean, remove};
use crate::provisioner::testing::{Fuse, Log, Meddled, Meddling, Settled, peering_id};
use cloud::{CloudErrorKind, LinkForm, Operation, half_name};
use domain::{
    Provider, Side,
    network::{
        AbandonPeering, AcceptedBy, BlockCause, Consent, Half, HalfChange, HalfChangeStarted,
        Leftover, NetworkCommand, NetworkEvent, Terms, Where,
    },
    text::Link,
};
use simulated::SimulatedSettings;
use std::{collections::BTreeSet, time::Duration};
use tokio_util::sync::CancellationToken;

const TWO: [Provider; 2] = [Provider::Gcp, Provider::Azure];
const HOUR: Duration = Duration::from_secs(3600);

fn terms(consent: Consent) -> Terms {
    Terms {
        consent,
        ..Terms::default()
    }
}

fn asked_for(provider: Provider, consent: Consent) -> Life {
    let settings = SimulatedSettings::instant(21);
    Life::at(provider, &terms(consent), settings)
}

/// A cloud that is late, and busy for as long as a change takes.
fn late(seed: u64) -> SimulatedSettings {
    let seconds = |from, to| Duration::from_secs(from)..=Duration::from_secs(to);
    SimulatedSettings {
        visibility: seconds(0, 8),
        stale_reads: 0..=2,
        initiating: seconds(1, 9),
        deleting: seconds(1, 9),
        ..SimulatedSettings::instant(seed)
    }
}

fn name() -> Link {
    half_name(peering_id(), 0).unwrap()
}

/// The sides of these changes, in the order of the record.
fn sides_of(life: &Life, of: impl Fn(&NetworkEvent) -> Option<Side>) -> Vec<Side> {
    life.log.events().iter().filter_map(of).collect()
}

fn made(event: &NetworkEvent) -> Option<Side> {
    if let NetworkEvent::HalfMade(it) = event {
        Some(it.side)
    } else {
        None
    }
}

fn gone(event: &NetworkEvent) -> Option<Side> {
    if let NetworkEvent::HalfRemoved(it) = event {
        Some(it.side)
    } else {
        None
    }
}

impl Life {
    fn names_on(&self, side: Side) -> Vec<Link> {
        let (world, network) = (self.cloud.world(), self.network(side));
        let halves = world.halves_of(&network);
        halves.map(|it| it.name.clone()).collect()
    }

    /// The peer's own people make their half, under a name of theirs.
    fn owner_makes_theirs(&self) -> Link {
        let theirs: Link = "to-the-private-network".parse().unwrap();
        let (own, other) = (self.network(Side::Remote), self.network(Side::Local));
        self.cloud.out_of_band().make_half(&own, &other, &theirs);
        theirs
    }

    fn abandons(&self, clean: Option<Side>) {
        self.says(AbandonPeering {
            peering_id: peering_id(),
            reason: "the peer is not ours any more".parse().unwrap(),
            clean,
        });
    }

    fn left_behind(&self) -> Vec<Leftover> {
        self.log.peering().leftovers()
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_of_two_halves_is_made_routed_and_removed_in_the_providers_order_without_a_trace() {
    for provider in TWO {
        for settings in [SimulatedSettings::instant(21), late(4)] {
            let mut life = Life::at(provider, &Terms::default(), settings);
            life.settles().await;
            let peering = life.log.peering();
            assert!(peering.is_converged(), "{provider}: {peering:#?}");
            for side in Side::BOTH {
                assert_eq!(life.names_on(side), [name()], "{provider}, {side}");
                assert_eq!(life.routes(side), [], "{provider}, {side}: exchanged");
                let in_place = peering.routes_in_place.get(side).as_ref().unwrap();
                assert_eq!(in_place.at, [Where::Exchange].into(), "{provider}, {side}");
            }
            let by = peering.acceptance.map(|it| it.accepted_by);
            assert_eq!(by, Some(AcceptedBy::Engine));
            life.says(remove());
            life.settles().await;
            assert_eq!(life.log.peering().life.as_str(), "removed", "{provider}");
            assert_eq!(life.left_behind(), []);
            is_clean(&life.cloud.world(), &format!("{provider}, removed"));
            let LinkForm::TwoObjects {
                made: making,
                removed,
            } = LinkForm::of(provider)
            else {
                panic!("two objects");
            };
            assert_eq!(sides_of(&life, made), making, "{provider}");
            assert_eq!(sides_of(&life, gone), removed, "{provider}");
            assert_eq!(life.count("LinkRemoved"), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_about_to_happen_to_a_half_is_on_record_with_its_request_before_it_does() {
    for provider in TWO {
        let mut life = asked_for(provider, Consent::Delegated);
        life.settles().await;
        life.says(remove());
        life.settles().await;
        let mut started = Vec::new();
        for event in life.log.events() {
            if let NetworkEvent::HalfChangeStarted(it) = event {
                started.push(it);
            }
        }
        assert_eq!(started.len(), 4, "{provider}: two made, two removed");
        let requests: std::collections::BTreeSet<_> =
            started.iter().map(|it| it.request_id).collect();
        assert_eq!(requests.len(), 4, "each has a request of its own");
    }
}

/// Whenever the process dies: what the cloud was asked, the log has the name of.
#[tokio::test(start_paused = true)]
async fn the_cloud_is_asked_under_no_name_that_is_not_on_record_already() {
    for blow in 1..1000 {
        let mut life = Life::at(Provider::Gcp, &Terms::default(), late(2));
        let crashed = life.run(Fuse::at(blow), HOUR).await.is_none();
        let operations = life.cloud.world().operations;
        let asked: BTreeSet<_> = operations.iter().map(|it| it.request).collect();
        let events = life.log.events().into_iter();
        let started = events.filter_map(|event| {
            if let NetworkEvent::HalfChangeStarted(it) = event {
                Some(it.request_id)
            } else {
                None
            }
        });
        let on_record: BTreeSet<_> = started.collect();
        assert!(asked.is_subset(&on_record), "crash at {blow}: {asked:?}");
        if !crashed {
            assert_eq!(asked.len(), 2, "one for each half");
            return;
        }
    }
    panic!("it never came to an end");
}

#[tokio::test(start_paused = true)]
async fn with_the_owners_consent_the_engine_waits_for_their_half_and_never_touches_it() {
    for provider in TWO {
        let mut life = asked_for(provider, Consent::Owner);
        let ten_minutes = Duration::from_secs(600);
        assert_eq!(
            life.run(Fuse::never(), ten_minutes).await,
            Some(Settled::No)
        );
        assert_eq!(life.log.peering().life.as_str(), "awaiting_acceptance");
        assert_eq!(life.names_on(Side::Remote), []);
        let theirs = life.owner_makes_theirs();
        life.settles().await;
        let peering = life.log.peering();
        assert!(peering.is_converged(), "{provider}: {peering:#?}");
        let by = peering.acceptance.map(|it| it.accepted_by);
        assert_eq!(by, Some(AcceptedBy::Owner));
        life.says(remove());
        life.settles().await;
        assert_eq!(life.names_on(Side::Local), []);
        assert_eq!(life.names_on(Side::Remote), [theirs], "{provider}");
        assert_eq!(
            life.log.peering().life.as_str(),
            "abandoned",
            "{provider}: half of the link still stands"
        );
        let half = Leftover::Half {
            side: Side::Remote,
            link: None,
        };
        assert_eq!(life.left_behind(), [half], "{provider}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_half_that_its_owner_removed_first_leaves_nothing_behind() {
    for provider in TWO {
        let mut life = asked_for(provider, Consent::Owner);
        life.run(Fuse::never(), HOUR).await;
        let theirs = life.owner_makes_theirs();
        life.settles().await;
        let network = life.network(Side::Remote);
        life.cloud.out_of_band().remove_half(&network, &theirs);
        life.says(remove());
        life.settles().await;
        assert_eq!(life.log.peering().life.as_str(), "removed", "{provider}");
        is_clean(&life.cloud.world(), "both are gone");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_owner_never_came_is_taken_back_whole() {
    for provider in TWO {
        let mut life = asked_for(provider, Consent::Owner);
        life.run(Fuse::never(), HOUR).await;
        life.says(remove());
        life.settles().await;
        assert_eq!(life.log.peering().life.as_str(), "removed", "{provider}");
        is_clean(&life.cloud.world(), "nobody came");
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_loses_its_other_half_is_drift_and_blocked_and_not_made_again() {
    for provider in TWO {
        let mut life = asked_for(provider, Consent::Delegated);
        life.settles().await;
        let network = life.network(Side::Remote);
        life.cloud.out_of_band().remove_half(&network, &name());
        tokio::time::advance(HOUR).await;
        life.blocks(BlockCause::LinkEnded, Side::Remote).await;
        life.look_for(HOUR).await;
        assert_eq!(life.names_on(Side::Remote), [], "{provider}");
        assert_eq!(life.count("DriftDetected"), 1, "{provider}");
        assert_eq!(sides_of(&life, gone), [Side::Remote]);
        life.says(remove());
        life.settles().await;
        assert_eq!(life.log.peering().life.as_str(), "removed", "{provider}");
        is_clean(&life.cloud.world(), "what was left of it is gone");
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_gets_its_other_half_back_is_whole_again() {
    let mut life = asked_for(Provider::Gcp, Consent::Owner);
    life.run(Fuse::never(), HOUR).await;
    let theirs = life.owner_makes_theirs();
    life.settles().await;
    let network = life.network(Side::Remote);
    life.cloud.out_of_band().remove_half(&network, &theirs);
    tokio::time::advance(HOUR).await;
    life.blocks(BlockCause::LinkEnded, Side::Remote).await;
    life.owner_makes_theirs();
    tokio::time::advance(HOUR).await;
    life.settles().await;
    let peering = life.log.peering();
    assert!(peering.is_converged(), "{peering:#?}");
    assert_eq!(peering.halves.remote, Half::Made { link: None });
}

#[tokio::test(start_paused = true)]
async fn our_half_removed_by_somebody_is_missed_and_not_made_again() {
    for provider in TWO {
        let mut life = asked_for(provider, Consent::Delegated);
        life.settles().await;
        let network = life.network(Side::Local);
        life.cloud.out_of_band().remove_half(&network, &name());
        tokio::time::advance(HOUR).await;
        life.look_for(HOUR).await;
        let blocked = life.log.peering().blocked.map(|it| it.cause);
        assert_eq!(blocked, Some(BlockCause::NotFound), "{provider}");
        life.says(remove());
        life.settles().await;
        assert_eq!(life.log.peering().life.as_str(), "removed", "{provider}");
        is_clean(&life.cloud.world(), "the other half goes too");
    }
}

#[tokio::test(start_paused = true)]
async fn giving_up_names_each_half_that_stands_and_cleaning_a_side_takes_its_own_alone() {
    for provider in TWO {
        let mut life = asked_for(provider, Consent::Delegated);
        life.settles().await;
        life.abandons(None);
        life.settles().await;
        let link = Some(name());
        for side in Side::BOTH {
            let half = Leftover::Half {
                side,
                link: link.clone(),
            };
            assert!(life.left_behind().contains(&half), "{provider}, {side}");
        }

        let mut life = asked_for(provider, Consent::Delegated);
        life.settles().await;
        life.abandons(Some(Side::Remote));
        life.settles().await;
        assert_eq!(life.names_on(Side::Remote), [], "{provider}");
        assert_eq!(life.names_on(Side::Local), [name()], "{provider}");
        let halves: Vec<_> = life
            .left_behind()
            .into_iter()
            .filter(|it| matches!(it, Leftover::Half { .. }))
            .collect();
        let side = Side::Local;
        assert_eq!(halves, [Leftover::Half { side, link }], "{provider}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_side_that_refuses_holds_up_the_removal_and_is_named_as_left_behind() {
    for provider in TWO {
        let mut life = asked_for(provider, Consent::Delegated);
        life.settles().await;
        let account = life.network(Side::Remote).at.account;
        life.cloud
            .out_of_band()
            .deny_call(&account, Operation::DeleteLink);
        life.says(remove());
        life.blocks(BlockCause::PermissionDenied, Side::Remote)
            .await;
        assert_eq!(life.log.peering().life.as_str(), "removing", "{provider}");
        life.abandons(None);
        life.settles().await;
        let half = Leftover::Half {
            side: Side::Remote,
            link: Some(name()),
        };
        assert!(
            life.left_behind().contains(&half),
            "{provider}: {:?}",
            life.left_behind()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_stale_half_at_the_peer_stands_in_the_way_and_a_person_is_told() {
    let mut life = asked_for(Provider::Azure, Consent::Delegated);
    let theirs = life.owner_makes_theirs();
    let ours: Link = "somebodys".parse().unwrap();
    let (local, remote) = (life.network(Side::Local), life.network(Side::Remote));
    let by_hand = life.cloud.out_of_band();
    by_hand.make_half(&local, &remote, &ours);
    by_hand.remove_half(&local, &ours);
    life.blocks(BlockCause::Conflict, Side::Remote).await;
    by_hand.remove_half(&remote, &theirs);
    life.settles().await;
    assert!(life.log.peering().is_converged());
}

#[tokio::test(start_paused = true)]
async fn a_request_of_two_halves_waits_for_ever_and_nobody_is_warned() {
    for provider in TWO {
        let mut life = asked_for(provider, Consent::Owner);
        life.run(Fuse::never(), HOUR).await;
        for _ in 0..5 {
            tokio::time::advance(168 * HOUR).await;
            life.run(Fuse::never(), 2 * HOUR).await;
        }
        assert_eq!(life.log.peering().life.as_str(), "awaiting_acceptance");
        let ended = life.count("PeeringExpired") + life.count("PeeringExpiryNear");
        assert_eq!((ended, life.names_on(Side::Local)), (0, vec![name()]));
        life.owner_makes_theirs();
        life.settles().await;
        assert!(life.log.peering().is_converged(), "{provider}");
    }
}

/// Releases before took such a request back after a week.
#[tokio::test(start_paused = true)]
async fn a_request_that_was_being_taken_back_is_and_is_made_again_under_another_name() {
    let terms = Terms {
        renew: true,
        ..terms(Consent::Owner)
    };
    let mut life = Life::at(Provider::Azure, &terms, SimulatedSettings::instant(21));
    life.run(Fuse::never(), HOUR).await;
    life.says(NetworkCommand::Record(
        HalfChangeStarted::new(
            peering_id(),
            Side::Local,
            HalfChange::Remove,
            name(),
            (life.clock)(),
        )
        .into(),
    ));
    life.run(Fuse::never(), 2 * HOUR).await;
    assert_eq!(
        (life.count("PeeringExpired"), life.count("PeeringRenewed")),
        (1, 1)
    );
    let second = half_name(peering_id(), 1).unwrap();
    assert_eq!(life.names_on(Side::Local), [second]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_making_and_removing_leaves_no_half_and_no_second_one() {
    for provider in TWO {
        for settings in [SimulatedSettings::instant(3), late(9)] {
            let mut steps = 0;
            for step in 0.. {
                let mut life = Life::at(provider, &Terms::default(), settings.clone());
                let when = format!("{provider}, crash at step {step}");
                let mut crashed = life.run(Fuse::at(step), 24 * HOUR).await.is_none();
                life.memories = Default::default();
                life.settles().await;
                let peering = life.log.peering();
                assert!(peering.is_converged(), "{when}: {peering:#?}");
                for side in Side::BOTH {
                    assert_eq!(life.names_on(side), [name()], "{when}, {side}");
                }
                life.says(remove());
                crashed |= life.run(Fuse::at(step), 24 * HOUR).await.is_none();
                life.memories = Default::default();
                life.settles().await;
                assert_eq!(life.log.peering().life.as_str(), "removed", "{when}");
                is_clean(&life.cloud.world(), &when);
                steps = step;
                if !crashed {
                    break;
                }
            }
            assert!(steps > 40, "only {steps} steps");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_any_change_of_a_half_makes_no_second_one_and_leaves_none() {
    let changes = [
        Operation::CreateLink,
        Operation::AcceptLink,
        Operation::DeleteLink,
    ];
    for provider in TWO {
        for change in changes {
            let mut life = asked_for(provider, Consent::Delegated);
            let lost = std::sync::atomic::AtomicBool::new(false);
            let meddled = Meddled::with(&life.cloud, move |_, operation, _| {
                let first =
                    operation == change && !lost.swap(true, std::sync::atomic::Ordering::Relaxed);
                first.then_some(Meddling::LosesTheAnswer)
            });
            let meddled = std::sync::Arc::new(meddled);
            let stop = CancellationToken::new();
            life.meddled(meddled.clone(), &stop, 2 * HOUR).await;
            let peering = life.log.peering();
            assert!(peering.is_converged(), "{provider}: {peering:#?}");
            for side in Side::BOTH {
                assert_eq!(life.names_on(side), [name()], "{provider}, {change}");
            }
            life.says(remove());
            life.meddled(meddled, &stop, 2 * HOUR).await;
            assert_eq!(life.log.peering().life.as_str(), "removed", "{provider}");
            is_clean(&life.cloud.world(), &format!("{provider}, {change}"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_network_is_waited_for_without_a_block_and_without_a_storm_of_events() {
    for provider in TWO {
        let mut life = asked_for(provider, Consent::Delegated);
        life.settles().await;
        let undisturbed = life.log.events().len();

        let mut life = asked_for(provider, Consent::Delegated);
        let by_hand = life.cloud.out_of_band();
        by_hand.occupy(&life.network(Side::Local), 2 * HOUR);
        life.look_for(HOUR).await;
        let peering = life.log.peering();
        assert_eq!(
            (peering.life.as_str(), peering.blocked),
            ("initiating", None)
        );
        life.run(Fuse::never(), 3 * HOUR).await;
        let peering = life.log.peering();
        assert!(peering.is_converged(), "{provider}: {peering:#?}");
        assert_eq!(life.log.events().len(), undisturbed, "{provider}");
        by_hand.occupy(&life.network(Side::Remote), 2 * HOUR);
        life.says(remove());
        life.look_for(HOUR).await;
        assert_eq!(life.log.peering().blocked, None, "{provider}");
        life.run(Fuse::never(), 3 * HOUR).await;
        assert_eq!(life.log.peering().life.as_str(), "removed", "{provider}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_that_is_busy_for_ever_is_a_block_and_the_link_is_made_once_it_is_not() {
    for provider in TWO {
        let mut life = asked_for(provider, Consent::Delegated);
        let by_hand = life.cloud.out_of_band();
        by_hand.occupy(&life.network(Side::Local), 24 * HOUR);
        life.look_for(5 * HOUR).await;
        assert_eq!(life.log.peering().blocked, None, "{provider}");
        life.look_for(2 * HOUR).await;
        let blocked = life.log.peering().blocked.map(|it| (it.cause, it.side));
        assert_eq!(
            blocked,
            Some((BlockCause::Conflict, Side::Local)),
            "{provider}"
        );
        life.run(Fuse::never(), 24 * HOUR).await;
        let peering = life.log.peering();
        assert!(peering.is_converged(), "{provider}: {peering:#?}");
        assert_eq!(peering.blocked, None, "{provider}");
    }
}

#[tokio::test(start_paused = true)]
async fn storms_only_make_two_halves_later() {
    for provider in TWO {
        for seed in 0..12 {
            let mut life = Life::at(provider, &Terms::default(), SimulatedSettings::stormy(seed));
            let when = format!("{provider}, storm {seed}");
            life.run(Fuse::at(usize::try_from(seed).unwrap() * 7), 24 * HOUR)
                .await;
            life.memories = Default::default();
            life.settles().await;
            let peering = life.log.peering();
            assert!(peering.is_converged(), "{when}: {peering:#?}");
            for side in Side::BOTH {
                assert_eq!(life.names_on(side), [name()], "{when}, {side}");
            }
            life.says(remove());
            life.settles().await;
            assert_eq!(life.log.peering().life.as_str(), "removed", "{when}");
            is_clean(&life.cloud.world(), &when);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stranger_half_for_the_pair_is_not_taken_over() {
    for provider in TWO {
        let mut life = asked_for(provider, Consent::Delegated);
        let theirs: Link = "somebodys".parse().unwrap();
        let (local, remote) = (life.network(Side::Local), life.network(Side::Remote));
        life.cloud.out_of_band().make_half(&local, &remote, &theirs);
        life.blocks(BlockCause::Conflict, Side::Local).await;
        life.says(remove());
        life.settles().await;
        assert_eq!(life.log.peering().life.as_str(), "removed");
        assert_eq!(life.names_on(Side::Local), [theirs], "{provider}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_adopted_link_of_two_halves_is_kept_and_let_go_and_never_removed() {
    for provider in TWO {
        let mut life = asked_for(provider, Consent::Delegated);
        let theirs: Link = "somebodys".parse().unwrap();
        let (local, remote) = (life.network(Side::Local), life.network(Side::Remote));
        for (from, to) in [(&local, &remote), (&remote, &local)] {
            life.cloud.out_of_band().make_half(from, to, &theirs);
        }
        life.log = Log::adopting_at(provider, &theirs, &life.clock);
        life.settles().await;
        let peering = life.log.peering();
        assert!(peering.is_converged(), "{provider}: {:?}", peering.blocked);
        assert!(!peering.made_the_link());
        assert_eq!(life.count("HalfChangeStarted"), 0, "{provider}");
        life.says(remove());
        life.settles().await;
        assert!(!life.log.peering().life.is_live(), "{provider}");
        for side in Side::BOTH {
            let kept = std::slice::from_ref(&theirs);
            assert_eq!(life.names_on(side), kept, "{provider}, {side}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_half_of_the_engines_name_that_no_request_on_record_made_is_a_conflict_and_left_alone() {
    for provider in TWO {
        let mut life = asked_for(provider, Consent::Delegated);
        let ours = half_name(peering_id(), 0).unwrap();
        let (local, remote) = (life.network(Side::Local), life.network(Side::Remote));
        life.cloud.out_of_band().make_half(&local, &remote, &ours);
        life.blocks(BlockCause::Conflict, Side::Local).await;
        assert_eq!(life.count("PeeringInitiationStarted"), 0, "{provider}");
        life.says(remove());
        life.settles().await;
        assert_eq!(life.log.peering().life.as_str(), "removed");
        assert_eq!(life.names_on(Side::Local), [ours], "{provider}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_refused_is_made_again_as_the_next_one() {
    for provider in TWO {
        let mut life = asked_for(provider, Consent::Delegated);
        let meddled = Meddled::with(&life.cloud, |number, operation, _| {
            let early = operation == Operation::CreateLink && number < 30;
            early.then_some(Meddling::Fails(CloudErrorKind::Quota))
        });
        let stop = CancellationToken::new();
        life.meddled(meddled, &stop, 6 * HOUR).await;
        let peering = life.log.peering();
        assert!(peering.is_converged(), "{provider}: {peering:#?}");
        assert!(life.count("PeeringInitiationRefused") >= 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_operations_name_is_on_record_before_it_is_asked_about_and_its_own_error_is_the_outcome()
 {
    for provider in TWO {
        for (side, after) in [(Side::Local, 0), (Side::Remote, 1)] {
            let mut life = Life::at(provider, &Terms::default(), late(2));
            let account = life.network(side).at.account;
            let error = "QUOTA_EXCEEDED: 25 peerings of a network";
            let by_hand = life.cloud.out_of_band();
            by_hand.fail_next_operation(&account, error);
            life.settles().await;
            let when = format!("{provider}, {side}");
            let peering = life.log.peering();
            assert!(peering.is_converged(), "{when}: {peering:#?}");
            let mut failed = Vec::new();
            let mut begun = Vec::new();
            for event in life.log.events() {
                if let NetworkEvent::HalfOperationStarted(it) = &event {
                    begun.push(it.operation.clone());
                }
                if let NetworkEvent::HalfOperationFailed(it) = &event {
                    failed.push((it.side, it.message.clone()));
                    assert_eq!(begun.iter().position(|op| *op == it.operation), Some(after));
                }
            }
            assert_eq!(failed, [(side, error.to_owned())], "{when}");
            assert_eq!(begun.len(), 3, "{when}: one failed, two made");
            by_hand.fail_next_operation(&account, "INTERNAL_ERROR");
            life.says(remove());
            life.settles().await;
            assert_eq!(life.log.peering().life.as_str(), "removed", "{when}");
            assert_eq!(life.count("HalfOperationFailed"), 2, "{when}");
            is_clean(&life.cloud.world(), &when);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_always_fails_is_told_once_and_tried_seldom() {
    for provider in TWO {
        let mut life = asked_for(provider, Consent::Delegated);
        let account = life.network(Side::Local).at.account;
        for _ in 0..1000 {
            let by_hand = life.cloud.out_of_band();
            by_hand.fail_next_operation(&account, "PERMISSION_DENIED");
        }
        life.look_for(24 * HOUR).await;
        let blocked = life.log.peering().blocked;
        assert!(
            blocked.is_some_and(|it| it.message.contains("PERMISSION_DENIED")),
            "{provider}"
        );
        assert_eq!(life.count("ProvisioningBlocked"), 1, "{provider}");
        let failed = life.count("HalfOperationFailed");
        assert!(failed < 10, "{provider}: {failed} in a day");
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_ends_because_of_another_one_is_begun_again_and_nobody_is_told() {
    for side in Side::BOTH {
        let mut life = Life::at(Provider::Gcp, &Terms::default(), late(2));
        let account = life.network(side).at.account;
        for _ in 0..3 {
            let by_hand = life.cloud.out_of_band();
            by_hand.fail_next_operation(&account, "OPERATION_IN_PROGRESS: try again later");
        }
        life.settles().await;
        let peering = life.log.peering();
        assert!(peering.is_converged(), "{side}: {peering:#?}");
        assert_eq!(life.count("HalfOperationFailed"), 3, "{side}");
        assert_eq!(life.count("ProvisioningBlocked"), 0, "{side}");
        let requests: BTreeSet<_> = life
            .log
            .events()
            .iter()
            .filter_map(|event| {
                if let NetworkEvent::HalfChangeStarted(it) = event {
                    Some(it.request_id)
                } else {
                    None
                }
            })
            .collect();
        assert_eq!(requests.len(), 5, "{side}: each time under another name");
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_the_cloud_has_forgotten_is_over_and_looks_tell_what_came_of_it() {
    let mut life = Life::at(Provider::Gcp, &Terms::default(), late(6));
    let meddled = Meddled::with(&life.cloud, |_, operation, _| {
        let asks = operation == Operation::OperationState;
        asks.then_some(Meddling::Fails(CloudErrorKind::NotFound))
    });
    let stop = CancellationToken::new();
    life.meddled(meddled, &stop, 2 * HOUR).await;
    let peering = life.log.peering();
    assert!(peering.is_converged(), "{peering:#?}");
}
