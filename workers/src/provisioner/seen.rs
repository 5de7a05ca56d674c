//! What a read has shown of things that may belong to nobody any more.

use chrono::{DateTime, Utc};
use cloud::{AccountRegion, GroupView, LinkView, RouteTableView};
use domain::text::CloudNetwork;

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
}
