//! `groups`: the organization's groups.

use std::sync::Arc;

use arrow::array::Int32Array;
use arrow::datatypes::{DataType, Field};
use datafusion::datasource::MemTable;
use datafusion::error::Result;

use super::{rows_table, text, times};
use crate::domain::group::Group;
use crate::store::schema::timestamp;

pub fn table(groups: &[Arc<Group>]) -> Result<MemTable> {
    let ids = Int32Array::from_iter_values(groups.iter().map(|g| g.id.0));
    rows_table(vec![
        (Field::new("id", DataType::Int32, false), Arc::new(ids)),
        (Field::new("name", DataType::Utf8, false), text(groups, |g| g.spec.name.clone())),
        (Field::new("description", DataType::Utf8, false), text(groups, |g| g.spec.description.clone())),
        (Field::new("created_at", timestamp(), false), times(groups, |g| Some(g.created_at))),
        (Field::new("updated_at", timestamp(), false), times(groups, |g| Some(g.updated_at))),
    ])
}
