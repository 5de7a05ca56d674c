//! Which call is meant, who may make it, and what becomes of it.

use crate::{
    answers::{Outcome, Reply},
    faults::Fault,
    iam,
    methods::OF_HALVES,
    peerings::is_name,
    quotas,
    state::{Seen, State},
    world::Effect,
};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A request, taken apart.
struct Call<'a> {
    base: &'a str,
    project: String,
    query: BTreeMap<String, String>,
    body: Value,
}

pub(crate) fn answer(state: &mut State, http: &str, url: &str, body: &[u8]) -> Reply {
    state.end_operations();
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let query = query.split('&').filter_map(|it| it.split_once('='));
    let query: BTreeMap<_, _> = query
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect();
    let parts: Vec<String> = path.split('/').skip(1).map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let body = if body.is_empty() {
        Ok(Value::Null)
    } else {
        serde_json::from_slice(body)
    };
    let sent = body.as_ref().map_or(Value::Null, Value::clone);
    let (method, project, reply) = match (parts.as_slice(), body) {
        (_, Err(error)) => {
            let message = format!("Invalid JSON payload received. {error}");
            ("", String::new(), Reply::bad(&message))
        }
        (["v1", "projects", named, rest @ ..], Ok(_)) if quotas::is_asked(http, rest) => {
            quotas::answer(state, named, &query)
        }
        (["v1", "projects", project, "roles"], Ok(body)) if http == "POST" => {
            iam::make_role(state, project, &body)
        }
        (["v1", "projects", rest], Ok(body)) if http == "POST" => match rest.split_once(':') {
            Some((project, "getIamPolicy")) => iam::policy(state, project),
            Some((project, "setIamPolicy")) => iam::set_policy(state, project, &body),
            Some(_) | None => granted(state, rest, &body),
        },
        (
            [
                "compute",
                base @ ("v1" | "beta"),
                "projects",
                named,
                rest @ ..,
            ],
            Ok(body),
        ) => match state.project_named(named) {
            Err(missing) => ("projects.get", (*named).to_owned(), missing),
            Ok(project) => {
                let call = Call {
                    base,
                    project: project.clone(),
                    query,
                    body,
                };
                let (method, reply) = of_compute(state, http, rest, &call);
                (method, project, reply)
            }
        },
        (_, Ok(_)) => ("", String::new(), Reply::missing(path)),
    };
    state.calls.push(Seen {
        method: method.to_owned(),
        project,
        http: http.to_owned(),
        url: url.to_owned(),
        body: sent,
        status: reply.status,
    });
    reply
}

/// `{project}:testIamPermissions`: those of the permissions that the caller has.
fn granted(state: &mut State, rest: &str, body: &Value) -> (&'static str, String, Reply) {
    let method = "projects.testIamPermissions";
    let Some(named) = rest.strip_suffix(":testIamPermissions") else {
        return (method, String::new(), Reply::missing(rest));
    };
    let project = match state.project_named(named) {
        Ok(project) => project,
        Err(missing) => return (method, named.to_owned(), missing),
    };
    let asked = body["permissions"].as_array().into_iter().flatten();
    let has = |it: &&Value| state.has(&project, it.as_str().unwrap_or_default());
    let granted: Vec<_> = asked.filter(has).cloned().collect();
    let shown = if granted.is_empty() {
        json!({})
    } else {
        json!({ "permissions": granted })
    };
    (method, project, Reply::good(shown))
}

