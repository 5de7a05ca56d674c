//! What a path between two places typically takes and costs: data with a date, for estimates and
//! nothing else.
//!
//! Whoever has better figures changes this table and its date; no rule anywhere depends on them.

use crate::place::Provider;
use std::fmt;

/// When these figures were last looked at.
pub const AS_OF: &str = "November 2026";

/// What to call them wherever one is shown.
pub fn source() -> String {
    format!("estimate from list prices and published measurements, {AS_OF}")
}

/// What a path typically takes and costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// How long a packet takes there and back.
    pub round_trip: Milliseconds,
    /// What traffic costs.
    pub price: Price,
}

/// From the least to the most that is typical; the same twice where one figure is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Milliseconds(pub u16, pub u16);

/// Thousandths of a US dollar per GB that is sent, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price(pub u16, pub u16);

/// Between two zones of a region (AWS: 0.01 USD per GB charged to each side; within one zone free
/// since May 2021).
pub const BETWEEN_ZONES: Path = Path {
    round_trip: Milliseconds(1, 2),
    price: Price(20, 20),
};

/// Between regions of which nothing more is known (AWS: typically 0.02 USD per GB, up to about 0.14
/// from some regions).
const BETWEEN_AWS_REGIONS: Path = Path {
    round_trip: Milliseconds(10, 300),
    price: Price(20, 140),
};

/// The usual price between AWS regions in North America and Europe.
const USUAL: Price = Price(20, 20);

/// The pairs of which more is known, each way the same. The round trip from us-east-1 to us-west-2
/// was measured over a peering; the others are what is commonly reported.
#[rustfmt::skip]
const PAIRS: &[(&str, &str, Path)] = &[
    ("us-east-1", "us-east-2",      Path { round_trip: Milliseconds(10, 15),   price: Price(10, 10) }),
    ("us-east-1", "us-west-2",      Path { round_trip: Milliseconds(55, 55),   price: USUAL }),
    ("us-east-1", "eu-west-1",      Path { round_trip: Milliseconds(70, 70),   price: USUAL }),
    ("us-east-1", "ap-southeast-1", Path { round_trip: Milliseconds(200, 250), price: Price(20, 90) }),
    ("us-east-1", "ap-southeast-2", Path { round_trip: Milliseconds(200, 250), price: Price(20, 140) }),
];

/// What is known of the path between two different regions. `None`: it is one region. `Some(None)`:
/// the provider is one of which there are no figures here.
pub fn between_regions(one: &str, other: &str) -> Option<Option<Path>> {
    if one == other {
        return None;
    }
    let joins = |pair: &&(&str, &str, Path)| {
        (pair.0, pair.1) == (one, other) || (pair.1, pair.0) == (one, other)
    };
    let known = PAIRS.iter().find(joins).map(|(_, _, path)| *path);
    let is_aws = [one, other]
        .iter()
        .all(|region| Provider::Aws.regions().contains(region));
    Some(known.or(is_aws.then_some(BETWEEN_AWS_REGIONS)))
}

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(least, most) = self;
        if least == most {
            write!(f, "about {least} ms")
        } else {
            write!(f, "about {least} to {most} ms")
        }
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usd =
            |thousandths: u16| format!("{}.{:02}", thousandths / 1000, thousandths % 1000 / 10);
        let Self(least, most) = *self;
        if least == most {
            write!(f, "about {} USD per GB", usd(least))
        } else {
            write!(f, "about {} to {} USD per GB", usd(least), usd(most))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_same_both_ways_and_a_region_has_none_to_itself() {
        assert_eq!(
            between_regions("us-east-1", "eu-west-1"),
            between_regions("eu-west-1", "us-east-1")
        );
        assert_eq!(between_regions("us-east-1", "us-east-1"), None);
        assert_eq!(
            between_regions("eu-north-1", "sa-east-1"),
            Some(Some(BETWEEN_AWS_REGIONS))
        );
        assert_eq!(between_regions("europe-west1", "us-central1"), Some(None));
    }

    #[test]
    fn the_pairs_are_regions_that_exist_each_once_with_figures_in_order() {
        for (index, (one, other, path)) in PAIRS.iter().enumerate() {
            assert!(
                one != other
                    && [one, other]
                        .iter()
                        .all(|it| Provider::Aws.regions().contains(it)),
                "{one}, {other}"
            );
            assert!(
                path.round_trip.0 <= path.round_trip.1 && path.price.0 <= path.price.1,
                "{one}, {other}"
            );
            let again = PAIRS[index + 1..]
                .iter()
                .any(|(a, b, _)| [(a, b), (b, a)].contains(&(one, other)));
            assert!(!again, "{one}, {other} twice");
        }
    }

    #[test]
    fn figures_are_written_as_people_write_them() {
        assert_eq!(Price(10, 10).to_string(), "about 0.01 USD per GB");
        assert_eq!(Price(20, 140).to_string(), "about 0.02 to 0.14 USD per GB");
        assert_eq!(Milliseconds(70, 70).to_string(), "about 70 ms");
        assert_eq!(Milliseconds(1, 2).to_string(), "about 1 to 2 ms");
    }
}
