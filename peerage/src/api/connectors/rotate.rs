//! Keys that are changed: those that sign, with a grace for receivers, and the master key that
//! secrets are sealed under.

use super::{Connectors, parse};
use crate::api::{
    access::Caller as Known,
    parse::Fields,
    problem::{Problem, Reason},
    v1,
};
use aws_lc_rs::rand::SystemRandom;
use chrono::{DateTime, TimeDelta, Utc};
use connectors::{SigningKey, secrets::MasterKeys};
use domain::{
    connector::{
        ConnectorCommand, ReconfigureConnector, Sealed, Settings, SignatureScheme,
        SigningKey as Stored, Sink, Webhook,
    },
    text::ConnectorId,
};
use prost_types::Duration;
use secrecy::SecretString;
use serde_json::Value;

/// The longest that two keys sign side by side.
const LONGEST_GRACE: TimeDelta = TimeDelta::days(7);

/// A key that is to sign from now on.
struct NewKey {
    secret: SecretString,
    scheme: SignatureScheme,
    public_key: Option<String>,
    grace: TimeDelta,
}

impl Connectors {
    fn keys(&self) -> Result<&MasterKeys, Problem> {
        let keys = self.parts().keys.as_deref();
        keys.ok_or_else(|| {
            let text = "this server has no keys to seal secrets with; `secrets.key_file` in its configuration names them";
            Problem::new(Reason::ConnectorUnusable, text)
        })
    }

    pub(super) async fn rotate_key(
        &self,
        caller: &Known,
        request: v1::RotateSigningKeyRequest,
        traceparent: Option<String>,
    ) -> Result<v1::CommandResponse, Problem> {
        let context = request.context.as_ref();
        let only = request.validate_only;
        let asked = parse::asked(context, &request.connector_id, only, traceparent)?;
        let new = new_key(request)?;
        let (defined, revision) = self.loaded(&asked.id).await?;
        let mut settings = defined.settings;
        let Sink::Webhook(webhook) = &mut settings.sink else {
            let text = "only a webhook signs what it delivers";
            return Err(Problem::new(Reason::ConnectorUnusable, text));
        };
        let sealed = sealed(&asked.id, self.keys()?, &new.secret)?;
        if webhook
            .signing
            .iter()
            .any(|it| it.key.print == sealed.print)
        {
            // The same command again, or another one with the same key: it signs already.
            return Ok(v1::CommandResponse {
                connector_id: asked.id.to_string(),
                revision,
                repeated: true,
                validated_only: only,
                ..v1::CommandResponse::default()
            });
        }
        rotated(webhook, &new, sealed, (self.0.clock)())?;
        self.check(&asked.id, &settings).await?;
        let command = ConnectorCommand::ReconfigureConnector(ReconfigureConnector { settings });
        self.execute(caller, asked, command).await
    }

    pub(super) async fn reseal(
        &self,
        caller: &Known,
        request: &v1::ResealSecretsRequest,
        traceparent: Option<String>,
    ) -> Result<v1::CommandResponse, Problem> {
        let (context, only) = (request.context.as_ref(), request.validate_only);
        let asked = parse::asked(context, &request.connector_id, only, traceparent)?;
        let (defined, revision) = self.loaded(&asked.id).await?;
        let Some(settings) = resealed(&asked.id, self.keys()?, &defined.settings)? else {
            return Ok(v1::CommandResponse {
                connector_id: asked.id.to_string(),
                revision,
                repeated: true,
                validated_only: only,
                ..v1::CommandResponse::default()
            });
        };
        let command = ConnectorCommand::ReconfigureConnector(ReconfigureConnector { settings });
        self.execute(caller, asked, command).await
    }
}

fn unusable(error: impl ToString) -> Problem {
    Problem::new(Reason::ConnectorUnusable, error.to_string())
}

