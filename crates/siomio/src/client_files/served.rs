//! The client's files as they are answered.

use bytes::Bytes;
use siomio_http::{Head, InvalidHeader, Response};

use super::ClientFiles;

/// The files of a server that runs.
#[derive(Clone, Debug)]
pub(crate) struct ServedFiles {
    files: Vec<(&'static str, Bytes)>,
    /// The version in quotation marks: the tag of all files.
    tag: String,
}

impl ServedFiles {
    /// The answer to a request for a file; `None` if there is none of this name.
    pub(crate) fn answer(&self, name: &str, head: &Head<'_>) -> Option<Response> {
        let (name, content) = self.files.iter().find(|(own, _)| *own == name)?;
        let mut validators = head.header_values("if-none-match");
        let is_known = validators.any(|value| names_tag(value, &self.tag));
        let response = if is_known { self.unchanged() } else { self.whole(name, content) };
        // A version was checked when it was set.
        Some(response.unwrap_or_else(|_| Response::new(500)))
    }

    fn whole(&self, name: &str, content: &Bytes) -> Result<Response, InvalidHeader> {
        let is_map = name.ends_with(".map");
        let kind = match is_map {
            true => "application/json; charset=utf-8",
            false => "application/javascript; charset=utf-8",
        };
        let response = self.tagged(Response::new(200))?.header("Content-Type", kind)?;
        Ok(response.body(content.clone()))
    }

    fn unchanged(&self) -> Result<Response, InvalidHeader> {
        self.tagged(Response::new(304))
    }

    /// What an answer with the file and one without it both say (RFC 9110 §15.4.5).
    fn tagged(&self, response: Response) -> Result<Response, InvalidHeader> {
        response.header("Cache-Control", "public, max-age=0")?.header("ETag", self.tag.clone())
    }
}

impl From<ClientFiles> for ServedFiles {
    fn from(files: ClientFiles) -> Self {
        Self { tag: format!("\"{}\"", files.known_version()), files: files.files }
    }
}

/// Whether the value of an `If-None-Match` names a tag, weak or not, or all there are (RFC 9110 §13.1.2).
///
/// What is no tag between the commas is passed over: if it should have been ours, the file is sent once more.
fn names_tag(value: &[u8], tag: &str) -> bool {
    let mut rest = value.trim_ascii();
    if rest == b"*" {
        return true;
    }
    while !rest.is_empty() {
        let (element, behind) = first_element(rest);
        let element = element.trim_ascii();
        if element.strip_prefix(b"W/").unwrap_or(element) == tag.as_bytes() {
            return true;
        }
        rest = behind;
    }
    false
}

/// The list in front of and behind its first comma that is in no quotation marks.
fn first_element(list: &[u8]) -> (&[u8], &[u8]) {
    let mut is_quoted = false;
    let ends = |byte: &u8| {
        is_quoted ^= *byte == b'"';
        *byte == b',' && !is_quoted
    };
    match list.iter().position(ends) {
        Some(comma) => (&list[..comma], &list[comma + 1..]),
        None => (list, &[]),
    }
}

#[cfg(test)]
mod tests {
    use siomio_http::{Item, Limits, Reader};

    use super::*;

    #[test]
    fn a_tag_is_found_wherever_it_stands() {
        for value in [
            r#""4.8.4""#,
            r#"W/"4.8.4""#,
            r#" "4.8.4" "#,
            "*",
            " * ",
            r#""a", "4.8.4""#,
            r#""a","4.8.4","b""#,
            r#"W/"a" ,	W/"4.8.4""#,
            r#",, "4.8.4" ,"#,
            r#""a,b", "4.8.4""#,
            r#"no tag, "4.8.4""#,
        ] {
            assert!(names_tag(value.as_bytes(), "\"4.8.4\""), "{value}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_another() {
        for value in [
            "",
            ",",
            "4.8.4",
            r#""4.8.4"#,
            r#"4.8.4""#,
            r#""4.8.40""#,
            r#""14.8.4""#,
            r#"w/"4.8.4""#,
            r#"W/W/"4.8.4""#,
            r#""4.8.4""4.8.4""#,
            r#""a, *""#,
            r#""*""#,
            r#"*, "a""#,
            r#""a,"4.8.4",b""#,
            "\u{0}\u{ff}\"",
        ] {
            assert!(!names_tag(value.as_bytes(), "\"4.8.4\""), "{value}");
        }
        assert!(!names_tag(b"\xff\xfe\"", "\"4.8.4\""));
    }

    #[test]
    fn contents_are_shared_and_never_copied() {
        let content: &'static [u8; 5] = b"hello";
        let files = ServedFiles::from(ClientFiles::new().file("socket.io.js", content));
        let mut reader = Reader::new(Limits::default());
        let step = reader.read(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").expect("a request");
        let Some(Item::Head(head)) = step.item else { panic!("it has a head") };
        for _ in 0..2 {
            let response = files.answer("socket.io.js", &head).expect("a file");
            assert_eq!(response.content().as_ptr(), content.as_ptr());
        }
        assert!(files.answer("socket.io.min.js", &head).is_none());
    }
}
