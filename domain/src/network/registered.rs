//! What can be asked of a network that is registered: its connections, what holds it, and who has
//! which link.

use super::{
    Connection, EndedPeerings, ExposurePolicy, Hold, InboundRule, Life, Peering, Peerings,
    QuarantineScope, Refusal, Registered,
};
use crate::{
    ids::PeeringId,
    side::Side,
    text::{FirewallRule, ImmutableId, Link},
};
use std::{borrow::Cow, collections::BTreeSet};

impl Registered {
    /// Its peerings: those that are live, and those that ended and were not folded together since.
    pub fn peerings(&self) -> &Peerings {
        &self.connections.peerings
    }

    /// The peerings that are over and were folded together.
    pub fn ended_peerings(&self) -> &EndedPeerings {
        &self.connections.ended_peerings
    }

    /// The peerings that have not ended.
    pub fn live_peerings(&self) -> impl Iterator<Item = &Peering> {
        self.peerings()
            .values()
            .filter(|peering| peering.life.is_live())
    }

    /// Whether nothing may be opened or repaired in this network. What is to be closed is closed
    /// all the same.
    pub fn is_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    /// Whether both sides of this connection are to be closed, whatever was accepted and admitted.
    pub fn is_quarantined<'a>(&'a self, connection: impl Into<Connection<'a>>) -> bool {
        self.quarantines_of(connection).next().is_some()
    }

    /// The quarantines that this connection is in.
    pub fn quarantines_of<'a>(
        &'a self,
        connection: impl Into<Connection<'a>>,
    ) -> impl Iterator<Item = (&'a QuarantineScope, &'a Hold)> {
        let Connection::Peering(peering) = connection.into();
        self.quarantines
            .iter()
            .filter(|(scope, _)| scope.covers(&peering.peer))
    }

    /// What this side's firewall is to admit now: nothing in quarantine, and nothing from a range
    /// of which it is not known yet that it is the peer's.
    pub fn admitted(&self, peering: &Peering, side: Side) -> BTreeSet<InboundRule> {
        if self.is_quarantined(peering) {
            return BTreeSet::new();
        }
        let mut admit = peering.firewall.get(side).admit.clone();
        if side == Side::Local {
            let is_confirmed = |range| !peering.is_unconfirmed(range);
            admit.retain(|rule| rule.source.range().is_none_or(is_confirmed));
        }
        admit
    }

    /// Whether the routes of this side are to be in place now: not in quarantine, nor while they
    /// are suspended.
    pub fn wants_routes(&self, peering: &Peering, side: Side) -> bool {
        !self.is_quarantined(peering) && peering.suspended.get(side).is_none()
    }

    /// The exposures on record for which this network's policy closes the routes into the peer.
    pub fn blocking_exposures<'a>(
        &'a self,
        peering: &'a Peering,
    ) -> impl Iterator<Item = &'a FirewallRule> {
        let exposures = &peering.firewall.remote.exposures;
        exposures
            .iter()
            .filter(|(_, it)| !it.exposure.cannot_tell)
            .filter(|_| matches!(self.policy.exposure, ExposurePolicy::Block))
            .map(|(rule_id, _)| rule_id)
    }

    /// Whether anything of this connection may be opened, accepted or repaired now: not while
    /// another network has the name of one of its ends.
    pub fn may_open<'a>(&'a self, connection: impl Into<Connection<'a>>) -> bool {
        let connection = connection.into();
        !self.is_doubtful
            && !self.is_frozen()
            && !self.is_quarantined(connection)
            && !connection.is_replaced()
    }

    /// The immutable id of this end's network at its cloud, as it was first seen.
    pub fn immutable_id<'a>(&'a self, peering: &'a Peering, side: Side) -> Option<&'a ImmutableId> {
        match side {
            Side::Local => self.immutable_id.as_ref(),
            Side::Remote => peering.peer_immutable_id.as_ref(),
        }
    }

    pub(super) fn live(&self, id: PeeringId) -> Result<&Peering, Refusal> {
        let Some(peering) = self.peerings().get(&id) else {
            return Err(match self.ended_peerings().get(&id) {
                Some(ended) => Refusal::PeeringEnded {
                    peering_id: id,
                    ending: ended.ending.as_str(),
                },
                None => Refusal::PeeringUnknown { peering_id: id },
            });
        };
        match peering.life.ending() {
            Some(ending) => Err(Refusal::PeeringEnded {
                peering_id: id,
                ending: ending.as_str(),
            }),
            None => Ok(peering),
        }
    }

    /// The peering, live or ended, as far as something can be decided of it.
    pub(super) fn on_record(&self, id: PeeringId) -> Result<Cow<'_, Peering>, Refusal> {
        if let Some(peering) = self.peerings().get(&id) {
            return Ok(Cow::Borrowed(peering));
        }
        let ended = self.ended_peerings().get(&id);
        let ended = ended.ok_or(Refusal::PeeringUnknown { peering_id: id })?;
        Ok(Cow::Owned(ended.unfolded(id)))
    }

    /// The peering that has, or had, this link; the least id, if several had.
    pub(super) fn holder_of(&self, link: &Link) -> Option<PeeringId> {
        let kept = self.peerings().values().filter(|it| it.knows(link));
        let ended = self
            .ended_peerings()
            .iter()
            .filter(|(_, it)| it.knows(link));
        kept.map(|it| it.id).chain(ended.map(|(id, _)| *id)).min()
    }

    /// The peering that has this link on record, but for those that ended and left it behind.
    pub fn owner_of(&self, link: &Link) -> Option<PeeringId> {
        let kept = self.peerings().values();
        let kept = kept.filter(|it| it.knows(link) && !it.left_behind(link));
        let ended = self.ended_peerings().iter();
        let ended = ended.filter(|(_, it)| it.knows(link) && !it.left_behind(link));
        kept.map(|it| it.id).chain(ended.map(|(id, _)| *id)).min()
    }

    /// The peering, if it can still be given something to do.
    pub(super) fn standing(&self, id: PeeringId) -> Result<&Peering, Refusal> {
        let peering = self.live(id)?;
        if matches!(peering.life, Life::Removing { .. }) {
            return Err(Refusal::PeeringBeingRemoved { peering_id: id });
        }
        if matches!(peering.life, Life::Abandoning { .. }) {
            return Err(Refusal::PeeringBeingAbandoned { peering_id: id });
        }
        Ok(peering)
    }
}
