//! What it costs to know who calls: the same commands to an engine that asks nobody, and to one
//! that judges a token and a policy for each.

use crate::{
    TURNS,
    load::{Turn, run, tried},
    stand::Stand,
};
use peerage_tests::oidc::Issuer;
use serde_json::json;
use std::time::Duration;

/// How many commands with tokens there are at least for each one without.
const WANTED: f64 = 0.9;

pub(crate) async fn compare(each: Duration) {
    let issuer = Issuer::start().await;
    let token = issuer.token("good", json!({})).await;
    let (open, guarded) = (Stand::inside().await, Stand::guarded(&issuer.url()).await);
    let mut missed = Vec::new();
    for in_flight in [1, 16] {
        let (without, with) = (
            tried(&open, None, in_flight).await,
            tried(&guarded, Some(&token), in_flight).await,
        );
        let (mut free, mut known) = (Turn::default(), Turn::default());
        for _ in 0..TURNS {
            free.add(run(&open, in_flight, each, |slot| without.call(slot)).await);
            known.add(run(&guarded, in_flight, each, |slot| with.call(slot)).await);
        }
        let quotient = known.rate() / free.rate();
        println!(
            "{in_flight:>4} in flight: {:>6.0}/s of anybody, {:>6.0}/s with a token, quotient {quotient:.2}",
            free.rate(),
            known.rate()
        );
        if quotient < WANTED {
            missed.push(format!(
                "{in_flight} in flight: {quotient:.2}, wanted {WANTED}"
            ));
        }
    }
    open.stop().await;
    guarded.stop().await;
    assert!(missed.is_empty(), "too slow: {missed:#?}");
}
