//! What a pass works with, and what is told to it while it is under way.

use super::{
    graph::Graph, log::NetworkLog, memory::AsOf, quotas::QuotasTold, reason::Reasons,
    rest::Resting, settings::ProvisionerSettings, turns::Turns,
};
use cloud::Cloud;
use domain::{
    PeeringId,
    network::{Network, Peering, Registered},
};
use journal::{Clock, Loaded};
use parking_lot::{Mutex, RwLock};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What came up for a network since its pass has looked last.
#[derive(Debug, Default)]
pub(super) struct Wake {
    reasons: Mutex<Reasons>,
    pub(super) notify: Notify,
}

impl Wake {
    pub(super) fn by(reasons: Reasons) -> Arc<Self> {
        Arc::new(Self {
            reasons: Mutex::new(reasons),
            notify: Notify::new(),
        })
    }

    pub(super) fn tell(&self, reasons: Reasons) {
        self.reasons.lock().merge(reasons);
        self.notify.notify_one();
    }

    /// What came up since this was asked last.
    pub(super) fn take(&self) -> Reasons {
        std::mem::take(&mut self.reasons.lock())
    }
}

/// Tells a pass over a peering that a command about it was put on record.
pub(super) struct Interrupt {
    notify: Notify,
    /// Whether nobody waits for anything but a look.
    only_looks: AtomicBool,
}

impl Interrupt {
    pub(super) fn of(why: &Reasons) -> Self {
        Self {
            notify: Notify::new(),
            only_looks: AtomicBool::new(why.only_looks()),
        }
    }

    /// Whether nobody waits for anything but a look.
    pub(super) fn only_looks(&self) -> bool {
        self.only_looks.load(Ordering::Relaxed)
    }

    pub(super) fn tell(&self, why: &Reasons) {
        if !why.only_looks() {
            self.only_looks.store(false, Ordering::Relaxed);
        }
        self.notify.notify_one();
    }

    pub(super) async fn notified(&self) {
        self.notify.notified().await;
    }
}

/// Everything that a pass works with.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    /// The way to the cloud for routine work.
    pub(super) cloud: &'a dyn Cloud,
    /// The way to the cloud for what somebody waits for.
    pub(super) express: &'a dyn Cloud,
    /// The way to the cloud for what somebody only wants to know.
    pub(super) inquiries: &'a dyn Cloud,
    pub(super) log: &'a dyn NetworkLog,
    pub(super) clock: &'a Clock,
    pub(super) settings: &'a ProvisionerSettings,
    pub(super) graph: &'a RwLock<Graph>,
    pub(super) turns: &'a Turns,
    pub(super) quotas: &'a QuotasTold,
    pub(super) rest: &'a Resting,
    pub(super) stop: &'a CancellationToken,
    pub(super) wake: &'a Wake,
}

impl Pass<'_> {
    /// The way to the cloud.
    pub(super) fn way(&self, insists: bool) -> &dyn Cloud {
        if insists { self.express } else { self.cloud }
    }
}

pub(super) fn on_record(loaded: &Loaded, id: PeeringId) -> Option<(&Registered, &Peering)> {
    match &loaded.network {
        Network::Registered(network) => network
            .peerings()
            .get(&id)
            .map(|peering| (network, peering)),
        Network::Unregistered | Network::Retired(_) | Network::Marked(_) => None,
    }
}

pub(super) fn as_of(loaded: &Loaded, id: PeeringId, rests: bool) -> Option<AsOf> {
    on_record(loaded, id).and_then(|(network, _)| AsOf::of(network, id, rests))
}
