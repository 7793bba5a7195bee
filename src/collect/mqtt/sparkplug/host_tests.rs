//! Cases of the state machine.

use std::time::Duration;

use prost::Message as _;

use super::*;
use crate::collect::mqtt::sparkplug::data_type::DataType;
use crate::collect::mqtt::sparkplug::edge_node::REBIRTH_WINDOW;
use crate::collect::mqtt::sparkplug::proto::{Metric, MetricValue};

/// A host with one edge node `g/n`, and a clock of its own.
struct Fixture {
    state: HostState,
    now: Instant,
}

fn metric(name: Option<&str>, alias: Option<u64>, value: f64) -> Metric {
    Metric {
        name: name.map(str::to_owned),
        alias,
        datatype: name.map(|_| DataType::Double.number()),
        timestamp: Some(1_777_377_600_000),
        value: Some(MetricValue::Double(value)),
        ..Metric::default()
    }
}

fn number(bd_seq: u64) -> Metric {
    Metric {
        name: Some("bdSeq".to_owned()),
        datatype: Some(DataType::Int64.number()),
        value: Some(MetricValue::Long(bd_seq)),
        ..Metric::default()
    }
}

impl Fixture {
    fn new() -> Fixture {
        Fixture { state: HostState::default(), now: Instant::now() }
    }

    /// The events of a message, as short texts.
    fn accept(&mut self, topic: &str, seq: Option<u64>, metrics: Vec<Metric>) -> Vec<String> {
        let bytes = Payload { seq, metrics, ..Payload::default() }.encode_to_vec();
        self.accept_bytes(topic, &bytes)
    }

    fn accept_bytes(&mut self, topic: &str, bytes: &[u8]) -> Vec<String> {
        self.accept_payload(topic, &Ok(bytes.to_vec()))
    }

    fn accept_payload(&mut self, topic: &str, payload: &Result<Vec<u8>, MessageTooLarge>) -> Vec<String> {
        let topic = EdgeTopic::parse(topic).unwrap();
        let mut events = Vec::new();
        self.state.accept(&topic, payload, self.now, &mut events);
        events.into_iter().map(short).collect()
    }

    /// The events of the time until then.
    fn wait(&mut self, time: Duration) -> Vec<String> {
        self.now += time;
        let mut events = Vec::new();
        self.state.expire(self.now, &mut events);
        events.into_iter().map(short).collect()
    }

    /// An edge node with the metric `a` and a device `d` with the metric `b`, born with this `bdSeq`.
    fn give_birth(&mut self, bd_seq: u64) {
        let node = vec![metric(Some("a"), Some(1), 1.0), number(bd_seq)];
        let events = self.accept("spBv1.0/g/NBIRTH/n", Some(0), node);
        assert_eq!(events, ["g/n#a 1", &format!("g/n#bdSeq {bd_seq}"), "birth g/n"]);
        let events = self.accept("spBv1.0/g/DBIRTH/n/d", Some(1), vec![metric(Some("b"), Some(2), 2.0)]);
        assert_eq!(events, ["g/n/d#b 2", "birth g/n/d"]);
    }

    fn has(&self, address: &str) -> bool {
        self.state.metric(&address.parse().unwrap()).is_ok()
    }
}

fn short(event: HostEvent) -> String {
    match event {
        HostEvent::Value { address, outcome: Ok(sample), .. } if sample.is_historical => {
            format!("{address} {} of the past", sample.value)
        }
        HostEvent::Value { address, outcome: Ok(sample), .. } => format!("{address} {}", sample.value),
        HostEvent::Value { address, outcome: Err(why), .. } => format!("{address} ({why})"),
        HostEvent::Birth(source) => format!("birth {source}"),
        HostEvent::Death { source, why } => format!("death {source}: {why}"),
        HostEvent::Rebirth(node) => format!("rebirth {node}"),
        HostEvent::Ignored { source, why } => format!("ignored {source}: {why}"),
    }
}

const NONE: [&str; 0] = [];

#[test]
fn data_is_read_by_the_aliases_of_its_birth() {
    let mut host = Fixture::new();
    host.give_birth(0);
    assert_eq!(host.accept("spBv1.0/g/NDATA/n", Some(2), vec![metric(None, Some(1), 5.0)]), ["g/n#a 5"]);
    assert_eq!(host.accept("spBv1.0/g/DDATA/n/d", Some(3), vec![metric(None, Some(2), 6.0)]), ["g/n/d#b 6"]);
    // The names hold too, and the sequence goes round after 255.
    for seq in (4..=255).chain(0..10) {
        let events = host.accept("spBv1.0/g/NDATA/n", Some(seq), vec![metric(Some("a"), None, 7.0)]);
        assert_eq!(events, ["g/n#a 7"], "{seq}");
    }
    let past = Metric { is_historical: Some(true), ..metric(None, Some(1), 8.0) };
    let undated = Metric { timestamp: None, ..past.clone() };
    let accepted = host.accept("spBv1.0/g/NDATA/n", Some(10), vec![past, undated]);
    assert_eq!(accepted, ["g/n#a 8 of the past", "ignored g/n: a historical value has no time"]);
}

