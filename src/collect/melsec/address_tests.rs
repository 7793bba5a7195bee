//! Table of addresses as users write them.

use proptest::prelude::*;

use super::*;

#[test]
fn addresses_are_read_as_written() {
    for (text, canonical, code, number, bit) in [
        ("D100", "D100", 0xA8, 100, None),
        ("d0100", "D100", 0xA8, 100, None),
        ("X1F", "X1F", 0x9C, 0x1F, None),
        ("Y0a", "YA", 0x9D, 0x0A, None),
        ("XA", "XA", 0x9C, 10, None),
        ("W1F", "W1F", 0xB4, 0x1F, None),
        ("BA0", "BA0", 0xA0, 0xA0, None),
        ("SBF", "SBF", 0xA1, 15, None),
        ("DXF", "DXF", 0xA2, 15, None),
        ("DY10", "DY10", 0xA3, 16, None),
        ("SD100", "SD100", 0xA9, 100, None),
        ("SW1f", "SW1F", 0xB5, 31, None),
        ("SM400", "SM400", 0x91, 400, None),
        ("S5", "S5", 0x98, 5, None),
        ("STN5", "STN5", 0xC8, 5, None),
        ("SN5", "STN5", 0xC8, 5, None),
        ("STS5", "STS5", 0xC7, 5, None),
        ("TN5", "TN5", 0xC2, 5, None),
        ("CC5", "CC5", 0xC3, 5, None),
        ("ZR5000", "ZR5000", 0xB0, 5000, None),
        ("Z5", "Z5", 0xCC, 5, None),
        ("R32767", "R32767", 0xAF, 32_767, None),
        ("LSTN3", "LSTN3", 0x5A, 3, None),
        ("D100.A", "D100.A", 0xA8, 100, Some(10)),
        ("W1F.0", "W1F.0", 0xB4, 31, Some(0)),
        ("D16777215", "D16777215", 0xA8, 16_777_215, None),
    ] {
        let address = MelsecAddress::parse(text, Radix::Hexadecimal).unwrap();
        let got = (address.to_string(), address.device.code(), address.number, address.bit);
        assert_eq!(got, (canonical.to_owned(), code, number, bit), "{text}");
    }
    // iQ-F counts X and Y in octal, and nothing else.
    for (text, number) in [("X20", 16), ("Y7", 7), ("B20", 32)] {
        assert_eq!(MelsecAddress::parse(text, Radix::Octal).unwrap().number, number, "{text}");
    }
}

#[test]
fn what_is_no_address_says_what_would_be() {
    for (text, why) in [
        ("", "Use a device and its number"),
        ("100", "Use a device and its number"),
        ("Q5", "Use a device and its number"),
        ("T5", "Of a timer or counter write which part: TN5 the value, TS5 the contact, TC5 the coil."),
        ("c5", "Of a timer or counter write which part: CN5"),
        ("D", "D takes a decimal number below 16777216: D100."),
        ("D1F", "D takes a decimal number"),
        ("D-1", "D takes a decimal number"),
        ("D 1", "D takes a decimal number"),
        ("D99999999", "D takes a decimal number"),
        ("W1G", "W takes a hexadecimal number below 1000000: W1F."),
        ("D100.G", "The bit is one hexadecimal digit"),
        ("D100.10", "The bit is one hexadecimal digit"),
        ("D100.", "The bit is one hexadecimal digit"),
        ("M10.1", "M has no bits to choose from: write M10."),
        ("hr:5", "Use a device and its number"),
    ] {
        let error = MelsecAddress::parse(text, Radix::Hexadecimal).unwrap_err().to_string();
        assert!(error.starts_with(&format!("Invalid register \"{text}\". {why}")), "{text}: {error}");
    }
    let octal = MelsecAddress::parse("X18", Radix::Octal).unwrap_err().to_string();
    assert!(octal.contains("X takes an octal number"), "{octal}");
}

proptest! {
    #[test]
    fn the_canonical_form_means_the_same(text in "\\PC{0,12}|[A-Za-z]{1,4}[0-9A-Fa-f]{1,7}(\\.[0-9A-F])?") {
        for xy in [Radix::Octal, Radix::Hexadecimal] {
            if let Ok(address) = MelsecAddress::parse(&text, xy) {
                prop_assert_eq!(MelsecAddress::parse(&address.to_string(), xy), Ok(address));
            }
        }
    }
}
