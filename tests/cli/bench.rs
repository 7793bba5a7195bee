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

    let report_of_questions =
        home.basalt(&[&["bench", "--only", "questions"], &few[..]].concat()).await.expect_success();
    let report_of_questions: Value = serde_json::from_str(&report_of_questions).unwrap();
    let questions = report_of_questions["asked"]["questions"].as_array().unwrap();
    assert_eq!((questions.len(), &report_of_questions["load"]), (14, &Value::Null), "{report_of_questions}");
    let rows = |id: &str| &questions.iter().find(|q| q["id"] == id).unwrap()["rows"];
    // The whole plant of ten minutes lies in every window.
    let expected = [("q1", 1), ("q2", 7), ("q3", 600), ("q4", 600), ("q7", 7), ("q8", 7), ("scan", 1)];
    for (id, count) in expected {
        assert_eq!(rows(id), count, "{id}");
    }
    assert_eq!(
        report_of_questions["asked"]["together"].as_array().unwrap().len(),
        9,
        "{report_of_questions}"
    );
    assert!(report_of_questions["asked"]["lake_bytes"].as_u64().unwrap() > 0, "{report_of_questions}");

    let output =
        home.basalt(&["bench", "questions", "--data-dir", &dir, "--rounds", "3"]).await.expect_success();
    let output: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(output["questions"][0]["path"], "/api/data/{stream}/value/?limit=1");
    assert_eq!(output["questions"][2]["params"].as_array().unwrap().len(), 3);

    let again = home.basalt(&["bench", "--data-dir", &dir]).await.expect_failure();
    assert!(again.contains("is not empty: the bench needs its own"), "{again}");
}

#[tokio::test]
async fn what_was_not_loaded_is_not_asked() {
    let home = DataDir::new();
    let dir = home.path().join("nothing").display().to_string();
    let output = home.basalt(&["bench", "--only", "questions", "--data-dir", &dir]).await.expect_failure();
    assert!(output.contains("was not loaded by `basalt bench --data-dir`"), "{output}");
}

#[tokio::test]
async fn growth_in_a_year_of_three_days() {
    let home = DataDir::new();
    let all = ["bench", "growth", "--only", "years,latest,start,files,import", "--runs", "1", "--days", "3"];
    let sizes = [
        "--every", "600", "--years", "1,2", "--latest", "5,9", "--start", "300,500", "--files", "6",
        "--import", "2",
    ];
    let output = home.basalt(&[&all[..], &sizes].concat()).await.expect_success();
    let first = |line: &&str| line.split_whitespace().next().is_some_and(|word| word.parse::<u32>().is_ok());
    let numbers: Vec<_> =
        output.lines().filter(first).map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(numbers, ["1", "2", "5", "9", "300", "500"], "{output}");
    let files = |line: &str| line.split_whitespace().find_map(|word| word.parse::<usize>().ok());
    let before = output.lines().filter(|line| line.starts_with("before")).map(files);
    let after = output.lines().filter(|line| line.starts_with("after")).map(files);
    assert_eq!(before.collect::<Vec<_>>()[0], Some(6), "{output}");
    // Three days, and the seconds of a plant that reach into the next.
    assert_eq!(after.collect::<Vec<_>>(), [Some(3), Some(3)], "{output}");
}

#[tokio::test]
async fn a_short_soak_loses_nothing_and_fails_nothing() {
    let home = DataDir::new();
    let args = ["bench", "soak", "--seconds", "3", "--rate", "20000", "--streams", "10"];
    let output = home.basalt(&args).await.expect_success();
    let found = output.lines().find_map(|line| line.strip_prefix("rows found: ")).unwrap();
    let (found, written) = found.split_once(" of ").unwrap();
    assert_eq!(found, written);
    assert!(found.parse::<usize>().unwrap() > 100_000, "{output}");
    assert!(output.contains("failed questions: 0"), "{output}");
}

#[tokio::test]
async fn ingest_writes_what_it_counts() {
    let home = DataDir::new();
    let output = home.basalt(&["bench", "ingest", "--rows", "3000", "--seconds", "1"]).await.expect_success();
    for line in ["Arrow ingest", "(3000 rows", "NDJSON ingest", "(400 rows", "single values", "B/row"] {
        assert!(output.contains(line), "{line}: {output}");
    }
}

#[tokio::test]
async fn every_reading_of_a_sender_is_found() {
    for (format, name) in [("line-protocol", "line protocol"), ("remote-write", "remote write")] {
        let home = DataDir::new();
        let args = ["bench", "senders", "--rows", "12000", "--format", format];
        let output = home.basalt(&args).await.expect_success();
        assert!(output.starts_with(&format!("{name}, 5000 readings a request")), "{output}");
        assert!(output.contains("readings found: 15000;"), "{output}");
    }
}

