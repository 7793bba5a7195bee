//! Openings of doc comments: a first sentence says what its item is or does. It is no relative clause, and refers to no
//! other item before it has said that.

use std::fs;
use std::iter::once;

use super::source::identifier;
use super::{files_under, read, root};

/// First words of relative clauses. `Whatever` and the like are others.
const RELATIVES: [&str; 6] = ["What", "Who", "Whom", "Whose", "Those", "Where"];

#[test]
fn no_doc_comment_opens_with_a_relative_clause() {
    let files: Vec<String> = ["src", "tests"].into_iter().flat_map(files_under).collect();
    assert!(files.len() > 1000, "{} files are not all", files.len());
    let broken = files.into_iter().flat_map(|path| {
        let openings = relative_openings(&read(&path));
        openings.into_iter().map(move |opening| format!("{path}:{opening}"))
    });
    let broken: Vec<String> = broken.collect();
    let advice = "say what the item is or does, such as `Name of …`, `Returns …`";
    assert!(broken.is_empty(), "{advice}:\n{}", broken.join("\n"));
}

/// Descriptions that clients read: `schema/` is compared with what the program prints.
#[test]
fn no_description_of_a_schema_opens_with_a_relative_clause() {
    let folder = fs::read_dir(root().join("schema")).expect("a directory");
    let files: Vec<String> =
        folder.map(|file| format!("schema/{}", file.expect("a file").file_name().display())).collect();
    assert!(files.len() > 5, "{files:?} are not all");
    let broken = files.into_iter().flat_map(|path| {
        let openings = relative_descriptions(&read(&path));
        openings.into_iter().map(move |opening| format!("{path}:{opening}"))
    });
    let broken: Vec<String> = broken.collect();
    assert!(broken.is_empty(), "say what it is or does:\n{}", broken.join("\n"));
}

#[test]
fn relative_descriptions_are_found() {
    let rows = [
        ("  \"description\": \"What a rule does.\",", "1: What a rule does."),
        ("{\"summary\": \"Those of a device\"}", "1: Those of a device"),
        ("\"\"\"\nWho asks.\n\"\"\"", "2: Who asks."),
        ("  \"\"\"Where it is.\"\"\"", "1: Where it is."),
        ("  \"description\": \"The same of a group.\",", "1: The same of a group."),
    ];
    for (text, expected) in rows {
        let found = relative_descriptions(text);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{text}: {found:?}");
    }
    assert_eq!(relative_descriptions("\"description\": \"Whatever comes.\"\n\"x\": \"What\""), [""; 0]);
}

#[test]
fn relative_clauses_are_found() {
    let rows = [
        ("of_a_file", "//! What a server has.\n\nuse std::fs;", "1: //! What a server has."),
        ("of_a_type", "//! X.\n\n/// Who asks.\nenum Caller {}", "3: /// Who asks."),
        ("below_the_file's", "//! X.\n/// Whom it tells.", "2: /// Whom it tells."),
        ("of_a_field", "struct X {\n    /// Whose it is.\n    a: u8,", "2: /// Whose it is."),
        ("of_others", "/// Those of CONNACK.", "1: /// Those of CONNACK."),
        ("of_a_place", "/// Where, if anywhere,\n/// it listens.", "1: /// Where, if anywhere,"),
        ("like_another", "/// As [`x`], but sorted.", "1: /// As [`x`], but sorted."),
        ("like_the_one_above", "/// The same, but sorted.", "1: /// The same, but sorted."),
    ];
    for (name, text, expected) in rows {
        assert_eq!(relative_openings(text), [expected], "{name}");
    }
}

#[test]
fn other_sentences_are_no_relative_clauses() {
    for text in [
        "/// Returns\n/// What goes on.",
        "//! X.\n//!\n//! What follows is a paragraph of its own.",
        "/// Whatever a device sends.",
        "/// Wherever it is.",
        "/// As many rows as there are.",
        "/// Returns them.\n/// The same holds of others.",
        "// What is no doc comment.",
        "let text = \"/// What a text says.\";",
    ] {
        assert_eq!(relative_openings(text), [""; 0], "{text}");
    }
}

/// The relative clauses that open doc comments of a text, each as `line: comment`.
fn relative_openings(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim_start);
    let previous = once("").chain(lines.clone());
    let openings = lines.zip(previous).enumerate().filter_map(|(at, (line, previous))| {
        let (marker, sentence) = line.split_once(' ')?;
        let is_opening = matches!(marker, "//!" | "///") && !previous.starts_with(marker);
        (is_opening && is_relative(sentence)).then(|| format!("{}: {line}", at + 1))
    });
    openings.collect()
}

/// The relative clauses that open descriptions of OpenAPI or GraphQL, each as `line: description`.
fn relative_descriptions(text: &str) -> Vec<String> {
    let markers = ["\"description\": \"", "\"summary\": \"", "\"\"\""];
    let lines = text.lines().map(str::trim_start);
    let previous = once("").chain(lines.clone());
    let openings = lines.zip(previous).enumerate().filter_map(|(at, (line, previous))| {
        let within = markers.iter().find_map(|marker| Some(line.split_once(marker)?.1));
        let sentence = if previous == "\"\"\"" { Some(line) } else { within };
        sentence.filter(|sentence| is_relative(sentence)).map(|sentence| format!("{}: {sentence}", at + 1))
    });
    openings.collect()
}

/// Whether a sentence opens with a relative clause or with a reference to another item.
fn is_relative(sentence: &str) -> bool {
    let is_reference = ["As [", "The same"].iter().any(|opening| sentence.starts_with(*opening));
    is_reference || RELATIVES.contains(&identifier(sentence))
}
