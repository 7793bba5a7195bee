//! Checks the catalog: it opens, SQLite's quick check finds nothing, and its schema is one that this program knows.

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
    let checked = quick_catalog_check(&url, installation.is_open()).await;
    judge(checked, installation.config.catalog_url.is_none(), &installation.flag())
}

/// Judges a catalog; `flag` names the data directory in commands, and `is_inside` says that the catalog is in it.
fn judge(checked: Result<CatalogState>, is_inside: bool, flag: &str) -> Vec<Finding> {
    let restore = format!(
        "see what else is damaged: basalt verify {flag}; then restore a backup: basalt restore BACKUP --data-dir DIR"
    );
    let state = match checked {
        Ok(state) => state,
        Err(e) => {
            let mend = match is_inside {
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
    vec![integrity, schema_finding(state.schema)]
}

fn schema_finding(schema: SchemaState) -> Finding {
    match schema {
        SchemaState::Current { migrations } => Finding::ok(
            VERSIONS,
            format!("the catalog's schema is that of this program ({migrations} migrations)"),
        ),
        SchemaState::Older { pending } => {
            let found = format!("the catalog's schema lacks {pending} migrations of this program");
            let mend =
                "back up first (basalt backup DEST); the next start of `basalt serve` brings it up to date";
            Finding::warning(VERSIONS, found, mend)
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
        for (is_inside, mend) in [(true, "basalt verify --data-dir d"), (false, "catalog.url")] {
            let findings = judge(Err(Error::unavailable("no answer")), is_inside, "--data-dir d");
            assert!(findings[0].mend.as_ref().is_some_and(|m| m.contains(mend)), "{findings:?}");
        }
    }
}
