//! Finding elements of a page by a CSS selector: bounded in time, memory and results, whatever page and selector are.
//!
//! The page is parsed a piece at a time and matched an element at a time, with a look at the limits between.

use std::time::{Duration, Instant};

use html5ever::driver::{self, ParseOpts, Parser};
use html5ever::tendril::{StrTendril, TendrilSink};
use scraper::{ElementRef, Html, HtmlTreeSink, Selector};

use crate::domain::{Error, FieldError, Kind, Result};

/// Longest selector and name of an attribute, characters. Selectors nest, and matching follows.
const LONGEST_SELECTOR: usize = 500;
const LONGEST_ATTR: usize = 100;
/// For parsing and matching together.
const TIME: Duration = Duration::from_secs(3);
/// Elements and texts of a page: some tens of MB in memory.
const MOST_NODES: usize = 100_000;
const MOST_RESULTS: usize = 10_000;
/// Of all results together.
const MOST_BYTES: usize = 2 * 1024 * 1024;
/// Bytes parsed between two looks at the limits.
const PIECE: usize = 1024;

/// What is to be found in a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// A CSS selector.
    pub selector: String,
    /// The attribute wanted of each element found; none is its text.
    pub attr: Option<String>,
}

impl Wanted {
    /// What is wrong with it before any page is seen.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        if parse(&self.selector).is_none() {
            found.push(invalid_selector());
        }
        if self.attr.as_ref().is_some_and(|attr| attr.chars().count() > LONGEST_ATTR) {
            let message = format!("Ensure this field has no more than {LONGEST_ATTR} characters.");
            found.push(FieldError::new("attr", message));
        }
        found
    }
}

/// One result for each element found, in the order of the page: its attribute (elements without it are left out), or its
/// text without the white space around it.
///
/// # Errors
/// `Invalid` naming `selector` when it is none or matches too much; `DeviceFault` for a page too large to search;
/// `Timeout`.
pub fn find(page: &str, wanted: &Wanted) -> Result<Vec<String>> {
    let selector = parse(&wanted.selector).ok_or_else(|| Error::fields(vec![invalid_selector()]))?;
    let deadline = Instant::now() + TIME;
    let document = read(page, deadline)?;
    let mut results = Vec::new();
    let mut left = MOST_BYTES;
    for element in document.tree.root().descendants().filter_map(ElementRef::wrap) {
        check_time(deadline)?;
        if !selector.matches(&element) {
            continue;
        }
        let result = match &wanted.attr {
            Some(attr) => element.attr(attr).filter(|value| value.len() <= left).map(str::to_owned),
            None => text(element, left),
        };
        let is_too_long = result.is_none() && wanted.attr.as_ref().is_none_or(|a| element.attr(a).is_some());
        if is_too_long || results.len() == MOST_RESULTS {
            return Err(Error::field("selector", "This selector matches too much of the page."));
        }
        left -= result.as_ref().map_or(0, String::len);
        results.extend(result);
    }
    Ok(results)
}

fn read(page: &str, deadline: Instant) -> Result<Html> {
    let sink = HtmlTreeSink::new(Html::new_document());
    let mut parser: Parser<HtmlTreeSink> = driver::parse_document(sink, ParseOpts::default());
    let mut rest = page;
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(rest.floor_char_boundary(PIECE));
        parser.process(StrTendril::from_slice(piece));
        rest = behind;
        check_time(deadline)?;
        if parser.tokenizer.sink.sink.0.borrow().tree.nodes().len() > MOST_NODES {
            return Err(Error::new(Kind::DeviceFault, "The page is too large to be searched."));
        }
    }
    Ok(parser.finish())
}

/// `None` past `most` bytes.
fn text(element: ElementRef<'_>, most: usize) -> Option<String> {
    let mut text = String::new();
    for piece in element.text() {
        if text.len() + piece.len() > most {
            return None;
        }
        text.push_str(piece);
    }
    Some(text.trim().to_owned())
}

fn parse(selector: &str) -> Option<Selector> {
    if selector.chars().count() > LONGEST_SELECTOR {
        return None;
    }
    Selector::parse(selector).ok()
}

fn check_time(deadline: Instant) -> Result<()> {
    if Instant::now() < deadline {
        return Ok(());
    }
    Err(Error::new(Kind::Timeout, "The page took too long to be searched."))
}

fn invalid_selector() -> FieldError {
    FieldError::new("selector", "Invalid CSS selector.")
}

#[cfg(test)]
#[path = "select_tests.rs"]
mod tests;
