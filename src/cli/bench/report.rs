//! Results of a run, as a table or as JSON.

use serde::Serialize;

use super::args::BenchReportFormat;
use super::dataset::DatasetSpec;
use super::disk::format_mebibytes;
use super::latencies::format_number;
use super::query_load::{ConcurrentTiming, QueryTiming};
use crate::cli::print;
use crate::domain::{Error, Result};

/// All results. Those that `--only` skipped are missing.
#[derive(Serialize)]
pub struct BenchReport {
    pub version: &'static str,
    pub plant: DatasetSpec,
    pub rows: usize,
    pub load: Option<LoadReport>,
    pub asked: Option<QueryReport>,
}

/// Results of the load phase.
#[derive(Serialize)]
pub struct LoadReport {
    /// Rows per second, generation and encoding included.
    pub rows_per_s: f64,
    pub compact_s: Option<f64>,
    pub peak_memory_bytes: Option<u64>,
}

/// Results of the query phase: each query alone and from several clients, and the size of the lake.
#[derive(Serialize)]
pub struct QueryReport {
    /// Time from the start of the process to its first answer, the latest value of a stream.
    pub start_ms: f64,
    pub questions: Vec<QueryTiming>,
    pub together: Vec<ConcurrentTiming>,
    pub lake_bytes: u64,
    pub lake_files: usize,
    pub peak_memory_bytes: Option<u64>,
}

impl BenchReport {
    /// Prints the results on standard output; progress remarks go to standard error.
    pub fn print(&self, form: BenchReportFormat) -> Result<()> {
        if form == BenchReportFormat::Json {
            let text = serde_json::to_string_pretty(self);
            return print::line(&text.map_err(|e| Error::internal("no JSON of the figures").with_source(e))?);
        }
        let plant = &self.plant;
        let year = if plant.has_year { " and one with a year" } else { "" };
        print::line(&format!(
            "{} rows: {} streams of {} s{year}, seed {}",
            self.rows, plant.streams, plant.seconds, plant.seed
        ))?;
        if let Some(load) = &self.load {
            load.print()?;
        }
        self.asked.as_ref().map_or(Ok(()), |query_load| query_load.print(self.rows))
    }
}

impl LoadReport {
    fn print(&self) -> Result<()> {
        print::line(&format!("load: {:.0} rows/s, making them included", self.rows_per_s))?;
        if let Some(seconds) = self.compact_s {
            print::line(&format!("flush and compaction: {seconds:.2} s"))?;
        }
        print::line(&format!(
            "peak resident memory while loading: {}",
            format_mebibytes(self.peak_memory_bytes)
        ))
    }
}

impl QueryReport {
    fn print(&self, rows: usize) -> Result<()> {
        print::line(&format!("start to first answer: {} ms", format_number(self.start_ms)))?;
        let to_row = |a: &QueryTiming| {
            let name = format!("{} {}", a.id.to_uppercase(), a.name);
            [
                name,
                a.rows.to_string(),
                format_number(a.cold_ms),
                format_number(a.p50_ms),
                format_number(a.p99_ms),
                a.runs.to_string(),
            ]
        };
        let table: Vec<_> = self.questions.iter().map(to_row).collect();
        print::line("")?;
        print::table(["QUESTION", "ROWS", "COLD ms", "P50 ms", "P99 ms", "RUNS"], &table)?;
        let to_row = |t: &ConcurrentTiming| {
            [
                t.id.to_uppercase(),
                t.clients.to_string(),
                format!("{:.0}", t.answers_per_s),
                format_number(t.p99_ms),
            ]
        };
        let table: Vec<_> = self.together.iter().map(to_row).collect();
        print::line("")?;
        print::table(["QUESTION", "CLIENTS", "ANSWERS/s", "P99 ms"], &table)?;
        print::line("")?;
        let (bytes, files) = (self.lake_bytes, self.lake_files);
        print::line(&format!(
            "lake: {:.2} B/row ({bytes} bytes in {files} files)",
            bytes as f64 / rows as f64
        ))?;
        print::line(&format!(
            "peak resident memory while asking: {}",
            format_mebibytes(self.peak_memory_bytes)
        ))
    }
}
