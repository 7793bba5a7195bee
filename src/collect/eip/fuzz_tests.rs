//! Arbitrary bytes as the reply of a controller.

use super::cip::{CipReply, service};
use super::data_type::TagType;
use super::frame::{EncapsulatedRequest, EncapsulationCommand, HEADER_LEN, message_of, session_of};
use super::symbol;
use super::value::TagData;
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat};

/// Flags, then the reply: a frame with a message in it, or a message alone.
fn eip_form() -> InputFormat {
    let header = b"\x6f\0\x1a\0\x07\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\0\0\0\0";
    let items = b"\0\0\0\0\0\0\x02\0\0\0\0\0\xb2\0\x0a\0";
    let messages: [&[u8]; 7] = [
        b"\xcc\0\0\0\xc4\0\x2a\0\0\0",
        b"\xcc\0\xff\x01\x05\x21",
        b"\xd2\0\x06\0\xa0\x02\xce\x0f\x05\0\0\0Hello",
        b"\x8a\0\x1e\0\x02\0\x06\0\x10\0\xcc\0\0\0\xc4\0\x01\0\0\0\xcc\0\x05\0",
        b"\xd2\0\x01\x01\x12\x03",
        b"\xd5\0\0\0\x01\0\0\0\x05\0speed\xca\0\0\0\0\0\0\0\0\0\0\0\0\0",
        b"\xcc\0\0\0\xda\0\x02Hi",
    ];
    let framed = [&[1][..], header, items, messages[0]].concat();
    let alone = messages.map(|message| [&[0], message].concat());
    InputFormat {
        seeds: alone.into_iter().chain([framed]).collect(),
        words: &["\u{0}", "Program:", "FFFF", "é"],
        ..InputFormat::default()
    }
}

fn read_eip() -> Decoder {
    let request = EncapsulatedRequest { command: EncapsulationCommand::SendRrData, session: 7, context: 9 };
    let services = [
        service::READ_TAG,
        service::READ_TAG_FRAGMENTED,
        service::MULTIPLE,
        service::GET_INSTANCE_ATTRIBUTE_LIST,
    ];
    Box::new(move |input| {
        let Some((flags, reply)) = input.split_first() else { return };
        let message = if flags & 1 == 0 {
            Ok(reply)
        } else {
            let _ = request.body_len(&reply[..reply.len().min(HEADER_LEN)]);
            let _ = session_of(reply);
            message_of(reply)
        };
        let Ok(message) = message else { return };
        for service in services {
            let Ok(reply) = CipReply::parse(message, service, flags & 2 == 0) else { continue };
            drop(reply.split(2, services[0]));
            drop(symbol::parse_list(&reply.data));
            let Some((data_type, raw)) = TagType::split(&reply.data) else { continue };
            let data = TagData { data_type, raw: raw.to_vec() };
            drop(data.value(Some(flags >> 2)));
            if let Ok(value) = data.value(None) {
                drop(data.change(None, &value));
            }
        }
    })
}

#[test]
fn eip() {
    FuzzTarget { module: module_path!(), name: "eip", form: eip_form, decoder: read_eip }.run();
}
