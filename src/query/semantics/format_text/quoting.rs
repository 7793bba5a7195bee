//! Names and literals in the text of a statement, quoted where they have to be.

/// Words that PostgreSQL 15 takes for no name of a column or a table without quotes, all reserved words among them (its appendix C).
const RESERVED: &str = "all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean \
    both case cast char character check coalesce collate collation column concurrently constraint create \
    cross current_catalog current_date current_role current_schema current_time current_timestamp \
    current_user dec decimal default deferrable desc distinct do else end except exists extract false \
    fetch float for foreign freeze from full grant greatest group grouping having ilike in initially \
    inner inout int integer intersect interval into is isnull join lateral leading least left like limit \
    localtime localtimestamp national natural nchar none normalize not notnull null nullif numeric \
    offset on only or order out outer overlaps overlay placing position precision primary real \
    references returning right row select session_user setof similar smallint some substring symmetric \
    table tablesample then time timestamp to trailing treat trim true union unique user using values \
    varchar variadic verbose when where window with xmlattributes xmlconcat xmlelement xmlexists \
    xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable";

/// Returns a name as a statement has it: in double quotes unless it is a word of small letters that is not reserved.
pub fn identifier(name: &str) -> String {
    let is_start = |c: char| c.is_ascii_lowercase() || c == '_';
    let is_plain = name.starts_with(is_start)
        && name.chars().all(|c| is_start(c) || c.is_ascii_digit())
        && RESERVED.split(' ').all(|word| word != name);
    match is_plain {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// Returns a text as a statement has it: in single quotes, as one with escapes if it has a backslash.
pub fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    match quoted.contains('\\') {
        true => format!("E'{}'", quoted.replace('\\', "\\\\")),
        false => format!("'{quoted}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The right side is what PostgreSQL 15 answers.
    #[test]
    fn names_and_literals_are_quoted_as_by_postgresql() {
        for (name, expected) in [
            ("abc_1", "abc_1"),
            ("Abc", "\"Abc\""),
            ("1a", "\"1a\""),
            ("", "\"\""),
            ("ä", "\"ä\""),
            ("a$b", "\"a$b\""),
            ("a\"b", "\"a\"\"b\""),
            ("select", "\"select\""),
            ("timestamp", "\"timestamp\""),
            ("level", "level"),
        ] {
            assert_eq!(identifier(name), expected);
        }
        for (text, expected) in [("it's", "'it''s'"), ("", "''"), ("a\\b", "E'a\\\\b'")] {
            assert_eq!(literal(text), expected);
        }
    }
}
