//! Each operation takes the permissions that it names, and no others.

use crate::world::{LOCAL, OWNER, Scene, kind};
use cloud::{
    Cloud, CloudErrorKind, FirewallPart, LinkRole, Operation, Rehearsal, Rehearsed, group_name,
};
use domain::{
    Provider, Side,
    network::{InboundRule, LinkOption},
};
use gcp_fake::Temper;
use std::collections::BTreeSet;

/// The operations that call the service.
const CALLING: [Operation; 18] = [
    Operation::Identity,
    Operation::Quotas,
    Operation::Networks,
    Operation::Subnets,
    Operation::Links,
    Operation::RouteTables,
    Operation::FirewallGroups,
    Operation::AccessLists,
    Operation::DnsSupport,
    Operation::OperationState,
    Operation::CreateLink,
    Operation::SetOption,
    Operation::DeleteLink,
    Operation::CreateGroup,
    Operation::AuthorizeRule,
    Operation::TagFirewall,
    Operation::RevokeRule,
    Operation::DeleteGroup,
];

/// A scene in which the operation has something to do.
async fn scene_for(operation: Operation) -> Scene {
    let scene = Scene::set(Temper::instant()).await;
    if operation != Operation::CreateLink {
        scene.connected().await;
    }
    let (cloud, at) = (&scene.cloud, &scene.local.at);
    if operation != Operation::CreateGroup {
        let group = cloud.create_group(&scene.local, OWNER).await.unwrap();
        if operation != Operation::AuthorizeRule {
            cloud
                .authorize_rule(at, &group, rule(), OWNER)
                .await
                .unwrap();
        }
    }
    scene
}

fn rule() -> InboundRule {
    InboundRule {
        source: "10.20.0.0/16".parse().unwrap(),
        port: 2113,
        target: None,
    }
}

async fn play(scene: &Scene, operation: Operation) -> Option<CloudErrorKind> {
    let (cloud, at, spec) = (&scene.cloud, &scene.local.at, scene.spec());
    let of = [scene.local.network.clone()];
    let group = group_name(OWNER.peering).parse().unwrap();
    match operation {
        Operation::Identity => kind(cloud.identity(at).await),
        Operation::Quotas => kind(cloud.quotas(at, &of[0]).await),
        Operation::Networks => kind(cloud.networks(at, &of).await),
        Operation::Subnets => kind(cloud.subnets(at, &of).await),
        Operation::Links => kind(cloud.links(at, &of).await),
        Operation::RouteTables => kind(cloud.route_tables(at, &of).await),
        Operation::FirewallGroups => kind(cloud.firewall_groups(at, &of).await),
        Operation::AccessLists => kind(cloud.access_lists(at, &of).await),
        Operation::DnsSupport => kind(cloud.dns_support(&scene.local).await),
        Operation::OperationState => {
            let known = "operation-1".parse().unwrap();
            kind(cloud.operation(at, &known).await)
        }
        Operation::CreateLink => kind(
            cloud
                .make_half(&spec, Side::Local, scene.next_request())
                .await,
        ),
        Operation::DeleteLink => kind(
            cloud
                .remove_half(&spec, Side::Local, scene.next_request())
                .await,
        ),
        Operation::SetOption => {
            let option = LinkOption::ExportCustomRoutes;
            let (name, end) = (scene.name(), LinkRole::First);
            kind(
                cloud
                    .set_option(&scene.local, &name, end, option, true.into())
                    .await,
            )
        }
        Operation::CreateGroup => kind(cloud.create_group(&scene.local, OWNER).await),
        Operation::DeleteGroup => kind(cloud.delete_group(at, &group).await),
        Operation::AuthorizeRule => kind(cloud.authorize_rule(at, &group, rule(), OWNER).await),
        Operation::TagFirewall => {
            let part = FirewallPart::Group(group);
            kind(cloud.tag_firewall(at, &part, OWNER).await)
        }
        Operation::RevokeRule => {
            let all = cloud.firewall_groups(at, &of).await;
            let Ok(all) = all else {
                // It is the only rule there is.
                let names = scene.fake.firewalls_of(LOCAL);
                let id = names
                    .iter()
                    .max_by_key(|it| it.len())
                    .unwrap()
                    .parse()
                    .unwrap();
                return kind(cloud.revoke_rule(at, &group, &id).await);
            };
            let ours = all.iter().find(|it| it.group == group).unwrap();
            kind(cloud.revoke_rule(at, &group, &ours.rules[0].id).await)
        }
        Operation::Interfaces
        | Operation::Rehearse
        | Operation::AcceptLink
        | Operation::TagLink
        | Operation::InstallRoute
        | Operation::RemoveRoute
        | Operation::AttachGroup
        | Operation::DetachGroup
        | Operation::MakeDenial
        | Operation::RemoveDenial
        | Operation::CreateNetwork => panic!("{operation} calls nobody"),
    }
}

