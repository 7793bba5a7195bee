//! The mistakes of a file, of which a bounded number is kept: a short file can have half a million.

use super::import_report::{ImportProblem, MAX_PROBLEMS};

/// The first [`MAX_PROBLEMS`] mistakes that were found in a file.
#[derive(Debug, Default)]
pub struct ProblemList(Vec<ImportProblem>);

impl ProblemList {
    /// Adds a mistake while there is room.
    pub fn push(&mut self, problem: ImportProblem) {
        if !self.is_full() {
            self.0.push(problem);
        }
    }

    /// Adds mistakes while there is room; those beyond are not made.
    pub fn extend(&mut self, problems: impl IntoIterator<Item = ImportProblem>) {
        let room = MAX_PROBLEMS - self.0.len();
        self.0.extend(problems.into_iter().take(room));
    }

    /// Whether no further mistake is kept: then the rest of the file need not be looked at.
    pub fn is_full(&self) -> bool {
        self.0.len() >= MAX_PROBLEMS
    }

    /// Returns the mistakes by line and column.
    pub fn sorted(self) -> Vec<ImportProblem> {
        let mut problems = self.0;
        problems.sort_by(|a, b| (a.line, &a.column).cmp(&(b.line, &b.column)));
        problems
    }
}
