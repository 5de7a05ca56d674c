//! Implementations that break the contract in one thing each.

use crate::world::SimulatedWorld;
use async_trait::async_trait;
use cloud::{
    AccessListView, AccountRegion, Cloud, CloudError, CloudErrorKind, DnsSupport, FirewallPart,
    GroupView, HalfAnswer, InterfaceView, Limits, LinkRole, LinkSpec, LinkState, LinkView,
    NetworkRef, NetworkView, Operation, Owner, Rehearsal, Rehearsed, RequestId, RouteTableView,
    SubnetView, Switch,
};
use conformance::{Fault, World};
use domain::{
    CloudMode, NetworkId, PeeringId, Provider, QuotaOverrides, Range, Side,
    network::{Denial, InboundRule, LinkOption},
    text::{Account, CloudNetwork, FirewallGroup, FirewallRule, Interface, Link, RouteTable},
};
use peerage_simulated::SimulatedSettings;
use std::sync::Arc;

/// The tag of the suite's first peering.
fn ours() -> Owner {
    Owner::new(
        NetworkId(uuid::Uuid::from_u128(0x0a10)),
        PeeringId(uuid::Uuid::from_u128(0x0a11)),
    )
}

/// The one thing that is not as the port says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    /// A repeated route is said to have been installed.
    RepeatedRouteIsFine,
    /// A route takes the place of another one.
    RouteReplaces,
    /// A group that is gone is said to have been deleted.
    DeletedTwice,
    /// A lost answer is said to have changed nothing.
    LostIsUnreachable,
    /// A throttled change is repeated by the implementation.
    RepeatsByItself,
    /// A denial is told as a wrong state.
    DenialIsWrongState,
    /// A network that is not there is an error.
    AbsenceIsAnError,
    /// A read shows what was not asked about.
    ShowsTheNeighbour,
    /// Everything with a tag of ours is said to be the first peering's.
    OwnerByGuess,
    /// A stranger's group without a tag is said to be ours.
    StrangersAreOurs,
    /// The requester sees the accepter's link as active before it is.
    ActiveTooEarly,
    /// A route over a link that is gone is told as active.
    RoutesNeverGoDark,
    /// The first page is told as the whole.
    FirstPageOnly,
    /// A rehearsal does what it asks about.
    RehearsalActs,
    /// The identity is the one that was meant, whoever acts.
    IdentityByHope,
    /// A permission is missing from the list.
    ForgetsPermissions,
    /// A link is said to be accepted by its requester.
    RequesterAccepts,
    /// An error does not say where it happened.
    ErrorsFromElsewhere,
    /// A busy network is told as a wrong state, which nobody waits for.
    BusyIsWrongState,
    /// A call without sense is said to be one too many, and would be sent for ever.
    NonsenseIsThrottled,
    /// Refused credentials are told as a permission that is missing.
    StrangersAreDenied,
    /// A session that is over ends whatever was going on.
    SessionsEndForGood,
    /// What nobody has heard of is said to have changed nothing.
    UnheardIsHarmless,
    /// What it cannot do is tried in the dark, and nothing is found.
    UnsupportedIsNotFound,
    /// A request is answered with the link that is there, whoever made it.
    AnswersWithAnothers,
    /// The same, where the link has no tag at all.
    AnswersWithAnybodys,
    /// The link that is there gets the tag of whoever asks next.
    TakesTheLinkOver,
    /// A group that is attached already is said to have been attached.
    AttachedTwice,
    /// A number that is taken is said to have been given to the entry.
    DeniedUnderAnothersNumber,
    /// One option is set in place of another.
    OptionsAreOne,
}

