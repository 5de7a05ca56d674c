//! Links between documents: what a relative link in Markdown names must be there.

use std::path::{Component, Path, PathBuf};

/// One complaint per relative link in `text`, the Markdown file at `path`, whose target is not in
/// the workspace. `is_there` is asked with paths from the workspace's root.
#[must_use]
pub fn complaints(path: &str, text: &str, is_there: impl Fn(&Path) -> bool) -> Vec<String> {
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let mut found = Vec::new();
    let mut is_code = false;
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        for target in targets(line) {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let resolved = resolve(folder, file);
            if !resolved.is_some_and(|resolved| is_there(&resolved)) {
                found.push(format!(
                    "{path}:{} links to {target}, which is not there",
                    at + 1
                ));
            }
        }
    }
    found
}

/// What the inline links and the reference definitions of a line point to.
fn targets(line: &str) -> Vec<String> {
    // What stands in backticks is code.
    let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("``");
    let mut found = Vec::new();
    let mut rest = &*prose;
    while let Some((_, after)) = rest.split_once("](") {
        let (target, behind) = after.split_once(')').unwrap_or((after, ""));
        let target = target.split_whitespace().next().unwrap_or_default();
        found.push(target.trim_matches(['<', '>']).to_owned());
        rest = behind;
    }
    if prose.starts_with('[')
        && let Some((_, target)) = prose.split_once("]: ")
    {
        found.push(target.trim().to_owned());
    }
    found
}

/// The path from the root, unless it leads out of the workspace.
fn resolve(folder: &Path, target: &str) -> Option<PathBuf> {
    let mut resolved = PathBuf::new();
    for part in folder.join(target).components() {
        match part {
            Component::Normal(name) => resolved.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !resolved.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Vec<String> {
        complaints("docs/one.md", text, |path| {
            ["docs/two.md", "README.md", "docs"]
                .iter()
                .any(|there| Path::new(there) == path)
        })
    }

    #[test]
    fn links_to_what_is_there_pass() {
        let text = "[a](two.md) and [b](../README.md#part), [c](#here)\n[d](https://example.com/x)\n[e](.)\n[f]: two.md\n";
        assert_eq!(check(text), Vec::<String>::new());
    }

    #[test]
    fn a_link_to_what_is_not_there_is_named_with_its_line() {
        let text = "fine\n[a](three.md \"title\")\n[b](../../out.md)\n[c]: four.md\n";
        assert_eq!(
            check(text),
            [
                "docs/one.md:2 links to three.md, which is not there",
                "docs/one.md:3 links to ../../out.md, which is not there",
                "docs/one.md:4 links to four.md, which is not there",
            ]
        );
    }

    #[test]
    fn what_is_code_is_no_link() {
        assert_eq!(check("`[a](b)`\n```\n[a](b)\n```\n"), Vec::<String>::new());
    }
}
