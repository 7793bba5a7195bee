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