/// Each lie, and a promise that it breaks.
const LIES: [(Lie, &str); 30] = [
    (
        Lie::OptionsAreOne,
        "several_paths_are_allowed_by_each_side_for_itself_and_between_regions_only",
    ),
    (
        Lie::DeniedUnderAnothersNumber,
        "a_denial_takes_no_number_that_is_taken_and_only_the_very_entry_is_removed",
    ),
    (
        Lie::AttachedTwice,
        "a_group_is_attached_once_and_detached_once_and_the_others_stay",
    ),
    (
        Lie::RepeatedRouteIsFine,
        "a_route_is_installed_once_and_nothing_is_replaced",
    ),
    (
        Lie::RouteReplaces,
        "a_route_is_installed_once_and_nothing_is_replaced",
    ),
    (
        Lie::DeletedTwice,
        "a_group_is_deleted_once_and_not_while_it_is_used",
    ),
    (
        Lie::LostIsUnreachable,
        "a_lost_answer_is_ambiguous_and_reads_tell_what_became_of_the_call",
    ),
    (
        Lie::RepeatsByItself,
        "what_is_throttled_was_not_done_and_works_later",
    ),
    (
        Lie::DenialIsWrongState,
        "what_is_denied_is_said_to_be_and_changes_nothing",
    ),
    (
        Lie::AbsenceIsAnError,
        "a_read_answers_for_the_networks_that_it_names_and_leaves_out_what_is_not_there",
    ),
    (
        Lie::ShowsTheNeighbour,
        "a_read_answers_for_the_networks_that_it_names_and_leaves_out_what_is_not_there",
    ),
    (
        Lie::OwnerByGuess,
        "an_owner_tag_is_seen_where_it_was_put_and_putting_it_again_does_no_harm",
    ),
    (
        Lie::StrangersAreOurs,
        "what_others_made_is_shown_and_is_nobody_of_ours",
    ),
    (
        Lie::ActiveTooEarly,
        "a_link_is_shown_to_both_ends_with_its_two_ends",
    ),
    (
        Lie::RoutesNeverGoDark,
        "a_route_leads_nowhere_without_an_active_link",
    ),
    (
        Lie::FirstPageOnly,
        "a_read_that_takes_several_pages_shows_everything_once",
    ),
    (
        Lie::RehearsalActs,
        "a_rehearsal_changes_nothing_and_says_what_is_not_permitted",
    ),
    (
        Lie::IdentityByHope,
        "credentials_of_another_account_show_nothing_of_this_one",
    ),
    (
        Lie::ForgetsPermissions,
        "every_operation_names_the_permissions_that_it_takes",
    ),
    (
        Lie::RequesterAccepts,
        "a_link_is_accepted_once_and_by_its_accepter",
    ),
    (
        Lie::ErrorsFromElsewhere,
        "what_is_denied_is_said_to_be_and_changes_nothing",
    ),
    (
        Lie::BusyIsWrongState,
        "a_network_that_is_busy_was_not_changed_and_is_free_later",
    ),
    (
        Lie::NonsenseIsThrottled,
        "a_request_without_sense_is_a_defect_and_not_sent_again",
    ),
    (
        Lie::StrangersAreDenied,
        "refused_credentials_changed_nothing_and_are_not_tried_again",
    ),
    (
        Lie::SessionsEndForGood,
        "a_session_that_is_over_is_followed_by_another",
    ),
    (
        Lie::UnheardIsHarmless,
        "an_answer_that_nobody_has_heard_of_promises_nothing",
    ),
    (
        Lie::UnsupportedIsNotFound,
        "what_a_cloud_cannot_do_is_said_at_once_and_not_tried_again",
    ),
    (
        Lie::AnswersWithAnothers,
        "a_request_is_never_answered_with_a_link_of_another",
    ),
    (
        Lie::AnswersWithAnybodys,
        "a_request_is_never_answered_with_a_link_of_another",
    ),
    (
        Lie::TakesTheLinkOver,
        "a_request_is_never_answered_with_a_link_of_another",
    ),
];

#[tokio::test(start_paused = true)]
async fn an_implementation_that_breaks_the_contract_in_one_thing_is_found_out() {
    for (lie, promise) in LIES {
        let world = async || LyingWorld {
            honest: SimulatedWorld::of(SimulatedSettings::instant(7)),
            lie,
        };
        let verdict = conformance::run(world).await;
        let broken: Vec<_> = verdict.broken.iter().map(|(name, _)| *name).collect();
        assert!(
            broken.contains(&promise),
            "{lie:?} is not found: {broken:?}"
        );
    }
}

/// An honest world with a lying cloud in it.
struct LyingWorld {
    honest: SimulatedWorld,
    lie: Lie,
}

#[async_trait]
impl World for LyingWorld {
    fn cloud(&self) -> Arc<dyn Cloud> {
        Arc::new(Liar {
            honest: self.honest.cloud(),
            lie: self.lie,
        })
    }

    async fn unreachable(&self) -> Arc<dyn Cloud> {
        self.honest.unreachable().await
    }

    async fn as_another_account(&self) -> Arc<dyn Cloud> {
        Arc::new(Liar {
            honest: self.honest.as_another_account().await,
            lie: self.lie,
        })
    }

    fn local(&self) -> AccountRegion {
        self.honest.local()
    }

