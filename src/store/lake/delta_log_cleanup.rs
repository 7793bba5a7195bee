//! Selects the obsolete entries of the Delta log. It is pure, from names to names.

/// Returns the entries older than the second newest checkpoint. The table is read from the newest one, and external
/// readers that began before it still find the previous one (Delta protocol, "Log cleanup").
pub fn obsolete<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let mut checkpoints: Vec<u64> =
        names.iter().filter(|name| name.contains(".checkpoint.")).filter_map(|name| version(name)).collect();
    checkpoints.sort_unstable();
    checkpoints.dedup();
    let [.., oldest_kept, _] = checkpoints.as_slice() else { return Vec::new() };
    names.iter().filter(|name| version(name).is_some_and(|v| v < *oldest_kept)).copied().collect()
}

/// Returns the versions of the entries read when the table is opened, which are those after the newest checkpoint, in
/// ascending order, and the version that has to be first.
pub fn needed_commits(names: &[&str]) -> (Vec<u64>, u64) {
    let checkpoint =
        names.iter().filter(|name| name.contains(".checkpoint.")).filter_map(|n| version(n)).max();
    let entries = names.iter().filter(|name| name.ends_with(".json")).filter_map(|name| version(name));
    let mut needed: Vec<u64> = entries.filter(|v| checkpoint.is_none_or(|c| *v > c)).collect();
    needed.sort_unstable();
    (needed, checkpoint.map_or(0, |c| c + 1))
}

/// Returns the file name of a version's entry.
pub fn commit_file_name(version: u64) -> String {
    format!("{version:020}.json")
}

/// Parses the version at the start of an entry's name: `00000000000000000042.json`.
fn version(name: &str) -> Option<u64> {
    name.get(..20)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{needed_commits, obsolete};

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

    #[test]
    fn entries_after_the_newest_checkpoint_are_needed() {
        let names = ["00000000000000000009.checkpoint.parquet", "_last_checkpoint"];
        let json: Vec<String> = [11, 9, 10, 8].map(super::commit_file_name).into();
        let all: Vec<&str> = json.iter().map(String::as_str).chain(names).collect();
        assert_eq!(needed_commits(&all), (vec![10, 11], 10));
        assert_eq!(needed_commits(&all[..4]), (vec![8, 9, 10, 11], 0));
        assert_eq!(needed_commits(&names), (vec![], 10));
    }
}
