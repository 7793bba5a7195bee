//! Fuzz target: any bytes as metrics of either form.

use super::metrics::{Encoding, Metrics};
use super::tests;
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat};

fn format() -> InputFormat {
    InputFormat {
        seeds: tests::seeds(),
        words: &[
            "{",
            "}",
            "[",
            "]",
            ",",
            "\"asInt\":",
            "\"dataPoints\":",
            "null",
            "\"1e400\"",
            "1e400",
            "-0",
        ],
        nests: &[("{\"arrayValue\":", "}"), ("[", "]"), ("\u{a}\u{7f}", ""), ("\u{12}\u{10}", "")],
        ..InputFormat::default()
    }
}

/// Visits every point of what can be read, and checks that it is counted alike.
fn read(input: &[u8]) {
    for encoding in [Encoding::Protobuf, Encoding::Json] {
        let Ok(metrics) = Metrics::open(encoding, input) else { continue };
        let mut readings = 0;
        let visited = metrics.visit(&["host.name".to_owned()], &mut |_, point| {
            assert!(point.attributes.len() <= 101);
            readings += point.readings().len();
        });
        assert_eq!(metrics.count_readings().ok(), visited.is_ok().then_some(readings));
    }
}

#[test]
fn otlp() {
    let decoder = || -> Decoder { Box::new(read) };
    FuzzTarget { module: module_path!(), name: "otlp", form: format, decoder }.run();
}
