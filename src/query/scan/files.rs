//! Lake files as a source: pruned by DataFusion's Parquet reader down to pages.

use std::sync::Arc;

use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_expr::{LexOrdering, PhysicalExpr};
use datafusion::physical_plan::ExecutionPlan;
use object_store::ObjectMeta;
use object_store::path::Path;

use crate::store::lake::file::LakeFile;
use crate::store::schema;
use crate::store::snapshot::Snapshot;

/// How files are read: where they are, which columns, and the predicate that prunes them.
pub struct FileReading<'a> {
    pub snapshot: &'a Snapshot,
    pub runtime: &'a Arc<RuntimeEnv>,
    /// Indices into `schema::readings()`.
    pub columns: &'a [usize],
    /// On stream_id and ts only, over the whole of `schema::readings()`.
    pub predicate: Option<Arc<dyn PhysicalExpr>>,
}

impl FileReading<'_> {
    /// A scan with one partition per group. `ordering` is what each file of a group of one is sorted by.
    pub fn scan(
        &self,
        groups: Vec<Vec<Arc<LakeFile>>>,
        ordering: Option<LexOrdering>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let url = ObjectStoreUrl::local_filesystem();
        let store = self.runtime.object_store(&url)?;
        let cache = self.runtime.cache_manager.get_file_metadata_cache();
        let mut source = ParquetSource::new(schema::readings())
            .with_parquet_file_reader_factory(Arc::new(CachedParquetFileReaderFactory::new(store, cache)))
            .with_enable_page_index(true);
        if let Some(predicate) = &self.predicate {
            source = source.with_predicate(predicate.clone()).with_pushdown_filters(true);
        }
        let groups = groups.iter().map(|files| self.group(files)).collect::<Result<Vec<_>>>()?;
        let config = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_groups(groups)
            .with_projection_indices(Some(self.columns.to_vec()))?
            .with_output_ordering(ordering.into_iter().collect())
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    fn group(&self, files: &[Arc<LakeFile>]) -> Result<FileGroup> {
        Ok(FileGroup::new(files.iter().map(|f| self.file(f)).collect::<Result<_>>()?))
    }

    fn file(&self, file: &LakeFile) -> Result<PartitionedFile> {
        let path = Path::from_absolute_path(self.snapshot.lake_dir.join(&file.path))
            .map_err(|e| DataFusionError::External(e.into()))?;
        // Files never change once written, so any constant serves as the time the footer cache compares.
        let meta = ObjectMeta {
            location: path,
            last_modified: Default::default(),
            size: file.bytes,
            e_tag: None,
            version: None,
        };
        Ok(PartitionedFile::new_from_meta(meta))
    }
}
