//! Whether a session may be opened.

use siomio_engine::{BadRequest, Refusal, Sid};
use siomio_http::{Head, Response};

use super::{Passage, Stage, Stop};
use crate::{
    Decision, Request,
    gate::Verdict,
    shard::{conn::ConnKey, local::Local},
    trace::log,
};

impl Local {
    /// Where a request comes from that is to open a session.
    pub(super) fn pass_entrance(
        &self,
        request: &Request<'_>,
        head: &Head<'_>,
        passage: &mut Passage,
    ) -> Result<(), Stop> {
        if matches!(passage.stage, Stage::Entrance) {
            if self.shared.config.origins.as_ref().is_some_and(|origins| !origins.allow(head)) {
                return Err(Stop::Refused(Refusal::Forbidden("origin not allowed".to_owned())));
            }
            self.hold_off(request).map_err(Stop::Answered)?;
            passage.stage = Stage::AllowRequest;
        }
        Ok(())
    }

    /// What the application thinks of it.
    pub(super) fn pass_allow_request(
        &self,
        conn: ConnKey,
        request: &Request<'_>,
        passage: &mut Passage,
    ) -> Result<(), Stop> {
        let Some(allow) = &self.shared.config.allow_request else { return Ok(()) };
        let question = |id| Decision::new(&self.shared, id);
        let ask = |decision| (allow.0)(request, decision);
        match self.ask(conn, passage, "allow_request", question, ask)? {
            Verdict::Refuse(refusal, _) => Err(Stop::Refused(refusal)),
            Verdict::Proceed(_) | Verdict::Answer(..) => Ok(()),
        }
    }

    /// Whether as many sessions, or WebSockets, were opened from where the request comes from as may be in a while.
    ///
    /// # Errors
    /// The answer then.
    pub(crate) fn hold_off(&self, request: &Request<'_>) -> Result<(), Response> {
        let peer = request.peer_addr().ip();
        let told = self.shared.config.client_ip.as_ref();
        let told = told.and_then(|tell| self.guard_hook("client_ip", || (tell.0)(request))?);
        let now = self.core.borrow().now;
        self.shared.addresses.handshake(told.unwrap_or(peer), now).map_err(|wait| {
            log!(DEBUG, "siomio::engine", "handshake held off", peer = request.peer_addr());
            let mut response = Response::new(429).text("too many handshakes");
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            // Digits are a header that HTTP allows.
            let _ = response.set_header("Retry-After", seconds.to_string());
            response
        })
    }

    /// An id for a new session: ours, or one that the application makes.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn make_id(&self, request: &Request<'_>) -> Result<Sid, Stop> {
        let Some(generate) = &self.shared.config.generate_id else {
            return Ok(self.core.borrow_mut().new_sid());
        };
        let id = self.guard_hook("generate_id", || (generate.0)(request));
        let id = id.unwrap_or_else(|| Err("generate_id panicked".to_owned()));
        let claim = |id: String| self.shared.claim_id(&id, self.index).map(|()| Sid::custom(&id));
        let refuse = |why| Stop::Refused(Refusal::BadRequest(BadRequest::IdGeneration(why)));
        id.and_then(claim).map_err(refuse)
    }
}
