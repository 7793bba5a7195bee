//! Table of addresses as users write them.

use proptest::prelude::*;

use super::*;

const BLOCK_1: S7Area = S7Area::DataBlock(1);

#[test]
fn addresses_are_read_as_written() {
    for (text, canonical, area, start, bit, kind) in [
        ("DB1.DBX0.3", "DB1.DBX0.3", BLOCK_1, 0, Some(3), StreamKind::Bit),
        ("DB1.DBB7", "DB1.DBB7", BLOCK_1, 7, None, StreamKind::Byte),
        ("DB1.DBW3", "DB1.DBW3", BLOCK_1, 3, None, StreamKind::Uint16),
        ("db1.dbd004", "DB1.DBD4", BLOCK_1, 4, None, StreamKind::Uint32),
        (
            "%DB65535.DBW65535",
            "DB65535.DBW65535",
            S7Area::DataBlock(65_535),
            65_535,
            None,
            StreamKind::Uint16,
        ),
        ("M0.7", "M0.7", S7Area::Memory, 0, Some(7), StreamKind::Bit),
        ("MX0.7", "M0.7", S7Area::Memory, 0, Some(7), StreamKind::Bit),
        ("%MD20", "MD20", S7Area::Memory, 20, None, StreamKind::Uint32),
        ("I1.0", "I1.0", S7Area::Inputs, 1, Some(0), StreamKind::Bit),
        ("E1.0", "I1.0", S7Area::Inputs, 1, Some(0), StreamKind::Bit),
        ("EB2", "IB2", S7Area::Inputs, 2, None, StreamKind::Byte),
        ("QW64", "QW64", S7Area::Outputs, 64, None, StreamKind::Uint16),
        ("AD64", "QD64", S7Area::Outputs, 64, None, StreamKind::Uint32),
        ("PIW256", "PIW256", S7Area::Peripheral, 256, None, StreamKind::Uint16),
        ("PEB0", "PIB0", S7Area::Peripheral, 0, None, StreamKind::Byte),
        ("%PED256", "PID256", S7Area::Peripheral, 256, None, StreamKind::Uint32),
        ("PQW256", "QW256", S7Area::Outputs, 256, None, StreamKind::Uint16),
        ("PAW256", "QW256", S7Area::Outputs, 256, None, StreamKind::Uint16),
        ("T5", "T5", S7Area::Timers, 5, None, StreamKind::Uint16),
        ("C5", "C5", S7Area::Counters, 5, None, StreamKind::Uint16),
        ("z5", "C5", S7Area::Counters, 5, None, StreamKind::Uint16),
    ] {
        let address: S7Address = text.parse().unwrap();
        assert_eq!(address.to_string(), canonical, "{text}");
        let register = NamedRegister::from(address);
        let cell = RegisterAddress { space: area.into(), offset: start };
        assert_eq!((register.cell, register.bit, register.default_kind), (cell, bit, kind), "{text}");
    }
}

#[test]
fn what_is_no_address_says_what_would_be() {
    for (text, why) in [
        ("", FORMS),
        ("%", FORMS),
        ("D100", FORMS),
        ("DB", FORMS),
        ("DB1", FORMS),
        ("DB1.", FORMS),
        ("DB1.DB", FORMS),
        ("DB1.W0", FORMS),
        ("DB1.DBL0", FORMS),
        ("hr:0", FORMS),
        ("é0", FORMS),
        ("Mé", FORMS),
        ("DB0.DBW0", BLOCK),
        ("DB65536.DBW0", BLOCK),
        ("DBx.DBW0", BLOCK),
        ("DB1.DBW", BYTE),
        ("DB1.DBW65536", BYTE),
        ("DB1.DBW-1", BYTE),
        ("DB1.DBW 1", BYTE),
        ("DB1.DBW0.1", BYTE),
        ("MW1F", BYTE),
        ("DB1.DBX0", BIT),
        ("DB1.DBX0.8", BIT),
        ("M0", BIT),
        ("M0.1.2", BIT),
        ("DB1.DBX65536.0", BYTE),
        ("PI0.0", PERIPHERAL),
        ("PEX0.0", PERIPHERAL),
        ("PIWx", BYTE),
        ("T", NUMBER),
        ("T65536", NUMBER),
        ("C5.1", NUMBER),
    ] {
        let error = text.parse::<S7Address>().unwrap_err().to_string();
        assert_eq!(error, format!("Invalid register \"{text}\". {why}"), "{text}");
    }
}

proptest! {
    #[test]
    fn the_canonical_form_means_the_same(
        text in "\\PC{0,12}|%?(DB[0-9]{1,5}\\.DB|[IEQAMTCZieqamtcz])[XBWD]?[0-9]{1,6}(\\.[0-9])?"
    ) {
        if let Ok(address) = text.parse::<S7Address>() {
            prop_assert_eq!(address.to_string().parse(), Ok(address));
            prop_assert!(address.start < AREA_END);
        }
    }
}
