//! No circle of modules inside a room: of two modules side by side, at most one knows the other, at
//! whatever distance. So each can be read, tested and replaced without the other.
//!
//! A module knows what its code names by a path. What a parent re-exports belongs to the parent:
//! `use crate::Thing` leads to no child. Tests may look wherever they like.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path as FilePath,
};
use syn::{
    Attribute, ItemMod, ItemUse, Path, UseTree,
    visit::{self, Visit},
};

/// A module's path in its crate; empty for the crate itself.
pub type Module = Vec<String>;

/// What a module names: paths from the crate's root.
type Names = BTreeSet<Vec<String>>;

/// The module that a file is, by its path in `src`; `None` for one of tests, and for what is no
/// module.
pub fn module(path: &FilePath) -> Option<Module> {
    let mut names: Vec<_> = path
        .with_extension("")
        .iter()
        .map(|it| it.to_string_lossy().into_owned())
        .collect();
    let tests = |it: &String| it.ends_with("tests") || it == "testing";
    if path.extension()? != "rs" || names.iter().any(tests) {
        return None;
    }
    let last = names.last().map(String::as_str);
    if matches!(last, Some("mod")) || names.len() == 1 && matches!(last, Some("lib" | "main")) {
        names.pop();
    }
    Some(names)
}

/// The circles of a crate whose modules have these texts.
///
/// # Errors
/// A file is not Rust.
pub fn complaints(room: &str, modules: &BTreeMap<Module, String>) -> syn::Result<Vec<String>> {
    let mut known: BTreeMap<Module, Graph> = BTreeMap::new();
    for (module, text) in modules {
        for named in names(module, text, modules)? {
            let target = owner(&named, modules);
            let shared = module.iter().zip(&target).take_while(|(a, b)| a == b);
            let depth = shared.count();
            if let (Some(from), Some(to)) = (module.get(depth), target.get(depth)) {
                let graph = known.entry(module[..depth].to_vec()).or_default();
                graph.entry(from.clone()).or_default().insert(to.clone());
            }
        }
    }
    let circles = known.iter().flat_map(|(parent, graph)| {
        let place = [&[room.to_owned()], &parent[..]].concat().join("::");
        let circle = move |it: Vec<String>| {
            format!("{place}: {} know each other, in a circle", it.join(", "))
        };
        circles(graph).into_iter().map(circle)
    });
    Ok(circles.collect())
}

type Graph = BTreeMap<String, BTreeSet<String>>;

/// The modules that reach themselves, put together by whom they reach in return.
fn circles(graph: &Graph) -> BTreeSet<Vec<String>> {
    let reached: BTreeMap<_, _> = graph.keys().map(|it| (it, reach(graph, it))).collect();
    let reaches = |a: &String, b: &String| reached.get(a).is_some_and(|it| it.contains(b));
    let among = |it: &String| {
        let members = graph
            .keys()
            .filter(|&other| reaches(it, other) && reaches(other, it));
        members.cloned().collect::<Vec<_>>()
    };
    graph
        .keys()
        .map(among)
        .filter(|it| !it.is_empty())
        .collect()
}

fn reach(graph: &Graph, from: &str) -> BTreeSet<String> {
    let (mut reached, mut left) = (BTreeSet::new(), vec![from]);
    while let Some(it) = left.pop() {
        for next in graph.get(it).into_iter().flatten() {
            if reached.insert(next.clone()) {
                left.push(next);
            }
        }
    }
    reached
}

/// The innermost module on the way to what is named.
fn owner(named: &[String], modules: &BTreeMap<Module, String>) -> Module {
    let lengths = (0..=named.len()).rev();
    let mut ways = lengths.map(|length| named[..length].to_vec());
    ways.find(|it| modules.contains_key(it)).unwrap_or_default()
}

/// Everything of the same crate that a module's code names.
fn names(module: &Module, text: &str, modules: &BTreeMap<Module, String>) -> syn::Result<Names> {
    let mut collector = Collector {
        module,
        modules,
        names: Names::new(),
    };
    collector.visit_file(&syn::parse_file(text)?);
    Ok(collector.names)
}

