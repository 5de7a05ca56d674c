//! The halves of a link where it is one object, by the names that they have there.

use async_trait::async_trait;
use cloud::{
    AccountRegion, Cloud, CloudError, HalfAnswer, LinkEnd, LinkSpec, NetworkRef, Owner, RequestId,
};
use domain::{PeeringId, Side, text::Link};
use uuid::Uuid;

/// Where a link is one object: the first half asks for it, the other accepts it, and removing
/// either ends it.
#[async_trait]
pub trait OneObject {
    /// Asks for a link.
    async fn create_link(&self, spec: &LinkSpec) -> Result<Link, CloudError>;

    /// Accepts it, with the identity of this account and region.
    async fn accept_link(&self, at: &AccountRegion, link: &Link) -> Result<(), CloudError>;

    /// Ends it, with the identity of this account and region.
    async fn delete_link(&self, at: &AccountRegion, link: &Link) -> Result<(), CloudError>;
}

/// A link that is there, of which nothing counts but where the call goes.
fn there(at: &AccountRegion, link: &Link) -> LinkSpec {
    let end = LinkEnd::new(
        NetworkRef {
            at: at.clone(),
            network: "any-network".parse().unwrap(),
        },
        Vec::new(),
    );
    LinkSpec {
        owner: Owner::before_networks(PeeringId(Uuid::nil())),
        first: end.clone(),
        second: end,
        link: Some(link.clone()),
    }
}

const REQUEST: RequestId = RequestId(Uuid::from_u128(0x0a20));

#[async_trait]
impl<C: Cloud + ?Sized> OneObject for C {
    async fn create_link(&self, spec: &LinkSpec) -> Result<Link, CloudError> {
        match self.make_half(spec, Side::Local, REQUEST).await? {
            HalfAnswer::Done { link } => Ok(link),
            HalfAnswer::Started { operation } => panic!("{operation} is no link"),
        }
    }

    async fn accept_link(&self, at: &AccountRegion, link: &Link) -> Result<(), CloudError> {
        let spec = there(at, link);
        let made = self.make_half(&spec, Side::Remote, REQUEST).await;
        made.map(drop)
    }

    async fn delete_link(&self, at: &AccountRegion, link: &Link) -> Result<(), CloudError> {
        let spec = there(at, link);
        let removed = self.remove_half(&spec, Side::Local, REQUEST).await;
        removed.map(drop)
    }
}
