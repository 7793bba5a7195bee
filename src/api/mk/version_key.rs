//! Sort key of versions that are texts.

use super::page::SortKey;

/// Characters before what follows an identifier of a version, in the order of what they stand for. Identifiers have none
/// of them, and all of their characters come later.
const PRE_RELEASE: char = ' ';
const RELEASE: char = '!';
const NEXT: &str = "\"";

/// Returns the sort key of a version such as `1.10.0-rc.2`. Versions are sorted as semantic ones: 1.10 comes after 1.9, and
/// a pre-release before its release. What follows a `+` does not count.
pub fn version_key(version: &str) -> SortKey {
    let compared = version.split('+').next().unwrap_or_default();
    let (release, pre_release) = match compared.split_once('-') {
        Some((release, pre_release)) => (release, Some(pre_release)),
        None => (compared, None),
    };
    let mut key = identifiers(release);
    match pre_release {
        Some(pre_release) => {
            key.push(PRE_RELEASE);
            key.push_str(&identifiers(pre_release));
        }
        None => key.push(RELEASE),
    }
    SortKey::Text(key)
}

/// Converts identifiers between dots to a text that sorts as they do: numbers by their value, before words.
fn identifiers(text: &str) -> String {
    let converted = text.split('.').map(|part| {
        if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return format!("~{part}");
        }
        let digits = part.trim_start_matches('0');
        // Of two numbers without leading zeros the longer one is larger.
        format!("{:03}{digits}", digits.len())
    });
    converted.collect::<Vec<_>>().join(NEXT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_sorted_as_semantic_ones() {
        let ascending = [
            "0.9",
            "1.0-rc",
            "1.0",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.9.0",
            "1.10.0",
            "2.0.0-1",
            "2.0.0-a-b",
            "2.0.0",
            "10.0.0",
            "18446744073709551616.0.0",
            "spring",
        ];
        let texts = ascending.map(|version| match version_key(version) {
            SortKey::Text(text) => text,
            other => panic!("{other:?}"),
        });
        for (two, versions) in texts.windows(2).zip(ascending.windows(2)) {
            assert!(two[0] < two[1], "{versions:?}");
        }
        assert_eq!(version_key("1.0.0+5"), version_key("1.0.0+6"));
    }
}
