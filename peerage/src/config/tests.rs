//! Where each key comes from, and what is said of mistakes.

use super::*;
use crate::{clouds::Clouds, storage::Storage};
use ::cloud::AccountRegion;
use domain::{Provider, Region};
use std::path::Path;

fn load(toml: &str, flags: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), toml).unwrap();
    let flags: Vec<_> = flags
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    Config::load(Some(file.path()), &flags)
}

#[test]
fn no_file_and_no_flag_give_the_defaults() {
    let config = Config::load(None, &[]).unwrap();
    assert_eq!(config.api.listen, gateway::Listen::Tcp(loopback(2114)));
    assert_eq!(config.cloud.kind(), CloudKind::Simulated);
}

#[test]
fn the_file_overrides_the_defaults_and_a_flag_the_file() {
    let toml = "[api]\nlisten = \"127.0.0.1:9\"\ncommand_deadline = \"2s\"\n[cloud.aws.accounts.111122223333]\nexternal_id = \"x\"";
    let config = load(
        toml,
        &[
            ("api.listen", "127.0.0.1:10"),
            ("cloud.simulated.seed", "7"),
        ],
    )
    .unwrap();
    assert_eq!(config.api.listen, gateway::Listen::Tcp(loopback(10)));
    assert_eq!(config.api.command_deadline, Duration::from_secs(2));
    assert_eq!(config.cloud.simulated.seed, 7);
    assert_eq!(config.cloud.aws.accounts["111122223333"].external_id, "x");
}

#[test]
fn every_mistake_is_reported_at_once_with_its_key() {
    let toml = "[api]\nlisten = \"nowhere\"\n[provisioner]\nparallel_networks = \"many\"\n[log]\nformt = \"json\"\n[cloudy]\nx = 1";
    let ConfigErrors(problems) =
        load(toml, &[("store.conection_string", "kurrentdb://x")]).unwrap_err();
    for key in [
        "api.listen: ",
        "provisioner.parallel_networks: ",
        "log.formt: unknown key",
        "cloudy.x: unknown key",
    ] {
        assert!(
            problems.iter().any(|line| line.starts_with(key)),
            "{key} in {problems:#?}"
        );
    }
    let misspelt = problems
        .iter()
        .find(|line| line.starts_with("store.conection_string"))
        .unwrap();
    assert_eq!(
        misspelt,
        "store.conection_string: unknown key (from the command line); did you mean store.connection_string?"
    );
    assert_eq!(problems.len(), 5, "{problems:#?}");
}

#[test]
fn a_file_that_is_not_there_or_is_no_toml_is_named() {
    assert!(
        Config::load(Some(Path::new("/no/such/file")), &[])
            .unwrap_err()
            .to_string()
            .contains("/no/such/file")
    );
    assert!(load("[api", &[]).is_err());
}

#[test]
fn what_is_said_of_access_must_fit_together() {
    let wrong = |toml: &str| {
        let ConfigErrors(problems) = load(toml, &[]).unwrap_err();
        problems.join("\n")
    };
    let binding =
        "[[access.bindings]]\nrole = \"viewer\"\nmethod = \"socket\"\nsubject = \"ada\"\n";
    assert!(wrong(binding).contains("nobody can be known"));
    assert!(wrong("[access]\nsockets = true").contains("no Unix socket"));
    let socket = "[api]\nlisten = \"unix:///run/api.sock\"\n[access]\nsockets = true\n";
    let config = load(&format!("{socket}{binding}"), &[]).unwrap();
    assert!(config.authenticates());
    let nobody = binding.replace("subject", "subjct");
    assert!(wrong(&format!("{socket}{nobody}")).contains("subjct"));
    let group = binding.replace("subject", "group");
    assert!(wrong(&format!("{socket}{group}")).contains("only tokens have groups"));
    let issuer =
        "[[access.issuers]]\nurl = \"https://idp.example.com\"\naudiences = [\"peerage\"]\n";
    assert!(load(issuer, &[]).unwrap().authenticates());
    for algorithm in ["none", "HS256"] {
        let shared = format!("{issuer}algorithms = [\"{algorithm}\"]\n");
        assert!(wrong(&shared).contains("access.issuers"), "{algorithm}");
    }
    let tls = "[api.tls]\ncertificate = \"a\"\n";
    assert!(wrong(tls).contains("api.tls"));
    assert!(wrong("[api.tls]\nclient_ca = \"a\"\n").contains("api.tls.client_ca"));
}

