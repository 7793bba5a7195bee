//! Fuzzes statements: plans them for both kinds of clients, and runs them over tables without rows.

use futures::StreamExt;

use super::describe::DescribeRequest;
use super::engine::StatementRequest;
use super::fuzz_grammar_tests::{NESTS, statement};
use super::log::Surface;
use super::params::Params;
use super::test_engine::test_engine;
use crate::fuzz_store::FuzzStore;
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat, text};

/// Maximum batches read of a result.
const BATCHES: usize = 3;

fn form() -> InputFormat {
    let paths = ["hourly-mean", "chart", "histogram", "compare", "gaps", "correlation"]
        .map(|name| format!("{}/../../queries/{name}.sql", env!("CARGO_MANIFEST_DIR")));
    InputFormat {
        seeds: paths.iter().map(|path| std::fs::read(path).expect("an example")).collect(),
        grammar: Some(statement),
        words: &[
            "(",
            ")",
            "'",
            "\"",
            "--",
            "/*",
            "$1",
            "::INT[]",
            " UNION ALL SELECT 1",
            " OR ",
            "CUBE",
            " IS NULL",
            "NULL",
            ";",
            "\\",
        ],
        nests: NESTS,
        ..InputFormat::default()
    }
}

fn plan() -> Decoder {
    let env = FuzzStore::open();
    let engine = test_engine(&env, None);
    Box::new(move |input| {
        for surface in [Surface::Sql, Surface::Postgres] {
            let request = DescribeRequest {
                text: text(input).into_owned(),
                declared: Vec::new(),
                bound: Params::Typed(Vec::new()),
                surface,
            };
            drop(env.runtime.block_on(engine.describe(&env.owner, request)));
        }
    })
}

#[test]
fn sql() {
    FuzzTarget { module: module_path!(), name: "sql", form, decoder: plan }.run();
}

fn run() -> Decoder {
    let env = FuzzStore::open();
    let engine = test_engine(&env, None);
    Box::new(move |input| {
        let params = Params::Json(serde_json::json!([1, "a", null]));
        let text = text(input).into_owned();
        let request = StatementRequest { text, params, surface: Surface::Sql, settings: None };
        env.runtime.block_on(async {
            if let Ok(answer) = engine.sql(&env.owner, request).await {
                answer.batches.take(BATCHES).collect::<Vec<_>>().await;
            }
        });
    })
}

#[test]
fn sql_run() {
    FuzzTarget { module: module_path!(), name: "sql_run", form, decoder: run }.run();
}
