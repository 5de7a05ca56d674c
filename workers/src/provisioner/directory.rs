//! Which networks there are and which network a peering is of, by the log alone: so that a full
//! peering id is enough for a command, and one to all networks reaches them all, whatever becomes
//! of the read models.
//!
//! It comes with what the provisioner follows anyway, and holds two ids for each peering.

use domain::{
    NetworkId, PeeringId,
    network::{
        FreezeNetwork, Hold, Identity, ImposeQuarantine, NetworkCommand, NetworkEvent,
        QuarantineScope, Registered,
    },
    text::Reason,
};
use journal::{Body, Position, Recorded};
use parking_lot::RwLock;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

/// The peerings of the log and their networks. A cheap handle; clones share everything.
#[derive(Clone, Debug)]
pub struct Directory {
    networks: Arc<RwLock<HashMap<PeeringId, NetworkId>>>,
    /// The networks that are served.
    served: Arc<RwLock<BTreeSet<NetworkId>>>,
    older: Arc<RwLock<Older>>,
    /// What holds in a network and was meant for all of them.
    held: Arc<RwLock<BTreeMap<NetworkId, Held>>>,
    read_to: watch::Sender<Position>,
    is_whole: watch::Sender<bool>,
    /// Told when a registration of an older engine was read, and at the end of the log.
    more: Arc<Notify>,
}

/// What older engines registered, under ids that say nothing of the network at its cloud.
#[derive(Debug, Default)]
struct Older {
    /// Those that are served.
    registered: BTreeMap<NetworkId, Identity>,
    /// Those that are named by a marker where their registration would be today.
    marked: BTreeSet<NetworkId>,
}

/// A freeze and quarantines that were meant for every network, with their reasons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Held {
    freeze: Option<Reason>,
    quarantines: BTreeMap<QuarantineScope, Reason>,
}

/// What is known of a peering id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// The network that the peering is of.
    Network(NetworkId),
    /// No peering of the log has this id.
    Unknown,
    /// The log has not been read to its end yet, and what was read does not have it.
    Reading,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            networks: Arc::default(),
            served: Arc::default(),
            older: Arc::default(),
            held: Arc::default(),
            read_to: watch::Sender::new(Position::START),
            is_whole: watch::Sender::new(false),
            more: Arc::default(),
        }
    }
}

impl Directory {
    /// What is known of this id now.
    pub fn look_up(&self, peering: PeeringId) -> Resolved {
        // Asked before: what is whole then is whole in what is looked up after it.
        let is_whole = *self.is_whole.borrow();
        match self.networks.read().get(&peering) {
            Some(network) => Resolved::Network(*network),
            None if is_whole => Resolved::Unknown,
            None => Resolved::Reading,
        }
    }

    /// The same, after waiting so long at most for the log to be read to its end.
    pub async fn resolve(&self, peering: PeeringId, patience: Duration) -> Resolved {
        let known = self.look_up(peering);
        if known != Resolved::Reading {
            return known;
        }
        let mut is_whole = self.is_whole.subscribe();
        // Whether in time or not: what is known then is the answer.
        let _ = timeout(patience, is_whole.wait_for(|it| *it)).await;
        self.look_up(peering)
    }

    /// The networks that are registered and not retired, in the order of their ids; `None` if the
    /// log has not been read to its end after waiting so long.
    pub async fn served(&self, patience: Duration) -> Option<Vec<NetworkId>> {
        let mut is_whole = self.is_whole.subscribe();
        let waited = timeout(patience, is_whole.wait_for(|it| *it)).await;
        waited.ok()?.ok()?;
        Some(self.served.read().iter().copied().collect())
    }

    /// Waits until what was appended at this position was read; `false` if that takes longer.
    pub async fn read_to(&self, position: Position, patience: Duration) -> bool {
        let mut read_to = self.read_to.subscribe();
        let mut is_whole = self.is_whole.subscribe();
        let reached = async {
            let reached = read_to.wait_for(|it| *it >= position).await.is_ok();
            reached && is_whole.wait_for(|it| *it).await.is_ok()
        };
        timeout(patience, reached).await.unwrap_or(false)
    }

