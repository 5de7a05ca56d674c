//! Rehearsals: nothing is sent to who might perform it, and what EC2 answers is told apart.

use crate::support::{directly, error_body, local, remote, settings};
use crate::vpc;
use peerage_aws::ec2::{
    CreatePeering, CreateSecurityGroup, Ec2, Ec2ErrorKind, Ec2Settings, Rehearsal, Rehearsed, Tags,
    VpcId,
};
use testkit::canned::serve;
use testkit::moto::Moto;
use testkit::ports;

fn create_group(vpc: &VpcId) -> Rehearsal {
    let (name, description) = ("rehearsed".to_owned(), "a test".to_owned());
    Rehearsal::CreateSecurityGroup(CreateSecurityGroup {
        vpc: vpc.clone(),
        name,
        description,
        tags: Tags::new(),
    })
}

fn ask(vpc: &VpcId, peer_vpc: &VpcId) -> Rehearsal {
    Rehearsal::CreatePeering(CreatePeering {
        vpc: vpc.clone(),
        peer: remote(),
        peer_vpc: peer_vpc.clone(),
        tags: Tags::new(),
    })
}

fn everything() -> Vec<Rehearsal> {
    vec![
        ask(&"vpc-1".into(), &"vpc-2".into()),
        Rehearsal::AcceptPeering { id: "pcx-1".into() },
        create_group(&"vpc-1".into()),
    ]
}

/// Settings that say of an endpoint that it honours dry runs.
fn trusting(settings: Ec2Settings) -> Ec2Settings {
    Ec2Settings {
        honours_dry_run: Some(true),
        ..settings
    }
}

#[tokio::test]
async fn an_endpoint_that_is_not_awss_is_not_asked() {
    let nobody = Ec2::new(directly(&format!("http://127.0.0.1:{}", ports::free())));
    for rehearsal in everything() {
        assert_eq!(
            nobody.dry_run(&local(), &rehearsal).await.unwrap(),
            Rehearsed::NotAvailable
        );
    }
}

#[tokio::test]
async fn an_endpoint_that_honours_them_says_what_would_be_and_changes_nothing() {
    let moto = Moto::start().await;
    let ec2 = Ec2::new(trusting(settings(&moto.endpoint())));
    let ours = vpc(&ec2, &local(), "10.1.0.0/16").await;
    assert_eq!(
        ec2.dry_run(&local(), &create_group(&ours)).await.unwrap(),
        Rehearsed::Allowed
    );
    let groups = ec2
        .describe_security_groups(&local(), &[ours])
        .await
        .unwrap();
    assert!(
        groups.iter().all(|group| group.name == "default"),
        "{groups:?}"
    );
}

#[tokio::test]
async fn a_rehearsal_that_was_performed_is_an_error_and_the_reason_why_not_everybody_is_asked() {
    let moto = Moto::start().await;
    let ec2 = Ec2::new(trusting(settings(&moto.endpoint())));
    let (ours, theirs) = (
        vpc(&ec2, &local(), "10.1.0.0/16").await,
        vpc(&ec2, &remote(), "10.2.0.0/16").await,
    );
    let performed = ec2
        .dry_run(&local(), &ask(&ours, &theirs))
        .await
        .unwrap_err();
    assert_eq!(
        (performed.kind, performed.code.as_deref()),
        (Ec2ErrorKind::Unknown, None),
        "{performed}"
    );
    assert!(performed.kind.may_have_been_applied());
    assert_eq!(
        ec2.describe_vpc_peering_connections_of(&local(), &[ours])
            .await
            .unwrap()
            .len(),
        1,
        "the emulator did it"
    );
}

#[tokio::test]
async fn every_rehearsal_is_sent_as_one_and_its_answers_are_told_apart() {
    for rehearsal in everything() {
        let answers = [
            (412, "DryRunOperation"),
            (403, "UnauthorizedOperation"),
            (400, "InvalidVpcID.NotFound"),
        ];
        let (endpoint, serving) = serve(
            answers
                .map(|(status, code)| (status, error_body(code, "words")))
                .to_vec(),
        )
        .await;
        let ec2 = Ec2::new(trusting(directly(&endpoint)));
        assert_eq!(
            ec2.dry_run(&local(), &rehearsal).await.unwrap(),
            Rehearsed::Allowed
        );
        assert_eq!(
            ec2.dry_run(&local(), &rehearsal).await.unwrap(),
            Rehearsed::Refused {
                message: "words".into()
            }
        );
        let other = ec2.dry_run(&local(), &rehearsal).await.unwrap_err();
        assert_eq!(
            (other.kind, other.operation),
            (Ec2ErrorKind::NotFound, rehearsal.operation()),
            "{other}"
        );
        for body in serving.await.unwrap() {
            let action = format!("Action={}&", rehearsal.operation());
            assert!(
                body.contains(&action) && body.contains("&DryRun=true"),
                "{body}"
            );
        }
    }
}
