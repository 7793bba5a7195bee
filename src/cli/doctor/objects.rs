//! Checks that the object stores of the configuration can be reached.

use super::finding::Finding;
use crate::domain::Result;
use crate::store::s3;

const CHECK: &str = "object store";

/// Asks the object store of a setting; `None` where the setting names none.
pub async fn check(setting: &str, url: Option<&str>) -> Option<Finding> {
    let url = url.filter(|url| url.starts_with("s3:"))?;
    Some(judge(setting, url, s3::check_reachable(url).await))
}

fn judge(setting: &str, url: &str, reached: Result<()>) -> Finding {
    match reached {
        Ok(()) => Finding::ok(CHECK, format!("{setting} {url} can be listed")),
        Err(e) => {
            let mend = format!(
                "correct {setting} and the variables AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, \
                 and try the same: aws s3 ls {url}"
            );
            Finding::problem(CHECK, format!("{setting} {url}: {}", e.full_message()), mend)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::State;
    use crate::domain::Error;

    #[tokio::test]
    async fn only_buckets_are_asked() {
        assert_eq!(check("lake.url", None).await, None);
        assert_eq!(check("lake.url", Some("file:///srv/lake")).await, None);
        let finding = judge("lake.url", "s3://b/p", Err(Error::unavailable("`s3://b/p` did not answer")));
        assert!(finding.state == State::Problem && finding.found.contains("did not answer"), "{finding:?}");
        assert_eq!(judge("lake.url", "s3://b/p", Ok(())).state, State::Ok);
    }
}
