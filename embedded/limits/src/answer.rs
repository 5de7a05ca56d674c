//! An answer's body on its way out.

use crate::load::Call;
use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// An answer whose call is open until it is through, or dropped. HTTP/2 asks for the next piece
/// once there is room for it: what was given before has been read then.
#[derive(Debug)]
pub struct Counted<B> {
    body: B,
    call: Arc<Call>,
    /// What was given and waits to be read.
    given: usize,
}

impl<B> Counted<B> {
    /// The answer of this call.
    pub fn new(body: B, call: Arc<Call>) -> Self {
        Self {
            body,
            call,
            given: 0,
        }
    }

    fn read(&mut self) {
        let given = std::mem::take(&mut self.given);
        if given > 0 {
            self.call.load.read(given);
        }
    }
}

impl<B: Body + Unpin> Body for Counted<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.read();
        let next = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &next
            && let Some(data) = frame.data_ref()
        {
            self.given = data.remaining();
            self.call.load.wait_unread(self.given);
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Counted<B> {
    fn drop(&mut self) {
        self.read();
    }
}
