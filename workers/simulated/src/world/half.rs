//! Halves: where each side has an object of its own (GCP, Azure), what there is of a link is what
//! the two make of each other.

use super::{World, bare_network, shown::Shown};
use chrono::{DateTime, Utc};
use cloud::{AccountRegion, LinkEnd, LinkState, LinkView, NetworkRef, owner_by_name};
use domain::{Provider, text::Link};
use serde::{Deserialize, Serialize};

/// One network's half of a link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedHalf {
    /// Its name, which no other half in its network has.
    pub name: Link,
    /// The network that it is a part of.
    pub network: NetworkRef,
    /// The network that it is to be connected to.
    pub other: NetworkRef,
    /// When the cloud is done making it.
    pub ready_at: DateTime<Utc>,
    /// When the cloud is done removing it, and from when on reads see that.
    pub going: Option<(DateTime<Utc>, Shown)>,
    /// Whether it was connected once.
    pub was_connected: bool,
    /// From when on reads see it.
    pub shown: Shown,
}

impl SimulatedHalf {
    /// A half that everybody sees at once.
    pub(crate) fn new(name: Link, network: &NetworkRef, other: &NetworkRef) -> Self {
        Self {
            name,
            network: bare_network(network),
            other: bare_network(other),
            ready_at: DateTime::<Utc>::MIN_UTC,
            going: None,
            was_connected: false,
            shown: Shown::always(),
        }
    }

    fn is_ready(&self, now: DateTime<Utc>) -> bool {
        self.ready_at <= now && self.going.is_none()
    }

    fn meets(&self, other: &Self) -> bool {
        self.network.is_same(&other.other) && self.other.is_same(&other.network)
    }
}

impl World {
    /// The half of this name in this network.
    pub fn half(&self, network: &NetworkRef, name: &Link) -> Option<&SimulatedHalf> {
        self.halves
            .iter()
            .find(|it| it.name == *name && it.network.is_same(network))
    }

    /// The halves of this network.
    pub fn halves_of(&self, network: &NetworkRef) -> impl Iterator<Item = &SimulatedHalf> {
        self.halves.iter().filter(|it| it.network.is_same(network))
    }

    /// The half that meets this one, if there is one that is ready.
    fn counterpart(&self, half: &SimulatedHalf, now: DateTime<Utc>) -> Option<&SimulatedHalf> {
        self.halves
            .iter()
            .find(|it| it.meets(half) && it.is_ready(now))
    }

    /// What the cloud says of a half: GCP tells one that has lost its other no different from one
    /// that never had any.
    pub(crate) fn state_of(&self, half: &SimulatedHalf, now: DateTime<Utc>) -> LinkState {
        if half.going.is_some() {
            return LinkState::Deleting;
        }
        if !half.is_ready(now) {
            return LinkState::Provisioning;
        }
        match (self.counterpart(half, now), half.network.at.provider) {
            (Some(_), _) => LinkState::Active,
            (None, Provider::Azure) if half.was_connected => LinkState::Disconnected,
            (None, Provider::Aws | Provider::Gcp | Provider::Azure) => LinkState::Pending,
        }
    }

    /// Lets happen what was due by now.
    pub(crate) fn halves_pass_time(&mut self, now: DateTime<Utc>) {
        let connected: Vec<bool> = self
            .halves
            .iter()
            .map(|it| it.is_ready(now) && self.counterpart(it, now).is_some())
            .collect();
        for (half, is_connected) in self.halves.iter_mut().zip(connected) {
            half.was_connected |= is_connected;
        }
        let is_over = |it: &SimulatedHalf| it.going.as_ref().is_some_and(|(at, _)| *at <= now);
        let (over, left) = std::mem::take(&mut self.halves)
            .into_iter()
            .partition(is_over);
        self.halves = left;
        let over: Vec<SimulatedHalf> = over;
        self.gone_halves
            .extend(over.into_iter().filter_map(|mut was| {
                let (_, seen) = was.going.take()?;
                Some(super::Gone { was, seen })
            }));
    }

    /// What a read at this place shows of the halves there.
    pub(crate) fn half_views(
        &mut self,
        at: &AccountRegion,
        asked: impl Fn(&NetworkRef) -> bool,
        now: DateTime<Utc>,
    ) -> Vec<LinkView> {
        let is_meant = |it: &SimulatedHalf| {
            it.network.at.is_same(at) && (asked(&it.network) || asked(&it.other))
        };
        let mut seen: Vec<SimulatedHalf> = self
            .halves
            .iter_mut()
            .filter(|it| is_meant(it))
            .filter_map(|it| it.shown.read(now).then(|| it.clone()))
            .collect();
        let again: Vec<Link> = seen.iter().map(|it| it.name.clone()).collect();
        let ghosts = super::ghosts(&mut self.gone_halves, now);
        seen.extend(
            ghosts
                .into_iter()
                .filter(|it| is_meant(it) && !again.contains(&it.name)),
        );
        seen.iter().map(|half| self.half_view(half, now)).collect()
    }

    fn half_view(&self, half: &SimulatedHalf, now: DateTime<Utc>) -> LinkView {
        let state = self.state_of(half, now);
        let ranges = |network: &NetworkRef| {
            let known = self.network(network);
            known.map(|it| it.ranges.clone()).unwrap_or_default()
        };
        // What is on the other side is told by the other half.
        let others = match state {
            LinkState::Active => ranges(&half.other),
            LinkState::Initiating
            | LinkState::Pending
            | LinkState::Provisioning
            | LinkState::Disconnected
            | LinkState::Rejected
            | LinkState::Expired
            | LinkState::Failed
            | LinkState::Deleting
            | LinkState::Deleted
            | LinkState::Unknown(_) => Vec::new(),
        };
        let end = |network: &NetworkRef, ranges| LinkEnd {
            network: network.clone(),
            ranges,
            dns_resolution: None,
        };
        LinkView {
            link: half.name.clone(),
            requester: end(&half.network, ranges(&half.network)),
            accepter: end(&half.other, others),
            state,
            message: None,
            expires_at: None,
            owner: owner_by_name(&half.name),
        }
    }
}
