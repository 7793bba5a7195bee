//! Fuzz target: any bytes as a body of line protocol.

use super::fields::{Fields, parse_key};
use super::lines::Lines;
use super::series;
use super::timestamp::{self, Precision};
use basalt_fuzz::{FuzzTarget, InputFormat, Random, grammar};

const BODY: grammar::Rules = grammar::rules! {
    body = "<line>" | "<line>\n<body>" | "<line>\r\n<body>" | "\n<body>" | "# <name>\n<body>";
    line = "m v=1" | "<series> <fields>" | "<series> <fields> <int>" | "<series>  <fields>  <name>"
        | "<series>";
    series = "<name>" | "<name>,<tags>" | "<name>,";
    tags = "<name>=<name>" | "<name>=<name>,<tags>" | "<name>";
    fields = "<name>=<value>" | "<name>=<value>,<fields>" | "<name>";
    value = "1" | "<int>i" | "<int>u" | "<float>" | "t" | "FALSE" | "nan" | "1e999" | "\"<inside>\""
        | "\"<inside>";
    name = "" | "<letter><name>" | "\\ <name>" | "\\,<name>" | "\\=<name>" | "\\<name>" | "é<name>";
    inside = "" | "<letter><inside>" | "\\\"<inside>" | "\\\\<inside>" | " <inside>" | "\n<inside>"
        | ",=<inside>";
};

fn body(random: &mut Random) -> Vec<u8> {
    grammar::write(BODY, "body", random)
}

fn format() -> InputFormat {
    InputFormat {
        grammar: Some(body),
        words: &[" ", ",", "=", "\\", "\"", "\n", "#", "i", "\r"],
        nests: &[("\\", ""), ("m v=\"", "\""), ("m,", " v=1"), ("m v=1\n", "")],
        ..InputFormat::default()
    }
}

/// Reads every section, and checks that each line is reported once, in order.
fn read(input: &[u8]) {
    let mut previous = 0;
    for (number, line) in Lines::new(input) {
        assert!(number > previous && number <= input.len() + 1, "line {number} after {previous}");
        previous = number;
        let Ok(line) = line else { continue };
        drop(series::parse(line.series));
        drop(timestamp::parse(line.timestamp, Precision::Nanoseconds));
        for (key, _) in Fields::new(line.fields).flatten() {
            drop(parse_key(key));
        }
    }
}

#[test]
fn line_protocol() {
    let decoder = || -> basalt_fuzz::Decoder { Box::new(read) };
    FuzzTarget { module: module_path!(), name: "line_protocol", form: format, decoder }.run();
}
