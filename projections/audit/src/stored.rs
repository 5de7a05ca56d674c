//! What a history was folded to, as bytes that are kept for a while and thrown away: so that the
//! same is not folded again and again.
//!
//! Whatever could make another state of the same events gives the bytes another version: the
//! domain's fold, what is folded here, and what sentences are made of.

use crate::{
    Told,
    decision::{Decision, Decisions, Opening},
};
use domain::{PeeringId, network::FOLD_VERSION};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{collections::BTreeMap, sync::Arc};

/// What states are made by, and how they are written.
const MADE_BY: [&str; 11] = [
    FOLD_VERSION,
    env!("CARGO_PKG_VERSION"),
    include_str!("past.rs"),
    include_str!("decision.rs"),
    include_str!("stored.rs"),
    include_str!("sentence/mod.rs"),
    include_str!("sentence/firewall.rs"),
    include_str!("sentence/others.rs"),
    include_str!("sentence/policy.rs"),
    include_str!("sentence/tenure.rs"),
    include_str!("sentence/words.rs"),
];

/// The largest state that is kept, in bytes of JSON.
const LARGEST: usize = 16 << 20;

/// A number that is another one where states of the same events may be others.
pub fn stored_version() -> u64 {
    let bytes = MADE_BY.iter().flat_map(|it| it.bytes().chain([0]));
    // FNV-1a: any function would do that gives another number for another text.
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl Told {
    /// The bytes of it, with how large it is; `None` where that is too large to be kept.
    pub fn store(&self) -> Option<(Vec<u8>, usize)> {
        let json = serde_json::to_vec(self).ok()?;
        let compressed =
            (json.len() <= LARGEST).then(|| lz4_flex::block::compress_prepend_size(&json));
        Some((compressed?, json.len()))
    }

    /// What these are the bytes of, with how large it is; `None` if of nothing of this version.
    pub fn restore(stored: &[u8]) -> Option<(Self, usize)> {
        let (size, compressed) = lz4_flex::block::uncompressed_size(stored).ok()?;
        let json = (size <= LARGEST).then(|| lz4_flex::block::decompress(compressed, size));
        let json = json?.ok()?;
        let told = serde_json::from_slice(&json).ok()?;
        Some((told, json.len()))
    }
}

/// Values that are written as their text.
pub(crate) mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};
    use std::{borrow::Cow, fmt::Display, str::FromStr};

    pub(crate) fn serialize<T: Display, S: Serializer>(it: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(it)
    }

    pub(crate) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = Cow::<str>::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// Decisions, each written once, however much it opened.
pub(crate) mod decisions {
    use super::{
        Arc, BTreeMap, Decision, Decisions, Deserialize, Deserializer, Opening, PeeringId,
        Serialize, Serializer,
    };
    use serde::de::Error as _;

    #[derive(Serialize, Deserialize)]
    struct Stored<D> {
        decisions: Vec<D>,
        /// What was opened, and by which of those.
        on: Vec<(PeeringId, Opening, usize)>,
    }

    pub(crate) fn serialize<S: Serializer>(it: &Decisions, to: S) -> Result<S::Ok, S::Error> {
        let mut known = BTreeMap::new();
        let mut decisions: Vec<&Decision> = Vec::new();
        let on = it.0.iter().map(|((peering, opening), decision)| {
            let at = *known.entry(Arc::as_ptr(decision)).or_insert_with(|| {
                decisions.push(decision);
                decisions.len() - 1
            });
            (*peering, opening.clone(), at)
        });
        let on = on.collect();
        Stored { decisions, on }.serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Decisions, D::Error> {
        let Stored { decisions, on } = Stored::<Decision>::deserialize(from)?;
        let decisions: Vec<_> = decisions.into_iter().map(Arc::new).collect();
        let found = on.into_iter().map(|(peering, opening, at)| {
            let decision = decisions.get(at).cloned();
            let decision = decision.ok_or_else(|| D::Error::custom("no such decision"))?;
            Ok(((peering, opening), decision))
        });
        found.collect::<Result<_, _>>().map(Decisions)
    }
}
