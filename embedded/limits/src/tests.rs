//! What a load says of itself as calls come and go, by a clock of its own.
#![allow(clippy::unwrap_used)]

use crate::{
    Call, Counted, Excess, Framing, Held, Limits, Load, Pace, Shared, WaitFor, Weighed,
    load::ARRIVAL,
};
use bytes::Bytes;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, advance, timeout};

/// Longer than anything here takes.
const FOREVER: Duration = Duration::from_secs(7_200);

/// Enough for whatever is ready to be done, by a clock that stands still otherwise.
const MOMENT: Duration = Duration::from_millis(1);

fn load(limits: Limits) -> (Arc<Shared>, Arc<Load>) {
    let shared = Shared::new(limits);
    let load = Load::new(Arc::clone(&shared));
    (shared, load)
}

/// So much time passes, by a clock that stands still otherwise.
async fn pass(time: Duration) {
    let _ = timeout(time, std::future::pending::<()>()).await;
}

/// After how many seconds it is done.
async fn seconds_until(done: impl Future) -> Option<u64> {
    let began = Instant::now();
    let done = timeout(FOREVER, done).await;
    done.ok().map(|_| began.elapsed().as_secs())
}

type Sender = UnboundedSender<Result<Frame<Bytes>, Excess>>;
type Request = Weighed<StreamBody<futures::channel::mpsc::UnboundedReceiver<Sent>>, Refuse>;
type Sent = Result<Frame<Bytes>, Excess>;
type Refuse = fn(Excess) -> Excess;

const LARGEST: usize = 1_000;

/// A request of messages whose body is sent by hand.
fn request(load: &Arc<Load>, pace: Pace) -> (Arc<Call>, Sender, Request) {
    let call = load.begin().unwrap();
    let (sender, body) = unbounded();
    let framing = Framing::Messages { largest: LARGEST };
    let refuse: Refuse = |excess| excess;
    let (held, body) = (Held::new(Arc::clone(load)), StreamBody::new(body));
    let body = Weighed::new(
        body,
        Arc::clone(&call),
        held,
        (framing, pace),
        ARRIVAL,
        refuse,
    );
    (call, sender, body)
}

/// The first `sent` bytes of a message that says it has `length`.
fn message(length: u32, sent: usize) -> Sent {
    let mut bytes = vec![0];
    bytes.extend(length.to_be_bytes());
    bytes.resize(5 + sent, 0);
    Ok(Frame::data(bytes.into()))
}

fn more(sent: usize) -> Sent {
    Ok(Frame::data(vec![0; sent].into()))
}

