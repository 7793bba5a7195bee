//! Names of types, and streams that hold their values.

use super::*;

#[test]
fn names_of_other_programs_are_understood() {
    use RegisterType::{Bcd16, DateAndTime, Int8, Plain, S5Time, S7String, Text};
    use S7StringForm::WString;
    for (protocol, text, expected) in [
        (Protocol::Modbus, "REAL", Some(Plain(StreamKind::Fp32))),
        (Protocol::Modbus, "int16", Some(Plain(StreamKind::Int16))),
        (Protocol::Modbus, "uint8", Some(Plain(StreamKind::Byte))),
        (Protocol::Modbus, "SINT", Some(Int8)),
        (Protocol::Melsec, "bcd", Some(Bcd16)),
        (Protocol::Fenet, "INT24", Some(RegisterType::Integer { bytes: 3, is_signed: true })),
        (Protocol::Modbus, "uint40", None),
        (Protocol::Modbus, "text20", Some(Text(20))),
        (Protocol::Modbus, "STRING20", Some(Text(20))),
        (Protocol::S7, "STRING20", Some(S7String(S7StringForm::String, 20))),
        (Protocol::S7, "WString20", Some(S7String(WString, 20))),
        (Protocol::S7, "wstring16382", Some(S7String(WString, 16_382))),
        (Protocol::S7, "wstring16383", None),
        (Protocol::Modbus, "wstring20", None),
        (Protocol::S7, "char20", Some(Text(20))),
        (Protocol::S7, "S5Time", Some(S5Time)),
        (Protocol::S7, "DATE_AND_TIME", Some(DateAndTime)),
        (Protocol::S7, "DATE", Some(RegisterType::Date)),
        (Protocol::S7, "Date_And_LTime", Some(RegisterType::Ldt)),
        (Protocol::Melsec, "ldt", None),
        (Protocol::S7, "Time_Of_Day", Some(RegisterType::TimeOfDay)),
        (Protocol::Fenet, "date", None),
        (Protocol::Modbus, "s5time", None),
        (Protocol::Modbus, "dtl", None),
        (Protocol::Modbus, "bcd24", None),
        (Protocol::Modbus, "text", None),
        (Protocol::Modbus, "text0", None),
        (Protocol::Modbus, "text2001", None),
        (Protocol::Modbus, "text99999", None),
        (Protocol::Modbus, "text-1", None),
        (Protocol::S7, "string255", None),
        (Protocol::Modbus, "", None),
    ] {
        assert_eq!(RegisterType::parse(protocol, text), expected, "{protocol} {text}");
        if let Some(found) = expected {
            assert_eq!(RegisterType::parse(protocol, &found.to_string()), expected, "{protocol} {text}");
        }
    }
    let names = RegisterType::names(Protocol::Modbus);
    assert!(names.contains("bcd16, bcd32") && names.contains("text20") && !names.contains("dtl"), "{names}");
    assert!(
        RegisterType::names(Protocol::S7)
            .contains("s5time, date, tod, dtl, dt, ldt, text20, string20, wstring20")
    );
}

#[test]
fn a_stream_holds_every_value_of_the_type_or_is_refused() {
    use StreamKind::{Bit, Byte, Enum, Fp32, Fp64, Int16, Int32, Json, Text, Uint16, Uint64};
    for (name, fitting, refused) in [
        ("bit", vec![Bit, Int16, Fp64], vec![Text, Enum]),
        ("byte", vec![Byte, Int16, Uint16, Fp32, Enum], vec![Bit]),
        ("int8", vec![Int16, Int32, Fp32, Fp64, Enum], vec![Byte, Uint16]),
        ("int16", vec![Int16, Int32, Fp64, Enum], vec![Uint16, Uint64, Byte]),
        ("uint16", vec![Uint16, Int32, Enum], vec![Int16, Byte]),
        ("int32", vec![Int32, Fp64, Enum], vec![Int16, Uint64]),
        ("uint32", vec![Uint64, Fp64], vec![Int32, Fp32, Enum]),
        ("int64", vec![StreamKind::Int64], vec![Fp64, Uint64]),
        ("fp32", vec![Fp32, Fp64], vec![Int32, Text]),
        ("fp64", vec![Fp64], vec![Fp32]),
        ("int24", vec![Int32, Fp32, Fp64], vec![Int16, Uint64, Enum]),
        ("uint24", vec![Int32, Uint64, Fp32], vec![Uint16]),
        ("int48", vec![StreamKind::Int64, Fp64], vec![Int32, Uint64, Fp32]),
        ("uint48", vec![StreamKind::Int64, Uint64, Fp64], vec![Int32, Fp32]),
        ("bcd16", vec![Uint16, Int16, Fp32], vec![Byte, Text, Enum]),
        ("text20", vec![Text], vec![Json, Fp64]),
        ("epoch_s", vec![Text, Fp64, Uint64], vec![Int32, Fp32]),
        ("date", vec![Text, StreamKind::Int64, Uint64, Fp64], vec![Int32, StreamKind::Uint32, Fp32]),
        ("tod", vec![Int32, StreamKind::Uint32, Fp64], vec![Text, Uint16, Fp32]),
        ("dtl", vec![Text, Fp64], vec![Uint64]),
        ("ldt", vec![Text, Fp64], vec![Uint64, StreamKind::Int64]),
    ] {
        let value_type = RegisterType::parse(Protocol::S7, name).unwrap();
        assert!(value_type.fits(value_type.default_kind()), "{name}");
        for kind in StreamKind::ALL {
            let expected =
                fitting.contains(&kind).then_some(true).or(refused.contains(&kind).then_some(false));
            assert!(expected.is_none_or(|fits| value_type.fits(kind) == fits), "{name} {kind}");
        }
    }
}

#[test]
fn integers_say_their_range() {
    for (name, range) in [
        ("int24", "whole numbers from -8388608 to 8388607"),
        ("uint24", "whole numbers from 0 to 16777215"),
        ("int48", "whole numbers from -140737488355328 to 140737488355327"),
        ("uint48", "whole numbers from 0 to 281474976710655"),
        ("tod", "whole numbers from 0 to 86399999"),
    ] {
        let value_type = RegisterType::parse(Protocol::S7, name).unwrap();
        assert_eq!(value_type.describe(), range);
    }
}
