//! Fuzzes the parser of named query files.

use super::query_file;
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat, text};

fn form() -> InputFormat {
    let paths = ["hourly-mean", "chart", "histogram", "latest", "gaps"]
        .map(|name| format!("{}/../../queries/{name}.sql", env!("CARGO_MANIFEST_DIR")));
    InputFormat {
        seeds: paths.map(|path| std::fs::read(path).expect("an example")).into(),
        words: &[
            "-- param: ",
            "-- name: ",
            "-- description: ",
            " interval = '",
            "bigint",
            "timestamp",
            "$a",
            "'",
            "$$",
            "/*",
        ],
        nests: &[
            ("(", ")"),
            ("/*", "*/"),
            ("NOT ", ""),
            ("-", ""),
            ("1+", ""),
            ("[", "]"),
            ("-- param: a bigint\n", ""),
        ],
        ..InputFormat::default()
    }
}

fn decoder() -> Decoder {
    Box::new(|input| drop(query_file::parse(&text(input))))
}

#[test]
fn named_queries() {
    FuzzTarget { module: module_path!(), name: "named_queries", form, decoder }.run();
}
