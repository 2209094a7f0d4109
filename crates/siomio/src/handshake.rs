//! What is known of how a client came.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    rc::Rc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Serialize, Serializer, de::DeserializeOwned, ser::SerializeStruct};
use siomio_engine::{Protocol, Query};
use siomio_http::Head;
use siomio_packet::Value;

/// The request that opened a session; kept as it came, and read on demand.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) head: Head<'static>,
    pub(crate) peer: SocketAddr,
    /// Since the Unix epoch.
    pub(crate) issued: Duration,
}

/// How a socket came: the first request of its session, and what its client sent along to the namespace.
///
/// ```
/// # let server = siomio::Server::new();
/// server.on_connect(|socket| {
///     let handshake = socket.handshake();
///     println!("{:?} {:?}", handshake.header("cookie"), handshake.query("token"));
///     println!("{} {:?}", handshake.peer_addr(), handshake.issued());
///     // The object that `socket.handshake` is in JavaScript.
///     socket.emit("handshake", handshake);
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Handshake {
    opening: Rc<Opening>,
    auth: Option<Rc<str>>,
}

/// As the object that JavaScript has: `headers`, `time`, `address`, `xdomain`, `secure`, `issued`, `url`, `query`, `auth`. Headers that
/// are not UTF-8 are left out; of several with one name all are there, separated by commas.
impl Serialize for Handshake {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut headers = BTreeMap::<String, String>::new();
        for (name, value) in self.headers() {
            let Ok(value) = std::str::from_utf8(value) else { continue };
            headers
                .entry(name.to_ascii_lowercase())
                .and_modify(|all| {
                    all.push_str(", ");
                    all.push_str(value);
                })
                .or_insert_with(|| value.to_owned());
        }
        let query: BTreeMap<_, _> = self.query_pairs().collect();
        let issued = self.opening.issued;
        let mut object = serializer.serialize_struct("Handshake", 9)?;
        object.serialize_field("headers", &headers)?;
        object.serialize_field("time", &siomio_http::http_date(issued.as_secs()))?;
        object.serialize_field("address", &self.peer_addr().ip())?;
        object.serialize_field("xdomain", &self.is_cross_domain())?;
        object.serialize_field("secure", &self.secure())?;
        object.serialize_field("issued", &(issued.as_millis() as u64))?;
        object.serialize_field("url", self.url())?;
        object.serialize_field("query", &query)?;
        match serde_json::from_str::<Value>(self.auth_json()) {
            Ok(auth) => object.serialize_field("auth", &auth)?,
            Err(_) => object.serialize_field("auth", &())?,
        }
        object.end()
    }
}

impl Handshake {
    pub(crate) const fn new(opening: Rc<Opening>, auth: Option<Rc<str>>) -> Self {
        Self { opening, auth }
    }

    /// A request header by its name, whatever its case; `None` if it is absent or not UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.opening.head.header(name)
    }

    /// All request headers, in the order they came.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.opening.head.headers()
    }

    /// A query parameter, decoded; of several with this name the last.
    pub fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        self.opening.head.query_param(name)
    }

    /// All query parameters, decoded, the protocol's own included.
    pub fn query_pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        self.opening.head.query_pairs()
    }

    /// The revision of Engine.IO that the client speaks.
    pub fn protocol(&self) -> Protocol {
        Query::from_pairs(self.query_pairs()).protocol
    }

    /// The request target: path and query.
    pub fn url(&self) -> &str {
        self.opening.head.target()
    }

    /// The address of the peer of the connection: the client, or the proxy in front of us.
    pub fn peer_addr(&self) -> SocketAddr {
        self.opening.peer
    }

    /// The client as the nearest proxy names it: the last address in the last `X-Forwarded-For` header.
    ///
    /// Anybody can send this header. Believe it only if every request passes a proxy of yours that sets it.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// server.on_connect(|socket| {
    ///     let handshake = socket.handshake();
    ///     let client = handshake.forwarded_for().unwrap_or(handshake.peer_addr().ip());
    ///     println!("{client}");
    /// });
    /// ```
    pub fn forwarded_for(&self) -> Option<IpAddr> {
        let mut lines =
            self.headers().filter(|(name, _)| name.eq_ignore_ascii_case("x-forwarded-for"));
        let line = std::str::from_utf8(lines.by_ref().last()?.1).ok()?;
        line.rsplit(',').next()?.trim().parse().ok()
    }

    /// When the session was opened.
    pub fn issued(&self) -> SystemTime {
        UNIX_EPOCH + self.opening.issued
    }

    /// Whether the connection is encrypted up to this server.
    pub const fn secure(&self) -> bool {
        false
    }

    /// Whether the request names an origin: from a page of another origin it does, and over WebSocket from any page.
    pub fn is_cross_domain(&self) -> bool {
        self.opening.head.header_bytes("origin").is_some()
    }

    /// What the client sent along to the namespace, read as a type of yours; nothing counts as the empty object.
    ///
    /// # Errors
    /// When it does not fit the type.
    ///
    /// ```
    /// # let server = siomio::Server::new();
    /// #[derive(serde::Deserialize)]
    /// struct Auth { user: Option<String> }
    ///
    /// server.on_connect(|socket| match socket.handshake().auth() {
    ///     Ok(Auth { user: Some(user) }) => println!("{user} is here"),
    ///     Ok(Auth { user: None }) => println!("somebody is here"),
    ///     Err(error) => println!("{error}"),
    /// });
    /// ```
    pub fn auth<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.auth_json())
    }

    /// What the client sent along to the namespace, as JSON: an object.
    pub fn auth_json(&self) -> &str {
        self.auth.as_deref().unwrap_or("{}")
    }
}
