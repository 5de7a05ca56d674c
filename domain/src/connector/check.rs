//! What cannot be set, beyond what types say.

use super::{
    DelayBound, FilterKind, FilterScope, Resilience, Settings, Sink, Webhook, WebhookFormat,
};
use thiserror::Error;

/// What cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// A number is out of its bounds.
    #[error("{field} is {value}; between {least} and {most}")]
    OutOfBounds {
        /// The field.
        field: &'static str,
        /// What was given.
        value: u64,
        /// The least that it may be.
        least: u64,
        /// The most that it may be.
        most: u64,
    },
    /// There are too many of something.
    #[error("{given} {field}; {most} at most")]
    TooMany {
        /// The field.
        field: &'static str,
        /// How many were given.
        given: usize,
        /// How many there may be.
        most: usize,
    },
    /// A filter looks in a way that its scope does not have.
    #[error("a filter of the stream's name has no JSONPath, and one of the record no stream id")]
    FilterScope,
    /// Each bound has to end later than the one before.
    #[error("a delay bound ends before the one before it")]
    DelayBounds,
    /// A batch needs a body that holds several.
    #[error("a batch is sent as envelopes or as CloudEvents")]
    BatchFormat,
    /// A text is longer than it may be.
    #[error("{field} has {length} characters; {most} at most")]
    TooLong {
        /// The field.
        field: &'static str,
        /// How many it has.
        length: usize,
        /// How many it may have.
        most: usize,
    },
}

impl Settings {
    /// The most headers, ranges and hosts.
    pub const MOST_ENTRIES: usize = 32;
    /// The most characters of a certificate with its chain, or of authorities.
    pub const LONGEST_PEM: usize = 32_768;
    /// The most signing keys.
    pub const MOST_KEYS: usize = 4;
    /// The most bytes of a transform.
    pub const LONGEST_FUNCTION: usize = 32_768;

    /// Everything that is wrong with them.
    pub fn check(&self) -> Vec<SettingsError> {
        let mut wrong = Vec::new();
        if let Some(filter) = &self.filter {
            let fits = match filter.kind {
                FilterKind::StreamId => filter.scope == FilterScope::Stream,
                FilterKind::JsonPath => filter.scope == FilterScope::Record,
                FilterKind::Prefix | FilterKind::Regex => true,
            };
            wrong.extend((!fits).then_some(SettingsError::FilterScope));
        }
        match &self.sink {
            Sink::Webhook(webhook) => webhook.check(&mut wrong),
            Sink::File(file) => {
                within("max_bytes", file.max_bytes, 4_096, 1 << 40, &mut wrong);
                within("keep", file.keep.into(), 1, 1_000, &mut wrong);
            }
            Sink::Stdout => {}
        }
        self.resilience.check(&mut wrong);
        let function = self.transformer.as_ref().map(|it| it.function.len() as u64);
        if let Some(bytes) = function {
            let most = Self::LONGEST_FUNCTION as u64;
            within("bytes of transformer.function", bytes, 1, most, &mut wrong);
        }
        wrong
    }
}

impl Webhook {
    fn check(&self, wrong: &mut Vec<SettingsError>) {
        within("timeout_ms", self.timeout_ms.into(), 100, 60_000, wrong);
        few("headers", self.headers.len(), Settings::MOST_ENTRIES, wrong);
        let (ranges, hosts) = (self.allowed_ranges.len(), self.allowed_hosts.len());
        few("allowed ranges", ranges, Settings::MOST_ENTRIES, wrong);
        few("allowed hosts", hosts, Settings::MOST_ENTRIES, wrong);
        few(
            "signing keys",
            self.signing.len(),
            Settings::MOST_KEYS,
            wrong,
        );
        let certificate = self.client_certificate.as_ref().map(|it| it.chain.len());
        let authorities = self.authorities.as_ref().map(String::len);
        for (field, length) in [
            ("the client certificate", certificate),
            ("the authorities", authorities),
        ] {
            let length = length.unwrap_or_default();
            if length > Settings::LONGEST_PEM {
                wrong.push(SettingsError::TooLong {
                    field,
                    length,
                    most: Settings::LONGEST_PEM,
                });
            }
        }
        if let Some(batch) = self.batch {
            within("max_records", batch.max_records.into(), 1, 500, wrong);
            within("max_wait_ms", batch.max_wait_ms.into(), 0, 60_000, wrong);
            let is_several = match self.format {
                WebhookFormat::Envelope | WebhookFormat::CloudEvents => true,
                WebhookFormat::Record | WebhookFormat::CloudEventsBinary => false,
            };
            wrong.extend((!is_several).then_some(SettingsError::BatchFormat));
        }
    }
}

impl Resilience {
    fn check(&self, wrong: &mut Vec<SettingsError>) {
        let (first, second, third) = match self {
            Self::StandardWebhooks | Self::None => return,
            Self::DelayBounds {
                first_delay_bound,
                second_delay_bound,
                third_delay_bound,
            } => (first_delay_bound, second_delay_bound, third_delay_bound),
        };
        for (field, bound) in [
            ("first delay", first),
            ("second delay", second),
            ("third delay", third),
        ] {
            within(field, bound.delay_ms, 1, 86_400_000, wrong);
        }
        let ends = |it: &DelayBound| u64::try_from(it.upper_limit_ms).unwrap_or(u64::MAX);
        if ends(first) > ends(second) || ends(second) > ends(third) {
            wrong.push(SettingsError::DelayBounds);
        }
    }
}

fn within(field: &'static str, value: u64, least: u64, most: u64, wrong: &mut Vec<SettingsError>) {
    if !(least..=most).contains(&value) {
        wrong.push(SettingsError::OutOfBounds {
            field,
            value,
            least,
            most,
        });
    }
}

fn few(field: &'static str, given: usize, most: usize, wrong: &mut Vec<SettingsError>) {
    if given > most {
        wrong.push(SettingsError::TooMany { field, given, most });
    }
}
