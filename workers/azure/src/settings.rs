//! What the caller decides about the way to Azure: endpoints, credentials, network security groups
//! of the engine, timeouts.

use crate::mode_at;
use cloud::{Pace, Rate};
use domain::{CloudMode, Places};
use secrecy::SecretString;
use std::{ops::RangeInclusive, path::PathBuf, time::Duration};

/// The public cloud's Resource Manager.
pub const ENDPOINT: &str = "https://management.azure.com";

/// The public cloud's login service.
pub const LOGIN: &str = "https://login.microsoftonline.com";

/// Where a machine of Azure's tells about itself, and gives tokens of its identity.
pub const METADATA: &str = "http://169.254.169.254";

/// What one subscription is asked at most. Resource Manager takes of a principal 250 reads at once
/// and 25 a second after them, and 200 changes at once and 10 a second (its token buckets of 2024).
const READS: Rate = Rate::of(20, 200);
const CHANGES: Rate = Rate::of(8, 150);

/// How to reach Azure Resource Manager, and as whom.
#[derive(Clone, Debug)]
pub struct AzureSettings {
    /// Where Resource Manager answers, like `https://management.azure.com`.
    pub endpoint: String,
    /// Where tokens are given, like `https://login.microsoftonline.com`.
    pub login: String,
    /// What tokens are asked for: the endpoint's own audience where it is `None`.
    pub audience: Option<String>,
    /// Who the engine is, in every tenant.
    pub credential: Credential,
    /// The network security groups that the engine may write its rules into, by resource id. It
    /// never makes one, and never associates one with a subnet.
    pub security_groups: Vec<String>,
    /// The priorities that the engine's rules have there (Azure: 100 to 4096). They have to come
    /// before every rule of others that allows.
    pub priorities: RangeInclusive<u16>,
    /// The time to establish a connection.
    pub connect_timeout: Duration,
    /// The time from the request to the end of its answer.
    pub read_timeout: Duration,
    /// How long the end of a change is waited for that is no half's making or removal; less than
    /// callers wait for an answer.
    pub patience: Duration,
    /// The least time between two polls of an operation; `Retry-After` may ask for more.
    pub poll_interval: Duration,
    /// The quotas of each tenant.
    pub places: Places,
    /// The pace of requests to each subscription. Without one it is what Resource Manager takes,
    /// and none at all at an endpoint that is not Azure's.
    pub pace: Option<Pace>,
}

/// Who the engine is.
#[derive(Clone, Debug)]
pub enum Credential {
    /// An application with a secret, known in every tenant that it works in.
    ClientSecret {
        /// The application's (client) id.
        client_id: String,
        /// Its secret; never printed.
        secret: SecretString,
    },
    /// An application that shows a token of another issuer, which somebody keeps fresh in a file
    /// (workload identity federation).
    Federated {
        /// The application's (client) id.
        client_id: String,
        /// The file with the token; read anew for every token that is asked for.
        token_file: PathBuf,
    },
    /// The identity that Azure gives the machine on which the engine runs. It is known in its own
    /// tenant alone.
    Managed(MachineIdentity),
    /// An application that trusts that identity, known in every tenant that it works in (a managed
    /// identity as a federated credential). There is no secret to keep.
    Trusting {
        /// The application's (client) id.
        client_id: String,
        /// Whom it trusts.
        identity: MachineIdentity,
    },
    /// Tokens that are given as they are, the same for every tenant.
    Fixed(SecretString),
}

/// A machine's identity (a managed identity), and where the machine asks for its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineIdentity {
    /// The client id of one that was made for itself and assigned to the machine; the machine's own
    /// where it is `None`.
    pub assigned: Option<String>,
    /// Where the machine's metadata service answers, like [`METADATA`].
    pub metadata: String,
}

impl MachineIdentity {
    /// The machine's own, of the service that each machine of Azure's has.
    pub fn of_machine() -> Self {
        Self {
            assigned: None,
            metadata: METADATA.to_owned(),
        }
    }
}

impl AzureSettings {
    /// The public cloud with these credentials, and no network security group to write into.
    pub fn new(credential: Credential) -> Self {
        Self {
            endpoint: ENDPOINT.to_owned(),
            login: LOGIN.to_owned(),
            audience: None,
            credential,
            security_groups: Vec::new(),
            priorities: 100..=999,
            connect_timeout: Duration::from_secs(3),
            read_timeout: Duration::from_secs(15),
            patience: Duration::from_secs(15),
            poll_interval: Duration::from_secs(1),
            places: Places::default(),
            pace: None,
        }
    }

    /// The pace of requests, if there is one.
    pub(crate) fn pace(&self) -> Option<Pace> {
        let own = || Pace::new(READS, CHANGES);
        let is_azure = mode_at(&self.endpoint) == CloudMode::Real;
        self.pace.clone().or_else(|| is_azure.then(own))
    }

    /// The scope that tokens are asked for.
    pub(crate) fn scope(&self) -> String {
        let audience = self.audience.as_ref().unwrap_or(&self.endpoint);
        format!("{}/.default", audience.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn azure_is_asked_in_its_pace_and_a_stand_in_as_quickly_as_it_answers() {
        let mut settings = AzureSettings::new(Credential::Fixed("t".into()));
        assert!(settings.pace().is_some());
        settings.endpoint = "http://127.0.0.1:7".to_owned();
        assert!(settings.pace().is_none());
        settings.pace = Some(Pace::new(READS, CHANGES));
        assert!(settings.pace().is_some(), "what was chosen counts");
    }
}
