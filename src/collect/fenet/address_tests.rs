//! Table of addresses as users write them.

use proptest::prelude::*;

use super::*;

fn area(letters: &str) -> Area {
    Area::from_letters(letters).unwrap()
}

#[test]
fn addresses_are_read_as_written() {
    let bytes = |letters| FenetSpace::Bytes(area(letters));
    let bits = |letters| FenetSpace::Bits(area(letters));
    let module = |letters, size| FenetSpace::Module { area: area(letters), size, base: 0, slot: 2 };
    for (text, canonical, space, offset, bit, kind) in [
        ("%DW100", "%DW100", bytes("D"), 200, None, StreamKind::Uint16),
        ("%dw0100", "%DW100", bytes("D"), 200, None, StreamKind::Uint16),
        ("%DB201", "%DB201", bytes("D"), 201, None, StreamKind::Byte),
        ("%DD50", "%DD50", bytes("D"), 200, None, StreamKind::Uint32),
        ("%DL25", "%DL25", bytes("D"), 200, None, StreamKind::Uint64),
        ("%DW100.C", "%DW100.C", bytes("D"), 200, Some(12), StreamKind::Bit),
        ("%DX1605", "%DX1605", bytes("D"), 200, Some(5), StreamKind::Bit),
        ("%MX2764", "%MX2764", bits("M"), 2764, None, StreamKind::Bit),
        ("%MW172.c", "%MW172.C", bytes("M"), 344, Some(12), StreamKind::Bit),
        ("%TX5", "%TX5", bits("T"), 5, None, StreamKind::Bit),
        ("%TW5", "%TW5", bytes("T"), 10, None, StreamKind::Uint16),
        ("%ZRW10", "%ZRW10", bytes("ZR"), 20, None, StreamKind::Uint16),
        ("%ZW10", "%ZW10", bytes("Z"), 20, None, StreamKind::Uint16),
        ("%WW10", "%WW10", bytes("W"), 20, None, StreamKind::Uint16),
        ("%LL1", "%LL1", bytes("L"), 8, None, StreamKind::Uint64),
        ("%IW0.2.1", "%IW0.2.1", module("I", VariableSize::Word), 1, None, StreamKind::Uint16),
        ("%QX0.2.63", "%QX0.2.63", module("Q", VariableSize::Bit), 63, None, StreamKind::Bit),
        ("%DW8388607", "%DW8388607", bytes("D"), 16_777_214, None, StreamKind::Uint16),
    ] {
        let address: FenetAddress = text.parse().unwrap();
        let got = (address.to_string(), address.cell(), address.bit(), address.default_kind());
        let cell = RegisterAddress { space: space.into(), offset };
        assert_eq!(got, (canonical.to_owned(), cell, bit, kind), "{text}");
    }
}

#[test]
fn what_is_no_address_says_what_would_be() {
    for (text, why) in [
        ("", FORMS),
        ("DW100", FORMS),
        ("D100", FORMS),
        ("%", FORMS),
        ("%DW", FORMS),
        ("%100", FORMS),
        ("%D100", AREAS_ARE),
        ("%DS100", FORMS),
        ("%GW100", AREAS_ARE),
        ("%ZZW100", AREAS_ARE),
        ("%DW8388608", NUMBER),
        ("%DW99999999999", NUMBER),
        ("%DW-1", NUMBER),
        ("%DW 1", NUMBER),
        ("%DW1F", NUMBER),
        ("%DW100.G", BIT),
        ("%DW100.10", BIT),
        ("%DD100.1", BIT),
        ("%MX100.1", BIT),
        ("%DW0.1.2", MODULE),
        ("%IW0.16.2", MODULE),
        ("%IW0.1.64", MODULE),
        ("%IW0.1.2.3", MODULE),
    ] {
        let error = text.parse::<FenetAddress>().unwrap_err().to_string();
        assert_eq!(error, format!("Invalid register \"{text}\". {why}"), "{text}");
    }
}

#[test]
fn variables_are_named_in_units_of_their_size() {
    let at = |space: FenetSpace, offset| RegisterAddress { space: space.into(), offset };
    let module = FenetSpace::Module { area: area("I"), size: VariableSize::Word, base: 0, slot: 2 };
    for (cell, size, name) in [
        (at(FenetSpace::Bytes(area("D")), 200), VariableSize::Byte, Some("%DB200")),
        (at(FenetSpace::Bytes(area("D")), 200), VariableSize::Word, Some("%DW100")),
        (at(FenetSpace::Bytes(area("D")), 200), VariableSize::Double, Some("%DD50")),
        (at(FenetSpace::Bytes(area("D")), 200), VariableSize::Long, Some("%DL25")),
        // D1 and D2 together are no double word.
        (at(FenetSpace::Bytes(area("D")), 2), VariableSize::Double, None),
        (at(FenetSpace::Bytes(area("D")), 2), VariableSize::Bit, None),
        (at(FenetSpace::Bits(area("M")), 2764), VariableSize::Bit, Some("%MX2764")),
        (at(FenetSpace::Bits(area("M")), 2764), VariableSize::Word, None),
        (at(module, 1), VariableSize::Word, Some("%IW0.2.1")),
        (at(module, 1), VariableSize::Bit, None),
    ] {
        assert_eq!(variable(cell, size).as_deref(), name, "{cell:?} {size:?}");
    }
}

proptest! {
    #[test]
    fn the_canonical_form_means_the_same(text in "\\PC{0,12}|%[A-Za-z]{1,3}[0-9]{1,8}(\\.[0-9A-F]{1,2}){0,3}") {
        if let Ok(address) = text.parse::<FenetAddress>() {
            prop_assert_eq!(address.to_string().parse(), Ok(address));
            prop_assert!(address.cell().offset < address.cell().space.end);
        }
    }
}
