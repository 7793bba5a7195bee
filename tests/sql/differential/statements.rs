//! Random SELECT statements over `readings`, `streams`, `latest` and `statistics`, whose answers do not depend on chance: a
//! statement with a limit is ordered by everything that it shows, or only what it is ordered by is compared.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::expressions::{Column, Expressions, Kind, READINGS, columns};
use crate::support::rows;

/// A statement, and whether the order of its rows is told by it.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    pub text: String,
    pub is_ordered: bool,
    /// Number of columns, which are `c1`, `c2`, ….
    pub columns: usize,
    /// So many of the first columns have one right answer: of rows that are alike in them any may be within the limit.
    pub compared: usize,
}

/// A table or subquery in FROM, with its columns.
pub(super) struct Source {
    pub(super) text: String,
    pub(super) columns: Vec<Column>,
}

pub(super) const STREAMS: [(&str, Kind); 3] = [("id", Kind::Int), ("name", Kind::Text), ("unit", Kind::Text)];

const STATISTICS: [(&str, Kind); 12] = [
    ("stream_id", Kind::Int),
    ("ts", Kind::Instant),
    ("window_s", Kind::Int),
    ("count", Kind::Int),
    ("mean", Kind::Float),
    ("rms", Kind::Float),
    ("median", Kind::Float),
    ("min", Kind::Float),
    ("max", Kind::Float),
    ("q1", Kind::Float),
    ("q3", Kind::Float),
    ("origin", Kind::Text),
];

/// Returns the statement of a seed.
pub fn statement(seed: u64) -> Statement {
    let mut rng = StdRng::seed_from_u64(seed);
    Statements { rng: &mut rng, aliases: 0 }.next()
}

pub(super) struct Statements<'a> {
    pub(super) rng: &'a mut StdRng,
    /// Number of aliases that `composed` has given.
    pub(super) aliases: u32,
}

/// A query without ORDER BY, and the types of what it shows.
pub(super) struct Query {
    pub(super) text: String,
    pub(super) kinds: Vec<Kind>,
}

/// A query that can be ordered. PostgreSQL 15 to 17 sort the NULL of a grouping set as the constant or the other column that a condition
/// makes of its column, or that they find a key to be, but not that of a subquery.
pub(super) fn keys_apart(query: String) -> String {
    let has_any = |words: &[&str]| words.iter().any(|word| query.contains(word));
    let finds_constants = has_any(&["WHERE", "JOIN", "BETWEEN", "AND", "OR", "CASE", "IN", "coalesce"]);
    match finds_constants && has_any(&["GROUPING SETS", "ROLLUP", "CUBE"]) {
        true => format!("SELECT * FROM ({query}) g"),
        false => query,
    }
}

