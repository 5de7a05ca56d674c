//! Which events are meant.

use crate::{
    api::v1::{self, EventOrder},
    cli::{
        CliError,
        args::{time_gone, timestamp},
        engine::Servers,
        resolve::{self, Named},
    },
};
use chrono::{DateTime, Utc};
use clap::Args;
use domain::{
    access::AccessEvent,
    approval::ApprovalEvent,
    connector::{ConnectorEvent, built_in::BuiltInEvent, parked::ParkedEvent},
    network::NetworkEvent,
};
use std::iter;
use uuid::Uuid;

#[derive(Debug, Args)]
pub(super) struct Filter {
    /// Only this network's: its id, the id's first characters, its name, or PROJECT/NAME, like
    /// orders.
    #[arg(long, value_name = "NETWORK")]
    network: Option<Named>,
    /// Only this peering's: its id, the id's first characters, its link's id, the peer's network,
    /// or ACCOUNT/NETWORK.
    #[arg(long, value_name = "PEERING")]
    peering: Option<Named>,
    /// Only about peerings with this account, like 444455556601.
    #[arg(long, value_name = "ACCOUNT", value_parser = said)]
    account: Option<String>,
    /// Only what this command did: its UUID, as the command printed it.
    #[arg(long, value_name = "UUID")]
    command: Option<Uuid>,
    /// Only what this actor did: the verified subject, or what was claimed, like ada@example.com.
    #[arg(long, value_name = "NAME", value_parser = said)]
    actor: Option<String>,
    /// Only what was done with this ticket, like OPS-1234.
    #[arg(long, value_name = "TICKET", value_parser = said)]
    ticket: Option<String>,
    /// Only events of this type, like PeeringRequested; again, or separated by commas, for more.
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',', value_parser = said)]
    types: Vec<String>,
    /// Only what names a range that is a part of this one, or that this one is a part of, like
    /// 10.20.0.0/16 or 10.20.0.5.
    #[arg(long, value_name = "RANGE|ADDRESS", value_parser = said)]
    range: Option<String>,
    /// Only what was decided since: how long ago, like 24h, or a time, like 2026-03-01T09:00:00Z.
    #[arg(long, value_name = "DURATION|TIME", value_parser = time_gone)]
    since: Option<DateTime<Utc>>,
    /// Only what was decided before: how long ago, like 1h, or a time, like 2026-03-02T09:00:00Z.
    #[arg(long, value_name = "DURATION|TIME", value_parser = time_gone)]
    until: Option<DateTime<Utc>>,
    /// Only what lies behind this position of the log, like 4711/4711.
    #[arg(long, value_name = "POSITION", value_parser = said)]
    after: Option<String>,
    /// Only what lies up to this position of the log, itself included, like 4711/4711.
    #[arg(long, value_name = "POSITION", value_parser = said)]
    up_to: Option<String>,
}

/// A value that says something: an empty one is a variable that was not set, and would ask for
/// everything.
pub(super) fn said(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(text.to_owned())
}

impl Filter {
    /// The question that it is, with names looked up.
    pub(super) async fn request(
        self,
        servers: &mut Servers,
        order: EventOrder,
    ) -> Result<v1::ListEventsRequest, CliError> {
        let span = self.since.zip(self.until);
        if span.is_some_and(|(since, until)| since >= until) {
            let text = "--since lies behind --until, or is the same";
            return Err(CliError::usage(text));
        }
        if self.since.is_some_and(|it| it > Utc::now()) {
            let text = "--since lies in the future: nothing is on record of it";
            return Err(CliError::usage(text));
        }
        let network_id = resolve::network_if_any(servers, self.network.as_ref()).await?;
        let peering_id = resolve::peering_if_any(servers, self.peering.as_ref()).await?;
        Ok(v1::ListEventsRequest {
            order: order.into(),
            network_id,
            peering_id,
            command_id: self.command.map(|it| it.to_string()).unwrap_or_default(),
            actor: self.actor.unwrap_or_default(),
            types: self.types,
            start_time: self.since.map(timestamp),
            end_time: self.until.map(timestamp),
            ticket: self.ticket.unwrap_or_default(),
            peer_account: self.account.unwrap_or_default(),
            range: self.range.unwrap_or_default(),
            after_position: self.after.unwrap_or_default(),
            until_position: self.up_to.unwrap_or_default(),
            ..Default::default()
        })
    }
}

/// Those of these types that this version does not know. Where nothing is found of one, its name
/// was mistyped.
pub(super) fn unknown_types(types: &[String]) -> impl Iterator<Item = &String> {
    let is_known = |it: &str| known_types().any(|known| known == journal::current_type(it));
    types.iter().filter(move |it| !is_known(it))
}

/// That this is no type of events.
pub(super) fn mistyped(unknown: &str) -> CliError {
    let near = known_types()
        .map(|it| (strsim::jaro_winkler(it, unknown), it))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    let meant = near
        .map(|(_, name)| format!("; did you mean `{name}`?"))
        .unwrap_or_default();
    CliError::usage(format!(
        "--type {unknown}: nothing was found, and no event type of this name is known{meant}"
    ))
}

fn known_types() -> impl Iterator<Item = &'static str> {
    let networks = NetworkEvent::NAMES.iter().copied();
    iter::empty()
        .chain(networks)
        .chain(ConnectorEvent::NAMES)
        .chain(BuiltInEvent::NAMES)
        .chain(ParkedEvent::NAMES)
        .chain(ApprovalEvent::NAMES)
        .chain(AccessEvent::NAMES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_type_is_told_with_what_may_be_meant_and_an_older_one_is_known() {
        let known = ["PeeringRequested", "AccessDenied", "ConnectorRecordParked"];
        let older = ["DnsResolutionSet", "DnsResolutionApplied"];
        let all: Vec<_> = known.into_iter().chain(older).chain(["Xyz"]).collect();
        let all: Vec<_> = all.into_iter().map(str::to_owned).collect();
        assert_eq!(unknown_types(&all).collect::<Vec<_>>(), ["Xyz"]);
        let told = mistyped("PeeringRequestd").text;
        assert!(told.contains("did you mean `PeeringRequested`?"), "{told}");
        let told = mistyped("Xyz").text;
        assert!(told.contains("--type Xyz: nothing was found"), "{told}");
        assert!(!told.contains("did you mean"), "{told}");
    }
}
