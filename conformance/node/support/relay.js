'use strict';

const { once } = require('node:events');
const net = require('node:net');

/** Listens on a free port and passes every connection on to `port`; `connections()` is how many there were so far. */
async function startRelay(port) {
  const open = new Set();
  let count = 0;
  const server = net.createServer((near) => {
    count += 1;
    const far = net.connect(port, '127.0.0.1');
    for (const [from, to] of [[near, far], [far, near]]) {
      open.add(from);
      from.setNoDelay(true).on('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.on('error', () => from.destroy());
      from.pipe(to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: server.address().port,
    connections: () => count,
    async stop() {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, 'close');
    },
  };
}

module.exports = { startRelay };
