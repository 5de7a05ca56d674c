//! Who gets in: permissions, external ids, rates.
use super::*;

#[tokio::test(start_paused = true)]
async fn an_account_that_demands_an_external_id_lets_nobody_in_without_it() {
    let account: Account = "222222222222".parse().unwrap();
    let external_ids = [(account.clone(), "tenant-7".parse().unwrap())].into();
    let cloud = with(SimulatedSettings {
        external_ids,
        ..SimulatedSettings::instant(1)
    });
    let showing = |shown: Option<&str>| AccountRegion {
        external_id: shown.map(|it| it.parse().unwrap()),
        ..other().network.at
    };
    for wrong in [None, Some("tenant-8")] {
        assert_eq!(
            kind(cloud.identity(&showing(wrong)).await),
            Some(CloudErrorKind::CredentialsRefused)
        );
        assert_eq!(
            kind(cloud.networks(&showing(wrong), &id(&other())).await),
            Some(CloudErrorKind::CredentialsRefused)
        );
    }
    assert_eq!(
        cloud
            .networks(&showing(Some("tenant-7")), &id(&other()))
            .await
            .unwrap()
            .len(),
        1
    );
    cloud.out_of_band().demand(&account, None);
    assert_eq!(cloud.identity(&showing(None)).await.unwrap(), account);
}

#[tokio::test(start_paused = true)]
async fn whatever_is_shown_it_is_the_same_account_and_network() {
    let cloud = instant();
    let at = AccountRegion {
        external_id: Some("tenant-7".parse().unwrap()),
        ..other().network.at
    };
    let accepter = LinkEnd {
        network: NetworkRef {
            at: at.clone(),
            ..other().network
        },
        ..other()
    };
    let link = cloud
        .create_link(&LinkSpec {
            second: accepter,
            ..spec()
        })
        .await
        .unwrap();
    cloud.accept_link(&other().network.at, &link).await.unwrap();
    let seen = cloud.links(&at, &id(&other())).await.unwrap().remove(0);
    assert_eq!(
        (seen.state, seen.second.network),
        (LinkState::Active, other().network),
        "and nobody is told what was shown"
    );
}

#[tokio::test(start_paused = true)]
async fn a_rehearsal_says_what_the_call_would_say_of_permissions_and_does_nothing() {
    let account: Account = "111111111111".parse().unwrap();
    let cloud = instant();
    let rehearsal = Rehearsal::CreateLink(spec().into());
    assert_eq!(
        cloud.rehearse(&rehearsal).await.unwrap(),
        Rehearsed::Allowed
    );
    cloud
        .out_of_band()
        .deny_call(&account, Operation::CreateLink);
    assert!(matches!(
        cloud.rehearse(&rehearsal).await.unwrap(),
        Rehearsed::Refused { .. }
    ));
    assert_eq!(
        kind(cloud.create_link(&spec()).await),
        Some(CloudErrorKind::Denied)
    );
    let group = Rehearsal::CreateGroup {
        network: one().network,
        owner: owner(),
    };
    assert_eq!(cloud.rehearse(&group).await.unwrap(), Rehearsed::Allowed);
    cloud.out_of_band().deny(&account);
    assert!(matches!(
        cloud.rehearse(&group).await.unwrap(),
        Rehearsed::Refused { .. }
    ));
    cloud.out_of_band().allow(&account);
    assert_eq!(
        cloud.rehearse(&rehearsal).await.unwrap(),
        Rehearsed::Allowed
    );
    assert_eq!(
        (cloud.world().links.len(), cloud.world().networks.len()),
        (0, 2)
    );
    let deaf = with(SimulatedSettings {
        rehearsing: Rehearsing::NotAvailable,
        ..SimulatedSettings::instant(1)
    });
    assert_eq!(
        deaf.rehearse(&rehearsal).await.unwrap(),
        Rehearsed::NotAvailable
    );
}

#[tokio::test(start_paused = true)]
async fn too_many_calls_of_one_kind_are_throttled_in_that_account_and_region_only() {
    let call_rate = Some(CallRate {
        burst: 2,
        per_second: 1.0,
    });
    let cloud = with(SimulatedSettings {
        call_rate,
        ..SimulatedSettings::instant(1)
    });
    let [one, other] = [one().network.at, other().network.at];
    let asked = async |at: &AccountRegion| kind(cloud.identity(at).await);
    let throttled = Some(CloudErrorKind::Throttled { retry_after: None });
    assert_eq!(
        [asked(&one).await, asked(&one).await, asked(&one).await],
        [None, None, throttled.clone()]
    );
    assert_eq!(
        (asked(&other).await, kind(cloud.links(&one, &[]).await)),
        (None, None)
    );
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!([asked(&one).await, asked(&one).await], [None, throttled]);
}
