//! `basalt bench` in its smallest forms: what it does, never how fast.

use serde_json::Value;

use crate::support::DataDir;

#[tokio::test]
async fn a_plant_is_loaded_asked_and_asked_again() {
    let home = DataDir::new();
    let dir = home.path().join("plant").display().to_string();
    let few = ["--runs", "2", "--seconds", "0.05", "--format", "json", "--data-dir", &dir];
    let size = ["--streams", "7", "--rows", "4200"];

    let loaded =
        home.basalt(&[&["bench", "--only", "load"], &size[..], &few].concat()).await.expect_success();
    let loaded: Value = serde_json::from_str(&loaded).unwrap();
    assert_eq!((&loaded["rows"], &loaded["asked"]), (&4200.into(), &Value::Null), "{loaded}");

    let asked = home.basalt(&[&["bench", "--only", "questions"], &few[..]].concat()).await.expect_success();
    let asked: Value = serde_json::from_str(&asked).unwrap();
    let questions = asked["asked"]["questions"].as_array().unwrap();
    assert_eq!((questions.len(), &asked["load"]), (14, &Value::Null), "{asked}");
    let rows = |id: &str| &questions.iter().find(|q| q["id"] == id).unwrap()["rows"];
    // The whole plant of ten minutes lies in every window.
    let expected = [("q1", 1), ("q2", 7), ("q3", 600), ("q4", 600), ("q7", 7), ("q8", 7), ("scan", 1)];
    for (id, count) in expected {
        assert_eq!(rows(id), count, "{id}");
    }
    assert_eq!(asked["asked"]["together"].as_array().unwrap().len(), 9, "{asked}");
    assert!(asked["asked"]["lake_bytes"].as_u64().unwrap() > 0, "{asked}");

    let told =
        home.basalt(&["bench", "questions", "--data-dir", &dir, "--rounds", "3"]).await.expect_success();
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["questions"][0]["path"], "/api/data/{stream}/value/?limit=1");
    assert_eq!(told["questions"][2]["params"].as_array().unwrap().len(), 3);

    let again = home.basalt(&["bench", "--data-dir", &dir]).await.expect_failure();
    assert!(again.contains("is not empty: the bench needs its own"), "{again}");
}

#[tokio::test]
async fn what_was_not_loaded_is_not_asked() {
    let home = DataDir::new();
    let dir = home.path().join("nothing").display().to_string();
    let told = home.basalt(&["bench", "--only", "questions", "--data-dir", &dir]).await.expect_failure();
    assert!(told.contains("was not loaded by `basalt bench --data-dir`"), "{told}");
}

#[tokio::test]
async fn growth_in_a_year_of_three_days() {
    let home = DataDir::new();
    let all = ["bench", "growth", "--only", "years,latest,start,files,import", "--runs", "1", "--days", "3"];
    let sizes = [
        "--every", "600", "--years", "1,2", "--latest", "5,9", "--start", "300,500", "--files", "6",
        "--import", "2",
    ];
    let told = home.basalt(&[&all[..], &sizes].concat()).await.expect_success();
    let first = |line: &&str| line.split_whitespace().next().is_some_and(|word| word.parse::<u32>().is_ok());
    let numbers: Vec<_> =
        told.lines().filter(first).map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(numbers, ["1", "2", "5", "9", "300", "500"], "{told}");
    let files = |line: &str| line.split_whitespace().find_map(|word| word.parse::<usize>().ok());
    let before = told.lines().filter(|line| line.starts_with("before")).map(files);
    let after = told.lines().filter(|line| line.starts_with("after")).map(files);
    assert_eq!(before.collect::<Vec<_>>()[0], Some(6), "{told}");
    // Three days, and the seconds of a plant that reach into the next.
    assert_eq!(after.collect::<Vec<_>>(), [Some(3), Some(3)], "{told}");
}

#[tokio::test]
async fn a_short_soak_loses_nothing_and_fails_nothing() {
    let home = DataDir::new();
    let args = ["bench", "soak", "--seconds", "3", "--rate", "20000", "--streams", "10"];
    let told = home.basalt(&args).await.expect_success();
    let found = told.lines().find_map(|line| line.strip_prefix("rows found: ")).unwrap();
    let (found, written) = found.split_once(" of ").unwrap();
    assert_eq!(found, written);
    assert!(found.parse::<usize>().unwrap() > 100_000, "{told}");
    assert!(told.contains("failed questions: 0"), "{told}");
}

#[tokio::test]
async fn ingest_writes_what_it_counts() {
    let home = DataDir::new();
    let told = home.basalt(&["bench", "ingest", "--rows", "3000", "--seconds", "1"]).await.expect_success();
    for line in ["Arrow ingest", "(3000 rows", "NDJSON ingest", "(400 rows", "single values", "B/row"] {
        assert!(told.contains(line), "{line}: {told}");
    }
}

