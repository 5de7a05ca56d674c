//! Links where each side has an object of its own: what the two make of each other.

use crate::stage::{OURS, Stage, kind, range};
use cloud::{
    CloudErrorKind, HalfAnswer, HalfState, HalfView, LinkRole, LinkSpec, OperationState, RequestId,
    half_name,
};
use domain::{
    Side,
    network::{LinkOption, Needs},
    text::Link,
};
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

const BUSY: Option<CloudErrorKind> = Some(CloudErrorKind::Busy);

/// A request of its own for each call.
fn request() -> RequestId {
    static MADE: AtomicU64 = AtomicU64::new(1);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    RequestId(Uuid::from_u128(u128::from(number)))
}

impl Stage {
    fn pair(&self) -> LinkSpec {
        LinkSpec {
            link: half_name(OURS.peering, 0),
            ..self.spec(OURS)
        }
    }

    fn name(&self) -> Link {
        self.pair().link.unwrap()
    }

    /// Makes or removes a half, as soon as the networks are free, and waits for its operation.
    async fn change(&self, side: Side, makes: bool) {
        let (pair, request) = (self.pair(), request());
        let (mut answer, mut looks) = (None, 0);
        while answer.is_none() {
            let told = if makes {
                self.cloud.make_half(&pair, side, request).await
            } else {
                self.cloud.remove_half(&pair, side, request).await
            };
            match told {
                Ok(it) => answer = Some(it),
                Err(error) if Some(error.kind.clone()) == BUSY && looks < 60 => {
                    looks += 1;
                    self.world.pass_time().await;
                }
                Err(error) => panic!("{side}: {error}"),
            }
        }
        if let Some(HalfAnswer::Started { operation }) = answer {
            let at = &pair.network(side).at;
            let read = async || self.cloud.operation(at, &operation).await.unwrap();
            let is_done = |it: &OperationState| *it == OperationState::Done;
            self.until("the operation's end", read, is_done).await;
        }
    }

    /// What this side's own read says of its half; nothing while it shows none.
    async fn half(&self, side: Side) -> Option<HalfView> {
        let pair = self.pair();
        let own = pair.network(side);
        let shown = self.links(own).await;
        let view = shown.into_iter().find(|it| it.link == self.name())?;
        view.half(side, own)
    }

    async fn half_is(&self, side: Side, state: HalfState) -> HalfView {
        let what = format!("the half of the {side} side, {state:?}");
        let read = async || self.half(side).await;
        let is_so = |it: &Option<HalfView>| it.as_ref().is_some_and(|it| it.state == state);
        self.until(&what, read, is_so).await.unwrap()
    }

    async fn both_connected(&self) {
        for side in Side::BOTH {
            self.change(side, true).await;
        }
        for side in Side::BOTH {
            self.half_is(side, HalfState::Connected).await;
        }
    }

    async fn switch(
        &self,
        side: Side,
        option: LinkOption,
        enabled: bool,
    ) -> Option<CloudErrorKind> {
        let (pair, name) = (self.pair(), self.name());
        let own = pair.network(side);
        let end = LinkRole::First;
        for _ in 0..60 {
            let set = self
                .cloud
                .set_option(own, &name, end, option, enabled.into());
            match kind(set.await) {
                it if it == BUSY => self.world.pass_time().await,
                other => return other,
            }
        }
        BUSY
    }

    async fn option_is(&self, side: Side, option: LinkOption, enabled: bool) {
        let read = async || {
            let half = self.half(side).await;
            half.and_then(|it| it.options.get(&option).copied())
        };
        let is_so = |it: &Option<bool>| *it == Some(enabled);
        self.until(option.as_str(), read, is_so).await;
    }
}

pub(crate) async fn a_half_waits_for_the_other_and_both_are_connected_once_it_is_there(
    stage: Stage,
) {
    stage.change(Side::Local, true).await;
    let alone = stage.half_is(Side::Local, HalfState::Pending).await;
    assert_eq!(alone.name, Some(stage.name()));
    assert_eq!(stage.half(Side::Remote).await, None);
    stage.change(Side::Remote, true).await;
    for side in Side::BOTH {
        stage.half_is(side, HalfState::Connected).await;
    }
}

