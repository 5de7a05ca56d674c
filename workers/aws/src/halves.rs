//! A link is one object at AWS: the first half is the request for it, the other its acceptance, and
//! either side ends both.

use super::{
    ec2::{Ec2, Tags},
    refusals::Asked,
    requests, views,
};
use cloud::{CloudError, CloudErrorKind, HalfAnswer, LinkSpec, Operation};
use domain::Side;

pub(super) async fn make(
    ec2: &Ec2,
    spec: &LinkSpec,
    side: Side,
    tags: &Tags,
) -> Result<HalfAnswer, CloudError> {
    let asked = Asked::of(Operation::of_making(spec, side), &spec.network(side).at)?;
    if let Some(link) = &spec.link {
        // Each account has tags of its own on a link. Before it is accepted: a crash in between
        // leaves a request that still waits.
        if !tags.is_empty() {
            let all = requests::owned(spec.owner, tags);
            let tagged = ec2.create_tags(&asked.scope, link.as_str(), &all).await;
            tagged.map_err(|error| asked.failed(error))?;
        }
        let accepted = ec2
            .accept_vpc_peering_connection(&asked.scope, &link.as_str().into())
            .await;
        return accepted
            .map(|_| HalfAnswer::Done { link: link.clone() })
            .map_err(|error| asked.failed(error));
    }
    if side == Side::Remote {
        let why = "what the peer asks for is the peer's to ask for";
        return Err(asked.error(CloudErrorKind::Unsupported).message(why));
    }
    let made = ec2
        .create_vpc_peering_connection(&asked.scope, &requests::peering(spec, tags)?)
        .await;
    let link = views::made(&asked, spec, &made.map_err(|error| asked.failed(error))?)?;
    Ok(HalfAnswer::Done { link })
}

pub(super) async fn remove(
    ec2: &Ec2,
    spec: &LinkSpec,
    side: Side,
) -> Result<HalfAnswer, CloudError> {
    let asked = Asked::of(Operation::DeleteLink, &spec.network(side).at)?;
    let Some(link) = &spec.link else {
        let why = "no link is named that could be removed";
        return Err(asked.error(CloudErrorKind::Unsupported).message(why));
    };
    ec2.delete_vpc_peering_connection(&asked.scope, &link.as_str().into())
        .await
        .map(|()| HalfAnswer::Done { link: link.clone() })
        .map_err(|error| asked.failed(error))
}
