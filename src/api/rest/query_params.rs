//! Query parameters: an empty one is absent, the last of repeated ones counts, errors are reported by name.

use std::borrow::Cow;
use std::str::FromStr;

use url::form_urlencoded;

use crate::app::fields::drf_scalar;
use crate::app::list_range::ListRange;
use crate::domain::pagination::Pagination;
use crate::domain::{Error, FieldError, Micros, Result};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: i128 = 10_000;

/// The parameters of a request and the errors found in them so far.
#[derive(Debug, Default)]
pub struct QueryParams<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    wrong: Vec<FieldError>,
}

impl<'a> QueryParams<'a> {
    /// Parses a percent-encoded query string; `None` has no parameters.
    pub fn parse(raw: Option<&'a str>) -> Self {
        let pairs = form_urlencoded::parse(raw.unwrap_or_default().as_bytes()).collect();
        Self { pairs, wrong: Vec::new() }
    }

    /// Returns a parameter as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        let pair = self.pairs.iter().rev().find(|(key, _)| key == name)?;
        Some(pair.1.as_ref()).filter(|text| !text.is_empty())
    }

    /// Reads a row id to filter by. An integer that no row can have reads as 0, which matches none.
    pub fn row_id(&mut self, name: &'static str) -> Option<i32> {
        self.read(name, |text| {
            let number = drf_scalar::whole_text(text).ok_or_else(|| drf_scalar::INTEGER.to_owned())?;
            Ok(i32::try_from(number).unwrap_or(0))
        })
    }

    /// Reads a boolean in the spellings that Django REST framework accepts.
    pub fn boolean(&mut self, name: &'static str) -> Option<bool> {
        self.read(name, |text| drf_scalar::boolean(text.into()))
    }

    /// Reads one of a closed set of words.
    pub fn choice<T: FromStr>(&mut self, name: &'static str) -> Option<T> {
        self.read(name, |text| text.parse().map_err(|_| drf_scalar::not_a_choice(text)))
    }

    /// Reads `limit` and `offset` of a list without a time range: REST has this pagination, and no cursor.
    pub fn page(&mut self) -> Pagination {
        let limit = self.limit().unwrap_or(DEFAULT_LIMIT);
        Pagination { offset: self.offset(), limit }
    }

    /// Reads `from` and `to`.
    pub fn bounds(&mut self) -> (Option<Micros>, Option<Micros>) {
        (self.timestamp("from"), self.timestamp("to"))
    }

    /// Reads `from`, `to`, `limit` and `offset`; with `from` or `to` there is no default limit.
    pub fn range(&mut self) -> ListRange {
        let (from, to) = self.bounds();
        let range = ListRange { from, to, offset: self.offset(), limit: self.limit() };
        if range.is_bounded() {
            range
        } else {
            ListRange { limit: range.limit.or(Some(DEFAULT_LIMIT)), ..range }
        }
    }

    /// Fails with all errors found, if any.
    pub fn finish(self) -> Result<()> {
        Error::check(self.wrong)
    }

    /// Returns all errors found, in the order of reading.
    pub fn into_errors(self) -> Vec<FieldError> {
        self.wrong
    }

    fn limit(&mut self) -> Option<usize> {
        self.integer("limit", 1..=MAX_LIMIT)
    }

    fn offset(&mut self) -> usize {
        self.integer("offset", 0..=i128::MAX).unwrap_or_default()
    }

    fn integer(&mut self, name: &'static str, range: std::ops::RangeInclusive<i128>) -> Option<usize> {
        self.read(name, |text| {
            let number = drf_scalar::whole_text(text).ok_or_else(|| drf_scalar::INTEGER.to_owned())?;
            // An offset too large for `usize` is past the end anyway.
            Ok(usize::try_from(drf_scalar::within(number, range)?).unwrap_or(usize::MAX))
        })
    }

    fn timestamp(&mut self, name: &'static str) -> Option<Micros> {
        self.read(name, |text| {
            // A `+` that was not percent-encoded arrives as a space; after a `T` it can only begin a UTC offset.
            let text = if text.contains(['T', 't']) { text.replace(' ', "+") } else { text.to_owned() };
            Micros::parse(&text).ok_or_else(|| drf_scalar::DATETIME.to_owned())
        })
    }

    /// Reads a parameter with `read`; `None` when it is absent or invalid.
    pub fn read<T>(&mut self, name: &'static str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let result = read(self.text(name)?);
        result.map_err(|message| self.wrong.push(FieldError::new(name, message))).ok()
    }
}

#[cfg(test)]
#[path = "query_params_tests.rs"]
mod tests;