#[test]
fn a_dry_run_is_automatic_or_known() {
    let of = |toml: &str| load(&format!("[cloud.aws]\n{toml}"), &[]).map(|it| it.cloud.aws.dry_run);
    assert_eq!(of(""), Ok(DryRun::Auto));
    assert_eq!(of("dry_run = \"auto\""), Ok(DryRun::Auto));
    assert_eq!(of("dry_run = true"), Ok(DryRun::Honoured));
    assert_eq!(of("dry_run = false"), Ok(DryRun::Ignored));
    let ConfigErrors(problems) = of("dry_run = \"perhaps\"").unwrap_err();
    assert!(
        problems[0].starts_with("cloud.aws.dry_run: ")
            && problems[0].contains("auto, true or false"),
        "{problems:?}"
    );
    let flag = load("", &[("cloud.aws.dry_run", "false")]).unwrap();
    assert_eq!(flag.cloud.aws.dry_run, DryRun::Ignored);
}

#[test]
fn what_cannot_be_is_refused_with_its_key() {
    let ConfigErrors(problems) = load(
        "[cloud.aws]\nlinks_per_network = 126\n[provisioner]\ndrift_interval = \"0s\"",
        &[],
    )
    .unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(
        problems[0].starts_with("cloud.aws.links_per_network: ")
            && problems[1].starts_with("provisioner.drift_interval: ")
    );
}

#[test]
fn the_readme_names_every_key_with_its_default() {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let blocks = readme.split("```toml\n").skip(1);
    let blocks: Vec<_> = blocks.filter_map(|it| it.split("```").next()).collect();
    for block in &blocks {
        load(block, &[]).unwrap_or_else(|errors| panic!("{errors}\n{block}"));
    }
    let toml = blocks.iter().find(|it| it.starts_with("[api]")).unwrap();
    let mut config = load(toml, &[]).unwrap();
    assert_eq!(
        config.cloud.aws.accounts.len(),
        1,
        "an example, not a default"
    );
    config.cloud.aws.accounts.clear();
    assert_eq!(config.cloud.aws.tags.len(), 1, "an example, not a default");
    config.cloud.aws.tags.clear();
    assert_eq!(
        config.cloud.aws.regions.len(),
        1,
        "an example, not a default"
    );
    config.cloud.aws.regions.clear();
    let (aws, usual) = (&mut config.cloud.aws, Provider::Aws.quotas());
    for (said, usual) in [
        (&mut aws.links_per_network, usual.links),
        (&mut aws.pending_links_per_network, usual.pending_links),
        (&mut aws.routes_per_table, usual.routes),
        (&mut aws.rules_per_group, usual.rules),
        (&mut aws.groups_per_interface, usual.groups_of_interface),
    ] {
        assert_eq!(said.take(), Some(usual), "what holds where nobody says");
    }
    let (gcp, azure) = (&mut config.cloud.gcp, &mut config.cloud.azure);
    let (of_gcp, of_azure) = (Provider::Gcp.quotas(), Provider::Azure.quotas());
    for (said, usual) in [
        (&mut gcp.links_per_network, of_gcp.links),
        (&mut gcp.routes_per_network, of_gcp.routes),
        (&mut gcp.rules_per_group, of_gcp.rules),
        (&mut azure.links_per_network, of_azure.links),
        (&mut azure.rules_per_group, of_azure.rules),
        (&mut azure.routes_per_table, of_azure.routes),
    ] {
        assert_eq!(said.take(), Some(usual), "what holds where nobody says");
    }
    assert_eq!(config.cloud.gcp.projects.len(), 1, "an example");
    config.cloud.gcp.projects.clear();
    assert_eq!(config.cloud.azure.tenants.len(), 1, "an example");
    config.cloud.azure.tenants.clear();
    for regions in [
        &mut config.cloud.gcp.regions,
        &mut config.cloud.azure.regions,
    ] {
        assert_eq!(regions.len(), 1, "an example");
        regions.clear();
    }
    let advertised = config.store.embedded_advertise.take();
    assert!(advertised.is_some(), "an example, not a default");
    assert_eq!(
        config.cloud.mode.take(),
        Some(Config::default().cloud.kind())
    );
    let defaults = serde_json::to_value(Config::default()).unwrap();
    assert_eq!(serde_json::to_value(&config).unwrap(), defaults);
    for key in leaves(&defaults) {
        assert!(
            ["accounts", "tags", "regions", "projects", "tenants"].contains(&key.as_str())
                || toml.contains(&format!("\n{key} = ")),
            "{key}"
        );
    }
}

