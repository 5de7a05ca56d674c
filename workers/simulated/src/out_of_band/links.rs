//! What people do to links.

use super::{
    super::{
        faults::prefixes,
        world::{SimulatedLink, Turn, bare_network},
    },
    OutOfBand,
};
use cloud::{LinkEnd, LinkRole, LinkState, Owner};
use domain::network::LinkOption;
use domain::text::Link;
use std::time::Duration;

impl OutOfBand {
    /// Somebody's own link between two networks.
    pub fn join(
        &self,
        requester: &LinkEnd,
        accepter: &LinkEnd,
        linked: LinkState,
        owner: Option<Owner>,
    ) -> Link {
        let end = |end: &LinkEnd| LinkEnd {
            network: bare_network(&end.network),
            ..end.clone()
        };
        let expiry = self.cloud.inner.settings.expiry;
        self.reach(|state, now| {
            let id: Link = state
                .faults
                .id(prefixes(requester.network.at.provider).link);
            let expires_at = Some(now + expiry);
            let mut link = SimulatedLink {
                owner,
                expires_at,
                ..SimulatedLink::new(id.clone(), end(requester), end(accepter), linked.clone())
            };
            link.become_now(linked, None, now);
            state.world.links.insert(id.clone(), link);
            id
        })
    }

    fn with_link(
        &self,
        link: &Link,
        call: impl FnOnce(&mut SimulatedLink, chrono::DateTime<chrono::Utc>),
    ) {
        self.reach(|state, now| {
            if let Some(link) = state.world.links.get_mut(link) {
                link.stale = None;
                call(link, now);
            }
        });
    }

    /// The link is in this state now, and stays there; if it is over, until nobody is told of it
    /// any more.
    pub fn turn(&self, link: &Link, into: LinkState) {
        self.with_link(link, |link, now| link.become_now(into, None, now));
    }

    /// The link's state turns into this one by itself, after so long.
    pub fn turn_later(&self, link: &Link, wait: Duration, into: LinkState) {
        self.with_link(link, |link, now| {
            link.turns = Some(Turn::later(now, wait, into, None))
        });
    }

    /// The accepter's own people accept it, and it is active at once.
    pub fn accept(&self, link: &Link) {
        self.with_link(link, |link, now| {
            link.become_now(LinkState::Active, None, now)
        });
    }

    /// The accepter's own people reject it.
    pub fn reject(&self, link: &Link) {
        self.with_link(link, |link, now| {
            link.become_now(LinkState::Rejected, Some(LinkRole::Second), now)
        });
    }

    /// This side's own people delete the whole link at once.
    pub fn delete(&self, link: &Link, by: LinkRole) {
        self.delete_within(link, by, Duration::ZERO);
    }

    /// The same, and for so long the link is shown as being deleted.
    pub fn delete_within(&self, link: &Link, by: LinkRole, takes: Duration) {
        self.with_link(link, |link, now| {
            link.delete(by, takes, now);
            link.pass_time(now);
        });
    }

    /// The link is forgotten, as links that are over are after a while.
    pub fn forget(&self, link: &Link) {
        self.reach(|state, _| state.world.links.remove(link));
    }

    /// The owner tag in the account and region of this end is this one, or gone.
    pub fn tag(&self, link: &Link, end: LinkRole, owner: Option<Owner>) {
        self.with_link(link, |link, _| *link.tag_mut(end) = owner);
    }

    /// An option of this end is set.
    pub fn flip(&self, link: &Link, end: LinkRole, option: LinkOption, enabled: bool) {
        self.with_link(link, |link, _| {
            link.end_mut(end).options.insert(option, enabled);
        });
    }
}
