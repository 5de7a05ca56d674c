//! Every command that the README shows is one that the program takes.
#![allow(clippy::unwrap_used)]

use clap::Parser as _;
use peerage::cli::Cli;
use testkit::workspace;

/// What stands for an id in documents.
const PLACEHOLDERS: [&str; 2] = ["NETWORK", "PEERING"];
const SOME_ID: &str = "00000000-0000-0000-0000-000000000001";

/// What `…` stands for in documents: the flags of a request, which are shown once.
const OF_A_REQUEST: &str =
    "--account 444455556666 --region us-east-1 --vpc vpc-0d4c3b2a --range 10.30.0.0/16";

/// The lines of the blocks of shell, without their comments and where their output goes. One that
/// ends with a backslash goes on with the next.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_shell = false;
    for line in text.replace("\\\n", " ").lines() {
        if let Some(kind) = line.strip_prefix("```") {
            is_shell = kind == "sh";
        } else if is_shell {
            let line = line.split(" #").next().unwrap_or_default();
            let line = line.split(" > ").next().unwrap_or_default().trim();
            let line = line
                .replacen("cargo run -- ", "peerage ", 1)
                .replace('…', OF_A_REQUEST);
            if line.starts_with("peerage ") {
                found.push(line);
            }
        }
    }
    found
}

/// The words of a line as a shell makes them: single quotes are all that documents need.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('\'').enumerate();
    let mut words = Vec::new();
    for (at, part) in parts {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(|word| {
                let is_id = PLACEHOLDERS.contains(&word);
                if is_id { SOME_ID } else { word }.to_owned()
            }));
        }
    }
    words
}

#[test]
fn every_command_of_the_readme_is_taken() {
    let text = std::fs::read_to_string(workspace::root().join("README.md")).unwrap();
    let commands = commands(&text);
    assert!(commands.len() > 10, "{commands:#?}");
    let refused: Vec<String> = commands
        .iter()
        .filter_map(|line| {
            let error = Cli::try_parse_from(words(line)).err()?;
            Some(format!("{line}\n{error}"))
        })
        .collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn a_command_that_there_is_not_is_refused() {
    assert!(Cli::try_parse_from(words("peerage peering vanish PEERING")).is_err());
}
