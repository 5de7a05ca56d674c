//! Requests into commands. Every wrong field is reported, not the first one only; nothing past its
//! bounds gets any further.

mod firewall;
mod networks;
mod peerings;
mod plan;
mod routes;
#[cfg(test)]
mod tests;

pub(super) use firewall::{allow_connector_ingress, restrict_firewall, revoke_connector_ingress};
pub(super) use networks::{check_drift, register_network, retire_network, set_policy};
pub(super) use peerings::{
    abandon_peering, adopt_peering, remove_peering, request_peering, set_dns_resolution,
};
pub(super) use plan::{Planned, plan_peering};
pub(super) use routes::{accept_route, replace_route, withdraw_route};

use super::v1;
use chrono::{DateTime, Utc};
use domain::{
    Actor, CommandId, IngressId, NetworkId, PeeringId, Provider, Region, network::NetworkCommand,
};
use journal::{Caller, Position};
use projections::{PageRequest, WhileBuilding};
use std::{fmt::Display, str::FromStr};
use tonic::Status;
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

/// The most entries of a repeated field.
const ENTRIES: usize = 1000;

/// Collects what is wrong with a request.
#[derive(Debug, Default)]
pub(super) struct Fields {
    violations: Vec<FieldViolation>,
}

impl Fields {
    /// The field's value, or a note of what is wrong with it.
    pub(super) fn take<T: FromStr<Err: Display>>(
        &mut self,
        field: impl Into<String>,
        text: &str,
    ) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => self.wrong(field, format!("{error}")),
        }
    }

    /// The same for an optional field: empty is absent.
    pub(super) fn optional<T: FromStr<Err: Display>>(
        &mut self,
        field: &str,
        text: &str,
    ) -> Option<T> {
        if text.is_empty() {
            None
        } else {
            self.take(field, text)
        }
    }

    fn id<T: FromStr>(&mut self, field: &str, text: &str) -> Option<T> {
        match text.parse() {
            Ok(id) => Some(id),
            Err(_) => self.wrong(
                field,
                "must be a UUID, like 3f0c6a3e-6c5b-4a57-9d4e-0d1c2b3a4f5e",
            ),
        }
    }

    fn each<T: FromStr<Err: Display>>(&mut self, field: &str, texts: &[String]) -> Option<Vec<T>> {
        if texts.len() > ENTRIES {
            return self.wrong(field, format!("{} entries; {ENTRIES} at most", texts.len()));
        }
        let values: Vec<_> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| self.take(format!("{field}[{index}]"), text))
            .collect();
        values.into_iter().collect()
    }

    fn region(&mut self, field: &str, provider: Option<Provider>, name: &str) -> Option<Region> {
        match Region::of(provider?, name) {
            Ok(region) => Some(region),
            Err(error) => self.wrong(field, error.to_string()),
        }
    }

    /// One of a few words; `None` if it is another.
    fn word<T: Copy>(
        &mut self,
        field: &str,
        text: &str,
        all: &[T],
        word: fn(&T) -> &'static str,
    ) -> Option<T> {
        match all.iter().find(|it| word(it) == text) {
            Some(found) => Some(*found),
            None => self.wrong(
                field,
                format!("must be {}", alternatives(all.iter().map(word))),
            ),
        }
    }

    /// The same for an optional field: empty is the usual.
    fn word_or_usual<T: Copy + Default>(
        &mut self,
        field: &str,
        text: &str,
        all: &[T],
        word: fn(&T) -> &'static str,
    ) -> Option<T> {
        if text.is_empty() {
            Some(T::default())
        } else {
            self.word(field, text, all, word)
        }
    }

    /// A time, or none where there is no text. The outer `None` is a text that is no time.
    #[expect(clippy::option_option, reason = "wrong and absent are two things")]
    fn time(&mut self, field: &str, text: &str) -> Option<Option<DateTime<Utc>>> {
        if text.is_empty() {
            return Some(None);
        }
        match DateTime::parse_from_rfc3339(text) {
            Ok(time) => Some(Some(time.to_utc())),
            Err(_) => self.wrong(field, "must be a time like 2026-03-01T09:00:00Z (RFC 3339)"),
        }
    }

    fn port(&mut self, field: impl Into<String>, number: u32) -> Option<u16> {
        match u16::try_from(number) {
            Ok(port) if port > 0 => Some(port),
            _ => self.wrong(field, "must be 1 to 65535 (KurrentDB listens on 2113)"),
        }
    }

    fn wrong<T>(&mut self, field: impl Into<String>, description: impl Into<String>) -> Option<T> {
        self.violations
            .push(FieldViolation::new(field, description));
        None
    }

    /// The parsed value, unless a field was wrong.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Status> {
        match value {
            Some(value) if self.violations.is_empty() => Ok(value),
            _ => Err(self.into_status()),
        }
    }

    fn into_status(self) -> Status {
        let text = self
            .violations
            .iter()
            .map(|it| format!("{}: {}", it.field, it.description))
            .collect::<Vec<_>>()
            .join("; ");
        let mut details = ErrorDetails::with_bad_request(self.violations);
        details.set_error_info(
            "INVALID_FIELDS",
            super::DOMAIN,
            std::collections::HashMap::new(),
        );
        Status::with_error_details(tonic::Code::InvalidArgument, text, details)
    }
}

