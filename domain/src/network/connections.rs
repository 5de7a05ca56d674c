//! What joins a private network and other networks, kind by kind. A peering is one kind.
//!
//! Each kind has a place of its own in [`Connections`], under ids of its own type: what is asked
//! for as a peering is one, and ranges, routes and firewall rules are asked of peerings alone. A
//! decision that concerns every connection takes it as a [`Connection`] and names each kind. So a
//! further kind does not compile until each of those decisions has an answer for it.

use super::{EndedPeering, EndedPeerings, Peering, Peerings};
use serde::{Deserialize, Serialize};

/// All connections of a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connections {
    /// The peerings that are live, and those that ended and were not folded together since.
    pub peerings: Peerings,
    /// The peerings that are over and were folded together: see [`Connections::fold_ended`].
    #[serde(default, skip_serializing_if = "EndedPeerings::is_empty")]
    pub ended_peerings: EndedPeerings,
}

impl Connections {
    /// Those that have not ended.
    pub fn live(&self) -> impl Iterator<Item = Connection<'_>> {
        let Self {
            peerings,
            ended_peerings: _,
        } = self;
        let all = peerings.values().map(Connection::Peering);
        all.filter(|it| it.is_live())
    }

    /// How many of the links that a cloud grants one network the live ones take.
    pub fn links_taken(&self) -> usize {
        self.live().map(Connection::links_taken).sum()
    }

    /// Folds together what is over, so that a network costs what its live connections do.
    pub fn fold_ended(&mut self) {
        let Self {
            peerings,
            ended_peerings,
        } = self;
        let over = peerings.values().filter(|it| !it.life.is_live());
        let over: Vec<_> = over
            .filter_map(|it| EndedPeering::of(it).map(|ended| (it.id, ended)))
            .collect();
        for (id, ended) in over {
            peerings.remove(&id);
            ended_peerings.insert(id, ended);
        }
    }
}

/// One connection of a network, for what is decided of every kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection<'a> {
    /// A link that routes lead over, in both directions.
    Peering(&'a Peering),
}

impl<'a> From<&'a Peering> for Connection<'a> {
    fn from(peering: &'a Peering) -> Self {
        Self::Peering(peering)
    }
}

impl Connection<'_> {
    /// Whether it has not ended.
    pub fn is_live(self) -> bool {
        let Self::Peering(peering) = self;
        peering.life.is_live()
    }

    /// How many of the links that a cloud grants one network it takes while it lives.
    pub fn links_taken(self) -> usize {
        let Self::Peering(_) = self;
        1
    }

    /// Whether another network has the name of one of its ends.
    pub fn is_replaced(self) -> bool {
        let Self::Peering(peering) = self;
        peering.is_replaced()
    }
}
