//! Answers that are too long, late or never come.

use std::time::Duration;

use super::*;

type Answer = oneshot::Receiver<Result<ResponseMessage, Error>>;

/// Two requests, 1 and 2, of which the first is waited for a second less.
fn two_requests(max_bytes: usize, max_chunks: usize) -> (PendingRequests, Instant, [Answer; 2]) {
    let (mut pending, now) = (PendingRequests::new(max_bytes, max_chunks), Instant::now());
    let answers = [1, 2].map(|id| {
        let (sender, answer) = oneshot::channel();
        pending.insert(id, sender, now + Duration::from_secs(id.into()));
        answer
    });
    (pending, now, answers)
}

fn status(answer: &mut Answer) -> Option<StatusCode> {
    answer.try_recv().ok().and_then(Result::err).map(|error| error.status())
}

#[test]
fn an_answer_of_too_many_bytes_or_chunks_fails_alone() {
    let body = |length: usize| Bytes::from(vec![0; length]);
    for (max_bytes, max_chunks, length) in [(100, 1000, 9), (1000, 10, 1)] {
        let (mut pending, _, mut answers) = two_requests(max_bytes, max_chunks);
        pending.add_body(2, body(9), 9);
        for _ in 0..1000 {
            pending.add_body(1, body(1), length);
        }
        assert_eq!(status(&mut answers[0]), Some(StatusCode::BadEncodingLimitsExceeded));
        assert_eq!(status(&mut answers[1]), None);
        assert_eq!(pending.bytes, 9, "of the other one");
        assert_eq!(pending.take(2).map(|(_, bodies)| bodies), Some(vec![body(9)]));
        assert_eq!(pending.bytes, 0);
    }
}

#[test]
fn chunks_that_nobody_waits_for_are_not_kept() {
    let (mut pending, ..) = two_requests(100, 10);
    pending.add_body(3, Bytes::from_static(b"abc"), 3);
    assert_eq!(pending.bytes, 0);
    assert!(pending.take(3).is_none());
}

#[test]
fn requests_end_at_their_deadlines_or_with_the_connection() {
    let (mut pending, now, mut answers) = two_requests(100, 10);
    assert_eq!(pending.next_deadline(), Some(now + Duration::from_secs(1)));
    pending.expire(now + Duration::from_secs(1));
    assert_eq!(status(&mut answers[0]), Some(StatusCode::BadTimeout));
    assert_eq!(pending.next_deadline(), Some(now + Duration::from_secs(2)));
    pending.fail_all(StatusCode::BadConnectionClosed);
    assert_eq!(status(&mut answers[1]), Some(StatusCode::BadConnectionClosed));
    assert_eq!(pending.next_deadline(), None);
}
