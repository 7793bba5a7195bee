//! The documents: their links lead to files and headings that exist, the pages of operations are short, and the words of users
//! in the glossary are in the files that it names.

use std::fs;
use std::path::Path;

use super::{read, root};

/// The most lines of a page of docs/operations/.
const MAX_OPERATIONS_LINES: usize = 300;

/// Words of an alias that lead nowhere by themselves.
const JOINING_WORDS: [&str; 6] = ["a", "an", "at", "of", "or", "the"];

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    let documents: Vec<String> = [".", "docs", "docs/decisions", "docs/operations"].map(pages).concat();
    let broken: Vec<_> = documents.iter().flat_map(|path| broken_links(path, &read(path))).collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn broken_links_are_found() {
    let text =
        "# A `b` page\n```\n# no heading\n```\n[a](#a-b-page) [b](README.md) [c](https://example.com/#x)";
    assert_eq!(broken_links("x.md", text), [""; 0]);
    let text = "[a](nowhere.md) [b](README.md#nowhere) [c](#no-heading)\n```\n# no heading\n```";
    let expected = ["x.md: nowhere.md", "x.md: README.md#nowhere", "x.md: #no-heading"];
    assert_eq!(broken_links("x.md", text), expected);
}

#[test]
fn pages_of_operations_are_short() {
    let pages = pages("docs/operations");
    assert!(!pages.is_empty());
    for page in pages.iter().map(String::as_str).chain(["docs/operations.md"]) {
        let lines = read(page).lines().count();
        assert!(
            lines <= MAX_OPERATIONS_LINES,
            "{page} has {lines} lines; {MAX_OPERATIONS_LINES} are the most"
        );
    }
}

#[test]
fn grep_leads_from_every_word_of_users_to_its_file() {
    let glossary = read("docs/glossary.md");
    let aliases = aliases(&glossary);
    assert!(aliases.len() > 3, "{aliases:?} are not all");
    let missing = aliases.into_iter().flat_map(|(alias, file)| {
        let words = missing_words(alias, &read(file));
        words.into_iter().map(move |word| format!("{file}: `{word}` of `{alias}`"))
    });
    let missing: Vec<String> = missing.collect();
    assert!(missing.is_empty(), "name it in a doc comment of the file:\n{}", missing.join("\n"));
}

#[test]
fn missing_words_of_users_are_found() {
    let text = "| x | y | `z` |\n## Also called\n| w | h | f |\n|--|--|--|\n| wire | line | `a`, `b` |";
    assert_eq!(aliases(text), [("wire", "a"), ("wire", "b")]);
    let source = "//! Deliveries, and the retry of one.\nlet webhook = \"mail\"; // by E-Mail";
    assert_eq!(missing_words("Retry of a webhook or mail", source), ["webhook", "mail"]);
    assert_eq!(missing_words("retry of the deliveries", source), [""; 0]);
}

/// The words of users in the glossary, each with a file that it leads to.
fn aliases(glossary: &str) -> Vec<(&str, &str)> {
    let (_, table) = glossary.split_once("## Also called").expect("the glossary has these words");
    // The first two lines are the heads of the columns.
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
    let aliases = rows.flat_map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, alias, _, files, _] = cells[..] else { panic!("{row} has other columns") };
        assert!(files.contains('`'), "{row} names no file");
        files.split('`').skip(1).step_by(2).map(move |file| (alias, file))
    });
    aliases.collect()
}

/// The words of an alias that no comment of a source has.
fn missing_words<'a>(alias: &'a str, source: &str) -> Vec<&'a str> {
    let comments = source.lines().map(str::trim_start).filter(|line| line.starts_with("//"));
    let comments = comments.collect::<String>().to_lowercase();
    let words = alias.split(' ').filter(|word| !JOINING_WORDS.contains(word));
    words.filter(|word| !comments.contains(&word.to_lowercase())).collect()
}

/// The Markdown files of a folder.
fn pages(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    names.filter(|name| name.ends_with(".md")).map(|name| format!("{folder}/{name}")).collect()
}

/// The links of a page to files or headings that do not exist, each as `path: link`.
fn broken_links(path: &str, text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let own = targets.filter(|target| !target.contains([' ', '\n']) && !target.contains("://"));
    let broken = own.filter(|target| {
        let (file, heading) = target.split_once('#').unwrap_or((target, ""));
        if file.is_empty() {
            return !headings(text).contains(&heading.to_owned());
        }
        let file = root().join(Path::new(path).parent().expect("a page is in a folder")).join(file);
        let is_page = file.extension().is_some_and(|extension| extension == "md");
        let has_heading = || {
            let page = fs::read_to_string(&file).expect("the page can be read");
            heading.is_empty() || headings(&page).contains(&heading.to_owned())
        };
        !file.exists() || is_page && !has_heading()
    });
    broken.map(|target| format!("{path}: {target}")).collect()
}

/// The headings of a page as links name them: in small letters, with hyphens for blanks and without punctuation.
fn headings(text: &str) -> Vec<String> {
    let mut is_code = false;
    let lines = text.lines().filter(move |line| {
        is_code ^= line.starts_with("```");
        !is_code && line.starts_with('#')
    });
    let anchor = |line: &str| {
        let kept = line.trim_start_matches('#').trim().chars();
        let kept = kept.filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    lines.map(anchor).collect()
}
