/// Splits a valid target into its path and, if there is a `?`, its query.
pub(super) fn split(target: &str) -> (&str, Option<&str>) {
    let local = match authority(target) {
        Some(rest) => rest.find(['/', '?']).and_then(|at| rest.get(at..)).unwrap_or_default(),
        None => target,
    };
    let (path, query) = match local.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (local, None),
    };
    // An absolute-form target may leave its path out.
    (if path.is_empty() { "/" } else { path }, query)
}

/// Whether the target has the form of RFC 9112 §3.2 that its method allows: `host:port` for
/// `CONNECT` and nothing else, `/path?query` or `scheme://host/…` for all others, and `*` for
/// `OPTIONS`. A fragment is no part of any.
pub(super) fn is_valid(method: &str, target: &str) -> bool {
    if target.contains('#') {
        return false;
    }
    if method == "CONNECT" {
        return target.contains(':') && !target.contains(['/', '?']);
    }
    target.starts_with('/')
        || (target == "*" && method == "OPTIONS")
        || authority(target).is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?']))
}

/// What follows the `scheme://` of an absolute-form target.
fn authority(target: &str) -> Option<&str> {
    if target.starts_with('/') {
        return None; // nearly always
    }
    let (scheme, rest) = target.split_once("://")?;
    let mut letters = scheme.bytes();
    let is_scheme = letters.next()?.is_ascii_alphabetic()
        && letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme.then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_and_query_of_every_form() {
        let table: &[(&str, &str, Option<&str>)] = &[
            ("/", "/", None),
            ("/a/b", "/a/b", None),
            ("/a?", "/a", Some("")),
            ("/a?b?c", "/a", Some("b?c")),
            ("/?u=http://x/y", "/", Some("u=http://x/y")),
            ("/http://x/y", "/http://x/y", None),
            ("//host/a", "//host/a", None),
            ("http://host/path?x", "/path", Some("x")),
            ("http://host:80", "/", None),
            ("http://host?x=/y", "/", Some("x=/y")),
            ("HTTPS://host/", "/", None),
            ("*", "*", None),
            ("host:443", "host:443", None),
        ];
        for &(target, path, query) in table {
            assert_eq!(split(target), (path, query), "{target}");
        }
    }

    #[test]
    fn forms() {
        for target in ["/", "/a", "http://h", "ws://h/x", "x+y://h", "/é"] {
            assert!(is_valid("GET", target), "{target}");
        }
        for target in
            ["a", "a/b", "?x", "*", "**", "http://", "http:///x", "1://h", "/a#b", "a?b://c"]
        {
            assert!(!is_valid("GET", target), "{target}");
        }
        assert!(is_valid("OPTIONS", "*"));
        assert!(is_valid("CONNECT", "h:443"));
        assert!(!is_valid("CONNECT", "h"));
        assert!(!is_valid("CONNECT", "/"));
        assert!(!is_valid("GET", "h:443"));
    }
}
