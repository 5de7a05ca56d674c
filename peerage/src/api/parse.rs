//! Requests into commands. Every wrong field is reported, not the first one only; nothing past its bounds gets any further.

use super::v1;
use domain::{
    CommandId, NetworkId, Provider, Range, Region,
    network::{AcceptRoute, InboundRule, Peer, RegisterNetwork, RequestPeering, RestrictFirewall},
    text::Actor,
};
use journal::{Caller, Position};
use projections::PageRequest;
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
    pub(super) fn take<T: FromStr<Err: Display>>(&mut self, field: impl Into<String>, text: &str) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => self.wrong(field, format!("{error}")),
        }
    }

    /// The same for an optional field: empty is absent.
    pub(super) fn optional<T: FromStr<Err: Display>>(&mut self, field: &str, text: &str) -> Option<T> {
        if text.is_empty() { None } else { self.take(field, text) }
    }

    fn id<T: FromStr>(&mut self, field: &str, text: &str) -> Option<T> {
        match text.parse() {
            Ok(id) => Some(id),
            Err(_) => self.wrong(field, "must be a UUID, like 3f0c6a3e-6c5b-4a57-9d4e-0d1c2b3a4f5e"),
        }
    }

    fn each<T: FromStr<Err: Display>>(&mut self, field: &str, texts: &[String]) -> Option<Vec<T>> {
        if texts.len() > ENTRIES {
            return self.wrong(field, format!("{} entries; {ENTRIES} at most", texts.len()));
        }
        let values: Vec<_> = texts.iter().enumerate().map(|(index, text)| self.take(format!("{field}[{index}]"), text)).collect();
        values.into_iter().collect()
    }

    fn region(&mut self, field: &str, provider: Option<Provider>, name: &str) -> Option<Region> {
        match Region::of(provider?, name) {
            Ok(region) => Some(region),
            Err(error) => self.wrong(field, error.to_string()),
        }
    }

    fn wrong<T>(&mut self, field: impl Into<String>, description: impl Into<String>) -> Option<T> {
        self.violations.push(FieldViolation::new(field, description));
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
        let text = self.violations.iter().map(|it| format!("{}: {}", it.field, it.description)).collect::<Vec<_>>().join("; ");
        let mut details = ErrorDetails::with_bad_request(self.violations);
        details.set_error_info("INVALID_FIELDS", super::DOMAIN, std::collections::HashMap::new());
        Status::with_error_details(tonic::Code::InvalidArgument, text, details)
    }
}

/// Who calls, from the message's context and the call's own metadata.
fn caller(fields: &mut Fields, context: Option<&v1::CommandContext>, traceparent: Option<String>) -> Option<Caller> {
    let Some(context) = context else {
        return fields.wrong("context", "is missing: it carries the command_id and the actor");
    };
    let command_id = fields.id::<CommandId>("context.command_id", &context.command_id);
    let actor = fields.take::<Actor>("context.actor", &context.actor);
    Some(Caller {
        command_id: command_id?,
        actor: actor?,
        correlation_id: None,
        causation_id: None,
        traceparent,
        expected_revision: context.expected_revision,
    })
}

/// A command for one network.
#[derive(Debug)]
pub(super) struct Addressed<C> {
    pub(super) caller: Caller,
    pub(super) network_id: NetworkId,
    pub(super) command: C,
}

pub(super) fn register_network(
    request: &v1::RegisterNetworkRequest,
    traceparent: Option<String>,
) -> Result<Addressed<RegisterNetwork>, Status> {
    let mut fields = Fields::default();
    let caller = caller(&mut fields, request.context.as_ref(), traceparent);
    let provider = fields.take::<Provider>("provider", &request.provider);
    let (project, name) = (fields.take("project", &request.project), fields.take("name", &request.name));
    let region = fields.region("region", provider, &request.region);
    let (account, cloud_network) = (fields.take("account", &request.account), fields.take("cloud_network", &request.cloud_network));
    let (range, subnets) = (fields.take("range", &request.range), fields.each("subnets", &request.subnets));
    let parsed = (|| {
        let caller = caller?;
        Some(Addressed {
            network_id: domain::Ids::of(caller.command_id).network(),
            caller,
            command: RegisterNetwork {
                project: project?,
                name: name?,
                provider: provider?,
                region: region?,
                account: account?,
                cloud_network: cloud_network?,
                range: range?,
                subnets: subnets?,
            },
        })
    })();
    fields.finish(parsed)
}

