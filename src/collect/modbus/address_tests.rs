//! Table of valid and invalid Modbus addresses.

use proptest::prelude::*;

use super::*;

#[test]
fn addresses_are_read_as_written() {
    for (text, canonical) in [
        ("hr:0", "hr:0"),
        ("hr:65535", "hr:65535"),
        ("HR:7", "hr:7"),
        ("hr:007", "hr:7"),
        ("ir:100", "ir:100"),
        ("co:5", "co:5"),
        ("di:5", "di:5"),
        ("hr:100.0", "hr:100.0"),
        ("ir:100.15", "ir:100.15"),
        ("40001", "hr:0"),
        ("49999", "hr:9998"),
        ("400001", "hr:0"),
        ("465536", "hr:65535"),
        ("30001", "ir:0"),
        ("300100", "ir:99"),
        ("10001", "di:0"),
        ("100001", "di:0"),
        ("00001", "co:0"),
        ("000001", "co:0"),
        ("40001.3", "hr:0.3"),
        ("%MW100", "hr:100"),
        ("%mw100", "hr:100"),
        ("%MW100.4", "hr:100.4"),
        ("%IW3", "ir:3"),
        ("%M5", "co:5"),
        ("%MX5", "co:5"),
        ("%I9", "di:9"),
        ("HR40", "hr:40"),
        ("IR5", "ir:5"),
        ("CO5", "co:5"),
        ("DI5", "di:5"),
        ("HR40.3", "hr:40.3"),
        ("holding:40", "hr:40"),
        ("Input:40", "ir:40"),
        ("coil:40", "co:40"),
        ("discrete:40", "di:40"),
        ("holding_register:40", "hr:40"),
        ("hr:0x28", "hr:40"),
        ("IR0XFFFF", "ir:65535"),
        ("%MW0x28", "hr:40"),
        ("4x0041", "hr:40"),
        ("4X00041", "hr:40"),
        ("4x65536", "hr:65535"),
        ("3x1", "ir:0"),
        ("1x0001", "di:0"),
        ("4:41", "hr:40"),
        ("4:41.15", "hr:40.15"),
        ("3:1", "ir:0"),
        ("1:1", "di:0"),
        ("0:1", "co:0"),
    ] {
        let parsed = text.parse::<ModbusAddress>().map(|a| a.to_string());
        assert_eq!(parsed.as_deref(), Ok(canonical), "{text}");
        assert_eq!(canonical.parse::<ModbusAddress>(), text.parse(), "{canonical} is {text}");
    }
}

#[test]
fn everything_else_is_refused_with_the_valid_forms() {
    for (name, text, why) in [
        ("empty", "", FORMS),
        ("bare", "100", BARE),
        ("bare_zero", "0", BARE),
        ("seven_digits", "4000001", BARE),
        ("classic_has_no_register_zero", "40000", BARE),
        ("classic_past_the_end", "465537", BARE),
        ("classic_unknown_space", "20001", BARE),
        ("past_the_end", "hr:65536", ZERO_BASED),
        ("negative", "hr:-1", FORMS),
        ("plus", "hr:+1", FORMS),
        ("no_number", "hr:", FORMS),
        ("blank", "hr: 1", FORMS),
        ("trailing_blank", "hr:1 ", FORMS),
        ("hexadecimal_past_the_end", "hr:0x10000", ZERO_BASED),
        ("no_hexadecimal", "hr:0x", FORMS),
        ("hexadecimal_letters", "hr:0xG", FORMS),
        ("one_letter", "R5", LETTER),
        ("one_letter_of_inputs", "i5", LETTER),
        ("one_letter_of_hexadecimal_numbers", "H40", HEXADECIMAL),
        ("a_hexadecimal_coil", "h0FF", HEXADECIMAL),
        ("coil_or_hexadecimal", "0x0041", COIL_OR_HEX),
        ("no_register_zero", "4:0", ONE_BASED),
        ("no_register_zero_with_x", "4x0000", ONE_BASED),
        ("one_based_past_the_end", "4:65537", ONE_BASED),
        ("no_such_space", "2:1", FORMS),
        ("no_such_space_with_x", "2x0001", FORMS),
        ("unknown_space", "xx:1", FORMS),
        ("bit_16", "hr:1.16", BIT),
        ("no_bit", "hr:1.", BIT),
        ("two_bits", "hr:1.2.3", BIT),
        ("bit_of_a_coil", "co:1.0", SINGLE_BIT),
        ("bit_of_a_classic_coil", "00001.0", SINGLE_BIT),
        ("melsec", "D100", FORMS),
        ("double_word", "%MD100", DOUBLE),
        ("double_word_lower", "%md100", DOUBLE),
        ("output", "%QW1", FORMS),
        ("no_iec_number", "%MW", FORMS),
        ("not_ascii", "hr:１", FORMS),
        ("not_ascii_classic", "4é01", FORMS),
    ] {
        let error = text.parse::<ModbusAddress>().unwrap_err();
        assert_eq!(error.to_string(), format!("Invalid register \"{text}\". {why}"), "{name}");
    }
}

proptest! {
    #[test]
    fn any_text_is_refused_or_read_but_never_panics(text in "\\PC{0,12}") {
        if let Ok(address) = text.parse::<ModbusAddress>() {
            prop_assert_eq!(address.to_string().parse::<ModbusAddress>(), Ok(address));
        }
    }

    #[test]
    fn texts_of_the_right_letters_never_panic(text in "[%hricodMWXx:.0-9é]{0,9}") {
        if let Ok(address) = text.parse::<ModbusAddress>() {
            prop_assert_eq!(address.to_string().parse::<ModbusAddress>(), Ok(address));
        }
    }
}
