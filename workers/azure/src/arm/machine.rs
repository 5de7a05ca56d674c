//! Tokens of the identity that Azure gives a machine (managed identity), from the machine's
//! metadata service: one request, on the machine's own wire.
//!
//! Written by hand as the rest of tokens is: the field's own library asks at an address that cannot
//! be said, and keeps one token for all tenants.

use super::{
    error::{ArmError, Failure},
    grant::{Granted, encoded},
    transport::{NoAnswer, Transport},
};
use crate::settings::MachineIdentity;
use http::{Request, StatusCode};
use http_body_util::Full;
use serde::Deserialize;

/// The version of the service that requests name: the first with all that is asked here.
const VERSION: &str = "2018-02-01";

/// What a machine's token is for where it is shown in place of an application's secret.
pub(super) const EXCHANGE: &str = "api://AzureADTokenExchange";

/// Its answer. Numbers are texts there, and elsewhere numbers.
#[derive(Deserialize)]
struct Told {
    access_token: secrecy::SecretString,
    expires_in: Seconds,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(u64),
    Text(String),
}

/// A token of the machine's identity for this resource.
pub(super) async fn token(
    transport: &Transport,
    identity: &MachineIdentity,
    resource: &str,
) -> Result<Granted, ArmError> {
    let metadata = identity.metadata.trim_end_matches('/');
    let which = identity.assigned.as_ref();
    let which = which.map(|it| format!("&client_id={}", encoded(it)));
    let url = format!(
        "{metadata}/metadata/identity/oauth2/token?api-version={VERSION}&resource={}{}",
        encoded(resource),
        which.unwrap_or_default()
    );
    let request = Request::get(url)
        // Without it nothing is answered: a proxy, or whoever is made to ask, does not say it.
        .header("metadata", "true")
        .body(Full::default())
        .map_err(|error| refused(error.to_string()))?;
    let answer = transport.send(request).await.map_err(|error| match error {
        NoAnswer::NotSent(words) => refused(format!(
            "no metadata service answers at {metadata} ({words}): a managed identity is there on \
             Azure's own machines alone; elsewhere name cloud.azure.secret_file or token_file"
        )),
        NoAnswer::Lost(words) => later(words),
    })?;
    let is_passing = matches!(
        answer.status,
        StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::TOO_MANY_REQUESTS
    );
    if is_passing || answer.status.is_server_error() {
        return Err(later(format!(
            "the metadata service answered {}",
            answer.status
        )));
    }
    if answer.status == StatusCode::BAD_REQUEST {
        return Err(refused(match &identity.assigned {
            Some(it) => format!(
                "no managed identity `{it}` is assigned to this machine: assign it, or correct \
                 cloud.azure.managed_identity"
            ),
            None => "this machine has no managed identity of its own: switch it on, or name an \
                     assigned one as cloud.azure.managed_identity"
                .to_owned(),
        }));
    }
    if !answer.status.is_success() {
        return Err(refused(format!(
            "the metadata service answered {}",
            answer.status
        )));
    }
    let told: Option<Told> = serde_json::from_slice(&answer.body).ok();
    let granted = told.and_then(|it| {
        let expires_in = match it.expires_in {
            Seconds::Number(it) => it,
            Seconds::Text(it) => it.parse().ok()?,
        };
        Some(Granted {
            access_token: it.access_token,
            expires_in,
        })
    });
    granted.ok_or_else(|| refused("the metadata service's answer is no token".to_owned()))
}

fn refused(words: String) -> ArmError {
    ArmError::new(Failure::CredentialsRefused, format!("no token: {words}"))
}

/// It is being brought up to date, or asked too often: nothing was sent to Resource Manager.
fn later(words: String) -> ArmError {
    ArmError::new(Failure::NotSent, format!("no token: {words}"))
}
