//! Plain HTTP beside Socket.IO, on the same port.

use std::{borrow::Cow, fmt, net::SocketAddr, sync::Arc, thread};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use siomio_engine::RequestId;
use siomio_http::{Head, InvalidHeader, Method, Response};

use crate::{mailbox::Mail, shared::Shared};

/// A request: one for a page or a POST of a session, with its whole body; or, for those who decide about it, one whose body
/// has not been read.
///
/// ```
/// # let server = siomio::Server::new();
/// use siomio::Method;
///
/// #[derive(serde::Deserialize)]
/// struct Order { item: String }
///
/// server.http(|request, response| match (request.method(), request.path()) {
///     (Method::Get, "/search") => response.text(request.query("q").unwrap_or_default().into_owned()),
///     (Method::Post, "/order") => match request.json() {
///         Ok(Order { item }) => response.text(format!("one {item}")),
///         Err(error) => response.status(400).text(error.to_string()),
///     },
///     _ => response.not_found(),
/// });
/// ```
#[derive(Debug)]
pub struct Request<'r> {
    head: &'r Head<'r>,
    body: &'r [u8],
    peer: SocketAddr,
}

impl<'r> Request<'r> {
    pub(crate) const fn new(head: &'r Head<'r>, body: &'r [u8], peer: SocketAddr) -> Self {
        Self { head, body, peer }
    }

    /// The method. The answer to a `HEAD` is that of the `GET`; its body is counted and left out.
    pub fn method(&self) -> Method<'_> {
        self.head.method()
    }

    /// The request target as it was sent: path and query.
    pub fn url(&self) -> &str {
        self.head.target()
    }

    /// The path, without the query and as it was sent: not decoded.
    pub fn path(&self) -> &str {
        self.head.path()
    }

    /// A query parameter, decoded; of several with this name the last.
    pub fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        self.head.query_param(name)
    }

    /// A header by its name, whatever its case; `None` if it is absent or not UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// All headers, in the order they came.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.head.headers()
    }

    /// The body.
    pub const fn body(&self) -> &[u8] {
        self.body
    }

    /// The body as text, invalid parts replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.body)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is not JSON, or does not fit the type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(self.body)
    }

    /// The address of the peer: the client, or the proxy in front of us.
    pub const fn peer_addr(&self) -> SocketAddr {
        self.peer
    }
}

/// Answers a [`Request`], at once or later, from any thread. Dropped without an answer it says 404.
///
/// ```
/// # let server = siomio::Server::new();
/// use siomio::Method;
///
/// let io = server.io();
/// server.http(move |request, response| match (request.method(), request.path()) {
///     (Method::Get, "/") => response.html("<h1>hello</h1>"),
///     (Method::Post, "/announce") => {
///         io.emit("announcement", request.text());
///         response.status(202).text("told everybody");
///     }
///     _ => response.not_found(),
/// });
/// ```
pub struct Responder {
    shared: Arc<Shared>,
    shard: u8,
    request: RequestId,
    /// `None` once it is answered.
    response: Option<Response>,
    /// A header that HTTP does not allow: the answer will be that.
    mistake: Option<InvalidHeader>,
}

impl Responder {
    pub(crate) fn new(shared: Arc<Shared>, shard: u8, request: RequestId) -> Self {
        Self { shared, shard, request, response: Some(Response::new(200)), mistake: None }
    }

    /// Sets the status, 200 to 999; it is 200 without, and 500 for what is none or no last word. Call it first: headers
    /// already set are forgotten.
    #[must_use = "a responder answers when a body is given, or `empty` is called"]
    pub fn status(mut self, status: u16) -> Self {
        // With an interim response the client would go on waiting.
        self.response = Some(Response::new(if status < 200 { 500 } else { status }));
        self
    }

    /// Adds a header. One that HTTP does not allow (a line break in its value, say) makes the answer a 500 that names it.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.http(|_, response| response.status(301).header("Location", "/new").empty());
    /// ```
    #[must_use = "a responder answers when a body is given, or `empty` is called"]
    pub fn header(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        if let Some(Err(error)) =
            self.response.as_mut().map(|response| response.add_header(name, value))
        {
            self.mistake.get_or_insert(error);
        }
        self
    }

    /// Answers with a page.
    pub fn html(self, body: impl Into<Bytes>) {
        self.finish(|response| response.html(body));
    }

    /// Answers with text.
    pub fn text(self, body: impl Into<Bytes>) {
        self.finish(|response| response.text(body));
    }

    /// Answers with JSON. What cannot be serialised makes the answer a 500.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.http(|_, response| response.json(&["one", "two"]));
    /// ```
    pub fn json<T: Serialize + ?Sized>(self, body: &T) {
        match serde_json::to_vec(body) {
            Ok(body) => self.finish(|response| response.json(body)),
            Err(error) => self.status(500).text(error.to_string()),
        }
    }

    /// Answers with a body of some other type.
    pub fn body(self, content_type: impl Into<Cow<'static, str>>, body: impl Into<Bytes>) {
        self.header("Content-Type", content_type).finish(|response| response.body(body));
    }

    /// Answers without a body.
    pub fn empty(self) {
        self.finish(|response| response);
    }

    /// Answers 404.
    pub fn not_found(self) {
        self.status(404).text("Not Found");
    }

    /// Answers that this is only to be had over another protocol (RFC 9110, section 15.5.22).
    pub(crate) fn upgrade_required(self, protocol: &'static str) {
        self.status(426).header("Upgrade", protocol).text("Upgrade Required");
    }

    fn finish(mut self, body: impl FnOnce(Response) -> Response) {
        let Some(response) = self.response.take() else { return };
        let response = match self.mistake.take() {
            None => body(response),
            Some(mistake) => Response::new(500).text(mistake.to_string()),
        };
        self.send(response);
    }

    fn send(&self, response: Response) {
        self.shared.send(self.shard, Mail::Respond { request: self.request, response });
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if self.response.take().is_some() {
            self.send(Response::new(if thread::panicking() { 500 } else { 404 }));
        }
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responder").field("request", &self.request).finish_non_exhaustive()
    }
}
