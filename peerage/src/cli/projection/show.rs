//! Projections and their rebuilds, for people.

use crate::{
    api::v1::{self, RebuildStage, RowDifferenceKind},
    cli::{
        node::grouped,
        output::{
            self,
            Column::{Whole, Wrapped},
        },
    },
};

pub(super) fn table(all: &[v1::Projection]) -> String {
    let rows = all.iter().map(|it| {
        let rebuild = it.rebuild.as_ref();
        [
            it.name.clone(),
            whole(it),
            it.position.clone(),
            rebuild.map(so_far).unwrap_or_default(),
            it.host.clone(),
        ]
    });
    let columns = [
        Whole("projection"),
        Whole("state"),
        Whole("position"),
        Wrapped("rebuild"),
        Wrapped("server"),
    ];
    output::table(columns, rows)
}

fn whole(it: &v1::Projection) -> String {
    let state = if it.whole { "whole" } else { "being built" };
    state.to_owned()
}

/// How far it is, in a line.
pub(super) fn so_far(it: &v1::Rebuild) -> String {
    let mut text = output::word(it.stage());
    if is_under_way(it) {
        text += &format!(", {} events", grouped(it.events));
        if it.events_per_second >= 1.0 {
            text += &format!(" ({}/s)", grouped(it.events_per_second as u64));
        }
        if let Some(left) = &it.remaining {
            text += &format!(", {} s left", left.seconds);
        }
    }
    if !it.cause.is_empty() {
        text += &format!(": {}", output::line(&it.cause));
    }
    text
}

pub(super) fn is_under_way(it: &v1::Rebuild) -> bool {
    match it.stage() {
        RebuildStage::Asked
        | RebuildStage::Building
        | RebuildStage::Comparing
        | RebuildStage::Cancelling => true,
        RebuildStage::Unspecified
        | RebuildStage::Switched
        | RebuildStage::Cancelled
        | RebuildStage::Failed
        | RebuildStage::Refused => false,
    }
}

pub(super) fn shown(it: &v1::Projection) -> String {
    let none = v1::Rebuild::default();
    let rebuild = it.rebuild.as_ref().unwrap_or(&none);
    let comparison = rebuild.comparison.clone().unwrap_or_default();
    let is_there = it.rebuild.is_some();
    let only = |text: String| if is_there { text } else { String::new() };
    let resumed = if rebuild.resumed { "yes" } else { "" };
    let roots = comparison.roots.clone().unwrap_or_default();
    let facts = output::facts([
        ("projection", it.name.clone()),
        ("server", it.host.clone()),
        ("state", whole(it)),
        ("position", it.position.clone()),
        ("rebuild", only(so_far(rebuild))),
        ("asked for", output::when(rebuild.asked_at.as_ref())),
        ("gone on with", resumed.to_owned()),
        ("built up to", only(rebuild.position.clone())),
        ("end of the log", only(rebuild.end.clone())),
        ("events", only(grouped(rebuild.events))),
        ("compared at", comparison.position.clone()),
        ("differences", differences(rebuild)),
        ("root served", roots.served),
        ("root built", roots.built),
        ("root signed", signed(&roots.signed, roots.signed_size)),
    ]);
    if comparison.first.is_empty() {
        return facts;
    }
    format!("{facts}\n\n{}", first(&comparison.first))
}

fn signed(root: &str, size: u64) -> String {
    match size {
        0 => String::new(),
        size => format!("{root} of {} events", grouped(size)),
    }
}

/// What the comparison came to.
pub(super) fn differences(it: &v1::Rebuild) -> String {
    match &it.comparison {
        None => String::new(),
        Some(it) => format!("{} of {} rows", grouped(it.differences), grouped(it.rows)),
    }
}

/// The first rows that differ.
pub(super) fn first(all: &[v1::RowDifference]) -> String {
    let rows = all.iter().map(|it| {
        let what = match it.kind() {
            RowDifferenceKind::Missing => "was missing".to_owned(),
            RowDifferenceKind::Extra => "was there, and is not of the log".to_owned(),
            RowDifferenceKind::Changed | RowDifferenceKind::Unspecified => {
                let columns = it.columns.iter();
                let told = columns.map(|it| format!("{}: {} → {}", it.column, it.served, it.built));
                told.collect::<Vec<_>>().join("; ")
            }
        };
        [it.table.clone(), it.key.clone(), output::line(&what)]
    });
    output::table(
        [Whole("table"), Wrapped("row"), Wrapped("served → built")],
        rows,
    )
}
