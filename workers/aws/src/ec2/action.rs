//! Every action that is called, once: what a call is named, what an error names, what a policy
//! allows and what a person is told to allow are all taken from here.

use std::fmt;

/// Each line: the service, as IAM spells it, and its actions, as the API does.
macro_rules! actions {
    ($($service:literal: $($name:ident),+;)+) => {
        /// An action of EC2, STS or Service Quotas.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)]
        pub enum Action {
            $($($name,)+)+
        }

        impl Action {
            /// All of them.
            pub const ALL: &[Self] = &[$($(Self::$name,)+)+];

            /// The API's name, like `CreateRoute`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($(Self::$name => stringify!($name),)+)+
                }
            }

            /// IAM's name, like `ec2:CreateRoute`.
            pub const fn permission(self) -> &'static str {
                match self {
                    $($(Self::$name => concat!($service, ":", stringify!($name)),)+)+
                }
            }
        }
    };
}

actions! {
    "sts": AssumeRole, GetCallerIdentity;
    "ec2":
        AcceptVpcPeeringConnection,
        AssociateRouteTable,
        AuthorizeSecurityGroupIngress,
        CreateNetworkAclEntry,
        CreateRoute,
        CreateRouteTable,
        CreateSecurityGroup,
        CreateSubnet,
        CreateTags,
        CreateVpc,
        CreateVpcPeeringConnection,
        DeleteNetworkAclEntry,
        DeleteRoute,
        DeleteSecurityGroup,
        DeleteVpcPeeringConnection,
        DescribeNetworkAcls,
        DescribeNetworkInterfaces,
        DescribeRouteTables,
        DescribeSecurityGroupRules,
        DescribeSecurityGroups,
        DescribeSubnets,
        DescribeVpcAttribute,
        DescribeVpcPeeringConnections,
        DescribeVpcs,
        GetManagedPrefixListEntries,
        ModifyNetworkInterfaceAttribute,
        ModifyVpcPeeringConnectionOptions,
        RevokeSecurityGroupIngress;
    "servicequotas": ListServiceQuotas;
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
