//! Seeded chance, and how much of it: seeds are printed so that a failure can be repeated.

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::env;

/// A small generator of numbers that look random (`SplitMix64`).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// With the seed of the environment or a new one, which is printed under this name.
    pub fn for_test(name: &str) -> Self {
        let seed = seed();
        println!("{name}: PEERAGE_TEST_SEED={seed}");
        Self(seed)
    }

    /// Another generator that goes on by itself.
    pub fn split(&mut self) -> Self {
        Self(self.next())
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which must not be 0.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// The seed of the environment, or a new one.
pub fn seed() -> u64 {
    match env::var("PEERAGE_TEST_SEED") {
        Ok(seed) => seed.parse().expect("PEERAGE_TEST_SEED is a number"),
        Err(_) => uuid::Uuid::new_v4().as_u64_pair().0,
    }
}

/// A length from the environment, or the short one.
pub fn length(variable: &str, short: u32) -> u32 {
    env::var(variable).map_or(short, |length| {
        length
            .parse()
            .unwrap_or_else(|_| panic!("{variable} is a number"))
    })
}

/// A runner of proptest with the seed of the environment or a new one, which is printed under this
/// name.
pub fn runner(name: &str, cases: u32) -> TestRunner {
    let seed = seed();
    println!("{name}: PEERAGE_TEST_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}
