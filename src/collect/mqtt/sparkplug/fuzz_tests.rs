//! Arbitrary bytes as the payloads of an edge node.

use tokio::time::Instant;

use super::host::HostState;
use super::host_event::HostEvent;
use super::topic::EdgeTopic;
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat};

/// First byte: how a payload is used. What follows it is the payload.
const TOPICS: [&str; 6] = [
    "spBv1.0/g/NBIRTH/n",
    "spBv1.0/g/NDATA/n",
    "spBv1.0/g/NDEATH/n",
    "spBv1.0/g/DBIRTH/n/d",
    "spBv1.0/g/DDATA/n/d",
    "spBv1.0/g/DDEATH/n/d",
];

fn messages_form() -> InputFormat {
    let golden = |kind: u8, hex: &str| {
        let digits: String = hex.split_whitespace().collect();
        [vec![kind], hex::decode(digits).expect("hexadecimal digits")].concat()
    };
    let birth = include_str!("../../../../tests/data/sparkplug/nbirth.hex");
    InputFormat {
        seeds: vec![
            golden(0, birth),
            golden(3, birth),
            golden(2, include_str!("../../../../tests/data/sparkplug/ndeath.hex")),
            golden(5, include_str!("../../../../tests/data/sparkplug/ddeath.hex")),
            // Data by alias, a data set, properties, a compressed payload.
            b"\x01\x12\x0b\x10\x09\x69\0\0\0\0\0\0\xf0\x3f\x18\x01".to_vec(),
            b"\x00\x12\x19\x0a\x01t\x20\x10\x8a\x01\x11\x12\x01a\x18\x03\x22\x04\x0a\x02\x08\x01\x22\x04\x0a\x02\x08\x02".to_vec(),
            b"\x04\x12\x17\x0a\x01a\x20\x03\x4a\x0e\x0a\x07Quality\x12\x03\x18\xf4\x03\x50\x05".to_vec(),
            b"\x01\x22\x12SPBV1.0_COMPRESSED\x2a\x01x".to_vec(),
        ],
        words: &["bdSeq", "\u{12}\u{0}", "Quality", "\u{50}\u{5}", "m/INT8"],
        ..InputFormat::default()
    }
}

/// One host goes through all inputs, as it would with an edge node that means harm.
fn read_messages() -> Decoder {
    let mut state = HostState::default();
    Box::new(move |input| {
        let [kind, payload @ ..] = input else { return };
        let topic = EdgeTopic::parse(TOPICS[usize::from(*kind) % TOPICS.len()]).expect("it is one");
        let (mut events, now) = (Vec::new(), Instant::now());
        state.accept(&topic, &Ok(payload.to_vec()), now, &mut events);
        state.expire(now, &mut events);
        // A metric takes two bytes at least, and says one thing.
        assert!(events.len() <= payload.len() / 2 + 10, "{} events", events.len());
        for event in events {
            if let HostEvent::Value { address, outcome: Ok(_), .. } = event {
                assert_eq!(address.source.node, topic.source.node);
            }
        }
    })
}

#[test]
fn sparkplug_messages() {
    FuzzTarget {
        module: module_path!(),
        name: "sparkplug_messages",
        form: messages_form,
        decoder: read_messages,
    }
    .run();
}
