//! A writer of single values at a steady rate, for measurements of those who follow them.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};

use super::server::BenchServer;
use crate::domain::{Error, Micros, Result, StreamId};

/// Writes per second, between which the values are divided.
const WRITES_PER_SECOND: usize = 20;

/// Writes values one after the other to streams in turn, each with a time of its own.
pub struct RatedWriter<'a> {
    server: &'a BenchServer,
    streams: &'a [StreamId],
    /// Values per second.
    rate: usize,
    /// Time of the value before the first, microseconds.
    start: i64,
    written: usize,
}

impl<'a> RatedWriter<'a> {
    /// Creates a writer of `rate` values per second, whose first value is one microsecond after `start`.
    pub fn new(server: &'a BenchServer, streams: &'a [StreamId], rate: usize, start: i64) -> RatedWriter<'a> {
        RatedWriter { server, streams, rate, start, written: 0 }
    }

    /// Returns the number of values that `write` writes in this time.
    pub fn count(&self, time: Duration) -> usize {
        self.rate.div_ceil(WRITES_PER_SECOND) * WRITES_PER_SECOND * time.as_secs() as usize
    }

    /// Writes at a steady rate. Each value is the time at which it is sent, in microseconds since `begun`.
    pub async fn write(&mut self, time: Duration, begun: Instant) -> Result<()> {
        let each = self.rate.div_ceil(WRITES_PER_SECOND);
        let mut ticks = interval(Duration::from_secs(1) / WRITES_PER_SECOND as u32);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for _ in 0..self.count(time) / each {
            ticks.tick().await;
            let sent = begun.elapsed().as_micros();
            let lines = (0..each).map(|_| {
                self.written += 1;
                let stream = self.streams[self.written % self.streams.len()];
                let ts = Micros(self.start + self.written as i64);
                json!({"stream_id": stream.0, "ts": ts.to_iso(), "value": sent as f64}).to_string() + "\n"
            });
            let body: String = lines.collect();
            self.send(body).await?;
        }
        Ok(())
    }

    async fn send(&self, body: String) -> Result<()> {
        let url = format!("http://{}/ingest", self.server.address);
        let request = self.server.client.post(url).header("X-API-Key", &self.server.key);
        let request = request.header("Content-Type", "application/x-ndjson").body(body);
        let answer = request.send().await.map_err(|e| Error::unavailable("a write failed").with_source(e))?;
        let status = answer.status();
        // Reads the whole response, so that the connection is reused.
        let text = answer.text().await.map_err(|e| Error::unavailable("a write failed").with_source(e))?;
        if status.is_success() {
            Ok(())
        } else {
            Err(Error::unavailable(format!("a write was refused: {text}")))
        }
    }
}
