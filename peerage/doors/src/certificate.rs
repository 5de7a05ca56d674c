//! Who a certificate names. That its holder has the key, and that a trusted authority issued it,
//! was proved in the handshake.
//!
//! The subject is the SPIFFE id if there is one, or else the only name of the first kind that it
//! has: URI, DNS, e-mail. The common name counts for nothing: authorities do not vouch for it.

use crate::{Authenticated, name::name};
use chrono::DateTime;
use domain::access::{Identity, Proof, Subject};
use thiserror::Error;
use x509_parser::{extensions::GeneralName, parse_x509_certificate};

/// Why nobody is known by a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// It cannot be read.
    #[error("the certificate cannot be read")]
    Unreadable,
    /// It has no alternative names, or ones that are no names.
    #[error("the certificate names nobody: it needs a URI, DNS or e-mail alternative name")]
    Nameless,
    /// It has several SPIFFE ids, which none may have.
    #[error("the certificate has more than one SPIFFE id")]
    Ambiguous,
}

/// Whom this certificate (DER) names.
pub fn certificate(der: &[u8]) -> Result<Authenticated, CertificateError> {
    let (_, parsed) = parse_x509_certificate(der).map_err(|_| CertificateError::Unreadable)?;
    let names = parsed
        .subject_alternative_name()
        .map_err(|_| CertificateError::Unreadable)?
        .map(|it| it.value.general_names.clone())
        .unwrap_or_default();
    let (mut uris, mut hosts, mut addresses) = (Vec::new(), Vec::new(), Vec::new());
    for it in names {
        if let GeneralName::URI(it) = it {
            uris.push(it);
        } else if let GeneralName::DNSName(it) = it {
            hosts.push(it);
        } else if let GeneralName::RFC822Name(it) = it {
            addresses.push(it);
        }
    }
    let is_spiffe = |it: &&str| it.starts_with("spiffe://");
    let spiffe: Vec<_> = uris.iter().copied().filter(is_spiffe).collect();
    if spiffe.len() > 1 {
        return Err(CertificateError::Ambiguous);
    }
    let all: Vec<&str> = spiffe
        .iter()
        .chain(uris.iter().filter(|it| !is_spiffe(it)))
        .chain(&hosts)
        .chain(&addresses)
        .copied()
        .collect();
    let mut all = all.into_iter().filter_map(name);
    let subject = all.next().ok_or(CertificateError::Nameless)?;
    let issuer = name(&parsed.issuer().to_string()).ok_or(CertificateError::Nameless)?;
    Ok(Authenticated {
        identity: Identity {
            subject: Subject {
                method: Proof::Mtls,
                issuer,
                subject,
            },
            also: all.collect(),
            groups: Vec::new(),
        },
        expires: DateTime::from_timestamp(parsed.validity().not_after.timestamp(), 0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, CertifiedIssuer, DnType, KeyPair, SanType};

    fn of(names: &[SanType]) -> Result<Authenticated, CertificateError> {
        let key = || KeyPair::generate().expect("a key");
        let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
        authority
            .distinguished_name
            .push(DnType::CommonName, "clients");
        let authority = CertifiedIssuer::self_signed(authority, key()).expect("an authority");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.subject_alt_names = names.to_vec();
        params.distinguished_name.push(DnType::CommonName, "root");
        let made = params.signed_by(&key(), &authority).expect("a certificate");
        certificate(made.der())
    }

    fn uri(text: &str) -> SanType {
        SanType::URI(text.try_into().expect("ASCII"))
    }

    fn dns(text: &str) -> SanType {
        SanType::DnsName(text.try_into().expect("ASCII"))
    }

    #[test]
    fn a_certificate_names_its_spiffe_id_first_and_its_common_name_never() {
        let known =
            of(&[dns("deploy.example"), uri("spiffe://example.org/deploy")]).expect("somebody");
        let subject = &known.identity.subject;
        assert_eq!(subject.subject.as_str(), "spiffe://example.org/deploy");
        assert!(subject.issuer.as_str().contains("CN=clients"), "{subject}");
        assert_eq!(
            known.identity.also,
            ["deploy.example".parse().expect("a name")]
        );
        assert!(known.expires.is_some());
        let known = of(&[dns("deploy.example")]).expect("somebody");
        assert_eq!(known.identity.subject.subject.as_str(), "deploy.example");
        assert_eq!(of(&[]), Err(CertificateError::Nameless));
        let two = [uri("spiffe://a/b"), uri("spiffe://a/c")];
        assert_eq!(of(&two), Err(CertificateError::Ambiguous));
        assert_eq!(certificate(b"rubbish"), Err(CertificateError::Unreadable));
    }
}
