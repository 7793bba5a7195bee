//! The table in docs/access.md: what each operation answers every kind of caller.

use crate::support::rows;
use std::fs;
use std::path::Path;

/// Set to anything, the table in the document is written anew instead of compared.
const WRITE: &str = "BASALT_TEST_WRITE";
const BEGIN: &str = "<!-- written by tests/rest/matrix.rs -->\n";

/// The table as text of the document.
pub struct AccessTable(String);

impl AccessTable {
    pub fn new() -> AccessTable {
        let heads = rows![
            "operation"; "needs"; "with it"; "with any other scope"; "limited key, own row"; "foreign row"; "no key";
            "wrong key"; "former staff"; "staff"; "superuser";
        ];
        AccessTable(format!("| {} |\n|{}\n", heads.join(" | "), "---|".repeat(heads.len())))
    }

    /// Adds the row of an operation.
    pub fn add(&mut self, method: &str, path: &str, needs: &str, cells: &[String]) {
        let cells: Vec<_> = cells.iter().map(|cell| if cell.is_empty() { "-" } else { cell }).collect();
        self.0.push_str(&format!("| `{method} {path}` | {needs} | {} |\n", cells.join(" | ")));
    }

    /// Compares the table with the document, or writes it there.
    pub fn compare(&self) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/access.md");
        let document = fs::read_to_string(&path).expect("docs/access.md is there");
        let (before, rest) = document.split_once(BEGIN).expect("it has a place for the table");
        let (kept, after) = rest.split_once("\n\n").unwrap_or((rest.trim_end(), ""));
        if std::env::var_os(WRITE).is_some() {
            let after = if after.is_empty() { String::new() } else { format!("\n{after}") };
            fs::write(&path, format!("{before}{BEGIN}{}{after}", self.0)).expect("it can be written");
            return;
        }
        let changed = self.0.lines().zip(kept.lines()).filter(|(now, kept)| now != kept);
        let changed: Vec<_> = changed.map(|(now, kept)| format!("now  {now}\nkept {kept}")).collect();
        assert!(
            changed.is_empty() && self.0.trim_end() == kept.trim_end(),
            "docs/access.md tells otherwise; {WRITE}=1 writes it anew\n{}",
            changed.join("\n")
        );
    }
}
