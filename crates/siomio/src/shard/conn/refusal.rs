//! What HTTP itself answers, before anybody looks at paths.

use siomio_engine::RequestId;
use siomio_http::{Head, Headers, Method, Response, ResponseContext};

use crate::shard::{
    conn::{Conn, ConnKey, Patience, Reading, Waiting},
    core::Core,
};

impl Core {
    /// Answers a request that is for no page and no session. Returns whether it was one.
    pub(crate) fn answer_at_once(&mut self, conn: ConnKey, head: &Head<'_>) -> bool {
        let response = match head.method() {
            _ if head.expects_more() => Response::new(417),
            // We are no proxy. What a client sends behind this is no HTTP.
            Method::Other("CONNECT") => Response::new(501),
            // Asks for the server as a whole; all it can learn is that we are here.
            Method::Options if head.path() == "*" => Response::new(204),
            _ => return false,
        };
        let request = self.take_request(conn, head, None, Headers::default());
        if response.status() == 501 {
            self.end_after(conn, request.sequence);
        }
        self.respond(request, response);
        true
    }

    /// What comes on a connection cannot be read, or does not come in time: says so, in its turn behind the answers to
    /// earlier requests, and ends the connection. Nothing that follows is looked at.
    pub(crate) fn refuse_connection(&mut self, conn: ConnKey, response: Response) {
        let Some(http) = self.conns.get_mut(conn).and_then(Conn::http_mut) else { return };
        http.body = Reading::Nothing;
        http.held = None;
        let passage = http.passage.take();
        http.patience = Patience::Unlimited;
        let number = http.incoming.number.take().unwrap_or_else(|| {
            let number = http.pipeline.open_last().number();
            let context = ResponseContext::default();
            let headers = passage.map(|passage| passage.into_headers()).unwrap_or_default();
            http.waiting.push_back(Waiting { number, context, headers, session: None });
            number
        });
        // If that request has its answer there is nothing more to say.
        http.pipeline.close();
        if http.pipeline.is_empty() {
            return self.linger(conn);
        }
        let session = self.end_after(conn, number);
        let request = RequestId { connection: conn.to_bits(), sequence: number };
        self.respond(request, response);
        self.abandon(session.map(|session| (session, request)).into_iter().collect());
    }

    /// The answer to a request will be the last on its connection. Returns the session that would have given it.
    fn end_after(&mut self, conn: ConnKey, number: u64) -> Option<crate::shard::SessionKey> {
        let http = self.conns.get_mut(conn)?.http_mut()?;
        let waiting = http.waiting.iter_mut().find(|waiting| waiting.number == number)?;
        waiting.context.keep_alive = false;
        waiting.session.take()
    }
}
