//! Frames: what goes through, and with which code the rest is refused.

use siomio::ServerBuilder;
use siomio_testkit::ws::{Got, Ws};
use siomio_websocket::OpCode;

use crate::{WEBSOCKET, echo, echo_with, open, open_ws};

/// A frame of a client, masked with zeros: the payload stands there as it is.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..126 => bytes.push(0x80 | length as u8),
        length @ 126..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(payload);
    bytes
}

#[test]
fn messages_come_back_byte_for_byte() {
    echo(|address| {
        let mut ws = open_ws(address);
        for (sent, got) in [
            (frame(0x81, b"4hello"), &b"\x81\x064hello"[..]),
            (frame(0x82, &[1, 2, 3, 4]), &[0x82, 4, 1, 2, 3, 4]),
            (frame(0x81, b"4"), b"\x81\x014"),
            (frame(0x82, b""), &[0x82, 0]),
            (frame(0x81, "4€😀".as_bytes()), b"\x81\x084\xe2\x82\xac\xf0\x9f\x98\x80"),
            // Binary in the clothes of text is binary.
            (frame(0x81, b"bAQID"), &[0x82, 3, 1, 2, 3]),
            (frame(0x81, b"b"), &[0x82, 0]),
            // The first byte of a binary message has no meaning, nor has the separator of payloads.
            (frame(0x82, b"2\x1e1"), b"\x82\x032\x1e1"),
            (frame(0x81, b"4a\x1e4b"), b"\x81\x054a\x1e4b"),
            (frame(0x89, b"ping"), b"\x8a\x04ping"),
        ] {
            ws.raw(&sent);
            assert_eq!(ws.take_raw(got.len()), got, "{sent:x?}");
        }
    });
}

#[test]
fn packets_without_meaning_do_no_harm() {
    echo(|address| {
        let mut ws = open_ws(address);
        ws.send_all(["0", "0{\"sid\":\"x\"}", "3", "3probe", "5", "6", "6x", "4x"]);
        assert_eq!(ws.text(), "4x");
    });
}

#[test]
fn what_is_no_packet_closes() {
    echo(|address| {
        for packet in ["", "abc", "7", "9x", " 4x", "\u{1e}4a", "é"] {
            let mut ws = open_ws(address);
            ws.send_all(["4before", packet, "4after"]);
            assert_eq!(ws.text(), "4before", "{packet:?}");
            ws.expect_close(None);
        }
    });
}

#[test]
fn sizes_around_the_lengths_of_lengths() {
    echo(|address| {
        let mut ws = open_ws(address);
        for size in [0, 1, 124, 125, 126, 127, 65_534, 65_535, 65_536, 65_537, 1_000_000] {
            let data: Vec<u8> = (0..size).map(|n: u32| n as u8).collect();
            ws.send_binary(&data);
            assert!(ws.next() == Got::Binary(data), "{size} bytes were damaged");
            if size > 0 {
                let text = format!("4{}", "x".repeat(size as usize - 1));
                ws.send(&text);
                assert!(ws.next() == Got::Text(text), "{size} letters were damaged");
            }
        }
    });
}

#[test]
fn messages_may_be_torn_into_fragments_with_pings_between_them() {
    echo(|address| {
        let mut ws = open_ws(address);
        ws.raw(&frame(0x01, b"4h\xe2"));
        ws.raw(&frame(0x89, b"1"));
        ws.raw(&frame(0x00, b"\x82"));
        ws.raw(&frame(0x00, b""));
        ws.raw(&frame(0x80, b"\xac!"));
        assert_eq!(ws.next(), Got::Pong(b"1".to_vec()));
        assert_eq!(ws.text(), "4h€!");
        ws.raw(&[frame(0x02, &[1]), frame(0x00, &[2]), frame(0x80, &[3])].concat());
        assert_eq!(ws.next(), Got::Binary(vec![1, 2, 3]));
    });
}

#[test]
fn frames_may_be_torn_anywhere() {
    echo(|address| {
        let mut ws = open_ws(address);
        let text = "4€😀".repeat(50);
        for byte in frame(0x81, text.as_bytes()) {
            ws.raw(&[byte]);
        }
        assert_eq!(ws.text(), text);
    });
}

#[test]
fn those_who_cannot_take_binary_get_base64() {
    echo(|address| {
        let mut ws = Ws::connect(address, &format!("{WEBSOCKET}&b64=1"));
        assert!(ws.text().starts_with("0{"));
        ws.send_binary(&[1, 2]);
        assert_eq!(ws.text(), "bAQI=");
        ws.send("bAQID");
        assert_eq!(ws.text(), "bAQID");
        ws.send("4x");
        assert_eq!(ws.text(), "4x");
    });
}

fn at_most_100(builder: ServerBuilder) -> ServerBuilder {
    builder.max_payload(100)
}

