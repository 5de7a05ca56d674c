//! The wire: HTTP/1.1 on loopback.

use crate::{answers::Reply, calls, state::State};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::Value;
use std::{io, sync::Arc};
use tokio::net::TcpListener;

type World = Arc<Mutex<State>>;

pub(crate) async fn serve(listener: TcpListener, world: World) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            let service = service_fn(move |request| one(request, Arc::clone(&world)));
            let io = TokioIo::new(stream);
            drop(http1::Builder::new().serve_connection(io, service).await);
        });
    }
}

async fn one(request: Request<Incoming>, world: World) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let url = head.uri.path_and_query().map_or("/", |it| it.as_str());
    let token = head.headers.get(header::AUTHORIZATION);
    let token = token.and_then(|it| it.to_str().ok());
    let reply = {
        let state = &mut *world.lock();
        match token.and_then(|it| it.strip_prefix("Bearer ")) {
            Some(token) if state.token.as_deref().is_none_or(|wanted| wanted == token) => {
                calls::answer(state, head.method.as_str(), url, &body)
            }
            Some(_) => Reply::refused(401, "authError", "Invalid Credentials"),
            None => Reply::refused(401, "required", "Login Required."),
        }
    };
    if reply.is_lost {
        return Err(io::Error::other("the answer is lost"));
    }
    let (kind, text) = if let Value::String(text) = &reply.body {
        ("text/html", text.clone())
    } else {
        ("application/json; charset=UTF-8", reply.body.to_string())
    };
    let status = StatusCode::from_u16(reply.status).map_err(io::Error::other)?;
    let mut answer = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, kind);
    if let Some(after) = reply.retry_after {
        answer = answer.header(header::RETRY_AFTER, after);
    }
    answer
        .body(Full::new(Bytes::from(text)))
        .map_err(io::Error::other)
}
