//! Options of the link: name resolution over it.

use super::{
    super::event::{LinkOption, Thing},
    Peering,
};
use crate::side::Side;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Whether the other side resolves this one's names to private addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsResolution {
    /// Whether that is asked for.
    pub wanted: bool,
    /// What was last seen to be so.
    pub applied: bool,
    /// Whether it was so over an adopted link before the engine was; then it is never set back.
    pub found: bool,
    /// When either last changed; `None` if neither ever did.
    pub changed_at: Option<DateTime<Utc>>,
}

impl Peering {
    pub(in crate::network) fn want_dns(&mut self, side: Side, enabled: bool, at: DateTime<Utc>) {
        self.forget_drift(|drift| drift.is_about_dns(side));
        let dns = self.dns.get_mut(side);
        dns.wanted = enabled;
        dns.changed_at = Some(at);
    }

    pub(in crate::network) fn dns_applied(&mut self, side: Side, enabled: bool, at: DateTime<Utc>) {
        let option = LinkOption::DnsResolution;
        self.intent_is_over(side, &Thing::Option { option });
        let dns = self.dns.get_mut(side);
        dns.applied = enabled;
        dns.changed_at = Some(at);
    }
}