    /// What holds somewhere and was meant for every network, as the commands that hold it in one.
    pub fn holds_everywhere(&self) -> Vec<NetworkCommand> {
        let held = self.held.read();
        let freeze = held.values().find_map(|it| it.freeze.clone());
        let mut quarantines = BTreeMap::new();
        for (scope, reason) in held.values().flat_map(|it| &it.quarantines) {
            quarantines.entry(scope).or_insert(reason);
        }
        let freeze = freeze.map(|reason| {
            let everywhere = true;
            FreezeNetwork { reason, everywhere }.into()
        });
        let quarantines = quarantines.into_iter().map(|(scope, reason)| {
            ImposeQuarantine {
                scope: scope.clone(),
                reason: reason.clone(),
                everywhere: true,
            }
            .into()
        });
        freeze.into_iter().chain(quarantines).collect()
    }

    /// The networks that older engines registered and that no marker names yet, as far as the log
    /// was read after waiting so long at most for its end.
    pub async fn unmarked(&self, patience: Duration) -> Vec<(NetworkId, Identity)> {
        let mut is_whole = self.is_whole.subscribe();
        // Whether in time or not: what is not known by then is marked when it is read.
        let _ = timeout(patience, is_whole.wait_for(|it| *it)).await;
        self.unmarked_now()
    }

    /// The same, as far as the log was read up to now.
    pub fn unmarked_now(&self) -> Vec<(NetworkId, Identity)> {
        let older = self.older.read();
        let unmarked = older.registered.iter();
        let unmarked = unmarked.filter(|(id, _)| !older.marked.contains(id));
        unmarked
            .map(|(id, identity)| (*id, identity.clone()))
            .collect()
    }

    /// The same, once the log was read to its end and there are any.
    pub(super) async fn some_unmarked(&self) -> Vec<(NetworkId, Identity)> {
        loop {
            let more = self.more.notified();
            let unmarked = self.unmarked_now();
            if *self.is_whole.borrow() && !unmarked.is_empty() {
                return unmarked;
            }
            more.await;
        }
    }

    /// Notes that a marker names this network.
    pub fn marked(&self, network: NetworkId) {
        self.older.write().marked.insert(network);
    }

    /// Notes a network that was registered a moment ago, whose event may not have been read yet.
    pub fn registered(&self, network: NetworkId) {
        self.served.write().insert(network);
    }

    /// Notes the peering that an event is about; the first event of each names its network.
    pub(super) fn note(&self, recorded: &Recorded) {
        self.note_event(recorded);
        // Last: who waits for the position finds what the event says.
        self.read_to.send_if_modified(|it| {
            let is_further = recorded.position > *it;
            *it = recorded.position.max(*it);
            is_further
        });
    }

    fn note_event(&self, recorded: &Recorded) {
        let Body::Event(event) = &recorded.body else {
            return;
        };
        let Some(network) = recorded.network_id else {
            return;
        };
        if let NetworkEvent::NetworkRegistered(it) = event {
            self.registered(network);
            let identity = Identity::from(it);
            if !identity.is_found_by(network, it.generation) {
                let mut older = self.older.write();
                older.registered.insert(network, identity);
                self.more.notify_waiters();
            }
        }
        self.note_hold(network, event);
        if matches!(event, NetworkEvent::NetworkRetired(_)) {
            self.held.write().remove(&network);
            self.served.write().remove(&network);
            self.older.write().registered.remove(&network);
        }
        if let NetworkEvent::NetworkIdentityMarked(it) = event {
            self.marked(it.held_by);
        }
        let Some(peering) = begun(event) else {
            return;
        };
        self.networks.write().entry(peering).or_insert(network);
    }

