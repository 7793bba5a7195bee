//! Arrays in lists of Logix controllers, such as `DINT[10]` and `REAL[4,2]`, and the indexes of their elements. Pure.

/// Maximum number of dimensions of an array in a controller.
const MAX_DIMENSIONS: usize = 3;

/// Type of an array.
#[derive(Debug, PartialEq, Eq)]
pub struct LogixArray<'a> {
    /// Type of an element.
    pub element: &'a str,
    /// Numbers of elements in each dimension.
    dimensions: Vec<u32>,
}

impl<'a> LogixArray<'a> {
    /// Parses a type; `None` for one that is no array.
    ///
    /// # Errors
    /// The dimensions are not one to three numbers above 0.
    pub fn parse(word: &'a str) -> Result<Option<LogixArray<'a>>, String> {
        let Some((element, rest)) = word.split_once('[') else { return Ok(None) };
        let dimensions = rest.strip_suffix(']').and_then(parse_dimensions).ok_or_else(|| {
            format!(
                "type `{word}`: an array has one to three numbers of elements, such as DINT[10] or REAL[4,2]"
            )
        })?;
        Ok(Some(LogixArray { element: element.trim_end(), dimensions }))
    }

    /// Number of dimensions.
    pub fn rank(&self) -> usize {
        self.dimensions.len()
    }

    /// Number of elements.
    pub fn count(&self) -> u64 {
        self.dimensions.iter().fold(1, |count: u64, elements| count.saturating_mul(u64::from(*elements)))
    }

    /// Index of an element by its place in the controller's memory, as addresses name it: `[1,0]`.
    pub fn index(&self, place: u64) -> String {
        let (mut left, mut index) = (place, Vec::with_capacity(self.rank()));
        for elements in self.dimensions.iter().rev().map(|elements| u64::from(*elements)) {
            index.push((left % elements).to_string());
            left /= elements;
        }
        index.reverse();
        format!("[{}]", index.join(","))
    }
}

fn parse_dimensions(text: &str) -> Option<Vec<u32>> {
    let number = |text: &str| text.trim().parse().ok().filter(|elements: &u32| *elements > 0);
    let dimensions: Vec<u32> = text.split(',').map(number).collect::<Option<_>>()?;
    (dimensions.len() <= MAX_DIMENSIONS).then_some(dimensions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_has_an_index_for_each_element() {
        for (word, element, indexes) in [
            ("DINT[3]", "DINT", vec!["[0]", "[1]", "[2]"]),
            ("REAL[2,3]", "REAL", vec!["[0,0]", "[0,1]", "[0,2]", "[1,0]", "[1,1]", "[1,2]"]),
            ("Motor_UDT [1, 1, 2]", "Motor_UDT", vec!["[0,0,0]", "[0,0,1]"]),
        ] {
            let array = LogixArray::parse(word).expect(word).expect(word);
            let found: Vec<String> = (0..array.count()).map(|place| array.index(place)).collect();
            assert_eq!(array.element, element, "{word}");
            assert_eq!(found, indexes, "{word}");
        }
        assert_eq!(LogixArray::parse("DINT"), Ok(None));
        let most = LogixArray::parse("SINT[4294967295,4294967295,4294967295]").expect("three numbers");
        assert_eq!(most.map(|array| array.count()), Some(u64::MAX));
    }

    #[test]
    fn an_array_has_one_to_three_dimensions() {
        for word in ["DINT[]", "DINT[0]", "DINT[2,0]", "DINT[1,1,1,1]", "DINT[2", "DINT[-1]", "DINT[2]x"] {
            let message = LogixArray::parse(word).expect_err(word);
            assert!(message.contains("such as DINT[10] or REAL[4,2]"), "{message}");
        }
    }
}
