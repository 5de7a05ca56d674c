//! Compute's REST API, by hand: the operations that peering needs, each one request.
//!
//! Nothing here repeats a change, and nothing here knows the port. Lists are read to their last
//! page.

mod error;
pub(crate) mod model;
pub(crate) mod names;
mod quotas;
mod transport;

pub(crate) use error::ComputeError;
pub(crate) use names::NetworkName;

use crate::{settings::GcpSettings, tokens::TokenSource};
use cloud::{CallClass, CloudErrorKind, Look, Pace};
use http::Method;
use model::{
    AggregatedPage, EffectiveFirewalls, Firewall, Network, Operation, Page, PeeringBody,
    PeeringRequest, PeeringRoute, Project, Route, Subnetwork,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{io, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};
use transport::Transport;
use uuid::Uuid;

/// What may stand in a path or a query as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A list with more pages than this one is broken: 5 million things at 500 a page.
const MOST_PAGES: usize = 10_000;

type Answer<T> = Result<T, ComputeError>;

/// The API. Clones share connections and tokens.
#[derive(Clone, Debug)]
pub(crate) struct Compute {
    transport: Transport,
    endpoint: String,
    permissions: Option<String>,
    quotas: Option<String>,
    pace: Option<Pace>,
    poll: Duration,
    patience: Duration,
    page: u16,
}

impl Compute {
    pub(crate) fn new(settings: &GcpSettings, tokens: Arc<dyn TokenSource>) -> io::Result<Self> {
        Ok(Self {
            transport: Transport::new(tokens, settings.deadline)?,
            endpoint: settings.compute(),
            permissions: settings.permissions(),
            quotas: settings.quotas(),
            pace: settings.pace(),
            poll: settings.poll,
            patience: settings.patience,
            page: settings.page,
        })
    }

    /// The project itself, by its id or its number.
    pub(crate) async fn project(&self, project: &str) -> Answer<Project> {
        let path = format!("projects/{}", plain(project));
        self.get("projects.get", &path, &[]).await
    }

    pub(crate) async fn network(&self, name: &NetworkName) -> Answer<Network> {
        let path = path_of(name);
        let call = || self.get("networks.get", &path, &[]);
        Look::once(format!("networks.get {path}"), call).await
    }

    /// All subnets of a project, of every region and network.
    pub(crate) async fn subnetworks(&self, project: &str) -> Answer<Vec<Subnetwork>> {
        let path = format!("projects/{}/aggregated/subnetworks", plain(project));
        let method = "subnetworks.aggregatedList";
        let call = || self.all_subnetworks(method, &path);
        Look::once(format!("{method} {path}"), call).await
    }

    async fn all_subnetworks(&self, method: &'static str, path: &str) -> Answer<Vec<Subnetwork>> {
        let mut pages = Pages::new(method, self.page);
        let mut found = Vec::new();
        while let Some(query) = pages.query() {
            let page: AggregatedPage = self.get(method, path, &query).await?;
            let scopes = page.items.into_values();
            found.extend(scopes.flat_map(|it| it.subnetworks));
            pages.turn(page.next_page_token)?;
        }
        Ok(found)
    }

    pub(crate) async fn routes(&self, project: &str) -> Answer<Vec<Route>> {
        let path = format!("projects/{}/global/routes", plain(project));
        self.list("routes.list", &path, &[]).await
    }

    pub(crate) async fn firewalls(&self, project: &str) -> Answer<Vec<Firewall>> {
        let path = format!("projects/{}/global/firewalls", plain(project));
        self.list("firewalls.list", &path, &[]).await
    }

    pub(crate) async fn effective_firewalls(
        &self,
        name: &NetworkName,
    ) -> Answer<EffectiveFirewalls> {
        let path = format!("{}/getEffectiveFirewalls", path_of(name));
        self.get("networks.getEffectiveFirewalls", &path, &[]).await
    }

    /// The policies that count for the network's machines in a region, those of the region too.
    pub(crate) async fn regional_firewalls(
        &self,
        name: &NetworkName,
        region: &str,
    ) -> Answer<EffectiveFirewalls> {
        let (project, region) = (plain(&name.project), plain(region));
        let path =
            format!("projects/{project}/regions/{region}/firewallPolicies/getEffectiveFirewalls");
        let network = name.to_string();
        let method = "regionNetworkFirewallPolicies.getEffectiveFirewalls";
        self.get(method, &path, &[("network", &network)]).await
    }

    /// What this half has of the other network's routes, in a region.
    pub(crate) async fn peering_routes(
        &self,
        name: &NetworkName,
        peering: &str,
        region: Option<&str>,
    ) -> Answer<Vec<PeeringRoute>> {
        let path = format!("{}/listPeeringRoutes", path_of(name));
        let mut query = vec![("peeringName", peering), ("direction", "INCOMING")];
        query.extend(region.map(|it| ("region", it)));
        self.list("networks.listPeeringRoutes", &path, &query).await
    }

    pub(crate) async fn add_peering(
        &self,
        name: &NetworkName,
        body: PeeringBody,
        request: Uuid,
    ) -> Answer<Operation> {
        let body = PeeringRequest {
            network_peering: body,
        };
        let call = ("networks.addPeering", Method::POST);
        let path = format!("{}/addPeering", path_of(name));
        self.change(call, &path, Some(&body), Some(request)).await
    }

    /// Sets a value, so that it takes no name of the request.
    pub(crate) async fn update_peering(
        &self,
        name: &NetworkName,
        body: PeeringBody,
    ) -> Answer<Operation> {
        let body = PeeringRequest {
            network_peering: body,
        };
        let call = ("networks.updatePeering", Method::PATCH);
        let path = format!("{}/updatePeering", path_of(name));
        self.change(call, &path, Some(&body), None).await
    }

    pub(crate) async fn remove_peering(
        &self,
        name: &NetworkName,
        peering: &str,
        request: Uuid,
    ) -> Answer<Operation> {
        let call = ("networks.removePeering", Method::POST);
        let path = format!("{}/removePeering", path_of(name));
        let body = json!({ "name": peering });
        self.change(call, &path, Some(&body), Some(request)).await
    }

    /// Asks the other side to agree that the peering ends.
    pub(crate) async fn request_remove_peering(
        &self,
        name: &NetworkName,
        peering: &str,
        request: Uuid,
    ) -> Answer<Operation> {
        let call = ("networks.requestRemovePeering", Method::POST);
        let path = format!("{}/requestRemovePeering", path_of(name));
        let body = json!({ "name": peering });
        self.change(call, &path, Some(&body), Some(request)).await
    }

    pub(crate) async fn firewall(&self, project: &str, name: &str) -> Answer<Firewall> {
        let path = firewall_path(project, name);
        self.get("firewalls.get", &path, &[]).await
    }

    /// The name is unique, so that it takes no name of the request.
    pub(crate) async fn insert_firewall(
        &self,
        project: &str,
        rule: &Firewall,
    ) -> Answer<Operation> {
        let call = ("firewalls.insert", Method::POST);
        let path = format!("projects/{}/global/firewalls", plain(project));
        self.change(call, &path, Some(rule), None).await
    }

    pub(crate) async fn patch_firewall(
        &self,
        project: &str,
        name: &str,
        patch: &Value,
    ) -> Answer<Operation> {
        let call = ("firewalls.patch", Method::PATCH);
        let path = firewall_path(project, name);
        self.change(call, &path, Some(patch), None).await
    }

    pub(crate) async fn delete_firewall(&self, project: &str, name: &str) -> Answer<Operation> {
        let call = ("firewalls.delete", Method::DELETE);
        let path = firewall_path(project, name);
        self.change(call, &path, None::<&Value>, None).await
    }

    pub(crate) async fn insert_network(&self, project: &str, name: &str) -> Answer<Operation> {
        let call = ("networks.insert", Method::POST);
        let path = format!("projects/{}/global/networks", plain(project));
        let body = json!({
            "name": name,
            "autoCreateSubnetworks": false,
            "routingConfig": { "routingMode": "REGIONAL" },
        });
        self.change(call, &path, Some(&body), None).await
    }

    pub(crate) async fn insert_subnetwork(
        &self,
        name: &NetworkName,
        region: &str,
        subnet: &str,
        range: &str,
    ) -> Answer<Operation> {
        let call = ("subnetworks.insert", Method::POST);
        let project = plain(&name.project);
        let path = format!("projects/{project}/regions/{}/subnetworks", plain(region));
        let body = json!({ "name": subnet, "network": name.to_string(), "ipCidrRange": range });
        self.change(call, &path, Some(&body), None).await
    }

    /// What has become of an operation on the project's global things.
    pub(crate) async fn operation(&self, project: &str, operation: &str) -> Answer<Operation> {
        let (project, operation) = (plain(project), plain(operation));
        let path = format!("projects/{project}/global/operations/{operation}");
        self.get("globalOperations.get", &path, &[]).await
    }

    /// Waits until an operation is over. One that is not within the client's patience may yet end
    /// either way.
    pub(crate) async fn finish(
        &self,
        method: &'static str,
        project: &str,
        begun: Operation,
    ) -> Answer<()> {
        let (since, mut operation) = (Instant::now(), begun);
        while !operation.is_over() {
            if since.elapsed() >= self.patience {
                let message = format!("`{}` is not over yet", operation.name);
                return Err(ComputeError::new(
                    method,
                    CloudErrorKind::Ambiguous,
                    message,
                ));
            }
            sleep(self.poll).await;
            operation = match operation.region.as_deref().and_then(names::region) {
                None => self.operation(project, &operation.name).await?,
                Some(region) => {
                    let (project, region) = (plain(project), plain(region));
                    let name = plain(&operation.name);
                    let path = format!("projects/{project}/regions/{region}/operations/{name}");
                    self.get("regionOperations.get", &path, &[]).await?
                }
            };
        }
        match ComputeError::of_operation(method, &operation) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Which of these permissions the caller has in the project; nothing where nobody can be asked.
    pub(crate) async fn granted(
        &self,
        project: &str,
        permissions: &[&str],
    ) -> Answer<Option<Vec<String>>> {
        #[derive(serde::Deserialize)]
        struct Granted {
            #[serde(default)]
            permissions: Vec<String>,
        }
        let Some(endpoint) = &self.permissions else {
            return Ok(None);
        };
        let url = format!(
            "{endpoint}/v1/projects/{}:testIamPermissions",
            plain(project)
        );
        let body = json!({ "permissions": permissions });
        let call = ("projects.testIamPermissions", Method::POST);
        let granted: Granted = self.ask(call, &url, Some(&body)).await?;
        Ok(Some(granted.permissions))
    }

    async fn list<T: DeserializeOwned>(
        &self,
        method: &'static str,
        path: &str,
        query: &[(&str, &str)],
    ) -> Answer<Vec<T>> {
        let mut pages = Pages::new(method, self.page);
        let mut found = Vec::new();
        while let Some(of_page) = pages.query() {
            let of_page: Vec<_> = query.iter().copied().chain(of_page).collect();
            let page: Page<T> = self.get(method, path, &of_page).await?;
            found.extend(page.items);
            pages.turn(page.next_page_token)?;
        }
        Ok(found)
    }

    async fn get<T: DeserializeOwned>(
        &self,
        method: &'static str,
        path: &str,
        query: &[(&str, &str)],
    ) -> Answer<T> {
        let url = self.url(path, query);
        self.ask((method, Method::GET), &url, None).await
    }

    async fn change(
        &self,
        call: (&'static str, Method),
        path: &str,
        body: Option<&impl Serialize>,
        request: Option<Uuid>,
    ) -> Answer<Operation> {
        let method = call.0;
        let request = request.map(|it| it.to_string());
        let query = request.as_deref().map(|it| ("requestId", it));
        let url = self.url(path, query.as_slice());
        let body = body.map(serde_json::to_value).transpose();
        let body = body.map_err(|error| {
            ComputeError::new(method, CloudErrorKind::InvalidRequest, error.to_string())
        })?;
        self.ask(call, &url, body.as_ref()).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        (method, http): (&'static str, Method),
        url: &str,
        body: Option<&Value>,
    ) -> Answer<T> {
        if let Some(pace) = &self.pace {
            let class = match http {
                Method::GET => CallClass::Read,
                _ => CallClass::Write,
            };
            pace.turn(counted_by(url).to_owned(), class).await;
        }
        let sent = self.transport.send(http.clone(), url, body).await;
        let answer = sent.map_err(|why| ComputeError::unanswered(method, why))?;
        if !answer.status.is_success() {
            let error = ComputeError::answered(method, &http, &answer);
            tracing::debug!(method, %error.kind, error.message, "refused by Compute");
            return Err(error);
        }
        serde_json::from_slice(&answer.body).map_err(|error| {
            let message = format!("the answer {} is not understood: {error}", answer.status);
            ComputeError::new(method, CloudErrorKind::Unexpected, message)
        })
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> String {
        let mut url = format!("{}/{path}", self.endpoint);
        for (number, (name, value)) in query.iter().enumerate() {
            url.push(if number == 0 { '?' } else { '&' });
            url.push_str(name);
            url.push('=');
            url.push_str(&plain(value));
        }
        url
    }
}

/// What requests to this address are counted by: the project that it names.
fn counted_by(url: &str) -> &str {
    let rest = url.split_once("/projects/").map(|(_, rest)| rest);
    let project = rest.and_then(|it| it.split(['/', '?', ':']).next());
    project.unwrap_or_default()
}

/// The pages of a list.
struct Pages {
    method: &'static str,
    size: String,
    next: Next,
    turned: usize,
}

enum Next {
    First,
    Token(String),
    None,
}

impl Pages {
    fn new(method: &'static str, size: u16) -> Self {
        Self {
            method,
            size: size.to_string(),
            next: Next::First,
            turned: 0,
        }
    }

    /// What to ask for the next page with; nothing after the last one.
    fn query(&self) -> Option<Vec<(&str, &str)>> {
        let size = ("maxResults", self.size.as_str());
        match &self.next {
            Next::First => Some(vec![size]),
            Next::Token(token) => Some(vec![size, ("pageToken", token)]),
            Next::None => None,
        }
    }

    /// A token that comes again would lead round in a circle.
    fn turn(&mut self, token: Option<String>) -> Answer<()> {
        self.turned += 1;
        let token = token.filter(|it| !it.is_empty());
        let repeats =
            matches!((&self.next, &token), (Next::Token(one), Some(other)) if one == other);
        if repeats || token.is_some() && self.turned >= MOST_PAGES {
            let message = format!("the list does not end after {} pages", self.turned);
            let kind = CloudErrorKind::Unexpected;
            return Err(ComputeError::new(self.method, kind, message));
        }
        self.next = token.map_or(Next::None, Next::Token);
        Ok(())
    }
}

fn plain(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

fn path_of(name: &NetworkName) -> String {
    let (project, network) = (plain(&name.project), plain(&name.network));
    format!("projects/{project}/global/networks/{network}")
}

fn firewall_path(project: &str, name: &str) -> String {
    let (project, name) = (plain(project), plain(name));
    format!("projects/{project}/global/firewalls/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_with_its_last_page_and_one_that_leads_in_a_circle_is_refused() {
        let mut pages = Pages::new("routes.list", 2);
        assert_eq!(pages.query(), Some(vec![("maxResults", "2")]));
        pages.turn(Some("a".to_owned())).unwrap();
        let second = vec![("maxResults", "2"), ("pageToken", "a")];
        assert_eq!(pages.query(), Some(second));
        let circle = pages.turn(Some("a".to_owned())).unwrap_err();
        assert_eq!(circle.kind, CloudErrorKind::Unexpected);
        pages.turn(Some(String::new())).unwrap();
        assert_eq!(pages.query(), None);
    }

    #[test]
    fn requests_are_counted_by_their_project_and_others_together() {
        for (url, by) in [
            ("https://h/compute/v1/projects/one/global/networks/n", "one"),
            ("https://h/v1/projects/one:testIamPermissions", "one"),
            ("https://h/compute/v1/projects/two?x=y", "two"),
            ("https://h/compute/v1/", ""),
        ] {
            assert_eq!(counted_by(url), by, "{url}");
        }
    }

    #[test]
    fn what_has_a_meaning_in_urls_is_written_otherwise() {
        assert_eq!(plain("a-b.c_d~e"), "a-b.c_d~e");
        assert_eq!(plain("a/b?c=d&e f"), "a%2Fb%3Fc%3Dd%26e%20f");
    }
}
