//! Roles that projects make, and who is in them: as far as owners are told to make one for the
//! engine. Whoever is put into a role here is the caller, who has nothing else in that project from
//! then on. After the published description alone: no recording has one.

use crate::{answers::Reply, state::State};
use serde_json::{Value, json};
use std::collections::BTreeSet;

type Answered = (&'static str, String, Reply);

fn texts(value: &Value) -> BTreeSet<String> {
    let all = value.as_array().into_iter().flatten();
    let texts = all.filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// `projects.roles.create`.
pub(crate) fn make_role(state: &mut State, project: &str, body: &Value) -> Answered {
    let method = "projects.roles.create";
    let Some(id) = body["roleId"].as_str() else {
        return (method, project.to_owned(), Reply::bad("a role has an id"));
    };
    let permissions = texts(&body["role"]["includedPermissions"]);
    let name = format!("projects/{project}/roles/{id}");
    let shown = json!({ "name": name, "includedPermissions": permissions });
    state.made_roles.insert(name, permissions);
    (method, project.to_owned(), Reply::good(shown))
}

/// `projects.getIamPolicy`.
pub(crate) fn policy(_: &State, project: &str) -> Answered {
    let shown = json!({ "version": 1, "etag": "ACAB", "bindings": [] });
    let method = "projects.getIamPolicy";
    (method, project.to_owned(), Reply::good(shown))
}

/// `projects.setIamPolicy`.
pub(crate) fn set_policy(state: &mut State, project: &str, body: &Value) -> Answered {
    let method = "projects.setIamPolicy";
    let bindings = body["policy"]["bindings"].as_array().into_iter().flatten();
    for binding in bindings {
        let role = binding["role"].as_str().unwrap_or_default();
        let Some(permissions) = state.made_roles.get(role).cloned() else {
            let missing = Reply::bad(&format!("Role {role} does not exist."));
            return (method, project.to_owned(), missing);
        };
        if binding["members"]
            .as_array()
            .is_some_and(|it| !it.is_empty())
        {
            state.roles.insert(project.to_owned(), permissions);
        }
    }
    (
        method,
        project.to_owned(),
        Reply::good(body["policy"].clone()),
    )
}