struct Collector<'a> {
    module: &'a Module,
    modules: &'a BTreeMap<Module, String>,
    names: Names,
}

impl Collector<'_> {
    /// Notes a path if it leads into the crate.
    fn note(&mut self, path: &[String]) {
        let Some(first) = path.first() else { return };
        let child = || [&self.module[..], std::slice::from_ref(first)].concat();
        let (base, rest) = match first.as_str() {
            "crate" => (&[][..], &path[1..]),
            "self" => (&self.module[..], &path[1..]),
            "super" => {
                let up = path.iter().take_while(|it| *it == "super").count();
                let Some(depth) = self.module.len().checked_sub(up) else {
                    return;
                };
                (&self.module[..depth], &path[up..])
            }
            _ if self.modules.contains_key(&child()) => (&self.module[..], path),
            _ => return,
        };
        self.names.insert([base, rest].concat());
    }

    fn note_tree(&mut self, before: &mut Vec<String>, tree: &UseTree) {
        match tree {
            UseTree::Path(it) => {
                before.push(it.ident.to_string());
                self.note_tree(before, &it.tree);
                before.pop();
            }
            UseTree::Group(it) => it.items.iter().for_each(|it| self.note_tree(before, it)),
            UseTree::Name(it) => self.note(&[&before[..], &[it.ident.to_string()]].concat()),
            UseTree::Rename(it) => self.note(&[&before[..], &[it.ident.to_string()]].concat()),
            UseTree::Glob(_) => self.note(before),
        }
    }
}

impl<'ast> Visit<'ast> for Collector<'_> {
    // Modules in the same file are read with it; a test's may look wherever it likes.
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if !only_in_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if !only_in_tests(&item.attrs) {
            self.note_tree(&mut Vec::new(), &item.tree);
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let path_of = |it: &Path| it.segments.iter().map(|it| it.ident.to_string()).collect();
        let segments: Vec<String> = path_of(path);
        if segments.len() > 1 {
            self.note(&segments);
        }
        visit::visit_path(self, path);
    }
}

fn only_in_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|it| {
        it.path().is_ident("cfg") && it.parse_args::<syn::Ident>().is_ok_and(|it| it == "test")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(modules: &[(&str, &str)]) -> Vec<String> {
        let modules = modules.iter().map(|(module, text)| {
            let path = module.split("::").filter(|it| !it.is_empty());
            (path.map(str::to_owned).collect(), (*text).to_owned())
        });
        complaints("room", &modules.collect()).unwrap()
    }

    #[test]
    fn modules_that_know_each_other_are_named_at_whatever_distance() {
        let complaints = found(&[
            ("", "mod a; mod b; mod c;"),
            ("a", "use crate::b::B;"),
            ("b", "fn f(it: super::c::d::D) {}"),
            ("c", "pub mod d;"),
            ("c::d", "use crate::{a::{self, A}, Other};"),
        ]);
        assert_eq!(complaints, ["room: a, b, c know each other, in a circle"]);
    }

    #[test]
    fn what_the_parent_shows_and_what_tests_look_at_makes_no_circle() {
        let complaints = found(&[
            ("", "mod a; mod b; pub use a::A; pub use b::B;"),
            (
                "a",
                "use crate::B; #[cfg(test)] mod tests { use crate::b::B; }",
            ),
            ("b", "use super::a::A;"),
            ("b::inner", "use super::Outer;"),
        ]);
        assert_eq!(complaints, Vec::<String>::new());
    }

    #[test]
    fn a_circle_further_in_is_told_with_its_parent() {
        let complaints = found(&[
            ("p", "mod x; mod y;"),
            ("p::x", "use super::y::*;"),
            ("p::y", "fn f() { super::x::g() }"),
        ]);
        assert_eq!(complaints, ["room::p: x, y know each other, in a circle"]);
    }
}
