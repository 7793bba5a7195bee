//! Sliding window over the last samples, in contiguous memory, so that a window is a slice.

/// The newest samples since the last gap, `[sample, feature]`.
#[derive(Debug)]
pub struct SlidingWindow {
    /// Values per sample.
    width: usize,
    /// Values per window.
    len: usize,
    /// Buffer of two windows; when it is full, its last window moves to the front.
    values: Vec<f64>,
    /// Samples since the last gap.
    run: u64,
}

impl SlidingWindow {
    /// Creates an empty window of `samples` rows of `features` values.
    pub fn new(features: usize, samples: usize) -> Self {
        let len = features * samples;
        Self { width: features, len, values: Vec::with_capacity(2 * len), run: 0 }
    }

    /// Appends a sample of one value per feature.
    pub fn push(&mut self, row: &[f64]) {
        debug_assert_eq!(row.len(), self.width, "a row has one value a feature");
        if self.values.len() == 2 * self.len {
            self.values.drain(..self.len);
        }
        self.values.extend_from_slice(row);
        self.run += 1;
    }

    /// Clears the samples: the next sample does not follow them.
    pub fn clear(&mut self) {
        self.values.clear();
        self.run = 0;
    }

    /// Returns the number of windows since the last gap; 0 if there are too few samples for one.
    pub fn window_count(&self) -> u64 {
        let samples = (self.len / self.width) as u64;
        (self.run + 1).saturating_sub(samples)
    }

    /// Returns the newest samples, oldest first, row by row; shorter than a window if there are too few.
    pub fn window(&self) -> &[f64] {
        let from = self.values.len().saturating_sub(self.len);
        self.values.get(from..).unwrap_or_default()
    }
}
