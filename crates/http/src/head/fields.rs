/// Walks the header lines of a checked head.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

/// One header line with its CR LF.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub(super) line: &'a [u8],
}

impl<'a> Fields<'a> {
    /// `lines` starts behind the request line and goes through the empty line.
    pub(super) fn new(lines: &'a [u8]) -> Self {
        Self { rest: lines }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let (line, rest) = self.rest.split_at_checked(find(self.rest, b'\n')? + 1)?;
        if rest.is_empty() {
            return None; // the empty line
        }
        self.rest = rest;
        Some(Field { line })
    }
}

impl<'a> Field<'a> {
    pub(super) fn name(&self) -> &'a [u8] {
        self.line.split(|&byte| byte == b':').next().unwrap_or_default()
    }

    /// The value, without blanks around it.
    pub(super) fn value(&self) -> &'a [u8] {
        let colon = self.name().len();
        self.line.get(colon + 1..).unwrap_or_default().trim_ascii()
    }

    /// The value if the line is called `name`, in any case.
    pub(super) fn value_of(&self, name: &str) -> Option<&'a [u8]> {
        let (own, rest) = self.line.split_at_checked(name.len())?;
        let value = rest.strip_prefix(b":")?;
        // The colon found is the first one unless the name asked for is none.
        let is_called = own.eq_ignore_ascii_case(name.as_bytes()) && !own.contains(&b':');
        is_called.then(|| value.trim_ascii())
    }
}

/// The place of the first `byte`, found a block at a time while that goes.
fn find(bytes: &[u8], byte: u8) -> Option<usize> {
    let mut rest = bytes;
    while let Some((block, after)) = rest.split_first_chunk::<16>() {
        if block.iter().fold(false, |found, &other| found | (other == byte)) {
            break;
        }
        rest = after;
    }
    let at = rest.iter().position(|&other| other == byte)?;
    Some(bytes.len() - rest.len() + at)
}

/// Whether the comma-separated `list` has `token` among its elements, in any case.
pub(super) fn lists(list: &[u8], token: &str) -> bool {
    elements(list).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
}

/// The elements of a comma-separated list, without blanks around them; empty ones included.
pub(super) fn elements(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}
