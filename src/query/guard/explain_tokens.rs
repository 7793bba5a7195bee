//! The options of `EXPLAIN (…)`, of which PostgreSQL (16) has more than DataFusion (55), and other formats. Those that change nothing here are
//! left out, and those that are not there refused with what there is.

use datafusion::error::{DataFusionError, Result};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// Options of the engine.
const KNOWN: [&str; 4] = ["ANALYZE", "VERBOSE", "LEVEL", "METRICS"];
/// Options of PostgreSQL for what a plan does not tell here: they can only be off.
const ABSENT: [&str; 7] = ["BUFFERS", "COSTS", "GENERIC_PLAN", "MEMORY", "SETTINGS", "SUMMARY", "WAL"];
/// Formats of the engine. PostgreSQL's TEXT is what there is without a format.
const FORMATS: [&str; 4] = ["INDENT", "TREE", "GRAPHVIZ", "PGJSON"];

/// Leaves only options that the parser takes, and no brackets around none.
///
/// # Errors
/// `NotImplemented` that names an option and those that there are.
pub fn keep_known(tokens: &mut Vec<TokenWithSpan>) -> Result<()> {
    let Some((open, close)) = brackets(tokens) else { return Ok(()) };
    let written: Vec<&[TokenWithSpan]> =
        tokens[open + 1..close].split(|token| token.token == Token::Comma).collect();
    // The parser reports what is no option.
    let Some(options) = written.iter().map(|option| name_and_value(option)).collect::<Option<Vec<_>>>()
    else {
        return Ok(());
    };
    let is_analyzed = options.iter().any(|(name, _)| name == "ANALYZE");
    let mut kept: Vec<TokenWithSpan> = Vec::new();
    for ((name, value), option) in options.iter().zip(written) {
        if !is_kept(name, value, is_analyzed)? {
            continue;
        }
        if !kept.is_empty() {
            kept.push(TokenWithSpan { token: Token::Comma, span: tokens[open].span });
        }
        kept.extend_from_slice(option);
    }
    let (start, end) = if kept.is_empty() { (open, close + 1) } else { (open + 1, close) };
    let rest = tokens.split_off(end);
    tokens.truncate(start);
    tokens.extend(kept.into_iter().chain(rest));
    Ok(())
}

/// Places of the brackets around the options, if the statement begins with some.
fn brackets(tokens: &[TokenWithSpan]) -> Option<(usize, usize)> {
    let is_space = |place: &usize| matches!(tokens[*place].token, Token::Whitespace(_));
    let mut places = (0..tokens.len()).filter(|place| !is_space(place));
    let (first, open, inner) = (places.next()?, places.next()?, places.next()?);
    let has_options = keyword(&tokens[first].token) == Some(Keyword::EXPLAIN)
        && tokens[open].token == Token::LParen
        && !begins_query(&tokens[inner].token);
    if !has_options {
        return None;
    }
    places.find(|place| tokens[*place].token == Token::RParen).map(|close| (open, close))
}

fn keyword(token: &Token) -> Option<Keyword> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.keyword),
        _ => None,
    }
}

/// Whether a bracket that a token follows is that of a statement rather than of options.
fn begins_query(token: &Token) -> bool {
    *token == Token::LParen
        || matches!(
            keyword(token),
            Some(
                Keyword::SELECT
                    | Keyword::WITH
                    | Keyword::VALUES
                    | Keyword::TABLE
                    | Keyword::INSERT
                    | Keyword::UPDATE
                    | Keyword::DELETE
                    | Keyword::MERGE
            )
        )
}

/// The name and the value of an option, in capital letters; `None` if it has no name.
fn name_and_value(option: &[TokenWithSpan]) -> Option<(String, String)> {
    let mut parts = option.iter().filter(|part| !matches!(part.token, Token::Whitespace(_)));
    let Token::Word(name) = &parts.next()?.token else { return None };
    let value: String = parts
        .map(|part| match &part.token {
            Token::Word(word) => word.value.clone(),
            Token::SingleQuotedString(text) => text.clone(),
            other => other.to_string(),
        })
        .collect();
    Some((name.value.to_ascii_uppercase(), value.to_ascii_uppercase()))
}

