//! What the caller decides about the way to EC2: endpoint, credentials, roles, timeouts.

use crate::ec2::scope::{ExternalId, Scope};
use domain::{Partition, Places, Provider, Region};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How to reach EC2 and STS, and as whom.
#[derive(Clone, Debug)]
pub struct Ec2Settings {
    /// Instead of AWS's own endpoints, for every service: an emulator or a proxy,
    /// `http://127.0.0.1:5000`.
    pub endpoint: Option<String>,
    /// Who we are before any role is assumed.
    pub credentials: BaseCredentials,
    /// The role to assume in every account that [`accounts`](Self::accounts) gives no other.
    /// `None`: the base credentials are used as they are.
    pub role_name: Option<String>,
    /// What the accounts see in their audit trails as the session's name.
    pub session_name: String,
    /// What differs for particular accounts, by account id.
    pub accounts: BTreeMap<String, AccountAccess>,
    /// The time to establish a connection.
    pub connect_timeout: Duration,
    /// The time from the request to the first byte of its answer.
    pub read_timeout: Duration,
    /// Whether the endpoint honours `DryRun`. `None`: AWS's own does, any other does not.
    ///
    /// **An endpoint that ignores it really does what was only to be rehearsed.** The emulator moto
    /// 5.2.5 creates and accepts peering connections, and installs routes, when asked for a dry run
    /// of it. Say `true` only of an endpoint known to be otherwise.
    pub honours_dry_run: Option<bool>,
    /// In which partition each region is, beside what its name tells.
    pub places: Places,
}

/// The way into one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountAccess {
    /// Instead of `arn:…:iam::{account}:role/{role_name}`.
    pub role_arn: Option<String>,
    /// Shown instead of the call's own.
    pub external_id: Option<String>,
}

/// Where the first credentials come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaseCredentials {
    /// AWS's own order: environment, profile, web identity, container, instance.
    DefaultChain,
    /// These, and nothing else is looked at.
    Static(StaticKeys),
}

/// An access key.
#[derive(Clone, PartialEq, Eq)]
pub struct StaticKeys {
    /// The id of the key.
    pub access_key_id: String,
    /// The key; never printed.
    pub secret_access_key: String,
    /// The token beside the keys of a session.
    pub session_token: Option<String>,
}

impl fmt::Debug for StaticKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticKeys")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

impl Default for Ec2Settings {
    fn default() -> Self {
        Self {
            endpoint: None,
            credentials: BaseCredentials::DefaultChain,
            role_name: None,
            session_name: "peerage".to_owned(),
            accounts: BTreeMap::new(),
            connect_timeout: Duration::from_secs(3),
            read_timeout: Duration::from_secs(20),
            honours_dry_run: None,
            places: Places::default(),
        }
    }
}

impl Ec2Settings {
    /// The role to assume at this place, if any.
    pub(crate) fn role_arn(&self, at: &Scope) -> Option<String> {
        let own = self
            .accounts
            .get(&at.account)
            .and_then(|access| access.role_arn.clone());
        own.or_else(|| {
            let name = self.role_name.as_ref()?;
            Some(format!(
                "arn:{}:iam::{}:role/{name}",
                self.partition(&at.region),
                at.account
            ))
        })
    }

    /// The partition of a region: ARNs differ between AWS's own, China's, GovCloud's and others.
    fn partition(&self, region: &str) -> Partition {
        match Region::named(region) {
            Ok(region) => self.places.partition(Provider::Aws, &region),
            Err(_) => Partition::named("aws"),
        }
    }

    /// The place with the external id that is really shown there: the account's own, else the
    /// call's; none where no role is assumed.
    pub(crate) fn entered(&self, at: &Scope) -> Scope {
        let own = self
            .accounts
            .get(&at.account)
            .and_then(|access| access.external_id.as_deref())
            .map(ExternalId::from);
        let external_id = self
            .role_arn(at)
            .and_then(|_| own.or_else(|| at.external_id.clone()));
        Scope {
            external_id,
            ..at.clone()
        }
    }

    /// Whether `DryRun` may be sent: what is said, or what can be known.
    pub fn honours_dry_run(&self) -> bool {
        self.honours_dry_run.unwrap_or(self.endpoint.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_entered_by_its_own_role_or_by_the_common_one() {
        let access = AccountAccess {
            role_arn: Some("arn:aws:iam::222222222222:role/theirs".to_owned()),
            external_id: None,
        };
        let settings = Ec2Settings {
            role_name: Some("peerage".to_owned()),
            accounts: [("222222222222".to_owned(), access)].into(),
            ..Ec2Settings::default()
        };
        let role = |account: &str, region: &str| settings.role_arn(&Scope::new(account, region));
        assert_eq!(
            role("111111111111", "eu-west-1").as_deref(),
            Some("arn:aws:iam::111111111111:role/peerage")
        );
        assert_eq!(
            role("222222222222", "eu-west-1").as_deref(),
            Some("arn:aws:iam::222222222222:role/theirs")
        );
        assert_eq!(
            role("111111111111", "cn-north-1").as_deref(),
            Some("arn:aws-cn:iam::111111111111:role/peerage")
        );
        assert_eq!(
            role("111111111111", "us-gov-west-1").as_deref(),
            Some("arn:aws-us-gov:iam::111111111111:role/peerage")
        );
        assert_eq!(
            Ec2Settings::default().role_arn(&Scope::new("111111111111", "eu-west-1")),
            None
        );
    }

    #[test]
    fn an_account_is_shown_its_own_external_id_before_the_calls_and_none_without_a_role() {
        let access = AccountAccess {
            role_arn: None,
            external_id: Some("configured".to_owned()),
        };
        let settings = Ec2Settings {
            role_name: Some("peerage".to_owned()),
            accounts: [("222222222222".to_owned(), access)].into(),
            ..Ec2Settings::default()
        };
        let shown = |settings: &Ec2Settings, at: Scope| {
            settings
                .entered(&at)
                .external_id
                .map(|id| id.as_str().to_owned())
        };
        let (one, other) = (
            Scope::new("111111111111", "eu-west-1"),
            Scope::new("222222222222", "eu-west-1"),
        );
        assert_eq!(shown(&settings, one.clone()), None);
        assert_eq!(
            shown(&settings, one.clone().with_external_id("tenant")).as_deref(),
            Some("tenant")
        );
        assert_eq!(
            shown(&settings, other.clone()).as_deref(),
            Some("configured")
        );
        assert_eq!(
            shown(&settings, other.with_external_id("tenant")).as_deref(),
            Some("configured")
        );
        assert_eq!(
            shown(&Ec2Settings::default(), one.with_external_id("tenant")),
            None
        );
    }

    #[test]
    fn only_awss_own_endpoint_is_trusted_with_a_dry_run_unless_told() {
        let aws = Ec2Settings::default();
        let emulator = Ec2Settings {
            endpoint: Some("http://127.0.0.1:5000".to_owned()),
            ..Ec2Settings::default()
        };
        assert!(aws.honours_dry_run() && !emulator.honours_dry_run());
        assert!(
            Ec2Settings {
                honours_dry_run: Some(true),
                ..emulator
            }
            .honours_dry_run()
        );
        assert!(
            !Ec2Settings {
                honours_dry_run: Some(false),
                ..aws
            }
            .honours_dry_run()
        );
    }

    #[test]
    fn secrets_are_never_printed() {
        let keys = StaticKeys {
            access_key_id: "AKIA".to_owned(),
            secret_access_key: "hidden".to_owned(),
            session_token: Some("hidden".to_owned()),
        };
        assert!(!format!("{keys:?}").contains("hidden"));
    }
}
