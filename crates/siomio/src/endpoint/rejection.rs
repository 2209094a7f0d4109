use siomio_http::Response;

/// An answer to a request for a WebSocket in place of 101.
///
/// ```
/// # let server = siomio::Server::new();
/// use siomio::Rejection;
///
/// server.websocket("/feed").verify(|request| match request.query("key") {
///     Some(_) => Ok(()),
///     None => Err(Rejection::new(401, "no key")),
/// });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    status: u16,
    text: String,
}

impl Rejection {
    /// A refusal with an HTTP status and a body of plain text. A status outside 400 to 599 becomes 403.
    pub fn new(status: u16, text: impl Into<String>) -> Self {
        let status = if (400..=599).contains(&status) { status } else { 403 };
        Self { status, text: text.into() }
    }

    pub(crate) fn into_response(self) -> Response {
        Response::new(self.status).text(self.text)
    }
}
