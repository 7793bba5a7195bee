//! Brackets around the keys of `ROLLUP`, `CUBE` and `GROUPING SETS` that begin with a bracket, such as `ROLLUP ((ts)::date)`. sqlparser
//! (0.62) takes such a key for a list of columns that ends with the bracket, and refuses what follows. Another pair of brackets, which
//! changes no meaning, makes it a list of one key.

use std::collections::BTreeMap;
use std::mem;

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// Puts brackets around keys that need them.
pub fn wrap_keys(tokens: &mut Vec<TokenWithSpan>) {
    let (mut open, mut added): (Vec<Bracket>, Vec<(usize, usize)>) = (Vec::new(), Vec::new());
    let mut follows_word = false;
    for (place, TokenWithSpan { token, .. }) in tokens.iter().enumerate() {
        if matches!(token, Token::Whitespace(_)) {
            continue;
        }
        match token {
            Token::LParen => {
                note(&mut open, place, token);
                open.push(Bracket { has_keys: follows_word, key: None });
            }
            Token::RParen => added.extend(open.pop().and_then(|bracket| bracket.wrapped(place))),
            Token::Comma => {
                if let Some(bracket) = open.last_mut() {
                    added.extend(bracket.wrapped(place));
                    bracket.key = None;
                }
            }
            other => note(&mut open, place, other),
        }
        follows_word = begins_list(token);
    }
    if added.is_empty() {
        return;
    }
    let brackets = added.into_iter().flat_map(|(start, end)| [(start, Token::LParen), (end, Token::RParen)]);
    let mut brackets: BTreeMap<usize, Token> = brackets.collect();
    for (place, token) in mem::take(tokens).into_iter().enumerate() {
        let bracket =
            brackets.remove(&place).map(|bracket| TokenWithSpan { token: bracket, span: token.span });
        tokens.extend(bracket.into_iter().chain([token]));
    }
}

/// A bracket that is open.
struct Bracket {
    /// Whether it is that of a list of keys.
    has_keys: bool,
    /// The key that is being read.
    key: Option<Key>,
}

struct Key {
    /// Place of its first token.
    start: usize,
    begins_with_bracket: bool,
    /// Whether it goes on after its first token, or the bracket that this opens.
    goes_on: bool,
}

impl Bracket {
    /// Places of brackets for the key that ends at a place.
    fn wrapped(&self, end: usize) -> Option<(usize, usize)> {
        let key = self.key.as_ref().filter(|key| self.has_keys && key.begins_with_bracket && key.goes_on)?;
        Some((key.start, end))
    }
}

/// Notes a token in the key to which it belongs.
fn note(open: &mut [Bracket], place: usize, token: &Token) {
    let Some(bracket) = open.last_mut() else { return };
    match &mut bracket.key {
        Some(key) => key.goes_on = true,
        None => {
            let begins_with_bracket = *token == Token::LParen;
            bracket.key = Some(Key { start: place, begins_with_bracket, goes_on: false });
        }
    }
}

fn begins_list(token: &Token) -> bool {
    matches!(token, Token::Word(word) if matches!(word.keyword, Keyword::ROLLUP | Keyword::CUBE | Keyword::SETS))
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::tokenizer::Tokenizer;

    use super::*;

    #[test]
    fn keys_that_go_on_after_their_bracket_get_another_one() {
        for (text, expected) in [
            ("ROLLUP ((x)::date)", "ROLLUP (((x)::date))"),
            ("CUBE ((x + 1) * 2, y, (z)::int)", "CUBE (((x + 1) * 2), y, ((z)::int))"),
            ("GROUPING SETS ((a, b), (x)::date, ())", "GROUPING SETS ((a, b), ((x)::date), ())"),
            ("GROUPING SETS (ROLLUP ((x)::date), (a))", "GROUPING SETS (ROLLUP (((x)::date)), (a))"),
            ("rollup((f(x, (y))) || 'a')", "rollup(((f(x, (y))) || 'a'))"),
            ("ROLLUP ((a, b), (x))", "ROLLUP ((a, b), (x))"),
            ("ROLLUP (a, (b))", "ROLLUP (a, (b))"),
            ("ROLLUP ((x)::date", "ROLLUP ((x)::date"),
            ("SETS ()", "SETS ()"),
            ("cube", "cube"),
        ] {
            let mut tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize_with_location().unwrap();
            wrap_keys(&mut tokens);
            let found: String = tokens.iter().map(|token| token.token.to_string()).collect();
            assert_eq!(found, expected);
        }
    }
}
