//! The client's files: below our path, and answered before the engine sees the request.

use siomio_http::{Head, Headers};

use crate::shard::{conn::ConnKey, local::Local};

impl Local {
    /// Answers a request for a file, with the CORS headers and without asking anybody. Returns whether it was one.
    ///
    /// It needs no session, so this can be any shard, whatever the query says.
    pub(crate) fn serve_client_file(&self, conn: ConnKey, head: &Head<'_>) -> bool {
        let config = &self.shared.config;
        // Who wants a WebSocket is the engine's, whatever comes behind its path.
        let files = config.client_files.as_ref().filter(|_| !head.is_upgrade());
        let answer = || files?.answer(config.below_path(head.path())?, head);
        let Some(file) = answer() else { return false };
        let (response, headers) = match self.apply_cors(head) {
            Ok(headers) => (file, headers),
            Err(preflight) => (preflight, Headers::default()),
        };
        self.core.borrow_mut().answer(conn, head, response, headers);
        true
    }
}
