//! The command line, written down: `docs/cli.md` is what this makes of the arguments' own texts.
//! What many commands take is written once.

use super::{
    Cli,
    engine::{COMMAND_HEADING, HEADING},
};
use clap::{Arg, Command, CommandFactory};
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// The groups of arguments that are written once, with what takes them.
const SHARED: [(&str, &str); 2] = [
    (
        COMMAND_HEADING,
        "Every command that changes something takes these too.",
    ),
    (
        HEADING,
        "Every command that asks an engine takes these too.",
    ),
];

/// The reference of all commands, as Markdown.
fn reference() -> String {
    let mut root = Cli::command();
    root.build();
    let mut text = String::from(
        "# The command line\n\nMade from the program's own help; `peerage help COMMAND` prints the same.\n",
    );
    paragraph(&mut text, &about(&root));
    let mut commands = Vec::new();
    leaves(&root, &mut commands);
    for (heading, told) in SHARED {
        let _ = write!(text, "\n## {heading}\n\n{told}\n\n");
        let takes = commands.iter().find_map(|it| {
            let own: Vec<_> = arguments(it, Some(heading)).collect();
            (!own.is_empty()).then_some(own)
        });
        takes
            .into_iter()
            .flatten()
            .for_each(|it| argument(&mut text, it));
    }
    commands.into_iter().for_each(|it| command(&mut text, it));
    text
}

/// The commands that do something, in the order of the help.
fn leaves<'a>(command: &'a Command, found: &mut Vec<&'a Command>) {
    let inner = command
        .get_subcommands()
        .filter(|it| it.get_name() != "help");
    for it in inner {
        if !it.has_subcommands() || it.get_arguments().any(|it| it.get_id() != "help") {
            found.push(it);
        }
        leaves(it, found);
    }
}

fn about(command: &Command) -> String {
    let about = command.get_long_about().or(command.get_about());
    about.map(ToString::to_string).unwrap_or_default()
}

fn paragraph(text: &mut String, told: &str) {
    let _ = write!(
        text,
        "\n{told}{}\n",
        if told.ends_with('.') { "" } else { "." }
    );
}

fn arguments<'a>(command: &'a Command, heading: Option<&'a str>) -> impl Iterator<Item = &'a Arg> {
    let own = command
        .get_arguments()
        .filter(|it| !it.is_hide_set() && it.get_id() != "help");
    own.filter(move |it| it.get_help_heading() == heading)
}

fn command(text: &mut String, command: &Command) {
    let name = command.get_bin_name().unwrap_or_default();
    let _ = write!(text, "\n## `{name}`\n");
    paragraph(text, &about(command));
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let _ = write!(text, "\n```sh\n{usage}\n```\n\n");
    let mut headings: Vec<_> = command.get_arguments().map(Arg::get_help_heading).collect();
    headings.retain(|it| SHARED.iter().all(|(shared, _)| *it != Some(*shared)));
    headings.sort_by_key(|it| it.is_some());
    let mut told = Vec::new();
    for heading in headings {
        if told.contains(&heading) {
            continue;
        }
        told.push(heading);
        let mut own: Vec<_> = arguments(command, heading).collect();
        own.sort_by_key(|it| !it.is_required_set());
        own.into_iter().for_each(|it| argument(text, it));
    }
    let (mut few, mut whole) = (Vec::new(), Vec::new());
    for (heading, _) in SHARED {
        let own: Vec<_> = arguments(command, Some(heading)).collect();
        let link = format!("[{heading}](#{})", heading.to_lowercase().replace(' ', "-"));
        if own.len() > 3 {
            whole.push(link);
        } else if !own.is_empty() {
            let names = own.iter().filter_map(|it| it.get_long());
            let names: Vec<_> = names.map(|it| format!("`--{it}`")).collect();
            few.push(format!("{} of {link}", names.join(", ")));
        }
    }
    for it in few {
        let _ = writeln!(text, "- {it}");
    }
    if !whole.is_empty() {
        let _ = writeln!(text, "- and those of {}", whole.join(" and "));
    }
}

