//! Mutation: what the tests of the rooms do not notice.
//!
//! A copy of the workspace is made in which every change is compiled in at once and one is chosen
//! as a test starts, so that there is one build, not one for each change. A first run of each test
//! by itself shows which changes would make a difference to it; a change is then tried on these
//! alone, the quickest first, until one fails. See the README beside this file.

#![allow(clippy::unwrap_used)]

mod copy;
mod edits;
mod schema;
mod topics;
mod trial;

use copy::Mutant;
use futures::{StreamExt as _, stream};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::PathBuf,
};
use testkit::workspace;
use topics::Topic;
use trial::Verdict;

/// Binaries that need more than themselves, or that take minutes.
const LEFT_OUT: [&str; 2] = ["moto", "conformance"];

struct Arguments {
    only: Vec<Topic>,
    seed: u64,
    sample: usize,
    jobs: usize,
    folder: PathBuf,
    target: PathBuf,
    part: String,
    rooms: Vec<String>,
    again: bool,
    resume: bool,
}

fn arguments() -> Arguments {
    let folder = workspace::root().join("target").join("mutation");
    let mut made = Arguments {
        only: Vec::new(),
        seed: 13,
        sample: 300,
        jobs: 2,
        target: folder.join("target"),
        folder,
        part: String::new(),
        rooms: topics::ROOMS
            .iter()
            .map(|(room, _)| (*room).to_owned())
            .collect(),
        again: false,
        resume: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--again" {
            made.again = true;
            continue;
        }
        if word == "--resume" {
            made.resume = true;
            continue;
        }
        let value = words
            .next()
            .unwrap_or_else(|| panic!("{word} needs a value"));
        match word.as_str() {
            "--only" => {
                made.only = value
                    .split(',')
                    .map(|it| Topic::named(it).unwrap())
                    .collect()
            }
            "--seed" => made.seed = value.parse().unwrap(),
            "--sample" => made.sample = value.parse().unwrap(),
            "--jobs" => made.jobs = value.parse().unwrap(),
            "--target" => made.target = value.into(),
            "--folder" => made.folder = value.into(),
            "--rooms" => made.rooms = value.split(',').map(str::to_owned).collect(),
            "--part" => made.part = value,
            _ => panic!("{word} is unknown: see tests/mutation/README.md"),
        }
    }
    made
}

/// The changes that are tried: all of each topic, and of the rest those that the seed draws.
fn chosen(mutants: Vec<Mutant>, arguments: &Arguments) -> Vec<(Topic, String, Mutant)> {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    let mut rest = Vec::new();
    let mut all = Vec::new();
    for mutant in mutants {
        let topic = Topic::of(&mutant.path, &mutant.function);
        let mut name = format!("{} {}: {}", mutant.path, mutant.function, mutant.change);
        let count = times.entry(name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            write!(name, " ({count})").unwrap();
        }
        if topic == Topic::Rest {
            let mut hasher = DefaultHasher::new();
            (arguments.seed, &name).hash(&mut hasher);
            rest.push((hasher.finish(), name, mutant));
        } else {
            all.push((topic, name, mutant));
        }
    }
    rest.sort_by_key(|(drawn, ..)| *drawn);
    let drawn = rest.into_iter().take(arguments.sample);
    all.extend(drawn.map(|(_, name, mutant)| (Topic::Rest, name, mutant)));
    all.retain(|(topic, name, _)| {
        (arguments.only.is_empty() || arguments.only.contains(topic))
            && name.contains(&arguments.part)
    });
    all
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments = arguments();
    let rooms: Vec<&str> = arguments.rooms.iter().map(String::as_str).collect();
    let copied = arguments.folder.join("copy");
    fs::create_dir_all(&copied).unwrap();
    let list = arguments.folder.join("dropped.txt");
    let text = fs::read_to_string(&list).unwrap_or_default();
    let mut dropped: BTreeSet<String> = text.lines().map(str::to_owned).collect();
    let mut sources = copy::make(&workspace::root(), &copied, &rooms, &dropped);
    let mut binaries = copy::build(
        &copied,
        &arguments.target,
        &rooms,
        &mut sources,
        &mut dropped,
    );
    let lines: Vec<&str> = dropped.iter().map(String::as_str).collect();
    fs::write(&list, lines.join("\n")).unwrap();
    binaries.retain(|it| !LEFT_OUT.contains(&it.name.as_str()));
    let mutants = copy::mutants(&sources);
    println!("{} changes compile", mutants.len());
    let mut chosen = chosen(mutants, &arguments);
    let report = arguments.folder.join("report.txt");
    let mut known: BTreeMap<String, String> = fs::read_to_string(&report)
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(verdict, name)| (name.to_owned(), verdict.to_owned()))
        .collect();
    if arguments.again {
        chosen.retain(|(_, name, _)| {
            known
                .get(name)
                .is_none_or(|it| it == "survived" || it == "unreached")
        });
    }
    if arguments.resume {
        chosen.retain(|(_, name, _)| !known.contains_key(name));
    }
    chosen.sort_by_key(|(topic, ..)| *topic);
    println!("{} are tried", chosen.len());
    let tests = trial::surveyed(&binaries, &arguments.folder, arguments.jobs).await;
    let trials = stream::iter(chosen).map(|(topic, name, mutant)| {
        let (tests, binaries) = (&tests, &binaries);
        async move {
            let verdict = trial::judge(mutant.number, tests, binaries).await;
            (topic, name, mutant, verdict)
        }
    });
    let mut trials = std::pin::pin!(trials.buffer_unordered(arguments.jobs));
    let mut counts: BTreeMap<(String, &str), usize> = BTreeMap::new();
    let mut done = 0;
    while let Some((topic, name, mutant, verdict)) = trials.next().await {
        let word = match verdict {
            Verdict::Unreached => "unreached",
            Verdict::Survived => "survived",
            Verdict::Killed(_) => "killed",
            Verdict::TimedOut => "timed out",
        };
        *counts.entry((format!("{topic:?}"), word)).or_default() += 1;
        if matches!(verdict, Verdict::Unreached | Verdict::Survived) {
            println!("{word}\t{topic:?}\t{}:{}\t{name}", mutant.path, mutant.line);
        }
        known.insert(name, word.to_owned());
        done += 1;
        if done % 20 == 0 {
            println!("{done} tried");
            save(&report, &known);
        }
    }
    save(&report, &known);
    for ((topic, word), count) in counts {
        println!("{topic}: {count} {word}");
    }
}

fn save(report: &std::path::Path, known: &BTreeMap<String, String>) {
    let mut text = String::new();
    for (name, verdict) in known {
        writeln!(text, "{verdict}\t{name}").unwrap();
    }
    fs::write(report, text).unwrap();
}
