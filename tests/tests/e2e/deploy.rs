//! The unit of systemd and the manifests of Kubernetes cannot be run by these tests. What they can
//! check is that they fit the program, and that what they say fits together.

use peerage_tests::{
    engine::{finish, peerage},
    venv, workspace,
};
use serde_json::Value;
use std::{collections::BTreeSet, path::PathBuf, process::Command};

fn path(name: &str) -> PathBuf {
    workspace::root().join("ops").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap()
}

/// YAML is read by the library that the emulator's environment has anyway.
fn manifests() -> Vec<Value> {
    yaml("kubernetes/peerage.yaml")
}

fn yaml(name: &str) -> Vec<Value> {
    let script = "import json, sys, yaml; json.dump(list(yaml.safe_load_all(open(sys.argv[1]))), sys.stdout)";
    let mut python = venv::command("python");
    let output = python
        .args(["-c", script])
        .arg(path(name))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn one<'a>(all: &'a [Value], kind: &str) -> &'a Value {
    let mut found = all.iter().filter(|it| it["kind"] == kind);
    let one = found.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(found.next().is_none(), "several of {kind}");
    one
}

fn pod(all: &[Value]) -> &Value {
    &one(all, "StatefulSet")["spec"]["template"]["spec"]
}

fn container(all: &[Value]) -> &Value {
    &pod(all)["containers"][0]
}

fn configuration(all: &[Value]) -> toml::Table {
    let text = one(all, "ConfigMap")["data"]["peerage.toml"]
        .as_str()
        .unwrap();
    text.parse().unwrap()
}

fn port_of(table: &toml::Table, section: &str) -> u64 {
    let listen = table[section]["listen"].as_str().unwrap();
    listen.rsplit(':').next().unwrap().parse().unwrap()
}

fn named_port(all: &[Value], name: &str) -> u64 {
    let ports = container(all)["ports"].as_array().unwrap();
    let found = ports.iter().find(|it| it["name"] == name);
    found.unwrap()["containerPort"].as_u64().unwrap()
}

/// The program takes this configuration as far as the files that are not here.
async fn takes(file: &std::path::Path, data: &std::path::Path) {
    let mut command = peerage();
    command
        .arg("serve")
        .env("PEERAGE_CONFIG", file)
        .env("PEERAGE_DATA__DIR", data)
        .env(
            "PEERAGE_STORE__CONNECTION_STRING",
            "kurrentdb://127.0.0.1:1?tls=false",
        )
        // As a Service named peerage makes them, where links are left on.
        .env("PEERAGE_SERVICE_HOST", "10.0.0.7")
        .env("PEERAGE_SERVICE_PORT_API", "2114")
        .env("PEERAGE_PORT", "tcp://10.0.0.7:2114")
        .env("PEERAGE_PORT_2114_TCP_ADDR", "10.0.0.7");
    let finished = finish(command).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("TLS files"), "{finished:?}");
}

#[tokio::test]
async fn the_configuration_of_the_manifests_is_one_that_the_program_takes() {
    let all = manifests();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("peerage.toml");
    let text = one(&all, "ConfigMap")["data"]["peerage.toml"]
        .as_str()
        .unwrap();
    std::fs::write(&file, text).unwrap();
    takes(&file, &folder.path().join("data")).await;
    assert_eq!(container(&all)["args"], serde_json::json!(["serve"]));
}

#[test]
fn probes_ports_and_the_network_policy_are_those_of_the_configuration() {
    let all = manifests();
    let configured = configuration(&all);
    let (api, probes) = (port_of(&configured, "api"), port_of(&configured, "probes"));
    assert_eq!(named_port(&all, "api"), api);
    assert_eq!(named_port(&all, "probes"), probes);
    let container = container(&all);
    for (probe, path) in [
        ("startupProbe", "/health/live"),
        ("livenessProbe", "/health/live"),
        ("readinessProbe", "/health/ready"),
    ] {
        let asked = &container[probe]["httpGet"];
        assert_eq!(asked["path"], path, "{probe}");
        assert_eq!(asked["port"], "probes", "{probe}");
    }
    let service = one(&all, "Service");
    assert_eq!(service["spec"]["ports"][0]["targetPort"], "api");
    assert_eq!(service["spec"]["ports"][0]["port"], api);
    let labels = &one(&all, "StatefulSet")["spec"]["template"]["metadata"]["labels"];
    for (kind, selector) in [
        ("Service", "/spec/selector"),
        ("NetworkPolicy", "/spec/podSelector/matchLabels"),
        ("PodDisruptionBudget", "/spec/selector/matchLabels"),
        ("StatefulSet", "/spec/selector/matchLabels"),
    ] {
        assert_eq!(one(&all, kind).pointer(selector), Some(labels), "{kind}");
    }
    let policy = &one(&all, "NetworkPolicy")["spec"];
    assert_eq!(
        policy["policyTypes"],
        serde_json::json!(["Ingress", "Egress"])
    );
    let rules = policy["ingress"].as_array().unwrap();
    let open: Vec<_> = rules
        .iter()
        .map(|it| it["ports"][0]["port"].as_u64().unwrap())
        .collect();
    assert_eq!(open, [api, probes]);
    assert!(
        rules.iter().all(|it| it["from"].is_array()),
        "nobody gets in unnamed"
    );
}

