//! Query parameters: an empty one is absent, a repeated one counts as its last, mistakes are told by its name.

use std::borrow::Cow;
use std::str::FromStr;

use url::form_urlencoded;

use super::scalar;
use crate::app::range::Range;
use crate::domain::page::Page;
use crate::domain::{Error, FieldError, Micros, Result};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: i128 = 10_000;

/// The parameters of a request and the mistakes found in them so far.
#[derive(Debug, Default)]
pub struct Query<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    wrong: Vec<FieldError>,
}

impl<'a> Query<'a> {
    pub fn parse(raw: Option<&'a str>) -> Self {
        let pairs = form_urlencoded::parse(raw.unwrap_or_default().as_bytes()).collect();
        Self { pairs, wrong: Vec::new() }
    }

    /// Parameters that do not come from a URL.
    pub fn of<const N: usize>(given: [(&'a str, Option<&'a str>); N]) -> Self {
        let pairs = given.into_iter().filter_map(|(name, text)| Some((name.into(), text?.into())));
        Self { pairs: pairs.collect(), wrong: Vec::new() }
    }

    /// A parameter as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        let given = self.pairs.iter().rev().find(|(key, _)| key == name)?;
        Some(given.1.as_ref()).filter(|text| !text.is_empty())
    }

    /// A row id to filter by. An integer that no row can have matches none: it reads as 0.
    pub fn row(&mut self, name: &'static str) -> Option<i32> {
        self.read(name, |text| {
            let number = scalar::whole_text(text).ok_or_else(|| scalar::INTEGER.to_owned())?;
            Ok(i32::try_from(number).unwrap_or(0))
        })
    }

    pub fn boolean(&mut self, name: &'static str) -> Option<bool> {
        self.read(name, |text| scalar::boolean(text.into()))
    }

    /// One of a closed set of words.
    pub fn choice<T: FromStr>(&mut self, name: &'static str) -> Option<T> {
        self.read(name, |text| text.parse().map_err(|_| scalar::not_a_choice(text)))
    }

    /// `limit` and `offset` of a list without a time range.
    pub fn page(&mut self) -> Page {
        let limit = self.limit().unwrap_or(DEFAULT_LIMIT);
        Page { offset: self.offset(), limit }
    }

    /// `from`, `to`, `limit` and `offset`: with a bound in time there is no default limit.
    pub fn range(&mut self) -> Range {
        let (from, to) = (self.timestamp("from"), self.timestamp("to"));
        let range = Range { from, to, offset: self.offset(), limit: self.limit() };
        if range.is_bounded() { range } else { Range { limit: range.limit.or(Some(DEFAULT_LIMIT)), ..range } }
    }

    /// Passes, or fails with every mistake found.
    pub fn finish(self) -> Result<()> {
        Error::check(self.wrong)
    }

    fn limit(&mut self) -> Option<usize> {
        self.integer("limit", 1..=MAX_LIMIT)
    }

    fn offset(&mut self) -> usize {
        self.integer("offset", 0..=i128::MAX).unwrap_or_default()
    }

    fn integer(&mut self, name: &'static str, range: std::ops::RangeInclusive<i128>) -> Option<usize> {
        self.read(name, |text| {
            let number = scalar::whole_text(text).ok_or_else(|| scalar::INTEGER.to_owned())?;
            // Past the end is past the end, however far.
            Ok(usize::try_from(scalar::within(number, range)?).unwrap_or(usize::MAX))
        })
    }

    fn timestamp(&mut self, name: &'static str) -> Option<Micros> {
        self.read(name, |text| {
            // A `+` that was not percent-encoded arrives as a blank; after a `T` it can only be that of an offset.
            let text = if text.contains(['T', 't']) { text.replace(' ', "+") } else { text.to_owned() };
            Micros::parse(&text).ok_or_else(|| scalar::DATETIME.to_owned())
        })
    }

    /// A parameter as `read` understands it; `None` when it is absent or wrong.
    pub fn read<T>(&mut self, name: &'static str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let result = read(self.text(name)?);
        result.map_err(|message| self.wrong.push(FieldError::new(name, message))).ok()
    }
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
