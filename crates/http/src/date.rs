/// The value of a `Date` header, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7), for a number
/// of seconds since 1970 without leap seconds.
///
/// The format ends with the year 9999; later times give its last second.
///
/// ```
/// assert_eq!(siomio_http::http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
/// ```
pub fn http_date(unix_seconds: u64) -> String {
    let seconds = unix_seconds.min(LAST_SECOND);
    let days = seconds / SECONDS_PER_DAY;
    let time = seconds % SECONDS_PER_DAY;
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    let (year, month, day) = civil_date(days);
    // 1 January 1970 was a Thursday.
    let weekday = WEEKDAYS[(days % 7) as usize];
    let month = MONTHS[month];
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

const SECONDS_PER_DAY: u64 = 86_400;

/// 31 December 9999, 23:59:59.
const LAST_SECOND: u64 = 253_402_300_799;

const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Year, month from 0 and day from 1 of a number of days since 1970.
fn civil_date(days: u64) -> (u64, usize, u64) {
    // Jumping by mean years lands in the right year or the one before or after it.
    let mut year = 1970 + days * 400 / DAYS_PER_400_YEARS;
    while days_before(year) > days {
        year -= 1;
    }
    while days_before(year + 1) <= days {
        year += 1;
    }
    let mut day = days - days_before(year);
    let mut month = 0;
    while month < 11 && day >= month_length(year, month) {
        day -= month_length(year, month);
        month += 1;
    }
    (year, month, day + 1)
}

const DAYS_PER_400_YEARS: u64 = 146_097;

/// Days from 1 January 1970 to 1 January of `year`.
fn days_before(year: u64) -> u64 {
    let leap_days = |year: u64| (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    (year - 1970) * 365 + leap_days(year) - leap_days(1970)
}

fn month_length(year: u64, month: usize) -> u64 {
    const LENGTHS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    LENGTHS[month] + u64::from(is_leap && month == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates() {
        let table = [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (946_684_799, "Fri, 31 Dec 1999 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (1_735_603_200, "Tue, 31 Dec 2024 00:00:00 GMT"),
            (1_735_689_600, "Wed, 01 Jan 2025 00:00:00 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (LAST_SECOND, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (u64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ];
        for (seconds, expected) in table {
            assert_eq!(http_date(seconds), expected);
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let (mut year, mut month, mut day) = (1970, 0, 0);
        for days in 0..=LAST_SECOND / SECONDS_PER_DAY {
            day += 1;
            if day > month_length(year, month) {
                (month, day) = (month + 1, 1);
            }
            if month == 12 {
                (year, month) = (year + 1, 0);
            }
            assert_eq!(civil_date(days), (year, month, day));
        }
        assert_eq!((year, month, day), (9999, 11, 31));
    }
}
