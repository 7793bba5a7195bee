//! Tables of a case's rows, and waiting for a condition.

/// An array of rows: each is a tuple of its cells, or the cell itself where it has only one. Unlike an array literal, a row
/// stays on one line.
macro_rules! rows {
    (@row $cell:expr) => { $cell };
    (@row $($cell:expr),+) => { ($($cell),+) };
    ($($($cell:expr),+);+ $(;)?) => { [$($crate::support::rows!(@row $($cell),+)),+] };
}
pub(crate) use rows;

/// The same as a vector.
macro_rules! row_vec {
    ($($($cell:expr),+);+ $(;)?) => { vec![$($crate::support::rows!(@row $($cell),+)),+] };
}
pub(crate) use row_vec;

/// Waits until a condition holds, at most for a limit: `until!("it is there", LIMIT; path.exists())`. The condition may be
/// about a value, which it returns: `until!("it is done", LIMIT; job = get(&path).await; job["state"] == "done")`.
macro_rules! until {
    ($what:expr, $limit:expr; $value:ident = $source:expr; $condition:expr) => {
        $crate::support::eventually($what, $limit, || async {
            let $value = $source;
            ($condition).then_some($value)
        })
        .await
    };
    ($what:expr, $limit:expr; $condition:expr) => {
        $crate::support::eventually($what, $limit, || async { ($condition).then_some(()) }).await
    };
}
pub(crate) use until;
