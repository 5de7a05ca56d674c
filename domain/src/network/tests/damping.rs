//! Damping: what comes and goes, or is met again and again, writes a few events a day, whoever says
//! it and however often.

use super::{super::*, samples::*};
use crate::side::Side;
use chrono::{DateTime, TimeDelta, Utc};

/// The most events of one kind and cause in any 24 hours.
const A_DAY: usize = 9;

/// A network that hears the same outcomes in turn, again and again, for thirty days.
struct Month {
    state: Network,
    now: DateTime<Utc>,
    events: Vec<(DateTime<Utc>, NetworkEvent)>,
}

impl Month {
    fn begins(events: impl IntoIterator<Item = NetworkEvent>) -> Self {
        Self {
            state: super::fold(events),
            now: super::now(),
            events: Vec::new(),
        }
    }

    fn hears(&mut self, command: impl Into<NetworkCommand>) -> usize {
        let (command, ids) = (command.into(), Ids::of(super::COMMAND));
        let heard = decide(&self.state, &command, &Context::default(), self.now, ids).unwrap();
        let state = std::mem::take(&mut self.state);
        self.state = heard
            .iter()
            .fold(state, |state, event| evolve(state, event, self.now));
        let count = heard.len();
        self.events
            .extend(heard.into_iter().map(|event| (self.now, event)));
        count
    }

    fn passes(&mut self, time: TimeDelta) {
        self.now += time;
    }

    fn lives(mut self, says: impl Fn() -> Vec<Outcome>) -> Self {
        for _ in 0..30 * 24 * 6 {
            for outcome in says() {
                self.hears(outcome);
                self.passes(TimeDelta::seconds(1));
            }
            self.passes(TimeDelta::minutes(10));
        }
        self
    }

    /// The most events in any 24 hours.
    fn busiest_day(&self) -> usize {
        let day = |from: &DateTime<Utc>| {
            let until = *from + TimeDelta::hours(24);
            let within = self
                .events
                .iter()
                .filter(|(at, _)| at >= from && *at < until);
            within.count()
        };
        let days = self.events.iter().map(|(from, _)| day(from));
        days.max().unwrap_or_default()
    }

    fn peering(&self) -> &Peering {
        let Network::Registered(network) = &self.state else {
            panic!("the network is not registered")
        };
        &network.peerings()[&peering_id(1)]
    }
}

fn block() -> Outcome {
    blocked(BlockCause::PermissionDenied).into()
}

#[test]
fn a_block_that_stays_is_told_once_a_day_with_how_often_it_was_met() {
    let month = Month::begins(active_history([])).lives(|| vec![block()]);
    assert!((29..=30).contains(&month.events.len()));
    assert_eq!(month.busiest_day(), 1);
    let blocked = month.peering().blocked.clone().unwrap();
    assert_eq!(blocked.since, super::now());
    assert!(blocked.times > 29 * 2 - 2, "{}", blocked.times);
    let NetworkEvent::ProvisioningBlocked(again) = &month.events[1].1 else {
        panic!("another event")
    };
    assert_eq!(again.times, 2);
}

#[test]
fn the_providers_words_may_differ_each_time_and_what_helps_is_told_at_once() {
    let mut month = Month::begins(active_history([]));
    assert_eq!(month.hears(block()), 1);
    let other_words = ProvisioningBlocked {
        message: "request 7f3a was refused".to_owned(),
        ..blocked(BlockCause::PermissionDenied)
    };
    assert_eq!(month.hears(Outcome::from(other_words)), 0);
    let another = ProvisioningBlocked {
        remedy: vec!["allow ec2:CreateRoute".to_owned()],
        ..blocked(BlockCause::PermissionDenied)
    };
    assert_eq!(month.hears(Outcome::from(another)), 1);
}

#[test]
fn two_engines_with_different_rights_write_no_storm_whatever_the_cause() {
    for cause in BlockCause::ALL {
        let month = Month::begins(active_history([])).lives(|| {
            let flips = [blocked(cause).into(), unblocked().into()];
            flips.iter().cycle().take(6).cloned().collect()
        });
        assert!(
            month.busiest_day() <= A_DAY,
            "{}: {} events in a day",
            cause.as_str(),
            month.busiest_day()
        );
    }
}

#[test]
fn two_engines_that_are_blocked_by_different_things_write_no_storm_either() {
    let month = Month::begins(active_history([])).lives(|| {
        vec![
            block(),
            blocked(BlockCause::NotFound).into(),
            unblocked().into(),
        ]
    });
    assert!(month.busiest_day() <= 2 * A_DAY, "{}", month.busiest_day());
}

#[test]
fn a_block_that_flickers_stays_on_record_and_its_end_is_told_when_it_holds_or_is_asked_for() {
    let flickering = || {
        let mut month = Month::begins(active_history([]));
        for _ in 0..5 {
            month.hears(block());
            month.hears(Outcome::from(unblocked()));
            month.passes(TimeDelta::minutes(1));
        }
        assert!(month.peering().blocked.is_some());
        month
    };
    let mut held = flickering();
    assert_eq!(held.hears(Outcome::from(unblocked())), 0);
    held.passes(TimeDelta::hours(8));
    assert_eq!(held.hears(Outcome::from(unblocked())), 1);
    let mut asked = flickering();
    asked.hears(CheckDrift {});
    assert_eq!(asked.hears(Outcome::from(unblocked())), 1);
    assert_eq!(asked.peering().blocked, None);
}

fn extra(n: u32) -> DriftKind {
    DriftKind::RuleExtra {
        side: Side::Local,
        rule_id: text(&format!("sgr-{n:017x}")),
        admits: "tcp 22 from 10.0.0.0/8".to_owned(),
    }
}

