//! Socket.IO at `/socket.io/`, with the events that protocol suites and clients ask for.
//!
//! With `$CLIENT_FILES`, a directory, it serves the official client from there as well.

use std::{env, io};

use siomio::ClientFiles;
use siomio_conformance::{addresses, builder, run, sio_conformance};

fn main() -> io::Result<()> {
    let mut builder = builder(300, 200, 1_000_000);
    if let Some(directory) = env::var_os("CLIENT_FILES") {
        builder = builder.client_files(ClientFiles::from_dir(directory)?);
    }
    run("sio_conformance", sio_conformance::server(builder).bind(&addresses(3000)[..])?)
}
