//! Who may come near: the hosts a request may be for, and the origins it may come from.
//!
//! A web page can send requests to any address that its visitor's browser reaches, loopback
//! included. Two headers that no page can forge give it away. `Origin` names the page, so any but
//! the API's own is refused. `Host` (in HTTP/2: `:authority`) names what the page believes to talk
//! to: a name that an attacker's DNS points here at the second look (DNS rebinding) is not in the
//! list. Where a page loads something, as a picture or a frame, a browser sends no `Origin`, and
//! still its visitor's client certificate: `Sec-Fetch-Site` says then whose page it is. All are
//! judged before anything else, for every protocol.

use crate::refusal::Refusal;
use http::{
    HeaderMap, HeaderValue, StatusCode, Uri, header,
    uri::{Authority, Scheme},
};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};
use thiserror::Error;
use tonic::Code;

/// How a browser says whose page a request comes from (Fetch Metadata). No page can set it.
const FETCH_SITE: &str = "sec-fetch-site";

/// A host that requests may be for: a name or an address, with a port or with any.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Host {
    name: String,
    port: Option<u16>,
}

/// A text that is no host.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{text:?} is no host: write a name or an address, with or without a port, such as \
     \"peerage.example.com\" or \"[fd00::1]:2114\""
)]
pub struct BadHost {
    text: String,
}

/// Where a web page comes from: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

/// A text that is no origin.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{text:?} is no origin: write scheme, host and port alone, such as \
     \"https://console.example.com\""
)]
pub struct BadOrigin {
    text: String,
}

/// The rule for one listening address.
#[derive(Clone, Debug)]
pub struct Access {
    /// `None`: a Unix socket, which no page can reach, whatever name it is called by.
    listen: Option<IpAddr>,
    scheme: &'static str,
    hosts: Vec<Host>,
    origins: Vec<Origin>,
}

impl Access {
    /// For an API that listens on `listen`. Loopback names and addresses and the address itself
    /// need not be listed. Where it listens on every address of its machine, any literal address
    /// is its own: a page reaches it by an address only from an origin that is refused.
    pub fn new(listen: SocketAddr, hosts: Vec<Host>, origins: Vec<Origin>) -> Self {
        Self {
            listen: Some(listen.ip()),
            scheme: "http",
            hosts,
            origins,
        }
    }

    /// For an API on a Unix socket: any host will do, and only pages of listed origins.
    pub fn of_socket(origins: Vec<Origin>) -> Self {
        Self {
            listen: None,
            scheme: "http",
            hosts: Vec::new(),
            origins,
        }
    }

    /// The same for an API that speaks TLS: its own pages are of `https`.
    #[must_use]
    pub fn over_tls(mut self) -> Self {
        self.scheme = "https";
        self
    }

    /// The origins that are let in beside the API's own.
    pub(crate) fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// Judges a request by its head.
    pub(crate) fn judge(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let authority = one_authority(uri, headers)?;
        let host = Host::of(&authority)
            .filter(|it| self.serves(it))
            .ok_or_else(|| foreign_host(authority.as_str()))?;
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => own_site(headers),
            (Some(origin), None) if self.admits(origin, &host) => Ok(()),
            (Some(origin), _) => Err(foreign_origin(origin)),
        }
    }

    fn serves(&self, host: &Host) -> bool {
        let by_address = |address: IpAddr| {
            address.to_canonical().is_loopback()
                || self.listen == Some(address)
                || self.listen.is_some_and(|it| it.is_unspecified())
        };
        self.listen.is_none()
            || host.name == "localhost"
            || host.address().is_some_and(by_address)
            || self.hosts.iter().any(|it| it.covers(host))
    }

    fn admits(&self, origin: &HeaderValue, host: &Host) -> bool {
        let parsed = origin
            .to_str()
            .ok()
            .and_then(|it| it.parse::<Origin>().ok());
        let is_own = |it: &Origin| self.listen.is_some() && it.is_of(host, self.scheme);
        parsed.is_some_and(|it| is_own(&it) || self.origins.contains(&it))
    }
}

impl Host {
    fn of(authority: &Authority) -> Option<Self> {
        // What stands before an `@` is no part of a host, and no client sends it.
        let port = match authority.port() {
            Some(port) => Some(port.as_str().parse().ok()?),
            None => None,
        };
        let name = authority.host().trim_end_matches('.').to_ascii_lowercase();
        let plain = !name.is_empty() && !authority.as_str().contains('@');
        // A port that is there must be a number: `host:` and `host:x` are neither.
        let whole = authority
            .as_str()
            .rsplit_once(':')
            .is_none_or(|(_, after)| after.ends_with(']') || (port.is_some() && !after.is_empty()));
        (plain && whole).then_some(Self { name, port })
    }

    fn address(&self) -> Option<IpAddr> {
        let bare = self
            .name
            .strip_prefix('[')
            .and_then(|it| it.strip_suffix(']'));
        bare.unwrap_or(&self.name).parse().ok()
    }

    fn covers(&self, other: &Self) -> bool {
        self.name == other.name && (self.port.is_none() || self.port == other.port)
    }
}

