//! What no type can say of the clouds' configuration.

use super::{Config, SYSTEM_IDENTITY};
use domain::{Provider, text::Account};
use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

/// The most live peerings that a VPC can have (AWS: L-7E9ECCDB).
const MOST_LINKS: usize = 125;

/// The largest quotas that AWS gives of routes in a table and rules in a group.
const MOST_OF_A_KIND: usize = 1000;
/// Inbound entries of a network ACL, at most, for the asking.
const MOST_ACL_ENTRIES: usize = 40;
/// The most security groups of an interface (AWS: L-2AFB9258).
const MOST_GROUPS: usize = 16;

/// The prefixes that a range of a network may have at the most, at any provider.
const LONGEST_PREFIXES: RangeInclusive<u8> = 8..=30;

/// The last number that an entry of a network ACL may have.
const LAST_ACL_NUMBER: u16 = 32766;

/// The most live peerings that a VPC network can have, and the most routes that its peerings may
/// exchange; both for the asking.
const MOST_OF_GCP: usize = 10_000;

/// The most live peerings of a VNet, and the most rules of a network security group.
const MOST_OF_AZURE: usize = 1000;

/// What Azure allows as the priority of a rule.
const AZURE_PRIORITIES: RangeInclusive<u16> = 100..=4096;

/// The most network security groups that the engine looks after.
const MOST_SECURITY_GROUPS: usize = 1000;

/// The most tags: AWS allows 50 on a thing, and some are the engine's own.
const MOST_TAGS: usize = 40;

impl Config {
    pub(super) fn check_clouds(&self, problems: &mut Vec<String>) {
        self.check_aws(problems);
        self.check_tags(problems);
        self.check_gcp(problems);
        self.check_azure(problems);
    }

    fn check_aws(&self, problems: &mut Vec<String>) {
        for account in self
            .cloud
            .aws
            .accounts
            .keys()
            .filter(|it| it.len() != 12 || !it.bytes().all(|b| b.is_ascii_digit()))
        {
            problems.push(format!(
                "cloud.aws.accounts.{account}: an AWS account id has 12 digits"
            ));
        }
        let aws = &self.cloud.aws;
        for (key, given, most) in [
            ("links_per_network", aws.links_per_network, MOST_LINKS),
            (
                "pending_links_per_network",
                aws.pending_links_per_network,
                MOST_OF_A_KIND,
            ),
            ("routes_per_table", aws.routes_per_table, MOST_OF_A_KIND),
            ("rules_per_group", aws.rules_per_group, MOST_OF_A_KIND),
        ] {
            if given.is_some_and(|it| !(1..=most).contains(&it)) {
                problems.push(format!("cloud.aws.{key}: AWS allows 1 to {most}"));
            }
        }
        if !(1..=MOST_ACL_ENTRIES).contains(&aws.network_acl_entries) {
            problems.push(format!(
                "cloud.aws.network_acl_entries: AWS allows 1 to {MOST_ACL_ENTRIES}"
            ));
        }
        let (first, last) = aws.network_acl_numbers;
        if first == 0 || last > LAST_ACL_NUMBER || first > last {
            problems.push(format!(
                "cloud.aws.network_acl_numbers: name the first and the last, within 1 to {LAST_ACL_NUMBER}, like [1, 99]"
            ));
        }
        check_regions("cloud.aws", &aws.regions, problems);
        check_prefix("cloud.aws", Some(aws.longest_prefix), problems);
        let of_all = [("groups_per_interface", aws.groups_per_interface)];
        check_quotas("cloud.aws", of_all, MOST_GROUPS, problems);
        check_window("cloud.aws", Some(aws.acceptance_window), problems);
        for (account, it) in &aws.accounts {
            let key = format!("cloud.aws.accounts.{account}");
            check_prefix(&key, it.longest_prefix, problems);
            let own = [("groups_per_interface", it.groups_per_interface)];
            check_quotas(&key, own, MOST_GROUPS, problems);
            check_window(&key, it.acceptance_window, problems);
            for (key, given, most) in [
                ("links_per_network", it.links_per_network, MOST_LINKS),
                (
                    "pending_links_per_network",
                    it.pending_links_per_network,
                    MOST_OF_A_KIND,
                ),
                ("routes_per_table", it.routes_per_table, MOST_OF_A_KIND),
                ("rules_per_group", it.rules_per_group, MOST_OF_A_KIND),
            ] {
                if given.is_some_and(|it| !(1..=most).contains(&it)) {
                    problems.push(format!(
                        "cloud.aws.accounts.{account}.{key}: AWS allows 1 to {most}"
                    ));
                }
            }
        }
    }

