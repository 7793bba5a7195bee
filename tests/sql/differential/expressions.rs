//! Random expressions of a type over the columns of a query.

use crate::support::rows;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

/// Type of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Int,
    Float,
    Text,
    Bool,
    Instant,
    Date,
}

pub const KINDS: [Kind; 6] = [Kind::Int, Kind::Float, Kind::Text, Kind::Bool, Kind::Instant, Kind::Date];

/// A column that expressions may name.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
}

/// The columns of a table or subquery under an alias.
pub fn columns(alias: &str, names: &[(&str, Kind)]) -> Vec<Column> {
    names.iter().map(|(name, kind)| Column { name: format!("{alias}.{name}"), kind: *kind }).collect()
}

pub const READINGS: [(&str, Kind); 5] = [
    ("stream_id", Kind::Int),
    ("ts", Kind::Instant),
    ("value", Kind::Float),
    ("text", Kind::Text),
    ("quality", Kind::Text),
];

const INSTANTS: [&str; 8] = rows![
    "2024-03-30 12:00:00+00"; "2024-03-31 00:00:00+00"; "2024-03-31 01:00:00+00"; "2024-10-27 00:30:00+00";
    "2024-10-27 01:00:00+00"; "2024-03-31"; "2024-03-31 01:30+02"; "2024-10-27 02:30 Europe/Berlin";
];
const WORDS: [&str; 7] = ["RUN", "STOP", "run", "", "C:\\dir", "a_b%", "good"];
const PATTERNS: [&str; 7] = ["R%", "%o%", "_UN", "%", "C:%", "a\\_%", ""];
const EXPRESSIONS: [&str; 10] =
    ["^R", "U.$", "o{2}", "[a-r]+", "C:.dir", "x|T", "^[[:upper:]]+$", "[^[:lower:]]", "\\d", "[[a]_"];
const ZONES: [&str; 3] = ["Europe/Berlin", "America/New_York", "UTC"];
const UNITS: [&str; 6] = ["minute", "hour", "day", "week", "month", "year"];
const SPANS: [&str; 6] = ["15 minutes", "1 hour", "90 minutes", "1 day", "1 month", "36 hours"];

/// Makes expressions.
pub struct Expressions<'a> {
    pub rng: &'a mut StdRng,
    pub columns: &'a [Column],
}

