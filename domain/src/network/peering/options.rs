//! Options of the link: what is asked for and what was seen, by side.

use super::{
    super::event::{LinkOption, LinkOptionApplied, LinkOptionSet, Needs, Thing},
    Peering,
};
use crate::side::Side;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What is known of one option of one side's half.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionState {
    /// Whether it is asked for.
    pub wanted: bool,
    /// What was last seen to be so.
    pub applied: bool,
    /// Whether it has effect, as the cloud told of both sides since either was last seen to change;
    /// `None` where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_effect: Option<bool>,
    /// Whether it was so over an adopted link before the engine was; then it is never set back.
    pub found: bool,
    /// When either last changed; `None` if neither ever did.
    pub changed_at: Option<DateTime<Utc>>,
}

impl Peering {
    /// What is known of this option of this side's half.
    pub fn option(&self, side: Side, option: LinkOption) -> OptionState {
        self.options
            .get(side)
            .get(&option)
            .copied()
            .unwrap_or_default()
    }

    /// Whether what is on, or is asked for, has no effect for want of what the other side must have
    /// on (as the cloud tells, and where it does not, as the other side was seen), or cannot be
    /// switched on before the other side's owner has switched on there what it needs.
    pub fn option_waits(&self, side: Side, option: LinkOption) -> bool {
        let it = self.option(side, option);
        match option.needs() {
            Needs::ForEffect(_) if it.in_effect.is_some() => it.in_effect == Some(false),
            Needs::ForEffect(other) => {
                (it.wanted || it.applied) && !self.option(side.other(), other).applied
            }
            // Where it is the engine's to give there, nobody is waited for.
            Needs::Before(_) => it.wanted && !it.applied && !self.is_ours_to_keep(side.other()),
            Needs::Nothing => false,
        }
    }

    /// Whether what is asked for of this side's options was seen to be so.
    pub(super) fn options_are_applied(&self, side: Side) -> bool {
        self.options
            .get(side)
            .iter()
            .all(|(option, it)| it.wanted == it.applied || (option.is_upkeep() && !it.wanted))
    }

    pub(super) fn option_mut(&mut self, side: Side, option: LinkOption) -> &mut OptionState {
        self.options.get_mut(side).entry(option).or_default()
    }

    pub(in crate::network) fn want_option(&mut self, it: &LinkOptionSet, at: DateTime<Utc>) {
        self.forget_drift(|drift| drift.is_about_option(it.side, it.option));
        let state = self.option_mut(it.side, it.option);
        state.wanted = it.enabled;
        state.changed_at = Some(at);
    }

    pub(in crate::network) fn option_applied(&mut self, it: &LinkOptionApplied, at: DateTime<Utc>) {
        let option = it.option;
        self.intent_is_over(it.side, &Thing::Option { option });
        let state = self.option_mut(it.side, option);
        let has_turned = state.applied != it.enabled;
        state.applied = it.enabled;
        state.in_effect = it.in_effect;
        state.changed_at = Some(at);
        // What was told of both sides was told before one of them turned.
        if has_turned && let Some(other) = self.options.get_mut(it.side.other()).get_mut(&option) {
            other.in_effect = None;
        }
    }
}
