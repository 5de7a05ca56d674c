//! What calls about links do.

use super::{
    super::{
        faults::{after, prefixes},
        settings::SecondRequest,
        world::{Gone, SimulatedLink, Turn, bare_network, has_begun},
    },
    Call,
};
use cloud::{
    CloudError, CloudErrorKind, LinkEnd, LinkForm, LinkRole, LinkSpec, LinkState, LinkView,
    NetworkRef, Owner,
};
use domain::{
    network::LinkOption,
    text::{CloudNetwork, Link},
};
use std::collections::BTreeSet;

/// What AWS says when a request could never have worked.
const NEVER: &str = "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range";

impl Call<'_> {
    fn wrong_state(&self, link: &Link, what: &str) -> CloudError {
        self.error(
            CloudErrorKind::WrongState,
            "InvalidStateTransition",
            format!("`{link}` cannot be {what} now"),
        )
    }

    pub(super) fn unsupported(&self, what: &str) -> CloudError {
        let message = format!("{} knows no {what} of a peering", self.at.provider);
        self.error(CloudErrorKind::Unsupported, "Unsupported", message)
    }

    fn not_permitted(&self, message: String) -> CloudError {
        self.error(CloudErrorKind::WrongState, "OperationNotPermitted", message)
    }

    pub(crate) fn links(&mut self, of: &[CloudNetwork]) -> Vec<LinkView> {
        if self.is_elsewhere() {
            return Vec::new();
        }
        let (now, at, of) = (self.now, self.at, of.iter().collect::<BTreeSet<_>>());
        let asked = |end: &LinkEnd| of.contains(&end.network.network);
        let mut seen = self
            .state
            .world
            .half_views(at, |it| of.contains(&it.network), now);
        let links = self
            .state
            .world
            .links
            .values_mut()
            .filter(|link| asked(&link.first) || asked(&link.second));
        seen.extend(links.filter_map(|link| link.view(at, now)));
        seen
    }

    pub(crate) fn create_link(&mut self, spec: &LinkSpec) -> Result<Link, CloudError> {
        let (requester, accepter) = (&spec.first.network, &spec.second.network);
        self.know(requester, &spec.first.ranges);
        self.know(accepter, &spec.second.ranges);
        if self.state.world.network(requester).is_none() {
            return Err(self.not_found(requester));
        }
        let same = |link: &&SimulatedLink| {
            link.first.network.is_same(requester) && link.second.network.is_same(accepter)
        };
        if self.settings.second_request == SecondRequest::SameLink
            && let Some(existing) = self.state.world.live_links(requester).find(same)
        {
            return self.answer_with(spec, existing);
        }
        self.check_room(requester)?;
        self.occupy(requester, accepter)?;
        let link = self.born(spec);
        let id = link.id.clone();
        self.state.world.links.insert(id.clone(), link);
        Ok(id)
    }

    /// As at AWS, which says whose a link is as well as it does in reads.
    fn answer_with(&self, spec: &LinkSpec, existing: &SimulatedLink) -> Result<Link, CloudError> {
        let view = LinkView {
            link: existing.id.clone(),
            first: existing.first.clone(),
            second: existing.second.clone(),
            state: existing.state.clone(),
            message: None,
            expires_at: existing.expires_at,
            owner: existing.owner,
        };
        spec.verify(&view).map_err(|kind| {
            let message = format!("the answer is {}, which is another request's", existing.id);
            self.error(kind, "VpcPeeringConnectionAlreadyExists", message)
        })
    }

    fn check_room(&self, requester: &NetworkRef) -> Result<(), CloudError> {
        let live = || self.state.world.live_links(requester);
        if live().count() >= self.limits().links {
            return Err(self.error(
                CloudErrorKind::Quota,
                "VpcPeeringConnectionsPerVpcLimitExceeded",
                "too many links",
            ));
        }
        let waits = |link: &&SimulatedLink| {
            !has_begun(&link.state) && link.first.network.is_same(requester)
        };
        if live().filter(waits).count() >= self.limits().pending_links {
            return Err(self.error(
                CloudErrorKind::Quota,
                "OutstandingVpcPeeringConnectionLimitExceeded",
                "too many open requests",
            ));
        }
        Ok(())
    }

    fn born(&mut self, spec: &LinkSpec) -> SimulatedLink {
        let possible = self.is_possible(&spec.first.network, &spec.second.network);
        let wait = self.state.faults.draw(&self.settings.initiating);
        let turns = match possible {
            true => Turn::later(self.now, wait, LinkState::Pending, None),
            false => Turn::later(self.now, wait, LinkState::Failed, Some(NEVER)),
        };
        SimulatedLink {
            expires_at: Some(after(self.now, self.settings.expiry)),
            owner: Some(spec.owner),
            turns: Some(turns),
            shown_to_requester: self.soon(),
            shown_to_accepter: self.soon(),
            ..SimulatedLink::new(
                self.state.faults.id(prefixes(self.at.provider).link),
                self.end(&spec.first),
                self.end(&spec.second),
                LinkState::Initiating,
            )
        }
    }

    fn end(&self, told: &LinkEnd) -> LinkEnd {
        let ranges = self
            .state
            .world
            .network(&told.network)
            .map(|it| it.ranges.clone())
            .unwrap_or_default();
        LinkEnd::new(bare_network(&told.network), ranges)
    }

    fn is_possible(&self, requester: &NetworkRef, accepter: &NetworkRef) -> bool {
        let (one, other) = (
            self.state.world.network(requester),
            self.state.world.network(accepter),
        );
        one.zip(other)
            .is_some_and(|(one, other)| !one.overlaps(other))
    }

    /// The link, as calls from here find it, and the end from which they come; the wanted one if
    /// both are here.
    fn found(
        &self,
        link: &Link,
        wanted: LinkRole,
    ) -> Result<(SimulatedLink, LinkRole), CloudError> {
        let found = self
            .state
            .world
            .links
            .get(link)
            .ok_or_else(|| self.not_found(link))?;
        let known = |role: &LinkRole| {
            found.shown_to(*role).by(self.now) && found.is_told_to(*role, self.now)
        };
        let roles: Vec<LinkRole> = found.roles_at(self.at).filter(known).collect();
        let role = roles
            .iter()
            .find(|role| **role == wanted)
            .or(roles.first())
            .ok_or_else(|| self.not_found(link))?;
        Ok((found.clone(), *role))
    }

    /// Changes a link; reads may show it for a while as it was.
    fn change(&mut self, link: &Link, change: impl FnOnce(&mut SimulatedLink)) {
        let seen = self.soon();
        if let Some(link) = self.state.world.links.get_mut(link) {
            let was = link.face();
            change(link);
            link.stale = Some(Box::new(Gone { was, seen }));
        }
    }

    pub(crate) fn accept_link(&mut self, link: &Link) -> Result<(), CloudError> {
        let (found, role) = self.found(link, LinkRole::Second)?;
        if role != LinkRole::Second {
            return Err(self.not_permitted(format!(
                "`{link}` is accepted by its accepter, in its accepter's region"
            )));
        }
        if found.state != LinkState::Pending {
            return Err(self.wrong_state(link, "accepted"));
        }
        let (requester, accepter) = (&found.first.network, &found.second.network);
        let rival = |other: &&SimulatedLink| {
            other.id != *link && other.joins(requester, accepter) && has_begun(&other.state)
        };
        if let Some(rival) = self
            .state
            .world
            .live_links(accepter)
            .find(rival)
            .map(|rival| rival.id.clone())
        {
            let message = format!("`{rival}` joins these networks already");
            return Err(self.error(
                CloudErrorKind::Conflict,
                "VpcPeeringConnectionAlreadyExists",
                message,
            ));
        }
        let begun = |network: &NetworkRef| {
            self.state
                .world
                .live_links(network)
                .filter(|link| has_begun(&link.state))
                .count()
        };
        if [requester, accepter]
            .into_iter()
            .any(|network| begun(network) >= self.limits_at(&network.at).links)
        {
            return Err(self.error(
                CloudErrorKind::Quota,
                "ActiveVpcPeeringConnectionPerVpcLimitExceeded",
                "too many links",
            ));
        }
        self.occupy(requester, accepter)?;
        let (now, wait) = (
            self.now,
            self.state.faults.draw(&self.settings.provisioning),
        );
        self.change(link, |link| {
            link.become_now(LinkState::Provisioning, None, now);
            link.turns = Some(Turn::later(now, wait, LinkState::Active, None));
        });
        Ok(())
    }

    pub(crate) fn delete_link(&mut self, link: &Link) -> Result<(), CloudError> {
        let (found, role) = self.found(link, LinkRole::First)?;
        let allowed = match found.state {
            LinkState::Active => true,
            LinkState::Pending if role == LinkRole::First => true,
            LinkState::Pending => {
                return Err(self.not_permitted(format!(
                    "`{link}` waits for its accepter; only its requester deletes it"
                )));
            }
            LinkState::Initiating
            | LinkState::Provisioning
            | LinkState::Disconnected
            | LinkState::Rejected
            | LinkState::Expired
            | LinkState::Failed
            | LinkState::Deleting
            | LinkState::Deleted
            | LinkState::Unknown(_) => false,
        };
        if !allowed {
            return Err(self.wrong_state(link, "deleted"));
        }
        self.occupy(&found.first.network, &found.second.network)?;
        let (now, wait) = (self.now, self.state.faults.draw(&self.settings.deleting));
        self.change(link, |link| link.delete(role, wait, now));
        Ok(())
    }

    /// A half has no tags: whose it is, its name says.
    pub(crate) fn tag_link(&mut self, link: &Link, owner: Owner) -> Result<(), CloudError> {
        if LinkForm::of(self.at.provider).is_two_objects() {
            return Err(self.unsupported("tags"));
        }
        let (_, role) = self.found(link, LinkRole::First)?;
        self.change(link, |link| *link.tag_mut(role) = Some(owner));
        Ok(())
    }

    pub(crate) fn set_option(
        &mut self,
        network: &NetworkRef,
        link: &Link,
        end: LinkRole,
        option: LinkOption,
        enabled: bool,
    ) -> Result<(), CloudError> {
        if option.provider() != self.at.provider {
            return Err(self.unsupported("such an option"));
        }
        if LinkForm::of(self.at.provider).is_two_objects() {
            return self.set_own_option(network, link, option, enabled);
        }
        let (found, role) = self.found(link, end)?;
        if role != end {
            return Err(self.not_permitted(format!(
                "`{link}`: each side sets its own options, in its own region"
            )));
        }
        let is_within_region = found.first.network.at.region == found.second.network.at.region;
        if option.is_between_regions() && is_within_region {
            let message = format!("`{link}` is within a region, where there is one path");
            return Err(self.error(
                CloudErrorKind::InvalidRequest,
                "InvalidParameterCombination",
                message,
            ));
        }
        if found.state != LinkState::Active {
            return Err(self.not_permitted(format!(
                "`{link}` is not active. Options can be set only for active ones."
            )));
        }
        let lacking = [&found.first.network, &found.second.network]
            .into_iter()
            .find(|network| {
                self.state
                    .world
                    .network(network)
                    .is_some_and(|network| !network.dns.resolution || !network.dns.hostnames)
            });
        if let Some(lacking) = lacking.filter(|_| enabled && option == LinkOption::DnsResolution) {
            let message = format!(
                "`{}` has no DNS host names or no DNS resolution",
                lacking.network
            );
            return Err(self.error(
                CloudErrorKind::Precondition,
                "InvalidVpcPeeringConnectionState.DnsHostnamesDisabled",
                message,
            ));
        }
        self.occupy(&found.first.network, &found.second.network)?;
        self.change(link, |link| {
            link.end_mut(end).options.insert(option, enabled);
        });
        Ok(())
    }
}
