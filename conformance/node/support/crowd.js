'use strict';

// Many clients at once on one server, that came in every way there is.

const assert = require('node:assert/strict');

const { assertNumbered, bytes } = require('./socket-io');

const COUNT = 60;
// Fifteen ways to come in and four rooms have no common divisor: in every room there is somebody of every way.
const ROOMS = 4;

/** Sixty clients: echoes for each, then what each sends to its room, then a broadcast. */
async function crowd(t, ways) {
  const clients = Array.from({ length: COUNT }, (_, i) => ways[i % ways.length].client(t));
  await Promise.all(clients.map(echoes));

  clients.forEach(({ socket }, i) => {
    for (let n = 0; n < 3; n += 1) socket.emit('to-room', room(i), i, n, bytes(i));
  });
  const expected = (COUNT / ROOMS - 1) * 3;
  await Promise.all(clients.map(async ({ inbox }, i) => {
    const received = await inbox('room-back').takeAll(expected);
    for (const sender of others(i)) {
      const from = received.filter(([of]) => of === sender);
      assert.deepEqual(from, [0, 1, 2].map((n) => [sender, n, bytes(sender)]), `client ${i}, from ${sender}`);
    }
  }));

  clients[0].socket.emit('broadcast', 'to all', { in: [bytes(300)] });
  clients[0].socket.emit('broadcast', 'marker');
  await Promise.all(clients.map(async ({ inbox }) => {
    assert.deepEqual(await inbox('broadcast-back').takeAll(2), [['to all', { in: [bytes(300)] }], ['marker']]);
    assert.equal(inbox('room-back').all.length, expected);
  }));
}

/** Numbers back and forth, and then the client is in its room. */
async function echoes({ socket, inbox }, i) {
  assert.deepEqual(await inbox('auth').take(), [{}]);
  for (let n = 0; n < 20; n += 1) socket.emit('message', n, `of ${i}`);
  socket.emit('join', room(i));
  socket.emit('message', 20, 'joined');
  const back = await inbox('message-back').takeAll(21);
  assertNumbered(back);
  assert.ok(back.slice(0, 20).every(([, of]) => of === `of ${i}`));
}

const room = (i) => `room ${i % ROOMS}`;

const others = (i) => Array.from({ length: COUNT }, (_, k) => k).filter((k) => k !== i && room(k) === room(i));

module.exports = { crowd };