impl FromStr for Host {
    type Err = BadHost;

    fn from_str(text: &str) -> Result<Self, BadHost> {
        let authority = text.parse::<Authority>().ok();
        let host = authority.as_ref().and_then(Self::of);
        host.ok_or_else(|| BadHost {
            text: text.to_owned(),
        })
    }
}

impl TryFrom<String> for Host {
    type Error = BadHost;

    fn try_from(text: String) -> Result<Self, BadHost> {
        text.parse()
    }
}

impl From<Host> for String {
    fn from(host: Host) -> Self {
        host.to_string()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl Origin {
    /// Whether a page of the API's own has this origin. Behind a proxy that speaks TLS where the
    /// API does not, the proxy's origin is one to list.
    fn is_of(&self, host: &Host, scheme: &str) -> bool {
        let port = host
            .port
            .unwrap_or(if scheme == "https" { 443 } else { 80 });
        self.scheme == scheme && self.host == host.name && self.port == port
    }
}

impl FromStr for Origin {
    type Err = BadOrigin;

    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        let parse = || {
            let uri = text.parse::<Uri>().ok()?;
            let host = Host::of(uri.authority()?)?;
            let default = match uri.scheme()? {
                it if *it == Scheme::HTTP => 80,
                it if *it == Scheme::HTTPS => 443,
                _ => return None,
            };
            let rest = text.strip_prefix(uri.scheme_str()?)?.strip_prefix("://")?;
            (rest == uri.authority()?.as_str()).then_some(Self {
                scheme: uri.scheme_str()?.to_owned(),
                host: host.name,
                port: host.port.unwrap_or(default),
            })
        };
        parse().ok_or_else(|| BadOrigin {
            text: text.to_owned(),
        })
    }
}

impl TryFrom<String> for Origin {
    type Error = BadOrigin;

    fn try_from(text: String) -> Result<Self, BadOrigin> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.to_string()
    }
}

impl fmt::Display for Origin {
    /// As a browser writes it: without a port that the scheme implies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match (self.scheme.as_str(), self.port) {
            ("http", 80) | ("https", 443) => Ok(()),
            (_, port) => write!(f, ":{port}"),
        }
    }
}

/// Whether a browser that names no origin loads this for the API's own page or for its user, who
/// wrote the address. What is no browser says nothing of it.
fn own_site(headers: &HeaderMap) -> Result<(), Refusal> {
    let foreign = |site: &&HeaderValue| *site != "same-origin" && *site != "none";
    match headers.get_all(FETCH_SITE).iter().find(foreign) {
        None => Ok(()),
        Some(_) => Err(foreign_page()),
    }
}

/// What the request says it is for: in its target, in its `Host`, or alike in both.
fn one_authority(uri: &Uri, headers: &HeaderMap) -> Result<Authority, Refusal> {
    let named = headers.get_all(header::HOST).iter().map(|value| {
        let authority = Authority::try_from(value.as_bytes()).ok();
        authority.ok_or_else(|| foreign_host(&String::from_utf8_lossy(value.as_bytes())))
    });
    let all: Vec<_> = uri
        .authority()
        .cloned()
        .map(Ok)
        .into_iter()
        .chain(named)
        .collect();
    let mut all = all.into_iter();
    let first = all.next().ok_or_else(no_host)??;
    for other in all {
        if other? != first {
            return Err(two_hosts());
        }
    }
    Ok(first)
}

fn no_host() -> Refusal {
    let text = "the request names no host";
    Refusal::new(
        StatusCode::FORBIDDEN,
        Code::PermissionDenied,
        "HOST_MISSING",
        text,
    )
}

fn two_hosts() -> Refusal {
    let text = "the request names two hosts";
    Refusal::new(
        StatusCode::FORBIDDEN,
        Code::PermissionDenied,
        "HOST_AMBIGUOUS",
        text,
    )
}

fn foreign_host(host: &str) -> Refusal {
    let text = format!(
        "the host {} is none of this API's; if it is, add it to `api.hosts`",
        host.escape_debug()
    );
    Refusal::new(
        StatusCode::FORBIDDEN,
        Code::PermissionDenied,
        "HOST_FOREIGN",
        text,
    )
}

fn foreign_origin(origin: &HeaderValue) -> Refusal {
    let text = format!(
        "pages of {} may not call this API; if they should, add the origin to `api.origins`",
        String::from_utf8_lossy(origin.as_bytes()).escape_debug()
    );
    Refusal::new(
        StatusCode::FORBIDDEN,
        Code::PermissionDenied,
        "ORIGIN_FOREIGN",
        text,
    )
}

