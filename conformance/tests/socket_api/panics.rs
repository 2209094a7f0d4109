//! Code of the application that panics where nobody looks: it costs what it was for, and is told of.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use siomio::{
    Dropped, Sent, Socket,
    parser::{Data, DecodeError, Encoded, Kind, Limits, Packet, Parser, Wire},
};

use crate::{Tell, assert_alive, client, join, joined, served, served_with};

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("a bomb");
        }
    }
}

#[test]
fn values_that_panic_when_they_are_dropped_cost_no_shard() {
    served(
        |server, _: Tell<()>| {
            server.on("arm", |socket: &Socket| {
                let bomb = Bomb;
                let timer = socket.after(Duration::from_secs(1_000), move |_| drop(bomb));
                std::thread::spawn(|| timer.cancel());
            });
            server.on("listen", |socket: &Socket| {
                let bomb = Bomb;
                socket.on_any(move |_, _| {
                    let _ = &bomb;
                });
                socket.data().insert(Mutex::new(Bomb));
            });
        },
        |stage| {
            let mut witness = joined(stage.address);
            let mut victim = joined(stage.address);
            victim.send(&["42[\"arm\"]", "42[\"listen\"]"]);
            assert_alive(&mut victim);
            crate::eventually(|| stage.io.metrics().total.panics == 1);
            drop(victim);
            // All that belongs to a socket is dropped at once.
            crate::eventually(|| stage.io.metrics().total.panics == 2);
            assert_alive(&mut witness);
        },
    );
}

#[test]
fn a_panic_in_a_reply_is_told_of() {
    served(
        |server, tell: Tell<String>| {
            server.on("ask", |socket: &Socket| {
                let reply = socket.emit_with_ack("asked", (), Duration::from_secs(10));
                reply.on_reply(|_| panic!("no answer was wanted"));
            });
            server.on("run", |socket: &Socket| {
                let handle = socket.handle();
                std::thread::spawn(move || handle.run(|_| panic!("and runs no more")));
            });
            server.on_new_namespace(|namespace| panic!("{} is new", namespace.name()));
            server.of_pattern("/p-{n}");
            let run = tell.clone();
            server.on_error(move |_, error| run.say(error.to_string()));
            server
                .engine()
                .on_panic(move |panic| tell.say(format!("{}: {}", panic.hook(), panic.message())));
        },
        |stage| {
            let mut client = joined(stage.address);
            client.send(&["42[\"ask\"]"]);
            client.expect(&["420[\"asked\"]"]);
            client.send(&["430[]"]);
            stage.said.expect(["on_reply: no answer was wanted".to_owned()]);
            join(&mut client, "/p-1");
            stage.said.expect(["on_new_namespace: /p-1 is new".to_owned()]);
            assert_alive(&mut client);
            assert_eq!(stage.io.metrics().total.panics, 2);
            client.send(&["42[\"run\"]"]);
            client.expect(&["41"]);
            assert!(stage.said.next().contains("run"), "it has the name of what panicked");
            assert_eq!(stage.io.metrics().total.panics, 3);
        },
    );
}

/// Four words: kind, namespace, ack id or `-`, payload. It cannot do with the word `bomb`.
#[derive(Debug)]
struct Words;

impl Parser for Words {
    fn encode(&self, packet: &Packet<'_>) -> Encoded {
        let json = packet.data.json();
        assert!(!json.contains("bomb"), "it cannot write this");
        let id = packet.id.map_or("-".to_owned(), |id| id.to_string());
        Encoded::Text(format!("{} {} {id} {json}", packet.kind.number(), packet.namespace))
    }

    fn decode(&self, limits: &Limits, message: Wire<'_>) -> Result<Packet<'static>, DecodeError> {
        let Wire::Text(text) = message else { return Err(DecodeError::NoBinary) };
        assert!(!text.contains("bomb"), "it cannot read this");
        let words: Vec<&str> = text.splitn(4, ' ').collect();
        let [kind, namespace, id, json] = words[..] else { panic!("too few words") };
        let kind = kind.parse().ok().and_then(Kind::from_number).ok_or(DecodeError::InvalidType)?;
        let data = Data::new(limits, json.to_owned(), Vec::new())?;
        Packet::new(kind, namespace.to_owned(), id.parse().ok(), data)
    }
}

#[test]
fn a_parser_that_panics_costs_a_packet_or_its_client_and_no_shard() {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let seen = sent.clone();
    served_with(
        |builder| builder.parser(Words),
        |server, _: Tell<()>| {
            let seen = seen.clone();
            server.on("send", move |socket: &Socket, text: String| {
                seen.lock().unwrap().push(socket.emit("sent", text));
            });
            let seen = sent.clone();
            server.on("ask", move |socket: &Socket, text: String| {
                let seen = seen.clone();
                socket.emit_with_ack("asked", text, Duration::from_secs(1_000)).on_reply(
                    move |it| {
                        let error = it.expect_err("it was not sent");
                        let is_told = error == siomio::AckError::NotSent(Dropped::Parser);
                        assert!(is_told, "{error:?}");
                        seen.lock().unwrap().push(Sent::Dropped(Dropped::Parser));
                    },
                );
            });
            server.on("shout", |socket: &Socket, text: String| {
                socket.namespace().emit("shouted", text);
            });
        },
        |stage| {
            let enter = || {
                let mut client = client(stage.address);
                client.send(&["40 / - {}"]);
                assert!(client.next().starts_with("40 / - {\"sid\""));
                client
            };
            let (mut one, mut two) = (enter(), enter());
            one.send(&[
                "42 / - [\"send\",\"bo\\u006db\"]",
                "42 / - [\"ask\",\"bo\\u006db\"]",
                "42 / - [\"shout\",\"bo\\u006db\"]",
                "42 / - [\"shout\",\"peace\"]",
            ]);
            for client in [&mut one, &mut two] {
                client.expect(&["42 / - [\"shouted\",\"peace\"]"]);
            }
            let dropped = Sent::Dropped(Dropped::Parser);
            assert_eq!(std::mem::take(&mut *sent.lock().unwrap()), [dropped.clone(), dropped]);
            two.send(&["42 / - [\"bomb\"]"]);
            crate::assert_ended(two);
            one.send(&["42 / - [\"send\",\"peace\"]"]);
            one.expect(&["42 / - [\"sent\",\"peace\"]"]);
            sent.lock().unwrap().clear();
            assert!(stage.io.metrics().total.panics >= 4);
        },
    );
}
