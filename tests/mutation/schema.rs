//! What can be changed in a file: its syntax is read, and each place that would decide something
//! gets a wrap that asks the probe.
//!
//! Conditions become true and false (which is more than a negation, and more than another
//! operator); bounds move by one; what a statement does is left out; a function returns nothing, or
//! nothing much, at once; a pattern does not match; arms of a match do what their neighbours do;
//! sides are taken for each other. What does not compile is dropped later, so this file may guess.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "the syntax of Rust is not ours, and most of it is left as it is"
)]

use crate::edits::Wrap;
use proc_macro2::Span;
use std::{collections::BTreeSet, ops::Range};
use syn::{
    BinOp, Block, Expr, ExprMatch, Ident, ImplItemFn, ItemFn, ItemImpl, ItemMod, Pat, ReturnType,
    Signature, Stmt, Type, spanned::Spanned, visit, visit::Visit,
};

/// Methods whose result is a boolean.
const ASKS: [&str; 20] = [
    "any",
    "all",
    "is_empty",
    "contains",
    "contains_key",
    "is_some",
    "is_none",
    "is_some_and",
    "is_none_or",
    "is_ok",
    "is_err",
    "insert_if",
    "starts_with",
    "ends_with",
    "is_subset",
    "overlaps",
    "is_live",
    "owns_route",
    "is_ours",
    "opens",
];

/// Methods that take a closure which answers with a boolean.
const SIFTS: [&str; 14] = [
    "filter",
    "any",
    "all",
    "retain",
    "find",
    "position",
    "is_some_and",
    "is_none_or",
    "take_while",
    "skip_while",
    "partition",
    "take_if",
    "extract_if",
    "is_ok_and",
];

/// Methods that are called for what they do, also where nothing follows.
const DOES: [&str; 16] = [
    "act",
    "push",
    "insert",
    "extend",
    "record",
    "install",
    "block",
    "missing",
    "report",
    "retain",
    "clear",
    "remove",
    "due_at",
    "about_to_make",
    "append",
    "truncate",
];

/// Traits whose methods only say how something looks.
const LOOKS: [&str; 6] = [
    "Display",
    "Debug",
    "Error",
    "Serialize",
    "Deserialize",
    "LowerHex",
];

/// Every place of this text that can be changed, with the function that it is in.
///
/// # Errors
/// When it is no Rust.
pub(crate) fn wraps(text: &str) -> syn::Result<Vec<(String, Wrap)>> {
    let file = syn::parse_file(text)?;
    let mut finder = Finder {
        text,
        found: Vec::new(),
        asked: BTreeSet::new(),
        within: Vec::new(),
    };
    finder.visit_file(&file);
    Ok(finder.found)
}

struct Finder<'t> {
    text: &'t str,
    found: Vec<(String, Wrap)>,
    /// Ranges that have become true and false already.
    asked: BTreeSet<(usize, usize)>,
    within: Vec<String>,
}

fn range(span: Span) -> Range<usize> {
    span.byte_range()
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|it| {
        it.path().is_ident("test")
            || it.path().is_ident("cfg")
                && it
                    .meta
                    .require_list()
                    .is_ok_and(|list| list.tokens.to_string().contains("test"))
    })
}

