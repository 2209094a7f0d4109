//! The Date header of responses.

use siomio_http::http_date;

/// The Date header, made anew every second.
#[derive(Debug, Default)]
pub(crate) struct DateCache {
    second: u64,
    text: String,
}

impl DateCache {
    pub(crate) fn at(&mut self, second: u64) -> &str {
        if self.second != second || self.text.is_empty() {
            self.second = second;
            self.text = http_date(second);
        }
        &self.text
    }
}
