//! Data sets as JSON: `{"columns":["a"],"rows":[[1]]}`. Pure.

use prost::Message as _;
use serde_json::{Value as Json, json};

use super::data_type::DataType;
use super::proto::{DataSet, ElementValue};
use crate::collect::device_value::DeviceValue;

/// Cells in one data set.
const MAX_CELLS: usize = 100_000;

/// Decodes a data set. NaN and infinity, which JSON lacks, become null.
///
/// # Errors
/// A message: the bytes are no data set, a row has not one cell for each column, or there are too many cells.
pub fn to_json(bytes: &[u8]) -> Result<Json, String> {
    let table = DataSet::decode(bytes).map_err(|error| format!("the value is no data set: {error}"))?;
    let (columns, types) = (table.columns.len(), table.types.len());
    if columns != types {
        return Err(format!("the data set has {columns} columns and {types} types"));
    }
    if table.rows.len().saturating_mul(columns.max(1)) > MAX_CELLS {
        return Err(format!("the data set has more than {MAX_CELLS} cells"));
    }
    let mut rows = Vec::with_capacity(table.rows.len());
    for row in &table.rows {
        if row.elements.len() != columns {
            let cells = row.elements.len();
            return Err(format!("a row of the data set has {cells} cells; it has {columns} columns"));
        }
        let cells = row.elements.iter().zip(&table.types);
        let cells = cells.map(|(cell, number)| element(cell.value.as_ref(), DataType::from_number(*number)));
        rows.push(Json::Array(cells.collect()));
    }
    Ok(json!({"columns": table.columns, "rows": rows}))
}

fn element(value: Option<&ElementValue>, data_type: DataType) -> Json {
    let integer =
        |bits, width| data_type.decode_integer(bits, width).map(|whole| DeviceValue::Number(whole).to_json());
    match value {
        None => Json::Null,
        Some(ElementValue::Int(bits)) => integer(u64::from(*bits), 32).unwrap_or_else(|| Json::from(*bits)),
        Some(ElementValue::Long(bits)) => integer(*bits, 64).unwrap_or_else(|| Json::from(*bits)),
        Some(ElementValue::Float(number)) => Json::from(f64::from(*number)),
        Some(ElementValue::Double(number)) => Json::from(*number),
        Some(ElementValue::Boolean(on)) => Json::from(*on),
        Some(ElementValue::Text(text)) => Json::from(text.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::mqtt::sparkplug::proto::{DataSetElement, DataSetRow};

    fn table(rows: Vec<Vec<Option<ElementValue>>>) -> Vec<u8> {
        let row = |cells: Vec<Option<ElementValue>>| DataSetRow {
            elements: cells.into_iter().map(|value| DataSetElement { value }).collect(),
        };
        let (columns, types) = (vec!["n".to_owned(), "t".to_owned()], vec![1, 12]);
        DataSet { columns, types, rows: rows.into_iter().map(row).collect() }.encode_to_vec()
    }

    #[test]
    fn a_table_keeps_its_columns_and_signs() {
        let cells = vec![Some(ElementValue::Int(0xFFFF_FFFE)), Some(ElementValue::Text("x".to_owned()))];
        let found = to_json(&table(vec![cells, vec![None, None]])).unwrap();
        assert_eq!(found, json!({"columns": ["n", "t"], "rows": [[-2, "x"], [null, null]]}));
    }

    #[test]
    fn a_table_that_is_not_whole_says_why() {
        for (bytes, why) in [
            (table(vec![vec![None]]), "a row of the data set has 1 cells; it has 2 columns"),
            (b"\x12\x01a".to_vec(), "the data set has 1 columns and 0 types"),
            ([0x22, 0].repeat(MAX_CELLS + 1), "the data set has more than 100000 cells"),
            (b"\xff".to_vec(), "the value is no data set"),
        ] {
            let error = to_json(&bytes).unwrap_err();
            assert!(error.starts_with(why), "{error}");
        }
    }
}
