//! Arbitrary bytes from an OPC UA server: frames of its connection, answers, and values.

use bytes::BytesMut;
use opcua::types::{
    Array, BinaryDecodable, BinaryEncodable, BrowseResponse, ContextOwned, CreateSessionResponse, DataValue,
    DecodingOptions, DiagnosticInfo, GetEndpointsResponse, LocalizedText, NodeId, PublishResponse,
    ReadResponse, Variant, VariantScalarTypeId,
};
use tokio_util::codec::Decoder as _;

use super::transport::frame_codec::FrameCodec;
use super::transport::stack_bound::StackBoundReader;
use super::variant;
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat};

/// As `session.rs` sets them.
fn options() -> DecodingOptions {
    DecodingOptions {
        max_message_size: 8 << 20,
        max_chunk_count: 128,
        max_array_length: 65_536,
        max_string_length: 1 << 20,
        max_byte_string_length: 1 << 20,
        ..DecodingOptions::default()
    }
}

fn frames() -> InputFormat {
    let frame =
        |kind: &[u8; 4], body: &[u8]| [&kind[..], &(body.len() as u32 + 8).to_le_bytes(), body].concat();
    let seeds = vec![
        frame(b"ACKF", &[0, 65_536, 65_536, 1 << 20, 128].map(u32::to_le_bytes).concat()),
        frame(b"HELF", &[0, 65_536, 65_536, 1 << 20, 128, u32::MAX].map(u32::to_le_bytes).concat()),
        frame(b"ERRF", &[&0x8001_0000_u32.to_le_bytes()[..], &3_u32.to_le_bytes(), b"bad"].concat()),
        frame(b"MSGC", &[1, 2, 3, 4].map(u32::to_le_bytes).concat()),
        frame(b"OPNF", &[&1_u32.to_le_bytes()[..], &u32::MAX.to_le_bytes(), &[0; 24]].concat()),
        frame(b"RHEF", &[&3_u32.to_le_bytes()[..], b"urn", &3_u32.to_le_bytes(), b"opc"].concat()),
    ];
    InputFormat {
        seeds,
        words: &["ACKF", "ERRF", "MSGF", "MSGC", "MSGA", "OPNF", "CLOF", "RHEF"],
        ..InputFormat::default()
    }
}

fn read_frames() -> Decoder {
    Box::new(|input| {
        let mut buffer = BytesMut::from(input);
        let mut codec = FrameCodec::new(options(), options().max_message_size);
        let mut left = buffer.len();
        while let Ok(Some(_)) = codec.decode(&mut buffer) {
            assert!(buffer.len() < left, "a frame of no bytes: the connection would turn for ever");
            left = buffer.len();
        }
    })
}

#[test]
fn opcua_frames() {
    FuzzTarget { module: module_path!(), name: "opcua_frames", form: frames, decoder: read_frames }.run();
}

/// Kind of input, then its bytes.
fn values() -> InputFormat {
    let known = ContextOwned::default();
    let context = known.context();
    let list =
        Array::new(VariantScalarTypeId::Int32, vec![Variant::Int32(1), Variant::Int32(2)]).expect("one type");
    let variants = [
        Variant::Double(1.5),
        Variant::from("text"),
        Variant::LocalizedText(Box::new(LocalizedText::from("Ofen"))),
        Variant::DateTime(Box::default()),
        Variant::from(NodeId::new(2, "Line1.Temp")),
        Variant::from(list),
        Variant::Variant(Box::new(Variant::Variant(Box::new(Variant::Boolean(true))))),
        Variant::DiagnosticInfo(Box::new(DiagnosticInfo {
            inner_diagnostic_info: Some(Box::default()),
            ..DiagnosticInfo::default()
        })),
        Variant::Empty,
    ];
    let mut seeds = Vec::new();
    for variant in variants {
        let data = DataValue { value: Some(variant.clone()), ..DataValue::default() };
        let read = ReadResponse { results: Some(vec![data.clone(); 3]), ..ReadResponse::default() };
        seeds.push([vec![0], variant.encode_to_vec(&context)].concat());
        seeds.push([vec![1], data.encode_to_vec(&context)].concat());
        seeds.push([vec![2], read.encode_to_vec(&context)].concat());
    }
    seeds.push(
        [
            vec![3],
            BrowseResponse { results: Some(vec![Default::default(); 2]), ..Default::default() }
                .encode_to_vec(&context),
        ]
        .concat(),
    );
    seeds.push(
        [
            vec![4],
            PublishResponse { results: Some(vec![Default::default()]), ..Default::default() }
                .encode_to_vec(&context),
        ]
        .concat(),
    );
    seeds.push(
        [
            vec![5],
            GetEndpointsResponse { endpoints: Some(vec![Default::default()]), ..Default::default() }
                .encode_to_vec(&context),
        ]
        .concat(),
    );
    seeds.push([vec![6], CreateSessionResponse::default().encode_to_vec(&context)].concat());
    // A variant in a variant; a list of variants that are lists; a diagnostic in a diagnostic; a value in a value.
    let nests = &[("\u{18}", ""), ("\u{18}\u{18}", ""), ("@", ""), ("\u{17}\u{1}", "")];
    InputFormat { seeds, nests, ..InputFormat::default() }
}

fn read_values() -> Decoder {
    let known = ContextOwned::new_default(Default::default(), options());
    Box::new(move |input| {
        let Some((what, bytes)) = input.split_first() else { return };
        // As the transport reads messages.
        let (context, bytes) = (known.context(), &mut StackBoundReader::new(bytes));
        let decode = |value: &Variant| drop(variant::decode(value));
        match what % 7 {
            0 => drop(Variant::decode(bytes, &context).map(|value| decode(&value))),
            1 => drop(DataValue::decode(bytes, &context).map(|data| data.value.as_ref().map(decode))),
            2 => {
                let read = ReadResponse::decode(bytes, &context).ok().and_then(|read| read.results);
                read.into_iter().flatten().filter_map(|data| data.value).for_each(|value| decode(&value));
            }
            3 => drop(BrowseResponse::decode(bytes, &context)),
            4 => drop(PublishResponse::decode(bytes, &context)),
            5 => drop(GetEndpointsResponse::decode(bytes, &context)),
            _ => drop(CreateSessionResponse::decode(bytes, &context)),
        }
    })
}

#[test]
fn opcua_values() {
    FuzzTarget { module: module_path!(), name: "opcua_values", form: values, decoder: read_values }.run();
}
