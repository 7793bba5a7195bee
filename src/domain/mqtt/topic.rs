//! Topic names and topic filters (MQTT 5.0, section 4.7): their grammar, and which filter matches which name.

/// Maximum length of a name or filter, bytes: it is a number of 16 bits on the wire.
pub const MAX_TOPIC_BYTES: usize = 65_535;
/// Maximum number of levels of a topic here. No topic of ours has more than a few.
const MAX_LEVELS: usize = 64;
/// First level of a shared subscription.
pub const SHARED: &str = "$share";

/// Returns what is wrong with a topic name; `None` when it is right.
pub fn name_problem(topic: &str) -> Option<&'static str> {
    if has_wildcards(topic) {
        return Some("a topic has no wildcards");
    }
    length_problem(topic)
}

/// Returns what is wrong with a topic filter; `None` when it is right.
pub fn filter_problem(filter: &str) -> Option<&'static str> {
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        match level {
            "#" if levels.peek().is_some() => return Some("`#` must be the last level"),
            "#" | "+" => {}
            level if level.contains('#') => return Some("`#` must be a level of its own"),
            level if level.contains('+') => return Some("`+` must be a level of its own"),
            _ => {}
        }
    }
    length_problem(filter)
}

fn length_problem(text: &str) -> Option<&'static str> {
    match text.len() {
        0 => Some("it is empty"),
        1..=MAX_TOPIC_BYTES if text.contains('\0') => Some("it contains the character U+0000"),
        1..=MAX_TOPIC_BYTES => None,
        _ => Some("it has more than 65535 bytes"),
    }
}

/// Whether a name or filter has more levels than this broker takes. Other brokers may take more.
pub fn has_too_many_levels(text: &str) -> bool {
    text.split('/').nth(MAX_LEVELS).is_some()
}

/// Whether a filter has wildcards.
pub fn has_wildcards(filter: &str) -> bool {
    filter.contains(['+', '#'])
}

/// Whether a filter matches a topic name. Both must be right by the functions above.
pub fn matches(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let (mut wanted, mut levels) = (filter.split('/'), topic.split('/'));
    loop {
        match (wanted.next(), levels.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(wanted), Some(level)) if wanted == level => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_filters() {
        let long = "a".repeat(MAX_TOPIC_BYTES + 1);
        for (text, is_name, is_filter) in [
            ("a", true, true),
            ("/", true, true),
            ("a//b", true, true),
            ("Press 1/temp", true, true),
            ("", false, false),
            ("a\0", false, false),
            ("#", false, true),
            ("+", false, true),
            ("a/+/b", false, true),
            ("a/#", false, true),
            ("a/#/b", false, false),
            ("a+/b", false, false),
            ("a/b#", false, false),
            (&long, false, false),
        ] {
            let found = (name_problem(text).is_none(), filter_problem(text).is_none());
            assert_eq!(found, (is_name, is_filter), "{text:.20}");
        }
    }

    #[test]
    fn this_broker_takes_64_levels() {
        assert!(!has_too_many_levels(&vec!["a"; MAX_LEVELS].join("/")));
        assert!(has_too_many_levels(&vec!["a"; MAX_LEVELS + 1].join("/")));
    }

    /// With the examples of sections 4.7.1 and 4.7.2.
    #[test]
    fn a_filter_matches() {
        for (filter, topic, expected) in [
            ("sport/tennis/player1/#", "sport/tennis/player1", true),
            ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true),
            ("sport/tennis/+", "sport/tennis/player1/ranking", false),
            ("sport/+", "sport", false),
            ("/+", "/finance", true),
            ("+", "/finance", false),
            ("a/b", "a/B", false),
            ("a/b", "a", false),
            ("a/b", "a/b", true),
            ("a/b", "a/c", false),
            ("a/b", "a/b/c", false),
            ("a/+", "a/b", true),
            ("a/+", "a/b/c", false),
            ("a/+", "a", false),
            ("a/+", "a/", true),
            ("a/+/c", "a/b/c", true),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("a/#", "ab", false),
            ("#", "a/b", true),
            ("+/+", "/a", true),
            ("#", "$SYS/x", false),
            ("+/x", "$SYS/x", false),
            ("$SYS/#", "$SYS/x", true),
        ] {
            assert_eq!(matches(filter, topic), expected, "{filter} {topic}");
        }
    }

    proptest! {
        #[test]
        fn a_name_matches_itself_and_wildcards_in_its_place(
            levels in prop::collection::vec("[a-c]{0,2}", 1..6), at in 0_usize..6
        ) {
            let topic = levels.join("/");
            prop_assume!(!topic.is_empty());
            prop_assert!(matches(&topic, &topic));
            let at = at % levels.len();
            let mut plus = levels.clone();
            plus[at] = "+".to_owned();
            prop_assert!(matches(&plus.join("/"), &topic));
            let hash = [&levels[..at], &["#".to_owned()]].concat().join("/");
            prop_assert!(matches(&hash, &topic));
            prop_assert!(filter_problem(&hash).is_none());
        }
    }
}
