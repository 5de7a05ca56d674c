//! Habits of the source that no compiler lint looks at, each with the text that would break it.
//!
//! The patterns are put together from pieces here, so that this file does not trip over itself.

/// The largest Rust file that passes without a second look: production lines, tests apart.
const LARGEST: usize = 500;

/// One complaint per place in `text` that breaks a habit. `path` is relative to the workspace's
/// root.
#[must_use]
pub fn complaints(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if path.ends_with(".rs") {
        opens_with_intent(path, text, &mut found);
        keeps_its_size(path, text, &mut found);
        ignores_with_reason(path, text, &mut found);
        waits_for_conditions(path, text, &mut found);
    }
    if is_written_by_us(path) {
        leaves_nothing_behind(path, text, &mut found);
        names_no_machine(path, text, &mut found);
    }
    found
}

fn opens_with_intent(path: &str, text: &str, found: &mut Vec<String>) {
    if !text.starts_with("//!") {
        found.push(format!(
            "{path}:1 does not open with `//!` saying why the file exists"
        ));
    }
}

fn keeps_its_size(path: &str, text: &str, found: &mut Vec<String>) {
    let lines = production(text).lines().count();
    if lines > LARGEST && !is_test(path) && !path.contains("generated") {
        found.push(format!("{path} has {lines} lines of production code, the most is {LARGEST}: divide it by what changes together"));
    }
}

fn ignores_with_reason(path: &str, text: &str, found: &mut Vec<String>) {
    let bare = concat!("#[ign", "ore]");
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains(bare));
    found.extend(lines.map(|(at, _)| format!("{path}:{} ignores a test without a reason", at + 1)));
}

fn waits_for_conditions(path: &str, text: &str, found: &mut Vec<String>) {
    let sleeps = [
        concat!("thread::sl", "eep("),
        concat!("time::sl", "eep("),
        concat!(" sl", "eep(Duration"),
    ];
    let production_lines = if is_test(path) {
        0
    } else {
        production(text).lines().count()
    };
    let in_tests = text.lines().enumerate().skip(production_lines);
    let hits = in_tests.filter(|(_, line)| sleeps.iter().any(|sleep| line.contains(sleep)));
    found.extend(hits.map(|(at, _)| {
        format!(
            "{path}:{} sleeps for a fixed time in a test: wait for a condition with a bound",
            at + 1
        )
    }));
}

fn leaves_nothing_behind(path: &str, text: &str, found: &mut Vec<String>) {
    let leftovers = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
    ];
    for (at, line) in text.lines().enumerate() {
        if let Some(leftover) = leftovers.iter().find(|leftover| line.contains(**leftover)) {
            found.push(format!("{path}:{} holds a leftover: {leftover}", at + 1));
        }
    }
}

fn names_no_machine(path: &str, text: &str, found: &mut Vec<String>) {
    let places = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/tm", "p/"),
        concat!("index.crates", ".io"),
        concat!("static.crates", ".io"),
        concat!("py", "pi.org"),
        concat!("pythonhosted", ".org"),
        concat!("registry.npm", "js.org"),
    ];
    for (at, line) in text.lines().enumerate() {
        if let Some(place) = places.iter().find(|place| line.contains(**place)) {
            found.push(format!(
                "{path}:{} names one machine's path or a registry's address: {place}",
                at + 1
            ));
        }
    }
}

/// Text of ours: source, scripts, documents, configuration. Recordings, lock files and licences say
/// what they say.
fn is_written_by_us(path: &str) -> bool {
    let ours = [
        ".rs",
        ".py",
        ".sh",
        ".md",
        ".toml",
        ".yml",
        ".yaml",
        ".proto",
        "Dockerfile",
        ".ci/run",
    ];
    ours.iter().any(|end| path.ends_with(end))
}

