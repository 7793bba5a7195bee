//! Query of `GET /device/v1/devices/{id}/data`, and ranges of times in milliseconds.

use serde_json::Value;
use url::form_urlencoded;

use super::mistakes::{Location, Mistakes};
use crate::api::error::InstathingsError;
use crate::api::instathings::number::whole_number;
use crate::domain::Micros;

/// Messages on a page unless the caller says otherwise, and at most.
const DEFAULT_PER_PAGE: i64 = 10;
const MAX_PER_PAGE: i64 = 100;

/// The parameters of a query. An empty one is absent, and the last of repeated ones counts.
pub struct DataParameters {
    given: Vec<(String, String)>,
    pub mistakes: Mistakes,
}

/// A page of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataQuery {
    pub from: Option<Micros>,
    /// Inclusive: the whole of its millisecond.
    pub to: Option<Micros>,
    pub offset: u64,
    /// From 1 to 100.
    pub limit: usize,
}

impl DataParameters {
    /// Parses the query of a URL, without its `?`. Mistakes are collected when the parameters are read.
    pub fn parse(query: &str) -> Self {
        let pairs =
            form_urlencoded::parse(query.as_bytes()).into_owned().filter(|(_, value)| !value.is_empty());
        DataParameters { given: pairs.collect(), mistakes: Mistakes::default() }
    }

    /// Returns a parameter as it was given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.given.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Reads a whole number that is not below `least`.
    pub fn integer(&mut self, name: &str, least: i64) -> Option<i64> {
        let text = self.text(name)?.to_owned();
        let number = whole_number(&text).filter(|number| *number >= least);
        if number.is_none() {
            self.mistakes.add(Location::Query, name, Some(Value::from(text)));
        }
        number
    }

    /// Reads the bounds of a range, both inclusive; they are in milliseconds.
    pub fn range(&mut self) -> (Option<Micros>, Option<Micros>) {
        let from = self.integer("start", i64::MIN).map(|ms| Micros(ms.saturating_mul(1000)));
        let to = self.integer("end", i64::MIN);
        // Times are shown in milliseconds, so the last one is included as a whole.
        (from, to.map(|ms| Micros(ms.saturating_mul(1000).saturating_add(999))))
    }
}

/// Reads the query.
///
/// # Errors
/// 400 with every mistake.
pub fn parse(query: &str) -> Result<DataQuery, InstathingsError> {
    let mut members = DataParameters::parse(query);
    let (from, to) = members.range();
    let page = members.integer("page", 1).unwrap_or(1);
    let per_page = members.integer("perPage", 1).unwrap_or(DEFAULT_PER_PAGE).min(MAX_PER_PAGE);
    members.mistakes.check()?;
    let offset = (page - 1).saturating_mul(per_page).unsigned_abs();
    Ok(DataQuery { from, to, offset, limit: usize::try_from(per_page).unwrap_or(1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_ranges_have_defaults_and_bounds() {
        let rows = [
            ("", Some((None, None, 0, 10))),
            ("page=&perPage=&start=&end=", Some((None, None, 0, 10))),
            ("page=3&perPage=7", Some((None, None, 14, 7))),
            ("perPage=100", Some((None, None, 0, 100))),
            ("perPage=101&page=2", Some((None, None, 100, 100))),
            ("page=1&page=2", Some((None, None, 10, 10))),
            ("page=99999999999999999999", Some((None, None, i64::MAX as u64, 10))),
            ("start=1&end=1", Some((Some(1000), Some(1999), 0, 10))),
            ("start=-5", Some((Some(-5000), None, 0, 10))),
            ("page=0", None),
            ("page=-1", None),
            ("page=1.5", None),
            ("perPage=0", None),
            ("perPage=x", None),
            ("start=now", None),
            ("end=1e3", None),
        ];
        for (query, expected) in rows {
            let expected =
                expected.map(|(from, to, offset, limit): (Option<i64>, Option<i64>, u64, usize)| DataQuery {
                    from: from.map(Micros),
                    to: to.map(Micros),
                    offset,
                    limit,
                });
            assert_eq!(parse(query).ok(), expected, "{query}");
        }
    }
}
