//! What a request for a link was answered with. Some clouds answer a second request for a pair of
//! networks with the link that is there already, whoever made it.

use super::{CloudErrorKind, LinkSpec, LinkView};
use domain::text::Link;

impl LinkSpec {
    /// The answered link, if it is the one that was asked for: from the network that asked to the
    /// one that was asked, with the tag of the request.
    ///
    /// Another's is [`CloudErrorKind::AlreadyThere`]: nothing was made. One that shows no tag may
    /// be either, as tags may be shown late: [`CloudErrorKind::Ambiguous`], and reads tell.
    pub fn verify(&self, answered: &LinkView) -> Result<Link, CloudErrorKind> {
        let joins_as_asked = answered.first.network.is_same(&self.first.network)
            && answered.second.network.is_same(&self.second.network);
        let is_of_network = |network| {
            let owner = answered.owner.filter(|_| joins_as_asked);
            owner.is_some_and(|owner| owner.is(network, self.owner.peering))
        };
        let is_ours = match self.owner.network {
            Some(network) => is_of_network(network),
            None => answered.owner == Some(self.owner) && joins_as_asked,
        };
        match answered.owner {
            _ if is_ours => Ok(answered.link.clone()),
            None if joins_as_asked => Err(CloudErrorKind::Ambiguous),
            None | Some(_) => Err(CloudErrorKind::AlreadyThere),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccountRegion, LinkEnd, LinkState, NetworkRef, Owner};
    use domain::{NetworkId, PeeringId, Provider, Region};
    use uuid::Uuid;

    const NETWORK: NetworkId = NetworkId(Uuid::from_u128(1));
    const PEERING: PeeringId = PeeringId(Uuid::from_u128(2));

    fn end(account: &str, network: &str) -> LinkEnd {
        let at = AccountRegion {
            provider: Provider::Aws,
            account: account.parse().unwrap(),
            region: Region::of(Provider::Aws, "eu-west-1").unwrap(),
            external_id: None,
        };
        LinkEnd::new(
            NetworkRef {
                at,
                network: network.parse().unwrap(),
            },
            Vec::new(),
        )
    }

    fn asked() -> LinkSpec {
        LinkSpec {
            owner: Owner::new(NETWORK, PEERING),
            first: end("111122223333", "vpc-0a"),
            second: end("444455556666", "vpc-0b"),
            link: None,
        }
    }

    fn answered(owner: Option<Owner>) -> LinkView {
        LinkView {
            link: "pcx-1".parse().unwrap(),
            first: asked().first,
            second: asked().second,
            state: LinkState::Pending,
            message: None,
            expires_at: None,
            owner,
        }
    }

    #[test]
    fn the_link_that_was_asked_for_has_the_tag_of_the_request_in_its_form_or_the_one_before() {
        for owner in [asked().owner, Owner::before_networks(PEERING)] {
            let link = answered(Some(owner));
            assert_eq!(asked().verify(&link), Ok(link.link.clone()));
        }
    }

    #[test]
    fn a_link_with_another_tag_is_somebody_elses() {
        let others = [
            Owner::new(NetworkId(Uuid::from_u128(9)), PEERING),
            Owner::new(NETWORK, PeeringId(Uuid::from_u128(9))),
            Owner::before_networks(PeeringId(Uuid::from_u128(9))),
        ];
        for owner in others {
            let link = answered(Some(owner));
            assert_eq!(asked().verify(&link), Err(CloudErrorKind::AlreadyThere));
        }
    }

    #[test]
    fn a_link_without_a_tag_may_be_anybodys() {
        let link = answered(None);
        assert_eq!(asked().verify(&link), Err(CloudErrorKind::Ambiguous));
    }

    #[test]
    fn a_link_between_other_networks_is_not_the_one_whatever_its_tag() {
        let ours = answered(Some(asked().owner));
        let turned = LinkView {
            first: ours.second.clone(),
            second: ours.first.clone(),
            ..ours.clone()
        };
        let elsewhere = LinkView {
            second: end("444455556666", "vpc-0c"),
            ..ours.clone()
        };
        for link in [
            turned,
            elsewhere,
            LinkView {
                second: end("9", "vpc-0b"),
                owner: None,
                ..ours
            },
        ] {
            assert_eq!(asked().verify(&link), Err(CloudErrorKind::AlreadyThere));
        }
    }
}
