//! Operation URLs: signed, and about three kilobytes long (sync-signed-operations-2024#2, #9). The
//! version in them need not be the request's. One that a client puts together by itself is refused.

use uuid::Uuid;

/// How long the certificate in a URL is.
const CERTIFICATE: usize = 2600;

/// The version that the URLs name.
const VERSION: &str = "2024-03-01";

pub(super) fn signature(operation: Uuid, kind: &str) -> String {
    let mixed = operation.as_u128().rotate_left(41) ^ kind.len() as u128;
    format!("{mixed:032x}{:032x}", !mixed)
}

/// Where an operation is asked about: its status, or its result.
pub(super) fn url(base: &str, subscription: &str, location: &str, id: Uuid, kind: &str) -> String {
    let sign = signature(id, kind);
    let long = "MII".repeat(CERTIFICATE / 3);
    format!(
        "{base}/subscriptions/{subscription}/providers/Microsoft.Network/locations/{location}/{kind}/{id}\
         ?api-version={VERSION}&t=638619654810000000&c={long}&s={sign}&h=0aZ_-9"
    )
}
