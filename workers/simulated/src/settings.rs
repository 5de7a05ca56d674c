//! How fast, how stale and how unreliable a simulated cloud is.

use cloud::Limits;
use domain::text::{Account, ExternalId};
use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

/// A span to draw a duration from.
pub type Span = RangeInclusive<Duration>;

/// How many calls of one kind an account may make in a region (AWS: a token bucket per account,
/// region and API).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CallRate {
    /// As many at once.
    pub burst: u32,
    /// How many more there may be each second.
    pub per_second: f64,
}

/// What a simulated cloud does with a network that it has never heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// It is refused, as a real cloud does.
    Refused,
    /// It is there as soon as somebody asks, so that anybody can play with any id; and has the
    /// ranges that the first request for a link names, none before.
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

/// Whether a rehearsal is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rehearsing {
    /// It says what the call itself would say of permissions.
    Honoured,
    /// Nobody is asked, as at an endpoint that would make the change.
    NotAvailable,
}

/// The whole temper of a simulated cloud. The same settings, the same seed and the same calls give
/// the same world.
#[derive(Clone, Debug)]
pub struct SimulatedSettings {
    /// What everything random is drawn from.
    pub seed: u64,
    /// What is done with a network that nobody has heard of.
    pub unknown_networks: Unknown,
    /// What a second request for a pair gives.
    pub second_request: SecondRequest,
    /// Whether rehearsals are answered.
    pub rehearsing: Rehearsing,
    /// How long each call takes.
    pub latency: Span,
    /// How long what was made, changed or removed stays out of sight of reads.
    pub visibility: Span,
    /// How many reads miss it after that.
    pub stale_reads: RangeInclusive<u32>,
    /// From the request of a link until it waits for acceptance, or has failed.
    pub initiating: Span,
    /// From the acceptance of a link until it is active.
    pub provisioning: Span,
    /// From the deletion of a link between regions until it is deleted.
    pub deleting: Span,
    /// For how long a network is busy after a link operation, and refuses another.
    pub busy: Span,
    /// How long a link waits for acceptance (AWS: 168 h).
    pub expiry: Duration,
    /// The share of calls that are throttled whatever their number, 0 to 1.
    pub throttled: f64,
    /// How many calls of one kind there may be; `None` for any number.
    pub call_rate: Option<CallRate>,
    /// The share of requests that never arrive.
    pub lost_requests: f64,
    /// The share of answers that never arrive.
    pub lost_answers: f64,
    /// How many live links a network may have (AWS: 50 by default, 125 at most).
    pub live_links: usize,
    /// How many links that a network asked for may wait for their accepters (AWS: 25).
    pub pending_links: usize,
    /// How many routes a table may have beside the local ones (AWS: 500).
    pub routes: usize,
    /// How many inbound rules a firewall group may have (AWS: 60).
    pub rules: usize,
    /// Accounts in which nothing may be changed.
    pub denied: Vec<Account>,
    /// What must be shown to enter an account; nothing for one that is not here.
    pub external_ids: BTreeMap<Account, ExternalId>,
}

const fn millis(from: u64, to: u64) -> Span {
    Duration::from_millis(from)..=Duration::from_millis(to)
}

impl SimulatedSettings {
    pub(super) fn limits(&self) -> Limits {
        Limits {
            links: self.live_links,
            pending_links: self.pending_links,
            routes: self.routes,
            rules: self.rules,
            groups_of_interface: 5,
            access_entries: 20,
            access_numbers: (1, 99),
            acceptance_window: None,
        }
    }

    /// A good day, quick enough to watch: a link takes some two seconds.
    pub fn calm(seed: u64) -> Self {
        Self {
            seed,
            unknown_networks: Unknown::Created,
            second_request: SecondRequest::SameLink,
            rehearsing: Rehearsing::Honoured,
            latency: millis(5, 25),
            visibility: millis(0, 150),
            stale_reads: 0..=0,
            initiating: millis(200, 400),
            provisioning: millis(400, 900),
            deleting: millis(200, 400),
            busy: millis(0, 0),
            expiry: Duration::from_secs(168 * 3600),
            throttled: 0.0,
            call_rate: None,
            lost_requests: 0.0,
            lost_answers: 0.0,
            live_links: 125,
            pending_links: 25,
            routes: 500,
            rules: 60,
            denied: Vec::new(),
            external_ids: BTreeMap::new(),
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
            deleting: millis(500, 30_000),
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
            deleting: millis(0, 0),
            ..Self::calm(seed)
        }
    }
}