pub(super) fn request_peering(
    request: &v1::RequestPeeringRequest,
    traceparent: Option<String>,
) -> Result<Addressed<RequestPeering>, Status> {
    let mut fields = Fields::default();
    let caller = caller(&mut fields, request.context.as_ref(), traceparent);
    let network_id = fields.id("network_id", &request.network_id);
    let peer = match &request.peer {
        Some(peer) => parse_peer(&mut fields, peer),
        None => fields.wrong("peer", "is missing: name the network on the other end"),
    };
    let parsed = (|| Some(Addressed { caller: caller?, network_id: network_id?, command: RequestPeering { peer: peer? } }))();
    fields.finish(parsed)
}

fn parse_peer(fields: &mut Fields, peer: &v1::Peer) -> Option<Peer> {
    let provider = fields.take::<Provider>("peer.provider", &peer.provider);
    let account = fields.take("peer.account", &peer.account);
    let region = fields.region("peer.region", provider, &peer.region);
    let cloud_network = fields.take("peer.cloud_network", &peer.cloud_network);
    let ranges = fields.each::<Range>("peer.ranges", &peer.ranges);
    let subnets = fields.each("peer.subnets", &peer.subnets);
    Some(Peer {
        provider: provider?,
        account: account?,
        region: region?,
        cloud_network: cloud_network?,
        ranges: ranges?,
        subnets: subnets?,
    })
}

pub(super) fn accept_route(request: &v1::AcceptRouteRequest, traceparent: Option<String>) -> Result<Addressed<AcceptRoute>, Status> {
    let mut fields = Fields::default();
    let caller = caller(&mut fields, request.context.as_ref(), traceparent);
    let network_id = fields.id("network_id", &request.network_id);
    let peering_id = fields.id("peering_id", &request.peering_id);
    let side = fields.take("side", &request.side);
    let destination = fields.take("destination", &request.destination);
    let parsed = (|| {
        let command = AcceptRoute { peering_id: peering_id?, side: side?, destination: destination? };
        Some(Addressed { caller: caller?, network_id: network_id?, command })
    })();
    fields.finish(parsed)
}

pub(super) fn restrict_firewall(
    request: &v1::RestrictFirewallRequest,
    traceparent: Option<String>,
) -> Result<Addressed<RestrictFirewall>, Status> {
    let mut fields = Fields::default();
    let caller = caller(&mut fields, request.context.as_ref(), traceparent);
    let network_id = fields.id("network_id", &request.network_id);
    let peering_id = fields.id("peering_id", &request.peering_id);
    let side = fields.take("side", &request.side);
    let admit = inbound_rules(&mut fields, &request.admit);
    let parsed = (|| {
        let command = RestrictFirewall { peering_id: peering_id?, side: side?, admit: admit? };
        Some(Addressed { caller: caller?, network_id: network_id?, command })
    })();
    fields.finish(parsed)
}

fn inbound_rules(fields: &mut Fields, rules: &[v1::InboundRule]) -> Option<Vec<InboundRule>> {
    if rules.len() > ENTRIES {
        return fields.wrong("admit", format!("{} entries; {ENTRIES} at most", rules.len()));
    }
    let parsed: Vec<_> = rules
        .iter()
        .enumerate()
        .map(|(index, rule)| {
            let source = fields.take(format!("admit[{index}].source"), &rule.source);
            let port = match u16::try_from(rule.port) {
                Ok(port) if port > 0 => Some(port),
                _ => fields.wrong(format!("admit[{index}].port"), "must be 1 to 65535 (KurrentDB listens on 2113)"),
            };
            Some(InboundRule { source: source?, port: port? })
        })
        .collect();
    parsed.into_iter().collect()
}

/// The largest page that can be asked for.
const LARGEST_PAGE: u32 = 1000;

/// Which part of an answer is wanted, and how fresh it must be.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) page: PageRequest,
    pub(super) min_position: Option<Position>,
}

pub(super) fn reading(fields: &mut Fields, size: u32, token: String, min_position: &str) -> Option<Reading> {
    let min_position = fields.optional("min_position", min_position);
    if size > LARGEST_PAGE {
        return fields.wrong("page_size", format!("{LARGEST_PAGE} at most"));
    }
    let page = PageRequest { size: size as usize, token: Some(token).filter(|it| !it.is_empty()) };
    Some(Reading { page, min_position })
}

/// A page token that belongs to no question, or to another one.
pub(super) fn wrong_token() -> Status {
    let mut fields = Fields::default();
    let _: Option<()> = fields.wrong("page_token", "belongs to another question; leave it out to begin again");
    fields.into_status()
}

pub(super) fn id<T: FromStr>(fields: &mut Fields, field: &str, text: &str) -> Option<T> {
    fields.id(field, text)
}

pub(super) fn optional_id<T: FromStr>(fields: &mut Fields, field: &str, text: &str) -> Option<T> {
    if text.is_empty() { None } else { fields.id(field, text) }
}
