//! Requests into commands and queries. Every wrong field is reported, not the first one only;
//! nothing past its bounds gets any further.

mod access;
mod approvals;
mod confirm_opening;
mod context;
mod firewall;
mod history;
mod hold;
mod ingress;
mod known;
mod link;
mod network;
mod options;
mod plan;
mod ranges;
mod reads;
mod routes;
mod set_tenure;
mod tenure;
#[cfg(test)]
mod tests;

pub(super) use access::{Explained, explain_access};
pub(super) use approvals::{Judged, approval_id, judged, list_approvals, plan_hash};
pub(super) use context::{Address, Command, Parsed, caller};
pub(super) use history::{
    About, At, Compared, Part, Reached, compare_network, explain, network_at, read_log,
    who_can_reach,
};
pub(super) use known::{Known, known};
pub(super) use plan::{Planned, discover_links, plan_peering};
pub(super) use reads::{
    Events, Found, Freshness, Networks, Openings, Peerings, Scope, Watch, get_network, get_peering,
    list_drift, list_events, list_exposures, list_networks, list_openings, list_orphans,
    list_peerings, server_info, watch_networks, watch_peerings, wrong_token,
};

use super::{problem::Problem, time::time, words::Word};
use chrono::{DateTime, Utc};
use domain::{GLOBAL, Places, Provider, Region, text::Reason};
use prost_types::Timestamp;
use std::{fmt::Display, str::FromStr};
use tonic_types::FieldViolation;

/// The most entries of a repeated field.
const ENTRIES: usize = 1000;

/// Collects what is wrong with a request.
#[derive(Debug, Default)]
pub(super) struct Fields {
    violations: Vec<FieldViolation>,
    /// The regions that the engine knows.
    places: Places,
}

impl Fields {
    /// With the regions that the engine knows.
    pub(in crate::api) fn knowing(places: &Places) -> Self {
        Self {
            places: places.clone(),
            ..Self::default()
        }
    }

