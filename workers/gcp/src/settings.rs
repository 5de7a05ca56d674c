//! Where Compute is reached, as whom, and how patiently.

use cloud::{Pace, Rate};
use domain::{CloudMode, Places, text::Endpoint};
use secrecy::SecretString;
use std::{path::PathBuf, time::Duration};

/// Compute's own address. All of the API's paths begin after it.
pub const COMPUTE: &str = "https://compute.googleapis.com/compute/v1";

/// The Resource Manager's own address, where permissions are asked about.
pub const RESOURCE_MANAGER: &str = "https://cloudresourcemanager.googleapis.com";

/// Where quotas are told: the Cloud Quotas API's own address.
pub const QUOTAS: &str = "https://cloudquotas.googleapis.com";

/// What one project is asked at most. Compute takes 1,500 reads and 1,500 changes of a project in
/// each minute ("Compute Engine rate quotas").
const READS: Rate = Rate::of(20, 200);
const CHANGES: Rate = Rate::of(10, 100);

/// Everything that can be chosen.
#[derive(Clone, Debug)]
pub struct GcpSettings {
    /// Where Compute is, like `https://compute.googleapis.com/compute/v1`; [`COMPUTE`] if it is not
    /// named.
    pub endpoint: Option<String>,
    /// Where the Resource Manager is, which says what is permitted; [`RESOURCE_MANAGER`] if
    /// neither it nor another Compute is named. Beside another Compute nobody is asked.
    pub resource_manager: Option<String>,
    /// Where the Cloud Quotas API is; [`QUOTAS`] if neither it nor another Compute is named. Beside
    /// another Compute nobody is asked.
    pub quotas: Option<String>,
    /// Who calls.
    pub credentials: Credentials,
    /// How much of everything there may be in each project.
    pub places: Places,
    /// The priority of the firewall rules that are made; of two rules the one with the lower number
    /// decides.
    pub rule_priority: u16,
    /// How long is waited for an answer.
    pub deadline: Duration,
    /// How long is waited between two looks at an operation that a call waits for.
    pub poll: Duration,
    /// How long a call waits for its operation at most.
    pub patience: Duration,
    /// How many things are asked for on one page; the service has at most 500.
    pub page: u16,
    /// The pace of requests to each project. Without one it is what Compute takes, and none at all
    /// at an endpoint that is not Google's.
    pub pace: Option<Pace>,
}

/// Who calls.
#[derive(Clone, Debug, Default)]
pub enum Credentials {
    /// Google's own order of places: `GOOGLE_APPLICATION_CREDENTIALS`, gcloud's application
    /// default, the metadata server, gcloud itself.
    #[default]
    Default,
    /// The key of a service account, in a file as Google gives it.
    KeyFile(PathBuf),
    /// The key of a service account, as Google gives it.
    Key(SecretString),
    /// A token that is there already; for something that speaks the API and does not look at it.
    Token(SecretString),
}

impl Default for GcpSettings {
    fn default() -> Self {
        Self {
            endpoint: None,
            resource_manager: None,
            quotas: None,
            credentials: Credentials::Default,
            places: Places::default(),
            rule_priority: 1000,
            deadline: Duration::from_secs(15),
            poll: Duration::from_secs(1),
            patience: Duration::from_secs(240),
            page: 500,
            pace: None,
        }
    }
}

impl GcpSettings {
    /// Where Compute is, without a slash at its end.
    pub(crate) fn compute(&self) -> String {
        let named = self.endpoint.as_deref().unwrap_or(COMPUTE);
        named.trim_end_matches('/').to_owned()
    }

    /// Where permissions are asked about, if anywhere.
    pub(crate) fn permissions(&self) -> Option<String> {
        self.beside_compute(self.resource_manager.as_deref(), RESOURCE_MANAGER)
    }

    /// Where quotas are told, if anywhere.
    pub(crate) fn quotas(&self) -> Option<String> {
        self.beside_compute(self.quotas.as_deref(), QUOTAS)
    }

