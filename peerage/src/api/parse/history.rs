//! What is asked of the log's past.

use super::{
    Fields,
    known::{Known, known},
};
use crate::api::{problem::Problem, v1};
use audit::Until;
use domain::{NetworkId, PeeringId};
use journal::Position;
use std::net::IpAddr;
use uuid::Uuid;

/// A network as it was.
#[derive(Clone, Debug)]
pub(in crate::api) struct At {
    pub(in crate::api) network: NetworkId,
    pub(in crate::api) peering: Option<PeeringId>,
    pub(in crate::api) until: Until,
    pub(in crate::api) min_position: Option<Position>,
}

/// What changed in a network.
#[derive(Clone, Debug)]
pub(in crate::api) struct Compared {
    pub(in crate::api) network: NetworkId,
    pub(in crate::api) from: Until,
    pub(in crate::api) to: Until,
    pub(in crate::api) min_position: Option<Position>,
}

/// Who could reach an address.
#[derive(Clone, Debug)]
pub(in crate::api) struct Reached {
    pub(in crate::api) address: IpAddr,
    pub(in crate::api) port: Option<u16>,
    pub(in crate::api) network: Option<NetworkId>,
    pub(in crate::api) until: Until,
    pub(in crate::api) min_position: Option<Position>,
}

pub(in crate::api) fn network_at(request: &v1::GetNetworkAtRequest) -> Result<At, Problem> {
    let mut fields = Fields::default();
    let network = fields.id("network_id", &request.network_id);
    let peering = fields.optional_id("peering_id", &request.peering_id);
    let until = place(&mut fields, "place", request.place.as_ref());
    let min_position = fields.optional("min_position", &request.min_position);
    let parsed = (|| {
        Some(At {
            network: network?,
            peering: peering?,
            until: until?,
            min_position: min_position?,
        })
    })();
    fields.finish(parsed)
}

pub(in crate::api) fn compare_network(
    request: &v1::CompareNetworkRequest,
) -> Result<Compared, Problem> {
    let mut fields = Fields::default();
    let network = fields.id("network_id", &request.network_id);
    let from = place(&mut fields, "from", request.from.as_ref());
    let to = place(&mut fields, "to", request.to.as_ref());
    let min_position = fields.optional("min_position", &request.min_position);
    let parsed = (|| {
        Some(Compared {
            network: network?,
            from: from?,
            to: to?,
            min_position: min_position?,
        })
    })();
    fields.finish(parsed)
}

pub(in crate::api) fn who_can_reach(request: &v1::WhoCanReachRequest) -> Result<Reached, Problem> {
    let mut fields = Fields::default();
    let address = match request.address.parse() {
        Ok(address) => Some(address),
        Err(_) => fields.wrong(
            "address",
            "must be an address, like 10.20.0.5 or fd00:20::5",
        ),
    };
    let port = match request.port {
        0 => Some(None),
        port => fields.port("port", port).map(Some),
    };
    let network = fields.optional_id("network_id", &request.network_id);
    let until = place(&mut fields, "place", request.place.as_ref());
    let min_position = fields.optional("min_position", &request.min_position);
    let parsed = (|| {
        Some(Reached {
            address: address?,
            port: port?,
            network: network?,
            until: until?,
            min_position: min_position?,
        })
    })();
    fields.finish(parsed)
}

/// What is to be explained.
#[derive(Clone, Debug)]
pub(in crate::api) enum About {
    /// A peering, in this network if it is named.
    Peering(PeeringId, Option<NetworkId>),
    /// The event at this position.
    Event(Position),
    /// The peering of this id, or the event.
    Id(Uuid),
}

pub(in crate::api) fn explain(
    request: &v1::ExplainRequest,
) -> Result<(About, Option<Position>), Problem> {
    let mut fields = Fields::default();
    let peering = fields.optional_id("peering_id", &request.peering_id);
    let network = fields.optional_id("network_id", &request.network_id);
    let event = fields.optional("event_position", &request.event_position);
    let min_position = fields.optional("min_position", &request.min_position);
    let id = fields.optional_id::<Uuid>("id", &request.id);
    let about = match (peering, event, id) {
        (Some(Some(peering)), Some(None), Some(None)) => {
            network.map(|it| About::Peering(peering, it))
        }
        (Some(None), Some(Some(event)), Some(None)) => Some(About::Event(event)),
        (Some(None), Some(None), Some(Some(id))) => Some(About::Id(id)),
        (Some(None), Some(None), Some(None)) => {
            fields.wrong("id", "is missing, and peering_id and event_position too")
        }
        (Some(_), Some(_), Some(_)) => fields.wrong(
            "id",
            "one of id, peering_id and event_position is to be named",
        ),
        (None, ..) | (_, None, _) | (.., None) => None,
    };
    let parsed = (|| Some((about?, min_position?)))();
    fields.finish(parsed)
}

/// A part of the log as it is stored.
#[derive(Clone, Debug)]
pub(in crate::api) struct Part {
    pub(in crate::api) after: Option<Position>,
    pub(in crate::api) most: usize,
    /// What its streams' names begin with; none: all that is audited.
    pub(in crate::api) prefixes: Vec<&'static str>,
    pub(in crate::api) min_position: Option<Position>,
    pub(in crate::api) known: Option<Known>,
}

/// The most records of an answer.
const RECORDS: i32 = 1000;

pub(in crate::api) fn read_log(request: &v1::ReadLogRequest) -> Result<Part, Problem> {
    let known = known(request.known_event.as_ref())?;
    let mut fields = Fields::default();
    let after = fields.optional("after_position", &request.after_position);
    let min_position = fields.optional("min_position", &request.min_position);
    let most = match request.most {
        0 => Some(RECORDS),
        most if most < 0 => fields.wrong("most", "must not be negative"),
        most => Some(most.min(RECORDS)),
    };
    let prefixes = super::reads::log_parts(&mut fields, &request.parts);
    let prefixes = prefixes.map(|parts| {
        let prefixes = parts.iter().flat_map(|it| match it {
            projections::Part::Networks => &["network-"][..],
            projections::Part::Connectors => &["connector-", "connectorParked-"],
            projections::Part::Access => &["access-"],
            projections::Part::Approvals => &["approval-"],
        });
        prefixes.copied().collect()
    });
    let parsed = (|| {
        Some(Part {
            after: after?,
            most: usize::try_from(most?).unwrap_or_default(),
            prefixes: prefixes?,
            min_position: min_position?,
            known,
        })
    })();
    fields.finish(parsed)
}

fn place(fields: &mut Fields, name: &str, place: Option<&v1::LogPlace>) -> Option<Until> {
    let Some(place) = place else {
        return Some(Until::End);
    };
    let position: Option<Position> =
        fields.optional(&format!("{name}.position"), &place.position)?;
    let time = fields.time(&format!("{name}.time"), place.time.as_ref())?;
    match (position, time) {
        (None, None) => Some(Until::End),
        (Some(position), None) => Some(Until::Position(position)),
        (None, Some(time)) => Some(Until::Time(time)),
        (Some(_), Some(_)) => fields.wrong(name, "must be a position or a time, not both"),
    }
}
