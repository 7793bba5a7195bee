//! A topic filter that was checked.

use std::fmt;

use super::topic;

/// A valid topic filter: levels divided by `/`, of which any may be `+` and the last one `#`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicFilter(Box<str>);

impl TopicFilter {
    /// Parses a filter.
    ///
    /// # Errors
    /// Says what is wrong. Shared subscriptions (`$share/`) are none: their messages have other topics.
    pub fn parse(text: &str) -> Result<TopicFilter, &'static str> {
        if text.split('/').next() == Some(topic::SHARED) {
            return Err("shared subscriptions are not supported");
        }
        match topic::filter_problem(text) {
            Some(problem) => Err(problem),
            None => Ok(TopicFilter(text.into())),
        }
    }

    /// The filter as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether more than one topic can match.
    pub fn has_wildcard(&self) -> bool {
        topic::has_wildcards(&self.0)
    }

    /// Whether messages of this topic are meant.
    pub fn matches(&self, topic: &str) -> bool {
        topic::matches(&self.0, topic)
    }
}

impl fmt::Display for TopicFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::mqtt::topic::MAX_TOPIC_BYTES;

    #[test]
    fn filters_have_wildcards_as_levels_of_their_own() {
        let long = "a".repeat(MAX_TOPIC_BYTES + 1);
        for (text, wrong) in [
            ("a", None),
            ("a/b", None),
            ("/", None),
            ("a/", None),
            ("+", None),
            ("#", None),
            ("+/a/+/#", None),
            ("$SYS/#", None),
            ("", Some("it is empty")),
            ("a/#/b", Some("`#` must be the last level")),
            ("a#", Some("`#` must be a level of its own")),
            ("a/b+", Some("`+` must be a level of its own")),
            ("a\0", Some("it contains the character U+0000")),
            ("$share/g/a", Some("shared subscriptions are not supported")),
            (&*long, Some("it has more than 65535 bytes")),
        ] {
            assert_eq!(TopicFilter::parse(text).err(), wrong, "{text:.20}");
        }
    }

    proptest! {
        #[test]
        fn a_filter_without_wildcards_matches_its_own_topic_alone(topic in "[a-c$/]{1,8}", other in "[a-c$/]{1,8}") {
            if let Ok(filter) = TopicFilter::parse(&topic) {
                prop_assert!(filter.matches(&topic));
                prop_assert_eq!(filter.matches(&other), topic == other);
            }
        }

        #[test]
        fn no_text_is_too_strange(filter in any::<String>(), topic in any::<String>()) {
            if let Ok(filter) = TopicFilter::parse(&filter) {
                filter.matches(&topic);
            }
        }
    }
}
