//! How many calls there are, and why.

use crate::counted::Counts;
use crate::report::{Report, Row};
use crate::scene::{Scene, simulated};
use crate::story::{Story, account};
use cloud::Operation;
use domain::Side;
use std::time::Duration;

/// How many calls of a side a new peering may cost.
const MOST: u64 = 18;

/// For how long nothing is due, and nothing may be called.
const IDLE: Duration = Duration::from_secs(3);

/// From nothing to a peering that is active with everything in its place: two local route tables,
/// one remote, a group on either side.
pub(crate) async fn to_active(report: &mut Report) {
    let stories = [Story::made_up(0, 1)];
    let scene = Scene::set(simulated(&stories), &stories).await;
    let running = scene.start();
    scene.until_in_place(&running).await;
    scene.until_quiet().await;
    running.stop().await;
    let counts = scene.cloud.take();
    scene.node.stop().await;
    report.section(
        "Calls from nothing to an active peering with everything in place (local, remote)",
    );
    let of = |operation, side| {
        counts
            .get(&(account(side), operation))
            .copied()
            .unwrap_or_default()
    };
    for operation in Operation::ALL {
        let [local, remote] = Side::BOTH.map(|side| of(operation, side));
        if local + remote > 0 {
            report.row(Row::sides(
                operation.as_str(),
                local,
                remote,
                reason(operation),
            ));
        }
    }
    let all = |side| {
        Operation::ALL
            .into_iter()
            .map(|operation| of(operation, side))
            .sum::<u64>()
    };
    let [local, remote] = Side::BOTH.map(all);
    report.row(
        Row::sides("all calls of the port", local, remote, "")
            .target("at most 18 a side", local.max(remote) <= MOST),
    );
    let on_the_wire = |side| all(side) + of(Operation::FirewallGroups, side);
    let [local, remote] = Side::BOTH.map(on_the_wire);
    let note = "a look at groups is two calls of EC2: groups, and rules";
    report.row(
        Row::sides("the same as calls of EC2", local, remote, note)
            .target("at most 18 a side", local.max(remote) <= MOST),
    );
}

/// Why a new peering needs this call so many times.
fn reason(operation: Operation) -> &'static str {
    match operation {
        Operation::Identity => {
            "before each batch of changes, that they act in the account on record"
        }
        Operation::Networks => "preflight: it is there, and all its ranges",
        Operation::Subnets => "preflight: the chosen subnets are there",
        Operation::Links => {
            "none there yet; what was asked for; what became of it after each change"
        }
        Operation::RouteTables => {
            "preflight: room; which tables serve; after the change, that it is so"
        }
        Operation::FirewallGroups => {
            "local: a new group is made unseen, then looked at; remote: whether others admit us, first"
        }
        Operation::AccessLists => "what stands in front of a stranger's rule",
        Operation::Interfaces => "what the groups are attached to",
        Operation::DnsSupport => "the preconditions of name resolution",
        Operation::Quotas => "what the account allows, once a day",
        Operation::Rehearse => "preflight: permissions, without doing it",
        Operation::CreateLink => "the link, asked for once",
        Operation::AcceptLink => "its acceptance, once both views match the record",
        Operation::InstallRoute => "one for each table that serves",
        Operation::CreateGroup => "the group that the engine owns",
        Operation::AuthorizeRule => "one for each rule, so that each has an id of its own",
        Operation::OperationState
        | Operation::DeleteLink
        | Operation::TagLink
        | Operation::TagFirewall
        | Operation::SetOption
        | Operation::RemoveRoute
        | Operation::DeleteGroup
        | Operation::RevokeRule
        | Operation::AttachGroup
        | Operation::DetachGroup
        | Operation::MakeDenial
        | Operation::RemoveDenial
        | Operation::CreateNetwork => "not needed for a new peering",
    }
}

/// A look at what is as asked: peerings of one network that share their places, and networks that
/// share them.
pub(crate) async fn steady(report: &mut Report) {
    report.section(
        "Calls of a look at what is as asked: of one kind in one account and region, at most",
    );
    for peerings in [1, 10, 50] {
        let stories = [Story::made_up(0, peerings)];
        let counts = looked_at(&stories, report).await;
        let (most, kinds) = most_of_a_kind(&counts);
        let what = format!("one network, {peerings} peerings that share both places");
        report.row(Row::count(what, most, kinds).target("at most 1", most <= 1));
    }
    for networks in [10, 50] {
        let stories: Vec<_> = (0..networks)
            .map(|number| Story::made_up(number, 1))
            .collect();
        let counts = looked_at(&stories, report).await;
        let (most, kinds) = most_of_a_kind(&counts);
        let what = format!("{networks} networks, one peering each, that share both places");
        report.row(Row::count(
            what,
            most,
            format!("each network is looked at by itself, with an external id of its own; {kinds}"),
        ));
    }
}

/// The calls of one look, after all is in place and idle.
async fn looked_at(stories: &[Story], report: &mut Report) -> Counts {
    let scene = Scene::set(simulated(stories), stories).await;
    let running = scene.start();
    scene.until_in_place(&running).await;
    scene.until_quiet().await;
    scene.cloud.take();
    peerage_tests::wait::elapse(IDLE).await;
    let idle = scene.cloud.total();
    let peerings: usize = stories.iter().map(|it| it.peers.len()).sum();
    report.row(
        Row::count(
            format!("{peerings} peerings, nothing due for {IDLE:?}: all calls"),
            idle,
            "",
        )
        .target("none", idle == 0),
    );
    scene.look_at(stories).await;
    let counts = scene.cloud.take();
    running.stop().await;
    scene.node.stop().await;
    counts
}

/// The count of the call that was made most often in one account, and all calls by kind.
fn most_of_a_kind(counts: &Counts) -> (u64, String) {
    let kinds = Side::BOTH.map(|side| {
        let of_side = counts.iter().filter(|((at, _), _)| *at == account(side));
        let words: Vec<_> = of_side
            .map(|((_, operation), count)| format!("{} {count}", operation.as_str()))
            .collect();
        format!("{side}: {}", words.join(", "))
    });
    (
        counts.values().copied().max().unwrap_or_default(),
        kinds.join("; "),
    )
}