#[tokio::test]
async fn three_clients_are_told_of_everything() {
    let home = DataDir::new();
    let dir = home.path().join("live").display().to_string();
    let args = ["bench", "live", "--clients", "3", "--rate", "100", "--seconds", "1", "--data-dir", &dir];
    let output = home.basalt(&args).await.expect_success();
    let start = "3 clients x 100 values/s for 1 s: each was told of all 100 values";
    assert!(output.starts_with(start) && output.contains("(300 values)"), "{output}");
}

#[tokio::test]
async fn the_graph_is_asked_by_one_and_by_several() {
    let home = DataDir::new();
    let dir = home.path().join("graph").display().to_string();
    let args = ["bench", "graph", "--devices", "3", "--streams", "2", "--seconds", "1", "--data-dir", &dir];
    let output = home.basalt(&args).await.expect_success();
    assert!(output.starts_with("3 devices x 2 streams x newest value"), "{output}");
    let clients: Vec<_> = output.lines().skip(2).filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(clients, ["1", "4", "10"], "{output}");
}

#[tokio::test]
async fn five_devices_are_collected_from_and_every_row_is_found() {
    for (protocol, name) in [("modbus", "Modbus"), ("eip", "EtherNet/IP")] {
        let home = DataDir::new();
        let size = ["--devices", "5", "--registers", "130", "--interval", "0.5", "--seconds", "2"];
        let args = [&["bench", "collect", "--protocol", protocol], &size[..]].concat();
        let output = home.basalt(&args).await.expect_success();
        assert!(output.starts_with(&format!("5 {name} devices x 130 registers every 0.5 s: ")), "{output}");
        let found = output.lines().find_map(|line| line.strip_prefix("rows found: ")).expect("a count");
        let (found, counted) = found.split_once(" of ").expect("two counts");
        let rows: usize = found.parse().expect("a number");
        assert_eq!((found, rows % 130), (counted, 0), "polls are stored whole: {output}");
        // As many polls are waited for before anything is measured; how many more there are depends on the machine.
        assert!(rows >= 5 * 130, "{output}");
        assert!(output.contains("lateness p50") && output.contains("of a core"), "{output}");
    }
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
        let output = home.basalt(&args).await.expect_success();
        assert!(output.starts_with("7000 readings of 7 devices with 2 streams each\n"), "{output}");
        let small = "The targets are for 100000000 readings of 1000 devices";
        assert!(output.contains(small) && output.contains("The target is for 1000 followers"), "{output}");
        let line = |start: &str| output.lines().find(|line| line.starts_with(start)).expect(start);
        for request in ["OpenSynaptic packets?limit=50 ", "OpenSynaptic devices ", "Instathings data?page=1 "]
        {
            assert!(line(request).trim_end().ends_with("20.0"), "{output}");
        }
        let deep = line("Instathings data?page=1000");
        assert!(deep.contains("page 1000 begins after 9990") && deep.contains("not measured"), "{output}");
        assert!(line("Blynk datastreams of a device").contains(" 2  "), "{output}");
        assert!(line("Blynk batch-update of 10,000 rows").contains(" 10000 "), "{output}");
        assert!(output.contains("OpenSynaptic packets?limit=50, 100 values/s coming in"), "{output}");
        for followers in ["WebSocket (Instathings cloud)", "socket.io (on-premise)"] {
            let number = line(followers)[followers.len()..].split_whitespace().next();
            assert_eq!(number, Some("3"), "{output}");
        }
        assert!(line("both together").contains("100 %"), "{output}");
    }
}

#[tokio::test]
async fn mqtt_is_published_fanned_out_and_counted() {
    let home = DataDir::new();
    let dir = home.path().join("mqtt").display().to_string();
    let size = ["--clients", "3", "--in-flight", "4", "--batch", "7", "--subscribers", "5", "--rate", "50"];
    let few = ["--idle", "20", "--seconds", "1", "--data-dir", &dir];
    let output = home.basalt(&[&["bench", "mqtt"], &size[..], &few].concat()).await.expect_success();
    assert!(output.starts_with("3 publishers with QoS 1 for 1 s each, broker at 127.0.0.1:"), "{output}");
    for line in [
        "1 reading each, 1 in flight ",
        "1 reading each, 4 in flight ",
        "1 reading each, 4 in flight, half of that rate",
    ] {
        assert!(output.contains(line), "{line}: {output}");
    }
    assert!(output.contains("7 readings each, 4 in flight"), "{output}");
    assert!(output.contains("5 subscribers x 50 readings/s for 1 s: each received all 50"), "{output}");
    let found = output.lines().find_map(|line| line.strip_prefix("readings found: ")).expect("a count");
    let (found, written) = found.split_once(" of ").expect("two counts");
    assert_eq!(found, written, "{output}");
    assert!(output.contains("20 idle sessions: "), "{output}");

    let nobody = format!("127.0.0.1:{}", crate::support::free_port());
    let refused = home.basalt(&["bench", "mqtt", "--address", &nobody]).await.expect_failure();
    assert!(refused.contains("a connection to the broker failed"), "{refused}");
}
