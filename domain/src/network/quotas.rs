//! What the accounts of a network and of its peers allow.
//!
//! What a cloud told is on record, so that a decision follows from the log and the configuration
//! alone. It comes before what is usual, and what the configuration says comes before it.

use super::{Peering, Registered, event::NetworkQuotasSeen};
use crate::{
    place::{
        HeldQuota, Places, QuotaKind, QuotaOverrides, QuotaSource, Quotas, Region, SeenQuotas,
    },
    side::Side,
    text::Account,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a cloud told of an account and region, and since when that is on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotasSeen {
    /// What it allows.
    pub quotas: SeenQuotas,
    /// Since when.
    pub seen_at: DateTime<Utc>,
}

impl Registered {
    /// The account and region of a side.
    fn place<'a>(&'a self, peering: &'a Peering, side: Side) -> (&'a Account, &'a Region) {
        match side {
            Side::Local => (&self.account, &self.region),
            Side::Remote => (&peering.peer.account, &peering.peer.region),
        }
    }

    /// The accounts and regions of this network and of its live peers, each once.
    pub fn quota_places(&self) -> Vec<(&Account, &Region)> {
        let peers = self.live_peerings().map(|it| self.place(it, Side::Remote));
        let mut all = vec![(&self.account, &self.region)];
        for place in peers {
            if !all.contains(&place) {
                all.push(place);
            }
        }
        all
    }

    /// What was seen there; nothing where nobody was told.
    pub fn quotas_seen_at(&self, account: &Account, region: &Region) -> QuotaOverrides {
        let seen = self.seen_at(account, region);
        seen.map(|it| it.quotas.into()).unwrap_or_default()
    }

    fn seen_at(&self, account: &Account, region: &Region) -> Option<&QuotasSeen> {
        // A key of references would not do for the map.
        let key = (account.clone(), region.clone());
        self.quotas_seen.get(&key)
    }

    /// What an account in which this network or a peer is allows in a region.
    pub fn quotas_at(&self, places: &Places, account: &Account, region: &Region) -> Quotas {
        let seen = self.quotas_seen_at(account, region);
        places.quotas_seeing(self.provider, account, seen)
    }

    /// What the account of a side allows.
    pub fn quotas(&self, places: &Places, peering: &Peering, side: Side) -> Quotas {
        let (account, region) = self.place(peering, side);
        self.quotas_at(places, account, region)
    }

    /// Every quota that holds there, and where it comes from.
    pub fn quotas_held(
        &self,
        places: &Places,
        account: &Account,
        region: &Region,
    ) -> [HeldQuota; QuotaKind::ALL.len()] {
        let quotas = self.quotas_at(places, account, region);
        let seen = self.seen_at(account, region);
        QuotaKind::ALL.map(|kind| {
            let told = seen.filter(|it| QuotaOverrides::from(it.quotas).of(kind).is_some());
            let source = match told {
                _ if places.says(self.provider, account, kind) => QuotaSource::Configured,
                Some(it) => QuotaSource::Seen { at: it.seen_at },
                None => QuotaSource::BuiltIn,
            };
            HeldQuota {
                kind,
                most: quotas.of(kind),
                source,
            }
        })
    }

    /// Whether this says anything new: of an account that the network or a live peer is in.
    pub(super) fn is_news_of_quotas(&self, it: &NetworkQuotasSeen) -> bool {
        let known = self.seen_at(&it.account, &it.region);
        self.quota_places().contains(&(&it.account, &it.region))
            && known.is_none_or(|known| known.quotas != it.quotas)
    }

    pub(super) fn quotas_were_seen(&mut self, it: &NetworkQuotasSeen, at: DateTime<Utc>) {
        let seen = QuotasSeen {
            quotas: it.quotas,
            seen_at: at,
        };
        let key = (it.account.clone(), it.region.clone());
        self.quotas_seen.insert(key, seen);
    }
}
