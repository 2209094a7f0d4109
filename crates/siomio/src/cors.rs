//! Cross-origin requests.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use siomio_http::{Head, Headers, InvalidHeader, Response};

/// Which pages of other origins may poll, and what they are told.
///
/// Without it, which is the default, no such headers are sent, and browsers keep pages of other origins away. That concerns
/// browsers only, and long-polling only: to keep strange pages away from a WebSocket as well, there is
/// [`allowed_origins`](crate::ServerBuilder::allowed_origins). A request from a page that is not allowed is served like any
/// other; its browser keeps the answer from the page.
///
/// The headers and their order are those of the npm package `cors`.
///
/// ```
/// use std::time::Duration;
/// use siomio::{Cors, Server};
///
/// let cors = Cors::origins(["https://example.com", "https://admin.example.com"])
///     .credentials(true)
///     .max_age(Duration::from_secs(600));
/// let server = Server::builder().cors(cors).build();
/// ```
#[derive(Clone, Debug)]
pub struct Cors {
    origin: Origin,
    credentials: bool,
    methods: Cow<'static, str>,
    allowed_headers: Option<String>,
    exposed_headers: Option<String>,
    max_age: Option<Duration>,
    success_status: u16,
    continue_preflight: bool,
}

#[derive(Clone)]
enum Origin {
    /// Whatever it is, it need not be named.
    Any,
    /// This one, whoever asks.
    Fixed(String),
    /// The one that asks, if it may.
    Reflected(Arc<dyn Fn(&str) -> bool + Send + Sync>),
}

impl Cors {
    /// All pages, but without cookies: `Access-Control-Allow-Origin: *`.
    pub fn any() -> Self {
        Self::new(Origin::Any)
    }

    /// All pages: each is named when it asks. With [`credentials`](Self::credentials), any page can act as its visitor.
    pub fn reflect() -> Self {
        Self::matching(|_| true)
    }

    /// The pages of one origin, which is named to whoever asks.
    ///
    /// # Panics
    /// When it holds a control character.
    pub fn origin(origin: impl Into<String>) -> Self {
        Self::new(Origin::Fixed(checked(origin.into())))
    }

    /// The pages of several origins: the one that asks is named, if it is one of these.
    pub fn origins<O: Into<String>>(origins: impl IntoIterator<Item = O>) -> Self {
        let origins: Vec<String> = origins.into_iter().map(Into::into).collect();
        Self::matching(move |asking| origins.iter().any(|origin| origin == asking))
    }

    /// The pages of the origins that a closure allows. It runs on the thread of the connection's shard.
    pub fn matching(allows: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self::new(Origin::Reflected(Arc::new(allows)))
    }

    const fn new(origin: Origin) -> Self {
        Self {
            origin,
            credentials: false,
            methods: Cow::Borrowed("GET,HEAD,PUT,PATCH,POST,DELETE"),
            allowed_headers: None,
            exposed_headers: None,
            max_age: None,
            success_status: 204,
            continue_preflight: false,
        }
    }

    /// Whether requests may carry cookies. Default `false`. Browsers do not accept it together with [`any`](Self::any).
    #[must_use]
    pub const fn credentials(mut self, allow: bool) -> Self {
        self.credentials = allow;
        self
    }

