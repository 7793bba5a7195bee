//! Headers that a case may expect of an answer; a failure shows the request, the answer and all of its headers.

use super::Answer;
use super::answer::ShowBody;

impl<B: ShowBody> Answer<B> {
    /// The value of a header, which has to be there.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}"));
        value.to_str().unwrap_or_else(|e| panic!("{name}: {e}: {self:?}"))
    }

    /// Expects a header with exactly this value, and returns the answer.
    #[track_caller]
    pub fn with_header(self, name: &str, expected: &str) -> Answer<B> {
        assert_eq!(self.header(name), expected, "{name}: {self:?}");
        self
    }

    /// Expects headers of these names with any values, and returns the answer.
    #[track_caller]
    pub fn with_headers(self, names: &[&str]) -> Answer<B> {
        for name in names {
            self.header(name);
        }
        self
    }

    /// Expects no header of this name, and returns the answer.
    #[track_caller]
    pub fn without_header(self, name: &str) -> Answer<B> {
        assert!(!self.headers.contains_key(name), "{name} is there: {self:?}");
        self
    }

    /// The seconds after which the client may come again, as the header says.
    #[track_caller]
    pub fn retry_after(&self) -> u64 {
        self.header("retry-after").parse().unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}
