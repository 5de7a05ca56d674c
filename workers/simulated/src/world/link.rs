//! Links: their states, what each side is told of them and for how long.

use super::{
    super::faults::after,
    shown::{Gone, Shown},
};
use chrono::{DateTime, TimeDelta, Utc};
use cloud::{AccountRegion, LinkEnd, LinkRole, LinkState, LinkView, NetworkRef, Owner};
use domain::{network::LinkOption, text::Link};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// For how long AWS shows a link that is over: to whom it concerns more, and to whom less.
const SHOWN_LONG: TimeDelta = TimeDelta::days(2);
const SHOWN_BRIEFLY: TimeDelta = TimeDelta::hours(2);

/// A link between two networks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedLink {
    /// Its id, given once.
    pub id: Link,
    /// The end that asked.
    #[serde(rename = "requester")]
    pub first: LinkEnd,
    /// The end that was asked.
    #[serde(rename = "accepter")]
    pub second: LinkEnd,
    /// Where it is in its life.
    pub state: LinkState,
    /// The cloud's words on the state.
    pub message: Option<String>,
    /// When it can no longer be accepted.
    pub expires_at: Option<DateTime<Utc>>,
    /// The tag in the requester's account and region, visible only there.
    pub owner: Option<Owner>,
    /// The tag in the accepter's account and region, if that is another.
    #[serde(default)]
    pub accepters_tag: Option<Owner>,
    /// What it becomes by itself, and when.
    pub turns: Option<Turn>,
    /// When it ended, and by whose hand.
    #[serde(default)]
    pub ended: Option<Ended>,
    /// What it was before the last call that changed it.
    #[serde(default)]
    pub stale: Option<Box<Gone<Face>>>,
    /// From when on the requester's reads see it.
    pub shown_to_requester: Shown,
    /// From when on the accepter's reads see it.
    pub shown_to_accepter: Shown,
}

/// What can change about a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Face {
    /// Where it was in its life.
    pub state: LinkState,
    /// The cloud's words on that.
    pub message: Option<String>,
    /// The tag on the requester's side.
    pub owner: Option<Owner>,
    /// The tag on the accepter's side.
    pub accepters_tag: Option<Owner>,
    /// The requester's options.
    #[serde(default)]
    pub requesters_options: BTreeMap<LinkOption, bool>,
    /// The accepter's options.
    #[serde(default)]
    pub accepters_options: BTreeMap<LinkOption, bool>,
}

/// When a link ended, and which side ended it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// The side that ended it; none if the cloud did.
    pub by: Option<LinkRole>,
}

/// A change that is going to happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// When it happens.
    pub at: DateTime<Utc>,
    /// What the link is then.
    pub into: LinkState,
    /// The cloud's words on it.
    pub message: Option<String>,
}

impl Turn {
    pub(crate) fn later(
        now: DateTime<Utc>,
        wait: Duration,
        into: LinkState,
        message: Option<&str>,
    ) -> Self {
        Self {
            at: after(now, wait),
            into,
            message: message.map(str::to_owned),
        }
    }
}

/// Whether a link has been accepted.
pub(crate) fn has_begun(state: &LinkState) -> bool {
    match state {
        LinkState::Provisioning | LinkState::Active | LinkState::Deleting => true,
        LinkState::Initiating
        | LinkState::Pending
        | LinkState::Disconnected
        | LinkState::Rejected
        | LinkState::Expired
        | LinkState::Failed
        | LinkState::Deleted
        | LinkState::Unknown(_) => false,
    }
}

impl SimulatedLink {
    /// A link that everybody sees, and nobody owns.
    pub(crate) fn new(id: Link, requester: LinkEnd, accepter: LinkEnd, state: LinkState) -> Self {
        Self {
            id,
            first: requester,
            second: accepter,
            state,
            message: None,
            expires_at: None,
            owner: None,
            accepters_tag: None,
            turns: None,
            ended: None,
            stale: None,
            shown_to_requester: Shown::always(),
            shown_to_accepter: Shown::always(),
        }
    }