/// The names of the keys that hold no others.
fn leaves(value: &serde_json::Value) -> Vec<String> {
    let fields = value.as_object().into_iter().flatten();
    fields
        .flat_map(|(key, inner)| {
            if inner.as_object().is_some_and(|it| !it.is_empty()) {
                leaves(inner)
            } else {
                vec![key.clone()]
            }
        })
        .collect()
}

#[test]
fn tags_and_quotas_are_configured_and_what_aws_would_not_take_is_told_at_the_start() {
    let toml = "[cloud.aws]\nrules_per_group = 200\n[cloud.aws.tags]\ncost-centre = \"4711\"";
    let config = load(toml, &[]).unwrap();
    assert_eq!(config.cloud.aws.rules_per_group, Some(200));
    assert_eq!(config.cloud.aws.tags["cost-centre"], "4711");
    for (wrong, key) in [
        (
            "[cloud.aws]\nnetwork_acl_numbers = [0, 99]",
            "cloud.aws.network_acl_numbers: ",
        ),
        (
            "[cloud.aws]\nnetwork_acl_numbers = [50, 49]",
            "cloud.aws.network_acl_numbers: ",
        ),
        (
            "[cloud.aws]\nnetwork_acl_entries = 41",
            "cloud.aws.network_acl_entries: ",
        ),
        (
            "[cloud.aws]\nrules_per_group = 0",
            "cloud.aws.rules_per_group: ",
        ),
        (
            "[cloud.aws]\nroutes_per_table = 1001",
            "cloud.aws.routes_per_table: ",
        ),
        ("[cloud.aws.tags]\nName = \"x\"", "cloud.aws.tags.Name: "),
        (
            "[cloud.aws.tags]\n\"aws:x\" = \"x\"",
            "cloud.aws.tags.aws:x: ",
        ),
    ] {
        let ConfigErrors(problems) = load(wrong, &[]).unwrap_err();
        assert!(problems[0].starts_with(key), "{problems:?}");
    }
}

