//! The tree of RFC 6962: roots and proofs from the hashes of its full subtrees, and what a proof
//! shows to somebody who has nothing but a root.
//!
//! A full subtree of 2^level leaves that begins at a multiple of that is a *node*, and never
//! changes once it is full. Everything else follows from nodes.

use crate::Hash;
use thiserror::Error;

/// The most hashes that a proof can have, in a tree of any size.
pub const LONGEST_PROOF: usize = 63;

/// Where the hashes of full subtrees are kept.
pub trait Nodes {
    /// Why one cannot be read.
    type Error;

    /// The hash of the full subtree of 2^level leaves, the index-th of its kind.
    ///
    /// # Errors
    /// When it cannot be read.
    fn node(&self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// Why a proof shows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProofError {
    /// No such leaf.
    #[error("there is no leaf {index} in a tree of {size}")]
    NoLeaf {
        /// Which one.
        index: u64,
        /// The tree's size.
        size: u64,
    },
    /// The later tree is smaller.
    #[error("a tree of {new} leaves cannot follow one of {old}")]
    Shrinks {
        /// The size of the older tree.
        old: u64,
        /// The size of the newer one.
        new: u64,
    },
    /// It has too few hashes, or too many.
    #[error("the proof has {found} hashes, which is not how many it takes")]
    Length {
        /// How many it has.
        found: usize,
    },
    /// It leads to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// The root of the first `size` leaves.
///
/// # Errors
/// When a node cannot be read.
pub fn root<N: Nodes>(nodes: &N, size: u64) -> Result<Hash, N::Error> {
    match size {
        0 => Ok(Hash::empty()),
        _ => subtree(nodes, 0, size),
    }
}

/// What shows that a leaf is in the tree of the first `size` leaves: the hashes beside its way,
/// from the leaf up. Nothing if there is no such leaf.
///
/// # Errors
/// When a node cannot be read.
pub fn inclusion<N: Nodes>(nodes: &N, index: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, size);
    if index >= size {
        return Ok(proof);
    }
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            proof.push(subtree(nodes, middle, end)?);
            end = middle;
        } else {
            proof.push(subtree(nodes, start, middle)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// What shows that the first `old` leaves of the tree of `new` are the tree of `old`. Nothing
/// between trees of one size, and after the empty one.
///
/// # Errors
/// When a node cannot be read.
pub fn consistency<N: Nodes>(nodes: &N, old: u64, new: u64) -> Result<Vec<Hash>, N::Error> {
    let mut proof = Vec::new();
    if old == 0 || old >= new {
        return Ok(proof);
    }
    let (mut start, mut end) = (0, new);
    // While the older tree ends inside of this part.
    while end != old {
        let middle = start + split(end - start);
        if old <= middle {
            proof.push(subtree(nodes, middle, end)?);
            end = middle;
        } else {
            proof.push(subtree(nodes, start, middle)?);
            start = middle;
        }
    }
    if start > 0 {
        proof.push(subtree(nodes, start, end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Whether the leaf with this hash is where it is said to be, in the tree with this root.
///
/// # Errors
/// When the proof does not show that.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::NoLeaf { index, size });
    }
    let wrong = ProofError::Length { found: proof.len() };
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for beside in proof {
        if last == 0 {
            return Err(wrong);
        }
        if at & 1 == 1 || at == last {
            hash = Hash::node(beside, &hash);
            // At the right edge a node may have no neighbour for some levels.
            let levels = at.trailing_zeros();
            at >>= levels;
            last >>= levels;
        } else {
            hash = Hash::node(&hash, beside);
        }
        at >>= 1;
        last >>= 1;
    }
    match (last, hash == *root) {
        (0, true) => Ok(()),
        (0, false) => Err(ProofError::Root),
        (_, _) => Err(wrong),
    }
}

/// Whether the tree with the one root begins with that of the other.
///
/// # Errors
/// When the proof does not show that.
pub fn verify_consistency(
    (old, old_root): (u64, &Hash),
    (new, new_root): (u64, &Hash),
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::Shrinks { old, new });
    }
    let wrong = ProofError::Length { found: proof.len() };
    let nothing = proof.is_empty().then_some(()).ok_or(wrong);
    if old == 0 {
        let is_empty = *old_root == Hash::empty();
        let holds = is_empty && (new > 0 || new_root == old_root);
        return nothing.and(holds.then_some(()).ok_or(ProofError::Root));
    }
    if old == new {
        return nothing.and((old_root == new_root).then_some(()).ok_or(ProofError::Root));
    }
    // A full older tree is itself the first node of the proof, and is left out of it.
    let whole = old.is_power_of_two().then_some(*old_root);
    let mut hashes = whole.iter().chain(proof);
    let first = hashes.next().ok_or(wrong)?;
    let (mut at, mut last) = (old - 1, new - 1);
    let levels = at.trailing_ones();
    at >>= levels;
    last >>= levels;
    let (mut older, mut newer) = (*first, *first);
    for beside in hashes {
        if last == 0 {
            return Err(wrong);
        }
        if at & 1 == 1 || at == last {
            older = Hash::node(beside, &older);
            newer = Hash::node(beside, &newer);
            let levels = at.trailing_zeros().min(u64::BITS - 1);
            at >>= levels;
            last >>= levels;
        } else {
            newer = Hash::node(&newer, beside);
        }
        at >>= 1;
        last >>= 1;
    }
    match (last, older == *old_root && newer == *new_root) {
        (0, true) => Ok(()),
        (0, false) => Err(ProofError::Root),
        (_, _) => Err(wrong),
    }
}

/// The largest power of two below this number of leaves, which is two at least.
fn split(leaves: u64) -> u64 {
    1 << (u64::BITS - 1 - (leaves - 1).leading_zeros())
}

/// The root of these leaves, which begin where a node of their size could.
fn subtree<N: Nodes>(nodes: &N, start: u64, end: u64) -> Result<Hash, N::Error> {
    let leaves = end - start;
    if leaves.is_power_of_two() {
        let level = leaves.trailing_zeros();
        return nodes.node(level, start >> level);
    }
    let middle = start + split(leaves);
    let left = subtree(nodes, start, middle)?;
    Ok(Hash::node(&left, &subtree(nodes, middle, end)?))
}

/// The root of leaves that come one after the other, of which nothing is kept but the full subtrees
/// at the edge.
#[derive(Clone, Debug, Default)]
pub struct Edge {
    /// From the largest to the smallest.
    full: Vec<Hash>,
    size: u64,
}

impl Edge {
    /// How many leaves came.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next leaf's hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.full.pop() {
                hash = Hash::node(&left, &hash);
            }
        }
        self.full.push(hash);
        self.size += 1;
    }

    /// The root of all that came.
    pub fn root(&self) -> Hash {
        let folded = self.full.iter().rev().copied();
        let folded = folded.reduce(|right, left| Hash::node(&left, &right));
        folded.unwrap_or_else(Hash::empty)
    }
}
