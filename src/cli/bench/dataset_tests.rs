//! The ranges that queries use hold rows.

use super::*;
use crate::cli::bench::generator::START_MICROS;

const HOUR: i64 = 3600 * SECOND_MICROS;

fn loaded(seconds: usize, has_year: bool) -> Dataset {
    let plant = DatasetSpec { seed: 0, start: START_MICROS, streams: 3, devices: 1, seconds, has_year };
    Dataset { plant, streams: (1..=3).map(StreamId).collect(), year_stream: has_year.then_some(StreamId(4)) }
}

#[test]
fn windows_move_and_stay_within_the_plant() {
    for seconds in [1, 60, 3600, DAY_SECONDS, 10 * DAY_SECONDS] {
        let loaded = loaded(seconds, false);
        let (start, end) = (loaded.plant.start, loaded.plant.end());
        for round in 0..2000 {
            let (from, to) = loaded.window(3600, round);
            assert!(start <= from && from < to && to <= end, "{seconds} s, round {round}");
            assert!(to - from <= HOUR);
        }
        assert!(seconds < 60 || loaded.window(3600, 0) != loaded.window(3600, 1));
    }
    let day = loaded(DAY_SECONDS, false);
    assert_eq!(day.window(3600, 0), (day.plant.end() - HOUR, day.plant.end()));
}

#[test]
fn the_longest_is_the_year_if_there_is_one() {
    let (stream, (from, to)) = loaded(DAY_SECONDS, true).longest(YEAR_SECONDS, 0);
    assert_eq!((stream, to - from), (StreamId(4), YEAR_SECONDS as i64 * SECOND_MICROS));
    let (stream, (from, to)) = loaded(DAY_SECONDS, false).longest(YEAR_SECONDS, 0);
    assert_eq!((stream, to - from), (StreamId(1), DAY_SECONDS as i64 * SECOND_MICROS));
}

#[test]
fn a_plant_of_the_future_is_refused() {
    let (start, seconds) = (START_MICROS, 2 * DAY_SECONDS);
    let plant = DatasetSpec { seed: 0, start, streams: 1, devices: 1, seconds, has_year: false };
    assert!(plant.check(Micros(plant.end())).is_ok());
    let message = plant.check(Micros(plant.end() - 1)).unwrap_err().message;
    assert_eq!(message, "the plant begins at 2026-01-05T00:00:00Z: until now there are only 1 days");
}

#[test]
fn a_plant_of_one_device_is_read_without_its_number() {
    let text = r#"{"seed":0,"streams":7,"start":1,"seconds":2,"has_year":false}"#;
    let plant: DatasetSpec = serde_json::from_str(text).unwrap();
    assert_eq!((plant.devices, plant.rows()), (1, 14));
}
