//! Multipath resilience on the wire: EC2 and its model know it (botocore 1.44.8), and the SDK does
//! not yet (aws-sdk-ec2 1.274.0).
//!
//! Each end says whether it allows that traffic goes over several paths at once. What is said goes
//! into the form of a request before that is signed, and what is told is read out of the XML of an
//! answer, beside what the SDK reads there. This file goes away with the first release of the SDK
//! whose `PeeringConnectionOptionsRequest` has `allow_multipath_resilience`.

use super::{MultipathStatus, PeeringConnection, PeeringRole};
use aws_sdk_ec2::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{
            AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
        },
    },
    error::BoxError,
};
use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};
use parking_lot::Mutex;
use std::{collections::BTreeMap, sync::Arc};

/// The one mode there is; EC2 takes it only where multipath resilience is allowed.
const MODE: &str = "always-on";

/// Says in a request for options whether the end allows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    pub(super) role: PeeringRole,
    pub(super) allow: bool,
}

impl Said {
    fn form(self) -> String {
        let of = match self.role {
            PeeringRole::Requester => "RequesterPeeringConnectionOptions",
            PeeringRole::Accepter => "AccepterPeeringConnectionOptions",
        };
        let allow = format!("&{of}.AllowMultipathResilience={}", self.allow);
        if self.allow {
            format!("{allow}&{of}.MultipathResilienceMode={MODE}")
        } else {
            allow
        }
    }
}

impl Intercept for Said {
    fn name(&self) -> &'static str {
        "MultipathSaid"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let form = request.body().bytes().ok_or("a form is in memory")?;
        let form = [form, self.form().as_bytes()].concat();
        let length = form.len().to_string();
        request.headers_mut().insert("content-length", length);
        *request.body_mut() = form.into();
        Ok(())
    }
}

/// Whether the ends of a connection allow it, and what comes of it; `None` where that is not told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ends {
    requester: Option<bool>,
    accepter: Option<bool>,
    status: Option<MultipathStatus>,
}

/// What the answers to a list tell, by the ids of connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Told(Arc<Mutex<BTreeMap<String, Ends>>>);

impl Told {
    /// Adds it to what the SDK has read.
    pub(super) fn add_to(&self, connections: &mut [PeeringConnection]) {
        let told = self.0.lock();
        for it in connections {
            let ends = told.get(it.id.as_str()).copied().unwrap_or_default();
            it.requester.allow_multipath_resilience = ends.requester;
            it.accepter.allow_multipath_resilience = ends.accepter;
            it.multipath = ends.status;
        }
    }
}

impl Intercept for Told {
    fn name(&self) -> &'static str {
        "MultipathTold"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes().unwrap_or_default();
        // What the SDK cannot read either, it says itself.
        if context.output_or_error().is_ok() {
            self.0.lock().extend(connections(body)?);
        }
        Ok(())
    }
}

fn connections(xml: &[u8]) -> Result<BTreeMap<String, Ends>, XmlDecodeError> {
    let mut document = Document::try_from(xml)?;
    let mut root = document.root_element()?;
    let mut all = BTreeMap::new();
    while let Some(mut set) = root.next_tag() {
        if !set.start_el().matches("vpcPeeringConnectionSet") {
            continue;
        }
        while let Some(mut item) = set.next_tag() {
            let (id, ends) = connection(&mut item)?;
            all.insert(id, ends);
        }
    }
    Ok(all)
}

fn connection(item: &mut ScopedDecoder<'_, '_>) -> Result<(String, Ends), XmlDecodeError> {
    let (mut id, mut ends) = (String::new(), Ends::default());
    while let Some(mut field) = item.next_tag() {
        if field.start_el().matches("vpcPeeringConnectionId") {
            id = try_data(&mut field)?.into_owned();
        } else if field.start_el().matches("requesterVpcInfo") {
            ends.requester = allowed(&mut field)?;
        } else if field.start_el().matches("accepterVpcInfo") {
            ends.accepter = allowed(&mut field)?;
        } else if field.start_el().matches("multipathResilienceStatus") {
            ends.status = MultipathStatus::from_code(&try_data(&mut field)?);
        }
    }
    Ok((id, ends))
}

fn allowed(end: &mut ScopedDecoder<'_, '_>) -> Result<Option<bool>, XmlDecodeError> {
    let mut told = None;
    while let Some(mut field) = end.next_tag() {
        if !field.start_el().matches("peeringOptions") {
            continue;
        }
        while let Some(mut option) = field.next_tag() {
            if option.start_el().matches("allowMultipathResilience") {
                told = Some(&*try_data(&mut option)? == "true");
            }
        }
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_end_allows_is_read_by_itself_and_what_is_not_told_is_not_known() {
        let end = |name: &str, options: &str| {
            format!(
                "<{name}><ownerId>1</ownerId><peeringOptions>{options}</peeringOptions><vpcId>vpc-1</vpcId></{name}>"
            )
        };
        let on = "<allowMultipathResilience>true</allowMultipathResilience>\
                  <multipathResilienceMode>always-on</multipathResilienceMode>";
        let off = "<allowDnsResolutionFromRemoteVpc>true</allowDnsResolutionFromRemoteVpc>\
                   <allowMultipathResilience>false</allowMultipathResilience>";
        let item = |id: &str, requester: &str, accepter: &str, more: &str| {
            let (requester, accepter) = (
                end("requesterVpcInfo", requester),
                end("accepterVpcInfo", accepter),
            );
            format!(
                "<item>{accepter}{requester}<vpcPeeringConnectionId>{id}</vpcPeeringConnectionId>{more}</item>"
            )
        };
        let status =
            |it: &str| format!("<multipathResilienceStatus>{it}</multipathResilienceStatus>");
        let xml = format!(
            "<DescribeVpcPeeringConnectionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>1</requestId>\
             <vpcPeeringConnectionSet>{}{}{}{}{}</vpcPeeringConnectionSet></DescribeVpcPeeringConnectionsResponse>",
            item("pcx-1", on, off, &status("pending")),
            item("pcx-2", "", "", ""),
            item("pcx-3", on, on, &status("enabled")),
            item("pcx-4", off, off, &status("disabled")),
            item("pcx-5", on, on, &status("a-word-of-tomorrow")),
        );
        let told = connections(xml.as_bytes()).unwrap();
        let both = |requester, accepter, status| Ends {
            requester,
            accepter,
            status,
        };
        let (on, off) = (Some(true), Some(false));
        let pending = Some(MultipathStatus::Pending);
        assert_eq!(told["pcx-1"], both(on, off, pending));
        assert_eq!(told["pcx-2"], both(None, None, None));
        assert_eq!(told["pcx-3"], both(on, on, Some(MultipathStatus::Enabled)));
        let disabled = Some(MultipathStatus::Disabled);
        assert_eq!(told["pcx-4"], both(off, off, disabled));
        assert_eq!(told["pcx-5"], both(on, on, None));
        assert_eq!(told.len(), 5);
    }

    #[test]
    fn a_mode_is_said_only_where_it_is_allowed() {
        let said = |role, allow| Said { role, allow }.form();
        assert_eq!(
            said(PeeringRole::Requester, true),
            "&RequesterPeeringConnectionOptions.AllowMultipathResilience=true\
             &RequesterPeeringConnectionOptions.MultipathResilienceMode=always-on"
        );
        assert_eq!(
            said(PeeringRole::Accepter, false),
            "&AccepterPeeringConnectionOptions.AllowMultipathResilience=false"
        );
    }
}