#[test]
fn drift_that_comes_and_goes_under_report_is_told_a_few_times_a_day() {
    let policy = policy_set(Policy {
        drift: DriftPolicy::Report,
        ..Policy::default()
    });
    let mut month = Month::begins(active_history([policy]));
    for minute in 0..30 * 24 * 6_u32 {
        let now = month.now;
        month.hears(Outcome::from(DriftDetected {
            detected_at: now,
            ..detected(extra(minute))
        }));
        month.passes(TimeDelta::minutes(5));
        let known: Vec<_> = month.peering().drift.keys().cloned().collect();
        for finding in known {
            let repaired_at = month.now;
            month.hears(Outcome::from(repaired(finding, repaired_at)));
        }
        month.passes(TimeDelta::minutes(5));
    }
    assert!(month.busiest_day() <= A_DAY, "{}", month.busiest_day());
    assert!(month.peering().drift.len() <= 1);
}

/// Nobody puts it right, so no pause between repairs bounds it.
#[test]
fn a_network_that_is_seen_as_another_now_and_then_is_told_of_a_few_times_a_day_under_any_policy() {
    for drift in DriftPolicy::ALL {
        let policy = policy_set(Policy {
            drift,
            ..Policy::default()
        });
        let mut month = Month::begins(active_history([policy]));
        for _ in 0..30 * 24 * 6_u32 {
            month.hears(Outcome::from(detected(replaced(Side::Remote))));
            month.passes(TimeDelta::minutes(5));
            let repaired_at = month.now;
            let over = repaired(replaced(Side::Remote), repaired_at);
            month.hears(Outcome::from(over));
            month.passes(TimeDelta::minutes(5));
        }
        assert!(month.busiest_day() <= A_DAY, "{}", month.busiest_day());
        assert!(month.peering().is_replaced(), "it stays meanwhile");
    }
}

#[test]
fn an_exposure_that_comes_and_goes_is_told_a_few_times_a_day_and_stays_on_record() {
    let mut month = Month::begins(active_history([]));
    for minute in 0..30 * 24 * 6_u32 {
        let rule = format!("sgr-{minute:017x}");
        month.hears(Outcome::from(exposed(Side::Remote, &rule)));
        let known: Vec<_> = month
            .peering()
            .firewall
            .remote
            .exposures
            .keys()
            .cloned()
            .collect();
        assert!(!known.is_empty(), "it is there");
        month.passes(TimeDelta::minutes(5));
        for rule in known {
            month.hears(Outcome::from(exposure_cleared(Side::Remote, rule.as_str())));
        }
        month.passes(TimeDelta::minutes(5));
    }
    assert!(month.busiest_day() <= A_DAY, "{}", month.busiest_day());
    assert!(month.peering().firewall.remote.exposures.len() <= 1);
}

#[test]
fn a_group_that_is_attached_and_detached_again_and_again_is_told_of_a_few_times_a_day() {
    let month = Month::begins(active_history([group_created(Side::Local, "sg-01").into()]));
    let month = month.lives(|| {
        let seen = |count| Outcome::from(attachment_seen(Side::Local, "sg-01", count));
        vec![seen(Some(1)), seen(Some(0)), seen(None)]
    });
    assert!(month.busiest_day() <= A_DAY, "{}", month.busiest_day());
}

#[test]
fn interfaces_that_cannot_be_attached_now_and_then_are_told_of_a_few_times_a_day() {
    let wanted = FirewallAttachmentRequested {
        peering_id: peering_id(1),
        side: Side::Local,
        to: to_a_tag(true),
    };
    let month = Month::begins(active_history([wanted.into()])).lives(|| {
        let left_alone = |names: &[&str]| {
            let of = |name: &&str| (text(name), LeftAlone::NoRoom { most: 5 });
            Outcome::from(FirewallAttachmentChosen {
                peering_id: peering_id(1),
                side: Side::Local,
                interfaces: Default::default(),
                left_alone: names.iter().map(of).collect(),
            })
        };
        vec![left_alone(&["eni-01"]), left_alone(&[])]
    });
    assert!(month.busiest_day() <= A_DAY, "{}", month.busiest_day());
}

#[test]
fn attempts_that_are_refused_for_one_cause_are_counted_and_another_cause_begins_anew() {
    let refused = |attempt, cause| -> [NetworkEvent; 2] {
        let peering_id = peering_id(1);
        [
            started(attempt),
            PeeringInitiationRefused {
                peering_id,
                attempt,
                cause,
            }
            .into(),
        ]
    };
    let quota = Some(BlockCause::QuotaExceeded);
    let twice = history([refused(1, quota), refused(2, quota)].concat());
    let count = super::recorded(twice.clone()).refused.unwrap();
    assert_eq!((count.cause, count.times), (quota, 2));
    let other = twice.into_iter().chain(refused(3, None));
    let count = super::recorded(other.clone()).refused.unwrap();
    assert_eq!((count.cause, count.times), (None, 1));
    let made = super::recorded(other.chain([started(4), initiated()]));
    assert_eq!(made.refused, None);
}

#[test]
fn a_plan_can_ask_what_is_news() {
    let Network::Registered(network) =
        super::fold(active_history([
            blocked(BlockCause::PermissionDenied).into()
        ]))
    else {
        panic!("the network is not registered")
    };
    assert!(!is_news(&network, &block(), super::now()));
    assert!(is_news(&network, &unblocked().into(), super::now()));
    let early = Outcome::from(PeeringRemoved {
        peering_id: peering_id(1),
        left_behind: Vec::new(),
    });
    assert!(!is_news(&network, &early, super::now()));
}