    /// What AWS allows of tags, and what the engine has for its own.
    fn check_tags(&self, problems: &mut Vec<String>) {
        let tags = &self.cloud.aws.tags;
        if tags.len() > MOST_TAGS {
            let given = tags.len();
            problems.push(format!("cloud.aws.tags: {given} tags; {MOST_TAGS} at most"));
        }
        for (key, value) in tags {
            let wrong = if [cloud::OWNER_TAG, aws::NAME_TAG].contains(&key.as_str()) {
                "the engine sets this one itself"
            } else if key.is_empty() || key.chars().count() > 128 || key.starts_with("aws:") {
                "a key has 1 to 128 characters, and does not begin with aws:"
            } else if value.chars().count() > 256 {
                "a value has 256 characters at most"
            } else {
                continue;
            };
            problems.push(format!("cloud.aws.tags.{key}: {wrong}"));
        }
    }

    fn check_gcp(&self, problems: &mut Vec<String>) {
        let gcp = &self.cloud.gcp;
        let of_all = [
            ("links_per_network", gcp.links_per_network),
            ("routes_per_network", gcp.routes_per_network),
            ("rules_per_group", gcp.rules_per_group),
        ];
        check_regions("cloud.gcp", &gcp.regions, problems);
        check_prefix("cloud.gcp", Some(gcp.longest_prefix), problems);
        check_quotas("cloud.gcp", of_all, MOST_OF_GCP, problems);
        for (project, it) in &gcp.projects {
            let key = format!("cloud.gcp.projects.{project}");
            check_account(Provider::Gcp, &key, project, problems);
            let own = [
                ("links_per_network", it.links_per_network),
                ("routes_per_network", it.routes_per_network),
                ("rules_per_group", it.rules_per_group),
            ];
            check_prefix(&key, it.longest_prefix, problems);
            check_quotas(&key, own, MOST_OF_GCP, problems);
        }
    }

    fn check_azure(&self, problems: &mut Vec<String>) {
        let azure = &self.cloud.azure;
        let of_all = [
            ("links_per_network", azure.links_per_network),
            ("rules_per_group", azure.rules_per_group),
            ("routes_per_table", azure.routes_per_table),
        ];
        check_regions("cloud.azure", &azure.regions, problems);
        check_prefix("cloud.azure", Some(azure.longest_prefix), problems);
        check_quotas("cloud.azure", of_all, MOST_OF_AZURE, problems);
        for (tenant, it) in &azure.tenants {
            let key = format!("cloud.azure.tenants.{tenant}");
            check_account(Provider::Azure, &key, tenant, problems);
            let own = [
                ("links_per_network", it.links_per_network),
                ("rules_per_group", it.rules_per_group),
                ("routes_per_table", it.routes_per_table),
            ];
            check_prefix(&key, it.longest_prefix, problems);
            check_quotas(&key, own, MOST_OF_AZURE, problems);
        }
        let (least, greatest) = azure.rule_priorities;
        let allowed = [least, greatest]
            .iter()
            .all(|it| AZURE_PRIORITIES.contains(it));
        if !allowed || least > greatest {
            let (from, to) = AZURE_PRIORITIES.into_inner();
            problems.push(format!(
                "cloud.azure.rule_priorities: name the least and the greatest, within {from} to {to}, like [100, 999]"
            ));
        }
        if azure.security_groups.len() > MOST_SECURITY_GROUPS {
            problems.push(format!(
                "cloud.azure.security_groups: {MOST_SECURITY_GROUPS} at most"
            ));
        }
        for group in &azure.security_groups {
            if !is_security_group(group) {
                problems.push(format!(
                    "cloud.azure.security_groups: `{group}` is no network security group's resource id, like \
                     /subscriptions/…/resourceGroups/…/providers/Microsoft.Network/networkSecurityGroups/…"
                ));
            }
        }
        self.check_who_at_azure(problems);
    }

