//! What lets somebody in, and what keeps them out.

use super::words::side;
use domain::network::{ExposedBy, FirewallExposed};

pub(super) fn exposed(it: &FirewallExposed) -> String {
    let (on, exposure) = (side(it.side), &it.exposure);
    if exposure.cannot_tell {
        return format!(
            "cannot tell what {} in {} admits on {on}",
            exposure.rule_id, exposure.group
        );
    }
    match exposure.what {
        ExposedBy::Rule => format!(
            "exposed on {on}: rule {} admits {}",
            exposure.rule_id, exposure.admits
        ),
        ExposedBy::Default => format!(
            "exposed on {on} by default: {} admits {}",
            exposure.group, exposure.admits
        ),
    }
}
