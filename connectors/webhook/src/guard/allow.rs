//! What a connector may reach beyond public addresses: ranges of private networks, and hosts.

use super::ranges::{allowable, canonical};
use ipnet::IpNet;
use std::{collections::BTreeSet, net::IpAddr};
use thiserror::Error;
use url::Host;

/// The most entries of one list.
const MOST: usize = 100;

/// Ranges and hosts that may be reached beyond public addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    ranges: Vec<IpNet>,
    hosts: BTreeSet<String>,
}

/// Why an entry of the list is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AllowError {
    /// Neither a range nor a host.
    #[error("{0:?} is neither a range such as 10.20.0.0/16 nor a host such as hooks.internal")]
    Malformed(String),
    /// A range that reaches beyond what ranges can allow.
    #[error(
        "{0} is not inside one private range (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, fc00::/7, fec0::/10, 64:ff9b::/96): \
         public addresses need no entry, loopback, link-local and metadata addresses are allowed by their exact host"
    )]
    TooWide(IpNet),
    /// More entries than a list holds.
    #[error("there are {0} entries, the most is {MOST}")]
    TooMany(usize),
}

impl Allow {
    /// A list from its entries: `10.20.0.0/16`, `10.20.0.5`, `hooks.internal`, `localhost`, `::1`.
    ///
    /// # Errors
    /// Every entry that is wrong.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, Vec<AllowError>> {
        let (mut allow, mut wrong, mut count) = (Self::default(), Vec::new(), 0);
        for entry in entries {
            count += 1;
            if let Err(error) = allow.add(entry.trim()) {
                wrong.push(error);
            }
        }
        if count > MOST {
            wrong.push(AllowError::TooMany(count));
        }
        if wrong.is_empty() {
            Ok(allow)
        } else {
            Err(wrong)
        }
    }

    fn add(&mut self, entry: &str) -> Result<(), AllowError> {
        if let Ok(range) = entry.parse::<IpNet>() {
            return self.add_range(range.trunc());
        }
        let malformed = || AllowError::Malformed(entry.to_owned());
        // An address in brackets or not; whatever else is a name, as a URL would have it.
        let bare = entry.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let host = match bare.unwrap_or(entry).parse::<IpAddr>() {
            Ok(address) => address.to_string(),
            Err(_) => match Host::parse(entry).map_err(|_| malformed())? {
                Host::Domain(name) if name.contains('*') => return Err(malformed()),
                Host::Domain(name) => plain_name(&name).ok_or_else(malformed)?,
                Host::Ipv4(address) => address.to_string(),
                Host::Ipv6(address) => address.to_string(),
            },
        };
        self.hosts.insert(host);
        Ok(())
    }

    fn add_range(&mut self, range: IpNet) -> Result<(), AllowError> {
        if !allowable().any(|wide| wide.contains(&range)) {
            return Err(AllowError::TooWide(range));
        }
        self.ranges.push(range);
        Ok(())
    }

    /// Whether this host is allowed by name, exactly.
    pub(super) fn has_host(&self, host: &str) -> bool {
        plain_name(host).is_some_and(|name| self.hosts.contains(&name))
    }

    /// Whether a range holds this address.
    pub(super) fn has_address(&self, address: IpAddr) -> bool {
        let address = canonical(address);
        self.ranges.iter().any(|range| range.contains(&address))
    }
}

/// A host's name without what does not tell it from itself: case, and the dot at its end.
fn plain_name(host: &str) -> Option<String> {
    let name = host.strip_suffix('.').unwrap_or(host);
    (!name.is_empty()).then(|| name.to_ascii_lowercase())
}
