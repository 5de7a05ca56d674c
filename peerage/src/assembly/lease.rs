//! Which of several servers on one store provisions. Those that work on the same clouds share a
//! lease; servers of other clouds have networks of their own, and a lease of their own.

use super::{Engine, clock, store};
use async_trait::async_trait;
use connectors::{Election, LeaseSettings, Terms};
use domain::{Provider, ServedClouds, text::ActorName};
use journal::Journal;
use std::sync::Arc;
use uuid::Uuid;
use workers::{Alone, Lease, Term};

/// Who asks for the provisioner's lease; nobody, where this server has its store for itself.
pub(super) fn election(
    engine: &Engine,
    journal: &Journal,
    is_alone: bool,
    host: &ActorName,
) -> Option<Election> {
    (!is_alone).then(|| {
        Election::new(
            journal.clone(),
            &name(&engine.clouds.served()),
            LeaseSettings::default(),
            host.to_string(),
            store::instance(engine.lock.as_ref()),
            clock(),
        )
    })
}

/// The lease's name: the same for servers of the same clouds.
fn name(clouds: &ServedClouds) -> String {
    let each = Provider::ALL.iter();
    let each = each.filter_map(|it| Some(format!("{it}={}", clouds.mode(*it)?)));
    let text = each.collect::<Vec<_>>().join(" ");
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes());
    format!("provisioner-{}", id.simple())
}

/// What the provisioner asks.
pub(super) fn of(election: Option<&Election>) -> Box<dyn Lease> {
    match election {
        Some(election) => Box::new(Shared(election.terms())),
        None => Box::new(Alone),
    }
}

/// The lease that this server holds, or does not.
#[derive(Debug)]
struct Shared(Terms);

#[async_trait]
impl Lease for Shared {
    fn term(&mut self) -> Option<Arc<dyn Term>> {
        let term = self.0.current()?;
        Some(Arc::new(Held(term)))
    }

    async fn changed(&mut self) {
        self.0.changed().await;
    }
}

#[derive(Debug)]
struct Held(connectors::Term);

impl Term for Held {
    fn number(&self) -> u64 {
        self.0.number()
    }

    fn lease(&self) -> Option<Uuid> {
        self.0.lease()
    }

    fn lasts_for_a_call(&self) -> bool {
        self.0.lasts_for_a_call()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::CloudMode;

    fn served(clouds: &[(Provider, &str)]) -> ServedClouds {
        let mode = |text: &str| match text {
            "real" => CloudMode::Real,
            endpoint => CloudMode::Emulator {
                endpoint: endpoint.parse().unwrap(),
            },
        };
        clouds.iter().map(|(it, text)| (*it, mode(text))).collect()
    }

    #[test]
    fn servers_of_the_same_clouds_share_a_lease_and_others_have_their_own() {
        let aws = name(&served(&[(Provider::Aws, "real")]));
        assert_eq!(aws, name(&served(&[(Provider::Aws, "real")])));
        let others = [
            &[(Provider::Gcp, "real")][..],
            &[(Provider::Aws, "real"), (Provider::Gcp, "real")],
            &[(Provider::Aws, "http://127.0.0.1:5000")],
        ];
        for clouds in others {
            assert_ne!(aws, name(&served(clouds)), "{clouds:?}");
        }
    }
}
