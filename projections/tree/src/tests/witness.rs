//! A witness cosigns what follows what it saw, and answers everything else with the status of C2SP.

use super::{Log, WITNESS, keys, log_key, public};
use crate::{
    Forged, GrowthProof, Hash, Purpose, Refused, Seen, SignedCheckpoint, SigningKeys, cosign,
};

fn witness() -> SigningKeys {
    keys(WITNESS, Purpose::Witness, &[7])
}

fn ask(request: &GrowthProof, seen: Option<&Seen>) -> Result<(Seen, String), Refused> {
    cosign(request, &[log_key()], seen, &witness(), 1_700_000_000)
}

#[test]
fn a_log_that_only_grows_is_cosigned_again_and_again() {
    let mut log = Log::of(0);
    let mut seen: Option<Seen> = None;
    for more in [0, 1, 0, 7, 300] {
        log.grow(more, "");
        let request = log.growth(seen.as_ref().map_or(0, |it| it.size), log.size());
        let (now, lines) = ask(&request, seen.as_ref()).unwrap();
        let mut checkpoint = log.checkpoint(log.size());
        let taken = checkpoint.note_mut().take_over(&lines, &public(&witness()));
        assert_eq!(taken, Ok(1));
        let kept = SignedCheckpoint::parse(&now.checkpoint).unwrap();
        let known: Vec<_> = public(&witness()).into_iter().chain([log_key()]).collect();
        let vouched = kept.verify(&known).unwrap();
        assert_eq!((vouched.log.len(), vouched.witnesses.len()), (1, 1));
        seen = Some(now);
    }
    assert_eq!(seen.map(|it| it.size), Some(308));
}

#[test]
fn what_does_not_follow_is_refused_and_says_why() {
    let (log, mut other) = (Log::of(20), Log::of(5));
    other.grow(15, "rewritten");
    let (seen, _) = ask(&log.growth(0, 8), None).unwrap();
    let no = |request: &GrowthProof| ask(request, Some(&seen)).unwrap_err();

    let conflict = no(&log.growth(0, 20));
    assert_eq!(
        (conflict.status(), conflict.body()),
        (409, "8\n".to_owned())
    );
    assert_eq!(no(&log.growth(9, 20)).status(), 409);
    assert_eq!(no(&other.growth(8, 20)).status(), 422);
    let mut rolled = log.growth(8, 8);
    rolled.checkpoint = other.checkpoint(8);
    assert_eq!(no(&rolled).status(), 422);
    let mut backwards = log.growth(8, 20);
    backwards.checkpoint = log.checkpoint(7);
    assert_eq!(no(&backwards), Refused::Backwards { old: 8, new: 7 });
    assert_eq!(no(&backwards).status(), 400);
    let mut padded = log.growth(0, 5);
    padded.hashes = vec![Hash::empty()];
    assert_eq!(ask(&padded, None).unwrap_err().status(), 422);
    let mut empty = Log::of(0).growth(0, 0);
    empty.checkpoint = {
        let text = empty.checkpoint.to_string();
        SignedCheckpoint::parse(&text).unwrap()
    };
    assert!(ask(&empty, None).is_ok());
}

#[test]
fn a_log_that_it_does_not_watch_or_that_did_not_sign_is_refused() {
    let log = Log::of(5);
    let elsewhere = public(&keys("example.com/other", Purpose::Log, &[1]));
    let unknown = cosign(&log.growth(0, 5), &elsewhere, None, &witness(), 1).unwrap_err();
    assert_eq!(unknown.status(), 404);
    let unsigned = ask(&log.with_keys(&[9]).growth(0, 5), None).unwrap_err();
    assert_eq!(unsigned.status(), 403);
    let text = Log::of(5)
        .growth(0, 5)
        .to_string()
        .replace("\n5\n", "\n6\n");
    let forged = ask(&GrowthProof::parse(&text).unwrap(), None).unwrap_err();
    assert!(matches!(
        forged,
        Refused::Unsigned(crate::CheckpointError::Forged(Forged { .. }))
    ));
    assert_eq!(forged.status(), 403);
}

#[test]
fn signatures_of_strangers_are_not_kept() {
    let mut request = Log::of(5).growth(0, 5);
    let stranger = keys("stranger.example", Purpose::Witness, &[3]);
    request.checkpoint.note_mut().cosign(&stranger.keys()[0], 1);
    let (seen, lines) = ask(&request, None).unwrap();
    assert!(!seen.checkpoint.contains("stranger") && !lines.contains("stranger"));
    assert_eq!(lines.lines().count(), 1);
}