    /// The methods that a preflight is told. Default `GET,HEAD,PUT,PATCH,POST,DELETE`.
    ///
    /// # Panics
    /// When one holds a control character.
    #[must_use]
    pub fn methods<'a>(mut self, methods: impl IntoIterator<Item = &'a str>) -> Self {
        self.methods = joined(methods).into();
        self
    }

    /// The request headers that a preflight is told. Default: those it asks for.
    ///
    /// # Panics
    /// When one holds a control character.
    #[must_use]
    pub fn allowed_headers<'a>(mut self, headers: impl IntoIterator<Item = &'a str>) -> Self {
        self.allowed_headers = Some(joined(headers));
        self
    }

    /// The response headers that pages may read. Default: none but the harmless ones.
    ///
    /// # Panics
    /// When one holds a control character.
    #[must_use]
    pub fn exposed_headers<'a>(mut self, headers: impl IntoIterator<Item = &'a str>) -> Self {
        self.exposed_headers = Some(joined(headers));
        self
    }

    /// How long a browser may remember the answer to a preflight, in whole seconds. Default: not said.
    #[must_use]
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// The status of the answer to a preflight. Default 204; some old browsers want 200.
    ///
    /// # Panics
    /// When it is not one of success, 200 to 299.
    #[must_use]
    pub const fn success_status(mut self, status: u16) -> Self {
        assert!(status >= 200 && status < 300, "the status of success is 200 to 299");
        self.success_status = status;
        self
    }

    /// Whether preflights go on to the middlewares, one of which is to answer them. Default `false`.
    #[must_use]
    pub const fn continue_preflight(mut self, go_on: bool) -> Self {
        self.continue_preflight = go_on;
        self
    }

    pub(crate) const fn answers_preflights(&self) -> bool {
        !self.continue_preflight
    }

    /// What every response to a request says. Runs code of the application.
    pub(crate) fn headers(&self, head: &Head<'_>) -> Headers {
        let mut headers = Headers::default();
        // Nothing in here is refused: configured values were checked, and what came in a header can go in one.
        let _ = self.write_origin(head, &mut headers);
        let _ = self.write_exposed(&mut headers);
        headers
    }

    /// The answer to a preflight. Runs code of the application.
    pub(crate) fn preflight(&self, head: &Head<'_>) -> Response {
        let mut headers = Headers::default();
        let _ = self.write_preflight(head, &mut headers);
        let mut response = Response::new(self.success_status);
        response.merge_headers(&headers);
        if self.success_status == 204 {
            let _ = response.add_header("Content-Length", "0");
        }
        response
    }

    fn write_preflight(&self, head: &Head<'_>, headers: &mut Headers) -> Result<(), InvalidHeader> {
        self.write_origin(head, headers)?;
        headers.append("Access-Control-Allow-Methods", self.methods.clone())?;
        match (&self.allowed_headers, head.header("access-control-request-headers")) {
            (Some(allowed), _) => {
                headers.append("Access-Control-Allow-Headers", allowed.clone())?;
            }
            (None, wanted) => {
                headers.append("Vary", "Access-Control-Request-Headers")?;
                if let Some(wanted) = wanted {
                    headers.append("Access-Control-Allow-Headers", wanted.to_owned())?;
                }
            }
        }
        if let Some(age) = self.max_age {
            headers.append("Access-Control-Max-Age", age.as_secs().to_string())?;
        }
        self.write_exposed(headers)
    }

    fn write_origin(&self, head: &Head<'_>, headers: &mut Headers) -> Result<(), InvalidHeader> {
        const ALLOW: &str = "Access-Control-Allow-Origin";
        match &self.origin {
            Origin::Any => headers.append(ALLOW, "*")?,
            Origin::Fixed(origin) => {
                headers.append(ALLOW, origin.clone())?;
                headers.append("Vary", "Origin")?;
            }
            Origin::Reflected(allows) => {
                if let Some(origin) = head.header("origin").filter(|origin| allows(origin)) {
                    headers.append(ALLOW, origin.to_owned())?;
                }
                headers.append("Vary", "Origin")?;
            }
        }
        if self.credentials {
            headers.append("Access-Control-Allow-Credentials", "true")?;
        }
        Ok(())
    }

    fn write_exposed(&self, headers: &mut Headers) -> Result<(), InvalidHeader> {
        match &self.exposed_headers {
            Some(exposed) => headers.append("Access-Control-Expose-Headers", exposed.clone()),
            None => Ok(()),
        }
    }
}

fn joined<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    checked(parts.into_iter().collect::<Vec<_>>().join(","))
}

fn checked(value: String) -> String {
    assert!(!value.contains(char::is_control), "{value:?} cannot stand in a header");
    value
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("Any"),
            Self::Fixed(origin) => f.debug_tuple("Fixed").field(origin).finish(),
            Self::Reflected(_) => f.write_str("Reflected"),
        }
    }
}
