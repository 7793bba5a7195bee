//! Buckets of object stores that speak S3's protocol.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{BackoffConfig, ObjectStore, RetryConfig};
use url::Url;

use crate::domain::{Error, Result};

/// How long a store may take to answer whether it can be reached.
const REACH_TIMEOUT: Duration = Duration::from_secs(10);

/// A prefix of a bucket.
pub struct S3Prefix {
    /// Bucket and prefix, with a slash at the end.
    pub url: Url,
    /// The bucket: its paths begin with the prefix.
    pub store: Arc<AmazonS3>,
}

/// Opens `s3://bucket/prefix`, with credentials, region and endpoint from the usual `AWS_*` variables. No request is sent.
///
/// # Errors
/// `Invalid` for any other URL; `Unavailable` when the variables are not sufficient.
pub fn open(url: &str, retry: RetryConfig) -> Result<S3Prefix> {
    let invalid = || Error::invalid(format!("`{url}` is not of the form s3://bucket/prefix"));
    let mut url = Url::parse(url).map_err(|e| invalid().with_source(e))?;
    if url.scheme() != "s3" || url.host_str().is_none_or(str::is_empty) {
        return Err(invalid());
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    let builder = AmazonS3Builder::from_env().with_url(url.as_str()).with_retry(retry);
    let store = builder.build().map_err(|e| {
        Error::unavailable(format!("cannot use `{url}`: {e}; set AWS_REGION, AWS_ACCESS_KEY_ID …"))
            .with_source(e)
    })?;
    Ok(S3Prefix { url, store: Arc::new(store) })
}

/// Lists the beginning of a prefix, to learn whether the store answers and takes the credentials; changes nothing.
///
/// # Errors
/// The errors of [`open`]; `Unavailable` when the store does not answer within 10 s, or refuses.
pub async fn check_reachable(url: &str) -> Result<()> {
    let retry =
        RetryConfig { backoff: BackoffConfig::default(), max_retries: 1, retry_timeout: REACH_TIMEOUT };
    let S3Prefix { url, store } = open(url, retry)?;
    let prefix = object_store::path::Path::from_url_path(url.path());
    let prefix = prefix.map_err(|e| Error::invalid(format!("`{url}` is no prefix")).with_source(e))?;
    let mut listed = store.list(Some(&prefix));
    let first = tokio::time::timeout(REACH_TIMEOUT, listed.next()).await;
    let silent =
        |_| Error::unavailable(format!("`{url}` did not answer within {} s", REACH_TIMEOUT.as_secs()));
    match first.map_err(silent)? {
        Some(Err(e)) => Err(Error::unavailable(format!("`{url}` cannot be listed")).with_source(e)),
        Some(Ok(_)) | None => Ok(()),
    }
}
