//! Which entries of the Delta log nobody needs any more. Pure: names in, names out.

/// The entries older than the second newest checkpoint: the table is read from the newest, and readers outside that
/// began before it still find the one before (Delta protocol, "Log cleanup").
pub fn obsolete<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let mut checkpoints: Vec<u64> =
        names.iter().filter(|name| name.contains(".checkpoint.")).filter_map(|name| version(name)).collect();
    checkpoints.sort_unstable();
    checkpoints.dedup();
    let [.., oldest_kept, _] = checkpoints.as_slice() else { return Vec::new() };
    names.iter().filter(|name| version(name).is_some_and(|v| v < *oldest_kept)).copied().collect()
}

/// The version an entry begins with: `00000000000000000042.json`.
fn version(name: &str) -> Option<u64> {
    name.get(..20)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::obsolete;

    #[test]
    fn entries_before_the_second_newest_checkpoint_go() {
        let json = |v: u64| format!("{v:020}.json");
        let checkpoint = |v: u64| format!("{v:020}.checkpoint.parquet");
        let log = |last: u64| {
            let entries = (0..=last).map(json);
            let checkpoints = (0..=last).filter(|v| (v + 1) % 10 == 0).map(checkpoint);
            entries.chain(checkpoints).chain(["_last_checkpoint".to_owned()]).collect::<Vec<_>>()
        };
        for (name, last, expected) in [
            ("no_checkpoint", 8, vec![]),
            ("one_checkpoint", 15, vec![]),
            ("two_checkpoints", 25, (0..9).map(json).collect()),
            ("three", 35, (0..19).map(json).chain([checkpoint(9)]).collect()),
        ] {
            let names = log(last);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            assert_eq!(obsolete(&names), expected, "{name}");
        }
    }
}
