//! Months of the Gregorian calendar as consecutive numbers.
//!
//! Years that begin in March have the leap day last, so that all other months have fixed lengths (Howard Hinnant,
//! "chrono-Compatible Low-Level Date Algorithms").

use crate::domain::time::MICROS_PER_DAY;

/// Days from 0000-03-01 to 1970-01-01, and days of 400 years.
const DAYS_TO_1970: i64 = 719_468;
const DAYS_OF_ERA: i64 = 146_097;

/// Returns the month of a local time, counted from January of year 0.
pub fn month_of(local: i64) -> i64 {
    let days = local.div_euclid(MICROS_PER_DAY);
    let shifted = days + DAYS_TO_1970;
    let era = shifted.div_euclid(DAYS_OF_ERA);
    let day_of_era = shifted.rem_euclid(DAYS_OF_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / (DAYS_OF_ERA - 1)) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    (era * 400 + year_of_era) * 12 + from_march + 2
}

/// Returns the start of a month of `month_of`, as a local time.
pub fn month_start(month: i64) -> i64 {
    let from_march = month - 2;
    let (year, month) = (from_march.div_euclid(12), from_march.rem_euclid(12));
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * DAYS_OF_ERA + day_of_era - DAYS_TO_1970) * MICROS_PER_DAY
}