fn of_compute(
    state: &mut State,
    http: &str,
    rest: &[&str],
    call: &Call<'_>,
) -> (&'static str, Reply) {
    if let ("GET", ["global", "networks", network]) = (http, rest) {
        return made(
            state,
            call,
            "networks.get",
            "compute.networks.get",
            |state| state.show_network(&call.project, network, call.base),
        );
    }
    if let ["global", "networks", network, verb] = rest {
        return of_network(state, http, network, verb, call);
    }
    match (http, rest) {
        ("GET", []) => made(
            state,
            call,
            "projects.get",
            "compute.projects.get",
            |state| {
                let number = &state.projects[&call.project];
                let account = format!("{number}-compute@developer.gserviceaccount.com");
                Ok(json!({
                    "kind": "compute#project",
                    "id": "1",
                    "name": call.project,
                    "defaultServiceAccount": account,
                }))
            },
        ),
        ("GET", ["global", "networks"]) => listed(
            state,
            call,
            "networks.list",
            "compute.networks.list",
            |state| Ok(state.show_networks(&call.project, call.base)),
        ),
        ("POST", ["global", "networks"]) => begun(
            state,
            call,
            "networks.insert",
            "compute.networks.create",
            |state, _| {
                let name = call.body["name"].as_str().unwrap_or_default();
                let target = format!("projects/{}/global/networks/{name}", call.project);
                if !is_name(name) {
                    return Err(Reply::invalid("Invalid value for field 'resource.name'."));
                }
                if state.network_named(&call.project, name).is_ok() {
                    return Err(Reply::there(&target));
                }
                let effect = Effect::Network(call.body.clone());
                Ok(state
                    .begin(&call.project, "insert", target, None, effect)
                    .name
                    .clone())
            },
        ),
        ("DELETE", ["global", "networks", network]) => begun(
            state,
            call,
            "networks.delete",
            "compute.networks.delete",
            |state, _| {
                let target = state.network_named(&call.project, network)?.path();
                let effect = Effect::DropNetwork((*network).to_owned());
                Ok(state
                    .begin(&call.project, "delete", target, None, effect)
                    .name
                    .clone())
            },
        ),
        ("GET", ["aggregated", "subnetworks"]) => subnets(state, call),
        ("POST", ["regions", region, "subnetworks"]) => begun(
            state,
            call,
            "subnetworks.insert",
            "compute.subnetworks.create",
            |state, _| {
                let mut body = call.body.clone();
                body["region"] = json!(region);
                let name = body["name"].as_str().unwrap_or_default();
                let target = format!(
                    "projects/{}/regions/{region}/subnetworks/{name}",
                    call.project
                );
                let effect = Effect::Subnet(body);
                let begun = state.begin(&call.project, "insert", target, None, effect);
                begun.region = Some((*region).to_owned());
                Ok(begun.name.clone())
            },
        ),
        (
            "GET",
            [
                "regions",
                region,
                "firewallPolicies",
                "getEffectiveFirewalls",
            ],
        ) => made(
            state,
            call,
            "regionNetworkFirewallPolicies.getEffectiveFirewalls",
            "compute.networks.getRegionEffectiveFirewalls",
            |state| {
                let network = call.query.get("network").map_or("", String::as_str);
                state.show_regional(&call.project, network, region)
            },
        ),
        ("GET", ["regions", region, "operations", name]) => made(
            state,
            call,
            "regionOperations.get",
            "compute.regionOperations.get",
            |state| state.look_at(&call.project, Some(region), name, call.base),
        ),
        ("GET", ["global", "operations", name]) => made(
            state,
            call,
            "globalOperations.get",
            "compute.globalOperations.get",
            |state| state.look_at(&call.project, None, name, call.base),
        ),
        // Documented: it returns within two minutes, and need not wait for the end.
        ("POST", ["global", "operations", name, "wait"]) => made(
            state,
            call,
            "globalOperations.wait",
            "compute.globalOperations.get",
            |state| state.look_at(&call.project, None, name, call.base),
        ),
        ("GET", ["global", "routes"]) => {
            listed(state, call, "routes.list", "compute.routes.list", |state| {
                Ok(state.show_routes(&call.project, call.base))
            })
        }
        ("GET", ["global", "firewalls"]) => listed(
            state,
            call,
            "firewalls.list",
            "compute.firewalls.list",
            |state| Ok(state.show_firewalls(&call.project)),
        ),
        ("GET", ["global", "firewalls", name]) => made(
            state,
            call,
            "firewalls.get",
            "compute.firewalls.get",
            |state| state.show_firewall(&call.project, name),
        ),
        ("POST", ["global", "firewalls"]) => firewall(
            state,
            call,
            ("firewalls.insert", "insert", "compute.firewalls.create"),
            None,
        ),
        ("PATCH", ["global", "firewalls", name]) => {
            let of = ("firewalls.patch", "patch", "compute.firewalls.update");
            firewall(state, call, of, Some(name))
        }
        ("DELETE", ["global", "firewalls", name]) => {
            let of = ("firewalls.delete", "delete", "compute.firewalls.delete");
            firewall(state, call, of, Some(name))
        }
        _ => ("", Reply::missing(&rest.join("/"))),
    }
}

