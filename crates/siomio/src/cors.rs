//! Cross-origin requests.

use siomio_http::{Head, InvalidHeader, Response};

/// Which pages of other origins may poll. It concerns browsers only, and long-polling only: to keep strange pages away
/// from a WebSocket, look at the Origin header of the [handshake](crate::Handshake).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cors {
    /// None: no headers are sent. The default.
    #[default]
    Off,
    /// All, without cookies: `Access-Control-Allow-Origin: *`.
    Any,
    /// All, with cookies: the request's origin is named, and credentials are allowed.
    Reflect,
}

/// What the responses to one request say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum CorsHeaders {
    #[default]
    None,
    Any,
    Origin(Option<Box<str>>),
}

impl Cors {
    pub(crate) fn headers(self, head: &Head<'_>) -> CorsHeaders {
        match self {
            Self::Off => CorsHeaders::None,
            Self::Any => CorsHeaders::Any,
            Self::Reflect => CorsHeaders::Origin(head.header("origin").map(Into::into)),
        }
    }

    /// The answer to a preflight.
    pub(crate) fn preflight(self, head: &Head<'_>) -> Result<Response, InvalidHeader> {
        let mut response = Response::new(204)
            .header("Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE")?
            .header("Content-Length", "0")?;
        if let Some(wanted) = head.header("access-control-request-headers") {
            response = response
                .header("Vary", "Access-Control-Request-Headers")?
                .header("Access-Control-Allow-Headers", wanted.to_owned())?;
        }
        Ok(response)
    }
}

impl CorsHeaders {
    pub(crate) fn list(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::None => Vec::new(),
            Self::Any => vec![("Access-Control-Allow-Origin", "*".to_owned())],
            Self::Origin(origin) => {
                let mut list = vec![("Vary", "Origin".to_owned())];
                list.extend(
                    origin.iter().map(|origin| ("Access-Control-Allow-Origin", origin.to_string())),
                );
                list.push(("Access-Control-Allow-Credentials", "true".to_owned()));
                list
            }
        }
    }

    /// Adds the headers to a response.
    pub(crate) fn apply(&self, mut response: Response) -> Response {
        for (name, value) in self.list() {
            // A value that HTTP does not allow cannot have come in a header.
            response = response.clone().header(name, value).unwrap_or(response);
        }
        response
    }
}
