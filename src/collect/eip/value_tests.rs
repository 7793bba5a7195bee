//! Values of every type, read and written; what a type cannot hold; and bytes that are no value.

use proptest::prelude::*;

use super::*;

fn data(data_type: TagType, raw: &str) -> TagData {
    TagData { data_type, raw: hex::decode(raw.replace(' ', "")).unwrap() }
}

fn number(value: NumericValue) -> DeviceValue {
    DeviceValue::Number(value)
}

fn text(value: &str) -> DeviceValue {
    DeviceValue::Text(value.into())
}

#[test]
fn every_type_is_read_and_written_exactly() {
    use NumericValue::{Bit, Float, Int, Uint};
    let hello = format!("05000000 48656c6c6f {}", "00".repeat(79));
    for (data_type, raw, value) in [
        (TagType::Bool, "01", number(Bit(true))),
        (TagType::Sint, "80", number(Int(-128))),
        (TagType::Int, "feff", number(Int(-2))),
        (TagType::Dint, "00000080", number(Int(i32::MIN.into()))),
        (TagType::Lint, "0000000000000080", number(Int(i64::MIN))),
        (TagType::Usint, "ff", number(Uint(255))),
        (TagType::Uint, "3412", number(Uint(0x1234))),
        (TagType::Udint, "78563412", number(Uint(0x1234_5678))),
        (TagType::Ulint, "ffffffffffffffff", number(Uint(u64::MAX))),
        (TagType::Real, "0000bc41", number(Float(23.5))),
        (TagType::Lreal, "0000000000803740", number(Float(23.5))),
        (TagType::Byte, "a5", number(Uint(0xA5))),
        (TagType::Word, "00a5", number(Uint(0xA500))),
        (TagType::Lword, "0100000000000000", number(Uint(1))),
        (TagType::String, hello.as_str(), text("Hello")),
        (TagType::ShortString, "02 4869", text("Hi")),
        (TagType::CountedString, "0200 4869", text("Hi")),
        // The bytes that make it whole words stay.
        (SHORT, "02000000 486900000000 a5a5", text("Hi")),
    ] {
        let data = data(data_type, raw);
        assert_eq!(data.value(None), Ok(value.clone()), "{data_type:?}");
        let change = data.change(None, &value);
        assert_eq!(change, Ok(TagChange::Value(data_type, data.raw.clone())), "{data_type:?}");
    }
    // Controllers show true as 01 or as FF.
    assert_eq!(data(TagType::Bool, "ff").value(None), Ok(number(Bit(true))));
    // Characters of a panel that knows no UTF-8.
    assert_eq!(data(TagType::ShortString, "01 b0").value(None), Ok(text("°")));
    assert_eq!(data(TagType::ShortString, "02 c2b0").value(None), Ok(text("°")));
}

#[test]
fn a_bit_is_one_of_its_integer() {
    let dint = data(TagType::Dint, "08000080");
    for (bit, on) in [(0, false), (3, true), (30, false), (31, true)] {
        assert_eq!(dint.value(Some(bit)), Ok(number(NumericValue::Bit(on))), "{bit}");
    }
    for (data, why) in [
        (data(TagType::Dint, "00000000"), "DINT has the bits 0 to 31"),
        (data(TagType::Real, "00000000"), "REAL has no bits"),
        (data(TagType::Bool, "00"), "BOOL has no bits"),
        (data(TagType::Lint, "0000"), "the answer does not hold the value"),
    ] {
        assert_eq!(data.value(Some(32)), Err(why.to_owned()));
    }
    let masks = |bit, on: u64| dint.change(Some(bit), &number(NumericValue::Uint(on)));
    assert_eq!(masks(9, 1), Ok(TagChange::Mask { set: vec![0, 2, 0, 0], keep: vec![0xFF; 4] }));
    assert_eq!(masks(9, 0), Ok(TagChange::Mask { set: vec![0; 4], keep: vec![0xFF, 0xFD, 0xFF, 0xFF] }));
    assert_eq!(masks(9, 2), Err("a bit cannot hold 2".to_owned()));
    assert!(masks(32, 1).is_err());
}

/// A string type of the project with room for six characters.
const SHORT: TagType = TagType::ProjectString { handle: 7, chars: 6 };

#[test]
fn a_string_of_the_project_has_its_own_size_and_length() {
    for (raw, why) in [
        ("07000000 4c6f74203731 3200", "the text says that it has 7 characters"),
        ("ffffffff 4c6f74203731 0000", "the text says that it has 4294967295 characters"),
        ("02000000 48690000", "the tag is a structure (handle 0007): name one of its members"),
        ("02000000 486900000000 0000 00000000", "the tag is a structure (handle 0007)"),
    ] {
        let error = data(SHORT, raw).value(None).unwrap_err();
        assert!(error.starts_with(why), "{raw}: {error}");
    }
    assert_eq!(data(SHORT, "06000000 4c6f74203731 0000").value(None), Ok(text("Lot 71")));
}

#[test]
fn what_a_type_cannot_hold_is_said() {
    use NumericValue::{Float, Int, Uint};
    let long = "x".repeat(83);
    for (data_type, raw, value, why) in [
        (TagType::Bool, "00", number(Uint(2)), "BOOL cannot hold 2"),
        (TagType::Sint, "00", number(Int(128)), "SINT cannot hold 128"),
        (TagType::Usint, "00", number(Int(-1)), "USINT cannot hold -1"),
        (TagType::Dint, "00000000", number(Float(1.5)), "DINT cannot hold 1.5"),
        (TagType::Dint, "00000000", text("1"), "DINT cannot hold 1"),
        (TagType::Real, "00000000", number(Float(1e39)), "REAL cannot hold 1000000"),
        (TagType::String, "", number(Uint(1)), "STRING cannot hold 1"),
        (TagType::String, "", text(&long), "STRING cannot hold a text of 83 bytes: 82 at most"),
        (
            SHORT,
            "00000000 0000000000000000",
            text("Lot 712"),
            "STRING cannot hold a text of 7 bytes: 6 at most",
        ),
        (SHORT, "00000000 00000000", text("Lot 7"), "the tag is a structure (handle 0007)"),
        (SHORT, "00000000 0000000000000000", number(Uint(1)), "STRING cannot hold 1"),
        (
            TagType::Structure(0x12AB),
            "",
            number(Uint(1)),
            "the tag is a structure (handle 12AB): name one of its members",
        ),
        (
            TagType::Dword,
            "00000000",
            number(Uint(1)),
            "the tag is an array of BOOL: name an element, such as flags[0]",
        ),
        (TagType::Other(0xCC), "", number(Uint(1)), "values of the type 00CC are not read"),
    ] {
        let error = data(data_type, raw).change(None, &value).unwrap_err();
        assert!(error.starts_with(why), "{data_type:?}: {error}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_value_or_refused(number: u16, raw in proptest::collection::vec(any::<u8>(), 0..100), bit: u8) {
        let own = TagType::ProjectString { handle: number, chars: number % 100 };
        for data_type in [TagType::from_number(number & 0xFF), TagType::String, TagType::Structure(number), own] {
            let data = TagData { data_type, raw: raw.clone() };
            drop(data.value(Some(bit)));
            if let Ok(value) = data.value(None) {
                drop(data.change(None, &value));
            }
        }
    }
}
