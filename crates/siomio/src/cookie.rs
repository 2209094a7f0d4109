//! The cookie that names a session.

use std::{
    fmt::Write,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use siomio_http::http_date;

/// A cookie with the session's id, set by the answer that opens a session on long-polling. Load balancers use it to send a
/// client to the same server each time; siomio itself does not read it.
///
/// ```
/// use siomio::{Cookie, SameSite, Server};
///
/// let cookie = Cookie::default().same_site(SameSite::Strict).secure(true);
/// let server = Server::builder().cookie(cookie).build();
/// ```
///
/// The default is `io=<id>; Path=/; HttpOnly; SameSite=Lax`.
#[derive(Clone, Debug)]
pub struct Cookie {
    name: String,
    path: Option<String>,
    domain: Option<String>,
    max_age: Option<Duration>,
    expires: Option<SystemTime>,
    http_only: bool,
    secure: bool,
    partitioned: bool,
    priority: Option<Priority>,
    same_site: Option<SameSite>,
}

/// Whether a cookie goes along with requests from other sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Never.
    Strict,
    /// Only when a visitor follows a link.
    Lax,
    /// Always; browsers want the cookie to be [secure](Cookie::secure) then.
    None,
}

/// Which cookies a browser drops last when it has too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// First.
    Low,
    /// In between.
    Medium,
    /// Last.
    High,
}

impl Default for Cookie {
    fn default() -> Self {
        Self {
            name: "io".to_owned(),
            path: Some("/".to_owned()),
            domain: None,
            max_age: None,
            expires: None,
            http_only: true,
            secure: false,
            partitioned: false,
            priority: None,
            same_site: Some(SameSite::Lax),
        }
    }
}

impl Cookie {
    /// Its name. Default `io`.
    ///
    /// # Panics
    /// When it is empty, or holds what a name must not: control and white-space characters, `=`, `;`, `,`, quotes and other
    /// separators (RFC 6265, section 4.1.1).
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        let is_token = |c: char| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?={}".contains(c);
        let is_valid = !self.name.is_empty() && self.name.chars().all(is_token);
        assert!(is_valid, "{:?} cannot be the name of a cookie", self.name);
        self
    }

    /// The path below which it is sent back. Default `/`; `None` leaves it out.
    ///
    /// # Panics
    /// When it holds `;` or a control character.
    #[must_use]
    pub fn path(mut self, path: Option<&str>) -> Self {
        self.path = path.map(attribute);
        self
    }

    /// The domain whose hosts get it. Default: only this one.
    ///
    /// # Panics
    /// When it holds `;` or a control character.
    #[must_use]
    pub fn domain(mut self, domain: &str) -> Self {
        self.domain = Some(attribute(domain));
        self
    }

    /// How long it is kept, in whole seconds. Default: as long as the browser runs.
    #[must_use]
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// When it is forgotten. Default: not said.
    #[must_use]
    pub const fn expires(mut self, at: SystemTime) -> Self {
        self.expires = Some(at);
        self
    }

    /// Whether scripts cannot read it. Default `true`.
    #[must_use]
    pub const fn http_only(mut self, only: bool) -> Self {
        self.http_only = only;
        self
    }

    /// Whether it goes over encrypted connections only. Default `false`.
    #[must_use]
    pub const fn secure(mut self, only: bool) -> Self {
        self.secure = only;
        self
    }

    /// Whether each embedding site gets one of its own. Default `false`.
    #[must_use]
    pub const fn partitioned(mut self, partitioned: bool) -> Self {
        self.partitioned = partitioned;
        self
    }

    /// Which cookies are dropped last. Default: not said.
    #[must_use]
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Whether it goes along with requests from other sites. Default [`SameSite::Lax`].
    #[must_use]
    pub const fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = Some(same_site);
        self
    }

    /// The value of the `Set-Cookie` header for a session.
    pub(crate) fn header(&self, sid: &str) -> String {
        let mut header = format!("{}={}", self.name, encoded(sid));
        let add = |header: &mut String, name: &str, value: Option<&str>| {
            if let Some(value) = value {
                let _ = write!(header, "; {name}={value}");
            }
        };
        let since_epoch = |at: SystemTime| at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let max_age = self.max_age.map(|age| age.as_secs().to_string());
        let expires = self.expires.map(|at| http_date(since_epoch(at).as_secs()));
        add(&mut header, "Max-Age", max_age.as_deref());
        add(&mut header, "Domain", self.domain.as_deref());
        add(&mut header, "Path", self.path.as_deref());
        add(&mut header, "Expires", expires.as_deref());
        for (flag, is_set) in [
            ("HttpOnly", self.http_only),
            ("Secure", self.secure),
            ("Partitioned", self.partitioned),
        ] {
            if is_set {
                let _ = write!(header, "; {flag}");
            }
        }
        add(&mut header, "Priority", self.priority.map(Priority::as_str));
        add(&mut header, "SameSite", self.same_site.map(SameSite::as_str));
        header
    }
}

impl SameSite {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

impl Priority {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
        }
    }
}

fn attribute(value: &str) -> String {
    let is_valid = !value.contains(|c: char| c == ';' || c.is_control());
    assert!(is_valid, "{value:?} cannot stand in a cookie");
    value.to_owned()
}

/// Ids of the application's own may hold anything; `encodeURIComponent` is what browsers' libraries expect here.
fn encoded(value: &str) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            out.push(byte.into());
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_has_its_place() {
        assert_eq!(Cookie::default().header("a_b-C"), "io=a_b-C; Path=/; HttpOnly; SameSite=Lax");
        let full = Cookie::default()
            .name("node")
            .path(Some("/chat"))
            .domain("example.com")
            .max_age(Duration::from_millis(86_400_500))
            .expires(UNIX_EPOCH + Duration::from_secs(784_111_777))
            .secure(true)
            .partitioned(true)
            .priority(Priority::High)
            .same_site(SameSite::None);
        assert_eq!(
            full.header("a;ä"),
            "node=a%3B%C3%A4; Max-Age=86400; Domain=example.com; Path=/chat; \
             Expires=Sun, 06 Nov 1994 08:49:37 GMT; HttpOnly; Secure; Partitioned; Priority=High; SameSite=None"
        );
        let bare = Cookie { same_site: None, ..Cookie::default().path(None).http_only(false) };
        assert_eq!(bare.header("x"), "io=x");
    }

    #[test]
    fn what_would_break_the_header_is_refused_at_once() {
        for bad in ["", "a b", "a=b", "a;b", "a\r\nb", "ä"] {
            assert!(std::panic::catch_unwind(|| Cookie::default().name(bad)).is_err(), "{bad:?}");
        }
        assert!(std::panic::catch_unwind(|| Cookie::default().domain("a; Secure")).is_err());
    }
}
