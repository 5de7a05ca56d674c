//! The connections under appends, reads and followers: HTTP/2 of its own, from the same connection
//! string as the crate's client.
//!
//! The crate's `ClientSettings` shows some settings by accessors and the rest only when serialised;
//! both ways are used, so that the connection string is parsed once and by its owner. Unlike the
//! crate's connections these set TCP_NODELAY and bound the dialling.

use crate::{JournalSettings, OpenError, error::Source};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use kurrentdb::{ClientSettings, Endpoint};
use percent_encoding::percent_decode;
use rustls::{
    ClientConfig, RootCertStore,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use serde::Deserialize;
use std::{sync::Arc, time::Duration};
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};

/// After so long without a word a node is asked whether it still belongs to its cluster, unless the
/// probes of the connection say otherwise.
const SILENCE: Duration = Duration::from_secs(10);

/// What the generated clients speak over.
pub(crate) type Http = Client<HttpsConnector<HttpConnector>, tonic::body::Body>;

/// How to reach the nodes of a store.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    pub(crate) settings: ClientSettings,
    tls: ClientConfig,
    authorization: Option<MetadataValue<Ascii>>,
    connection_name: Option<MetadataValue<Ascii>>,
    keep_alive: Option<(Duration, Duration)>,
    follow_keep_alive: Option<(Duration, Duration)>,
    connect_timeout: Duration,
}

impl Transport {
    /// Reads certificate files, dials nothing.
    pub(crate) fn of(
        settings: ClientSettings,
        journal: &JournalSettings,
    ) -> Result<Self, OpenError> {
        let hidden = Hidden::of(&settings)?;
        for endpoint in settings.hosts() {
            uri(&settings, endpoint).ok_or_else(|| OpenError::ConnectionString {
                problem: format!("`{}` is not a host name", endpoint.host),
            })?;
        }
        let header = |text: String, what: &str| {
            MetadataValue::try_from(text).map_err(|_| OpenError::ConnectionString {
                problem: format!("{what} cannot be sent in a header"),
            })
        };
        Ok(Self {
            tls: tls(&settings)?,
            authorization: hidden
                .authorization()
                .map(|it| header(it, "the user name or password"))
                .transpose()?,
            connection_name: hidden
                .connection_name
                .clone()
                .map(|it| header(it, "connectionName"))
                .transpose()?,
            keep_alive: hidden.keep_alive(),
            follow_keep_alive: journal
                .follow_keep_alive
                .map(|it| (it, it))
                .or_else(|| hidden.keep_alive()),
            connect_timeout: journal.command_deadline,
            settings,
        })
    }

    /// A connection for appends and reads.
    pub(crate) fn connect(&self) -> Http {
        self.connect_with(self.keep_alive)
    }

    /// A connection for one follower alone: what one reader leaves unread must never hold up
    /// another.
    pub(crate) fn connect_follower(&self) -> Http {
        self.connect_with(self.follow_keep_alive)
    }

    fn connect_with(&self, keep_alive: Option<(Duration, Duration)>) -> Http {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(self.connect_timeout));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(self.tls.clone())
            .https_or_http()
            .enable_http2()
            .wrap_connector(tcp);
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .http2_only(true);
        if let Some((interval, timeout)) = keep_alive {
            builder
                .http2_keep_alive_interval(interval)
                .http2_keep_alive_timeout(timeout);
        }
        builder.build(connector)
    }

    /// How long a node of a cluster may say nothing before it is asked.
    pub(crate) fn silence(&self) -> Duration {
        self.follow_keep_alive
            .map_or(SILENCE, |(interval, _)| interval)
    }

    /// How nodes are spoken to over TLS.
    pub(crate) fn tls_config(&self) -> &ClientConfig {
        &self.tls
    }

    pub(crate) fn uri(&self, endpoint: &Endpoint) -> Option<http::Uri> {
        uri(&self.settings, endpoint)
    }

    /// A request with this connection's headers. It never asks for the leader: any live node can be
    /// followed.
    pub(crate) fn request<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        let headers: &mut MetadataMap = request.metadata_mut();
        if let Some(value) = &self.authorization {
            headers.insert("authorization", value.clone());
        }
        if let Some(value) = &self.connection_name {
            headers.insert("connection-name", value.clone());
        }
        request
    }
}

/// The settings that the crate shows only when it serialises them; durations are milliseconds.
#[derive(Debug, Deserialize)]
pub(crate) struct Hidden {
    keep_alive_interval: u64,
    keep_alive_timeout: u64,
    #[serde(default)]
    default_deadline: Option<u64>,
    #[serde(default)]
    default_user_name: Option<User>,
    #[serde(default)]
    connection_name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct User {
    login: Vec<u8>,
    password: Vec<u8>,
}

impl Hidden {
    pub(crate) fn of(settings: &ClientSettings) -> Result<Self, OpenError> {
        serde_json::to_value(settings)
            .and_then(serde_json::from_value)
            .map_err(|error| OpenError::ConnectionString {
                problem: format!("the client's settings have another form than expected: {error}"),
            })
    }

    /// The client turns "never" into a duration that it panics on.
    pub(crate) fn never_ends(&self) -> bool {
        self.default_deadline == Some(u64::MAX)
    }

