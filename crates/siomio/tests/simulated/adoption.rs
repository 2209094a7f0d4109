//! Connections that a shard is given together: each is looked at before the next.

use std::{
    cell::RefCell,
    io::{self, ErrorKind, Read, Write},
    rc::Rc,
};

use siomio::{
    Server,
    shard::{Adopted, Shard, Stream},
};
use siomio_testkit::sim::{Clock, Random, SimEnvironment};

/// A connection whose client has nothing to add, and has left or not.
#[derive(Clone, Default)]
struct Quiet {
    has_left: bool,
    answer: Rc<RefCell<Vec<u8>>>,
}

impl Read for Quiet {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        if self.has_left { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) }
    }
}

impl Write for Quiet {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.answer.borrow_mut().write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Quiet {
    fn shutdown_write(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_client_that_has_left_is_noticed_before_its_next_request() {
    let server = Server::builder().shards(1).build();
    let clock = Clock::new();
    let environment = SimEnvironment::new(clock.clone(), Random::new(1));
    let mut shard = Shard::new(&server.io(), 0, Box::new(environment));
    let polling = "/socket.io/?EIO=4&transport=polling";
    let give = |shard: &mut Shard<Quiet>, target: &str, has_left| {
        let stream = Quiet { has_left, ..Quiet::default() };
        let unread = format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n").into_bytes();
        let peer = ([127, 0, 0, 1], 1).into();
        shard.adopt(Adopted { stream: stream.clone(), peer, unread, since: clock.now() });
        stream.answer
    };
    shard.begin(clock.now());
    let open = give(&mut shard, polling, false);
    shard.end();
    let open = String::from_utf8(open.take()).expect("text");
    let sid = open.split('"').nth(3).expect("an id");
    let target = format!("{polling}&sid={sid}");

    shard.begin(clock.now());
    let first = give(&mut shard, &target, true);
    let second = give(&mut shard, &target, false);
    shard.end();
    assert_eq!(first.take(), b"", "nobody is there to be answered");
    let second = String::from_utf8(second.take()).expect("text");
    assert!(second.contains("Session ID unknown"), "not an overlap: {second}");
}
