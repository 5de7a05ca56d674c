//! At which cloud the networks of a plan are, or will be: what stands in for one is said before
//! anybody agrees.

use crate::{
    api::v1,
    cli::{CliError, engine::Servers},
};
use serde::Serialize;

/// A cloud, as all answers write it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Cloud {
    mode: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    endpoint: String,
}

impl From<&v1::Cloud> for Cloud {
    fn from(it: &v1::Cloud) -> Self {
        Self {
            mode: it.mode().as_str_name(),
            endpoint: it.endpoint.clone(),
        }
    }
}

/// What answers for each provider at the server.
pub(super) async fn clouds(servers: &mut Servers) -> Result<Vec<v1::ServedCloud>, CliError> {
    let info = servers.read(v1::GetServerInfoRequest::default()).await?;
    Ok(info.clouds)
}