fn alternatives(words: impl Iterator<Item = &'static str>) -> String {
    let words: Vec<_> = words.collect();
    let (last, others) = words.split_last().unwrap_or((&"", &[]));
    if others.is_empty() {
        (*last).to_owned()
    } else {
        format!("{} or {last}", others.join(", "))
    }
}

/// Who calls, from the message's context and the call's own metadata.
fn caller(
    fields: &mut Fields,
    context: Option<&v1::CommandContext>,
    traceparent: Option<String>,
) -> Option<Caller> {
    let Some(context) = context else {
        return fields.wrong(
            "context",
            "is missing: it carries the command_id and the actor",
        );
    };
    let command_id = fields.id::<CommandId>("context.command_id", &context.command_id);
    let actor = fields.take::<Actor>("context.actor", &context.actor);
    Some(Caller {
        traceparent,
        expected_revision: context.expected_revision,
        ..Caller::new(command_id?, actor?)
    })
}

/// A command for one network.
#[derive(Debug)]
pub(super) struct Addressed {
    pub(super) caller: Caller,
    pub(super) network_id: NetworkId,
    pub(super) command: NetworkCommand,
}

impl Addressed {
    /// The peering that the command is about, or that it makes.
    pub(super) fn peering_id(&self) -> Option<PeeringId> {
        if matches!(
            self.command,
            NetworkCommand::RequestPeering(_) | NetworkCommand::AdoptPeering(_)
        ) {
            return Some(domain::Ids::of(self.caller.command_id).peering(self.network_id));
        }
        self.command.peering_id()
    }

    /// The connector ingress that the command allows.
    pub(super) fn ingress_id(&self) -> Option<IngressId> {
        if let NetworkCommand::AllowConnectorIngress(it) = &self.command {
            return Some(domain::Ids::of(self.caller.command_id).ingress(it.peering_id));
        }
        None
    }
}

/// What every command to a network begins with.
struct Envelope {
    caller: Caller,
    network_id: NetworkId,
}

impl Envelope {
    fn of(
        fields: &mut Fields,
        context: Option<&v1::CommandContext>,
        network_id: &str,
        traceparent: Option<String>,
    ) -> Option<Self> {
        let caller = caller(fields, context, traceparent);
        let network_id = fields.id("network_id", network_id);
        Some(Self {
            caller: caller?,
            network_id: network_id?,
        })
    }

    fn with(self, command: impl Into<NetworkCommand>) -> Addressed {
        Addressed {
            caller: self.caller,
            network_id: self.network_id,
            command: command.into(),
        }
    }
}

/// The largest page that can be asked for.
const LARGEST_PAGE: u32 = 1000;

/// Which part of an answer is wanted, and how fresh it must be.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) page: PageRequest,
    pub(super) min_position: Option<Position>,
}

pub(super) fn reading(
    fields: &mut Fields,
    size: u32,
    token: String,
    min_position: &str,
) -> Option<Reading> {
    let min_position = fields.optional("min_position", min_position);
    if size > LARGEST_PAGE {
        return fields.wrong("page_size", format!("{LARGEST_PAGE} at most"));
    }
    let page = PageRequest {
        size: size as usize,
        token: Some(token).filter(|it| !it.is_empty()),
        while_building: WhileBuilding::Answer,
    };
    Some(Reading { page, min_position })
}

/// A page token that belongs to no question, or to another one.
pub(super) fn wrong_token() -> Status {
    let mut fields = Fields::default();
    let _: Option<()> = fields.wrong(
        "page_token",
        "belongs to another question; leave it out to begin again",
    );
    fields.into_status()
}

pub(super) fn id<T: FromStr>(fields: &mut Fields, field: &str, text: &str) -> Option<T> {
    fields.id(field, text)
}

pub(super) fn optional_id<T: FromStr>(fields: &mut Fields, field: &str, text: &str) -> Option<T> {
    if text.is_empty() {
        None
    } else {
        fields.id(field, text)
    }
}
