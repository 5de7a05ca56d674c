//! What each failure says of the call: not permitted, not now, not known, not reached.
//!
//! Every change that the port has is tried in one life, in an order in which each is possible.

use crate::repeats::repeats;
use crate::{
    Fault, OneObject as _,
    stage::{OURS, Stage, kind, range, rule, spec},
};
use cloud::{
    AccountRegion, CallClass, CloudError, CloudErrorKind, FirewallPart, GroupView, LinkRole,
    LinkState, LinkView, NetworkRef, Operation, RouteTableView,
};
use domain::{
    network::LinkOption,
    text::{FirewallGroup, FirewallRule, Interface, Link},
};
use std::mem::discriminant;
use tokio::sync::OnceCell;

/// Every change, in the order of a life.
const CHANGES: [Operation; 16] = [
    Operation::CreateLink,
    Operation::TagLink,
    Operation::AcceptLink,
    Operation::SetOption,
    Operation::InstallRoute,
    Operation::RemoveRoute,
    Operation::CreateGroup,
    Operation::AttachGroup,
    Operation::DetachGroup,
    Operation::MakeDenial,
    Operation::RemoveDenial,
    Operation::AuthorizeRule,
    Operation::TagFirewall,
    Operation::RevokeRule,
    Operation::DeleteGroup,
    Operation::DeleteLink,
];

/// Every read that is about a network.
const READS: [Operation; 8] = [
    Operation::Networks,
    Operation::Subnets,
    Operation::Links,
    Operation::RouteTables,
    Operation::FirewallGroups,
    Operation::AccessLists,
    Operation::Interfaces,
    Operation::DnsSupport,
];

/// One life, whose things are found by reads alone.
struct Life {
    stage: Stage,
    link: Option<Link>,
    group: Option<FirewallGroup>,
    rule: Option<FirewallRule>,
    interface: OnceCell<Interface>,
}

type Seen = (Vec<LinkView>, Vec<RouteTableView>, Vec<GroupView>);

impl Life {
    fn of(stage: Stage) -> Self {
        Self {
            stage,
            link: None,
            group: None,
            rule: None,
            interface: OnceCell::new(),
        }
    }

    /// Who makes this change.
    fn at(&self, operation: Operation) -> &AccountRegion {
        if operation == Operation::AcceptLink {
            &self.stage.remote.at
        } else {
            &self.stage.local.at
        }
    }

    fn link(&self) -> Link {
        self.link.clone().unwrap()
    }

    fn group(&self) -> FirewallGroup {
        self.group.clone().unwrap()
    }

    /// A machine's interface at home, made when it is first asked for.
    async fn interface(&self) -> &Interface {
        let (world, local) = (&self.stage.world, &self.stage.local);
        self.interface
            .get_or_init(|| world.interface(local, false))
            .await
    }

    async fn act(&self, operation: Operation) -> Result<(), CloudError> {
        let (cloud, at) = (&self.stage.cloud, self.at(operation));
        let to = range("10.20.0.0/16");
        match operation {
            Operation::CreateLink => cloud.create_link(&self.stage.spec(OURS)).await.map(drop),
            Operation::TagLink => cloud.tag_link(at, &self.link(), OURS).await,
            Operation::AcceptLink => cloud.accept_link(at, &self.link()).await,
            Operation::SetOption => {
                cloud
                    .set_option(
                        &self.stage.local,
                        &self.link(),
                        LinkRole::First,
                        LinkOption::DnsResolution,
                        true.into(),
                    )
                    .await
            }
            Operation::InstallRoute => {
                let table = self.stage.main_table(&self.stage.local).await.table;
                cloud.install_route(at, &table, to, &self.link()).await
            }
            Operation::RemoveRoute => {
                let table = self.stage.main_table(&self.stage.local).await.table;
                cloud.remove_route(at, &table, to).await
            }
            Operation::CreateGroup => cloud.create_group(&self.stage.local, OURS).await.map(drop),
            Operation::AuthorizeRule => cloud
                .authorize_rule(at, &self.group(), rule(2113), OURS)
                .await
                .map(drop),
            Operation::TagFirewall => {
                let part = FirewallPart::Group(self.group());
                cloud.tag_firewall(at, &part, OURS).await
            }
            Operation::RevokeRule => {
                let rule = self.rule.clone().unwrap();
                cloud.revoke_rule(at, &self.group(), &rule).await
            }
            Operation::AttachGroup => {
                let interface = self.interface().await;
                cloud.attach_group(at, interface, &self.group()).await
            }
            Operation::DetachGroup => {
                let interface = self.interface().await;
                cloud.detach_group(at, interface, &self.group()).await
            }
            Operation::MakeDenial => cloud.make_denial(at, &self.stage.denial().await).await,
            Operation::RemoveDenial => cloud.remove_denial(at, &self.stage.denial().await).await,
            Operation::DeleteGroup => cloud.delete_group(at, &self.group()).await,
            Operation::DeleteLink => cloud.delete_link(at, &self.link()).await,
            Operation::Networks
            | Operation::Subnets
            | Operation::Links
            | Operation::RouteTables
            | Operation::FirewallGroups
            | Operation::AccessLists
            | Operation::Interfaces
            | Operation::DnsSupport
            | Operation::Identity
            | Operation::Rehearse
            | Operation::Quotas
            | Operation::OperationState
            | Operation::CreateNetwork => self.read(operation).await,
        }
    }

