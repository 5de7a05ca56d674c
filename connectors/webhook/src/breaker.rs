//! A circuit breaker for each host: one that does not answer is left alone for a while, and then
//! asked by one attempt before the others follow.
//!
//! ```text
//!            failures in a row                    the pause is over
//!   Closed ───────────────────▶ Open { until } ─────────────────────▶ HalfOpen (one attempt)
//!     ▲                            ▲                                     │        │
//!     └────────── answered ────────┼─────────────────────────────────────┘        │
//!                                  └──────────────── not answered, a longer pause ┘
//! ```
//!
//! Only what befalls a host as a whole counts: connection, TLS, timeout, 5xx. That a receiver
//! refuses a record is an answer.

use crate::attempt::{Attempt, Fault, Outcome};
use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use std::{collections::HashMap, time::Duration};

/// When a host is left alone, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// How many attempts in a row fail before it is.
    pub failures: u32,
    /// The first pause; each further one is twice as long.
    pub first_pause: Duration,
    /// The longest.
    pub longest_pause: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 5,
            first_pause: Duration::from_secs(5),
            longest_pause: Duration::from_secs(300),
        }
    }
}

/// What a host is to the breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// It is asked.
    Closed,
    /// It is left alone until then.
    Open {
        /// When it is asked again.
        until: DateTime<Utc>,
    },
    /// One attempt asks it.
    HalfOpen,
}

/// Whether to ask a host now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Yes.
    Ask,
    /// Not before then.
    Wait {
        /// How long from now.
        pause: Duration,
    },
}

#[derive(Clone, Copy, Debug)]
struct Host {
    state: BreakerState,
    failures: u32,
    pauses: u32,
    /// Since when the one attempt of a half-open host is on its way.
    asked: DateTime<Utc>,
}

/// The breakers of all hosts, by [`crate::Endpoint::origin`].
#[derive(Debug, Default)]
pub struct Breakers {
    settings: BreakerSettings,
    hosts: Mutex<HashMap<String, Host>>,
}

impl Breakers {
    /// Breakers that are all closed.
    #[must_use]
    pub fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            hosts: Mutex::default(),
        }
    }

    /// Whether to ask this host now. Of a half-open one only one attempt is let through; if that
    /// one is never told of, another follows after the longest pause.
    pub fn permit(&self, origin: &str, now: DateTime<Utc>) -> Permit {
        let mut hosts = self.hosts.lock();
        let Some(host) = hosts.get_mut(origin) else {
            return Permit::Ask;
        };
        let until = match host.state {
            BreakerState::Closed => return Permit::Ask,
            BreakerState::Open { until } => until,
            BreakerState::HalfOpen => host.asked + self.settings.longest_pause,
        };
        // A clock that was set back does not keep a host waiting beyond the longest pause.
        let pause = (until - now).to_std().unwrap_or_default();
        if pause.is_zero() || pause > self.settings.longest_pause {
            (host.state, host.asked) = (BreakerState::HalfOpen, now);
            return Permit::Ask;
        }
        match host.state {
            BreakerState::HalfOpen => Permit::Wait {
                pause: pause.min(self.settings.first_pause),
            },
            BreakerState::Open { .. } | BreakerState::Closed => Permit::Wait { pause },
        }
    }

    /// Takes note of what came of an attempt.
    pub fn record(&self, origin: &str, attempt: &Attempt, now: DateTime<Utc>) {
        let mut hosts = self.hosts.lock();
        if !is_hosts_fault(attempt) {
            // A host that is well needs no memory.
            hosts.remove(origin);
            return;
        }
        let host = hosts.entry(origin.to_owned()).or_insert(Host {
            state: BreakerState::Closed,
            failures: 0,
            pauses: 0,
            asked: now,
        });
        host.failures = host.failures.saturating_add(1);
        let opens = match host.state {
            BreakerState::Closed => host.failures >= self.settings.failures,
            BreakerState::HalfOpen => true,
            // It was on its way before the others failed.
            BreakerState::Open { .. } => false,
        };
        if opens {
            let pause = self
                .settings
                .first_pause
                .saturating_mul(1 << host.pauses.min(16));
            let until = now + pause.min(self.settings.longest_pause);
            host.pauses = host.pauses.saturating_add(1);
            host.state = BreakerState::Open { until };
        }
    }

    /// Closes a host's breaker, because somebody wants it tried at once.
    pub fn reset(&self, origin: &str) {
        self.hosts.lock().remove(origin);
    }

    /// What a host is now.
    #[must_use]
    pub fn state(&self, origin: &str) -> BreakerState {
        let hosts = self.hosts.lock();
        hosts
            .get(origin)
            .map_or(BreakerState::Closed, |host| host.state)
    }
}

