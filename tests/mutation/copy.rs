//! A copy of the workspace with every change compiled in, and its test binaries.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "most of what cargo says does not matter here"
)]

use crate::edits::{self, Wrap};
use crate::topics::{PLACES, ROOMS, SUITES, Suite};
use cargo_metadata::{Message, diagnostic::DiagnosticSpan};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::BufReader,
    ops::Range,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// One change, by its number.
#[derive(Clone, Debug)]
pub(crate) struct Mutant {
    pub(crate) number: usize,
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) function: String,
    /// What it does.
    pub(crate) change: String,
}

/// A file that is mutated.
#[derive(Debug)]
pub(crate) struct Source {
    path: String,
    text: String,
    wraps: Vec<(String, Wrap)>,
    /// Where each wrap went in the copy.
    places: Vec<Range<usize>>,
}

/// A binary with tests.
#[derive(Clone, Debug)]
pub(crate) struct Binary {
    /// The folder of its room.
    pub(crate) room: PathBuf,
    pub(crate) path: PathBuf,
    pub(crate) name: String,
}

/// How a wrap is called in the list of those that do not compile.
fn key(path: &str, (function, wrap): &(String, Wrap)) -> String {
    format!("{path} {function}: {}", wrap.changes.join(", "))
}

/// What the folder `root` tracks goes to `to`, with each change of the chosen places in it.
pub(crate) fn make(
    root: &Path,
    to: &Path,
    rooms: &[&str],
    dropped: &BTreeSet<String>,
) -> Vec<Source> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .unwrap();
    let paths = String::from_utf8(listed.stdout).unwrap();
    let mut sources = Vec::new();
    let mut number = 1;
    for path in paths.split('\0').filter(|path| !path.is_empty()) {
        let Ok(content) = fs::read(root.join(path)) else {
            continue;
        };
        let target = to.join(path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        if is_mutated(path, rooms) {
            let text = String::from_utf8(content).unwrap();
            let mut wraps = crate::schema::wraps(&text).unwrap();
            wraps.retain(|wrap| !dropped.contains(&key(path, wrap)));
            for (_, wrap) in &mut wraps {
                wrap.number = number;
                number += wrap.changes.len();
            }
            sources.push(Source {
                path: path.to_owned(),
                text,
                wraps,
                places: Vec::new(),
            });
        } else if fs::read(&target).ok().as_deref() != Some(&content) {
            fs::write(&target, content).unwrap();
        }
    }
    let kept: BTreeSet<&str> = paths.split('\0').collect();
    remove_stale(to, to, &kept);
    let suites: Vec<&Suite> = SUITES
        .iter()
        .filter(|it| rooms.contains(&it.room))
        .collect();
    for suite in &suites {
        write(&to.join(folder(suite)).join("Cargo.toml"), &package(suite));
    }
    for (room, _) in ROOMS {
        write(
            &to.join(room).join("src/mutant.rs"),
            include_str!("probe.rs"),
        );
        let lib = to.join(room).join("src/lib.rs");
        let text = fs::read_to_string(root.join(room).join("src/lib.rs")).unwrap();
        let probe = "\n#[allow(dead_code, unused)]\nmod mutant;\n";
        match sources
            .iter_mut()
            .find(|it| it.path == format!("{room}/src/lib.rs"))
        {
            Some(source) => source.text.push_str(probe),
            None => write(&lib, &format!("{text}{probe}")),
        }
    }
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let from = manifest.find("[workspace.lints.rust]").unwrap();
    let members: String = suites
        .iter()
        .map(|it| format!("    \"{}\",\n", folder(it)))
        .collect();
    let before = manifest[..from].replacen("members = [\n", &format!("members = [\n{members}"), 1);
    write(
        &to.join("Cargo.toml"),
        &format!(
            "{before}\n[workspace.lints.rust]\n{}",
            after_lints(&manifest[from..])
        ),
    );
    sources
}

/// Where a suite's package is.
fn folder(suite: &Suite) -> String {
    format!("tests/suite-{}", suite.name)
}