#[test]
fn a_gap_asks_for_a_birth_once_a_window_and_loses_no_value() {
    let mut host = Fixture::new();
    host.give_birth(0);
    let send =
        |host: &mut Fixture, seq| host.accept("spBv1.0/g/NDATA/n", seq, vec![metric(None, Some(1), 5.0)]);
    assert_eq!(send(&mut host, Some(4)), ["g/n#a 5", "rebirth g/n"]);
    assert_eq!(send(&mut host, Some(5)), ["g/n#a 5"]);
    assert_eq!(send(&mut host, Some(9)), ["g/n#a 5"], "the window is not over");
    assert_eq!(send(&mut host, None), ["g/n#a 5"]);
    assert_eq!(host.wait(REBIRTH_WINDOW), ["rebirth g/n"]);
    assert_eq!(host.wait(REBIRTH_WINDOW), NONE, "nothing came meanwhile");
    assert_eq!(send(&mut host, Some(20)), ["g/n#a 5", "rebirth g/n"]);
    // The birth answers what is still due.
    assert_eq!(send(&mut host, Some(30)), ["g/n#a 5"]);
    host.give_birth(0);
    assert_eq!(host.wait(REBIRTH_WINDOW), NONE);
}

#[test]
fn data_before_its_birth_asks_for_it() {
    for (name, births, topic, metrics) in [
        ("an edge node", 0, "spBv1.0/g/NDATA/n", vec![metric(None, Some(1), 5.0)]),
        ("a device of an unknown edge node", 0, "spBv1.0/g/DDATA/n/d", vec![metric(Some("b"), None, 5.0)]),
        ("the birth of a device alone", 0, "spBv1.0/g/DBIRTH/n/d", vec![metric(Some("b"), Some(2), 5.0)]),
        ("an unknown device", 1, "spBv1.0/g/DDATA/n/e", vec![metric(Some("b"), None, 5.0)]),
        ("an unknown alias", 1, "spBv1.0/g/NDATA/n", vec![metric(None, Some(99), 5.0)]),
        ("the alias of another device", 1, "spBv1.0/g/DDATA/n/d", vec![metric(None, Some(1), 5.0)]),
    ] {
        let mut host = Fixture::new();
        if births == 1 {
            host.give_birth(0);
        }
        assert_eq!(host.accept(topic, Some(2), metrics), ["rebirth g/n"], "{name}");
    }
}

#[test]
fn a_death_is_that_of_its_birth_and_waits_a_moment() {
    for (name, born, died, after) in [
        ("its own", 7, Some(7), vec!["death g/n: `g/n` has died"]),
        ("of the birth before", 7, Some(6), vec![]),
        ("of the birth before, after a round", 0, Some(255), vec![]),
        ("of a birth that never came", 7, Some(8), vec!["rebirth g/n"]),
        ("without a number", 7, None, vec!["rebirth g/n"]),
    ] {
        let mut host = Fixture::new();
        host.give_birth(born);
        let metrics = died.map(number).into_iter().collect();
        assert_eq!(host.accept("spBv1.0/g/NDEATH/n", None, metrics), NONE, "{name}");
        // What the death has overtaken still counts.
        let late = host.accept("spBv1.0/g/NDATA/n", Some(2), vec![metric(None, Some(1), 5.0)]);
        assert_eq!(late, ["g/n#a 5"], "{name}");
        assert_eq!(host.wait(DEATH_DELAY), after, "{name}");
        let is_dead = after.iter().any(|event| event.starts_with("death"));
        assert_eq!((host.has("g/n#a"), host.has("g/n/d#b")), (!is_dead, !is_dead), "{name}");
    }
}

#[test]
fn a_death_that_overtakes_the_next_birth_does_not_end_it() {
    let mut host = Fixture::new();
    host.give_birth(7);
    assert_eq!(host.accept("spBv1.0/g/NDEATH/n", None, vec![number(7)]), NONE);
    host.give_birth(8);
    assert_eq!(host.wait(DEATH_DELAY), NONE);
    assert!(host.has("g/n#a") && host.has("g/n/d#b"));
}

