//! Whose a network at a cloud is: one registration at a time, and one peering of two networks.

use super::{super::*, COMMAND, fold, now, reason, samples::*};
use crate::text::Link;
use uuid::Uuid;

fn older() -> NetworkId {
    NetworkId(Uuid::from_u128(0x99))
}

fn marker(held_by: NetworkId) -> NetworkIdentityMarked {
    NetworkIdentityMarked {
        network_id: network_id(),
        held_by,
    }
}

fn mark(held_by: NetworkId) -> NetworkCommand {
    NetworkCommand::Record(marker(held_by).into())
}

fn decided(state: &Network, command: &NetworkCommand) -> Result<Vec<NetworkEvent>, Refusal> {
    decide(state, command, &Context::default(), now(), Ids::of(COMMAND))
}

#[test]
fn the_id_of_a_registration_follows_from_the_network_at_its_cloud_and_its_generation() {
    let identity = Identity::from(&register());
    assert_eq!(
        identity.network_id(0).to_string(),
        "a60d5182-6809-53b2-9d4d-5f6d407ccebf",
        "derived ids are for ever"
    );
    assert_ne!(identity.network_id(0), identity.network_id(1));
    let other = Identity {
        account: text("999988887777"),
        ..identity.clone()
    };
    assert_ne!(identity.network_id(0), other.network_id(0));
    let identity = azure(TENANT, VNET);
    assert_eq!(
        identity.network_id(0).to_string(),
        "100835e6-1c0a-5e4b-9c84-968502fef5b5",
        "derived ids are for ever"
    );
    assert!(identity.is_found_by(identity.network_id(3), Some(3)));
    assert!(!identity.is_found_by(identity.network_id(3), Some(2)));
    assert!(!identity.is_found_by(identity.network_id(0), None));
}

const TENANT: &str = "8e9b2f0a-3f4d-4d2a-9f0e-5b8a4a0c1d2e";
const VNET: &str =
    "/subscriptions/a/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n";

fn azure(tenant: &str, network: &str) -> Identity {
    Identity {
        provider: Provider::Azure,
        account: text(tenant),
        cloud_network: text(network),
    }
}

/// A peering of an Azure network with this one.
fn request_of(tenant: &str, network: &str) -> RequestPeering {
    let mut request = request();
    request.peer.provider = Provider::Azure;
    request.peer.region = Region::of(Provider::Azure, "westeurope").unwrap();
    request.peer.account = text(tenant);
    request.peer.cloud_network = text(network);
    request
}

#[test]
fn a_vnet_is_one_network_in_any_case_and_under_any_tenant() {
    let one = azure(TENANT, VNET);
    let (capitals, other) = (
        VNET.to_ascii_uppercase(),
        "22222222-3333-4444-5555-666666666666",
    );
    for same in [
        azure(TENANT, &capitals),
        azure(&TENANT.to_ascii_uppercase(), VNET),
        azure(other, VNET),
    ] {
        assert!(one.is(&same) && same.is(&one), "{same:?}");
        assert_eq!(one.network_id(2), same.network_id(2), "{same:?}");
    }
    let another = azure(TENANT, &format!("{VNET}2"));
    assert!(!one.is(&another) && !another.is(&one));
    assert_ne!(one.network_id(0), another.network_id(0));
    let aws = Identity::from(&register());
    let of_another = Identity {
        account: text("999988887777"),
        ..aws.clone()
    };
    assert!(aws.is(&aws.clone()) && !aws.is(&of_another) && !aws.is(&one));
}

#[test]
fn a_vnet_is_no_peer_of_itself_and_has_one_live_peering_however_it_is_written() {
    let mut register = register();
    register.provider = Provider::Azure;
    register.region = Region::of(Provider::Azure, "westeurope").unwrap();
    register.account = text(TENANT);
    register.cloud_network = text(VNET);
    register.subnets = Vec::new();
    let registered = registered_as(register, network_id());
    let peers = VNET.replace("/n", "/peer");
    let spelt = |network: &str| {
        let capitals = network.to_ascii_uppercase();
        [
            (TENANT.to_ascii_uppercase(), network.to_owned()),
            (
                "22222222-3333-4444-5555-666666666666".to_owned(),
                network.to_owned(),
            ),
            (
                TENANT.to_owned(),
                capitals
                    .replace("/SUBSCRIPTIONS/", "/subscriptions/")
                    .replace("/VIRTUALNETWORKS/", "/virtualNetworks/"),
            ),
        ]
    };
    let state = fold([registered.clone()]);
    for (tenant, network) in spelt(VNET) {
        let refusal = decided(&state, &request_of(&tenant, &network).into()).unwrap_err();
        let cloud_network = network;
        assert_eq!(
            refusal,
            Refusal::PeerIsTheNetwork { cloud_network },
            "{tenant}"
        );
    }
    let first = decided(&state, &request_of(TENANT, &peers).into()).unwrap();
    let state = fold([vec![registered], first].concat());
    for (tenant, network) in spelt(&peers) {
        let refusal = decided(&state, &request_of(&tenant, &network).into()).unwrap_err();
        assert!(
            matches!(refusal, Refusal::PeerAlreadyLinked { .. }),
            "{tenant} {network}: {refusal}"
        );
    }
}

