//! Texts of arrays of one dimension, as PostgreSQL reads them (15, 8.15.2): `{1,NULL,"a,b"}`.

/// An element of the text of an array.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub text: String,
    /// Whether it is in quotes: then it is neither NULL nor a number.
    pub is_quoted: bool,
}

/// The elements of an array; `None` for a text that is none, or one of more dimensions.
pub(super) fn elements(text: &str) -> Option<Vec<Element>> {
    let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim_start();
    let mut found = Vec::new();
    if rest.is_empty() {
        return Some(found);
    }
    loop {
        let is_quoted = rest.starts_with('"');
        let (text, after) = if is_quoted { quoted(&rest[1..])? } else { plain(rest)? };
        found.push(Element { text, is_quoted });
        rest = after.trim_start();
        if rest.is_empty() {
            return Some(found);
        }
        rest = rest.strip_prefix(',')?.trim_start();
    }
}

/// An element whose first quote is read, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (mut element, mut chars) = (String::new(), text.chars());
    loop {
        match chars.next()? {
            '"' => return Some((element, chars.as_str())),
            '\\' => element.push(chars.next()?),
            other => element.push(other),
        }
    }
}

/// An element without quotes, and what follows it. Escapes are for those in quotes alone here.
fn plain(text: &str) -> Option<(String, &str)> {
    let (element, after) = text.split_at(text.find(',').unwrap_or(text.len()));
    let element = element.trim_end();
    let is_plain = !element.is_empty() && !element.contains(['"', '\\', '{', '}']);
    is_plain.then(|| (element.to_owned(), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_as_by_postgresql() {
        for (text, expected) in [
            ("{}", vec![]),
            (" { a , b c,NULL } ", vec![("a", false), ("b c", false), ("NULL", false)]),
            (r#"{"a b",c,"NULL",""}"#, vec![("a b", true), ("c", false), ("NULL", true), ("", true)]),
            (r#"{"a\"b" ,"x,{y}\\"}"#, vec![("a\"b", true), ("x,{y}\\", true)]),
        ] {
            let expected = expected.into_iter();
            let expected = expected.map(|(text, is_quoted)| Element { text: text.to_owned(), is_quoted });
            assert_eq!(elements(text), Some(expected.collect()), "{text}");
        }
        for text in ["1,2", "{1", "{1,}", "{,1}", "{{1},{2}}", r#"{"a"#, r#"{"a"b}"#, r#"{a"b"}"#, r"{\a}"] {
            assert_eq!(elements(text), None, "{text}");
        }
    }
}