/// Whether the file is test code from its first line.
fn is_test(path: &str) -> bool {
    path.starts_with("tests/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.ends_with("/testing.rs")
        || path.contains("/benches/")
}

/// The text up to the tests module at its end. A module that is only named here lies in a file of
/// its own.
fn production(text: &str) -> &str {
    let marker = concat!("#[cfg(te", "st)]\n");
    let starts = text.match_indices(marker).map(|(at, _)| at);
    let inline = |at: &usize| {
        text[at + marker.len()..]
            .lines()
            .find(|line| line.starts_with("mod "))
            .is_some_and(|line| line.ends_with('{'))
    };
    starts
        .into_iter()
        .find(inline)
        .map_or(text, |end| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only_complaint(path: &str, text: &str) -> String {
        let found = complaints(path, text);
        assert_eq!(found.len(), 1, "{found:?}");
        found.into_iter().next().unwrap_or_default()
    }

    #[test]
    fn a_tidy_file_passes() {
        let text = "//! Why.\npub fn answer() -> u8 { 42 }\n\n#[cfg(test)]\nmod tests {}\n";
        assert_eq!(complaints("domain/src/lib.rs", text), Vec::<String>::new());
    }

    #[test]
    fn a_file_without_intent_fails() {
        assert!(
            only_complaint("domain/src/lib.rs", "pub fn answer() {}\n").contains("does not open")
        );
    }

    #[test]
    fn a_fixed_sleep_fails_in_tests_and_passes_in_production() {
        let pause = concat!("tokio::time::sl", "eep(pause).await;\n");
        assert_eq!(
            complaints("workers/src/pace.rs", &format!("//! Why.\n{pause}")),
            Vec::<String>::new()
        );
        let inside = format!("//! Why.\n#[cfg(test)]\nmod tests {{\n{pause}}}\n");
        assert!(
            only_complaint("workers/src/pace.rs", &inside)
                .starts_with("workers/src/pace.rs:4 sleeps")
        );
        let beside = format!("//! Why.\n#[cfg(test)]\nmod tests;\n{pause}");
        assert_eq!(
            complaints("workers/src/pace.rs", &beside),
            Vec::<String>::new()
        );
        assert!(
            only_complaint("tests/tests/end.rs", &format!("//! Why.\n{pause}")).contains("sleeps")
        );
        assert!(
            only_complaint("workers/src/pace/tests.rs", &format!("//! Why.\n{pause}"))
                .contains("sleeps")
        );
    }

    #[test]
    fn a_leftover_fails() {
        let text = format!("//! Why.\n// {} later\n", concat!("TO", "DO"));
        assert!(
            only_complaint("domain/src/lib.rs", &text)
                .starts_with("domain/src/lib.rs:2 holds a leftover")
        );
    }

    #[test]
    fn a_path_of_one_machine_or_a_registry_fails_also_in_documents() {
        assert!(
            only_complaint("README.md", concat!("see /ho", "me/someone/notes\n"))
                .contains("one machine's path")
        );
        assert!(
            only_complaint(
                "test.sh",
                concat!("pip install -i https://py", "pi.org/simple x\n")
            )
            .contains("registry")
        );
    }

    #[test]
    fn an_ignored_test_needs_a_reason() {
        let bare = format!("//! Why.\n{}\nfn slow() {{}}\n", concat!("#[ign", "ore]"));
        assert!(only_complaint("tests/tests/slow.rs", &bare).contains("without a reason"));
        let reasoned = format!(
            "//! Why.\n{}\nfn slow() {{}}\n",
            concat!("#[ign", "ore = \"needs a real cloud\"]")
        );
        assert_eq!(
            complaints("tests/tests/slow.rs", &reasoned),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_file_that_outgrew_itself_fails_and_its_tests_do_not_count() {
        let long = format!("//! Why.\n{}", "// A line.\n".repeat(LARGEST));
        assert!(only_complaint("journal/src/lib.rs", &long).contains("501 lines"));
        assert_eq!(
            complaints("journal/src/follow/tests.rs", &long),
            Vec::<String>::new()
        );
        let tested = format!(
            "//! Why.\n#[cfg(test)]\nmod tests {{\n{}}}\n",
            "// A line.\n".repeat(LARGEST)
        );
        assert_eq!(
            complaints("journal/src/lib.rs", &tested),
            Vec::<String>::new()
        );
    }
}
