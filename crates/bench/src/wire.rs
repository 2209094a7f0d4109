//! The bytes that clients send and servers are to answer.

use siomio_websocket::{OpCode, write_frame};

const MASK: [u8; 4] = [0x5a, 0xc3, 0x17, 0x88];

/// A text frame of a client.
pub fn masked_text(text: &str) -> Vec<u8> {
    masked(OpCode::Text, text.as_bytes())
}

/// A frame of a client.
pub fn masked(opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    write_frame(&mut frame, opcode, payload, Some(MASK));
    frame
}

/// A frame of a server.
pub fn plain(opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    write_frame(&mut frame, opcode, payload, None);
    frame
}

/// So many letters.
pub fn letters(count: usize) -> String {
    (0..count).map(|n| char::from(b'a' + (n % 26) as u8)).collect()
}

/// What is sent again and again, and what comes back for each.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// As the client sends it.
    pub request: Vec<u8>,
    /// As the server sends it.
    pub reply: Vec<u8>,
}

impl Exchange {
    /// Two packets in text frames.
    pub fn text(request: &str, reply: &str) -> Self {
        let reply = plain(OpCode::Text, reply.as_bytes());
        Self { request: masked_text(request), reply }
    }

    /// An event with a text, and the event that comes back.
    pub fn echo(size: usize) -> Self {
        let text = letters(size);
        Self::text(
            &format!("42[\"message\",\"{text}\"]"),
            &format!("42[\"message-back\",\"{text}\"]"),
        )
    }

    /// An event with an object that has so long a text, and the event that comes back.
    pub fn object(size: usize) -> Self {
        let object = format!("{{\"user\":\"Ada\",\"number\":1815,\"text\":\"{}\"}}", letters(size));
        let packet = |event| format!("42[\"{event}\",{object}]");
        Self::text(&packet("message"), &packet("message-back"))
    }

    /// An event with an attachment, and the event that comes back.
    pub fn binary(size: usize) -> Self {
        let data: Vec<u8> = (0..size).map(|n| n as u8).collect();
        let packet = |event| format!("451-[\"{event}\",{{\"_placeholder\":true,\"num\":0}}]");
        let mut exchange = Self::text(&packet("message"), &packet("message-back"));
        exchange.request.extend(masked(OpCode::Binary, &data));
        exchange.reply.extend(plain(OpCode::Binary, &data));
        exchange
    }

    /// An event that is acknowledged with its argument.
    pub fn ack(size: usize) -> Self {
        let text = letters(size);
        Self::text(&format!("427[\"message-with-ack\",\"{text}\"]"), &format!("437[\"{text}\"]"))
    }

    /// An event that everybody gets.
    pub fn broadcast(size: usize) -> Self {
        let text = letters(size);
        Self::text(
            &format!("42[\"broadcast\",\"{text}\"]"),
            &format!("42[\"broadcasted\",\"{text}\"]"),
        )
    }

    /// A message of plain WebSocket that comes back as it is.
    pub fn raw(size: usize) -> Self {
        let data: Vec<u8> = (0..size).map(|n| n as u8).collect();
        Self { request: masked(OpCode::Binary, &data), reply: plain(OpCode::Binary, &data) }
    }
}