    /// The field's value, or a note of what is wrong with it.
    pub(in crate::api) fn take<T: FromStr<Err: Display>>(
        &mut self,
        field: impl Into<String>,
        text: &str,
    ) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => self.wrong(field, format!("{error}")),
        }
    }

    /// The same for an optional field: empty is absent, and the outer `None` is a wrong one.
    #[expect(clippy::option_option, reason = "wrong and absent are two things")]
    fn optional<T: FromStr<Err: Display>>(&mut self, field: &str, text: &str) -> Option<Option<T>> {
        if text.is_empty() {
            return Some(None);
        }
        self.take(field, text).map(Some)
    }

    pub(in crate::api) fn id<T: FromStr>(&mut self, field: &str, text: &str) -> Option<T> {
        match text.parse() {
            Ok(id) => Some(id),
            Err(_) => self.wrong(
                field,
                "must be a UUID, like 3f0c6a3e-6c5b-4a57-9d4e-0d1c2b3a4f5e",
            ),
        }
    }

    #[expect(clippy::option_option, reason = "wrong and absent are two things")]
    fn optional_id<T: FromStr>(&mut self, field: &str, text: &str) -> Option<Option<T>> {
        if text.is_empty() {
            return Some(None);
        }
        self.id(field, text).map(Some)
    }

    /// The beginning of a UUID, or none.
    #[expect(clippy::option_option, reason = "wrong and absent are two things")]
    fn id_prefix(&mut self, field: &str, text: &str) -> Option<Option<String>> {
        if text.is_empty() {
            return Some(None);
        }
        if text.len() > 36 || !text.bytes().all(|it| it.is_ascii_hexdigit() || it == b'-') {
            return self.wrong(field, "must be the beginning of a UUID, like 3f0c6a3e");
        }
        Some(Some(text.to_ascii_lowercase()))
    }

    fn bounded<T>(&mut self, field: &str, entries: &[T]) -> Option<()> {
        if entries.len() > ENTRIES {
            let text = format!("{} entries; {ENTRIES} at most", entries.len());
            return self.wrong(field, text);
        }
        Some(())
    }

    fn each<T: FromStr<Err: Display>>(&mut self, field: &str, texts: &[String]) -> Option<Vec<T>> {
        self.bounded(field, texts)?;
        let values: Vec<_> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| self.take(format!("{field}[{index}]"), text))
            .collect();
        values.into_iter().collect()
    }

    /// A network of Google Cloud is in no region: none has to be named.
    fn region(&mut self, field: &str, provider: Option<Provider>, name: &str) -> Option<Region> {
        let provider = provider?;
        let name = match provider {
            Provider::Gcp if name.is_empty() => GLOBAL,
            Provider::Aws | Provider::Gcp | Provider::Azure => name,
        };
        match self.places.region(provider, name) {
            Ok(region) => Some(region),
            Err(error) => self.wrong(field, error.to_string()),
        }
    }

    /// What an enum's value means; the unspecified one means nothing.
    fn word<W: Word>(&mut self, field: impl Into<String>, number: i32) -> Option<W::Meaning> {
        match W::try_from(number).ok().and_then(Word::meaning) {
            Some(meaning) => Some(meaning),
            None => self.wrong(field, format!("must be {}", alternatives::<W>())),
        }
    }

    /// The same where the unspecified one means none.
    #[expect(clippy::option_option, reason = "wrong and absent are two things")]
    fn optional_word<W: Word>(
        &mut self,
        field: impl Into<String>,
        number: i32,
    ) -> Option<Option<W::Meaning>> {
        if number == 0 {
            return Some(None);
        }
        self.word::<W>(field, number).map(Some)
    }

    /// The same where the unspecified one means the usual.
    fn word_or_usual<W: Word<Meaning: Default>>(
        &mut self,
        field: &str,
        number: i32,
    ) -> Option<W::Meaning> {
        self.optional_word::<W>(field, number)
            .map(Option::unwrap_or_default)
    }

    /// A time, or none where there is none. The outer `None` is one that is no time.
    #[expect(clippy::option_option, reason = "wrong and absent are two things")]
    fn time(&mut self, field: &str, sent: Option<&Timestamp>) -> Option<Option<DateTime<Utc>>> {
        let Some(sent) = sent else {
            return Some(None);
        };
        match time(sent) {
            Some(time) => Some(Some(time)),
            None => self.wrong(field, "must be a time in the years 1 to 9999"),
        }
    }

    fn port(&mut self, field: impl Into<String>, number: u32) -> Option<u16> {
        match u16::try_from(number) {
            Ok(port) if port > 0 => Some(port),
            _ => self.wrong(field, "must be 1 to 65535 (KurrentDB listens on 2113)"),
        }
    }

    /// The command's own reason, or the one that its context carries.
    fn reason(&mut self, own: &str, context: Option<&super::v1::CommandContext>) -> Option<Reason> {
        let given = match context {
            Some(context) if own.is_empty() && !context.reason.is_empty() => &context.reason,
            Some(_) | None => own,
        };
        if given.is_empty() {
            return self.wrong("reason", "is missing: say why, here or in the context");
        }
        self.take("reason", given)
    }

    pub(in crate::api) fn wrong<T>(
        &mut self,
        field: impl Into<String>,
        description: impl Into<String>,
    ) -> Option<T> {
        self.violations
            .push(FieldViolation::new(field, description));
        None
    }

    /// The parsed value, unless a field was wrong.
    pub(in crate::api) fn finish<T>(self, value: Option<T>) -> Result<T, Problem> {
        match value {
            Some(value) if self.violations.is_empty() => Ok(value),
            _ => Err(Problem::fields(self.violations)),
        }
    }
}

fn alternatives<W: Word>() -> String {
    let names: Vec<_> = W::ALL.iter().map(Word::name).collect();
    let (last, others) = names.split_last().unwrap_or((&"", &[]));
    if others.is_empty() {
        (*last).to_owned()
    } else {
        format!("{} or {last}", others.join(", "))
    }
}
