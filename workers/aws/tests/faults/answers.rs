//! Answers that the emulator does not give: secondary blocks, IPv6, ACL entries of every form,
//! lists in many calls.

use crate::support::{directly, local};
use peerage_aws::ec2::{Ec2, Ec2ErrorKind, NetworkAclEntry, RuleSource, SecurityGroupId, VpcId};
use testkit::canned::serve;

fn answer(operation: &str, inner: &str) -> (u16, String) {
    (
        200,
        format!("<{operation}Response><requestId>r</requestId>{inner}</{operation}Response>"),
    )
}

fn block(version: &str, cidr: &str, state: &str) -> String {
    let (name, of_state) = if version == "4" {
        ("cidrBlock", "cidrBlockState")
    } else {
        ("ipv6CidrBlock", "ipv6CidrBlockState")
    };
    format!("<item><{name}>{cidr}</{name}><{of_state}><state>{state}</state></{of_state}></item>")
}

#[tokio::test]
async fn a_vpc_has_all_its_blocks_but_those_that_are_gone_or_failed() {
    let v4 = [
        ("10.1.0.0/16", "associated"),
        ("10.2.0.0/16", "associating"),
        ("10.3.0.0/16", "disassociated"),
        ("10.4.0.0/16", "failed"),
    ];
    let v4: String = v4.map(|(cidr, state)| block("4", cidr, state)).concat();
    let v6: String = [("fd00:1::/56", "associated"), ("fd00:2::/56", "failing")]
        .map(|(cidr, state)| block("6", cidr, state))
        .concat();
    let sets = format!(
        "<cidrBlockAssociationSet>{v4}</cidrBlockAssociationSet><ipv6CidrBlockAssociationSet>{v6}</ipv6CidrBlockAssociationSet>"
    );
    let vpc = |id: &str| {
        format!(
            "<item><vpcId>{id}</vpcId><state>pending</state><cidrBlock>10.1.0.0/16</cidrBlock>{sets}</item>"
        )
    };
    let list = answer(
        "DescribeVpcs",
        &format!("<vpcSet>{}{}</vpcSet>", vpc("vpc-1"), vpc("vpc-stranger")),
    );
    let (endpoint, serving) = serve(vec![list]).await;
    let found = Ec2::new(directly(&endpoint))
        .describe_vpcs(&local(), &["vpc-1".into(), "vpc-2".into()])
        .await
        .unwrap();
    assert_eq!(
        found
            .iter()
            .map(|found| (found.id.as_str(), found.available))
            .collect::<Vec<_>>(),
        [("vpc-1", false)]
    );
    assert_eq!(
        found[0].cidrs,
        [
            "10.1.0.0/16".parse().unwrap(),
            "10.2.0.0/16".parse().unwrap()
        ],
        "each once, the first one first"
    );
    assert_eq!(found[0].ipv6_cidrs, ["fd00:1::/56".parse().unwrap()]);
    let asked = serving.await.unwrap();
    assert!(
        asked[0].contains("Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1&Filter.1.Value.2=vpc-2"),
        "{}",
        asked[0]
    );
}

fn entry(number: i32, egress: bool, what: &str, action: &str) -> String {
    format!(
        "<item><ruleNumber>{number}</ruleNumber><egress>{egress}</egress><ruleAction>{action}</ruleAction>{what}</item>"
    )
}

fn acl(entries: &str) -> (u16, String) {
    let item = format!(
        "<item><networkAclId>acl-1</networkAclId><vpcId>vpc-1</vpcId><entrySet>{entries}</entrySet></item>"
    );
    answer(
        "DescribeNetworkAcls",
        &format!("<networkAclSet>{item}</networkAclSet>"),
    )
}

