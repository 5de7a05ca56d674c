//! The same over HTTP on loopback, with the login service beside it under `/login`, and the
//! metadata service of a machine under `/metadata`.

use super::{Answer, Asked, Fault, Parent, State};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// The secret that the login service takes.
pub const SECRET: &str = "correct horse";

/// A Resource Manager that answers on a port of its own until it is dropped.
#[derive(Debug)]
pub struct FakeArm {
    state: Arc<Mutex<State>>,
    tokens: Arc<Mutex<Tokens>>,
    endpoint: String,
    serving: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Tokens {
    given: BTreeMap<String, String>,
    expired: Vec<String>,
    count: usize,
    /// The identities of the machine: the client id of each that is not its own, and its tenant.
    identities: Vec<(Option<String>, String)>,
    /// What the login service takes in place of a secret.
    exchanged: Vec<String>,
    /// The metadata service answers so.
    ill: Option<u16>,
}

impl Tokens {
    fn give(&mut self, tenant: &str) -> String {
        self.count += 1;
        let claims = json!({"tid": tenant, "n": self.count}).to_string();
        let token = format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims));
        self.given.insert(token.clone(), tenant.to_owned());
        token
    }
}

impl Drop for FakeArm {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl FakeArm {
    /// Serves on a free port.
    ///
    /// # Panics
    /// When this machine has none.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let address = listener
            .local_addr()
            .expect("the address of a bound socket");
        let state = Arc::new(Mutex::new(State::default()));
        let tokens = Arc::new(Mutex::new(Tokens::default()));
        let shared = (Arc::clone(&state), Arc::clone(&tokens));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (state, tokens) = shared.clone();
                tokio::spawn(async move {
                    let _ = serve(stream, &state, &tokens).await;
                });
            }
        });
        Self {
            state,
            tokens,
            endpoint: format!("http://{address}"),
            serving,
        }
    }

    /// Where it answers.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Where it gives tokens.
    #[must_use]
    pub fn login(&self) -> String {
        format!("{}/login", self.endpoint)
    }

    /// Reads or changes everything that it has, as nobody could from outside.
    pub fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock())
    }

    /// Every token that was given runs out.
    pub fn expire_tokens(&self) {
        let tokens = &mut *self.tokens.lock();
        let given = std::mem::take(&mut tokens.given);
        tokens.expired.extend(given.into_keys());
    }

    /// How many tokens were given.
    #[must_use]
    pub fn tokens_given(&self) -> usize {
        self.tokens.lock().count
    }

    /// A token of this tenant, as the login service would give it.
    #[must_use]
    pub fn token(&self, tenant: &str) -> String {
        self.tokens.lock().give(tenant)
    }

    /// The machine that the caller is on has an identity of this tenant: its own, or one that was
    /// assigned to it, by its client id.
    pub fn identity(&self, assigned: Option<&str>, tenant: &str) {
        let one = (assigned.map(str::to_owned), tenant.to_owned());
        self.tokens.lock().identities.push(one);
    }

    /// A token of another issuer that the login service takes in place of a secret.
    #[must_use]
    pub fn exchanged(&self) -> String {
        let tokens = &mut *self.tokens.lock();
        let token = tokens.give("another issuer");
        tokens.given.remove(&token);
        tokens.exchanged.push(token.clone());
        token
    }

    /// The machine's metadata service answers with this status, or again as it should.
    pub fn metadata_is_ill(&self, status: Option<u16>) {
        self.tokens.lock().ill = status;
    }

    /// A subscription is this tenant's.
    pub fn subscription(&self, subscription: &str, tenant: &str) {
        let key = subscription.to_ascii_lowercase();
        self.with(|it| it.tenants.insert(key, tenant.to_owned()));
    }

    /// A resource that is there, with what a PUT of it would say.
    pub fn plant(&self, id: &str, body: &Value) {
        self.with(|state| {
            let pace = state.pace.clone();
            state.pace.takes = 0;
            let tenant = id
                .split('/')
                .nth(2)
                .unwrap_or_default()
                .to_ascii_lowercase();
            let asked = Asked {
                method: "PUT".to_owned(),
                path: id.to_owned(),
                query: [("api-version".to_owned(), "2024-05-01".to_owned())].into(),
                tenant: state.tenants.get(&tenant).cloned(),
                body: body.clone(),
                ..Asked::default()
            };
            let (answer, _) = state.answer(&asked);
            assert!(answer.status < 300, "{id}: {answer:?}");
            state.pace = pace;
            state.seen.pop();
        });
    }

    /// A resource as it is.
    #[must_use]
    pub fn parent(&self, id: &str) -> Option<Parent> {
        self.with(|it| it.parents.get(&id.to_ascii_lowercase()).cloned())
    }

    /// The properties of a child.
    #[must_use]
    pub fn child(&self, id: &str, kind: &str, name: &str) -> Option<Value> {
        let parent = self.parent(id)?;
        let mut children = parent.children.into_iter();
        let found = children.find(|it| it.kind == kind && it.name == name)?;
        Some(Value::Object(found.properties))
    }

    /// The next request of this method with this in its path has this happen to it.
    pub fn fail_next(&self, method: &str, path: &str, fault: Fault) {
        let next = (method.to_owned(), path.to_owned(), fault);
        self.with(|it| it.faults.push(next));
    }

    /// The requests since the last time, each as method and last words of its path.
    #[must_use]
    pub fn take_seen(&self) -> Vec<Asked> {
        self.with(|it| std::mem::take(&mut it.seen))
    }
}