/// Whether the parser is to see an option.
fn is_kept(name: &str, value: &str, is_analyzed: bool) -> Result<bool> {
    let is_off = matches!(value, "OFF" | "FALSE" | "0");
    match name {
        "FORMAT" if value == "TEXT" => Ok(false),
        "FORMAT" if FORMATS.contains(&value) => Ok(true),
        "FORMAT" => Err(refusal(name, value, "the formats are TEXT, TREE, GRAPHVIZ and PGJSON")),
        // Times are those of ANALYZE, which shows them unless they are off.
        "TIMING" => Ok(is_analyzed && is_off),
        _ if ABSENT.contains(&name) && is_off => Ok(false),
        _ if KNOWN.contains(&name) => Ok(true),
        _ => {
            let valid = format!(
                "the options are ANALYZE, VERBOSE, TIMING, FORMAT with TEXT, TREE, GRAPHVIZ or PGJSON, and {} with off",
                ABSENT.join(", ")
            );
            Err(refusal(name, value, &valid))
        }
    }
}

fn refusal(name: &str, value: &str, valid: &str) -> DataFusionError {
    let space = if value.is_empty() { "" } else { " " };
    DataFusionError::NotImplemented(format!("EXPLAIN with {name}{space}{value}; {valid}"))
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::tokenizer::Tokenizer;

    use super::*;

    fn kept(text: &str) -> Result<String> {
        let mut tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize_with_location().unwrap();
        keep_known(&mut tokens)?;
        Ok(tokens.iter().map(|token| token.token.to_string()).collect())
    }

    #[test]
    fn options_that_change_nothing_are_left_out() {
        for (text, expected) in [
            ("EXPLAIN (COSTS off, FORMAT text) SELECT 1", "EXPLAIN  SELECT 1"),
            (
                "explain ( ANALYZE, buffers false, VERBOSE on, summary 0) SELECT 1",
                "explain ( ANALYZE, VERBOSE on) SELECT 1",
            ),
            ("EXPLAIN (ANALYZE, TIMING off) SELECT 1", "EXPLAIN (ANALYZE, TIMING off) SELECT 1"),
            ("EXPLAIN (TIMING off, FORMAT 'tree') SELECT 1", "EXPLAIN ( FORMAT 'tree') SELECT 1"),
            ("EXPLAIN (SELECT 1)", "EXPLAIN (SELECT 1)"),
            ("EXPLAIN ((SELECT 1) UNION SELECT 2)", "EXPLAIN ((SELECT 1) UNION SELECT 2)"),
            ("EXPLAIN ANALYZE SELECT (1)", "EXPLAIN ANALYZE SELECT (1)"),
            ("EXPLAIN () SELECT (1)", "EXPLAIN () SELECT (1)"),
            ("SELECT (1)", "SELECT (1)"),
            ("EXPLAIN (", "EXPLAIN ("),
        ] {
            assert_eq!(kept(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn others_are_refused_by_name() {
        for (text, named) in [
            ("EXPLAIN (FORMAT JSON) SELECT 1", "EXPLAIN with FORMAT JSON; the formats are TEXT"),
            ("EXPLAIN (FORMAT) SELECT 1", "EXPLAIN with FORMAT; the formats are"),
            ("EXPLAIN (ANALYZE, BUFFERS) SELECT 1", "EXPLAIN with BUFFERS; the options are ANALYZE"),
            ("EXPLAIN (costs on) SELECT 1", "EXPLAIN with COSTS ON; "),
            ("EXPLAIN (colour 'red') SELECT 1", "EXPLAIN with COLOUR RED; "),
        ] {
            let refused = kept(text).unwrap_err().to_string();
            assert!(refused.contains(named), "{text}: {refused}");
        }
    }
}
