//! What an explanation of access is asked for.

use super::Fields;
use crate::api::{problem::Problem, v1};
use chrono::{DateTime, Utc};
use domain::{
    NetworkId,
    access::{Identity, Method, Proof, Subject},
    text::Account,
};

/// What is to be explained.
#[derive(Clone, Debug)]
pub(in crate::api) struct Explained {
    pub(in crate::api) method: Option<Method>,
    pub(in crate::api) network: Option<NetworkId>,
    pub(in crate::api) account: Option<Account>,
    pub(in crate::api) subject: Option<Identity>,
    pub(in crate::api) at: Option<DateTime<Utc>>,
}

pub(in crate::api) fn explain_access(
    request: &v1::ExplainAccessRequest,
) -> Result<Explained, Problem> {
    let mut fields = Fields::default();
    let method = fields.optional("method", &request.method);
    let network = fields.optional_id("network_id", &request.network_id);
    let account = fields.optional("peer_account", &request.peer_account);
    let subject = match &request.subject {
        None => Some(None),
        Some(it) => subject(&mut fields, it).map(Some),
    };
    let at = fields.time("at", request.at.as_ref());
    let parsed = (|| {
        Some(Explained {
            method: method?,
            network: network?,
            account: account?,
            subject: subject?,
            at: at?,
        })
    })();
    fields.finish(parsed)
}

fn subject(fields: &mut Fields, sent: &v1::AccessSubject) -> Option<Identity> {
    let method = match Proof::ALL.into_iter().find(|it| it.as_str() == sent.method) {
        Some(method) => Some(method),
        None => fields.wrong("subject.method", "must be token, mtls or socket"),
    };
    let issuer = fields.take("subject.issuer", &sent.issuer);
    let name = fields.take("subject.subject", &sent.subject);
    let groups = fields.each("subject.groups", &sent.groups);
    Some(Identity {
        subject: Subject {
            method: method?,
            issuer: issuer?,
            subject: name?,
        },
        also: Vec::new(),
        groups: groups?,
    })
}
