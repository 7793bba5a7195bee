//! Limits the nesting depth of a statement by its tokens, before it is parsed.
//!
//! The parser builds `1+1+1+…` as a tree as deep as there are operators, and DataFusion copies, hashes, prints and
//! drops such trees recursively. The stack of planning threads suffices for trees of [`MAX_NESTING_DEPTH`] levels.

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::domain::{Error, Result};

/// Maximum length of a SQL text, bytes; also with WITH queries expanded wherever they are named.
pub const MAX_TEXT_BYTES: usize = 256 * 1024;

/// Maximum depth of a statement's tree: the sum of consecutive operators, nested brackets, set operations, joins and
/// nested queries. `tests/hostile/sql.rs` runs every shape at this depth on debug builds.
pub const MAX_NESTING_DEPTH: usize = 500;

/// Maximum number of CASE expressions within each other. The parser takes a few more, and then reads CASE as the name of a column.
const MAX_CASES: usize = 45;

/// Stack of the threads that plan and run statements, bytes: 64 KiB for each level. It is only address space until it
/// is used.
pub const THREAD_STACK_BYTES: usize = 32 << 20;

/// Keywords that are common column names; none of them joins two expressions.
const COLUMN_NAMES: [Keyword; 12] = [
    Keyword::VALUE,
    Keyword::TIMESTAMP,
    Keyword::TIME,
    Keyword::DATE,
    Keyword::NAME,
    Keyword::TEXT,
    Keyword::TYPE,
    Keyword::LEVEL,
    Keyword::URL,
    Keyword::COUNT,
    Keyword::MIN,
    Keyword::MAX,
];

/// Checks length and depth of a statement.
///
/// # Errors
/// `TooLarge` for the length, `Invalid` for the depth. A text that is not SQL passes: the parser reports the error.
pub fn check(text: &str) -> Result<()> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(Error::too_large(format!("the query is longer than {MAX_TEXT_BYTES} bytes")));
    }
    let Ok(tokens) = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize() else { return Ok(()) };
    let depth = depth(&tokens);
    if depth > MAX_NESTING_DEPTH {
        let message = format!(
            "nests {depth} levels deep, of at most {MAX_NESTING_DEPTH}: operators in a row, brackets, joins and queries within \
             queries add up; use IN or a join with VALUES in the place of long conditions"
        );
        return Err(Error::field("query", message));
    }
    let cases = case_depth(&tokens);
    if cases > MAX_CASES {
        let message = format!("nests {cases} CASE expressions within each other, of at most {MAX_CASES}");
        return Err(Error::field("query", message));
    }
    Ok(())
}

/// Returns how many CASE expressions are within each other.
fn case_depth(tokens: &[Token]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for token in tokens {
        let Token::Word(word) = token else { continue };
        match word.keyword {
            Keyword::CASE => depth += 1,
            Keyword::END => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Returns an upper bound of the depth of the tree parsed from these tokens.
fn depth(tokens: &[Token]) -> usize {
    let mut open = Vec::new();
    let mut level = NestingLevel::default();
    for token in tokens {
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                level.chain += 1;
                open.push(std::mem::take(&mut level));
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                // The parser reports an unmatched closing bracket.
                let outer = open.pop().unwrap_or_default();
                let inner = std::mem::replace(&mut level, outer);
                level.close(&inner);
            }
            Token::Comma | Token::SemiColon => level.next_item(),
            Token::Word(word) => level.word(word.keyword),
            Token::Whitespace(_) | Token::Number(..) | Token::EOF => {}
            Token::Placeholder(_) => {}
            // A literal may name a nested type, as in `arrow_cast`.
            Token::SingleQuotedString(text)
            | Token::EscapedStringLiteral(text)
            | Token::NationalStringLiteral(text)
            | Token::UnicodeStringLiteral(text) => level.chain += brackets(text),
            Token::DollarQuotedString(text) => level.chain += brackets(&text.value),
            _ => level.chain += 1,
        }
    }
    while let Some(outer) = open.pop() {
        let inner = std::mem::replace(&mut level, outer);
        level.close(&inner);
    }
    level.depth()
}

fn brackets(text: &str) -> usize {
    text.bytes().filter(|b| *b == b'(').count()
}

/// The nesting between two brackets.
#[derive(Default)]
struct NestingLevel {
    /// Operators since the last comma.
    chain: usize,
    /// The deepest bracket since the last comma.
    bracket: usize,
    /// The deepest item so far.
    item: usize,
    /// Set operations and joins.
    sources: usize,
    /// Queries in brackets: the maximum, or under a WITH, where one may build on another, the sum.
    queries: usize,
    is_query: bool,
    is_with: bool,
}

impl NestingLevel {
    fn word(&mut self, keyword: Keyword) {
        match keyword {
            Keyword::NoKeyword => {}
            Keyword::SELECT | Keyword::VALUES | Keyword::TABLE => self.is_query = true,
            Keyword::WITH => (self.is_query, self.is_with) = (true, true),
            Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT | Keyword::JOIN => self.sources += 1,
            keyword if COLUMN_NAMES.contains(&keyword) => {}
            _ => self.chain += 1,
        }
    }

    fn next_item(&mut self) {
        self.item = self.item.max(self.chain + self.bracket);
        (self.chain, self.bracket) = (0, 0);
    }

    fn close(&mut self, inner: &NestingLevel) {
        let depth = inner.depth() + 1;
        match (inner.is_query, self.is_with) {
            (false, _) => self.bracket = self.bracket.max(depth),
            (true, false) => self.queries = self.queries.max(depth),
            (true, true) => self.queries += depth,
        }
    }

    fn depth(&self) -> usize {
        self.item.max(self.chain + self.bracket) + self.sources + self.queries
    }
}

#[cfg(test)]
#[path = "nesting_tests.rs"]
mod tests;
