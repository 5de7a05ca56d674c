//! The program as a shell sees it: what it prints, where, and the code it ends with. Nothing here
//! needs an engine.
#![allow(clippy::unwrap_used)]

use std::{net::TcpListener, process::Output};
use testkit::process::without_settings;

fn peerage(arguments: &[&str]) -> Output {
    let mut command = without_settings(env!("CARGO_BIN_EXE_peerage"), &["PEERAGE_"]);
    command.args(arguments).output().unwrap()
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn lines(bytes: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(bytes)
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_mistake_in_the_configuration_is_a_line_of_its_own_and_the_call_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("peerage.toml");
    std::fs::write(&file, "[api]\nlisten = \"nowhere\"\n[stor]\nx = 1\n").unwrap();
    let output = peerage(&[
        "serve",
        "--config",
        file.to_str().unwrap(),
        "--set",
        "log.formt=json",
    ]);
    let said = lines(&output.stderr);
    assert_eq!(code(&output), Some(2));
    assert_eq!(said.len(), 3, "{said:#?}");
    for key in ["api.listen", "stor.x", "log.formt"] {
        assert!(
            said.iter()
                .any(|line| line.starts_with(&format!("error: {key}: "))),
            "{key} in {said:#?}"
        );
    }
    assert!(output.stdout.is_empty());
}

#[test]
fn a_taken_port_is_one_line_and_the_call_is_wrong() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let output = peerage(&[
        "serve",
        "--listen",
        &address,
        "--data-dir",
        directory.path().to_str().unwrap(),
    ]);
    let said = lines(&output.stderr);
    assert_eq!(code(&output), Some(2));
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(
        said[0].contains(&address) && said[0].contains("--listen"),
        "{said:#?}"
    );
}

#[test]
fn an_engine_that_is_not_there_is_a_failure_that_says_how_to_start_one() {
    let output = peerage(&["network", "list", "--server", "http://127.0.0.1:1"]);
    let said = lines(&output.stderr);
    assert_eq!(code(&output), Some(1));
    assert_eq!(said.len(), 2, "{said:#?}");
    assert!(
        said[0].starts_with("error: ") && said[0].contains("http://127.0.0.1:1"),
        "{said:#?}"
    );
    assert!(
        said[1].starts_with("hint: ") && said[1].contains("peerage serve"),
        "{said:#?}"
    );
}

#[test]
fn a_wrong_word_is_a_usage_error_and_help_is_not() {
    assert_eq!(code(&peerage(&["peerings"])), Some(2));
    assert_eq!(code(&peerage(&["peering", "show"])), Some(2));
    let side = ["route", "accept", "it", "--side", "nowhere"];
    assert_eq!(code(&peerage(&side)), Some(2));
    let id = ["network", "check", "it", "--command-id", "nonsense"];
    assert_eq!(code(&peerage(&id)), Some(2));
    let help = peerage(&["--help"]);
    assert_eq!(code(&help), Some(0));
    for word in [
        "demo",
        "serve",
        "node",
        "network",
        "peering",
        "route",
        "firewall",
        "audit",
        "completions",
    ] {
        assert!(
            lines(&help.stdout)
                .iter()
                .any(|line| line.trim_start().starts_with(word)),
            "{word}"
        );
    }
}

#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let output = peerage(&["completions", shell]);
        assert_eq!(code(&output), Some(0));
        assert!(
            String::from_utf8_lossy(&output.stdout).contains("peering"),
            "{shell}"
        );
    }
}
