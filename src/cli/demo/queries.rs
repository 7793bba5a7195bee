//! Named queries of the demo: files in a folder of its data directory, which its owner may change, and add others to.

use std::fs;
use std::path::{Path, PathBuf};

use crate::app::App;
use crate::cli::dir_lock::was_data_dir;
use crate::domain::{Error, Principal, Result};

const FOLDER: &str = "queries";

const FILES: [(&str, &str); 5] = [
    ("plant-alarms.sql", include_str!("../../../queries/demo/plant-alarms.sql")),
    ("plant-energy-by-hour.sql", include_str!("../../../queries/demo/plant-energy-by-hour.sql")),
    ("plant-limits.sql", include_str!("../../../queries/demo/plant-limits.sql")),
    ("plant-motor-downtime.sql", include_str!("../../../queries/demo/plant-motor-downtime.sql")),
    ("plant-today-and-yesterday.sql", include_str!("../../../queries/demo/plant-today-and-yesterday.sql")),
];

/// Writes the files of a demo with content into a folder of `root` before the first start on `data_dir`. Returns the folder; `None`
/// where there is none.
///
/// # Errors
/// `Unavailable` naming what cannot be written.
pub(super) fn prepare(root: &Path, data_dir: &Path, has_content: bool) -> Result<Option<PathBuf>> {
    let folder = root.join(FOLDER);
    if has_content && !was_data_dir(data_dir) {
        fs::create_dir_all(&folder).map_err(|e| unwritable(&folder, e))?;
        for (name, text) in FILES {
            let path = folder.join(name);
            fs::write(&path, text).map_err(|e| unwritable(&path, e))?;
        }
    }
    Ok(folder.is_dir().then_some(folder))
}

/// Whether the server has one of them: an owner may have deleted them, or configured other ones.
pub(super) fn exist(app: &App, owner: &Principal) -> bool {
    let is_ours = |name: &str| FILES.iter().any(|(file, _)| file.strip_suffix(".sql") == Some(name));
    app.statements.named_queries(owner).any(|query| is_ours(&query.name))
}

fn unwritable(path: &Path, source: std::io::Error) -> Error {
    Error::unavailable(format!("{} cannot be written", path.display())).with_source(source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::demo::rules::{NEARLY_FULL_PCT, TOO_HOT_C};
    use crate::cli::dir_lock::DirLock;
    use crate::query::named::NamedQueries;

    #[test]
    fn the_first_start_writes_them_and_no_other() {
        let home = tempfile::tempdir().expect("a directory");
        let (root, data_dir) = (home.path(), home.path().join("data"));
        assert_eq!(prepare(root, &data_dir, false).expect("nothing to do"), None);
        let folder = prepare(root, &data_dir, true).expect("written").expect("a folder");
        let own = NamedQueries::load(None).expect("the built-in ones").iter().count();
        let all = NamedQueries::load(Some(&folder)).expect("named queries with names of their own");
        assert_eq!(all.iter().count(), own + FILES.len());
        for (file, _) in FILES {
            let query = all.get(file.trim_end_matches(".sql")).expect(file);
            let is_complete = query.params.iter().all(|param| !param.is_required());
            assert!(is_complete && query.description.starts_with("Demo: "), "{query:?}");
        }

        let _lock = DirLock::acquire(&data_dir).expect("the first start");
        fs::remove_file(folder.join(FILES[0].0)).expect("it is there");
        assert_eq!(prepare(root, &data_dir, true).expect("nothing to do"), Some(folder.clone()));
        assert_eq!(fs::read_dir(&folder).expect("it is there").count(), FILES.len() - 1);
    }

    #[test]
    fn limits_are_those_of_the_alert_rules() {
        let (_, text) = FILES.iter().find(|(file, _)| *file == "plant-limits.sql").expect("it is there");
        for (stream, limit) in [("furnace.temperature", TOO_HOT_C), ("tank.level", NEARLY_FULL_PCT)] {
            let row = format!("'{stream}', {limit:?})");
            assert!(text.contains(&row), "`{row}` is missing in: {text}");
        }
    }
}
