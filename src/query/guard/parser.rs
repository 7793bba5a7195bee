//! Parses SQL with a budget: the parser tries each bracket in several ways, nested in each other, so that a few dozen
//! nested calls in a malformed statement would keep it busy for hours.

use std::any::TypeId;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::error::{DataFusionError, Result};
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{Expr, UnaryOperator};
use datafusion::sql::sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::{between_symmetric, explain_tokens, grouping_tokens, null_tokens, text_tokens, trim_tokens};
use crate::domain::Error;

/// Expression starts that any statement may try, regardless of its length: about 50 ms, which short statements of others
/// wait for.
const BASE_ATTEMPTS: usize = 20_000;
/// Additional expression starts per byte of text. An ordinary statement needs less than one.
const ATTEMPTS_PER_BYTE: usize = 4;

const TOO_INTRICATE: &str = "the statement is too intricate: it nests too many brackets";

/// Whether a statement was refused because the budget ran out: no other parser should try it.
pub fn is_too_intricate(error: &Error) -> bool {
    error.message.contains(TOO_INTRICATE)
}

/// Parses one statement in PostgreSQL's dialect.
///
/// # Errors
/// A syntax error, or that the statement is too intricate.
pub fn parse(text: &str, recursion_limit: usize) -> Result<Statement> {
    let attempts = BASE_ATTEMPTS + text.len() * ATTEMPTS_PER_BYTE;
    let dialect = BudgetedDialect { inner: PostgreSqlDialect {}, attempts: AtomicUsize::new(attempts) };
    let mut tokens = Tokenizer::new(&dialect, text).tokenize_with_location().map_err(ParserError::from)?;
    grouping_tokens::wrap_keys(&mut tokens);
    trim_tokens::drop_from(&mut tokens);
    null_tokens::split_is_null(&mut tokens);
    text_tokens::join_lines(&mut tokens)?;
    explain_tokens::keep_known(&mut tokens)?;
    let parser = DFParserBuilder::new(tokens).with_dialect(&dialect).with_recursion_limit(recursion_limit);
    let mut statements = parser.build().and_then(|mut parser| parser.parse_statements()).map_err(|e| {
        match dialect.attempts.load(Ordering::Relaxed) {
            0 => DataFusionError::Plan(TOO_INTRICATE.to_owned()),
            _ => e,
        }
    })?;
    if statements.len() > 1 {
        let message = "The context currently only supports a single SQL statement";
        return Err(DataFusionError::NotImplemented(message.to_owned()));
    }
    let none = || DataFusionError::Plan("No SQL statements were provided in the query string".to_owned());
    statements.pop_front().ok_or_else(none)
}

/// PostgreSQL's dialect, which stops the parser when its budget is exhausted.
#[derive(Debug)]
struct BudgetedDialect {
    inner: PostgreSqlDialect,
    /// Remaining attempts.
    attempts: AtomicUsize,
}

/// Delegates to the inner dialect.
macro_rules! as_inner {
    ($($method:ident)*) => {
        $(
            fn $method(&self) -> bool {
                self.inner.$method()
            }
        )*
    };
}

impl Dialect for BudgetedDialect {
    /// Returns the inner type, since the parser checks the dialect by its type in places.
    fn dialect(&self) -> TypeId {
        self.inner.dialect()
    }

