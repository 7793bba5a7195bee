//! The requests that are timed, with their targets and what their responses must have.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::clients::VendorClient;
use crate::cli::bench::http::{HttpConnection, HttpRequest};
use crate::domain::{Error, Result};

/// Messages on a page of OpenSynaptic.
const PACKETS: usize = 50;
/// Messages on a page of the Instathings cloud, unless the caller says otherwise.
const PER_PAGE: u64 = 10;
const DEEP_PAGE: u64 = 1000;
/// Rows of a batch update.
const UPDATE_ROWS: usize = 10_000;
const JSON: &str = "application/json";

/// A request that is timed.
pub struct VendorRequest {
    pub name: &'static str,
    /// Target of the p50, milliseconds.
    pub target_ms: Option<f64>,
    /// Whether it is timed again while values are written.
    pub is_repeated_beside_writer: bool,
    pub encode: fn(&VendorClient, usize) -> HttpRequest,
    pub check: fn(&[u8]) -> Result<Answer>,
}

/// Content of a response.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// Everything that was asked for, with the total of the list.
    Whole(String),
    /// The plant is too small for the request.
    NotThere(String),
}

/// All timed requests, in the order in which they are run and reported.
pub static REQUESTS: [VendorRequest; 6] = [
    VendorRequest {
        name: "OpenSynaptic packets?limit=50",
        target_ms: Some(20.0),
        is_repeated_beside_writer: true,
        encode: |client, _| HttpRequest::get_with(&client.native, "/api/data/packets?limit=50"),
        check: |body| page(body, "packets", "total", PACKETS),
    },
    VendorRequest {
        name: "OpenSynaptic devices",
        target_ms: Some(20.0),
        is_repeated_beside_writer: true,
        encode: |client, _| HttpRequest::get_with(&client.native, "/api/data/devices"),
        check: |body| page(body, "devices", "total", 1),
    },
    VendorRequest {
        name: "Instathings data?page=1",
        target_ms: Some(20.0),
        is_repeated_beside_writer: true,
        encode: |client, round| data_page(client, round, 1),
        check: |body| page(body, "data", "totalItems", PER_PAGE as usize),
    },
    VendorRequest {
        name: "Instathings data?page=1000",
        target_ms: Some(100.0),
        is_repeated_beside_writer: false,
        encode: |client, round| data_page(client, round, DEEP_PAGE),
        check: deep_page,
    },
    VendorRequest {
        name: "Blynk datastreams of a device",
        target_ms: Some(1.0),
        is_repeated_beside_writer: false,
        encode: |client, round| {
            let device = client.device(round);
            let path = format!("/api/v2/organization/device/datastreams?deviceId={device}");
            HttpRequest::get_with(&client.blynk, &path)
        },
        check: datastreams,
    },
    VendorRequest {
        name: "Blynk batch-update of 10,000 rows",
        target_ms: Some(50.0),
        is_repeated_beside_writer: false,
        encode: batch_update,
        check: updated,
    },
];

impl VendorRequest {
    /// Sends the request; returns the time until its body is here, and what is in it.
    pub fn send(
        &self,
        client: &VendorClient,
        to: &mut HttpConnection,
        round: usize,
    ) -> Result<(Duration, Answer)> {
        let encoded = (self.encode)(client, round);
        let started = Instant::now();
        let body = to.send(&encoded)?;
        let took = started.elapsed();
        Ok((took, (self.check)(&body)?))
    }
}

fn data_page(client: &VendorClient, round: usize, page: u64) -> HttpRequest {
    let path = format!("/device/v1/devices/{}/data?page={page}", client.key(round));
    HttpRequest::get_with(&client.instathings, &path)
}

