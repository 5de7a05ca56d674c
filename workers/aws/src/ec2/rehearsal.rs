//! Rehearsals: whether a change would be permitted, asked without making it (`DryRun`).
//!
//! **An endpoint that ignores `DryRun` really makes the change.** So it is sent only where
//! [`honours_dry_run`](crate::ec2::Ec2Settings::honours_dry_run) says that it may be, and a
//! rehearsal that was performed after all is an error. What EC2 rehearses is permission and the
//! request's form; states, overlaps and quotas it looks at only in earnest.

use crate::ec2::action::Action;
use crate::ec2::call::Call;
use crate::ec2::client::Ec2;
use crate::ec2::error::{Ec2Error, Ec2ErrorKind};
use crate::ec2::ids::PeeringConnectionId;
use crate::ec2::peering::{self, CreatePeering};
use crate::ec2::scope::Scope;
use crate::ec2::security_groups::{CreateSecurityGroup, create_security_group};
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use std::error::Error;

/// A change to be rehearsed, as it would be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rehearsal {
    /// `CreateVpcPeeringConnection`.
    CreatePeering(CreatePeering),
    /// `AcceptVpcPeeringConnection`.
    AcceptPeering {
        /// The connection.
        id: PeeringConnectionId,
    },
    /// `CreateSecurityGroup`.
    CreateSecurityGroup(CreateSecurityGroup),
}

/// How a rehearsal went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rehearsed {
    /// We may.
    Allowed,
    /// We may not.
    Refused {
        /// EC2's words.
        message: Box<str>,
    },
    /// Not asked: the endpoint does not honour dry runs.
    NotAvailable,
}

/// Sends a request of the call as a dry run, and tells what EC2 answers apart.
macro_rules! rehearsed {
    ($call:ident, $request:expr) => {{
        let request = $request.dry_run(true).customize();
        judged(&$call, request.interceptor($call.watch()).send().await)
    }};
}

impl Ec2 {
    /// Rehearses a change, in one call that changes nothing; in none where the endpoint might
    /// perform it.
    pub async fn dry_run(&self, at: &Scope, rehearsal: &Rehearsal) -> Result<Rehearsed, Ec2Error> {
        if !self.settings().honours_dry_run() {
            return Ok(Rehearsed::NotAvailable);
        }
        let call = Call::start(self, rehearsal.operation(), at).await;
        match rehearsal {
            Rehearsal::CreatePeering(wanted) => rehearsed!(call, peering::create(&call, wanted)),
            Rehearsal::AcceptPeering { id } => rehearsed!(call, peering::accept(&call, id)),
            Rehearsal::CreateSecurityGroup(wanted) => {
                rehearsed!(call, create_security_group(&call, wanted))
            }
        }
    }
}

impl Rehearsal {
    /// EC2's name of the change.
    pub fn operation(&self) -> Action {
        match self {
            Self::CreatePeering(_) => Action::CreateVpcPeeringConnection,
            Self::AcceptPeering { .. } => Action::AcceptVpcPeeringConnection,
            Self::CreateSecurityGroup(_) => Action::CreateSecurityGroup,
        }
    }
}

/// EC2 answers a dry run with an error always; success means that it was none.
fn judged<T, E>(call: &Call<'_>, answer: Result<T, SdkError<E>>) -> Result<Rehearsed, Ec2Error>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let Err(error) = answer else {
        return Err(call.error(
            Ec2ErrorKind::Unknown,
            "the dry run was performed: this endpoint ignores DryRun",
            None,
            None,
        ));
    };
    let failed = call.failed(error);
    if failed.kind == Ec2ErrorKind::DryRun {
        return Ok(Rehearsed::Allowed);
    }
    if failed.kind == Ec2ErrorKind::Denied {
        return Ok(Rehearsed::Refused {
            message: failed.message,
        });
    }
    Err(failed)
}
