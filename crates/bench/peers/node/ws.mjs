// Plain WebSockets: every message goes back as it came.
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ port: Number(process.env.PORT ?? 3000) });
server.on("connection", (socket) => {
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});