#[test]
fn the_pod_has_no_rights_and_no_variables_of_services_and_time_to_drain() {
    let all = manifests();
    let (pod, container) = (pod(&all), container(&all));
    assert_eq!(pod["enableServiceLinks"], false);
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    let rights = &container["securityContext"];
    assert_eq!(rights["allowPrivilegeEscalation"], false);
    assert_eq!(rights["readOnlyRootFilesystem"], true);
    assert_eq!(rights["capabilities"]["drop"], serde_json::json!(["ALL"]));
    // The default of api.drain is ten seconds.
    assert!(pod["terminationGracePeriodSeconds"].as_u64().unwrap() > 20);
    // Whatever is mounted is there, and the program writes where it may.
    let mounts = container["volumeMounts"].as_array().unwrap();
    let volumes = pod["volumes"].as_array().unwrap();
    let claims = one(&all, "StatefulSet")["spec"]["volumeClaimTemplates"]
        .as_array()
        .unwrap();
    let there = |name: &Value| {
        volumes.iter().any(|it| it["name"] == *name)
            || claims.iter().any(|it| it["metadata"]["name"] == *name)
    };
    assert!(mounts.iter().all(|it| there(&it["name"])));
    let configured = configuration(&all);
    let mounted = |path: &str| {
        let mut at = mounts.iter().map(|it| it["mountPath"].as_str().unwrap());
        at.any(|it| path.starts_with(it))
    };
    let tls = &configured["api"]["tls"];
    for path in [&tls["certificate"], &tls["key"], &configured["data"]["dir"]] {
        assert!(mounted(path.as_str().unwrap()), "{path}");
    }
    for kind in [
        "ServiceAccount",
        "ConfigMap",
        "Service",
        "StatefulSet",
        "NetworkPolicy",
    ] {
        assert_eq!(
            one(&all, kind)["metadata"]["namespace"],
            "peerage",
            "{kind}"
        );
    }
}

/// The values of a key of the unit.
fn values(key: &str) -> Vec<String> {
    let text = text("systemd/peerage.service");
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    lines.map(str::to_owned).collect()
}

#[test]
fn the_unit_drains_restarts_and_has_no_rights() {
    assert_eq!(values("ExecStart"), ["/usr/local/bin/peerage serve"]);
    assert_eq!(values("KillSignal"), ["SIGTERM"]);
    let stop = values("TimeoutStopSec")[0]
        .trim_end_matches('s')
        .parse::<u64>()
        .unwrap();
    assert!(stop > 20, "longer than api.drain");
    assert_eq!(
        values("RestartPreventExitStatus"),
        ["2 4"],
        "a wrong configuration stays wrong, and what no waiting mends is not mended by a start"
    );
    assert_eq!(values("CapabilityBoundingSet"), [""]);
    assert_eq!(values("NoNewPrivileges"), ["yes"]);
    assert_eq!(values("ProtectSystem"), ["strict"]);
    assert_eq!(values("StateDirectoryMode"), ["0700"]);
    let state = values("StateDirectory");
    let data = values("Environment").into_iter().find_map(|it| {
        let path = it.strip_prefix("PEERAGE_DATA__DIR=")?;
        Some(path.to_owned())
    });
    assert!(
        data.unwrap()
            .starts_with(&format!("/var/lib/{}/", state[0]))
    );
}

/// By judges of their own: the schemas of Kubernetes' API, and that of compose files.
#[test]
fn kubernetes_takes_the_manifests_and_compose_its_file() {
    let judged = |judge: &mut Command| {
        let output = judge.output().unwrap();
        let told = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&told).into_owned(),
        )
    };
    let manifests = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("peerage.yaml");
        std::fs::write(&file, text).unwrap();
        judged(
            venv::command("kubernetes-validate")
                .arg("--strict")
                .arg(file),
        )
    };
    let ours = text("kubernetes/peerage.yaml");
    let (is_taken, told) = manifests(&ours);
    assert!(is_taken, "{told}");
    let (is_taken, told) = manifests(&ours.replace("containerPort:", "port:"));
    assert!(!is_taken, "a judge that takes everything: {told}");

    let compose = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("docker-compose.yml");
        std::fs::write(&file, text).unwrap();
        let mut judge = venv::command("check-jsonschema");
        judged(
            judge
                .args(["--builtin-schema", "vendor.compose-spec"])
                .arg(file),
        )
    };
    let ours = std::fs::read_to_string(workspace::root().join("docker-compose.yml")).unwrap();
    let (is_taken, told) = compose(&ours);
    assert!(is_taken, "{told}");
    let (is_taken, told) = compose(&ours.replace("healthcheck:", "health:"));
    assert!(!is_taken, "a judge that takes everything: {told}");
}

