//! Table `floors`: retention watermarks of streams and devices.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use crate::domain::{Error, Result};
use crate::store::table::Table;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "floors")]
pub struct Model {
    /// Name of a lake table.
    #[sea_orm(primary_key, auto_increment = false)]
    pub lake_table: String,
    /// Id of a stream, or of a device for `messages`; the row may be deleted.
    #[sea_orm(primary_key, auto_increment = false)]
    pub source_id: i32,
    /// Microseconds: rows before this are permanently removed, or about to be.
    pub kept_from: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Returns the table of the lake that the floor applies to; `Unavailable` when this version knows no table of its name.
    pub fn table(&self) -> Result<Table> {
        let named = Table::from_name(&self.lake_table);
        named.ok_or_else(|| {
            let (table, id) = (&self.lake_table, self.source_id);
            Error::unavailable(format!(
                "the catalog holds a row this version cannot read: table `floors`, `{table}` {id}"
            ))
        })
    }
}

/// A row to insert.
pub fn new(table: Table, source: i32, kept_from: i64) -> ActiveModel {
    ActiveModel {
        lake_table: Set(table.name().to_owned()),
        source_id: Set(source),
        kept_from: Set(kept_from),
    }
}
