//! The contract of the cloud port, as tests: every implementation runs the same ones.
//!
//! An implementation shows the suite a [`World`]: its cloud, and what people and wires do to it out
//! of band. [`run`] plays every case in a world of its own and says which of them failed, and why.
//! What a case asserts is what the port's documentation promises, and no more: where clouds may
//! differ (a second request for the same link, a rehearsal that nobody answers), each of the
//! permitted answers passes.
//!
//! Only implementations depend on this crate, and only for their tests.

#![warn(missing_docs)]
// A failed assertion is how a case fails.
#![allow(clippy::unwrap_used)]

mod failures;
mod firewall;
mod identity;
mod links;
mod networks;
mod one_object;
mod reads;
mod repeats;
mod routes;
mod stage;
mod two_objects;
mod world;

pub use one_object::OneObject;
pub use world::{Fault, World};

use stage::Stage;
use std::{any::Any, pin::Pin, sync::Arc};
use tokio::task::LocalSet;

type Play = fn(Stage) -> Pin<Box<dyn Future<Output = ()>>>;

/// One promise of the port.
#[derive(Clone, Copy)]
pub struct Case {
    /// The promise, as a sentence.
    pub name: &'static str,
    play: Play,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

/// Makes a case of each of these functions.
macro_rules! cases {
    ($($module:ident: $($name:ident),+ $(,)?;)+) => {
        &[$($(Case {
            name: stringify!($name),
            play: |stage| Box::pin($module::$name(stage)),
        }),+),+]
    };
}

/// Every promise that is kept or broken here.
pub const CASES: &[Case] = cases! {
    identity:
        an_identity_is_that_of_the_account_that_was_meant,
        credentials_of_another_account_show_nothing_of_this_one,
        every_operation_names_the_permissions_that_it_takes,
        a_rehearsal_changes_nothing_and_says_what_is_not_permitted;
    networks:
        a_read_answers_for_the_networks_that_it_names_and_leaves_out_what_is_not_there,
        a_network_of_another_account_is_absent_and_no_error,
        one_read_serves_several_networks_and_says_whose_each_thing_is;
    links:
        a_link_is_shown_to_both_ends_with_its_two_ends,
        a_second_request_makes_no_link_that_is_not_shown,
        a_request_is_never_answered_with_a_link_of_another,
        a_link_is_accepted_once_and_by_its_accepter,
        a_link_in_the_other_direction_is_a_conflict_at_acceptance,
        a_request_that_can_never_work_fails_with_a_reason,
        a_link_is_deleted_once_by_either_side,
        a_request_that_waits_is_taken_back_by_its_requester_alone,
        an_owner_tag_is_seen_where_it_was_put_and_putting_it_again_does_no_harm,
        an_option_is_set_by_its_own_side_on_an_active_link_whose_networks_meet_it,
        several_paths_are_allowed_by_each_side_for_itself_and_between_regions_only;
    routes:
        a_route_is_installed_once_and_nothing_is_replaced,
        a_route_is_removed_once,
        routes_of_both_families_stand_side_by_side,
        a_route_leads_nowhere_without_an_active_link,
        a_route_needs_a_table_and_a_link_that_are_there;
    firewall:
        a_group_is_made_once_and_admits_nothing,
        a_rule_is_added_once_and_revoked_once,
        rules_of_both_families_stand_side_by_side,
        a_rule_names_a_group_of_a_network_that_an_active_link_leads_to_and_no_other,
        a_group_is_deleted_once_and_not_while_it_is_used,
        owner_tags_of_groups_and_rules_are_put_back,
        what_others_made_is_shown_and_is_nobody_of_ours,
        one_rule_too_many_is_a_quota,
        a_group_is_attached_once_and_detached_once_and_the_others_stay,
        a_denial_takes_no_number_that_is_taken_and_only_the_very_entry_is_removed,
        a_denial_is_of_either_family;
    failures:
        what_is_denied_is_said_to_be_and_changes_nothing,
        what_is_throttled_was_not_done_and_works_later,
        a_lost_answer_is_ambiguous_and_reads_tell_what_became_of_the_call,
        a_lost_answer_to_a_read_may_be_asked_for_again,
        a_cloud_that_does_not_answer_is_unreachable_and_nothing_was_done,
        a_network_that_is_busy_was_not_changed_and_is_free_later,
        a_request_without_sense_is_a_defect_and_not_sent_again,
        refused_credentials_changed_nothing_and_are_not_tried_again,
        a_session_that_is_over_is_followed_by_another,
        an_answer_that_nobody_has_heard_of_promises_nothing,
        what_a_cloud_cannot_do_is_said_at_once_and_not_tried_again;
    reads:
        what_was_seen_stays_in_sight_and_what_is_gone_stays_gone,
        a_read_that_takes_several_pages_shows_everything_once;
};

/// The promises about links where each side has an object of its own.
pub const TWO_OBJECTS: &[Case] = cases! {
    two_objects:
        a_half_waits_for_the_other_and_both_are_connected_once_it_is_there,
        a_half_that_is_asked_for_again_is_no_second_one,
        a_half_is_removed_by_its_own_side_and_the_other_waits_or_is_disconnected,
        a_halfs_name_says_whose_it_is,
        an_operation_that_nobody_began_is_not_there,
        each_option_is_set_by_its_own_side_and_shown_there,
        an_option_that_needs_one_of_the_other_side_before_is_refused_without_it,
        what_the_halves_exchange_is_told_and_no_table_takes_a_route;
};

/// How the cases went.
#[derive(Debug, Default)]
pub struct Verdict {
    /// The promises that were kept.
    pub kept: Vec<&'static str>,
    /// The promises that were not, each with what was found instead.
    pub broken: Vec<(&'static str, String)>,
}

impl Verdict {
    /// Passes if every promise was kept.
    ///
    /// # Panics
    /// With each promise that was not, and what was found instead.
    pub fn assert_kept(&self) {
        let lines: Vec<_> = self
            .broken
            .iter()
            .map(|(name, found)| format!("{name}:\n  {found}"))
            .collect();
        assert!(
            lines.is_empty(),
            "{} of {} promises of the port are broken\n{}",
            lines.len(),
            lines.len() + self.kept.len(),
            lines.join("\n")
        );
        assert!(!self.kept.is_empty(), "no promise was tried");
    }
}

/// Plays every case of links that are one object, and of all else, each in a world of its own.
pub async fn run<W: World + 'static>(world: impl AsyncFnMut() -> W) -> Verdict {
    play(CASES, world).await
}

/// Plays every case of links where each side has an object, each in a world of its own.
pub async fn run_two_objects<W: World + 'static>(world: impl AsyncFnMut() -> W) -> Verdict {
    play(TWO_OBJECTS, world).await
}

async fn play<W: World + 'static>(cases: &[Case], mut world: impl AsyncFnMut() -> W) -> Verdict {
    let mut verdict = Verdict::default();
    let tasks = LocalSet::new();
    for case in cases {
        let stage = Stage::set(Arc::new(world().await)).await;
        let played = tasks.run_until(tasks.spawn_local((case.play)(stage)));
        match played.await {
            Ok(()) => verdict.kept.push(case.name),
            Err(failed) => verdict.broken.push((case.name, words(failed))),
        }
    }
    verdict
}

fn words(failed: tokio::task::JoinError) -> String {
    let Ok(panic) = failed.try_into_panic() else {
        return "it was cancelled".to_owned();
    };
    let panic: Box<dyn Any + Send> = panic;
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => other.downcast::<&str>().map_or_else(
            |_| "a panic without words".to_owned(),
            |it| (*it).to_owned(),
        ),
    }
}
