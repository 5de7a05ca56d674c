//! Options of a link: wanted per side, seen per side, and only where the provider has them.

use super::{super::*, COMMAND, fold, given, now, recorded, samples::*};
use crate::side::Side;

fn resolve(side: Side, enabled: bool) -> SetDnsResolution {
    SetDnsResolution {
        peering_id: peering_id(1),
        side,
        enabled,
    }
}

#[test]
fn each_side_is_asked_for_by_itself() {
    given(history([]))
        .when(resolve(Side::Local, true))
        .then([dns_set(Side::Local, true)]);
    let events = active_history([dns_set(Side::Local, true)]);
    given(events.clone())
        .when(resolve(Side::Local, true))
        .then_nothing();
    given(events.clone())
        .when(resolve(Side::Remote, true))
        .then([dns_set(Side::Remote, true)]);
    given(events)
        .when(resolve(Side::Local, false))
        .then([dns_set(Side::Local, false)]);
}

#[test]
fn a_provider_without_the_option_refuses_it() {
    for provider in [Provider::Gcp, Provider::Azure] {
        let elsewhere = RegisterNetwork {
            provider,
            ..register()
        };
        let events = [registered_as(elsewhere, network_id()), requested(1)];
        given(events)
            .when(resolve(Side::Local, true))
            .then_refused(Refusal::DnsResolutionUnsupported { provider });
    }
}

#[test]
fn a_peering_has_not_converged_until_names_resolve_as_asked() {
    let settled = [
        enforced(Side::Local, "sg-01", &[]).into(),
        enforced(Side::Remote, "sg-02", &[]).into(),
        dns_set(Side::Remote, true),
    ];
    let before = active_history(settled);
    assert!(!recorded(before.clone()).is_converged());
    assert!(
        recorded(
            before
                .into_iter()
                .chain([dns_applied(Side::Remote, true).into()])
        )
        .is_converged()
    );
}

#[test]
fn what_was_seen_of_a_side_is_recorded_once() {
    let applied = dns_applied(Side::Local, true);
    let events = active_history([dns_set(Side::Local, true)]);
    given(events.clone())
        .when(Outcome::from(applied.clone()))
        .then([applied.clone().into()]);
    given(events.into_iter().chain([applied.clone().into()]))
        .when(Outcome::from(applied))
        .then_nothing();
}

fn option(side: Side, option: LinkOption, enabled: bool) -> SetLinkOption {
    SetLinkOption {
        peering_id: peering_id(1),
        side,
        option,
        enabled,
    }
}

fn is_set(side: Side, option: LinkOption, enabled: bool) -> NetworkEvent {
    LinkOptionSet {
        peering_id: peering_id(1),
        side,
        option,
        enabled,
    }
    .into()
}

fn at_azure(and: impl IntoIterator<Item = NetworkEvent>) -> Vec<NetworkEvent> {
    let elsewhere = RegisterNetwork {
        provider: Provider::Azure,
        ..register()
    };
    let begun = [registered_as(elsewhere, network_id()), requested(1)];
    begun.into_iter().chain(and).collect()
}

#[test]
fn name_resolution_is_one_option_by_either_command() {
    let (by_name, by_option) = (
        resolve(Side::Local, true),
        option(Side::Local, LinkOption::DnsResolution, true),
    );
    given(history([]))
        .when(by_option)
        .then([dns_set(Side::Local, true)]);
    given(active_history([dns_set(Side::Local, true)]))
        .when(by_name)
        .then_nothing();
}

#[test]
fn each_option_is_refused_where_the_links_have_none() {
    for wrong in LinkOption::ALL {
        if matches!(wrong.provider(), Provider::Azure) {
            continue;
        }
        let provider = Provider::Azure;
        let refusal = if wrong == LinkOption::DnsResolution {
            Refusal::DnsResolutionUnsupported { provider }
        } else {
            let option = wrong;
            Refusal::LinkOptionUnsupported { provider, option }
        };
        given(at_azure([]))
            .when(option(Side::Local, wrong, true))
            .then_refused(refusal);
    }
}

#[test]
fn only_a_link_between_regions_takes_several_paths_and_each_side_is_asked_by_itself() {
    let multipath = LinkOption::MultipathResilience;
    for side in Side::BOTH {
        given(history([]))
            .when(option(side, multipath, true))
            .then([is_set(side, multipath, true)]);
    }
    let events = history([is_set(Side::Local, multipath, true)]);
    given(events)
        .when(option(Side::Local, multipath, false))
        .then([is_set(Side::Local, multipath, false)]);
    let mut within = requested(1);
    let region = register().region;
    if let NetworkEvent::PeeringRequested(it) = &mut within {
        it.peer.region = region.clone();
    }
    given([registered(), within])
        .when(option(Side::Local, multipath, true))
        .then_refused(Refusal::LinkOptionWithinRegion(OptionWithinRegion {
            option: multipath,
            region,
        }));
}

