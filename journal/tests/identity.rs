//! One registration at a time of a network at a cloud, whichever engine made it, and when.
#![allow(clippy::unwrap_used)]

mod support;

use domain::network::{
    Identity, NetworkCommand, NetworkEvent, PeerLinkedElsewhere, Refusal, RegisterNetwork,
    RetireNetwork,
};
use domain::{Actor, NetworkId};
use peerage_journal::{ExecuteError, Executed, Journal, Registration};
use support::{Server, caller, network_of, now, register, request_peering};
use testkit::wait::soon;

fn body(command: &NetworkCommand) -> RegisterNetwork {
    let NetworkCommand::RegisterNetwork(it) = command else {
        panic!("a registration, not {}", command.name())
    };
    it.clone()
}

fn identity() -> Identity {
    Identity::from(&body(&register("orders")))
}

fn derived(generation: u32) -> NetworkId {
    identity().network_id(generation)
}

/// What an engine does with a registration.
async fn registers(journal: &Journal, command: u128) -> Result<Executed, ExecuteError> {
    let (networks, registering) = (journal.networks(), register("orders"));
    let mut caller = caller(command);
    let place = soon(networks.registration(&body(&registering), &caller)).await?;
    caller.generation = place.generation;
    soon(networks.execute(place.network_id, &registering, &caller, now())).await
}

/// What an engine of an older version does with it.
async fn registers_as_of_old(journal: &Journal, command: u128) -> NetworkId {
    let id = network_of(command);
    let registering = register("orders");
    soon(
        journal
            .networks()
            .execute(id, &registering, &caller(command), now()),
    )
    .await
    .unwrap();
    id
}

async fn retires(journal: &Journal, command: u128, id: NetworkId) {
    let retire = RetireNetwork {
        reason: "it is over".parse().unwrap(),
    };
    soon(
        journal
            .networks()
            .execute(id, &retire.into(), &caller(command), now()),
    )
    .await
    .unwrap();
}

async fn marks(journal: &Journal, held_by: NetworkId) -> Option<Executed> {
    let actor: Actor = "provisioner".parse().unwrap();
    soon(journal.networks().mark(&identity(), held_by, actor, now()))
        .await
        .unwrap()
}

fn holder(result: Result<Executed, ExecuteError>) -> NetworkId {
    let error = result.unwrap_err();
    let ExecuteError::Refused(Refusal::NetworkAlreadyRegistered { network_id }) = error else {
        panic!("another error: {error}")
    };
    network_id
}

#[tokio::test]
async fn the_second_registration_meets_the_first_and_a_new_generation_begins_when_that_is_over() {
    let server = Server::start();
    let (one, two) = (server.journal(), server.journal());
    let first = registers(&one, 1).await.unwrap();
    assert_eq!(first.network_id, derived(0));
    assert_eq!(holder(registers(&two, 2).await), derived(0));
    retires(&one, 3, derived(0)).await;
    let next = registers(&two, 4).await.unwrap();
    assert_eq!(next.network_id, derived(1));
    assert_eq!(holder(registers(&one, 5).await), derived(1));
    let again = registers(&one, 1).await.unwrap();
    assert!(
        again.repeated && again.network_id == derived(0),
        "{again:?}"
    );
    let again = registers(&one, 4).await.unwrap();
    assert!(
        again.repeated && again.network_id == derived(1),
        "{again:?}"
    );
}

#[tokio::test]
async fn of_two_engines_that_register_at_the_same_time_one_is_told_of_the_other() {
    let server = Server::start();
    let (one, two) = (server.journal(), server.journal());
    let place = |journal: &Journal, command: u128| {
        let (networks, caller) = (journal.networks().clone(), caller(command));
        async move {
            let registering = body(&register("orders"));
            soon(networks.registration(&registering, &caller)).await
        }
    };
    let free = Registration {
        network_id: derived(0),
        generation: Some(0),
    };
    assert_eq!(place(&one, 1).await.unwrap(), free);
    assert_eq!(place(&two, 2).await.unwrap(), free);
    let both = tokio::join!(registers(&one, 1), registers(&two, 2));
    let (made, refused) = match both {
        (Ok(made), refused) | (refused, Ok(made)) => (made, refused),
        neither => panic!("one of them registers: {neither:?}"),
    };
    assert_eq!(made.network_id, derived(0));
    assert_eq!(holder(refused), derived(0));
}

