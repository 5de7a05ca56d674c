//! Links of two objects: each side's half by itself, and what the two make of each other.
use super::*;
use cloud::{HalfState, half_name};

/// A request of its own for each call.
fn request() -> RequestId {
    static MADE: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    let number = MADE.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    RequestId(Uuid::from_u128(u128::from(number)))
}

fn ends(provider: Provider) -> (LinkEnd, LinkEnd) {
    let (region, networks) = match provider {
        Provider::Gcp => ("europe-west1", ["orders", "billing"]),
        Provider::Aws | Provider::Azure => ("westeurope", ["vnet-orders", "vnet-billing"]),
    };
    let of = |account: &str, name: &str, range: &str| {
        let at = AccountRegion {
            provider,
            account: account.parse().unwrap(),
            region: Region::of(provider, region).unwrap(),
            external_id: None,
        };
        let network = name.parse().unwrap();
        end(NetworkRef { at, network }, range)
    };
    (
        of("account-one", networks[0], "10.1.0.0/16"),
        of("account-other", networks[1], "10.2.0.0/16"),
    )
}

/// Two networks, a cloud that has them, and the link that is wanted between them.
struct Scene {
    cloud: SimulatedCloud,
    spec: LinkSpec,
}

impl Scene {
    fn at(provider: Provider, settings: SimulatedSettings) -> Self {
        let (requester, accepter) = ends(provider);
        let cloud = SimulatedCloud::new(settings, clock());
        for end in [&requester, &accepter] {
            cloud.out_of_band().build(&end.network, &end.ranges, &[]);
        }
        let link = half_name(owner().peering, 0);
        let owner = owner();
        let spec = LinkSpec {
            owner,
            first: requester,
            second: accepter,
            link,
        };
        Self { cloud, spec }
    }

    fn instant(provider: Provider) -> Self {
        Self::at(provider, SimulatedSettings::instant(1))
    }

    fn name(&self) -> &Link {
        self.spec.link.as_ref().unwrap()
    }

    async fn make(&self, side: Side) -> Option<CloudErrorKind> {
        kind(self.cloud.make_half(&self.spec, side, request()).await)
    }

    async fn remove(&self, side: Side) -> Option<CloudErrorKind> {
        kind(self.cloud.remove_half(&self.spec, side, request()).await)
    }

    async fn views(&self, side: Side) -> Vec<LinkView> {
        let network = self.spec.network(side);
        let of = std::slice::from_ref(&network.network);
        self.cloud.links(&network.at, of).await.unwrap()
    }

    /// What this side's own read says of its half.
    async fn half(&self, side: Side) -> HalfState {
        let shown = self.views(side).await;
        let network = self.spec.network(side);
        shown.first().map_or(HalfState::Absent, |view| {
            view.half(side, network).unwrap().state
        })
    }
}

const BOTH: [Provider; 2] = [Provider::Gcp, Provider::Azure];

#[tokio::test(start_paused = true)]
async fn a_link_is_there_once_both_sides_have_made_their_halves_and_each_sees_its_own() {
    for provider in BOTH {
        let scene = Scene::instant(provider);
        assert_eq!(scene.make(Side::Local).await, None);
        assert_eq!(scene.half(Side::Local).await, HalfState::Pending);
        assert_eq!(scene.views(Side::Remote).await, [], "who waits is not told");
        let view = scene.views(Side::Local).await.remove(0);
        assert_eq!(view.link, *scene.name());
        assert_eq!(view.owner, Some(owner()), "its name says whose it is");
        assert_eq!(view.second.ranges, [] as [ipnet::IpNet; 0], "not told");
        assert_eq!(scene.make(Side::Remote).await, None);
        for side in Side::BOTH {
            assert_eq!(scene.half(side).await, HalfState::Connected, "{provider}");
        }
        let view = scene.views(Side::Local).await.remove(0);
        assert_eq!(view.second.ranges, scene.spec.second.ranges);
    }
}