    /// The address of another API of Google's: the one that is named, and beside Google's own
    /// Compute its own.
    fn beside_compute(&self, named: Option<&str>, own: &str) -> Option<String> {
        let own = self.endpoint.is_none().then_some(own);
        let address = named.or(own)?;
        Some(address.trim_end_matches('/').to_owned())
    }

    /// The pace of requests, if there is one.
    pub(crate) fn pace(&self) -> Option<Pace> {
        let own = || Pace::new(READS, CHANGES);
        let is_google = self.mode() == CloudMode::Real;
        self.pace.clone().or_else(|| is_google.then(own))
    }

    /// What answers there.
    pub(crate) fn mode(&self) -> CloudMode {
        mode_at(&self.compute())
    }
}

/// What answers at this endpoint: Google, also by a private endpoint of its own, or something that
/// speaks its API.
pub fn mode_at(endpoint: &str) -> CloudMode {
    let host = endpoint
        .split_once("://")
        .map_or(endpoint, |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    let is_under = |domain: &str| {
        host.strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    if is_under("googleapis.com") || is_under("p.googleapis.com") {
        return CloudMode::Real;
    }
    let graphic = endpoint.chars().filter(char::is_ascii_graphic);
    let told: String = graphic.take(Endpoint::MOST).collect();
    told.parse()
        .map_or(CloudMode::Real, |endpoint| CloudMode::Emulator { endpoint })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn google_is_asked_in_its_pace_and_a_stand_in_as_quickly_as_it_answers() {
        let mut settings = GcpSettings::default();
        assert!(settings.pace().is_some());
        settings.endpoint = Some("http://127.0.0.1:7/compute/v1".to_owned());
        assert!(settings.pace().is_none());
        settings.pace = Some(Pace::new(READS, CHANGES));
        assert!(settings.pace().is_some(), "what was chosen counts");
    }

    #[test]
    fn only_googles_own_hosts_are_the_real_cloud() {
        for real in [
            COMPUTE,
            "https://compute-mine.p.googleapis.com/compute/v1",
            "https://compute.googleapis.com:443/compute/v1",
        ] {
            assert_eq!(mode_at(real), CloudMode::Real, "{real}");
        }
        for other in [
            "http://127.0.0.1:8080/compute/v1",
            "https://notgoogleapis.com",
            "https://googleapis.com.example.net",
        ] {
            assert!(
                matches!(mode_at(other), CloudMode::Emulator { .. }),
                "{other}"
            );
        }
    }

    #[test]
    fn beside_another_compute_nobody_is_asked_for_quotas_unless_that_is_named_too() {
        let real = GcpSettings::default();
        assert_eq!(real.quotas().as_deref(), Some(QUOTAS));
        let fake = GcpSettings {
            endpoint: Some("http://127.0.0.1:1/compute/v1/".to_owned()),
            ..GcpSettings::default()
        };
        assert_eq!(fake.quotas(), None);
        let named = GcpSettings {
            quotas: Some("http://127.0.0.1:3/".to_owned()),
            ..fake
        };
        assert_eq!(named.quotas().as_deref(), Some("http://127.0.0.1:3"));
        assert_eq!(named.permissions(), None, "that is another API");
    }

    #[test]
    fn beside_another_compute_nobody_is_asked_for_permissions_unless_that_is_named_too() {
        let real = GcpSettings::default();
        assert_eq!(real.permissions().as_deref(), Some(RESOURCE_MANAGER));
        let fake = GcpSettings {
            endpoint: Some("http://127.0.0.1:1/compute/v1/".to_owned()),
            ..GcpSettings::default()
        };
        assert_eq!(fake.permissions(), None);
        assert_eq!(fake.compute(), "http://127.0.0.1:1/compute/v1");
        let named = GcpSettings {
            resource_manager: Some("http://127.0.0.1:2/".to_owned()),
            ..fake
        };
        assert_eq!(named.permissions().as_deref(), Some("http://127.0.0.1:2"));
    }
}
