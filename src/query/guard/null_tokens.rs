//! `x ISNULL`, which sqlparser (0.62) does not know: in a list it took ISNULL for the name of the item.

use std::mem;

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Whitespace};

/// Writes `IS NULL` for the ISNULL that follows a value.
pub fn split_is_null(tokens: &mut Vec<TokenWithSpan>) {
    if !tokens.iter().any(|token| is_isnull(&token.token)) {
        return;
    }
    let mut follows_value = false;
    for token in mem::take(tokens) {
        if follows_value && is_isnull(&token.token) {
            let parts = [
                Token::make_keyword("IS"),
                Token::Whitespace(Whitespace::Space),
                Token::make_keyword("NULL"),
            ];
            tokens.extend(parts.into_iter().map(|part| TokenWithSpan { token: part, span: token.span }));
            continue;
        }
        if !matches!(token.token, Token::Whitespace(_)) {
            follows_value = ends_value(&token.token);
        }
        tokens.push(token);
    }
}

fn is_isnull(token: &Token) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("isnull"))
}

/// Whether a value can end with a token. Words after which a name or another value comes do not.
fn ends_value(token: &Token) -> bool {
    match token {
        Token::Word(word) if word.quote_style.is_none() => !matches!(
            word.keyword,
            Keyword::AS
                | Keyword::SELECT
                | Keyword::DISTINCT
                | Keyword::ALL
                | Keyword::BY
                | Keyword::WHERE
                | Keyword::HAVING
                | Keyword::ON
                | Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::CASE
                | Keyword::WHEN
                | Keyword::THEN
                | Keyword::ELSE
        ),
        Token::Word(_) | Token::Number(..) | Token::SingleQuotedString(_) => true,
        Token::EscapedStringLiteral(_) | Token::DollarQuotedString(_) => true,
        Token::RParen | Token::RBracket | Token::Placeholder(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::tokenizer::Tokenizer;

    use super::*;

    #[test]
    fn isnull_is_is_null_where_it_follows_a_value() {
        for (text, expected) in [
            ("SELECT x ISNULL, (1) isnull FROM t", "SELECT x IS NULL, (1) IS NULL FROM t"),
            ("SELECT 1 AS isnull, t.isnull, isnull FROM t", "SELECT 1 AS isnull, t.isnull, isnull FROM t"),
            ("SELECT x FROM t WHERE \"y\" ISNULL", "SELECT x FROM t WHERE \"y\" IS NULL"),
        ] {
            let mut tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize_with_location().unwrap();
            split_is_null(&mut tokens);
            let found: String = tokens.iter().map(|token| token.token.to_string()).collect();
            assert_eq!(found, expected);
        }
    }
}
