//! What is refused, what allows it, and what the refusal prints.

use super::*;

fn allow(entries: &[&str]) -> Allow {
    Allow::parse(entries.iter().copied()).unwrap()
}

fn asked(host: &str, addresses: &[&str], entries: &[&str]) -> Result<(), String> {
    let addresses: Vec<IpAddr> = addresses.iter().map(|it| it.parse().unwrap()).collect();
    vet(host, &addresses, &allow(entries)).map_err(|refused| refused.to_string())
}

#[test]
fn a_public_address_needs_no_entry() {
    let addresses = ["203.0.114.7", "2606:4700::1111"];
    assert_eq!(asked("hooks.example.com", &addresses, &[]), Ok(()));
}

#[test]
fn one_address_of_two_that_may_not_be_reached_refuses_the_name() {
    let refused = asked("hooks.example.com", &["1.1.1.1", "10.1.2.3"], &[]).unwrap_err();
    assert_eq!(
        refused,
        "hooks.example.com is 10.1.2.3: an address of a private network; to deliver there, add to the connector's allow list: 10.1.2.3/32"
    );
}

#[test]
fn a_private_address_is_allowed_by_a_range_that_holds_it_or_by_its_host() {
    let host = "hooks.internal";
    for entry in [
        "10.0.0.0/8",
        "10.1.2.3/32",
        "hooks.internal",
        "HOOKS.internal.",
    ] {
        assert_eq!(asked(host, &["10.1.2.3"], &[entry]), Ok(()), "{entry}");
        let mapped = ["::ffff:10.1.2.3"];
        assert_eq!(asked(host, &mapped, &[entry]), Ok(()), "{entry}");
    }
    for entry in ["10.2.0.0/16", "10.1.2.3", "internal", "x.hooks.internal"] {
        assert!(asked(host, &["10.1.2.3"], &[entry]).is_err(), "{entry}");
    }
    assert_eq!(asked("fd00::5", &["fd00::5"], &["fd00::/64"]), Ok(()));
    assert_eq!(asked("10.1.2.3", &["10.1.2.3"], &["10.1.2.3"]), Ok(()));
}

