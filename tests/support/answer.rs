//! Answers of a server, and what a case may expect of them; a failure shows the request and the answer.

use std::fmt::{Debug, Display, Formatter, Result};
use std::ops::Index;

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::json::{column, has_members};

/// The answer to a request. Its body is JSON as itself, other text as a string and nothing as null; or as it came.
#[derive(Clone)]
pub struct Answer<B = Value> {
    /// Method, path and body, and what else the case says of the request.
    pub request: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: B,
}

/// A body that messages can show.
pub trait ShowBody {
    fn show(&self) -> String;
}

impl ShowBody for Value {
    fn show(&self) -> String {
        self.to_string()
    }
}

impl ShowBody for Vec<u8> {
    fn show(&self) -> String {
        String::from_utf8_lossy(self).into_owned()
    }
}

impl ShowBody for String {
    fn show(&self) -> String {
        self.clone()
    }
}

impl<B: ShowBody> Answer<B> {
    /// Has messages say this as well, such as the name of a row.
    pub fn about(mut self, what: &(impl Display + ?Sized)) -> Answer<B> {
        self.request = format!("{what}: {}", self.request);
        self
    }

    /// The body of an answer with status 200.
    #[track_caller]
    pub fn ok(self) -> B {
        self.expect(200)
    }

    /// The body of an answer with status 201.
    #[track_caller]
    pub fn created(self) -> B {
        self.expect(201)
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> B {
        self.expect_one_of(&[status])
    }

    /// The body of an answer with one of these statuses.
    #[track_caller]
    pub fn expect_one_of(self, statuses: &[u16]) -> B {
        assert!(statuses.contains(&self.status), "{self}\n  expected {statuses:?}");
        self.body
    }

    /// Expects exactly this body, and returns it.
    #[track_caller]
    pub fn is(self, status: u16, expected: &B) -> B
    where
        B: PartialEq,
    {
        let is_same = self.status == status && self.body == *expected;
        assert!(is_same, "{self}\n  expected {status} {}", expected.show());
        self.body
    }

    /// Expects a text somewhere in the body, and returns the body.
    #[track_caller]
    pub fn refused(self, status: u16, text: &str) -> B {
        assert!(
            self.status == status && self.body.show().contains(text),
            "{self}\n  expected {status} {text}"
        );
        self.body
    }

    /// Status and body.
    pub fn outcome(self) -> (u16, B) {
        (self.status, self.body)
    }

    /// Status, headers and body.
    pub fn into_parts(self) -> (u16, HeaderMap, B) {
        (self.status, self.headers, self.body)
    }

    /// Converts the body; the rest of the answer stays.
    pub fn map<T>(self, convert: impl FnOnce(B) -> T) -> Answer<T> {
        let Answer { request, status, headers, body } = self;
        Answer { request, status, headers, body: convert(body) }
    }
}

impl Answer {
    /// Expects these members of the body, which may have others: names, or JSON pointers as `/errors/0/param`. Null is also
    /// what is absent. Returns the body.
    #[track_caller]
    pub fn has(self, status: u16, expected: Value) -> Value {
        let is_same = self.status == status && has_members(&self.body, &expected);
        assert!(is_same, "{self}\n  expected {status} {expected}");
        self.body
    }

    /// A member of every row of the list that an answer with status 200 shows.
    #[track_caller]
    pub fn column(self, name: &str) -> Vec<Value> {
        column(&self.ok(), name)
    }

    /// The number of the row that the answer shows.
    #[track_caller]
    pub fn id(&self) -> i64 {
        self.body["id"].as_i64().unwrap_or_else(|| panic!("no id: {self}"))
    }
}

impl<B: ShowBody> Display for Answer<B> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}\n  got      {} {}", self.request, self.status, self.body.show())
    }
}

impl<B: ShowBody> Debug for Answer<B> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{self}\n  {:?}", self.headers)
    }
}

impl Index<&str> for Answer {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        &self.body[name]
    }
}

impl Index<usize> for Answer {
    type Output = Value;

    fn index(&self, place: usize) -> &Value {
        &self.body[place]
    }
}