fn foreign_page() -> Refusal {
    let text = "pages of other sites may not load from this API";
    Refusal::new(
        StatusCode::FORBIDDEN,
        Code::PermissionDenied,
        "ORIGIN_FOREIGN",
        text,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(access: &Access, uri: &str, headers: &[(&str, &str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| {
            let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        });
        access
            .judge(&uri.parse().unwrap(), &headers.collect())
            .is_ok()
    }

    fn on(listen: &str, hosts: &[&str], origins: &[&str]) -> Access {
        Access::new(
            listen.parse().unwrap(),
            hosts.iter().map(|it| it.parse().unwrap()).collect(),
            origins.iter().map(|it| it.parse().unwrap()).collect(),
        )
    }

    #[test]
    fn only_hosts_of_the_api_are_served() {
        let access = on(
            "127.0.0.1:2114",
            &["engine.example.com", "other.example.com:443"],
            &[],
        );
        for host in [
            "127.0.0.1:2114",
            "127.0.0.1",
            "127.1.2.3:1",
            "localhost:2114",
            "LOCALHOST",
            "localhost.",
            "[::1]:2114",
            "[::ffff:127.0.0.1]:2114",
            "engine.example.com",
            "Engine.Example.com:8080",
            "other.example.com:443",
        ] {
            assert!(judge(&access, "/", &[("host", host)]), "{host}");
            let uri = format!("http://{host}/");
            assert!(judge(&access, &uri, &[]), ":authority {host}");
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "evil.localhost",
            "10.0.0.1:2114",
            "[fd00::1]:2114",
            "other.example.com",
            "other.example.com:80",
            "localhost:",
            "localhost:x",
            "evil@localhost",
            "localhost@evil.example",
            "",
        ] {
            assert!(!judge(&access, "/", &[("host", host)]), "{host}");
        }
        assert!(!judge(&access, "/", &[]), "no host at all");
    }

    #[test]
    fn two_hosts_are_refused_though_either_would_do() {
        let access = on("127.0.0.1:2114", &[], &[]);
        let twice = [("host", "localhost"), ("host", "127.0.0.1")];
        assert!(!judge(&access, "/", &twice));
        assert!(!judge(
            &access,
            "http://localhost/",
            &[("host", "evil.example")]
        ));
        assert!(judge(
            &access,
            "http://localhost/",
            &[("host", "localhost")]
        ));
    }

    #[test]
    fn where_it_listens_is_its_own_and_everywhere_means_every_address_but_no_name() {
        let one = on("10.1.2.3:2114", &[], &[]);
        assert!(judge(&one, "/", &[("host", "10.1.2.3:2114")]));
        assert!(!judge(&one, "/", &[("host", "10.1.2.4:2114")]));
        let all = on("0.0.0.0:2114", &[], &[]);
        assert!(judge(&all, "/", &[("host", "10.1.2.4:2114")]));
        assert!(judge(&all, "/", &[("host", "[fd00::1]:2114")]));
        assert!(!judge(&all, "/", &[("host", "evil.example:2114")]));
    }

    #[test]
    fn only_the_apis_own_pages_and_listed_ones_may_call_it() {
        let access = on("127.0.0.1:2114", &[], &["https://console.example.com"]);
        let from = |origin: &str| {
            judge(
                &access,
                "/",
                &[("host", "localhost:2114"), ("origin", origin)],
            )
        };
        assert!(from("http://localhost:2114"));
        assert!(from("https://console.example.com"));
        assert!(from("https://console.example.com:443"));
        for origin in [
            "null",
            "",
            "http://localhost",
            "http://localhost:3000",
            "https://localhost:2114",
            "http://127.0.0.1:2114",
            "http://evil.example",
            "http://console.example.com",
            "https://console.example.com.evil.example",
            "https://console.example.com/path",
            "file://",
            "moz-extension://localhost:2114",
        ] {
            assert!(!from(origin), "{origin}");
        }
        let twice = [
            ("host", "localhost:2114"),
            ("origin", "http://localhost:2114"),
            ("origin", "http://localhost:2114"),
        ];
        assert!(!judge(&access, "/", &twice));
    }

    #[test]
    fn over_tls_its_own_pages_are_of_https_and_a_socket_has_none() {
        let own = [
            ("host", "localhost:2114"),
            ("origin", "https://localhost:2114"),
        ];
        let plain = [
            ("host", "localhost:2114"),
            ("origin", "http://localhost:2114"),
        ];
        let tls = on("127.0.0.1:2114", &[], &[]).over_tls();
        assert!(judge(&tls, "/", &own) && !judge(&tls, "/", &plain));
        let socket = Access::of_socket(Vec::new());
        assert!(!judge(&socket, "/", &own) && !judge(&socket, "/", &plain));
        assert!(judge(&socket, "/", &[("host", "anything.example")]));
    }

    #[test]
    fn hosts_and_origins_are_shown_as_they_are_written() {
        for text in ["a.example", "a.example:80", "[::1]:2114", "10.0.0.1"] {
            assert_eq!(text.parse::<Host>().unwrap().to_string(), text);
        }
        for text in [
            "http://a.example",
            "https://a.example:80",
            "http://[::1]:2114",
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), text);
        }
        for text in ["", "*", "a b", "a/b", "http://a", "a:", ":80", "a:99999"] {
            assert!(text.parse::<Host>().is_err() || text == "*", "{text}");
        }
        for text in [
            "",
            "*",
            "a.example",
            "ftp://a",
            "http://a/",
            "http://",
            "null",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }
}