#[test]
fn the_quotas_of_an_account_are_configured_and_the_cloud_is_asked_with_them() {
    let toml = "[cloud]\nmode = \"aws\"\n[cloud.aws]\nrules_per_group = 100\nlinks_per_network = 60\n\
        [cloud.aws.accounts.111122223333]\nrules_per_group = 200\nlinks_per_network = 125\n\
        routes_per_table = 1000\npending_links_per_network = 7";
    let config = load(toml, &[]).unwrap();
    let clock: journal::Clock = std::sync::Arc::new(|| chrono::DateTime::UNIX_EPOCH);
    let clouds = Clouds::of(&config, Storage::InMemory, clock).unwrap();
    let limits = |account: &str| {
        let at = AccountRegion {
            provider: Provider::Aws,
            account: account.parse().unwrap(),
            region: Region::of(Provider::Aws, "eu-west-1").unwrap(),
            external_id: None,
        };
        let limits = clouds.cloud.limits(&at, Default::default());
        let quotas = clouds.places.quotas(Provider::Aws, &at.account);
        assert_eq!((quotas.rules, quotas.links), (limits.rules, limits.links));
        [
            limits.links,
            limits.pending_links,
            limits.routes,
            limits.rules,
        ]
    };
    assert_eq!(limits("111122223333"), [125, 7, 1000, 200]);
    assert_eq!(limits("444455556666"), [60, 25, 500, 100]);
    for (key, value, most) in [
        ("links_per_network", 126, 125),
        ("pending_links_per_network", 0, 1000),
        ("routes_per_table", 1001, 1000),
        ("rules_per_group", 1001, 1000),
    ] {
        let toml = format!("[cloud.aws.accounts.111122223333]\n{key} = {value}");
        let ConfigErrors(problems) = load(&toml, &[]).unwrap_err();
        let told = format!("cloud.aws.accounts.111122223333.{key}: AWS allows 1 to {most}");
        assert_eq!(problems, [told]);
    }
}

#[test]
fn on_a_store_of_others_the_cloud_has_to_be_said_and_a_simulation_claims_no_old_network_there() {
    let store = "[store]\nconnection_string = \"kurrentdb://localhost:2113?tls=false\"\n";
    let ConfigErrors(problems) = load(store, &[]).unwrap_err();
    assert!(problems[0].starts_with("cloud.mode: "), "{problems:?}");
    for mode in ["aws", "simulated", "aws,gcp=simulated"] {
        let config = load(store, &[("cloud.mode", mode)]).unwrap();
        assert!(!config.simulation_claims_unmarked(), "{mode}");
        let own = load("", &[("cloud.mode", mode)]).unwrap();
        assert!(
            own.simulation_claims_unmarked(),
            "its own store has no other engine's networks"
        );
    }
}

#[test]
fn clouds_are_named_in_one_text_or_in_a_list_and_each_says_whether_it_is_simulated() {
    use Answers::{Provider, Simulation};
    use domain::Provider::{Aws, Azure, Gcp};
    let of = |text: &str| load(text, &[]).map(|it| it.cloud.kind());
    let both = CloudKind::Providers([(Aws, Provider), (Gcp, Provider)].into());
    for text in ["\"aws,gcp\"", "\" gcp , aws \"", "[\"aws\", \"gcp\"]"] {
        assert_eq!(of(&format!("cloud.mode = {text}")).unwrap(), both, "{text}");
    }
    assert!(both.serves(Aws) && both.serves(Gcp) && !both.serves(Azure));
    assert_eq!(both.to_string().parse(), Ok(both));
    let simulated = of("cloud.mode = \"simulated\"").unwrap();
    assert!(!simulated.serves(Aws), "it only stands for it");
    let beside = CloudKind::Providers([(Aws, Provider), (Azure, Simulation)].into());
    for text in [
        "\"aws,azure=simulated\"",
        "\"azure = simulated, aws, aws\"",
        "[\"aws\", \"azure=simulated\"]",
    ] {
        let found = of(&format!("cloud.mode = {text}")).unwrap();
        assert_eq!(found, beside, "{text}");
    }
    assert!(beside.serves(Aws) && !beside.serves(Azure) && !beside.serves(Gcp));
    assert_eq!(beside.to_string(), "aws,azure=simulated");
    assert_eq!(beside.to_string().parse(), Ok(beside));
    for (wrong, says) in [
        (
            "\"simulated,aws\"",
            "say for which one it is, like azure=simulated",
        ),
        ("\"simulated,aws=simulated\"", "is not named beside others"),
        (
            "\"aws,aws=simulated\"",
            "aws is named as itself and as simulated",
        ),
        ("\"aws=real\"", "`aws=real` is no cloud"),
        ("\"oracle=simulated\"", "`oracle=simulated` is no cloud"),
        ("\"aws,oracle\"", "`oracle` is no cloud"),
        ("\"\"", "no cloud is named"),
        ("[]", "no cloud is named"),
    ] {
        let ConfigErrors(problems) = of(&format!("cloud.mode = {wrong}")).unwrap_err();
        assert!(problems[0].starts_with("cloud.mode: "), "{problems:?}");
        assert!(problems[0].contains(says), "{problems:?}");
    }
}

