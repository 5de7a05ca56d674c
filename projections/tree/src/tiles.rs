//! How a tree is kept: its hashes in tiles of 256, eight levels apart (C2SP tlog-tiles).
//!
//! Level 0 has the leaves' hashes, level 1 those of each 256 leaves, and so on. What lies between
//! is hashed when it is asked for. A tile that is not full grows; its beginning never changes, so
//! every older tree can be read from the same tiles.

use crate::{Hash, Nodes};
use std::{cell::RefCell, collections::BTreeMap};

/// How many hashes a full tile has, and how many levels of the tree it spans.
pub const WIDTH: u64 = 256;
const LEVELS: u32 = 8;

/// Which tile: its level, and the how-manieth of it.
pub type TileId = (u32, u64);

/// Where tiles are kept.
pub trait Tiles {
    /// Why one cannot be read.
    type Error;

    /// The hashes of a tile, one behind the other, as far as there are any.
    ///
    /// # Errors
    /// When it cannot be read.
    fn tile(&self, id: TileId) -> Result<Vec<u8>, Self::Error>;
}

/// Why a hash cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TileError<E> {
    /// The tiles cannot be read.
    #[error(transparent)]
    Read(#[from] E),
    /// A tile is missing, or shorter than the tree's size says.
    #[error("tile {index} of level {level} of the tree is missing or cut")]
    Cut {
        /// Its level.
        level: u32,
        /// Which one of that level.
        index: u64,
    },
}

/// A tree of a size, in tiles. Those that were read are remembered as long as it lives.
#[derive(Debug)]
pub struct Tiled<'a, T> {
    tiles: &'a T,
    read: RefCell<BTreeMap<TileId, Vec<Hash>>>,
}

impl<'a, T: Tiles> Tiled<'a, T> {
    /// Over these tiles.
    pub fn new(tiles: &'a T) -> Self {
        Self {
            tiles,
            read: RefCell::default(),
        }
    }

    fn hashes(
        &self,
        id: TileId,
        first: usize,
        many: usize,
    ) -> Result<Vec<Hash>, TileError<T::Error>> {
        let mut read = self.read.borrow_mut();
        let tile = match read.entry(id) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => {
                new.insert(hashes(&self.tiles.tile(id)?))
            }
        };
        let (level, index) = id;
        let found = tile.get(first..first + many);
        found
            .map(<[Hash]>::to_vec)
            .ok_or(TileError::Cut { level, index })
    }
}

impl<T: Tiles> Nodes for Tiled<'_, T> {
    type Error = TileError<T::Error>;

    fn node(&self, level: u32, index: u64) -> Result<Hash, Self::Error> {
        let (tile_level, within) = (level / LEVELS, level % LEVELS);
        // The first hash of the node in the tile's level; a node never spans two tiles.
        let first = index << within;
        let offset = usize::try_from(first % WIDTH).unwrap_or_default();
        let hashes = self.hashes((tile_level, first / WIDTH), offset, 1 << within)?;
        Ok(folded(hashes))
    }
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    let (hashes, _) = bytes.as_chunks::<{ Hash::LENGTH }>();
    hashes.iter().copied().map(Hash).collect()
}

/// The root of a power of two of hashes.
fn folded(mut hashes: Vec<Hash>) -> Hash {
    while hashes.len() > 1 {
        let pairs = hashes.as_chunks::<2>().0.iter();
        hashes = pairs.map(|[left, right]| Hash::node(left, right)).collect();
    }
    hashes.first().copied().unwrap_or_else(Hash::empty)
}

/// Leaves that are being added, and the tiles that change with them.
#[derive(Debug)]
pub struct Growth {
    size: u64,
    /// The tiles at the edge, one a level, and those that were filled.
    tiles: BTreeMap<TileId, Vec<Hash>>,
}

impl Growth {
    /// Behind the first `size` leaves.
    ///
    /// # Errors
    /// When a tile at the edge cannot be read.
    pub fn behind<T: Tiles>(size: u64, tiles: &T) -> Result<Self, TileError<T::Error>> {
        let mut edge = BTreeMap::new();
        let mut count = size;
        for level in 0.. {
            if count == 0 {
                break;
            }
            let many = usize::try_from(count % WIDTH).unwrap_or_default();
            if many > 0 {
                let id = (level, count / WIDTH);
                let mut found = hashes(&tiles.tile(id)?);
                if found.len() < many {
                    let (level, index) = id;
                    return Err(TileError::Cut { level, index });
                }
                found.truncate(many);
                edge.insert(id, found);
            }
            count /= WIDTH;
        }
        Ok(Self { size, tiles: edge })
    }

    /// How many leaves there are now.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf's hash.
    pub fn push(&mut self, leaf: Hash) {
        let (mut level, mut index, mut hash) = (0, self.size, leaf);
        loop {
            let tile = self.tiles.entry((level, index / WIDTH)).or_default();
            tile.push(hash);
            if tile.len() < usize::try_from(WIDTH).unwrap_or(usize::MAX) {
                break;
            }
            hash = folded(tile.clone());
            (level, index) = (level + 1, index / WIDTH);
        }
        self.size += 1;
    }

    /// The tiles as they are to be kept: those at the edge, and those that were filled.
    pub fn tiles(&self) -> impl Iterator<Item = (TileId, Vec<u8>)> {
        let bytes = |tile: &Vec<Hash>| tile.iter().flat_map(|it| it.0).collect();
        self.tiles.iter().map(move |(id, tile)| (*id, bytes(tile)))
    }
}
