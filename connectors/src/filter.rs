//! Which records a connector delivers: its filter, ready to be used.
//!
//! What a user writes is bounded: the expression in its length, a regular expression in the memory
//! that it takes (the engine has no exponential time), and records always come from behind a prefix
//! on the server.

use domain::{
    connector::{Filter, FilterKind, FilterScope, Settings},
    text::ConnectorId,
};
use journal::Recorded;
use jsonpath_rust::{
    parser::{model::JpQuery, parse_json_path},
    query::js_path_process,
};
use regex::{Regex, RegexBuilder};
use serde_json::Value;
use thiserror::Error;

/// How much memory a regular expression may take when it is made, in bytes.
const LARGEST_REGEX: usize = 256 << 10;

/// How deep a JSONPath may nest.
const DEEPEST: usize = 32;

/// A filter that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FilterError {
    /// It is no regular expression, or one that is too large.
    #[error("the filter is no regular expression that can be used: {0}")]
    Regex(String),
    /// It is no JSONPath.
    #[error("the filter is no JSONPath (RFC 9535): {0}")]
    JsonPath(String),
    /// It nests too deep.
    #[error("the filter nests deeper than {DEEPEST}")]
    TooDeep,
}

/// A filter, ready to be used.
#[derive(Clone, Debug)]
pub struct Matcher {
    scope: FilterScope,
    how: How,
}

#[derive(Clone, Debug)]
enum How {
    Everything,
    Exactly(String),
    Prefixes(Vec<String>),
    Regex(Regex),
    JsonPath(JpQuery),
}

impl Matcher {
    /// The filter, or what is wrong with it. Without one: every record.
    pub fn new(filter: Option<&Filter>) -> Result<Self, FilterError> {
        let Some(filter) = filter else {
            return Ok(Self {
                scope: FilterScope::Stream,
                how: How::Everything,
            });
        };
        let expression = filter.expression.as_str();
        let how = match filter.kind {
            FilterKind::StreamId => How::Exactly(expression.to_owned()),
            FilterKind::Prefix => {
                let each = expression.split(',').map(|it| it.trim().to_owned());
                How::Prefixes(each.filter(|it| !it.is_empty()).collect())
            }
            FilterKind::Regex => {
                let built = RegexBuilder::new(expression)
                    .size_limit(LARGEST_REGEX)
                    .build();
                How::Regex(built.map_err(|error| FilterError::Regex(error.to_string()))?)
            }
            FilterKind::JsonPath => {
                if depth(expression) > DEEPEST {
                    return Err(FilterError::TooDeep);
                }
                let parsed = parse_json_path(expression);
                How::JsonPath(parsed.map_err(|error| FilterError::JsonPath(error.to_string()))?)
            }
        };
        Ok(Self {
            scope: filter.scope,
            how,
        })
    }

    /// Whether a record is delivered.
    pub fn takes(&self, recorded: &Recorded) -> bool {
        self.matches(&recorded.stream, recorded.event_type(), &recorded.data)
    }

    /// The same, of a record's parts.
    pub fn matches(&self, stream: &str, event_type: &str, data: &[u8]) -> bool {
        let text = match self.scope {
            FilterScope::Stream => stream,
            FilterScope::Record => event_type,
        };
        match &self.how {
            How::Everything => true,
            How::Exactly(wanted) => text == wanted,
            How::Prefixes(prefixes) => prefixes.iter().any(|it| text.starts_with(it)),
            How::Regex(regex) => regex.is_match(text),
            How::JsonPath(query) => {
                let Ok(data) = serde_json::from_slice::<Value>(data) else {
                    return false;
                };
                js_path_process(query, &data).is_ok_and(|found| !found.is_empty())
            }
        }
    }
}

/// How deep brackets nest, strings included: an upper bound that costs one look.
fn depth(expression: &str) -> usize {
    let mut depth = 0usize;
    let mut deepest = 0;
    for c in expression.chars() {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Whether a connector with these settings delivers this record: never one about itself, and one
/// about another connector only if a filter asks for it.
pub(crate) fn wants(
    id: &ConnectorId,
    settings: &Settings,
    matcher: &Matcher,
    recorded: &Recorded,
) -> bool {
    let is_own = ConnectorId::of_stream(&recorded.stream).is_some_and(|it| it == *id);
    let is_asked_for = recorded.network_id.is_some() || settings.filter.is_some();
    !is_own && is_asked_for && matcher.takes(recorded)
}

/// Whether it may deliver this record, as far as that shows in the record's stream and type: cheap
/// to ask, and true of everything that it [`wants`].
pub(crate) fn may_want(
    id: &ConnectorId,
    settings: &Settings,
    matcher: &Matcher,
    recorded: &Recorded,
) -> bool {
    match matcher.how {
        How::JsonPath(_) => true,
        How::Everything | How::Exactly(_) | How::Prefixes(_) | How::Regex(_) => {
            wants(id, settings, matcher, recorded)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matcher(scope: FilterScope, kind: FilterKind, expression: &str) -> Matcher {
        Matcher::new(Some(&filter(scope, kind, expression))).unwrap()
    }

    fn filter(scope: FilterScope, kind: FilterKind, expression: &str) -> Filter {
        Filter {
            scope,
            kind,
            expression: expression.parse().unwrap(),
        }
    }

    const STREAM: &str = "network-00000000-0000-0000-0000-000000000001";

    #[test]
    fn each_kind_of_filter_takes_what_it_names_and_nothing_else() {
        use FilterKind::{JsonPath, Prefix, Regex, StreamId};
        use FilterScope::{Record, Stream};
        let data = br#"{"peer":{"account":"444455556666"},"ports":[5432]}"#;
        for (scope, kind, expression, taken) in [
            (Stream, StreamId, STREAM, true),
            (Stream, StreamId, "network", false),
            (Stream, Prefix, "connector-, network-", true),
            (Stream, Prefix, "connector-", false),
            (Record, Prefix, "Peering,Route", true),
            (Record, Prefix, "Route", false),
            (Record, Regex, "^Peering(Requested|Removed)$", true),
            (Record, Regex, "^Requested", false),
            (Record, JsonPath, "$.peer[?@=='444455556666']", true),
            (Record, JsonPath, "$.ports[?@>6000]", false),
            (Record, JsonPath, "$.absent", false),
        ] {
            let found = matcher(scope, kind, expression).matches(STREAM, "PeeringRequested", data);
            assert_eq!(found, taken, "{expression}");
        }
        let path = matcher(Record, JsonPath, "$");
        assert!(!path.matches(STREAM, "PeeringRequested", b"no json"));
        assert!(Matcher::new(None).unwrap().matches("x", "y", b""));
    }

    #[test]
    fn an_expression_that_would_cost_too_much_is_refused() {
        use FilterScope::Record;
        let too_large = filter(Record, FilterKind::Regex, "(?:(?:a{100}){100}){100}");
        assert!(matches!(
            Matcher::new(Some(&too_large)),
            Err(FilterError::Regex(_))
        ));
        let deep = format!("${}{}", "[?(".repeat(100), ")]".repeat(100));
        let deep = filter(Record, FilterKind::JsonPath, &deep);
        assert_eq!(Matcher::new(Some(&deep)).unwrap_err(), FilterError::TooDeep);
        let wrong = filter(Record, FilterKind::JsonPath, "peer.account");
        assert!(matches!(
            Matcher::new(Some(&wrong)),
            Err(FilterError::JsonPath(_))
        ));
    }
}
