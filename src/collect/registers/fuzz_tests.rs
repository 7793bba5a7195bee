//! Arbitrary cells as values of the types that an address names.

use super::{CellUnit, RegisterData};
use crate::collect::codec::WordOrder;
use crate::collect::point::DevicePoint;
use crate::collect::registry;
use crate::domain::device::{DeviceSpec, Protocol};
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat};

/// The type, by its number, then the cells.
fn register_form() -> InputFormat {
    let cells: [&[u8]; 5] = [
        b"\0\x12\x34",
        b"\x02\x21\x27",
        b"\x03\x07\xd8\x0c\x10\x03\x14\x1e\x14\x0e\xe6\xb2\x80",
        b"\x04\x93\x12\x25\x08\x12\x34\x56\x77",
        b"\x05\x05\x03abcde",
    ];
    InputFormat { seeds: cells.map(<[u8]>::to_vec).into(), ..InputFormat::default() }
}

fn read_register() -> Decoder {
    let registers = [
        (Protocol::S7, "DB1.DBW0:bcd16"),
        (Protocol::S7, "DB1.DBD0:bcd32"),
        (Protocol::S7, "DB1.DBW0:s5time"),
        (Protocol::S7, "DB1.DBB0:dtl"),
        (Protocol::S7, "DB1.DBB0:dt"),
        (Protocol::S7, "DB1.DBB0:string5"),
        (Protocol::S7, "DB1.DBB0:text6"),
        (Protocol::Modbus, "hr:0:text6"),
        (Protocol::Melsec, "D0:int8"),
        (Protocol::Modbus, "hr:0:epoch_s"),
        (Protocol::Melsec, "D0:epoch_ms"),
        (Protocol::S7, "DB1.DBB0:int24"),
        (Protocol::Modbus, "hr:0:uint24"),
        (Protocol::Melsec, "D0:int48"),
        (Protocol::S7, "DB1.DBB0:wstring5"),
        (Protocol::S7, "DB1.DBW0:date"),
        (Protocol::S7, "DB1.DBD0:tod"),
        (Protocol::Modbus, "hr:0:int16[3]"),
    ];
    let points = registers.map(|(protocol, path)| {
        let address = registry::parse_address(&DeviceSpec::new("a", protocol), path).expect("an address");
        let point = address.point_or_default(None, WordOrder::Abcd).expect("a point");
        let DevicePoint::Register(point) = point else { panic!("{path} is a register") };
        point
    });
    Box::new(move |input| {
        let Some((number, cells)) = input.split_first() else { return };
        let point = &points[usize::from(*number) % points.len()];
        let words = cells.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        let data = match point.span.space.unit {
            CellUnit::Word => RegisterData::Words(words.collect()),
            _ => RegisterData::Bytes(cells.to_vec()),
        };
        if let Ok(value) = point.value(point.span, &data) {
            drop(point.encode(&value));
        }
    })
}

#[test]
fn register_values() {
    FuzzTarget {
        module: module_path!(),
        name: "register_values",
        form: register_form,
        decoder: read_register,
    }
    .run();
}