    fn remote(&self) -> AccountRegion {
        self.honest.remote()
    }

    async fn network(&self, at: &AccountRegion, range: Range) -> NetworkRef {
        self.honest.network(at, range).await
    }

    async fn take_names(&self, network: &NetworkRef) {
        self.honest.take_names(network).await;
    }

    async fn link(&self, requester: &NetworkRef, accepter: &NetworkRef) -> Link {
        self.honest.link(requester, accepter).await
    }

    async fn route_elsewhere(&self, network: &NetworkRef, table: &RouteTable, to: Range) {
        self.honest.route_elsewhere(network, table, to).await;
    }

    async fn group(&self, network: &NetworkRef, name: &str, rule: InboundRule) -> FirewallGroup {
        self.honest.group(network, name, rule).await
    }

    async fn use_group(&self, network: &NetworkRef, group: &FirewallGroup) {
        self.honest.use_group(network, group).await;
    }

    async fn interface(&self, network: &NetworkRef, is_managed: bool) -> Interface {
        self.honest.interface(network, is_managed).await
    }

    async fn deny(&self, at: &AccountRegion, operation: Operation) {
        self.honest.deny(at, operation).await;
    }

    async fn permit(&self, at: &AccountRegion) {
        self.honest.permit(at).await;
    }

    async fn fail_next(&self, at: &AccountRegion, operation: Operation, fault: Fault) {
        self.honest.fail_next(at, operation, fault).await;
    }

    fn never(&self, fault: Fault) -> Option<&'static str> {
        self.honest.never(fault)
    }

    /// The lying cloud is one that says that it does not do this provider.
    fn unsupported(&self) -> Result<AccountRegion, &'static str> {
        if self.lie != Lie::UnsupportedIsNotFound {
            return self.honest.unsupported();
        }
        Ok(AccountRegion {
            account: "333333333333".parse().unwrap(),
            ..self.honest.local()
        })
    }

    async fn small_pages(&self) {
        self.honest.small_pages().await;
    }

    async fn pass_time(&self) {
        self.honest.pass_time().await;
    }
}

#[derive(Debug)]
struct Liar {
    honest: Arc<dyn Cloud>,
    lie: Lie,
}

impl Liar {
    /// How a call is said to have ended.
    fn told<T>(&self, result: Result<T, CloudError>) -> Result<T, CloudError> {
        result.map_err(|mut error| {
            match (self.lie, &error.kind) {
                (Lie::LostIsUnreachable, CloudErrorKind::Ambiguous) => {
                    error.kind = CloudErrorKind::Unreachable;
                }
                (Lie::DenialIsWrongState, CloudErrorKind::Denied) => {
                    error.kind = CloudErrorKind::WrongState;
                }
                (Lie::BusyIsWrongState, CloudErrorKind::Busy) => {
                    error.kind = CloudErrorKind::WrongState;
                }
                (Lie::NonsenseIsThrottled, CloudErrorKind::InvalidRequest) => {
                    error.kind = CloudErrorKind::Throttled { retry_after: None };
                }
                (Lie::StrangersAreDenied, CloudErrorKind::CredentialsRefused)
                | (Lie::SessionsEndForGood, CloudErrorKind::SessionExpired) => {
                    error.kind = CloudErrorKind::Denied;
                }
                (Lie::UnheardIsHarmless, CloudErrorKind::Unexpected) => {
                    error.kind = CloudErrorKind::InvalidRequest;
                }
                (Lie::ErrorsFromElsewhere, _) => {
                    error.at.account = "999999999999".parse().unwrap();
                }
                _ => {}
            }
            error
        })
    }

    /// The link that is there between the networks of a request.
    async fn there(&self, spec: &LinkSpec) -> Option<Link> {
        let requester = &spec.first.network;
        let of = std::slice::from_ref(&requester.network);
        let found = self.honest.links(&requester.at, of).await.ok()?;
        Some(found.first()?.link.clone())
    }

    fn pardoned(
        &self,
        lie: Lie,
        kind: &CloudErrorKind,
        result: Result<(), CloudError>,
    ) -> Result<(), CloudError> {
        match self.told(result) {
            Err(error) if self.lie == lie && error.kind == *kind => Ok(()),
            other => other,
        }
    }
}

#[async_trait]
impl Cloud for Liar {
    fn mode(&self, provider: Provider) -> Option<CloudMode> {
        self.honest.mode(provider)
    }

    fn limits(&self, at: &AccountRegion, seen: QuotaOverrides) -> Limits {
        self.honest.limits(at, seen)
    }

