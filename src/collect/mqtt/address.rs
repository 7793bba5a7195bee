//! Stream addresses at a broker: a topic filter and, after `#`, a JSON pointer into the payload. Pure.

use std::fmt;
use std::str::FromStr;

use crate::domain::http_request::check_json_pointer;
use crate::domain::mqtt::filter::TopicFilter;

/// Form of an address, for error messages.
pub const FORM: &str =
    "Write TOPIC or TOPIC#POINTER, for example line/1/temp, line/+/temp#/value or line/##/value.";

/// Which messages hold the values of a stream, and where.
///
/// `#` at the start of a level is the wildcard of all further levels; any other one begins the pointer. So the pointer
/// after that wildcard needs a second `#`, and a topic that ends with `/` can have no pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPath {
    /// Topics whose messages are read.
    pub filter: TopicFilter,
    /// JSON pointer (RFC 6901) into the payload; `None` where the payload itself is the value.
    pub pointer: Option<Box<str>>,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}. {FORM}")]
pub struct InvalidTopicPath {
    why: String,
}

impl TopicPath {
    /// The one topic that a write publishes to; `None` when there are several, and when the value is only a part of a
    /// document of which the rest is unknown.
    pub fn written_topic(&self) -> Option<&str> {
        (self.pointer.is_none() && !self.filter.has_wildcard()).then_some(self.filter.as_str())
    }
}

impl FromStr for TopicPath {
    type Err = InvalidTopicPath;

    fn from_str(text: &str) -> Result<TopicPath, InvalidTopicPath> {
        let (filter, pointer) = split(text).map_err(|why| InvalidTopicPath { why: why.to_owned() })?;
        let filter = TopicFilter::parse(filter)
            .map_err(|why| InvalidTopicPath { why: format!("`{filter}` is no topic filter: {why}") })?;
        if let Some(pointer) = pointer {
            check_json_pointer(pointer)
                .map_err(|_| InvalidTopicPath { why: format!("`{pointer}` is no JSON pointer") })?;
        }
        Ok(TopicPath { filter, pointer: pointer.map(Box::from) })
    }
}

impl fmt::Display for TopicPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.filter.fmt(f)?;
        self.pointer.as_ref().map_or(Ok(()), |pointer| write!(f, "#{pointer}"))
    }
}

fn split(text: &str) -> Result<(&str, Option<&str>), &'static str> {
    let Some(at) = text.find('#') else { return Ok((text, None)) };
    let (before, from) = text.split_at(at);
    if !before.is_empty() && !before.ends_with('/') {
        return Ok((before, from.strip_prefix('#')));
    }
    let (filter, rest) = text.split_at(at + 1);
    match rest.strip_prefix('#') {
        None if rest.is_empty() => Ok((filter, None)),
        None => Err("After the wildcard `#` only a second `#` and the pointer may follow"),
        pointer => Ok((filter, pointer)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_a_filter_and_a_pointer() {
        for (text, filter, pointer) in [
            ("line/1/temp", "line/1/temp", None),
            ("line/+/temp#/value", "line/+/temp", Some("/value")),
            ("line/#", "line/#", None),
            ("#", "#", None),
            ("line/##/value", "line/#", Some("/value")),
            ("##", "#", Some("")),
            ("a#", "a", Some("")),
            ("a#/b#/c", "a", Some("/b#/c")),
            ("a b/ä#/x~1y/0", "a b/ä", Some("/x~1y/0")),
        ] {
            let path: TopicPath = text.parse().unwrap();
            assert_eq!((path.filter.as_str(), path.pointer.as_deref()), (filter, pointer), "{text}");
            assert_eq!(path.to_string(), text);
        }
        for (text, why) in [
            ("", "`` is no topic filter: it is empty"),
            ("#/value", "After the wildcard"),
            ("a/#/b", "After the wildcard"),
            ("a+#/b", "`+` must be a level of its own"),
            ("a#b", "`b` is no JSON pointer"),
        ] {
            let error = text.parse::<TopicPath>().unwrap_err().to_string();
            assert!(error.contains(why) && error.ends_with(FORM), "{text}: {error}");
        }
    }

    #[test]
    fn a_write_needs_one_topic_and_the_whole_payload() {
        for (text, topic) in [
            ("valve/set", Some("valve/set")),
            ("valve/+", None),
            ("valve/#", None),
            ("valve/set#/value", None),
        ] {
            assert_eq!(text.parse::<TopicPath>().unwrap().written_topic(), topic, "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_address_is_written_as_it_is_read(text in "[a/+#~01é]{0,12}") {
            if let Ok(path) = text.parse::<TopicPath>() {
                prop_assert_eq!(path.to_string(), text);
            }
        }
    }
}
