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
use crate::ec2::ids::{PeeringConnectionId, RouteTableId, SecurityGroupId};
use crate::ec2::peering::{self, CreatePeering, PeeringOptions, PeeringRole};
use crate::ec2::routes::create_route;
use crate::ec2::scope::Scope;
use crate::ec2::security_group_rules::{IngressRule, authorize_ingress};
use crate::ec2::security_groups::{CreateSecurityGroup, create_security_group};
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use ipnet::Ipv4Net;
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
    /// `ModifyVpcPeeringConnectionOptions`.
    ModifyOptions {
        /// The connection.
        id: PeeringConnectionId,
        /// Whose options.
        role: PeeringRole,
        /// What they would be set to.
        options: PeeringOptions,
    },
    /// `DeleteVpcPeeringConnection`.
    DeletePeering {
        /// The connection.
        id: PeeringConnectionId,
    },
    /// `CreateRoute`.
    CreateRoute {
        /// The table it would be in.
        table: RouteTableId,
        /// Where the packets go that it would be about.
        destination: Ipv4Net,
        /// The connection it would send them over.
        through: PeeringConnectionId,
    },
    /// `CreateSecurityGroup`.
    CreateSecurityGroup(CreateSecurityGroup),
    /// `AuthorizeSecurityGroupIngress`.
    AuthorizeIngress {
        /// The group it would be in.
        group: SecurityGroupId,
        /// The rule.
        rule: IngressRule,
    },
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

impl Ec2 {
    /// Rehearses a change, in one call that changes nothing; in none where the endpoint might
    /// perform it.
    pub async fn dry_run(&self, at: &Scope, rehearsal: &Rehearsal) -> Result<Rehearsed, Ec2Error> {
        if !self.settings().honours_dry_run() {
            return Ok(Rehearsed::NotAvailable);
        }
        let call = Call::start(self, rehearsal.operation(), at).await;
        match rehearsal {
            Rehearsal::CreatePeering(wanted) => {
                let request = peering::create(&call, wanted).dry_run(true);
                judged(
                    &call,
                    request.customize().interceptor(call.watch()).send().await,
                )
            }
            Rehearsal::AcceptPeering { id } => {
                let request = peering::accept(&call, id).dry_run(true);
                judged(
                    &call,
                    request.customize().interceptor(call.watch()).send().await,
                )
            }
            Rehearsal::ModifyOptions { id, role, options } => {
                let request = peering::modify_options(&call, id, *role, *options).dry_run(true);
                judged(
                    &call,
                    request.customize().interceptor(call.watch()).send().await,
                )
            }
            Rehearsal::DeletePeering { id } => {
                let request = peering::delete(&call, id).dry_run(true);
                judged(
                    &call,
                    request.customize().interceptor(call.watch()).send().await,
                )
            }
            Rehearsal::CreateRoute {
                table,
                destination,
                through,
            } => {
                let request = create_route(&call, table, *destination, through).dry_run(true);
                judged(
                    &call,
                    request.customize().interceptor(call.watch()).send().await,
                )
            }
            Rehearsal::CreateSecurityGroup(wanted) => {
                let request = create_security_group(&call, wanted).dry_run(true);
                judged(
                    &call,
                    request.customize().interceptor(call.watch()).send().await,
                )
            }
            Rehearsal::AuthorizeIngress { group, rule } => {
                let request = authorize_ingress(&call, group, rule).dry_run(true);
                judged(
                    &call,
                    request.customize().interceptor(call.watch()).send().await,
                )
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
            Self::ModifyOptions { .. } => Action::ModifyVpcPeeringConnectionOptions,
            Self::DeletePeering { .. } => Action::DeleteVpcPeeringConnection,
            Self::CreateRoute { .. } => Action::CreateRoute,
            Self::CreateSecurityGroup(_) => Action::CreateSecurityGroup,
            Self::AuthorizeIngress { .. } => Action::AuthorizeSecurityGroupIngress,
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
