//! What every command begins with: who sends it, why, whether it is only to be tried, and which
//! network it is for.

use super::Fields;
use crate::api::{problem::Problem, v1};
use domain::{Actor, CommandId, NetworkId, PeeringId, Places, network::NetworkCommand};
use journal::Caller;
use workers::provisioner::ACTOR;

/// A request that is a command.
pub(in crate::api) trait Command {
    fn context(&self) -> Option<&v1::CommandContext>;

    fn validate_only(&self) -> bool;

    /// Whom the command is for, and what it says.
    fn body(&self, fields: &mut Fields) -> Option<(Address, NetworkCommand)>;
}

macro_rules! command {
    ($request:ident, $fields:ident, $this:ident => $body:expr) => {
        impl $crate::api::parse::Command for $crate::api::v1::$request {
            fn context(&self) -> Option<&$crate::api::v1::CommandContext> {
                self.context.as_ref()
            }

            fn validate_only(&self) -> bool {
                self.validate_only
            }

            fn body(
                &self,
                $fields: &mut $crate::api::parse::Fields,
            ) -> Option<($crate::api::parse::Address, domain::network::NetworkCommand)> {
                let $this = self;
                $body
            }
        }
    };
}
pub(super) use command;

/// The network that a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum Address {
    /// The one that it registers.
    New,
    Network(NetworkId),
    /// The peering's, whichever that is.
    Peering(PeeringId),
    /// Every network that is served.
    All,
}

/// A command that can be carried out once its network is known.
#[derive(Debug)]
pub(in crate::api) struct Parsed {
    pub(in crate::api) caller: Caller,
    pub(in crate::api) validate_only: bool,
    pub(in crate::api) address: Address,
    pub(in crate::api) command: NetworkCommand,
}

impl Parsed {
    pub(in crate::api) fn of(
        request: &impl Command,
        traceparent: Option<String>,
        places: &Places,
    ) -> Result<Self, Problem> {
        let mut fields = Fields::knowing(places);
        let caller = caller(&mut fields, request.context(), traceparent);
        let body = request.body(&mut fields);
        let parsed = (|| {
            let (address, command) = body?;
            Some(Self {
                caller: caller?,
                validate_only: request.validate_only(),
                address,
                command,
            })
        })();
        fields.finish(parsed)
    }
}

/// Who calls, from the message's context and the call's own metadata.
pub(in crate::api) fn caller(
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
    let actor = if context.actor == ACTOR {
        fields.wrong("context.actor", "is what the engine itself is called")
    } else {
        fields.take::<Actor>("context.actor", &context.actor)
    };
    let reason = fields.optional("context.reason", &context.reason);
    let ticket = fields.optional("context.ticket", &context.ticket);
    Some(Caller {
        reason: reason?,
        ticket: ticket?,
        traceparent,
        expected_revision: context.expected_revision,
        ..Caller::new(command_id?, actor?)
    })
}

/// The network that a command names.
pub(super) fn network(fields: &mut Fields, id: &str) -> Option<Address> {
    fields.id("network_id", id).map(Address::Network)
}

/// The one network or all of them: exactly one of the two is to be named.
pub(super) fn networks(
    fields: &mut Fields,
    id: &str,
    all: bool,
    context: Option<&v1::CommandContext>,
) -> Option<Address> {
    if !all {
        return network(fields, id);
    }
    if !id.is_empty() {
        return fields.wrong("network_id", "is named together with all_networks");
    }
    if context.is_some_and(|it| it.expected_revision.is_some()) {
        return fields.wrong(
            "context.expected_revision",
            "is of one network, and this command goes to all",
        );
    }
    Some(Address::All)
}

/// The peering that a command is about, and its network, which the log knows if the command does
/// not.
pub(super) fn peering(
    fields: &mut Fields,
    peering_id: &str,
    network_id: &str,
) -> Option<(PeeringId, Address)> {
    let network = fields.optional_id::<NetworkId>("network_id", network_id);
    let peering: PeeringId = fields.id("peering_id", peering_id)?;
    let address = network?.map_or(Address::Peering(peering), Address::Network);
    Some((peering, address))
}
