//! Which pages may open sessions.

use std::collections::HashSet;

use siomio_http::Head;

/// The pages whose scripts may connect; see [`ServerBuilder::allowed_origins`](crate::ServerBuilder::allowed_origins).
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(HashSet<String>);

impl Origins {
    pub(crate) fn new<O: Into<String>>(origins: impl IntoIterator<Item = O>) -> Self {
        let tidy = |origin: O| origin.into().trim_end_matches('/').to_ascii_lowercase();
        Self(origins.into_iter().map(tidy).collect())
    }

    /// Whether a request may come from where it says. One without an origin is no page's; a page that this very host has served may.
    pub(crate) fn allow(&self, head: &Head<'_>) -> bool {
        let mut values = head.header_values("origin");
        let Some(origin) = values.next() else { return true };
        let Ok(origin) = std::str::from_utf8(origin) else { return false };
        let origin = origin.to_ascii_lowercase();
        values.next().is_none() && (self.0.contains(&origin) || is_same_host(&origin, head))
    }
}

/// The scheme does not count: a proxy in front may have taken the encryption away.
fn is_same_host(origin: &str, head: &Head<'_>) -> bool {
    let (Some((scheme, authority)), Some(host)) = (origin.split_once("://"), head.header("host"))
    else {
        return false;
    };
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let plain = |host: &str| host.strip_suffix(port).unwrap_or(host).to_ascii_lowercase();
    plain(authority) == plain(host)
}
