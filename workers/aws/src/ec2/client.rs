//! The client of all accounts and regions.

use crate::ec2::connect::{Clients, http_client};
use crate::ec2::scope::Scope;
use crate::ec2::settings::Ec2Settings;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use parking_lot::{Mutex, MutexGuard};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// EC2 in any number of accounts and regions. Cheap to clone; all clones share connections and
/// sessions.
///
/// Every call is one attempt. What may have happened when it fails is said by
/// [`Ec2ErrorKind`](crate::ec2::Ec2ErrorKind).
#[derive(Clone)]
pub struct Ec2 {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Ec2Settings,
    http: SharedHttpClient,
    /// By the account and region with the external id that is shown there: tenants never share a
    /// session.
    clients: Mutex<HashMap<Scope, Arc<OnceCell<Clients>>>>,
}

impl Ec2 {
    /// Reads nothing and connects to nothing yet.
    pub fn new(settings: Ec2Settings) -> Self {
        Self {
            inner: Arc::new(Inner {
                settings,
                http: http_client(),
                clients: Mutex::default(),
            }),
        }
    }

    /// Forgets all sessions in this account: its role is assumed afresh at the next call. Happens
    /// by itself to the session of a call whose credentials the service refuses or calls expired.
    pub fn forget(&self, account: &str) {
        self.lock().retain(|at, _| at.account != account);
    }

    pub(crate) fn settings(&self) -> &Ec2Settings {
        &self.inner.settings
    }

    /// Forgets the one session that calls to this place use.
    pub(crate) fn forget_session(&self, at: &Scope) {
        self.lock().remove(&self.inner.settings.entered(at));
    }

    pub(crate) async fn clients(&self, at: &Scope) -> Clients {
        let at = self.inner.settings.entered(at);
        let cell = Arc::clone(self.lock().entry(at.clone()).or_default());
        // Of several first calls at once one prepares, and they share its session.
        let prepare = || Clients::prepare(&self.inner.settings, &self.inner.http, &at);
        cell.get_or_init(prepare).await.clone()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Scope, Arc<OnceCell<Clients>>>> {
        self.inner.clients.lock()
    }
}

impl fmt::Debug for Ec2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ec2")
            .field("endpoint", &self.inner.settings.endpoint)
            .finish_non_exhaustive()
    }
}