fn of_network(
    state: &mut State,
    http: &str,
    network: &str,
    verb: &str,
    call: &Call<'_>,
) -> (&'static str, Reply) {
    let of = OF_HALVES.iter().find(|it| it.0 == verb && it.1 == http);
    if let Some((kind, _, method, permission)) = of {
        return begun(state, call, method, permission, |state, request| {
            state.change_half((&call.project, network), kind, &call.body, request)
        });
    }
    // Documented: these two take a network's name and no number.
    let by_name = || match is_name(network) {
        true => Ok(()),
        false => Err(Reply::invalid("Invalid value for field 'network'.")),
    };
    match (http, verb) {
        ("GET", "listPeeringRoutes") => {
            let permission = "compute.networks.listPeeringRoutes";
            listed(
                state,
                call,
                "networks.listPeeringRoutes",
                permission,
                |state| {
                    by_name()?;
                    let name = call.query.get("peeringName").map_or("", String::as_str);
                    if call.query.get("direction").map(String::as_str) != Some("INCOMING") {
                        return Ok(Vec::new());
                    }
                    state.show_peering_routes(&call.project, network, name)
                },
            )
        }
        ("GET", "getEffectiveFirewalls") => {
            let permission = "compute.networks.getEffectiveFirewalls";
            made(
                state,
                call,
                "networks.getEffectiveFirewalls",
                permission,
                |state| {
                    by_name()?;
                    state.show_effective(&call.project, network)
                },
            )
        }
        _ => ("", Reply::missing(verb)),
    }
}

fn firewall(
    state: &mut State,
    call: &Call<'_>,
    (method, kind, permission): (&'static str, &'static str, &str),
    name: Option<&str>,
) -> (&'static str, Reply) {
    // A rule is a part of its network's policy.
    if !state.has(&call.project, "compute.networks.updatePolicy") {
        let what = format!("projects/{}", call.project);
        return (
            method,
            Reply::denied("compute.networks.updatePolicy", &what),
        );
    }
    begun(state, call, method, permission, |state, request| {
        state.change_firewall(&call.project, kind, name, &call.body, request)
    })
}

/// A change: checked, begun, and answered with its operation.
fn begun(
    state: &mut State,
    call: &Call<'_>,
    method: &'static str,
    permission: &str,
    begin: impl FnOnce(&mut State, Option<&str>) -> Result<String, Reply>,
) -> (&'static str, Reply) {
    let fault = state.prepared(&call.project, method);
    if let Some(Fault::OperationFails(code, message)) = &fault {
        let (_, reply) = made(state, call, method, permission, |state| {
            let request = request(call)?;
            let name = begin(state, request.as_deref())?;
            let failed = state.operations.iter_mut().filter(|it| it.name == name);
            failed.for_each(|it| it.error = Some((code.clone(), message.clone())));
            Ok(state.shown(&name, call.base))
        });
        return (method, reply);
    }
    if let Some(fault) = fault {
        state.prepare(&call.project, method, fault);
    }
    made(state, call, method, permission, |state| {
        let request = request(call)?;
        let name = begin(state, request.as_deref())?;
        Ok(state.shown(&name, call.base))
    })
}

/// Documented: the name of a request is a UUID, and not the one of zeroes.
fn request(call: &Call<'_>) -> Result<Option<String>, Reply> {
    let Some(given) = call.query.get("requestId") else {
        return Ok(None);
    };
    match given.parse::<Uuid>() {
        Ok(id) if !id.is_nil() => Ok(Some(id.to_string())),
        Ok(_) | Err(_) => Err(Reply::invalid("Invalid value for field 'requestId'.")),
    }
}

