//! Server-side filters on `$all`.

use fancy_regex::Regex;
use thiserror::Error;

use crate::model::Record;

/// What of an event a filter looks at: of the stored event, be it a link, never of a link's target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Stream,
    EventType,
}

/// Which events are delivered.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    subject: Subject,
    rule: Rule,
}

#[derive(Debug, Clone)]
enum Rule {
    /// Matches anywhere in the text. Look-ahead is allowed: official clients use it by default.
    Regex(Box<Regex>),
    /// Any of them.
    Prefixes(Vec<String>),
}

#[derive(Debug, Error)]
pub(crate) enum FilterError {
    #[error("the regular expression is not valid")]
    Invalid(#[source] Box<fancy_regex::Error>),
    #[error("the regular expression takes too long on {text:?}")]
    TooSlow {
        text: String,
        #[source]
        source: Box<fancy_regex::Error>,
    },
}

impl Filter {
    /// A regular expression that is not empty wins over the prefixes. Without either nothing
    /// matches.
    pub(crate) fn new(
        subject: Subject,
        regex: &str,
        prefixes: Vec<String>,
    ) -> Result<Self, FilterError> {
        let rule = if regex.is_empty() {
            Rule::Prefixes(prefixes)
        } else {
            let regex = Regex::new(regex).map_err(|error| FilterError::Invalid(Box::new(error)))?;
            Rule::Regex(Box::new(regex))
        };
        Ok(Self { subject, rule })
    }

    pub(super) fn matches(&self, record: &Record) -> Result<bool, FilterError> {
        match self.subject {
            Subject::Stream => self.rule.matches(record.stream()),
            Subject::EventType => self.rule.matches(record.event_type()),
        }
    }
}

impl Rule {
    fn matches(&self, text: &str) -> Result<bool, FilterError> {
        match self {
            Self::Prefixes(prefixes) => Ok(prefixes.iter().any(|prefix| text.starts_with(prefix))),
            Self::Regex(regex) => regex.is_match(text).map_err(|source| FilterError::TooSlow {
                text: text.to_owned(),
                source: Box::new(source),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(regex: &str, prefixes: &[&str], text: &str) -> bool {
        let prefixes = prefixes.iter().map(ToString::to_string).collect();
        let filter = Filter::new(Subject::Stream, regex, prefixes).unwrap();
        filter.rule.matches(text).unwrap()
    }

    #[test]
    fn prefixes_are_alternatives() {
        assert!(matches("", &["a-", "b-"], "b-1"));
        assert!(!matches("", &["a-", "b-"], "c-a-1"));
    }

    #[test]
    fn a_regular_expression_is_not_anchored_and_minds_case() {
        assert!(matches("et", &[], "Beta"));
        assert!(!matches("^alpha", &[], "Alpha"));
    }

    #[test]
    fn look_ahead_works() {
        assert!(matches(r"^(?!(\$.+$|x))", &[], "order-1"));
        assert!(!matches(r"^(?!(\$.+$|x))", &[], "$settings"));
    }

    #[test]
    fn a_regular_expression_wins_over_prefixes() {
        assert!(!matches("^b", &["a"], "a-1"));
        assert!(matches("^b", &["a"], "b-1"));
    }

    #[test]
    fn a_filter_without_rules_matches_nothing() {
        assert!(!matches("", &[], "a"));
    }

    #[test]
    fn a_regular_expression_that_does_not_compile_is_refused() {
        let error = Filter::new(Subject::EventType, "([", Vec::new()).unwrap_err();
        assert!(matches!(error, FilterError::Invalid(_)));
    }
}
