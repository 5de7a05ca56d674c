//! Settings of connectors as callers send and see them: JSON in the form of the stored settings,
//! with each secret as `{"value": "…"}`. What goes in is sealed at once; what goes out says only
//! that there is a secret. `{"value": null}` keeps the present one.

use crate::api::{
    problem::{Problem, Reason},
    structs::{depth, json_of, struct_of},
};
use aws_lc_rs::rand::SystemRandom;
use connectors::secrets::{MasterKeys, Sealer};
use domain::{
    connector::{Filter, Settings},
    text::ConnectorId,
};
use prost_types::Struct;
use secrecy::SecretString;
use serde_json::{Map, Value};
use tonic_types::FieldViolation;

/// The most bytes of JSON that settings may take.
const LARGEST: usize = 128 << 10;

/// How deep they may nest.
const DEEPEST: usize = 16;

/// Reads settings, and seals what is secret in them.
pub(super) fn read(
    id: &ConnectorId,
    configuration: Option<Struct>,
    present: Option<&Settings>,
    keys: Option<&MasterKeys>,
) -> Result<Settings, Problem> {
    let Some(configuration) = configuration else {
        return Err(wrong("configuration", "is missing"));
    };
    if depth(&configuration, DEEPEST) > DEEPEST {
        return Err(wrong("configuration", "nests too deep"));
    }
    let mut value = json_of(configuration);
    if value.to_string().len() > LARGEST {
        return Err(wrong(
            "configuration",
            "is longer than 131072 bytes of JSON",
        ));
    }
    let present = match present {
        Some(settings) => serde_json::to_value(settings)
            .map_err(|error| Problem::new(Reason::NotEncodable, error.to_string()))?,
        None => Value::Null,
    };
    let random = SystemRandom::new();
    let sealer = match keys {
        Some(keys) => {
            let sealer = keys.sealer(id.as_str(), &random);
            Some(
                sealer
                    .map_err(|error| Problem::new(Reason::ConnectorUnusable, error.to_string()))?,
            )
        }
        None => None,
    };
    let sealing = Sealing {
        sealer,
        random: &random,
    };
    sealing.seal(&mut value, &present, "")?;
    let text = value.to_string();
    let mut reader = serde_json::Deserializer::from_str(&text);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = format!("configuration.{}", error.path());
        let message = error.inner().to_string();
        // What follows tells where in a text that nobody has seen.
        let message = message.split(" at line ").next().unwrap_or_default();
        wrong(field.trim_end_matches(".."), message)
    })
}

/// Reads a filter.
pub(super) fn filter(filter: Option<Struct>) -> Result<Option<Filter>, Problem> {
    let Some(filter) = filter else {
        return Ok(None);
    };
    if depth(&filter, DEEPEST) > DEEPEST {
        return Err(wrong("filter", "nests too deep"));
    }
    let read = serde_json::from_value(json_of(filter));
    read.map(Some)
        .map_err(|error| wrong("filter", &error.to_string()))
}

/// Settings as they are shown.
pub(super) fn shown(settings: &Settings) -> Struct {
    let mut value = serde_json::to_value(settings).unwrap_or_default();
    unseal(&mut value);
    match value {
        Value::Object(fields) => struct_of(fields),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Struct::default()
        }
    }
}

struct Sealing<'a> {
    sealer: Option<Sealer<'a>>,
    random: &'a SystemRandom,
}

impl Sealing<'_> {
    /// Seals every secret in a value. `path` names the field, without places in lists: so a key
    /// can move in its list.
    fn seal(&self, value: &mut Value, present: &Value, path: &str) -> Result<(), Problem> {
        match value {
            Value::Object(fields) => {
                if fields.contains_key("sealed") || fields.contains_key("print") {
                    return Err(wrong(&field(path), "is sealed; send the secret itself"));
                }
                // A header may be called so, too: what it holds is no text.
                if fields.len() == 1
                    && let Some(secret @ (Value::String(_) | Value::Null)) = fields.get("value")
                {
                    *value = self.secret(secret, present, path)?;
                    return Ok(());
                }
                for (name, inner) in fields {
                    let before = present.get(name).unwrap_or(&Value::Null);
                    self.seal(inner, before, &format!("{path}/{name}"))?;
                }
                Ok(())
            }
            Value::Array(all) => {
                for (at, inner) in all.iter_mut().enumerate() {
                    let before = present.get(at).unwrap_or(&Value::Null);
                    self.seal(inner, before, path)?;
                }
                Ok(())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    fn secret(&self, secret: &Value, present: &Value, path: &str) -> Result<Value, Problem> {
        match secret {
            Value::Null if present.get("sealed").is_some() => Ok(present.clone()),
            Value::Null => Err(wrong(&field(path), "has no present value that could stay")),
            Value::String(text) => {
                let Some(sealer) = &self.sealer else {
                    return Err(Problem::new(
                        Reason::ConnectorUnusable,
                        "this server has no keys to seal secrets with; `secrets.key_file` in its configuration names them",
                    ));
                };
                let secret = SecretString::from(text.clone());
                let sealed = sealer.seal(path, &secret, self.random);
                let sealed = sealed
                    .map_err(|error| Problem::new(Reason::ConnectorUnusable, error.to_string()))?;
                Ok(serde_json::json!({ "sealed": sealed.sealed, "print": sealed.print }))
            }
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Err(wrong(
                &field(path),
                "is a text, or null to keep the present one",
            )),
        }
    }
}

fn unseal(value: &mut Value) {
    match value {
        Value::Object(fields) if fields.contains_key("sealed") && fields.len() == 2 => {
            *fields = Map::from_iter([("value".to_owned(), Value::Null)]);
        }
        Value::Object(fields) => fields.values_mut().for_each(unseal),
        Value::Array(all) => all.iter_mut().for_each(unseal),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn field(path: &str) -> String {
    format!("configuration{}", path.replace('/', "."))
}

fn wrong(field: &str, what: &str) -> Problem {
    Problem::fields(vec![FieldViolation::new(field, what)])
}
