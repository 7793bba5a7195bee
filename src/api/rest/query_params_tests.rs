//! Tests of query parameters and their error messages.

use super::QueryParams;
use crate::app::list_range::ListRange;
use crate::domain::Micros;
use crate::domain::device::Protocol;

const NOON: Micros = Micros(1_777_377_600_000_000);

fn range_of(raw: &str) -> Result<ListRange, String> {
    let mut query = QueryParams::parse(Some(raw));
    let range = query.range();
    query.finish().map_err(|e| e.message)?;
    Ok(range)
}

#[test]
fn ranges() {
    let newest = ListRange { limit: Some(100), ..ListRange::default() };
    let from_noon = ListRange { from: Some(NOON), ..ListRange::default() };
    let datetime = super::drf_scalar::DATETIME;
    let cases = [
        ("", Ok(newest)),
        ("from=&to=&limit=&offset=", Ok(newest)),
        ("limit=2&offset=3", Ok(ListRange { limit: Some(2), offset: 3, ..newest })),
        ("limit=5&limit=7", Ok(ListRange { limit: Some(7), ..newest })),
        ("from=2026-04-28T12:00:00Z", Ok(from_noon)),
        ("from=1777377600", Ok(from_noon)),
        ("from=2026-04-28T14:00:00%2B02:00", Ok(from_noon)),
        ("from=2026-04-28T14:00:00+02:00", Ok(from_noon)),
        ("from=2026-04-28+12:00", Ok(from_noon)),
        ("to=1777377600&limit=5", Ok(ListRange { to: Some(NOON), limit: Some(5), ..ListRange::default() })),
        ("offset=99999999999999999999999", Ok(ListRange { offset: usize::MAX, ..newest })),
        ("limit=x", Err("limit: A valid integer is required.".to_owned())),
        ("limit=1.5", Err("limit: A valid integer is required.".to_owned())),
        ("limit=0", Err("limit: Ensure this value is greater than or equal to 1.".to_owned())),
        ("limit=10001", Err("limit: Ensure this value is less than or equal to 10000.".to_owned())),
        ("offset=-1", Err("offset: Ensure this value is greater than or equal to 0.".to_owned())),
        ("from=yesterday", Err(format!("from: {datetime}"))),
        ("to=9999-01-01", Err(format!("to: {datetime}"))),
        ("from=-5&limit=x", Err(format!("from: {datetime}; limit: A valid integer is required."))),
    ];
    for (raw, expected) in cases {
        assert_eq!(range_of(raw), expected, "{raw}");
    }
}

#[test]
fn filters() {
    let mut query =
        QueryParams::parse(Some("device=7&group=99999999999&data=x&protocol=modbus&kind=foo&name=a%20b"));
    assert_eq!(query.row_id("device"), Some(7));
    assert_eq!(query.row_id("group"), Some(0));
    assert_eq!(query.row_id("data"), None);
    assert_eq!(query.choice::<Protocol>("protocol"), Some(Protocol::Modbus));
    assert_eq!(query.choice::<Protocol>("kind"), None);
    assert_eq!(query.text("name"), Some("a b"));
    assert_eq!(query.text("absent"), None);
    let message = query.finish().unwrap_err().message;
    assert_eq!(message, "data: A valid integer is required.; kind: \"foo\" is not a valid choice.");
}
