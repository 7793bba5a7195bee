//! Checks a session's answer to each packet, and that no order of events loses, doubles or reorders a packet.

use proptest::prelude::*;

use super::*;

fn texts(packets: &[Utf8Bytes]) -> Vec<&str> {
    packets.iter().map(|packet| packet.as_str()).collect()
}

fn batch(text: &str) -> Arc<PacketBatch> {
    PacketBatch::new(vec![text.to_owned()])
}

fn ping() -> ClientPacket {
    ClientPacket::Ping { is_probe: false }
}

#[test]
fn packets_are_answered() {
    let probe = ClientPacket::Ping { is_probe: true };
    let rows: [(&str, ClientPacket, &[&str], Option<CloseCause>); 9] = [
        ("ping", ping(), &["3"], None),
        ("a_probe_outside_of_an_upgrade", probe, &["3"], None),
        ("the_namespace_again", ClientPacket::Connect("/".into()), &[], None),
        ("another_namespace", ClientPacket::Connect("/x".into()), &[r#"44/x,"Invalid namespace""#], None),
        ("another_namespace_is_left", ClientPacket::Disconnect("/x".into()), &[], None),
        ("an_event", ClientPacket::Ignored, &[], None),
        ("an_upgrade_without_a_socket", ClientPacket::Upgrade, &[], None),
        ("close", ClientPacket::Close, &[], Some(CloseCause::Client)),
        ("the_namespace_is_left", ClientPacket::Disconnect("/".into()), &[], Some(CloseCause::Namespace)),
    ];
    for (name, packet, expected, closed) in rows {
        let now = Instant::now();
        let mut session = Session::empty(Transport::WebSocket, now);
        session.receive(packet, now);
        assert_eq!(texts(&session.take_for_socket()), expected, "{name}");
        assert_eq!(session.closed(), closed, "{name}");
    }
}

#[test]
fn a_session_on_a_websocket_begins_with_two_packets() {
    let now = Instant::now();
    let mut session = Session::new("s", Transport::WebSocket, now);
    session.broadcast(&batch("42[]"));
    let open = r#"0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":5000}"#;
    assert_eq!(texts(&session.take_for_socket()), [open, "40", "42[]"]);
    let mut session = Session::new("s", Transport::Polling, now);
    assert!(session.take_for_socket().is_empty());
}

#[test]
fn a_client_that_does_not_ping_is_closed_after_thirty_seconds() {
    let start = Instant::now();
    let seconds = |n| start + Duration::from_secs(n);
    let mut session = Session::empty(Transport::WebSocket, start);
    session.receive(ClientPacket::Ignored, seconds(29));
    session.expire(seconds(29));
    session.receive(ping(), seconds(29));
    session.expire(seconds(58));
    assert_eq!(session.closed(), None);
    session.expire(seconds(59));
    assert_eq!(session.closed(), Some(CloseCause::PingTimeout));
    session.close(CloseCause::Client);
    assert_eq!(session.closed(), Some(CloseCause::PingTimeout), "the first cause counts");
}

#[test]
fn a_poll_is_answered_once() {
    let now = Instant::now();
    type Row = (&'static str, fn(&mut Session), &'static [&'static str]);
    let rows: [Row; 7] = [
        ("with_an_answer", |s| s.answer("3".into()), &["3"]),
        ("with_an_event", |s| s.broadcast(&batch("42[]")), &["42[]"]),
        ("closed_by_the_client", |s| s.close(CloseCause::Client), &["6"]),
        ("left_by_the_client", |s| s.close(CloseCause::Namespace), &["1"]),
        ("closed_by_the_server", |s| s.close(CloseCause::PingTimeout), &["1"]),
        (
            "probed",
            |s| {
                assert!(s.attach_probe());
                assert_eq!(s.probe(&ClientPacket::Ping { is_probe: true }), ProbeStep::Reply("3probe"));
            },
            &["6"],
        ),
        (
            "upgraded",
            |s| {
                assert!(s.attach_probe());
                s.probe(&ClientPacket::Ping { is_probe: true });
                assert_eq!(s.probe(&ClientPacket::Upgrade), ProbeStep::Upgraded);
                s.broadcast(&batch("42[]"));
            },
            &["6"],
        ),
    ];
    for (name, act, expected) in rows {
        let mut session = Session::empty(Transport::Polling, now);
        session.begin_poll(now).unwrap();
        assert_eq!(session.take_for_poll(now), None, "{name}");
        act(&mut session);
        assert_eq!(texts(&session.take_for_poll(now).expect(name)), expected, "{name}");
        assert_eq!(session.take_for_poll(now), None, "{name}");
    }
    let mut session = Session::empty(Transport::Polling, now);
    session.begin_poll(now).unwrap();
    assert_eq!(texts(&session.take_for_poll(now + POLL_TIMEOUT).unwrap()), ["6"], "it waited long enough");
}

#[test]
fn polls_that_break_the_rules_end_the_session() {
    let now = Instant::now();
    let mut session = Session::empty(Transport::Polling, now);
    let first = session.begin_poll(now).unwrap();
    assert_eq!(session.begin_poll(now), Err(PollRefused), "a second one beside it");
    assert_eq!(session.closed(), Some(CloseCause::Transport));
    assert_eq!(texts(&session.take_for_poll(now).unwrap()), ["1"]);
    session.abandon_poll(first);

    let mut session = Session::empty(Transport::Polling, now);
    let first = session.begin_poll(now).unwrap();
    session.answer("3".into());
    session.take_for_poll(now).unwrap();
    session.abandon_poll(first);
    assert_eq!(session.closed(), None, "it was answered");
    let second = session.begin_poll(now).unwrap();
    session.abandon_poll(second);
    assert_eq!(session.closed(), Some(CloseCause::Transport));

    let mut session = Session::empty(Transport::WebSocket, now);
    assert_eq!(session.begin_poll(now), Err(PollRefused), "it is on a WebSocket");
    assert!(!session.attach_probe());
    assert_eq!(session.closed(), None);
}

#[test]
fn an_upgrade_begins_with_a_probe_and_may_be_given_up() {
    let now = Instant::now();
    let mut session = Session::empty(Transport::Polling, now);
    assert!(session.attach_probe());
    assert!(!session.attach_probe(), "one at a time");
    assert_eq!(session.probe(&ClientPacket::Upgrade), ProbeStep::Refused);
    assert_eq!(session.probe(&ping()), ProbeStep::Refused);
    session.end_socket();
    assert!(session.attach_probe(), "another may try");
    session.probe(&ClientPacket::Ping { is_probe: true });
    session.close(CloseCause::Server);
    assert_eq!(session.probe(&ClientPacket::Upgrade), ProbeStep::Refused);
}

#[derive(Debug, Clone)]
enum Step {
    Answer,
    Broadcast(usize),
    Poll,
    TakeForPoll,
    Attach,
    Probe,
    Upgrade,
    Detach,
    TakeForSocket,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Answer),
        3 => (1..4_usize).prop_map(Step::Broadcast),
        3 => Just(Step::Poll),
        3 => Just(Step::TakeForPoll),
        1 => Just(Step::Attach),
        1 => Just(Step::Probe),
        1 => Just(Step::Upgrade),
        1 => Just(Step::Detach),
        2 => Just(Step::TakeForSocket),
    ]
}

/// A message packet of this number. No number makes it equal to [`packet::NOOP`], which is the text `6`.
fn numbered(number: usize) -> String {
    format!("4{number}")
}

proptest! {
    /// Whatever happens, packets leave in the order in which they were queued, each once.
    #[test]
    fn every_packet_leaves_once_and_in_order(steps in prop::collection::vec(step(), 0..60)) {
        let now = Instant::now();
        let mut session = Session::empty(Transport::Polling, now);
        let (mut queued, mut sent) = (0, Vec::new());
        let mut next = || { queued += 1; numbered(queued) };
        for step in steps {
            match step {
                Step::Answer => session.answer(next().into()),
                Step::Broadcast(count) => {
                    let packets = std::iter::repeat_with(&mut next).take(count).collect();
                    session.broadcast(&PacketBatch::new(packets));
                }
                Step::Poll if session.poll.is_none() => session.begin_poll(now).map_or((), |_| ()),
                Step::Poll => {}
                Step::TakeForPoll => sent.extend(session.take_for_poll(now).into_iter().flatten()),
                Step::Attach => { let _ = session.attach_probe(); }
                Step::Probe => { let _ = session.probe(&ClientPacket::Ping { is_probe: true }); }
                Step::Upgrade => { let _ = session.probe(&ClientPacket::Upgrade); }
                Step::Detach if session.transport() == Transport::Polling => session.end_socket(),
                Step::Detach => {}
                Step::TakeForSocket if session.transport() == Transport::WebSocket => {
                    sent.extend(session.take_for_socket());
                }
                Step::TakeForSocket => {}
            }
        }
        prop_assert_eq!(session.closed(), None);
        sent.extend(session.take_for_socket());
        // A poll may also be ended with the packet that means nothing, which is not one of those that were queued.
        let mut expected = 1;
        for packet in &sent {
            if packet.as_str() == numbered(expected) {
                expected += 1;
            } else {
                prop_assert_eq!(packet.as_str(), packet::NOOP);
            }
        }
        prop_assert_eq!(expected - 1, queued);
    }
}
