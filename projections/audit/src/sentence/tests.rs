//! Each sentence as people read it, in a golden table, and that it fits its line.

use super::{WIDTH, fit, marked, sentence, sentence_of, sentence_with, unreadable};
use crate::Unsaid;
use domain::{
    CloudMode,
    access::AccessEvent,
    approval::ApprovalEvent,
    connector::{ConnectorEvent, built_in::BuiltInEvent, parked::ParkedEvent},
    network::{InboundRule, NetworkEvent},
};
use journal::Body;
use std::{collections::BTreeSet, fs, path::PathBuf};

/// Each golden sample of the domain: the name of its file, and what it decodes to.
fn samples() -> Vec<(String, NetworkEvent)> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../domain/golden"));
    let files = fs::read_dir(folder).expect("the domain's samples");
    let mut names: Vec<_> = files
        .map(|it| {
            it.expect("a file")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .filter_map(|it| it.strip_suffix(".json").map(str::to_owned))
        .collect();
    names.sort();
    names
        .into_iter()
        .map(|name| {
            let path = format!(
                "{}/../../domain/golden/{name}.json",
                env!("CARGO_MANIFEST_DIR")
            );
            let data = fs::read(path).expect("a sample");
            let event_type = name.split('.').next().expect("a type");
            match journal::decode(event_type, 1, &data) {
                Body::Event(event) => (name, event),
                Body::Undecodable { problem, .. } => panic!("{name}: {problem}"),
            }
        })
        .collect()
}

#[test]
fn every_event_type_is_told_in_the_sentence_that_is_written_down() {
    let samples = samples();
    let told: BTreeSet<_> = samples.iter().map(|(_, event)| event.name()).collect();
    let known: BTreeSet<_> = NetworkEvent::NAMES.iter().copied().collect();
    assert_eq!(told, known, "each type has a sample, and so a sentence");
    let made: String = samples
        .iter()
        .map(|(name, event)| format!("{name}: {}\n", sentence(event)))
        .collect();
    golden("sentences.txt", &made);
}

#[test]
fn what_an_event_takes_away_is_told_with_it_where_the_event_does_not_say_it() {
    let rule = |source: &str, port| InboundRule {
        source: source.parse().expect("a range"),
        port,
        target: None,
    };
    let ingress = Unsaid {
        target: Some("10.30.7.0/24".parse().expect("a range")),
        rules: vec![rule("10.20.0.0/16", 5432), rule("10.21.0.0/16", 5432)],
    };
    let admitted = Unsaid {
        target: None,
        rules: vec![rule("10.77.0.0/16", 443)],
    };
    let mut made = String::new();
    for (name, event) in samples() {
        for unsaid in [&ingress, &admitted] {
            let told = sentence_with(&event, Some(unsaid));
            assert!(told.chars().count() <= WIDTH, "{told}");
            if told != sentence(&event) {
                made.push_str(&format!("{name}: {told}\n"));
            }
        }
        assert_eq!(sentence_with(&event, None), sentence(&event));
    }
    golden("unsaid.txt", &made);
}

fn golden(file: &str, made: &str) {
    let path = format!("{}/golden/{file}", env!("CARGO_MANIFEST_DIR"));
    #[expect(
        clippy::disallowed_methods,
        reason = "the table is made anew on request"
    )]
    let is_made_anew = std::env::var_os("PEERAGE_UPDATE_GOLDEN").is_some();
    if is_made_anew {
        fs::write(&path, made).expect("the table");
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap_or_default(),
        made,
        "{path}"
    );
}