    fn note_hold(&self, network: NetworkId, event: &NetworkEvent) {
        if let NetworkEvent::NetworkFrozen(it) = event
            && it.everywhere
        {
            let mut held = self.held.write();
            held.entry(network).or_default().freeze = Some(it.reason.clone());
        } else if let NetworkEvent::QuarantineImposed(it) = event
            && it.everywhere
        {
            let mut held = self.held.write();
            let quarantines = &mut held.entry(network).or_default().quarantines;
            quarantines.insert(it.scope.clone(), it.reason.clone());
        } else if let NetworkEvent::NetworkThawed(_) = event {
            if let Some(held) = self.held.write().get_mut(&network) {
                held.freeze = None;
            }
        } else if let NetworkEvent::QuarantineLifted(it) = event
            && let Some(held) = self.held.write().get_mut(&network)
        {
            held.quarantines.remove(&it.scope);
        }
    }

    /// Notes a network that was loaded, and all its peerings.
    pub(super) fn note_network(&self, id: NetworkId, network: &Registered) {
        if network.retired.is_none() {
            self.registered(id);
            let identity = Identity::from(network);
            if !identity.is_found_by(id, network.generation) {
                let mut older = self.older.write();
                older.registered.insert(id, identity);
            }
        }
        let reason = |it: &Hold| it.everywhere.then(|| it.reason.clone());
        let quarantines = network.quarantines.iter();
        let held = Held {
            freeze: network.frozen.as_ref().and_then(reason),
            quarantines: quarantines
                .filter_map(|(scope, it)| Some((scope.clone(), reason(it)?)))
                .collect(),
        };
        if network.retired.is_none() && held != Held::default() {
            self.held.write().insert(id, held);
        }
        let mut older = self.older.write();
        older.marked.extend(&network.also_registered);
        drop(older);
        let ended = network.ended_peerings().iter().map(|(peering, _)| peering);
        let all = network.peerings().keys().chain(ended);
        self.networks
            .write()
            .extend(all.map(|peering| (*peering, id)));
    }

    /// It is another log: nothing is known of it.
    pub(super) fn forget(&self) {
        self.is_whole.send_replace(false);
        self.networks.write().clear();
        self.served.write().clear();
        self.held.write().clear();
        self.read_to.send_replace(Position::START);
        *self.older.write() = Older::default();
    }

    /// The end of the log was reached.
    pub(super) fn note_end(&self) {
        self.is_whole
            .send_if_modified(|it| !std::mem::replace(it, true));
        self.more.notify_waiters();
    }
}

