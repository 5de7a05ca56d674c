//! Halves: where each side has an object of its own (GCP, Azure), what there is of a link is what
//! the two make of each other.

use super::{
    World, bare_network,
    shown::{Gone, Shown},
};
use chrono::{DateTime, Utc};
use cloud::{AccountRegion, LinkEnd, LinkState, LinkView, NetworkRef, owner_by_name};
use domain::{Provider, network::LinkOption, text::Link};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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
    /// The options that are on.
    #[serde(default)]
    pub options: BTreeSet<LinkOption>,
    /// Those that were on before the last change, and from when on reads see that.
    #[serde(default)]
    pub stale: Option<Gone<BTreeSet<LinkOption>>>,
    /// The other network's ranges as the half has them (Azure).
    #[serde(default)]
    pub synced: Vec<IpNet>,
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
            options: BTreeSet::new(),
            stale: None,
            synced: Vec::new(),
        }
    }

    /// Switches an option; one that is only brought about is not one that stays on.
    pub(crate) fn switch(&mut self, option: LinkOption, enabled: bool) {
        if option.is_upkeep() {
            return;
        }
        if enabled {
            self.options.insert(option);
        } else {
            self.options.remove(&option);
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
            // What a half that waits has of the other network's ranges, it gets when they meet.
            if is_connected
                && !half.was_connected
                && let Some(other) = self.networks.get(&half.other.to_string())
            {
                half.synced.clone_from(&other.ranges);
            }
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
            .filter_map(|it| {
                it.stale.take_if(|stale| stale.seen.read(now));
                it.shown.read(now).then(|| it.clone())
            })
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

    /// Whether the half has the other network's ranges as they are now; only Azure needs that.
    pub(crate) fn in_sync(&self, half: &SimulatedHalf) -> Option<bool> {
        let of = |ranges: &[IpNet]| ranges.iter().copied().collect::<BTreeSet<_>>();
        match half.network.at.provider {
            Provider::Azure if half.was_connected => self
                .network(&half.other)
                .map(|other| of(&other.ranges) == of(&half.synced)),
            Provider::Aws | Provider::Gcp | Provider::Azure => None,
        }
    }

    /// What the half has of the other network's routes: its ranges (Azure: those that it knows); at
    /// GCP custom ones besides, if the one side exports and the other imports.
    fn imports(&self, half: &SimulatedHalf, now: DateTime<Utc>) -> Vec<IpNet> {
        let Some(counterpart) = self.counterpart(half, now) else {
            return Vec::new();
        };
        match half.network.at.provider {
            Provider::Aws => Vec::new(),
            Provider::Azure => half.synced.clone(),
            Provider::Gcp => {
                let other = self.network(&half.other);
                let ranges = other.map(|it| it.ranges.clone()).unwrap_or_default();
                let is_exchanged = half.options.contains(&LinkOption::ImportCustomRoutes)
                    && counterpart
                        .options
                        .contains(&LinkOption::ExportCustomRoutes);
                let custom = other.map(|it| it.custom_routes.clone()).unwrap_or_default();
                let custom = custom.into_iter().filter(|_| is_exchanged);
                ranges.into_iter().chain(custom).collect()
            }
        }
    }

    fn options_shown(&self, half: &SimulatedHalf) -> BTreeMap<LinkOption, bool> {
        let on = half.stale.as_ref().map_or(&half.options, |it| &it.was);
        let told = |option: LinkOption| {
            let is_on = if option.is_upkeep() {
                self.in_sync(half)?
            } else {
                on.contains(&option)
            };
            Some((option, is_on))
        };
        LinkOption::of(half.network.at.provider)
            .filter_map(told)
            .collect()
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
        let end = |network: &NetworkRef, ranges| LinkEnd::new(network.clone(), ranges);
        LinkView {
            link: half.name.clone(),
            first: LinkEnd {
                options: self.options_shown(half),
                in_sync: self.in_sync(half),
                imports: self.imports(half, now),
                ..end(&half.network, ranges(&half.network))
            },
            second: end(&half.other, others),
            state,
            message: None,
            expires_at: None,
            owner: owner_by_name(&half.name),
        }
    }
}
