//! What is a range, what is none and why, and how ranges lie to one another.

use super::*;
use proptest::prelude::*;

fn error(text: &str) -> RangeError {
    text.parse::<Range>().expect_err("a wrong range")
}

fn range(text: &str) -> Range {
    text.parse().expect("a range")
}

#[test]
fn canonical_ranges_from_a_block_of_8_to_one_host_are_ranges() {
    for text in [
        "10.0.0.0/8",
        "10.20.0.0/16",
        "172.31.255.128/25",
        "192.168.7.9/32",
        "10.30.5.32/27",
        "100.64.0.0/10",
        "198.18.0.0/15",
        "11.0.0.0/8",
        "fd00::/16",
        "fd00:20::/56",
        "2600:1f14:12ab:3400::/56",
        "2600:1f14:12ab:3400::7/128",
    ] {
        assert_eq!(
            text.parse::<Range>().map(|range| range.to_string()),
            Ok(text.to_owned())
        );
    }
}

#[test]
fn a_private_network_has_private_addresses_in_a_block_of_8_to_25() {
    let error = |text: &str| text.parse::<NetworkRange>().expect_err("a wrong range");
    for text in [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "172.31.255.128/25",
    ] {
        assert_eq!(
            text.parse::<NetworkRange>().map(|range| range.to_string()),
            Ok(text.to_owned())
        );
    }
    for text in [
        "8.8.8.0/24",
        "172.32.0.0/16",
        "172.0.0.0/8",
        "192.0.0.0/8",
        "100.64.0.0/10",
        "11.0.0.0/8",
    ] {
        let given = text.to_owned();
        assert_eq!(error(text), RangeError::NotPrivate { given });
    }
    assert_eq!(
        error("10.0.0.0/26").to_string(),
        "`10.0.0.0/26` has prefix /26; use /8 to /25"
    );
}

#[test]
fn each_wrong_range_is_refused_with_what_is_wrong() {
    let given = |text: &str| text.to_owned();
    for text in [
        "",
        "ten",
        "10.0.0.0",
        "10.0.0.0/33",
        "10.0.0/8",
        "10.0.0.0/8 ",
    ] {
        assert_eq!(error(text), RangeError::NotARange { given: given(text) });
    }
    assert_eq!(
        error("10.77.3.4/16"),
        RangeError::NotCanonical {
            given: given("10.77.3.4/16"),
            canonical: given("10.77.0.0/16")
        }
    );
    for (text, prefix) in [("8.0.0.0/7", 7), ("0.0.0.0/0", 0)] {
        assert_eq!(
            error(text),
            RangeError::PrefixOutOfBounds {
                given: given(text),
                prefix,
                allowed: 8..=32,
            }
        );
    }
    for text in [
        "fd00::",
        "fd00::/129",
        "fd00:::/56",
        "fd00::g/56",
        "fd00::%eth0/64",
    ] {
        assert_eq!(error(text), RangeError::NotARange { given: given(text) });
    }
    assert_eq!(
        error("FD00:0020::1/56"),
        RangeError::NotCanonical {
            given: given("FD00:0020::1/56"),
            canonical: given("fd00:20::/56")
        }
    );
    for (text, prefix) in [("2000::/15", 15), ("::/0", 0)] {
        assert_eq!(
            error(text),
            RangeError::PrefixOutOfBounds {
                given: given(text),
                prefix,
                allowed: 16..=128,
            }
        );
    }
}

#[test]
fn public_space_is_what_is_neither_private_nor_shared_nor_of_no_network() {
    for text in [
        "8.8.8.0/24",
        "172.0.0.0/8",
        "100.0.0.0/8",
        "198.20.0.0/16",
        "2600:1f14::/32",
        "3fff::/16",
    ] {
        assert!(range(text).is_public(), "{text}");
    }
    for text in [
        "10.9.0.0/16",
        "192.168.1.1/32",
        "100.64.3.0/24",
        "198.19.0.0/16",
        "fd00:20::/56",
        "fc00::/16",
        "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
    ] {
        assert!(
            !range(text).is_public() && !range(text).is_of_no_network(),
            "{text}"
        );
    }
    for text in [
        "127.0.0.0/8",
        "169.254.1.0/24",
        "169.0.0.0/8",
        "239.0.0.0/8",
        "255.255.255.255/32",
        "::/128",
        "::1/128",
        "::ffff:0:0/96",
        "::ffff:10.20.0.0/112",
        "64:ff9b::/96",
        "100::/64",
        "1fff::/16",
        "4000::/16",
        "fbff::/16",
        "fe00::/16",
        "fe80::/64",
        "fec0::/16",
        "ff02::1/128",
    ] {
        assert!(
            range(text).is_of_no_network() && !range(text).is_public(),
            "{text}"
        );
    }
}

#[test]
fn an_oversize_text_does_not_come_back_whole() {
    let RangeError::NotARange { given } = error(&"9".repeat(100_000)) else {
        panic!("another error")
    };
    assert!(given.chars().count() < 70);
}

#[test]
fn overlap_is_symmetric_and_containment_is_not() {
    let [wide, narrow, other] = ["10.0.0.0/8", "10.1.0.0/16", "10.2.0.0/16"]
        .map(|text| text.parse::<Range>().expect("a range"));
    assert!(wide.overlaps(&narrow) && narrow.overlaps(&wide) && wide.overlaps(&wide));
    assert!(!narrow.overlaps(&other));
    assert!(wide.contains(&narrow) && !narrow.contains(&wide) && narrow.contains(&narrow));
}

