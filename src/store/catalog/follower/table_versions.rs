//! Versions of the catalog and of its mirrored tables, by which a follower knows what it has to load again.
//!
//! `migration::catalog_version` says how they are raised. Rows and versions that are read from one
//! snapshot belong together.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, Statement};

use crate::domain::{Error, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::migration::MIRRORED_TABLES;
use crate::store::catalog::mirror::{LoneTable, RowTable};

/// The version of the catalog: it differs after every change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::catalog) struct CatalogVersion {
    /// Raised by every transaction on a mirrored table.
    pub(in crate::store::catalog) number: i64,
    /// Object id of the table that holds it. A database that was restored from a backup has another one, and its versions say
    /// nothing about the former database.
    pub(in crate::store::catalog) table_oid: i64,
}

impl CatalogVersion {
    /// Whether this is the version `other` of the same database, or a later one.
    pub(in crate::store::catalog) fn is_not_before(self, other: Self) -> bool {
        self.table_oid == other.table_oid && self.number >= other.number
    }
}

/// The versions in one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store::catalog) struct CatalogVersions {
    pub(in crate::store::catalog) catalog: CatalogVersion,
    /// By name.
    tables: BTreeMap<String, i64>,
}

/// The tables that have changed, by how they are loaded.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::store::catalog) struct ChangedTables {
    /// Each whole.
    pub(in crate::store::catalog) alone: Vec<LoneTable>,
    /// The rows that have changed.
    pub(in crate::store::catalog) by_row: Vec<RowTable>,
}

impl CatalogVersions {
    /// Reads the versions; `db` is a transaction that reads one snapshot.
    pub(in crate::store::catalog) async fn read(db: &impl ConnectionTrait) -> Result<Self> {
        let catalog = read_catalog_version(db).await?;
        let query = "SELECT name, version FROM catalog_table_versions";
        let query = Statement::from_string(db.get_database_backend(), query);
        let mut tables = BTreeMap::new();
        for row in db.query_all_raw(query).await.map_err(unavailable)? {
            let name = row.try_get_by_index::<String>(0).map_err(unavailable)?;
            tables.insert(name, row.try_get_by_index(1).map_err(unavailable)?);
        }
        Ok(Self { catalog, tables })
    }

    /// The tables that have changed since `before`; `None` when everything has to be loaded, because the versions do not follow
    /// those of `before`, or a table has changed of which nothing is known.
    pub(in crate::store::catalog) fn tables_changed_since(&self, before: &Self) -> Option<ChangedTables> {
        if self.catalog.table_oid != before.catalog.table_oid {
            return None;
        }
        let (mut changed, mut raises) = (ChangedTables::default(), 0_i64);
        for name in MIRRORED_TABLES {
            let (version, former) = (self.tables.get(*name)?, before.tables.get(*name)?);
            match version.cmp(former) {
                Ordering::Less => return None,
                Ordering::Equal => {}
                Ordering::Greater => {
                    changed.add(name)?;
                    raises += version - former;
                }
            }
        }
        // Whoever raises the version of the catalog raises that of a table. Otherwise a table is not among these.
        let is_complete = (1..=raises).contains(&(self.catalog.number - before.catalog.number));
        is_complete.then_some(changed)
    }
}

impl ChangedTables {
    /// Adds a table once; `None` when it can only be loaded with all others.
    fn add(&mut self, name: &str) -> Option<()> {
        match LoneTable::by_name(name) {
            Some(table) if self.alone.contains(&table) => {}
            Some(table) => self.alone.push(table),
            None => self.by_row.push(RowTable::from_name(name)?),
        }
        Some(())
    }
}

/// Reads the version of the catalog alone.
pub(in crate::store::catalog) async fn read_catalog_version(
    db: &impl ConnectionTrait,
) -> Result<CatalogVersion> {
    let query = "SELECT version, tableoid::bigint FROM catalog_version WHERE id = 1";
    let query = Statement::from_string(db.get_database_backend(), query);
    let row = db.query_one_raw(query).await.map_err(unavailable)?;
    let row = row.ok_or_else(|| Error::unavailable("the row of the table `catalog_version` is missing"))?;
    let number = row.try_get_by_index(0).map_err(unavailable)?;
    Ok(CatalogVersion { number, table_oid: row.try_get_by_index(1).map_err(unavailable)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Versions after some raises of tables, each in a transaction of its own.
    fn versions(raises: &[(&str, i64)]) -> CatalogVersions {
        let mut tables: BTreeMap<_, _> = MIRRORED_TABLES.iter().map(|name| ((*name).to_owned(), 7)).collect();
        let mut number = 100_i64;
        for (name, count) in raises.iter().copied() {
            *tables.get_mut(name).unwrap() += count;
            number += count;
        }
        CatalogVersions { catalog: CatalogVersion { number, table_oid: 1 }, tables }
    }

    fn with(mut versions: CatalogVersions, change: impl FnOnce(&mut CatalogVersions)) -> CatalogVersions {
        change(&mut versions);
        versions
    }

    #[test]
    fn the_tables_that_have_changed_are_loaded() {
        use LoneTable::{Clients, Keys, Models, Tokens};
        use RowTable::{Devices, Streams};
        let tables = |alone: &[LoneTable], by_row: &[RowTable]| {
            Some(ChangedTables { alone: alone.to_vec(), by_row: by_row.to_vec() })
        };
        let keys = || versions(&[("keys", 2)]);
        let two = || versions(&[("tokens", 1), ("clients", 1)]);
        let rows = [
            ("one", keys(), tables(&[Keys], &[])),
            ("two", two(), tables(&[Clients, Tokens], &[])),
            (
                "two_in_one_transaction",
                with(two(), |v| v.catalog.number -= 1),
                tables(&[Clients, Tokens], &[]),
            ),
            ("a_pair", versions(&[("model_versions", 1), ("models", 2)]), tables(&[Models], &[])),
            ("by_row", versions(&[("streams", 1)]), tables(&[], &[Streams])),
            (
                "by_row_and_alone",
                versions(&[("streams", 2), ("keys", 1), ("devices", 1)]),
                tables(&[Keys], &[Devices, Streams]),
            ),
            ("one_that_went_down", versions(&[("keys", 2), ("tokens", -1)]), None),
            ("the_catalog_went_down", with(keys(), |v| v.catalog.number = 99), None),
            ("the_catalog_did_not_change", with(keys(), |v| v.catalog.number = 100), None),
            ("no_table_changed", with(versions(&[]), |v| v.catalog.number += 1), None),
            ("a_change_of_no_table", with(keys(), |v| v.catalog.number += 1), None),
            ("without_a_row", with(keys(), |v| v.tables.retain(|name, _| name != "tokens")), None),
            ("another_database", with(keys(), |v| v.catalog.table_oid = 2), None),
            ("no_rows", with(keys(), |v| v.tables.clear()), None),
        ];
        for (name, now, expected) in rows {
            assert_eq!(now.tables_changed_since(&versions(&[])), expected, "{name}");
        }
        let before = with(versions(&[]), |v| v.tables.retain(|name, _| name != "tokens"));
        assert_eq!(keys().tables_changed_since(&before), None, "a row that is new");
    }

    #[test]
    fn a_table_that_is_in_no_list_is_loaded_with_all_others() {
        let mut changed = ChangedTables::default();
        assert_eq!((changed.add("unknown"), changed), (None, ChangedTables::default()));
    }
}
