//! Chance for tests: bytes that nobody wrote, for what reads bytes. The seed is printed, so that a
//! failure can be repeated.

use std::env;

use proptest::{
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::source::random_ids;

const CASES: &str = "PEERAGE_TEST_CASES";
const SEED: &str = "PEERAGE_TEST_SEED";

/// Runs a test on so many values, or on as many as the environment says, from its seed or a new
/// one.
///
/// Panics with the seed and the simplest value found on which the test panics.
pub(crate) fn for_any<S: Strategy>(name: &str, cases: u32, values: &S, test: impl Fn(S::Value)) {
    let cases = said(CASES).map_or(cases, |cases| u32::try_from(cases).unwrap_or(u32::MAX));
    let seed = said(SEED).unwrap_or_else(|| random_ids()().as_u64_pair().0);
    println!("{name}: {SEED}={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let tried = runner.run(values, |value| {
        test(value);
        Ok(())
    });
    if let Err(failure) = tried {
        panic!("{name}, with {SEED}={seed}: {failure}");
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "how long a test takes is for whoever runs it to say"
)]
fn said(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}")),
    )
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn a_failure_names_the_seed_and_the_simplest_value() {
        let failing = || {
            for_any("numbers", 1_000, &(0_u32..1_000_000), |number| {
                assert!(number < 300)
            })
        };
        let panicked = catch_unwind(failing).unwrap_err();
        let text = panicked.downcast_ref::<String>().unwrap();
        assert!(
            text.contains("PEERAGE_TEST_SEED=") && text.contains("minimal failing input: 300"),
            "{text}"
        );
    }
}
