//! Every target: its share of a long run, and the inputs of its short one.

/// Name, parts of a thousand of a long run, inputs of a short one. Slow decoders have small shares; the short run takes less
/// than 30 seconds in a debug build.
const TARGETS: [(&str, u64, u64); 43] = [
    ("addresses", 20, 8_000),
    ("arrow", 30, 1_500),
    ("blynk_requests", 20, 1_000),
    ("certificate_requests", 10, 1_000),
    ("compressed_bodies", 30, 1_000),
    ("csv", 40, 2_000),
    ("eip", 40, 10_000),
    ("fenet", 40, 10_000),
    ("fetched_bodies", 10, 500),
    ("flight_tickets", 40, 1_500),
    ("forms", 40, 1_500),
    ("graphql", 40, 1_000),
    ("hamachi", 20, 1_500),
    ("inventory_csv", 20, 300),
    ("inventory_yaml", 20, 300),
    ("line_protocol", 10, 5_000),
    ("melsec", 30, 10_000),
    ("modbus", 1, 200),
    ("mqtt_packets", 50, 8_000),
    ("mqtt_server_packets", 20, 3_000),
    ("named_queries", 10, 200),
    ("ndjson", 40, 2_000),
    ("opcua_frames", 40, 3_000),
    ("opcua_values", 40, 3_000),
    ("otlp", 10, 3_000),
    ("pages", 10, 200),
    ("parquet", 20, 500),
    ("pg_messages", 50, 8_000),
    ("pg_scripts", 35, 1_500),
    ("pg_values", 40, 5_000),
    ("pickles", 40, 2_000),
    ("register_values", 10, 8_000),
    ("remote_write", 10, 5_000),
    ("s7", 20, 10_000),
    ("socket_io", 20, 3_000),
    ("sparkplug_messages", 10, 3_000),
    ("sql", 5, 100),
    ("sql_run", 1, 40),
    ("tag_lists", 10, 300),
    ("tflite", 14, 400),
    ("times", 14, 20_000),
    ("wal_records", 10, 3_000),
    ("wal_segments", 10, 500),
];

/// The inputs of a target in a run of so many, or in the short one.
pub fn inputs(name: &str, all: Option<u64>) -> u64 {
    let known = TARGETS.iter().find(|(known, ..)| *known == name);
    let (_, share, short) = known.unwrap_or_else(|| panic!("tests/fuzz/table.rs does not have `{name}`"));
    all.map_or(*short, |all| (all * share).div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::TARGETS;

    #[test]
    fn shares_are_a_whole_and_every_target_is_a_test() {
        let shares: u64 = TARGETS.iter().map(|(_, share, _)| share).sum();
        assert_eq!(shares, 1000);
        let mut tests = Vec::new();
        collect_targets(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src"), &mut tests);
        tests.sort_unstable();
        assert_eq!(tests, TARGETS.map(|(name, ..)| name));
    }

    /// The names of the tests in every `fuzz_tests.rs` below a folder.
    fn collect_targets(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                collect_targets(&path, found);
            } else if path.to_string_lossy().ends_with("fuzz_tests.rs") {
                let text = std::fs::read_to_string(&path).expect("a text");
                let tests = text.split("#[test]\nfn ").skip(1);
                found.extend(tests.filter_map(|rest| Some(rest.split_once('(')?.0.to_owned())));
            }
        }
    }
}
