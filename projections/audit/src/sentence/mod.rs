//! What happened, in a sentence: one for each event type, short enough for one line of a terminal.
//!
//! The match is over all event types: a new one does not compile without its sentence, and the
//! golden table shows each as people read it. What an event does is known to the domain alone; a
//! sentence only tells what it says.

mod firewall;
mod network;
mod others;
mod policy;
mod tenure;
#[cfg(test)]
mod tests;
mod words;

pub use others::{access_sentence, approval_sentence, connector_sentence, sentence_of};

use crate::Unsaid;
use domain::CloudMode;
use domain::network::{Consent, HalfChange, IngressEnd, NetworkEvent, OrphanEnd};
use words::{
    WIDTH, accepted_by, at, attached, count, drift, ingress, leftover, list, orphan, plain, ranges,
    rule, rules, scope, side, subnets, things, until,
};

/// The event as a sentence without its subject, like `opened TCP 5432 …`; 98 columns at most.
pub fn sentence(event: &NetworkEvent) -> String {
    fit(&of(event))
}

/// The same, with what the event does not say itself.
pub fn sentence_with(event: &NetworkEvent, unsaid: Option<&Unsaid>) -> String {
    let told = unsaid.and_then(|it| tenure::with(event, it));
    // What does not fit takes nothing from what the event says.
    let fits = told.filter(|it| it.chars().count() <= WIDTH);
    fits.map_or_else(|| sentence(event), |it| fit(&it))
}

/// A thing that the engine makes, like `a route to 10.20.0.0/16 in rtb-0a`.
pub fn thing(thing: &domain::network::Thing) -> String {
    fit(&words::thing(thing))
}

/// What is told of an event that this version cannot read.
pub fn unreadable(event_type: &str) -> String {
    fit(&format!(
        "{event_type}: an event that this version cannot read"
    ))
}

/// The sentence with what stands in for the provider's own cloud, like `the link is up
/// (simulated)`; so much longer than any. Nothing of that is real, and it is not to be taken for
/// it.
pub fn marked(sentence: &str, cloud: Option<&CloudMode>) -> String {
    let mark = match cloud {
        None | Some(CloudMode::Real) => return sentence.to_owned(),
        Some(CloudMode::Emulator { .. }) => " (emulated)",
        Some(CloudMode::Simulated) => " (simulated)",
    };
    format!("{sentence}{mark}")
}

/// On one line, and cut where it would be too long: texts of callers and of clouds are in it.
fn fit(sentence: &str) -> String {
    let clean: String = sentence
        .chars()
        .map(|it| if it.is_control() { ' ' } else { it })
        .collect();
    if clean.chars().count() <= WIDTH {
        return clean;
    }
    let kept: String = clean.chars().take(WIDTH - 1).collect();
    format!("{}…", kept.trim_end())
}

