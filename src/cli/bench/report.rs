//! The figures of a run, as a table or as JSON.

use serde::Serialize;

use super::args::Form;
use super::ask::{Answered, Together};
use super::disk::mebibytes;
use super::figures::show;
use super::plant::Plant;
use crate::cli::print;
use crate::domain::{Error, Result};

/// Everything that was measured. What was not (by `--only`) is missing.
#[derive(Serialize)]
pub struct Report {
    pub version: &'static str,
    pub plant: Plant,
    pub rows: usize,
    pub load: Option<Load>,
    pub asked: Option<Asked>,
}

#[derive(Serialize)]
pub struct Load {
    /// Rows a second, making and encoding them included.
    pub rows_per_s: f64,
    pub compact_s: Option<f64>,
    pub peak_memory_bytes: Option<u64>,
}

#[derive(Serialize)]
pub struct Asked {
    /// From the start of the process to the first answer, the latest value of a stream.
    pub start_ms: f64,
    pub questions: Vec<Answered>,
    pub together: Vec<Together>,
    pub lake_bytes: u64,
    pub lake_files: usize,
    pub peak_memory_bytes: Option<u64>,
}

impl Report {
    pub fn print(&self, form: Form) -> Result<()> {
        if form == Form::Json {
            let text = serde_json::to_string_pretty(self);
            return print::line(&text.map_err(|e| Error::internal("no JSON of the figures").because(e))?);
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
        self.asked.as_ref().map_or(Ok(()), |asked| asked.print(self.rows))
    }
}

impl Load {
    fn print(&self) -> Result<()> {
        print::line(&format!("load: {:.0} rows/s, making them included", self.rows_per_s))?;
        if let Some(seconds) = self.compact_s {
            print::line(&format!("flush and compaction: {seconds:.2} s"))?;
        }
        print::line(&format!("peak resident memory while loading: {}", mebibytes(self.peak_memory_bytes)))
    }
}

impl Asked {
    fn print(&self, rows: usize) -> Result<()> {
        print::line(&format!("start to first answer: {} ms", show(self.start_ms)))?;
        let to_row = |a: &Answered| {
            let name = format!("{} {}", a.id.to_uppercase(), a.name);
            [name, a.rows.to_string(), show(a.cold_ms), show(a.p50_ms), show(a.p99_ms), a.runs.to_string()]
        };
        let table: Vec<_> = self.questions.iter().map(to_row).collect();
        print::line("")?;
        print::table(["QUESTION", "ROWS", "COLD ms", "P50 ms", "P99 ms", "RUNS"], &table)?;
        let to_row = |t: &Together| {
            [t.id.to_uppercase(), t.clients.to_string(), format!("{:.0}", t.answers_per_s), show(t.p99_ms)]
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
        print::line(&format!("peak resident memory while asking: {}", mebibytes(self.peak_memory_bytes)))
    }
}
