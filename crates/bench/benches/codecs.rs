//! Bytes to messages and back: WebSocket frames, UTF-8, payloads, packets.

#![allow(missing_docs, reason = "the harness makes functions of its own")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use siomio_bench::wire::{letters, masked, masked_text};
use siomio_engine::{Outgoing, payload::v4};
use siomio_packet::{Decoder, Kind, Limits, Payload};
use siomio_websocket::{OpCode, Reader, Role, mask, write_frame};

const SIZES: [usize; 4] = [16, 128, 1024, 65_536];

fn masking(c: &mut Criterion) {
    let mut group = c.benchmark_group("mask");
    for size in SIZES {
        let mut payload = vec![7; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bench| {
            bench.iter(|| mask::apply(black_box(&mut payload), [1, 2, 3, 4], 0));
        });
    }
}

fn frames(c: &mut Criterion) {
    let mut group = c.benchmark_group("frame");
    for size in SIZES {
        group.throughput(Throughput::Bytes(size as u64));
        let (text, binary) = (masked_text(&letters(size)), masked(OpCode::Binary, &vec![7; size]));
        for (name, frame) in [("text", &text), ("binary", &binary)] {
            group.bench_function(BenchmarkId::new(format!("decode {name}"), size), |bench| {
                let mut reader = Reader::new(Role::Server, siomio_websocket::Limits::default());
                let mut input = frame.clone();
                bench.iter(|| {
                    // It was unmasked in place.
                    input.copy_from_slice(frame);
                    black_box(reader.read(&mut input).expect("it is a frame").consumed)
                });
            });
        }
        // In pieces of 1000 bytes, as UTF-8 is checked and put together.
        group.bench_function(BenchmarkId::new("decode torn text", size), |bench| {
            let mut reader = Reader::new(Role::Server, siomio_websocket::Limits::default());
            let mut input = text.clone();
            bench.iter(|| {
                input.copy_from_slice(&text);
                for piece in input.chunks_mut(1000) {
                    black_box(reader.read(piece).expect("it is a frame"));
                }
            });
        });
        group.bench_function(BenchmarkId::new("encode", size), |bench| {
            let (payload, mut out) = (vec![7; size], Vec::new());
            bench.iter(|| {
                out.clear();
                write_frame(&mut out, OpCode::Binary, black_box(&payload), None);
            });
        });
    }
}

fn payloads(c: &mut Criterion) {
    let mut group = c.benchmark_group("payload");
    for count in [1, 10, 100] {
        let packets: Vec<_> = (0..count)
            .map(|_| Outgoing::Text(format!("2[\"x\",\"{}\"]", letters(64)).into()))
            .collect();
        let mut body = Vec::new();
        v4::encode(&mut body, &packets);
        group.bench_function(BenchmarkId::new("encode", count), |bench| {
            let mut out = Vec::new();
            bench.iter(|| {
                out.clear();
                v4::encode(&mut out, black_box(&packets));
            });
        });
        group.bench_function(BenchmarkId::new("decode", count), |bench| {
            let text = std::str::from_utf8(&body).expect("it is text");
            bench.iter(|| black_box(v4::decode(black_box(text)).count()));
        });
    }
}

fn packets(c: &mut Criterion) {
    let (mut group, limits) = (c.benchmark_group("packet"), Limits::default());
    for size in [16, 1024, 65_536] {
        group.throughput(Throughput::Bytes(size as u64));
        let text = format!("2[\"message\",\"{}\"]", letters(size));
        group.bench_function(BenchmarkId::new("decode", size), |bench| {
            let mut decoder = Decoder::new();
            bench.iter(|| {
                let packet = decoder.text(&limits, black_box(&text)).expect("it is a packet");
                black_box(packet.and_then(|packet| Some(packet.data.event()?.0.as_str().len())))
            });
        });
        group.bench_function(BenchmarkId::new("encode", size), |bench| {
            let (mut payload, mut out, text) = (Payload::new(), Vec::new(), letters(size));
            bench.iter(|| {
                payload.event("message-back", black_box(&text)).expect("it can be sent");
                out.clear();
                payload.encode(Kind::Event, "/", None, &mut out);
            });
        });
    }
}

criterion_group!(benches, masking, frames, payloads, packets);
criterion_main!(benches);
