//! Hooks of the application, whose panics end nothing.

use super::local::Local;
use crate::hooks::HookPanic;

impl Local {
    /// Runs a hook of the application; if it panics, tells those who want to know.
    pub(crate) fn guard_hook<R>(&self, hook: &'static str, run: impl FnOnce() -> R) -> Option<R> {
        let message = match self.call(hook, run) {
            Ok(result) => return Some(result),
            Err(message) => message,
        };
        self.hook_panicked(hook, message);
        None
    }

    /// Tells of a panic that belongs to no socket.
    #[cold]
    pub(crate) fn hook_panicked(&self, hook: &'static str, message: String) {
        let panic = HookPanic { hook, message };
        for report in &self.tables().hooks.panic {
            drop(self.call("on_panic", || report(&panic)));
        }
    }
}
