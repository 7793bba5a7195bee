//! Regular expressions and replacements as PostgreSQL reads them (15, 9.7.3), written as the `regex` crate reads them, whose
//! syntax DataFusion's functions have.

/// Members that the names of classes stand for. Those of the crate have ASCII only: `ä` would be no `[:alpha:]`.
const CLASSES: [(&str, &str); 13] = [
    ("[:alpha:]", r"\p{Alphabetic}"),
    ("[:alnum:]", r"\p{Alphabetic}\p{Nd}"),
    ("[:digit:]", "0-9"),
    ("[:xdigit:]", "0-9A-Fa-f"),
    ("[:upper:]", r"\p{Uppercase}"),
    ("[:lower:]", r"\p{Lowercase}"),
    ("[:space:]", r"\s"),
    ("[:punct:]", r"\p{P}\p{S}"),
    ("[:graph:]", r"\p{L}\p{M}\p{N}\p{P}\p{S}"),
    ("[:print:]", r"\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}"),
    ("[:cntrl:]", r"\p{Cc}"),
    ("[:blank:]", r"\t\p{Zs}"),
    ("[:word:]", r"\w"),
];

/// Returns the expression in the form of the crate. What is in that form already stays so, but for ways to write the same.
///
/// With `is_by_line` a point does not match the end of a line (flag `n` or `m`).
pub(super) fn pattern(text: &str, is_by_line: bool) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        rest = match first {
            '\\' => escape(&mut out, after),
            '[' => class(&mut out, after),
            // In PostgreSQL a point matches the end of a line too.
            '.' if !is_by_line => {
                out.push_str("(?s:.)");
                after
            }
            other => {
                out.push(other);
                after
            }
        };
    }
    out
}

/// Writes an escape outside of brackets; returns what follows it.
fn escape<'t>(out: &mut String, after: &'t str) -> &'t str {
    let Some(escaped) = after.chars().next() else {
        out.push('\\');
        return after;
    };
    let rest = &after[escaped.len_utf8()..];
    match escaped {
        // Digits are those of ASCII.
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'm' => out.push_str(r"\b{start}"),
        'M' => out.push_str(r"\b{end}"),
        'y' => out.push_str(r"(?:\b{start}|\b{end})"),
        'Z' => out.push_str(r"\z"),
        // A backspace, but for the two that stand above.
        'b' if !rest.starts_with('{') => out.push_str(r"\x08"),
        'B' => out.push_str(r"\\"),
        other => out.extend(['\\', other]),
    }
    rest
}

/// Writes a class in brackets; returns what follows it. In PostgreSQL classes are not within each other, and have no operators.
fn class<'t>(out: &mut String, after: &'t str) -> &'t str {
    out.push('[');
    let mut rest = after;
    if let Some(members) = rest.strip_prefix('^') {
        out.push('^');
        rest = members;
    }
    // A bracket or a hyphen that comes first is a member.
    if let Some(first @ (']' | '-')) = rest.chars().next() {
        out.extend(['\\', first]);
        rest = &rest[1..];
    }
    while let Some(member) = rest.chars().next() {
        if let Some((name, members)) = CLASSES.iter().find(|(name, _)| rest.starts_with(name)) {
            out.push_str(members);
            rest = &rest[name.len()..];
            continue;
        }
        let after = &rest[member.len_utf8()..];
        match member {
            ']' => {
                out.push(']');
                return after;
            }
            '\\' => {
                let escaped = after.chars().next();
                match escaped {
                    Some('d') => out.push_str("0-9"),
                    Some('b') => out.push_str(r"\x08"),
                    Some('B') => out.push_str(r"\\"),
                    Some(other) => out.extend(['\\', other]),
                    None => out.push('\\'),
                }
                rest = &after[escaped.map_or(0, char::len_utf8)..];
                continue;
            }
            // The end of a range may be a hyphen, and one that comes last is a member. Two are an operator of the crate.
            '-' if after.starts_with('-') => {
                out.push_str(r"-\-");
                rest = &after[1..];
                continue;
            }
            '-' if after.starts_with(']') => out.push_str(r"\-"),
            '[' if !after.starts_with(':') => out.push_str(r"\["),
            '&' | '~' => out.extend(['\\', member]),
            other => out.push(other),
        }
        rest = after;
    }
    rest
}

/// Returns a replacement in the form of DataFusion, which reads `\1` as a group and gives the rest to the crate, which reads `$1` and
/// `${1}` as groups.
pub(super) fn replacement(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text.chars().peekable());
    while let Some(c) = rest.next() {
        let next = rest.peek().copied();
        match (c, next) {
            ('$', _) => out.push_str("$$"),
            ('\\', Some('&')) => out.push_str("${0}"),
            // A group has one digit.
            ('\\', Some(digit @ '1'..='9')) => out.extend(['$', '{', digit, '}']),
            // A group that no expression has ends the backslash, so that a digit after it is not read with it.
            ('\\', Some('\\')) => out.push_str(r"\${_}"),
            ('\\', _) => {
                out.push_str(r"\${_}");
                continue;
            }
            (other, _) => {
                out.push(other);
                continue;
            }
        }
        if c == '\\' {
            rest.next();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_get_the_form_of_the_crate() {
        for (text, expected) in [
            ("a.b", "a(?s:.)b"),
            (r"a\.b[.]", r"a\.b[.]"),
            ("^[[:alpha:]_]+$", r"^[\p{Alphabetic}_]+$"),
            ("[^[:upper:][:digit:].].", r"[^\p{Uppercase}0-9.](?s:.)"),
            ("[]a[]", r"[\]a\[]"),
            ("[a&&b~~c]", r"[a\&\&b\~\~c]"),
            ("[+--][--/][^-a-]", r"[+-\-][\--/][^\-a\-]"),
            (r"\d+[\d.]\D", "[0-9]+[0-9.][^0-9]"),
            (r"\mfoo\M\y\Z", r"\b{start}foo\b{end}(?:\b{start}|\b{end})\z"),
            (r"\b\\\B", r"\x08\\\\"),
            (r"\", r"\"),
            ("[a", "[a"),
        ] {
            assert_eq!(pattern(text, false), expected, "{text}");
        }
        assert_eq!(pattern("a.b", true), "a.b");
        let once = pattern(r"\mä\y\d[\d[:alpha:]]", false);
        assert_eq!(pattern(&once, false), once);
    }

    #[test]
    fn replacements_get_the_form_of_the_engine() {
        for (text, expected) in [
            (r"[\&]", "[${0}]"),
            (r"\1-\2", "${1}-${2}"),
            (r"\10", "${1}0"),
            (r"\\", r"\${_}"),
            (r"\\1", r"\${_}1"),
            ("${1} $", "$${1} $$"),
            (r"\n\", r"\${_}n\${_}"),
            ("plain", "plain"),
        ] {
            assert_eq!(replacement(text), expected, "{text}");
        }
    }
}
