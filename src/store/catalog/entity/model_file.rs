//! Table `model_files`: the files of a version, keyed by the version's row id.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use crate::domain::model::ModelFiles;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "model_files")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub model: Vec<u8>,
    pub scaler: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for ModelFiles {
    fn from(row: Model) -> Self {
        Self { model: row.model, scaler: row.scaler }
    }
}

/// A row to insert.
pub fn new(version: i32, files: ModelFiles) -> ActiveModel {
    ActiveModel { id: Set(version), model: Set(files.model), scaler: Set(files.scaler) }
}