/// An argument on one line: its form, its text, and what it may be.
fn argument(text: &mut String, it: &Arg) {
    let form = it.to_string();
    let help = it
        .get_long_help()
        .or(it.get_help())
        .map(ToString::to_string)
        .unwrap_or_default();
    let mut told = vec![help.replace('\n', " ")];
    let values = it.get_possible_values();
    if it.get_action().takes_values() && !values.is_empty() {
        let values: Vec<_> = values
            .iter()
            .map(|it| format!("`{}`", it.get_name()))
            .collect();
        told.push(format!("One of {}", values.join(", ")));
    }
    let defaults: Vec<_> = it
        .get_default_values()
        .iter()
        .map(|it| it.to_string_lossy())
        .collect();
    if it.get_action().takes_values() && !defaults.is_empty() {
        told.push(format!("Default: `{}`", defaults.join(", ")));
    }
    if let Some(variable) = it.get_env() {
        told.push(format!("Environment: `{}`", variable.to_string_lossy()));
    }
    if let Some(aliases) = it.get_visible_aliases().filter(|it| !it.is_empty()) {
        told.push(format!("Also `--{}`", aliases.join("`, `--")));
    }
    let required = if it.is_required_set() {
        " (required)"
    } else {
        ""
    };
    let told: Vec<_> = told.iter().map(|it| it.trim_end_matches('.')).collect();
    let _ = writeln!(text, "- `{form}`{required}: {}.", told.join(". "));
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md")
}

/// `PEERAGE_UPDATE_GOLDEN=1` writes it.
#[test]
fn the_written_reference_is_the_one_that_the_arguments_make() {
    let made = reference();
    if std::env::var_os("PEERAGE_UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(file().parent().unwrap()).unwrap();
        fs::write(file(), &made).unwrap();
    }
    let written = fs::read_to_string(file()).unwrap_or_default();
    assert!(
        written == made,
        "docs/cli.md is not what the arguments say: run this test with PEERAGE_UPDATE_GOLDEN=1"
    );
}

#[test]
fn every_argument_has_a_text_and_every_command_too() {
    let mut root = Cli::command();
    root.build();
    let (mut left, mut bare) = (vec![root], Vec::new());
    while let Some(command) = left.pop() {
        let path = command.get_bin_name().unwrap_or_default().to_owned();
        if command.get_about().is_none() {
            bare.push(path.clone());
        }
        let own = command.get_arguments().filter(|it| it.get_help().is_none());
        bare.extend(own.map(|it| format!("{path} {}", it.get_id())));
        left.extend(command.get_subcommands().cloned());
    }
    assert!(bare.is_empty(), "without a text: {bare:#?}");
}

/// A free value is shown by an example, or in the form that it has.
#[test]
fn every_free_value_is_told_with_an_example() {
    let mut root = Cli::command();
    root.build();
    let (mut left, mut bare) = (vec![root], Vec::new());
    while let Some(command) = left.pop() {
        let path = command.get_bin_name().unwrap_or_default().to_owned();
        let free = command.get_arguments().filter(|it| {
            it.get_action().takes_values()
                && it.get_possible_values().is_empty()
                && it.get_default_values().is_empty()
                && it.get_id() != "subcommand"
        });
        for it in free {
            let help = it
                .get_long_help()
                .or(it.get_help())
                .map(ToString::to_string);
            let help = help.unwrap_or_default();
            let forms = [
                " like ",
                "UUID",
                "http://",
                "PROJECT/NAME",
                "ACCOUNT/NETWORK",
                "kurrentdb://",
            ];
            if !forms.iter().any(|form| help.contains(form)) {
                bare.push(format!("{path} {}", it.get_id()));
            }
        }
        left.extend(
            command
                .get_subcommands()
                .filter(|it| it.get_name() != "help")
                .cloned(),
        );
    }
    assert!(bare.is_empty(), "without an example: {bare:#?}");
}

#[test]
fn the_arguments_fit_together() {
    Cli::command().debug_assert();
}
