//! The calls: read a resource, put one, remove one, ask about an operation. Each is one request,
//! and no failed one is repeated.

use super::{
    API_VERSION, MANAGERS_API_VERSION,
    error::{ArmError, Failure},
    id::ResourceId,
    model::{Managed, Page, Skipped},
    operation::{Entry, Known, OperationName, Poll, Progress},
    tenants::Tenants,
    token::Tokens,
    transport::{Answer, Transport, is_of},
};
use crate::settings::AzureSettings;
use bytes::Bytes;
use cloud::{CallClass, Look, Pace};
use domain::text::CloudOperation;
use http::{HeaderName, Method, Request, StatusCode, Uri, header};
use http_body_util::Full;
use serde::{Serialize, de::DeserializeOwned};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep_until};

/// Where a token of the other end's tenant goes.
const AUXILIARY: HeaderName = HeaderName::from_static("x-ms-authorization-auxiliary");

/// The most pages that a list is read of.
const PAGES: usize = 200;

/// Who calls: in which tenant, and, where the call refers to another tenant's resource, in which
/// besides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct As<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) other: Option<&'a str>,
}

impl<'a> As<'a> {
    pub(crate) fn of(tenant: &'a str) -> Self {
        let other = None;
        Self { tenant, other }
    }

    /// With the tenant of the resource that is referred to, if it is another one.
    pub(crate) fn and(tenant: &'a str, other: Option<&'a str>) -> Self {
        let other = other.filter(|it| !it.eq_ignore_ascii_case(tenant));
        Self { tenant, other }
    }
}

/// Resource Manager. Clones share connections, tokens and operations.
#[derive(Clone, Debug)]
pub(crate) struct Arm(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    endpoint: String,
    transport: Transport,
    tokens: Tokens,
    tenants: Tenants,
    operations: Known,
    pace: Option<Pace>,
    poll_interval: Duration,
    patience: Duration,
}

/// A change that was taken on.
#[derive(Debug)]
pub(crate) struct Began {
    /// Whether it goes on after its answer.
    goes_on: bool,
    /// Where it is asked about, as far as that can be.
    poll: Option<Poll>,
}

impl Arm {
    pub(crate) fn new(settings: &AzureSettings) -> Self {
        let transport = Transport::new(settings.connect_timeout, settings.read_timeout);
        Self(Arc::new(Shared {
            endpoint: settings.endpoint.trim_end_matches('/').to_owned(),
            tokens: Tokens::new(transport.clone(), settings),
            transport,
            tenants: Tenants::default(),
            operations: Known::default(),
            pace: settings.pace(),
            poll_interval: settings.poll_interval,
            patience: settings.patience,
        }))
    }

    /// The tenant that calls for this tenant really act in.
    pub(crate) async fn identity(&self, tenant: &str) -> Result<String, ArmError> {
        self.0.tokens.tenant_of(tenant).await
    }

    /// A subscription is this tenant's: the caller says so.
    pub(crate) fn learn(&self, id: &ResourceId, tenant: &str) {
        self.0.tenants.learn(id.subscription(), tenant);
    }

    /// The tenant of a resource, as far as that is known without asking.
    pub(crate) fn known_tenant(&self, id: &ResourceId) -> Option<String> {
        self.0.tenants.known(id.subscription())
    }

    /// The tenant of a resource, as far as anybody tells.
    pub(crate) async fn tenant(&self, id: &ResourceId) -> Option<String> {
        let of = id.subscription();
        let url = self.url(&format!("/subscriptions/{of}"), "").ok()?;
        self.0.tenants.find(&self.0.transport, url, of).await
    }

