//! The comments of `.proto` files, by what they stand on.

use prost_reflect::DescriptorPool;
use std::collections::HashMap;

/// File name → the path of a descriptor in it → its comment.
#[derive(Debug, Default)]
pub(super) struct Comments(HashMap<String, HashMap<Vec<i32>, String>>);

impl Comments {
    pub(super) fn of(pool: &DescriptorPool) -> Self {
        let files = pool.files().map(|file| {
            let info = file.file_descriptor_proto().source_code_info.clone();
            let locations = info.into_iter().flat_map(|it| it.location);
            let comments = locations.filter_map(|it| {
                let text = it.leading_comments.or(it.trailing_comments)?;
                Some((it.path, unindented(&text)))
            });
            (file.name().to_owned(), comments.collect())
        });
        Self(files.collect())
    }

    /// Empty where there is none.
    pub(super) fn on(&self, file: &str, path: &[i32]) -> String {
        let comment = self.0.get(file).and_then(|it| it.get(path));
        comment.cloned().unwrap_or_default()
    }
}

/// Without the space behind each `//`.
fn unindented(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}