impl Finder<'_> {
    fn source(&self, range: Range<usize>) -> &str {
        &self.text[range]
    }

    fn wrap(&mut self, range: Range<usize>, before: &str, after: &str, changes: &[String]) {
        let wrap = Wrap {
            range,
            before: before.to_owned(),
            after: after.to_owned(),
            changes: changes.to_vec(),
            number: 0,
        };
        self.found.push((self.within.join("::"), wrap));
    }

    /// What the text says, in one short line.
    fn short(&self, range: Range<usize>) -> String {
        let words: Vec<&str> = self.source(range).split_whitespace().collect();
        let line = words.join(" ");
        if line.chars().count() > 70 {
            line.chars().take(69).chain(['…']).collect()
        } else {
            line
        }
    }

    /// A condition, with each of its parts.
    fn ask(&mut self, expr: &Expr) {
        match expr {
            Expr::Let(it) => {
                let range = range(it.span());
                let change = format!("`{}` does not match", self.short(range.clone()));
                if self.asked.insert((range.start, range.end)) {
                    self.wrap(range, "crate::mutant::off(#0) && ", "", &[change]);
                }
                return;
            }
            Expr::Paren(it) => return self.ask(&it.expr),
            Expr::Binary(it) if matches!(it.op, BinOp::And(_) | BinOp::Or(_)) => {
                self.ask(&it.left);
                self.ask(&it.right);
                if has_let(expr) {
                    return;
                }
            }
            Expr::Unary(it) if matches!(it.op, syn::UnOp::Not(_)) => return self.ask(&it.expr),
            Expr::Block(it) => {
                if let Some(Stmt::Expr(tail, None)) = it.block.stmts.last() {
                    self.ask(tail);
                }
                return;
            }
            Expr::If(_) | Expr::Match(_) | Expr::Lit(_) | Expr::Return(_) => return,
            _ => {}
        }
        let range = range(expr.span());
        if self.asked.insert((range.start, range.end)) {
            let short = self.short(range.clone());
            self.wrap(
                range,
                "crate::mutant::either(#0, ",
                ")",
                &[format!("`{short}` is true"), format!("`{short}` is false")],
            );
        }
    }

    /// The expression, or another.
    fn instead(&mut self, range: Range<usize>, other: &str) {
        let words: Vec<&str> = other.split_whitespace().collect();
        let short = words.join(" ");
        let change = format!("`{}` becomes `{short}`", self.short(range.clone()));
        let before = format!("(if crate::mutant::on(#0) {{ {other} }} else {{ ");
        self.wrap(range, &before, " })", &[change]);
    }

    /// A function that returns this at once.
    fn returns(&mut self, body: &Block, value: &str) {
        let at = range(body.brace_token.span.open()).end;
        let change = format!("the function returns `{value}` at once");
        let text = format!(" if crate::mutant::on(#0) {{ return {value}; }}");
        self.wrap(at..at, &text, "", &[change]);
    }

    fn function(&mut self, signature: &Signature, body: &Block) {
        if body.stmts.is_empty() {
            return;
        }
        for value in match &signature.output {
            ReturnType::Default => vec![String::new()],
            ReturnType::Type(_, ty) => worthless(ty),
        } {
            self.returns(body, &value);
        }
        if let (ReturnType::Type(_, ty), Some(Stmt::Expr(tail, None))) =
            (&signature.output, body.stmts.last())
            && is_named(ty, "bool")
        {
            if body.stmts.len() == 1 {
                let whole = range(tail.span());
                self.asked.insert((whole.start, whole.end));
            }
            self.ask(tail);
        }
    }

    /// A statement is left out.
    fn leave_out(&mut self, range: Range<usize>) {
        let change = format!("`{}` is left out", self.short(range.clone()));
        self.wrap(range, "if crate::mutant::off(#0) { ", " }", &[change]);
    }

    fn tail(&mut self, tail: &Expr) {
        let does = match tail {
            Expr::MethodCall(it) => {
                DOES.contains(&it.method.to_string().as_str()) || it.args.iter().any(is_draft)
            }
            Expr::Call(it) => it.args.iter().any(is_draft),
            Expr::Assign(_) => true,
            _ => false,
        };
        if does {
            let range = range(tail.span());
            let change = format!("`{}` is left out", self.short(range.clone()));
            self.wrap(range, "{ if crate::mutant::off(#0) { ", " } }", &[change]);
        }
    }

    fn arms(&mut self, it: &ExprMatch) {
        let nothing =
            |body: &Expr| matches!(body, Expr::Block(block) if block.block.stmts.is_empty());
        let is_statement = it.arms.iter().any(|arm| nothing(&arm.body));
        for (index, arm) in it.arms.iter().enumerate() {
            let body = arm.body.as_ref();
            let whole = range(body.span());
            if is_statement && !nothing(body) {
                let change = format!("`{} => …` does nothing", self.short(range(arm.pat.span())));
                self.wrap(
                    whole,
                    "{ if crate::mutant::on(#0) { } else { ",
                    " } }",
                    &[change],
                );
                continue;
            }
            if is_statement {
                continue;
            }
            // What a neighbour does, if it needs nothing of its own pattern.
            let Some(other) = it.arms.get(index + 1).or_else(|| it.arms.first()) else {
                continue;
            };
            let other_body = other.body.as_ref();
            let text = self.source(range(other_body.span())).to_owned();
            if it.arms.len() < 2
                || text == self.source(whole.clone())
                || text.len() > 300
                || binds(&other.pat)
            {
                continue;
            }
            let change = format!(
                "`{} => …` does as `{}`",
                self.short(range(arm.pat.span())),
                self.short(range(other.pat.span()))
            );
            let before = format!("{{ if crate::mutant::on(#0) {{ {text} }} else {{ ");
            self.wrap(whole, &before, " } }", &[change]);
        }
    }
}