    fn permissions(&self, provider: Provider, operation: Operation) -> Vec<&'static str> {
        match (self.lie, operation) {
            (Lie::ForgetsPermissions, Operation::TagFirewall) => Vec::new(),
            _ => self.honest.permissions(provider, operation),
        }
    }

    async fn identity(&self, at: &AccountRegion) -> Result<Account, CloudError> {
        if self.lie == Lie::IdentityByHope {
            return Ok(at.account.clone());
        }
        self.told(self.honest.identity(at).await)
    }

    async fn networks(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<NetworkView>, CloudError> {
        let found = self.told(self.honest.networks(at, of).await)?;
        if self.lie == Lie::AbsenceIsAnError && found.len() < of.len() {
            return Err(CloudError::new(
                Operation::Networks,
                at,
                CloudErrorKind::NotFound,
            ));
        }
        Ok(found)
    }

    async fn subnets(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<SubnetView>, CloudError> {
        let mut of = of.to_vec();
        if self.lie == Lie::ShowsTheNeighbour && !of.is_empty() {
            // The suite's third network.
            of.push("vpc-00000000000000002".parse().unwrap());
        }
        self.told(self.honest.subnets(at, &of).await)
    }

    async fn links(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<LinkView>, CloudError> {
        let mut found = self.told(self.honest.links(at, of).await)?;
        for link in &mut found {
            if self.lie == Lie::ActiveTooEarly && link.state == LinkState::Pending {
                link.state = LinkState::Active;
            }
            if self.lie == Lie::OwnerByGuess {
                link.owner = Some(ours());
            }
        }
        Ok(found)
    }

    async fn route_tables(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<RouteTableView>, CloudError> {
        let mut found = self.told(self.honest.route_tables(at, of).await)?;
        if self.lie == Lie::RoutesNeverGoDark {
            let routes = found.iter_mut().flat_map(|it| &mut it.routes);
            routes.for_each(|it| it.state = cloud::RouteState::Active);
        }
        Ok(found)
    }

    async fn firewall_groups(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<GroupView>, CloudError> {
        let mut found = self.told(self.honest.firewall_groups(at, of).await)?;
        if self.lie == Lie::FirstPageOnly {
            found.truncate(5);
        }
        if self.lie == Lie::StrangersAreOurs {
            let ours = ours();
            found
                .iter_mut()
                .for_each(|it| it.owner = it.owner.or(Some(ours)));
        }
        Ok(found)
    }

    async fn access_lists(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<AccessListView>, CloudError> {
        self.told(self.honest.access_lists(at, of).await)
    }

    async fn interfaces(
        &self,
        at: &AccountRegion,
        of: &[CloudNetwork],
    ) -> Result<Vec<InterfaceView>, CloudError> {
        self.told(self.honest.interfaces(at, of).await)
    }

    async fn dns_support(&self, network: &NetworkRef) -> Result<DnsSupport, CloudError> {
        self.told(self.honest.dns_support(network).await)
    }

    async fn rehearse(&self, rehearsal: &Rehearsal) -> Result<Rehearsed, CloudError> {
        if let (Lie::RehearsalActs, Rehearsal::CreateGroup { network, owner }) =
            (self.lie, rehearsal)
        {
            drop(self.honest.create_group(network, *owner).await);
        }
        self.told(self.honest.rehearse(rehearsal).await)
    }

    async fn make_half(
        &self,
        spec: &LinkSpec,
        side: Side,
        request: RequestId,
    ) -> Result<HalfAnswer, CloudError> {
        let made = self.honest.make_half(spec, side, request).await;
        if spec.link.is_some() {
            let accepted = made.map(drop);
            let pardoned =
                self.pardoned(Lie::RequesterAccepts, &CloudErrorKind::WrongState, accepted);
            return pardoned.map(|()| HalfAnswer::Done {
                link: spec.link.clone().unwrap(),
            });
        }
        match (self.lie, made) {
            (Lie::RepeatsByItself, Err(error)) if error.worth_a_retry() => {
                self.honest.make_half(spec, side, request).await
            }
            (Lie::AnswersWithAnothers, Err(error))
                if error.kind == CloudErrorKind::AlreadyThere =>
            {
                let there = self.there(spec).await;
                there.map(|link| HalfAnswer::Done { link }).ok_or(error)
            }
            (Lie::AnswersWithAnybodys, Err(error)) if error.kind == CloudErrorKind::Ambiguous => {
                let there = self.there(spec).await;
                there.map(|link| HalfAnswer::Done { link }).ok_or(error)
            }
            (Lie::TakesTheLinkOver, Err(error)) => {
                let at = &spec.first.network.at;
                let Some(link) = self.there(spec).await else {
                    return Err(error);
                };
                self.honest.tag_link(at, &link, spec.owner).await?;
                Ok(HalfAnswer::Done { link })
            }
            (_, other) => self.told(other),
        }
    }

    async fn remove_half(
        &self,
        spec: &LinkSpec,
        side: Side,
        request: RequestId,
    ) -> Result<HalfAnswer, CloudError> {
        self.told(self.honest.remove_half(spec, side, request).await)
    }

    async fn tag_link(
        &self,
        at: &AccountRegion,
        link: &Link,
        owner: Owner,
    ) -> Result<(), CloudError> {
        self.told(self.honest.tag_link(at, link, owner).await)
    }

    async fn set_option(
        &self,
        network: &NetworkRef,
        link: &Link,
        end: LinkRole,
        option: LinkOption,
        to: Switch,
    ) -> Result<(), CloudError> {
        let option = if self.lie == Lie::OptionsAreOne {
            LinkOption::DnsResolution
        } else {
            option
        };
        let set = self.honest.set_option(network, link, end, option, to);
        self.told(set.await)
    }

    async fn install_route(
        &self,
        at: &AccountRegion,
        table: &RouteTable,
        destination: Range,
        link: &Link,
    ) -> Result<(), CloudError> {
        if self.lie == Lie::RouteReplaces {
            drop(self.honest.remove_route(at, table, destination).await);
        }
        let installed = self
            .honest
            .install_route(at, table, destination, link)
            .await;
        let there = CloudErrorKind::AlreadyThere;
        self.pardoned(Lie::RepeatedRouteIsFine, &there, installed)
    }

    async fn remove_route(
        &self,
        at: &AccountRegion,
        table: &RouteTable,
        destination: Range,
    ) -> Result<(), CloudError> {
        self.told(self.honest.remove_route(at, table, destination).await)
    }

    async fn create_group(
        &self,
        network: &NetworkRef,
        owner: Owner,
    ) -> Result<FirewallGroup, CloudError> {
        self.told(self.honest.create_group(network, owner).await)
    }

    async fn delete_group(
        &self,
        at: &AccountRegion,
        group: &FirewallGroup,
    ) -> Result<(), CloudError> {
        let deleted = self.honest.delete_group(at, group).await;
        self.pardoned(Lie::DeletedTwice, &CloudErrorKind::NotFound, deleted)
    }

    async fn authorize_rule(
        &self,
        at: &AccountRegion,
        group: &FirewallGroup,
        rule: InboundRule,
        owner: Owner,
    ) -> Result<FirewallRule, CloudError> {
        self.told(self.honest.authorize_rule(at, group, rule, owner).await)
    }

    async fn tag_firewall(
        &self,
        at: &AccountRegion,
        part: &FirewallPart,
        owner: Owner,
    ) -> Result<(), CloudError> {
        self.told(self.honest.tag_firewall(at, part, owner).await)
    }

    async fn revoke_rule(
        &self,
        at: &AccountRegion,
        group: &FirewallGroup,
        rule: &FirewallRule,
    ) -> Result<(), CloudError> {
        self.told(self.honest.revoke_rule(at, group, rule).await)
    }

    async fn attach_group(
        &self,
        at: &AccountRegion,
        interface: &Interface,
        group: &FirewallGroup,
    ) -> Result<(), CloudError> {
        let attached = self.honest.attach_group(at, interface, group).await;
        self.pardoned(Lie::AttachedTwice, &CloudErrorKind::AlreadyThere, attached)
    }

    async fn detach_group(
        &self,
        at: &AccountRegion,
        interface: &Interface,
        group: &FirewallGroup,
    ) -> Result<(), CloudError> {
        self.told(self.honest.detach_group(at, interface, group).await)
    }

    async fn make_denial(&self, at: &AccountRegion, denial: &Denial) -> Result<(), CloudError> {
        let made = self.honest.make_denial(at, denial).await;
        let lie = Lie::DeniedUnderAnothersNumber;
        self.pardoned(lie, &CloudErrorKind::AlreadyThere, made)
    }

    async fn remove_denial(&self, at: &AccountRegion, denial: &Denial) -> Result<(), CloudError> {
        self.told(self.honest.remove_denial(at, denial).await)
    }
}
