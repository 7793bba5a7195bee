//! Random calls of aggregates and window functions.

use rand::Rng;
use rand::seq::IndexedRandom;

use super::expressions::{Column, Kind};
use super::statements::Statements;

impl Statements<'_> {
    pub(super) fn aggregate_call(&mut self, columns: &[Column]) -> (String, Kind) {
        let (int, float) =
            (self.expressions(columns).of(Kind::Int, 1), self.expressions(columns).of(Kind::Float, 1));
        let any = self.expressions(columns).kind();
        let any_text = self.expressions(columns).of(any, 1);
        let condition = self.expressions(columns).condition(1);
        let values = columns.iter().find(|column| column.kind == Kind::Float);
        let value = values.map_or("1.5::float8", |column| &column.name);
        let fraction = ["0", "0.25", "0.3", "0.5", "0.95", "1"].choose(self.rng).expect("fractions");
        let direction = ["", "", " DESC"].choose(self.rng).expect("directions");
        let (call, kind) = match self.rng.random_range(0..18) {
            12 => {
                let call = format!("percentile_cont({fraction}) WITHIN GROUP (ORDER BY {float}{direction})");
                (call, Kind::Float)
            }
            13 => {
                let call =
                    format!("percentile_disc({fraction}) WITHIN GROUP (ORDER BY {any_text}{direction})");
                (call, any)
            }
            14 => (format!("mode() WITHIN GROUP (ORDER BY {any_text}{direction})"), any),
            15 => {
                let functions = ["stddev", "stddev_pop", "var_samp", "var_pop"];
                (format!("{}({value})", functions.choose(self.rng).expect("functions")), Kind::Float)
            }
            16 => {
                let text = self.expressions(columns).of(Kind::Text, 1);
                let distinct = ["", "", "DISTINCT "].choose(self.rng).expect("quantifiers");
                (format!("string_agg({distinct}{text}, ',' ORDER BY {text}{direction})"), Kind::Text)
            }
            17 => {
                let factor = ["1000", "1000000000"].choose(self.rng).expect("factors");
                (format!("sum({int}::bigint * {factor})::double precision"), Kind::Float)
            }
            0 | 1 => ("count(*)".to_owned(), Kind::Int),
            2 => (format!("count({any_text})"), Kind::Int),
            3 => (format!("count(DISTINCT {any_text})"), Kind::Int),
            4 => (format!("sum({float})"), Kind::Float),
            5 => (format!("sum({value})"), Kind::Float),
            6 => (format!("avg({value})"), Kind::Float),
            7 => (format!("sum({int})"), Kind::Int),
            8 if any != Kind::Bool => {
                let function = ["min", "max"].choose(self.rng).expect("functions");
                (format!("{function}({any_text})"), any)
            }
            9 => {
                let function = ["bool_and", "bool_or"].choose(self.rng).expect("functions");
                return (format!("{function}({condition})"), Kind::Bool);
            }
            10 => {
                let function = ["min", "max"].choose(self.rng).expect("functions");
                (format!("{function}({value})"), Kind::Float)
            }
            _ => (format!("avg({int})::double precision"), Kind::Float),
        };
        if call.ends_with(')') && self.rng.random_bool(0.15) {
            return (format!("{call} FILTER (WHERE {condition})"), kind);
        }
        (call, kind)
    }

    pub(super) fn window_call(&mut self, columns: &[Column]) -> (String, Kind) {
        let partition = match self.rng.random_range(0..6) {
            0 => String::new(),
            1 => "PARTITION BY r.ts::date ".to_owned(),
            2 => "PARTITION BY r.quality, r.stream_id ".to_owned(),
            3 => "PARTITION BY date_trunc('hour', r.ts) ".to_owned(),
            _ => "PARTITION BY r.stream_id ".to_owned(),
        };
        let total = ["r.stream_id, r.ts", "r.ts DESC, r.stream_id", "r.value, r.ts, r.stream_id"];
        let total = total.choose(self.rng).expect("orders");
        let any = self.expressions(columns).kind();
        let any_text = self.expressions(columns).of(any, 1);
        let frames = [
            "",
            " ROWS BETWEEN 2 PRECEDING AND CURRENT ROW",
            " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
            " ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
        ];
        let frame = frames.choose(self.rng).expect("frames");
        let tied = ["r.ts::date", "r.quality", "r.value", "r.text", "date_trunc('hour', r.ts)", "r.ts::time"];
        let tied = tied.choose(self.rng).expect("orders");
        match self.rng.random_range(0..14) {
            9 => {
                let call = format!("ntile({}) OVER ({partition}ORDER BY {total})", self.rng.random_range(1..5));
                (call, Kind::Int)
            }
            10 => {
                let function = ["percent_rank", "cume_dist"].choose(self.rng).expect("functions");
                (format!("{function}() OVER ({partition}ORDER BY {tied})"), Kind::Float)
            }
            11 => {
                let function = ["lag", "lead"].choose(self.rng).expect("functions");
                let other = self.expressions(columns).literal(any);
                let call = format!("{function}({any_text}, {}, {other})", self.rng.random_range(0..4));
                (format!("{call} OVER ({partition}ORDER BY {total})"), any)
            }
            12 => {
                let one = format!("row_number() OVER ({partition}ORDER BY {total})");
                (format!("{one} - rank() OVER ({partition}ORDER BY {tied}) * 2"), Kind::Int)
            }
            13 => {
                let list = format!("array_agg(r.stream_id) OVER ({partition}ORDER BY {total}{frame})");
                (format!("array_to_string({list}, ',')"), Kind::Text)
            }
            0 => (format!("row_number() OVER ({partition}ORDER BY {total})"), Kind::Int),
            1 => {
                let function = ["rank", "dense_rank"].choose(self.rng).expect("functions");
                (format!("{function}() OVER ({partition}ORDER BY {tied})"), Kind::Int)
            }
            2 => {
                let function = ["lag", "lead"].choose(self.rng).expect("functions");
                (format!("{function}({any_text}) OVER ({partition}ORDER BY {total})"), any)
            }
            3 => {
                let function = ["first_value", "last_value"].choose(self.rng).expect("functions");
                (format!("{function}({any_text}) OVER ({partition}ORDER BY {total}{frame})"), any)
            }
            4 => (format!("sum(r.value) OVER ({partition}ORDER BY {total}{frame})"), Kind::Float),
            5 => (format!("count({any_text}) OVER ({partition}ORDER BY {tied})"), Kind::Int),
            6 => (format!("max(r.value) OVER ({partition}ORDER BY {tied})"), Kind::Float),
            7 => (format!("count(*) OVER ({})", partition.trim_end()), Kind::Int),
            _ => (format!("avg(r.value) OVER ({partition}ORDER BY r.ts, r.stream_id RANGE BETWEEN interval '10 minutes' PRECEDING AND CURRENT ROW)")
                .replace("ORDER BY r.ts, r.stream_id RANGE", "ORDER BY r.ts RANGE"), Kind::Float),
        }
    }
}
