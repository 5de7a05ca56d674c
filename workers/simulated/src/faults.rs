//! Chance in a simulated cloud: one small generator, seeded, from which every delay, loss and id is
//! drawn.

use super::{
    admission::throttled,
    settings::{SimulatedSettings, Span},
};
use chrono::{DateTime, TimeDelta, Utc};
use cloud::{AccountRegion, CallClass, CloudError, CloudErrorKind, Operation};
use domain::Provider;
use std::{fmt, str::FromStr, time::Duration};

/// The generator. Its state is the seed of what comes next, and is kept with the world.
#[derive(Clone, Debug)]
pub(super) struct Faults(fastrand::Rng);

impl Faults {
    pub(super) fn of(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    pub(super) fn state(&self) -> u64 {
        self.0.get_seed()
    }

    pub(super) fn draw(&mut self, span: &Span) -> Duration {
        let (from, to) = (
            span.start().as_micros() as u64,
            span.end().as_micros() as u64,
        );
        Duration::from_micros(self.0.u64(from..=to.max(from)))
    }

    pub(super) fn count(&mut self, span: &std::ops::RangeInclusive<u32>) -> u32 {
        self.0.u32(span.clone())
    }

    fn happens(&mut self, share: f64) -> bool {
        share > 0.0 && self.0.f64() < share
    }

    /// A new id that looks like the provider's: a prefix and 17 hexadecimal digits.
    pub(super) fn id<T: FromStr<Err: fmt::Debug>>(&mut self, prefix: &str) -> T {
        format!("{prefix}-0{:016x}", self.0.u64(..))
            .parse()
            .expect("hexadecimal digits are allowed in every id")
    }

    /// What befalls a request on its way.
    pub(super) fn on_the_way(
        &mut self,
        settings: &SimulatedSettings,
        operation: Operation,
        at: &AccountRegion,
    ) -> Result<(), CloudError> {
        if self.happens(settings.throttled) {
            return Err(throttled(operation, at));
        }
        if self.happens(settings.lost_requests) {
            // The caller of a real cloud rarely knows on which way the message was lost.
            let kind = if self.0.bool() {
                CloudErrorKind::Unreachable
            } else {
                CloudErrorKind::Ambiguous
            };
            return Err(CloudError::new(operation, at, kind).message("connection reset"));
        }
        Ok(())
    }

    /// What befalls an answer on its way back.
    pub(super) fn on_the_way_back(
        &mut self,
        settings: &SimulatedSettings,
        operation: Operation,
        at: &AccountRegion,
    ) -> Result<(), CloudError> {
        let lossy = operation.class() != CallClass::Identity;
        if lossy && self.happens(settings.lost_answers) {
            return Err(answer_lost(operation, at));
        }
        Ok(())
    }
}

/// What is known of a call whose answer is lost.
pub(super) fn answer_lost(operation: Operation, at: &AccountRegion) -> CloudError {
    CloudError::new(operation, at, CloudErrorKind::Ambiguous)
        .message("connection closed before the answer")
}

/// A moment from now.
pub(super) fn after(now: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX)
}

/// The words that a provider begins its ids with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prefixes {
    pub(super) link: &'static str,
    pub(super) table: &'static str,
    pub(super) group: &'static str,
    pub(super) rule: &'static str,
}

pub(super) fn prefixes(provider: Provider) -> Prefixes {
    match provider {
        Provider::Aws => Prefixes {
            link: "pcx",
            table: "rtb",
            group: "sg",
            rule: "sgr",
        },
        Provider::Gcp => Prefixes {
            link: "peering",
            table: "routes",
            group: "firewall",
            rule: "rule",
        },
        Provider::Azure => Prefixes {
            link: "peering",
            table: "routetable",
            group: "nsg",
            rule: "rule",
        },
    }
}