#[test]
fn this_machine_its_link_and_metadata_are_allowed_by_their_exact_host_alone() {
    for (host, address) in [
        ("localhost", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("fe80::1", "fe80::1"),
        ("metadata", "169.254.169.254"),
        ("metadata", "fd00:ec2::254"),
        ("metadata", "100.100.100.200"),
        ("wire", "168.63.129.16"),
    ] {
        let ranges = ["10.0.0.0/8", "fc00::/7", "100.64.0.0/10"];
        let refused = asked(host, &[address], &ranges).unwrap_err();
        assert!(refused.ends_with(&format!(" {host}")), "{refused}");
        assert!(asked(host, &[address], &["other"]).is_err());
        assert_eq!(asked(host, &[address], &[host]), Ok(()), "{host}");
    }
    let by_address = asked("name", &["127.0.0.1"], &["127.0.0.1"]);
    assert!(
        by_address.is_err(),
        "a name is not the address it has today"
    );
}

#[test]
fn what_no_receiver_can_have_is_never_allowed() {
    for address in [
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "255.255.255.255",
        "ff02::1",
        "192.0.2.1",
        "2002:7f00:1::",
        "::7f00:1",
        "64:ff9b:1::7f00:1",
        "2001:0:1::1",
    ] {
        let refused = asked(address, &[address], &[address, "64:ff9b::/96"]);
        assert!(refused.unwrap_err().ends_with("nothing allows it"));
    }
}

/// The ranges that a webhook must never reach unasked, each with its first and its last address.
#[rustfmt::skip]
const NEVER_UNASKED: [(&str, &str, &str); 36] = [
    ("0/8", "0.0.0.0", "0.255.255.255"), ("10/8", "10.0.0.0", "10.255.255.255"), ("100.64/10", "100.64.0.0", "100.127.255.255"),
    ("127/8", "127.0.0.0", "127.255.255.255"), ("169.254/16", "169.254.0.0", "169.254.255.255"),
    ("172.16/12", "172.16.0.0", "172.31.255.255"), ("192.0.0/24", "192.0.0.0", "192.0.0.255"), ("192.0.2/24", "192.0.2.0", "192.0.2.255"),
    ("192.88.99/24", "192.88.99.0", "192.88.99.255"), ("192.168/16", "192.168.0.0", "192.168.255.255"),
    ("198.18/15", "198.18.0.0", "198.19.255.255"), ("198.51.100/24", "198.51.100.0", "198.51.100.255"),
    ("203.0.113/24", "203.0.113.0", "203.0.113.255"), ("224/4", "224.0.0.0", "239.255.255.255"),
    ("240/4", "240.0.0.0", "255.255.255.255"), ("Azure's wire server", "168.63.129.16", "168.63.129.16"),
    ("::", "::", "::"), ("::1", "::1", "::1"), ("::/96", "::2", "::ffff:ffff"),
    ("::ffff:0:0/96 as its IPv4: 10/8", "::ffff:10.0.0.0", "::ffff:10.255.255.255"),
    ("::ffff:0:0/96 as its IPv4: 127/8", "::ffff:127.0.0.1", "::ffff:7fff:ffff"),
    ("::ffff:0:0/96 as its IPv4: metadata", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe"),
    ("fc00::/7", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), ("fe80::/10", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fec0::/10", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), ("ff00::/8", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001::/32", "2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"), ("2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("3fff::/20", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"), ("2002::/16", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("64:ff9b::/96", "64:ff9b::", "64:ff9b::ffff:ffff"), ("64:ff9b:1::/48", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
    ("100::/64", "100::", "100::ffff:ffff:ffff:ffff"), ("5f00::/16", "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("metadata over IPv4", "169.254.169.254", "169.254.170.2"), ("metadata over IPv6", "fd00:ec2::254", "fd20:ce::254"),
];

#[test]
fn no_line_of_the_list_of_special_addresses_is_reached_unasked_by_a_literal_or_by_a_name() {
    for (line, first, last) in NEVER_UNASKED {
        for address in [first, last] {
            for host in [address, "hooks.example.com"] {
                assert!(
                    asked(host, &[address], &[]).is_err(),
                    "{line}: {host} is {address}"
                );
                let beside_a_public_one = asked(host, &["1.1.1.1", address], &[]);
                assert!(
                    beside_a_public_one.is_err(),
                    "{line}: {address} beside another"
                );
            }
        }
    }
}

#[test]
fn a_translator_is_allowed_by_its_range_and_only_for_what_may_be_reached_behind_it() {
    let host = "hooks.example.com";
    assert!(asked(host, &["64:ff9b::101:101"], &[]).is_err());
    let translator = ["64:ff9b::/96"];
    assert_eq!(asked(host, &["64:ff9b::101:101"], &translator), Ok(()));
    for behind in ["64:ff9b::7f00:1", "64:ff9b::a01:203", "64:ff9b::a9fe:a9fe"] {
        assert!(asked(host, &[behind], &translator).is_err(), "{behind}");
    }
    let both = ["64:ff9b::/96", "10.0.0.0/8"];
    assert_eq!(asked(host, &["64:ff9b::a01:203"], &both), Ok(()));
}

#[test]
fn an_entry_is_a_part_of_a_private_range_or_a_host() {
    let wide = [
        "0.0.0.0/0",
        "::/0",
        "127.0.0.0/8",
        "8.8.8.0/24",
        "169.254.0.0/16",
        "10.0.0.0/7",
    ];
    for entry in wide {
        let wrong = Allow::parse([entry]).unwrap_err();
        assert!(matches!(wrong[..], [AllowError::TooWide(_)]), "{entry}");
    }
    for entry in ["", "*.internal", "a b", "http://x", "10.0.0.0/33", "."] {
        let wrong = Allow::parse([entry]).unwrap_err();
        assert!(matches!(wrong[..], [AllowError::Malformed(_)]), "{entry}");
    }
    assert_eq!(Allow::parse(["/", "0.0.0.0/0", "ok"]).unwrap_err().len(), 2);
    let many = vec!["x"; MOST_AND_ONE];
    assert_eq!(
        Allow::parse(many),
        Err(vec![AllowError::TooMany(MOST_AND_ONE)])
    );
}

const MOST_AND_ONE: usize = 101;
