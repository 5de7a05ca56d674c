//! The endpoints that there are, by the kind of what each is about: whoever drives this stand-in
//! can be asked whether it drove all.

use super::{
    Asked,
    resources::{KINDS, MANAGED},
};

/// Every endpoint, as [`Asked::endpoint`] names it.
#[must_use]
pub fn endpoints() -> Vec<String> {
    let mut all = vec![
        "GET operations/{id}".to_owned(),
        "GET operationResults/{id}".to_owned(),
        format!("POST virtualNetworks/{{name}}/{MANAGED}"),
    ];
    for (kind, children) in KINDS {
        all.push(format!("GET {kind} of the subscription"));
        all.push(format!("GET {kind}"));
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            all.push(format!("{method} {kind}/{{name}}"));
        }
        for child in children {
            all.push(format!("GET {kind}/{{name}}/{child}"));
            for method in ["GET", "PUT", "DELETE"] {
                all.push(format!("{method} {kind}/{{name}}/{child}/{{name}}"));
            }
        }
    }
    all
}

impl Asked {
    /// The endpoint that this asks; whatever it says, it need not be one that there is.
    #[must_use]
    pub fn endpoint(&self) -> String {
        let words: Vec<&str> = self.path.split('/').skip(1).collect();
        let method = &self.method;
        match words.as_slice() {
            [_, _, _, _, "locations", _, what, _] => format!("{method} {what}/{{id}}"),
            [_, _, "providers", _, kind] => format!("{method} {kind} of the subscription"),
            [_, _, _, _, _, _, kind] => format!("{method} {kind}"),
            [_, _, _, _, _, _, kind, _] => format!("{method} {kind}/{{name}}"),
            [_, _, _, _, _, _, kind, _, child] => format!("{method} {kind}/{{name}}/{child}"),
            [_, _, _, _, _, _, kind, _, child, _] => {
                format!("{method} {kind}/{{name}}/{child}/{{name}}")
            }
            _ => format!("{method} {}", self.path),
        }
    }
}