async fn serve(
    mut stream: TcpStream,
    state: &Mutex<State>,
    tokens: &Mutex<Tokens>,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    while let Some((head, body)) = request(&mut stream, &mut bytes).await? {
        let mut lines = head.lines();
        let mut first = lines.next().unwrap_or_default().split(' ');
        let method = first.next().unwrap_or_default();
        let target = first.next().unwrap_or_default();
        let headers: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let is_metadata = path == "/metadata/identity/oauth2/token";
        let (answer, is_lost) = match path.strip_prefix("/login/") {
            Some(rest) => (login(rest, &body, tokens), false),
            None if is_metadata => (metadata(query, &headers, tokens), false),
            None => match asked(method, (path, query), &headers, &body, tokens) {
                Ok(asked) => state.lock().answer(&asked),
                Err(refused) => (*refused, false),
            },
        };
        if is_lost {
            return Ok(());
        }
        write(&mut stream, &answer).await?;
    }
    Ok(())
}

async fn request(
    stream: &mut TcpStream,
    bytes: &mut Vec<u8>,
) -> std::io::Result<Option<(String, String)>> {
    loop {
        let text = String::from_utf8_lossy(bytes).into_owned();
        if let Some((head, rest)) = text.split_once("\r\n\r\n") {
            let lower = head.to_ascii_lowercase();
            let length = lower
                .lines()
                .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            let length: usize = length.unwrap_or(0);
            if rest.len() >= length {
                let body = rest.get(..length).unwrap_or_default().to_owned();
                bytes.drain(..head.len() + 4 + length);
                return Ok(Some((head.to_owned(), body)));
            }
        }
        let mut more = [0; 8192];
        let count = stream.read(&mut more).await?;
        if count == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&more[..count]);
    }
}

