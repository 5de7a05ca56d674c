//! The cloud that the configuration names.

use crate::{
    config::{self, Answers, CloudKind, Config, SYSTEM_IDENTITY},
    places,
    storage::{Storage, check_secret},
};
use aws::{
    AwsCloud, DEFAULT_LIMITS,
    ec2::{AccountAccess, BaseCredentials, Ec2Settings, StaticKeys, Tags},
};
use azure::{AzureCloud, AzureSettings};
use cloud::{
    ByProvider, Cloud, Groundwork, Limits,
    instructions::{self, Instruction},
};
use domain::{
    CloudMode, Places, Provider, ServedClouds,
    network::{Peering, Registered},
};
use gcp::{GcpCloud, GcpSettings};
use journal::Clock;
use simulated::{PersistenceError, SimulatedCloud, SimulatedSettings};
use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc};

/// What the peer's owner must do, in order, as things stand: each provider's texts stand beside the
/// code that calls it.
pub(crate) fn instructions_for_peer(
    network: &Registered,
    peering: &Peering,
    tags: &Tags,
) -> Vec<Instruction> {
    match network.provider {
        Provider::Aws => aws::instructions::for_peer(network, peering, tags),
        Provider::Gcp => instructions::gcp::for_peer(network, peering),
        Provider::Azure => instructions::azure::for_peer(network, peering),
    }
}

/// What the private network's owner must allow the engine on their own side.
pub(crate) fn instructions_to_attach(network: &Registered, peering: &Peering) -> Vec<Instruction> {
    match network.provider {
        Provider::Aws => aws::instructions::to_attach(network, peering),
        Provider::Gcp | Provider::Azure => Vec::new(),
    }
}

/// What the private network's owner must allow the engine on their own side.
pub(crate) fn instructions_for_engine(
    network: &Registered,
    peering: &Peering,
    tags: &Tags,
) -> Vec<Instruction> {
    match network.provider {
        Provider::Aws => aws::instructions::for_engine(network, peering, tags),
        Provider::Gcp => instructions::gcp::for_engine(network, peering),
        Provider::Azure => Vec::new(),
    }
}

/// One cloud, by what it can do.
#[derive(Clone, Debug)]
pub struct Clouds {
    /// What the provisioner works on.
    pub cloud: Arc<dyn Cloud>,
    /// What the demonstration makes its networks with, where there is something.
    pub groundwork: Option<Arc<dyn Groundwork>>,
    /// What the configuration says of regions and quotas.
    pub places: Places,
}

impl Clouds {
    /// Which providers it serves, and what answers for each.
    pub(crate) fn served(&self) -> ServedClouds {
        let served = |provider: Provider| self.cloud.mode(provider).map(|mode| (provider, mode));
        let served: ServedClouds = Provider::ALL.into_iter().filter_map(served).collect();
        served.with_places(self.places.clone())
    }

    pub(crate) fn of(config: &Config, storage: Storage, clock: Clock) -> Result<Self, CloudsError> {
        let places = places::of(&config.cloud);
        let providers = match config.cloud.kind() {
            CloudKind::Simulated => {
                let cloud = simulation(config, storage, clock)?;
                return Ok(Self {
                    cloud: Arc::new(cloud.clone()),
                    groundwork: Some(Arc::new(cloud)),
                    places,
                });
            }
            CloudKind::Providers(providers) => providers,
        };
        let is_simulated = providers.values().any(|it| *it == Answers::Simulation);
        let simulation = match is_simulated {
            true => Some(simulation(config, storage, clock)?),
            false => None,
        };
        let mut groundwork: Option<Arc<dyn Groundwork>> = None;
        let mut clouds: Option<ByProvider> = None;
        for (provider, answers) in providers {
            let simulated = simulation
                .clone()
                .filter(|_| answers == Answers::Simulation);
            let cloud: Arc<dyn Cloud> = match (provider, simulated) {
                (Provider::Aws, None) => {
                    let cloud = aws_cloud(&config.cloud.aws, &places);
                    groundwork = Some(Arc::new(cloud.clone()));
                    Arc::new(cloud)
                }
                (Provider::Gcp, None) => Arc::new(gcp_cloud(&config.cloud.gcp, &places)?),
                (Provider::Azure, None) => Arc::new(azure_cloud(&config.cloud.azure, &places)?),
                (Provider::Aws, Some(cloud)) => {
                    groundwork = Some(Arc::new(cloud.clone()));
                    Arc::new(cloud)
                }
                (Provider::Gcp | Provider::Azure, Some(cloud)) => Arc::new(cloud),
            };
            clouds = Some(match clouds {
                Some(clouds) => clouds.and(provider, cloud),
                None => ByProvider::new(provider, cloud),
            });
        }
        Ok(Self {
            cloud: Arc::new(clouds.ok_or(CloudsError::None)?),
            groundwork,
            places,
        })
    }
}

