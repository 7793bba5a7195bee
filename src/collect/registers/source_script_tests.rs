//! Refusals within one request of S7, MELSEC and FEnet, whose exchanges are written down.

use super::*;
use crate::collect::fenet::Fenet;
use crate::collect::melsec::Melsec;
use crate::collect::request_socket::script::{ScriptedResponse, play};
use crate::collect::s7::S7;
use crate::domain::device::Protocol;
use basalt_fuzz::rows;

/// A request of S7 in its packet, and its answer.
type S7Exchange = (&'static str, ScriptedResponse);

/// Opening of a session.
const S7_OPENING: [S7Exchange; 2] = rows![
    "03000016 11e00000000100 c1020100 c2020101 c0010a",
        ScriptedResponse::With("03000016 11d00001000100 c0010a c1020100 c2020101");
    "03000019 02f080 3201000000010008 0000 f000 0001 0001 03c0",
        ScriptedResponse::With("0300001b 02f080 3203000000010008 0000 0000 f000 0001 0001 00f0");
];

#[tokio::test]
async fn a_refused_range_of_a_shared_request_silences_nobody_else() {
    let together = "03000037 02f080 3201000000020026 0000 0403 120a1002 0002 0000 83 000000 120a1002 0004 0001 84 000000 \
                    120a1002 0002 0007 84 000000";
    let script = rows![
        together, "03000023 02f080 3203000000020002 000e 0000 0403 ff040010 0001 05000000 0a000000";
        // The block of two members is read again, one by one; the one of a single member is not.
        "0300001f 02f080 320100000003000e 0000 0401 120a1002 0002 0001 84 000000",
            "0300001b 02f080 3203000000030002 0006 0000 0401 ff040010 0002";
        "0300001f 02f080 320100000004000e 0000 0401 120a1002 0002 0001 84 000010",
            "03000019 02f080 3203000000040002 0004 0000 0401 05000000";
        // From now on the refused member has a range of its own, in the same request.
        "03000043 02f080 3201000000050032 0000 0404 120a1002 0002 0000 83 000000 120a1002 0002 0001 84 000000 \
        120a1002 0002 0001 84 000010 120a1002 0002 0007 84 000000",
            "03000029 02f080 3203000000050002 0014 0000 0404 ff040010 0001 ff040010 0002 05000000 0a000000";
    ];
    let exchanges = script.map(|(request, answer)| (request, ScriptedResponse::With(answer)));
    let port = play(S7_OPENING.into_iter().chain(exchanges).collect()).await;
    let mut device = DeviceSpec::new("plc", Protocol::S7);
    (device.host, device.port) = ("127.0.0.1".to_owned(), Some(port));
    let mut link = RegisterSource::new(&S7, &device, source_context()).unwrap();
    let streams = ["MW0", "DB1.DBW0", "DB1.DBW2", "DB7.DBW0"];
    let streams = [1, 2, 3, 4]
        .map(|id: i32| Arc::new(stream(id, streams[usize::try_from(id - 1).unwrap()], StreamKind::Uint16)));
    let mut group = RegisterPollGroup::new(&S7, &device, &streams);
    for poll in ["first", "second"] {
        let mut answers = Vec::new();
        link.poll(&mut group, &mut answers).await.unwrap();
        answers.sort_by_key(|answer| answer.stream);
        let outcomes: Vec<_> = answers.iter().map(|answer| answer.outcome.as_ref()).collect();
        let value = |n: usize| outcomes[n].map(|sample| sample.value.to_string());
        assert_eq!(outcomes.len(), 4, "{poll}");
        assert_eq!(value(0), Ok("1".to_owned()), "{poll}");
        assert_eq!(value(1), Ok("2".to_owned()), "{poll}");
        assert!(outcomes[2].is_err_and(|why| why.ends_with("(return code 05)")), "{poll}");
        assert!(outcomes[3].is_err_and(|why| why.ends_with("(return code 0A)")), "{poll}");
    }
}

/// Requests for the words 0 to 2: all, the first, the others, the second, the third. The second is refused.
type WordRequests = [(&'static str, &'static str); 5];

const MELSEC_WORDS: WordRequests = rows![
    "5000 00 ff ff03 00 0c00 1400 0104 0000 000000 a8 0300",
        "d000 00 ff ff03 00 0b00 004e 00 ff ff03 00 0104 0000";
    "5000 00 ff ff03 00 0c00 1400 0104 0000 000000 a8 0100", "d000 00 ff ff03 00 0400 0000 0100";
    "5000 00 ff ff03 00 0c00 1400 0104 0000 010000 a8 0200",
        "d000 00 ff ff03 00 0b00 004e 00 ff ff03 00 0104 0000";
    "5000 00 ff ff03 00 0c00 1400 0104 0000 010000 a8 0100",
        "d000 00 ff ff03 00 0b00 004e 00 ff ff03 00 0104 0000";
    "5000 00 ff ff03 00 0c00 1400 0104 0000 020000 a8 0100", "d000 00 ff ff03 00 0400 0000 0300";
];
const FENET_WORDS: WordRequests = rows![
    "4c5349532d5847540000 0000a033 0100 1000 00 3f 5400 1400 0000 0100 0400 25444230 0600",
        "4c5349532d5847540000 0101a011 0100 0a00 00 00 5500 1400 0000 ffff 3211";
    "4c5349532d5847540000 0000a033 0200 1000 00 40 5400 1400 0000 0100 0400 25444230 0200",
        "4c5349532d5847540000 0101a011 0200 0e00 00 00 5500 1400 0000 0000 0100 0200 0100";
    "4c5349532d5847540000 0000a033 0300 1000 00 41 5400 1400 0000 0100 0400 25444232 0400",
        "4c5349532d5847540000 0101a011 0300 0a00 00 00 5500 1400 0000 ffff 3211";
    "4c5349532d5847540000 0000a033 0400 1000 00 42 5400 1400 0000 0100 0400 25444232 0200",
        "4c5349532d5847540000 0101a011 0400 0a00 00 00 5500 1400 0000 ffff 3211";
    "4c5349532d5847540000 0000a033 0500 1000 00 43 5400 1400 0000 0100 0400 25444234 0200",
        "4c5349532d5847540000 0101a011 0500 0e00 00 00 5500 1400 0000 0000 0100 0200 0300";
];

/// Plant A12: a code that no manual explains may be of one word only.
#[tokio::test]
async fn an_unknown_refusal_of_joined_words_silences_only_the_one_that_is_refused_alone() {
    let protocols: [(&'static dyn StreamRegisters, WordRequests, &str, &str); 2] =
        [(&Melsec, MELSEC_WORDS, "D", "(end code 4E00)"), (&Fenet, FENET_WORDS, "%DW", "(error code 1132)")];
    for (protocol, script, name, expected) in protocols {
        let exchanges = script.map(|(request, answer)| (request, ScriptedResponse::With(answer)));
        let mut device = DeviceSpec::new("plc", protocol.protocol());
        (device.host, device.unit, device.timeout_s) = ("127.0.0.1".to_owned(), 0, 5.0);
        device.port = Some(play(exchanges.to_vec()).await);
        let mut link = RegisterSource::new(protocol, &device, source_context()).unwrap();
        let streams: Vec<_> =
            (0..3).map(|word| Arc::new(stream(word, &format!("{name}{word}"), StreamKind::Uint16))).collect();
        let mut group = RegisterPollGroup::new(protocol, &device, &streams);
        let mut answers = Vec::new();
        link.poll(&mut group, &mut answers).await.unwrap();
        answers.sort_by_key(|answer| answer.stream);
        let outcomes: Vec<_> = answers.iter().map(|answer| answer.outcome.as_ref()).collect();
        let value = |n: usize| outcomes[n].map(|sample| sample.value.to_string());
        assert_eq!((value(0), value(2)), (Ok("1".to_owned()), Ok("3".to_owned())), "{name}");
        assert!(outcomes[1].is_err_and(|why| why.ends_with(expected)), "{name}: {:?}", outcomes[1]);
    }
}
