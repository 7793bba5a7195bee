//! Fuzzes statements: plans them for both kinds of clients, and runs them over tables without rows.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;

use super::describe::DescribeRequest;
use super::engine::StatementRequest;
use super::fuzz_grammar_tests::{NESTS, statement};
use super::log::Surface;
use super::params::Params;
use super::{Engine, EngineOptions};
use crate::domain::device::{Device, DeviceStatus};
use crate::domain::fuzz::{Decoder, FuzzTarget, InputFormat, text};
use crate::domain::mqtt::status::SessionStatus;
use crate::domain::ports::{DeviceStatusSource, ModelRows, ModelScorer};
use crate::domain::{Error, Micros, Principal, Result};
use crate::store::fuzz_store::FuzzStore;

/// Maximum batches read of a result.
const BATCHES: usize = 3;

struct NoDevicesOrModels;

impl DeviceStatusSource for NoDevicesOrModels {
    fn status(&self, _: &Device) -> DeviceStatus {
        DeviceStatus::default()
    }

    fn mqtt_sessions(&self, _: &Principal) -> Vec<SessionStatus> {
        Vec::new()
    }
}

impl ModelScorer for NoDevicesOrModels {
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

fn engine(ground: &FuzzStore) -> Arc<Engine> {
    let options = EngineOptions {
        // A statement that is ended after this time is no failure; one that exceeds the watchdog's limit is.
        timeout: Duration::from_millis(300),
        max_rows: 1000,
        memory_bytes: 256 << 20,
        share_bytes: 128 << 20,
        max_running: 4,
        max_waiting: 64,
        queue_deadline: Duration::from_secs(1),
        spill_dir: ground.dir.path().join("spill"),
    };
    let _inside = ground.runtime.enter();
    Arc::new(
        Engine::new(ground.store.clone(), Arc::new(NoDevicesOrModels), Arc::new(NoDevicesOrModels), options)
            .expect("an engine"),
    )
}

fn form() -> InputFormat {
    let paths = ["hourly-mean", "chart", "histogram", "side-by-side", "gaps", "correlation"]
        .map(|name| format!("queries/{name}.sql"));
    InputFormat {
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
        ..InputFormat::default()
    }
}

fn plan() -> Decoder {
    let ground = FuzzStore::open();
    let engine = engine(&ground);
    Box::new(move |input| {
        for surface in [Surface::Sql, Surface::Postgres] {
            let sketch = DescribeRequest { text: text(input).into_owned(), declared: Vec::new(), surface };
            drop(ground.runtime.block_on(engine.describe(&ground.owner, sketch)));
        }
    })
}

#[test]
fn sql() {
    FuzzTarget { module: module_path!(), name: "sql", form, decoder: plan }.run();
}

fn run() -> Decoder {
    let ground = FuzzStore::open();
    let engine = engine(&ground);
    Box::new(move |input| {
        let params = Params::Json(serde_json::json!([1, "a", null]));
        let request = StatementRequest { text: text(input).into_owned(), params, surface: Surface::Sql };
        ground.runtime.block_on(async {
            if let Ok(answer) = engine.sql(&ground.owner, request).await {
                answer.batches.take(BATCHES).collect::<Vec<_>>().await;
            }
        });
    })
}

#[test]
fn sql_run() {
    FuzzTarget { module: module_path!(), name: "sql_run", form, decoder: run }.run();
}
