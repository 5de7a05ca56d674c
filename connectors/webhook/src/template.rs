//! The URL of a webhook: fixed in scheme, host and query, with placeholders in its path alone.
//!
//! A record can so never decide where it is sent: what it fills in is percent-encoded and stays
//! inside one segment of the path.

use crate::{message::Place, wrong::Problem};
use http::{Uri, uri::Scheme};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, Url};

/// The longest URL, before and after it is filled in.
const LONGEST: usize = 2048;

/// What is encoded of a value: all but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What a record fills into a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placeholder {
    EventType,
    Stream,
    SchemaSubject,
    Network,
}

impl Placeholder {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "event-type" => Self::EventType,
            "stream" => Self::Stream,
            "schema-subject" => Self::SchemaSubject,
            "network" => Self::Network,
            _ => return None,
        })
    }

    fn value(self, place: &Place) -> &str {
        match self {
            Self::EventType => &place.event_type,
            Self::Stream => &place.stream,
            Self::SchemaSubject => &place.schema_subject,
            Self::Network => &place.network,
        }
    }
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Filled(Placeholder),
}

/// A URL that can be filled in.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    origin: String,
    host: String,
    path: Vec<Part>,
    query: String,
    /// The URL itself, when nothing is to be filled in.
    whole: Option<Uri>,
}

impl Template {
    /// Reads a URL. Whatever two readers of URLs could take for two addresses is refused or made
    /// one here: from here on there is one form alone.
    pub(crate) fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        if text.len() > LONGEST {
            return Err(vec![Problem::TooLong { most: LONGEST }]);
        }
        let url = Url::parse(text).map_err(|error| vec![Problem::NoUrl(error.to_string())])?;
        let mut wrong = Vec::new();
        if !matches!(url.scheme(), "https" | "http") {
            return Err(vec![Problem::OtherScheme(url.scheme().to_owned())]);
        }
        if !url.username().is_empty() || url.password().is_some() {
            wrong.push(Problem::UserInUrl);
        }
        if url.fragment().is_some() {
            wrong.push(Problem::Fragment);
        }
        if url.port() == Some(0) {
            wrong.push(Problem::NoUrl("no server listens on port 0".to_owned()));
        }
        let query = url.query().unwrap_or_default();
        if query.contains(['{', '}']) || query.contains("%7B") {
            wrong.push(Problem::PlaceholderOutsidePath);
        }
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => String::new(),
        };
        let path = parts(url.path()).unwrap_or_else(|problem| {
            wrong.push(problem);
            Vec::new()
        });
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let origin = url.origin().ascii_serialization();
        let query = if query.is_empty() {
            String::new()
        } else {
            format!("?{query}")
        };
        let mut template = Self {
            origin,
            host,
            path,
            query,
            whole: None,
        };
        let sample = Place {
            event_type: "x".into(),
            stream: "x".into(),
            schema_subject: "x".into(),
            network: "x".into(),
        };
        let filled = template.fill(&sample).map_err(|problem| vec![problem])?;
        if !template
            .path
            .iter()
            .any(|part| matches!(part, Part::Filled(_)))
        {
            template.whole = Some(filled);
        }
        Ok(template)
    }

    /// The URL for a record.
    pub(crate) fn fill(&self, place: &Place) -> Result<Uri, Problem> {
        if let Some(whole) = &self.whole {
            return Ok(whole.clone());
        }
        let mut text = self.origin.clone();
        for part in &self.path {
            match part {
                Part::Text(fixed) => text.push_str(fixed),
                Part::Filled(placeholder) => {
                    let value = placeholder.value(place);
                    // Dots alone would be a step up in the path, nothing would be none at all.
                    if value.bytes().all(|byte| byte == b'.') {
                        text.push('-');
                    } else {
                        text.extend(utf8_percent_encode(value, ENCODED));
                    }
                }
            }
        }
        text.push_str(&self.query);
        if text.len() > 4 * LONGEST {
            return Err(Problem::TooLong { most: 4 * LONGEST });
        }
        text.parse::<Uri>()
            .map_err(|error| Problem::NoUrl(error.to_string()))
    }

    /// The host, an address without its brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Scheme, host and port: what a circuit breaker is kept for.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether it is `https`.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.origin.starts_with(Scheme::HTTPS.as_str())
    }
}

/// A path between its placeholders, of which the parser has encoded the braces.
fn parts(path: &str) -> Result<Vec<Part>, Problem> {
    let mut parts = Vec::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once("%7B") {
        let (name, after) = after
            .split_once("%7D")
            .ok_or_else(|| Problem::UnknownPlaceholder(after.to_owned()))?;
        let placeholder =
            Placeholder::named(name).ok_or_else(|| Problem::UnknownPlaceholder(name.to_owned()))?;
        parts.push(Part::Text(before.to_owned()));
        parts.push(Part::Filled(placeholder));
        rest = after;
    }
    if rest.contains("%7D") {
        return Err(Problem::UnknownPlaceholder(rest.to_owned()));
    }
    parts.push(Part::Text(rest.to_owned()));
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place {
            event_type: "PeeringRequested".into(),
            stream: "network-5b0c/../?#é".into(),
            schema_subject: "peering-requested".into(),
            network: "..".into(),
        }
    }

    fn filled(url: &str) -> String {
        Template::parse(url)
            .unwrap()
            .fill(&place())
            .unwrap()
            .to_string()
    }

    #[test]
    fn placeholders_in_the_path_are_filled_in_and_stay_in_their_segment() {
        assert_eq!(
            filled("https://h.example/{event-type}/a-{schema-subject}?q=1"),
            "https://h.example/PeeringRequested/a-peering-requested?q=1"
        );
        assert_eq!(
            filled("https://h.example/{stream}/x"),
            "https://h.example/network-5b0c%2F..%2F%3F%23%C3%A9/x"
        );
        assert_eq!(
            filled("https://h.example/a/{network}/x"),
            "https://h.example/a/-/x"
        );
        assert_eq!(filled("https://h.example"), "https://h.example/");
    }

    #[test]
    fn a_placeholder_elsewhere_or_unknown_is_refused() {
        for url in [
            "https://{stream}.example/",
            "https://h.example/?stream={stream}",
            "https://h.example/{category}",
            "https://h.example/{stream",
            "https://h.example/stream}",
            "https://h.example:{network}/",
            "https://{network}@h.example/",
            "{stream}://h.example/",
        ] {
            assert!(Template::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_url_has_one_reading() {
        let host = |url: &str| Template::parse(url).map(|it| it.host().to_owned());
        for loopback in [
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1",
            "http://0177.0.0.1/",
            "http://%31%32%37.0.0.1/",
            "http://①②⑦.0.0.1/",
            "http://127.0.0.1./",
        ] {
            assert_eq!(host(loopback).unwrap(), "127.0.0.1", "{loopback}");
        }
        assert_eq!(
            host("https://EXAMPLE.com\\@127.0.0.1/").unwrap(),
            "example.com"
        );
        for wrong in [
            "",
            "hooks",
            "ftp://h.example/",
            "file:///etc/passwd",
            "https://",
            "https://u:p@h.example/",
            "https://h.example/#x",
            "https://[fe80::1%25eth0]/",
            "https://[::1",
            "http://1.2.3.4.5/",
            "https://h:0/",
            "https://h.example:99999/",
            "http://256.0.0.1/",
        ] {
            assert!(Template::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Template::parse(&format!("https://h.example/{}", "x".repeat(2048))).is_err());
    }
}
