//! Which address ranges an event names, whatever its type: in fields of their own, and in the texts
//! in which a cloud says what a rule admits. So an event that is new is found by its ranges too.

use domain::Range;
use ipnet::Ipv4Net;
use serde_json::Value;
use std::collections::BTreeSet;

/// The most ranges of one event that it can be found by.
const MOST: usize = 1_024;

/// The ranges that are named in this JSON, each by its first and its last address.
pub(crate) fn named(data: &[u8]) -> BTreeSet<(u32, u32)> {
    let mut found = BTreeSet::new();
    if data.contains(&b'/')
        && let Ok(value) = serde_json::from_slice::<Value>(data)
    {
        collect(&value, &mut found);
    }
    found
}

/// The first and the last address of a range.
pub(crate) fn bounds(net: Ipv4Net) -> (u32, u32) {
    (net.network().to_bits(), net.broadcast().to_bits())
}

/// Every range that this one is a part of, itself included.
pub(crate) fn around(range: Range) -> impl Iterator<Item = (u32, u32)> {
    let net = range.net();
    (0..=net.prefix_len())
        .filter_map(move |prefix| Ipv4Net::new(net.network(), prefix).ok())
        .map(|net| bounds(net.trunc()))
}

fn collect(value: &Value, found: &mut BTreeSet<(u32, u32)>) {
    match value {
        Value::String(text) => {
            let is_of_ranges = |it: char| it.is_ascii_digit() || matches!(it, '.' | '/');
            let words = text.split(|it| !is_of_ranges(it));
            let nets = words.filter_map(|word| word.trim_matches('.').parse::<Ipv4Net>().ok());
            found.extend(
                nets.map(|net| bounds(net.trunc()))
                    .take(MOST.saturating_sub(found.len())),
            );
        }
        Value::Array(items) => items.iter().for_each(|it| collect(it, found)),
        Value::Object(fields) => fields.values().for_each(|it| collect(it, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn named_in(value: &Value) -> Vec<String> {
        let found = named(value.to_string().as_bytes()).into_iter();
        found
            .map(|(first, last)| {
                let prefix = (first ^ last).leading_zeros();
                format!("{}/{prefix}", std::net::Ipv4Addr::from_bits(first))
            })
            .collect()
    }

    #[test]
    fn ranges_are_found_in_fields_of_any_depth_and_in_texts() {
        let event = json!({
            "peer": { "ranges": ["10.101.0.0/16", "10.101.0.0/16"], "subnets": ["subnet-1/2"] },
            "exposure": { "admits": "tcp 443 from 10.20.0.0/14, and 0.0.0.0/0." },
            "at": "2026-03-01T09:30:15Z", "host": "10.9.9.9/40", "n": 7,
        });
        assert_eq!(
            named_in(&event),
            ["0.0.0.0/0", "10.20.0.0/14", "10.101.0.0/16"]
        );
        assert!(named(b"not json / at all").is_empty());
    }

    #[test]
    fn what_is_around_a_range_begins_with_everything_and_ends_with_itself() {
        let around: Vec<_> = around("10.20.0.0/16".parse().unwrap()).collect();
        assert_eq!(around.len(), 17);
        assert_eq!(around[0], (0, u32::MAX));
        assert_eq!(around[16], (0x0a14_0000, 0x0a14_ffff));
    }
}
