//! `trim(LEADING FROM text)`, which names no characters: sqlparser (0.62) knows it without FROM only.

use std::mem;

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// Leaves out the FROM that follows `trim(BOTH`, `trim(LEADING` or `trim(TRAILING` at once.
pub fn drop_from(tokens: &mut Vec<TokenWithSpan>) {
    let has_trim = tokens.iter().any(|token| keyword(&token.token) == Some(Keyword::TRIM));
    if !has_trim {
        return;
    }
    let mut last = [None, None, None];
    for token in mem::take(tokens) {
        if !matches!(token.token, Token::Whitespace(_)) {
            let kind = Some(TrimToken::of(&token.token));
            if kind == Some(TrimToken::From)
                && last == [Some(TrimToken::Trim), Some(TrimToken::Bracket), Some(TrimToken::Side)]
            {
                continue;
            }
            last = [last[1], last[2], kind];
        }
        tokens.push(token);
    }
}

/// Kind of a token, as this form has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TrimToken {
    Trim,
    Bracket,
    Side,
    From,
    Other,
}

impl TrimToken {
    fn of(token: &Token) -> TrimToken {
        match keyword(token) {
            Some(Keyword::TRIM) => TrimToken::Trim,
            Some(Keyword::BOTH | Keyword::LEADING | Keyword::TRAILING) => TrimToken::Side,
            Some(Keyword::FROM) => TrimToken::From,
            None if *token == Token::LParen => TrimToken::Bracket,
            _ => TrimToken::Other,
        }
    }
}

fn keyword(token: &Token) -> Option<Keyword> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.keyword),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::tokenizer::Tokenizer;

    use super::*;

    #[test]
    fn from_is_left_out_where_no_characters_are_named() {
        for (text, expected) in [
            ("trim(trailing FROM 'a')", "trim(trailing  'a')"),
            ("SELECT TRIM ( BOTH from x) FROM t", "SELECT TRIM ( BOTH  x) FROM t"),
            ("trim(LEADING 'x' FROM a)", "trim(LEADING 'x' FROM a)"),
            ("trim(FROM a)", "trim(FROM a)"),
            ("SELECT leading FROM a WHERE trim(b) = ''", "SELECT leading FROM a WHERE trim(b) = ''"),
        ] {
            let mut tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize_with_location().unwrap();
            drop_from(&mut tokens);
            let found: String = tokens.iter().map(|token| token.token.to_string()).collect();
            assert_eq!(found, expected);
        }
    }
}
