//! The pages load nothing from elsewhere and run nothing that is written into them.

use std::collections::BTreeSet;

use super::*;

#[test]
fn every_page_takes_its_scripts_and_styles_from_the_server() {
    for html in [
        include_str!("access.html"),
        include_str!("graphiql.html"),
        include_str!("home.html"),
        include_str!("missing.html"),
        include_str!("ui.html"),
    ] {
        for loading in ["http:", "https:", "//", "<style", "style=", "<script>", " onclick", "<iframe"] {
            assert!(!html.contains(loading), "{loading} in {html}");
        }
        for target in html.split("src=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(target.starts_with("{assets}/"), "{target}");
        }
    }
}

#[test]
fn every_graphql_file_of_the_folder_is_a_tab() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("queries");
    let files = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<_> = files.filter(|name| name.ends_with(".graphql")).collect();
    assert_eq!(
        QUERIES.map(|(name, _)| format!("{name}.graphql")).into_iter().collect::<BTreeSet<_>>(),
        files
    );
}

#[test]
fn a_build_with_pages_has_them_all_and_one_without_says_why() {
    let names: Vec<_> = built::FILES.iter().map(|(name, _)| *name).collect();
    match built::MISSING {
        "" => {
            assert!(names.contains(&"socket.io.js"), "{names:?}");
            for page in ["app", "graphiql"] {
                for ending in ["css", "js"] {
                    assert!(
                        names.contains(&format!("{page}.{ending}").as_str()),
                        "{page}.{ending}: {names:?}"
                    );
                }
            }
            assert!(built::FILES.iter().all(|(_, content)| content.starts_with(&[0x1f, 0x8b])), "{names:?}");
        }
        why => assert!(names.is_empty(), "{why}: {names:?}"),
    }
}

#[tokio::test]
async fn the_client_of_socket_io_names_its_makers_and_their_license() {
    let Ok(response) = socket_client(&HeaderMap::new()) else {
        assert_ne!(built::MISSING, "", "a build with pages has the client");
        return;
    };
    let (parts, body) = response.into_parts();
    assert_eq!(parts.headers[CONTENT_TYPE], "text/javascript; charset=utf-8");
    assert_eq!(parts.headers[CACHE_CONTROL], "no-cache");
    let script = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let start = String::from_utf8_lossy(&script[..200.min(script.len())]).into_owned();
    assert!(start.contains("Socket.IO v2.5.0") && start.contains("MIT"), "{start}");
}