    fn keep_alive(&self) -> Option<(Duration, Duration)> {
        let never = |millis: u64| millis == u64::MAX;
        (!never(self.keep_alive_interval) && !never(self.keep_alive_timeout)).then(|| {
            (
                Duration::from_millis(self.keep_alive_interval),
                Duration::from_millis(self.keep_alive_timeout),
            )
        })
    }

    /// The client has both parts as they stand in the URL: what has a meaning there is
    /// percent-encoded.
    fn authorization(&self) -> Option<String> {
        let user = self.default_user_name.as_ref()?;
        let [login, password] =
            [&user.login, &user.password].map(|part| -> Vec<u8> { percent_decode(part).collect() });
        let pair = [login.as_slice(), b":", password.as_slice()].concat();
        Some(format!("Basic {}", STANDARD.encode(pair)))
    }
}

fn uri(settings: &ClientSettings, endpoint: &Endpoint) -> Option<http::Uri> {
    let scheme = if settings.is_secure_mode_enabled() {
        "https"
    } else {
        "http"
    };
    let host = &endpoint.host;
    let host = if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host.clone()
    };
    format!("{scheme}://{host}:{}", endpoint.port).parse().ok()
}

fn tls(settings: &ClientSettings) -> Result<ClientConfig, OpenError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let failed = |what: &str, source: Source| OpenError::Tls {
        what: what.to_owned(),
        source,
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed("protocol versions", error.into()))?;
    let builder = if !settings.is_secure_mode_enabled() {
        builder.with_root_certificates(RootCertStore::empty())
    } else if let Some(file) = settings.tls_ca_file() {
        builder.with_root_certificates(
            roots(file).map_err(|source| failed(&format!("tlsCAFile {file}"), source))?,
        )
    } else {
        builder
            .with_native_roots()
            .map_err(|error| failed("the system's root certificates", error.into()))?
    };
    let mut config = match settings.user_certificate() {
        Some((cert, key)) => {
            let chain = certificates(cert)
                .map_err(|source| failed(&format!("userCertFile {cert}"), source))?;
            let key = PrivateKeyDer::from_pem_file(key)
                .map_err(|error| failed(&format!("userKeyFile {key}"), error.into()))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| failed("userCertFile and userKeyFile", error.into()))?
        }
        None => builder.with_no_client_auth(),
    };
    if settings.is_secure_mode_enabled() && !settings.is_tls_certificate_verification_enabled() {
        config
            .dangerous()
            .set_certificate_verifier(Arc::new(AnyCertificate(provider)));
    }
    Ok(config)
}

fn roots(file: &str) -> Result<RootCertStore, Source> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate)?;
    }
    Ok(roots)
}

fn certificates(file: &str) -> Result<Vec<CertificateDer<'static>>, Source> {
    Ok(CertificateDer::pem_file_iter(file)?.collect::<Result<_, _>>()?)
}

/// For `tlsVerifyCert=false`: whoever answers is believed, but must hold the key of the certificate
/// it shows.
#[derive(Debug)]
pub(crate) struct AnyCertificate(pub(crate) Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::parse;

    fn transport(connection_string: &str) -> Result<Transport, OpenError> {
        Transport::of(
            parse(connection_string)?,
            &JournalSettings::new(connection_string),
        )
    }

    #[test]
    fn whatever_has_a_meaning_in_the_string_stands_in_a_password_percent_encoded() {
        let encoded = "a%40b%3Ac%2Fd%3Fe%23f%22g%5Ch%20i%C3%A9%25j+k";
        let text = format!("kurrentdb://ops:{encoded}@localhost:2113?tls=false");
        let request = transport(&text).expect("a transport").request(());
        let sent = request.metadata().get("authorization").expect("a user");
        let pair = STANDARD.encode("ops:a@b:c/d?e#f\"g\\h i\u{e9}%j+k");
        assert_eq!(sent.to_str().ok(), Some(&*format!("Basic {pair}")));
    }

    #[test]
    fn what_the_crate_hides_is_read_from_what_it_serialises() {
        let text = "kurrentdb://ops:se%40cret@localhost:2113?tls=false&keepAliveInterval=12000&keepAliveTimeout=-1&connectionName=mine";
        let transport = transport(text).expect("a transport");
        assert_eq!(transport.keep_alive, None);
        let request = transport.request(());
        assert!(request.metadata().get("authorization").is_some());
        assert_eq!(
            request
                .metadata()
                .get("connection-name")
                .map(|it| it.as_bytes()),
            Some(b"mine".as_slice())
        );
        assert!(request.metadata().get("requires-leader").is_none());
    }

    #[test]
    fn a_certificate_file_that_cannot_be_read_is_named() {
        let error = transport("kurrentdb://localhost:2113?tlsCAFile=/nowhere/ca.pem")
            .expect_err("no such file");
        assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
    }

    #[test]
    fn an_address_of_either_family_becomes_a_uri() {
        let settings = parse("kurrentdb://localhost:2113?tls=false").expect("settings");
        let of = |host: &str| {
            uri(
                &settings,
                &Endpoint {
                    host: host.to_owned(),
                    port: 1,
                },
            )
            .map(|it| it.to_string())
        };
        assert_eq!(of("10.0.0.1").as_deref(), Some("http://10.0.0.1:1/"));
        assert_eq!(of("::1").as_deref(), Some("http://[::1]:1/"));
        assert_eq!(of("a b"), None);
    }
}
