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
    use object_store::memory::InMemory;

    use super::*;

    #[tokio::test]
    async fn a_store_that_refuses_the_second_put_passes_and_is_left_empty() {
        let store = InMemory::new();
        assert!(is_supported(&store, &Path::from("site/one")).await.unwrap());
        assert!(store.list_with_delimiter(None).await.unwrap().common_prefixes.is_empty());
    }
}