#[test]
fn every_spelling_of_an_ipv6_range_is_one_range() {
    for text in [
        "fd00:20::/56",
        "FD00:20::/56",
        "fd00:0020:0:0::/56",
        "fd00:20:0:0:0:0:0:0/56",
        "fd00:0020:0000:0000:0000:0000:0.0.0.0/56",
    ] {
        assert_eq!(range(text), range("fd00:20::/56"), "{text}");
        assert_eq!(range(text).to_string(), "fd00:20::/56");
        let stored = serde_json::to_string(&range(text)).unwrap();
        assert_eq!(stored, "\"fd00:20::/56\"");
    }
}

#[test]
fn a_private_network_is_known_by_a_range_of_ipv4_and_has_unicast_ones_of_ipv6_beside_it() {
    let own = |text: &str| text.parse::<NetworkRange>().map(|it| it.to_string());
    let beside = |text: &str| text.parse::<Ipv6Range>().map(|it| it.to_string());
    let other_family = |text: &str, wanted| {
        Err(RangeError::OtherFamily {
            given: text.to_owned(),
            wanted,
        })
    };
    let no_unicast = |text: &str| {
        Err(RangeError::NotUnicast {
            given: text.to_owned(),
        })
    };
    assert_eq!(
        own("fd00:20::/56"),
        other_family("fd00:20::/56", Family::Ipv4)
    );
    assert_eq!(
        beside("10.20.0.0/16"),
        other_family("10.20.0.0/16", Family::Ipv6)
    );
    for text in ["fd00:20::/56", "2600:1f14:12ab:3400::/56"] {
        assert_eq!(beside(text), Ok(text.to_owned()));
    }
    for text in ["::/64", "::ffff:10.20.0.0/112", "fe80::/64", "ff00::/16"] {
        assert_eq!(beside(text), no_unicast(text));
    }
    assert_eq!(
        beside("fe80::/64").unwrap_err().to_string(),
        "`fe80::/64` is no network's; use a part of 2000::/3 or fc00::/7"
    );
    assert_eq!(
        own("fd00:20::/56").unwrap_err().to_string(),
        "`fd00:20::/56` is no IPv4 range"
    );
}

#[test]
fn what_is_stored_of_ipv4_is_what_it_was() {
    let stored = serde_json::to_string(&range("10.20.0.0/16")).unwrap();
    assert_eq!(stored, "\"10.20.0.0/16\"");
    let mut sorted = ["fd00::/16", "10.2.0.0/16", "10.2.0.0/24", "9.0.0.0/8"].map(range);
    sorted.sort_unstable();
    assert_eq!(
        sorted.map(|it| it.to_string()),
        ["9.0.0.0/8", "10.2.0.0/16", "10.2.0.0/24", "fd00::/16"]
    );
}

/// A range as its family and the bits of its prefix, one after the other.
fn bits(range: &Range) -> (Family, Vec<bool>) {
    let prefix = range.net().prefix_len();
    let (address, width) = match range.net() {
        IpNet::V4(net) => (u128::from(net.addr().to_bits()), 32),
        IpNet::V6(net) => (net.addr().to_bits(), 128),
    };
    let bit = |index| address >> (width - 1 - u32::from(index)) & 1 == 1;
    (range.family(), (0..prefix).map(bit).collect())
}

fn some_range() -> impl Strategy<Value = Range> {
    let v4 = (any::<u32>(), PREFIX).prop_map(|(bits, prefix)| {
        let net = Ipv4Net::new(Ipv4Addr::from_bits(bits & 0xe000_0007), prefix).unwrap();
        IpNet::V4(net.trunc())
    });
    let v6 = (any::<u128>(), IPV6_PREFIX).prop_map(|(bits, prefix)| {
        let few = bits & (0xe << 124 | 1 << 111 | 1 << 72 | 7);
        IpNet::V6(
            Ipv6Net::new(Ipv6Addr::from_bits(few), prefix)
                .unwrap()
                .trunc(),
        )
    });
    prop_oneof![v4, v6].prop_map(|net| net.to_string().parse().expect("a canonical range"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_096, ..ProptestConfig::default() })]

    /// The naive judge compares prefixes bit by bit.
    #[test]
    fn one_range_contains_another_of_its_family_if_its_prefix_begins_the_others(one in some_range(), other in some_range()) {
        let ((family, prefix), (other_family, other_prefix)) = (bits(&one), bits(&other));
        let contains = family == other_family && other_prefix.starts_with(&prefix);
        let within = family == other_family && prefix.starts_with(&other_prefix);
        prop_assert_eq!(one.contains(&other), contains);
        prop_assert_eq!(one.overlaps(&other), contains || within);
        prop_assert_eq!(other.overlaps(&one), one.overlaps(&other));
    }

    #[test]
    fn a_range_is_read_from_what_is_written_of_it(one in some_range()) {
        prop_assert_eq!(one.to_string().parse(), Ok(one));
        let stored = serde_json::to_string(&one).unwrap();
        prop_assert_eq!(serde_json::from_str::<Range>(&stored).unwrap(), one);
    }
}
