//! Firewalls: what each side admits, and what other owners' rules admit beside it.

use super::{posture, text, texts};
use crate::api::{time::timestamp, v1, words::number};
use domain::{
    Aim, FirewallAbilities, NetworkId, Side, Sources, Unspoken, Verdicts,
    network::{
        AttachTo, Attachment, Denial, Exposure, InboundRule, LeftAlone, Peering, Registered,
    },
    text::Interface,
};
use projections::ExposureView;

pub(super) fn firewall(network: &Registered, peering: &Peering) -> Vec<v1::Firewall> {
    peering
        .firewall
        .iter()
        .map(|(side, it)| {
            let (posture, posture_text) = posture::of(network, peering, side);
            let can = network.provider.firewall();
            let is_attached = can.aim == Aim::Attachment && peering.is_ours_to_keep(side);
            v1::Firewall {
                side: number::<v1::Side>(side),
                admit: it.admit.iter().map(rule).collect(),
                group: text(it.group.as_ref()),
                enforced: it.is_enforced(),
                posture: posture.into(),
                posture_text,
                attachment: is_attached.then(|| attachment(&it.attachment)),
                denials: denials(network, peering, side),
                abilities: Some(abilities(can)),
            }
        })
        .collect()
}

/// What the firewall of the side's provider can do.
fn abilities(it: FirewallAbilities) -> v1::FirewallAbilities {
    v1::FirewallAbilities {
        rules: verdicts(it.rules).into(),
        aim: match it.aim {
            Aim::Attachment => v1::RuleAim::Attachment,
            Aim::Addresses => v1::RuleAim::Addresses,
        }
        .into(),
        group_sources: match it.sources {
            Sources::Ranges => false,
            Sources::RangesAndGroups => true,
        },
        lists: it
            .lists
            .map_or(v1::RuleVerdicts::Unspecified, verdicts)
            .into(),
        open_by_default: match it.unspoken {
            Unspoken::KeptOut => false,
            Unspoken::LetIn => true,
        },
    }
}

fn verdicts(it: Verdicts) -> v1::RuleVerdicts {
    match it {
        Verdicts::OnlyAllow => v1::RuleVerdicts::OnlyAllow,
        Verdicts::OnlyDeny => v1::RuleVerdicts::OnlyDeny,
        Verdicts::AllowAndDeny => v1::RuleVerdicts::AllowAndDeny,
    }
}

fn denials(network: &Registered, peering: &Peering, side: Side) -> Option<v1::Denials> {
    let it = &peering.firewall.get(side).denials;
    if it.is_empty() {
        return None;
    }
    let wanted = it.wanted.as_ref();
    let denied = wanted.map(|_| network.denied(peering, side));
    let seen = it.enforced.as_ref();
    let seen = seen.filter(|seen| Some(&seen.denies) == denied.as_ref());
    Some(v1::Denials {
        subnets: texts(wanted.into_iter().flat_map(|it| &it.subnets)),
        lists: texts(seen.into_iter().flat_map(|it| &it.lists)),
        denies: texts(denied.into_iter().flatten()),
        entries: it.made.iter().map(list_entry).collect(),
    })
}

pub(in crate::api) fn list_entry(it: &Denial) -> v1::ListEntry {
    v1::ListEntry {
        list: it.list.to_string(),
        number: it.number.into(),
        denies: it.denies.to_string(),
    }
}

fn attachment(it: &Attachment) -> v1::Attachment {
    let left_alone = it.wanted.iter().flat_map(|wanted| &wanted.left_alone);
    v1::Attachment {
        interfaces: it.count(),
        seen_at: it.seen.map(|seen| timestamp(seen.at)),
        wanted: it.wanted.as_ref().map(|wanted| attach_to(&wanted.to)),
        attached_by_engine: texts(it.made.keys()),
        left_alone: left_alone.map(left_alone_because).collect(),
    }
}

fn attach_to(to: &AttachTo) -> v1::AttachTo {
    use v1::attach_to::To;
    let to = match to {
        AttachTo::Interfaces { interfaces } => To::Interfaces(v1::Interfaces {
            ids: texts(interfaces),
        }),
        AttachTo::Tag {
            key,
            value,
            followed,
        } => To::Tag(v1::InterfaceTag {
            key: key.to_string(),
            value: value.to_string(),
            followed: *followed,
        }),
    };
    v1::AttachTo { to: Some(to) }
}

fn left_alone_because((interface, why): (&Interface, &LeftAlone)) -> v1::InterfaceLeftAlone {
    let why = match why {
        LeftAlone::NotThere => "it is not in this network".to_owned(),
        LeftAlone::Managed { by } => format!("{by} manages it, and its groups"),
        LeftAlone::NoRoom { most } => format!("it has {most} groups, which is the most"),
    };
    v1::InterfaceLeftAlone {
        interface: interface.to_string(),
        why,
    }
}

pub(super) fn rule(it: &InboundRule) -> v1::InboundRule {
    v1::InboundRule {
        source: it.source.to_string(),
        port: it.port.into(),
        target: text(it.target.as_ref()),
    }
}

/// Other owners' rules that admit the other side, on both sides.
pub(super) fn exposures(peering: &Peering, network_id: NetworkId) -> Vec<v1::Exposure> {
    peering
        .firewall
        .iter()
        .flat_map(|(side, firewall)| {
            firewall.exposures.values().map(move |it| {
                let since = Some(timestamp(it.since));
                v1::Exposure {
                    network_id: network_id.to_string(),
                    peering_id: peering.id.to_string(),
                    since,
                    ..rule_of_others(side, &it.exposure)
                }
            })
        })
        .collect()
}

/// One of them, found across peerings.
pub(in crate::api) fn exposure(view: &ExposureView) -> v1::Exposure {
    v1::Exposure {
        network_id: view.network_id.to_string(),
        peering_id: view.peering_id.to_string(),
        since: Some(timestamp(view.since)),
        ..rule_of_others(view.side, &view.exposure)
    }
}

fn rule_of_others(side: Side, exposure: &Exposure) -> v1::Exposure {
    v1::Exposure {
        side: number::<v1::Side>(side),
        group: exposure.group.to_string(),
        group_name: exposure.group_name.clone(),
        rule_id: exposure.rule_id.to_string(),
        admits: exposure.admits.clone(),
        owner: exposure.owner.clone(),
        cannot_tell: exposure.cannot_tell,
        what: number::<v1::ExposedBy>(exposure.what),
        ..v1::Exposure::default()
    }
}