/// Whether an attempt failed as every other one to the host would have.
fn is_hosts_fault(attempt: &Attempt) -> bool {
    match attempt.outcome {
        Outcome::Delivered | Outcome::RecordRefused | Outcome::EndpointRefused | Outcome::Gone => {
            false
        }
        Outcome::Transient { .. } => match &attempt.fault {
            // 408, 425 and 429 are answers: the host is there, and says when to come again.
            Some(Fault::Status(status)) => *status >= 500,
            Some(Fault::Token(_) | Fault::Request(_) | Fault::Refused(_)) | None => false,
            Some(
                Fault::Resolve(_)
                | Fault::Connect(_)
                | Fault::Tls(_)
                | Fault::Timeout(_)
                | Fault::Answer(_),
            ) => true,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::Body;

    const HOST: &str = "https://hooks.example.com";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn attempt(outcome: Outcome, fault: Option<Fault>) -> Attempt {
        Attempt {
            at: at(0),
            took: Duration::ZERO,
            status: None,
            outcome,
            fault,
            peer: None,
            body: Body::default(),
        }
    }

    fn failed() -> Attempt {
        let fault = Fault::Timeout(Duration::from_secs(15));
        attempt(Outcome::Transient { retry_after: None }, Some(fault))
    }

    fn delivered() -> Attempt {
        attempt(Outcome::Delivered, None)
    }

    fn wait(seconds: u64) -> Permit {
        Permit::Wait {
            pause: Duration::from_secs(seconds),
        }
    }

    fn opened() -> Breakers {
        let breakers = Breakers::default();
        (0..5).for_each(|_| breakers.record(HOST, &failed(), at(0)));
        breakers
    }

    #[test]
    fn a_host_that_fails_five_times_in_a_row_is_left_alone_and_no_other() {
        let breakers = Breakers::default();
        for _ in 0..4 {
            breakers.record(HOST, &failed(), at(0));
        }
        breakers.record(HOST, &delivered(), at(0));
        for _ in 0..4 {
            breakers.record(HOST, &failed(), at(0));
            assert_eq!(breakers.permit(HOST, at(0)), Permit::Ask);
        }
        breakers.record(HOST, &failed(), at(0));
        assert_eq!(breakers.permit(HOST, at(0)), wait(5));
        assert_eq!(breakers.permit(HOST, at(4)), wait(1));
        assert_eq!(
            breakers.permit("https://other.example.com", at(0)),
            Permit::Ask
        );
    }

    #[test]
    fn after_the_pause_one_attempt_asks_and_the_others_wait_for_it() {
        let breakers = opened();
        assert_eq!(breakers.permit(HOST, at(5)), Permit::Ask);
        assert_eq!(breakers.state(HOST), BreakerState::HalfOpen);
        assert_eq!(breakers.permit(HOST, at(5)), wait(5));
        breakers.record(HOST, &delivered(), at(6));
        assert_eq!(breakers.state(HOST), BreakerState::Closed);
        assert_eq!(breakers.permit(HOST, at(6)), Permit::Ask);
        assert_eq!(breakers.permit(HOST, at(6)), Permit::Ask);
    }

    #[test]
    fn each_further_pause_is_twice_as_long_up_to_the_longest() {
        let breakers = opened();
        let mut now = 5;
        for pause in [10, 20, 40, 80, 160, 300, 300] {
            assert_eq!(breakers.permit(HOST, at(now)), Permit::Ask);
            breakers.record(HOST, &failed(), at(now));
            assert_eq!(breakers.permit(HOST, at(now)), wait(pause));
            now += i64::try_from(pause).unwrap();
        }
    }

    #[test]
    fn an_attempt_that_is_never_told_of_holds_a_host_up_no_longer_than_the_longest_pause() {
        let breakers = opened();
        assert_eq!(breakers.permit(HOST, at(5)), Permit::Ask);
        assert_eq!(breakers.permit(HOST, at(304)), wait(1));
        assert_eq!(breakers.permit(HOST, at(305)), Permit::Ask);
    }

    #[test]
    fn attempts_that_were_on_their_way_lengthen_no_pause() {
        let breakers = opened();
        breakers.record(HOST, &failed(), at(3));
        assert_eq!(breakers.permit(HOST, at(3)), wait(2));
    }

    #[test]
    fn a_clock_that_is_set_back_holds_nobody_up() {
        let breakers = opened();
        assert_eq!(breakers.permit(HOST, at(-1000)), Permit::Ask);
    }

    #[test]
    fn what_is_an_answer_opens_nothing() {
        let transient = Outcome::Transient { retry_after: None };
        let answers = [
            attempt(Outcome::RecordRefused, Some(Fault::Status(400))),
            attempt(Outcome::EndpointRefused, Some(Fault::Status(401))),
            attempt(Outcome::Gone, Some(Fault::Status(410))),
            attempt(transient, Some(Fault::Status(429))),
            attempt(transient, Some(Fault::Token("no".to_owned()))),
        ];
        for answer in answers {
            let breakers = Breakers::default();
            (0..9).for_each(|_| breakers.record(HOST, &answer, at(0)));
            assert_eq!(breakers.state(HOST), BreakerState::Closed, "{answer:?}");
        }
        let breakers = Breakers::default();
        let unavailable = attempt(transient, Some(Fault::Status(503)));
        (0..5).for_each(|_| breakers.record(HOST, &unavailable, at(0)));
        assert_ne!(breakers.state(HOST), BreakerState::Closed);
    }

    #[test]
    fn somebody_may_want_it_tried_at_once() {
        let breakers = opened();
        breakers.reset(HOST);
        assert_eq!(breakers.permit(HOST, at(0)), Permit::Ask);
    }
}