    /// The end in this role.
    pub fn end(&self, role: LinkRole) -> &LinkEnd {
        match role {
            LinkRole::First => &self.first,
            LinkRole::Second => &self.second,
        }
    }

    pub(crate) fn end_mut(&mut self, role: LinkRole) -> &mut LinkEnd {
        match role {
            LinkRole::First => &mut self.first,
            LinkRole::Second => &mut self.second,
        }
    }

    /// Which end the network is, if it is one.
    pub(crate) fn role_of(&self, network: &NetworkRef) -> Option<LinkRole> {
        [LinkRole::First, LinkRole::Second]
            .into_iter()
            .find(|role| self.end(*role).network.is_same(network))
    }

    /// Which ends are in this account and region.
    pub(crate) fn roles_at(&self, at: &AccountRegion) -> impl Iterator<Item = LinkRole> {
        [LinkRole::First, LinkRole::Second]
            .into_iter()
            .filter(|role| self.end(*role).network.at.is_same(at))
    }

    pub(crate) fn joins(&self, one: &NetworkRef, other: &NetworkRef) -> bool {
        self.role_of(one).is_some() && self.role_of(other).is_some()
    }

    fn ends_are_apart(&self) -> bool {
        !self.first.network.at.is_same(&self.second.network.at)
    }

    /// The tag in the account and region of this end. Two ends at one place have one tag.
    pub(crate) fn tag_mut(&mut self, role: LinkRole) -> &mut Option<Owner> {
        let apart = self.ends_are_apart();
        match role {
            LinkRole::Second if apart => &mut self.accepters_tag,
            LinkRole::First | LinkRole::Second => &mut self.owner,
        }
    }

    pub(crate) fn shown_to(&self, role: LinkRole) -> &Shown {
        match role {
            LinkRole::First => &self.shown_to_requester,
            LinkRole::Second => &self.shown_to_accepter,
        }
    }

    fn shown_to_mut(&mut self, role: LinkRole) -> &mut Shown {
        match role {
            LinkRole::First => &mut self.shown_to_requester,
            LinkRole::Second => &mut self.shown_to_accepter,
        }
    }

    pub(crate) fn face(&self) -> Face {
        Face {
            state: self.state.clone(),
            message: self.message.clone(),
            owner: self.owner,
            accepters_tag: self.accepters_tag,
            requesters_options: self.first.options.clone(),
            accepters_options: self.second.options.clone(),
        }
    }

    /// It is in this state now, by itself or by what somebody did.
    pub(crate) fn become_now(&mut self, into: LinkState, by: Option<LinkRole>, now: DateTime<Utc>) {
        self.ended = (!into.is_live()).then_some(Ended { at: now, by });
        self.state = into;
        self.turns = None;
        self.message = None;
    }

    /// One side ends it for both, between regions after a while.
    pub(crate) fn delete(&mut self, by: LinkRole, wait: Duration, now: DateTime<Utc>) {
        if !has_begun(&self.state) || self.first.network.at.region == self.second.network.at.region
        {
            return self.become_now(LinkState::Deleted, Some(by), now);
        }
        self.become_now(LinkState::Deleting, None, now);
        self.ended = Some(Ended {
            at: now,
            by: Some(by),
        });
        self.turns = Some(Turn::later(now, wait, LinkState::Deleted, None));
    }

    pub(crate) fn pass_time(&mut self, now: DateTime<Utc>) {
        while let Some(turn) = self.turns.take_if(|turn| turn.at <= now) {
            let by = self.ended.take().and_then(|ended| ended.by);
            self.become_now(turn.into, by, turn.at);
            self.message = turn.message;
            if self.state == LinkState::Pending {
                self.turns = self.expires_at.map(|at| Turn {
                    at,
                    into: LinkState::Expired,
                    message: Some("nobody accepted the request in time".to_owned()),
                });
            }
        }
    }

