// The reference server.
import { Server } from "socket.io";

const io = new Server(Number(process.env.PORT ?? 3000));
io.on("connection", (socket) => {
  socket.on("message", (value) => socket.emit("message-back", value));
  socket.on("message-with-ack", (value, ack) => ack(value));
  socket.on("broadcast", (value) => io.emit("broadcasted", value));
});
