//! What a call is about, so that it can be judged: facts of the network and the peer, from the log
//! for commands, from the read models for what is shown. A caller without bounds costs no look.

use super::{
    Services,
    access::Caller,
    parse::{Address, Parsed},
    problem::Problem,
    rows,
};
use domain::{
    CloudMode, NetworkId, PeeringId,
    access::{Peers, Reach, Target},
    network::{Identity, Network, NetworkCommand, QuarantineScope, Registered},
    text::{Account, Name, OrphanId, Project},
};
use projections::Page;
use std::collections::{BTreeMap, btree_map::Entry};
use tonic::Request;

/// What a network is called; it stays so for ever.
pub(super) type Called = (Project, Name);

/// Who makes this call.
pub(super) fn caller<T>(request: &Request<T>) -> Caller {
    Caller::of(request.extensions())
}

/// Whether the caller may have this command carried out.
pub(super) async fn command(
    services: &Services,
    caller: &Caller,
    parsed: &Parsed,
) -> Result<(), Problem> {
    if caller.is_unbounded() {
        return Ok(());
    }
    let command = &parsed.command;
    if let (Address::New, NetworkCommand::RegisterNetwork(it)) = (parsed.address, command) {
        let id = Identity::from(it).network_id(0);
        let (project, name) = (&it.project, &it.name);
        return judge(caller, Some((id, project, name)), Peers::All, Some(id));
    }
    let id = match parsed.address {
        Address::Network(id) => Some(id),
        Address::Peering(id) => rows::network_of(services, id).await.ok(),
        Address::New | Address::All => None,
    };
    let network = match id {
        Some(id) => on_record(services, id).await?,
        None => None,
    };
    let account = peer_account(command, network.as_ref());
    let called = network.as_ref().map(|it| (it.id, &it.project, &it.name));
    judge(
        caller,
        called,
        account.as_ref().map_or(Peers::All, Peers::Account),
        id,
    )
}

/// Whether the caller may have a peering in this network planned.
pub(super) async fn plan(
    services: &Services,
    caller: &Caller,
    network: NetworkId,
    account: Option<&Account>,
    peering: Option<PeeringId>,
) -> Result<(), Problem> {
    if caller.is_unbounded() {
        return Ok(());
    }
    let found = on_record(services, network).await?;
    let of_record = || {
        let peering = found.as_ref()?.peerings().get(&peering?)?;
        Some(peering.peer.account.clone())
    };
    let account = account.cloned().or_else(of_record);
    let called = found.as_ref().map(|it| (it.id, &it.project, &it.name));
    let peers = account.as_ref().map_or(Peers::All, Peers::Account);
    judge(caller, called, peers, Some(network))
}

/// Whether the caller may look at this network.
pub(super) async fn network(
    services: &Services,
    caller: &Caller,
    id: NetworkId,
) -> Result<(), Problem> {
    if caller.is_unbounded() {
        return Ok(());
    }
    let called = called(services, id).await?;
    let called = called.as_ref().map(|(project, name)| (id, project, name));
    judge(caller, called, Peers::None, Some(id))
}

/// Whether the caller may look at this peering. One that is not on record is nobody's who may not
/// look everywhere.
pub(super) async fn peering(
    services: &Services,
    caller: &Caller,
    id: PeeringId,
) -> Result<(), Problem> {
    if caller.is_unbounded() {
        return Ok(());
    }
    match rows::network_of(services, id).await {
        Ok(id) => network(services, caller, id).await,
        Err(_) => judge(caller, None, Peers::None, None),
    }
}

/// Whether the caller may look at everything.
pub(super) fn everything(caller: &Caller) -> Result<(), Problem> {
    if caller.is_unbounded() {
        return Ok(());
    }
    judge(caller, None, Peers::None, None)
}

/// Whether this network shows in what the caller looks at.
pub(super) async fn sees(
    services: &Services,
    caller: &Caller,
    id: NetworkId,
) -> Result<bool, Problem> {
    if caller.is_unbounded() {
        return Ok(true);
    }
    let called = called(services, id).await?;
    let called = called.as_ref().map(|(project, name)| (id, project, name));
    Ok(caller.sees(target(called, Peers::None)))
}