    /// A resource as it is; nothing if it is not there.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        by: As<'_>,
        id: &ResourceId,
    ) -> Result<Option<T>, ArmError> {
        let url = self.url(id.as_str(), "")?;
        let body = match self.read(by, url).await {
            Err(error) if error.failure == Failure::NotFound => return Ok(None),
            body => body?,
        };
        let read = serde_json::from_slice(&body);
        read.map(Some).map_err(|error| {
            ArmError::new(Failure::Unexpected, format!("{id} is not read: {error}"))
        })
    }

    /// What is shown there, once in a look.
    async fn read(&self, by: As<'_>, url: Uri) -> Result<Bytes, ArmError> {
        let name = format!("{by:?} {}", url.to_string().to_ascii_lowercase());
        let call = || async {
            let answer = self.call(by, Method::GET, url, Bytes::new()).await?;
            Ok(answer.body)
        };
        Look::once(name, call).await
    }

    /// All resources of this path. A list goes on where its answer says, at the same service.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        by: As<'_>,
        path: &str,
    ) -> Result<Vec<T>, ArmError> {
        let broken = |words: String| {
            ArmError::new(Failure::Unexpected, format!("{path} is not read: {words}"))
        };
        let (first, mut all) = (self.url(path, "")?, Vec::new());
        let mut next = Some(first.clone());
        for _ in 0..PAGES {
            let Some(url) = next.take() else {
                return Ok(all);
            };
            let body = match self.read(by, url).await {
                Err(error) if error.failure == Failure::NotFound => return Ok(all),
                body => body?,
            };
            let page: Page<T> =
                serde_json::from_slice(&body).map_err(|error| broken(error.to_string()))?;
            all.extend(page.value);
            next = match page.next_link.filter(|it| !it.is_empty()) {
                None => None,
                Some(link) => {
                    let url: Option<Uri> = link.parse().ok();
                    let url = url.filter(|it| is_of(&first, it));
                    Some(url.ok_or_else(|| broken("it goes on elsewhere".to_owned()))?)
                }
            };
        }
        match next {
            None => Ok(all),
            Some(_) => Err(broken(format!("it has more than {PAGES} pages"))),
        }
    }

    /// What network managers have in force at a VNet.
    pub(crate) async fn managed(
        &self,
        by: As<'_>,
        vnet: &ResourceId,
    ) -> Result<Vec<Managed>, ArmError> {
        let path = format!("{vnet}/listNetworkManagerEffectiveConnectivityConfigurations");
        let url = format!(
            "{}{path}?api-version={MANAGERS_API_VERSION}",
            self.0.endpoint
        );
        let (mut all, mut body) = (Vec::new(), serde_json::json!({}));
        for _ in 0..PAGES {
            let no_url = |_| ArmError::new(Failure::Malformed, "the endpoint is no URL");
            let url: Uri = url.parse().map_err(no_url)?;
            let asked = Bytes::from(body.to_string());
            let answer = self.call(by, Method::POST, url, asked).await?;
            let page: Skipped<Managed> = serde_json::from_slice(&answer.body).map_err(|error| {
                ArmError::new(Failure::Unexpected, format!("{path} is not read: {error}"))
            })?;
            all.extend(page.value);
            match page.skip_token.filter(|it| !it.is_empty()) {
                None => return Ok(all),
                Some(token) => body = serde_json::json!({ "skipToken": token }),
            }
        }
        let words = format!("{path} has more than {PAGES} pages");
        Err(ArmError::new(Failure::Unexpected, words))
    }

    /// Puts a resource as a whole. `query` is what the request says beside its version.
    pub(crate) async fn put(
        &self,
        by: As<'_>,
        id: &ResourceId,
        query: &str,
        body: &impl Serialize,
    ) -> Result<Began, ArmError> {
        let url = self.url(id.as_str(), query)?;
        let body = serde_json::to_vec(body)
            .map_err(|error| ArmError::new(Failure::Malformed, error.to_string()))?;
        let answer = self.call(by, Method::PUT, url, body.into()).await?;
        Ok(self.began(&answer))
    }

    /// Removes a resource; nothing if there is none.
    pub(crate) async fn delete(
        &self,
        by: As<'_>,
        id: &ResourceId,
    ) -> Result<Option<Began>, ArmError> {
        let url = self.url(id.as_str(), "")?;
        let answer = match self.call(by, Method::DELETE, url, Bytes::new()).await {
            Err(error) if error.failure == Failure::NotFound => return Ok(None),
            answer => answer?,
        };
        let is_there = answer.status != StatusCode::NO_CONTENT;
        Ok(is_there.then(|| self.began(&answer)))
    }

    fn began(&self, answer: &Answer) -> Began {
        Began {
            goes_on: Poll::is_in(answer),
            poll: Poll::of(answer, self.0.poll_interval),
        }
    }

    /// Keeps the way to ask about what has begun, under this name; the operation's own number, if
    /// it has one, is a part of it. Nothing if the change is done.
    pub(crate) fn keep(&self, began: Began, mut name: OperationName) -> Option<CloudOperation> {
        if !began.goes_on {
            return None;
        }
        if let Some(number) = began.poll.as_ref().and_then(Poll::number) {
            name.number = number;
        }
        let on_record = name.on_record()?;
        if let Some(poll) = began.poll {
            self.0.operations.put(&on_record, Entry::UnderWay(poll));
        }
        Some(on_record)
    }

    /// What has become of an operation that this process began; `None` if it did not, or not that
    /// it knows. Before its time it is not asked, and runs.
    pub(crate) async fn progress(
        &self,
        by: As<'_>,
        name: &CloudOperation,
    ) -> Result<Option<Progress>, ArmError> {
        let mut poll = match self.0.operations.get(name) {
            None => return Ok(None),
            Some(Entry::Ended(progress)) => return Ok(Some(progress)),
            Some(Entry::UnderWay(poll)) => poll,
        };
        if Instant::now() < poll.not_before {
            return Ok(Some(Progress::Running));
        }
        let progress = match self.ask(by, &mut poll).await {
            // An operation that the service has forgotten is known by what it changed.
            Err(error) if error.failure == Failure::NotFound => return Ok(None),
            progress => progress?,
        };
        let entry = match &progress {
            Progress::Running => Entry::UnderWay(poll),
            Progress::Done | Progress::Failed(_) => Entry::Ended(progress.clone()),
        };
        self.0.operations.put(name, entry);
        Ok(Some(progress))
    }

    /// Waits until a change has ended, for as long as the settings say: then it has been taken on,
    /// and reads tell. An operation that ended badly is a failure of the change.
    pub(crate) async fn settle(&self, by: As<'_>, began: Began) -> Result<(), ArmError> {
        let deadline = Instant::now() + self.0.patience;
        let Some(mut poll) = began.poll else {
            return Ok(());
        };
        while poll.not_before <= deadline {
            sleep_until(poll.not_before).await;
            match self.ask(by, &mut poll).await {
                Ok(Progress::Running) => {}
                Ok(Progress::Done) => return Ok(()),
                Ok(Progress::Failed(error)) => return Err(error),
                // What was asked was the operation, not the change: that goes on.
                Err(error) => {
                    return Err(ArmError {
                        failure: Failure::Ambiguous,
                        ..error
                    });
                }
            }
        }
        Ok(())
    }

    async fn ask(&self, by: As<'_>, poll: &mut Poll) -> Result<Progress, ArmError> {
        let endpoint = self.url("", "")?;
        if !is_of(&endpoint, &poll.url) {
            let words = "the operation is to be asked about at another service";
            return Err(ArmError::new(Failure::NotFound, words));
        }
        let request = self.request(by, Method::GET, poll.url.clone(), Bytes::new());
        let answer = self.send(request.await?).await?;
        poll.put_off(&answer, self.0.poll_interval);
        if answer.status == StatusCode::UNAUTHORIZED {
            self.0.tokens.forget(by.tenant).await;
        }
        poll.read(&answer)
    }

    fn url(&self, path: &str, query: &str) -> Result<Uri, ArmError> {
        let text = format!("{}{path}?{query}api-version={API_VERSION}", self.0.endpoint);
        text.parse()
            .map_err(|_| ArmError::new(Failure::Malformed, "the endpoint is no URL"))
    }

    async fn call(
        &self,
        by: As<'_>,
        method: Method,
        url: Uri,
        body: Bytes,
    ) -> Result<Answer, ArmError> {
        let request = self.request(by, method, url, body).await?;
        let answer = self.send(request).await?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        if answer.status == StatusCode::UNAUTHORIZED {
            self.0.tokens.forget(by.tenant).await;
        }
        Err(ArmError::of(&answer))
    }

    async fn request(
        &self,
        by: As<'_>,
        method: Method,
        url: Uri,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, ArmError> {
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header(
                header::AUTHORIZATION,
                self.0.tokens.bearer(by.tenant).await?,
            )
            .header(header::ACCEPT, "application/json");
        if let Some(other) = by.other {
            request = request.header(AUXILIARY, self.0.tokens.bearer(other).await?);
        }
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        request
            .body(Full::new(body))
            .map_err(|error| ArmError::new(Failure::Malformed, error.to_string()))
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer, ArmError> {
        if let Some(pace) = &self.0.pace {
            let class = match *request.method() {
                Method::GET => CallClass::Read,
                _ => CallClass::Write,
            };
            pace.turn(counted_by(request.uri().path()), class).await;
        }
        let answer = self.0.transport.send(request).await;
        let answer = answer.map_err(ArmError::of_transport)?;
        cloud::answered_as(answer.header("x-ms-request-id"));
        Ok(answer)
    }
}

/// What requests to this path are counted by: the subscription that it names.
fn counted_by(path: &str) -> String {
    let mut parts = path.trim_start_matches('/').splitn(3, '/');
    let of = parts.next().zip(parts.next());
    let of = of.filter(|(kind, _)| kind.eq_ignore_ascii_case("subscriptions"));
    of.map_or_else(String::new, |(_, id)| id.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_their_subscription_in_any_spelling_and_others_together() {
        for (path, by) in [
            ("/subscriptions/AAAA-1/resourceGroups/x", "aaaa-1"),
            ("/SUBSCRIPTIONS/aaaa-1", "aaaa-1"),
            ("/providers/Microsoft.Network/operations", ""),
            ("/", ""),
        ] {
            assert_eq!(counted_by(path), by, "{path}");
        }
    }
}