fn new_key(request: v1::RotateSigningKeyRequest) -> Result<NewKey, Problem> {
    let mut fields = Fields::default();
    let secret = SecretString::from(request.key);
    let parsed = SigningKey::parse(&secret);
    let scheme = match v1::SigningScheme::try_from(request.scheme) {
        Ok(v1::SigningScheme::V1) => Some(SignatureScheme::V1),
        Ok(v1::SigningScheme::V1a) => Some(SignatureScheme::V1a),
        Ok(v1::SigningScheme::Unspecified) | Err(_) => fields.wrong("scheme", "is V1 or V1A"),
    };
    let public_key = match (&parsed, scheme) {
        (Ok(SigningKey::Hmac(_)), Some(SignatureScheme::V1)) => Some(None),
        (Ok(key @ SigningKey::Ed25519(_)), Some(SignatureScheme::V1a)) => Some(key.public_key()),
        (Ok(_), _) => fields.wrong("key", "is of another scheme"),
        (Err(error), _) => fields.wrong("key", error.to_string()),
    };
    let grace = match request.grace.map(grace) {
        None => Some(TimeDelta::zero()),
        Some(Some(grace)) => Some(grace),
        Some(None) => fields.wrong("grace", "is 0 to 7 days"),
    };
    let new = scheme.zip(public_key).zip(grace);
    let new = new.map(|((scheme, public_key), grace)| NewKey {
        secret,
        scheme,
        public_key,
        grace,
    });
    fields.finish(new)
}

fn grace(told: Duration) -> Option<TimeDelta> {
    let nanos = u32::try_from(told.nanos).ok()?;
    let grace = TimeDelta::new(told.seconds, nanos)?;
    (TimeDelta::zero()..=LONGEST_GRACE)
        .contains(&grace)
        .then_some(grace)
}

fn sealed(id: &ConnectorId, keys: &MasterKeys, secret: &SecretString) -> Result<Sealed, Problem> {
    let random = SystemRandom::new();
    let sealer = keys.sealer(id.as_str(), &random).map_err(unusable)?;
    let sealed = sealer.seal(connectors::SIGNING, secret, &random);
    let sealed = sealed.map_err(unusable)?;
    Ok(Sealed {
        sealed: sealed.sealed,
        print: sealed.print,
    })
}

/// The new key first; those that it replaces for a grace, what is over by now no more.
fn rotated(
    webhook: &mut Webhook,
    new: &NewKey,
    sealed: Sealed,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    for key in &mut webhook.signing {
        if key.scheme == new.scheme {
            let end = now + new.grace;
            key.until = Some(key.until.map_or(end, |it| it.min(end)));
        }
    }
    webhook
        .signing
        .retain(|it| it.until.is_none_or(|it| it > now));
    let public_key = new.public_key.as_deref().map(str::parse).transpose();
    let key = Stored {
        scheme: new.scheme,
        key: sealed,
        public_key: public_key.map_err(|error: domain::text::TextError| unusable(error))?,
        until: None,
    };
    webhook.signing.insert(0, key);
    Ok(())
}

/// The same settings with every secret under the present master key; nothing if all are.
fn resealed(
    id: &ConnectorId,
    keys: &MasterKeys,
    settings: &Settings,
) -> Result<Option<Settings>, Problem> {
    let mut value = serde_json::to_value(settings).map_err(unusable)?;
    let mut changed = 0;
    reseal(&mut value, id, keys, &mut changed)?;
    if changed == 0 {
        return Ok(None);
    }
    serde_json::from_value(value).map(Some).map_err(unusable)
}

