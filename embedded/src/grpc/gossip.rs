//! `Gossip`: a cluster of one, whose only member is its leader.

use std::sync::Arc;

use protocol::gossip::{
    ClusterInfo, EndPoint, MemberInfo, gossip_server::Gossip, member_info::VNodeState,
};
use tonic::{Request, Response, Status};

use super::{Context, convert::IdForm};

pub(super) struct Service(pub(super) Arc<Context>);

#[tonic::async_trait]
impl Gossip for Service {
    async fn read(&self, _: Request<()>) -> Result<Response<ClusterInfo>, Status> {
        let context = &self.0;
        let member = MemberInfo {
            instance_id: Some(IdForm::Structured.write(context.instance)),
            time_stamp: context.reader.now().0,
            state: VNodeState::Leader.into(),
            is_alive: true,
            http_end_point: Some(EndPoint {
                address: context.advertised.host.clone(),
                port: u32::from(context.advertised.port),
            }),
        };
        Ok(Response::new(ClusterInfo {
            members: vec![member],
        }))
    }
}
