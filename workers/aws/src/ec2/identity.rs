//! The question who we are.

use crate::ec2::{action::Action, call::Call, client::Ec2, error::Ec2Error, scope::Scope};

/// Who the credentials of a place belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The account that the credentials act in.
    pub account: String,
    /// Who they are there.
    pub arn: String,
}

impl Ec2 {
    /// Asks STS who we are at this place. To be compared with the account that was meant before
    /// anything is changed there.
    pub async fn caller_identity(&self, at: &Scope) -> Result<CallerIdentity, Ec2Error> {
        let call = Call::start(self, Action::GetCallerIdentity, at).await;
        let request = call
            .clients
            .sts
            .get_caller_identity()
            .customize()
            .interceptor(call.watch());
        let answer = request.send().await.map_err(|error| call.failed(error))?;
        let answer = call.answered(answer);
        Ok(CallerIdentity {
            account: call.needed("Account", answer.account)?,
            arn: call.needed("Arn", answer.arn)?,
        })
    }
}
