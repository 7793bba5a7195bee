//! Any statement: planned for both kinds of clients, and run over tables without rows.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;

use super::describe::Sketch;
use super::engine::Question;
use super::fuzz_grammar_tests::{NESTS, statement};
use super::log::Surface;
use super::params::Params;
use super::{Engine, EngineOptions};
use crate::domain::device::{Device, DeviceStatus};
use crate::domain::fuzz::{Decoder, Form, Target, text};
use crate::domain::ports::{DeviceStates, ModelRows, Models};
use crate::domain::{Error, Micros, Principal, Result};
use crate::store::fuzz_ground::Ground;

/// Batches of an answer that are read.
const BATCHES: usize = 3;

struct Nothing;

impl DeviceStates for Nothing {
    fn status(&self, _: &Device) -> DeviceStatus {
        DeviceStatus::default()
    }
}

impl Models for Nothing {
    fn score(
        &self,
        _: &Principal,
        _: ModelRows<'_>,
        _: &dyn Fn() -> bool,
        _: &mut dyn FnMut(Micros, f64),
    ) -> Result<()> {
        Err(Error::not_found())
    }
}

fn engine(ground: &Ground) -> Arc<Engine> {
    let options = EngineOptions {
        // Beyond it a statement is ended, which is no failure; the watchdog's limit is.
        timeout: Duration::from_millis(300),
        max_rows: 1000,
        memory_bytes: 256 << 20,
        share_bytes: 128 << 20,
        running: 4,
        waiting: 64,
        queue_deadline: Duration::from_secs(1),
        spill_dir: ground.dir.path().join("spill"),
    };
    let _inside = ground.runtime.enter();
    Arc::new(
        Engine::new(ground.store.clone(), Arc::new(Nothing), Arc::new(Nothing), options).expect("an engine"),
    )
}

fn form() -> Form {
    let paths = ["hourly-mean", "chart", "histogram", "side-by-side", "gaps", "correlation"]
        .map(|name| format!("queries/{name}.sql"));
    Form {
        seeds: paths.iter().filter_map(|path| std::fs::read(path).ok()).collect(),
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
        ..Form::default()
    }
}

fn plan() -> Decoder {
    let ground = Ground::open();
    let engine = engine(&ground);
    Box::new(move |input| {
        for surface in [Surface::Sql, Surface::Postgres] {
            let sketch = Sketch { text: text(input).into_owned(), declared: Vec::new(), surface };
            drop(ground.runtime.block_on(engine.describe(&ground.owner, sketch)));
        }
    })
}

#[test]
fn sql() {
    Target { module: module_path!(), name: "sql", form, decoder: plan }.run();
}

fn run() -> Decoder {
    let ground = Ground::open();
    let engine = engine(&ground);
    Box::new(move |input| {
        let params = Params::Json(serde_json::json!([1, "a", null]));
        let question = Question { text: text(input).into_owned(), params, surface: Surface::Sql };
        ground.runtime.block_on(async {
            if let Ok(answer) = engine.sql(&ground.owner, question).await {
                answer.batches.take(BATCHES).collect::<Vec<_>>().await;
            }
        });
    })
}

#[test]
fn sql_run() {
    Target { module: module_path!(), name: "sql_run", form, decoder: run }.run();
}