    /// Called at the start of each expression. The parser propagates this error at once, without trying alternatives as
    /// it does after others. A sign binds tighter than `^`, as in PostgreSQL (15, 4.1.6): `-2 ^ 2` is 4. sqlparser (0.62) takes
    /// the power first. The other operators before a value take arithmetic first: `@ -1 + 2` is 1, where sqlparser takes the value.
    fn parse_prefix(&self, parser: &mut Parser) -> Option<std::result::Result<Expr, ParserError>> {
        let take = |left: usize| left.checked_sub(1);
        if self.attempts.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            return Some(Err(ParserError::RecursionLimitExceeded));
        }
        let (op, precedence) = match parser.peek_token_ref().token {
            Token::Minus => (UnaryOperator::Minus, Precedence::Caret),
            Token::Plus => (UnaryOperator::Plus, Precedence::Caret),
            Token::AtSign => (UnaryOperator::PGAbs, Precedence::PgOther),
            Token::PGSquareRoot => (UnaryOperator::PGSquareRoot, Precedence::PgOther),
            Token::PGCubeRoot => (UnaryOperator::PGCubeRoot, Precedence::PgOther),
            Token::Tilde => (UnaryOperator::BitwiseNot, Precedence::PgOther),
            _ => return None,
        };
        parser.advance_token();
        let operand = parser.parse_subexpr(self.prec_value(precedence));
        Some(operand.map(|expr| Expr::UnaryOp { op, expr: Box::new(expr) }))
    }

    /// Parses `BETWEEN SYMMETRIC`, and `IS [NOT] DISTINCT FROM` as PostgreSQL does, tighter than NOT, AND and OR. sqlparser (0.62)
    /// takes all that follows for its right side.
    fn parse_infix(
        &self,
        parser: &mut Parser,
        expr: &Expr,
        _: u8,
    ) -> Option<std::result::Result<Expr, ParserError>> {
        let between = between_symmetric::parse(parser, expr, self.prec_value(Precedence::Between));
        if between.is_some() {
            return between;
        }
        let is_negated = match (parser.peek_keyword(Keyword::IS), &parser.peek_nth_token(1).token) {
            (true, Token::Word(word)) if word.keyword == Keyword::DISTINCT => false,
            (true, Token::Word(word)) if word.keyword == Keyword::NOT => true,
            _ => return None,
        };
        let words: &[Keyword] = match is_negated {
            false => &[Keyword::IS, Keyword::DISTINCT, Keyword::FROM],
            true => &[Keyword::IS, Keyword::NOT, Keyword::DISTINCT, Keyword::FROM],
        };
        if !parser.parse_keywords(words) {
            return None;
        }
        let left = Box::new(expr.clone());
        let right = parser.parse_subexpr(self.prec_value(Precedence::Is)).map(Box::new);
        Some(right.map(|right| match is_negated {
            false => Expr::IsDistinctFrom(left, right),
            true => Expr::IsNotDistinctFrom(left, right),
        }))
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        self.inner.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        self.inner.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        self.inner.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        self.inner.is_identifier_part(ch)
    }

    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        self.inner.is_reserved_for_identifier(keyword)
    }

    fn is_custom_operator_part(&self, ch: char) -> bool {
        self.inner.is_custom_operator_part(ch)
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<std::result::Result<u8, ParserError>> {
        self.inner.get_next_precedence(parser)
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        self.inner.prec_value(precedence)
    }

    as_inner! {
        allow_extract_custom allow_extract_single_quotes supports_alter_column_type_using
        supports_array_typedef_with_brackets supports_bitwise_shift_operators supports_comma_separated_trim
        supports_comment_on supports_comment_optimizer_hint supports_create_index_with_clause
        supports_create_table_like_parenthesized supports_empty_projections supports_explain_with_utility_options
        supports_factorial_operator supports_filter_during_aggregation supports_geometric_types
        supports_group_by_expr supports_insert_table_alias supports_interval_options supports_listen_notify
        supports_load_extension supports_named_fn_args_with_colon_operator supports_named_fn_args_with_expr_name
        supports_nested_comments supports_notnull_operator supports_numeric_literal_underscores
        supports_select_wildcard_with_alias supports_set_names supports_string_escape_constant
        supports_unicode_string_literal supports_xml_expressions
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const LIMIT: usize = 50;

    #[test]
    fn what_is_nested_and_broken_ends() {
        for (open, tail) in [("CAST(", "1"), ("a(", "1"), ("CAST(", ""), ("(", "1 +"), ("f(x, ", ",")] {
            for depth in [12, 40] {
                let refused = parse(&format!("SELECT {}{tail}", open.repeat(depth)), LIMIT).unwrap_err();
                assert!(!refused.to_string().is_empty());
            }
        }
        let intricate = parse(&format!("SELECT {}1", "CAST(".repeat(40)), LIMIT).unwrap_err();
        assert!(intricate.to_string().contains("too intricate"), "{intricate}");
    }

    #[test]
    fn ordinary_statements_are_parsed_as_by_the_dialect_itself() {
        let statements = [
            "SELECT a::int, b -> 'c', x ~* 'y', INTERVAL '1 day', E'\\n', $1, $name FROM t AS u (v) WHERE a IS NOT NULL",
            "SELECT abs(round(ceil(floor(sqrt(ln(exp(abs(1.5))))))))",
            "SELECT count(*) FILTER (WHERE x > 1) OVER (PARTITION BY y ORDER BY z ROWS 3 PRECEDING) FROM \"T\"",
            "EXPLAIN SELECT ARRAY[1, 2], [3], CAST(x AS INT[]), extract(hour FROM ts), trim(both 'x' FROM y) FROM t",
            "WITH RECURSIVE t AS (VALUES (1) UNION ALL SELECT n + 1 FROM t) SELECT * FROM t ORDER BY 1 LIMIT 3 OFFSET 1",
        ];
        for statement in statements {
            let dialect = PostgreSqlDialect {};
            let parser = DFParserBuilder::new(statement).with_dialect(&dialect).build();
            let expected = parser.unwrap().parse_statements().unwrap().pop_front().unwrap();
            assert_eq!(parse(statement, LIMIT).unwrap(), expected, "{statement}");
        }
        assert!(parse("SELECT 1; SELECT 2", LIMIT).unwrap_err().to_string().contains("single SQL statement"));
        assert!(parse("", LIMIT).is_err());
        let refused = parse("SELECT abs(x) NOT BETWEEN SYMMETRIC 3 AND 1", LIMIT).unwrap_err();
        assert!(refused.to_string().contains("least(a, b)"), "{refused}");
    }

    #[test]
    fn operators_bind_as_in_postgresql() {
        let rows = [
            ("-2 ^ 2", "BinaryOp { left: UnaryOp { op: Minus, expr: Value("),
            ("- a * b", "BinaryOp { left: UnaryOp { op: Minus, expr: Identifier("),
            ("-2::int", "UnaryOp { op: Minus, expr: Cast {"),
            ("+ a ^ b", "BinaryOp { left: UnaryOp { op: Plus, expr: Identifier("),
            ("@ -1 + 2", "UnaryOp { op: PGAbs, expr: BinaryOp {"),
            ("|/ a * b = c", "BinaryOp { left: UnaryOp { op: PGSquareRoot, expr: BinaryOp {"),
            ("||/ a || b", "BinaryOp { left: UnaryOp { op: PGCubeRoot, expr: Identifier("),
            ("~ a & b", "BinaryOp { left: UnaryOp { op: BitwiseNot, expr: Identifier("),
            ("a IS DISTINCT FROM b OR c", "BinaryOp { left: IsDistinctFrom("),
            ("a IS NOT DISTINCT FROM b + 1 AND c", "BinaryOp { left: IsNotDistinctFrom("),
            ("NOT a IS DISTINCT FROM b", "UnaryOp { op: Not, expr: IsDistinctFrom("),
            ("a IS NOT NULL OR c", "BinaryOp { left: IsNotNull("),
            ("a BETWEEN SYMMETRIC 3 AND 1 AND c", "BinaryOp { left: Nested(BinaryOp { left: Between {"),
            (
                "NOT a NOT BETWEEN SYMMETRIC b AND -1",
                "UnaryOp { op: Not, expr: Nested(BinaryOp { left: Between {",
            ),
        ];
        for (text, begin) in rows {
            let Statement::Statement(statement) = parse(&format!("SELECT {text}"), LIMIT).unwrap() else {
                panic!("{text}");
            };
            let tree = format!("{statement:?}");
            assert!(tree.contains(&format!("UnnamedExpr({begin}")), "{text}: {tree}");
        }
    }
}
