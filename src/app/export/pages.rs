//! Readings of a sensor with their metadata, in pages that fit in memory.
//!
//! A page is a query of its own: none is open while another runs, so that an export needs one permit at a time, and a
//! query that has no time or no permit is repeated.

use std::collections::HashMap;
use std::time::Duration;

use futures::TryStreamExt;

use super::plan::ExportSensor;
use crate::app::export::Exports;
use crate::domain::reading::Reading;
use crate::domain::{Kind, Micros, Principal, Result, StreamId};
use crate::query::list_query::ListQuery;
use crate::query::readings_list::ValuesQuery;

/// Rows of a page.
const PAGE_ROWS: usize = 32 << 10;
/// Bytes of texts, after which a page ends: one may have a mebibyte.
const PAGE_TEXT_BYTES: usize = 4 << 20;
/// How often a query that had no permit or no time is begun.
const TRIES: u32 = 8;
/// Pause before the second; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Readings of one sensor, the oldest first, each with its metadata as JSON.
#[derive(Debug, Default)]
pub struct ReadingPage {
    pub readings: Vec<Reading>,
    /// One for each reading.
    pub metadata: Vec<Option<Box<str>>>,
    /// Start of the next page; `None` after the last.
    pub next: Option<Micros>,
}

/// Rows of one stream, and where the next ones begin.
struct StreamRows {
    readings: Vec<Reading>,
    next: Option<Micros>,
}

impl Exports {
    /// Returns the first readings of a sensor within a range, both ends of which are included. Readings of bad quality
    /// have no value and are left out.
    ///
    /// # Errors
    /// The errors of a query.
    pub(super) async fn export_page(
        &self,
        reader: &Principal,
        sensor: &ExportSensor,
        range: (Micros, Micros),
    ) -> Result<ReadingPage> {
        let StreamRows { mut readings, mut next } = self.some_rows(reader, sensor.stream.id, range).await?;
        let ends = readings.first().zip(readings.last()).map(|(first, last)| (first.ts, last.ts));
        let (Some(ends), Some(companion)) = (ends, sensor.companion) else {
            let metadata = vec![None; readings.len()];
            return Ok(ReadingPage { readings, metadata, next });
        };
        let found = self.some_rows(reader, companion, ends).await?;
        if let Some(end) = found.next {
            // Metadata that is too long for a page shortens it. The first row stays, because its time is before `end`.
            readings.retain(|reading| reading.ts < end);
            next = Some(end);
        }
        let texts = found.readings.into_iter().map(|row| (row.ts, row.text));
        let mut texts: HashMap<Micros, Option<Box<str>>> = texts.collect();
        let metadata = readings.iter().map(|reading| texts.remove(&reading.ts).flatten()).collect();
        Ok(ReadingPage { readings, metadata, next })
    }

    async fn some_rows(
        &self,
        reader: &Principal,
        stream: StreamId,
        range: (Micros, Micros),
    ) -> Result<StreamRows> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            match self.read_rows(reader, stream, range).await {
                Err(error) if matches!(error.kind, Kind::Busy | Kind::Timeout) => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                done => return done,
            }
        }
        self.read_rows(reader, stream, range).await
    }

    async fn read_rows(
        &self,
        reader: &Principal,
        stream: StreamId,
        (from, last): (Micros, Micros),
    ) -> Result<StreamRows> {
        let list = ListQuery {
            streams: Some(vec![stream]),
            from: Some(from),
            to: Some(last),
            limit: Some(PAGE_ROWS),
            ..ListQuery::default()
        };
        let mut chunks = self.engine.values(reader, ValuesQuery { list, include_bad: false }).await?;
        let (mut readings, mut bytes) = (Vec::new(), 0_usize);
        while let Some(rows) = chunks.try_next().await? {
            for reading in rows.iter() {
                bytes += reading.text.as_ref().map_or(0, |text| text.len());
                let after = Micros(reading.ts.0.saturating_add(1));
                readings.push(reading);
                if bytes > PAGE_TEXT_BYTES || readings.len() == PAGE_ROWS {
                    let next = (after <= last).then_some(after);
                    return Ok(StreamRows { readings, next });
                }
            }
        }
        Ok(StreamRows { readings, next: None })
    }
}
