//! Query parameters. Of a repeated one the last counts, except in lists; an empty one is absent. A name that ends in `[]` or `[0]`,
//! as some clients write lists, is the name without it.

use std::collections::BTreeSet;

use url::form_urlencoded;

use super::parameter::{malformed, required, too_many};
use crate::app::blynk::history::{DatastreamKey, HistoryQuery};
use crate::domain::{DeviceId, Result};

/// Maximum ids of datastreams in a list.
const MAX_DATASTREAMS: usize = 100;
/// Maximum devices in a list.
const MAX_DEVICES: usize = 10;
/// Values on a page of history, unless the caller says otherwise, and at most.
const DEFAULT_PAGE_SIZE: i32 = 50;
const MAX_PAGE_SIZE: i32 = 1000;

/// The parameters of a request.
pub struct QueryFields(Vec<(String, String)>);

impl QueryFields {
    /// Parses the query of a URL, without its `?`. Values are checked when they are read, so this never fails.
    pub fn parse(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.is_empty());
        Self(pairs.map(|(name, value)| (without_index(&name).to_owned(), value.into_owned())).collect())
    }

    fn last(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn optional<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>> {
        let read = |text: &str| number(text).ok_or_else(|| malformed(name));
        self.last(name).map(read).transpose()
    }

    fn required<T: std::str::FromStr>(&self, name: &str) -> Result<T> {
        self.optional(name)?.ok_or_else(|| required(name))
    }

    /// Reads a list: the parameter repeated, or its values with commas between them. Each counts once, in the order of
    /// its first appearance.
    fn list(&self, name: &str) -> Result<Vec<i32>> {
        let (mut seen, mut ids) = (BTreeSet::new(), Vec::new());
        let texts = self.0.iter().filter(|(known, _)| known == name).flat_map(|(_, text)| text.split(','));
        for text in texts {
            let id = number(text).ok_or_else(|| malformed(name))?;
            if seen.insert(id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// Reads `deviceId`.
    pub fn device(&self) -> Result<DeviceId> {
        self.required("deviceId").map(DeviceId)
    }

    /// Reads `deviceIds`.
    pub fn devices(&self) -> Result<Vec<DeviceId>> {
        let ids = self.list("deviceIds")?;
        match ids.len() {
            0 => Err(required("deviceIds")),
            1..=MAX_DEVICES => Ok(ids.into_iter().map(DeviceId).collect()),
            _ => Err(too_many(MAX_DEVICES, "devices")),
        }
    }

    /// Reads `dataStreamIds`; `None` means all.
    pub fn datastreams(&self) -> Result<Option<BTreeSet<i32>>> {
        let ids = self.list("dataStreamIds")?;
        match ids.len() {
            0 => Ok(None),
            1..=MAX_DATASTREAMS => Ok(Some(ids.into_iter().collect())),
            _ => Err(too_many(MAX_DATASTREAMS, "data streams")),
        }
    }

    /// Reads the parameters of a history.
    pub fn history(&self) -> Result<HistoryQuery> {
        let device = self.device()?;
        let datastream = match (self.optional("dataStreamId")?, self.last("pin")) {
            (Some(id), _) => DatastreamKey::Id(id),
            (None, Some(text)) => DatastreamKey::Pin(pin(text).ok_or_else(|| malformed("pin"))?),
            (None, None) => return Err(required("dataStreamId")),
        };
        let (from_ms, to_ms) = (self.required::<i64>("from")?, self.required::<i64>("to")?);
        if from_ms > to_ms {
            return Err(malformed("from"));
        }
        let page = self.optional::<i32>("page")?.unwrap_or(0);
        let page = usize::try_from(page).map_err(|_| malformed("page"))?;
        let size = self.optional::<i32>("size")?.unwrap_or(DEFAULT_PAGE_SIZE);
        let size = Some(size).filter(|size| (1..=MAX_PAGE_SIZE).contains(size));
        let size = size.and_then(|size| usize::try_from(size).ok()).ok_or_else(|| malformed("size"))?;
        Ok(HistoryQuery { device, datastream, from_ms, to_ms, page, size })
    }
}

/// The name of a parameter without the index of a list.
fn without_index(name: &str) -> &str {
    let index = name.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
    match index {
        Some((plain, index)) if index.bytes().all(|byte| byte.is_ascii_digit()) => plain,
        _ => name,
    }
}

/// Reads a whole number without blanks and plus sign.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    if text.starts_with('+') { None } else { text.parse().ok() }
}

/// Reads `v10` or `10`.
fn pin(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['v', 'V']).unwrap_or(text);
    number(digits).filter(|pin| *pin >= 0)
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