impl Expressions<'_> {
    fn one_of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts.choose(self.rng).expect("a choice")
    }

    fn one_of_kinds(&mut self, kinds: &[Kind]) -> Kind {
        *kinds.choose(self.rng).expect("kinds")
    }

    fn column(&mut self, kind: Kind) -> Option<String> {
        let fitting: Vec<&Column> = self.columns.iter().filter(|column| column.kind == kind).collect();
        fitting.choose(self.rng).map(|column| column.name.clone())
    }

    pub fn kind(&mut self) -> Kind {
        self.one_of_kinds(&KINDS)
    }

    /// An expression of a type, in parentheses where it needs them.
    pub fn of(&mut self, kind: Kind, depth: u32) -> String {
        if depth == 0 || self.rng.random_bool(0.35) {
            if self.rng.random_bool(0.8)
                && let Some(column) = self.column(kind)
            {
                return column;
            }
            return self.literal(kind);
        }
        let depth = depth - 1;
        match self.rng.random_range(0..10) {
            0 => self.case(kind, depth),
            1 => format!("coalesce({}, {})", self.of(kind, depth), self.of(kind, depth)),
            2 => format!("nullif({}, {})", self.of(kind, depth), self.of(kind, depth)),
            3 if kind != Kind::Bool => {
                let function = self.one_of(&["greatest", "least"]);
                format!("{function}({}, {})", self.of(kind, depth), self.of(kind, depth))
            }
            _ => match kind {
                Kind::Int => self.int(depth),
                Kind::Float => self.float(depth),
                Kind::Text => self.text(depth),
                Kind::Bool => self.condition(depth),
                Kind::Instant => self.instant(depth),
                Kind::Date => self.date(depth),
            },
        }
    }

    pub fn literal(&mut self, kind: Kind) -> String {
        match kind {
            Kind::Int => self.rng.random_range(-3..40).to_string(),
            Kind::Float => {
                let numbers = ["0.0", "1.5", "-2.25", "20.0", "0.1", "1e3", "'NaN'", "'-Infinity'"];
                self.one_of(&numbers).to_owned() + "::double precision"
            }
            Kind::Text => format!("'{}'", self.one_of(&WORDS)),
            Kind::Bool => self.one_of(&["true", "false"]).to_owned(),
            Kind::Instant => format!("'{}'::timestamptz", self.one_of(&INSTANTS)),
            Kind::Date => {
                let days = [
                    "'2024-03-31'::date",
                    "'2024-10-27'::date",
                    "date '2024-02-29'",
                    "'2024-03-31 23:30:00-05'::date",
                ];
                self.one_of(&days).to_owned()
            }
        }
    }

    fn case(&mut self, kind: Kind, depth: u32) -> String {
        let (then, other) = (self.of(kind, depth), self.of(kind, depth));
        if self.rng.random_bool(0.3) {
            let tested = self.kind();
            let (value, of) = (self.of(tested, depth), self.of(tested, depth));
            return format!("CASE {of} WHEN {value} THEN {then} ELSE {other} END");
        }
        let condition = self.condition(depth);
        if kind != Kind::Text && self.rng.random_bool(0.1) {
            return format!("CASE WHEN {condition} THEN {} ELSE {other} END", self.unknown(kind));
        }
        let other = if self.rng.random_bool(0.3) { String::new() } else { format!(" ELSE {other}") };
        format!("CASE WHEN {condition} THEN {then}{other} END")
    }

    /// A text that is a value of the kind by what it stands beside.
    fn unknown(&mut self, kind: Kind) -> String {
        let texts: &[&str] = match kind {
            Kind::Int => &["'7'", "'-2'"],
            Kind::Float => &["'0.25'", "'NaN'", "'3'"],
            Kind::Bool => &["'t'", "'false'"],
            Kind::Text => &["'RUN'"],
            Kind::Instant => &["'2024-03-31 00:30:00Z'"],
            Kind::Date => &["'2024-10-27'"],
        };
        self.one_of(texts).to_owned()
    }

    fn int(&mut self, depth: u32) -> String {
        match self.rng.random_range(0..10) {
            0 => format!("({} + {})", self.of(Kind::Int, depth), self.of(Kind::Int, depth)),
            1 => format!("({} - {})", self.of(Kind::Int, depth), self.of(Kind::Int, depth)),
            2 => format!("({} % {})", self.of(Kind::Int, depth), self.rng.random_range(2..7)),
            3 => format!("({} / {})", self.of(Kind::Int, depth), self.rng.random_range(2..7)),
            4 => format!("length({})", self.of(Kind::Text, depth)),
            5 => format!("({})::int", self.of(Kind::Float, depth)),
            6 => format!("abs({})", self.of(Kind::Int, depth)),
            7 => format!("strpos({}, '{}')", self.of(Kind::Text, depth), self.one_of(&["R", "o", ""])),
            8 => {
                let field =
                    self.one_of(&["year", "month", "day", "hour", "minute", "dow", "doy", "week", "quarter"]);
                format!("extract({field} FROM {})::int", self.of(Kind::Instant, depth))
            }
            _ => format!("({})::int", self.of(Kind::Bool, depth)),
        }
    }

    fn float(&mut self, depth: u32) -> String {
        match self.rng.random_range(0..11) {
            0 => format!("({} + {})", self.of(Kind::Float, depth), self.of(Kind::Float, depth)),
            1 => format!("({} - {})", self.of(Kind::Float, depth), self.of(Kind::Int, depth)),
            2 => format!("({} * {})", self.of(Kind::Float, depth), self.of(Kind::Float, depth)),
            3 => format!("({} / 4.0::double precision)", self.of(Kind::Float, depth)),
            4 => {
                let function = self.one_of(&["abs", "floor", "ceil", "ceiling", "sign"]);
                format!("{function}({})", self.of(Kind::Float, depth))
            }
            5 => format!("({})::double precision", self.of(Kind::Int, depth)),
            6 => format!("sqrt(abs({}))", self.of(Kind::Float, depth)),
            7 => format!("extract(epoch FROM {})::double precision", self.of(Kind::Instant, depth)),
            8 => {
                let field = self.one_of(&["year", "month", "day", "hour", "minute", "dow"]);
                format!("(extract({field} FROM {}) / 4)::double precision", self.of(Kind::Instant, depth))
            }
            9 => format!("(round({}) / 4)", self.of(Kind::Int, depth)),
            _ => format!("(- {})", self.of(Kind::Float, depth)),
        }
    }

    fn text(&mut self, depth: u32) -> String {
        match self.rng.random_range(0..11) {
            0 => format!("upper({})", self.of(Kind::Text, depth)),
            1 => format!("lower({})", self.of(Kind::Text, depth)),
            2 => format!("({} || {})", self.of(Kind::Text, depth), self.of(Kind::Text, depth)),
            3 => format!("substr({}, {}, 2)", self.of(Kind::Text, depth), self.rng.random_range(1..4)),
            4 => format!("({})::text", self.of(Kind::Int, depth)),
            5 => format!("replace({}, 'U', '-')", self.of(Kind::Text, depth)),
            6 => {
                let kind = self.one_of_kinds(&[Kind::Int, Kind::Bool]);
                format!("concat({}, {})", self.of(Kind::Text, depth), self.of(kind, depth))
            }
            7 => format!(
                "{}({}, {})",
                self.one_of(&["left", "right"]),
                self.of(Kind::Text, depth),
                self.rng.random_range(-2..4)
            ),
            8 => format!("trim({})", self.of(Kind::Text, depth)),
            9 => {
                let pattern =
                    self.one_of(&["YYYY-MM-DD", "HH24:MI:SS", "YYYY-MM", "Dy DD Mon YYYY", "IYYY-IW", "DDD"]);
                format!("to_char({}, '{pattern}')", self.of(Kind::Instant, depth))
            }
            _ => format!("split_part({}, 'U', 1)", self.of(Kind::Text, depth)),
        }
    }

    /// A condition.
    pub fn condition(&mut self, depth: u32) -> String {
        let next = depth.saturating_sub(1);
        match self.rng.random_range(0..if depth == 0 { 6 } else { 14 }) {
            0..3 => {
                let kind = self.kind();
                let operator = self.one_of(&["=", "<>", "<", "<=", ">", ">="]);
                format!("({} {operator} {})", self.of(kind, next), self.of(kind, next))
            }
            3 => format!("({} IS {}NULL)", self.value_or_row(next), self.one_of(&["", "NOT "])),
            4 => {
                let kind = self.kind();
                let list: Vec<String> = (0..3).map(|_| self.literal(kind)).collect();
                format!("({} {}IN ({}))", self.of(kind, next), self.one_of(&["", "NOT "]), list.join(", "))
            }
            5 => {
                let kind = self.kind();
                let (of, low, high) = (self.of(kind, next), self.of(kind, next), self.literal(kind));
                format!("({of} {}BETWEEN {low} AND {high})", self.one_of(&["", "NOT "]))
            }
            6 | 7 => format!("({} AND {})", self.condition(next), self.condition(next)),
            8 => format!("({} OR {})", self.condition(next), self.condition(next)),
            9 => format!("NOT ({})", self.condition(next)),
            10 => format!(
                "({} {}LIKE '{}'{})",
                self.of(Kind::Text, next),
                self.one_of(&["", "NOT "]),
                self.one_of(&PATTERNS),
                self.one_of(&["", "", " ESCAPE ''", " ESCAPE '_'"])
            ),
            11 => format!(
                "({} {} '{}')",
                self.of(Kind::Text, next),
                self.one_of(&["~", "!~", "~*"]),
                self.one_of(&EXPRESSIONS)
            ),
            12 => {
                let kind = self.kind();
                format!(
                    "({} IS {}DISTINCT FROM {})",
                    self.of(kind, next),
                    self.one_of(&["", "NOT "]),
                    self.of(kind, next)
                )
            }
            _ => format!(
                "({} IS {})",
                self.of(Kind::Bool, next),
                self.one_of(&["TRUE", "NOT TRUE", "FALSE", "NOT FALSE", "UNKNOWN"])
            ),
        }
    }

    /// A value, or a row of two.
    fn value_or_row(&mut self, depth: u32) -> String {
        let kinds = [self.kind(), self.kind()];
        let [first, second] = kinds.map(|kind| self.of(kind, depth));
        if self.rng.random_range(0..3) == 0 { format!("({first}, {second})") } else { first }
    }

    fn instant(&mut self, depth: u32) -> String {
        match self.rng.random_range(0..7) {
            0 | 1 => format!("date_trunc('{}', {})", self.one_of(&UNITS), self.of(Kind::Instant, depth)),
            2 => {
                let (sign, span) = (self.one_of(&["+", "-", "+ -"]), self.one_of(&SPANS));
                format!("({} {sign} interval '{span}')", self.of(Kind::Instant, depth))
            }
            3 => {
                let zone = self.one_of(&ZONES);
                let unit = self.one_of(&UNITS);
                let instant = self.of(Kind::Instant, depth);
                format!("(date_trunc('{unit}', {instant} AT TIME ZONE '{zone}') AT TIME ZONE '{zone}')")
            }
            4 => format!(
                "time_bucket(interval '{}', {})",
                self.one_of(&["15 minutes", "1 hour", "1 day"]),
                self.of(Kind::Instant, depth)
            ),
            5 => {
                let tenths = self.of(Kind::Int, depth);
                format!("to_timestamp({tenths} / 10.0::double precision + 1711800000.25)")
            }
            _ => format!("to_timestamp({} * 86400 + 1711800000)", self.of(Kind::Int, depth)),
        }
    }

    fn date(&mut self, depth: u32) -> String {
        match self.rng.random_range(0..3) {
            0 => format!("({} AT TIME ZONE '{}')::date", self.of(Kind::Instant, depth), self.one_of(&ZONES)),
            1 => format!("({} + {})", self.of(Kind::Date, depth), self.rng.random_range(-40..40)),
            _ => format!("({})::date", self.of(Kind::Instant, depth)),
        }
    }
}
