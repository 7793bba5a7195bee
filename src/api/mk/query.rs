//! Query parameters. Unknown ones are ignored, an empty one is absent, and of a repeated one the first counts.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use url::form_urlencoded;
use uuid::Uuid;

use super::problem::MkError;
use crate::app::App;
use crate::domain::time::MICROS_PER_DAY;
use crate::domain::{Error, Micros};

/// The parameters of a request.
#[derive(Debug, Clone, Default)]
pub struct Query(Vec<(String, String)>);

impl FromRequestParts<Arc<App>> for Query {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Self::Rejection> {
        Ok(Query::parse(parts.uri.query().unwrap_or_default()))
    }
}

impl Query {
    /// Reads a query string.
    pub fn parse(text: &str) -> Query {
        let pairs = form_urlencoded::parse(text.as_bytes()).into_owned();
        Query(pairs.filter(|(_, value)| !value.is_empty()).collect())
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Every value of a repeated parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn parse_with<T>(&self, name: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, MkError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        parse(text).map(Some).ok_or_else(|| MkError::invalid_parameter(name))
    }

    /// An id.
    pub fn uuid(&self, name: &str) -> Result<Option<Uuid>, MkError> {
        self.parse_with(name, |text| Uuid::try_parse(text).ok())
    }

    /// `true` or `false`.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, MkError> {
        self.parse_with(name, |text| text.to_ascii_lowercase().parse().ok())
    }

    /// A whole number within `least..=most`.
    pub fn integer(&self, name: &str, least: i64, most: i64) -> Result<Option<i64>, MkError> {
        self.parse_with(name, |text| text.parse().ok().filter(|number| (least..=most).contains(number)))
    }

    /// A time in ISO-8601. A plus sign that was not encoded arrives as a space.
    pub fn time(&self, name: &str) -> Result<Option<Micros>, MkError> {
        self.parse_with(name, |text| Micros::parse(&with_offset(text)).filter(|_| text.contains('-')))
    }

    /// One of a closed set, by its name.
    pub fn choice<T: Copy>(
        &self,
        name: &str,
        all: &[T],
        named: fn(T) -> &'static str,
    ) -> Result<Option<T>, MkError> {
        self.parse_with(name, |text| all.iter().copied().find(|one| named(*one) == text))
    }

    /// The range `[from, to)`: without `to` until `now`, without `from` the day before `to`.
    ///
    /// # Errors
    /// 400 when `from` is not before `to`.
    pub fn range(&self, now: Micros) -> Result<(Micros, Micros), MkError> {
        let to = self.time("to")?.unwrap_or(now);
        let from = self.time("from")?.unwrap_or(Micros(to.0.saturating_sub(MICROS_PER_DAY)));
        if from >= to {
            return Err(Error::invalid("Invalid value for parameter 'from'").into());
        }
        Ok((from, to))
    }
}

/// Puts the sign of a positive offset back, such as in `2026-04-28T12:00:00 02:00`, in each form that offsets have.
fn with_offset(text: &str) -> String {
    match text.rsplit_once(' ') {
        Some((time, offset)) if time.len() > 10 && matches!(offset.len(), 2 | 4 | 5) => {
            format!("{time}+{offset}")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_by_type() {
        let query =
            Query::parse("id=d1e2f3a4-e5f6-4890-abcd-ef1234567890&n=5&b=TRUE&e=&t=2026-04-28T12:00:00+02:00");
        assert!(query.uuid("id").unwrap().is_some());
        assert_eq!(query.integer("n", 1, 9).unwrap(), Some(5));
        assert_eq!(query.boolean("b").unwrap(), Some(true));
        assert_eq!((query.text("e"), query.text("absent")), (None, None));
        assert_eq!(query.time("t").unwrap().map(Micros::to_iso).as_deref(), Some("2026-04-28T10:00:00Z"));
        for name in ["n", "b", "t"] {
            assert!(query.uuid(name).is_err(), "{name}");
        }
        assert!(query.integer("n", 6, 9).is_err() && query.time("n").is_err());
    }

    #[test]
    fn a_plus_sign_that_was_not_encoded_is_one() {
        for offset in ["+02:00", "%2B02:00", "+0200", "%2B0200", "+02", "%2B02"] {
            let query = Query::parse(&format!("t=2026-04-28T12:00:00{offset}"));
            let found = query.time("t").unwrap().map(Micros::to_iso);
            assert_eq!(found.as_deref(), Some("2026-04-28T10:00:00Z"), "{offset}");
        }
        for text in ["2026-04-28+12:00", "2026-04-28+12:00:00"] {
            let found = Query::parse(&format!("t={text}")).time("t").unwrap().map(Micros::to_iso);
            assert_eq!(found.as_deref(), Some("2026-04-28T12:00:00Z"), "{text}: a space for T");
        }
    }

    #[test]
    fn a_range_is_a_day_unless_it_is_said() {
        let now = Micros::parse("2026-04-28T12:00:00Z").unwrap();
        let rows = [
            ("", Some(("2026-04-27T12:00:00Z", "2026-04-28T12:00:00Z"))),
            ("to=2026-04-02T00:00:00Z", Some(("2026-04-01T00:00:00Z", "2026-04-02T00:00:00Z"))),
            ("from=2026-04-28T11:00:00Z", Some(("2026-04-28T11:00:00Z", "2026-04-28T12:00:00Z"))),
            ("from=2026-04-28T12:00:00Z&to=2026-04-28T12:00:00Z", None),
            ("from=2026-04-29T12:00:00Z", None),
            ("from=yesterday", None),
        ];
        for (text, expected) in rows {
            let found = Query::parse(text).range(now).ok().map(|(from, to)| (from.to_iso(), to.to_iso()));
            let expected = expected.map(|(from, to)| (from.to_owned(), to.to_owned()));
            assert_eq!(found, expected, "{text}");
        }
    }
}
