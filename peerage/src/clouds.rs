//! The cloud that the configuration names.

use crate::{
    config::{self, CloudKind, Config},
    storage::Storage,
};
use aws::{
    AwsCloud, DEFAULT_LIMITS,
    ec2::{AccountAccess, BaseCredentials, Ec2Settings, StaticKeys, Tags},
};
use cloud::{
    Cloud, Groundwork, Limits,
    instructions::{self, Instruction},
};
use domain::{
    CloudMode, Partition, Places, Provider, QuotaOverrides, Region, ServedClouds,
    network::{Peering, Registered},
};
use journal::Clock;
use simulated::{PersistenceError, SimulatedCloud, SimulatedSettings};
use std::{collections::BTreeMap, sync::Arc};

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
        Provider::Gcp | Provider::Azure => Vec::new(),
    }
}

/// One cloud, by what it can do.
#[derive(Clone, Debug)]
pub struct Clouds {
    /// What the provisioner works on.
    pub cloud: Arc<dyn Cloud>,
    /// What the demonstration makes its networks with.
    pub groundwork: Arc<dyn Groundwork>,
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

    pub(crate) fn of(
        config: &Config,
        storage: Storage,
        clock: Clock,
    ) -> Result<Self, PersistenceError> {
        let places = places(&config.cloud.aws);
        match config.cloud.kind() {
            CloudKind::Simulated => {
                let settings = SimulatedSettings::calm(config.cloud.simulated.seed);
                let cloud = match storage {
                    Storage::InMemory => SimulatedCloud::new(settings, clock),
                    Storage::OnDisk => SimulatedCloud::kept_in(
                        &config.data.dir.join("simulated-cloud.json"),
                        settings,
                        clock,
                    )?,
                };
                Ok(Self {
                    cloud: Arc::new(cloud.clone()),
                    groundwork: Arc::new(cloud),
                    places,
                })
            }
            CloudKind::Aws => {
                let limits = Limits {
                    links: config.cloud.aws.links_per_network,
                    pending_links: config.cloud.aws.pending_links_per_network,
                    routes: config.cloud.aws.routes_per_table,
                    rules: config.cloud.aws.rules_per_group,
                    ..DEFAULT_LIMITS
                };
                let mut cloud = AwsCloud::new(ec2_settings(&config.cloud.aws))
                    .with_limits(limits)
                    .with_tags(config.cloud.aws.tags.clone())
                    .with_places(places.clone());
                if let Some(mode) = redirected(&config.cloud.aws) {
                    cloud = cloud.with_mode(mode);
                }
                Ok(Self {
                    cloud: Arc::new(cloud.clone()),
                    groundwork: Arc::new(cloud),
                    places,
                })
            }
        }
    }
}

/// What the configuration says of AWS's regions, and of the quotas of its accounts.
fn places(aws: &config::Aws) -> Places {
    let quotas = QuotaOverrides {
        links: Some(aws.links_per_network),
        pending_links: Some(aws.pending_links_per_network),
        routes: Some(aws.routes_per_table),
        rules: Some(aws.rules_per_group),
    };
    let mut places = Places::default().with_quotas(Provider::Aws, quotas);
    for (name, partition) in &aws.regions {
        if let Ok(region) = Region::named(name) {
            let partition = Some(partition.clone()).filter(|it| !it.is_empty());
            places = places.with_region(Provider::Aws, &region, partition.map(Partition::named));
        }
    }
    for (account, it) in &aws.accounts {
        let quotas = QuotaOverrides {
            links: it.links_per_network,
            pending_links: it.pending_links_per_network,
            routes: it.routes_per_table,
            rules: it.rules_per_group,
        };
        places = places.with_quotas_of(Provider::Aws, account, quotas);
    }
    places
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
    let given = |text: &String| Some(text.clone()).filter(|it| !it.is_empty());
    let access = |it: &config::AwsAccount| AccountAccess {
        role_arn: given(&it.role_arn),
        external_id: given(&it.external_id),
    };
    Ec2Settings {
        endpoint: given(&aws.endpoint),
        credentials: credentials(aws),
        role_name: given(&aws.role_name),
        honours_dry_run: aws.dry_run.known(),
        places: places(aws),
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
