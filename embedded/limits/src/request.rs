//! A request's body on its way in: weighed as it comes, and due in time.
//!
//! A message of gRPC's says first how long it is, and room is made for all of it then: it weighs
//! that much from its first bytes on.

use crate::load::{Call, Excess, Held};
use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until};

/// A flag, and the length of what follows.
const PREFIX: usize = 5;

/// What a request's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Messages of gRPC's, of which none has more bytes than that: one that says so is refused by
    /// whoever reads it, and no room is made.
    Messages {
        /// The largest one.
        largest: usize,
    },
    /// Anything else.
    Unknown,
}

/// When what of a request is due, and for how long it weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// All of it is due in time, and weighs until it is answered.
    Whole,
    /// Each message is due in time after the one before, and weighs until the call is answered.
    Messages,
    /// A message that has begun is due in time, and weighs until the next one begins. There may be
    /// any time between two.
    Conversation,
}

/// A request's body, and what it holds.
#[derive(Debug)]
pub struct Weighed<B, R> {
    body: B,
    call: Arc<Call>,
    held: Arc<Held>,
    framing: Framing,
    pace: Pace,
    refuse: R,
    allowed: Duration,
    due: Pin<Box<Sleep>>,
    message: Message,
    is_over: bool,
}

/// How far the message is that is coming.
#[derive(Debug, Default)]
struct Message {
    /// What came of its prefix.
    prefix: Vec<u8>,
    /// What is missing of it once the prefix is whole.
    missing: usize,
}

impl Message {
    fn has_begun(&self) -> bool {
        !self.prefix.is_empty()
    }
}

impl<B, R> Weighed<B, R> {
    /// `refuse` says in the protocol's words what is beyond a limit.
    pub fn new(
        body: B,
        call: Arc<Call>,
        held: Arc<Held>,
        (framing, pace): (Framing, Pace),
        allowed: Duration,
        refuse: R,
    ) -> Self {
        Self {
            body,
            call,
            held,
            framing,
            pace,
            refuse,
            allowed,
            due: Box::pin(sleep_until(Instant::now() + allowed)),
            message: Message::default(),
            is_over: false,
        }
    }

    /// Weighs what came; whether a message ended with it, or one began.
    fn weigh(&mut self, mut data: &[u8]) -> Result<bool, Excess> {
        let Framing::Messages { largest } = self.framing else {
            self.held.take(data.len())?;
            return Ok(false);
        };
        let mut is_new = false;
        while !data.is_empty() {
            let message = &mut self.message;
            if message.prefix.len() < PREFIX {
                if !message.has_begun() {
                    is_new = true;
                    if self.pace == Pace::Conversation {
                        self.held.release();
                    }
                }
                let part = data.len().min(PREFIX - message.prefix.len());
                let (prefix, rest) = data.split_at(part);
                message.prefix.extend_from_slice(prefix);
                data = rest;
                self.held.take(part)?;
                if let [_, a, b, c, d] = message.prefix[..] {
                    message.missing = u32::from_be_bytes([a, b, c, d]) as usize;
                    if message.missing <= largest {
                        self.held.expect(message.missing)?;
                    }
                }
            } else {
                let part = data.len().min(message.missing);
                message.missing -= part;
                data = &data[part..];
                self.held.take(part)?;
            }
            if self.message.prefix.len() == PREFIX && self.message.missing == 0 {
                self.message = Message::default();
                is_new = true;
            }
        }
        Ok(is_new)
    }

    /// Whether something is due.
    fn is_awaited(&self) -> bool {
        match self.pace {
            Pace::Whole | Pace::Messages => true,
            Pace::Conversation => self.message.has_begun(),
        }
    }
}

impl<B, R, E> Body for Weighed<B, R>
where
    B: Body<Data = Bytes> + Unpin,
    R: Fn(Excess) -> E + Unpin,
    E: From<B::Error>,
{
    type Data = Bytes;
    type Error = E;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let Poll::Ready(next) = Pin::new(&mut self.body).poll_frame(cx) else {
            self.call.awaited(true);
            if !self.is_awaited() || self.due.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.is_over = true;
            return Poll::Ready(Some(Err((self.refuse)(Excess::Late(self.allowed)))));
        };
        self.call.awaited(false);
        let judged = next.map(|frame| {
            let frame = frame?;
            if let Some(data) = frame.data_ref() {
                let is_new = self.weigh(data.chunk());
                if is_new.map_err(&self.refuse)? && self.pace != Pace::Whole {
                    let due = Instant::now() + self.allowed;
                    self.due.as_mut().reset(due);
                }
            }
            Ok(frame)
        });
        self.is_over = !matches!(judged, Some(Ok(_)));
        Poll::Ready(judged)
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
