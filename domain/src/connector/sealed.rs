//! A secret as it stands in the log: nobody can read it without the key, and this room has none.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// The ciphertext of a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// What holds the secret, base64. Nobody outside of the log gets it.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub sealed: String,
    /// What tells whether two are the same secret of the same connector, to whoever has the key.
    pub print: String,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(…)")
    }
}

/// Takes out of a command's JSON what differs each time that a secret is sealed: the same command
/// is the same, sealed again.
pub fn without_ciphertext(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.len() == 2 && fields.contains_key("print") {
                fields.remove("sealed");
            }
            fields.values_mut().for_each(without_ciphertext);
        }
        Value::Array(all) => all.iter_mut().for_each(without_ciphertext),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
