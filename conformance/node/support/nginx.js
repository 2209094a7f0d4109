'use strict';

// A real nginx in front of a server under test, set up as one sets it up for WebSocket, with connections to the server kept alive.
//
// NGINX   the executable; default: `nginx` where Debian's package puts it

const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');

const { Child, onFreePort } = require('./processes');
const { until } = require('./wait');

const EXECUTABLE = process.env.NGINX || '/usr/sbin/nginx';
const KINDS_OF_TEMPORARY_FILES = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/**
 * Starts nginx in front of the server on that port, and resolves `{ url, requests(), stop() }` once it listens; `requests()` is
 * how many it has finished. A machine without nginx fails the test.
 */
async function startNginx(upstreamPort) {
  if (!fs.existsSync(EXECUTABLE)) {
    const error = new Error(`${EXECUTABLE} is missing: install the package nginx, or name your nginx in NGINX`);
    throw Object.assign(error, { code: 'ENOENT' });
  }
  return onFreePort((port) => launch(port, upstreamPort));
}

async function launch(port, upstreamPort) {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'siomio-nginx-'));
  const file = path.join(home, 'nginx.conf');
  fs.writeFileSync(file, configuration(home, port, upstreamPort));
  const child = new Child(`nginx on port ${port}`, EXECUTABLE, ['-p', home, '-e', 'stderr', '-c', file]);
  const removeHome = () => fs.rmSync(home, { recursive: true, force: true });
  try {
    await child.started(until(() => accepts(port), () => 'nginx listens'));
  } catch (error) {
    removeHome();
    throw error;
  }
  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => fs.readFileSync(path.join(home, 'access.log'), 'utf8').split('\n').length - 1,
    stop: () => child.stop().finally(removeHome),
  };
}

// One process, so that none is left behind; the rest is what one writes for a server like this.
const configuration = (home, port, upstreamPort) => `
daemon off;
master_process off;
worker_processes 1;
pid ${home}/nginx.pid;
error_log stderr warn;

events {
  worker_connections 1024;
}

http {
  access_log ${home}/access.log;
  ${KINDS_OF_TEMPORARY_FILES.map((kind) => `${kind}_temp_path ${home}/${kind};`).join('\n  ')}
  client_max_body_size 2m;

  map $http_upgrade $connection_upgrade {
    default upgrade;
    '' '';
  }

  upstream siomio {
    server 127.0.0.1:${upstreamPort};
    keepalive 16;
  }

  server {
    listen 127.0.0.1:${port};

    location / {
      proxy_pass http://siomio;
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
    }
  }
}
`;

function accepts(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

module.exports = { startNginx };