#[tokio::test(start_paused = true)]
async fn a_connection_with_a_call_is_never_idle_and_is_so_ten_minutes_after_the_last_has_ended() {
    let (_, load) = load(Limits::default());
    let (first, second) = (load.begin().unwrap(), load.begin().unwrap());
    assert_eq!(seconds_until(load.idle()).await, None);
    first.answered();
    drop(first);
    assert_eq!(seconds_until(load.idle()).await, None, "one is left");
    drop(second);
    assert_eq!(seconds_until(load.idle()).await, Some(600));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_comes_meanwhile_sets_the_time_without_one_anew() {
    let (_, load) = load(Limits::default());
    let idle = tokio::spawn({
        let load = Arc::clone(&load);
        async move { load.idle().await }
    });
    pass(Duration::from_secs(590)).await;
    let call = load.begin().unwrap();
    pass(Duration::from_secs(100)).await;
    drop(call);
    assert_eq!(seconds_until(idle).await, Some(600));
}

#[tokio::test(start_paused = true)]
async fn where_it_is_crowded_an_idle_connection_has_a_second_and_one_with_a_call_stays() {
    let limits = Limits {
        connections: 4,
        ..Limits::default()
    };
    let (shared, load) = load(limits);
    assert!(shared.count(2), "there is room");
    assert_eq!(seconds_until(load.run_out(ARRIVAL)).await, Some(30));
    assert!(shared.count(3), "there is room for one more");
    assert_eq!(seconds_until(load.run_out(ARRIVAL)).await, Some(1));
    assert_eq!(seconds_until(load.idle()).await, Some(1));
    let call = load.begin().unwrap();
    assert_eq!(seconds_until(load.idle()).await, None);
    drop(call);
    assert!(!shared.count(4), "it is full");
    assert!(shared.count(2));
    assert_eq!(seconds_until(load.idle()).await, Some(600));
}

#[tokio::test(start_paused = true)]
async fn a_whole_request_is_due_from_its_beginning_and_each_message_of_others_from_the_one_before()
{
    let (_, load) = load(Limits::default());
    // A part every 20 s: each of them ends one message and begins the next.
    for (pace, due) in [(Pace::Whole, 30), (Pace::Messages, 70)] {
        let (_call, sender, mut body) = request(&load, pace);
        sender.unbounded_send(message(10, 0)).unwrap();
        let sending = tokio::spawn(async move {
            for _ in 0..2 {
                pass(Duration::from_secs(20)).await;
                sender.unbounded_send(more(10)).unwrap();
                sender.unbounded_send(message(10, 0)).unwrap();
            }
            sender
        });
        let began = Instant::now();
        let late = loop {
            match timeout(FOREVER, body.frame()).await.unwrap() {
                Some(Ok(_)) => {}
                Some(Err(excess)) => break excess,
                None => panic!("{pace:?}: it ends"),
            }
        };
        assert_eq!(late, Excess::Late(ARRIVAL));
        assert_eq!(began.elapsed().as_secs(), due, "{pace:?}");
        assert!(timeout(FOREVER, body.frame()).await.unwrap().is_none());
        drop(sending);
    }
}

#[tokio::test(start_paused = true)]
async fn room_is_made_for_all_of_a_message_at_once_and_for_none_that_will_be_refused() {
    let limits = Limits {
        connection_bytes: LARGEST + 5,
        ..Limits::default()
    };
    let (_, load) = load(limits);
    let (_too_large, sender, mut body) = request(&load, Pace::Messages);
    sender
        .unbounded_send(message(LARGEST as u32 + 1, 0))
        .unwrap();
    assert!(body.frame().await.unwrap().is_ok());
    // The prefix of five bytes alone is held of it: so much is left and no more.
    let other = Held::new(Arc::clone(&load));
    assert_eq!(other.expect(LARGEST), Ok(()));
    assert_eq!(other.expect(LARGEST + 1), Err(Excess::ConnectionBytes));
    drop(other);
    drop(body);
    let (_whole, sender, mut body) = request(&load, Pace::Messages);
    sender.unbounded_send(message(LARGEST as u32, 0)).unwrap();
    assert!(body.frame().await.unwrap().is_ok());
    assert_eq!(
        Held::new(load).take(1),
        Err(Excess::ConnectionBytes),
        "what it says that it will send counts"
    );
}

/// An answer of that many bytes, of which nothing was read yet.
async fn answer(load: &Arc<Load>, size: usize) -> Counted<Full<Bytes>> {
    let body = Full::new(Bytes::from(vec![0; size]));
    let mut answer = Counted::new(body, load.begin().unwrap());
    assert!(answer.frame().await.unwrap().is_ok());
    answer
}

#[tokio::test(start_paused = true)]
async fn where_answers_are_too_large_together_who_reads_none_of_them_ends_after_five_seconds() {
    let limits = Limits {
        unread_bytes: 1_000,
        ..Limits::default()
    };
    let (shared, load) = load(limits);
    let [nothing, reads, stalls] = [(); 3].map(|()| Load::new(Arc::clone(&shared)));
    let _call = nothing.begin().unwrap();
    let within = answer(&load, 1_000).await;
    assert_eq!(seconds_until(load.unread()).await, None, "there is room");
    let _beyond = answer(&stalls, 1).await;
    assert_eq!(
        seconds_until(nothing.unread()).await,
        None,
        "it has nothing to read"
    );
    // A little of it every four seconds is slow, and no reason to part.
    let slow = tokio::spawn({
        let reads = Arc::clone(&reads);
        async move {
            loop {
                let piece = answer(&reads, 10).await;
                let next = answer(&reads, 10).await;
                pass(Duration::from_secs(4)).await;
                drop(piece);
                pass(Duration::from_millis(10)).await;
                drop(next);
            }
        }
    });
    assert_eq!(
        timeout(Duration::from_secs(600), reads.unread()).await.ok(),
        None,
        "it reads"
    );
    slow.abort();
    assert_eq!(seconds_until(stalls.unread()).await, Some(5));
    assert_eq!(seconds_until(load.unread()).await, Some(5));
    drop(within);
    assert_eq!(
        seconds_until(stalls.unread()).await,
        None,
        "there is room again"
    );
}

#[tokio::test(start_paused = true)]
async fn where_large_requests_leave_no_room_who_reads_none_of_its_answers_ends() {
    let limits = Limits {
        bytes: 4_000,
        ..Limits::default()
    };
    let (shared, load) = load(limits);
    let requests = Load::new(shared);
    let _unread = answer(&load, 1).await;
    let large = Held::new(requests);
    large.take(3_000).unwrap();
    assert_eq!(seconds_until(load.unread()).await, None, "there is room");
    large.take(1).unwrap();
    assert_eq!(seconds_until(load.unread()).await, Some(5));
    drop(large);
    assert_eq!(
        seconds_until(load.unread()).await,
        None,
        "there is room again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_the_request_that_is_whole_and_not_while_more_of_it_is_awaited() {
    let (_, load) = load(Limits::default());
    // Less than a request has to arrive.
    let ends = async |which| {
        let ended = timeout(Duration::from_secs(1), load.finished(which)).await;
        ended.is_ok()
    };
    let (call, sender, mut body) = request(&load, Pace::Messages);
    assert!(!ends(WaitFor::Answers).await, "it just came");
    assert!(timeout(MOMENT, body.frame()).await.is_err());
    assert!(ends(WaitFor::Answers).await, "it is its caller's turn");
    sender.unbounded_send(message(10, 10)).unwrap();
    assert!(body.frame().await.unwrap().is_ok());
    assert!(!ends(WaitFor::Answers).await, "it is the server's turn");
    call.answered();
    assert!(timeout(MOMENT, body.frame()).await.is_err());
    sender.unbounded_send(message(10, 10)).unwrap();
    assert!(body.frame().await.unwrap().is_ok());
    assert!(ends(WaitFor::Answers).await, "its answer has begun");
    assert!(!ends(WaitFor::Calls).await, "and is not through");
    drop((call, body));
    assert!(ends(WaitFor::Calls).await);
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_an_answer_that_nobody_reads() {
    let (_, load) = load(Limits::default());
    let stop = async |within| timeout(Duration::from_millis(within), load.finished(WaitFor::Calls));
    let call = load.begin().unwrap();
    load.wait_unread(70_000);
    let is_over = async |within| stop(within).await.await.is_ok();
    assert!(!is_over(10_000).await, "its answer is still owed");
    call.answered();
    assert!(is_over(1_100).await, "half a second after another");
    // Whoever reads is waited for, however slowly.
    let reads = async {
        for _ in 0..20 {
            load.read(1_000);
            pass(Duration::from_millis(400)).await;
        }
    };
    let finished = load.finished(WaitFor::Calls);
    tokio::select! {
        () = finished => panic!("somebody reads"),
        () = reads => {}
    }
    // A caller who waits for another answer on the connection has the time for it.
    let other = load.begin().unwrap();
    assert!(!is_over(10_000).await);
    other.answered();
    drop(other);
    assert!(is_over(1_100).await);
    // What was not given yet waits for its server.
    load.read(50_000);
    assert!(!is_over(10_000).await);
    drop(call);
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_on_their_way_have_half_a_second() {
    let (_, load) = load(Limits::default());
    let began = Instant::now();
    load.finished(WaitFor::Calls).await;
    assert_eq!(began.elapsed(), Duration::from_millis(500));
    // A call that begins within it is waited for.
    let late = tokio::spawn({
        let load = Arc::clone(&load);
        async move { load.finished(WaitFor::Calls).await }
    });
    advance(Duration::from_millis(400)).await;
    let call = load.begin().unwrap();
    pass(Duration::from_secs(60)).await;
    assert!(!late.is_finished());
    drop(call);
    assert_eq!(seconds_until(late).await, Some(0));
}

#[test]
fn so_many_calls_are_open_on_all_connections_and_one_that_has_ended_is_none() {
    let limits = Limits {
        calls: 2,
        ..Limits::default()
    };
    let (shared, load) = load(limits);
    let other = Load::new(shared);
    let (first, _second) = (load.begin().unwrap(), other.begin().unwrap());
    assert_eq!(load.begin().unwrap_err(), Excess::Calls);
    drop(first);
    assert!(other.begin().is_ok());
}

#[test]
fn large_requests_have_three_quarters_of_the_room_and_small_ones_all_of_it_to_the_byte() {
    const SMALL: usize = 16 << 10;
    let limits = Limits {
        bytes: 4 * SMALL,
        ..Limits::default()
    };
    let (_, load) = load(limits);
    let large = Held::new(Arc::clone(&load));
    assert_eq!(large.take(3 * SMALL), Ok(()));
    assert_eq!(large.take(1), Err(Excess::Bytes));
    large.release();
    assert_eq!(large.take(3 * SMALL), Ok(()));
    let small = Held::new(Arc::clone(&load));
    assert_eq!(small.take(SMALL), Ok(()));
    assert_eq!(Held::new(load).take(1), Err(Excess::Bytes));
}

#[tokio::test(start_paused = true)]
async fn a_conversation_may_be_silent_between_messages_and_its_last_message_alone_weighs() {
    let limits = Limits {
        connection_bytes: 100,
        ..Limits::default()
    };
    let (_, load) = load(limits);
    let (_call, sender, mut body) = request(&load, Pace::Conversation);
    for _ in 0..3 {
        let silent = timeout(FOREVER, body.frame()).await;
        assert!(silent.is_err(), "nothing is due");
        sender.unbounded_send(message(60, 60)).unwrap();
        assert!(body.frame().await.unwrap().is_ok());
    }
    // What has begun is due.
    sender.unbounded_send(message(60, 10)).unwrap();
    assert!(body.frame().await.unwrap().is_ok());
    assert_eq!(seconds_until(body.frame()).await, Some(30));
    let (_call, sender, mut body) = request(&load, Pace::Messages);
    let held_still = message(60, 60);
    sender.unbounded_send(held_still).unwrap();
    assert_eq!(
        body.frame().await.unwrap().unwrap_err(),
        Excess::ConnectionBytes,
        "the one before weighs on"
    );
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_stays_if_there_is_room_again_before_the_five_seconds_are_over() {
    let limits = Limits {
        unread_bytes: 1_000,
        ..Limits::default()
    };
    let (shared, load) = load(limits);
    let _unread = answer(&load, 1_000).await;
    let beyond = answer(&Load::new(shared), 1).await;
    let freed = tokio::spawn(async move {
        pass(Duration::from_secs(4)).await;
        drop(beyond);
    });
    assert_eq!(seconds_until(load.unread()).await, None);
    freed.await.unwrap();
}