/// What came of an option that needs the other side: as the cloud tells it, and as the two sides
/// were seen where it does not.
#[test]
fn whether_an_option_waits_for_the_other_side_is_what_the_cloud_tells_and_else_what_was_seen() {
    let paths = LinkOption::MultipathResilience;
    let (local, remote) = (Side::Local, Side::Remote);
    let applied = |side, enabled, in_effect| LinkOptionApplied {
        peering_id: peering_id(1),
        side,
        option: paths,
        enabled,
        in_effect,
    };
    let told = |told: &[(Side, bool, Option<bool>)]| {
        let all = told.iter().map(|(side, on, it)| applied(*side, *on, *it));
        active_history(
            [is_set(local, paths, true)]
                .into_iter()
                .chain(all.map(Into::into)),
        )
    };
    let waits = |it: &[(Side, bool, Option<bool>)]| {
        let peering = recorded(told(it));
        Side::BOTH.map(|side| peering.option_waits(side, paths))
    };
    assert_eq!(waits(&[]), [true, false], "asked for, and seen nowhere");
    assert_eq!(waits(&[(local, true, None)]), [true, false]);
    let seen = [(local, true, None), (remote, true, None)];
    assert_eq!(waits(&seen), [false, false]);
    // The other side is its owner's, and is not seen.
    assert_eq!(waits(&[(local, true, Some(true))]), [false, false]);
    assert_eq!(waits(&[(local, true, Some(false))]), [true, false]);
    let turned = [(local, true, Some(false)), (remote, true, None)];
    assert_eq!(
        waits(&turned),
        [false, false],
        "told before the other turned"
    );
    let gone = [
        (local, true, Some(true)),
        (remote, true, Some(true)),
        (remote, false, None),
    ];
    assert_eq!(waits(&gone), [true, false]);

    let record = |before, it: &LinkOptionApplied| {
        given(told(&[(local, true, before)])).when(NetworkCommand::Record(it.clone().into()))
    };
    for (before, now) in [(None, true), (Some(true), false), (Some(false), true)] {
        let it = applied(local, true, Some(now));
        record(before, &it).then([it.into()]);
    }
    for same in [Some(true), None] {
        record(Some(true), &applied(local, true, same)).then_nothing();
    }
}

#[test]
fn what_an_option_needs_of_the_other_side_is_asked_for_first_and_given_up_last() {
    let (local, remote) = (Side::Local, Side::Remote);
    let (lend, borrow) = (LinkOption::GatewayTransit, LinkOption::RemoteGateways);
    given(at_azure([]))
        .when(option(local, borrow, true))
        .then_refused(Refusal::LinkOptionNeedsOther(OptionNeedsOther {
            option: borrow,
            side: local,
            needs: lend,
            of: remote,
        }));
    let lent = at_azure([is_set(remote, lend, true)]);
    given(lent.clone())
        .when(option(local, borrow, true))
        .then([is_set(local, borrow, true)]);
    given(lent.clone())
        .when(option(remote, lend, false))
        .then([is_set(remote, lend, false)]);
    let borrowed: Vec<_> = lent
        .into_iter()
        .chain([is_set(local, borrow, true)])
        .collect();
    given(borrowed.clone())
        .when(option(remote, lend, false))
        .then_refused(Refusal::LinkOptionNeeded(OptionNeeded {
            option: lend,
            side: remote,
            by: borrow,
            of: local,
        }));
    given(borrowed)
        .when(option(local, lend, true))
        .then_refused(Refusal::LinkOptionExcluded(OptionExcluded {
            option: lend,
            side: local,
            with: borrow,
        }));
}

fn set_of(n: u128, side: Side, option: LinkOption) -> NetworkEvent {
    LinkOptionSet {
        peering_id: peering_id(n),
        side,
        option,
        enabled: true,
    }
    .into()
}

#[test]
fn peers_that_are_two_networks_borrow_the_private_networks_gateway_each() {
    let (lend, borrow) = (LinkOption::GatewayTransit, LinkOption::RemoteGateways);
    let events = at_azure([
        requested(2),
        set_of(1, Side::Local, lend),
        set_of(2, Side::Local, lend),
        set_of(2, Side::Remote, borrow),
    ]);
    given(events)
        .when(option(Side::Remote, borrow, true))
        .then([set_of(1, Side::Remote, borrow)]);
}

#[test]
fn a_network_borrows_one_gateway_however_many_peerings_it_has() {
    let (lend, borrow) = (LinkOption::GatewayTransit, LinkOption::RemoteGateways);
    let events = at_azure([
        requested(2),
        set_of(1, Side::Remote, lend),
        set_of(2, Side::Remote, lend),
        set_of(2, Side::Local, borrow),
    ]);
    given(events)
        .when(option(Side::Local, borrow, true))
        .then_refused(Refusal::LinkOptionTaken(OptionTaken {
            option: borrow,
            side: Side::Local,
            peering_id: peering_id(2),
        }));
    // A peering that borrows nothing stands in nobody's way.
    let events = at_azure([requested(2), set_of(1, Side::Remote, lend)]);
    given(events)
        .when(option(Side::Local, borrow, true))
        .then([set_of(1, Side::Local, borrow)]);
}