/// A package of one suite.
fn package(suite: &Suite) -> String {
    let Suite { name, needs, .. } = suite;
    let needs: String = needs
        .iter()
        .map(|it| format!("{it}.workspace = true\n"))
        .collect();
    format!(
        r#"[package]
name = "suite-{name}"
version.workspace = true
edition.workspace = true
publish.workspace = true

[[test]]
name = "suite-{name}"
path = "../tests/{name}/main.rs"

[dev-dependencies]
peerage-tests = {{ path = ".." }}
hyper-util = {{ workspace = true, features = ["client-legacy", "http1", "http2", "tokio"] }}
tokio = {{ workspace = true, features = ["test-util"] }}
uuid = {{ workspace = true, features = ["v4"] }}
{needs}"#
    )
}

/// Takes away what an earlier copy has and the workspace no longer does.
fn remove_stale(folder: &Path, copy: &Path, kept: &BTreeSet<&str>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            remove_stale(&path, copy, kept);
        } else if !kept.contains(path.strip_prefix(copy).unwrap().to_str().unwrap())
            && path.file_name().is_some_and(|name| name != "mutant.rs")
        {
            fs::remove_file(path).unwrap();
        }
    }
}

/// What comes after the lints, which would complain of code that nobody wrote.
fn after_lints(text: &str) -> &str {
    let is_other = |at: &usize| !text[*at + 1..].starts_with("[workspace.lints");
    text.match_indices("\n[")
        .map(|(at, _)| at)
        .find(is_other)
        .map_or("", |at| &text[at..])
}

fn write(path: &Path, text: &str) {
    if fs::read_to_string(path).ok().as_deref() != Some(text) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn is_mutated(path: &str, rooms: &[&str]) -> bool {
    rooms
        .iter()
        .any(|room| path.starts_with(&format!("{room}/src/")))
        && PLACES.iter().any(|place| path.starts_with(place))
        && path.ends_with(".rs")
        && !path.contains("/tests")
        && !path.contains("testing.rs")
}

/// Builds the copy's tests; what does not compile is dropped until the rest does.
pub(crate) fn build(
    copy: &Path,
    target: &Path,
    rooms: &[&str],
    sources: &mut [Source],
    dropped: &mut BTreeSet<String>,
) -> Vec<Binary> {
    for round in 1.. {
        let mut left = 0;
        for source in sources.iter_mut() {
            let wraps: Vec<&Wrap> = source.wraps.iter().map(|(_, wrap)| wrap).collect();
            left += wraps.iter().map(|it| it.changes.len()).sum::<usize>();
            let (text, places) = edits::apply(&source.text, &wraps);
            source.places = places;
            let header = "#![allow(warnings)]\n";
            let text = if source.path.ends_with("lib.rs") {
                format!("{header}{text}")
            } else {
                text
            };
            write(&copy.join(&source.path), &text);
        }
        println!("round {round}: {left} changes");
        match compile(copy, target, rooms) {
            Ok(binaries) => return binaries,
            Err(spans) => drop_broken(&spans, sources, dropped),
        }
    }
    unreachable!("the rounds end when everything compiles")
}

fn compile(
    copy: &Path,
    target: &Path,
    rooms: &[&str],
) -> Result<Vec<Binary>, Vec<Vec<DiagnosticSpan>>> {
    let mut command = Command::new("cargo");
    command.args([
        "build",
        "--tests",
        "--keep-going",
        "--message-format",
        "json",
    ]);
    for (_, package) in ROOMS.iter().filter(|(room, _)| rooms.contains(room)) {
        command.args(["-p", package]);
    }
    for suite in SUITES.iter().filter(|it| rooms.contains(&it.room)) {
        command.args(["-p", &format!("suite-{}", suite.name)]);
    }
    let mut child = command
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_INCREMENTAL", "0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut binaries, mut broken) = (Vec::new(), Vec::new());
    for message in Message::parse_stream(BufReader::new(child.stdout.take().unwrap())) {
        match message.unwrap() {
            Message::CompilerMessage(it)
                if it.message.level == cargo_metadata::diagnostic::DiagnosticLevel::Error =>
            {
                let mut spans = it.message.spans;
                let notes = it.message.children.into_iter().flat_map(|note| note.spans);
                spans.extend(notes);
                if !spans.is_empty() {
                    broken.push(spans);
                }
            }
            Message::CompilerArtifact(it) if it.profile.test => {
                if let Some(path) = it.executable {
                    binaries.push(Binary {
                        room: it.manifest_path.parent().unwrap().into(),
                        path: path.into(),
                        name: it.target.name,
                    });
                }
            }
            _ => {}
        }
    }
    let status = child.wait().unwrap();
    if status.success() {
        return Ok(binaries);
    }
    assert!(
        !broken.is_empty(),
        "it does not compile, and no place is named"
    );
    Err(broken)
}