    async fn read(&self, operation: Operation) -> Result<(), CloudError> {
        let (cloud, at) = (&self.stage.cloud, &self.stage.local.at);
        let of = [self.stage.local.network.clone()];
        match operation {
            Operation::Networks => cloud.networks(at, &of).await.map(drop),
            Operation::Subnets => cloud.subnets(at, &of).await.map(drop),
            Operation::Links => cloud.links(at, &of).await.map(drop),
            Operation::RouteTables => cloud.route_tables(at, &of).await.map(drop),
            Operation::FirewallGroups => cloud.firewall_groups(at, &of).await.map(drop),
            Operation::AccessLists => cloud.access_lists(at, &of).await.map(drop),
            Operation::Interfaces => cloud.interfaces(at, &of).await.map(drop),
            Operation::DnsSupport => cloud.dns_support(&self.stage.local).await.map(drop),
            Operation::CreateLink
            | Operation::AcceptLink
            | Operation::DeleteLink
            | Operation::TagLink
            | Operation::SetOption
            | Operation::InstallRoute
            | Operation::RemoveRoute
            | Operation::CreateGroup
            | Operation::DeleteGroup
            | Operation::AuthorizeRule
            | Operation::RevokeRule
            | Operation::TagFirewall
            | Operation::AttachGroup
            | Operation::DetachGroup
            | Operation::MakeDenial
            | Operation::RemoveDenial
            | Operation::Identity
            | Operation::Rehearse
            | Operation::Quotas
            | Operation::OperationState
            | Operation::CreateNetwork => panic!("{operation} is tried elsewhere"),
        }
    }

    /// Everything that reads show of this life.
    async fn seen(&self) -> Seen {
        // Whoever makes a machine may make a group for it.
        self.interface().await;
        let stage = &self.stage;
        let mut links = stage.links(&stage.local).await;
        links.extend(stage.links(&stage.remote).await);
        (
            links,
            stage.tables(&stage.local).await,
            stage.groups(&stage.local).await,
        )
    }

    async fn links_are(&self, state: LinkState) -> Link {
        let mut found = None;
        for end in [&self.stage.local, &self.stage.remote] {
            let read = async || self.stage.links(end).await;
            let right = |it: &Vec<LinkView>| it.len() == 1 && it[0].state == state;
            let what = format!("one link {} at {end}", state.as_str());
            let seen = self.stage.until(&what, read, right).await;
            found = Some(seen[0].link.clone());
        }
        found.unwrap()
    }

    async fn routes_are(&self, count: usize) {
        let read = async || self.stage.main_table(&self.stage.local).await.routes;
        let right = |it: &Vec<_>| it.len() == count;
        self.stage.until("the routes", read, right).await;
    }

    async fn groups_are(&self, right: impl Fn(&[GroupView]) -> bool) -> Vec<GroupView> {
        let read = async || {
            let mut found = self.stage.groups(&self.stage.local).await;
            found.retain(|it| it.owner == Some(OURS));
            found
        };
        let right = |it: &Vec<GroupView>| right(it);
        self.stage.until("the groups", read, right).await
    }