/// The same of connectors, of access and of approvals: names, types and sentences.
fn other_samples() -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for of in ["connector", "access", "approval"] {
        let folder = format!("{}/../../domain/golden/{of}", env!("CARGO_MANIFEST_DIR"));
        for file in fs::read_dir(folder).expect("the domain's samples") {
            let path = file.expect("a file").path();
            let name = path.file_name().and_then(|it| it.to_str()).expect("a name");
            if let Some(name) = name.strip_suffix(".json") {
                let event_type = name.split('.').next().expect("a type");
                let data = fs::read(&path).expect("a sample");
                let told = sentence_of(event_type, 1, &data);
                all.push((name.to_owned(), event_type.to_owned(), told));
            }
        }
    }
    all.sort();
    all
}

#[test]
fn every_event_type_of_connectors_access_and_approvals_is_told_in_the_sentence_that_is_written_down()
 {
    let samples = other_samples();
    let told: BTreeSet<_> = samples.iter().map(|(_, it, _)| it.as_str()).collect();
    let known = ConnectorEvent::NAMES
        .into_iter()
        .chain(BuiltInEvent::NAMES)
        .chain(ParkedEvent::NAMES)
        .chain(AccessEvent::NAMES)
        .chain(ApprovalEvent::NAMES);
    assert_eq!(told, known.collect(), "each type has a sample");
    let sentences: BTreeSet<_> = samples.iter().map(|(_, of, it)| (it, of)).collect();
    let told_apart: BTreeSet<_> = sentences.iter().map(|(it, _)| it).collect();
    assert_eq!(
        told_apart.len(),
        sentences.len(),
        "no two types have the same"
    );
    for (name, _, told) in &samples {
        assert!(
            told.chars().count() <= WIDTH && !told.contains("cannot read"),
            "{name}: {told}"
        );
    }
    let lines = samples
        .iter()
        .map(|(name, _, it)| format!("{name}: {it}\n"));
    let made: String = lines.collect();
    golden("other_sentences.txt", &made);
}

#[test]
fn what_no_version_of_today_knows_is_told_as_unreadable() {
    assert_eq!(
        sentence_of("PeeringTeleported", 1, b"{}"),
        unreadable("PeeringTeleported")
    );
    assert_eq!(
        sentence_of("AccessDenied", 1, b"no JSON"),
        unreadable("AccessDenied")
    );
    assert_eq!(
        sentence_of("ConnectorCreated", 1, b"{}"),
        unreadable("ConnectorCreated")
    );
}

#[test]
fn a_sentence_fits_its_line_and_no_two_types_have_the_same() {
    let mut seen = BTreeSet::new();
    for (name, event) in samples() {
        let told = sentence(&event);
        assert!(told.chars().count() <= WIDTH, "{name}: {told}");
        assert!(!told.contains('…'), "{name} is cut: {told}");
        seen.insert((told, event.name()));
    }
    let sentences: BTreeSet<_> = seen.iter().map(|(told, _)| told).collect();
    assert_eq!(sentences.len(), seen.len());
}

#[test]
fn what_is_too_long_is_cut_and_what_breaks_a_line_is_taken_out() {
    let long = "x".repeat(300);
    assert_eq!(fit(&long).chars().count(), WIDTH);
    assert_eq!(fit("a\nb\u{1b}[2J"), "a b [2J");
    assert!(unreadable(&long).ends_with('…'));
}

#[test]
fn what_happened_at_no_real_cloud_is_marked_and_nothing_of_the_sentence_is_cut_for_the_mark() {
    let emulator = CloudMode::Emulator {
        endpoint: "http://127.0.0.1:5000".parse().expect("an endpoint"),
    };
    for (cloud, told) in [
        (None, "the link is up"),
        (Some(CloudMode::Real), "the link is up"),
        (Some(emulator.clone()), "the link is up (emulated)"),
        (Some(CloudMode::Simulated), "the link is up (simulated)"),
    ] {
        assert_eq!(marked("the link is up", cloud.as_ref()), told);
    }
    for cloud in [emulator, CloudMode::Simulated] {
        let whole = fit(&"x".repeat(WIDTH));
        let told = marked(&whole, Some(&cloud));
        assert!(told.starts_with(&format!("{whole} (")), "{told}");
    }
}
