//! Which addresses a webhook may be sent to: public ones, and beyond them what a connector's own
//! list allows.
//!
//! A webhook's URL is somebody's wish that this engine calls an address, from inside its network.
//! So every address is held against the special ranges after it was resolved and before anything
//! is dialled, whether it came from a name or stood in the URL in whatever notation. One address
//! of several that may not be reached refuses the name as a whole.
//!
//! - Private, shared and unique local addresses, and IPv4 behind NAT64: by a range that holds them,
//!   or by the host.
//! - Loopback, link-local and metadata addresses: by the exact host alone.
//! - Unspecified, multicast, documentation and tunnel addresses: never.

mod allow;
mod ranges;

pub use allow::{Allow, AllowError};
pub use ranges::{Class, class_of};

use ranges::{Needs, behind_translator, canonical};
use std::{fmt, net::IpAddr};

/// Why an address is not dialled, with what would allow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The host as the URL has it.
    pub host: String,
    /// The address that it is, or that it was resolved to.
    pub address: IpAddr,
    /// What kind of address that is.
    pub class: Class,
    /// The entry to add to the connector's list, where one would allow it.
    pub entry: Option<String>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host,
            address,
            class,
            entry,
        } = self;
        if *host == address.to_string() {
            write!(f, "{address} is {}", class.words())?;
        } else {
            write!(f, "{host} is {address}: {}", class.words())?;
        }
        match entry {
            Some(entry) => write!(
                f,
                "; to deliver there, add to the connector's allow list: {entry}"
            ),
            None => f.write_str(", and nothing allows it"),
        }
    }
}

impl std::error::Error for Refused {}

/// Holds every address of a host against the ranges and the list.
///
/// # Errors
/// When one of them may not be reached.
pub fn vet(host: &str, addresses: &[IpAddr], allow: &Allow) -> Result<(), Refused> {
    let refused = addresses
        .iter()
        .find_map(|address| refused(host, *address, allow));
    refused.map_or(Ok(()), Err)
}

fn refused(host: &str, address: IpAddr, allow: &Allow) -> Option<Refused> {
    let address = canonical(address);
    let class = class_of(address);
    let (is_allowed, entry) = match class.needs() {
        Needs::Nothing => (true, None),
        Needs::RangeOrHost => (
            allow.has_host(host) || allow.has_address(address),
            Some(single(address)),
        ),
        Needs::Host => (allow.has_host(host), Some(host.to_owned())),
        Needs::Never => (false, None),
    };
    if !is_allowed {
        let host = host.to_owned();
        return Some(Refused {
            host,
            address,
            class,
            entry,
        });
    }
    match (class, address) {
        // Allowing a translator allows what is public behind it, and no more.
        (Class::Translated, IpAddr::V6(address)) => {
            refused(host, behind_translator(address), allow)
        }
        _ => None,
    }
}

/// A range of this one address.
fn single(address: IpAddr) -> String {
    ipnet::IpNet::from(address).to_string()
}

#[cfg(test)]
mod tests;
