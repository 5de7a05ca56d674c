//! How the API's port is guarded, and how the command line passes it.

use domain::access::{ApprovalRule, Binding};
use doors::IssuerSettings;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The files of the API's TLS, all PEM. They are looked at again and again, and new ones are taken
/// without a restart.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tls {
    /// The certificate, with what links it to its authority. Empty: no TLS.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities whose certificates clients may prove with who they are (mutual TLS). Empty:
    /// none.
    pub client_ca: PathBuf,
    /// Whether clients must have one.
    pub client_certificates: ClientCertificates,
}

/// Whether a client must show a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientCertificates {
    /// A client may prove in another way who it is.
    #[default]
    Optional,
    /// No connection without one.
    Required,
}

/// The mode of a file, as `chmod` takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mode(pub u32);

impl TryFrom<String> for Mode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mode = u32::from_str_radix(&text, 8).ok();
        // Only its owner and a group: a socket for all is a port without a password.
        let mode = mode.filter(|it| it & !0o660 == 0 && it & 0o600 == 0o600);
        mode.map(Self).ok_or_else(|| {
            format!(
                "{text:?} is no mode of a socket: write \"0600\" or \"0660\" (the group as well)"
            )
        })
    }
}

impl From<Mode> for String {
    fn from(mode: Mode) -> Self {
        format!("{:04o}", mode.0)
    }
}

/// What the command line proves with who it is. Flags and `PEERAGE_CLIENT__…` come before the file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Client {
    /// The authorities that an engine's certificate is believed of, PEM. Empty: the system's.
    pub ca: PathBuf,
    /// A certificate to show, PEM.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// A file that holds a bearer token.
    pub token_file: PathBuf,
    /// A command that prints a bearer token, or an `ExecCredential` of Kubernetes, and its
    /// arguments.
    pub token_command: Vec<String>,
}

/// Who is known, and what they may do. Once anybody can be known, nobody else gets in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Access {
    /// The issuers of bearer tokens that are believed.
    pub issuers: Vec<IssuerSettings>,
    /// Whether the user at the other end of a Unix socket is believed.
    pub sockets: bool,
    /// A file of bindings and approvals, followed without a restart, in place of those here.
    pub policy: PathBuf,
    /// Who may do what.
    pub bindings: Vec<Binding>,
    /// What asks for approval by several people.
    pub approvals: Vec<ApprovalRule>,
}