fn of(event: &NetworkEvent) -> String {
    match event {
        NetworkEvent::NetworkRegistered(it) => network::registered(it),
        NetworkEvent::NetworkCloudRecorded(it) => {
            format!("put on record what the network's cloud is: {}", it.cloud)
        }
        NetworkEvent::NetworkImmutableIdSeen(it) => {
            format!("saw that the network's immutable id is {}", it.immutable_id)
        }
        NetworkEvent::NetworkQuotasSeen(it) => words::quotas(it),
        NetworkEvent::NetworkIdentityMarked(it) => {
            format!("noted that the network is on record as {}", it.held_by)
        }
        NetworkEvent::NetworkPolicySet(it) => policy::policy(&it.policy),
        NetworkEvent::NetworkSubnetsChanged(it) => {
            format!("chose the network's subnets: {}", subnets(&it.subnets))
        }
        NetworkEvent::NetworkNodesSet(it) => network::nodes(it),
        NetworkEvent::NetworkIpv6RangesSet(it) => network::ipv6_ranges(it),
        NetworkEvent::DriftCheckRequested(_) => "asked for a check for drift".to_owned(),
        NetworkEvent::NetworkFrozen(it) => {
            let of = if it.everywhere {
                "all networks"
            } else {
                "the network"
            };
            format!("froze {of}: nothing is opened or repaired ({})", it.reason)
        }
        NetworkEvent::NetworkThawed(_) => "ended the freeze".to_owned(),
        NetworkEvent::QuarantineImposed(it) => {
            if it.everywhere {
                format!(
                    "quarantined {} everywhere ({})",
                    scope(&it.scope),
                    it.reason
                )
            } else {
                format!("put {} in quarantine ({})", scope(&it.scope), it.reason)
            }
        }
        NetworkEvent::QuarantineLifted(it) => {
            format!("lifted the quarantine of {}", scope(&it.scope))
        }
        NetworkEvent::OrphanFound(it) => {
            let copied = if it.is_copy {
                ", with a copied tag"
            } else {
                ""
            };
            format!(
                "found an orphan in {}: {}{copied}",
                it.account,
                orphan(&it.thing)
            )
        }
        NetworkEvent::OrphanCleared(it) => {
            let how = match it.end {
                OrphanEnd::Removed => "removed",
                OrphanEnd::Gone => "gone by itself",
                OrphanEnd::Claimed => "accounted for",
            };
            format!("orphan {} is {how}", it.orphan)
        }
        NetworkEvent::OrphanRemovalRequested(it) => {
            format!("asked to remove orphan {} ({})", it.orphan, it.reason)
        }
        NetworkEvent::OrphanRemovalFailed(it) => {
            format!("orphan {} could not be removed: {}", it.orphan, it.message)
        }
        NetworkEvent::NetworkRetired(it) => format!("retired the network ({})", it.reason),
        NetworkEvent::PeeringRequested(it) => {
            let consent = match it.terms.consent {
                Consent::Delegated => "",
                Consent::Owner => "; its owner accepts",
            };
            // At Azure a network's id is a path, and the last of it its name.
            let network = it.peer.cloud_network.as_str().rsplit('/').next();
            let network = network.unwrap_or_default();
            match &it.terms.accept_open {
                None => format!(
                    "requested a peering with {}/{network} ({}){consent}",
                    it.peer.account,
                    ranges(&it.peer.ranges)
                ),
                Some(why) => format!(
                    "requested a peering that may come up open with {}/{network}{consent}: {why}",
                    it.peer.account
                ),
            }
        }
        NetworkEvent::PeeringAdopted(it) => {
            let (link, peer) = (&it.link, &it.peer);
            match it.expires_at {
                None => format!(
                    "adopted link {link} with {}/{} ({})",
                    peer.account,
                    peer.cloud_network,
                    ranges(&peer.ranges)
                ),
                Some(end) => format!(
                    "adopted link {link} with {}, open until {}",
                    peer.cloud_network,
                    until(end)
                ),
            }
        }
        NetworkEvent::PeerRangesAdded(it) => format!("added {} to the peer", ranges(&it.ranges)),
        NetworkEvent::PeerRangesConfirmed(it) => {
            format!("saw that {} belongs to the peer", ranges(&it.ranges))
        }
        NetworkEvent::PeerImmutableIdSeen(it) => {
            format!(
                "saw that the immutable id of the peer's network is {}",
                it.immutable_id
            )
        }
        NetworkEvent::PeerRangesDropped(it) => {
            format!("gave up {} of the peer", ranges(&it.ranges))
        }
        NetworkEvent::PeerSubnetsChanged(it) => {
            format!("chose the peer's subnets: {}", subnets(&it.subnets))
        }
        NetworkEvent::RouteAccepted(it) => {
            format!(
                "let {} send {} over the link",
                side(it.side),
                it.destination
            )
        }
        NetworkEvent::RouteWithdrawn(it) => {
            let instead = it.replaced_by.map(|by| format!(", in favour of {by}"));
            format!(
                "no longer lets {} send {} over the link{}",
                side(it.side),
                it.destination,
                instead.unwrap_or_default()
            )
        }
        NetworkEvent::FirewallRestricted(it) if it.admit.is_empty() => {
            format!("closed {}: nothing is admitted", side(it.side))
        }
        NetworkEvent::FirewallRestricted(it) => {
            let said = tenure::told(&it.tenure);
            format!("restricted {} to {}{said}", side(it.side), rules(&it.admit))
        }
        NetworkEvent::PeeringTenureSet(it) => tenure::set(it),
        NetworkEvent::OpeningConfirmed(it) => tenure::confirmed(it),
        NetworkEvent::PeeringTenureEnded(it) => tenure::ended(it),
        NetworkEvent::AdmissionExpired(it) => tenure::admission_expired(it),
        NetworkEvent::ConnectorIngressAllowed(it) => {
            let end = it.expires_at.map(|end| format!(" until {}", until(end)));
            let rules = std::iter::once(&it.rule).chain(&it.also);
            format!(
                "opened {}{}, for ‘{}’",
                ingress(it.target, rules),
                end.unwrap_or_default(),
                it.reason
            )
        }
        NetworkEvent::ConnectorIngressRevoked(it) => {
            let how = match it.because {
                IngressEnd::Revoked => "was revoked",
                IngressEnd::Expired => "has expired",
            };
            format!("connector ingress {} {how}", it.ingress_id)
        }
        NetworkEvent::LinkOptionSet(it) => {
            let to = if it.enabled {
                "switch on"
            } else {
                "switch off"
            };
            format!("asked to {to} {} of {}", it.option.title(), side(it.side))
        }
        NetworkEvent::FirewallAttachmentRequested(it) => format!(
            "asked to attach the group of {} to {}",
            side(it.side),
            attached(&it.to)
        ),
        NetworkEvent::FirewallAttachmentWithdrawn(it) => {
            format!("asked to detach the group of {}", side(it.side))
        }
        NetworkEvent::DenialRequested(it) => firewall::to_deny(it),
        NetworkEvent::DenialWithdrawn(it) => {
            format!(
                "asked to stop denying in front of subnets of {}",
                side(it.side)
            )
        }
        NetworkEvent::PeeringRemovalRequested(it) => {
            format!("asked to remove the peering ({})", it.reason)
        }
        NetworkEvent::PeeringAbandonmentRequested(it) => {
            let clean = it.clean.map(|it| format!(", cleaning {}", side(it)));
            let clean = clean.unwrap_or_default();
            format!("asked to abandon the peering{clean} ({})", it.reason)
        }
        NetworkEvent::PeeringAbandoned(it) => {
            format!(
                "abandoned the peering; left behind: {}",
                list(it.left_behind.iter().map(leftover))
            )
        }
        NetworkEvent::PeeringInitiationStarted(it) => {
            format!(
                "about to ask the cloud for the link (attempt {})",
                it.attempt
            )
        }
        NetworkEvent::PeeringInitiationRefused(it) => {
            let why = it.cause.map(|it| format!(": {}", plain(it.as_str())));
            let why = why.unwrap_or_default();
            format!("the cloud refused the link (attempt {}){why}", it.attempt)
        }
        NetworkEvent::PeeringInitiated(it) => {
            let end = it
                .expires_at
                .map(|end| format!(", open until {}", until(end)));
            format!("link {} is there{}", it.link, end.unwrap_or_default())
        }
        NetworkEvent::PeeringExpiryNear(it) => {
            format!(
                "link {} still waits and expires on {}",
                it.link,
                until(it.expires_at)
            )
        }
        NetworkEvent::PeeringAccepted(it) => {
            let by = it.evidence.as_ref().map(accepted_by).unwrap_or_default();
            format!("link {} was accepted{by}", it.link)
        }
        NetworkEvent::PeeringActivated(it) => format!("link {} is active", it.link),
        NetworkEvent::PeeringRejected(it) => format!("link {} was rejected", it.link),
        NetworkEvent::PeeringExpired(it) => {
            format!("link {} expired: nobody accepted it in time", it.link)
        }
        NetworkEvent::PeeringRenewed(it) => {
            format!("asked for the link once more: {} had expired", it.expired)
        }
        NetworkEvent::PeeringFailed(it) => format!("the cloud gave the link up: {}", it.message),
        NetworkEvent::PeeringDeadlinePassed(it) => {
            format!(
                "the link was not active by {}: it is taken back",
                until(it.deadline)
            )
        }
        NetworkEvent::LinkAccepterSeen(it) => {
            format!("link {} was asked of {}", it.link, side(it.accepter))
        }
        NetworkEvent::PeeringSurveyed(it) => format!(
            "surveyed the adopted link: {} and {} stay as they are",
            count(it.routes.len(), "route", "routes"),
            count(it.names.len() + it.options.len(), "option", "options")
        ),
        NetworkEvent::HalfChangeStarted(it) => {
            let what = match it.change {
                HalfChange::Make => "make",
                HalfChange::Remove => "remove",
            };
            format!("about to {what} half {} of {}", it.link, side(it.side))
        }
        NetworkEvent::HalfOperationStarted(it) => {
            format!(
                "the cloud works on the half of {} ({})",
                side(it.side),
                it.operation
            )
        }
        NetworkEvent::HalfOperationFailed(it) => {
            format!(
                "the half of {} was not changed: {}",
                side(it.side),
                it.message
            )
        }
        NetworkEvent::HalfMade(it) => match &it.link {
            Some(link) => format!("half {link} of {} is there", side(it.side)),
            None => format!("the owner's half of {} is there", side(it.side)),
        },
        NetworkEvent::HalfRemoved(it) => match &it.link {
            Some(link) => format!("half {link} of {} is gone", side(it.side)),
            None => format!("the half of {} is gone", side(it.side)),
        },
        NetworkEvent::LinkRemoved(it) => format!("link {} is gone", it.link),
        NetworkEvent::PeeringRemoved(it) if it.left_behind.is_empty() => {
            "the peering is removed; nothing is left".to_owned()
        }
        NetworkEvent::PeeringRemoved(it) => {
            format!(
                "the peering is removed; left behind: {}",
                list(it.left_behind.iter().map(leftover))
            )
        }
        NetworkEvent::InstallationStarted(it) => {
            format!("about to make on {}: {}", side(it.side), things(&it.things))
        }
        NetworkEvent::InstallationEnded(it) => {
            format!("not made on {}: {}", side(it.side), things(&it.things))
        }
        NetworkEvent::RouteInstalled(it) => {
            format!(
                "{} routes {} in {}",
                side(it.side),
                it.destination,
                it.route_table
            )
        }
        NetworkEvent::RouteRemoved(it) => {
            let of = side(it.side);
            format!(
                "{of} no longer routes {} in {}",
                it.destination, it.route_table
            )
        }
        NetworkEvent::RouteConflicted(it) => {
            let (table, of, to) = (&it.route_table, side(it.side), it.destination);
            match it.left_by {
                None => format!("{table} on {of} already sends {to} to {}", it.target),
                Some(_) => {
                    format!("{table} on {of} has a route to {to} that an ended peering left")
                }
            }
        }
        NetworkEvent::RouteFound(it) => format!(
            "found a route of others to {} in {} on {}",
            it.destination,
            at(&it.at),
            side(it.side)
        ),
        NetworkEvent::RoutesEnforced(it) => format!(
            "saw {} of {} in {}",
            count(it.destinations.len(), "route", "routes"),
            side(it.side),
            list(it.at.iter().map(at))
        ),
        NetworkEvent::RoutesSuspended(it) => {
            format!(
                "withdrew the routes of {}: exposed by {}",
                side(it.side),
                list(&it.exposures)
            )
        }
        NetworkEvent::RoutesResumed(it) => {
            format!("the routes of {} are wanted again", side(it.side))
        }
        NetworkEvent::FirewallGroupCreated(it) => {
            format!("firewall group {} of {} is there", it.group, side(it.side))
        }
        NetworkEvent::FirewallGroupRemoved(it) => {
            format!("firewall group {} of {} is gone", it.group, side(it.side))
        }
        NetworkEvent::FirewallRuleAuthorized(it) => {
            format!(
                "{} admits {} ({})",
                side(it.side),
                rule(&it.rule),
                it.rule_id
            )
        }
        NetworkEvent::FirewallRuleRevoked(it) => {
            format!(
                "{} no longer admits {} ({})",
                side(it.side),
                rule(&it.rule),
                it.rule_id
            )
        }
        NetworkEvent::FirewallEnforced(it) => {
            let on = it
                .attached
                .map(|on| format!(" on {}", count(on as usize, "interface", "interfaces")));
            let (of, on) = (side(it.side), on.unwrap_or_default());
            let alone = if it.admit.is_empty() { "" } else { " alone" };
            format!("{of} admits {}{alone} ({}{on})", rules(&it.admit), it.group)
        }
        NetworkEvent::FirewallExposed(it) => firewall::exposed(it),
        NetworkEvent::ExposureCleared(it) => {
            format!("rule {} no longer exposes {}", it.rule_id, side(it.side))
        }
        NetworkEvent::LinkOptionApplied(it) => {
            let is = if it.enabled { "on" } else { "off" };
            let effect = match it.in_effect {
                Some(true) => ", and has effect",
                Some(false) => ", without effect until the other side has it too",
                None => "",
            };
            let (option, of) = (it.option.title(), side(it.side));
            format!("{option} of {of} is {is}{effect}")
        }
        NetworkEvent::FirewallAttachmentChosen(it) => firewall::chosen(it),
        NetworkEvent::FirewallGroupAttached(it) => {
            format!(
                "group {} of {} is on {}",
                it.group,
                side(it.side),
                it.interface
            )
        }
        NetworkEvent::FirewallGroupDetached(it) => {
            format!(
                "group {} of {} is off {}",
                it.group,
                side(it.side),
                it.interface
            )
        }
        NetworkEvent::FirewallAttachmentSeen(it) => firewall::seen(it),
        NetworkEvent::DenialMade(it) => firewall::denied(it),
        NetworkEvent::DenialRemoved(it) => firewall::no_longer_denied(it),
        NetworkEvent::DenialEnforced(it) => firewall::keeps_out(it),
        NetworkEvent::DenialLapsed(it) => {
            let of = side(it.side);
            format!("not all that is to be denied is kept out of {of} any more")
        }
        NetworkEvent::DriftDetected(it) => format!("drift: {}", drift(&it.finding)),
        NetworkEvent::DriftRepaired(it) => format!("drift repaired: {}", drift(&it.finding)),
        NetworkEvent::DriftAdopted(it) => format!("drift accepted: {}", drift(&it.finding)),
        NetworkEvent::ProvisioningBlocked(it) => {
            let cause = plain(it.cause.as_str());
            format!("blocked on {} ({cause}): {}", side(it.side), it.message)
        }
        NetworkEvent::ProvisioningUnblocked(_) => "no longer blocked".to_owned(),
    }
}
