//! The tables of which the rows that have changed are loaded, and the ids of such rows.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::named_enum::named_enum;

named_enum! {
    /// A table whose rows are exchanged in the mirror one by one.
    ///
    /// | table | what the id of a changed row is |
    /// |---|---|
    /// | `devices`, `groups`, `orgs`, `products`, `streams`, `users` | its own |
    /// | `floors` | that of its source, a stream or a device: every floor of this id is loaded |
    /// | `policies` | that of its stream, or `POLICIES_OF_ORGS`: every policy of the stream, or of organizations, is loaded |
    ///
    /// Rows that the database deletes or sets to null with another have changed too, so an exchange has no cascades of its own:
    /// the entries of a row in the mirror and its indexes depend on no other row.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub(in crate::store::catalog) enum RowTable {
        Devices = "devices",
        Floors = "floors",
        Groups = "groups",
        Orgs = "orgs",
        Policies = "policies",
        Products = "products",
        Streams = "streams",
        Users = "users",
    }
}

/// Stands for the id of a stream where policies have none.
pub(super) const POLICIES_OF_ORGS: i32 = 0;

/// Ids of rows by their tables, each as `RowTable` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::store::catalog) struct RowIds(BTreeMap<RowTable, BTreeSet<i32>>);

impl RowIds {
    pub(in crate::store::catalog) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tables with their ids; each has some.
    pub(super) fn tables(&self) -> impl Iterator<Item = (RowTable, &BTreeSet<i32>)> {
        self.0.iter().map(|(table, ids)| (*table, ids))
    }
}

impl FromIterator<(RowTable, i32)> for RowIds {
    fn from_iter<I: IntoIterator<Item = (RowTable, i32)>>(rows: I) -> Self {
        let mut ids = Self::default();
        for (table, id) in rows {
            ids.0.entry(table).or_default().insert(id);
        }
        ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::catalog::migration::MIRRORED_TABLES;
    use crate::store::catalog::mirror::LoneTable;

    #[test]
    fn each_mirrored_table_is_loaded_alone_or_by_row() {
        for name in MIRRORED_TABLES {
            let is_alone = LoneTable::by_name(name).is_some();
            let is_by_row = RowTable::from_name(name).is_some();
            assert!(is_alone != is_by_row, "`{name}` has to be in one of LoneTable and RowTable");
        }
        let names = RowTable::ALL.map(RowTable::name);
        assert!(names.is_sorted() && names.iter().all(|name| MIRRORED_TABLES.contains(name)), "{names:?}");
        assert_eq!(names.map(RowTable::from_name), RowTable::ALL.map(Some));
    }
}
