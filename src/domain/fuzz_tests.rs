//! Fuzz target: parsing of arbitrary text as a time.

use super::time::{Day, Micros};
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat, Random, grammar, text};

const RULES: grammar::Rules = grammar::rules! {
    time = "0" | "<int>" | "<int>.<small>" | "<date>" | "<date>T<clock><zone>" | "<date> <clock>" | "<float>";
    date = "2026-04-28" | "<digit><digit><digit><digit>-<digit><digit>-<digit><digit>" | "9999-12-31"
        | "0000-00-00";
    clock = "12:00" | "23:59:60" | "<digit><digit>:<digit><digit>:<digit><digit>.<digits>" | "24:00:00";
    zone = "" | "Z" | "z" | "+<digit><digit>:<digit><digit>" | "-<digit><digit><digit><digit>" | "+99"
        | "-<digit>é:0";
    digit = "0" | "1" | "2" | "5" | "9" | "٣" | "é";
    digits = "0" | "<digit>" | "<digit><digits>" | "<small><digits>";
};

fn made(random: &mut Random) -> Vec<u8> {
    grammar::write(RULES, "time", random)
}

fn form() -> InputFormat {
    let words = &["T", "Z", "+", "-", ":", ".", ",", "é", "€", "\u{1f600}", "99999999999999999999"];
    InputFormat {
        seeds: vec![b"2026-04-28T12:00:00.123456+02:00".to_vec()],
        grammar: Some(made),
        words,
        ..InputFormat::default()
    }
}

fn decoder() -> Decoder {
    Box::new(|input| {
        let text = text(input);
        if let Some(time) = Micros::parse(&text) {
            assert!(time.is_storable(), "{text} became {}", time.0);
            assert_eq!(Micros::parse(&time.to_iso()), Some(time), "of {text}");
        }
        drop(Day::parse(&text).map(|day| day.to_string()));
    })
}

#[test]
fn times() {
    FuzzTarget { module: module_path!(), name: "times", form, decoder }.run();
}