fn made(
    state: &mut State,
    call: &Call<'_>,
    method: &'static str,
    permission: &str,
    make: impl FnOnce(&mut State) -> Outcome,
) -> (&'static str, Reply) {
    let fault = state.prepared(&call.project, method);
    match &fault {
        Some(Fault::Refused(status, reason, message)) => {
            return (method, Reply::refused(*status, reason, message));
        }
        Some(Fault::Page(status)) => {
            let mut page = Reply::good(json!("<html><body>no JSON</body></html>"));
            page.status = *status;
            return (method, page);
        }
        Some(Fault::Throttled(after)) => {
            let mut refused = Reply::refused(429, "rateLimitExceeded", "Rate Limit Exceeded");
            refused.retry_after = Some(*after);
            return (method, refused);
        }
        Some(Fault::AnswerLost | Fault::OperationFails(..)) | None => {}
    }
    if !state.has(&call.project, permission) {
        return (
            method,
            Reply::denied(permission, &format!("projects/{}", call.project)),
        );
    }
    let mut reply = make(state).map_or_else(|refused| refused, Reply::good);
    reply.is_lost = fault == Some(Fault::AnswerLost);
    (method, reply)
}

/// A page of a list. Documented: `maxResults` up to 500, and a token while there is more.
fn listed(
    state: &mut State,
    call: &Call<'_>,
    method: &'static str,
    permission: &str,
    list: impl FnOnce(&mut State) -> Result<Vec<Value>, Reply>,
) -> (&'static str, Reply) {
    made(state, call, method, permission, |state| {
        let all = list(state)?;
        let (page, next) = page(state, call, &all)?;
        let mut shown = json!({ "kind": "compute#list", "id": method });
        if !page.is_empty() {
            shown["items"] = json!(page);
        }
        if let Some(next) = next {
            shown["nextPageToken"] = json!(next);
        }
        Ok(shown)
    })
}

fn subnets(state: &mut State, call: &Call<'_>) -> (&'static str, Reply) {
    let of = ("subnetworks.aggregatedList", "compute.subnetworks.list");
    made(state, call, of.0, of.1, |state| {
        let all = state.show_subnets(&call.project, call.base);
        let (page, next) = page(state, call, &all)?;
        let none = json!({ "warning": { "code": "NO_RESULTS_ON_PAGE", "message": "There are no results." } });
        let mut items = json!({ "regions/africa-south1": none });
        for (region, subnet) in page {
            let scope = &mut items[&region]["subnetworks"];
            let mut shown = scope.as_array().cloned().unwrap_or_default();
            shown.push(subnet);
            *scope = json!(shown);
        }
        let mut shown = json!({ "kind": "compute#subnetworkAggregatedList", "items": items });
        if let Some(next) = next {
            shown["nextPageToken"] = json!(next);
        }
        Ok(shown)
    })
}

type OnePage<T> = (Vec<T>, Option<String>);

fn page<T: Clone>(state: &State, call: &Call<'_>, all: &[T]) -> Result<OnePage<T>, Reply> {
    let asked = call
        .query
        .get("maxResults")
        .map_or(Ok(500), |it| it.parse::<usize>());
    let Ok(asked @ 0..=500) = asked else {
        return Err(Reply::invalid("Invalid value for field 'maxResults'."));
    };
    let most = asked.min(state.most_on_page).max(1);
    let from = match call.query.get("pageToken") {
        None => 0,
        Some(token) => {
            let number = token.strip_prefix("page-").and_then(|it| it.parse().ok());
            number.ok_or_else(|| Reply::invalid("Invalid value for field 'pageToken'."))?
        }
    };
    let rest = all.get(from..).unwrap_or_default();
    let page: Vec<T> = rest.iter().take(most).cloned().collect();
    let next = (rest.len() > most).then(|| format!("page-{}", from + most));
    Ok((page, next))
}
