//! A look: reads that belong together, and show one moment. What several of them take from the same
//! answer of the service is asked for once: where a network tells of its links, its subnets and its
//! groups, that is one call.
//!
//! A look is what its reads run in ([`Look::over`]); a cloud finds it by itself ([`Look::once`]).
//! Changes run in none, so what they look at first is as it is then. It holds what it was shown for
//! as long as somebody holds it.

use parking_lot::Mutex;
use std::{
    any::{Any, TypeId},
    collections::BTreeMap,
    fmt,
    future::Future,
    sync::Arc,
};
use tokio::sync::OnceCell;

tokio::task_local! {
    static CURRENT: Look;
}

type Shown = Arc<dyn Any + Send + Sync>;

/// What reads that belong together share. Clones are the same look.
#[derive(Clone, Default)]
pub struct Look(Arc<Mutex<BTreeMap<(TypeId, String), Shown>>>);

impl Look {
    /// Runs these reads in this look.
    pub async fn over<F: Future>(&self, reads: F) -> F::Output {
        CURRENT.scope(self.clone(), reads).await
    }

    /// What a call has shown in the look that this runs in: it is made if none of the same name was
    /// made there. One that failed has shown nothing. Outside of looks it is always made.
    pub async fn once<T, E, F>(name: String, call: impl FnOnce() -> F) -> Result<T, E>
    where
        T: Clone + Send + Sync + 'static,
        F: Future<Output = Result<T, E>>,
    {
        let Ok(look) = CURRENT.try_with(Clone::clone) else {
            return call().await;
        };
        let cell = look.cell::<T>(name);
        cell.get_or_try_init(call).await.cloned()
    }

    fn cell<T: Send + Sync + 'static>(&self, name: String) -> Arc<OnceCell<T>> {
        let mut shown = self.0.lock();
        let new = || Arc::new(OnceCell::<T>::new()) as Shown;
        let known = shown.entry((TypeId::of::<T>(), name)).or_insert_with(new);
        let known = Arc::clone(known).downcast();
        known.unwrap_or_else(|_| Arc::new(OnceCell::new()))
    }
}

impl fmt::Debug for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Look({})", self.0.lock().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    async fn asked(calls: &AtomicUsize, name: &str) -> Result<usize, ()> {
        Look::once(name.to_owned(), || async {
            tokio::task::yield_now().await;
            Ok(calls.fetch_add(1, Ordering::Relaxed))
        })
        .await
    }

    #[tokio::test]
    async fn in_a_look_each_call_is_made_once_however_many_need_it_at_the_same_time() {
        let (calls, look) = (AtomicUsize::new(0), Look::default());
        let both = async { tokio::join!(asked(&calls, "one"), asked(&calls, "one")) };
        assert_eq!(look.over(both).await, (Ok(0), Ok(0)));
        assert_eq!(look.over(asked(&calls, "other")).await, Ok(1));
        assert_eq!(look.clone().over(asked(&calls, "one")).await, Ok(0));
        assert_eq!(Look::default().over(asked(&calls, "one")).await, Ok(2));
    }

    #[tokio::test]
    async fn outside_of_looks_every_call_is_made() {
        let calls = AtomicUsize::new(0);
        assert_eq!(asked(&calls, "one").await, Ok(0));
        assert_eq!(asked(&calls, "one").await, Ok(1));
    }

    #[tokio::test]
    async fn a_call_that_failed_is_made_again() {
        let look = Look::default();
        let fails = Look::once::<usize, _, _>("one".to_owned(), || async { Err("no") });
        assert_eq!(look.over(fails).await, Err("no"));
        let works = Look::once::<usize, &str, _>("one".to_owned(), || async { Ok(7) });
        assert_eq!(look.over(works).await, Ok(7));
    }
}
