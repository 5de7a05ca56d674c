//! The peerings of a network that are over, for as long as the network is on record.
//!
//! There may be tens of thousands. They are kept in two layers, so that a copy costs next to
//! nothing and one more ending seldom more: the newest in a small map of their own, all others in
//! one that is shared and made anew only when the small one is full.

use super::{
    Registered,
    event::Leftover,
    peering::{EndedPeering, Ending},
};
use crate::{
    ids::PeeringId,
    range::Range,
    side::Side,
    text::{Link, RouteTable},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{collections::BTreeMap, sync::Arc};

type Layer = BTreeMap<PeeringId, Arc<EndedPeering>>;

/// The newest have at least so many places to themselves.
const NEWEST: usize = 64;

/// Peerings that have ended, by their ids.
#[derive(Clone, Debug, Default)]
pub struct EndedPeerings {
    older: Arc<Layer>,
    newest: Layer,
}

impl EndedPeerings {
    /// The peering with this id, if it has ended and was folded together.
    pub fn get(&self, id: &PeeringId) -> Option<&EndedPeering> {
        let found = self.newest.get(id).or_else(|| self.older.get(id));
        found.map(|it| &**it)
    }

    /// Whether the peering with this id has ended and was folded together.
    pub fn contains_key(&self, id: &PeeringId) -> bool {
        self.get(id).is_some()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.older.len() + self.newest.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them with their ids, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (&PeeringId, &EndedPeering)> {
        let all = self.older.iter().chain(&self.newest);
        all.map(|(id, ended)| (id, &**ended))
    }

    /// Adds one. An id ends once: what is there stays.
    pub(super) fn insert(&mut self, id: PeeringId, ended: EndedPeering) {
        if self.older.contains_key(&id) {
            return;
        }
        self.newest.entry(id).or_insert_with(|| Arc::new(ended));
        if self.newest.len() >= NEWEST + self.older.len().isqrt() {
            Arc::make_mut(&mut self.older).append(&mut self.newest);
        }
    }

    fn in_order(&self) -> BTreeMap<&PeeringId, &EndedPeering> {
        self.iter().collect()
    }
}

impl Registered {
    /// The peering that has ended and left this route behind, over the link that it had.
    pub fn who_left(
        &self,
        table: &RouteTable,
        destination: Range,
        link: &Link,
    ) -> Option<PeeringId> {
        let is_it = |left: &Leftover| left.route() == Some((table, destination));
        self.endings()
            .filter(|(_, ending)| ending.link() == Some(link))
            .find(|(_, ending)| ending.left_behind().iter().any(is_it))
            .map(|(id, _)| id)
    }

    /// The peering that has ended and had this link.
    pub fn who_had(&self, link: &Link) -> Option<PeeringId> {
        let mut endings = self.endings();
        let had = endings.find(|(_, ending)| ending.link() == Some(link));
        had.map(|(id, _)| id)
    }

    /// Whether a peering that has ended left this half of its link on this side, and had made it.
    pub fn has_left_half(&self, side: Side, half: &Link) -> bool {
        let is_it = |left: &Leftover| matches!(left, Leftover::Half { side: of, link: Some(link) } if *of == side && link == half);
        let mut endings = self.endings();
        endings.any(|(_, ending)| ending.left_behind().iter().any(is_it))
    }

    /// How each peering that is over has ended.
    fn endings(&self) -> impl Iterator<Item = (PeeringId, &Ending)> {
        let kept = self.peerings().values();
        let kept = kept.filter_map(|it| it.life.ending().map(|ending| (it.id, ending)));
        kept.chain(
            self.ended_peerings()
                .iter()
                .map(|(id, it)| (*id, &it.ending)),
        )
    }
}

impl PartialEq for EndedPeerings {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(id, ended)| other.get(id) == Some(ended))
    }
}

impl Eq for EndedPeerings {}

impl Serialize for EndedPeerings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.in_order())
    }
}

impl<'de> Deserialize<'de> for EndedPeerings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = BTreeMap::<PeeringId, EndedPeering>::deserialize(deserializer)?;
        let older = all.into_iter().map(|(id, ended)| (id, Arc::new(ended)));
        Ok(Self {
            older: Arc::new(older.collect()),
            newest: Layer::new(),
        })
    }
}
