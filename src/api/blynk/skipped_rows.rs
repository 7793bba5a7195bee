//! Report about the rows of a table that were skipped: numbers by reason, or each row by itself.

use serde::Serialize;

use crate::app::blynk::batch_update::{SkipReason, SkippedRow};

/// Maximum rows that are named.
const MAX_NAMED_ROWS: usize = 100;

/// The response to a table of which rows were skipped.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum SkipReport {
    Counters(SkipCounters),
    Rows(SkippedRows),
}

/// Numbers of skipped rows. What did not happen is absent.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SkipCounters {
    #[serde(skip_serializing_if = "is_zero")]
    invalid_row_size: usize,
    #[serde(skip_serializing_if = "is_zero")]
    null_device_id: usize,
    #[serde(skip_serializing_if = "is_zero")]
    non_numeric_device_id: usize,
    #[serde(skip_serializing_if = "is_zero")]
    device_not_found: usize,
    #[serde(skip_serializing_if = "is_zero")]
    no_access_to_device: usize,
    #[serde(skip_serializing_if = "is_zero")]
    wrong_product: usize,
}

/// The first skipped rows, each with its number from 0.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SkippedRows {
    skipped_rows: Vec<String>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl SkipReport {
    /// Reports skipped rows, which are in order; `debug` names each of them.
    pub fn new(skipped: &[SkippedRow], debug: bool) -> Self {
        if debug {
            let skipped_rows = skipped.iter().take(MAX_NAMED_ROWS).map(sentence).collect();
            return SkipReport::Rows(SkippedRows { skipped_rows });
        }
        let mut counters = SkipCounters::default();
        for row in skipped {
            *match row.reason {
                SkipReason::InvalidSize => &mut counters.invalid_row_size,
                SkipReason::NullDeviceId => &mut counters.null_device_id,
                SkipReason::NonNumericDeviceId => &mut counters.non_numeric_device_id,
                SkipReason::DeviceNotFound(_) => &mut counters.device_not_found,
                SkipReason::NoAccess(_) => &mut counters.no_access_to_device,
                SkipReason::WrongProduct(_) => &mut counters.wrong_product,
            } += 1;
        }
        SkipReport::Counters(counters)
    }
}

fn sentence(skipped: &SkippedRow) -> String {
    let row = skipped.row;
    match &skipped.reason {
        SkipReason::InvalidSize => format!("Row {row}: the number of elements differs from that of fields"),
        SkipReason::NullDeviceId => format!("Row {row}: deviceId is null"),
        SkipReason::NonNumericDeviceId => format!("Row {row}: deviceId is not a number"),
        SkipReason::DeviceNotFound(id) => format!("Row {row}: device {id} is not found"),
        SkipReason::NoAccess(id) => format!("Row {row}: there is no access to device {id}"),
        SkipReason::WrongProduct(id) => format!("Row {row}: device {id} belongs to another product"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::DeviceId;

    #[test]
    fn rows_are_counted_or_named() {
        let reasons = [
            SkipReason::InvalidSize,
            SkipReason::NullDeviceId,
            SkipReason::NonNumericDeviceId,
            SkipReason::DeviceNotFound(999.into()),
            SkipReason::NoAccess(DeviceId(2)),
            SkipReason::WrongProduct(DeviceId(3)),
            SkipReason::NullDeviceId,
        ];
        let skipped: Vec<_> =
            reasons.into_iter().enumerate().map(|(row, reason)| SkippedRow { row, reason }).collect();
        let counted = json!({
            "invalidRowSize": 1, "nullDeviceId": 2, "nonNumericDeviceId": 1, "deviceNotFound": 1,
            "noAccessToDevice": 1, "wrongProduct": 1
        });
        assert_eq!(json!(SkipReport::new(&skipped, false)), counted);
        let named = json!({"skippedRows": [
            "Row 0: the number of elements differs from that of fields",
            "Row 1: deviceId is null",
            "Row 2: deviceId is not a number",
            "Row 3: device 999 is not found",
            "Row 4: there is no access to device 2",
            "Row 5: device 3 belongs to another product",
            "Row 6: deviceId is null",
        ]});
        assert_eq!(json!(SkipReport::new(&skipped, true)), named);
        assert_eq!(json!(SkipReport::new(&skipped[1..2], false)), json!({"nullDeviceId": 1}));
        let many = vec![SkippedRow { row: 7, reason: SkipReason::InvalidSize }; 101];
        let SkipReport::Rows(named) = SkipReport::new(&many, true) else { panic!("rows are named") };
        assert_eq!(named.skipped_rows.len(), 100);
    }
}