impl Statements<'_> {
    fn next(&mut self) -> Statement {
        let query = match self.rng.random_range(0..16) {
            0..3 => self.plain(),
            3..6 => self.aggregate(),
            6..8 => self.windows(),
            8 => self.set_operation(),
            9 => self.nested(),
            10 => self.distinct_on(),
            11 => self.with_subquery(),
            _ => self.composed(2),
        };
        let mut text = query.text;
        let is_ordered = self.rng.random_bool(0.7);
        if is_ordered {
            text = keys_apart(text);
        }
        let columns = query.kinds.len();
        let mut compared = columns;
        if is_ordered {
            let has_limit = self.rng.random_bool(0.5);
            if has_limit && self.rng.random_bool(0.4) {
                compared = self.rng.random_range(1..=columns);
            }
            let terms = (1..=compared).map(|place| {
                let suffix = ["", "", " DESC", " NULLS FIRST", " DESC NULLS LAST"];
                format!("{place}{}", suffix.choose(self.rng).expect("suffixes"))
            });
            text += &format!(" ORDER BY {}", terms.collect::<Vec<_>>().join(", "));
            if has_limit {
                text += &format!(" LIMIT {}", self.rng.random_range(1..12));
            }
            if self.rng.random_bool(0.2) {
                text += &format!(" OFFSET {}", self.rng.random_range(0..5));
            }
        }
        Statement { text, is_ordered, columns, compared }
    }

    pub(super) fn expressions<'c>(&'c mut self, columns: &'c [Column]) -> Expressions<'c> {
        Expressions { rng: self.rng, columns }
    }

    /// Readings, mostly of some streams; sometimes with another table.
    fn source(&mut self) -> Source {
        let of_readings = columns("r", &READINGS);
        let both = || [of_readings.clone(), columns("s", &STREAMS)].concat();
        match self.rng.random_range(0..11) {
            0 => {
                let kind = ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"].choose(self.rng).expect("joins");
                let streams = ["streams", "streams", "(SELECT * FROM streams WHERE unit = 'rpm')"];
                let streams = streams.choose(self.rng).expect("streams");
                let text = format!("readings r {kind} {streams} s ON s.id = r.stream_id");
                Source { text, columns: both() }
            }
            1 => {
                let other = columns("o", &READINGS);
                let kind = ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"].choose(self.rng).expect("joins");
                let (one, two) = (self.rng.random_range(1..4), self.rng.random_range(1..4));
                let text = format!(
                    "(SELECT * FROM readings WHERE stream_id = {one}) r {kind} (SELECT * FROM readings WHERE stream_id = {two}) o ON r.ts = o.ts"
                );
                Source { text, columns: [of_readings.clone(), other].concat() }
            }
            2 => {
                let kind = ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"].choose(self.rng).expect("joins");
                let (one, two) = (self.rng.random_range(1..4), self.rng.random_range(1..4));
                let text = format!(
                    "(SELECT * FROM readings WHERE stream_id = {one}) r {kind} (SELECT ts, value AS other FROM readings WHERE stream_id = {two}) o USING (ts)"
                );
                let shared = Column { name: "ts".to_owned(), kind: Kind::Instant };
                let other = Column { name: "other".to_owned(), kind: Kind::Float };
                let own = of_readings.iter().filter(|column| column.name != "r.ts").cloned();
                Source { text, columns: own.chain([shared, other]).collect() }
            }
            3 => {
                let condition = self.expressions(&both()).condition(1);
                let text = format!("readings r LEFT JOIN streams s ON s.id = r.stream_id AND ({condition})");
                Source { text, columns: both() }
            }
            4 => Source { text: "latest r".to_owned(), columns: of_readings },
            5 => self.statistics(),
            6 => {
                let kind = ["JOIN", "LEFT JOIN"].choose(self.rng).expect("joins");
                let groups = "SELECT stream_id AS id, min(text) AS name, max(quality) AS unit FROM readings GROUP BY 1";
                Source {
                    text: format!("readings r {kind} ({groups}) s ON s.id = r.stream_id"),
                    columns: both(),
                }
            }
            _ => Source { text: "readings r".to_owned(), columns: of_readings },
        }
    }

    /// Statistics under the names of readings, or beside readings.
    fn statistics(&mut self) -> Source {
        let of_readings = columns("r", &READINGS);
        if self.rng.random_bool(0.5) {
            let others = columns("r", &[("n", Kind::Int), ("low", Kind::Float), ("high", Kind::Float)]);
            let of_reading = "stream_id, ts, mean AS value, origin AS text, window_s::text AS quality";
            let text =
                format!("(SELECT {of_reading}, count AS n, min AS low, max AS high FROM statistics) r");
            return Source { text, columns: [of_readings, others].concat() };
        }
        let kind = ["JOIN", "LEFT JOIN"].choose(self.rng).expect("joins");
        let condition = "s.stream_id = r.stream_id AND s.ts = date_trunc('minute', r.ts)";
        let text = format!("readings r {kind} statistics s ON {condition}");
        Source { text, columns: [of_readings, columns("s", &STATISTICS)].concat() }
    }

    /// A WHERE clause, or nothing.
    fn filter(&mut self, columns: &[Column]) -> String {
        let mut terms = Vec::new();
        if self.rng.random_bool(0.4) {
            terms.push(format!("r.stream_id = {}", self.rng.random_range(1..4)));
        }
        if self.rng.random_bool(0.3) {
            let days = ["2024-03-30", "2024-03-31", "2024-04-01"];
            let day = days.choose(self.rng).expect("days");
            terms.push(match self.rng.random_range(0..3) {
                0 => format!("r.ts::date = '{day}'"),
                1 => format!("r.ts >= '{day}' AND r.ts < '{day}'::timestamptz + interval '1 day'"),
                _ => format!("date_trunc('day', r.ts) = '{day}'"),
            });
        }
        if self.rng.random_bool(0.5) {
            terms.push(self.expressions(columns).condition(2));
        }
        match self.rng.random_range(0..14) {
            0 => terms.push("r.stream_id IN (SELECT s2.id FROM streams s2 WHERE s2.unit = 'rpm')".to_owned()),
            1 => terms
                .push("r.stream_id NOT IN (SELECT l.stream_id FROM latest l WHERE l.value > 10)".to_owned()),
            2 => terms.push(
                "EXISTS (SELECT 1 FROM latest l WHERE l.stream_id = r.stream_id AND l.value > 3)".to_owned(),
            ),
            3 => terms.push(
                "NOT EXISTS (SELECT 1 FROM readings l WHERE l.stream_id = 2 AND l.ts = r.ts)".to_owned(),
            ),
            4 => terms.push(
                "(r.value > 20 OR r.stream_id NOT IN (SELECT nullif(s2.id, 2) FROM streams s2 WHERE s2.unit = 'rpm'))"
                    .to_owned(),
            ),
            5 => terms.push("r.stream_id IN (2, 3, NULL)".to_owned()),
            6 => terms.push(
                "r.stream_id IN (1, CASE r.stream_id WHEN 2 THEN r.stream_id WHEN 3 THEN 7 END)".to_owned(),
            ),
            _ => {}
        }
        if terms.is_empty() { String::new() } else { format!(" WHERE {}", terms.join(" AND ")) }
    }

    pub(super) fn select_list(&mut self, columns: &[Column], depth: u32) -> (Vec<String>, Vec<Kind>) {
        let count = self.rng.random_range(1..4);
        let kinds: Vec<Kind> = (0..count).map(|_| self.expressions(columns).kind()).collect();
        let texts = kinds.iter().map(|kind| self.expressions(columns).of(*kind, depth)).collect();
        (texts, kinds)
    }

    fn plain(&mut self) -> Query {
        let source = self.source();
        let (list, kinds) = self.select_list(&source.columns, 2);
        let distinct = if self.rng.random_bool(0.2) { "DISTINCT " } else { "" };
        let filter = self.filter(&source.columns);
        Query { text: format!("SELECT {distinct}{} FROM {}{filter}", named(&list), source.text), kinds }
    }

    fn aggregate(&mut self) -> Query {
        let source = self.source();
        let mut keys = Vec::new();
        for _ in 0..self.rng.random_range(0..3) {
            let simple = rows![
                "r.stream_id"; "r.quality"; "r.text"; "date_trunc('hour', r.ts)"; "r.ts::date";
                "date_trunc('day', r.ts)";
            ];
            let kinds = [Kind::Int, Kind::Text, Kind::Text, Kind::Instant, Kind::Date, Kind::Instant];
            let place = self.rng.random_range(0..9);
            keys.push(match simple.get(place) {
                Some(key) => ((*key).to_owned(), kinds[place]),
                None => {
                    let kind = self.expressions(&source.columns).kind();
                    (self.expressions(&source.columns).of(kind, 1), kind)
                }
            });
        }
        // A key that is a constant is taken for a place in the list by PostgreSQL.
        keys.retain(|(key, _)| key.contains('.') && !key.starts_with('\''));
        keys.dedup();
        let calls: Vec<(String, Kind)> =
            (0..self.rng.random_range(1..4)).map(|_| self.aggregate_call(&source.columns)).collect();
        let filter = self.filter(&source.columns);
        let group = self.group_by(&keys.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>());
        let having = match self.rng.random_range(0..6) {
            0 => format!(" HAVING count(*) > {}", self.rng.random_range(0..5)),
            1 => " HAVING sum(r.value) > 10".to_owned(),
            _ => String::new(),
        };
        let (list, kinds): (Vec<String>, Vec<Kind>) = keys.into_iter().chain(calls).unzip();
        Query { text: format!("SELECT {} FROM {}{filter}{group}{having}", named(&list), source.text), kinds }
    }

    pub(super) fn group_by(&mut self, keys: &[String]) -> String {
        let all = keys.join(", ");
        if keys.is_empty() {
            return String::new();
        }
        let sets: Vec<String> =
            keys.iter().map(|key| format!("({key})")).chain(["()".to_owned(), format!("({all})")]).collect();
        match self.rng.random_range(0..8) {
            0 => format!(" GROUP BY GROUPING SETS ({})", sets.join(", ")),
            1 => format!(" GROUP BY ROLLUP ({all})"),
            2 => format!(" GROUP BY CUBE ({all})"),
            _ => format!(" GROUP BY {all}"),
        }
    }

    fn windows(&mut self) -> Query {
        let source = Source { text: "readings r".to_owned(), columns: columns("r", &READINGS) };
        let mut list = vec!["r.stream_id".to_owned(), "r.ts".to_owned()];
        let mut kinds = vec![Kind::Int, Kind::Instant];
        for _ in 0..self.rng.random_range(1..3) {
            let (call, kind) = self.window_call(&source.columns);
            list.push(call);
            kinds.push(kind);
        }
        let filter = self.filter(&source.columns);
        let text = format!("SELECT {} FROM {}{filter}", named(&list), source.text);
        if self.rng.random_bool(0.3) {
            let text = format!("SELECT * FROM ({text}) w WHERE w.c3 IS NOT NULL");
            return Query { text, kinds };
        }
        Query { text, kinds }
    }

    fn set_operation(&mut self) -> Query {
        let first = self.source();
        let second = self.source();
        let (list, kinds) = self.select_list(&first.columns, 1);
        let other: Vec<String> =
            kinds.iter().map(|kind| self.expressions(&second.columns).of(*kind, 1)).collect();
        let operators = ["UNION", "UNION ALL", "INTERSECT", "EXCEPT"];
        let operator = operators.choose(self.rng).expect("operators");
        let (one, two) = (self.filter(&first.columns), self.filter(&second.columns));
        let (first, second) = (first.text, second.text);
        let text = format!(
            "SELECT {} FROM {first}{one} {operator} SELECT {} FROM {second}{two}",
            named(&list),
            named(&other)
        );
        Query { text, kinds }
    }

    /// A question about the answer of another.
    fn nested(&mut self) -> Query {
        let inner = match self.rng.random_range(0..3) {
            0 => self.aggregate(),
            1 => self.windows(),
            _ => self.plain(),
        };
        let names: Vec<String> = (1..=inner.kinds.len()).map(|place| format!("c{place}")).collect();
        let pairs: Vec<(&str, Kind)> =
            names.iter().map(String::as_str).zip(inner.kinds.iter().copied()).collect();
        let of_inner = columns("q", &pairs);
        let condition = self.expressions(&of_inner).condition(1);
        let with = self.rng.random_bool(0.5);
        let (before, from) = match with {
            true => (format!("WITH q AS ({}) ", inner.text), "q".to_owned()),
            false => (String::new(), format!("({}) q", inner.text)),
        };
        if self.rng.random_bool(0.4) {
            let text = format!(
                "{before}SELECT q.c1 AS c1, count(*) AS c2 FROM {from} WHERE {condition} GROUP BY q.c1"
            );
            return Query { text, kinds: vec![inner.kinds[0], Kind::Int] };
        }
        let (list, kinds) = self.select_list(&of_inner, 1);
        Query { text: format!("{before}SELECT {} FROM {from} WHERE {condition}", named(&list)), kinds }
    }

    fn distinct_on(&mut self) -> Query {
        let source = columns("r", &READINGS);
        let keys = ["r.stream_id", "r.ts::date, r.stream_id", "r.quality", "date_trunc('hour', r.ts)"];
        let key = keys.choose(self.rng).expect("keys");
        let direction = ["", " DESC"].choose(self.rng).expect("directions");
        let filter = self.filter(&source);
        let text = format!(
            "SELECT * FROM (SELECT DISTINCT ON ({key}) r.stream_id AS c1, r.ts AS c2, r.value AS c3 FROM readings r{filter} ORDER BY {key}, r.ts{direction}, r.stream_id) d"
        );
        Query { text, kinds: vec![Kind::Int, Kind::Instant, Kind::Float] }
    }

    /// A scalar subquery in the list.
    fn with_subquery(&mut self) -> Query {
        let of_streams = columns("s", &STREAMS);
        let subqueries = [
            "(SELECT max(r.value) FROM readings r WHERE r.stream_id = s.id)",
            "(SELECT count(*) FROM readings r WHERE r.stream_id = s.id AND r.ts::date = '2024-03-31')",
            "(SELECT min(r.value) FROM readings r)",
            "(SELECT sum(r.value) FROM readings r WHERE r.stream_id = s.id AND r.quality = 'good')",
        ];
        let subquery = subqueries.choose(self.rng).expect("subqueries");
        let condition = self.expressions(&of_streams).condition(1);
        let text = format!("SELECT s.id AS c1, {subquery} AS c2 FROM streams s WHERE {condition}");
        Query { text, kinds: vec![Kind::Int, Kind::Float] }
    }
}

/// A list of expressions with names `c1`, `c2`, ….
pub(super) fn named(list: &[String]) -> String {
    let named: Vec<String> =
        list.iter().zip(1..).map(|(text, place)| format!("{text} AS c{place}")).collect();
    named.join(", ")
}
