//! EC2's ids as types, so that a route table is never taken for a VPC.

use std::fmt;

macro_rules! ec2_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The id, as EC2 writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ec2_id! {
    /// `vpc-…`
    VpcId;
    /// `subnet-…`
    SubnetId;
    /// `pcx-…`
    PeeringConnectionId;
    /// `rtb-…`
    RouteTableId;
    /// `sg-…`
    SecurityGroupId;
    /// `sgr-…`
    SecurityGroupRuleId;
    /// `eni-…`
    NetworkInterfaceId;
    /// `acl-…`
    NetworkAclId;
    /// `pl-…`
    PrefixListId;
}
