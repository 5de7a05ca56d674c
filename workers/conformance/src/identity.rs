//! Who is asked, as whom, and what for.

use crate::OneObject as _;
use crate::stage::{OURS, Stage, kind};
use cloud::{Operation, Rehearsal, Rehearsed};

pub(crate) async fn an_identity_is_that_of_the_account_that_was_meant(stage: Stage) {
    for at in [&stage.local.at, &stage.remote.at, &stage.elsewhere()] {
        assert_eq!(stage.cloud.identity(at).await.unwrap(), at.account);
    }
}

/// So absence proves nothing until the identity is known; that a call for one account is carried
/// out in another must at least not show as somebody's things.
pub(crate) async fn credentials_of_another_account_show_nothing_of_this_one(stage: Stage) {
    let link = stage.pending().await;
    let stranger = stage.world.as_another_account().await;
    let (at, of) = (&stage.local.at, [stage.local.network.clone()]);
    assert_ne!(stranger.identity(at).await.unwrap(), at.account);
    assert_eq!(stranger.networks(at, &of).await.unwrap(), []);
    assert_eq!(stranger.route_tables(at, &of).await.unwrap(), []);
    assert_eq!(stranger.firewall_groups(at, &of).await.unwrap(), []);
    assert_eq!(stranger.links(at, &of).await.unwrap(), [], "{link}");
}

pub(crate) async fn every_operation_names_the_permissions_that_it_takes(stage: Stage) {
    for operation in Operation::ALL {
        let provider = stage.local.at.provider;
        let mut permissions = stage.cloud.permissions(provider, operation);
        // A cloud that answers when a change is done has nothing to be asked about later.
        let may_need_none = operation == Operation::OperationState;
        assert!(
            !permissions.is_empty() || may_need_none,
            "{operation} needs something"
        );
        let named = permissions.len();
        permissions.sort_unstable();
        permissions.dedup();
        assert_eq!(permissions.len(), named, "{operation}: each once");
    }
    let limits = stage.cloud.limits(&stage.local.at, Default::default());
    assert!(limits.links > 0 && limits.pending_links > 0, "{limits:?}");
    assert!(limits.routes > 0 && limits.rules > 0, "{limits:?}");
}

pub(crate) async fn a_rehearsal_changes_nothing_and_says_what_is_not_permitted(stage: Stage) {
    let link = stage.pending().await;
    let rehearsals = [
        (
            Operation::CreateLink,
            Rehearsal::CreateLink(stage.spec(OURS).into()),
        ),
        (
            Operation::AcceptLink,
            Rehearsal::AcceptLink {
                at: stage.remote.at.clone(),
                link: link.clone(),
            },
        ),
        (
            Operation::CreateGroup,
            Rehearsal::CreateGroup {
                network: stage.local.clone(),
                owner: OURS,
            },
        ),
    ];
    let groups = stage.groups(&stage.local).await.len();
    for (operation, rehearsal) in &rehearsals {
        let said = stage.cloud.rehearse(rehearsal).await.unwrap();
        assert!(
            matches!(said, Rehearsed::Allowed | Rehearsed::NotAvailable),
            "{operation}: {said:?}"
        );
        stage.world.deny(rehearsal.at(), *operation).await;
        let denied = stage.cloud.rehearse(rehearsal).await.unwrap();
        stage.world.permit(rehearsal.at()).await;
        match said {
            Rehearsed::Allowed => assert!(
                matches!(denied, Rehearsed::Refused { .. }),
                "{operation}: {denied:?}"
            ),
            Rehearsed::NotAvailable
            | Rehearsed::NowhereToWrite { .. }
            | Rehearsed::ToBeKnown { .. }
            | Rehearsed::Refused { .. } => {
                assert_eq!(denied, Rehearsed::NotAvailable, "{operation}");
            }
        }
    }
    let links = stage.links(&stage.local).await;
    assert_eq!(links.len(), 1, "no link was made: {links:?}");
    assert_eq!(
        kind(stage.cloud.accept_link(&stage.remote.at, &link).await),
        None,
        "none was accepted"
    );
    assert_eq!(stage.groups(&stage.local).await.len(), groups);
}
