//! The simulator answers any input or ends the connection.

use proptest::prelude::*;

use super::*;

fn ask(instruction: u16, data_type: u16, rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    body.extend(instruction.to_le_bytes());
    body.extend(data_type.to_le_bytes());
    body.extend(rest);
    let memory = memory(Arc::new(Mutex::new(Plant::default())));
    let mut guard = memory.lock();
    answer(&mut guard, &[0; HEADER], &body)
}

fn read_of(name: &str) -> Vec<u8> {
    let mut rest = vec![0, 0, 1, 0];
    rest.extend((name.len() as u16).to_le_bytes());
    rest.extend(name.as_bytes());
    rest
}

/// The error code of an answer; `None` for a successful one.
fn code(answered: &[u8]) -> Option<u16> {
    let number = |at: usize| u16::from_le_bytes([answered[at], answered[at + 1]]);
    (number(HEADER + 6) == 0xFFFF).then(|| number(HEADER + 8))
}

#[test]
fn places_beyond_an_area_are_refused() {
    for (name, expected) in [
        ("%DW100", None),
        ("%UW1.2.3", None),
        ("%DW20000", Some(OUT_OF_RANGE)),
        ("%UW18446744073709551615.1.1", Some(OUT_OF_RANGE)),
        ("%UW1.18446744073709551615.1", Some(OUT_OF_RANGE)),
        ("%UW1.1.18446744073709551615", Some(OUT_OF_RANGE)),
        ("%DW1.2.3", Some(OUT_OF_RANGE)),
        ("%YW1", Some(NO_SUCH_AREA)),
    ] {
        assert_eq!(code(&ask(0x54, 2, &read_of(name)).unwrap()), expected, "{name}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered(
        instruction in prop_oneof![Just(0x54), Just(0x58), Just(u16::MAX), any::<u16>()],
        data_type in prop_oneof![0u16..5, Just(CONTINUOUS), any::<u16>()],
        rest in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..64),
            "%[DMUIQ][XBWDL][0-9.]{0,60}".prop_map(|name| read_of(&name)),
        ],
    ) {
        prop_assert!(ask(instruction, data_type, &rest).is_some());
    }
}