/// The peering that begins with this event.
fn begun(event: &NetworkEvent) -> Option<PeeringId> {
    if let NetworkEvent::PeeringRequested(it) = event {
        Some(it.peering_id)
    } else if let NetworkEvent::PeeringAdopted(it) = event {
        Some(it.peering_id)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        EventId, Provider, Region,
        network::{
            Network, NetworkFrozen, NetworkIdentityMarked, NetworkRegistered, NetworkRetired,
            NetworkThawed, Peer, PeeringRequested, QuarantineImposed, QuarantineLifted, Terms,
            evolve,
        },
    };
    use journal::Position;
    use uuid::Uuid;

    fn requested(peering: PeeringId, network: NetworkId) -> Recorded {
        let peer = Peer {
            provider: Provider::Aws,
            account: "444455556666".parse().unwrap(),
            region: Region::of(Provider::Aws, "us-east-1").unwrap(),
            cloud_network: "vpc-0d4c3b2a".parse().unwrap(),
            ranges: Vec::new(),
            subnets: Vec::new(),
        };
        let event = PeeringRequested {
            peering_id: peering,
            peer,
            requested_at: chrono::DateTime::UNIX_EPOCH,
            terms: Terms::default(),
            external_id: None,
        };
        Recorded {
            stream: network.stream(),
            network_id: Some(network),
            revision: 1,
            position: Position::START,
            event_id: EventId(Uuid::from_u128(1)),
            created: chrono::DateTime::UNIX_EPOCH,
            metadata: None,
            stored: Default::default(),
            data: Default::default(),
            body: Body::Event(event.into()),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_id_resolves_as_soon_as_it_was_read_and_is_unknown_only_at_the_end_of_the_log() {
        let (peering, other) = (PeeringId(Uuid::from_u128(2)), PeeringId(Uuid::from_u128(3)));
        let network = NetworkId(Uuid::from_u128(4));
        let directory = Directory::default();
        assert_eq!(directory.look_up(peering), Resolved::Reading);
        directory.note(&requested(peering, network));
        assert_eq!(directory.look_up(peering), Resolved::Network(network));
        let patience = Duration::from_secs(1);
        assert_eq!(directory.resolve(other, patience).await, Resolved::Reading);
        let asked = tokio::spawn({
            let directory = directory.clone();
            async move { directory.resolve(other, patience).await }
        });
        tokio::task::yield_now().await;
        directory.note_end();
        assert_eq!(asked.await.unwrap(), Resolved::Unknown);
    }

    #[tokio::test(start_paused = true)]
    async fn the_networks_that_are_served_are_told_once_all_of_them_are_known() {
        let [kept, retired, new] = [7, 8, 9].map(|n| NetworkId(Uuid::from_u128(n)));
        let directory = Directory::default();
        for network in [kept, retired] {
            directory.note(&registered(network));
        }
        directory.note(&over(retired));
        let patience = Duration::from_secs(1);
        assert_eq!(directory.served(patience).await, None);
        directory.note_end();
        assert_eq!(directory.served(patience).await, Some(vec![kept]));
        directory.registered(new);
        assert_eq!(directory.served(patience).await, Some(vec![kept, new]));
        let begins_at_a_checkpoint = Directory::default();
        let event = match registered(kept).body {
            Body::Event(event) => event,
            Body::Undecodable { .. } => panic!("it decodes"),
        };
        let at = chrono::DateTime::UNIX_EPOCH;
        let Network::Registered(loaded) = evolve(Network::default(), &event, at) else {
            panic!("it is registered")
        };
        begins_at_a_checkpoint.note_network(kept, &loaded);
        begins_at_a_checkpoint.note_end();
        let served = begins_at_a_checkpoint.served(patience).await;
        assert_eq!(served, Some(vec![kept]));
        directory.forget();
        assert_eq!(directory.served(patience).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_an_older_engine_registered_is_unmarked_until_a_marker_names_it_or_it_is_over() {
        let [older, over_now, derived_so] = [7, 8, 9].map(|n| NetworkId(Uuid::from_u128(n)));
        let directory = Directory::default();
        let patience = Duration::from_secs(1);
        let ids = |unmarked: Vec<(NetworkId, Identity)>| {
            let ids = unmarked.into_iter().map(|(id, _)| id);
            ids.collect::<Vec<_>>()
        };
        directory.note(&registered(older));
        directory.note(&registered(over_now));
        let of_generation = |id| {
            let mut new = registered(id);
            if let Body::Event(NetworkEvent::NetworkRegistered(it)) = &mut new.body {
                it.generation = Some(0);
            }
            new
        };
        // Its id was derived in another way.
        directory.note(&of_generation(derived_so));
        let derived = Identity {
            provider: Provider::Aws,
            account: "111122223333".parse().unwrap(),
            cloud_network: "vpc-0a1b2c3d".parse().unwrap(),
        };
        let derived = derived.network_id(0);
        directory.note(&of_generation(derived));
        assert_eq!(
            ids(directory.unmarked(patience).await),
            [older, over_now, derived_so]
        );
        directory.note(&over(over_now));
        directory.note(&over(derived_so));
        let waiting = tokio::spawn({
            let directory = directory.clone();
            async move { directory.some_unmarked().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "a marker may be yet to be read");
        directory.note_end();
        assert_eq!(ids(waiting.await.unwrap()), [older]);
        let marker = NetworkIdentityMarked {
            network_id: derived,
            held_by: older,
        };
        directory.note(&Recorded {
            body: Body::Event(marker.into()),
            ..registered(derived)
        });
        assert_eq!(ids(directory.unmarked(patience).await), []);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_held_everywhere_is_told_while_it_holds_anywhere_and_what_is_of_one_is_not() {
        let [one, other] = [7, 8].map(|n| NetworkId(Uuid::from_u128(n)));
        let at = |network: NetworkId, position: u64, event: NetworkEvent| Recorded {
            body: Body::Event(event),
            position: Position {
                commit: position,
                prepare: position,
            },
            ..registered(network)
        };
        let frozen = |network_id, everywhere| NetworkFrozen {
            network_id,
            reason: "an incident".parse().unwrap(),
            everywhere,
        };
        let scope = QuarantineScope::PeerAccount {
            account: "444455556666".parse().unwrap(),
        };
        let imposed = |network_id| QuarantineImposed {
            network_id,
            scope: scope.clone(),
            reason: "an incident".parse().unwrap(),
            everywhere: true,
        };
        let names = |directory: &Directory| {
            let all = directory.holds_everywhere();
            let names = all.iter().map(NetworkCommand::name);
            names.collect::<Vec<_>>()
        };
        let directory = Directory::default();
        directory.note(&at(one, 1, frozen(one, false).into()));
        assert_eq!(names(&directory), [""; 0]);
        for (position, network) in [(2, one), (3, other)] {
            directory.note(&at(network, position, frozen(network, true).into()));
            directory.note(&at(network, position, imposed(network).into()));
        }
        assert_eq!(names(&directory), ["FreezeNetwork", "ImposeQuarantine"]);
        let thawed = |network_id| NetworkThawed {
            network_id,
            reason: None,
        };
        let lifted = |network_id| QuarantineLifted {
            network_id,
            scope: scope.clone(),
            reason: None,
        };
        directory.note(&at(one, 4, thawed(one).into()));
        directory.note(&at(one, 5, lifted(one).into()));
        assert_eq!(names(&directory).len(), 2, "they hold elsewhere");
        directory.note(&at(other, 6, thawed(other).into()));
        assert_eq!(names(&directory), ["ImposeQuarantine"]);
        directory.note(&over(other));
        assert_eq!(names(&directory), [""; 0]);

        // What was loaded holds as what was read does.
        let events = [registered(one).body, Body::Event(frozen(one, true).into())];
        let start = chrono::DateTime::UNIX_EPOCH;
        let network = events.iter().fold(Network::default(), |network, body| {
            let Body::Event(event) = body else {
                panic!("it decodes")
            };
            evolve(network, event, start)
        });
        let Network::Registered(network) = network else {
            panic!("it is registered")
        };
        let loaded = Directory::default();
        loaded.note_network(one, &network);
        assert_eq!(names(&loaded), ["FreezeNetwork"]);
        loaded.forget();
        assert_eq!(names(&loaded), [""; 0]);

        // A position is waited for, and the log's end with it.
        let patience = Duration::from_secs(1);
        let six = Position {
            commit: 6,
            prepare: 6,
        };
        assert!(!directory.read_to(six, patience).await, "the log goes on");
        directory.note_end();
        assert!(directory.read_to(six, patience).await);
        let seven = Position {
            commit: 7,
            prepare: 7,
        };
        assert!(!directory.read_to(seven, patience).await);
    }

    fn registered(network: NetworkId) -> Recorded {
        let event = NetworkRegistered {
            network_id: network,
            project: "payments".parse().unwrap(),
            name: "events".parse().unwrap(),
            provider: Provider::Aws,
            region: Region::of(Provider::Aws, "eu-west-1").unwrap(),
            account: "111122223333".parse().unwrap(),
            cloud_network: "vpc-0a1b2c3d".parse().unwrap(),
            range: "10.20.0.0/16".parse().unwrap(),
            ipv6_ranges: Vec::new(),
            subnets: Vec::new(),
            cloud: None,
            generation: None,
        };
        Recorded {
            body: Body::Event(event.into()),
            ..requested(PeeringId(Uuid::from_u128(2)), network)
        }
    }

    fn over(network: NetworkId) -> Recorded {
        let event = NetworkRetired {
            network_id: network,
            reason: "moved".parse().unwrap(),
        };
        Recorded {
            body: Body::Event(event.into()),
            ..requested(PeeringId(Uuid::from_u128(2)), network)
        }
    }
}