#[tokio::test]
async fn what_an_older_engine_registered_keeps_its_id_and_is_found_by_its_marker() {
    let server = Server::start();
    let (one, two) = (server.journal(), server.journal());
    let older = registers_as_of_old(&one, 1).await;
    let made = marks(&one, older).await.unwrap();
    let marker = NetworkEvent::name(&made.events[0]);
    assert_eq!(
        (made.network_id, marker),
        (derived(0), "NetworkIdentityMarked")
    );
    assert!(marks(&one, older).await.is_none(), "it is done once");
    assert!(marks(&two, older).await.is_none(), "by whichever engine");
    assert_eq!(holder(registers(&two, 2).await), older);
    let again = registers(&two, 1).await.unwrap();
    assert!(again.repeated && again.network_id == older, "{again:?}");

    retires(&one, 3, older).await;
    let next = registers(&two, 4).await.unwrap();
    assert_eq!(next.network_id, derived(1), "the marker's stream is taken");
}

#[tokio::test]
async fn two_engines_that_mark_at_the_same_time_leave_one_marker() {
    let server = Server::start();
    let (one, two) = (server.journal(), server.journal());
    let older = registers_as_of_old(&one, 1).await;
    tokio::join!(marks(&one, older), marks(&two, older));
    let loaded = soon(two.networks().load(derived(0))).await.unwrap();
    assert_eq!(loaded.revision, Some(0));
}

#[tokio::test]
async fn an_older_engine_that_registers_beside_is_on_record_with_the_one_that_was_first() {
    let server = Server::start();
    let journal = server.journal();
    registers(&journal, 1).await.unwrap();
    let older = registers_as_of_old(&journal, 2).await;
    let made = marks(&journal, older).await.unwrap();
    assert_eq!(made.network_id, derived(0));
    retires(&journal, 3, derived(0)).await;
    assert_eq!(
        holder(registers(&journal, 4).await),
        older,
        "that one is not over"
    );
    let another = registers_as_of_old(&journal, 5).await;
    let made = marks(&journal, another).await.unwrap();
    assert_eq!(
        made.network_id,
        derived(1),
        "what is retired takes no marker"
    );
    retires(&journal, 6, older).await;
    assert_eq!(holder(registers(&journal, 7).await), another);
    retires(&journal, 8, another).await;
    let next = registers(&journal, 9).await.unwrap();
    assert_eq!(next.network_id, derived(2));
}

#[tokio::test]
async fn the_peer_that_is_registered_too_shows_that_the_two_are_joined_already() {
    let server = Server::start();
    let journal = server.journal();
    let networks = journal.networks();
    registers(&journal, 1).await.unwrap();
    let NetworkCommand::RequestPeering(there) = request_peering(7) else {
        panic!("it requests")
    };
    let far = RegisterNetwork {
        account: there.peer.account.clone(),
        cloud_network: there.peer.cloud_network.clone(),
        range: "10.7.0.0/16".parse().unwrap(),
        ..body(&register("far"))
    };
    let place = soon(networks.registration(&far, &caller(2))).await.unwrap();
    let registering = NetworkCommand::RegisterNetwork(far);
    let mut from = caller(2);
    from.generation = place.generation;
    soon(networks.execute(place.network_id, &registering, &from, now()))
        .await
        .unwrap();
    let asks = |id: NetworkId, command: u128, peer: NetworkCommand| {
        let networks = networks.clone();
        async move { soon(networks.execute(id, &peer, &caller(command), now())).await }
    };
    let made = asks(derived(0), 3, request_peering(7)).await.unwrap();
    let mut back = there.clone();
    back.peer.account = identity().account;
    back.peer.cloud_network = identity().cloud_network;
    back.peer.ranges = vec!["10.0.0.0/16".parse().unwrap()];
    let refused = asks(place.network_id, 4, back.into()).await.unwrap_err();
    let ExecuteError::Refused(Refusal::PeerLinkedElsewhere(PeerLinkedElsewhere {
        network_id, ..
    })) = refused
    else {
        panic!("another error: {refused}")
    };
    assert_eq!(network_id, derived(0));
    let again = asks(derived(0), 3, request_peering(7)).await.unwrap();
    assert!(again.repeated && again.revision == made.revision);
}

#[tokio::test]
async fn a_registration_that_is_repeated_is_found_under_an_id_that_was_derived_in_another_way() {
    let server = Server::start();
    let journal = server.journal();
    let (id, registering, number) = (
        NetworkId(uuid::Uuid::from_u128(0x77)),
        register("orders"),
        5,
    );
    let mut caller = caller(number);
    caller.generation = Some(0);
    let first = journal.networks().execute(id, &registering, &caller, now());
    soon(first).await.unwrap();
    marks(&journal, id).await;
    let again = registers(&journal, number).await.unwrap();
    assert_eq!((again.network_id, again.repeated), (id, true));
    assert_eq!(holder(registers(&journal, number + 1).await), id);
}
