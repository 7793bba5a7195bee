//! Checks that the object stores of the configuration can be reached.

use super::finding::Finding;
use crate::domain::Result;
use crate::store::s3;

const CHECK: &str = "object store";
/// Variables of which one names credentials, or says that none are needed. Without any, those of the machine are asked for.
const CREDENTIALS: [&str; 5] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_SKIP_SIGNATURE",
];

/// Asks the object store of a setting; `None` where the setting names none.
pub async fn check(setting: &str, url: Option<&str>) -> Option<Finding> {
    let url = url.filter(|url| url.starts_with("s3:"))?;
    let has_credentials = CREDENTIALS.iter().any(|name| std::env::var_os(name).is_some());
    Some(judge(setting, url, s3::check_reachable(url).await, has_credentials))
}

fn judge(setting: &str, url: &str, reached: Result<()>, has_credentials: bool) -> Finding {
    let error = match reached {
        Ok(()) => return Finding::ok(CHECK, format!("{setting} {url} can be listed")),
        Err(e) => e.full_message(),
    };
    if !has_credentials {
        let found = format!(
            "{setting} {url}: {error}; this shell has no AWS_ACCESS_KEY_ID, which the server may have: not checked"
        );
        let mend = "run this with the server's variables (docs/operations/doctor.md): sudo systemd-run --pipe --wait --uid=basalt \
                    -p EnvironmentFile=/etc/default/basalt basalt doctor --config /etc/basalt/basalt.toml";
        return Finding::warning(CHECK, found, mend);
    }
    let mend = format!(
        "correct {setting} and the variables AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and try \
         the same: aws s3 ls {url}"
    );
    Finding::problem(CHECK, format!("{setting} {url}: {error}"), mend)
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
    }

    #[test]
    fn without_credentials_a_refusal_says_nothing_about_the_server() {
        let refused = || Err(Error::unavailable("`s3://b/p` cannot be listed"));
        let rows = [
            ("reached", Ok(()), true, State::Ok, ""),
            ("reached_by_the_machine", Ok(()), false, State::Ok, ""),
            ("refused", refused(), true, State::Problem, "aws s3 ls s3://b/p"),
            ("without_credentials", refused(), false, State::Warning, "EnvironmentFile=/etc/default/basalt"),
        ];
        for (name, reached, has_credentials, state, mend) in rows {
            let is_reached = reached.is_ok();
            let finding = judge("lake.url", "s3://b/p", reached, has_credentials);
            assert_eq!(finding.state, state, "{name}: {finding:?}");
            assert!(is_reached || finding.found.contains("cannot be listed"), "{name}: {finding:?}");
            assert!(finding.mend.unwrap_or_default().contains(mend), "{name}");
        }
    }
}
