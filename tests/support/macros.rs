//! Vectors of a case's rows, and waiting for a condition.

/// The rows of `rows!` as a vector.
macro_rules! row_vec {
    ($($only:expr);+ $(;)?) => { vec![$($only),+] };
    ($($($cell:expr),+);+ $(;)?) => { vec![$(($($cell),+)),+] };
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
