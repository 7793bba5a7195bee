//! Bodies of other vendors' senders.

use std::fmt::Write;

use bytes::Bytes;
use reqwest::RequestBuilder;

use super::args::SenderFormat;
use super::generator::{GeneratedRow, SignalGenerator};
use crate::app::ingest::protobuf_writer::{write_bytes, write_varint};

impl SenderFormat {
    /// Name of the format in the report.
    pub fn name(self) -> &'static str {
        match self {
            SenderFormat::LineProtocol => "line protocol",
            SenderFormat::RemoteWrite => "remote write",
        }
    }

    /// Path and query of the server's own route.
    pub fn path(self) -> &'static str {
        match self {
            SenderFormat::LineProtocol => "/write?db=bench&precision=us",
            SenderFormat::RemoteWrite => "/api/v1/write",
        }
    }

    /// Adds the headers that a sender sends.
    pub fn with_headers(self, request: RequestBuilder) -> RequestBuilder {
        match self {
            SenderFormat::LineProtocol => request,
            SenderFormat::RemoteWrite => request
                .header("Content-Type", "application/x-protobuf")
                .header("Content-Encoding", "snappy")
                .header("X-Prometheus-Remote-Write-Version", "0.1.0"),
        }
    }

    /// Returns the signals that a sender of this format sends: Prometheus sends the samples of a series in order, and its
    /// times have milliseconds, in which late rows would replace others.
    pub fn signals(self) -> SignalGenerator {
        let signals = SignalGenerator::with_seed(0);
        match self {
            SenderFormat::LineProtocol => signals,
            SenderFormat::RemoteWrite => SignalGenerator { max_late_seconds: 0, ..signals },
        }
    }

    /// Encodes the rows of a request.
    pub fn encode(self, rows: impl Iterator<Item = GeneratedRow>) -> Bytes {
        match self {
            SenderFormat::LineProtocol => to_line_protocol(rows).into(),
            SenderFormat::RemoteWrite => to_remote_write(rows).into(),
        }
    }
}

/// Encodes rows as Telegraf's serializer does, with times in microseconds.
fn to_line_protocol(rows: impl Iterator<Item = GeneratedRow>) -> String {
    let mut out = String::new();
    for GeneratedRow { stream, ts, value } in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "signal,host=edge-{},sensor=s{stream} value={value} {ts}", stream % 10);
    }
    out
}

/// Encodes rows as Prometheus does: a message `WriteRequest` of 1.0 with a series of one sample for each row, as a block of
/// Snappy. Labels are sorted by their names.
fn to_remote_write(rows: impl Iterator<Item = GeneratedRow>) -> Vec<u8> {
    let mut request = Vec::new();
    for GeneratedRow { stream, ts, value } in rows {
        let (instance, sensor) = (format!("edge-{}:9100", stream % 10), format!("s{stream}"));
        let labels = [("__name__", "signal"), ("instance", &instance), ("job", "plant"), ("sensor", &sensor)];
        let mut series = Vec::with_capacity(128);
        for (name, text) in labels {
            let mut label = Vec::with_capacity(48);
            write_bytes(&mut label, 1, name.as_bytes());
            write_bytes(&mut label, 2, text.as_bytes());
            write_bytes(&mut series, 1, &label);
        }
        let mut sample = vec![1 << 3 | 1];
        sample.extend(value.to_le_bytes());
        sample.push(2 << 3);
        write_varint(&mut sample, (ts / 1000).unsigned_abs());
        write_bytes(&mut series, 2, &sample);
        write_bytes(&mut request, 1, &series);
    }
    snap::raw::Encoder::new().compress_vec(&request).expect("a request is far below the limit of 4 GiB")
}
