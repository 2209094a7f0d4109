//! Dates as `JSON.stringify` prints them.

const MS_PER_DAY: i64 = 86_400_000;

/// Beyond a hundred million days before or after 1970 JavaScript has no dates.
const LAST_MS: u64 = 100_000_000 * MS_PER_DAY as u64;

/// `2023-11-14T22:13:20.123Z`; `None` for what is no date to JavaScript.
pub(super) fn iso(ms: i64) -> Option<String> {
    if ms.unsigned_abs() > LAST_MS {
        return None;
    }
    let (year, month, day) = civil(ms.div_euclid(MS_PER_DAY));
    let year = match year {
        0..=9999 => format!("{year:04}"),
        _ => format!("{year:+07}"),
    };
    let ms = ms.rem_euclid(MS_PER_DAY);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    Some(format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1000))
}

/// Year, month and day of a day counted from 1970.
///
/// The count goes by years that begin in March, so that the leap day is the last of its year, and
/// by periods of 400 years, all of the same length.
fn civil(day: i64) -> (i64, i64, i64) {
    const DAYS_IN_400_YEARS: i64 = 146_097;
    /// From March 1 of the year 0 to January 1, 1970.
    const DAYS_TO_1970: i64 = 719_468;

    let day = day + DAYS_TO_1970;
    let period = day.div_euclid(DAYS_IN_400_YEARS);
    let day = day.rem_euclid(DAYS_IN_400_YEARS);
    // The leap days before this one: one in 4 years, not in 100, but in 400.
    let leap_days = day / 1460 - day / 36_524 + day / 146_096;
    let year = (day - leap_days) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // From March on the months alternate 31, 30, 31, 30, 31: 153 days in five.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let year = 400 * period + year;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_javascript_prints_them() {
        let cases = [
            (0, Some("1970-01-01T00:00:00.000Z")),
            (-1, Some("1969-12-31T23:59:59.999Z")),
            (1_700_000_000_123, Some("2023-11-14T22:13:20.123Z")),
            (951_782_400_000, Some("2000-02-29T00:00:00.000Z")),
            (-2_203_891_200_000, Some("1900-03-01T00:00:00.000Z")),
            (-62_167_219_200_000, Some("0000-01-01T00:00:00.000Z")),
            (-62_198_755_200_000, Some("-000001-01-01T00:00:00.000Z")),
            (253_402_300_799_999, Some("9999-12-31T23:59:59.999Z")),
            (253_402_300_800_000, Some("+010000-01-01T00:00:00.000Z")),
            (8_640_000_000_000_000, Some("+275760-09-13T00:00:00.000Z")),
            (-8_640_000_000_000_000, Some("-271821-04-20T00:00:00.000Z")),
            (8_640_000_000_000_001, None),
            (i64::MIN, None),
        ];
        for (ms, expected) in cases {
            assert_eq!(iso(ms).as_deref(), expected, "{ms}");
        }
    }

    #[test]
    fn each_day_follows_on_the_one_before() {
        let mut before = civil(-800_000);
        for day in -799_999..800_000 {
            let (year, month, date) = civil(day);
            let next_date = (before.0, before.1, before.2 + 1);
            let is_leap = before.0 % 4 == 0 && (before.0 % 100 != 0 || before.0 % 400 == 0);
            let month_len = match before.1 {
                2 => 28 + i64::from(is_leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            let expected = match before {
                (year, 12, 31) => (year + 1, 1, 1),
                (year, month, date) if date == month_len => (year, month + 1, 1),
                _ => next_date,
            };
            assert_eq!((year, month, date), expected, "{day}");
            before = expected;
        }
        assert_eq!(civil(0), (1970, 1, 1));
    }
}
