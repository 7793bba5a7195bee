//! The edges of every parameter.

use super::*;

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().message
}

#[test]
fn devices_and_datastreams_are_listed_in_two_ways() {
    let rows: [(&str, &[i32]); 10] = [
        ("deviceIds=101", &[101]),
        ("deviceIds[]=2&deviceIds[]=1", &[2, 1]),
        ("deviceIds%5B0%5D=2&deviceIds%5B1%5D=1", &[2, 1]),
        ("deviceIds[x]=5&deviceIds]=6&deviceIds=2", &[2]),
        ("deviceIds=3,1,2", &[3, 1, 2]),
        ("deviceIds=3&deviceIds=1,2", &[3, 1, 2]),
        ("deviceIds=3%2C1", &[3, 1]),
        ("deviceIds=1,1,2&deviceIds=1", &[1, 2]),
        ("deviceIds=&deviceIds=0,-1", &[0, -1]),
        ("deviceIds=1,2,3,4,5,6,7,8,9,10,10", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
    ];
    for (query, expected) in rows {
        let found: Vec<i32> = QueryFields::parse(query).devices().unwrap().iter().map(|id| id.0).collect();
        assert_eq!(found, expected, "{query}");
        let found = QueryFields::parse(&query.replace("deviceIds", "dataStreamIds")).datastreams().unwrap();
        assert_eq!(found, Some(expected.iter().copied().collect()), "{query}");
    }
    for query in ["", "deviceIds=", "dataStreamIds="] {
        let fields = QueryFields::parse(query);
        assert_eq!(message(fields.devices()), "Parameter deviceIds is required.", "{query}");
        assert_eq!(fields.datastreams().unwrap(), None, "{query}");
    }
}

#[test]
fn lists_have_limits_and_forms() {
    let ids = |n: i32| (1..=n).map(|id| id.to_string()).collect::<Vec<_>>().join(",");
    let devices = |text: &str| message(QueryFields::parse(&format!("deviceIds={text}")).devices());
    let streams = |text: &str| QueryFields::parse(&format!("dataStreamIds={text}")).datastreams();
    assert_eq!(devices(&ids(11)), "Maximum 10 devices are allowed.");
    assert_eq!(message(streams(&ids(101))), "Maximum 100 data streams are allowed.");
    assert_eq!(streams(&ids(100)).unwrap().map(|ids| ids.len()), Some(100));
    for text in ["x", "1,", ",1", "1,,2", "1.5", "%201", "%2B1", "2147483648", "[1]"] {
        assert_eq!(devices(text), "Parameter deviceIds has wrong format.", "{text}");
        assert_eq!(message(streams(text)), "Parameter dataStreamIds has wrong format.", "{text}");
    }
}

#[test]
fn a_device_is_one_number() {
    let rows = [
        ("deviceId=1", Ok(1)),
        ("deviceId=0", Ok(0)),
        ("deviceId=-5", Ok(-5)),
        ("deviceId=1&deviceId=2", Ok(2)),
        ("deviceId=1&deviceId=", Ok(1)),
        ("", Err("Parameter deviceId is required.")),
        ("deviceId=", Err("Parameter deviceId is required.")),
        ("deviceid=1", Err("Parameter deviceId is required.")),
        ("deviceId=x", Err("Parameter deviceId has wrong format.")),
        ("deviceId=1,2", Err("Parameter deviceId has wrong format.")),
        ("deviceId=2147483648", Err("Parameter deviceId has wrong format.")),
    ];
    for (query, expected) in rows {
        let found = QueryFields::parse(query).device().map(|id| id.0).map_err(|error| error.message);
        assert_eq!(found, expected.map_err(str::to_owned), "{query}");
    }
}

#[test]
fn histories() {
    let read = |query: &str| QueryFields::parse(query).history();
    let base = "deviceId=1&dataStreamId=2&from=10&to=20";
    let expected = HistoryQuery {
        device: DeviceId(1),
        datastream: DatastreamKey::Id(2),
        from_ms: 10,
        to_ms: 20,
        page: 0,
        size: 50,
    };
    let pin = |pin| HistoryQuery { datastream: DatastreamKey::Pin(pin), ..expected };
    let rows = [
        (base.to_owned(), expected),
        (format!("{base}&page=3&size=1000"), HistoryQuery { page: 3, size: 1000, ..expected }),
        (format!("{base}&page=&size="), expected),
        (format!("{base}&pin=v7"), expected),
        (format!("{base}&pin=nonsense"), expected),
        ("deviceId=1&pin=v7&from=10&to=20".to_owned(), pin(7)),
        ("deviceId=1&pin=V0&from=10&to=20".to_owned(), pin(0)),
        ("deviceId=1&pin=12&from=10&to=20".to_owned(), pin(12)),
        (format!("{base}&from=-5&to=-5"), HistoryQuery { from_ms: -5, to_ms: -5, ..expected }),
    ];
    for (query, expected) in rows {
        assert_eq!(read(&query).unwrap(), expected, "{query}");
    }
    let wrong = |name: &str| format!("Parameter {name} has wrong format.");
    let missing = |name: &str| format!("Parameter {name} is required.");
    let rows = [
        ("dataStreamId=2&from=1&to=2".to_owned(), missing("deviceId")),
        ("deviceId=1&from=1&to=2".to_owned(), missing("dataStreamId")),
        ("deviceId=1&dataStreamId=2&to=2".to_owned(), missing("from")),
        ("deviceId=1&dataStreamId=2&from=2".to_owned(), missing("to")),
        ("deviceId=1&dataStreamId=x&pin=v1&from=1&to=2".to_owned(), wrong("dataStreamId")),
        ("deviceId=1&pin=v&from=1&to=2".to_owned(), wrong("pin")),
        ("deviceId=1&pin=v-1&from=1&to=2".to_owned(), wrong("pin")),
        ("deviceId=1&pin=a1&from=1&to=2".to_owned(), wrong("pin")),
        (format!("{base}&from=x"), wrong("from")),
        (format!("{base}&to=2026-04-28"), wrong("to")),
        (format!("{base}&to=9223372036854775808"), wrong("to")),
        (format!("{base}&from=21"), wrong("from")),
        (format!("{base}&page=-1"), wrong("page")),
        (format!("{base}&page=x"), wrong("page")),
        (format!("{base}&page=2147483648"), wrong("page")),
        (format!("{base}&size=0"), wrong("size")),
        (format!("{base}&size=-1"), wrong("size")),
        (format!("{base}&size=1001"), wrong("size")),
        (format!("{base}&size=ten"), wrong("size")),
    ];
    for (query, expected) in rows {
        assert_eq!(message(read(&query)), expected, "{query}");
    }
}