pub(crate) async fn a_half_that_is_asked_for_again_is_no_second_one(stage: Stage) {
    stage.both_connected().await;
    let pair = stage.pair();
    let again = stage.cloud.make_half(&pair, Side::Local, request()).await;
    match again {
        Ok(HalfAnswer::Done { .. }) => {}
        Ok(HalfAnswer::Started { operation }) => panic!("{operation} was begun"),
        Err(error) => assert_eq!(error.kind, CloudErrorKind::AlreadyThere, "{error}"),
    }
    assert_eq!(stage.links(&stage.local).await.len(), 1);
}

pub(crate) async fn a_half_is_removed_by_its_own_side_and_the_other_waits_or_is_disconnected(
    stage: Stage,
) {
    stage.both_connected().await;
    stage.change(Side::Remote, false).await;
    let is_alone = |it: &Option<HalfView>| {
        let state = it.as_ref().map(|it| it.state);
        matches!(state, Some(HalfState::Pending | HalfState::Disconnected))
    };
    let read = async || stage.half(Side::Local).await;
    stage.until("a half alone", read, is_alone).await;
    stage.change(Side::Local, false).await;
    let read = async || stage.half(Side::Local).await;
    stage.until("no half", read, Option::is_none).await;
    let pair = stage.pair();
    let again = stage.cloud.remove_half(&pair, Side::Local, request()).await;
    let gone = [
        Some(CloudErrorKind::NotFound),
        Some(CloudErrorKind::WrongState),
    ];
    assert!(gone.contains(&kind(again)), "a repeat does no harm");
}

pub(crate) async fn a_halfs_name_says_whose_it_is(stage: Stage) {
    stage.change(Side::Local, true).await;
    stage.half_is(Side::Local, HalfState::Pending).await;
    let shown = stage.links(&stage.local).await;
    let owner = shown[0].owner.expect("it has an owner");
    assert_eq!(owner.peering, OURS.peering);
}

pub(crate) async fn an_operation_that_nobody_began_is_not_there(stage: Stage) {
    let unknown = "operation-of-nobody".parse().unwrap();
    let told = stage.cloud.operation(&stage.local.at, &unknown).await;
    assert_eq!(kind(told), Some(CloudErrorKind::NotFound));
}

pub(crate) async fn each_option_is_set_by_its_own_side_and_shown_there(stage: Stage) {
    stage.both_connected().await;
    let provider = stage.local.at.provider;
    let alone = |it: &LinkOption| !it.is_upkeep() && it.excludes().is_none();
    for option in LinkOption::of(provider).filter(alone) {
        for enabled in [true, true, false] {
            assert_eq!(stage.switch(Side::Local, option, enabled).await, None);
            stage.option_is(Side::Local, option, enabled).await;
            stage.option_is(Side::Remote, option, false).await;
        }
    }
    let of_others = LinkOption::ALL
        .into_iter()
        .find(|it| it.provider() != provider);
    let set = stage.switch(Side::Local, of_others.unwrap(), true).await;
    assert_eq!(set, Some(CloudErrorKind::Unsupported));
}

pub(crate) async fn an_option_that_needs_one_of_the_other_side_before_is_refused_without_it(
    stage: Stage,
) {
    stage.both_connected().await;
    for option in LinkOption::of(stage.local.at.provider) {
        if let Needs::Before(_) = option.needs() {
            let refused = stage.switch(Side::Local, option, true).await;
            assert_eq!(refused, Some(CloudErrorKind::Precondition), "{option:?}");
        }
    }
}

pub(crate) async fn what_the_halves_exchange_is_told_and_no_table_takes_a_route(stage: Stage) {
    stage.both_connected().await;
    let pair = stage.pair();
    for (side, others) in [
        (Side::Local, "10.20.0.0/16"),
        (Side::Remote, "10.10.0.0/16"),
    ] {
        let own = pair.network(side);
        let read = async || {
            let shown = stage.links(own).await;
            let view = shown.into_iter().find(|it| it.link == stage.name());
            view.and_then(|it| it.end(own).map(|(_, end)| end.imports.clone()))
        };
        let others = others.parse().unwrap();
        let is_told = |it: &Option<Vec<_>>| it.as_ref().is_some_and(|it| it.contains(&others));
        stage.until("what is exchanged", read, is_told).await;
    }
    let table = stage.main_table(&stage.local).await.table;
    let to = range("10.20.0.0/16");
    let at = &stage.local.at;
    let put = stage
        .cloud
        .install_route(at, &table, to, &stage.name())
        .await;
    assert_eq!(kind(put), Some(CloudErrorKind::Unsupported));
}
