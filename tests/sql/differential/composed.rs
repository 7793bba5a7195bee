//! Random queries whose FROM has tables, subqueries with orders and limits, lateral subqueries and VALUES in each other, and whose
//! conditions have correlated subqueries.

use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};

use super::expressions::{Column, Kind, READINGS, columns};
use super::statements::{Query, STREAMS, Source, Statements, keys_apart, named};

const DIRECTIONS: [&str; 4] = ["", " DESC", " NULLS FIRST", " DESC NULLS LAST"];

/// Whether each row of a source is of a reading: such sources are joined by times only, so that answers stay small.
fn has_readings(source: &Source) -> bool {
    source.text.contains("readings")
}

impl Statements<'_> {
    /// A query with at most so many levels of subqueries below it.
    pub(super) fn composed(&mut self, depth: u32) -> Query {
        let source = self.joined(depth);
        let filter = self.composed_filter(&source.columns);
        match self.rng.random_range(0..4) {
            0 => self.composed_plain(&source, &filter),
            1 => self.composed_windows(&source, &filter),
            _ => self.composed_aggregate(&source, &filter),
        }
    }

    fn new_alias(&mut self) -> String {
        self.aliases += 1;
        format!("t{}", self.aliases)
    }

    fn composed_plain(&mut self, source: &Source, filter: &str) -> Query {
        let (list, kinds) = self.select_list(&source.columns, 2);
        let distinct = if self.rng.random_bool(0.2) { "DISTINCT " } else { "" };
        Query { text: format!("SELECT {distinct}{} FROM {}{filter}", named(&list), source.text), kinds }
    }

    fn composed_aggregate(&mut self, source: &Source, filter: &str) -> Query {
        let (mut keys, kinds) = self.select_list(&source.columns, 1);
        let mut items: Vec<(String, Kind)> = keys.iter().cloned().zip(kinds).collect();
        // A key that is a constant is taken for a place in the list by PostgreSQL.
        let is_key = |key: &String| source.columns.iter().any(|column| key.contains(&column.name));
        keys.retain(is_key);
        items.retain(|(key, _)| is_key(key));
        if self.rng.random_bool(0.2) {
            (keys, items) = (Vec::new(), Vec::new());
        }
        for _ in 0..self.rng.random_range(1..3) {
            items.push(self.aggregate_call(&source.columns));
        }
        let group = self.group_by(&keys);
        let having = if self.rng.random_bool(0.2) { " HAVING count(*) > 1" } else { "" };
        let (list, kinds): (Vec<String>, Vec<Kind>) = items.into_iter().unzip();
        Query { text: format!("SELECT {} FROM {}{filter}{group}{having}", named(&list), source.text), kinds }
    }

    fn composed_windows(&mut self, source: &Source, filter: &str) -> Query {
        let (mut list, mut kinds) = self.select_list(&source.columns, 1);
        let kind = self.expressions(&source.columns).kind();
        let of = self.expressions(&source.columns).of(kind, 1);
        let partition = match self.rng.random_bool(0.5) {
            true => format!("PARTITION BY {} ", self.expressions(&source.columns).of(Kind::Int, 1)),
            false => String::new(),
        };
        let order = self.order_by_all(&source.columns);
        let (call, kind) = match self.rng.random_range(0..5) {
            0 => (format!("row_number() OVER ({partition}{order})"), Kind::Int),
            1 => (format!("lag({of}) OVER ({partition}{order})"), kind),
            2 => (format!("first_value({of}) OVER ({partition}{order})"), kind),
            3 => (format!("count(*) OVER ({})", partition.trim_end()), Kind::Int),
            _ => {
                let frame = "ROWS BETWEEN 1 PRECEDING AND CURRENT ROW";
                (format!("count({of}) OVER ({partition}{order} {frame})"), Kind::Int)
            }
        };
        list.push(call);
        kinds.push(kind);
        Query { text: format!("SELECT {} FROM {}{filter}", named(&list), source.text), kinds }
    }

    /// An order in which only rows that are alike have no order.
    fn order_by_all(&mut self, all: &[Column]) -> String {
        let mut names: Vec<&str> = all.iter().map(|column| column.name.as_str()).collect();
        names.shuffle(self.rng);
        let term = |name: &str| format!("{name}{}", DIRECTIONS.choose(self.rng).expect("directions"));
        format!("ORDER BY {}", names.into_iter().map(term).collect::<Vec<_>>().join(", "))
    }

    /// A table, VALUES or a subquery under an alias of its own.
    fn relation(&mut self, depth: u32) -> Source {
        let alias = self.new_alias();
        if depth == 0 || self.rng.random_bool(0.5) {
            let (table, names) = match self.rng.random_range(0..6) {
                0 => ("streams", STREAMS.as_slice()),
                1 => ("latest", READINGS.as_slice()),
                2 => {
                    let values = "(VALUES (1, 'RUN', 0.25::float8), (2, NULL, -3), (NULL, 'x', 10))";
                    let text = format!("{values} AS {alias}(id, name, value)");
                    let names = [("id", Kind::Int), ("name", Kind::Text), ("value", Kind::Float)];
                    return Source { text, columns: columns(&alias, &names) };
                }
                _ => ("readings", READINGS.as_slice()),
            };
            return Source { text: format!("{table} {alias}"), columns: columns(&alias, names) };
        }
        let Query { mut text, kinds } = self.composed(depth - 1);
        let names: Vec<String> = (1..=kinds.len()).map(|place| format!("c{place}")).collect();
        let pairs: Vec<(&str, Kind)> = names.iter().map(String::as_str).zip(kinds).collect();
        if self.rng.random_bool(0.5) {
            let places = pairs.iter().map(|(name, kind)| Column { name: (*name).to_owned(), kind: *kind });
            text = format!("{} {}", keys_apart(text), self.order_by_all(&places.collect::<Vec<_>>()));
            if self.rng.random_bool(0.7) {
                text += &format!(" LIMIT {}", self.rng.random_range(1..7));
            }
            if self.rng.random_bool(0.2) {
                text += " OFFSET 1";
            }
        }
        Source { text: format!("({text}) {alias}"), columns: columns(&alias, &pairs) }
    }

    /// A relation, mostly joined with others.
    fn joined(&mut self, depth: u32) -> Source {
        let mut source = self.relation(depth);
        for _ in 0..self.rng.random_range(0..3) {
            let of_int = source.columns.iter().filter(|column| column.kind == Kind::Int);
            let ints: Vec<String> = of_int.map(|column| column.name.clone()).collect();
            match ints.choose(self.rng) {
                Some(id) if self.rng.random_bool(0.2) => self.join_lateral(&mut source, id),
                _ => {
                    let other = self.relation(depth.saturating_sub(1));
                    self.join(&mut source, other);
                }
            }
        }
        source
    }

    /// Joins another source by a pair of columns, or not at all when none fits.
    fn join(&mut self, source: &mut Source, other: Source) {
        let is_large = has_readings(source) && has_readings(&other);
        let kinds = if is_large { &[Kind::Instant][..] } else { &[Kind::Int, Kind::Instant] };
        let pairs = source.columns.iter().flat_map(|one| other.columns.iter().map(move |two| (one, two)));
        let fits = |(one, two): &(&Column, &Column)| one.kind == two.kind && kinds.contains(&one.kind);
        let pairs: Vec<String> =
            pairs.filter(fits).map(|(one, two)| format!("{} = {}", one.name, two.name)).collect();
        let Some(pair) = pairs.choose(self.rng) else { return };
        let join = ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"].choose(self.rng).expect("joins");
        source.columns.extend(other.columns);
        let more = match *join != "FULL JOIN" && self.rng.random_bool(0.3) {
            true => format!(" AND {}", self.expressions(&source.columns).condition(1)),
            false => String::new(),
        };
        source.text += &format!(" {join} {} ON {pair}{more}", other.text);
    }

    /// Joins a subquery that names a column of the source.
    fn join_lateral(&mut self, source: &mut Source, id: &str) {
        let (alias, inner) = (self.new_alias(), self.new_alias());
        let table = ["readings", "latest"].choose(self.rng).expect("tables");
        let from = format!("FROM {table} {inner} WHERE {inner}.stream_id = {id}");
        let subquery = match self.rng.random_range(0..2) {
            0 => format!(
                "SELECT {inner}.value AS low, {inner}.ts AS at {from} ORDER BY {inner}.ts DESC, {inner}.value LIMIT 2"
            ),
            _ => format!("SELECT min({inner}.value) AS low, max({inner}.ts) AS at {from}"),
        };
        source.text += &match self.rng.random_bool(0.5) {
            true => format!(" CROSS JOIN LATERAL ({subquery}) {alias}"),
            false => format!(" LEFT JOIN LATERAL ({subquery}) {alias} ON true"),
        };
        source.columns.extend(columns(&alias, &[("low", Kind::Float), ("at", Kind::Instant)]));
    }

    fn composed_filter(&mut self, all: &[Column]) -> String {
        let mut terms = Vec::new();
        if self.rng.random_bool(0.5) {
            terms.push(self.expressions(all).condition(2));
        }
        let ints: Vec<&Column> = all.iter().filter(|column| column.kind == Kind::Int).collect();
        if let Some(id) = ints.choose(self.rng).filter(|_| self.rng.random_bool(0.3)) {
            let (inner, id) = (self.new_alias(), &id.name);
            let table = ["readings", "latest"].choose(self.rng).expect("tables");
            let of_inner = columns(&inner, &READINGS);
            let condition = self.expressions(&of_inner).condition(1);
            let same = format!("FROM {table} {inner} WHERE {inner}.stream_id = {id} AND {condition}");
            terms.push(match self.rng.random_range(0..4) {
                0 => format!("EXISTS (SELECT 1 {same})"),
                1 => format!("NOT EXISTS (SELECT 1 {same})"),
                2 => format!("{id} IN (SELECT {inner}.stream_id FROM {table} {inner} WHERE {condition})"),
                _ => format!(
                    "{} > (SELECT max({inner}.value) {same})",
                    self.expressions(all).of(Kind::Float, 1)
                ),
            });
        }
        if terms.is_empty() { String::new() } else { format!(" WHERE {}", terms.join(" AND ")) }
    }
}
