//! Which address ranges an event names, whatever its type: in fields of their own, and in the texts
//! in which a cloud says what a rule admits. So an event that is new is found by its ranges too.

use domain::Range;
use ipnet::IpNet;
use rusqlite::{
    ToSql,
    types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef},
};
use serde_json::Value;
use std::{collections::BTreeSet, net::IpAddr};

/// The most ranges of one event that it can be found by.
const MOST: usize = 1_024;

/// An address as it is stored: one byte for its family, and its own in their order. So those of a
/// family are in the order of addresses, and none of the other lies between them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    /// Before every address.
    pub(crate) fn least() -> Self {
        Self(Vec::new())
    }

    /// Behind every address.
    pub(crate) fn greatest() -> Self {
        Self(vec![u8::MAX])
    }
}

impl From<IpAddr> for Key {
    fn from(address: IpAddr) -> Self {
        let (family, bytes) = match address {
            IpAddr::V4(it) => (4, it.octets().to_vec()),
            IpAddr::V6(it) => (6, it.octets().to_vec()),
        };
        Self([vec![family], bytes].concat())
    }
}

impl ToSql for Key {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(&self.0)))
    }
}

impl FromSql for Key {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(value.as_blob()?.to_vec()))
    }
}

/// The ranges that are named in this JSON, each by its first and its last address.
pub(crate) fn named(data: &[u8]) -> BTreeSet<(Key, Key)> {
    let mut found = BTreeSet::new();
    if !data.contains(&b'/') {
        return found;
    }
    // Where nothing is escaped, texts stand as they are, and a quote ends a word.
    match std::str::from_utf8(data) {
        Ok(text) if !data.contains(&b'\\') => find(text, &mut found),
        Ok(_) | Err(_) => {
            if let Ok(value) = serde_json::from_slice::<Value>(data) {
                collect(&value, &mut found);
            }
        }
    }
    found
}

/// The first and the last address of a range.
pub(crate) fn bounds(net: IpNet) -> (Key, Key) {
    (net.network().into(), net.broadcast().into())
}

/// Every range that this one is a part of, itself included.
pub(crate) fn around(range: Range) -> impl Iterator<Item = (Key, Key)> {
    let net = range.net();
    (0..=net.prefix_len())
        .filter_map(move |prefix| IpNet::new(net.network(), prefix).ok())
        .map(|net| bounds(net.trunc()))
}

fn collect(value: &Value, found: &mut BTreeSet<(Key, Key)>) {
    match value {
        Value::String(text) => find(text, found),
        Value::Array(items) => items.iter().for_each(|it| collect(it, found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                find(name, found);
                collect(value, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Adds the ranges in a text: what stands around a slash and is one.
fn find(text: &str, found: &mut BTreeSet<(Key, Key)>) {
    let of_ipv4 = |it: u8| it.is_ascii_digit() || matches!(it, b'.' | b'/');
    // The digits of IPv6 are letters too: a range is a whole word, or all of it but its last colon.
    let of_ipv6 = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'.' | b':' | b'/');
    let mut from = 0;
    while let Some(slash) = text[from..].find('/').map(|it| from + it) {
        let ipv4 = word(text, slash, of_ipv4);
        from = slash + 1;
        let ipv4 = ipv4.trim_matches('.').parse().map(IpNet::V4);
        let ipv6 = || {
            let word = word(text, slash, of_ipv6).trim_end_matches(['.', ':']);
            word.parse().map(IpNet::V6)
        };
        if found.len() < MOST
            && let Ok(net) = ipv4.or_else(|_| ipv6())
        {
            found.insert(bounds(net.trunc()));
        }
    }
}

/// The longest word around this place.
fn word(text: &str, at: usize, is_of_it: impl Fn(u8) -> bool) -> &str {
    let (before, behind) = text.as_bytes().split_at(at);
    let before = before.iter().rev().take_while(|it| is_of_it(**it)).count();
    let behind = behind.iter().take_while(|it| is_of_it(**it)).count();
    &text[at - before..at + behind]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(first: &Key, last: &Key) -> String {
        let address = |key: &Key| match key.0.as_slice() {
            [4, bytes @ ..] => IpAddr::from(<[u8; 4]>::try_from(bytes).unwrap()),
            [6, bytes @ ..] => IpAddr::from(<[u8; 16]>::try_from(bytes).unwrap()),
            other => panic!("{other:?}"),
        };
        let bits = first.0.iter().zip(&last.0).skip(1);
        let mut differ =
            bits.flat_map(|(one, other)| (0..8).map(move |it| (one ^ other) << it >> 7 & 1));
        let prefix = differ
            .position(|it| it == 1)
            .unwrap_or((first.0.len() - 1) * 8);
        format!("{}/{prefix}", address(first))
    }

    fn named_in(value: &Value) -> Vec<String> {
        let found = named(value.to_string().as_bytes()).into_iter();
        found.map(|(first, last)| told(&first, &last)).collect()
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
    fn what_is_escaped_is_read_and_hides_and_makes_no_range() {
        let event = json!({
            "10.3.0.0/16": "a name", "said": "\u{1}10.20.0.0/14 \"fd00:1::/56\"\n10.4.0.0/16",
        });
        let found = ["10.3.0.0/16", "10.4.0.0/16", "10.20.0.0/14", "fd00:1::/56"];
        assert_eq!(named_in(&event), found);
        let other: &[u8] = br#"{"said":"10.101.0.0\/16 and \u0031\u0030.3.0.0/16"}"#;
        assert_eq!(named(other).len(), 2);
        assert_eq!(named(b"{\"\xff\":\"10.101.0.0/16\"}").len(), 0);
    }

    #[test]
    fn ipv6_ranges_are_found_in_every_spelling_and_behind_those_of_ipv4() {
        let event = json!({
            "peer": { "ranges": ["10.101.0.0/16", "fd00:101::/56", "FD00:0101:0::/56"] },
            "exposure": { "admits": "tcp 443 from ::/0, or fd00:20:0:1::7/128: both." },
            "group": "sg-abc/12", "network": "/subscriptions/ab::/groups/fd", "at": "09:30:15/7",
        });
        assert_eq!(
            named_in(&event),
            [
                "10.101.0.0/16",
                "::/0",
                "fd00:20:0:1::7/128",
                "fd00:101::/56"
            ]
        );
    }

    #[test]
    fn no_range_of_one_family_is_around_one_of_the_other() {
        let around: Vec<_> = around("fd00:20::/56".parse().unwrap()).collect();
        assert_eq!(around.len(), 57);
        assert_eq!(told(&around[0].0, &around[0].1), "::/0");
        assert_eq!(told(&around[56].0, &around[56].1), "fd00:20::/56");
        let (first, last) = bounds("255.255.255.255/32".parse().unwrap());
        let (least, greatest) = (&around[0].0, &around[0].1);
        assert!(Key::least() < first && first <= last && last < *least);
        assert!(*greatest < Key::greatest());
    }

    #[test]
    fn what_is_around_a_range_begins_with_everything_and_ends_with_itself() {
        let around: Vec<_> = around("10.20.0.0/16".parse().unwrap()).collect();
        assert_eq!(around.len(), 17);
        assert_eq!(told(&around[0].0, &around[0].1), "0.0.0.0/0");
        assert_eq!(told(&around[16].0, &around[16].1), "10.20.0.0/16");
    }
}
