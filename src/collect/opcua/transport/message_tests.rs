//! Messages that nest more deeply than a stack holds, and those that only look so.

use opcua::types::{
    BinaryEncodable, ContextOwned, DataValue, ExtensionObject, MessageInfo, ObjectId, ReadResponse,
    StatusCode, Variant,
};

use super::*;
use crate::collect::opcua::transport::stack_bound::MAX_DECODING_STACK_BYTES;

/// As long as a message may be.
const LONGEST: usize = 4 * 1024 * 1024;
const HAS_INNER_DIAGNOSTIC: u8 = 0x40;
const DIAGNOSTIC: u8 = 25;
const DATA_VALUE: u8 = 23;
const STRUCTURE: u8 = 22;
/// Type ids in binary encoding: a change of a monitored item's data, and a structure of one variant.
const DATA_CHANGE: [u8; 4] = [1, 0, 0x2B, 0x03];
const LITERAL_OPERAND: [u8; 4] = [1, 0, 0x55, 0x02];

/// The answer to a read without values.
fn empty_answer() -> Vec<u8> {
    let owned = ContextOwned::default();
    let message = ReadResponse::default();
    let id = NodeId::from(message.type_id()).encode_to_vec(&owned.context());
    [id, message.encode_to_vec(&owned.context())].concat()
}

/// The answer to a read, of one value that has no status and no times.
fn answer_of(variant: &[u8]) -> Vec<u8> {
    let mut bytes = empty_answer();
    bytes.truncate(bytes.len() - 8);
    [&bytes[..], &1_u32.to_le_bytes(), &[1], variant, &[0xFF; 4]].concat()
}

/// A variant of a structure.
fn structure(id: [u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("a short body").to_le_bytes();
    [&[STRUCTURE][..], &id, &[1], &length, body].concat()
}

/// Decodes on a stack of twice the bound: what reaches the end of it ends the process.
fn decode(message: Vec<u8>, chunk: usize) -> Result<ResponseMessage, Error> {
    let decoding = move || {
        let bodies: Vec<Bytes> = message.chunks(chunk).map(Bytes::copy_from_slice).collect();
        decode_message(&bodies, &ContextOwned::default().context())
    };
    let thread = std::thread::Builder::new().stack_size(2 * MAX_DECODING_STACK_BYTES);
    thread.spawn(decoding).expect("a thread").join().expect("an answer")
}

/// Issue 46, item 6: the released library decodes each of these by unbounded recursion.
#[test]
fn a_message_that_nests_too_deeply_is_refused() {
    let diagnostics = vec![HAS_INNER_DIAGNOSTIC; LONGEST];
    // Time, handle and status of the header, then its diagnostics.
    let header = [&empty_answer()[..4 + 16], &diagnostics].concat();
    let value = answer_of(&[&[DIAGNOSTIC], &diagnostics[..]].concat());
    let values = answer_of(&[DATA_VALUE, 1].repeat(LONGEST / 2));
    // No items, one diagnostic.
    let change = [&[0xFF; 4], &1_u32.to_le_bytes(), &diagnostics[..]].concat();
    let change = answer_of(&structure(DATA_CHANGE, &change));
    for (name, message) in
        [("header", header), ("value", value), ("values in values", values), ("data change", change)]
    {
        let error = decode(message, 65_000).expect_err(name);
        assert_eq!(error.status(), StatusCode::BadDecodingError, "{name}");
        assert!(error.to_string().contains("nested too deeply"), "{name}: {error}");
    }
}

/// The values after it would be shifted.
#[test]
fn an_empty_array_with_dimensions_is_refused() {
    let (ints, no_elements, two_dimensions) = (0xC6_u8, 0_u32.to_le_bytes(), 2_u32.to_le_bytes());
    let matrix = [&[ints][..], &no_elements, &two_dimensions, &[0; 8]].concat();
    let error = decode(answer_of(&matrix), 65_000).expect_err("bytes are left over");
    assert!(error.to_string().contains("left over"), "{error}");
    decode(answer_of(&[&[0x86_u8][..], &no_elements].concat()), 65_000)
        .expect("an empty array without dimensions");
}

#[test]
fn a_value_beyond_a_limit_is_too_large_and_not_invalid() {
    let (text, bytes, list) = (12_u8, 15_u8, 0x83_u8);
    let length = i32::MAX.to_le_bytes();
    for (name, variant) in [
        ("text", [&[text][..], &length].concat()),
        ("bytes", [&[bytes][..], &length].concat()),
        ("list", [&[list][..], &length].concat()),
    ] {
        let error = decode(answer_of(&variant), 7).expect_err(name);
        assert_eq!(error.status(), StatusCode::BadEncodingLimitsExceeded, "{name}: {error}");
    }
    // An incomplete text.
    let error = decode(answer_of(&[12, 100, 0, 0, 0]), 7).expect_err("no text");
    assert_eq!(error.status(), StatusCode::BadDecodingError, "{error}");
}

#[test]
fn what_a_server_may_nest_is_decoded() {
    let scalar = [1, 1];
    let diagnostics = [&[DIAGNOSTIC][..], &[HAS_INNER_DIAGNOSTIC; 10], &[0]].concat();
    let values = [&[DATA_VALUE, 1].repeat(10)[..], &scalar].concat();
    // As deep as the library admits.
    let structures = (0..9).fold(scalar.to_vec(), |inner, _| structure(LITERAL_OPERAND, &inner));
    for (name, variant) in [
        ("scalar", scalar.to_vec()),
        ("diagnostics", diagnostics),
        ("values", values),
        ("structures", structures),
    ] {
        for chunk in [1, 7, 65_000] {
            let message = decode(answer_of(&variant), chunk);
            let Ok(ResponseMessage::Read(read)) = message else { panic!("{name}: {message:?}") };
            let values = read.results.as_deref().unwrap_or_default();
            assert!(matches!(values, [DataValue { value: Some(_), .. }]), "{name}: {values:?}");
        }
    }
}

#[test]
fn the_type_ids_of_these_tests_are_those_of_the_standard() {
    let owned = ContextOwned::default();
    for (id, bytes) in [
        (ObjectId::DataChangeNotification_Encoding_DefaultBinary, DATA_CHANGE),
        (ObjectId::LiteralOperand_Encoding_DefaultBinary, LITERAL_OPERAND),
    ] {
        assert_eq!(NodeId::from(id).encode_to_vec(&owned.context()), bytes);
    }
    let one = structure(LITERAL_OPERAND, &[1, 1]);
    let read = Variant::decode(&mut &one[..], &owned.context()).expect("a structure");
    assert!(matches!(&read, Variant::ExtensionObject(body) if *body != ExtensionObject::null()), "{read:?}");
}

#[test]
fn a_message_of_no_known_kind_is_an_error() {
    for bytes in [&[][..], &[1, 0], &[1, 0, 0xFF, 0xFF], &[1, 0, 0x2B, 0x03], &[3, 1, 0, 1, 0, 0, 0, 65]] {
        assert_eq!(decode(bytes.to_vec(), 2).expect_err("no message").status(), StatusCode::BadDecodingError);
    }
}
