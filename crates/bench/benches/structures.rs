//! What a shard keeps its books with: rooms, timers, mail.

#![allow(missing_docs, reason = "the harness makes functions of its own")]

use std::{hint::black_box, time::Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use siomio::shard::measured::{BenchMailbox, BenchWheel};
use siomio_hub::{Config, Hub, NamespaceId, Revision, Rooms, Selector, SocketKey};

/// A hub with so many sockets, each in so many rooms of its own choice out of `names`.
fn crowd(sockets: usize, names: usize, each: usize) -> (Hub, NamespaceId, Vec<SocketKey>) {
    let mut hub = Hub::new(Config::default(), Rooms::shared(7), 7);
    let namespace = hub.declare("/");
    let now = Instant::now();
    let mut keys = Vec::new();
    for number in 0..sockets {
        let client = hub.open_client(now, number as u64, Revision::V5);
        let id = format!("socket-{number}").into();
        let socket = hub.begin_connect(client, namespace, id).expect("it is new");
        for room in 0..each {
            hub.join(socket, &format!("room-{}", (number + room) % names));
        }
        hub.accept(now, socket, None);
        keys.push(socket);
    }
    (hub, namespace, keys)
}

fn rooms(c: &mut Criterion) {
    let mut group = c.benchmark_group("rooms");
    for (sockets, names) in [(100, 1), (1_000, 1), (10_000, 1), (10_000, 100), (10_000, 10_000)] {
        let (mut hub, namespace, keys) = crowd(sockets, names, 1);
        let what = format!("{sockets} in {names}");
        let room = Selector::all().room("room-0");
        group.throughput(Throughput::Elements((sockets / names) as u64));
        group.bench_function(BenchmarkId::new("select", &what), |bench| {
            let mut recipients = Vec::new();
            bench.iter(|| {
                recipients.clear();
                hub.select(namespace, black_box(&room), &mut recipients);
            });
        });
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("join and leave", &what), |bench| {
            bench.iter(|| {
                hub.join(keys[0], black_box("another"));
                hub.leave(keys[0], black_box("another"));
            });
        });
    }
    let (hub, namespace, _) = crowd(10_000, 10, 5);
    let five = (0..5).fold(Selector::all(), |to, n| to.room(format!("room-{n}")));
    group.throughput(Throughput::Elements(10_000));
    group.bench_function("select 10000 in 5 rooms each, from 5 of 10, once", |bench| {
        let mut recipients = Vec::new();
        bench.iter(|| {
            recipients.clear();
            hub.select(namespace, black_box(&five), &mut recipients);
        });
    });
}

fn wheel(c: &mut Criterion) {
    let mut group = c.benchmark_group("wheel");
    for count in [1_000, 10_000, 100_000] {
        group.bench_function(BenchmarkId::new("a tick, heartbeats", count), |bench| {
            let (mut wheel, mut due) =
                (BenchWheel::with_heartbeats(Instant::now(), count), Vec::new());
            bench.iter(|| black_box(wheel.pass(&mut due)));
        });
    }
}

fn mailbox(c: &mut Criterion) {
    let mut group = c.benchmark_group("mailbox");
    for count in [1, 10, 100] {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("post and take", count), |bench| {
            let mut mailbox = BenchMailbox::default();
            bench.iter(|| black_box(mailbox.round(count)));
        });
    }
}

criterion_group!(benches, rooms, wheel, mailbox);
criterion_main!(benches);
