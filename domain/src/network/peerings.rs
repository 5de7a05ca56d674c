//! The peerings of a network, kept so that a copy of the network costs next to nothing: a copy
//! shares each peering until one of the two changes it.
//!
//! A worker holds the network that it plans on while others append to it. With owned peerings every
//! append would copy them all; with shared ones it copies the one that the event is about. (A map
//! that shares its branches too would be a library's; those that there are have a licence that this
//! workspace does not take, and of the peerings that are kept in full there are few.)

use super::Peering;
use crate::ids::PeeringId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    collections::{BTreeMap, btree_map},
    ops::Index,
    sync::Arc,
};

/// Peerings by their ids, in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peerings {
    by_id: BTreeMap<PeeringId, Arc<Peering>>,
}

impl Peerings {
    /// The peering with this id.
    pub fn get(&self, id: &PeeringId) -> Option<&Peering> {
        self.by_id.get(id).map(|it| &**it)
    }

    /// The peering with this id, to be changed. It is copied first if somebody else holds it.
    pub fn get_mut(&mut self, id: &PeeringId) -> Option<&mut Peering> {
        self.by_id.get_mut(id).map(Arc::make_mut)
    }

    /// Whether there is a peering with this id.
    pub fn contains_key(&self, id: &PeeringId) -> bool {
        self.by_id.contains_key(id)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The ids.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &PeeringId> + ExactSizeIterator {
        self.by_id.keys()
    }

    /// The peerings.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Peering> + ExactSizeIterator {
        self.by_id.values().map(|it| &**it)
    }

    /// The peerings with their ids.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.by_id.iter())
    }

    /// Puts this peering in the place of whatever has its id.
    pub fn insert(&mut self, id: PeeringId, peering: Peering) {
        self.by_id.insert(id, Arc::new(peering));
    }

    /// Takes the peering with this id out.
    pub fn remove(&mut self, id: &PeeringId) -> Option<Peering> {
        self.by_id.remove(id).map(Arc::unwrap_or_clone)
    }

    /// Keeps those for which this holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&PeeringId, &Peering) -> bool) {
        self.by_id.retain(|id, peering| keep(id, peering));
    }
}

impl Index<&PeeringId> for Peerings {
    type Output = Peering;

    fn index(&self, id: &PeeringId) -> &Peering {
        &self.by_id[id]
    }
}

impl Extend<(PeeringId, Peering)> for Peerings {
    fn extend<I: IntoIterator<Item = (PeeringId, Peering)>>(&mut self, more: I) {
        let more = more.into_iter();
        self.by_id
            .extend(more.map(|(id, peering)| (id, Arc::new(peering))));
    }
}

impl FromIterator<(PeeringId, Peering)> for Peerings {
    fn from_iter<I: IntoIterator<Item = (PeeringId, Peering)>>(all: I) -> Self {
        let mut peerings = Self::default();
        peerings.extend(all);
        peerings
    }
}

/// Peerings with their ids.
#[derive(Clone, Debug)]
pub struct Iter<'a>(btree_map::Iter<'a, PeeringId, Arc<Peering>>);

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a PeeringId, &'a Peering);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(id, peering)| (id, &**peering))
    }
}

/// Peerings with their ids, owned.
#[derive(Debug)]
pub struct IntoIter(btree_map::IntoIter<PeeringId, Arc<Peering>>);

impl Iterator for IntoIter {
    type Item = (PeeringId, Peering);

    fn next(&mut self) -> Option<Self::Item> {
        let (id, peering) = self.0.next()?;
        Some((id, Arc::unwrap_or_clone(peering)))
    }
}

impl<'a> IntoIterator for &'a Peerings {
    type Item = (&'a PeeringId, &'a Peering);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl IntoIterator for Peerings {
    type Item = (PeeringId, Peering);
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter(self.by_id.into_iter())
    }
}

impl Serialize for Peerings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de> Deserialize<'de> for Peerings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = BTreeMap::<PeeringId, Peering>::deserialize(deserializer)?;
        Ok(all.into_iter().collect())
    }
}
