//! The highest ids of streams and devices that have rows, which show whether the catalog belongs to the data.

use super::Store;
use super::table::Table;
use crate::domain::Result;

impl Store {
    /// Checks that the catalog is the one that assigned the ids of the stored rows. One that is empty, older, or of another
    /// installation would assign them again: a new stream, maybe of another organization, would show the rows of an old one.
    ///
    /// # Errors
    /// `Unavailable` when it is not, or its database does not answer.
    pub async fn check_catalog(&self) -> Result<()> {
        let flushed = [Table::Readings, Table::Statistics, Table::HourlyStatistics]
            .into_iter()
            .filter_map(|table| self.highest_id(table));
        // Replayed rows are among these.
        let latest = self.latest_values.streams().into_iter().map(|stream| stream.0);
        let stream = flushed.chain(latest).max().unwrap_or(0);
        let device = self.highest_id(Table::Messages).unwrap_or(0);
        self.catalog.check_assigned(stream, device).await
    }

    /// Returns the highest id in the lake's files of a table; `None` when there are none.
    fn highest_id(&self, table: Table) -> Option<i32> {
        let lake = self.tables.lake(table);
        lake.files().map(|file| file.streams.max).max()
    }
}
