//! Check of an object store for conditional puts, on which the Delta protocol depends: of two servers that write the same
//! entry of a log, the store must refuse the second.

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use uuid::Uuid;

use crate::domain::{Error, Result};

/// Returns whether the store refuses to create an object that exists. Puts an object below `root` twice, and deletes it.
///
/// # Errors
/// `Unavailable` when the store cannot be written to.
pub async fn is_supported(store: &dyn ObjectStore, root: &Path) -> Result<bool> {
    let path = root.clone().join(format!(".probe-{}", Uuid::new_v4().simple()));
    let create = || {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        store.put_opts(&path, PutPayload::from_static(b"probe"), options)
    };
    let unavailable =
        |e: object_store::Error| Error::unavailable(format!("cannot write to the lake: {e}")).with_source(e);
    match create().await {
        // A repetition after a lost answer finds its own object.
        Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => {}
        Err(e) => return Err(unavailable(e)),
    }
    let second = create().await;
    store.delete(&path).await.map_err(unavailable)?;
    match second {
        Ok(_) => Ok(false),
        Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(true),
        Err(e) => Err(unavailable(e)),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::{Display, Formatter};

    use futures::stream::BoxStream;
    use object_store::memory::InMemory;
    use object_store::{
        CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, PutMultipartOptions,
        PutResult,
    };

    use super::*;

    type StoreResult<T> = object_store::Result<T>;

    /// A store that overwrites, whatever the mode of a put is.
    #[derive(Debug)]
    struct Overwriting(InMemory);

    impl Display for Overwriting {
        fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
            self.0.fmt(f)
        }
    }

    #[async_trait::async_trait]
    impl ObjectStore for Overwriting {
        async fn put_opts(&self, at: &Path, bytes: PutPayload, _: PutOptions) -> StoreResult<PutResult> {
            self.0.put_opts(at, bytes, PutOptions::default()).await
        }

        async fn put_multipart_opts(
            &self,
            at: &Path,
            options: PutMultipartOptions,
        ) -> StoreResult<Box<dyn MultipartUpload>> {
            self.0.put_multipart_opts(at, options).await
        }

        async fn get_opts(&self, at: &Path, options: GetOptions) -> StoreResult<GetResult> {
            self.0.get_opts(at, options).await
        }

        fn delete_stream(
            &self,
            paths: BoxStream<'static, StoreResult<Path>>,
        ) -> BoxStream<'static, StoreResult<Path>> {
            self.0.delete_stream(paths)
        }

        fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
            self.0.list(prefix)
        }

        async fn list_with_delimiter(&self, prefix: Option<&Path>) -> StoreResult<ListResult> {
            self.0.list_with_delimiter(prefix).await
        }

        async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> StoreResult<()> {
            self.0.copy_opts(from, to, options).await
        }
    }

    #[tokio::test]
    async fn only_a_store_that_refuses_the_second_put_passes_and_each_is_left_empty() {
        let stores: [(&dyn ObjectStore, bool); 2] =
            [(&InMemory::new(), true), (&Overwriting(InMemory::new()), false)];
        for (store, expected) in stores {
            assert_eq!(is_supported(store, &Path::from("site/one")).await.unwrap(), expected, "{store}");
            let left = store.list_with_delimiter(None).await.unwrap();
            assert!(left.common_prefixes.is_empty() && left.objects.is_empty(), "{store}: {left:?}");
        }
    }
}
