//! Where a case is played: three networks, and reads that are repeated until they show what they
//! should.

use crate::{OneObject as _, World};
use cloud::{
    AccessListView, AccountRegion, Cloud, CloudError, CloudErrorKind, GroupView, InterfaceView,
    LinkEnd, LinkSpec, LinkState, LinkView, NetworkRef, Owner, RouteTableView, denied_traffic,
};
use domain::{
    NetworkId, PeeringId, Range,
    network::{Denial, Denied, InboundRule, PortProtocol, Ports},
    text::{CloudNetwork, FirewallGroup, Interface, Link},
};
use std::{fmt::Debug, sync::Arc};
use uuid::Uuid;

/// How often something late is looked for. Reads that are late are late for a bounded time.
const LOOKS: usize = 60;

pub(crate) const OURS: Owner = owner(0x0a11);
pub(crate) const ANOTHER: Owner = owner(0x0a12);

/// What a peering of the suite's network puts on what it makes.
pub(crate) const fn owner(peering: u128) -> Owner {
    Owner::new(
        NetworkId(Uuid::from_u128(0x0a10)),
        PeeringId(Uuid::from_u128(peering)),
    )
}

pub(crate) fn range(text: &str) -> Range {
    text.parse().unwrap()
}

/// How a call ended, if it failed.
pub(crate) fn kind<T>(result: Result<T, CloudError>) -> Option<CloudErrorKind> {
    result.err().map(|error| error.kind)
}

pub(crate) fn rule(port: u16) -> InboundRule {
    InboundRule {
        source: range("10.20.0.0/16").into(),
        port,
        target: None,
    }
}

/// A private network, a peer in another account and region, and a neighbour beside the first.
pub(crate) struct Stage {
    pub(crate) world: Arc<dyn World>,
    pub(crate) cloud: Arc<dyn Cloud>,
    pub(crate) local: NetworkRef,
    pub(crate) remote: NetworkRef,
    pub(crate) neighbour: NetworkRef,
}

impl Stage {
    pub(crate) async fn set(world: Arc<dyn World>) -> Self {
        let (local, remote) = (world.local(), world.remote());
        Self {
            cloud: world.cloud(),
            local: world.network(&local, range("10.10.0.0/16")).await,
            remote: world.network(&remote, range("10.20.0.0/16")).await,
            neighbour: world.network(&local, range("10.30.0.0/16")).await,
            world,
        }
    }

    /// A denial in the list in front of the private network's subnets, whatever is there.
    pub(crate) async fn denial(&self) -> Denial {
        let lists = self.lists().await;
        let list = lists.iter().find_map(|it| it.list.clone());
        Denial {
            list: list.unwrap(),
            number: 7,
            denies: Denied {
                source: range("10.20.0.0/16"),
                ports: Some(Ports {
                    protocol: PortProtocol::Tcp,
                    first: 0,
                    last: 2112,
                }),
            },
        }
    }

    pub(crate) async fn lists(&self) -> Vec<AccessListView> {
        let of = std::slice::from_ref(&self.local.network);
        self.cloud.access_lists(&self.local.at, of).await.unwrap()
    }

    /// Reads until they show whether this is denied.
    pub(crate) async fn is_denied(&self, denial: &Denial, is_so: bool) {
        let traffic = denied_traffic(&denial.denies);
        let shows = |lists: &Vec<AccessListView>| {
            let list = lists
                .iter()
                .find(|it| it.list.as_ref() == Some(&denial.list));
            let mut entries = list.into_iter().flat_map(|it| &it.entries);
            entries.any(|it| {
                (it.priority, it.allow, &it.traffic) == (denial.number.into(), false, &traffic)
            })
        };
        let read = async || self.lists().await;
        let right = |it: &Vec<AccessListView>| shows(it) == is_so;
        self.until("the denial, or its end", read, right).await;
    }

    /// A network of this account's form that is not there: the peer's, asked for at home.
    pub(crate) fn nowhere(&self) -> CloudNetwork {
        self.remote.network.clone()
    }

    pub(crate) fn spec(&self, owner: Owner) -> LinkSpec {
        spec(owner, &self.local, &self.remote)
    }

    /// Reads until what is read is as it should be; late reads are given time.
    pub(crate) async fn until<T: Debug>(
        &self,
        what: &str,
        read: impl AsyncFn() -> T,
        right: impl Fn(&T) -> bool,
    ) -> T {
        let mut seen = None;
        for _ in 0..LOOKS {
            let read = read().await;
            if right(&read) {
                return read;
            }
            seen = Some(read);
            self.world.pass_time().await;
        }
        panic!("no read showed {what}; the last one: {seen:?}")
    }

    pub(crate) async fn links(&self, at: &NetworkRef) -> Vec<LinkView> {
        let of = std::slice::from_ref(&at.network);
        self.cloud.links(&at.at, of).await.unwrap()
    }