fn reseal(
    value: &mut Value,
    id: &ConnectorId,
    keys: &MasterKeys,
    changed: &mut usize,
) -> Result<(), Problem> {
    match value {
        Value::Object(fields) => {
            if fields.len() == 2
                && fields.contains_key("print")
                && let Some(Value::String(sealed)) = fields.get_mut("sealed")
            {
                let anew = keys.rewrap(id.as_str(), sealed, &SystemRandom::new());
                if let Some(anew) = anew.map_err(unusable)? {
                    *sealed = anew;
                    *changed += 1;
                }
                return Ok(());
            }
            let mut each = fields.values_mut();
            each.try_for_each(|it| reseal(it, id, keys, changed))
        }
        Value::Array(all) => all
            .iter_mut()
            .try_for_each(|it| reseal(it, id, keys, changed)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;
    use serde_json::json;

    fn keys() -> (tempfile::TempDir, std::path::PathBuf, MasterKeys) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.key");
        let keys = MasterKeys::create(&path, "k1", &SystemRandom::new()).unwrap();
        (folder, path, keys)
    }

    fn request(scheme: v1::SigningScheme, days: i64) -> v1::RotateSigningKeyRequest {
        let random = SystemRandom::new();
        let secret = match scheme {
            v1::SigningScheme::V1a => SigningKey::generate_private_key(&random),
            v1::SigningScheme::V1 | v1::SigningScheme::Unspecified => {
                SigningKey::generate_secret(&random)
            }
        };
        v1::RotateSigningKeyRequest {
            scheme: scheme.into(),
            key: secret.unwrap().expose_secret().to_owned(),
            grace: Some(Duration {
                seconds: days * 86_400,
                nanos: 0,
            }),
            ..Default::default()
        }
    }

    fn webhook(settings: &mut Settings) -> &mut Webhook {
        match &mut settings.sink {
            Sink::Webhook(webhook) => webhook,
            Sink::File(_) | Sink::Stdout => panic!("a webhook"),
        }
    }

    #[test]
    fn a_new_key_signs_at_once_and_the_old_ones_of_its_scheme_for_a_grace() {
        let (_folder, _, keys) = keys();
        let id: ConnectorId = "to-auditors".parse().unwrap();
        let settings =
            json!({ "sink": { "type": "webhook", "url": "https://hooks.example.com/" } });
        let mut settings: Settings = serde_json::from_value(settings).unwrap();
        let now = DateTime::from_timestamp(1_772_355_600, 0).unwrap();
        let mut rotate = |scheme, days, now| {
            let new = new_key(request(scheme, days)).unwrap();
            let sealed = sealed(&id, &keys, &new.secret).unwrap();
            rotated(webhook(&mut settings), &new, sealed, now).unwrap();
            let all = webhook(&mut settings).signing.iter();
            all.map(|it| (it.scheme, it.until)).collect::<Vec<_>>()
        };
        use SignatureScheme::{V1, V1a};
        assert_eq!(rotate(v1::SigningScheme::V1, 0, now), [(V1, None)]);
        assert_eq!(
            rotate(v1::SigningScheme::V1a, 2, now),
            [(V1a, None), (V1, None)]
        );
        let end = now + TimeDelta::days(7);
        assert_eq!(
            rotate(v1::SigningScheme::V1, 7, now),
            [(V1, None), (V1a, None), (V1, Some(end))]
        );
        // A second one makes no grace longer, and what is over goes.
        let later = now + TimeDelta::days(6);
        assert_eq!(
            rotate(v1::SigningScheme::V1, 7, later),
            [
                (V1, None),
                (V1, Some(later + TimeDelta::days(7))),
                (V1a, None),
                (V1, Some(end))
            ]
        );
        assert_eq!(
            rotate(v1::SigningScheme::V1, 0, later),
            [(V1, None), (V1a, None)]
        );
        assert!(webhook(&mut settings).signing[1].public_key.is_some());
    }

    #[test]
    fn a_grace_of_more_than_a_week_and_a_key_of_another_scheme_are_refused() {
        for wrong in [
            request(v1::SigningScheme::V1, 8),
            request(v1::SigningScheme::V1, -1),
            request(v1::SigningScheme::Unspecified, 1),
            v1::RotateSigningKeyRequest {
                scheme: v1::SigningScheme::V1a.into(),
                ..request(v1::SigningScheme::V1, 1)
            },
            v1::RotateSigningKeyRequest {
                key: "s3cret".to_owned(),
                ..request(v1::SigningScheme::V1, 1)
            },
        ] {
            let status = new_key(wrong).err().unwrap().status("x");
            assert_eq!(status.code(), tonic::Code::InvalidArgument);
            assert!(!status.message().contains("s3cret"));
        }
    }

    #[test]
    fn secrets_are_sealed_anew_under_the_present_master_key_once_and_open_without_the_old_one() {
        let (_folder, path, mut keys) = keys();
        let id: ConnectorId = "to-auditors".parse().unwrap();
        let secret = SecretString::from("s3cret".to_owned());
        let kept = sealed(&id, &keys, &secret).unwrap();
        let settings = json!({ "sink": {
            "type": "webhook", "url": "https://hooks.example.com/",
            "signing": [{ "scheme": "v1", "key": kept }],
        } });
        let settings: Settings = serde_json::from_value(settings).unwrap();
        assert_eq!(resealed(&id, &keys, &settings).unwrap(), None);
        keys.rotate(&path, "k2", &SystemRandom::new()).unwrap();
        let mut anew = resealed(&id, &keys, &settings).unwrap().unwrap();
        assert_eq!(resealed(&id, &keys, &anew).unwrap(), None);
        keys.retire(&path, "k1").unwrap();
        let key = &webhook(&mut anew).signing[0].key;
        assert_eq!(key.print, kept.print);
        let opened = keys.open(id.as_str(), connectors::SIGNING, &key.sealed);
        assert_eq!(opened.unwrap().expose_secret(), "s3cret");
    }
}
