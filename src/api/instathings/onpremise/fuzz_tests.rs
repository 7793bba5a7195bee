//! Fuzz test: any bytes as packets, payloads and queries, and sessions that receive them.

use tokio::time::Instant;

use super::handshake::EngineRequest;
use super::packet::{ClientPacket, MalformedPacket};
use super::session::{CloseCause, Session, Transport};
use super::{list_query, payload};
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat, Random, grammar, text};

const RULES: grammar::Rules = grammar::rules! {
    body = "<length>:<packet>" | "<length>:<packet><body>" | "1:2<body>" | "1:1" | "6:2probe1:5";
    length = "1" | "2" | "6" | "16" | "007" | "999999999" | "4294967296" | "-1" | "";
    packet = "1" | "2" | "2probe" | "5" | "4<message>" | "b4<name>=" | "0{}" | "3" | "6" | "<name>";
    message = "0" | "0/<name>" | "0/<name>?a=b," | "1" | "1/<name>," | "2[\"<name>\",1]" | "51-[\"<name>\"]"
        | "9";
    name = "a" | "é" | "😀" | "<letter><name>" | "/<name>" | ",<name>" | "\u{0}<name>";
};

/// A payload of the grammar, as text or with the lengths of the binary form.
fn made(random: &mut Random) -> Vec<u8> {
    let body = grammar::write(RULES, "body", random);
    if random.one_in(2) {
        return body;
    }
    let size = u8::try_from(body.len().min(99)).unwrap_or(99);
    [&[0, size / 10, size % 10, 0xff][..], &body[..usize::from(size)]].concat()
}

fn form() -> InputFormat {
    let seeds = [
        "1:2",
        "6:2probe1:5",
        "7:40/x,y1:1",
        r#"13:42["x",{"a":1}]"#,
        "\u{0}\u{1}",
        "transport=polling&sid=AAAAAAAAAAAAAAAAAAAA&b64=1",
        "page=1&perPage=1&sort=-data.a.0&start=1&end=2",
    ];
    InputFormat {
        seeds: seeds.map(|seed| seed.as_bytes().to_vec()).into(),
        grammar: Some(made),
        words: &[
            "1:",
            ":",
            "40/",
            "2probe",
            "b4",
            "\u{0}",
            "\u{1}",
            "😀",
            "transport=",
            "sid=",
            "page=",
            "sort=-data.",
        ],
        ..InputFormat::default()
    }
}

fn decoder() -> Decoder {
    Box::new(|input| {
        let (text, now) = (text(input), Instant::now());
        drop(ClientPacket::parse_text(&text));
        drop(ClientPacket::parse_binary(input));
        drop(EngineRequest::parse(&axum::http::Method::GET, &text));
        drop(list_query::parse(&text, &text));
        for packets in [payload::parse_text(&text), payload::parse_binary(input)] {
            let mut session = Session::new("s", Transport::Polling, now);
            session.attach_probe();
            match packets {
                Ok(packets) => packets.into_iter().for_each(|packet| {
                    session.probe(&packet);
                    session.receive(packet, now);
                }),
                Err(MalformedPacket) => session.close(CloseCause::MalformedPacket),
            }
            if session.begin_poll(now).is_ok() {
                drop(session.take_for_poll(now));
            }
            drop(session.take_for_socket());
        }
    })
}

#[test]
fn socket_io() {
    FuzzTarget { module: module_path!(), name: "socket_io", form, decoder }.run();
}
