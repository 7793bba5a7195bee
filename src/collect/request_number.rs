//! Numbers of the requests of a connection, by which an answer to an earlier one is told from the answer that is awaited.

/// Number of the latest request of a connection. Numbers begin again after the highest.
#[derive(Debug, Clone, Copy, Default)]
pub struct RequestNumber {
    current: u16,
    sent: u64,
}

impl RequestNumber {
    /// Number of the latest request; 0 before the first.
    pub fn current(self) -> u16 {
        self.current
    }

    /// Makes the number of the next request, which is 1 for the first.
    pub fn advance(&mut self) -> u16 {
        self.record(self.current.wrapping_add(1));
        self.current
    }

    /// Records the number of a request. It must be the one after that of the request before.
    pub fn record(&mut self, number: u16) {
        self.current = number;
        self.sent += 1;
    }

    /// Whether a number is that of an earlier request of the connection.
    pub fn is_earlier(self, number: u16) -> bool {
        let distance = self.current.wrapping_sub(number);
        distance > 0 && u64::from(distance) < self.sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_numbers_are_those_that_were_sent() {
        let mut number = RequestNumber::default();
        assert!(!number.is_earlier(0));
        assert_eq!([number.advance(), number.advance(), number.advance()], [1, 2, 3]);
        let earlier = |number: RequestNumber| (0..=u16::MAX).filter(|one| number.is_earlier(*one)).count();
        assert!(number.is_earlier(1) && number.is_earlier(2));
        assert_eq!(
            (number.current(), earlier(number)),
            (3, 2),
            "neither its own nor one that was never sent"
        );
        for _ in 0..u16::MAX {
            number.advance();
        }
        assert_eq!((number.current(), earlier(number)), (2, usize::from(u16::MAX)), "they begin again");
        assert!(number.is_earlier(u16::MAX));
    }
}
