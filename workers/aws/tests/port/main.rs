//! The port to a cloud, over EC2, against an emulator: two accounts, two regions, and someone
//! else's things beside ours.

#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod firewall;
mod links;
mod networks;
mod routes;

use cloud::{
    AccountRegion, Cloud, CloudError, CloudErrorKind, Groundwork, LinkEnd, LinkSpec, NetworkRef,
    Owner,
};
use domain::{NetworkId, PeeringId, Provider, Range, Region, text::CloudNetwork};
use peerage_aws::AwsCloud;
use support::{LOCAL, REMOTE};
use testkit::moto::Moto;
use testkit::ports;
use uuid::Uuid;

const OURS: Owner = owner(1);
const STRANGERS: Owner = owner(2);

const fn owner(peering: u128) -> Owner {
    Owner::new(
        NetworkId(Uuid::from_u128(9)),
        PeeringId(Uuid::from_u128(peering)),
    )
}

fn place(account: &str, region: &str) -> AccountRegion {
    let region = Region::of(Provider::Aws, region).unwrap();
    AccountRegion {
        provider: Provider::Aws,
        account: account.parse().unwrap(),
        region,
        external_id: None,
    }
}

fn range(text: &str) -> Range {
    text.parse().unwrap()
}

fn kind<T>(result: Result<T, CloudError>) -> Option<CloudErrorKind> {
    result.err().map(|error| error.kind)
}

/// A network that there is not.
fn nowhere() -> CloudNetwork {
    "vpc-00000000000000000".parse().unwrap()
}

/// A private network and a peer, and a stranger's network beside the private one, in an emulator of
/// their own.
struct Scene {
    cloud: AwsCloud,
    ours: NetworkRef,
    theirs: NetworkRef,
    stranger: NetworkRef,
    moto: Moto,
}

impl Scene {
    async fn set() -> Self {
        let moto = Moto::start().await;
        let cloud = AwsCloud::new(support::settings(&moto.endpoint()));
        let make = async |at: AccountRegion, cidr: &str| NetworkRef {
            network: cloud
                .create_network(&at, range(cidr), "test")
                .await
                .unwrap(),
            at,
        };
        let ours = make(place(LOCAL, "eu-west-1"), "10.1.0.0/16").await;
        let theirs = make(place(REMOTE, "us-east-1"), "10.2.0.0/16").await;
        let stranger = make(place(LOCAL, "eu-west-1"), "10.3.0.0/16").await;
        Self {
            cloud,
            ours,
            theirs,
            stranger,
            moto,
        }
    }

    fn spec(&self, owner: Owner, requester: &NetworkRef) -> LinkSpec {
        let end = |network: &NetworkRef| LinkEnd::new(network.clone(), Vec::new());
        LinkSpec {
            owner,
            first: end(requester),
            second: end(&self.theirs),
            link: None,
        }
    }

    /// What our own network is asked about with: itself, and one that there is not.
    fn asked(&self) -> [CloudNetwork; 2] {
        [self.ours.network.clone(), nowhere()]
    }

    /// The same emulator in EC2's own words.
    fn raw(&self) -> peerage_aws::ec2::Ec2 {
        peerage_aws::ec2::Ec2::new(support::settings(&self.moto.endpoint()))
    }
}

#[tokio::test]
async fn an_outage_is_said_to_be_one_and_it_goes_on_by_itself_afterwards() {
    let nobody = format!("http://127.0.0.1:{}", ports::free());
    let at = place(LOCAL, "eu-west-1");
    let refused = AwsCloud::new(support::settings(&nobody))
        .identity(&at)
        .await
        .unwrap_err();
    assert_eq!(refused.kind, CloudErrorKind::Unreachable, "{refused}");

    let Scene {
        cloud, ours, moto, ..
    } = Scene::set().await;
    moto.reset().await;
    let wrong = cloud.identity(&ours.at).await.unwrap();
    assert_ne!(
        wrong, ours.at.account,
        "the emulator takes a key it has forgotten for its own"
    );
    assert_eq!(
        cloud.identity(&ours.at).await.unwrap(),
        ours.at.account,
        "and the next session is a new one"
    );
}