fn has_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(it) => has_let(&it.left) || has_let(&it.right),
        _ => false,
    }
}

fn is_draft(expr: &Expr) -> bool {
    match expr {
        Expr::Path(it) => it.path.is_ident("draft"),
        Expr::Reference(it) => is_draft(&it.expr),
        _ => false,
    }
}

fn binds(pattern: &Pat) -> bool {
    struct Binds(bool);
    impl<'a> Visit<'a> for Binds {
        fn visit_pat_ident(&mut self, it: &'a syn::PatIdent) {
            self.0 |= it.ident.to_string().starts_with(char::is_lowercase);
        }
    }
    let mut binds = Binds(false);
    binds.visit_pat(pattern);
    binds.0
}

fn last(ty: &Type) -> Option<(&Ident, Vec<&Type>)> {
    let Type::Path(path) = ty else { return None };
    let segment = path.path.segments.last()?;
    let mut arguments = Vec::new();
    if let syn::PathArguments::AngleBracketed(them) = &segment.arguments {
        for it in &them.args {
            if let syn::GenericArgument::Type(ty) = it {
                arguments.push(ty);
            }
        }
    }
    Some((&segment.ident, arguments))
}

fn is_named(ty: &Type, name: &str) -> bool {
    last(ty).is_some_and(|(ident, _)| ident == name)
}

/// What a function of this type can return without having done anything.
fn worthless(ty: &Type) -> Vec<String> {
    match ty {
        Type::Tuple(it) if it.elems.is_empty() => return vec!["()".to_owned()],
        Type::Reference(it) if is_named(&it.elem, "str") => return vec!["\"\"".to_owned()],
        Type::Reference(it) if matches!(*it.elem, Type::Slice(_)) => return vec!["&[]".to_owned()],
        _ => {}
    }
    let Some((name, arguments)) = last(ty) else {
        return Vec::new();
    };
    let all = |values: &[&str]| values.iter().map(|it| (*it).to_owned()).collect();
    match name.to_string().as_str() {
        "bool" => all(&["true", "false"]),
        "Option" => all(&["None"]),
        "Vec" | "String" | "BTreeSet" | "BTreeMap" | "HashMap" | "HashSet" | "BySide"
        | "VecDeque" => all(&["Default::default()"]),
        "usize" | "u64" | "u32" | "u16" | "u8" => all(&["0", "1"]),
        "Result" => arguments.first().map_or_else(Vec::new, |it| {
            worthless(it)
                .into_iter()
                .map(|value| format!("Ok({value})"))
                .collect()
        }),
        _ => Vec::new(),
    }
}

