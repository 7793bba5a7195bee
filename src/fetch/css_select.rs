//! CSS selection in HTML pages, bounded in time, memory and results for any page and selector.
//!
//! The page is parsed chunk by chunk and matched element by element; the limits are checked in between.

use std::time::{Duration, Instant};

use html5ever::driver::{self, ParseOpts, Parser};
use html5ever::tendril::{StrTendril, TendrilSink};
use scraper::{ElementRef, Html, HtmlTreeSink, Selector};

use crate::domain::{Error, FieldError, Kind, Result};

/// Maximum length of a selector and of an attribute name, characters. Selectors nest, and matching recurses with
/// them.
const MAX_SELECTOR_CHARS: usize = 500;
const MAX_ATTR_CHARS: usize = 100;
/// Covers parsing and matching.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(3);
/// Maximum number of elements and texts of a page: some tens of MB in memory.
const MAX_PAGE_NODES: usize = 100_000;
/// Maximum depth of a page, as in browsers. Matching of `:has` recurses with it.
const MAX_PAGE_DEPTH: usize = 512;
const MAX_RESULTS: usize = 10_000;
/// Maximum size of all results together.
const MAX_RESULT_BYTES: usize = 2 * 1024 * 1024;
/// Bytes parsed between two checks of the limits.
const PARSE_CHUNK_BYTES: usize = 1024;

/// Selection from a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementQuery {
    /// A CSS selector.
    pub selector: String,
    /// The attribute to return of each element; `None` returns its text.
    pub attr: Option<String>,
}

impl ElementQuery {
    /// Problems that are known without a page.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        if parse(&self.selector).is_none() {
            found.push(invalid_selector());
        }
        if self.attr.as_ref().is_some_and(|attr| attr.chars().count() > MAX_ATTR_CHARS) {
            let message = format!("Ensure this field has no more than {MAX_ATTR_CHARS} characters.");
            found.push(FieldError::new("attr", message));
        }
        found
    }
}

/// Returns one result per matching element, in page order: its attribute (elements without it are left out), or its
/// trimmed text.
///
/// # Errors
/// `Invalid` naming `selector` when it is invalid or matches too much; `DeviceFault` for a page that is too large or too
/// deep to search; `Timeout`.
pub fn select_elements(page: &str, wanted: &ElementQuery) -> Result<Vec<String>> {
    let selector = parse(&wanted.selector).ok_or_else(|| Error::fields(vec![invalid_selector()]))?;
    let deadline = Instant::now() + SEARCH_TIMEOUT;
    let document = read(page, deadline)?;
    let mut results = Vec::new();
    let mut left = MAX_RESULT_BYTES;
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
        if is_too_long || results.len() == MAX_RESULTS {
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
        let (piece, behind) = rest.split_at(rest.floor_char_boundary(PARSE_CHUNK_BYTES));
        parser.process(StrTendril::from_slice(piece));
        rest = behind;
        check_time(deadline)?;
        if parser.tokenizer.sink.sink.0.borrow().tree.nodes().len() > MAX_PAGE_NODES {
            return Err(Error::new(Kind::DeviceFault, "The page is too large to be searched."));
        }
    }
    let document = parser.finish();
    if document.tree.root().descendants().any(|node| node.ancestors().nth(MAX_PAGE_DEPTH).is_some()) {
        return Err(Error::new(Kind::DeviceFault, "The page is nested too deeply to be searched."));
    }
    Ok(document)
}

/// The trimmed text of an element; `None` if longer than `most` bytes.
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
    if selector.chars().count() > MAX_SELECTOR_CHARS {
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
#[path = "css_select_tests.rs"]
mod tests;