    /// The link as this end is told of it, once it is in this state.
    pub(crate) async fn shown(&self, at: &NetworkRef, link: &Link, state: LinkState) -> LinkView {
        let what = format!("{link} as {} at {}", state.as_str(), at.at);
        let read = async || {
            let mut found = self.links(at).await;
            found.retain(|it| it.link == *link);
            found
        };
        let right = |found: &Vec<LinkView>| found.len() == 1 && found[0].state == state;
        self.until(&what, read, right).await.remove(0)
    }

    /// A link that waits for its accepter, and is shown to both.
    pub(crate) async fn pending(&self) -> Link {
        let link = self.cloud.create_link(&self.spec(OURS)).await.unwrap();
        for end in [&self.local, &self.remote] {
            self.shown(end, &link, LinkState::Pending).await;
        }
        link
    }

    /// A link in place, and shown to both.
    pub(crate) async fn active(&self) -> Link {
        let link = self.pending().await;
        let at = &self.remote.at;
        self.cloud.accept_link(at, &link).await.unwrap();
        for end in [&self.local, &self.remote] {
            self.shown(end, &link, LinkState::Active).await;
        }
        link
    }

    /// A network of the peer's in the private network's own region, and a link to it that waits for
    /// its accepter and is shown to both.
    pub(crate) async fn near_peer(&self) -> (NetworkRef, Link) {
        let at = AccountRegion {
            region: self.local.at.region.clone(),
            ..self.remote.at.clone()
        };
        let near = self.world.network(&at, range("10.40.0.0/16")).await;
        let asked = spec(OURS, &self.local, &near);
        let link = self.cloud.create_link(&asked).await.unwrap();
        for end in [&self.local, &near] {
            self.shown(end, &link, LinkState::Pending).await;
        }
        (near, link)
    }

    pub(crate) async fn tables(&self, network: &NetworkRef) -> Vec<RouteTableView> {
        let of = std::slice::from_ref(&network.network);
        self.cloud.route_tables(&network.at, of).await.unwrap()
    }

    pub(crate) async fn main_table(&self, network: &NetworkRef) -> RouteTableView {
        let mut tables = self.tables(network).await;
        tables.retain(|table| table.main);
        assert_eq!(tables.len(), 1, "one main table: {tables:?}");
        tables.remove(0)
    }

    pub(crate) async fn groups(&self, network: &NetworkRef) -> Vec<GroupView> {
        let of = std::slice::from_ref(&network.network);
        self.cloud.firewall_groups(&network.at, of).await.unwrap()
    }

    /// The group, once a read has shown it.
    pub(crate) async fn shown_group(&self, group: &FirewallGroup) -> GroupView {
        self.group_as(group, "at all", |_| true).await
    }

    /// The group, once a read has shown it so.
    pub(crate) async fn group_as(
        &self,
        group: &FirewallGroup,
        what: &str,
        right: impl Fn(&GroupView) -> bool,
    ) -> GroupView {
        let read = async || {
            let mut found = self.groups(&self.local).await;
            found.retain(|it| it.group == *group);
            found
        };
        let right = |found: &Vec<GroupView>| found.len() == 1 && right(&found[0]);
        let found = self.until(&format!("{group} {what}"), read, right).await;
        found.into_iter().next().unwrap()
    }

    /// The private network's interface, once a read has shown it so.
    pub(crate) async fn interface_as(
        &self,
        interface: &Interface,
        what: &str,
        right: impl Fn(&InterfaceView) -> bool,
    ) -> InterfaceView {
        let of = std::slice::from_ref(&self.local.network);
        let read = async || {
            let mut found = self.cloud.interfaces(&self.local.at, of).await.unwrap();
            found.retain(|it| it.interface == *interface);
            found
        };
        let right = |found: &Vec<InterfaceView>| found.len() == 1 && right(&found[0]);
        let found = self
            .until(&format!("{interface} {what}"), read, right)
            .await;
        found.into_iter().next().unwrap()
    }

    /// A group of ours in the private network, in sight.
    pub(crate) async fn made_group(&self) -> FirewallGroup {
        let group = self.cloud.create_group(&self.local, OURS).await.unwrap();
        self.shown_group(&group).await;
        group
    }

    /// A place where nothing of this stage is: the private network's account, in the peer's region.
    pub(crate) fn elsewhere(&self) -> AccountRegion {
        AccountRegion {
            region: self.remote.at.region.clone(),
            ..self.local.at.clone()
        }
    }
}

pub(crate) fn spec(owner: Owner, requester: &NetworkRef, accepter: &NetworkRef) -> LinkSpec {
    let end = |network: &NetworkRef| LinkEnd::new(network.clone(), Vec::new());
    LinkSpec {
        owner,
        first: end(requester),
        second: end(accepter),
        link: None,
    }
}