    /// Whether the side is still told of it (AWS: VPC Peering Guide, life cycle).
    pub(crate) fn is_told_to(&self, role: LinkRole, now: DateTime<Utc>) -> bool {
        let one_account = self.first.network.at.account == self.second.network.at.account;
        let by = self.ended.as_ref().and_then(|ended| ended.by);
        let told_for = match self.state {
            LinkState::Failed if role == LinkRole::Second => return false,
            LinkState::Expired => SHOWN_LONG,
            LinkState::Rejected if role == LinkRole::First && !one_account => SHOWN_LONG,
            LinkState::Deleted if by != Some(role) && !one_account => SHOWN_LONG,
            LinkState::Failed | LinkState::Rejected | LinkState::Deleted => SHOWN_BRIEFLY,
            LinkState::Initiating
            | LinkState::Pending
            | LinkState::Provisioning
            | LinkState::Active
            | LinkState::Disconnected
            | LinkState::Deleting
            | LinkState::Unknown(_) => return true,
        };
        self.ended
            .as_ref()
            .is_none_or(|ended| now < ended.at + told_for)
    }

    /// What a read in this account and region shows of it.
    pub(crate) fn view(&mut self, at: &AccountRegion, now: DateTime<Utc>) -> Option<LinkView> {
        let roles: Vec<LinkRole> = self
            .roles_at(at)
            .filter(|role| self.is_told_to(*role, now))
            .collect();
        let role = roles
            .into_iter()
            .find(|role| self.shown_to_mut(*role).read(now))?;
        self.stale.take_if(|stale| stale.seen.read(now));
        let face = self
            .stale
            .as_ref()
            .map_or_else(|| self.face(), |stale| stale.was.clone());
        let tag = if role == LinkRole::Second && self.ends_are_apart() {
            face.accepters_tag
        } else {
            face.owner
        };
        let state = face.state;
        // An account sees and sets the options of its own side, once the link is active.
        let told = |end: &LinkEnd, set: BTreeMap<LinkOption, bool>| {
            let is_told = state == LinkState::Active && end.network.at.is_same(at);
            let of = |option| (option, set.get(&option).copied().unwrap_or_default());
            let options = LinkOption::of(end.network.at.provider).map(of);
            options.filter(|_| is_told).collect()
        };
        let paths = LinkOption::MultipathResilience;
        let allow = [&face.requesters_options, &face.accepters_options];
        let both = allow.iter().all(|it| it.get(&paths) == Some(&true));
        // One word on the connection, of both ends: AWS's `multipathResilienceStatus`.
        let effect = |options: &BTreeMap<LinkOption, bool>| {
            let is_on = options.get(&paths) == Some(&true);
            is_on.then_some((paths, both)).into_iter().collect()
        };
        let options = [
            told(&self.first, face.requesters_options.clone()),
            told(&self.second, face.accepters_options.clone()),
        ];
        let [requesters, accepters]: [BTreeMap<_, _>; 2] = options;
        let requester = LinkEnd {
            in_effect: effect(&requesters),
            options: requesters,
            ..self.first.clone()
        };
        let accepter = LinkEnd {
            in_effect: effect(&accepters),
            options: accepters,
            ranges: if tells_accepters_ranges(&state) {
                self.second.ranges.clone()
            } else {
                Vec::new()
            },
            ..self.second.clone()
        };
        let expires_at = self.expires_at.filter(|_| state == LinkState::Pending);
        Some(LinkView {
            link: self.id.clone(),
            first: requester,
            second: accepter,
            state,
            message: face.message,
            expires_at,
            owner: tag,
        })
    }
}

/// The accepter's ranges are told only once it has accepted.
fn tells_accepters_ranges(state: &LinkState) -> bool {
    has_begun(state) || matches!(state, LinkState::Deleted)
}