/// Each row sets one datastream of a device, another one of it where there are more rows than devices.
fn batch_update(client: &VendorClient, round: usize) -> HttpRequest {
    let labels = (0..client.streams_each).map(|i| Value::from(format!("signal_{i}")));
    let fields: Vec<Value> = std::iter::once(Value::from("deviceId")).chain(labels).collect();
    let row = |row: usize| {
        let mut cells = vec![Value::Null; client.streams_each + 1];
        cells[0] = client.devices[row % client.devices.len()].into();
        cells[1 + row / client.devices.len() % client.streams_each] = (round + row).into();
        Value::Array(cells)
    };
    let updates: Vec<Value> = (0..UPDATE_ROWS).map(row).collect();
    let body = json!({"fields": fields, "updates": updates}).to_string();
    let path = "/api/v1/organization/product/devices/batch-update";
    HttpRequest::post_with(&client.blynk, path, JSON, &body)
}

fn parse(body: &[u8]) -> Result<Value> {
    serde_json::from_slice(body).map_err(|e| Error::internal("an answer is not JSON").with_source(e))
}

/// Checks that a list has its first page, with at least `rows` rows unless there are fewer in all.
fn page(body: &[u8], list: &str, total: &str, rows: usize) -> Result<Answer> {
    let answer = parse(body)?;
    let (found, total) = (answer[list].as_array().map_or(0, Vec::len), answer[total].as_u64());
    let total = total.ok_or_else(|| Error::internal(format!("an answer has no total: {answer}")))?;
    let wanted = rows.min(usize::try_from(total).unwrap_or(usize::MAX));
    if found == 0 || found < wanted {
        return Err(Error::internal(format!("an answer has {found} rows of `{list}` of {total}")));
    }
    Ok(Answer::Whole(total.to_string()))
}

fn deep_page(body: &[u8]) -> Result<Answer> {
    let answer = parse(body)?;
    let total = answer["totalItems"].as_u64().unwrap_or_default();
    let before = (DEEP_PAGE - 1) * PER_PAGE;
    if total <= before {
        return Ok(Answer::NotThere(format!("{total}: page {DEEP_PAGE} begins after {before}")));
    }
    page(body, "data", "totalItems", 1)
}

fn datastreams(body: &[u8]) -> Result<Answer> {
    let answer = parse(body)?;
    let streams = answer.as_array().map_or(&[][..], Vec::as_slice);
    if streams.is_empty() || streams.iter().any(|stream| !stream["value"].is_number()) {
        return Err(Error::internal(format!("a device without values: {answer}")));
    }
    Ok(Answer::Whole(streams.len().to_string()))
}

/// Every row was applied if there is no body.
fn updated(body: &[u8]) -> Result<Answer> {
    match body {
        [] => Ok(Answer::Whole(UPDATE_ROWS.to_string())),
        body => Err(Error::internal(format!("rows were skipped: {}", String::from_utf8_lossy(body)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plant_that_is_too_small_for_a_page_says_so() {
        let deep = |total: u64, data: &str| {
            deep_page(format!(r#"{{"totalItems":{total},"data":{data}}}"#).as_bytes())
        };
        assert_eq!(
            deep(9990, "[]").unwrap(),
            Answer::NotThere("9990: page 1000 begins after 9990".to_owned())
        );
        assert_eq!(deep(9991, "[{}]").unwrap(), Answer::Whole("9991".to_owned()));
        assert!(deep(9991, "[]").is_err());
    }

    #[test]
    fn pages_are_full_unless_there_is_less() {
        let packets = |total: u64, rows: usize| {
            let body = json!({"packets": vec![json!({}); rows], "total": total}).to_string();
            page(body.as_bytes(), "packets", "total", PACKETS)
        };
        assert_eq!(packets(70, 50).unwrap(), Answer::Whole("70".to_owned()));
        assert_eq!(packets(7, 7).unwrap(), Answer::Whole("7".to_owned()));
        assert!(packets(70, 49).is_err() && packets(0, 0).is_err());
        assert!(page(b"{}", "packets", "total", PACKETS).is_err());
    }
}
