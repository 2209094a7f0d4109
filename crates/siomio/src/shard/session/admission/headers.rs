//! What the answer to a request carries.

use siomio_engine::{Sid, Transport};
use siomio_http::{Head, Headers, Method, Response};

use super::Stop;
use crate::{Request, hooks::Hooks, shard::local::Local};

impl Local {
    /// What CORS adds to the answer to a request.
    ///
    /// # Errors
    /// The answer, if it is a preflight.
    pub(crate) fn apply_cors(&self, head: &Head<'_>) -> Result<Headers, Response> {
        let Some(cors) = &self.shared.config.cors else { return Ok(Headers::default()) };
        if head.method() == Method::Options && cors.answers_preflights() {
            let preflight = self.guard_hook("cors", || cors.preflight(head));
            return Err(preflight.unwrap_or_else(|| Response::new(500)));
        }
        Ok(self.guard_hook("cors", || cors.headers(head)).unwrap_or_default())
    }

    /// The cookie, and what the application adds. If that panics the answer is 500: one without what was to be there might be worse
    /// than none.
    pub(super) fn add_headers(
        &self,
        request: &Request<'_>,
        opening: Option<(&Sid, Transport)>,
        headers: &mut Headers,
    ) -> Result<(), Stop> {
        let hooks = self.tables().hooks.clone();
        let may_fail = !hooks.initial_headers.is_empty() || !hooks.headers.is_empty();
        let before = may_fail.then(|| headers.clone());
        let added = self.run_header_hooks(&hooks, request, opening, headers);
        if let (None, Some(before)) = (added, before) {
            *headers = before;
        }
        added.ok_or_else(|| Stop::Answered(Response::new(500)))
    }

    fn run_header_hooks(
        &self,
        hooks: &Hooks,
        request: &Request<'_>,
        opening: Option<(&Sid, Transport)>,
        headers: &mut Headers,
    ) -> Option<()> {
        if let Some((sid, transport)) = opening {
            let is_polling = transport == Transport::Polling;
            if let Some(cookie) = self.shared.config.cookie.as_ref().filter(|_| is_polling) {
                // Everything in it was checked or encoded.
                let _ = headers.append("Set-Cookie", cookie.header(sid.as_str()));
            }
            for hook in &hooks.initial_headers {
                self.guard_hook("on_initial_headers", || hook(headers, request))?;
            }
        }
        for hook in &hooks.headers {
            self.guard_hook("on_headers", || hook(headers, request))?;
        }
        Some(())
    }
}