#[test]
fn aliases_die_with_their_birth() {
    let mut host = Fixture::new();
    host.give_birth(0);
    let birth = vec![metric(Some("c"), Some(1), 3.0), number(0)];
    host.accept("spBv1.0/g/NBIRTH/n", Some(0), birth);
    assert_eq!(host.accept("spBv1.0/g/NDATA/n", Some(1), vec![metric(None, Some(1), 5.0)]), ["g/n#c 5"]);
    assert!(!host.has("g/n#a"));
    // The device has to be born again, and counts as dead when it is not.
    let accepted = host.accept("spBv1.0/g/DDATA/n/d", Some(2), vec![metric(None, Some(2), 5.0)]);
    assert_eq!(accepted, ["rebirth g/n"]);
    assert_eq!(host.wait(BIRTH_TIMEOUT), ["death g/n/d: `g/n/d` sends no birth"]);
}

#[test]
fn a_device_dies_alone() {
    let mut host = Fixture::new();
    host.give_birth(0);
    assert_eq!(host.accept("spBv1.0/g/DDEATH/n/d", Some(2), vec![]), ["death g/n/d: `g/n/d` has died"]);
    assert!(host.has("g/n#a") && !host.has("g/n/d#b"));
    let error = host.state.metric(&"g/n/d#b".parse().unwrap()).unwrap_err();
    assert_eq!(error, "`g/n/d` is not online");
    let error = host.state.metric(&"g/n#b".parse().unwrap()).unwrap_err();
    assert_eq!(error, "the birth of `g/n` has no metric `b`");
}

#[test]
fn an_edge_node_that_does_not_answer_is_dead() {
    let mut host = Fixture::new();
    let source = |text: &str| text.parse::<MetricAddress>().unwrap().source;
    host.state.await_birth(&source("g/n#a"), host.now);
    assert_eq!(host.wait(Duration::ZERO), ["rebirth g/n"]);
    assert_eq!(host.wait(BIRTH_TIMEOUT), ["death g/n: `g/n` sends no birth"]);
    assert_eq!(host.state.next_deadline(), None);
    host.give_birth(3);
    // A death of a number that was lost on the way is one too, unless a birth follows.
    host.accept("spBv1.0/g/NDEATH/n", None, vec![number(4)]);
    assert_eq!(host.wait(DEATH_DELAY), ["rebirth g/n"]);
    assert_eq!(host.wait(BIRTH_TIMEOUT), ["death g/n: `g/n` sends no birth"]);
}

#[test]
fn an_edge_node_that_does_not_answer_but_sends_data_is_alive() {
    let mut host = Fixture::new();
    host.give_birth(3);
    host.accept("spBv1.0/g/NDEATH/n", None, vec![number(4)]);
    assert_eq!(host.wait(DEATH_DELAY), ["rebirth g/n"]);
    assert_eq!(host.accept("spBv1.0/g/NDATA/n", Some(2), vec![metric(None, Some(1), 5.0)]), ["g/n#a 5"]);
    assert_eq!(host.wait(BIRTH_TIMEOUT), NONE);
}

#[test]
fn a_device_that_is_waited_for_and_is_not_born_is_dead() {
    let source = |text: &str| text.parse::<MetricAddress>().unwrap().source;
    for name in ["waited for before its edge node is born", "and after that"] {
        let mut host = Fixture::new();
        if name == "and after that" {
            host.give_birth(3);
        }
        host.state.await_birth(&source("g/n/other#x"), host.now);
        assert_eq!(host.wait(Duration::ZERO), ["rebirth g/n"], "{name}");
        host.give_birth(3);
        assert_eq!(host.wait(BIRTH_TIMEOUT), ["death g/n/other: `g/n/other` sends no birth"], "{name}");
        assert!(host.has("g/n/d#b"), "{name}");
    }
}

