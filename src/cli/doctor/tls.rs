//! Checks the files of TLS: they can be read, certificate and key belong together, and the certificate is valid for a while.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::finding::Finding;
use crate::api::certificate_files::CertificateSettings;
use crate::api::tls::Tls;
use crate::auth::certificate;
use crate::cli::config::Config;
use crate::domain::time::MICROS_PER_DAY;
use crate::domain::{Micros, Result};

const CHECK: &str = "tls";
/// With fewer days left it is time to renew.
const WARNING_DAYS: i64 = 21;

/// Checks the certificates of the listeners as of a time.
pub fn check(config: &Config, now: Micros) -> Vec<Finding> {
    let pairs = [
        ("http", &config.tls, CertificateSettings::HTTP),
        ("mqtt", &config.mqtt.tls, CertificateSettings::MQTT),
    ];
    let mut findings = Vec::new();
    for (section, files, settings) in pairs {
        if let Some(files) = files.pair(settings) {
            let loaded = files.read().and_then(|text| files.parse(&text));
            findings.push(judge_pair(section, &files.cert, loaded, now));
            findings.extend(judge_key(section, &files.key));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, "no certificate is configured"));
    }
    findings
}

fn judge_pair(section: &str, cert: &Path, loaded: Result<Tls>, now: Micros) -> Finding {
    let name = format!("{section}.tls_cert {}", cert.display());
    let tls = match loaded {
        Ok(tls) => tls,
        Err(e) => {
            let mend = format!(
                "correct {section}.tls_cert and {section}.tls_key, and let the user that runs the server read both: ls -l {}",
                cert.display()
            );
            return Finding::problem(CHECK, format!("{name}: {}", e.full_message()), mend);
        }
    };
    let mend = "renew it (certbot renew, or whoever issues it): the server reads it by itself; `systemctl reload basalt` does so at \
                once";
    let Some(expiry) = certificate::chain_expiry(tls.pem()) else {
        return Finding::warning(CHECK, format!("{name}: until when it is valid cannot be read"), mend);
    };
    let days = (expiry.0 - now.0).div_euclid(MICROS_PER_DAY);
    let found = format!("{name}: fits its key, valid until {expiry} ({days} days)");
    match days {
        ..0 => Finding::problem(CHECK, format!("{name}: expired at {expiry}"), mend),
        0..WARNING_DAYS => Finding::warning(CHECK, found, mend),
        _ => Finding::ok(CHECK, found),
    }
}

/// Checks that not every user can read the key; a group may, for the programs that renew it.
fn judge_key(section: &str, key: &Path) -> Option<Finding> {
    let mode = fs::metadata(key).ok()?.mode() & 0o7777;
    let key = key.display();
    let found =
        format!("{section}.tls_key {key} has mode {mode:04o}: every user of this machine may read it");
    (mode & 0o007 != 0)
        .then(|| Finding::problem(CHECK, found, format!("take the right away: chmod o-rwx {key}")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::auth::certificate::{generate_authority_key, make_authority_certificate};
    use crate::cli::config::TlsFiles;
    use crate::cli::doctor::finding::State;

    #[test]
    fn a_certificate_is_judged_by_its_key_and_its_days() {
        let dir = tempfile::tempdir().expect("a directory");
        let (cert, key) = (dir.path().join("c.pem"), dir.path().join("k.pem"));
        let secret = generate_authority_key().expect("a key");
        let begin = Micros(20_000 * MICROS_PER_DAY);
        let pem = make_authority_certificate(&secret, 1, begin).expect("a certificate");
        fs::write(&cert, &pem).expect("written");
        let put_key = |text: &str, mode: u32| {
            fs::write(&key, text).expect("written");
            fs::set_permissions(&key, PermissionsExt::from_mode(mode)).expect("set");
        };
        put_key(&secret, 0o640);
        let mut config = Config::default();
        assert_eq!(check(&config, begin), [Finding::ok(CHECK, "no certificate is configured")]);
        config.tls = TlsFiles { cert: Some(cert), key: Some(key.clone()) };
        let end = certificate::chain_expiry(&pem).expect("an end").0 / MICROS_PER_DAY;
        for (left, state) in
            [(100, State::Ok), (20, State::Warning), (0, State::Warning), (-1, State::Problem)]
        {
            let findings = check(&config, Micros((end - left) * MICROS_PER_DAY));
            assert_eq!((findings.len(), findings[0].state), (1, state), "{left}: {findings:?}");
        }
        put_key(&secret, 0o644);
        let findings = check(&config, begin);
        assert!(findings[1].state == State::Problem && findings[1].found.contains("0644"), "{findings:?}");
        put_key(&generate_authority_key().expect("another key"), 0o600);
        let findings = check(&config, begin);
        assert!(
            findings[0].state == State::Problem && findings[0].found.contains("not the key"),
            "{findings:?}"
        );
    }
}
