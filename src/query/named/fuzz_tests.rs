//! Any text as the file of a named query.

use super::file;
use crate::domain::fuzz::{Decoder, Form, Target, text};

fn form() -> Form {
    let paths =
        ["hourly-mean", "chart", "histogram", "latest", "gaps"].map(|name| format!("queries/{name}.sql"));
    Form {
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
        ..Form::default()
    }
}

fn decoder() -> Decoder {
    Box::new(|input| drop(file::parse(&text(input))))
}

#[test]
fn named_queries() {
    Target { module: module_path!(), name: "named_queries", form, decoder }.run();
}
