//! Text format of arrays, as PostgreSQL shows them: `{1,NULL,"a b"}`.

use arrow::array::{Array, ListArray, StringArray, StringBuilder};
use arrow::datatypes::DataType;

/// Returns the texts of a column of lists, of which `elements` are those of all elements.
pub fn texts(lists: &ListArray, elements: &StringArray) -> StringArray {
    let is_nested = matches!(lists.value_type(), DataType::List(_));
    let (mut texts, mut text) = (StringBuilder::new(), String::new());
    for row in 0..lists.len() {
        if lists.is_null(row) {
            texts.append_null();
            continue;
        }
        text.clear();
        text.push('{');
        // Offsets of lists are never negative.
        let (first, end) = (lists.value_offsets()[row] as usize, lists.value_offsets()[row + 1] as usize);
        for at in first..end {
            if at > first {
                text.push(',');
            }
            match elements.is_valid(at).then(|| elements.value(at)) {
                None => text.push_str("NULL"),
                Some(element) if !is_nested && needs_quotes(element) => write_quoted(&mut text, element),
                Some(element) => text.push_str(element),
            }
        }
        text.push('}');
        texts.append_value(&text);
    }
    texts.finish()
}

/// Whether an element is written in quotes (`array_out`).
fn needs_quotes(element: &str) -> bool {
    let is_special = |c: char| matches!(c, '{' | '}' | '"' | '\\' | ',') || c.is_ascii_whitespace();
    element.is_empty() || element.eq_ignore_ascii_case("null") || element.contains(is_special)
}

fn write_quoted(out: &mut String, element: &str) {
    out.push('"');
    for c in element.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}