#[test]
fn what_is_only_kept_up_is_left_as_it_is_when_it_is_switched_off() {
    let sync = LinkOption::AddressSpaceSync;
    let applied: NetworkEvent = LinkOptionApplied {
        peering_id: peering_id(1),
        side: Side::Local,
        option: sync,
        enabled: true,
        in_effect: None,
    }
    .into();
    let settled = [
        enforced(Side::Local, "sg-01", &[]).into(),
        enforced(Side::Remote, "sg-02", &[]).into(),
        is_set(Side::Local, sync, true),
    ];
    let before = active_history(settled);
    assert!(!recorded(before.clone()).is_converged());
    let after = before
        .into_iter()
        .chain([applied, is_set(Side::Local, sync, false)]);
    assert!(recorded(after.collect::<Vec<_>>()).is_converged());
}

#[test]
fn a_request_brings_options_along_and_what_one_needs_comes_first() {
    let options = [
        SetupOption {
            option: LinkOption::RemoteGateways,
            side: Side::Local,
        },
        SetupOption {
            option: LinkOption::GatewayTransit,
            side: Side::Remote,
        },
    ];
    let order: Vec<_> = std::collections::BTreeSet::from(options)
        .into_iter()
        .map(|it| it.option)
        .collect();
    assert_eq!(
        order,
        [LinkOption::GatewayTransit, LinkOption::RemoteGateways]
    );
}

/// A half is made closed at Azure; that it is to be opened is on record with the request, for the
/// sides that the engine keeps.
#[test]
fn a_request_where_halves_are_made_closed_says_that_they_are_to_be_opened() {
    for (consent, kept) in [
        (Consent::Delegated, &Side::BOTH[..]),
        (Consent::Owner, &[Side::Local]),
    ] {
        for (provider, wanted) in [(Provider::Azure, kept), (Provider::Gcp, &[])] {
            let terms = Terms {
                consent,
                ..Terms::default()
            };
            let events = requested_at(provider, terms).unwrap();
            let opens = |event| opened_by(event, LinkOption::VirtualNetworkAccess);
            let opened: Vec<Side> = events.iter().filter_map(opens).collect();
            assert_eq!(opened, wanted, "{provider}, {consent:?}");
        }
    }
}

#[test]
fn that_a_link_comes_up_open_is_accepted_where_links_do_and_nowhere_else() {
    let accepting = Terms {
        accept_open: Some(text("the lab has no security groups")),
        ..Terms::default()
    };
    for provider in [Provider::Aws, Provider::Gcp] {
        let refusal = Refusal::NothingOpenToAccept { provider };
        assert_eq!(requested_at(provider, accepting.clone()), Err(refusal));
        assert!(requested_at(provider, Terms::default()).is_ok());
    }
    let events = requested_at(Provider::Azure, accepting.clone()).unwrap();
    let terms = events.iter().find_map(|it| {
        if let NetworkEvent::PeeringRequested(it) = it {
            Some(it.terms.clone())
        } else {
            None
        }
    });
    assert_eq!(terms, Some(accepting), "the reason is on record");
}

/// What the request of a peer there is decided as.
fn requested_at(provider: Provider, terms: Terms) -> Result<Vec<NetworkEvent>, Refusal> {
    let (region, account, cloud_network) = match provider {
        Provider::Azure => (
            "westeurope",
            "1b4e28ba-2fa1-41d2-883f-0016d3cca427",
            "/subscriptions/6fa459ea-ee8a-4ca4-894e-db77e160355e/resourceGroups/b/providers/Microsoft.Network/virtualNetworks/b",
        ),
        Provider::Gcp => ("europe-west1", "billing-prod", "billing"),
        Provider::Aws => ("eu-west-1", "444455556601", "vpc-0f9e8d7c6b5a0001"),
    };
    let region = crate::Region::of(provider, region).unwrap();
    let network = RegisterNetwork {
        provider,
        region: region.clone(),
        ..register()
    };
    let request = RequestPeering {
        peer: Peer {
            provider,
            region,
            account: text(account),
            cloud_network: text(cloud_network),
            ..peer(1)
        },
        terms,
        setup: Setup::default(),
    };
    let network = fold([registered_as(network, network_id())]);
    let (context, ids) = (crate::Context::default(), crate::Ids::of(COMMAND));
    decide(&network, &request.into(), &context, now(), ids)
}

fn opened_by(event: &NetworkEvent, option: LinkOption) -> Option<Side> {
    if let NetworkEvent::LinkOptionSet(it) = event {
        (it.option == option && it.enabled).then_some(it.side)
    } else {
        None
    }
}