/// What an alert is: its name, its rule, and how bad it is. Each tells something.
fn alerts() -> Vec<(String, String, String)> {
    let all = yaml("alerts.yaml");
    let groups = all[0]["groups"].as_array().unwrap();
    let rules = groups.iter().flat_map(|it| it["rules"].as_array().unwrap());
    let text = |of: &Value| of.as_str().unwrap_or_default().to_owned();
    let alerts = rules.map(|it| {
        let told = [
            &it["annotations"]["summary"],
            &it["annotations"]["description"],
        ]
        .map(text);
        assert!(told.iter().all(|it| !it.is_empty()), "{it}");
        (
            text(&it["alert"]),
            text(&it["expr"]),
            text(&it["labels"]["severity"]),
        )
    });
    alerts.collect()
}

#[test]
fn every_rule_has_a_name_of_its_own_and_says_how_bad_it_is_and_what_to_do() {
    let alerts = alerts();
    assert!(alerts.len() > 20, "{alerts:?}");
    let names: BTreeSet<_> = alerts.iter().map(|it| &it.0).collect();
    assert_eq!(names.len(), alerts.len());
    for (name, rule, severity) in &alerts {
        assert!(rule.contains("peerage"), "{name}: {rule}");
        let pairs = [('(', ')'), ('{', '}'), ('[', ']')];
        for (opens, closes) in pairs {
            let many = |of: char| rule.matches(of).count();
            assert_eq!(many(opens), many(closes), "{name}: {rule}");
        }
        let known = ["critical", "warning", "info"];
        assert!(known.contains(&&**severity), "{name}: {severity}");
    }
}

/// Every expression of the dashboard, at whatever depth it stands.
fn expressions(of: &Value, found: &mut Vec<String>) {
    match of {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str() {
                    Some(text) if name == "expr" => found.push(text.to_owned()),
                    Some(_) | None => expressions(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|it| expressions(it, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Those of these that are no PromQL, each with why, by a parser of its own.
fn no_promql(all: &[String]) -> String {
    let lines = all.iter().map(|it| serde_json::to_string(it).unwrap());
    let lines: String = lines.map(|it| it + "\n").collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("expressions");
    std::fs::write(&file, lines).unwrap();
    let judge = workspace::root().join("tests/tools/promql.py");
    let mut python = venv::command("python");
    let output = python.arg(judge).stdin(std::fs::File::open(file).unwrap());
    let output = output.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn every_expression_of_the_rules_and_of_the_dashboard_is_promql() {
    let rules: Vec<_> = alerts().into_iter().map(|(_, rule, _)| rule).collect();
    let dashboard: Value = serde_json::from_str(&text("dashboard.json")).unwrap();
    let mut panels = Vec::new();
    expressions(&dashboard, &mut panels);
    assert!(rules.len() > 20 && panels.len() > 10, "{panels:?}");
    // What Grafana fills in before Prometheus is asked.
    let panels = panels.iter().map(|it| {
        let filled = it.replace("$__rate_interval", "5m");
        filled
            .replace("$__interval", "1m")
            .replace("$__range", "1h")
    });
    let all: Vec<_> = rules.into_iter().chain(panels).collect();
    assert_eq!(no_promql(&all), "");
    for broken in [
        "sum by (cause (peerage_exposures) > 0",
        "rate(peerage_exposures)",
        "ratee(peerage_exposures[5m])",
        "peerage_exposures >",
    ] {
        assert_ne!(no_promql(&[broken.to_owned()]), "", "a judge of nothing");
    }
}

/// Line by line, against the program; the script says which lines are not run, and why.
#[test]
fn the_page_on_disaster_recovery_is_run_as_it_stands() {
    let (root, folder) = (workspace::root(), tempfile::tempdir().unwrap());
    let mut python = venv::command("python");
    python.arg(root.join("tests/tools/recovery_page.py"));
    python.arg(peerage().get_program());
    python.arg(root.join("docs/disaster-recovery.md"));
    let output = python.arg(folder.path()).output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&told)
    );
}

/// By systemd's own judge, where it is installed.
#[test]
fn systemd_takes_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("peerage.service");
    let program = peerage().get_program().to_owned();
    let here = text("systemd/peerage.service")
        .replace("/usr/local/bin/peerage", &program.to_string_lossy());
    std::fs::write(&unit, here).unwrap();
    let Ok(output) = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&unit)
        .output()
    else {
        return;
    };
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.is_empty(), "{told}");
}