    /// Reads until they show that the change was made, and takes from them what it made.
    async fn shows(&mut self, operation: Operation) {
        match operation {
            Operation::CreateLink => self.link = Some(self.links_are(LinkState::Pending).await),
            Operation::AcceptLink => drop(self.links_are(LinkState::Active).await),
            Operation::TagLink => {
                let read = async || self.stage.links(&self.stage.local).await;
                let ours = |it: &Vec<LinkView>| it[0].owner == Some(OURS);
                self.stage.until("the tag", read, ours).await;
            }
            Operation::SetOption => {
                let read = async || self.stage.links(&self.stage.local).await;
                let on = |it: &Vec<LinkView>| {
                    it[0].first.option(LinkOption::DnsResolution) == Some(true)
                };
                self.stage.until("the option", read, on).await;
            }
            Operation::InstallRoute => self.routes_are(2).await,
            Operation::RemoveRoute => self.routes_are(1).await,
            Operation::CreateGroup | Operation::TagFirewall => {
                let found = self.groups_are(|it| it.len() == 1).await;
                self.group = Some(found[0].group.clone());
            }
            Operation::AuthorizeRule => {
                let one = |it: &[GroupView]| it.len() == 1 && it[0].rules.len() == 1;
                let found = self.groups_are(one).await;
                self.rule = Some(found[0].rules[0].id.clone());
            }
            Operation::RevokeRule => {
                let none = |it: &[GroupView]| it.len() == 1 && it[0].rules.is_empty();
                self.groups_are(none).await;
            }
            Operation::AttachGroup => {
                let (interface, group) = (self.interface().await, self.group());
                self.stage
                    .interface_as(interface, "with it", |it| it.groups.contains(&group))
                    .await;
            }
            Operation::DetachGroup => {
                let (interface, group) = (self.interface().await, self.group());
                self.stage
                    .interface_as(interface, "without it", |it| !it.groups.contains(&group))
                    .await;
            }
            Operation::MakeDenial | Operation::RemoveDenial => {
                let denial = self.stage.denial().await;
                self.stage
                    .is_denied(&denial, operation == Operation::MakeDenial)
                    .await;
            }
            Operation::DeleteGroup => drop(self.groups_are(<[_]>::is_empty).await),
            Operation::DeleteLink => {
                let read = async || self.stage.links(&self.stage.local).await;
                let over = |it: &Vec<LinkView>| it.iter().all(|it| !it.state.is_live());
                self.stage.until("the end of the link", read, over).await;
            }
            Operation::Networks
            | Operation::Subnets
            | Operation::Links
            | Operation::RouteTables
            | Operation::FirewallGroups
            | Operation::AccessLists
            | Operation::Interfaces
            | Operation::DnsSupport
            | Operation::Identity
            | Operation::Rehearse
            | Operation::Quotas
            | Operation::OperationState
            | Operation::CreateNetwork => panic!("{operation} changes nothing"),
        }
    }

    /// That the failure names the call, and where it went.
    fn names(&self, operation: Operation, error: &CloudError) {
        assert_eq!(error.operation, operation, "{error}");
        let at = match operation.class() {
            CallClass::Write => self.at(operation),
            CallClass::Read | CallClass::Identity => &self.stage.local.at,
        };
        assert!(error.at.is_same(at), "{error}");
    }
}

pub(crate) async fn what_is_denied_is_said_to_be_and_changes_nothing(stage: Stage) {
    let mut life = Life::of(stage);
    for operation in READS.into_iter().chain(CHANGES) {
        let before = life.seen().await;
        let at = life.at(operation).clone();
        life.stage.world.deny(&at, operation).await;
        let error = life.act(operation).await.unwrap_err();
        life.stage.world.permit(&at).await;
        assert_eq!(error.kind, CloudErrorKind::Denied, "{error}");
        assert!(error.definitely_not_applied() && !error.worth_a_retry());
        life.names(operation, &error);
        assert_eq!(life.seen().await, before, "{operation} changed something");
        life.act(operation).await.unwrap();
        if operation.class() == CallClass::Write {
            life.shows(operation).await;
        }
    }
}

/// Each call is refused once, says why, and has changed nothing; then it works.
async fn refused_once(stage: Stage, fault: Fault, kind: CloudErrorKind) {
    let mut life = Life::of(stage);
    if let Some(why) = life.stage.world.never(fault) {
        assert!(!why.is_empty(), "a reason");
        return;
    }
    for operation in READS.into_iter().chain(CHANGES) {
        let before = life.seen().await;
        let at = life.at(operation).clone();
        life.stage.world.fail_next(&at, operation, fault).await;
        let error = life.act(operation).await.unwrap_err();
        assert_eq!(discriminant(&error.kind), discriminant(&kind), "{error}");
        assert_eq!(
            error.definitely_not_applied(),
            kind.definitely_not_applied()
        );
        assert_eq!(error.worth_a_retry(), kind.worth_a_retry());
        life.names(operation, &error);
        assert_eq!(life.seen().await, before, "{operation} changed something");
        life.act(operation).await.unwrap();
        if operation.class() == CallClass::Write {
            life.shows(operation).await;
        }
    }
}

pub(crate) async fn what_is_throttled_was_not_done_and_works_later(stage: Stage) {
    let kind = CloudErrorKind::Throttled { retry_after: None };
    assert!(kind.definitely_not_applied() && kind.worth_a_retry());
    refused_once(stage, Fault::Throttled, kind).await;
}

pub(crate) async fn a_network_that_is_busy_was_not_changed_and_is_free_later(stage: Stage) {
    let kind = CloudErrorKind::Busy;
    assert!(kind.definitely_not_applied() && kind.worth_a_retry());
    refused_once(stage, Fault::Busy, kind).await;
}