async fn write(stream: &mut TcpStream, answer: &Answer) -> std::io::Result<()> {
    // What is no JSON is written as it is.
    let text = answer.body.as_str().map(str::to_owned);
    let body = match answer.body.is_null() {
        true => String::new(),
        false => text.unwrap_or_else(|| answer.body.to_string()),
    };
    let mut head = format!(
        "HTTP/1.1 {} X\r\nContent-Type: application/json; charset=utf-8\r\nx-ms-request-id: req-1\r\n",
        answer.status
    );
    if answer.status != 204 {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    let whole = format!("{head}\r\n{body}");
    stream.write_all(whole.as_bytes()).await
}

/// A request to Resource Manager, with its tokens read.
fn asked(
    method: &str,
    (path, query): (&str, &str),
    headers: &BTreeMap<String, String>,
    body: &str,
    tokens: &Mutex<Tokens>,
) -> Result<Asked, Box<Answer>> {
    let pairs = query.split('&').filter_map(|it| it.split_once('='));
    let mut query: BTreeMap<String, String> = pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let host = headers.get("host").cloned().unwrap_or_default();
    query.insert(" base".to_owned(), format!("http://{host}"));
    let tokens = tokens.lock();
    let tenant = |bearer: &String| -> Result<String, Box<Answer>> {
        let token = bearer.strip_prefix("Bearer ").unwrap_or_default();
        if tokens.expired.iter().any(|it| it == token) {
            let words = "The access token has expired or is not yet valid.";
            let answer = Answer::of_manager(401, "ExpiredAuthenticationToken", words);
            return Err(Box::new(answer));
        }
        let unknown = || {
            let words = "The access token is invalid.";
            Box::new(Answer::of_manager(401, "InvalidAuthenticationToken", words))
        };
        tokens.given.get(token).cloned().ok_or_else(unknown)
    };
    Ok(Asked {
        method: method.to_owned(),
        path: path.to_owned(),
        query,
        tenant: headers.get("authorization").map(tenant).transpose()?,
        others: headers
            .get("x-ms-authorization-auxiliary")
            .map(tenant)
            .transpose()?
            .into_iter()
            .collect(),
        body: serde_json::from_str(body).unwrap_or_default(),
    })
}

/// The login service: a secret for a token of the tenant in the path.
fn login(path: &str, form: &str, tokens: &Mutex<Tokens>) -> Answer {
    let (tenant, rest) = path.split_once('/').unwrap_or_default();
    let refused = |status, error: &str, number: u32| {
        let words = "words that may hold what was sent";
        let body = json!({"error": error, "error_description": words, "error_codes": [number]});
        Answer::new(status, body)
    };
    if rest != "oauth2/v2.0/token" || !form.contains("grant_type=client_credentials") {
        return refused(400, "invalid_request", 900_144);
    }
    let secret = SECRET.replace(' ', "%20");
    let said = |name: &str| {
        let mut pairs = form.split('&').filter_map(|it| it.split_once('='));
        pairs.find(|it| it.0 == name).map(|it| it.1.to_owned())
    };
    let is_secret = said("client_secret") == Some(secret);
    let shown = said("client_assertion").map(|it| plain(&it));
    let is_exchanged = shown.is_some_and(|it| tokens.lock().exchanged.contains(&it));
    let of_kind = said("client_assertion_type").is_some_and(|it| it.ends_with("jwt%2Dbearer"));
    if !(is_secret || is_exchanged && of_kind) {
        return refused(401, "invalid_client", 7_000_215);
    }
    if tenant.starts_with("ffffffff") {
        return refused(400, "invalid_request", 90_002);
    }
    let token = tokens.lock().give(tenant);
    let body = json!({"token_type": "Bearer", "expires_in": 3599, "access_token": token});
    Answer::new(200, body)
}

/// What stands in a form or a query for the signs of tokens and ids.
fn plain(text: &str) -> String {
    let signs = [("%2E", "."), ("%2D", "-"), ("%5F", "_")];
    let plain = |text: String, (sign, it): (&str, &str)| text.replace(sign, it);
    signs.into_iter().fold(text.to_owned(), plain)
}

/// The metadata service: to whoever says that it asks for metadata, a token of the machine's.
/// Documented, not recorded; its numbers are texts.
fn metadata(query: &str, headers: &BTreeMap<String, String>, tokens: &Mutex<Tokens>) -> Answer {
    let said = |name: &str| {
        let mut pairs = query.split('&').filter_map(|it| it.split_once('='));
        pairs.find(|it| it.0 == name).map(|it| it.1.to_owned())
    };
    let refused = |status, words: &str| {
        let body = json!({"error": "invalid_request", "error_description": words});
        Answer::new(status, body)
    };
    let tokens = &mut *tokens.lock();
    if let Some(status) = tokens.ill {
        return refused(status, "try again");
    }
    let is_asked = headers.get("metadata").is_some_and(|it| it == "true");
    if !is_asked || said("api-version").is_none() {
        return refused(400, "Required metadata header not specified");
    }
    let Some(resource) = said("resource") else {
        return refused(400, "a resource is missing");
    };
    let assigned = said("client_id").map(|it| plain(&it));
    let mut identities = tokens.identities.iter();
    let Some((_, tenant)) = identities.find(|it| it.0 == assigned) else {
        return refused(400, "Identity not found");
    };
    let tenant = tenant.clone();
    let token = tokens.give(&tenant);
    if resource.ends_with("AzureADTokenExchange") {
        tokens.given.remove(&token);
        tokens.exchanged.push(token.clone());
    }
    let body = json!({
        "access_token": token, "expires_in": "3599", "expires_on": "1790000000",
        "resource": resource, "token_type": "Bearer",
    });
    Answer::new(200, body)
}