/// The cloud in this process.
fn simulation(
    config: &Config,
    storage: Storage,
    clock: Clock,
) -> Result<SimulatedCloud, PersistenceError> {
    let settings = SimulatedSettings::calm(config.cloud.simulated.seed);
    match storage {
        Storage::InMemory => Ok(SimulatedCloud::new(settings, clock)),
        Storage::OnDisk => {
            let file = config.data.dir.join("simulated-cloud.json");
            SimulatedCloud::kept_in(&file, settings, clock)
        }
    }
}

/// Why there is no way to the clouds that are configured.
#[derive(Debug, thiserror::Error)]
pub enum CloudsError {
    /// What the simulated cloud keeps cannot be read.
    #[error("the simulated cloud")]
    Simulated(#[from] PersistenceError),
    /// Google Cloud cannot be reached from this machine.
    #[error("the way to Google Cloud")]
    Gcp(#[source] io::Error),
    /// A file that says who the engine is cannot be used.
    #[error("{key}, {}", file.display())]
    Credential {
        /// The key that names it.
        key: &'static str,
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        why: io::Error,
    },
    /// Others may read a file that says who the engine is.
    #[error("{0}")]
    LooseSecret(String),
    /// No provider was named.
    #[error("cloud.mode names no cloud")]
    None,
}

impl CloudsError {
    /// Whether the caller asked for something that cannot be.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::LooseSecret(_) | Self::Credential { .. } | Self::None => true,
            Self::Simulated(_) | Self::Gcp(_) => false,
        }
    }
}

/// AWS, as it is configured.
fn aws_cloud(settings: &config::Aws, places: &Places) -> AwsCloud {
    let limits = Limits {
        access_entries: settings.network_acl_entries,
        access_numbers: settings.network_acl_numbers,
        ..DEFAULT_LIMITS
    };
    let cloud = AwsCloud::new(ec2_settings(settings))
        .with_limits(limits)
        .with_tags(settings.tags.clone())
        .with_places(places.clone());
    match redirected(settings) {
        Some(mode) => cloud.with_mode(mode),
        None => cloud,
    }
}

/// Google Cloud, as it is configured.
fn gcp_cloud(settings: &config::Gcp, places: &Places) -> Result<GcpCloud, CloudsError> {
    let given = GcpSettings {
        endpoint: given(&settings.endpoint),
        credentials: gcp_credentials(settings),
        places: places.clone(),
        rule_priority: settings.rule_priority,
        ..GcpSettings::default()
    };
    check_secret(&settings.key_file).map_err(CloudsError::LooseSecret)?;
    GcpCloud::new(&given).map_err(CloudsError::Gcp)
}

/// An emulator takes any token, and nobody should have to make one up for it.
fn gcp_credentials(settings: &config::Gcp) -> gcp::Credentials {
    let has_file = !settings.key_file.as_os_str().is_empty();
    match (has_file, settings.endpoint.is_empty()) {
        (true, _) => gcp::Credentials::KeyFile(settings.key_file.clone()),
        (false, true) => gcp::Credentials::Default,
        (false, false) => gcp::Credentials::Token(STAND_IN.into()),
    }
}

