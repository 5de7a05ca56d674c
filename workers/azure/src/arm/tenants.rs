//! In which tenant a subscription is, where nobody has said so in this process: Resource Manager
//! tells whoever asks without a token, in the challenge of its refusal.

use super::transport::{Answer, Transport};
use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Full;
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// What is known of subscriptions.
#[derive(Debug, Default)]
pub(crate) struct Tenants(Mutex<BTreeMap<String, String>>);

impl Tenants {
    /// The caller says so.
    pub(crate) fn learn(&self, subscription: &str, tenant: &str) {
        let mut known = self.0.lock();
        known.insert(subscription.to_ascii_lowercase(), tenant.to_owned());
    }

    pub(crate) fn known(&self, subscription: &str) -> Option<String> {
        let known = self.0.lock();
        known.get(&subscription.to_ascii_lowercase()).cloned()
    }

    /// The tenant of this subscription, as far as it is told.
    pub(crate) async fn find(&self, transport: &Transport, url: Uri, of: &str) -> Option<String> {
        if let Some(known) = self.known(of) {
            return Some(known);
        }
        let request = Request::get(url).body(Full::<Bytes>::default()).ok()?;
        let answer = transport.send(request).await.ok()?;
        let tenant = challenge(&answer)?;
        self.learn(of, &tenant);
        Some(tenant)
    }
}

/// `Bearer authorization_uri="https://login…/{tenant}", error=…`
fn challenge(answer: &Answer) -> Option<String> {
    let told = answer.header("www-authenticate")?;
    let (_, rest) = told.split_once("authorization_uri=\"")?;
    let (uri, _) = rest.split_once('"')?;
    let tenant = uri.trim_end_matches('/').rsplit('/').next()?;
    tenant.parse::<uuid::Uuid>().ok()?;
    Some(tenant.to_owned())
}
