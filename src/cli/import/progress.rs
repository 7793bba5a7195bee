//! How far an import is: a bar on a terminal, now and then a line elsewhere. On standard error.

use std::cell::Cell;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

const LINE_EVERY: Duration = Duration::from_secs(5);

pub struct Progress {
    bar: Option<ProgressBar>,
    name: String,
    told: Cell<Instant>,
}

impl Progress {
    /// For a file of `size`, in the unit that `advance` counts in.
    pub fn new(path: &Path, size: u64) -> Progress {
        let name = path.display().to_string();
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{prefix} {bar:30} {percent:>3}% {msg} {eta}");
            let style = style.expect("the template is a constant").progress_chars("##-");
            ProgressBar::new(size).with_style(style).with_prefix(name.clone())
        });
        Progress { bar, name, told: Cell::new(Instant::now()) }
    }

    pub fn advance(&self, position: u64, rows: u64) {
        match &self.bar {
            Some(bar) => {
                bar.set_message(format!("{rows} rows"));
                bar.set_position(position);
            }
            None if self.told.get().elapsed() >= LINE_EVERY => {
                self.told.set(Instant::now());
                eprintln!("{}: {rows} rows so far", self.name);
            }
            None => {}
        }
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
