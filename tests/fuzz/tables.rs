//! Tables of a case's rows, for every test.

/// An array of rows: each is a tuple of its cells, or the cell itself where it has only one. Unlike an array literal, a row
/// stays on one line.
#[macro_export]
macro_rules! rows {
    ($($only:expr);+ $(;)?) => { [$($only),+] };
    ($($($cell:expr),+);+ $(;)?) => { [$(($($cell),+)),+] };
}
