//! Where a node tells clients to find it: in its gossip, which discovery goes by.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A host, by address or by name, and perhaps a port: `db1.internal`, `10.0.0.7:2113`, `[fd00::7]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Advertise {
    host: String,
    port: Option<u16>,
}

/// A text that names no host which a client could connect to.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotAHost {
    /// It is no `HOST` or `HOST:PORT`.
    #[error("it is no HOST or HOST:PORT, like db1.internal or 10.0.0.7:2113")]
    Form,
    /// It is 0.0.0.0, or the like.
    #[error("nobody can connect to {0}: name an address or a host name of this machine")]
    Unspecified(IpAddr),
}

impl FromStr for Advertise {
    type Err = NotAHost;

    fn from_str(text: &str) -> Result<Self, NotAHost> {
        let bare = |host: &str| host.parse::<IpAddr>().ok();
        let (host, port) = match (bare(text), text.parse::<SocketAddr>()) {
            (Some(ip), _) => (ip.to_string(), None),
            (None, Ok(at)) => (at.ip().to_string(), Some(at.port())),
            (None, Err(_)) => named(text)?,
        };
        if port == Some(0) {
            return Err(NotAHost::Form);
        }
        match bare(&host) {
            Some(ip) if ip.is_unspecified() => Err(NotAHost::Unspecified(ip)),
            Some(_) | None => Ok(Self { host, port }),
        }
    }
}

impl TryFrom<String> for Advertise {
    type Error = NotAHost;

    fn try_from(text: String) -> Result<Self, NotAHost> {
        text.parse()
    }
}

impl From<Advertise> for String {
    fn from(Advertise { host, port }: Advertise) -> Self {
        match port {
            Some(port) => Advertised { host, port }.to_string(),
            None => host,
        }
    }
}

/// A name, or an address in brackets, and perhaps a port.
fn named(text: &str) -> Result<(String, Option<u16>), NotAHost> {
    if let Some(inside) = text.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        let ip: Ipv6Addr = inside.parse().or(Err(NotAHost::Form))?;
        return Ok((ip.to_string(), None));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().or(Err(NotAHost::Form))?)),
        None => (text, None),
    };
    let is_of_a_name = |it: char| it.is_ascii_alphanumeric() || ['-', '.', '_'].contains(&it);
    match !host.is_empty() && host.len() <= 253 && host.chars().all(is_of_a_name) {
        true => Ok((host.to_owned(), port)),
        false => Err(NotAHost::Form),
    }
}

/// What is advertised: never an address that nobody can connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Advertised {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Advertised {
    /// What was asked for; or else where it listens, and 127.0.0.1 where that is everywhere, as a
    /// real single node says.
    pub(crate) fn of(asked: Option<&Advertise>, listens: SocketAddr) -> Self {
        match asked {
            Some(Advertise { host, port }) => Self {
                host: host.clone(),
                port: port.unwrap_or(listens.port()),
            },
            None if listens.ip().is_unspecified() => Self {
                host: Ipv4Addr::LOCALHOST.to_string(),
                port: listens.port(),
            },
            None => Self {
                host: listens.ip().to_string(),
                port: listens.port(),
            },
        }
    }
}

impl fmt::Display for Advertised {
    /// As it stands in a URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(asked: Option<&str>, listens: &str) -> String {
        let asked = asked.map(|it| it.parse().unwrap_or_else(|error| panic!("{it}: {error}")));
        Advertised::of(asked.as_ref(), listens.parse().expect("an address")).to_string()
    }

    #[test]
    fn where_it_listens_is_advertised_unless_that_is_everywhere() {
        assert_eq!(told(None, "10.0.0.7:2113"), "10.0.0.7:2113");
        assert_eq!(told(None, "[fd00::7]:2113"), "[fd00::7]:2113");
        assert_eq!(told(None, "0.0.0.0:2113"), "127.0.0.1:2113");
        assert_eq!(told(None, "[::]:2113"), "127.0.0.1:2113");
    }

    #[test]
    fn what_is_asked_for_is_advertised_with_the_port_that_it_listens_on_unless_it_names_one() {
        let listens = "0.0.0.0:2113";
        assert_eq!(told(Some("db1.internal"), listens), "db1.internal:2113");
        assert_eq!(told(Some("db1.internal:443"), listens), "db1.internal:443");
        assert_eq!(told(Some("10.0.0.7"), listens), "10.0.0.7:2113");
        assert_eq!(told(Some("10.0.0.7:443"), listens), "10.0.0.7:443");
        assert_eq!(told(Some("fd00::7"), listens), "[fd00::7]:2113");
        assert_eq!(told(Some("[fd00::7]"), listens), "[fd00::7]:2113");
        assert_eq!(told(Some("[fd00::7]:443"), listens), "[fd00::7]:443");
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        for text in [
            "db1.internal",
            "db1:443",
            "10.0.0.7",
            "fd00::7",
            "[fd00::7]:443",
        ] {
            let read: Advertise = text.parse().expect(text);
            assert_eq!(String::from(read), text);
        }
    }

    #[test]
    fn what_nobody_can_connect_to_is_refused() {
        let refused = |text: &str| text.parse::<Advertise>().unwrap_err();
        for text in ["0.0.0.0", "0.0.0.0:2113", "[::]:2113", "::", "[::]"] {
            assert!(matches!(refused(text), NotAHost::Unspecified(_)), "{text}");
        }
        for text in [
            "",
            ":2113",
            "db1:0",
            "db1:x",
            "db1:70000",
            "a b",
            "http://db1",
            "[db1]",
        ] {
            assert_eq!(refused(text), NotAHost::Form, "{text}");
        }
    }
}
