//! What a read has shown of things that may belong to nobody any more.

use chrono::{DateTime, Utc};
use cloud::{
    AccessListView, AccountRegion, Direction, GroupView, LinkView, RouteTableView, denied_traffic,
};
use domain::{network::Denial, text::CloudNetwork};

/// What one read has shown, of which networks, and when it was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) at: &'a AccountRegion,
    pub(super) of: &'a [CloudNetwork],
    pub(super) seen_at: DateTime<Utc>,
    pub(super) shows: Shows<'a>,
}

/// The things that may be orphans.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shows<'a> {
    Links(&'a [LinkView]),
    Tables(&'a [RouteTableView]),
    Groups(&'a [GroupView]),
    Lists(&'a [AccessListView]),
}

/// Whether the entry stands in its list, and denies just that.
pub(super) fn stands(lists: &[AccessListView], denial: &Denial) -> bool {
    let of = lists
        .iter()
        .filter(|it| it.list.as_ref() == Some(&denial.list));
    let mut entries = of.flat_map(|it| &it.entries);
    entries.any(|it| {
        it.direction == Direction::Inbound
            && it.priority == u32::from(denial.number)
            && !it.allow
            && it.traffic == denied_traffic(&denial.denies)
    })
}
