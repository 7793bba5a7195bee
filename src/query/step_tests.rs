//! Tests the parsing of durations, row by row.

use super::*;

const SECOND: i64 = 1_000_000;

#[test]
fn durations_are_read_and_others_refused() {
    let (micros, months) = (|n| Some(BucketWidth::Micros(n * SECOND)), |n| Some(BucketWidth::Months(n)));
    for (text, expected) in [
        ("PT1S", micros(1)),
        ("PT90S", micros(90)),
        ("PT1M", micros(60)),
        ("PT1H30M", micros(5400)),
        ("P1D", micros(86_400)),
        ("P1DT12H", micros(129_600)),
        ("P2W", micros(14 * 86_400)),
        ("P1M", months(1)),
        ("P3M", months(3)),
        ("P1Y", months(12)),
        ("P1Y6M", months(18)),
        ("P0YT1H", micros(3600)),
        ("", None),
        ("P", None),
        ("PT", None),
        ("P1DT", None),
        ("1H", None),
        ("PT0S", None),
        ("P0M", None),
        ("-PT1H", None),
        ("PT-1H", None),
        ("PT0.5S", None),
        ("PT1.0S", None),
        ("PT1.0s", None),
        ("PT0.5H", micros(1800)),
        ("PT1,5H", micros(5400)),
        ("PT0.01M", None),
        ("P1M1D", None),
        ("P1YT1H", None),
        ("PT1M1H", None),
        ("P1H", None),
        ("PT1D", None),
        ("P99999999999D", None),
        ("P9999999Y", None),
        ("pt1h", None),
        ("PT1H ", None),
        ("1 hour", None),
    ] {
        let found = Step::parse(text);
        assert_eq!(found.as_ref().ok().map(|step| step.0), expected, "{text}");
        if let Err(error) = found {
            assert_eq!(error.fields[0].message, "Invalid ISO-8601 duration.", "{text}");
        }
    }
}
