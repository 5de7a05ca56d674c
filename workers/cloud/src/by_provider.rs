//! Several clouds behind one face: each call goes to the provider that it names, so that one engine
//! has networks at all of them.

use crate::{AccountRegion, Cloud, CloudError, CloudErrorKind, Layer, Operation};
use domain::{CloudMode, Provider};
use std::sync::Arc;

/// A cloud for each provider that is served.
#[derive(Clone, Debug)]
pub struct ByProvider {
    first: (Provider, Arc<dyn Cloud>),
    others: Vec<(Provider, Arc<dyn Cloud>)>,
}

impl ByProvider {
    /// What answers for this provider, and for no other.
    pub fn new(provider: Provider, cloud: Arc<dyn Cloud>) -> Self {
        Self {
            first: (provider, cloud),
            others: Vec::new(),
        }
    }

    /// What answers for this one too. What answered for it before does no more.
    #[must_use]
    pub fn and(mut self, provider: Provider, cloud: Arc<dyn Cloud>) -> Self {
        if self.first.0 == provider {
            self.first.1 = cloud;
        } else {
            self.others.retain(|(it, _)| *it != provider);
            self.others.push((provider, cloud));
        }
        self
    }

    fn of(&self, provider: Provider) -> Option<&dyn Cloud> {
        std::iter::once(&self.first)
            .chain(&self.others)
            .find_map(|(it, cloud)| (*it == provider).then_some(&**cloud))
    }
}

impl Layer for ByProvider {
    fn inner(&self) -> &dyn Cloud {
        &*self.first.1
    }

    fn inner_at(&self, provider: Provider) -> &dyn Cloud {
        self.of(provider).unwrap_or_else(|| self.inner())
    }

    fn mode(&self, provider: Provider) -> Option<CloudMode> {
        self.of(provider)?.mode(provider)
    }

    /// A call to a provider that is not served goes nowhere.
    async fn call<T, F>(
        &self,
        operation: Operation,
        at: &AccountRegion,
        once: impl Fn() -> F + Send + Sync,
    ) -> Result<T, CloudError>
    where
        F: Future<Output = Result<T, CloudError>> + Send,
        T: Send,
    {
        if self.of(at.provider).is_none() {
            let message = format!("this engine has no way to {}", at.provider);
            let error = CloudError::new(operation, at, CloudErrorKind::Unsupported);
            return Err(error.message(message));
        }
        once().await
    }
}
