//! Every size, every leaf and every pair of sizes up to a bound, against the definition of RFC
//! 6962.

use super::Kept;
use crate::{
    Edge, Growth, Hash, Nodes, ProofError, TileError, Tiled, consistency, inclusion, root,
    verify_consistency, verify_inclusion,
};
use std::{cell::RefCell, collections::BTreeMap, convert::Infallible};

/// More than one tile, and its edges.
const MOST: u64 = 280;

/// The definition, word for word.
fn defined(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::empty(),
        [one] => *one,
        more => {
            let mut half = 1;
            while half * 2 < more.len() {
                half *= 2;
            }
            Hash::node(&defined(&more[..half]), &defined(&more[half..]))
        }
    }
}

/// Nodes that are hashed once: the tests ask for each of them thousands of times.
struct Known<'a> {
    tree: Tiled<'a, Kept>,
    nodes: RefCell<BTreeMap<(u32, u64), Hash>>,
}

impl<'a> Known<'a> {
    fn of(kept: &'a Kept) -> Self {
        Self {
            tree: Tiled::new(kept),
            nodes: RefCell::default(),
        }
    }
}

impl Nodes for Known<'_> {
    type Error = TileError<Infallible>;

    fn node(&self, level: u32, index: u64) -> Result<Hash, Self::Error> {
        if let Some(known) = self.nodes.borrow().get(&(level, index)) {
            return Ok(*known);
        }
        let node = self.tree.node(level, index)?;
        self.nodes.borrow_mut().insert((level, index), node);
        Ok(node)
    }
}

fn leaves(many: u64) -> Vec<Hash> {
    (0..many).map(|it| Hash::leaf(&it.to_be_bytes())).collect()
}

fn kept(many: u64) -> Kept {
    let mut kept = Kept::default();
    kept.grow(0, &leaves(many));
    kept
}

fn roots(kept: &Kept, most: u64) -> Vec<Hash> {
    let tree = Known::of(kept);
    (0..=most)
        .map(|it| root(&tree, it).expect("a root"))
        .collect()
}