#[tokio::test]
async fn acl_entries_are_in_order_in_canonical_form_and_never_taken_for_a_denial() {
    let everything = "<protocol>-1</protocol><cidrBlock>0.0.0.0/0</cidrBlock>";
    let tcp = "<protocol>6</protocol><cidrBlock>10.2.9.9/16</cidrBlock><portRange><from>1</from><to>9</to></portRange>";
    let v6 = "<protocol>17</protocol><ipv6CidrBlock>fd00::1/64</ipv6CidrBlock>";
    let entries = [
        entry(32767, false, everything, "deny"),
        entry(90, true, everything, "allow"),
        entry(100, false, tcp, "deny"),
        entry(50, false, v6, "allow"),
    ];
    let new = acl(&entry(1, false, everything, "newly-invented"));
    let (endpoint, _serving) = serve(vec![acl(&entries.concat()), new]).await;
    let ec2 = Ec2::new(directly(&endpoint));
    let found = ec2
        .describe_network_acls(&local(), &["vpc-1".into()])
        .await
        .unwrap()
        .remove(0);
    let entry = |rule_number, egress, protocol: &str, ports, cidr: &str, allow| {
        let (protocol, cidr) = (protocol.to_owned(), cidr.parse().unwrap());
        NetworkAclEntry {
            rule_number,
            egress,
            protocol,
            ports,
            cidr,
            allow,
        }
    };
    let wanted = [
        entry(50, false, "17", None, "fd00::/64", true),
        entry(100, false, "6", Some((1, 9)), "10.2.0.0/16", false),
        entry(32767, false, "-1", None, "0.0.0.0/0", false),
        entry(90, true, "-1", None, "0.0.0.0/0", true),
    ];
    assert_eq!(
        (found.entries.as_slice(), found.default, found.subnets.len()),
        (wanted.as_slice(), false, 0)
    );
    let unknown = ec2
        .describe_network_acls(&local(), &["vpc-1".into()])
        .await
        .unwrap_err();
    assert_eq!(unknown.kind, Ec2ErrorKind::Unknown, "{unknown}");
}

#[tokio::test]
async fn a_list_about_more_than_a_filter_holds_takes_more_calls_and_doubles_nothing() {
    let groups: Vec<SecurityGroupId> = (0..201)
        .map(|number| format!("sg-{number:03}").into())
        .collect();
    let rule = |id: &str, group: &str| {
        format!(
            "<item><securityGroupRuleId>{id}</securityGroupRuleId><groupId>{group}</groupId><ipProtocol>-1</ipProtocol></item>"
        )
    };
    // An endpoint that ignores the filter shows everything each time.
    let all = [
        rule("sgr-1", "sg-000"),
        rule("sgr-2", "sg-200"),
        rule("sgr-3", "sg-stranger"),
    ]
    .concat();
    let list = answer(
        "DescribeSecurityGroupRules",
        &format!("<securityGroupRuleSet>{all}</securityGroupRuleSet>"),
    );
    let (endpoint, serving) = serve(vec![list.clone(), list]).await;
    let found = Ec2::new(directly(&endpoint))
        .describe_security_group_rules(&local(), &groups)
        .await
        .unwrap();
    assert_eq!(
        found
            .iter()
            .map(|found| found.id.as_str())
            .collect::<Vec<_>>(),
        ["sgr-1", "sgr-2"]
    );
    let asked = serving.await.unwrap();
    assert!(
        asked[0].contains("Filter.1.Value.200=sg-199") && !asked[0].contains("sg-200"),
        "{}",
        asked[0]
    );
    assert!(
        asked[1].contains("Filter.1.Value.1=sg-200") && !asked[1].contains("Value.2"),
        "{}",
        asked[1]
    );
}

