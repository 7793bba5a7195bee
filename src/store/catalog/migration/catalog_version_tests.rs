//! Checks that each table which the mirror loads has a trigger that raises the version.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::EntityName;

use super::{COLUMNS, MIRRORED_TABLES, TABLES_BY_ROW};
use crate::store::catalog::entity;
use crate::store::catalog::mirror::RowTable;

/// Table names by the names of the entities' modules.
macro_rules! tables {
    ($($entity:ident),+ $(,)?) => {
        BTreeMap::from([$((stringify!($entity), entity::$entity::Entity.table_name())),+])
    };
}

/// Names of the entities that a source text mentions, as in `entity::NAME`.
fn entities_in(text: &'static str) -> BTreeSet<&'static str> {
    let names = text.split("entity::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    });
    names.collect()
}

#[test]
fn every_mirrored_table_raises_the_version() {
    let tables = tables!(
        alert_rule,
        binding_report,
        certificate,
        client,
        command,
        device,
        document,
        floor,
        group,
        key,
        media_job,
        model,
        model_version,
        object,
        org,
        org_plan,
        policy,
        product,
        registration,
        session,
        stream,
        token,
        user,
    );
    let loaded = entities_in(include_str!("../mirror/load.rs"));
    assert_eq!(
        loaded,
        tables.keys().copied().collect(),
        "the mirror loads other tables: a table that is new needs the trigger `raise_catalog_version` and a row of \
         `catalog_table_versions`, in a new migration"
    );
    let with_trigger: BTreeSet<&str> = MIRRORED_TABLES.iter().copied().collect();
    assert_eq!(with_trigger, tables.values().copied().collect());
    assert_eq!(with_trigger.len(), MIRRORED_TABLES.len(), "no table is listed twice");
}

#[test]
fn every_table_that_is_loaded_by_row_notes_its_changes() {
    let names = TABLES_BY_ROW.map(|(table, _)| table);
    assert_eq!(
        names,
        RowTable::ALL.map(RowTable::name),
        "a table that is new in RowTable needs the trigger `add_catalog_change`, in a new migration"
    );
    assert!(TABLES_BY_ROW.iter().all(|(_, column)| COLUMNS.contains(column)), "each has a function");
}
