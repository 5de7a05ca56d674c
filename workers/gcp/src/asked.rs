//! What is being asked and where, so that every failure can say so.

use crate::compute::{ComputeError, NetworkName};
use cloud::{AccountRegion, CloudError, CloudErrorKind, NetworkRef, Operation};
use domain::{
    Provider, Region,
    text::{CloudNetwork, TextError},
};
use std::str::FromStr;

/// One call of the port.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    operation: Operation,
    pub(crate) at: &'a AccountRegion,
}

impl<'a> Asked<'a> {
    /// Another provider's place is a mistake in how the clouds were put together.
    pub(crate) fn of(operation: Operation, at: &'a AccountRegion) -> Result<Self, CloudError> {
        match at.provider {
            Provider::Gcp => Ok(Self { operation, at }),
            Provider::Aws | Provider::Azure => {
                Err(CloudError::new(operation, at, CloudErrorKind::Unsupported))
            }
        }
    }

    /// The project that is asked.
    pub(crate) fn project(&self) -> &str {
        self.at.account.as_str()
    }

    /// The region whose routes are asked for; none, where the place is in no region.
    pub(crate) fn region(&self) -> Option<&str> {
        Some(self.at.region.as_str()).filter(|it| *it != NOWHERE)
    }

    /// This project's network of this name.
    pub(crate) fn network(&self, network: &CloudNetwork) -> NetworkName {
        NetworkName::new(self.project(), network.as_str())
    }

    pub(crate) fn error(&self, kind: CloudErrorKind) -> CloudError {
        CloudError::new(self.operation, self.at, kind)
    }

    pub(crate) fn unsupported(&self, why: &str) -> CloudError {
        self.error(CloudErrorKind::Unsupported).message(why)
    }

    /// One operation of the port may be several of the service's: its name belongs to the words.
    pub(crate) fn failed(&self, error: ComputeError) -> CloudError {
        let message = format!("{}: {}", error.method, error.message);
        let failed = self.error(error.kind).message(message);
        match error.code {
            Some(code) => failed.code(code),
            None => failed,
        }
    }

    /// A name that the service gave.
    pub(crate) fn name<T: FromStr<Err = TextError>>(
        &self,
        what: &str,
        text: &str,
    ) -> Result<T, CloudError> {
        text.parse().map_err(|error: TextError| {
            self.error(CloudErrorKind::Unexpected)
                .message(format!("{what} `{text}` {error}"))
        })
    }

    /// A network that the service names, wherever it is. It is in no region, so none is told.
    pub(crate) fn network_ref(&self, name: &NetworkName) -> Result<NetworkRef, CloudError> {
        let region = if name.project == self.project() {
            self.at.region.clone()
        } else {
            Region::named(NOWHERE).map_err(|error| {
                self.error(CloudErrorKind::Unexpected)
                    .message(error.to_string())
            })?
        };
        Ok(NetworkRef {
            at: AccountRegion {
                provider: Provider::Gcp,
                account: self.name("project", &name.project)?,
                region,
                external_id: None,
            },
            network: self.name("network", &name.network)?,
        })
    }
}

/// The region of what is in none.
const NOWHERE: &str = "global";