#[test]
fn what_is_too_large_is_refused_with_1009_and_no_words() {
    echo_with(at_most_100, |address| {
        let too_many: [(&str, Vec<u8>); 5] = [
            ("text", frame(0x81, &[b'4'; 101])),
            ("binary", frame(0x82, &[0; 101])),
            ("announced", frame(0x82, &[0; 70_000])[..20].to_vec()),
            ("fragments", [frame(0x02, &[0; 60]), frame(0x80, &[0; 41])].concat()),
            ("many fragments", [frame(0x02, &[0; 90]), frame(0x00, &[0; 6]).repeat(2)].concat()),
        ];
        for (name, bytes) in too_many {
            let mut ws = open_ws(address);
            ws.raw(&bytes);
            assert_eq!(ws.take_raw(4), [0x88, 0x02, 0x03, 0xf1], "{name}");
            assert_eq!(ws.next(), Got::End);
        }
        let mut ws = open_ws(address);
        let all = format!("4{}", "x".repeat(99));
        ws.send(&all);
        assert_eq!(ws.text(), all, "100 bytes are fine");
        ws.raw(&[frame(0x02, &[7; 60]), frame(0x80, &[7; 40])].concat());
        assert_eq!(ws.next(), Got::Binary(vec![7; 100]), "in pieces, too");
    });
}

#[test]
fn text_that_is_not_utf8_is_refused_with_1007() {
    echo(|address| {
        for bytes in [
            frame(0x81, b"4\xff"),
            frame(0x81, b"4\xc0\xaf"),
            frame(0x81, b"4\xed\xa0\x80"),
            frame(0x81, b"4\xf0\x9f\x98"),
            [frame(0x01, b"4\xe2"), frame(0x80, b"\x28")].concat(),
        ] {
            let mut ws = open_ws(address);
            ws.raw(&bytes);
            assert_eq!(ws.take_raw(4), [0x88, 0x02, 0x03, 0xef], "{bytes:x?}");
            assert_eq!(ws.next(), Got::End);
        }
    });
}

#[test]
fn what_breaks_the_rules_of_framing_is_refused_with_1002() {
    echo(|address| {
        for bytes in [
            b"\x81\x024x".to_vec(), // not masked
            frame(0xc1, b"4x"),     // reserved bits
            frame(0xa1, b"4x"),
            frame(0x91, b"4x"),
            frame(0x83, b"4x"), // opcodes without meaning
            frame(0x8b, b""),
            frame(0x80, b"4x"), // goes on with nothing
            [frame(0x01, b"4x"), frame(0x81, b"4y")].concat(), // begins in the middle
            frame(0x09, b""),   // control frames in fragments
            frame(0x89, &[0; 126]), // and too long
            frame(0x88, &[3]),  // half a code
            frame(0x88, &[0x03, 0xed]), // codes that may not be sent
            frame(0x88, &[0x03, 0xe7]),
        ] {
            let mut ws = open_ws(address);
            ws.raw(&bytes);
            assert_eq!(ws.take_raw(4), [0x88, 0x02, 0x03, 0xea], "{bytes:x?}");
            assert_eq!(ws.next(), Got::End);
        }
    });
}

#[test]
fn what_came_before_a_broken_frame_is_still_answered() {
    echo(|address| {
        let mut ws = open_ws(address);
        ws.raw(&[frame(0x81, b"4x"), frame(0xc1, b"4y"), frame(0x81, b"4z")].concat());
        assert_eq!(ws.text(), "4x");
        assert_eq!(ws.next(), Got::Close(Some(1002)));
        assert_eq!(ws.next(), Got::End);
    });
}

#[test]
fn the_same_rules_hold_on_a_websocket_that_only_probes() {
    echo(|address| {
        let session = open(address);
        for (bytes, code) in [(frame(0xc1, b"2probe"), 1002), (frame(0x81, b"\xff"), 1007)] {
            let mut ws = session.channel();
            ws.raw(&bytes);
            assert_eq!(ws.next(), Got::Close(Some(code)));
            assert_eq!(ws.next(), Got::End);
            crate::assert_echoes(&session);
        }
        let mut ws = session.channel();
        ws.frame(OpCode::Ping, b"x");
        assert_eq!(ws.next(), Got::Pong(b"x".to_vec()));
    });
}

#[test]
fn a_flood_of_messages_comes_back_in_order() {
    echo(|address| {
        let mut ws = open_ws(address);
        let mut sender = ws.sender();
        let sending = std::thread::spawn(move || {
            for start in (0..5000).step_by(250) {
                sender.send_all((start..start + 250).map(|n| format!("4{n}")));
            }
        });
        for n in 0..5000 {
            assert_eq!(ws.text(), format!("4{n}"));
        }
        sending.join().expect("a sender that ends well");
    });
}