    /// One thing says who the engine is at Azure, and one alone.
    fn check_who_at_azure(&self, problems: &mut Vec<String>) {
        let azure = &self.cloud.azure;
        let has = |path: &std::path::Path| !path.as_os_str().is_empty();
        let (secret, token) = (has(&azure.secret_file), has(&azure.token_file));
        let identity = &azure.managed_identity;
        let machine = !identity.is_empty();
        if [secret, token, machine].iter().filter(|it| **it).count() > 1 {
            problems.push(
                "cloud.azure: name one of secret_file, token_file and managed_identity".to_owned(),
            );
        }
        if (secret || token) && azure.client_id.is_empty() {
            problems.push(
                "cloud.azure.client_id: name the application whose secret or token it is"
                    .to_owned(),
            );
        }
        if machine && identity != SYSTEM_IDENTITY && identity.parse::<uuid::Uuid>().is_err() {
            problems.push(format!(
                "cloud.azure.managed_identity: `{SYSTEM_IDENTITY}` for the machine's own, or the client id of an assigned one, \
                 like aaaabbbb-cccc-4ddd-8eee-ffff00001111"
            ));
        }
        if !azure.metadata.is_empty() && !machine {
            problems.push("cloud.azure.metadata: name managed_identity too".to_owned());
        }
        let is_asked = self.cloud.kind().serves(Provider::Azure);
        if is_asked && azure.endpoint.is_empty() && !(secret || token || machine) {
            problems.push(
                "cloud.azure: name client_id, and secret_file or token_file; or managed_identity: nobody else says who the engine is there"
                    .to_owned(),
            );
        }
    }
}

fn check_account(provider: Provider, key: &str, account: &str, problems: &mut Vec<String>) {
    let checked = account.parse::<Account>().map_err(|it| it.to_string());
    let checked = checked.and_then(|it| provider.check_account(&it).map_err(str::to_owned));
    if let Err(wrong) = checked {
        problems.push(format!("{key}: {wrong}"));
    }
}

fn check_quotas<const N: usize>(
    key: &str,
    given: [(&str, Option<usize>); N],
    most: usize,
    problems: &mut Vec<String>,
) {
    for (name, given) in given {
        if given.is_some_and(|it| !(1..=most).contains(&it)) {
            problems.push(format!("{key}.{name}: name 1 to {most}"));
        }
    }
}

fn check_regions(key: &str, regions: &BTreeMap<String, String>, problems: &mut Vec<String>) {
    for name in regions.keys() {
        if let Err(error) = domain::Region::named(name) {
            problems.push(format!("{key}.regions.{name}: {error}"));
        }
    }
}

fn check_prefix(key: &str, given: Option<u8>, problems: &mut Vec<String>) {
    if given.is_some_and(|it| !LONGEST_PREFIXES.contains(&it)) {
        let (from, to) = LONGEST_PREFIXES.into_inner();
        problems.push(format!("{key}.longest_prefix: name {from} to {to}"));
    }
}

fn check_window(key: &str, given: Option<Duration>, problems: &mut Vec<String>) {
    if given.is_some_and(|it| it.is_zero()) {
        problems.push(format!("{key}.acceptance_window: name a time, like 168h"));
    }
}

/// Azure compares its ids without regard to case.
fn is_security_group(id: &str) -> bool {
    let id = id.to_ascii_lowercase();
    id.starts_with("/subscriptions/")
        && id.contains("/providers/microsoft.network/networksecuritygroups/")
        && !id.ends_with('/')
}
