//! The compose file and the image cannot be run by these tests. What they can check is that every
//! value in them fits the program.

use peerage_tests::engine::{finish, peerage};
use peerage_tests::{venv, workspace};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Compose {
    name: String,
    services: BTreeMap<String, Service>,
    volumes: BTreeMap<String, Option<serde_json::Value>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Service {
    image: Option<String>,
    build: Option<String>,
    environment: BTreeMap<String, String>,
    ports: Vec<String>,
    volumes: Vec<String>,
    depends_on: BTreeMap<String, Dependency>,
    healthcheck: Option<Healthcheck>,
    restart: Option<String>,
    security_opt: Vec<String>,
    cap_drop: Vec<String>,
    read_only: bool,
    tmpfs: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Dependency {
    condition: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Healthcheck {
    test: Vec<String>,
    interval: String,
    timeout: String,
    retries: u32,
}

fn file(name: &str) -> String {
    std::fs::read_to_string(workspace::root().join(name)).unwrap()
}

/// YAML is read by the library that the emulator's environment has anyway.
fn compose() -> Compose {
    let script = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)";
    let mut python = venv::command("python");
    let output = python
        .args(["-c", script])
        .arg(workspace::root().join("docker-compose.yml"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The values of the Dockerfile's instruction, continued lines joined.
fn instructions(name: &str) -> Vec<String> {
    let joined = file("Dockerfile").replace("\\\n", " ");
    let lines = joined
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    lines.map(|line| line.trim().to_owned()).collect()
}

/// What the image sets before compose adds to it.
fn image_environment() -> BTreeMap<String, String> {
    let pairs = instructions("ENV").join(" ");
    pairs
        .split_whitespace()
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn container_port(mapping: &str) -> u16 {
    mapping.rsplit(':').next().unwrap().parse().unwrap()
}

#[test]
fn every_service_has_a_pinned_image_or_is_built_here_and_says_when_it_is_healthy() {
    let compose = compose();
    assert_eq!(compose.name, "peerage");
    for (name, service) in &compose.services {
        assert!(
            service.image.is_some() != service.build.is_some(),
            "{name}: an image or a build"
        );
        if let Some(image) = &service.image {
            let tag = image
                .rsplit('/')
                .next()
                .unwrap()
                .split_once(':')
                .map(|(_, tag)| tag);
            assert!(
                tag.is_some_and(
                    |tag| tag != "latest" && tag.starts_with(|c: char| c.is_ascii_digit())
                ),
                "{name}: a version, not {image}"
            );
            let check = service
                .healthcheck
                .as_ref()
                .unwrap_or_else(|| panic!("{name}: no health check"));
            assert!(
                check.test.len() == 2 && check.test[0] == "CMD-SHELL" && check.retries > 0,
                "{name}"
            );
            assert!(
                check.interval.ends_with('s') && check.timeout.ends_with('s'),
                "{name}"
            );
            let port = container_port(&service.ports[0]);
            assert!(
                check.test[1].contains(&format!("localhost:{port}/")),
                "{name}: it asks the port that is published"
            );
        }
        for (other, how) in &service.depends_on {
            let other = &compose.services[other];
            assert!(
                how.condition == "service_healthy" && other.healthcheck.is_some(),
                "{name} waits for what can be waited for"
            );
        }
        for port in &service.ports {
            assert!(
                port.starts_with("127.0.0.1:"),
                "{name}: {port} is for this machine alone"
            );
        }
        assert_eq!(service.security_opt, ["no-new-privileges:true"], "{name}");
        for volume in &service.volumes {
            assert!(
                compose
                    .volumes
                    .contains_key(volume.split(':').next().unwrap()),
                "{name}: {volume} is declared"
            );
        }
    }
    let engine = &compose.services["peerage"];
    assert_eq!(engine.restart.as_deref(), Some("unless-stopped"));
    assert!(
        engine.read_only && engine.cap_drop == ["ALL"],
        "it writes to its volume, and to nothing else that lasts"
    );
    assert_eq!(engine.tmpfs.len(), 1);
}

#[test]
fn the_emulator_is_the_one_that_the_tests_pin() {
    let pinned = file("tests/requirements.in");
    let version = pinned
        .lines()
        .find_map(|line| line.strip_prefix("moto[server,ec2]=="))
        .unwrap();
    assert_eq!(
        compose().services["ec2"].image.as_deref(),
        Some(format!("motoserver/moto:{version}").as_str())
    );
}

#[test]
fn the_engine_finds_the_other_services_where_they_are() {
    let compose = compose();
    let environment = &compose.services["peerage"].environment;
    let port = |service: &str| container_port(&compose.services[service].ports[0]);
    assert_eq!(
        environment["PEERAGE_STORE__CONNECTION_STRING"],
        format!("kurrentdb://kurrentdb:{}?tls=false", port("kurrentdb"))
    );
    assert_eq!(
        environment["PEERAGE_CLOUD__AWS__ENDPOINT"],
        format!("http://ec2:{}", port("ec2"))
    );
    assert_eq!(
        compose.services["kurrentdb"].environment["KURRENTDB_NODE_PORT"],
        port("kurrentdb").to_string()
    );
    assert_eq!(
        compose.services["kurrentdb"].environment["KURRENTDB_INSECURE"], "true",
        "as tls=false says"
    );
    let waits: BTreeSet<_> = compose.services["peerage"]
        .depends_on
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(waits, BTreeSet::from(["ec2", "kurrentdb"]));
}

#[test]
fn the_image_listens_where_it_says_and_keeps_its_data_in_its_volume() {
    let (compose, image) = (compose(), image_environment());
    let listen: std::net::SocketAddr = image["PEERAGE_API__LISTEN"].parse().unwrap();
    let default = peerage::config::Config::default();
    assert!(
        listen.ip().is_unspecified(),
        "reachable from outside of the container"
    );
    let gateway::Listen::Tcp(usual) = default.api.listen else {
        panic!("{:?}", default.api.listen)
    };
    assert_eq!(listen.port(), usual.port());
    // Nobody on the machine's network reaches a container that says it is insecure.
    let is_insecure = |it: &BTreeMap<String, String>| it.contains_key("PEERAGE_API__INSECURE");
    assert!(
        !is_insecure(&image),
        "the image asks for TLS and authentication"
    );
    assert!(is_insecure(&compose.services["peerage"].environment));
    assert!(
        compose.services["peerage"].ports[0].starts_with("127.0.0.1:"),
        "published on loopback alone"
    );
    assert_eq!(instructions("EXPOSE"), [listen.port().to_string()]);
    assert_eq!(
        container_port(&compose.services["peerage"].ports[0]),
        listen.port()
    );
    let mounted = compose.services["peerage"].volumes[0]
        .split(':')
        .nth(1)
        .unwrap();
    assert_eq!(instructions("VOLUME"), [mounted]);
    assert!(
        image["PEERAGE_DATA__DIR"].starts_with(&format!("{mounted}/")),
        "{image:?}"
    );
    assert_eq!(instructions("STOPSIGNAL"), ["SIGTERM"]);
    assert_eq!(
        (instructions("ENTRYPOINT"), instructions("CMD")),
        (
            vec![r#"["peerage"]"#.to_owned()],
            vec![r#"["serve"]"#.to_owned()]
        )
    );
    let toolchain = file("Cargo.toml");
    let version = toolchain
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "))
        .unwrap()
        .trim_matches('"')
        .to_owned();
    assert!(
        instructions("FROM")[0].starts_with(&format!("rust:{version}")),
        "built with the workspace's toolchain"
    );
}

#[tokio::test]
async fn every_variable_is_a_key_of_the_configuration_with_a_value_that_it_takes() {
    // One key too many, so that the program says what it makes of all of them and goes no further.
    let mut command = peerage();
    command
        .args(["serve", "--set", "compose.check=1"])
        .envs(image_environment())
        .envs(&compose().services["peerage"].environment);
    let finished = finish(command).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert_eq!(
        finished.stderr.lines().count(),
        1,
        "only the one that is wrong on purpose: {finished:?}"
    );
    assert!(
        finished.stderr.contains("compose.check: unknown key"),
        "{finished:?}"
    );
}
