//! How routes over a link come about at a provider: a capability that plans and answers respect.

use super::event::LinkOption;
use crate::place::Provider;

/// How a side comes to send a destination over the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routing {
    /// By a route in each table that serves: what nobody put there is not sent.
    PerTable,
    /// The two halves exchange what each network has, and nobody is asked: no destination among the
    /// networks' own ranges can be withheld. Routes beyond those are exchanged as far as these
    /// options say; where there are none, never.
    Exchanged {
        /// What lets a side take the other one's further routes.
        import: Option<LinkOption>,
        /// What lets a side tell the other one its own.
        export: Option<LinkOption>,
    },
}

impl Routing {
    /// How it is done at this provider.
    pub const fn of(provider: Provider) -> Self {
        match provider {
            Provider::Aws => Self::PerTable,
            Provider::Gcp => Self::Exchanged {
                import: Some(LinkOption::ImportCustomRoutes),
                export: Some(LinkOption::ExportCustomRoutes),
            },
            Provider::Azure => Self::Exchanged {
                import: None,
                export: None,
            },
        }
    }

    /// Whether a destination can be withheld from a side.
    pub const fn can_withhold(self) -> bool {
        matches!(self, Self::PerTable)
    }
}
