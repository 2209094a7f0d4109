'use strict';

const { DEADLINE_MS } = require('./wait');

/** Whether the server at that address knows no such session. Asks with a method that no session serves, so as to disturb none. */
async function isUnknown(address, revision, id) {
  const url = `${address}?EIO=${revision}&transport=polling&sid=${id}`;
  const response = await fetch(url, { method: 'PUT', signal: AbortSignal.timeout(DEADLINE_MS) });
  const body = await response.text();
  return response.status === 400 && body === '{"code":1,"message":"Session ID unknown"}';
}

module.exports = { isUnknown };