#[tokio::test]
async fn the_peerings_of_many_vpcs_are_one_list_without_a_filter_for_either_end() {
    let end = |name: &str, vpc: &str, options: &str| {
        format!("<{name}><vpcId>{vpc}</vpcId>{options}</{name}>")
    };
    let told = "<peeringOptions><allowDnsResolutionFromRemoteVpc>true</allowDnsResolutionFromRemoteVpc></peeringOptions>";
    let item = |id: &str, one: &str, other: &str| {
        let ends = end("requesterVpcInfo", one, told) + &end("accepterVpcInfo", other, "");
        format!(
            "<item><vpcPeeringConnectionId>{id}</vpcPeeringConnectionId>{ends}<status><code>active</code></status></item>"
        )
    };
    let all = [
        item("pcx-1", "vpc-1", "vpc-9"),
        item("pcx-2", "vpc-9", "vpc-2"),
        item("pcx-3", "vpc-8", "vpc-9"),
    ]
    .concat();
    let list = answer(
        "DescribeVpcPeeringConnections",
        &format!("<vpcPeeringConnectionSet>{all}</vpcPeeringConnectionSet>"),
    );
    let (endpoint, serving) = serve(vec![list]).await;
    let vpcs: Vec<VpcId> = (1..500)
        .filter(|number| !(8..10).contains(number))
        .map(|number| format!("vpc-{number}").into())
        .collect();
    let found = Ec2::new(directly(&endpoint))
        .describe_vpc_peering_connections_of(&local(), &vpcs)
        .await
        .unwrap();
    assert_eq!(
        found
            .iter()
            .map(|found| found.id.as_str())
            .collect::<Vec<_>>(),
        ["pcx-1", "pcx-2"]
    );
    let options = [&found[0].requester, &found[0].accepter]
        .map(|end| end.allow_dns_resolution_from_remote_vpc);
    assert_eq!(options, [Some(true), None]);
    let asked = serving.await.unwrap();
    assert!(
        asked.len() == 1 && !asked[0].contains("Filter") && asked[0].contains("MaxResults=1000"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_rule_names_its_prefix_list_which_is_read_to_its_last_page() {
    let rule = "<item><securityGroupRuleId>sgr-1</securityGroupRuleId><groupId>sg-1</groupId><isEgress>false</isEgress>\
        <ipProtocol>-1</ipProtocol><prefixListId>pl-1</prefixListId></item>";
    let rules = answer(
        "DescribeSecurityGroupRules",
        &format!("<securityGroupRuleSet>{rule}</securityGroupRuleSet>"),
    );
    let page = |cidr: &str, next: &str| {
        let entries = format!("<entrySet><item><cidr>{cidr}</cidr></item></entrySet>{next}");
        answer("GetManagedPrefixListEntries", &entries)
    };
    let pages = [
        page("10.1.9.9/16", "<nextToken>more</nextToken>"),
        page("fd00::/64", ""),
    ];
    let (endpoint, serving) = serve([vec![rules], pages.to_vec()].concat()).await;
    let ec2 = Ec2::new(directly(&endpoint));
    let found = ec2
        .describe_security_group_rules(&local(), &["sg-1".into()])
        .await
        .unwrap()
        .remove(0);
    assert_eq!(found.source, RuleSource::PrefixList("pl-1".into()));
    let blocks = ec2
        .get_managed_prefix_list_entries(&local(), &"pl-1".into())
        .await
        .unwrap();
    assert_eq!(
        blocks,
        ["10.1.0.0/16".parse().unwrap(), "fd00::/64".parse().unwrap()]
    );
    let asked = serving.await.unwrap();
    assert!(
        asked[1].contains("PrefixListId=pl-1") && !asked[1].contains("NextToken"),
        "{}",
        asked[1]
    );
    assert!(asked[2].contains("NextToken=more"), "{}", asked[2]);
}

fn quotas(all: &str, next: &str) -> (u16, String) {
    (200, format!(r#"{{"Quotas":[{all}]{next}}}"#))
}

#[tokio::test]
async fn the_quotas_of_an_account_are_read_to_the_last_page() {
    let links = r#"{"ServiceCode":"vpc","QuotaCode":"L-7E9ECCDB","Value":125.0}"#;
    let rules =
        r#"{"ServiceCode":"vpc","QuotaCode":"L-0EA8095F","Value":100.0},{"QuotaCode":"L-1"}"#;
    let pages = vec![quotas(links, r#","NextToken":"more""#), quotas(rules, "")];
    let (endpoint, serving) = serve(pages).await;
    let ec2 = Ec2::new(directly(&endpoint));
    let found = ec2.list_vpc_quotas(&local()).await.unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|it| (it.code.as_str(), it.value))
        .collect();
    assert_eq!(found, [("L-7E9ECCDB", 125.0), ("L-0EA8095F", 100.0)]);
    let asked = serving.await.unwrap();
    assert!(asked[0].contains(r#""ServiceCode":"vpc""#), "{}", asked[0]);
    assert!(asked[1].contains(r#""NextToken":"more""#), "{}", asked[1]);
}

#[tokio::test]
async fn an_account_that_may_not_be_asked_for_its_quotas_is_told_from_an_emulator_without_them() {
    let at = cloud::AccountRegion {
        provider: domain::Provider::Aws,
        account: local().account.parse().unwrap(),
        region: domain::Region::named(&local().region).unwrap(),
        external_id: None,
    };
    let of = "vpc-0a1b2c3d".parse().unwrap();
    let denied = r#"{"__type":"AccessDeniedException","Message":"no"}"#;
    let nothing = "<html>not implemented</html>";
    for (status, body, expected) in [
        (400, denied, cloud::CloudErrorKind::Denied),
        (500, nothing, cloud::CloudErrorKind::Unsupported),
        (501, "", cloud::CloudErrorKind::Unsupported),
    ] {
        let (endpoint, _serving) = serve(vec![(status, body.to_owned())]).await;
        let aws = peerage_aws::AwsCloud::new(directly(&endpoint));
        let told = cloud::Cloud::quotas(&aws, &at, &of).await;
        assert_eq!(told.unwrap_err().kind, expected, "{status}");
    }
}