/// The rows of a page that show; `network` says which network each is of.
pub(super) async fn shown<T>(
    services: &Services,
    caller: &Caller,
    mut page: Page<T>,
    network: impl Fn(&T) -> Option<NetworkId>,
) -> Result<Page<T>, Problem> {
    if caller.is_unbounded() {
        return Ok(page);
    }
    let mut known = BTreeMap::new();
    for id in page.items.iter().filter_map(&network) {
        if let Entry::Vacant(new) = known.entry(id) {
            new.insert(sees(services, caller, id).await?);
        }
    }
    let is_shown = |it: &T| network(it).and_then(|id| known.get(&id)) == Some(&true);
    page.items.retain(is_shown);
    Ok(page)
}

fn judge(
    caller: &Caller,
    called: Option<(NetworkId, &Project, &Name)>,
    peers: Peers<'_>,
    network: Option<NetworkId>,
) -> Result<(), Problem> {
    caller.judge(target(called, peers), network)
}

fn target<'a>(called: Option<(NetworkId, &'a Project, &'a Name)>, peers: Peers<'a>) -> Target<'a> {
    let reach = match called {
        Some((id, project, name)) => Reach::Network { id, project, name },
        None => Reach::Everything,
    };
    Target { reach, peers }
}

/// The network as the log has it.
async fn on_record(services: &Services, id: NetworkId) -> Result<Option<Registered>, Problem> {
    let loaded = services.journal.networks().load(id).await;
    let loaded = loaded.map_err(|error| Problem::from(&error))?;
    Ok(match &loaded.network {
        Network::Unregistered | Network::Marked(_) => None,
        Network::Registered(it) | Network::Retired(it) => Some(it.clone()),
    })
}

/// What a network is called, from memory where that was asked before.
pub(super) async fn called(services: &Services, id: NetworkId) -> Result<Option<Called>, Problem> {
    if let Some(called) = services.called.get(&id) {
        return Ok(Some(called));
    }
    let found = match rows::network(services, id).await? {
        Some(row) => Some((row.network.project, row.network.name)),
        None => on_record(services, id)
            .await?
            .map(|it| (it.project, it.name)),
    };
    if let Some(called) = &found {
        services.called.insert(id, called.clone());
    }
    Ok(found)
}

/// At which cloud a network is, from memory where that was asked before: it stays so once it is on
/// record.
pub(super) async fn cloud(
    services: &Services,
    id: NetworkId,
) -> Result<Option<CloudMode>, Problem> {
    if let Some(cloud) = services.at.get(&id) {
        return Ok(Some(cloud));
    }
    let found = match rows::network(services, id).await? {
        Some(row) => row.network.cloud,
        None => on_record(services, id).await?.and_then(|it| it.cloud),
    };
    if let Some(cloud) = &found {
        services.at.insert(id, cloud.clone());
    }
    Ok(found)
}

/// The account of the peer that an orphan was made for, where that peering is on record.
fn orphans_peer(network: &Registered, orphan: &OrphanId) -> Option<Account> {
    let id = network.orphans.get(orphan)?.peering_id;
    let kept = network.peerings().get(&id).map(|it| &it.peer);
    let peer = kept.or_else(|| network.ended_peerings().get(&id).map(|it| &it.peer));
    peer.map(|it| it.account.clone())
}

/// The one peer's account that a command acts for.
pub(super) fn peer_account(
    command: &NetworkCommand,
    network: Option<&Registered>,
) -> Option<Account> {
    let scope = if let NetworkCommand::RequestPeering(it) = command {
        return Some(it.peer.account.clone());
    } else if let NetworkCommand::AdoptPeering(it) = command {
        return Some(it.peer.account.clone());
    } else if let NetworkCommand::ImposeQuarantine(it) = command {
        Some(&it.scope)
    } else if let NetworkCommand::LiftQuarantine(it) = command {
        Some(&it.scope)
    } else if let NetworkCommand::RemoveOrphan(it) = command {
        return orphans_peer(network?, &it.orphan);
    } else {
        None
    };
    match scope {
        Some(QuarantineScope::PeerAccount { account }) => Some(account.clone()),
        Some(QuarantineScope::Everything | QuarantineScope::PeerNetwork { .. }) => None,
        None => {
            let peering = network?.peerings().get(&command.peering_id()?)?;
            Some(peering.peer.account.clone())
        }
    }
}