/// Azure, as it is configured.
fn azure_cloud(settings: &config::Azure, places: &Places) -> Result<AzureCloud, CloudsError> {
    let mut azure = AzureSettings::new(azure_credential(settings)?);
    if let Some(endpoint) = given(&settings.endpoint) {
        azure.endpoint = endpoint;
    }
    if let Some(login) = given(&settings.login) {
        azure.login = login;
    }
    azure.audience = given(&settings.audience);
    azure.security_groups = settings.security_groups.clone();
    let (least, greatest) = settings.rule_priorities;
    azure.priorities = least..=greatest;
    azure.places = places.clone();
    Ok(AzureCloud::new(azure))
}

fn azure_credential(settings: &config::Azure) -> Result<azure::Credential, CloudsError> {
    let client_id = settings.client_id.clone();
    for file in [&settings.token_file, &settings.secret_file] {
        check_secret(file).map_err(CloudsError::LooseSecret)?;
    }
    if !settings.token_file.as_os_str().is_empty() {
        let token_file = settings.token_file.clone();
        return Ok(azure::Credential::Federated {
            client_id,
            token_file,
        });
    }
    if let Some(identity) = machine_identity(settings) {
        return Ok(match given(&client_id) {
            None => azure::Credential::Managed(identity),
            Some(client_id) => azure::Credential::Trusting {
                client_id,
                identity,
            },
        });
    }
    if settings.secret_file.as_os_str().is_empty() {
        return Ok(azure::Credential::Fixed(STAND_IN.into()));
    }
    let file = &settings.secret_file;
    let unusable = |why| CloudsError::Credential {
        key: "cloud.azure.secret_file",
        file: file.clone(),
        why,
    };
    let secret = std::fs::read_to_string(file).map_err(unusable)?;
    Ok(azure::Credential::ClientSecret {
        client_id,
        secret: secret.trim().into(),
    })
}

/// The identity of the machine, where the engine is that.
fn machine_identity(settings: &config::Azure) -> Option<azure::MachineIdentity> {
    let which = given(&settings.managed_identity)?;
    let metadata = given(&settings.metadata);
    Some(azure::MachineIdentity {
        assigned: Some(which).filter(|it| it != SYSTEM_IDENTITY),
        metadata: metadata.unwrap_or_else(|| azure::METADATA.to_owned()),
    })
}

/// What is shown to an emulator.
const STAND_IN: &str = "peerage";

fn given(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|it| !it.is_empty())
}

/// Where AWS's SDK goes by the environment, if nothing is configured: not always to AWS.
fn redirected(aws: &config::Aws) -> Option<CloudMode> {
    let named = ["AWS_ENDPOINT_URL_EC2", "AWS_ENDPOINT_URL"]
        .iter()
        .find_map(std::env::var_os)?;
    let endpoint = named.to_string_lossy();
    (aws.endpoint.is_empty() && !endpoint.is_empty()).then(|| aws::mode_at(&endpoint))
}

fn ec2_settings(aws: &config::Aws) -> Ec2Settings {
    let access = |it: &config::AwsAccount| AccountAccess {
        role_arn: given(&it.role_arn),
        external_id: given(&it.external_id),
    };
    Ec2Settings {
        endpoint: given(&aws.endpoint),
        credentials: credentials(aws),
        role_name: given(&aws.role_name),
        honours_dry_run: aws.dry_run.known(),
        places: places::of_aws(aws),
        accounts: aws
            .accounts
            .iter()
            .map(|(id, account)| (id.clone(), access(account)))
            .collect::<BTreeMap<_, _>>(),
        ..Ec2Settings::default()
    }
}

/// AWS's own order of places; but an emulator takes any key, and nobody should have to make one up
/// for it.
fn credentials(aws: &config::Aws) -> BaseCredentials {
    let known = [
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ]
    .iter()
    .any(|it| std::env::var_os(it).is_some());
    if aws.endpoint.is_empty() || known {
        return BaseCredentials::DefaultChain;
    }
    BaseCredentials::Static(StaticKeys {
        access_key_id: "peerage".to_owned(),
        secret_access_key: "peerage".to_owned(),
        session_token: None,
    })
}
