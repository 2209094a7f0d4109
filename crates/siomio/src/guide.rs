//! The programs in the documents of the repository: each is compiled, and those that come to an end are run.

macro_rules! documents {
    ($($name:ident $file:literal)*) => {$(
        #[doc = include_str!(concat!("../../../", $file))]
        struct $name;
    )*};
}

documents! {
    Readme "README.md"
    FromJavaScript "docs/from-javascript.md"
    Guide "docs/guide/README.md"
    FirstServer "docs/guide/01-first-server.md"
    Events "docs/guide/02-events.md"
    Acknowledgements "docs/guide/03-acknowledgements.md"
    Rooms "docs/guide/04-rooms.md"
    Namespaces "docs/guide/05-namespaces.md"
    Middlewares "docs/guide/06-middlewares.md"
    State "docs/guide/07-state-and-timers.md"
    Threads "docs/guide/08-threads.md"
    Http "docs/guide/09-http.md"
    Recovery "docs/guide/10-recovery.md"
    Limits "docs/guide/11-limits.md"
    Cluster "docs/guide/12-several-servers.md"
    Production "docs/guide/13-production.md"
    Errors "docs/guide/14-errors.md"
}
