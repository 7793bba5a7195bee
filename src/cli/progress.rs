//! Progress of long work on standard error: a bar on a terminal, otherwise a line now and then.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::domain::progress::{Progress, ProgressStep};

/// Interval at which reported progress is checked.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Progress display of one command.
pub struct ProgressReporter {
    bar: Option<ProgressBar>,
    name: String,
    last_printed: Instant,
}

impl ProgressReporter {
    /// Creates a display for work of `size`, in the unit that `advance` counts in.
    pub fn new(name: impl Into<String>, size: u64) -> ProgressReporter {
        let name = name.into();
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{prefix} {bar:30} {percent:>3}% {msg} {eta}");
            let style = style.expect("the template is a constant").progress_chars("##-");
            ProgressBar::new(size).with_style(style).with_prefix(name.clone())
        });
        ProgressReporter { bar, name, last_printed: Instant::now() }
    }

    /// Shows `position` of the size, with `text` beside it.
    pub fn advance(&mut self, position: u64, text: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_message(text.to_owned());
                bar.set_position(position);
            }
            None if self.last_printed.elapsed() >= LINE_INTERVAL => {
                self.last_printed = Instant::now();
                eprintln!("{}", line(&self.name, text));
            }
            None => {}
        }
    }

    /// Shows reported progress; shows nothing before the first report.
    pub fn show_step(&mut self, step: &ProgressStep) {
        if step.what.is_empty() {
            return;
        }
        if self.name != step.what {
            self.name = step.what.clone();
            if let Some(bar) = &self.bar {
                bar.set_prefix(step.what.clone());
            }
        }
        if let Some(bar) = &self.bar {
            bar.set_length(step.total);
        }
        self.advance(step.done, &format_progress(step));
    }

    /// Removes the bar from the terminal; lines that were printed stay.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Formats a line; a step of unknown length has only its name.
fn line(name: &str, text: &str) -> String {
    if text.is_empty() { format!("{name} …") } else { format!("{name}: {text} so far") }
}

/// Returns the step's own text, or else its percentage.
fn format_progress(step: &ProgressStep) -> String {
    match step.done.saturating_mul(100).checked_div(step.total) {
        Some(percent) if step.said.is_empty() => format!("{percent} %"),
        _ => step.said.clone(),
    }
}

/// Runs work of this process while showing its progress.
pub async fn run_with_progress<T>(progress: &Progress, work: impl Future<Output = T>) -> T {
    let mut shown = ProgressReporter::new("", 0);
    let mut look = tokio::time::interval(POLL_INTERVAL);
    tokio::pin!(work);
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            _ = look.tick() => shown.show_step(&progress.snapshot()),
        }
    };
    shown.finish();
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_never_empty() {
        let step = |total, text: &str| ProgressStep {
            what: "merging".to_owned(),
            done: 5,
            total,
            said: text.to_owned(),
        };
        for (step, expected) in [
            (step(20, ""), "merging: 25 % so far"),
            (step(20, "1 of 4 days"), "merging: 1 of 4 days so far"),
            (step(0, "1 of 4 days"), "merging: 1 of 4 days so far"),
            (step(0, ""), "merging …"),
        ] {
            assert_eq!(line(&step.what, &format_progress(&step)), expected);
        }
    }
}
