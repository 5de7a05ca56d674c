//! What IAM makes of a policy, as far as the printed ones go: actions, resources with `*`, and the
//! conditions that they use. An operator that is not known here fails the test, so that no
//! condition passes unread.

use serde_json::Value;
use std::collections::BTreeMap;

/// One permission that a call takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Needed {
    /// `ec2:CreateRoute`, for instance.
    pub(super) action: String,
    /// The ARN of what it is done to; `*` where the action knows no resources.
    pub(super) resource: String,
    /// The condition keys that IAM would have, each with its values.
    pub(super) context: BTreeMap<String, Vec<String>>,
}

/// Whether one of these statements allows it.
pub(super) fn is_allowed(statements: &[Value], needed: &Needed) -> bool {
    statements.iter().any(|it| allows(it, needed))
}

fn allows(statement: &Value, needed: &Needed) -> bool {
    assert_eq!(statement["Effect"], "Allow", "{statement:#}");
    let names = |values: &Value, wanted: &str| each(values).any(|it| matches(it, wanted));
    names(&statement["Action"], &needed.action)
        && names(&statement["Resource"], &needed.resource)
        && statement["Condition"].as_object().is_none_or(|all| {
            all.iter()
                .all(|(operator, keys)| holds(operator, keys, needed))
        })
}

fn holds(operator: &str, keys: &Value, needed: &Needed) -> bool {
    keys.as_object().unwrap().iter().all(|(key, permitted)| {
        let given = needed.context.get(key).map_or(&[][..], Vec::as_slice);
        let is_permitted = |it: &String| match operator {
            "StringEquals" | "ForAllValues:StringEquals" => each(permitted).any(|one| one == it),
            "ArnEquals" => each(permitted).any(|one| matches(one, it)),
            other => panic!("{other} is an operator that nothing here evaluates"),
        };
        let of_all = operator.starts_with("ForAllValues:");
        (of_all || !given.is_empty()) && given.iter().all(is_permitted)
    })
}

/// One text, or several.
fn each(values: &Value) -> impl Iterator<Item = &str> {
    let values = values
        .as_array()
        .map_or(std::slice::from_ref(values), Vec::as_slice);
    values.iter().map(|it| it.as_str().unwrap())
}

/// Whether the pattern, in which `*` stands for anything, is that text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(left) = text.strip_prefix(start) else {
        return false;
    };
    rest.is_empty()
        || (0..=left.len()).any(|at| left.is_char_boundary(at) && matches(rest, &left[at..]))
}

#[test]
fn a_statement_allows_what_meets_its_action_its_resource_and_every_condition() {
    let statement = serde_json::json!({
        "Effect": "Allow",
        "Action": ["ec2:CreateRoute", "ec2:DeleteRoute"],
        "Resource": ["arn:aws:ec2:eu-west-1:1:route-table/*"],
        "Condition": {
            "ArnEquals": { "ec2:Vpc": "arn:aws:ec2:eu-west-1:1:vpc/vpc-1" },
            "ForAllValues:StringEquals": { "aws:TagKeys": ["owner"] }
        }
    });
    let needed = |action: &str, resource: &str, context: &[(&str, &str)]| Needed {
        action: action.to_owned(),
        resource: format!("arn:aws:ec2:{resource}"),
        context: context
            .iter()
            .map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()]))
            .collect(),
    };
    let (table, here) = (
        "eu-west-1:1:route-table/rtb-1",
        "arn:aws:ec2:eu-west-1:1:vpc/vpc-1",
    );
    let allowed = |it: Needed| is_allowed(std::slice::from_ref(&statement), &it);
    assert!(allowed(needed(
        "ec2:CreateRoute",
        table,
        &[("ec2:Vpc", here)]
    )));
    for refused in [
        needed("ec2:ReplaceRoute", table, &[("ec2:Vpc", here)]),
        needed(
            "ec2:CreateRoute",
            "us-east-1:1:route-table/rtb-1",
            &[("ec2:Vpc", here)],
        ),
        needed(
            "ec2:CreateRoute",
            table,
            &[("ec2:Vpc", "arn:aws:ec2:eu-west-1:1:vpc/vpc-2")],
        ),
        needed("ec2:CreateRoute", table, &[]),
        needed(
            "ec2:CreateRoute",
            table,
            &[("ec2:Vpc", here), ("aws:TagKeys", "team")],
        ),
    ] {
        assert!(!allowed(refused.clone()), "{refused:?}");
    }
}
