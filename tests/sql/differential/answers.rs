//! Answers of `psql` to a script of statements, and their comparison.

/// Answer of a server to a statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Rows(Vec<Vec<String>>),
    /// SQLSTATE and message.
    Refused(String, String),
}

impl Answer {
    /// The first rows and their number, or the refusal.
    pub fn start(&self) -> String {
        self.shown_from(0)
    }

    /// The rows from one on, and the number of all, or the refusal.
    pub fn shown_from(&self, first: usize) -> String {
        match self {
            Answer::Rows(rows) => {
                let shown: Vec<_> = rows.iter().skip(first).take(5).collect();
                format!("{} rows, from {first}: {shown:?}", rows.len())
            }
            Answer::Refused(code, message) => format!("{code} {message}"),
        }
    }
}

/// Between the answers in the output of `psql`.
const MARK: &str = "\u{1}statement";
/// Between columns.
pub const SEPARATOR: &str = "\u{1f}";
/// A NULL.
pub const NULL: &str = "\u{2400}";

/// A script for `psql` that asks statements one after the other.
pub fn script(statements: impl IntoIterator<Item = String>) -> String {
    let mut script = String::from("SET timezone = 'UTC';\n");
    for statement in statements {
        script += &format!(
            "\\echo '{MARK}'\n{};\n\\if :ERROR\n\\echo '{MARK}-error' :SQLSTATE :LAST_ERROR_MESSAGE\n\\endif\n",
            statement.replace('\n', " ")
        );
    }
    script
}

/// Reads the answers to the statements of a script.
pub fn read(output: &str) -> Vec<Answer> {
    let (start, error_start) = (format!("{MARK}\n"), format!("{MARK}-error "));
    let parts = output.split(&start).skip(1);
    parts
        .map(|part| match part.split_once(&error_start) {
            Some((_, error)) => {
                let (code, message) = error.trim_end().split_once(' ').unwrap_or((error.trim_end(), ""));
                Answer::Refused(code.to_owned(), message.to_owned())
            }
            None => Answer::Rows(part.lines().map(row).collect()),
        })
        .collect()
}

fn row(line: &str) -> Vec<String> {
    line.split(SEPARATOR).map(str::to_owned).collect()
}

/// Whether two answers have the same rows by so many of their first columns, in the same order if that is told.
pub fn is_same(one: &[Vec<String>], other: &[Vec<String>], columns: usize, is_ordered: bool) -> bool {
    let sorted = |rows: &[Vec<String>]| {
        let mut rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().take(columns).map(|cell| rounded(cell)).collect()).collect();
        if !is_ordered {
            rows.sort();
        }
        rows
    };
    let (one, other) = (sorted(one), sorted(other));
    one.len() == other.len() && one.iter().flatten().zip(other.iter().flatten()).all(|(a, b)| is_close(a, b))
}

/// Number of the first row that differs, in the order of the answers.
pub fn first_difference(one: &[Vec<String>], other: &[Vec<String>]) -> usize {
    let is_same =
        |(one, other): (&Vec<String>, &Vec<String>)| one.iter().zip(other).all(|(a, b)| is_close(a, b));
    one.iter().zip(other).take_while(|pair| is_same(*pair)).count()
}

/// Whether two answers have the same rows in the same order, numbers to the last digit; −0 is 0.
pub fn is_equal(one: &[Vec<String>], other: &[Vec<String>]) -> bool {
    let is_zero = |cell: &str| cell == "0" || cell == "-0";
    let cells = |rows: &[Vec<String>]| rows.iter().map(Vec::len).collect::<Vec<_>>();
    let mut pairs = one.iter().flatten().zip(other.iter().flatten());
    cells(one) == cells(other) && pairs.all(|(a, b)| a == b || (is_zero(a) && is_zero(b)))
}

/// A number in one form, to be compared and sorted; anything else as it is.
fn rounded(cell: &str) -> String {
    match cell.parse::<f64>() {
        // Integers have all their digits.
        Ok(_) if cell.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') && cell != "-0" => {
            cell.to_owned()
        }
        Ok(number) if number == number.trunc() && number.abs() < 1e15 => format!("{}", number as i64),
        Ok(number) => format!("{number:.9e}"),
        Err(_) => cell.to_owned(),
    }
}

fn is_close(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let (Ok(one), Ok(other)) = (one.parse::<f64>(), other.parse::<f64>()) else { return false };
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1e-3)
}
