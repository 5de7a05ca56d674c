//! Which subnets use a link, in the words that both ends share.

use crate::api::v1::{SubnetChange, SubnetList, subnet_change::Change};
use clap::{Args, ValueEnum};

/// What stands for every subnet.
const ALL: &str = "*";

/// Subnets chosen with a network.
#[derive(Clone, Debug, Args)]
pub(super) struct Chosen {
    /// A subnet whose route table serves this end, like subnet-0a1b2c3d; again for more. Default:
    /// the main route table.
    #[arg(long = "subnet", value_name = "SUBNET")]
    subnet: Vec<String>,
    /// Subnets by a word, in place of --subnet.
    #[arg(long, value_name = "WHICH", conflicts_with = "subnet")]
    subnets: Option<Which>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    /// Every subnet, also those that come later.
    All,
    /// Those that the main route table serves.
    Main,
}

impl Chosen {
    /// The subnets as the API names them.
    pub(super) fn names(&self) -> Vec<String> {
        match self.subnets {
            Some(Which::All) => vec![ALL.to_owned()],
            Some(Which::Main) => Vec::new(),
            None => self.subnet.clone(),
        }
    }
}

/// Subnets of a change.
#[derive(Clone, Debug, Args)]
pub(super) struct Named {
    /// The subnets by the provider's ids, like subnet-0a1b2c3d.
    #[arg(value_name = "SUBNET", required = true)]
    subnets: Vec<String>,
}

impl Named {
    pub(super) fn add(self) -> SubnetChange {
        of(Change::Add(list(self.subnets)))
    }

    pub(super) fn drop(self) -> SubnetChange {
        of(Change::Drop(list(self.subnets)))
    }

    pub(super) fn set(self) -> SubnetChange {
        set(self.subnets)
    }
}

/// These subnets and no others.
pub(super) fn set(subnets: Vec<String>) -> SubnetChange {
    of(Change::Set(list(subnets)))
}

/// Every subnet.
pub(super) fn all() -> SubnetChange {
    set(vec![ALL.to_owned()])
}

/// The main route table's.
pub(super) fn main() -> SubnetChange {
    set(Vec::new())
}

/// How chosen subnets read.
pub(super) fn told(subnets: &[String]) -> String {
    match subnets {
        [] => "the main route table's".to_owned(),
        [only] if only == ALL => "all".to_owned(),
        some => some.join(", "),
    }
}

fn of(change: Change) -> SubnetChange {
    SubnetChange {
        change: Some(change),
    }
}

fn list(subnets: Vec<String>) -> SubnetList {
    SubnetList { subnets }
}
