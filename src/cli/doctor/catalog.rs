//! Checks the catalog: it opens, SQLite's quick check finds nothing, and its schema is one that this program knows.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use super::finding::{Finding, format_bytes};
use super::installation::Installation;
use crate::cli::instance;
use crate::domain::Result;
use crate::store::catalog::SchemaState;
use crate::store::verify::{CatalogState, quick_catalog_check};

const CHECK: &str = "catalog";
const VERSIONS: &str = "versions";

/// Checks the catalog and its version.
pub async fn check(installation: &Installation) -> Vec<Finding> {
    let url = instance::catalog_url(&installation.config);
    let file = installation.catalog_file();
    if let Some(path) = &file {
        let kind = File::open(path).err().map(|e| e.kind());
        if let Some(finding) = kind.and_then(|kind| judge_unreadable(path, &installation.data_dir, kind)) {
            return vec![finding];
        }
    }
    match installation.run_steady(|is_open| quick_catalog_check(&url, is_open)).await {
        Some(checked) => judge(checked, file.is_some(), &installation.flags()),
        None => vec![Finding::changed_meanwhile(CHECK)],
    }
}

/// Judges the error of opening the file; `None` where that is no question of rights.
fn judge_unreadable(path: &Path, data_dir: &Path, kind: ErrorKind) -> Option<Finding> {
    let (path, data_dir) = (path.display(), data_dir.display());
    let found = format!("{path} is not for this user: it was not checked");
    let mend = format!(
        "give it to the user that runs the server: sudo chown --reference={data_dir} {path}; or run this as that user"
    );
    (kind == ErrorKind::PermissionDenied).then(|| Finding::problem(CHECK, found, mend))
}

/// Judges a catalog, which is a file or in a database server; `flags` name the installation in commands.
fn judge(checked: Result<CatalogState>, is_file: bool, flags: &str) -> Vec<Finding> {
    let restore = format!(
        "see what else is damaged: basalt verify {flags}; then restore a backup: basalt restore BACKUP --data-dir DIR"
    );
    let state = match checked {
        Ok(state) => state,
        Err(e) => {
            let mend = match is_file {
                true => restore,
                false => {
                    "start the database or correct catalog.url (BASALT_CATALOG_URL); psql tries the same URL"
                        .to_owned()
                }
            };
            return vec![Finding::problem(CHECK, e.full_message(), mend)];
        }
    };
    let size = state.bytes.map_or_else(String::new, |bytes| format!(", {}", format_bytes(bytes)));
    let name = format!("{}{size}", state.database);
    let integrity = match state.faults.first() {
        None => Finding::ok(CHECK, format!("{name}, can be read, no fault found")),
        Some(first) => {
            let found = format!("{name}, {} faults, the first: {first}", state.faults.len());
            Finding::problem(CHECK, found, restore)
        }
    };
    vec![integrity, schema_finding(state.schema, flags)]
}

fn schema_finding(schema: SchemaState, flags: &str) -> Finding {
    match schema {
        SchemaState::Current { migrations } => Finding::ok(
            VERSIONS,
            format!("the catalog's schema is that of this program ({migrations} migrations)"),
        ),
        SchemaState::Older { pending } => {
            let found = format!("the catalog's schema lacks {pending} migrations of this program");
            let mend = format!(
                "back up first (basalt backup DEST {flags}); the next start of `basalt serve` brings it up to date"
            );
            Finding::warning(VERSIONS, found, mend)
        }
        SchemaState::Empty => {
            let mend = "do not start the server, which would begin a new one: correct catalog.url (BASALT_CATALOG_URL), or restore a \
                        backup: basalt restore BACKUP --data-dir DIR";
            Finding::problem(CHECK, "it is empty, though the data directory holds data", mend)
        }
        SchemaState::Newer => {
            let found =
                "the catalog's schema is of a newer version, or of a development version before 0.1.0";
            Finding::problem(
                VERSIONS,
                found,
                "install the version that wrote it, or restore a backup of this one",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::State;
    use crate::domain::Error;

    #[test]
    fn faults_and_other_schemas_are_found() {
        let state = |faults: &[&str], schema| {
            let faults = faults.iter().map(|&fault| fault.to_owned()).collect();
            Ok(CatalogState { database: "SQLite", bytes: Some(4096), schema, faults })
        };
        let current = SchemaState::Current { migrations: 3 };
        let states =
            |checked| judge(checked, true, "--data-dir d").into_iter().map(|f| f.state).collect::<Vec<_>>();
        assert_eq!(states(state(&[], current)), [State::Ok, State::Ok]);
        assert_eq!(states(state(&["page 3 is never used"], current)), [State::Problem, State::Ok]);
        assert_eq!(states(state(&[], SchemaState::Older { pending: 1 })), [State::Ok, State::Warning]);
        assert_eq!(states(state(&[], SchemaState::Newer)), [State::Ok, State::Problem]);
        assert_eq!(states(state(&[], SchemaState::Empty)), [State::Ok, State::Problem]);
        for (is_file, mend) in [(true, "basalt verify --data-dir d"), (false, "catalog.url")] {
            let findings = judge(Err(Error::unavailable("no answer")), is_file, "--data-dir d");
            assert!(findings[0].mend.as_ref().is_some_and(|m| m.contains(mend)), "{findings:?}");
        }
    }

    #[test]
    fn a_file_of_another_user_is_not_damaged() {
        let (path, dir) = (Path::new("/d/catalog.sqlite"), Path::new("/d"));
        let finding = judge_unreadable(path, dir, ErrorKind::PermissionDenied).expect("a finding");
        assert!(
            finding.state == State::Problem && finding.found.contains("not for this user"),
            "{finding:?}"
        );
        let mend = finding.mend.expect("a mend");
        assert!(
            mend.contains("chown --reference=/d /d/catalog.sqlite") && !mend.contains("restore"),
            "{mend}"
        );
        assert_eq!(judge_unreadable(path, dir, ErrorKind::NotFound), None);
    }
}
