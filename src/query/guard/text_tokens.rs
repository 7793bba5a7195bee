//! Texts that follow each other. PostgreSQL (15, 4.1.2.1) joins those on different lines and refuses those on one. sqlparser (0.62) takes the
//! second one for the name of a column: `SELECT 'a' 'b'` would be `a`.

use std::mem;

use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Whitespace};

/// Joins texts that only a new line is between.
///
/// # Errors
/// That there are two texts in a row on one line, or that the second one has escapes of the first one's form.
pub fn join_lines(tokens: &mut Vec<TokenWithSpan>) -> Result<(), ParserError> {
    if !are_in_a_row(tokens) {
        return Ok(());
    }
    let mut joined: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    // The place of a text that nothing but space follows so far.
    let (mut last, mut is_on_other_line) = (None, false);
    for token in mem::take(tokens) {
        match &token.token {
            Token::Whitespace(space) => is_on_other_line |= ends_line(space),
            Token::SingleQuotedString(next) => {
                if let Some(place) = last {
                    append(&mut joined, place, next, is_on_other_line, &token)?;
                    is_on_other_line = false;
                    continue;
                }
                (last, is_on_other_line) = (Some(joined.len()), false);
            }
            Token::EscapedStringLiteral(_) => (last, is_on_other_line) = (Some(joined.len()), false),
            _ => last = None,
        }
        joined.push(token);
    }
    *tokens = joined;
    Ok(())
}

/// Whether a text follows another one, which few statements have.
fn are_in_a_row(tokens: &[TokenWithSpan]) -> bool {
    let is_space = |token: &&TokenWithSpan| matches!(token.token, Token::Whitespace(_));
    let mut is_after_text = false;
    tokens.iter().filter(|token| !is_space(token)).any(|TokenWithSpan { token, .. }| {
        let is_plain = matches!(token, Token::SingleQuotedString(_));
        let was_after_text =
            mem::replace(&mut is_after_text, is_plain || matches!(token, Token::EscapedStringLiteral(_)));
        is_plain && was_after_text
    })
}

fn ends_line(space: &Whitespace) -> bool {
    matches!(space, Whitespace::Newline | Whitespace::SingleLineComment { .. })
}

fn append(
    joined: &mut [TokenWithSpan],
    place: usize,
    next: &str,
    is_on_other_line: bool,
    token: &TokenWithSpan,
) -> Result<(), ParserError> {
    let refused = |why: &str| {
        let start = token.span.start;
        Err(ParserError::ParserError(format!("{why} at Line: {}, Column: {}", start.line, start.column)))
    };
    if !is_on_other_line {
        return refused("two texts in a row: join them with ||, and name a column with AS and double quotes");
    }
    match joined.get_mut(place).map(|first| &mut first.token) {
        Some(Token::EscapedStringLiteral(_)) if next.contains('\\') => {
            refused("a text with escapes on two lines: join its parts with ||")
        }
        Some(Token::SingleQuotedString(first) | Token::EscapedStringLiteral(first)) => {
            first.push_str(next);
            Ok(())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::tokenizer::Tokenizer;

    use super::*;

    fn joined(text: &str) -> Result<Vec<Token>, ParserError> {
        let mut tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize_with_location().unwrap();
        join_lines(&mut tokens)?;
        let tokens = tokens.into_iter().map(|token| token.token);
        Ok(tokens.filter(|token| !matches!(token, Token::Whitespace(_))).collect())
    }

    #[test]
    fn texts_on_different_lines_are_one() {
        for (text, expected) in [
            ("'a'\n'b'", "ab"),
            ("'a' -- first\n  'b'\n'c'", "abc"),
            ("E'a\\n'\n'b'", "a\nb"),
            ("'a''\n' \n ''", "a'\n"),
        ] {
            let tokens = joined(text).unwrap();
            let [Token::SingleQuotedString(found) | Token::EscapedStringLiteral(found)] = tokens.as_slice()
            else {
                panic!("{text}: {tokens:?}");
            };
            assert_eq!(found, expected);
        }
        for (text, count) in [("'a', 'b'", 3), ("'a' || 'b'", 3), ("x 'a'\n", 2), ("'a'\n\"b\"", 2)] {
            assert_eq!(joined(text).unwrap().len(), count, "{text}");
        }
        for (text, why) in [("'a' 'b'", "Column: 5"), ("'a' /* \n */ 'b'", "in a row"), ("E'a'\n'\\n'", "||")]
        {
            let refused = joined(text).unwrap_err().to_string();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
