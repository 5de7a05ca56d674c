//! `ConfirmOpening`: a review found that an opening is still needed. Each confirmation is an event:
//! that it was said before is no reason not to record that it was said again, at another time.

use super::{
    Refusal, Registered,
    command::ConfirmOpening,
    event::{NetworkEvent, OpeningConfirmed, Reviewed},
    refusal_facts::AdmissionUnknown,
};
use chrono::{DateTime, Utc};

pub(super) fn confirm(
    network: &Registered,
    command: &ConfirmOpening,
    now: DateTime<Utc>,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let ConfirmOpening {
        peering_id,
        opening,
    } = *command;
    let peering = network.standing(peering_id)?;
    if !peering.is_open(&opening) {
        return Err(match opening {
            Reviewed::Admission { rule } => Refusal::AdmissionUnknown(AdmissionUnknown {
                peering_id,
                from: rule.source,
                port: rule.port,
            }),
            Reviewed::Ingress { ingress_id } => Refusal::IngressUnknown {
                peering_id,
                ingress_id,
            },
            // One that stands is open.
            Reviewed::Peering => Refusal::PeeringUnknown { peering_id },
        });
    }
    if peering.confirmed.get(&opening) == Some(&now) {
        return Ok(Vec::new());
    }
    Ok(vec![
        OpeningConfirmed {
            peering_id,
            opening,
        }
        .into(),
    ])
}