#[test]
fn a_birth_that_cannot_be_kept_is_a_death_with_its_reason() {
    let mut host = Fixture::new();
    host.give_birth(0);
    let events = host.accept_bytes("spBv1.0/g/NBIRTH/n", b"no payload");
    assert_eq!(events.len(), 1);
    let expected =
        "death g/n: `g/n` sends a birth that cannot be read: the payload is no Sparkplug B payload";
    assert!(events[0].starts_with(expected), "{events:?}");
    assert!(!host.has("g/n#a"));
    // Plant A4: one that is too large for a packet is no reason for rebirth commands either.
    host.give_birth(0);
    let events = host.accept_payload("spBv1.0/g/NBIRTH/n", &Err(MessageTooLarge { bytes: 5_000_000 }));
    let expected = "death g/n: `g/n` sends a birth that cannot be read: \
                    the message has 5000000 bytes; 4194304 are the most";
    assert_eq!(events, [expected]);
    assert_eq!(host.accept("spBv1.0/g/NDATA/n", Some(1), vec![metric(Some("a"), None, 1.0)]), NONE);
    assert_eq!(host.wait(REBIRTH_WINDOW), NONE);
    host.state.max_birth_bytes = 1000;
    let metrics: Vec<_> = (0..10).map(|n| metric(Some(&format!("m{n}")), None, 1.0)).collect();
    let events = host.accept("spBv1.0/g/NBIRTH/n", Some(0), metrics);
    let last = events.last().map(String::as_str);
    assert_eq!(last, Some("death g/n: `g/n` is not read: the births on this connection exceed 1000 bytes"));
    assert!(!host.has("g/n#m0"));
    // It is not asked for another such birth, but gets another chance with each one that it sends.
    assert_eq!(host.accept("spBv1.0/g/NDATA/n", Some(1), vec![metric(Some("m0"), None, 1.0)]), NONE);
    assert_eq!(host.accept("spBv1.0/g/DBIRTH/n/d", Some(2), vec![metric(Some("b"), None, 1.0)]), NONE);
    assert_eq!(host.wait(REBIRTH_WINDOW), NONE);
    host.give_birth(0);
    let events = host.accept_bytes("spBv1.0/g/DBIRTH/n/d", b"\xff");
    assert_eq!(events.len(), 1, "{events:?}");
    let events = host.accept("spBv1.0/g/DDATA/n/d", Some(2), vec![metric(None, Some(2), 1.0)]);
    assert_eq!(events, NONE, "{events:?}");
    let events = host.accept_bytes("spBv1.0/g/DDATA/n/d", b"\xff");
    assert_eq!(events.len(), 1, "data of a refused device is ignored: {events:?}");
}

#[test]
fn data_and_deaths_that_cannot_be_read_ask_for_births() {
    let compressed = Payload { uuid: Some("SPBV1.0_COMPRESSED".to_owned()), ..Payload::default() };
    for (topic, is_death) in [
        ("spBv1.0/g/NDATA/n", false),
        ("spBv1.0/g/DDATA/n/d", false),
        ("spBv1.0/g/NDEATH/n", true),
        ("spBv1.0/g/DDEATH/n/d", true),
    ] {
        let mut host = Fixture::new();
        assert_eq!(host.accept_bytes(topic, b"\xff").len(), 1, "{topic}: the edge node is unknown");
        host.give_birth(0);
        let events = host.accept_bytes(topic, &compressed.encode_to_vec());
        assert_eq!(events.len(), 2, "{events:?}");
        assert!(events[0].starts_with("ignored g/n") && events[1] == "rebirth g/n", "{events:?}");
        assert_eq!(host.accept_bytes(topic, b"\xff").len(), 1, "{topic}: once a window");
        // Who has died sends no birth; who has sent data may answer late.
        let last = host.wait(BIRTH_TIMEOUT + BIRTH_TIMEOUT).pop().unwrap_or_default();
        assert_eq!(last == "death g/n: `g/n` sends no birth", is_death, "{topic}: {last}");
    }
}

#[test]
fn a_value_is_never_that_of_another_metric_or_type() {
    let mut host = Fixture::new();
    let int = |name: &str, alias, number: u32, bits| Metric {
        datatype: Some(number),
        value: Some(MetricValue::Int(bits)),
        ..metric(Some(name), Some(alias), 0.0)
    };
    let (int32, uint32) = (DataType::Int32.number(), DataType::Uint32.number());
    let metrics =
        vec![int("a", 1, int32, 1), int("b", 2, int32, 2), int("c", 3, int32, 3), int("d", 3, int32, 4)];
    host.accept("spBv1.0/g/NBIRTH/n", Some(0), metrics);
    let unnamed = |alias, number, bits| Metric { name: None, ..int("", alias, number, bits) };
    for (case, sent, expected) in [
        ("the birth's type", unnamed(1, int32, u32::MAX), "g/n#a -1"),
        ("another type", unnamed(1, uint32, u32::MAX), "g/n#a 4294967295"),
        ("a type that says nothing", unnamed(1, 0, u32::MAX), "g/n#a -1"),
        ("name and alias of one metric", int("b", 2, int32, 5), "g/n#b 5"),
        ("the name of one, the alias of another", int("b", 1, int32, 6), "rebirth g/n"),
        ("an alias of two", unnamed(3, int32, 7), "rebirth g/n"),
    ] {
        let seq = host.state.nodes.values().next().map(|node| node.next_seq);
        host.state.nodes.values_mut().for_each(|node| node.rebirth_sent_at = None);
        assert_eq!(host.accept("spBv1.0/g/NDATA/n", seq, vec![sent]), [expected], "{case}");
    }
}
