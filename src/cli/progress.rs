//! How far long work is: a bar on a terminal, now and then a line elsewhere. On standard error.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::domain::progress::{Progress, Step};

/// How often to look at work that tells of itself.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const LINE_EVERY: Duration = Duration::from_secs(5);

/// What one command shows.
pub struct Shown {
    bar: Option<ProgressBar>,
    name: String,
    told: Instant,
}

impl Shown {
    /// For work of `size`, in the unit that `advance` counts in.
    pub fn new(name: impl Into<String>, size: u64) -> Shown {
        let name = name.into();
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{prefix} {bar:30} {percent:>3}% {msg} {eta}");
            let style = style.expect("the template is a constant").progress_chars("##-");
            ProgressBar::new(size).with_style(style).with_prefix(name.clone())
        });
        Shown { bar, name, told: Instant::now() }
    }

    /// `position` of the size, and how that is to be said.
    pub fn advance(&mut self, position: u64, said: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_message(said.to_owned());
                bar.set_position(position);
            }
            None if self.told.elapsed() >= LINE_EVERY => {
                self.told = Instant::now();
                eprintln!("{}", line(&self.name, said));
            }
            None => {}
        }
    }

    /// Shows work that is done elsewhere and tells of it; nothing until it does.
    pub fn follow(&mut self, step: &Step) {
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
        self.advance(step.done, &how_far(step));
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Of a line; a part of which nobody knows the length has only its name.
fn line(name: &str, said: &str) -> String {
    if said.is_empty() { format!("{name} …") } else { format!("{name}: {said} so far") }
}

/// What the work says itself, or else its share.
fn how_far(step: &Step) -> String {
    match step.done.saturating_mul(100).checked_div(step.total) {
        Some(percent) if step.said.is_empty() => format!("{percent} %"),
        _ => step.said.clone(),
    }
}

/// Waits for work in this process, showing how far it is.
pub async fn watch<T>(progress: &Progress, work: impl Future<Output = T>) -> T {
    let mut shown = Shown::new("", 0);
    let mut look = tokio::time::interval(LOOK_EVERY);
    tokio::pin!(work);
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            _ = look.tick() => shown.follow(&progress.now()),
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
        let step =
            |total, said: &str| Step { what: "merging".to_owned(), done: 5, total, said: said.to_owned() };
        for (step, expected) in [
            (step(20, ""), "merging: 25 % so far"),
            (step(20, "1 of 4 days"), "merging: 1 of 4 days so far"),
            (step(0, "1 of 4 days"), "merging: 1 of 4 days so far"),
            (step(0, ""), "merging …"),
        ] {
            assert_eq!(line(&step.what, &how_far(&step)), expected);
        }
    }
}