/// Drops the narrowest change around each error, or those on its line.
fn drop_broken(
    errors: &[Vec<DiagnosticSpan>],
    sources: &mut [Source],
    known: &mut BTreeSet<String>,
) {
    let mut dropped: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for spans in errors {
        let mut spans: Vec<DiagnosticSpan> = spans.iter().map(outermost).collect();
        spans.sort_by_key(|it| !it.is_primary);
        let mut found = None;
        for span in &spans {
            let Some(index) = sources
                .iter()
                .position(|it| span.file_name.ends_with(&it.path))
            else {
                continue;
            };
            let (from, to) = (span.byte_start as usize, span.byte_end as usize);
            let header = if sources[index].path.ends_with("lib.rs") {
                20
            } else {
                0
            };
            let (from, to) = (from.saturating_sub(header), to.saturating_sub(header));
            let around = sources[index].places.iter().enumerate();
            let around = around.filter(|(_, place)| place.start <= from && to <= place.end);
            if let Some((wrap, _)) = around.min_by_key(|(_, place)| place.len()) {
                found = Some((index, vec![wrap]));
                break;
            }
        }
        if found.is_none() {
            for span in &spans {
                let Some(index) = sources
                    .iter()
                    .position(|it| span.file_name.ends_with(&it.path))
                else {
                    continue;
                };
                let (from, to) = (span.byte_start as usize, span.byte_end as usize);
                let within = sources[index].places.iter().enumerate();
                let within: Vec<usize> = within
                    .filter(|(_, place)| from < place.end && place.start < to)
                    .map(|(wrap, _)| wrap)
                    .collect();
                if !within.is_empty() {
                    found = Some((index, within));
                    break;
                }
            }
        }
        match found {
            Some((index, wraps)) => dropped.entry(index).or_default().extend(wraps),
            None => println!(
                "no change is near {:?}",
                spans.first().map(|it| (&it.file_name, it.line_start))
            ),
        }
    }
    assert!(!dropped.is_empty(), "nothing to drop");
    for (index, wraps) in dropped {
        let Source {
            path, wraps: all, ..
        } = &mut sources[index];
        known.extend(wraps.iter().map(|wrap| key(path, &all[*wrap])));
        all.retain(|wrap| !known.contains(&key(path, wrap)));
    }
}

fn outermost(span: &DiagnosticSpan) -> DiagnosticSpan {
    match &span.expansion {
        Some(expansion) => outermost(&expansion.span),
        None => span.clone(),
    }
}

/// Every change that compiles.
pub(crate) fn mutants(sources: &[Source]) -> Vec<Mutant> {
    let mut all = Vec::new();
    for source in sources {
        for (function, wrap) in &source.wraps {
            let line = source.text[..wrap.range.start].matches('\n').count() + 1;
            for (offset, change) in wrap.changes.iter().enumerate() {
                all.push(Mutant {
                    number: wrap.number + offset,
                    path: source.path.clone(),
                    line,
                    function: function.clone(),
                    change: change.clone(),
                });
            }
        }
    }
    all
}
