//! Backups between file systems, where there are no hard links: files are copied, and nothing is missing.

use super::backup::{BUSY_SERVER_ENV, check_backups_under_load, place, rows, small, text};
use crate::support::{DataDir, Server};

/// The files of the lake are only noted while the others are pinned, and copied while merges replace them.
#[tokio::test]
async fn a_lake_on_another_file_system_is_backed_up_under_load() {
    let Some(lake) = DataDir::on_another_device() else { return };
    let url = url::Url::from_directory_path(lake.path()).expect("an absolute path").to_string();
    let mut env = BUSY_SERVER_ENV.to_vec();
    env.push(("BASALT_LAKE_URL", url.as_str()));
    let server = Server::start(&env).await;
    assert!(!server.data_dir.path().join("lake").exists(), "the lake is elsewhere");
    check_backups_under_load(server, 2).await;
}

#[tokio::test]
async fn a_backup_on_another_file_system_shares_no_bytes_and_is_restored_whole() {
    let Some(far) = DataDir::on_another_device() else { return };
    let (server, near) = (small().await, DataDir::new());
    // Whether files of the backup are links.
    let back_up = async |dest: String| {
        let output = server.basalt(&["backup", &dest]).await;
        let has_links = output.stderr.contains("share their bytes");
        output.expect_success();
        has_links
    };
    assert!(back_up(text(&place(&near, "linked"))).await, "on one file system");
    let backup = text(&place(&far, "copied"));
    assert!(!back_up(backup.clone()).await, "on two file systems");

    let restored = DataDir::new();
    restored.basalt(&["restore", &backup]).await.expect_success();
    let report = restored.basalt(&["verify"]).await.expect_success();
    assert!(report.contains("everything is whole"), "{report}");
    let mut found = rows(&restored).await;
    found.sort_unstable();
    assert_eq!(found, [(1, 1), (1, 2)]);
}
