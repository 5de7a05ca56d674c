//! How fast, how stale and how unreliable a simulated cloud is.

use domain::text::Account;
use std::{ops::RangeInclusive, time::Duration};

/// A span to draw a duration from.
pub type Span = RangeInclusive<Duration>;

/// What a simulated cloud does with a network that it has never heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// It is refused, as a real cloud does.
    Refused,
    /// It comes into being with the ranges that the caller names, so that anybody can play with any id.
    Created,
}

/// What a second request for a pair of networks gives while there is a live link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondRequest {
    /// The first link's id, and no tag of the second (AWS).
    SameLink,
    /// Another link (emulators); of the two only one can be accepted.
    AnotherLink,
}

/// The whole temper of a simulated cloud. The same settings, the same seed and the same calls give the same world.
#[derive(Clone, Debug)]
pub struct SimulatedSettings {
    pub seed: u64,
    pub unknown_networks: Unknown,
    pub second_request: SecondRequest,
    /// How long each call takes.
    pub latency: Span,
    /// How long a new thing stays out of sight of reads.
    pub visibility: Span,
    /// How many reads miss a new thing after that.
    pub stale_reads: RangeInclusive<u32>,
    /// From the request of a link until it waits for acceptance, or has failed.
    pub initiating: Span,
    /// From the acceptance of a link until it is active.
    pub provisioning: Span,
    /// For how long a network is busy after a link operation, and refuses another.
    pub busy: Span,
    /// How long a link waits for acceptance (AWS: 168 h).
    pub expiry: Duration,
    /// The share of calls that are throttled, 0 to 1.
    pub throttled: f64,
    /// The share of requests that never arrive.
    pub lost_requests: f64,
    /// The share of answers that never arrive.
    pub lost_answers: f64,
    /// How many live links a network may have (AWS: 125 at most).
    pub live_links: usize,
    /// How many inbound rules a firewall group may have (AWS: 60).
    pub rules: usize,
    /// Accounts in which nothing may be changed.
    pub denied: Vec<Account>,
}

const fn millis(from: u64, to: u64) -> Span {
    Duration::from_millis(from)..=Duration::from_millis(to)
}

impl SimulatedSettings {
    /// A good day, quick enough to watch: a link takes some two seconds.
    pub fn calm(seed: u64) -> Self {
        Self {
            seed,
            unknown_networks: Unknown::Created,
            second_request: SecondRequest::SameLink,
            latency: millis(5, 25),
            visibility: millis(0, 150),
            stale_reads: 0..=0,
            initiating: millis(200, 400),
            provisioning: millis(400, 900),
            busy: millis(0, 0),
            expiry: Duration::from_secs(168 * 3600),
            throttled: 0.0,
            lost_requests: 0.0,
            lost_answers: 0.0,
            live_links: 125,
            rules: 60,
            denied: Vec::new(),
        }
    }

    /// A bad day: everything late, stale, throttled, busy or lost, often.
    pub fn stormy(seed: u64) -> Self {
        Self {
            unknown_networks: Unknown::Refused,
            latency: millis(1, 800),
            visibility: millis(0, 20_000),
            stale_reads: 0..=2,
            initiating: millis(500, 15_000),
            provisioning: millis(500, 30_000),
            busy: millis(0, 3_000),
            throttled: 0.10,
            lost_requests: 0.05,
            lost_answers: 0.10,
            ..Self::calm(seed)
        }
    }

    /// A cloud without any delay, for tests of something else.
    pub fn instant(seed: u64) -> Self {
        Self {
            unknown_networks: Unknown::Refused,
            latency: millis(0, 0),
            visibility: millis(0, 0),
            initiating: millis(0, 0),
            provisioning: millis(0, 0),
            ..Self::calm(seed)
        }
    }
}
