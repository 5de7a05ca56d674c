//! Sessions: whose they are, by what STS is asked.

use crate::support::{LOCAL, error_body, local, settings};
use peerage_aws::ec2::{AccountAccess, Ec2, Ec2ErrorKind, Ec2Settings, Scope};
use testkit::canned::serve;

const NOTHING: &str =
    "<DescribeVpcsResponse><requestId>r</requestId><vpcSet/></DescribeVpcsResponse>";

/// A session that outlasts the test.
fn session() -> (u16, String) {
    let keys = "<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>";
    let until = "<Expiration>2099-01-01T00:00:00Z</Expiration>";
    let user = "<AssumedRoleUser><AssumedRoleId>AROA:peerage</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/a/b</Arn></AssumedRoleUser>";
    let result = format!(
        "<AssumeRoleResult><Credentials>{keys}{until}</Credentials>{user}</AssumeRoleResult>"
    );
    (
        200,
        format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">{result}</AssumeRoleResponse>"
        ),
    )
}

fn nothing() -> (u16, String) {
    (200, NOTHING.to_owned())
}

fn refused() -> (u16, String) {
    (401, error_body("AuthFailure", "who are you"))
}

fn tenant(name: &str) -> Scope {
    local().with_external_id(name)
}

async fn look(ec2: &Ec2, at: &Scope) {
    assert_eq!(ec2.describe_vpcs(at, &["vpc-1".into()]).await.unwrap(), []);
}

/// What each request was: the external id that a role was assumed with, or the call itself.
fn story(asked: &[String]) -> Vec<String> {
    let parameter = |body: &str, name: &str| {
        body.split('&')
            .find_map(|pair| pair.strip_prefix(name).map(str::to_owned))
    };
    let told = |body: &String| match parameter(body, "Action=").as_deref() {
        Some("AssumeRole") => format!(
            "as {}",
            parameter(body, "ExternalId=").unwrap_or_else(|| "anybody".to_owned())
        ),
        other => other.unwrap_or_default().to_owned(),
    };
    asked.iter().map(told).collect()
}

#[tokio::test]
async fn each_external_id_has_a_session_of_its_own_and_keeps_it_until_the_account_is_forgotten() {
    let answers = vec![
        session(),
        nothing(),
        session(),
        nothing(),
        nothing(),
        nothing(),
        session(),
        nothing(),
        session(),
        nothing(),
    ];
    let (endpoint, serving) = serve(answers).await;
    let ec2 = Ec2::new(settings(&endpoint));
    for name in ["t-1", "t-2", "t-1", "t-2"] {
        look(&ec2, &tenant(name)).await;
    }
    ec2.forget(LOCAL);
    look(&ec2, &tenant("t-2")).await;
    look(&ec2, &tenant("t-1")).await;
    let look = "DescribeVpcs";
    assert_eq!(
        story(&serving.await.unwrap()),
        [
            "as t-1", look, "as t-2", look, look, look, "as t-2", look, "as t-1", look
        ]
    );
}

#[tokio::test]
async fn what_is_configured_for_an_account_comes_before_what_a_call_brings() {
    let (endpoint, serving) = serve(vec![session(), nothing(), nothing(), nothing()]).await;
    let access = AccountAccess {
        role_arn: None,
        external_id: Some("configured".to_owned()),
    };
    let ec2 = Ec2::new(Ec2Settings {
        accounts: [(LOCAL.to_owned(), access)].into(),
        ..settings(&endpoint)
    });
    for at in [tenant("t-1"), tenant("t-2"), local()] {
        look(&ec2, &at).await;
    }
    assert_eq!(
        story(&serving.await.unwrap()),
        [
            "as configured",
            "DescribeVpcs",
            "DescribeVpcs",
            "DescribeVpcs"
        ]
    );
}

#[tokio::test]
async fn a_tenants_refused_session_is_no_matter_of_another_tenants() {
    let answers = vec![
        session(),
        nothing(),
        session(),
        refused(),
        nothing(),
        session(),
        nothing(),
    ];
    let (endpoint, serving) = serve(answers).await;
    let ec2 = Ec2::new(settings(&endpoint));
    look(&ec2, &tenant("t-1")).await;
    let refused = ec2
        .describe_vpcs(&tenant("t-2"), &["vpc-1".into()])
        .await
        .unwrap_err();
    assert_eq!(refused.kind, Ec2ErrorKind::CredentialsRefused, "{refused}");
    assert!(!format!("{refused} {refused:?}").contains("t-2"));
    look(&ec2, &tenant("t-1")).await;
    look(&ec2, &tenant("t-2")).await;
    let look = "DescribeVpcs";
    assert_eq!(
        story(&serving.await.unwrap()),
        ["as t-1", look, "as t-2", look, look, "as t-2", look]
    );
}