impl<'a> Visit<'a> for Finder<'_> {
    fn visit_item_mod(&mut self, it: &'a ItemMod) {
        if !is_for_tests(&it.attrs) {
            visit::visit_item_mod(self, it);
        }
    }

    fn visit_item_const(&mut self, _: &'a syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'a syn::ItemStatic) {}
    fn visit_impl_item_const(&mut self, _: &'a syn::ImplItemConst) {}
    fn visit_attribute(&mut self, _: &'a syn::Attribute) {}
    fn visit_type(&mut self, _: &'a Type) {}
    fn visit_pat(&mut self, _: &'a Pat) {}

    fn visit_item_impl(&mut self, it: &'a ItemImpl) {
        let looks = it.trait_.as_ref().and_then(|parts| parts.0.segments.last());
        if is_for_tests(&it.attrs)
            || looks.is_some_and(|it| LOOKS.iter().any(|name| it.ident == name))
        {
            return;
        }
        let name = last(&it.self_ty).map_or_else(String::new, |(name, _)| name.to_string());
        self.within.push(name);
        visit::visit_item_impl(self, it);
        self.within.pop();
    }

    fn visit_item_fn(&mut self, it: &'a ItemFn) {
        if is_for_tests(&it.attrs) || it.sig.constness.is_some() {
            return;
        }
        self.within.push(it.sig.ident.to_string());
        self.function(&it.sig, &it.block);
        self.visit_block(&it.block);
        self.within.pop();
    }

    fn visit_impl_item_fn(&mut self, it: &'a ImplItemFn) {
        if is_for_tests(&it.attrs) || it.sig.constness.is_some() {
            return;
        }
        self.within.push(it.sig.ident.to_string());
        self.function(&it.sig, &it.block);
        self.visit_block(&it.block);
        self.within.pop();
    }

    fn visit_block(&mut self, it: &'a Block) {
        if let Some(Stmt::Expr(tail, None)) = it.stmts.last() {
            self.tail(tail);
        }
        visit::visit_block(self, it);
    }

    fn visit_stmt(&mut self, it: &'a Stmt) {
        if let Stmt::Expr(expr, Some(semicolon)) = it {
            let assigns = matches!(expr, Expr::Binary(it) if is_assignment(&it.op));
            if assigns
                || matches!(
                    expr,
                    Expr::MethodCall(_)
                        | Expr::Call(_)
                        | Expr::Await(_)
                        | Expr::Try(_)
                        | Expr::Assign(_)
                )
            {
                self.leave_out(range(expr.span()).start..range(semicolon.span()).end);
            }
        }
        if let Stmt::Local(local) = it
            && let Some(init) = &local.init
            && init.diverge.is_some()
            && matches!(&local.pat, Pat::TupleStruct(it) if it.path.is_ident("Some"))
        {
            let whole = range(init.expr.span());
            let change = format!("`{}` is nothing", self.short(whole.clone()));
            self.wrap(whole, "crate::mutant::none(#0, ", ")", &[change]);
        }
        visit::visit_stmt(self, it);
    }

    fn visit_arm(&mut self, it: &'a syn::Arm) {
        if let Pat::Guard(it) = &it.pat {
            self.ask(&it.guard);
            self.visit_expr(&it.guard);
        }
        self.tail(&it.body);
        visit::visit_arm(self, it);
    }

    fn visit_expr(&mut self, it: &'a Expr) {
        match it {
            Expr::If(it) => self.ask(&it.cond),
            Expr::While(it) => self.ask(&it.cond),
            Expr::Match(it) => self.arms(it),
            Expr::Unary(it) if matches!(it.op, syn::UnOp::Not(_)) => self.ask(&it.expr),
            Expr::Binary(binary) => self.binary(binary, it),
            Expr::Macro(inner) if inner.mac.path.is_ident("matches") => self.ask(it),
            Expr::Lit(literal) => match &literal.lit {
                syn::Lit::Bool(value) => {
                    let change = format!("`{}` becomes `{}`", value.value, !value.value);
                    self.wrap(range(it.span()), "crate::mutant::flip(#0, ", ")", &[change]);
                }
                syn::Lit::Int(value) => {
                    if let Ok(number) = value.base10_parse::<u64>() {
                        self.instead(range(it.span()), &(number + 1).to_string());
                    }
                }
                _ => {}
            },
            Expr::Path(path) => self.side(&path.path, range(it.span())),
            Expr::MethodCall(call) => self.method(call, it),
            _ => {}
        }
        visit::visit_expr(self, it);
    }
}

fn is_assignment(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::AddAssign(_) | BinOp::SubAssign(_) | BinOp::BitOrAssign(_) | BinOp::BitAndAssign(_)
    )
}

impl Finder<'_> {
    fn binary(&mut self, it: &syn::ExprBinary, whole: &Expr) {
        let operator = match it.op {
            BinOp::Lt(_) => "<=",
            BinOp::Le(_) => "<",
            BinOp::Gt(_) => ">=",
            BinOp::Ge(_) => ">",
            BinOp::Add(_) => "-",
            BinOp::Sub(_) => "+",
            _ => "",
        };
        if !operator.is_empty() {
            let left = self.source(range(it.left.span()));
            let right = self.source(range(it.right.span()));
            let other = format!("{left} {operator} {right}");
            self.instead(range(whole.span()), &other);
        }
        match it.op {
            BinOp::And(_) | BinOp::Or(_) if !has_let(whole) => {
                self.ask(&it.left);
                self.ask(&it.right);
            }
            BinOp::Lt(_)
            | BinOp::Le(_)
            | BinOp::Gt(_)
            | BinOp::Ge(_)
            | BinOp::Eq(_)
            | BinOp::Ne(_) => {
                self.ask(whole);
            }
            _ => {}
        }
    }

    fn side(&mut self, path: &syn::Path, range: Range<usize>) {
        let names: Vec<String> = path
            .segments
            .iter()
            .map(|it| it.ident.to_string())
            .collect();
        let other = match names.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["Side", "Local"] => "Side::Remote",
            ["Side", "Remote"] => "Side::Local",
            _ => return,
        };
        let change = format!("`{}` becomes `{other}`", self.short(range.clone()));
        let after = format!(", {other})");
        self.wrap(range, "crate::mutant::pick(#0, ", &after, &[change]);
    }

    fn method(&mut self, call: &syn::ExprMethodCall, whole: &Expr) {
        let name = call.method.to_string();
        let name = name.as_str();
        let closure = match call.args.first() {
            Some(Expr::Closure(it)) => Some(&it.body),
            _ => None,
        };
        match closure {
            Some(body) if SIFTS.contains(&name) => self.ask(body),
            _ if ASKS.contains(&name) => self.ask(whole),
            _ => {}
        }
        let method = range(call.method.span());
        let all = range(whole.span());
        let other = match (name, call.args.len()) {
            ("all", 1) => Some("any"),
            ("any", 1) => Some("all"),
            ("min", 1) => Some("max"),
            ("max", 1) => Some("min"),
            ("first", 0) => Some("last"),
            ("last", 0) => Some("first"),
            _ => None,
        };
        if let Some(other) = other {
            let before = self.source(all.start..method.start);
            let after = self.source(method.end..all.end);
            let other = format!("{before}{other}{after}");
            self.instead(all, &other);
        }
        if name == "chain" && call.args.len() == 1 {
            for part in [call.receiver.as_ref(), &call.args[0]] {
                let part = range(part.span());
                let change = format!("`{}` has no items", self.short(part.clone()));
                self.wrap(part, "crate::mutant::less(#0, ", ")", &[change]);
            }
        }
    }
}
