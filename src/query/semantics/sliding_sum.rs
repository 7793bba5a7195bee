//! The sum or the mean of the numbers of a window's frame, from which no number is ever taken out. The frame is a queue of two parts. The
//! front has the sums of each number with those that follow it in the front, so that the first number leaves with its sum; the back has
//! its numbers and their sum, and becomes the front when that is used up. Each number is added up twice, whatever the frame's length.

use arrow::array::ArrayRef;
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;
use datafusion::scalar::ScalarValue;

use super::sliding_frame::{numbers, valid_rows};

/// A number that changes none to which it is added, −0 included.
const NOTHING: f64 = -0.0;

/// Kind of a total.
#[derive(Debug, Clone, Copy)]
enum Total {
    Sum,
    Mean,
}

/// The accumulator of a frame that slides.
#[derive(Debug)]
pub(super) struct SlidingSum {
    total: Total,
    /// Sums of the front: the last one is that of all its numbers.
    front: Vec<f64>,
    back: Vec<f64>,
    /// Sum of the back.
    sum: f64,
}

impl SlidingSum {
    /// An empty frame of DataFusion's aggregate of this name; `None` for one that is no such total.
    pub fn of(aggregate: &str) -> Option<Self> {
        let total = match aggregate {
            "sum" => Total::Sum,
            "avg" => Total::Mean,
            _ => return None,
        };
        Some(Self { total, front: Vec::new(), back: Vec::new(), sum: NOTHING })
    }

    fn push(&mut self, number: f64) {
        self.back.push(number);
        self.sum += number;
    }

    fn remove_first(&mut self) {
        if self.front.is_empty() {
            let mut sum = NOTHING;
            self.front.extend(self.back.drain(..).rev().map(|number| {
                sum += number;
                sum
            }));
            self.sum = NOTHING;
        }
        self.front.pop();
    }

    fn rows(&self) -> usize {
        self.front.len() + self.back.len()
    }

    /// The sum of all numbers; `None` if there are none.
    fn whole(&self) -> Option<f64> {
        (self.rows() > 0).then(|| self.front.last().copied().unwrap_or(NOTHING) + self.sum)
    }
}

impl Accumulator for SlidingSum {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let columns = numbers(values)?;
        let [column] = columns.as_slice() else { return exec_err!("a sum takes one column") };
        for row in valid_rows(&columns) {
            self.push(column.value(row));
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for _ in valid_rows(&numbers(values)?) {
            self.remove_first();
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, _: &[ArrayRef]) -> Result<()> {
        exec_err!("the frame of a window has no partial results")
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let rows = self.rows() as f64;
        Ok(ScalarValue::Float64(self.whole().map(|sum| match self.total {
            Total::Sum => sum,
            Total::Mean => sum / rows,
        })))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        exec_err!("the frame of a window has no partial results")
    }

    fn size(&self) -> usize {
        size_of::<Self>() + (self.front.capacity() + self.back.capacity()) * size_of::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Float64Array;

    use super::*;

    /// Totals of each number and those before it, up to so many.
    fn slid(aggregate: &str, width: usize, numbers: &[Option<f64>]) -> Vec<Option<f64>> {
        let mut frame = SlidingSum::of(aggregate).unwrap();
        let column = |number: Option<f64>| -> [ArrayRef; 1] { [Arc::new(Float64Array::from(vec![number]))] };
        let step = |place: usize| {
            frame.update_batch(&column(numbers[place])).unwrap();
            if place >= width {
                frame.retract_batch(&column(numbers[place - width])).unwrap();
            }
            match frame.evaluate().unwrap() {
                ScalarValue::Float64(total) => total,
                other => panic!("{other}"),
            }
        };
        (0..numbers.len()).map(step).collect()
    }

    #[test]
    fn totals_are_of_the_numbers_that_are_left() {
        let numbers: Vec<Option<f64>> =
            (0..500_i32).map(|i| (i % 7 != 0).then_some(f64::from(i * i % 31))).collect();
        for width in [1, 2, 7, 100] {
            let expected = |place: usize| {
                let frame = numbers[(place + 1).saturating_sub(width)..=place].iter().flatten();
                let (sum, count) = frame.fold((0.0, 0_i32), |(sum, count), number| (sum + number, count + 1));
                (count > 0).then(|| (sum, sum / f64::from(count)))
            };
            let expected: Vec<_> = (0..numbers.len()).map(expected).collect();
            let sums = expected.iter().map(|of| of.map(|(sum, _)| sum)).collect::<Vec<_>>();
            let means = expected.iter().map(|of| of.map(|(_, mean)| mean)).collect::<Vec<_>>();
            assert_eq!(slid("sum", width, &numbers), sums, "{width}");
            assert_eq!(slid("avg", width, &numbers), means, "{width}");
        }
    }

    #[test]
    fn nothing_of_a_number_that_left_stays() {
        let numbers = [f64::INFINITY, 1.0, 1e20, 1.0, 2.0, f64::NAN, -0.0, -0.0].map(Some);
        let sums = slid("sum", 2, &numbers).into_iter().flatten().map(|sum| sum.to_string());
        let expected =
            ["inf", "inf", "100000000000000000000", "100000000000000000000", "3", "NaN", "NaN", "-0"];
        assert_eq!(sums.collect::<Vec<_>>(), expected);
        assert!(SlidingSum::of("stddev").is_none());
    }
}