#[test]
fn a_registration_says_which_generation_it_is_and_one_of_old_says_none() {
    let ids = Ids::of(COMMAND).registering(older(), 2);
    let events = decide(
        &Network::Unregistered,
        &register().into(),
        &Context::default(),
        now(),
        ids,
    )
    .unwrap();
    let Network::Registered(network) = fold(events) else {
        panic!("it is registered")
    };
    assert_eq!((network.id, network.generation), (older(), Some(2)));
    let Network::Registered(network) = fold([registered()]) else {
        panic!("it is registered")
    };
    assert_eq!(network.generation, None);
}

#[test]
fn where_an_older_registration_is_marked_nothing_is_registered_and_nothing_else_is_known() {
    let state = fold([marker(older()).into()]);
    let refusal = decided(&state, &register().into()).unwrap_err();
    assert_eq!(
        refusal,
        Refusal::NetworkAlreadyRegistered {
            network_id: older()
        }
    );
    let refusal = decided(&state, &CheckDrift {}.into()).unwrap_err();
    assert_eq!(refusal, Refusal::NetworkUnknown);
    assert_eq!(decided(&state, &mark(older())), Ok(Vec::new()));
    let another = NetworkId(Uuid::from_u128(0x98));
    assert_eq!(
        decided(&state, &mark(another)),
        Ok(vec![marker(another).into()])
    );
    assert_eq!(
        fold([marker(older()).into(), marker(another).into()]),
        Network::Marked(Marked {
            id: network_id(),
            held_by: [older(), another].into()
        })
    );
    assert_eq!(
        evolve(state.clone(), &registered(), now()),
        state,
        "what is marked stays so"
    );
}

#[test]
fn a_registered_network_learns_of_one_that_an_older_engine_has_registered_beside_it() {
    let state = fold([registered()]);
    assert_eq!(decided(&state, &mark(network_id())), Ok(Vec::new()));
    let events = decided(&state, &mark(older())).unwrap();
    assert_eq!(events, [marker(older()).into()]);
    let state = fold([registered(), marker(older()).into()]);
    assert_eq!(decided(&state, &mark(older())), Ok(Vec::new()));
    let Network::Registered(network) = state else {
        panic!("it is registered")
    };
    assert_eq!(network.also_registered, [older()].into());
}

/// Another network, the peer of the first one's request, with a peering the other way round.
fn from_the_other_end(then: impl IntoIterator<Item = NetworkEvent>) -> Registered {
    let (own, far) = (register(), peer(1));
    let registered = registered_as(
        RegisterNetwork {
            account: far.account,
            cloud_network: far.cloud_network,
            range: "10.101.0.0/16".parse().unwrap(),
            ..register()
        },
        older(),
    );
    let peer = Peer {
        account: own.account,
        cloud_network: own.cloud_network,
        ..peer_with(1, &["10.20.0.0/16"])
    };
    let events = [registered, requested_of(1, peer)].into_iter().chain(then);
    match fold(events) {
        Network::Registered(network) | Network::Retired(network) => network,
        Network::Unregistered | Network::Marked(_) => panic!("it is registered"),
    }
}

fn refused(command: impl Into<NetworkCommand>, other: &Registered) -> Option<String> {
    let state = fold([registered()]);
    let Network::Registered(network) = &state else {
        panic!("it is registered")
    };
    let command = command.into();
    let context = Context {
        claims: claims(network, &command, [other]),
        ..Context::default()
    };
    let decided = decide(&state, &command, &context, now(), Ids::of(COMMAND));
    decided.err().map(|refusal| reason(&refusal))
}

fn request() -> RequestPeering {
    RequestPeering {
        peer: peer(1),
        terms: Terms::default(),
        setup: Setup::default(),
    }
}

fn adopt(link: Link) -> AdoptPeering {
    AdoptPeering {
        peer: peer(2),
        link,
        consent: Consent::Delegated,
        tenure: Default::default(),
    }
}

#[test]
fn two_networks_are_joined_by_one_peering_whichever_of_them_asked_for_it() {
    let other = from_the_other_end([]);
    assert_eq!(
        refused(request(), &other).as_deref(),
        Some("PEER_LINKED_ELSEWHERE")
    );
    let over = from_the_other_end([failed(None).into()]);
    assert_eq!(refused(request(), &over), None);
    let elsewhere = RequestPeering {
        peer: peer(3),
        ..request()
    };
    assert_eq!(refused(elsewhere, &other), None);
}

#[test]
fn a_link_that_another_networks_peering_made_is_not_adopted() {
    let other = from_the_other_end([started(1), initiated()]);
    let Some(link) = other.peerings()[&peering_id(1)].life.link().cloned() else {
        panic!("it has a link")
    };
    assert_eq!(
        refused(adopt(link.clone()), &other).as_deref(),
        Some("LINK_ON_RECORD_ELSEWHERE")
    );
    assert_eq!(refused(adopt(text("pcx-0abcdef0123456789")), &other), None);
}