#[test]
fn google_cloud_and_azure_are_configured_and_what_they_would_not_take_is_told_at_the_start() {
    let group =
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/n";
    let good = format!(
        "cloud.mode = \"azure,gcp\"\n[cloud.azure]\nclient_id = \"c\"\nsecret_file = \"s\"\nsecurity_groups = [\"{group}\"]"
    );
    let config = load(&good, &[]).unwrap();
    assert_eq!(config.cloud.azure.security_groups, [group]);
    assert_eq!(config.cloud.azure.rule_priorities, (100, 999));
    assert_eq!(config.cloud.gcp.links_per_network, None);
    for identity in ["system", "aaaabbbb-cccc-4ddd-8eee-ffff00001111"] {
        let of_machine =
            format!("cloud.mode = \"azure\"\n[cloud.azure]\nmanaged_identity = \"{identity}\"");
        let config = load(&of_machine, &[]).unwrap();
        assert_eq!(config.cloud.azure.managed_identity, identity);
    }
    for (wrong, key) in [
        (
            "[cloud.gcp]\nlinks_per_network = 0",
            "cloud.gcp.links_per_network: ",
        ),
        (
            "[cloud.gcp.projects.X]\nlinks_per_network = 1",
            "cloud.gcp.projects.X: a GCP project id",
        ),
        (
            "[cloud.gcp.projects.acme-partner]\nroutes_per_network = 0",
            "cloud.gcp.projects.acme-partner.routes_per_network: ",
        ),
        (
            "[cloud.azure]\nrule_priorities = [99, 200]",
            "cloud.azure.rule_priorities: ",
        ),
        (
            "[cloud.azure]\nrule_priorities = [300, 200]",
            "cloud.azure.rule_priorities: ",
        ),
        (
            "[cloud.azure]\nsecurity_groups = [\"nsg\"]",
            "cloud.azure.security_groups: `nsg`",
        ),
        (
            "[cloud.azure]\nsecret_file = \"s\"",
            "cloud.azure.client_id: ",
        ),
        (
            "[cloud.azure]\nclient_id = \"c\"\nsecret_file = \"s\"\ntoken_file = \"t\"",
            "cloud.azure: name one of secret_file, token_file",
        ),
        (
            "[cloud.azure]\nclient_id = \"c\"\ntoken_file = \"t\"\nmanaged_identity = \"system\"",
            "cloud.azure: name one of secret_file, token_file",
        ),
        (
            "[cloud.azure]\nmanaged_identity = \"mine\"",
            "cloud.azure.managed_identity: `system`",
        ),
        (
            "[cloud.azure]\nmetadata = \"http://127.0.0.1:1\"",
            "cloud.azure.metadata: ",
        ),
        ("cloud.mode = \"azure\"", "cloud.azure: name client_id"),
        (
            "[cloud.azure.tenants.acme]\nlinks_per_network = 1",
            "cloud.azure.tenants.acme: an Azure tenant id",
        ),
    ] {
        let ConfigErrors(problems) = load(wrong, &[]).unwrap_err();
        assert!(problems[0].starts_with(key), "{wrong}: {problems:?}");
    }
}