#[test]
fn the_roots_are_those_that_certificate_transparency_publishes() {
    let hex = |it: Hash| {
        it.0.iter()
            .map(|it| format!("{it:02x}"))
            .collect::<String>()
    };
    let inputs: [&[u8]; 8] = [
        b"",
        &[0],
        &[0x10],
        b" !",
        b"01",
        b"@ABC",
        b"PQRSTUVW",
        b"`abcdefghijklmno",
    ];
    let hashes = inputs.map(Hash::leaf);
    assert_eq!(
        hex(hashes[0]),
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    );
    assert_eq!(
        hex(defined(&hashes)),
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    );
    assert_eq!(
        hex(Hash::empty()),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}

#[test]
fn every_tree_has_the_root_that_the_definition_says_however_it_grew() {
    let all = leaves(MOST);
    let (mut edge, mut slow) = (Edge::default(), Kept::default());
    for size in 0..=MOST {
        let at = usize::try_from(size).unwrap();
        let expected = defined(&all[..at]);
        assert_eq!(edge.root(), expected, "{size}");
        assert_eq!(root(&Tiled::new(&slow), size).unwrap(), expected, "{size}");
        if let Some(next) = all.get(at) {
            edge.push(*next);
            slow.grow(size, &[*next]);
        }
    }
    assert_eq!(slow.0, kept(MOST).0, "one at a time, or all at once");
}

#[test]
fn every_leaf_of_every_tree_is_proved_and_no_other_place_is() {
    let (all, kept) = (leaves(MOST), kept(MOST));
    let (tree, roots) = (Known::of(&kept), roots(&kept, MOST));
    for size in 1..=MOST {
        let root = &roots[usize::try_from(size).unwrap()];
        for index in 0..size {
            let leaf = &all[usize::try_from(index).unwrap()];
            let proof = inclusion(&tree, index, size).unwrap();
            assert_eq!(verify_inclusion(leaf, index, size, &proof, root), Ok(()));
            let elsewhere = (index + 1) % size;
            if elsewhere != index {
                assert!(verify_inclusion(leaf, elsewhere, size, &proof, root).is_err());
            }
            let other = Hash::leaf(b"another");
            assert!(verify_inclusion(&other, index, size, &proof, root).is_err());
        }
        assert_eq!(inclusion(&tree, size, size).unwrap(), []);
        let none = verify_inclusion(&all[0], size, size, &[], root);
        assert_eq!(none, Err(ProofError::NoLeaf { index: size, size }));
    }
}

#[test]
fn every_pair_of_trees_is_proved_to_be_one_that_grew() {
    let kept = kept(MOST);
    let (tree, roots) = (Known::of(&kept), roots(&kept, MOST));
    let of = |size: u64| (size, &roots[usize::try_from(size).unwrap()]);
    for new in 0..=MOST {
        for old in 0..=new {
            let proof = consistency(&tree, old, new).unwrap();
            assert_eq!(
                verify_consistency(of(old), of(new), &proof),
                Ok(()),
                "{old} {new}"
            );
            let swapped = verify_consistency((old, of(new).1), (new, of(old).1), &proof);
            assert_eq!(swapped.is_ok(), old == new, "{old} {new}");
        }
    }
    let backwards = verify_consistency(of(3), of(2), &[]);
    assert_eq!(backwards, Err(ProofError::Shrinks { old: 3, new: 2 }));
}

#[test]
fn a_proof_that_was_touched_anywhere_shows_nothing() {
    let (all, kept) = (leaves(MOST), kept(MOST));
    let (tree, roots) = (Known::of(&kept), roots(&kept, MOST));
    let of = |size: u64| (size, &roots[usize::try_from(size).unwrap()]);
    for (index, size) in [
        (0, 2),
        (0, 7),
        (6, 7),
        (100, 256),
        (255, 257),
        (256, 257),
        (279, 280),
    ] {
        let proof = inclusion(&tree, index, size).unwrap();
        let leaf = &all[usize::try_from(index).unwrap()];
        for touched in touched(&proof) {
            assert!(verify_inclusion(leaf, index, size, &touched, of(size).1).is_err());
        }
    }
    for (old, new) in [
        (1, 2),
        (2, 3),
        (4, 8),
        (6, 7),
        (128, 256),
        (255, 256),
        (256, 280),
        (77, 280),
    ] {
        let proof = consistency(&tree, old, new).unwrap();
        for touched in touched(&proof) {
            assert!(
                verify_consistency(of(old), of(new), &touched).is_err(),
                "{old} {new}"
            );
        }
    }
    assert!(verify_consistency(of(0), of(5), &[all[0]]).is_err());
    assert!(verify_consistency(of(5), of(5), &[all[0]]).is_err());
    assert!(verify_consistency((0, of(1).1), of(5), &[]).is_err());
}

/// Each hash another one, left out, twice, and exchanged with its neighbour; one more.
fn touched(proof: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = vec![[proof, &[Hash::leaf(b"more")]].concat()];
    for at in 0..proof.len() {
        let mut flipped = proof.to_vec();
        flipped[at].0[31] ^= 1;
        let (mut without, mut twice) = (proof.to_vec(), proof.to_vec());
        without.remove(at);
        twice.insert(at, proof[at]);
        all.extend([flipped, without, twice]);
        if at > 0 {
            let mut exchanged = proof.to_vec();
            exchanged.swap(at - 1, at);
            all.push(exchanged);
        }
    }
    all
}

#[test]
fn large_trees_of_chance_sizes_are_proved_too() {
    let most = 70_000;
    let (all, kept) = (leaves(most), kept(most));
    let tree = Tiled::new(&kept);
    let mut chance = fastrand::Rng::with_seed(16);
    for _ in 0..200 {
        let new = chance.u64(1..=most);
        let (old, index) = (chance.u64(0..=new), chance.u64(0..new));
        let (older, newer) = (root(&tree, old).unwrap(), root(&tree, new).unwrap());
        let leaf = &all[usize::try_from(index).unwrap()];
        let proof = inclusion(&tree, index, new).unwrap();
        assert_eq!(verify_inclusion(leaf, index, new, &proof, &newer), Ok(()));
        let proof = consistency(&tree, old, new).unwrap();
        assert_eq!(
            verify_consistency((old, &older), (new, &newer), &proof),
            Ok(())
        );
    }
}

#[test]
fn a_tile_that_is_missing_or_cut_is_told_and_never_guessed() {
    for id in [(0, 0), (0, 1), (1, 0)] {
        let mut kept = kept(600);
        kept.0.remove(&id);
        let level = id.0;
        let growth = Growth::behind(600, &kept);
        let read = root(&Tiled::new(&kept), 600);
        let cut = |it: &TileError<_>| matches!(it, TileError::Cut { level: found, .. } if *found == level);
        assert!(
            read.as_ref().is_err_and(cut) || id == (0, 0) || id == (0, 1),
            "{read:?}"
        );
        assert!(growth.is_ok() || id == (1, 0), "{growth:?}");
        assert!(inclusion(&Tiled::new(&kept), id.1 * 256, 600).is_err());
    }
}
