//! Bulk ingest: encoded batches of 10,000 rows in the order of arrival, from a few writers at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arrow::ipc::writer::StreamWriter;
use bytes::Bytes;

use super::server::Server;
use super::signals::{self, Row};
use crate::domain::{Error, Result, StreamId};

pub const WRITERS: usize = 4;
/// 100 streams at 1 Hz make 10,000 rows in so many seconds.
const BATCH_SECONDS: usize = 100;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Arrow,
    Ndjson,
}

impl Form {
    fn media_type(self) -> &'static str {
        match self {
            Form::Arrow => "application/vnd.apache.arrow.stream",
            Form::Ndjson => "application/x-ndjson",
        }
    }
}

pub struct Done {
    pub rows: usize,
    pub took: Duration,
}

/// Writes `seconds` of the plant; bodies are encoded before the clock starts.
pub async fn run(server: &Server, streams: &[StreamId], form: Form, seconds: usize) -> Result<Done> {
    // Each form has days of its own, so that neither overwrites the other.
    let start = signals::START + if form == Form::Ndjson { 86_400_000_000 * 30 } else { 0 };
    let bodies: Vec<Bytes> = (0..seconds)
        .step_by(BATCH_SECONDS)
        .map(|from| {
            let batch = from..seconds.min(from + BATCH_SECONDS);
            let rows: Vec<Row> = batch.flat_map(|s| signals::second(streams, start, s)).collect();
            encode(form, &rows)
        })
        .collect();
    let (bodies, next) = (Arc::new(bodies), Arc::new(AtomicUsize::new(0)));
    let started = Instant::now();
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let url = format!("http://{}/ingest", server.address);
            let request = server.client.post(url).header("X-API-Key", &server.key);
            let request = request.header("Content-Type", form.media_type());
            let (bodies, next) = (bodies.clone(), next.clone());
            tokio::spawn(async move {
                while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let request = request.try_clone().expect("a request without body can be cloned");
                    let answer = request.body(body.clone()).send().await.map_err(unanswered)?;
                    if !answer.status().is_success() {
                        return Err(refused(&answer.text().await.unwrap_or_default()));
                    }
                }
                Ok(())
            })
        })
        .collect();
    for writer in writers {
        writer.await.map_err(|e| Error::internal("a writer ended early").because(e))??;
    }
    Ok(Done { rows: seconds * streams.len(), took: started.elapsed() })
}

fn encode(form: Form, rows: &[Row]) -> Bytes {
    if form == Form::Ndjson {
        return signals::to_ndjson(rows).into();
    }
    let batch = signals::to_batch(rows);
    let encode = || -> std::result::Result<Vec<u8>, arrow::error::ArrowError> {
        let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
        writer.write(&batch)?;
        writer.finish()?;
        writer.into_inner()
    };
    encode().expect("plain columns are always encoded into memory").into()
}

fn unanswered(e: reqwest::Error) -> Error {
    Error::unavailable("the server does not answer").because(e)
}

fn refused(answer: &str) -> Error {
    Error::unavailable(format!("the server refused a batch: {answer}"))
}