#[tokio::test]
async fn an_operation_needs_each_permission_that_it_names_and_says_so_without_it() {
    for operation in CALLING {
        let scene = scene_for(operation).await;
        for permission in scene.cloud.permissions(Provider::Gcp, operation) {
            // It is for rules of several entries, of which one is taken back.
            if (operation, permission) == (Operation::RevokeRule, "compute.firewalls.update") {
                continue;
            }
            let scene = scene_for(operation).await;
            scene.fake.deny(LOCAL, permission);
            let denied = play(&scene, operation).await;
            assert_eq!(
                denied,
                Some(CloudErrorKind::Denied),
                "{operation}: {permission}"
            );
        }
    }
}

#[tokio::test]
async fn an_operation_needs_no_permission_that_it_does_not_name() {
    let cloud = Scene::set(Temper::instant()).await.cloud;
    let all: BTreeSet<_> = Operation::ALL
        .iter()
        .flat_map(|it| cloud.permissions(Provider::Gcp, *it))
        .collect();
    for operation in CALLING {
        let scene = scene_for(operation).await;
        let named = scene.cloud.permissions(Provider::Gcp, operation);
        for permission in all.iter().filter(|it| !named.contains(*it)) {
            scene.fake.deny(LOCAL, permission);
        }
        assert_eq!(play(&scene, operation).await, None, "{operation}");
    }
}

#[tokio::test]
async fn a_rehearsal_says_which_permissions_are_missing_and_changes_nothing() {
    let scene = Scene::set(Temper::instant()).await;
    let rehearsals = [
        Rehearsal::CreateLink(scene.spec().into()),
        Rehearsal::CreateGroup {
            network: scene.local.clone(),
            owner: OWNER,
        },
    ];
    for rehearsal in &rehearsals {
        let said = scene.cloud.rehearse(rehearsal).await.unwrap();
        assert_eq!(said, Rehearsed::Allowed);
    }
    scene.fake.deny(LOCAL, "compute.networks.addPeering");
    let said = scene.cloud.rehearse(&rehearsals[0]).await.unwrap();
    let message = "local-project lacks compute.networks.addPeering".to_owned();
    assert_eq!(said, Rehearsed::Refused { message });
    let said = scene.cloud.rehearse(&rehearsals[1]).await.unwrap();
    assert_eq!(said, Rehearsed::Allowed, "for something else");
    assert_eq!(scene.fake.halves_of(LOCAL, "cluster"), []);
    let calls = scene.fake.calls();
    assert!(
        calls
            .iter()
            .all(|it| it.method == "projects.testIamPermissions")
    );
}

#[tokio::test]
async fn owners_are_asked_for_what_all_operations_take_and_for_nothing_else() {
    let cloud = Scene::set(Temper::instant()).await.cloud;
    let made_by_demonstrations = |it: &&Operation| **it != Operation::CreateNetwork;
    let all = Operation::ALL.iter().filter(made_by_demonstrations);
    let taken: BTreeSet<_> = all
        .flat_map(|it| cloud.permissions(Provider::Gcp, *it))
        .collect();
    let asked = BTreeSet::from(cloud::instructions::gcp::PERMISSIONS);
    assert_eq!(asked, taken);
}