#[tokio::test]
async fn three_clients_are_told_of_everything() {
    let home = DataDir::new();
    let dir = home.path().join("live").display().to_string();
    let args = ["bench", "live", "--clients", "3", "--rate", "100", "--seconds", "1", "--data-dir", &dir];
    let told = home.basalt(&args).await.expect_success();
    let start = "3 clients x 100 values/s for 1 s: each was told of all 100 values";
    assert!(told.starts_with(start) && told.contains("(300 values)"), "{told}");
}

#[tokio::test]
async fn the_graph_is_asked_by_one_and_by_several() {
    let home = DataDir::new();
    let dir = home.path().join("graph").display().to_string();
    let args = ["bench", "graph", "--devices", "3", "--streams", "2", "--seconds", "1", "--data-dir", &dir];
    let told = home.basalt(&args).await.expect_success();
    assert!(told.starts_with("3 devices x 2 streams x newest value"), "{told}");
    let clients: Vec<_> = told.lines().skip(2).filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(clients, ["1", "4", "10"], "{told}");
}

#[tokio::test]
async fn five_devices_are_collected_from_and_every_row_is_found() {
    let home = DataDir::new();
    let size = ["--devices", "5", "--registers", "130", "--interval", "0.5", "--seconds", "2"];
    let told = home.basalt(&[&["bench", "collect"], &size[..]].concat()).await.expect_success();
    assert!(told.starts_with("5 Modbus devices x 130 registers every 0.5 s: "), "{told}");
    let found = told.lines().find_map(|line| line.strip_prefix("rows found: ")).expect("a count");
    let (found, counted) = found.split_once(" of ").expect("two counts");
    let rows: usize = found.parse().expect("a number");
    assert_eq!((found, rows % 130), (counted, 0), "polls are stored whole: {told}");
    assert!(rows >= 5 * 130 * 2, "{told}");
    assert!(told.contains("lateness p50") && told.contains("of a core"), "{told}");
}

#[tokio::test]
async fn vendors_are_asked_and_a_small_plant_says_that_it_is_one() {
    let home = DataDir::new();
    let dir = home.path().join("vendors").display().to_string();
    let size = ["--devices", "7", "--streams", "2", "--rows", "7000", "--runs", "2"];
    let few = ["--followers", "3", "--rate", "100", "--seconds", "1", "--data-dir", &dir];
    let args = [&["bench", "vendors"], &size[..], &few].concat();
    // The second run finds the plant of the first.
    for _ in 0..2 {
        let told = home.basalt(&args).await.expect_success();
        assert!(told.starts_with("7000 readings of 7 devices with 2 streams each\n"), "{told}");
        let small = "The targets are for 100000000 readings of 1000 devices";
        assert!(told.contains(small) && told.contains("The target is for 1000 followers"), "{told}");
        let line = |start: &str| told.lines().find(|line| line.starts_with(start)).expect(start);
        for request in ["OpenSynaptic packets?limit=50 ", "OpenSynaptic devices ", "Instathings data?page=1 "]
        {
            assert!(line(request).trim_end().ends_with("20.0"), "{told}");
        }
        let deep = line("Instathings data?page=1000");
        assert!(deep.contains("page 1000 begins after 9990") && deep.contains("not measured"), "{told}");
        assert!(line("Blynk datastreams of a device").contains(" 2  "), "{told}");
        assert!(line("Blynk batch-update of 10,000 rows").contains(" 10000 "), "{told}");
        assert!(told.contains("OpenSynaptic packets?limit=50, 100 values/s coming in"), "{told}");
        for followers in ["WebSocket (Instathings cloud)", "socket.io (on-premise)"] {
            let number = line(followers)[followers.len()..].split_whitespace().next();
            assert_eq!(number, Some("3"), "{told}");
        }
        assert!(line("both together").contains("100 %"), "{told}");
    }
}

#[tokio::test]
async fn mqtt_is_published_fanned_out_and_counted() {
    let home = DataDir::new();
    let dir = home.path().join("mqtt").display().to_string();
    let size = ["--clients", "3", "--in-flight", "4", "--batch", "7", "--subscribers", "5", "--rate", "50"];
    let few = ["--idle", "20", "--seconds", "1", "--data-dir", &dir];
    let told = home.basalt(&[&["bench", "mqtt"], &size[..], &few].concat()).await.expect_success();
    assert!(told.starts_with("3 publishers with QoS 1 for 1 s each, broker at 127.0.0.1:"), "{told}");
    for line in [
        "1 reading each, 1 in flight ",
        "1 reading each, 4 in flight ",
        "1 reading each, 4 in flight, half of that rate",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert!(told.contains("7 readings each, 4 in flight"), "{told}");
    assert!(told.contains("5 subscribers x 50 readings/s for 1 s: each received all 50"), "{told}");
    let found = told.lines().find_map(|line| line.strip_prefix("readings found: ")).expect("a count");
    let (found, written) = found.split_once(" of ").expect("two counts");
    assert_eq!(found, written, "{told}");
    assert!(told.contains("20 idle sessions: "), "{told}");

    let nobody = format!("127.0.0.1:{}", crate::support::free_port());
    let refused = home.basalt(&["bench", "mqtt", "--address", &nobody]).await.expect_failure();
    assert!(refused.contains("a connection to the broker failed"), "{refused}");
}