#[tokio::test(start_paused = true)]
async fn removing_a_half_leaves_the_other_ones_which_gcp_shows_as_waiting_and_azure_as_cut_off() {
    for (provider, left) in [
        (Provider::Gcp, HalfState::Pending),
        (Provider::Azure, HalfState::Disconnected),
    ] {
        let scene = Scene::instant(provider);
        for side in Side::BOTH {
            assert_eq!(scene.make(side).await, None);
        }
        assert_eq!(scene.remove(Side::Local).await, None);
        assert_eq!(scene.half(Side::Local).await, HalfState::Absent);
        assert_eq!(scene.half(Side::Remote).await, left, "{provider}");
        assert_eq!(
            scene.remove(Side::Local).await,
            Some(CloudErrorKind::NotFound),
            "a repeat"
        );
        assert_eq!(scene.remove(Side::Remote).await, None);
        assert_eq!(scene.cloud.world().halves, []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_half_meets_one_that_waits_at_gcp_and_is_refused_by_a_disconnected_one_at_azure() {
    for (provider, answer) in [
        (Provider::Gcp, None),
        (Provider::Azure, Some(CloudErrorKind::WrongState)),
    ] {
        let scene = Scene::instant(provider);
        for side in Side::BOTH {
            assert_eq!(scene.make(side).await, None);
        }
        assert_eq!(scene.remove(Side::Local).await, None);
        assert_eq!(scene.make(Side::Local).await, answer, "{provider}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_has_one_half_of_a_name_and_one_for_each_other_network() {
    for (provider, again) in [
        (Provider::Gcp, Some(CloudErrorKind::AlreadyThere)),
        (Provider::Azure, None),
    ] {
        let mut scene = Scene::instant(provider);
        assert_eq!(scene.make(Side::Local).await, None);
        assert_eq!(scene.make(Side::Local).await, again, "{provider}, a repeat");
        scene.spec.link = half_name(owner().peering, 1);
        assert_eq!(
            scene.make(Side::Local).await,
            Some(CloudErrorKind::AlreadyThere),
            "under another name"
        );
        assert_eq!(scene.cloud.world().halves.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_whose_half_is_being_changed_is_busy_and_so_is_the_other_end() {
    for provider in BOTH {
        let settings = SimulatedSettings {
            initiating: secs(9),
            deleting: secs(9),
            ..SimulatedSettings::instant(1)
        };
        let scene = Scene::at(provider, settings);
        let busy = Some(CloudErrorKind::Busy);
        assert_eq!(scene.make(Side::Local).await, None);
        assert_eq!(
            scene.views(Side::Local).await[0].state,
            LinkState::Provisioning
        );
        assert_eq!(scene.make(Side::Remote).await, busy, "{provider}");
        assert_eq!(scene.remove(Side::Local).await, busy, "{provider}");
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(scene.make(Side::Remote).await, None);
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(scene.remove(Side::Remote).await, None);
        assert_eq!(scene.half(Side::Remote).await, HalfState::Deleting);
        assert_eq!(scene.remove(Side::Local).await, busy, "{provider}");
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(scene.half(Side::Remote).await, HalfState::Absent);
    }
}

#[tokio::test(start_paused = true)]
async fn the_other_network_need_not_be_there_at_gcp_and_must_be_at_azure() {
    for (provider, answer) in [
        (Provider::Gcp, None),
        (Provider::Azure, Some(CloudErrorKind::NotFound)),
    ] {
        let scene = Scene::instant(provider);
        scene.cloud.out_of_band().raze(&scene.spec.second.network);
        assert_eq!(scene.make(Side::Local).await, answer, "{provider}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_half_comes_into_sight_and_goes_out_of_it_late() {
    let scene = Scene::at(Provider::Gcp, super::links::late());
    scene.make(Side::Local).await;
    assert_eq!(scene.half(Side::Local).await, HalfState::Absent);
    tokio::time::advance(Duration::from_secs(5)).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(scene.half(Side::Local).await);
    }
    assert_eq!(seen.last(), Some(&HalfState::Pending), "{seen:?}");
    assert_eq!(scene.remove(Side::Local).await, None);
    assert_eq!(scene.half(Side::Local).await, HalfState::Pending, "still");
    tokio::time::advance(Duration::from_secs(5)).await;
    for _ in 0..3 {
        seen.push(scene.half(Side::Local).await);
    }
    assert_eq!(seen.last(), Some(&HalfState::Absent), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_change_is_an_operation_that_can_be_asked_about_and_has_an_error_of_its_own() {
    for provider in BOTH {
        let settings = SimulatedSettings {
            initiating: secs(9),
            ..SimulatedSettings::instant(1)
        };
        let scene = Scene::at(provider, settings);
        let at = &scene.spec.network(Side::Local).at;
        let by_hand = scene.cloud.out_of_band();
        let begun = async || {
            let answer = scene.cloud.make_half(&scene.spec, Side::Local, request());
            match answer.await.unwrap() {
                HalfAnswer::Started { operation } => operation,
                HalfAnswer::Done { link } => panic!("{link} is no operation"),
            }
        };
        let state = async |operation| scene.cloud.operation(at, operation).await.unwrap();
        by_hand.fail_next_operation(&at.account, "QUOTA_EXCEEDED");
        let first = begun().await;
        assert_eq!(state(&first).await, OperationState::Running);
        tokio::time::advance(Duration::from_secs(9)).await;
        let failed = OperationState::Failed {
            kind: CloudErrorKind::Quota,
            about: None,
            message: "QUOTA_EXCEEDED".to_owned(),
        };
        assert_eq!(state(&first).await, failed);
        assert_eq!(scene.half(Side::Local).await, HalfState::Absent, "no half");
        let second = begun().await;
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(state(&second).await, OperationState::Done);
        assert_eq!(scene.half(Side::Local).await, HalfState::Pending);
        let unknown = "operation-0".parse().unwrap();
        let asked = scene.cloud.operation(at, &unknown).await;
        assert_eq!(kind(asked), Some(CloudErrorKind::NotFound));
    }
}

#[tokio::test(start_paused = true)]
async fn gcp_answers_a_request_that_it_has_had_with_the_operation_that_it_began() {
    let scene = Scene::instant(Provider::Gcp);
    let request = request();
    let make = async || {
        scene
            .cloud
            .make_half(&scene.spec, Side::Local, request)
            .await
    };
    let first = make().await.unwrap();
    assert!(matches!(first, HalfAnswer::Started { .. }));
    assert_eq!(make().await.unwrap(), first);
    assert_eq!(scene.cloud.world().halves.len(), 1);
}
