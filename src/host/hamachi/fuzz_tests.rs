//! Fuzz target: arbitrary output in place of the Hamachi client's.

use super::parse;
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat, text};

const SAMPLE: &str = " * [net]name  capacity: 2/5, [192.168.155.24/24]  subscription type: Free, owner: o (221-094-578)
     * 221-094-578   onian                      25.66.125.69      alias: not set    2620:9b::1942:7d45     direct      UDP  85.106.8.58:42806
     ? 094-139-744 
";
const STATUS: &str = "  version    : hamachi-lnx-2.1.0.203\n  pid        : 26771\n  status     : logged in\n  address    : 25.66.125.69    2620:9b::1\n";

fn form() -> InputFormat {
    InputFormat {
        seeds: vec![SAMPLE.into(), STATUS.into()],
        words: &[
            "[",
            "]",
            "capacity: ",
            "alias: ",
            " * ",
            "\u{301}",
            "::",
            "owner: ",
            "via relay",
            "Hamachi does not seem to be running",
        ],
        nests: &[("[", "]"), ("(", ")"), (" * [", "]")],
        ..InputFormat::default()
    }
}

fn decoder() -> Decoder {
    Box::new(|input| {
        let text = text(input);
        drop((parse::service_problem(&text), parse::status(&text), parse::networks(&text)));
    })
}

#[test]
fn hamachi() {
    FuzzTarget { module: module_path!(), name: "hamachi", form, decoder }.run();
}
