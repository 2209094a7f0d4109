//! Names of namespaces with gaps in them.

use std::fmt;

/// A pattern for the names of namespaces: `{name}` stands for one or more characters other than `/`, and everything else for
/// itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Gap(String),
}

/// A pattern that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadPattern {
    /// A brace without its other half, or a brace inside of braces.
    Unbalanced,
    /// Two gaps with nothing between them: nobody could tell where the first ends.
    Adjacent,
}

impl Pattern {
    pub(crate) fn parse(text: &str) -> Result<Self, BadPattern> {
        let (mut pieces, mut rest) = (Vec::new(), text);
        while !rest.is_empty() {
            let (before, behind) = rest.split_once('{').unwrap_or((rest, ""));
            if before.contains('}') || (behind.is_empty() && rest.contains('{')) {
                return Err(BadPattern::Unbalanced);
            }
            let begins_with_gap = before.is_empty();
            if begins_with_gap && matches!(pieces.last(), Some(Piece::Gap(_))) {
                return Err(BadPattern::Adjacent);
            }
            if !begins_with_gap {
                pieces.push(Piece::Text(before.to_owned()));
            }
            if behind.is_empty() {
                break;
            }
            let (name, after) = behind.split_once('}').ok_or(BadPattern::Unbalanced)?;
            if name.contains('{') {
                return Err(BadPattern::Unbalanced);
            }
            pieces.push(Piece::Gap(name.to_owned()));
            rest = after;
        }
        Ok(Self(pieces))
    }

    pub(crate) fn matches(&self, name: &str) -> bool {
        self.fill(name, &mut |_, _| {})
    }

    /// What stands in a gap.
    pub(crate) fn param<'n>(&self, name: &'n str, gap: &str) -> Option<&'n str> {
        let mut found = None;
        let is_match = self.fill(name, &mut |own, value| {
            if own == gap {
                found = Some(value);
            }
        });
        found.filter(|_| is_match)
    }

    /// Each gap takes as little as it can, but one at the end, or in front of the last piece, all there is.
    fn fill<'n>(&self, name: &'n str, see: &mut dyn FnMut(&str, &'n str)) -> bool {
        let mut rest = name;
        for (place, piece) in self.0.iter().enumerate() {
            let gap = match piece {
                Piece::Gap(gap) => gap,
                Piece::Text(text) => match rest.strip_prefix(&**text) {
                    Some(behind) => {
                        rest = behind;
                        continue;
                    }
                    None => return false,
                },
            };
            let Some(end) = end_of_gap(rest, &self.0[place + 1..]) else { return false };
            let (value, behind) = rest.split_at(end);
            if value.is_empty() || value.contains('/') {
                return false;
            }
            see(gap, value);
            rest = behind;
        }
        rest.is_empty()
    }
}

/// Where a gap ends at the beginning of `rest`, given the pieces behind it.
fn end_of_gap(rest: &str, behind: &[Piece]) -> Option<usize> {
    match behind {
        [] => Some(rest.len()),
        // The text behind it ends the name: it is the last one there.
        [Piece::Text(text)] => rest.strip_suffix(&**text).map(str::len),
        [Piece::Text(text), ..] => {
            let first = rest.chars().next()?.len_utf8();
            rest.get(first..)?.find(&**text).map(|place| first + place)
        }
        [Piece::Gap(_), ..] => None,
    }
}

impl fmt::Display for BadPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unbalanced => "a brace has no other half",
            Self::Adjacent => "there is nothing between two gaps",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_take_what_is_no_slash() {
        for (pattern, name, expected) in [
            ("/dynamic-{number}", "/dynamic-101", true),
            ("/dynamic-{number}", "/dynamic-", false),
            ("/dynamic-{number}", "/dynamic-1/2", false),
            ("/dynamic-{number}", "/static-1", false),
            ("/{a}/{b}", "/x/y", true),
            ("/{a}/{b}", "/x/y/z", false),
            ("/{a}/end", "/x/end", true),
            ("/{a}/end", "/x/ende", false),
            ("/{a}-end", "/x-end-end", true),
            ("/plain", "/plain", true),
            ("/plain", "/plainer", false),
            ("/{é}x{b}", "/üxö", true),
            ("{all}", "/x", false),
        ] {
            let pattern = Pattern::parse(pattern).expect(pattern);
            assert_eq!(pattern.matches(name), expected, "{pattern:?} {name}");
        }
        let pattern = Pattern::parse("/{room}-{id}").unwrap();
        assert_eq!(pattern.param("/red-7", "room"), Some("red"));
        assert_eq!(pattern.param("/red-7", "id"), Some("7"));
        assert_eq!(pattern.param("/red-7", "x"), None);
        assert_eq!(pattern.param("/red", "room"), None);
    }

    #[test]
    fn what_is_no_pattern_is_said() {
        for text in ["/{", "/}", "/{a", "/{a{b}}", "/a}b"] {
            assert_eq!(Pattern::parse(text), Err(BadPattern::Unbalanced), "{text}");
        }
        assert_eq!(Pattern::parse("/{a}{b}"), Err(BadPattern::Adjacent));
    }
}
