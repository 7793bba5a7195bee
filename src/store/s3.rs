//! Buckets of object stores that speak S3's protocol.

use std::sync::Arc;

use object_store::RetryConfig;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use url::Url;

use crate::domain::{Error, Result};

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
