//! socketioxide on axum, on one thread.

use std::{env, io};

use rmpv::Value;
use socketioxide::{
    SocketIo,
    extract::{AckSender, Data, SocketRef},
};

fn main() -> io::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve())
}

async fn serve() -> io::Result<()> {
    let port: u16 = env::var("PORT").ok().and_then(|text| text.parse().ok()).unwrap_or(3000);
    let (layer, io) = SocketIo::new_layer();
    io.ns("/", async |socket: SocketRef| {
        socket.on("message", async |socket: SocketRef, Data::<Value>(data)| {
            let _ = socket.emit("message-back", &data);
        });
        socket.on("message-with-ack", async |Data::<Value>(data), ack: AckSender| {
            let _ = ack.send(&data);
        });
        socket.on("broadcast", async |io: SocketIo, Data::<Value>(data)| {
            let _ = io.emit("broadcasted", &data).await;
        });
    });
    let app = axum::Router::new().layer(layer);
    let listener = tokio::net::TcpListener::bind(("0.0.0.0", port)).await?;
    axum::serve(listener, app).await
}