pub(crate) async fn a_request_without_sense_is_a_defect_and_not_sent_again(stage: Stage) {
    let kind = CloudErrorKind::InvalidRequest;
    assert!(kind.definitely_not_applied() && !kind.worth_a_retry());
    refused_once(stage, Fault::Malformed, kind).await;
}

pub(crate) async fn refused_credentials_changed_nothing_and_are_not_tried_again(stage: Stage) {
    let kind = CloudErrorKind::CredentialsRefused;
    assert!(kind.definitely_not_applied() && !kind.worth_a_retry());
    refused_once(stage, Fault::CredentialsRefused, kind).await;
}

pub(crate) async fn a_session_that_is_over_is_followed_by_another(stage: Stage) {
    let kind = CloudErrorKind::SessionExpired;
    assert!(kind.definitely_not_applied() && kind.worth_a_retry());
    refused_once(stage, Fault::SessionExpired, kind).await;
}

pub(crate) async fn an_answer_that_nobody_has_heard_of_promises_nothing(stage: Stage) {
    let kind = CloudErrorKind::Unexpected;
    assert!(!kind.definitely_not_applied() && !kind.worth_a_retry());
    refused_once(stage, Fault::Unheard, kind).await;
}

pub(crate) async fn what_a_cloud_cannot_do_is_said_at_once_and_not_tried_again(stage: Stage) {
    let place = match stage.world.unsupported() {
        Ok(place) => place,
        Err(why) => {
            assert!(!why.is_empty(), "a reason");
            return;
        }
    };
    let life = Life::of(stage);
    let before = life.seen().await;
    let there = NetworkRef {
        at: place.clone(),
        network: life.stage.local.network.clone(),
    };
    let (cloud, of) = (&life.stage.cloud, [there.network.clone()]);
    let to = spec(OURS, &life.stage.local, &there);
    let tried = [
        cloud.networks(&place, &of).await.map(drop),
        cloud.links(&place, &of).await.map(drop),
        cloud.create_group(&there, OURS).await.map(drop),
        cloud.create_link(&to).await.map(drop),
    ];
    for refused in tried {
        let error = refused.unwrap_err();
        assert_eq!(error.kind, CloudErrorKind::Unsupported, "{error}");
        assert!(error.definitely_not_applied() && !error.worth_a_retry());
    }
    assert_eq!(life.seen().await, before);
}

pub(crate) async fn a_lost_answer_is_ambiguous_and_reads_tell_what_became_of_the_call(
    stage: Stage,
) {
    let mut life = Life::of(stage);
    for operation in CHANGES {
        let at = life.at(operation).clone();
        let world = &life.stage.world;
        world.fail_next(&at, operation, Fault::AnswerLost).await;
        let error = life.act(operation).await.unwrap_err();
        assert_eq!(error.kind, CloudErrorKind::Ambiguous, "{error}");
        assert!(!error.definitely_not_applied() && !error.worth_a_retry());
        life.names(operation, &error);
        life.shows(operation).await;
        let repeats = repeats(operation);
        if repeats.is_empty() {
            continue;
        }
        let again = kind(life.act(operation).await);
        assert!(
            repeats.contains(&again),
            "{operation} again after a lost answer: {again:?}"
        );
    }
}

pub(crate) async fn a_lost_answer_to_a_read_may_be_asked_for_again(stage: Stage) {
    let life = Life::of(stage);
    for operation in READS {
        let (at, world) = (&life.stage.local.at, &life.stage.world);
        world.fail_next(at, operation, Fault::AnswerLost).await;
        let error = life.read(operation).await.unwrap_err();
        assert_eq!(error.kind, CloudErrorKind::Ambiguous, "{error}");
        assert!(error.worth_a_retry(), "nothing can have changed: {error}");
        life.names(operation, &error);
        life.read(operation).await.unwrap();
    }
}

pub(crate) async fn a_cloud_that_does_not_answer_is_unreachable_and_nothing_was_done(
    mut stage: Stage,
) {
    stage.cloud = stage.world.unreachable().await;
    let life = Life::of(stage);
    let tried = READS
        .into_iter()
        .chain([Operation::CreateLink, Operation::CreateGroup]);
    for operation in tried {
        let error = life.act(operation).await.unwrap_err();
        assert_eq!(error.kind, CloudErrorKind::Unreachable, "{error}");
        assert!(error.definitely_not_applied() && error.worth_a_retry());
        life.names(operation, &error);
    }
    let identity = life.stage.cloud.identity(&life.stage.local.at).await;
    assert_eq!(kind(identity), Some(CloudErrorKind::Unreachable));
}
